"""Several processes train one adapter, each on its share of every batch.

``torchrun --nproc-per-node N -m finetune_backend.train_process RUN_FOLDER`` starts them.
All hold the same weights; the sum of their gradients is that of one process alone. Alone,
these functions change nothing.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from workbench.jobs import Cancelled

T = TypeVar("T")


@contextlib.contextmanager
def joined() -> Iterator[None]:
    """Join the other processes that torchrun started, if it did."""
    if _processes() == 1:
        yield
        return
    import torch
    from torch import distributed

    gpus = torch.cuda.device_count()
    if gpus:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % gpus)
    # NCCL refuses two processes on one GPU.
    each_its_own = int(os.environ["LOCAL_WORLD_SIZE"]) <= gpus
    distributed.init_process_group("nccl" if each_its_own else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def is_first() -> bool:
    """Is this the process that reports and saves?"""
    return _rank() == 0


def share(batch: Sequence[T]) -> list[T]:
    """Return the part of a batch that this process computes; it may be empty."""
    return list(batch[_rank() :: _processes()])


def add_up(weights: Sequence[Any], losses: Sequence[float]) -> Sequence[float]:
    """Sum the weights' gradients over all processes, in place, and return the summed losses."""
    if _processes() == 1:
        return losses
    import torch
    from torch import distributed

    grads = [torch.zeros_like(w) if w.grad is None else w.grad for w in weights]
    total = torch.cat([*(grad.flatten() for grad in grads), grads[0].new_tensor(losses)])
    distributed.all_reduce(total)
    *pieces, summed = total.split([*(grad.numel() for grad in grads), len(losses)])
    for weight, piece in zip(weights, pieces, strict=True):
        weight.grad = piece.view_as(weight)
    return [float(loss) for loss in summed]


def of_first(value: float) -> float:
    """Return the first process's value in all of them."""
    if _processes() == 1:
        return value
    import torch
    from torch import distributed

    told = torch.tensor(value, device="cuda" if torch.cuda.is_available() else "cpu")
    distributed.broadcast(told, src=0)
    return float(told)


def first_does(action: Callable[[], None]) -> None:
    """Let the first process do something; where that raises, all processes end.

    Raises:
        Cancelled: in the others, when the first one raised.
    """
    if _processes() == 1:
        action()
        return
    import torch
    from torch import distributed

    error: BaseException | None = None
    if is_first():
        try:
            action()
        except BaseException as raised:
            error = raised
    raised_there = torch.tensor(
        [error is not None], device="cuda" if torch.cuda.is_available() else "cpu"
    )
    distributed.broadcast(raised_there, src=0)
    if error is not None:
        raise error
    if raised_there.item():
        raise Cancelled


def _rank() -> int:
    return int(os.environ.get("RANK", "0"))


def _processes() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))
