"""Key differences, measured: the textbook's table, with what this machine and these data give."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

from comparison.advice.break_even import answer_cost
from comparison.advice.figure import mean_of
from comparison.advice.measured import MethodMeasure
from comparison.ask import METHODS
from comparison.experiments.context import with_false
from comparison.experiments.experiment import LABELS, Chosen, Experiment, Questions, Result
from comparison.experiments.intervals import said_share
from comparison.experiments.keeper import Keeper
from comparison.experiments.outcome import FALSE, TRUE, count
from comparison.experiments.setting import Setting, set_up, taught_facts, was_taught
from comparison.experiments.staleness import run_seconds
from comparison.experiments.style import form_of
from comparison.form import Form
from comparison.lab import Lab
from comparison.prices import Prices, load_prices
from finetune_backend.runs import Run, trained_examples

BEFORE, EDITED = "as they are", "edited"
_READING = ("rag", "hybrid")
_EDITED_FACTS = 3
NOT_MEASURED = "–"
_TRAINED = {
    True: "facts trained on",
    False: "other facts",
    None: "facts of which it is not known whether they were trained on",
}


@dataclass(frozen=True, slots=True)
class Made:
    """What was needed before a question could be asked."""

    passages: int
    indexing_seconds: float
    trained_seconds: float | None
    """None without an adapter, and where it is not known."""
    taught: frozenset[str] | None
    """The facts that the adapter was trained on; None where that is not known."""
    adapter_mb: float | None
    form: Form | None
    """That of the adapter's training answers; None without."""
    prices: Prices


def run(lab: Lab, chosen: Chosen, keeper: Keeper) -> Result:
    """Ask all methods the same, and after an edit those that read again."""
    with set_up(lab, chosen, keeper, trained_first=False) as setting:
        made = _made(lab, chosen, setting)
        reading = [method for method in setting.methods if method in _READING]
        edited = setting.facts[:_EDITED_FACTS]
        keeper.expect(len(setting.facts) * len(setting.methods) + len(edited) * len(reading))
        trained = [was_taught(fact, made.taught) for fact in setting.facts]
        for number in range(len(setting.facts)):
            setting.ask(BEFORE, number, setting.methods, trained=trained[number])
        for number, fact in enumerate(edited):
            if set(reading) <= keeper.answered(EDITED, number).keys():
                continue
            own = {name: setting.blocks[name] for name in fact.documents}
            keeper.say(f"Fact {number + 1}: edited, indexing again")
            seconds = setting.scratch.put(with_false(own, [fact]))
            setting.ask(EDITED, number, reading, seconds, trained=trained[number])
            setting.scratch.put(own)
        return found(keeper.rows, made, setting.notes)


def found(rows: Sequence[dict[str, Any]], made: Made, notes: Sequence[str]) -> Result:
    """Return what the rows say, as a table with a column for each method."""
    by = {
        method: [row for row in rows if (row["method"], row["stage"]) == (method, BEFORE)]
        for method in METHODS
    }
    by = {method: some for method, some in by.items() if some}
    again = {
        method: [
            row["seconds"]
            for row in rows
            if (row["method"], row["stage"], row["outcome"]) == (method, EDITED, FALSE)
        ]
        for method in by
    }
    known = {row["trained"] for row in rows}
    lines = {
        **{
            ("Knowledge source", f"right answers on {said}"): {
                method: _right([row for row in some if row["trained"] is trained])
                for method, some in by.items()
            }
            for trained, said in _TRAINED.items()
            if trained is not None or None in known
        },
        ("Adaptability", "seconds until an edited fact is answered"): {
            method: _adapts(method, again[method], made.trained_seconds) for method in by
        },
        ("Latency", "milliseconds to the end of an answer (median)"): {
            method: f"{_median(some, 'latency_ms'):.0f}" for method, some in by.items()
        },
        ("Customization", "answers in the form of the training answers"): {
            method: _form(some, made.form) for method, some in by.items()
        },
        ("Scaling", "what grows with the knowledge"): {
            method: _scales(method, some, made) for method, some in by.items()
        },
        ("Cost", "before the first question, in seconds"): {
            method: _before(method, made) for method in by
        },
        ("Cost", "of 1,000 questions, in minutes of this machine"): {
            method: f"{_median(some, 'latency_ms') / 60:.1f}" for method, some in by.items()
        },
        ("Cost", "tokens of an answer, read and written (median)"): {
            method: f"{_median(some, 'prompt_tokens'):.0f} and "
            f"{_median(some, 'completion_tokens'):.0f}"
            for method, some in by.items()
        },
        **_money(by, made.prices),
    }
    table = tuple(
        {"difference": what, "measured": how, **{LABELS[m]: value for m, value in line.items()}}
        for (what, how), line in lines.items()
    )
    return Result(
        table=table,
        figures=(),
        caption=_caption(by, again, made),
        notes=(
            "An edited fact counts from the edit on: reading its document again, indexing what is "
            "new in it, searching and answering.",
            *notes,
        ),
    )


def _made(lab: Lab, chosen: Chosen, setting: Setting) -> Made:
    run: Run | None = None
    if chosen.adapter is not None:
        run = lab.adapter(chosen.adapter).run
    examples = trained_examples(run) if run is not None else ()
    files = list(run.adapter.glob("*.safetensors")) if run is not None else []
    return Made(
        passages=setting.scratch.passages(),
        indexing_seconds=setting.indexing_seconds,
        trained_seconds=run_seconds(lab, chosen.adapter),
        taught=taught_facts(lab, chosen.adapter),
        adapter_mb=sum(file.stat().st_size for file in files) / 1e6 if files else None,
        form=form_of([example.answer for example in examples]),
        prices=load_prices(lab.home),
    )


def _right(rows: Sequence[dict[str, Any]]) -> str:
    return said_share(count(rows, TRUE), len(rows)) if rows else NOT_MEASURED


def _money(
    by: dict[str, list[dict[str, Any]]], prices: Prices
) -> dict[tuple[str, str], dict[str, str]]:
    """Return the line of what a thousand questions cost; none where prices are not known."""
    line = {}
    for method, some in by.items():
        taken = MethodMeasure(
            method,
            len(some),
            mean_seconds=mean_of([row["latency_ms"] / 1000 for row in some]),
            prompt_tokens=mean(row["prompt_tokens"] for row in some),
            completion_tokens=mean(row["completion_tokens"] for row in some),
        )
        cost = answer_cost(taken, prices, "money")
        if cost is not None:
            low, high = 1000 * cost.low, 1000 * cost.high
            line[method] = f"{1000 * cost.value:,.3g} ({low:,.3g}–{high:,.3g})"
    return {("Cost", "of 1,000 questions, in money (mean)"): line} if line else {}


def _median(rows: Sequence[dict[str, Any]], name: str) -> float:
    return float(median(row[name] for row in rows))


def _adapts(method: str, seconds: Sequence[float], trained_seconds: float | None) -> str:
    if method == "base":
        return "never"
    if seconds:
        return f"{median(seconds):.1f}"
    if trained_seconds is None:
        return "another fine-tune"
    return f"another fine-tune: {trained_seconds:.0f}"


def _form(rows: Sequence[dict[str, Any]], form: Form | None) -> str:
    if form is None:
        return NOT_MEASURED
    return said_share(sum(form.kept_by(row["answer"]) for row in rows), len(rows))


def _scales(method: str, rows: Sequence[dict[str, Any]], made: Made) -> str:
    """Say what grows; experiment Scale measures how far."""
    if method == "base":
        return "nothing"
    index = (
        f"the index: {made.passages:,} passages, searched in {_median(rows, 'search_ms'):.0f} ms"
    )
    size = "" if made.adapter_mb is None else f" (the adapter stays at {made.adapter_mb:.1f} MB)"
    training = f"the training: {len(made.taught)} facts{size}" if made.taught else "the training"
    return {"rag": index, "finetuned": training, "hybrid": f"{index}; {training}"}[method]


def _before(method: str, made: Made) -> str:
    index = f"{made.indexing_seconds:.0f} to index"
    trained = "unknown" if made.trained_seconds is None else f"{made.trained_seconds:.0f}"
    training = f"{trained} to train"
    parts = {"base": "0", "rag": index, "finetuned": training, "hybrid": f"{index}, {training}"}
    return parts[method]


def _caption(by: dict[str, list[dict[str, Any]]], again: dict[str, list[float]], made: Made) -> str:
    each = ", ".join(f"{LABELS[method]} {_right(some)}" for method, some in by.items())
    said = [f"Right answers: {each}."]
    adapting = {method: _adapts(method, again[method], made.trained_seconds) for method in by}
    if "rag" in by and again["rag"]:
        other = f", fine-tuned needs {adapting['finetuned']} s" if "finetuned" in by else ""
        if made.trained_seconds is None:
            other = other.removesuffix(" s")
        said.append(f"An edited fact is answered by RAG after {adapting['rag']} s{other}.")
    times = ", ".join(
        f"{LABELS[method]} {_median(some, 'latency_ms'):.0f} ms" for method, some in by.items()
    )
    said.append(f"An answer takes: {times} (median).")
    return " ".join(said)


EXPERIMENT = Experiment(
    key="differences",
    title="Key differences, measured",
    question="How do the methods differ in knowledge, adaptability, latency, form, scaling, cost?",
    needs="Documents, and an exam about them. With an adapter, fine-tuned and hybrid take part.",
    costs="As many answers as questions and methods: about three minutes with the default model.",
    options=Questions,
    methods=("rag",),
    run=run,
)
