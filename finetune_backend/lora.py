"""Train a LoRA adapter: a plain loop that wastes little on a CPU."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune_backend.rows import Row, batches
from finetune_backend.settings import TrainSettings
from workbench.errors import RagtuneError
from workbench.language_models.loading import Checkpoint, best_device, load_weights

_GRADIENT_NORM = 1.0
_SHORT_ROW_TOKENS = 128


@dataclass(frozen=True, slots=True)
class Step:
    """How one optimizer step went."""

    step: int
    steps: int
    epoch: int
    loss: float
    """Mean cross-entropy per answer token, in nats."""
    learning_rate: float
    examples_per_second: float
    """Since the first step."""
    seconds: float
    seconds_left: float


def train(
    checkpoint: Checkpoint,
    rows_of: Callable[[int], Sequence[Row]],
    settings: TrainSettings,
    report: Callable[[Step], None],
    adapter: Path,
) -> None:
    """Train an adapter on all linear layers and save it as a PEFT folder.

    The base weights are frozen in bfloat16 where the hardware multiplies that faster;
    the LoRA matrices and the loss stay in float32.

    Args:
        checkpoint: the base model.
        rows_of: makes an epoch's rows; see `finetune_backend.rows.make_rows`. Every epoch
            has the same number of them.
        settings: with ``epochs`` filled in.
        report: called after every step; what it raises ends the training.
        adapter: folder to write.

    Raises:
        RagtuneError: the loss became infinite, or not a number.
    """
    import torch

    torch.manual_seed(settings.seed)
    device = best_device()
    dtype = _fastest_dtype(device)
    base, first = load_weights(checkpoint, dtype, device), rows_of(0)
    if device == "cpu" and max(map(len, first)) <= _SHORT_ROW_TOKENS:
        base.set_attn_implementation("eager")  # flash attention's backward is slow on short rows
    model = _with_lora(base, settings)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=settings.learning_rate, weight_decay=0.0, fused=True)
    steps = settings.epochs * math.ceil(len(first) / settings.batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: _share_of_peak(step, steps, settings.warmup)
    )
    model.train()
    started, seen, step = time.perf_counter(), 0, 0
    for epoch in range(settings.epochs):
        for batch in batches(
            rows_of(epoch), settings.batch_size, settings.seed * 1_000_003 + epoch
        ):
            with torch.autocast(device, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
                loss = answer_loss(model, batch, device)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, _GRADIENT_NORM)
            learning_rate = schedule.get_last_lr()[0]
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            step, seen = step + 1, seen + len(batch)
            seconds = time.perf_counter() - started
            if not math.isfinite(loss.item()):
                raise RagtuneError(
                    f"The loss is no longer a number after step {step}: the learning rate "
                    f"{settings.learning_rate:g} is too high. Try a tenth of it."
                )
            report(
                Step(
                    step=step,
                    steps=steps,
                    epoch=epoch + 1,
                    loss=loss.item(),
                    learning_rate=learning_rate,
                    examples_per_second=seen / seconds,
                    seconds=seconds,
                    seconds_left=seconds / step * (steps - step),
                )
            )
    model.save_pretrained(adapter, safe_serialization=True)


def answer_loss(model: Any, batch: Sequence[Row], device: str) -> Any:
    """Return the mean cross-entropy of the answers' tokens, a scalar tensor.

    The output layer is most of the work in a small model with a large vocabulary, so it
    gets the supervised positions alone, as one matrix of shape (tokens, hidden).
    """
    import torch

    width = max(len(row) for row in batch)
    ids = torch.zeros(len(batch), width, dtype=torch.long)
    mask = torch.zeros(len(batch), width, dtype=torch.long)
    predicting = torch.zeros(len(batch), width, dtype=torch.bool)
    for number, row in enumerate(batch):
        ids[number, : len(row)] = torch.tensor(row.prompt + row.answer)
        mask[number, : len(row)] = 1
        # Each answer token is predicted at the position before it.
        predicting[number, len(row.prompt) - 1 : len(row) - 1] = True
    labels = torch.tensor([token for row in batch for token in row.answer])
    predicting = predicting.to(device)
    hook = model.get_output_embeddings().register_forward_pre_hook(
        lambda _head, inputs: (inputs[0][predicting],)
    )
    try:
        logits = model(
            input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False
        ).logits
    finally:
        hook.remove()
    return torch.nn.functional.cross_entropy(logits.float(), labels.to(device))


def _with_lora(model: Any, settings: TrainSettings) -> Any:
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def _share_of_peak(step: int, steps: int, warmup: float) -> float:
    """Rise linearly, then fall along half a cosine to a tenth of the peak."""
    rising = max(1, round(steps * warmup))
    if step < rising:
        return (step + 1) / rising
    progress = (step - rising) / max(1, steps - rising)
    return 0.1 + 0.45 * (1 + math.cos(math.pi * progress))


def _fastest_dtype(device: str) -> Any:
    """Choose the base weights' type by a short race: without hardware for it, bf16 is slow."""
    import torch

    if device != "cpu":
        return torch.bfloat16 if device == "cuda" else torch.float32
    return min((torch.float32, torch.bfloat16), key=_matmul_seconds)


def _matmul_seconds(dtype: Any) -> float:
    import torch

    left, right = torch.ones(1024, 576, dtype=dtype), torch.ones(576, 1536, dtype=dtype)
    best = math.inf
    for _ in range(5):
        started = time.perf_counter()
        left @ right
        best = min(best, time.perf_counter() - started)
    return best
