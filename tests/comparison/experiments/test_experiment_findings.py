"""What experiments find in their rows: numbers by hand, and the sentences made from them."""

import pytest

from comparison.exam import ExamQuestion
from comparison.experiments import context, hybrid, quality, staleness
from comparison.experiments.asking import spread
from comparison.experiments.experiment import as_saved, result_from
from comparison.experiments.facts import Fact
from comparison.experiments.intervals import (
    mean_interval,
    points,
    said_points,
    said_share,
    wilson,
)
from comparison.experiments.listed import experiments, find_experiment
from comparison.experiments.report import ROWS, Report
from workbench.errors import RagtuneError
from workbench.values import Block


def row(method, number, outcome, stage="", **more):
    read = {"read_false": True, "read_old": False, "read_true": True, "seconds": 2.0}
    return {"stage": stage, "number": number, "method": method, "outcome": outcome} | read | more


def rows(method, outcomes, stage="", **more):
    return [row(method, n, outcome, stage, **more) for n, outcome in enumerate(outcomes)]


def test_intervals_by_hand():
    # Wilson's formula: (p + z²/2n ± z·sqrt(p(1−p)/n + z²/4n²)) / (1 + z²/n)
    assert wilson(24, 30) == pytest.approx((0.6269, 0.9049), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
    assert mean_interval([1, 1, 1]) == (1.0, 1.0)
    # Of 100 draws of a fair coin, 95 % give 40 to 60 heads.
    assert mean_interval([0, 1] * 50) == pytest.approx((0.4, 0.6), abs=0.011)
    assert mean_interval([0, 1] * 50) == mean_interval([1, 0] * 50)


def test_numbers_are_said_as_a_person_reads_them():
    assert said_share(24, 30, "questions") == "24 of 30 questions (80 %, 63–90 %)"
    assert said_share(0, 0) == "0 of 0"
    assert said_points(-0.2, -0.334, 0.001) == "−20 points (−33 to 0)"
    assert [points(value) for value in (0.1, -0.001, -0.07)] == ["+10", "0", "−7"]


def test_all_experiments_are_listed_once_and_found():
    keys = [experiment.key for experiment in experiments()]
    assert keys == ["context", "staleness", "quality", "hybrid"]
    assert find_experiment("quality") is quality.EXPERIMENT
    with pytest.raises(RagtuneError, match="context, staleness, quality, hybrid"):
        find_experiment("nothing")
    with pytest.raises(RagtuneError, match="questions is 2; a whole number from 3 to 1000"):
        context.Options(questions=2)


def test_spreading_takes_the_same_ones_evenly():
    assert spread(range(10), 5) == [0, 2, 4, 6, 8]
    assert spread(range(3), 10) == [0, 1, 2]
    assert spread([], 3) == []


def test_context_says_who_follows_the_passage_and_who_knows_better():
    made = [
        *rows("base", ["other"] * 4),
        *rows("rag", ["false", "false", "false", "declines"]),
        *rows("finetuned", ["true", "true", "other", "other"]),
        *rows("hybrid", ["false", "true", "false", "other"]),
    ]
    made[4 + 3]["read_false"] = False
    result = context.found(made, ["A note."], ())
    assert result.caption == (
        "RAG follows the false passage in 3 of 4 questions (75 %, 30–95 %); hybrid follows the "
        "false passage in 2 of 4 questions (50 %, 15–85 %); fine-tuned, which reads no passage, "
        "gives the true answer from its weights in 2 of 4 (50 %, 15–85 %). Where the weights know "
        "the true answer and the passage says another one, hybrid follows the passage in 1 of 2 "
        "(50 %, 9–91 %) and its weights in 1 of 2 (50 %, 9–91 %)."
    )
    assert result.notes[0].startswith("RAG was given the false passage to read for 3 of 4 ")
    assert result.notes[1:] == ("A note.",)
    follows = [one for one in result.table if one["answer"] == "follows the passage"]
    assert {one["method"]: one["count"] for one in follows} == {
        "base": 0,
        "RAG": 3,
        "fine-tuned": 0,
        "hybrid": 2,
    }
    for figure in result.figures:
        drawn = {figure.group, figure.value, figure.colour, figure.low, figure.high}
        assert drawn <= set(result.table[0])
    assert result_from(as_saved(result)) == result


def test_staleness_tells_seconds_and_what_remains():
    made = [
        *rows("finetuned", ["true", "true", "other"], "before"),
        *rows("rag", ["true"] * 3, "before"),
        *rows("rag", ["false", "false", "true"], "edited"),
        *rows("rag", ["declines", "declines", "true"], "deleted", read_old=True),
    ]
    made[6]["seconds"] = 1.0
    result = staleness.found(made, [], (), 203.4)
    assert result.caption == (
        "RAG is right again in 2 of 3 facts (67 %, 21–94 %), 1.5 s after the edit; fine-tuned "
        "gives the old answer in 2 of 3 (67 %, 21–94 %): only another run helps, which took 203 s "
        "the last time. Once it is deleted, a fact is still told: RAG in 1 of 3 (33 %, 6–79 %), "
        "fine-tuned in 2 of 3 (67 %, 21–94 %)."
    )
    assert any("still read the deleted answer" in note for note in result.notes)
    assert {one["case"] for one in result.table} == {
        "RAG, edited",
        "RAG, deleted",
        "fine-tuned, edited",
        "fine-tuned, deleted",
    }
    unknown = staleness.found(made, [], (), None)
    assert "only another run helps. Once" in unknown.caption
    assert any("is not known" in note for note in unknown.notes)


FACTS = [
    Fact(ExamQuestion("Q1?", ("31 days",)), ("14 days",), (("31 days", "14 days"),), ("a.md",)),
    Fact(ExamQuestion("Q2?", ("amber",)), ("blue",), (("amber", "blue"),), ("a.md",)),
]
BLOCKS = {"a.md": [Block("31 days."), Block("It is amber."), Block("No.")], "b.md": [Block("B.")]}


def test_quality_adds_in_steps_and_touches_only_what_holds_answers():
    steps = quality.make_steps(BLOCKS, FACTS, quality.KINDS)
    added = {step.name: step.added for step in steps}
    assert added["as they are"] == {}
    assert [len(added[f"{n} unrelated paragraphs"]["encyclopedia"]) for n in (50, 200)] == [50, 200]
    assert list(added["3 more of each"]) == ["copy 1/a.md", "copy 2/a.md", "copy 3/a.md"]
    assert added["half contradicted"] == {"contradiction/a.md": [Block("14 days.")]}
    assert added["all contradicted"] == {
        "contradiction/a.md": [Block("14 days."), Block("It is blue.")]
    }
    only = quality.make_steps(BLOCKS, FACTS, ["noise"])
    assert {step.kind for step in only} == {"", "noise"}


def test_quality_says_what_falls_and_what_cannot_be_told():
    steps = quality.make_steps(BLOCKS, FACTS, ["noise", "contradictions"])
    made = [
        *rows("rag", ["true"] * 8, "as they are"),
        *rows("rag", ["true"] * 8, "50 unrelated paragraphs"),
        *rows("rag", ["true"] * 7 + ["other"], "200 unrelated paragraphs"),
        *rows("rag", ["true"] * 4 + ["false"] * 4, "half contradicted"),
        *rows("rag", ["false"] * 8, "all contradicted"),
    ]
    result = quality.found(made, steps, [], ())
    assert result.caption == (
        "RAG gives 8 of 8 right answers (100 %, 68–100 %) from the documents as they are; "
        "noise (200 unrelated paragraphs): no difference can be told (−12 points (−38 to 0)); "
        "contradictions (all contradicted): −100 points (−100 to −100)."
    )
    assert [(one["right"], one["false"], one["of"]) for one in result.table] == [
        (8, 0, 8),
        (8, 0, 8),
        (7, 0, 8),
        (4, 4, 8),
        (0, 8, 8),
    ]
    with pytest.raises(RagtuneError, match="RAG is not ready"):
        quality.found([], steps, [], ())


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(-0.4, -0.1, "overlap"), (0.1, 0.4, "reinforce"), (-0.1, 0.2, "no interaction")],
)
def test_an_interaction_has_a_name(low, high, said):
    assert said in hybrid.name_interaction(low, high)


def test_hybrid_takes_the_difference_of_differences():
    made = [
        *rows("base", ["other"] * 10),
        *rows("rag", ["true"] * 8 + ["other"] * 2),
        *rows("finetuned", ["true"] * 7 + ["other"] * 3),
        *rows("hybrid", ["true"] * 9 + ["other"]),
    ]
    differences = hybrid.interaction(made)
    assert differences == [-1] * 7 + [0, 1, 0]
    result = hybrid.found(made, [])
    assert "With documents it is +80 points for the base weights and +20 for" in result.caption
    assert "the interaction is −60 points (" in result.caption
    assert "they overlap" in result.caption
    cells = {(one["documents"], one["weights"]): one["right"] for one in result.table}
    assert cells == {
        ("without documents", "base"): 0,
        ("with documents", "base"): 8,
        ("without documents", "fine-tuned"): 7,
        ("with documents", "fine-tuned"): 9,
    }


def test_rows_are_kept_at_once_and_half_a_line_is_forgotten(tmp_path):
    told = []
    report = Report(tmp_path, lambda message, share: told.append((message, share)))
    report.expect(2)
    report.keep(row("rag", 0, "true", "before"))
    report.say("On")
    with (tmp_path / ROWS).open("a") as file:
        file.write('{"stage": "bef')
    again = Report(tmp_path, lambda message, share: None)
    assert again.rows == report.rows and told == [("On", 0.5)]
    again.keep(row("rag", 1, "true", "before"))
    assert len(Report(tmp_path, lambda message, share: None).rows) == 2
    assert list(again.answered("before", 1)) == ["rag"] and not again.answered("edited", 1)


def test_a_stop_is_heard_at_every_word(tmp_path):
    def stop():
        raise RagtuneError("Stop.")

    with pytest.raises(RagtuneError, match="Stop"):
        Report(tmp_path, lambda message, share: None, stop).say("On")
