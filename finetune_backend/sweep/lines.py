"""Each trial as a line through its settings to what it reached, for a drawing."""

import math
from dataclasses import dataclass

from finetune_backend.sweep.space import BY_FACTORS
from finetune_backend.sweep.sweeps import Sweep
from finetune_backend.sweep.trials import Trial, nothing_held_out


@dataclass(frozen=True, slots=True)
class Point:
    """Where a trial's line crosses an axis."""

    trial: int
    state: str
    axis: str
    value: float
    height: float
    """From 0 to 1 between the axis' least and greatest value."""
    reached: float
    """What the whole line is coloured by: the trial's recall, or its loss."""


def reached_name(sweep: Sweep) -> str:
    """Name what the trials are compared by: recall, or the loss where nothing is held out."""
    return "loss" if nothing_held_out(sweep.trials) else "recall"


def reached(trial: Trial, name: str) -> float | None:
    """Return what a trial reached last; None before its first epoch."""
    if not trial.epochs:
        return None
    value: float | None = getattr(trial.epochs[-1], name)
    return value


def lines(sweep: Sweep) -> list[Point]:
    """Return the points of all trials that reached an epoch, axis by axis."""
    name = reached_name(sweep)
    drawn = [(trial, end) for trial in sweep.trials if (end := reached(trial, name)) is not None]
    axes = {
        axis: [(trial, float(trial.params[axis]), end) for trial, end in drawn]
        for axis in sweep.space
    } | {name: [(trial, end, end) for trial, end in drawn]}
    points = []
    for axis, values in axes.items():
        if axis in sweep.space:
            low, high = sweep.space[axis].low, sweep.space[axis].high
        else:
            ends = [value for _, value, _ in values]
            low, high = min(ends, default=0.0), max(ends, default=1.0)
        for trial, value, end in values:
            height = _height(value, low, high, axis in BY_FACTORS)
            points.append(Point(trial.number, trial.state, axis, value, height, end))
    return points


def _height(value: float, low: float, high: float, by_factors: bool) -> float:
    if low == high:
        return 0.5
    if by_factors:
        value, low, high = (math.log(number) for number in (value, low, high))
    return (value - low) / (high - low)
