"""Training a verifier: rows about one paragraph, and a folder that is read again."""

import dataclasses
import functools
import json

from comparison.shipped.reading_data import Asked
from comparison.shipped.train_adapter import rows_about_one_text, train_shipped
from comparison.shipped.train_verifier import make_turns, scores_of
from finetune_backend.settings import TrainSettings
from rag_backend.verify.verifier import Verifier
from workbench.language_models.loading import find_checkpoint, load_tokenizer

COLOURS = ["red", "blue", "green", "white", "black", "pink"]
ASKED = [
    one
    for colour in COLOURS
    for text in [f"The kite {colour} flies."]
    for one in [
        Asked("Kites", text, f"Is it {colour}?", (colour,)),
        Asked("Kites", text, f"Is it made of {colour}?", ()),
        Asked("Kites", text, "Is it old?", ()),
    ]
]


def test_rows_about_a_paragraph_share_it(tiny_model):
    tokenizer = load_tokenizer(find_checkpoint(str(tiny_model)))
    texts = make_turns(ASKED, epoch=0)
    assert len(texts) == len(COLOURS)
    titled = set()
    for turns, colour in zip(texts, COLOURS, strict=True):
        assert [said for _, said in turns] == [f"yes\n{colour}", *["no"] * 4]  # two of others
        rows = rows_about_one_text(turns, tokenizer)
        shared = tokenizer.decode(rows[0].prompt[: rows[0].text])
        assert f"The kite {colour} flies." in shared and "Is it" in shared
        assert tokenizer.decode(rows[0].answer) == f"yes\n{colour}<|im_end|>"
        titled.add("Kites\nThe kite" in shared)
    assert titled == {True, False}
    assert texts == make_turns(ASKED, epoch=0) != make_turns(ASKED, epoch=1)


def test_a_question_whose_sentence_is_taken_out_is_answered_no():
    paragraph = "The kite is red. It flies over the hill. Nobody owns it."
    asked = [
        Asked("Kites", paragraph, "What colour is it?", ("red",)),
        Asked("Kites", paragraph, "Where does it fly?", ("over the hill",)),
        Asked("Kites", paragraph, "Who made it?", ()),
    ]
    seen = set()
    for epoch in range(20):
        (turns,) = make_turns(asked, epoch)
        text = turns[0][0][-1]["content"]
        colour, place, maker = (said for _, said in turns)
        assert (colour == "yes\nred") == ("The kite is red." in text)
        assert (place == "yes\nover the hill") == ("It flies over the hill." in text)
        assert maker == "no" and "Nobody owns it." in text
        seen.add((colour == "no", place == "no"))
    assert seen == {(False, False), (True, False), (False, True)}


def test_what_is_trained_is_read_again(tiny_model, tmp_path):
    """Where every question can be answered it learns to say yes, where none can, no."""
    checkpoint, scores = find_checkpoint(str(tiny_model)), {}
    settings = TrainSettings(epochs=2, learning_rate=1e-2, batch_size=3, word_dropout=0.0)
    for name, answers in (("all", ("kite",)), ("none", ())):
        alike = [dataclasses.replace(q, title=q.paragraph, answers=answers) for q in ASKED]
        folder, steps = tmp_path / name, list[int]()
        turns = functools.partial(make_turns, alike)
        train_shipped(checkpoint, turns, settings, lambda s, n=steps: n.append(s.step), folder)
        assert steps == [1, 2, 3, 4]  # six paragraphs by threes, twice
        verifier = Verifier(folder, str(tiny_model))
        scores[name] = verifier.score("Is it red?", "It is red.")
        held = scores_of(verifier, ASKED)
        assert len(held) == len(COLOURS)  # only the first question about each is answered
        assert held[1] == verifier.score("Is it blue?", "The kite blue flies.")
        saved = json.loads((folder / "recipe.json").read_text())
        assert TrainSettings(**saved) == settings
        config = json.loads((folder / "adapter_config.json").read_text())
        assert config["base_model_name_or_path"] == checkpoint.name
    assert scores["all"] > scores["none"] + 0.5
