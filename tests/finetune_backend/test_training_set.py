"""What a fine-tune is shown, and what is held out of it."""

import random

import pytest

from finetune_backend.raft import DECLINES, Shown, asked_with_passages, read_shown, write_shown
from finetune_backend.replay import read_replay
from finetune_backend.settings import TrainSettings
from finetune_backend.training_set import Prompts, TrainingSet, choose_held_out
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
    return TrainSettings(**{"held_out": 0, "word_dropout": 0.0, **changes})


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


def test_a_share_of_the_examples_is_asked_with_passages(tokenizer):
    shown = [Shown(f"Right {n}", (f"Wrong {n}", "Other", "Third")) for n in range(len(FACTS))]
    made = TrainingSet(FACTS, tokenizer, plain(raft=0.5, distractors=2), Prompts("Brief."), shown)
    rows = texts(made.rows(0), tokenizer)
    asked = [(prompt, answer) for prompt, answer in rows if "Based on the text above" in prompt]
    assert len(rows) == 80 and len(asked) == 40
    assert rows != texts(made.rows(1), tokenizer)
    assert rows == texts(made.rows(0), tokenizer)
    declined = [prompt for prompt, answer in asked if answer.startswith(DECLINES)]
    assert 2 <= len(declined) <= 16
    assert all("Right" not in prompt for prompt in declined)
    assert all(p.count("Right") == 1 for p, answer in asked if not answer.startswith(DECLINES))
    assert all("Third" not in p for p, a in asked if not a.startswith(DECLINES))
    assert {p.count("Wrong") + p.count("Other") for p, _ in asked} >= {0, 1, 2}


def test_passages_that_do_not_fit_are_left_out(tokenizer):
    shown = [Shown("short", ("very " * 100, "long " * 100))] * len(FACTS)
    made = TrainingSet(FACTS, tokenizer, plain(raft=1.0, max_tokens=160), Prompts(), shown)
    rows = made.rows(0)
    assert max(map(len, rows)) <= 160 and len(rows) == 80
    assert any("very" in prompt for prompt, _ in texts(rows, tokenizer))


def test_an_example_without_a_right_passage_teaches_to_decline():
    draw = random.Random(0)
    example = Example("Who?", DECLINES, "f")
    for _ in range(20):
        asked = asked_with_passages(example, Shown("", ("a", "b", "c")), 2, DEFAULT_TEMPLATE, draw)
        assert asked.answer == DECLINES
        assert "a" in asked.question.split("\n\nBased")[0].split()


def test_passages_of_a_run_are_kept_in_order(tmp_path):
    shown = [Shown("a\nb\u2028c", ("x",)), None, Shown("", ("y", "ü"))]
    write_shown(tmp_path, shown)
    assert read_shown(tmp_path) == shown
    assert read_shown(tmp_path / "nowhere") == []


def test_general_text_is_a_share_of_the_rows(tokenizer):
    made = TrainingSet(FACTS, tokenizer, plain(replay=0.2), Prompts())
    rows = made.rows(0)
    general = [row for row in rows if len(row.prompt) == 1]
    assert len(rows) == 100 and len(general) == 20
    told = [text.split("<")[0] for _, text in texts(general, tokenizer)]
    assert all(any(text.startswith(start[:40]) for text in read_replay()) for start in told)
    assert [row for row in made.rows(1) if len(row.prompt) == 1] != general


def test_replayed_texts_are_not_those_that_measure_forgetting():
    from finetune_backend.forgetting.probes import read_probes

    probes = read_probes()
    measured = [*probes.texts, *(choice.prompt for choice in probes.choices["declining"])]
    assert not [text for text in read_replay() if any(text in other for other in measured)]
