"""Questions about paragraphs are read, split by title, and judged without looking ahead."""

import json

import pytest

from comparison.shipped.reading_data import held_out, read_asked
from comparison.shipped.train_reranker import judge
from workbench.errors import RagtuneError

PARAGRAPHS = {
    "Kites": "The flagship kite is vermilion. It was made by Ottilie Brandt in 1961.",
    "Rain": "Rain falls on Monday and on Tuesday. The kite stays inside.",
    "Wind": "Wind is measured in knots.",
    "Zinc": "Zinc melts at 420 degrees.",
}


@pytest.fixture()
def asked(tmp_path):
    file = tmp_path / "asked.jsonl"
    rows = [
        ("Kites", "Who made the flagship kite?", ["Ottilie Brandt"]),
        ("Kites", "Who bought the flagship kite?", []),
        ("Rain", "When does rain fall?", ["Monday", "Monday and on Tuesday"]),
        ("Wind", "How is wind measured?", ["knots"]),
        ("Zinc", "When does zinc melt?", ["420 degrees"]),
    ]
    file.write_text(
        "\n".join(
            json.dumps({"title": t, "context": PARAGRAPHS[t], "question": q, "answers": a})
            for t, q, a in rows
        )
    )
    return read_asked(file)


def test_every_third_title_is_held_out(asked):
    assert held_out(asked) == {"Kites", "Zinc"}


def test_right_and_wrong_passages_are_told_apart(asked, tiny_lab):
    judged = judge(tiny_lab.knowledge_base, asked)
    assert [one.question for one in judged] == [one.question for one in asked]
    for one, row in zip(judged, asked, strict=True):
        shown = [one.right[start:end] for start, end in one.answers]
        assert set(shown) == set(row.answers)
        assert row.paragraph[:20] in one.right
        assert all(row.paragraph[:20] not in wrong for wrong in one.wrong)
    assert judged[0].wrong


@pytest.mark.parametrize("line", ["{", "[]", '{"title": "x"}', '{"title": 1, "context": 2}'])
def test_a_line_that_is_no_question_is_named(tmp_path, line):
    file = tmp_path / "bad.jsonl"
    file.write_text(line)
    with pytest.raises(RagtuneError, match="Line 1 of"):
        read_asked(file)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RagtuneError, match="can't be read"):
        read_asked(tmp_path / "none.jsonl")
