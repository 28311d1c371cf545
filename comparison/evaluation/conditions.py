"""The conditions of answers, which must be the same from the first to the last."""

from collections.abc import Mapping, Sequence
from typing import Any

from comparison.columns import Column
from comparison.lab import Lab

_ASKING = ("system_prompt", "max_new_tokens")
_SEARCHING = (
    *("search", "reranker", "candidates", "retrieved", "diversity", "around", "read"),
    *("decline", "passage_prompt", "min_score"),
)


def conditions(lab: Lab, columns: Sequence[Column]) -> dict[str, Any]:
    """Return all that an answer depends on, by the words that name it.

    Args:
        lab: as it is now.
        columns: with their adapters' names.
    """
    checkpoint, settings, base = lab.checkpoint(), lab.settings, lab.knowledge_base
    made: dict[str, Any] = {
        "the model": f"{checkpoint.name} {checkpoint.sha256}",
        "the engine": lab.engine_choice().engine,
        **{f"the setting {name}": getattr(settings, name) for name in _ASKING},
    }
    if any(column.method in ("rag", "hybrid") for column in columns):
        made["the documents"] = base.index.fingerprint()
        made["the calibration of declining"] = base.threshold(settings.decline)
        made |= {f"the setting {name}": getattr(settings, name) for name in _SEARCHING}
    for name in sorted({column.adapter for column in columns if column.adapter}):
        adapter = lab.adapter(name)
        sha256 = adapter.run.adapter_sha256 if adapter.run else adapter.reference
        made[f"the adapter {name}"] = sha256
    return made


def changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Name the conditions that are not what they were."""
    return [name for name in {**before, **now} if before.get(name) != now.get(name)]
