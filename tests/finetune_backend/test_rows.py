"""Rows supervise the answer alone, and the loss is the plain one."""

import pytest
import torch

from finetune_backend.lora import answer_loss
from finetune_backend.rows import Row, batches, make_rows
from workbench.errors import ExamplesError
from workbench.language_models.loading import find_checkpoint, load_tokenizer, load_weights
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


def test_batches_hold_every_row_once():
    rows = [Row(tuple(range(n % 17 + 1)), (n,)) for n in range(100)]
    grouped = list(batches(rows, 8, seed=1))
    assert sorted(row.answer for batch in grouped for row in batch) == [(n,) for n in range(100)]
    assert grouped != list(batches(rows, 8, seed=2))
    widths = [max(map(len, batch)) * len(batch) for batch in grouped]
    assert sum(widths) < 1.2 * sum(map(len, rows))


def test_the_loss_and_its_gradient_are_those_of_the_plain_formulation(tiny_model):
    model = load_weights(find_checkpoint(str(tiny_model)), torch.float32, "cpu")
    rows = [Row((5, 6, 7), (8, 9, 2)), Row((11,), (12, 2)), Row((20, 21, 22, 23, 24), (25, 2))]
    loss = answer_loss(model, rows, "cpu")
    loss.backward()
    weight = model.model.layers[0].self_attn.q_proj.weight
    gradient = weight.grad.clone()
    model.zero_grad()

    total, count = torch.zeros(()), 0
    for row in rows:  # one at a time, without padding, the head on every position
        ids = torch.tensor([row.prompt + row.answer])
        labels = torch.tensor([(-100,) * len(row.prompt) + row.answer])
        logits = model(input_ids=ids).logits
        total = total + torch.nn.functional.cross_entropy(
            logits[0, :-1], labels[0, 1:], ignore_index=-100, reduction="sum"
        )
        count += len(row.answer)
    plain = total / count
    plain.backward()
    assert loss.item() == pytest.approx(plain.item(), abs=1e-5)
    assert torch.allclose(gradient, weight.grad, atol=1e-6)
