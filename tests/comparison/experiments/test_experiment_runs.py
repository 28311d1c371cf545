"""Experiments on a real knowledge base: copies are changed, the person's documents never."""

import json

import pytest

from comparison.exams.exam import exam_from
from comparison.experiments import (
    context,
    differences,
    hybrid,
    quality,
    scale,
    staleness,
    style,
)
from comparison.experiments.experiment import Chosen
from comparison.experiments.keeper import ROWS, Keeper, read_rows
from comparison.experiments.setting import SCRATCH
from workbench.errors import RagtuneError


@pytest.fixture()
def run(tuned_lab, exam, tmp_path):
    """Run an experiment in this process, and make sure of what it must not leave or change."""

    lab = tuned_lab

    def run(module, folder=tmp_path, adapter="one", check=lambda: None, **options):
        before = lab.knowledge_base.index.fingerprint()
        chosen = Chosen(
            tuple(exam_from(exam.data, exam.name)), adapter, module.EXPERIMENT.options(**options)
        )
        told = []
        folder.mkdir(exist_ok=True)
        keeper = Keeper(folder, lambda message, share: told.append((message, share)), check)
        try:
            return module.run(lab, chosen, keeper), keeper.rows, told
        finally:
            assert lab.knowledge_base.index.fingerprint() == before
            assert not (folder / SCRATCH).exists()

    return run


def test_false_passages_are_read_and_told_from_true_ones(run):
    result, rows, told = run(context)
    assert len(rows) == 3 * 4 and {row["stage"] for row in rows} == {"false passages"}
    assert all(row["read_false"] for row in rows if row["method"] in ("rag", "hybrid"))
    assert not any(row["read_false"] for row in rows if row["method"] in ("base", "finetuned"))
    assert result.changes[0] == {
        "question": "How many days of leave are there?",
        "document": "kites.md",
        "true": "31 days",
        "false": "40 days",
    }
    assert any("trained on 2 of 3 facts" in note for note in result.notes)
    shares = [share for _, share in told]
    assert shares == sorted(shares) and shares[0] == 0.0


def test_a_fact_is_edited_and_deleted_and_the_seconds_are_taken(run):
    result, rows, _ = run(staleness)
    stages = ("before", "edited", "deleted")
    by_stage = {stage: [row for row in rows if row["stage"] == stage] for stage in stages}
    assert [len(some) for some in by_stage.values()] == [12, 6, 6]
    assert all(r["read_true"] for r in by_stage["before"] if r["method"] == "rag")
    assert not any(r["read_true"] for stage in ("edited", "deleted") for r in by_stage[stage])
    assert all(r["seconds"] > r["indexing_seconds"] > 0 for r in by_stage["edited"])
    assert "only another run helps" in result.caption


def test_the_knowledge_base_gets_worse_in_steps(run, tuned_lab):
    adapter = tuned_lab.home.runs / "one"
    hidden = adapter.rename(adapter.with_name(".one"))
    try:
        result, rows, _ = run(quality, what="contradictions", adapter=None)
    finally:
        hidden.rename(adapter)
    assert {row["method"] for row in rows} == {"rag"}
    assert [row["of"] for row in result.table] == [3, 3, 3]
    assert result.table[0]["read the answer"] == 3
    assert (
        result.figures[0].form == "points" and "contradictions (all contradicted)" in result.caption
    )
    assert any(note.startswith("hybrid was left out") for note in result.notes)


def test_all_four_cells_are_asked(run):
    result, rows, _ = run(hybrid)
    assert len(rows) == 3 * 4 and len(result.table) == 4
    assert "the interaction is" in result.caption


def test_the_corpus_grows_by_passages_that_hold_no_answer(run):
    result, rows, _ = run(scale, largest=100)
    assert len(rows) == 3 * 4 + 3 * 4  # what reads nothing, too, at both ends
    sizes = sorted({row["passages"] for row in result.table})
    assert len(sizes) == 2 and sizes[0] < 10 and sizes[1] == 100
    assert [figure.form for figure in result.figures] == ["curve", "curve"]


def test_differences_are_measured_in_all_their_lines(run):
    result, rows, _ = run(differences)
    assert [row["stage"] for row in rows].count("edited") == 3 * 2
    assert all(len(line) == 2 + 4 for line in result.table)
    form = next(line for line in result.table if line["difference"] == "Customization")
    assert form["base"] == differences.NOT_MEASURED  # two training answers share no form


def test_a_form_comes_from_the_exam_or_the_training_answers_or_not_at_all(run, tuned_lab, tmp_path):
    with pytest.raises(RagtuneError, match="0 questions of the exam ask for a form"):
        run(style)
    rows = [{"question": f"{n}?", "answer": f"It is {n}.", "fact": str(n)} for n in range(4)]
    lines = "\n".join(map(json.dumps, rows))
    examples = tuned_lab.home.runs / "one" / "examples.jsonl"
    before = examples.read_bytes()
    examples.write_text(lines, encoding="utf-8")
    try:
        result, answered, _ = run(style, tmp_path / "again")
    finally:
        examples.write_bytes(before)
    assert len(answered) == 3 * 4 and {row["what"] for row in result.table} == {"form kept"}
    assert any("starts It, ends ., most words 3" in note for note in result.notes)


def test_a_stop_leaves_the_rows_which_are_not_asked_again(run, tmp_path):
    class Stop(Exception):
        pass

    def check():
        if (tmp_path / ROWS).exists() and (tmp_path / ROWS).read_text(encoding="utf-8"):
            raise Stop

    with pytest.raises(Stop):
        run(context, check=check)
    kept = read_rows(tmp_path)
    assert len(kept) == 4
    _, rows, told = run(context)
    assert len(rows) == 3 * 4 and rows[:4] == kept
    assert told[0][1] == 0.0 and told[-1][1] == pytest.approx(8 / 12)


def test_an_exam_about_something_else_is_refused_with_the_reason(tuned_lab, tmp_path):
    row = '{"question": "How many?", "answers": ["%d moons"]}'
    questions = exam_from("\n".join(row % n for n in range(5)).encode(), "moons.jsonl")
    chosen = Chosen(tuple(questions), None, context.EXPERIMENT.options())
    with pytest.raises(RagtuneError, match="0 questions of the exam can be used.*don't stand in"):
        context.run(tuned_lab, chosen, Keeper(tmp_path, lambda message, share: None))
