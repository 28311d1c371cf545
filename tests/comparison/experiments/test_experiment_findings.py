"""What experiments find in their rows: numbers by hand, and the sentences made from them."""

from dataclasses import replace

import pytest

from comparison.exams.exam import ExamQuestion
from comparison.experiments import (
    context,
    differences,
    hybrid,
    quality,
    scale,
    staleness,
    style,
)
from comparison.experiments.asking import spread
from comparison.experiments.experiment import as_saved, result_from
from comparison.experiments.facts import Fact
from comparison.experiments.intervals import (
    points,
    said_change,
    said_points,
    said_share,
    wilson,
)
from comparison.experiments.keeper import ROWS, Keeper
from comparison.experiments.listed import experiments, find_experiment
from comparison.experiments.setting import said_taught, was_taught
from comparison.form import Form
from comparison.prices import Prices
from comparison.statistics.interval import Interval
from workbench.errors import RagtuneError
from workbench.values import Block


def row(method, number, outcome, stage="", **more):
    read = {"read_false": True, "read_true": False, "seconds": 2.0}
    return {"stage": stage, "number": number, "method": method, "outcome": outcome} | read | more


def rows(method, outcomes, stage="", **more):
    return [row(method, n, outcome, stage, **more) for n, outcome in enumerate(outcomes)]


def test_intervals_by_hand():
    # Wilson's formula: (p + z²/2n ± z·sqrt(p(1−p)/n + z²/4n²)) / (1 + z²/n)
    assert wilson(24, 30) == pytest.approx((0.6269, 0.9049), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_few_equal_answers_are_no_certainty():
    # By the sign test, six that agree are the fewest with p < 0.05.
    for few in (3, 4):
        assert said_change([1] * few).startswith("no difference can be told, +100 points (")
        assert said_change([0] * few).startswith("no difference can be told, 0 points (−")
    assert said_change([1] * 6).startswith("+100 points (+")


def test_numbers_are_said_as_a_person_reads_them():
    assert said_share(24, 30, "questions") == "24 of 30 questions (80 %, 63–90 %)"
    assert said_share(0, 0) == "0 of 0"
    assert said_points(Interval(-0.2, -0.334, 0.001)) == "−20 points (−33 to 0)"
    assert [points(value) for value in (0.1, -0.001, -0.07)] == ["+10", "0", "−7"]


def test_all_experiments_are_listed_once_and_found():
    keys = [experiment.key for experiment in experiments()]
    assert keys == [
        *("differences", "staleness", "forgetting", "wordings"),
        *("context", "quality", "scale", "style", "hybrid"),
    ]
    assert len({experiment.title for experiment in experiments()}) == len(keys)
    assert find_experiment("quality") is quality.EXPERIMENT
    with pytest.raises(RagtuneError, match="differences, staleness, forgetting, wordings, context"):
        find_experiment("nothing")
    for one in experiments():
        few = "facts" if one.key == "wordings" else "examples" if one.trains else "questions"
        with pytest.raises(RagtuneError, match=f"{few} is 2; a whole number from [34] to 10"):
            one.options(**{few: 2})


def test_spreading_takes_the_same_ones_evenly():
    assert spread(range(10), 5) == [0, 2, 4, 6, 8]
    assert spread(range(3), 10) == [0, 1, 2]
    assert spread([], 3) == spread([1, 2], 0) == []


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
        *rows("rag", ["declines", "declines", "true"], "deleted", read_true=True),
    ]
    made[6]["seconds"] = 1.0
    result = staleness.found(made, [], (), 203.4)
    assert result.caption == (
        "RAG is right again in 2 of 3 facts (67 %, 21–94 %), 1.5 s after the edit, and gives the "
        "old answer in 1 of 3 (33 %, 6–79 %); fine-tuned "
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
        "noise (200 unrelated paragraphs): no difference can be told, −12 points (−40 to +20); "
        "contradictions (all contradicted): −100 points (−100 to −40)."
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
        *rows("base", ["other"] * 20),
        *rows("rag", ["true"] * 16 + ["other"] * 4),
        *rows("finetuned", ["true"] * 14 + ["other"] * 6),
        *rows("hybrid", ["true"] * 18 + ["other"] * 2),
    ]
    differences = hybrid.interaction(made)
    assert differences == [-1] * 14 + [0, 0, 1, 1, 0, 0]
    result = hybrid.found(made, [])
    assert "With documents it is +80 points for the base weights and +20 for" in result.caption
    assert "the interaction is −60 points (" in result.caption
    assert "they overlap" in result.caption
    cells = {(one["documents"], one["weights"]): one["right"] for one in result.table}
    assert cells == {
        ("without documents", "base"): 0,
        ("with documents", "base"): 16,
        ("without documents", "fine-tuned"): 14,
        ("with documents", "fine-tuned"): 18,
    }


def test_scale_compares_the_smallest_with_the_largest_corpus():
    assert scale.make_sizes(310, 10_000) == [310, 1_000, 10_000]
    assert scale.make_sizes(310, 5_000) == [310, 1_000, 5_000]
    with pytest.raises(RagtuneError, match="largest is 310, but the documents have 310 passages"):
        scale.make_sizes(310, 310)
    made = []
    for size, outcomes, ms in (
        (310, ["true"] * 4, 500.0),
        (1_000, ["true", "true", "", ""], 700.0),
    ):
        for number, one in enumerate(outcomes):
            more = {"passages": size, "latency_ms": ms + number, "search_ms": ms / 100}
            made.append(row("rag", number, one, f"{size} passages", **more))
    for size, ms in ((310, 300.0), (1_000, 360.0)):
        more = {"passages": size, "latency_ms": ms, "search_ms": 0.0}
        made += rows("finetuned", ["true", "", ""], f"{size} passages", **more)
    result = scale.found(made, [310, 1_000], ["A note."])
    assert result.caption == (
        "From 310 to 1,000 passages RAG's right answers go from 4 of 4 (100 %, 51–100 %) to 2 of "
        "4 (50 %, 15–85 %): no difference can be told, −50 points (−83 to +33). Its search takes "
        "7 ms instead of 5, its whole answer 702 ms instead of 502. Fine-tuned, which searches "
        "nothing, takes 360 ms instead of 300."
    )
    sizes = [(one["method"], one["passages"], one["right"]) for one in result.table]
    assert sizes == [
        *(("RAG", 310, 4), ("RAG", 1_000, 2), ("fine-tuned", 310, 1), ("fine-tuned", 1_000, 1)),
    ]
    (first, *_) = result.table
    assert (first["quarter"], first["milliseconds"], first["three_quarters"]) == (
        *(500.8, 501.5, 502.2),
    )


def test_filling_is_different_everywhere_and_the_same_every_time():
    texts = ["A first sentence. A second one. The third.", "One more. And another."]
    one, two = scale.fill(texts), scale.fill(texts)
    some = [next(one) for _ in range(30)]
    assert some == [next(two) for _ in range(30)]
    assert len({block.headings for block in some}) == 30
    assert all(len(block.text.split(". ")) == 2 for block in some)


def test_a_form_is_what_nearly_all_answers_share():
    answers = [f"The answer is {number}." for number in range(19)]
    form = style.form_of([*answers, "None at all, and in very many words indeed"])
    assert (form.starts, form.ends, form.most_words) == ("The", ".", 4)
    assert form.kept_by("The end.") and not form.kept_by("An end.")
    mixed = style.form_of([*answers[:10], *(f"Number {n}" for n in range(10))])
    assert (mixed.starts, mixed.ends) == ("", "")
    assert style.form_of(["One.", "Two."]) is None


def test_style_compares_with_the_base_model():
    kept = {"form kept": True, "right label": None}
    lost = {"form kept": False, "right label": None}
    made = [
        *rows("base", [""] * 10, "exam", **lost),
        *rows("finetuned", [""] * 10, "exam", **kept),
    ]
    result = style.found(made, [])
    assert result.caption == (
        "Form kept: base 0 of 10 (0 %, 0–28 %), fine-tuned 10 of 10 (100 %, 72–100 %). "
        "Fine-tuned beside base: +100 points (+50 to +100)."
    )
    assert [one["what"] for one in result.table] == ["form kept"] * 2
    labels = [row | {"form kept": None, "right label": True} for row in made]
    assert style.found(labels, []).caption.startswith("Right label: base 10 of 10")


def test_what_is_not_known_of_the_training_is_not_said():
    named, nameless = (
        Fact(ExamQuestion("Q?", ("a",), fact=name), ("b",), (), ("d",)) for name in ("a", None)
    )
    taught = frozenset({"a"})
    assert [was_taught(one, taught) for one in (named, nameless)] == [True, None]
    assert was_taught(named, None) is None and was_taught(nameless, frozenset()) is False
    assert said_taught([named, nameless], taught) == [
        "The adapter was trained on 1 of 1 facts.",
        "Whether it was trained on 1 of 2 is not known: the exam does not name them.",
    ]
    assert said_taught([named], None) == [
        "Whether it was trained on 1 of 1 is not known: it was made elsewhere."
    ]


def test_differences_are_a_table_with_a_column_for_each_method():
    costs = {"search_ms": 4.0, "prompt_tokens": 100, "completion_tokens": 10}
    made = []
    for method, ms in (("base", 300.0), ("rag", 600.0), ("finetuned", 360.0)):
        for number, outcome in enumerate(["true", "other"]):
            more = costs | {"latency_ms": ms, "trained": number == 0, "answer": f"{method}."}
            made.append(row(method, number, outcome, "as they are", **more))
    made.append(row("rag", 0, "false", "edited", trained=True, **costs))
    known = differences.Made(
        300, 8.0, 203.4, frozenset({"a", "b"}), 9.8, Form(starts="f"), Prices(machine_hour=3.6)
    )
    result = differences.found(made, known, [])
    cells = {(one["difference"], one["measured"]): one for one in result.table}
    adapts = cells["Adaptability", "seconds until an edited fact is answered"]
    assert [adapts[name] for name in ("base", "RAG", "fine-tuned")] == [
        *("never", "2.0", "another fine-tune: 203"),
    ]
    minutes = cells["Cost", "of 1,000 questions, in minutes of this machine"]
    assert [minutes[name] for name in ("base", "RAG", "fine-tuned")] == ["5.0", "10.0", "6.0"]
    trained = cells["Knowledge source", "right answers on facts trained on"]
    assert trained["RAG"] == "1 of 1 (100 %, 21–100 %)"
    assert cells["Cost", "of 1,000 questions, in money (mean)"]["RAG"] == "0.6 (0.6–0.6)"
    unknown = [one | {"trained": None} for one in made]
    table = differences.found(unknown, replace(known, prices=Prices()), []).table
    told = [one["RAG"] for one in table if one["difference"] == "Knowledge source"]
    assert told == ["–", "–", "1 of 2 (50 %, 9–91 %)"]
    assert not any("money" in one["measured"] for one in table)
    form = cells["Customization", "answers in the form of the training answers"]
    assert (form["RAG"], form["fine-tuned"]) == ("0 of 2 (0 %, 0–66 %)", "2 of 2 (100 %, 34–100 %)")
    before = cells["Cost", "before the first question, in seconds"]
    assert (before["base"], before["RAG"], before["fine-tuned"]) == (
        *("0", "8 to index", "203 to train"),
    )
    scaling = cells["Scaling", "what grows with the knowledge"]
    assert scaling["fine-tuned"] == "the training: 2 facts (the adapter stays at 9.8 MB)"
    assert "by RAG after 2.0 s, fine-tuned needs another fine-tune: 203 s." in result.caption
    assert result.caption.endswith("base 300 ms, RAG 600 ms, fine-tuned 360 ms (median).")
    assert all("hybrid" not in one for one in result.table)


def test_rows_are_kept_at_once_and_half_a_line_is_forgotten(tmp_path):
    told = []
    keeper = Keeper(tmp_path, lambda message, share: told.append((message, share)))
    keeper.expect(2)
    keeper.keep(row("rag", 0, "true", "before"))
    keeper.say("On")
    with (tmp_path / ROWS).open("a") as file:
        file.write('{"stage": "bef')
    again = Keeper(tmp_path, lambda message, share: None)
    assert again.rows == keeper.rows and told == [("On", 0.5)]
    again.keep(row("rag", 1, "true", "before"))
    assert len(Keeper(tmp_path, lambda message, share: None).rows) == 2
    assert list(again.answered("before", 1)) == ["rag"] and not again.answered("edited", 1)


def test_other_work_counts_as_the_answers_that_take_as_long(tmp_path):
    told = []
    keeper = Keeper(tmp_path, lambda message, share: told.append((message, share)))
    keeper.expect(2, 8)
    tell = keeper.other_work(4)
    tell("Indexing", 0.5)
    tell("Indexing", 1.0)
    keeper.keep(row("rag", 0, "true", "before"))
    keeper.other_work(4)("More", 0.25)
    assert told == [("Indexing", 0.2), ("Indexing", 0.4), ("More", 0.6)]


def test_a_stop_is_heard_at_every_word(tmp_path):
    def stop():
        raise RagtuneError("Stop.")

    with pytest.raises(RagtuneError, match="Stop"):
        Keeper(tmp_path, lambda message, share: None, stop).say("On")
