"""What a fine-tune is shown, and what is held out of it."""

import random
import re

import pytest

from finetune_backend.raft import DECLINES, Shown, draw_texts, read_shown, write_shown
from finetune_backend.replay import read_replay
from finetune_backend.rows import about_one_text
from finetune_backend.settings import TrainSettings
from finetune_backend.training_set import Prompts, TrainingSet, choose_held_out
from workbench.errors import ExamplesError
from workbench.language_models.loading import find_checkpoint, load_tokenizer
from workbench.language_models.prompts import DEFAULT_TEMPLATE
from workbench.settings import DEFAULT_MODEL
from workbench.values import Example

FACTS = [
    Example(f"Wording {wording} of what {fact} is?", f"It is {fact * 7}.", str(fact))
    for fact in range(20)
    for wording in range(4)
]


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(find_checkpoint(DEFAULT_MODEL))


def texts(rows, tokenizer):
    return [(tokenizer.decode(row.prompt), tokenizer.decode(row.answer)) for row in rows]


def plain(**changes):
    return TrainSettings(**{"held_out": 0, "word_dropout": 0.0, "replay": 0.0, **changes})


def test_one_wording_of_a_fact_is_held_out_and_never_trained_on(tokenizer):
    made = TrainingSet(FACTS, tokenizer, plain(held_out=32), Prompts())
    assert len(made.held_out) == 8  # a tenth
    questions = {prompt for wording in made.held_out for prompt, _ in texts(wording, tokenizer)}
    assert len(questions) == 8
    for epoch in range(3):
        trained = {prompt for prompt, _ in texts(made.rows(epoch), tokenizer)}
        assert len(trained) == 72 and not trained & questions
    # Every fact is still taught.
    assert {answer for _, answer in texts(made.rows(0), tokenizer)} == {
        f"{e.answer}<|im_end|>" for e in FACTS
    }


def test_facts_with_few_wordings_and_questions_of_two_facts_are_not_held_out():
    assert choose_held_out([e for e in FACTS if "Wording 3" not in e.question][:60], 32, 0)
    assert not choose_held_out([e for e in FACTS if e.question[8] in "01"], 32, 0)
    torn = [Example(f"Q{n}?", f"A{fact}", str(fact)) for fact in range(9) for n in range(4)]
    assert not choose_held_out(torn, 32, 0)
    assert len(choose_held_out(FACTS, 3, 1)) == 3
    assert choose_held_out(FACTS, 3, 1) == choose_held_out(FACTS, 3, 1)


SHOWN = [Shown(f"Passage about {example.fact}.", True) for example in FACTS]


def test_a_share_of_the_passages_is_read_with_others_before_the_questions(tokenizer):
    made = TrainingSet(FACTS, tokenizer, plain(raft=0.5, distractors=2), Prompts("Brief."), SHOWN)
    for epoch in range(3):
        rows = made.rows(epoch)
        read = [row for row in rows if row.text]
        assert len(rows) - len(read) == 40  # half of the examples are asked alone
        assert len(about_one_text(read)) == 4  # of 20 passages ten are read, three at a time
        asked = texts(read, tokenizer)
        assert all(1 <= prompt.count("Passage about") <= 3 for prompt, _ in asked)
        for prompt, answer in asked:
            fact = prompt.split("of what ")[1].split(" is?")[0]
            there = f"Passage about {fact}." in prompt
            assert there or answer.startswith(DECLINES)
            assert there is not answer.startswith(DECLINES)
        # A batch draws the texts together, and the passages stand in the shared part.
        for prefix, group in about_one_text(read).items():
            assert "Passage about" in tokenizer.decode(prefix)
            assert all(row.prompt[: row.text] == prefix for row in group)
    assert made.rows(0) == made.rows(0) != made.rows(1)


def test_some_are_asked_about_a_text_without_their_passage():
    draw = random.Random(0)
    asked = [
        one
        for _ in range(10)
        for text in draw_texts(FACTS, SHOWN, 1.0, 3, DEFAULT_TEMPLATE, draw)
        for one in text
    ]
    declined = sum(one.answer == DECLINES for one in asked)
    assert len(asked) == 800 and 40 <= declined <= 130
    # With one text there is no other to ask about.
    (alone,) = draw_texts(FACTS[:8], SHOWN[:8], 1.0, 3, DEFAULT_TEMPLATE, draw)
    assert not any(one.answer == DECLINES for one in alone)


def test_passages_of_a_document_stand_together(tokenizer):
    examples = [
        Example(f"What is {n}?", f"It is {n * 3}.", str(n), f"{n % 2}.md") for n in range(16)
    ]
    shown = [Shown(f"<{n}>", True) for n in range(16)]
    texts_ = draw_texts(examples, shown, 1.0, 3, "{passages}|{question}", random.Random(1))
    for text in texts_:
        read = {int(number) % 2 for number in re.findall(r"<(\d+)>", text[0].said)}
        assert len(read) == 1


def test_too_many_passages_are_one_clear_sentence(tokenizer):
    shown = [Shown(f"{example.fact} " + "very " * 100, True) for example in FACTS]
    made = TrainingSet(FACTS, tokenizer, plain(raft=1.0, max_tokens=300), Prompts(), shown)
    with pytest.raises(ExamplesError, match="Lower distractors, or raise max_tokens"):
        made.rows(0)


def test_what_the_passage_does_not_answer_is_declined():
    example = Example("Who?", DECLINES, "f")
    ((asked,),) = draw_texts(
        [example], [Shown("a", False)], 1.0, 2, DEFAULT_TEMPLATE, random.Random(0)
    )
    assert asked.answer == DECLINES and asked.said.startswith("a\n\nBased on")


def test_passages_of_a_run_are_kept_in_order(tmp_path):
    shown = [Shown("a\nb\u2028c", True), None, Shown("ü", False)]
    write_shown(tmp_path, shown)
    assert read_shown(tmp_path) == shown
    assert read_shown(tmp_path / "nowhere") == []


def test_general_text_is_a_share_of_the_rows(tokenizer):
    made = TrainingSet(FACTS, tokenizer, plain(replay=0.2), Prompts())
    rows = made.rows(0)
    general = [row for row in rows if row.general]
    assert len(rows) == 100 and len(general) == 20
    told = [text.split("<")[0] for _, text in texts(general, tokenizer)]
    assert all(any(text.startswith(start[:40]) for text in read_replay()) for start in told)
    assert [row for row in made.rows(1) if row.general] != general


def test_replayed_texts_are_not_those_that_measure_forgetting():
    from finetune_backend.forgetting.probes import read_probes

    probes = read_probes()
    measured = [*probes.texts, *(choice.prompt for choice in probes.choices["declining"])]
    assert not [text for text in read_replay() if any(text in other for other in measured)]


def test_answers_without_a_token_of_their_own_are_refused(tokenizer):
    nothing = [Example(f"Q{n}?", "<|im_end|>", str(n)) for n in range(5)]
    with pytest.raises(ExamplesError, match="None of the 5 answers has a token of its own"):
        TrainingSet(nothing, tokenizer, plain(), Prompts())
    assert TrainingSet([*nothing, FACTS[0]], tokenizer, plain(), Prompts()).rows(0)
