"""What a person says of the use: a few questions, whose defaults change nothing."""

from dataclasses import dataclass

from workbench.settings import check_options, option

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Use:
    """What the answers are needed for."""

    kind: str = option(
        UNKNOWN,
        "What has to be right about an answer.",
        choices=(UNKNOWN, "facts", "form", "both"),
    )
    changes: str = option(
        UNKNOWN,
        "How often it changes what the right answers are.",
        choices=(UNKNOWN, "never", "yearly", "monthly", "weekly", "daily"),
    )
    domain: str = option(
        UNKNOWN,
        "How narrow the domain is.",
        choices=(UNKNOWN, "narrow", "broad"),
    )
    questions: int = option(0, "Questions in a month; 0: not known.", 0, 1_000_000_000)
    wait: float = option(
        0.0, "The most seconds that a person may wait for an answer; 0: no limit.", 0.0, 3600.0
    )
    sources: str = option(
        UNKNOWN,
        "Whether an answer has to say where it comes from.",
        choices=(UNKNOWN, "no", "yes"),
    )
    privacy: str = option(
        UNKNOWN,
        "What may become of the documents.",
        choices=(UNKNOWN, "open", "stays", "withdraw"),
    )
    hardware: str = option(
        UNKNOWN,
        "What will answer.",
        choices=(UNKNOWN, "here", "gpu", "served"),
    )

    def __post_init__(self) -> None:
        check_options(self)


ASKED = {
    "kind": "What matters most",
    "changes": "Knowledge changes",
    "domain": "Domain",
    "questions": "Questions a month",
    "wait": "Longest wait, seconds",
    "sources": "Sources",
    "privacy": "Privacy",
    "hardware": "Hardware",
}
"""The questions' labels, in the order in which they are asked."""

SAID = {
    "kind": {
        "facts": "Facts from the documents",
        "form": "A format, a label, or a tone that a form can express",
        "both": "Facts in a required form",
    },
    "changes": {
        "never": "Never",
        "yearly": "Once a year",
        "monthly": "Every month",
        "weekly": "Every week",
        "daily": "Every day",
    },
    "domain": {
        "narrow": "Narrow: a known set of facts is asked for",
        "broad": "Broad: anything in the documents may be asked for",
    },
    "sources": {"no": "Not needed", "yes": "Every answer has to name its source"},
    "privacy": {
        "open": "Nothing special",
        "stays": "Nothing may leave this machine",
        "withdraw": "Documents must be removable, or hidden from some readers",
    },
    "hardware": {
        "here": "A machine like this one",
        "gpu": "A machine with a GPU",
        "served": "A model on a server, whose weights can't be changed",
    },
}
"""What each choice means; `UNKNOWN` is `say`'s."""

TRIED = {"questions": (100, 1_000, 10_000, 100_000, 1_000_000), "wait": (0.5, 1.0, 2.0, 5.0, 20.0)}
"""Other answers to the questions for a number, to see which would change the advice."""


def say(name: str, answer: str | float) -> str:
    """Say an answer in words, as a person would who gives it."""
    if answer in (UNKNOWN, 0):
        return "No limit" if name == "wait" else "Not known"
    if name in TRIED:
        return f"{answer:,g}" if name == "wait" else f"{answer:,}"
    return SAID[name][str(answer)]
