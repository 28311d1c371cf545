"""The rows of an evaluation or an experiment as CSV and as Parquet, one for each answer."""

import io
from collections.abc import Sequence
from typing import Any

from comparison.evaluation.results import Results, as_csv
from comparison.scoring import Row

_WITH_MARK = "utf-8-sig"
"""Without the mark Excel takes UTF-8 for something else."""


def to_csv(found: Results) -> bytes:
    """Write the rows as CSV, of which a spreadsheet runs nothing; lists are joined by " | "."""
    return as_csv(found.rows).encode(_WITH_MARK)


def all_to_csv(rows: Sequence[Row]) -> bytes:
    """Write rows as CSV with all that is kept of them, otherwise as `to_csv`."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return as_csv(rows, columns).encode(_WITH_MARK)


def to_parquet(found: Results) -> bytes:
    """Write the rows as Parquet with everything that is kept of them; lists stay lists."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(found.rows), schema=_schema()), out)
    return out.getvalue()


def _schema() -> Any:
    import pyarrow as pa

    texts = pa.list_(pa.string())
    source = {"document": pa.string(), "page": pa.int64(), "read": pa.bool_(), "text": pa.string()}
    times = ("queue", "search", "rerank", "verify", "read", "write", "first_token")
    prints = ("checkpoint", "precision", "decoding", "retriever")
    return pa.schema(
        {
            "number": pa.int64(),
            **dict.fromkeys(("column", "method", "adapter", "question", "answer"), pa.string()),
            "expected": texts,
            "unanswerable": pa.bool_(),
            "pool": pa.string(),
            "options": texts,
            "right": pa.bool_(),
            **dict.fromkeys(
                ("exact_match", "f1", "contains", "token_recall", "number_match"), pa.float64()
            ),
            **dict.fromkeys(("form_kept", "refused", "empty", "repeating"), pa.bool_()),
            "groundedness": pa.float64(),
            "trained": pa.bool_(),
            **dict.fromkeys(("fact", "document"), pa.string()),
            "hit": pa.bool_(),
            **dict.fromkeys(
                ("hit_at_1", "reciprocal_rank", "ndcg", "passage_reciprocal_rank"), pa.float64()
            ),
            "retrieved": texts,
            "sources": pa.list_(pa.struct(source)),
            "option_nats": pa.list_(pa.float64()),
            "option_tokens": pa.list_(pa.int64()),
            **dict.fromkeys(
                ("option_chosen", "option_chosen_per_token", "option_why"), pa.string()
            ),
            **dict.fromkeys(("option_right", "option_right_per_token"), pa.bool_()),
            **dict.fromkeys(("option_ms", "latency_ms", "watt_hours"), pa.float64()),
            "timings_ms": pa.struct(dict.fromkeys(times, pa.float64())),
            "tokens": pa.struct(dict.fromkeys(("prompt", "completion"), pa.int64())),
            "fingerprint": pa.struct(dict.fromkeys(prints, pa.string())),
        }
    )
