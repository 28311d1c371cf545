"""What a fine-tune changed of grammar, by all pairs of the BLiMP sample.

``../shared/data/blimp_sample.jsonl`` or the file that RAGTUNE_BLIMP names has them: 1,340, twenty
of each paradigm. Of these a fine-tune is asked five by itself, which says a change to ± 5 points.
"""

import functools
import json
import os
from pathlib import Path

from finetune_backend.forgetting.measure import Change, compare, probe
from finetune_backend.forgetting.probes import Choice, Probes
from workbench.language_models.loading import Checkpoint

DATA = Path(os.environ.get("RAGTUNE_BLIMP", "../shared/data/blimp_sample.jsonl"))


def grammar_change(checkpoint: Checkpoint, adapter: Path) -> Change:
    """Return how much grammar an adapter keeps, in points, with its 95 % interval."""
    after = probe(checkpoint, adapter, probes=_probes())
    (change,) = [c for c in compare(_before(checkpoint), after) if c.kind == "grammar"]
    return change


@functools.cache
def _before(checkpoint: Checkpoint) -> dict[str, list[float]]:
    return probe(checkpoint, None, probes=_probes())


@functools.cache
def _probes() -> Probes:
    rows = map(json.loads, DATA.read_text(encoding="utf-8").splitlines())
    pairs = tuple(Choice("", row["sentence_good"], (row["sentence_bad"],)) for row in rows)
    return Probes({"grammar": pairs}, ())
