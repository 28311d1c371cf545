"""Rows of an evaluation, as many right ones as a test wants."""


def made_rows(method, right, of, *, seconds=1.0, unanswerable=0, declined=0, trained=None, **more):
    """Return rows of one method: answerable questions first, then those without an answer."""
    answerable = [
        {
            "question": f"question {number}",
            "method": method,
            "unanswerable": False,
            "contains": float(number < right),
            "refused": False,
            "trained": None if trained is None else number < trained,
            "latency_ms": 1000 * seconds,
            **more,
        }
        for number in range(of)
    ]
    others = [
        {
            "question": f"nothing {number}",
            "method": method,
            "unanswerable": True,
            "contains": None,
            "refused": number < declined,
            "latency_ms": 1000 * seconds,
            **more,
        }
        for number in range(unanswerable)
    ]
    return answerable + others
