import pytest

from finetune_backend.examples.read import Rejected, read_examples
from finetune_backend.examples.wording import short_hash
from workbench.errors import ExamplesError
from workbench.values import Example


def pairs(result):
    return [(example.question, example.answer) for example in result.examples]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_csv_in_every_dialect(delimiter, line_end, bom):
    rows = [["question", "answer"], ["Who?", "Ada"], ["Where?", "Genève"]]
    data = bom + line_end.join(delimiter.join(row) for row in rows).encode()
    assert pairs(read_examples(data, "a.CSV")) == [("Who?", "Ada"), ("Where?", "Genève")]


def test_csv_columns_in_any_order_and_case_with_others_beside_them():
    data = b"id, Answer ,FACT,Document, QUESTION\n7,Ada,f1,notes.md,Who?\n8,Bob,,,Who else?\n"
    assert read_examples(data, "a.csv").examples == (
        Example("Who?", "Ada", "f1", "notes.md"),
        Example("Who else?", "Bob", short_hash("Bob"), None),
    )


def test_csv_quoting_keeps_separators_quotes_and_line_breaks():
    data = b'question,answer\n"Who, then?","She said ""Ada"".\r\nTwice."\nA?, "b, c"\n'
    assert pairs(read_examples(data, "a.csv")) == [
        ("Who, then?", 'She said "Ada".\nTwice.'),
        ("A?", "b, c"),
    ]


def test_csv_rows_are_numbered_as_in_a_spreadsheet():
    data = b'question,answer\n"two\nlines?",yes\n\n,no question\n,\nlast?,\n'
    result = read_examples(data, "a.csv")
    assert pairs(result) == [("two\nlines?", "yes")]
    assert result.rejected == (
        Rejected(4, "the question is empty"),
        Rejected(6, "the answer is empty"),
    )


def test_csv_row_with_an_unquoted_separator_is_rejected_and_not_cut():
    result = read_examples(b"question,answer\nA?,red, green\nB?,blue,,\n", "a.csv")
    assert pairs(result) == [("B?", "blue")]
    assert result.rejected[0].row == 2
    assert "3 cells but the header has 2" in result.rejected[0].reason


def test_csv_with_quotation_marks_that_do_not_pair_up():
    data = b'question,answer\nA?,a\n"B"x?,b\nC?,c\n"D?,d\nE?,e\n'
    result = read_examples(data, "a.csv")
    assert pairs(result) == [("A?", "a"), ("C?", "c")]
    assert [one.row for one in result.rejected] == [3, 5]
    assert "do not pair up (line 3 of the file)" in result.rejected[0].reason
    assert "lines 5–6" in result.rejected[1].reason


def test_csv_strips_the_apostrophe_before_a_formula_and_no_other():
    data = b"question,answer\n'=1+1?,'-5\n'tis what?,'quoted'\n"
    assert pairs(read_examples(data, "a.csv")) == [("=1+1?", "-5"), ("'tis what?", "'quoted'")]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"prompt,completion\na,b\n", "'prompt', 'completion'"),
        (b"Question;Reply\na;b\n", "'Question', 'Reply'"),
        (b"just a line of text", "'just a line of text'"),
        (b'"unclosed', "none"),
        (b"a,b,c,d,e,f,g,h,i,j", "'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h' and 2 more"),
    ],
)
def test_csv_without_the_columns_names_those_found_and_expected(data, found):
    with pytest.raises(ExamplesError) as caught:
        read_examples(data, "a.csv")
    message = str(caught.value)
    assert "'a.csv'" in message
    assert f"has the columns {found}, but 'question' and 'answer' are expected" in message


def test_csv_column_error_stays_short_whatever_the_file():
    with pytest.raises(ExamplesError) as caught:
        read_examples(b"x" * 100_000, "a.csv")
    assert len(str(caught.value)) < 400


def test_csv_with_a_column_twice_is_refused():
    with pytest.raises(ExamplesError, match="more than one column named 'answer'"):
        read_examples(b"question,answer,Answer\na,b,c\n", "a.csv")
