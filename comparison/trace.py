"""How an answer came about, in words: every step with its time and its scores."""

from comparison.answer import Answer, Timings

STEPS = (
    "What each step of the search thought of a source: its rank and its score. Reranking counts, "
    "besides its own score, a little of what both searches said."
)
"""What the table of `steps` is."""


def rewritten(answer: Answer) -> str:
    """Say what a follow-up question was made into; empty where it stayed as it was."""
    if answer.question == answer.asked:
        return ""
    return f"{answer.question} (a follow-up; completed in {answer.timings_ms.rewrite:.1f} ms)"


def steps(answer: Answer) -> list[dict[str, object]]:
    """Return what each step of the search thought of each source: its rank and its score."""
    return [
        {
            "": number,
            "Source": source.document,
            "By meaning": _ranked(source.ranks.dense, source.score),
            "By words": _ranked(source.ranks.words, source.words),
            "Fused": _ranked(source.ranks.fused, None),
            "Reranked": _ranked(number if source.fit is not None else None, source.fit),
            "Holds the answer": decimal(source.holds),
            "Read": "yes" if source.read else "no room" if source.dropped else "no",
        }
        for number, source in enumerate(answer.sources, start=1)
    ]


def why_unasked(answer: Answer) -> str:
    """Say why the model was not asked, for an answer without a prompt."""
    holds = [source.holds for source in answer.sources if source.holds is not None]
    if not holds or answer.threshold is None:
        return "The model was not asked: nothing that was found is similar enough."
    return (
        "The model was not asked: how much speaks for the answer to be there is "
        f"{decimal(max(holds))}, and {decimal(answer.threshold)} is the least that is accepted. "
        "Settings says how that came about."
    )


def search_steps(times: Timings) -> str:
    """Write out how long each step of the search took, also those that took next to nothing."""
    parts = (
        ("question embedded", times.embed),
        ("found by meaning", times.dense),
        ("by words", times.words),
        ("fused", times.fuse),
        ("reranked", times.rerank),
    )
    return " · ".join(f"{name} {ms:.1f} ms" for name, ms in parts)


def phases(times: Timings) -> str:
    """Write out how long each phase took, but for those that took no time."""
    parts = times.phases().items()
    return " · ".join(f"{name} {milliseconds(ms)}" for name, ms in parts if ms >= 0.5)


def milliseconds(time: float) -> str:
    """Write out a duration given in milliseconds."""
    return f"{time:.0f} ms" if time < 1000 else f"{time / 1000:.1f} s"


def decimal(score: float | None) -> str:
    """Write out a score with two decimals; nothing for None."""
    return "" if score is None else f"{score:.2f}".replace("-", "−")


def _ranked(rank: int | None, score: float | None) -> str:
    place = f"{rank}." if rank is not None else "–"
    return f"{place} {decimal(score)}".rstrip()
