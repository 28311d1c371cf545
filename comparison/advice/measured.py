"""What was measured of the methods, as far as it was."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import mean
from typing import Any

from comparison.advice.figure import Figure, mean_of, percentile_of, share_of
from comparison.ask import METHODS
from finetune_backend.forgetting.measure import Change
from workbench.errors import RagtuneError

_FLAGS = ("right", "unanswerable", "refused", "trained", "form_kept")
_NUMBERS = {
    "contains": 1.0,
    "groundedness": 1.0,
    **dict.fromkeys(("latency_ms", "watt_hours", "prompt", "completion"), math.inf),
}
"""The most that each may be; the least is 0."""
_EXPECTED = "a row of `ragtune evaluate --json` was expected"


@dataclass(frozen=True, slots=True)
class MethodMeasure:
    """What an exam measured of one method; None where it did not ask for it."""

    method: str
    questions: int
    """With known answers or a required form, or without an answer in the documents."""
    adapter: str | None = None
    right: Figure | None = None
    """Share of the questions with known answers that were answered with one of them."""
    right_trained: Figure | None = None
    """The same of facts that the adapter was trained on, and of the others."""
    right_untrained: Figure | None = None
    form_kept: Figure | None = None
    grounded: Figure | None = None
    """How much of an answer the passages support, from 0 to 1."""
    declined_rightly: Figure | None = None
    """Share of the questions without an answer in the documents that it declined."""
    declined_wrongly: Figure | None = None
    """The same of those with one."""
    p50_seconds: Figure | None = None
    """From the question to the end of the answer."""
    p95_seconds: Figure | None = None
    mean_seconds: Figure | None = None
    prompt_tokens: float | None = None
    """Of one answer, on average; as the next two."""
    completion_tokens: float | None = None
    watt_hours: float | None = None


@dataclass(frozen=True, slots=True)
class RunMeasure:
    """What a fine-tune took, and what it cost the model."""

    name: str
    seconds: float
    peak_memory_gb: float | None = None
    watt_hours: float | None = None
    forgetting: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was measured; anything may be missing."""

    methods: tuple[MethodMeasure, ...] = ()
    run: RunMeasure | None = None
    name: str = ""
    """Of the evaluation; empty where there is none."""
    served: bool = False
    """Is the model in use on a server?"""
    answers: int = 0
    expected: int = 0
    """How many answers the evaluation has once it is complete; 0: not known."""

    @property
    def unfinished(self) -> str:
        """Say how much of the evaluation is there, where that isn't all."""
        if self.answers >= self.expected:
            return ""
        return f", {self.answers:,} of {self.expected:,} answers"

    def of(self, method: str) -> MethodMeasure | None:
        """Return what was measured of a method."""
        return next((one for one in self.methods if one.method == method), None)

    def figures(self, name: str) -> dict[str, Figure]:
        """Return a figure of each method that has it, by the method."""
        found = {one.method: getattr(one, name) for one in self.methods}
        return {method: figure for method, figure in found.items() if figure is not None}


def evidence_from_rows(
    rows: Iterable[Mapping[str, Any]], run: RunMeasure | None = None, name: str = ""
) -> Evidence:
    """Return what the rows of an evaluation say of its methods.

    A question that was asked again counts once, with its last answer. Of several adapters, a
    method is measured with the one of its first row.

    Args:
        rows: as in the result of `comparison.evaluate.evaluate`.
        run: the fine-tune that made the adapter.
        name: the evaluation's.

    Raises:
        RagtuneError: a row is not what was expected; the message says which.
    """
    last: dict[tuple[str, str | None, str], Mapping[str, Any]] = {}
    adapters: dict[str, str | None] = {}
    for number, row in enumerate(rows, start=1):
        _check(row, number)
        last[row["method"], row.get("adapter"), row["question"]] = row
        adapters.setdefault(row["method"], row.get("adapter"))
    kept = {
        method: [row for (of, adapter, _), row in last.items() if (of, adapter) == (method, name_)]
        for method, name_ in adapters.items()
    }
    # Only the rows of adapters say what those were trained on; the others are asked the same.
    learned = {
        row["question"]: row["trained"] for row in last.values() if row.get("trained") is not None
    }
    measures = (_measure(m, adapters[m], kept[m], learned) for m in METHODS if m in kept)
    return Evidence(tuple(measures), run, name)


def _measure(
    method: str, adapter: str | None, rows: list[Mapping[str, Any]], learned: Mapping[str, bool]
) -> MethodMeasure:
    answerable = [row for row in rows if row.get("contains") is not None]
    seconds = [row["latency_ms"] / 1000 for row in rows if row.get("latency_ms") is not None]
    right = {
        trained: [_is_right(row) for row in answerable if learned.get(row["question"]) is trained]
        for trained in (True, False)
    }
    unanswerable = [row for row in rows if row.get("unanswerable")]
    return MethodMeasure(
        method,
        len(rows),
        adapter,
        right=share_of([_is_right(row) for row in answerable]),
        right_trained=share_of(right[True]),
        right_untrained=share_of(right[False]),
        form_kept=share_of([row["form_kept"] for row in rows if row.get("form_kept") is not None]),
        grounded=mean_of(
            [r["groundedness"] for r in rows if r.get("groundedness") is not None], 1.0
        ),
        declined_rightly=share_of([bool(row.get("refused")) for row in unanswerable]),
        declined_wrongly=share_of([bool(row.get("refused")) for row in answerable]),
        p50_seconds=percentile_of(seconds, 50),
        p95_seconds=percentile_of(seconds, 95),
        mean_seconds=mean_of(seconds),
        prompt_tokens=_mean_tokens(rows, "prompt"),
        completion_tokens=_mean_tokens(rows, "completion"),
        watt_hours=_mean([r["watt_hours"] for r in rows if r.get("watt_hours") is not None]),
    )


def _is_right(row: Mapping[str, Any]) -> bool:
    """Is it right? Of a label that is more than that the answer contains it."""
    return bool(row.get("right", row["contains"]))


def _mean_tokens(rows: list[Mapping[str, Any]], kind: str) -> float | None:
    counts = [(row.get("tokens") or {}).get(kind) for row in rows]
    return _mean([count for count in counts if count is not None])


def _mean(values: list[float]) -> float | None:
    return mean(values) if values else None


def _check(row: Any, number: int) -> None:
    """Make sure that a row can be read, and that its numbers are some."""
    if not isinstance(row, Mapping) or not isinstance(row.get("question"), str):
        raise RagtuneError(f"Row {number} of the evaluation has no question; {_EXPECTED}.")
    if row.get("method") not in METHODS:
        raise RagtuneError(
            f"Row {number} of the evaluation has the method {row.get('method')!r}; one of "
            f"{', '.join(METHODS)} was expected."
        )
    tokens = row.get("tokens")
    for key, value in (*row.items(), *(tokens.items() if isinstance(tokens, Mapping) else ())):
        if value is not None and not _fits(key, value):
            raise RagtuneError(f"Row {number} of the evaluation has {key} {value!r}; {_EXPECTED}.")


def _fits(key: str, value: Any) -> bool:
    """Is it what a row has under this key? What is not read may be anything."""
    if key in _FLAGS:
        return isinstance(value, bool)
    if key == "adapter":
        return isinstance(value, str)
    if key == "tokens":
        return isinstance(value, Mapping)
    if key in _NUMBERS:
        return isinstance(value, int | float) and 0 <= value <= _NUMBERS[key] and value < math.inf
    return True
