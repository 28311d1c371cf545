"""What fine-tunes learned and forgot, as a table, as figures and in sentences."""

from collections.abc import Sequence
from typing import Any

from comparison.experiments.experiment import Figure, Result
from comparison.experiments.intervals import said_share, wilson
from finetune_backend.forgetting.probes import KINDS

_TITLES = {
    kind: f"{kind.capitalize()}: change in {'%' if kind == 'surprise' else 'points'}"
    for kind in KINDS
}


def passes(epochs: int) -> str:
    """Say a number of passes."""
    return f"{epochs} epoch{'' if epochs == 1 else 's'}"


def ends(kind: str) -> tuple[str, str]:
    """Return the names of the columns with the ends of a measure's interval."""
    return f"{kind} low", f"{kind} high"


def found(rows: Sequence[dict[str, Any]], notes: Sequence[str]) -> Result:
    """Return what the rows say."""
    table = tuple(map(_line, sorted(rows, key=lambda row: (row["rank"], row["epochs"]))))
    recall = Figure("curve", "epochs", "share", "rank", "Held-out wordings recalled")
    changes = (
        Figure("curve", "epochs", kind, "rank", title, *ends(kind), share=False)
        for kind, title in _TITLES.items()
    )
    return Result(
        table=table,
        figures=(*([recall] if rows[0]["of"] else []), *changes),
        caption=_caption(table),
        notes=tuple(notes),
    )


def _line(row: dict[str, Any]) -> dict[str, Any]:
    line: dict[str, Any] = {"rank": f"rank {row['rank']}", "epochs": row["epochs"]}
    if row["of"]:
        low, high = wilson(row["recalled"], row["of"])
        line |= {"recalled": row["recalled"], "of": row["of"]}
        line |= {"share": row["recalled"] / row["of"], "low": low, "high": high}
    for kind in KINDS:
        change, margin = row[kind], row[f"{kind} ±"]
        line |= {kind: change}
        line |= dict(zip(ends(kind), (change - margin, change + margin), strict=True))
    return line


def _caption(table: Sequence[dict[str, Any]]) -> str:
    """Say what the most passes came to with each rank, and what differs from fewer, and between."""
    by: dict[str, list[dict[str, Any]]] = {}
    for line in table:
        by.setdefault(line["rank"], []).append(line)
    said = []
    for rank, lines in by.items():
        first, last = lines[0], lines[-1]
        said.append(
            f"{rank.capitalize()} after {passes(last['epochs'])}: {_recalled(last)}beside the "
            f"base, {_changed(last)}."
        )
        if first is not last:
            said.append(
                f"After {passes(first['epochs'])}: {_recalled(first)}since then, "
                f"{_differing(first, last)}."
            )
    if len(by) > 1:
        smaller, larger = (lines[-1] for lines in by.values())
        said.append(
            f"{larger['rank'].capitalize()} beside {smaller['rank']}, both after "
            f"{passes(larger['epochs'])}: {_differing(smaller, larger)}."
        )
    return " ".join(said)


def _recalled(line: dict[str, Any]) -> str:
    if "of" not in line:
        return ""
    return f"recalls {said_share(line['recalled'], line['of'], 'held-out wordings')}; "


def _changed(line: dict[str, Any]) -> str:
    """Say what is no longer as it was in the base."""
    found: dict[str, list[str]] = {"worse": [], "better": [], "no change can be told": []}
    for kind in KINDS:
        low, high = (line[end] for end in ends(kind))
        if low <= 0 <= high:
            found["no change can be told"].append(kind)
        else:
            better = (low > 0) != (kind == "surprise")
            found["better" if better else "worse"].append(f"{kind} {_said(line, kind)}")
    return "; ".join(f"{what}: {', '.join(some)}" for what, some in found.items() if some)


def _differing(one: dict[str, Any], other: dict[str, Any]) -> str:
    """Say what differs between two lines; where intervals overlap, nothing can be told."""
    measured = {kind: ends(kind) for kind in KINDS}
    if "of" in one:
        measured = {"recall": ("low", "high"), **measured}
    apart, overlapping = list[str](), list[str]()
    for what, (low, high) in measured.items():
        differs = one[high] < other[low] or other[high] < one[low]
        (apart if differs else overlapping).append(what)
    said = [f"different: {', '.join(apart)}"] if apart else []
    if overlapping:
        said.append(f"intervals overlap, so no difference can be told: {', '.join(overlapping)}")
    return "; ".join(said)


def _said(line: dict[str, Any], kind: str) -> str:
    """Say a change with its interval: "−1.2 points (−6.0 to +3.6)"."""
    change, low, high = (f"{line[key]:+.1f}" for key in (kind, *ends(kind)))
    unit = "%" if kind == "surprise" else "points"
    return f"{change} {unit} ({low} to {high})".replace("-", "−")
