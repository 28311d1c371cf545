"""Train a LoRA adapter: a plain loop that wastes little on a CPU."""

import itertools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune_backend import parallel, saved
from finetune_backend.loss import AnswerLoss
from finetune_backend.recall import HeldOut, measure, no_longer_rises
from finetune_backend.rows import (
    Row,
    batches,
    drawn_together,
    split_batch,
)
from finetune_backend.settings import TrainSettings
from workbench.errors import RagtuneError
from workbench.hardware import best_device, fastest_dtype, peak_memory_gb
from workbench.language_models.loading import Checkpoint, load_weights, making_model
from workbench.language_models.quiet import importing

_GRADIENT_NORM = 1.0


@dataclass(frozen=True, slots=True)
class Step:
    """How one optimizer step went."""

    step: int
    steps: int
    epoch: int
    loss: float
    """Mean cross-entropy per answer token of the examples, in nats."""
    learning_rate: float
    examples_per_second: float
    """Since the first step."""
    seconds: float
    seconds_left: float
    recall: float | None = None
    """Share of the held-out wordings answered word for word; None but after each epoch."""
    validation_loss: float | None = None
    """Mean cross-entropy per token of the held-out answers, in nats; None as above."""
    memory_gb: float | None = None
    """The most that the process, or the GPU, has held so far; None in runs of older versions."""
    general_loss: float | None = None
    """Mean cross-entropy per token of the general text; None where the step had none."""


@dataclass(frozen=True, slots=True)
class Keep:
    """When and where a fine-tune saves its state."""

    folder: Path
    now: Callable[[], bool]
    """Asked after every step."""


def train(
    checkpoint: Checkpoint,
    rows_of: Callable[[int], Sequence[Row]],
    settings: TrainSettings,
    report: Callable[[Step], None],
    adapter: Path,
    keep: Keep | None = None,
    held_out: HeldOut = (),
) -> None:
    """Train an adapter on all linear layers and save it as a PEFT folder.

    The base weights are frozen in bfloat16 where the hardware multiplies that faster;
    the LoRA matrices and the loss stay in float32. Under torchrun each process takes a
    share of every batch, and the first one reports and saves.

    Args:
        checkpoint: the base model.
        rows_of: makes an epoch's rows; see `finetune_backend.rows.make_rows`. Every epoch
            has the same number of them, and of texts that they ask about.
        settings: with ``epochs`` filled in.
        report: called after every step; what it raises ends the training.
        adapter: folder to write.
        keep: where to save the state and go on from what is saved there; None keeps nothing.
        held_out: see `finetune_backend.recall`; measured after each epoch. Where recall does not
            rise for ``settings.patience`` epochs, the training ends there.

    Raises:
        RagtuneError: the loss became infinite, or not a number; or a state can't be saved.
    """
    import torch

    torch.manual_seed(settings.seed)
    device, first = best_device(), rows_of(0)
    dtype = fastest_dtype(device)
    mixed = torch.autocast(device, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16)
    base = load_weights(checkpoint, dtype, device)
    with mixed:
        loss_of = AnswerLoss(base, first, device)
    model = with_lora(base, settings)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=settings.learning_rate, weight_decay=0.0, fused=True)
    an_epoch = math.ceil(len(drawn_together(first)) / settings.batch_size)
    steps = settings.epochs * an_epoch
    begun = saved.load(keep.folder, weights, optimizer) if keep else saved.Reached()
    model.train()
    started, seen, step, recalls = time.perf_counter(), begun.examples, begun.step, begun.recalls
    for epoch in range(begun.step // an_epoch, settings.epochs):
        if no_longer_rises(recalls, settings.patience):
            break
        drawn = batches(rows_of(epoch), settings.batch_size, settings.seed * 1_000_003 + epoch)
        for batch in itertools.islice(drawn, step - epoch * an_epoch, None):
            tokens = _answer_tokens(batch)
            learning_rate = settings.learning_rate * share_of_peak(
                step, steps, settings.warmup, settings.schedule
            )
            optimizer.param_groups[0]["lr"] = learning_rate
            with mixed:
                own = backward(
                    loss_of, parallel.share(batch), divisors(batch), token_budget(device)
                )
            losses = parallel.add_up(weights, own)
            torch.nn.utils.clip_grad_norm_(weights, _GRADIENT_NORM)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step, seen = step + 1, seen + sum(not row.general for row in batch)
            if not all(map(math.isfinite, losses)):
                raise RagtuneError(
                    f"The loss is no longer a number after step {step}: the learning rate "
                    f"{settings.learning_rate:g} is too high. Try a tenth of it."
                )
            recall, validation_loss = None, None
            if held_out and step % an_epoch == 0:
                # By every process alike, since all have to know where to end.
                model.eval()
                with mixed:
                    recall, validation_loss = measure(loss_of, held_out, token_budget(device))
                model.train()
                recall = parallel.of_first(recall)
                recalls = (*recalls, recall)
            seconds = begun.seconds + time.perf_counter() - started
            done = Step(
                step=step,
                steps=steps,
                epoch=epoch + 1,
                loss=losses[0] / tokens[0],
                learning_rate=learning_rate,
                examples_per_second=seen / seconds,
                seconds=seconds,
                seconds_left=seconds / step * (steps - step),
                recall=recall,
                validation_loss=validation_loss,
                memory_gb=peak_memory_gb(),
                general_loss=losses[1] / tokens[1] if tokens[1] else None,
            )
            reached = saved.Reached(step, seen, seconds, recalls)

            def tell(done: Step = done, reached: saved.Reached = reached) -> None:
                try:
                    report(done)  # may raise to pause
                finally:
                    if keep and keep.now():
                        saved.save(keep.folder, weights, optimizer, reached)

            parallel.first_does(tell)
    if parallel.is_first():
        model.save_pretrained(adapter, safe_serialization=True)


def backward(
    loss_of: AnswerLoss, rows: Sequence[Row], over: tuple[float, float], budget_tokens: int
) -> tuple[float, float]:
    """Add the gradient of a batch's loss to the weights'.

    What each part is divided by is the *whole* batch's, so that the gradient is that of the
    batch at once, however it was split.

    Args:
        loss_of: the model's loss.
        rows: the batch, or this process's share of it.
        over: the batch's `divisors`.
        budget_tokens: tokens computed at once.

    Returns:
        The summed cross-entropy of the examples' answers, and that of general text, in nats.
    """
    losses = [0.0, 0.0]
    for part, prefix in split_batch(rows, budget_tokens, loss_of.prefix):
        loss = loss_of(part, prefix)
        (loss / over[part[0].general]).backward()
        losses[part[0].general] += loss.item()
    return losses[0], losses[1]


def divisors(batch: Sequence[Row]) -> tuple[float, float]:
    """Return what the summed losses of examples and of general text are divided by.

    Each has the share of the batch's loss that it has of the rows: the mean over its tokens,
    times that share. By tokens, two long texts would outweigh sixteen short answers.
    """
    general = sum(row.general for row in batch)
    of_examples, of_general = _answer_tokens(batch)
    return (
        of_examples * (len(batch) / max(1, len(batch) - general)),
        of_general * (len(batch) / max(1, general)),
    )


def _answer_tokens(rows: Sequence[Row]) -> tuple[int, int]:
    """Return how many tokens are learned of examples, and of general text."""
    general = sum(len(row.answer) for row in rows if row.general)
    return sum(len(row.answer) for row in rows) - general, general


def token_budget(device: str) -> int:
    """Return how many tokens are computed at once."""
    return 1024 if device == "cpu" else 8192


def with_lora(base: Any, settings: TrainSettings) -> Any:
    """Return a PEFT model of the base with fresh LoRA matrices on all linear layers."""
    with importing:
        from peft import LoraConfig, get_peft_model

    from finetune_backend.fused import fuse_lora

    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        use_rslora=settings.kind == "rslora",
        use_dora=settings.kind == "dora",
        target_modules=_targets(base, settings.targets),
        task_type="CAUSAL_LM",
    )
    with making_model:
        model = get_peft_model(base, config)
    if not settings.dropout and settings.kind != "dora":
        fuse_lora(model)
    return model


def _targets(base: Any, which: str) -> str | list[str]:
    """Return the names of the linear layers that are to learn, as PEFT takes them."""
    import torch

    if which == "all":
        return "all-linear"
    head = base.get_output_embeddings()
    linear = [
        name
        for name, layer in base.named_modules()
        if isinstance(layer, torch.nn.Linear) and layer is not head
    ]
    attention = {name for name in linear if "attn" in name or "attention" in name}
    chosen = attention if which == "attention" else set(linear) - attention
    if not chosen:
        raise RagtuneError(
            f"targets is {which!r}, but this model has no such layers. Choose targets=all."
        )
    return sorted({name.rpartition(".")[2] for name in chosen})


def share_of_peak(step: int, steps: int, warmup: float, schedule: str = "cosine") -> float:
    """Rise linearly over a share of the steps, then fall to a tenth, or stay."""
    rising = max(1, round(steps * warmup))
    if step < rising:
        return (step + 1) / rising
    progress = (step - rising) / max(1, steps - rising)
    left = {
        "cosine": 0.5 * (1 + math.cos(math.pi * progress)),
        "linear": 1 - progress,
        "constant": 1.0,
    }
    return 0.1 + 0.9 * left[schedule]
