"""Training a reranker: its loss is what it says, and it learns."""

import pytest
import torch

from finetune_backend.cross_encoder import (
    HOLDS,
    Judged,
    Recipe,
    _loss,
    _Pair,
    _tokens_of,
    train_cross_encoder,
)
from workbench.minilm import States

JUDGED = [
    Judged(
        f"What is the colour of kite {n}?", text, ((text.index(c), text.index(c) + len(c)),), wrong
    )
    for n, c in enumerate(["red", "blue", "green", "white"])
    for text in [f"Kite {n} is {c} and flies high."]
    for wrong in [tuple(f"Kite {m} costs {m}40 crowns." for m in range(4))]
]


def test_the_loss_is_the_sum_of_its_three_parts():
    out = torch.randn(12, 4, generator=torch.Generator().manual_seed(0))
    read = States(None, None, torch.tensor([0, 5, 9]))
    pairs = [
        _Pair([0] * 5, 2, 0, True, ((2, 3),)),
        _Pair([0] * 4, 2, 0, False, ()),
        _Pair([0] * 3, 2, 1, True, ()),  # asked about this passage, which doesn't answer
    ]
    recipe = Recipe(span_weight=0.5)

    def yes(row):
        return out[row, HOLDS].sigmoid().log()

    def no(row):
        return (-out[row, HOLDS]).sigmoid().log()

    fits = torch.stack([out[0, 0], out[5, 0]]).log_softmax(0)[0]
    spans = (
        out[0:5, 2].log_softmax(0)[2]
        + out[0:5, 3].log_softmax(0)[3]
        + out[9:12, 2].log_softmax(0)[0]
        + out[9:12, 3].log_softmax(0)[0]
    )
    expected = -(fits + yes(0) + 0.2 * no(5) + no(9) + 0.5 * spans)
    assert _loss(out, read, pairs, recipe).item() == pytest.approx(expected.item(), rel=1e-5)


def test_spans_of_characters_become_spans_of_tokens():
    offsets = [(0, 4), (5, 7), (8, 11)]
    assert _tokens_of(offsets, (5, 11)) == (1, 2)
    assert _tokens_of(offsets, (6, 7)) == (1, 1)
    assert _tokens_of(offsets, (40, 50)) is None


def test_it_learns_and_what_it_writes_is_read_again(tmp_path):
    from rag_backend.search.rerank import MiniLmReranker

    losses = []
    recipe = Recipe(epochs=12, questions=4, wrong=3, rank=8, alpha=16, learning_rate=3e-3)
    train_cross_encoder(JUDGED, recipe, lambda step, steps, loss: losses.append(loss), tmp_path)
    assert len(losses) == 12 and losses[-1] < 0.5 * losses[0]
    reranker = MiniLmReranker(tmp_path)
    for one in JUDGED:
        judged = reranker.judge(one.question, [one.right, *one.wrong])
        assert max(judged, key=lambda j: j.fit) is judged[0]
        assert judged[0].holds > 0 > judged[1].holds
