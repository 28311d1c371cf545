"""Recall of held-out wordings: one pass must say what greedy decoding would."""

import pytest
import torch

from finetune_backend import lora
from finetune_backend.loss import AnswerLoss
from finetune_backend.recall import largest_part, measure, no_longer_rises
from finetune_backend.rows import Row
from finetune_backend.settings import TrainSettings
from workbench.language_models.loading import find_checkpoint, load_weights

SETTINGS = TrainSettings(epochs=40, batch_size=4, learning_rate=2e-2, rank=8, alpha=16)
ROWS = [Row((1, 17, 5, word, 9), (word + 1, 7, 2)) for word in range(200, 208)]


def decoded(model, prompt, count):
    made = list(prompt)
    for _ in range(count):
        made.append(int(model(torch.tensor([made])).logits[0, -1].argmax()))
    return tuple(made[len(prompt) :])


@pytest.mark.parametrize("packs", [True, False])
def test_it_is_what_greedy_decoding_says(tiny_model, packs):
    model = load_weights(find_checkpoint(str(tiny_model)), torch.float32, "cpu").eval()
    loss_of = AnswerLoss(model, ROWS, "cpu")
    assert loss_of.packs
    if not packs:
        loss_of = AnswerLoss(
            load_weights(find_checkpoint(str(tiny_model)), torch.float32, "cpu").eval(), ROWS, "cpu"
        )
        loss_of.packs = False
        loss_of._model.set_attn_implementation("eager")
    with torch.no_grad():
        reference = load_weights(find_checkpoint(str(tiny_model)), torch.float32, "cpu").eval()
        said = [decoded(reference, row.prompt, 3) for row in ROWS]
        ids = torch.tensor([ROWS[0].prompt + ROWS[0].answer])
        labels = torch.where(torch.arange(ids.shape[1]) < len(ROWS[0].prompt), -100, ids)
        loss = reference(ids, labels=labels).loss.item()
    right = [Row(row.prompt, answer) for row, answer in zip(ROWS, said, strict=True)]
    assert measure(loss_of, [[row] for row in right], 64)[0] == 1.0
    # Wrong in its last token; and right by the second of two answers.
    wrong = [Row(row.prompt, (*row.answer[:-1], row.answer[-1] + 1)) for row in right]
    share, _ = measure(loss_of, [[wrong[0], right[0]], [wrong[1]], [right[2]], [wrong[3]]], 1000)
    assert share == 0.5
    assert measure(loss_of, [[ROWS[0], right[0]]], 1000)[1] == pytest.approx(loss, rel=1e-4)


def test_it_stops_where_it_no_longer_rises():
    assert not no_longer_rises([0.5, 0.5, 0.5], 0)
    assert not no_longer_rises([0.5], 1)
    assert not no_longer_rises([0.1, 0.2, 0.2], 2)
    assert no_longer_rises([0.1, 0.3, 0.2, 0.3], 2)
    assert not no_longer_rises([0.1, 0.3, 0.2, 0.4], 2)


def trained(tiny_model, folder, steps, keep=None, **changes):
    import dataclasses

    checkpoint = find_checkpoint(str(tiny_model))
    settings = dataclasses.replace(SETTINGS, **changes)
    # Held out are rows that can't be learned from the others.
    held_out = [[Row((1, 17, 5, 999, 9), (7, 8, 9, 10, 2))]]
    lora.train(checkpoint, lambda _: ROWS, settings, steps.append, folder, keep, held_out)


def test_training_ends_where_recall_no_longer_rises(tiny_model, tmp_path):
    steps = []
    trained(tiny_model, tmp_path / "made", steps, patience=3)
    assert [step.epoch for step in steps] == [1, 1, 2, 2, 3, 3, 4, 4]
    assert [step.recall for step in steps] == [None, 0.0] * 4
    assert all(step.validation_loss > 1.0 for step in steps[1::2])
    assert (tmp_path / "made" / "adapter_model.safetensors").exists()


def test_a_paused_training_knows_how_long_recall_has_not_risen(tiny_model, tmp_path):
    class Enough(Exception):
        pass

    steps = []

    class Stopping(list):
        def append(self, step):
            super().append(step)
            if step.step == 5:
                raise Enough

    kept = tmp_path / "kept"
    kept.mkdir()
    with pytest.raises(Enough):
        trained(
            tiny_model, tmp_path / "made", Stopping(), lora.Keep(kept, lambda: True), patience=3
        )
    trained(tiny_model, tmp_path / "made", steps, lora.Keep(kept, lambda: False), patience=3)
    assert [step.step for step in steps] == [6, 7, 8]


@pytest.mark.parametrize(
    ("changes", "layers"),
    [
        ({"kind": "rslora"}, {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj"}),
        ({"kind": "dora"}, {"q_proj", "down_proj"}),
        ({"targets": "attention"}, {"q_proj", "k_proj", "v_proj", "o_proj"}),
        ({"targets": "mlp"}, {"gate_proj", "up_proj", "down_proj"}),
        ({"schedule": "constant"}, {"q_proj", "down_proj"}),
    ],
)
def test_every_kind_of_lora_learns_and_loads_in_peft(tiny_model, tmp_path, changes, layers):
    from peft import PeftModel

    steps = []
    trained(tiny_model, tmp_path / "made", steps, **changes)
    assert steps[-1].loss < steps[0].loss - 0.5
    base = load_weights(find_checkpoint(str(tiny_model)), torch.float32, "cpu")
    model = PeftModel.from_pretrained(base, tmp_path / "made").eval()
    learned = {
        name.split(".lora_A")[0].rpartition(".")[2]
        for name, _ in model.named_parameters()
        if "lora_A" in name
    }
    assert layers <= learned
    if "targets" in changes:
        assert learned == layers
    with torch.no_grad():
        loss = sum(
            model(
                torch.tensor([row.prompt + row.answer]),
                labels=torch.tensor([(-100,) * len(row.prompt) + row.answer]),
            ).loss.item()
            for row in ROWS
        ) / len(ROWS)
    # What PEFT computes from the saved matrices is what was trained.
    assert loss == pytest.approx(steps[-1].loss, abs=0.3)


def test_step_sizes_rise_and_then_fall_as_the_schedule_says():
    shares = {
        schedule: [lora.share_of_peak(step, 100, 0.1, schedule) for step in range(100)]
        for schedule in ("cosine", "linear", "constant")
    }
    for made in shares.values():
        assert made[:10] == pytest.approx([n / 10 for n in range(1, 11)])
    assert shares["constant"][10:] == [1.0] * 90
    assert shares["linear"][55] == pytest.approx(0.55)
    assert shares["cosine"][55] == pytest.approx(0.55)
    assert shares["cosine"][30] > shares["linear"][30]
    assert shares["linear"][-1] == pytest.approx(0.11)


def test_the_part_that_is_measured_at_once_with_the_most_answers_is_found():
    short, long = Row((1, 2, 3, 4), (5,)), Row((1, 2, 3, 5), (6,) * 40)
    rows = [short] * 192 + [long] * 2
    part = largest_part(rows, 4 * 100)
    assert part.count(long) == 2 and sum(len(row) - 3 for row in part) <= 100
    assert largest_part([], 400) == []
