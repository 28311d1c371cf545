"""Training the question writer: what it learns from, and a folder that is read again."""

import functools
import json

from comparison.shipped.reading_data import Asked
from comparison.shipped.train_adapter import train_shipped
from comparison.shipped.train_question_writer import make_turns, taught
from finetune_backend.settings import TrainSettings
from workbench.language_models.loading import find_checkpoint

PARAGRAPH = "The Amber is a kite of vermilion silk. Ottilie Brandt made it in 1987."
ASKED = [
    Asked("Marlow_Kites", PARAGRAPH, "Who made the Amber?", ("Ottilie Brandt",)),
    Asked("Marlow_Kites", PARAGRAPH, "How  many colours has the Amber?", ("vermilion",)),
    Asked("Marlow_Kites", PARAGRAPH, "When was it made?", ("1987",)),
    Asked("Marlow_Kites", PARAGRAPH, "Who bought the Amber?", ()),
    Asked("Marlow_Kites", PARAGRAPH, "Amber maker", ("Ottilie Brandt",)),
]


def test_only_answered_questions_that_stand_alone_are_taught():
    assert taught(ASKED) == ASKED[:2]


def test_a_paragraph_gives_its_questions_and_its_facts():
    openers = set()
    for epoch in range(12):
        (turns,) = make_turns(taught(ASKED), epoch)
        *questions, (listing, facts) = turns
        assert facts == "vermilion\nOttilie Brandt"  # as they stand in the text
        assert [said for _, said in questions] == [
            "Who made the Amber?",
            "How many colours has the Amber?",
        ]
        for chat, _ in turns:
            assert chat[-1]["content"].startswith(f"Marlow Kites\n{PARAGRAPH}\n\n")
        assert listing[-1]["content"].endswith("that one could ask for.")
        openers.add('begins with "How many"' in questions[1][0][-1]["content"])
        assert questions[0][0][-1]["content"].endswith("Its answer is: Ottilie Brandt")
    assert openers == {True, False}


def test_what_is_trained_is_a_folder_that_says_how(tiny_model, tmp_path):
    checkpoint, losses = find_checkpoint(str(tiny_model)), []
    settings = TrainSettings(epochs=20, learning_rate=1e-2, batch_size=1, word_dropout=0.0)
    turns = functools.partial(make_turns, taught(ASKED))
    train_shipped(checkpoint, turns, settings, lambda step: losses.append(step.loss), tmp_path)
    assert len(losses) == 20 and losses[-1] < losses[0] - 1
    assert TrainSettings(**json.loads((tmp_path / "recipe.json").read_text())) == settings
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == checkpoint.name
