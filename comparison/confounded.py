"""Whether answers were given under equal conditions, and what differs where they were not."""

from collections.abc import Sequence

from comparison.answer import Answer, confounded

_MEANWHILE = {
    "checkpoint": "checkpoint: the model's files were changed meanwhile",
    "decoding": "decoding: the system prompt or the longest answer was changed meanwhile",
    "retriever": "retriever: other passages were indexed, or its settings were changed, meanwhile",
}


def differences(answers: Sequence[Answer]) -> list[str]:
    """Say in words which conditions differ between answers; nothing where they are equal.

    What every column has for itself, its method and its adapter, is not a condition.
    """
    said = []
    for condition in confounded(answers):
        groups = dict[str, list[str]]()
        for answer in answers:
            if condition == "precision":
                value = answer.fingerprint.precision
            else:
                value = answer.model
            groups.setdefault(value, []).append(answer.column.title)
        named = "; ".join(f"{value} in {', '.join(titles)}" for value, titles in groups.items())
        told = len(groups) > 1 and condition in ("checkpoint", "precision")
        said.append(f"{condition}: {named}" if told else _MEANWHILE[condition])
    return said
