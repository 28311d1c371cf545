"""What a fine-tune will take, from a few of the model's layers trained for a moment."""

import functools
import itertools
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune_backend.lora import backward, divisors, token_budget, with_lora
from finetune_backend.loss import AnswerLoss
from finetune_backend.raft import Shown
from finetune_backend.recall import largest_part, measure
from finetune_backend.rows import Row, batches, shared_prefix, split_batch
from finetune_backend.settings import TrainSettings, fit_to_data
from finetune_backend.training_set import Prompts, TrainingSet
from workbench.errors import RagtuneError
from workbench.hardware import best_device, fastest_dtype
from workbench.language_models.loading import (
    Checkpoint,
    load_tokenizer,
    making_model,
)
from workbench.language_models.quiet import importing
from workbench.values import Example

_REPETITIONS = 7
"""On a processor the fastest counts: the first prepares what the others use again, and whatever
else the machine does at a moment would be taken for what every step takes. Steps of a small model
on a GPU wait for Python, which is never as fast twice: the middle one counts."""
_FORWARD = 0.4
"""What a token takes that is only looked at, of what it takes to train on it."""
_FEW, _MORE = 1, 5
"""Layers tried. Two would fit a processor's cache, as a whole model never does."""
_PROCESS_BYTES = 560_000_000
"""Python with torch, transformers and peft, before it holds any weights."""
_WORKSPACE_BYTES = 50_000_000
"""Kernels, a chunk of logits, gradients on their way."""
_HEAP = 1.65
"""A C heap's size over what is kept in it: the gaps that shorter-lived tensors leave."""
_PATIENCE = 1.1
"""What a job takes longer than this process, as its threads wait without spinning."""
_GPU_START_SECONDS = 8.0
"""What a new process takes longer at its first ten steps or so on a GPU, where it loads kernels and
meets new sizes; measured on an H200, 6 to 9.5."""
CUBLAS_BYTES = 2 * 32 * 2**20
"""Its workspaces on a GPU, of the forward and of the backward pass; less on older ones."""
_TRAINED_BYTES = 16
"""Of a LoRA weight, its gradient and Adam's two moments, all float32."""
_one_at_a_time = threading.Lock()
"""Two would slow each other down."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a fine-tune will take on this machine."""

    seconds: float
    """From the first step to the last; loading the model comes before."""
    memory_gb: float
    """At its peak, of the process; on a GPU, of the GPU."""
    lower: str = ""
    """What would lower the memory most."""


@dataclass(frozen=True, slots=True)
class _Trial:
    """What a model with few layers took, trained on two parts of batches."""

    largest_seconds: float
    smallest_seconds: float
    step_seconds: float
    """Of the optimizer, once a batch."""
    saved_bytes: int
    """Kept from the forward pass for the backward one."""
    trained: int
    """LoRA weights."""
    frozen_bytes: int
    gpu_training_bytes: int
    """Held at most in a step, on a GPU; 0 elsewhere, as the next one."""
    gpu_measuring_bytes: int


def estimate_run(
    checkpoint: Checkpoint,
    examples: Sequence[Example],
    settings: TrainSettings,
    prompts: Prompts,
    shown: Sequence[Shown | None] = (),
    beside: Path | None = None,
) -> Estimate:
    """Estimate what a fine-tune on these examples will take; the second time at once.

    Args:
        checkpoint: the base model.
        examples: see `finetune_backend.training_set.TrainingSet`, as for the next three.
        settings: how.
        prompts: how questions will be asked.
        shown: the examples' passages.
        beside: what has the machine meanwhile. It slows the estimate down, which then says
            nothing about a time when that has ended.

    Raises:
        ExamplesError: an example is longer than is allowed.
    """
    with _one_at_a_time:
        return _estimate_run(checkpoint, tuple(examples), settings, prompts, tuple(shown), beside)


@functools.lru_cache(maxsize=16)
def _estimate_run(
    checkpoint: Checkpoint,
    examples: tuple[Example, ...],
    settings: TrainSettings,
    prompts: Prompts,
    shown: tuple[Shown | None, ...],
    _beside: Path | None,
) -> Estimate:
    settings = fit_to_data(settings, examples)
    made = TrainingSet(examples, load_tokenizer(checkpoint), settings, prompts, shown)
    measured = [row for wording in made.held_out for row in wording]
    return estimate(checkpoint, made.rows(0), settings, measured)


def free_memory_gb() -> float:
    """Return how much memory a fine-tune can have now: the GPU's where there is one."""
    import psutil
    import torch

    if best_device() == "cuda":
        return float(torch.cuda.mem_get_info()[0] / 1e9)
    return float(psutil.virtual_memory().available / 1e9)


def check_fits(expected: Estimate, free_gb: float) -> None:
    """Make sure that there is the memory that a fine-tune is expected to take.

    Raises:
        RagtuneError: there is less; says what would lower it.
    """
    if expected.memory_gb > free_gb:
        raise RagtuneError(
            f"This fine-tune needs about {expected.memory_gb:.1f} GB of memory, but {free_gb:.1f} "
            f"GB are free. {expected.lower}, or close other programs."
        )


def estimate(
    checkpoint: Checkpoint,
    rows: Sequence[Row],
    settings: TrainSettings,
    measured: Sequence[Row] = (),
) -> Estimate:
    """Estimate a fine-tune from a short measurement, which takes a second or two.

    The largest and the smallest part of a batch are trained on few and on more layers with
    made-up weights: the difference is the layers' share, what is left belongs to the output
    layer. Between the two, time grows with a part's tokens; memory is that of the largest.

    Args:
        checkpoint: the base model; its weights are not loaded.
        rows: of the first epoch.
        settings: with ``epochs`` filled in.
        measured: rows that are held out, and looked at after each epoch.
    """
    import torch

    with importing:
        from transformers import AutoConfig

    device = best_device()
    layers = int(AutoConfig.from_pretrained(checkpoint.folder).num_hidden_layers)
    epoch = [_parts(batch, device) for batch in batches(rows, settings.batch_size, settings.seed)]
    every = [part for parts in epoch for part in parts]
    largest, smallest = max(every, key=_tokens), min(every, key=_tokens)
    looked_at = largest_part(measured, token_budget(device))
    few, more = (
        _try(checkpoint, n, largest, smallest, looked_at, settings, device) for n in (_FEW, _MORE)
    )

    def whole(few: float, more: float) -> float:
        """Return what all layers take."""
        return few + max(0.0, more - few) * (layers - _FEW) / (_MORE - _FEW)

    slowest = whole(few.largest_seconds, more.largest_seconds)
    fastest = whole(few.smallest_seconds, more.smallest_seconds)
    most, least = _tokens(largest), _tokens(smallest)
    a_token = (slowest - fastest) / (most - least) if most > least else 0.0
    seconds = sum(fastest + a_token * (_tokens(part) - least) for part in every)
    seconds += len(epoch) * whole(few.step_seconds, more.step_seconds)
    seconds += _FORWARD * slowest / most * sum(map(len, measured))
    trained = whole(few.trained, more.trained)
    saved = whole(few.saved_bytes, more.saved_bytes)
    frozen = whole(few.frozen_bytes, more.frozen_bytes)
    parts = {
        "Choose a smaller model in Settings": frozen,
        "Lower rank": trained * _TRAINED_BYTES,
        "Lower batch_size, or shorten the longest examples": saved,
    }
    lower = max(parts, key=lambda part: parts[part])
    if device == "cuda":
        seconds *= settings.epochs / torch.cuda.device_count()
        peak = CUBLAS_BYTES + max(
            whole(few.gpu_training_bytes, more.gpu_training_bytes),
            whole(few.gpu_measuring_bytes, more.gpu_measuring_bytes),
        )
        return Estimate(_GPU_START_SECONDS + seconds, peak / 1e9, lower)
    files = Path(str(checkpoint.folder)).glob("*.safetensors")
    stored = sum(file.stat().st_size for file in files)
    training = sum(parts.values()) + (_HEAP - 1) * saved + _WORKSPACE_BYTES
    # Weights of another type are in memory twice while they are loaded.
    peak = _PROCESS_BYTES + max(training, frozen + stored)
    return Estimate(seconds * settings.epochs * _PATIENCE, peak / 1e9, lower)


def _parts(batch: Sequence[Row], device: str) -> list[list[Row]]:
    return [part for part, _ in split_batch(batch, token_budget(device), shared_prefix)]


def _tokens(part: Sequence[Row]) -> int:
    prefix = shared_prefix(part)
    return prefix + sum(len(row) - 1 - prefix for row in part)


def _try(
    checkpoint: Checkpoint,
    layers: int,
    largest: list[Row],
    smallest: list[Row],
    looked_at: list[Row],
    settings: TrainSettings,
    device: str,
) -> _Trial:
    import torch

    with importing:
        from transformers import AutoConfig, AutoModelForCausalLM

    from finetune_backend.fused import packed_bytes

    dtype = fastest_dtype(device)
    there = 0
    if device == "cuda":
        _have_workspaces()
        there = torch.cuda.memory_allocated()
    config = AutoConfig.from_pretrained(checkpoint.folder)
    config.num_hidden_layers = layers
    with making_model, torch.device("meta"):  # which costs neither time nor memory
        base = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    base = base.to(dtype).to_empty(device=device).eval()
    base.tie_weights()
    for tensor in itertools.chain(base.parameters(), base.buffers()):
        tensor.data.fill_(0.01)
    frozen = sum(weight.nbytes for weight in base.parameters())
    saved: dict[int, int] = {}

    def note(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    mixed = torch.autocast(device, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16)
    with mixed:
        loss_of = AnswerLoss(base, largest, device)
    model = with_lora(base, settings)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, fused=True)
    largest_seconds, smallest_seconds, step_seconds = [], [], []
    _most_gpu_bytes(device)
    for _ in range(_REPETITIONS):
        started = time.perf_counter()
        with mixed:
            backward(loss_of, smallest, divisors(smallest), sys.maxsize)
        _wait(device)
        smallest_seconds.append(time.perf_counter() - started)
        started = time.perf_counter()
        saved.clear()
        with mixed, torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            backward(loss_of, largest, divisors(largest), sys.maxsize)
        _wait(device)
        computed = time.perf_counter()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        _wait(device)
        largest_seconds.append(computed - started)
        step_seconds.append(time.perf_counter() - computed)
    training_bytes = _most_gpu_bytes(device) - there
    if looked_at:  # on a GPU it may hold more than a step does
        with mixed:
            measure(loss_of, [[row] for row in looked_at], token_budget(device))
    typical = min if device == "cpu" else statistics.median
    held = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    return _Trial(
        largest_seconds=typical(largest_seconds),
        smallest_seconds=typical(smallest_seconds),
        step_seconds=typical(step_seconds),
        saved_bytes=sum(size for place, size in saved.items() if place not in held),
        trained=sum(weight.numel() for weight in weights),
        frozen_bytes=frozen + packed_bytes(model),
        gpu_training_bytes=training_bytes,
        gpu_measuring_bytes=_most_gpu_bytes(device) - there,
    )


def _most_gpu_bytes(device: str) -> int:
    """Return what tensors held at most on a GPU since this was last asked; 0 elsewhere."""
    import torch

    if device != "cuda":
        return 0
    most = torch.cuda.max_memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    return int(most)


@functools.cache
def _have_workspaces() -> None:
    """Let cuBLAS have its workspaces, which stay: they are no trial's."""
    import torch

    square = torch.ones(64, 64, device="cuda", dtype=torch.bfloat16, requires_grad=True)
    (square @ square).sum().backward()


def _wait(device: str) -> None:
    """Wait for what a GPU was asked to do."""
    import torch

    if device == "cuda":
        torch.cuda.synchronize()
    elif device == "mps":
        torch.mps.synchronize()
