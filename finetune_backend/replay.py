"""General text among a fine-tune's rows, so that the model keeps what it could do before."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune_backend.rows import Row

FILE = Path(__file__).parent / "forgetting" / "replay.jsonl"
_MOST_TOKENS = 64
"""Of a row: about as long as an example."""


def read_replay() -> tuple[str, ...]:
    """Return the texts that come along, none of which is among the probes of forgetting."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return tuple(json.loads(line)["text"] for line in lines)


def replay_rows(texts: Sequence[str], tokenizer: Any, count: int, draw: random.Random) -> list[Row]:
    """Return rows of plain text, every token of which but the first is learned.

    Args:
        texts: to draw from; drawn again where there are too few.
        tokenizer: the checkpoint's.
        count: how many rows.
        draw: of texts.
    """
    drawn = [*texts] * (count // len(texts)) + draw.sample(texts, count % len(texts))
    begin = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    rows = []
    for text in drawn:
        tokens = tokenizer(text, add_special_tokens=False)["input_ids"][:_MOST_TOKENS]
        rows.append(Row((begin,), tuple(tokens), general=True))
    return rows
