"""What a sweep searches: a range for each setting that isn't fixed."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from finetune_backend.settings import TrainSettings
from workbench.errors import RagtuneError
from workbench.settings import from_text

BY_FACTORS = ("learning_rate", "rank", "batch_size")
"""Searched evenly in their logarithm."""
SEARCHED = (*BY_FACTORS, "epochs")
_LARGEST_ALPHA = 1024
_TYPES: dict[str, type] = {f.name: type(f.default) for f in dataclasses.fields(TrainSettings)}


@dataclass(frozen=True, slots=True)
class Range:
    """From where to where a setting is searched, both included."""

    low: float
    high: float


Space = Mapping[str, Range]
Params = Mapping[str, float]
"""A value for every setting that is searched."""


def default_space(settings: TrainSettings) -> dict[str, Range]:
    """Return ranges around settings whose epochs are filled in, wide enough to learn from."""
    return {
        "learning_rate": Range(1e-4, 3e-3),
        "rank": Range(4, 64),
        "batch_size": Range(4, 16),
        "epochs": Range(max(1, settings.epochs // 2), max(2, settings.epochs * 2)),
    }


def check_space(settings: TrainSettings, space: Space) -> None:
    """Make sure that there is something to search, within what a fine-tune takes.

    Raises:
        RagtuneError: names the setting, what was given and what was expected.
    """
    if not space:
        raise RagtuneError(
            f"Every setting is fixed. Give a range to one of {', '.join(SEARCHED)}, for example "
            "learning_rate=1e-4..2e-3."
        )
    for name, within in space.items():
        if name not in SEARCHED:
            raise RagtuneError(
                f"{name} can't be searched; ranges are for {', '.join(SEARCHED)}. "
                f"To fix it, give one value: {name}=…"
            )
        if name == "epochs" and within.low < 1:
            raise RagtuneError(
                f"epochs are searched from {within.low:g}; at least 1 was expected there."
            )
        if not within.low < within.high:
            raise RagtuneError(
                f"{name} is searched from {within.low:g} to {within.high:g}; the first number was "
                "expected to be smaller. To fix it, give one value."
            )
        for value in (within.low, within.high):
            settings_of(settings, {name: _as_typed(name, value)})


def from_pairs(
    usual: TrainSettings, pairs: Sequence[str]
) -> tuple[TrainSettings, dict[str, Range]]:
    """Return what is fixed and what is searched.

    Args:
        usual: the settings around which is searched what no pair names, with epochs filled in.
        pairs: ``key=low..high`` searches a setting, ``key=value`` fixes it.

    Raises:
        RagtuneError: a setting is unknown, or a value is not of its kind.
    """
    fixed, space = [], default_space(usual)
    for pair in pairs:
        key, _, text = pair.partition("=")
        if ".." in text:
            space[key] = _range(key, text)
        else:
            fixed.append(pair)
            space.pop(key, None)
    return from_text(TrainSettings, fixed), space


def settings_of(settings: TrainSettings, params: Params) -> TrainSettings:
    """Return the settings of a trial; alpha keeps its proportion to the rank."""
    values: dict[str, float] = {name: _as_typed(name, value) for name, value in params.items()}
    if "rank" in params:
        alpha = round(settings.alpha * params["rank"] / settings.rank)
        values["alpha"] = min(_LARGEST_ALPHA, max(1, alpha))
    return dataclasses.replace(settings, **values)  # type: ignore[arg-type]


def inside(settings: TrainSettings, space: Space) -> dict[str, float]:
    """Return the point of the space that is nearest to the settings."""
    return {
        name: _as_typed(name, min(within.high, max(within.low, getattr(settings, name))))
        for name, within in space.items()
    }


def is_whole(name: str) -> bool:
    """Does a setting take whole numbers only?"""
    return _TYPES[name] is int


def _range(key: str, text: str) -> Range:
    low, _, high = text.partition("..")
    try:
        return Range(float(low), float(high))
    except ValueError as error:
        raise RagtuneError(
            f"{key} is {text!r}; low..high was expected, e.g. learning_rate=1e-4..2e-3."
        ) from error


def _as_typed(name: str, value: float) -> float:
    if is_whole(name):
        if not float(value).is_integer():
            raise RagtuneError(f"{name} is {value:g}; a whole number was expected.")
        return round(value)
    return float(value)
