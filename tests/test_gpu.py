"""What only a GPU can show: training and answering in bfloat16 there."""

import pytest
import torch
from peft import PeftModel

from finetune_backend import lora
from finetune_backend.estimate import CUBLAS_BYTES, estimate
from finetune_backend.rows import Row
from finetune_backend.settings import TrainSettings
from workbench.language_models.choose import choose_engine
from workbench.language_models.loading import find_checkpoint, load_weights
from workbench.language_models.transformers_engine import TransformersEngine

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")

ROWS = [
    Row(prompt=(1, 17, 5, 99, *range(100 + number, 140 + number)), answer=(number, 7, 2))
    for number in range(200, 216)
]
TYPES = {"cuda": torch.bfloat16, "cpu": torch.float32}
SETTINGS = TrainSettings(epochs=20, batch_size=8, rank=8, alpha=16, learning_rate=1e-2)


def test_training_in_bfloat16_goes_as_in_float32_on_the_processor(
    tiny_model, tmp_path, monkeypatch
):
    checkpoint, losses = find_checkpoint(str(tiny_model)), {}
    for device in ("cuda", "cpu"):
        steps = []
        monkeypatch.setattr(lora, "best_device", lambda device=device: device)
        monkeypatch.setattr(lora, "fastest_dtype", TYPES.__getitem__)
        lora.train(checkpoint, lambda _epoch: ROWS, SETTINGS, steps.append, tmp_path / device)
        losses[device] = [step.loss for step in steps]
    # A step now and then differs more: rounded weights take another way down, and meet again.
    apart = [abs(one - other) for one, other in zip(losses["cuda"], losses["cpu"], strict=True)]
    assert sum(apart) / len(apart) < 0.05 and max(apart) < 0.5
    assert losses["cuda"][-1] < losses["cuda"][0] - 0.4

    ids = torch.tensor([row.prompt + row.answer for row in ROWS])
    labels = ids.clone()
    labels[:, : len(ROWS[0].prompt)] = -100
    base = load_weights(checkpoint, torch.float32, "cpu")
    with torch.no_grad():
        before = base(ids, labels=labels).loss.item()
        after = PeftModel.from_pretrained(base, tmp_path / "cuda")(ids, labels=labels).loss.item()
    assert before == pytest.approx(losses["cuda"][0], abs=0.1)
    assert after == pytest.approx(losses["cuda"][-1], abs=0.2)


@pytest.mark.parametrize("measured", [0, 16])
def test_the_estimate_of_memory_is_near_what_training_takes(tiny_model, tmp_path, measured):
    checkpoint = find_checkpoint(str(tiny_model))
    rows = [Row(row.prompt, row.answer * 100) for row in ROWS]
    held_out = [[Row(row.prompt, row.answer * 30)] for row in ROWS[:measured]]
    expected = estimate(checkpoint, rows, SETTINGS, [row for (row,) in held_out])
    there = torch.cuda.memory_allocated()  # with cuBLAS's workspaces, since it was estimated
    torch.cuda.reset_peak_memory_stats()
    made = tmp_path / "made"
    lora.train(checkpoint, lambda _: rows, SETTINGS, lambda _: None, made, held_out=held_out)
    taken = torch.cuda.max_memory_allocated() - there + CUBLAS_BYTES
    assert expected.memory_gb == pytest.approx(taken / 1e9, rel=0.25)


def test_answers_come_from_transformers_in_bfloat16_and_repeat(tiny_model, tiny_adapter):
    checkpoint = find_checkpoint(str(tiny_model))
    assert choose_engine("auto", checkpoint).engine == "transformers"
    engine = TransformersEngine(checkpoint)
    assert engine.precision == "bfloat16" and "cuda" in engine.describe()

    def ask(adapter):
        question = [{"role": "user", "content": "Who paints the kites?"}]
        pieces = engine.stream(question, adapter=adapter, max_new_tokens=12)
        return "".join(piece.text for piece in pieces)

    base, adapted = ask(None), ask(str(tiny_adapter))
    assert base != adapted
    assert ask(None) == base and ask(str(tiny_adapter)) == adapted
