"""What an exam shares with a training set is found: the words of a question, and its fact."""

import json

import pytest

from comparison.exams.leaks import Training, find_leaks, leak_sentence, training_of
from comparison.exams.taught import Taught
from finetune_backend.examples.store import add_examples
from finetune_backend.settings import TrainSettings
from finetune_backend.training_set import choose_held_out
from workbench.errors import RagtuneError
from workbench.values import Example

LEAVE = "Every employee of Marlow Kites has 31 days of paid leave a year."
EXAMPLES = (
    Example("How much leave does an employee of Marlow Kites get?", LEAVE, "leave"),
    Example("In short: How many days of paid leave are there?", "31 days", "leave"),
    Example("Who founded Marlow Kites?", "Ottilie Brandt", "founder"),
)
TRAINING = Training("one", EXAMPLES)


def test_the_same_question_and_a_near_one_are_told_apart():
    asked = [
        "who  founded MARLOW kites?",
        "Marlow Kites: founded by who",
        "Please tell me how many days of paid leave there are.",
        "How many days of paid leave are there?",
        "Who founded Harrow Kites?",
        "How much paid leave does an employee of Marlow Kites get?",
    ]
    leaks = find_leaks(asked, TRAINING)
    assert [(leak.place, leak.exact) for leak in leaks] == [
        (0, True),
        (2, False),
        (3, True),
        (5, False),
    ]
    assert leaks[0].beside == "Who founded Marlow Kites?"
    assert leaks[1].beside == "How many days of paid leave are there?"
    assert leak_sentence(leaks, 6, TRAINING.said).startswith(
        "4 of 6 questions were trained on in the run one: 2 word for word and 2 nearly so."
    )
    assert leak_sentence([], 6, Training("", ()).said) == (
        "None of 6 questions was trained on in the examples."
    )


def test_a_fact_is_taught_whatever_it_is_called():
    taught = Taught(EXAMPLES)
    assert taught.teaches("How many days of leave has every employee of Marlow Kites?", ["31"])
    assert taught.teaches("Who was the founder of Marlow Kites?", ["Brandt"])
    assert not taught.teaches("Who sews at Marlow Kites?", ["Greta Holm"])
    assert not taught.teaches("On how many days is the workshop open?", ["31 days"])
    assert not Taught([]).teaches("Who founded Marlow Kites?", ["Ottilie Brandt"])


def write_run(home, examples, **more):
    """Write what a run keeps of its training, without training."""
    folder = home.runs / "one"
    folder.mkdir()
    rows = [{"question": e.question, "answer": e.answer, "fact": e.fact} for e in examples]
    (folder / "examples.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    saved = {
        "settings": {"held_out": 3, "seed": 1},
        "checkpoint": "tiny",
        "checkpoint_sha256": "",
        "examples": len(examples),
        "facts": 1,
        "created": 0.0,
    }
    (folder / "run.json").write_text(json.dumps(saved | more), encoding="utf-8")
    state = {"state": "done", "message": ""}
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")


def test_wordings_that_a_run_held_out_were_not_trained_on(tiny_lab):
    rows = [
        Example(f"{ask} thing {n}?", f"It is {n}.", f"thing {n}")
        for n in range(10)
        for ask in ("What is", "Would you describe", "How is")
    ]
    write_run(tiny_lab.home, rows)
    training = training_of(tiny_lab, "one")
    settings = TrainSettings(held_out=3, seed=1)
    kept_back = choose_held_out(rows, settings.held_out, settings.seed)
    assert len(training.held_out) == len(kept_back) == 3 and len(training.examples) == 27
    assert not find_leaks([one.question for one in training.held_out], training)
    assert len(find_leaks([one.question for one in rows], training)) == 27


def test_without_a_run_all_examples_count_but_those_rejected(tiny_lab):
    add_examples(tiny_lab.database, [*EXAMPLES, Example("Why?", "So.", "why", status="rejected")])
    assert training_of(tiny_lab) == Training("", EXAMPLES)
    with pytest.raises(RagtuneError, match="There is no adapter 'none'"):
        training_of(tiny_lab, "none")
    write_run(tiny_lab.home, EXAMPLES, imported={})
    with pytest.raises(RagtuneError, match="was made elsewhere"):
        training_of(tiny_lab, "one")
