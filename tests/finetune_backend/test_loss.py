"""The fast loss and its gradients are those of the plain formulation."""

import random

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model

from finetune_backend.fused import Frozen
from finetune_backend.lora import backward, divisors, with_lora
from finetune_backend.loss import AnswerLoss
from finetune_backend.rows import Row, micro_batches
from finetune_backend.settings import TrainSettings
from workbench.language_models.loading import find_checkpoint, load_weights

PREFIX = (1, 17, 5, 99, 23, 4)


def make_rows(count, longest, seed=0):
    rng = random.Random(seed)

    def tokens(most):
        return tuple(rng.randrange(100, 40_000) for _ in range(rng.randint(1, most)))

    return [Row(PREFIX + tokens(longest), (*tokens(longest // 2), 2)) for _ in range(count)]


def random_up(model):
    """Give the B matrices values: at zero, A has no gradient and B a simple one."""
    torch.manual_seed(7)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.05)


def gradients(model):
    return {
        name: weight.grad.clone()
        for name, weight in model.named_parameters()
        if weight.grad is not None
    }


def fast(checkpoint, rows, dtype, budget, settings):
    torch.manual_seed(0)
    base = load_weights(checkpoint, dtype, "cpu")
    loss_of = AnswerLoss(base, rows, "cpu")
    model = with_lora(base, settings)
    random_up(model)
    model.train()
    tokens = sum(len(row.answer) for row in rows)
    loss = sum(backward(loss_of, rows, divisors(rows), budget)) / tokens
    return loss, gradients(model), loss_of.packs


def plain(checkpoint, rows, dtype, settings):
    """PEFT's own layers, one padded batch, all logits, labels of -100, the model's own loss."""
    torch.manual_seed(0)
    base = load_weights(checkpoint, dtype, "cpu")
    config = LoraConfig(r=settings.rank, lora_alpha=settings.alpha, target_modules="all-linear")
    model = get_peft_model(base, config)
    random_up(model)
    model.train()
    width = max(map(len, rows))
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row.prompt + row.answer)
        mask[i, : len(row)] = 1
        labels[i, len(row.prompt) : len(row)] = torch.tensor(row.answer)
    loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
    loss.backward()
    return loss.item(), gradients(model)


@pytest.mark.parametrize("longest", [20, 200])  # short rows and long ones attend differently
@pytest.mark.parametrize("budget", [10_000, 90])
def test_loss_and_every_gradient_equal_the_plain_ones(tiny_model, longest, budget):
    checkpoint = find_checkpoint(str(tiny_model))
    rows, settings = make_rows(11, longest), TrainSettings(rank=4, alpha=12)
    assert len(micro_batches(rows, len(PREFIX), budget)) == 1 or budget == 90
    loss, fast_gradients, packs = fast(checkpoint, rows, torch.float32, budget, settings)
    plain_loss, plain_gradients = plain(checkpoint, rows, torch.float32, settings)
    assert packs
    assert loss == pytest.approx(plain_loss, abs=2e-6)
    assert len(fast_gradients) == len(plain_gradients) == 2 * 2 * 7  # A and B, layers, linears
    for name, gradient in plain_gradients.items():
        error = torch.dist(fast_gradients[name], gradient) / gradient.norm()
        assert error < 1e-5, name


def test_rows_about_several_texts_give_the_plain_gradients_too(tiny_model):
    checkpoint, settings = find_checkpoint(str(tiny_model)), TrainSettings(rank=4, alpha=12)
    texts = [(*PREFIX, *range(200 + n, 230 + 2 * n)) for n in range(3)]
    rows = [
        Row((*texts[n % 3], *row.prompt), row.answer, len(texts[n % 3]))
        for n, row in enumerate(make_rows(10, 12))
    ] + make_rows(3, 12, seed=1)
    loss, fast_gradients, packs = fast(checkpoint, rows, torch.float32, 120, settings)
    plain_loss, plain_gradients = plain(checkpoint, rows, torch.float32, settings)
    assert packs
    assert loss == pytest.approx(plain_loss, abs=2e-6)
    for name, gradient in plain_gradients.items():
        error = torch.dist(fast_gradients[name], gradient) / gradient.norm()
        assert error < 1e-5, name


def test_general_text_has_its_share_of_the_rows_and_a_loss_of_its_own(tiny_model):
    checkpoint, settings = find_checkpoint(str(tiny_model)), TrainSettings(rank=4, alpha=12)
    examples = make_rows(5, 12)
    general = [Row((1,), tuple(range(40 + n, 60 + 2 * n)), general=True) for n in range(2)]
    rows = [*examples, *general]
    torch.manual_seed(0)
    base = load_weights(checkpoint, torch.float32, "cpu")
    loss_of, model = AnswerLoss(base, rows, "cpu"), with_lora(base, settings)
    random_up(model)
    losses = backward(loss_of, rows, divisors(rows), 10_000)
    of_examples, examples_gradients = plain(checkpoint, examples, torch.float32, settings)
    of_general, general_gradients = plain(checkpoint, general, torch.float32, settings)
    for loss, some, mean in zip(
        losses, (examples, general), (of_examples, of_general), strict=True
    ):
        assert loss / sum(len(row.answer) for row in some) == pytest.approx(mean, abs=2e-6)
    for name, gradient in gradients(model).items():
        expected = 5 / 7 * examples_gradients[name] + 2 / 7 * general_gradients[name]
        assert torch.dist(gradient, expected) / expected.norm() < 1e-5, name


def test_in_bfloat16_it_is_as_near_to_float32_as_the_plain_formulation(tiny_model):
    checkpoint = find_checkpoint(str(tiny_model))
    rows, settings = make_rows(11, 40), TrainSettings(rank=4, alpha=12)
    exact_loss, exact = plain(checkpoint, rows, torch.float32, settings)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss, ours, _ = fast(checkpoint, rows, torch.bfloat16, 90, settings)
        _, theirs = plain(checkpoint, rows, torch.bfloat16, settings)
    assert loss == pytest.approx(exact_loss, rel=2e-3)
    for name, gradient in exact.items():
        our_error, their_error = (
            (torch.dist(g[name], gradient) / gradient.norm()).item() for g in (ours, theirs)
        )
        assert our_error < 0.03, name
        assert our_error < 1.5 * their_error, name


@pytest.mark.skipif(
    not torch.ops.mkldnn._is_mkldnn_bf16_supported(), reason="no bfloat16 on this processor"
)
@pytest.mark.parametrize("bias", [False, True])
def test_weights_laid_out_once_give_the_same_products(bias):
    torch.manual_seed(0)
    layer = torch.nn.Linear(96, 160, bias=bias, dtype=torch.bfloat16)
    plain, packed = (Frozen(layer.weight, layer.bias, packed) for packed in (False, True))
    for rows in (1, 7, 300):
        x, grad = (torch.randn(rows, n).to(torch.bfloat16) for n in (96, 160))
        assert torch.allclose(packed.forth(x), plain.forth(x), rtol=0.01, atol=1e-3)
        assert torch.allclose(packed.back(grad), plain.back(grad), rtol=0.01, atol=1e-3)
    assert (packed.packed_bytes, plain.packed_bytes) == (2 * layer.weight.nbytes, 0)


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_a_model_that_packing_would_change_is_trained_padded(tiny_model, tmp_path, dropout):
    """Granite divides its logits after the output layer."""
    from transformers import GraniteConfig, GraniteForCausalLM

    torch.manual_seed(0)
    config = GraniteConfig(
        vocab_size=49152,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        logits_scaling=4.0,
        tie_word_embeddings=True,
    )
    GraniteForCausalLM(config).save_pretrained(tmp_path)
    checkpoint, rows = find_checkpoint(str(tmp_path)), make_rows(5, 20)
    settings = TrainSettings(rank=4, alpha=12, dropout=dropout)
    loss, ours, packs = fast(checkpoint, rows, torch.float32, 60, settings)
    assert not packs
    if not dropout:
        plain_loss, theirs = plain(checkpoint, rows, torch.float32, settings)
        assert loss == pytest.approx(plain_loss, abs=2e-6)
        for name, gradient in theirs.items():
            assert torch.dist(ours[name], gradient) / gradient.norm() < 1e-5, name


def test_the_saved_adapter_is_the_model_that_was_trained(tiny_model, tmp_path):
    checkpoint = find_checkpoint(str(tiny_model))
    torch.manual_seed(0)
    model = with_lora(load_weights(checkpoint, torch.float32, "cpu"), TrainSettings(rank=4))
    random_up(model)
    model.save_pretrained(tmp_path)
    loaded = PeftModel.from_pretrained(load_weights(checkpoint, torch.float32, "cpu"), tmp_path)
    ids = torch.tensor([[*PREFIX, 7, 8, 9]])
    with torch.no_grad():
        assert torch.allclose(model(ids).logits, loaded(ids).logits, atol=1e-5)
        with loaded.disable_adapter():
            assert not torch.allclose(model(ids).logits, loaded(ids).logits, atol=1e-2)
