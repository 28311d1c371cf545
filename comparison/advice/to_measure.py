"""What has not been measured yet, and where that is done."""

from dataclasses import dataclass

from comparison.advice.advise import MANY
from comparison.advice.rules import MEASURED_NAMES, NAMES, PARTS, Situation, listed
from comparison.prices import Prices


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that would make the advice surer."""

    sentence: str
    page: str
    """Of the app: "evaluate", "finetune", "settings", or "advise" itself."""
    command: str
    """That does it in a terminal; empty where none does."""


def to_measure(situation: Situation) -> tuple[Missing, ...]:
    """Return what is missing, the most important first."""
    use, evidence = situation.use, situation.evidence
    found = []
    evaluate = "ragtune evaluate EXAM.jsonl"
    if use.privacy == "stays" and evidence.served:
        found.append(
            Missing("The model is on a server; choose one on this machine.", "settings", "")
        )
    if not evidence.methods:
        found.append(Missing("No exam has been asked yet.", "evaluate", evaluate))
    elif absent := [name for name in NAMES if evidence.of(name) is None]:
        names = listed([MEASURED_NAMES[name] for name in absent])
        found.append(Missing(f"The exam was not put to {names}.", "evaluate", evaluate))
    if evidence.run is None:
        found.append(
            Missing(
                "No fine-tune was made here: what one takes, and what it forgets, is not known.",
                "finetune",
                "ragtune train",
            )
        )
    if evidence.methods:
        found += _of_exam(situation, evaluate)
    if situation.prices == Prices():
        command = "ragtune advise --machine-hour PRICE"
        found.append(
            Missing("No price is given, so that costs are told in seconds.", "advise", command)
        )
    return tuple(found)


def _of_exam(situation: Situation, command: str) -> list[Missing]:
    """Return what the exam that was asked lacks."""
    use, evidence, found = situation.use, situation.evidence, []
    if evidence.methods[0].questions < MANY:
        asked = evidence.methods[0].questions
        found.append(f"The exam has {asked} questions; {MANY} or more tell methods apart.")
    if not evidence.figures("declined_rightly"):
        found.append("The exam asks nothing that the documents don't answer (unanswerable).")
    if use.kind in ("form", "both") and not evidence.figures("form_kept"):
        found.append("The exam requires no form; give its questions one (form).")
    part = PARTS.get(use.domain)
    if part and not evidence.figures(part):
        found.append("The exam doesn't say which facts were trained (fact).")
    return [Missing(sentence, "evaluate", command) for sentence in found]
