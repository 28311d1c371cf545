"""An answer becomes a row, rows become metrics with intervals."""

import pytest

from comparison.answer import Answer, Fingerprint, ShownSource, Timings, Tokens
from comparison.exams.exam import ExamQuestion
from comparison.form import Form
from comparison.metrics import METRICS
from comparison.scoring import intervals, measures, score
from comparison.statistics.share import share_interval
from rag_backend.documents import Ranks


def source(document, text, read=False):
    return ShownSource(
        *(document, 1, (), text, 0, len(text), 0.5, None, None, None, read, False, Ranks())
    )


def answered(text, refused=False, sources=(), retriever="none", ms=100.0, **more):
    return Answer(
        method="rag",
        model="m",
        fingerprint=Fingerprint("c", "p", "d", retriever),
        text=text,
        refused=refused,
        timings_ms=Timings(search=10, first_token=ms / 2, total=ms),
        tokens=Tokens(20, 5),
        sources=tuple(sources),
        done=True,
        **more,
    )


LEAVE = ExamQuestion("How much leave?", ("31 days",), "handbook.md", fact="leave")
MAYOR = ExamQuestion("Who is the mayor?", (), None, True)


@pytest.mark.parametrize(
    ("asked", "answer", "right"),
    [
        (LEAVE, answered("You have 31 days."), True),
        (LEAVE, answered("30 days"), False),
        (MAYOR, answered("I don't know.", refused=True), True),
        (MAYOR, answered("Ada"), False),
        (ExamQuestion("Sort", ("fee",), options=("fee", "loss")), answered("Fee."), True),
        (ExamQuestion("Sort", ("fee",), options=("fee", "loss")), answered("a fee, a loss"), False),
        (ExamQuestion("Reply", (), form=Form(starts="Dear")), answered("Dear Ada"), True),
        (ExamQuestion("Reply", (), form=Form(starts="Dear")), answered("Ada"), False),
    ],
)
def test_what_is_right(asked, answer, right):
    assert score(asked, answer, None)["right"] is right


def test_where_the_search_put_the_right_document_and_passage():
    sources = [
        source("other.md", "nothing"),
        source("other.md", "31 days of rain", read=True),
        source("handbook.md", "nothing"),
    ]
    row = score(LEAVE, answered("31 days", sources=sources, retriever="r"), True)
    assert row["retrieved"] == ["other.md", "other.md", "handbook.md"]
    assert (row["hit"], row["hit_at_1"], row["reciprocal_rank"]) == (True, 0.0, 0.5)
    assert row["ndcg"] == pytest.approx(0.6309297535714575)
    assert row["passage_reciprocal_rank"] == 0.5
    (read,) = row["sources"]
    assert read == {"document": "other.md", "page": 1, "read": True, "text": "31 days of rain"}
    lost = score(LEAVE, answered("?", retriever="r"), True)
    assert (lost["hit"], lost["reciprocal_rank"], lost["ndcg"]) == (False, 0.0, 0.0)
    closed = score(LEAVE, answered("31 days"), True)
    assert closed["hit"] is None and closed["passage_reciprocal_rank"] is None


def test_metrics_of_rows_and_their_intervals():
    rows = [
        score(LEAVE, answered("31 days", ms=100), True),
        score(LEAVE, answered("30 days, and more", ms=300, groundedness=0.25), False),
        score(LEAVE, answered("", refused=True, ms=200), True),
        score(MAYOR, answered("I don't know.", refused=True, ms=400), None),
    ]
    made = measures(rows)
    assert made["right"] == 0.5 and made["exact_match"] == made["contains"] == 1 / 3
    assert made["number_match"] == 1 / 3 and made["token_recall"] == pytest.approx(0.5)
    assert made["answered"] == 2 / 3 and made["refused_unanswerable"] == 1.0
    assert made["refusal_precision"] == 0.5 and made["empty"] == 0.25
    assert made["contains_trained"] == 0.5 and made["contains_untrained"] == 0.0
    assert made["groundedness"] == 0.25 and made["repeating"] == 0.0
    assert made["latency_ms"] == {"p50": 200, "p95": 400, "p99": 400}
    assert made["first_token_ms"] == 100 and made["prompt_tokens"] == 20
    assert not {"hit_at_k", "accuracy", "macro_f1", "form_kept"} & set(made)
    assert set(made) <= {metric.name for metric in METRICS}
    between = intervals(rows)
    assert between["right"] == share_interval(2, 4)
    assert between["f1"].low < made["f1"] == between["f1"].value < between["f1"].high


def test_without_answerable_questions_nothing_is_made_up():
    made = measures([score(MAYOR, answered("Ada"), None)])
    assert made["contains"] is None and made["answered"] is None
    assert made["refused_unanswerable"] == 0.0 and "refusal_precision" not in made


def test_labels_have_accuracy_and_macro_f1():
    sort = ExamQuestion("Sort", ("fee",), options=("fee", "loss"))
    made = measures([score(sort, answered("fee"), None), score(sort, answered("loss"), None)])
    assert made["accuracy"] == 0.5 and made["macro_f1"] == pytest.approx(2 / 3)
