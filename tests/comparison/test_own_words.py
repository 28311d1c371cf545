"""Words that only one answer says."""

import pytest

from comparison.own_words import own_words


def said(texts):
    return [
        [text[start:end] for start, end in spans]
        for text, spans in zip(texts, own_words(texts), strict=True)
    ]


@pytest.mark.parametrize(
    ("texts", "own"),
    [
        (["It closes at 17:20.", "It closes at 17:30."], [["17:20"], ["17:30"]]),
        (["The KITE is red.", "the kite is red"], [[], []]),
        # Neighbours are one part; words that tell nothing are left out.
        (["A large red kite.", "The kite."], [["large red"], []]),
        (["Large, red kite.", "The kite."], [["Large", "red"], []]),
        # Said by any other is said.
        (["red blue", "red", "blue green"], [[], [], ["green"]]),
        # Nothing to differ from.
        (["red"], [[]]),
        (["red", ""], [[], []]),
        ([], []),
        (["1,940 crowns", "1940 crowns"], [["1,940"], ["1940"]]),
        (["Größe", "Große"], [["Größe"], ["Große"]]),
        (["风筝红", "风筝"], [["红"], []]),
    ],
)
def test_words_that_no_other_column_says(texts, own):
    assert said(texts) == own
