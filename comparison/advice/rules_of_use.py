"""Rules that follow from the use."""

from statistics import mean

from comparison.advice.break_even import costs, runs_in_a_month
from comparison.advice.rules import (
    BALAGUER,
    MADE,
    MEASURED,
    MEASURED_NAMES,
    OVADIA,
    PARTS,
    RAFT,
    SOUDANI,
    Found,
    Rule,
    Situation,
    listed,
)
from comparison.advice.use import UNKNOWN, say

_STALE = {"never": -0.25, "yearly": 0.0, "monthly": 0.4, "weekly": 0.7, "daily": 1.0}
"""How much it speaks against weights alone that knowledge changes."""
_CONTRADICTED = 0.3
"""How much of that strikes a model that reads what is new, but learned what was before."""
_MONTH_SECONDS = 365.25 / 12 * 86400
_SOON_SECONDS = 2.0


def changes(situation: Situation) -> Found | None:
    """Count against weights that they have to learn again what changes."""
    use, run = situation.use, situation.evidence.run
    if use.changes == UNKNOWN:
        return None
    stale = _STALE[use.changes]
    pull = {"finetuned": -stale, "hybrid": -_CONTRADICTED * max(0.0, stale)}
    if use.changes == "never":
        return Found("What never changes can be learned once.", MADE, pull)
    again = f"{run.seconds:,.0f} s here" if run else "minutes or hours"
    sentence = (
        f"Knowledge changes {say('changes', use.changes).lower()}. Retrieval knows it once a "
        f"document is indexed again, in seconds; weights only after another fine-tune, which takes "
        f"{again}."
    )
    if run is None:
        return Found(sentence, MADE, pull)
    busy = run.seconds * runs_in_a_month("finetuned", use)
    here = use.hardware in (UNKNOWN, "here")
    excludes = ("finetuned",) if here and busy > _MONTH_SECONDS else ()
    return Found(sentence, f"{MADE}, {MEASURED}", pull, excludes)


def domain(situation: Situation) -> Found | None:
    """Say what papers found on narrow and broad domains, where it was not measured here."""
    use, evidence = situation.use, situation.evidence
    part = PARTS.get(use.domain)
    if part is None or len(evidence.figures(part)) > 1:
        return None
    if use.domain == "narrow":
        return Found(
            "In a narrow domain a fine-tune can cover what is asked, in several wordings each.",
            f"{OVADIA}, {BALAGUER}",
            {"finetuned": 1.0, "hybrid": 0.5},
        )
    return Found(
        "In a broad domain most of what may be asked is rare, which weights learn worst.",
        SOUDANI,
        {"finetuned": -1.0},
    )


def wait(situation: Situation) -> Found | None:
    """Rule out what keeps people waiting too long, where that was measured."""
    use, seconds = situation.use, situation.evidence.figures("p95_seconds")
    if not use.wait:
        return None
    if use.hardware in ("gpu", "served"):
        return Found(
            "How long an answer takes has to be measured where it will be given.",
            MADE,
        )
    slow = [method for method, figure in seconds.items() if figure.value > use.wait]
    if slow:
        told = listed([f"{MEASURED_NAMES[m]} ({seconds[m].value:.1f} s)" for m in slow])
        return Found(
            f"More than one answer in twenty takes longer than {use.wait:g} s: {told}.",
            MEASURED,
            excludes=tuple(slow),
        )
    if seconds or use.wait > _SOON_SECONDS:
        return None
    return Found(
        "A prompt with passages is several times as long, and takes longer to read.",
        BALAGUER,
        {"rag": -1.0, "hybrid": -1.0},
    )


def sources(situation: Situation) -> Found | None:
    """Rule out what can't say where an answer comes from."""
    if situation.use.sources != "yes":
        return None
    sentence, source = "An answer from the weights alone has no source to name.", MADE
    grounded = situation.evidence.figures("grounded")
    if grounded:
        told = ", ".join(f"{MEASURED_NAMES[m]} {one.value:.0%}" for m, one in grounded.items())
        sentence += f" How much of an answer passages support: {told}."
        source += f", {MEASURED}"
    return Found(sentence, source, excludes=("base", "finetuned"))


def privacy(situation: Situation) -> Found | None:
    """Rule out what can't forget, and say where the machine is left."""
    if situation.use.privacy == "withdraw":
        return Found(
            "A document that weights learned from can't be taken out of them, nor hidden from "
            "some readers, but by another fine-tune without it.",
            MADE,
            excludes=("finetuned", "hybrid"),
        )
    if situation.use.privacy == "stays" and situation.evidence.served:
        return Found(
            "The model in use is on a server, which is sent every question, and with RAG the "
            "passages too. Choose a model on this machine in Settings, and measure again.",
            MADE,
        )
    return None


def hardware(situation: Situation) -> Found | None:
    """Rule out fine-tuning where the weights are out of reach."""
    if situation.use.hardware != "served":
        return None
    return Found(
        "A fine-tune needs the weights, and a server that answers with its adapter.",
        MADE,
        excludes=("finetuned", "hybrid"),
    )


def cost(situation: Situation) -> Found | None:
    """Compare what a month costs, in money where prices are given, else in time."""
    use, evidence = situation.use, situation.evidence
    if not use.questions:
        return None
    found = costs(evidence, use, situation.prices, "money")
    unit = "" if len(found) > 1 else " s of the machine"
    if len(found) < 2:
        found = costs(evidence, use, situation.prices, "seconds")
    monthly = {one.method: one.monthly(use.questions) for one in found}
    if len(monthly) < 2 or not max(monthly.values()):
        return None
    middle, most = mean(monthly.values()), max(monthly.values())
    told = ", ".join(
        f"{MEASURED_NAMES[method]} {paid:,.4g}{unit}" for method, paid in monthly.items()
    )
    return Found(
        f"A month of {use.questions:,} questions costs: {told}.",
        MEASURED,
        {method: (middle - paid) / most for method, paid in monthly.items()},
    )


def reading(situation: Situation) -> Found | None:
    """Say of both, where it was not measured, that a plain fine-tune may stop reading."""
    if situation.evidence.of("hybrid") is not None:
        return None
    return Found(
        "A model that was fine-tuned on bare questions may use a passage less well; training with "
        "passages (raft) is against that.",
        RAFT,
        {"hybrid": -1.0},
    )


def upkeep(_situation: Situation) -> Found | None:
    """Count against a choice what has to be built and kept."""
    return Found(
        "Documents to index, a fine-tune to repeat, or both: each is work to build and to keep.",
        MADE,
        {"rag": -0.5, "finetuned": -0.5, "hybrid": -1.0},
    )


RULES = (
    Rule("Changing knowledge", 4.0, changes),
    Rule("Domain, in papers", 1.5, domain),
    Rule("Waiting", 1.0, wait),
    Rule("Sources", 0.0, sources),
    Rule("Privacy", 0.0, privacy),
    Rule("Hardware", 0.0, hardware),
    Rule("Cost of a month", 2.0, cost),
    Rule("Reading after a fine-tune", 0.5, reading),
    Rule("Upkeep", 0.5, upkeep),
)
