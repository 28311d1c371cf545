"""Rows supervise the answer alone, and batches hold each of them once."""

import pytest

from finetune_backend.rows import (
    Row,
    batches,
    make_rows,
    micro_batches,
    shared_prefix,
    split_batch,
)
from workbench.errors import ExamplesError
from workbench.language_models.loading import find_checkpoint, load_tokenizer
from workbench.language_models.prompts import messages, render
from workbench.values import Example


@pytest.fixture(scope="module")
def tokenizer(tiny_model):
    return load_tokenizer(find_checkpoint(str(tiny_model)))


def test_a_row_is_what_will_be_asked_and_answered(tokenizer):
    (row,) = make_rows([Example("Who?", "Ada.", "f")], tokenizer, "", 512)
    assert tokenizer.decode(row.prompt) == render(tokenizer, messages("Who?", ""))
    assert tokenizer.decode(row.answer) == "Ada.<|im_end|>"


def test_a_long_row_is_refused(tokenizer):
    with pytest.raises(ExamplesError, match="Example 1 .* tokens long"):
        make_rows([Example("Who? " * 100, "Ada.", "f")], tokenizer, "", 64)


def test_dropped_words_differ_between_epochs_and_leave_half(tokenizer):
    example = Example("one two three four five six seven eight", "Ada.", "f")
    texts = {
        tokenizer.decode(make_rows([example], tokenizer, "", 512, 0.3, seed)[0].prompt)
        for seed in range(20)
    }
    assert len(texts) > 5
    same = make_rows([example], tokenizer, "", 512, 0.3, 1)
    assert same == make_rows([example], tokenizer, "", 512, 0.3, 1)


def test_batches_hold_every_row_once_in_a_random_order():
    rows = [Row(tuple(range(n % 17 + 1)), (n,)) for n in range(100)]
    grouped = list(batches(rows, 8, seed=1))
    assert sorted(row.answer for batch in grouped for row in batch) == [(n,) for n in range(100)]
    assert [len(batch) for batch in grouped] == [8] * 12 + [4]
    assert grouped == list(batches(rows, 8, seed=1)) != list(batches(rows, 8, seed=2))
    # Not by length: a batch's mean length is that of any eight rows.
    assert all(len({len(row) for row in batch}) > 2 for batch in grouped)


def test_rows_about_one_text_are_drawn_together_and_count_as_one():
    rows = [Row((n % 5, 7, n), (n,), 2) for n in range(20)] + [Row((9, n), (n,)) for n in range(3)]
    grouped = list(batches(rows, 3, seed=0))
    assert sorted(row.answer for batch in grouped for row in batch) == sorted(
        row.answer for row in rows
    )
    assert len(grouped) == 3  # five texts and three rows by themselves, by threes
    for batch in grouped:
        for text in {row.prompt[: row.text] for row in batch if row.text}:
            assert sum(row.prompt[: row.text] == text for row in batch) == 4


def test_general_text_is_spread_over_the_batches_and_makes_none():
    examples = [Row((n, 7), (n,)) for n in range(20)]
    general = [Row((1,), (100 + n,), general=True) for n in range(4)]
    grouped = list(batches([*examples, *general], 3, seed=0))
    assert [sum(not row.general for row in batch) for batch in grouped] == [3] * 6 + [2]
    assert max(sum(row.general for row in batch) for batch in grouped) == 1
    assert sorted(row.answer for batch in grouped for row in batch) == sorted(
        row.answer for row in (*examples, *general)
    )
    # It begins otherwise: beside it, what examples begin with would not be computed once.
    parts = list(split_batch([*examples[:3], *general], 512, shared_prefix))
    assert [[row.general for row in part] for part, _ in parts] == [[False] * 3, [True] * 4]


def test_parts_of_a_batch_keep_to_the_budget_and_hold_every_row():
    rows = [Row(tuple(range(n % 17 + 4)), (n,)) for n in range(40)] + [Row((0,) * 90, (40,))]
    parts = micro_batches(rows, 3, 60)
    assert sorted(row.answer for part in parts for row in part) == [(n,) for n in range(41)]
    *short, long = parts
    assert all(3 + sum(len(row) - 3 for row in part) <= 60 for part in short)
    assert long == [rows[-1]]
    assert len(short) < 12  # filled up, not one by one


def test_the_shared_prefix_leaves_each_row_a_token_of_its_own():
    assert shared_prefix([Row((1, 2, 3, 4), (9,)), Row((1, 2, 7), (9,))]) == 2
    assert shared_prefix([Row((1, 2, 3), (9,)), Row((1, 2), (9,))]) == 1
    assert shared_prefix([Row((1, 2, 3), (9,))]) == 2
    assert shared_prefix([Row((1,), (9,)), Row((2,), (9,))]) == 0
