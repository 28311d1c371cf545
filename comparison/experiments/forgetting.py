"""Forgetting: what a fine-tune learns, and what it unlearns, with its rank and its passes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from comparison.experiments.asking import spread
from comparison.experiments.experiment import Chosen, Experiment, Result
from comparison.experiments.forgotten import found, passes
from comparison.experiments.keeper import Keeper
from comparison.experiments.training import Planned, check_memory, make, plan
from comparison.lab import Lab
from finetune_backend.examples.check import check_enough
from finetune_backend.forgetting.probes import KINDS
from finetune_backend.runs import Run
from finetune_backend.settings import TrainSettings, fit_to_data
from workbench.errors import RagtuneError
from workbench.settings import check_options, option
from workbench.values import Example

_PARTS = (9, 3, 1)
"""Of the most passes; the shortest first, so that a pause loses little."""


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen."""

    examples: int = option(
        240, "How many examples are trained on, at most; a fact has all of its own.", 4, 100_000
    )
    smaller_rank: int = option(4, "The rank of the smaller adapters.", 1, 512)
    larger_rank: int = option(32, "The rank of the larger adapters.", 1, 512)
    epochs: int = option(9, "The most passes; a third and a ninth as many are tried, too.", 1, 1000)

    def __post_init__(self) -> None:
        check_options(self)


def run(lab: Lab, chosen: Chosen, keeper: Keeper) -> Result:
    """Train with each rank and each number of passes, and measure what became of the model."""
    examples = some(chosen.examples, chosen.options.examples)
    planned = [
        plan(
            lab, f"rank {settings.rank}, {passes(settings.epochs)}", examples, settings, probed=True
        )
        for settings in grid(chosen.options, examples)
    ]
    keeper.expect(len(planned), sum(one.work for one in planned))
    keeper.say("Estimating the memory")
    check_memory(lab, planned[-1])
    for number, one in enumerate(planned):
        if not keeper.answered(one.name, number):
            keeper.keep(row(number, one, make(lab, one, keeper)))
        else:
            keeper.other_work(one.work)(f"{one.name} is measured", 1.0)
    return found(keeper.rows, notes(planned))


def lacks(examples: Sequence[Example]) -> str | None:
    """Say what examples lack for this, or None where there are enough."""
    if not examples:
        return "No examples yet."
    try:
        check_enough(examples)
    except RagtuneError as error:
        return str(error)
    return None


def some(examples: Sequence[Example], most: int) -> list[Example]:
    """Return about so many examples, evenly from all: of each fact all, or none."""
    facts: dict[str, list[Example]] = {}
    for example in examples:
        facts.setdefault(example.fact, []).append(example)
    count = max(1, len(facts) * most // max(most, len(examples)))
    return [example for own in spread(list(facts.values()), count) for example in own]


def grid(options: Options, examples: Sequence[Example]) -> list[TrainSettings]:
    """Return the settings to train with: the usual ones but for rank and passes.

    Alpha is twice the rank, so that no rank has longer steps than another.
    """
    epochs = {max(1, options.epochs // part) for part in _PARTS}
    ranks = {options.smaller_rank, options.larger_rank}
    return [
        fit_to_data(TrainSettings(epochs=count, rank=rank, alpha=2 * rank), examples)
        for count in sorted(epochs)
        for rank in sorted(ranks)
    ]


def row(number: int, planned: Planned, made: Run) -> dict[str, Any]:
    """Return what one fine-tune came to."""
    assert made.measures is not None  # it is complete
    of = len(planned.shown.held_out)
    return {
        "stage": planned.name,
        "number": number,
        "method": "finetuned",
        "rank": planned.settings.rank,
        "epochs": planned.settings.epochs,
        "steps": planned.steps,
        "seconds": made.measures["seconds"],
        "loss": made.measures["loss"],
        "recalled": round(made.measures.get("recall", 0.0) * of),
        "of": of,
        **{
            name: value
            for change in made.forgetting
            for name, value in (
                (change.kind, change.change),
                (f"{change.kind} ±", change.margin),
            )
        },
    }


def notes(planned: Sequence[Planned]) -> list[str]:
    """Say what was equal, and how it was measured."""
    examples, settings = planned[0].examples, planned[0].settings
    facts = len({example.fact for example in examples})
    held_out = len(planned[0].shown.held_out)
    told = [
        f"Every fine-tune began anew, with a learning rate that falls over its own length, on the "
        f"same {len(examples)} examples of {facts} facts. Alpha is twice the rank; all else is as "
        f"usual (batches of {settings.batch_size}, peak learning rate "
        f"{settings.learning_rate:g}).",
        "Changes are those from the base model, which was asked the same; 0 is the base. Of "
        "surprise more is worse, of the others less. Each is one seed: intervals are over the "
        "probes and wordings, not over fine-tunes.",
        *(f"{kind.name.capitalize()}: {kind.meaning}" for kind in KINDS.values()),
    ]
    if held_out:
        told.append(
            f"Recalled is a wording that was kept out of the training ({held_out} of the "
            "examples) and is answered word for word."
        )
    else:
        told.append("No fact has wordings enough for one to be kept out, so recall is unknown.")
    return told


EXPERIMENT = Experiment(
    key="forgetting",
    title="Forgetting",
    question="What does a fine-tune unlearn, as its rank and its passes grow?",
    needs="Examples; with three wordings of a fact or more, it is measured what was learned, too.",
    costs="Six fine-tunes, each measured: about a quarter of an hour for 240 examples with the "
    "default model.",
    options=Options,
    methods=(),
    run=run,
    trains=lacks,
)
