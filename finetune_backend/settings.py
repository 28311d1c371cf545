"""The settings of a fine-tune, with defaults that learn."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.settings import check_options, option
from workbench.values import Example

SCHEDULES = ("cosine", "linear", "constant")
KINDS = ("lora", "rslora", "dora")
TARGETS = ("all", "attention", "mlp")
GROUPS = {
    "Passes": ("epochs", "batch_size", "learning_rate", "schedule", "warmup", "patience", "seed"),
    "Adapter": ("kind", "targets", "rank", "alpha", "dropout"),
    "Examples": ("word_dropout", "held_out", "raft", "distractors", "replay", "max_tokens"),
}
"""Every setting, under a heading."""
_LOOKS_AT_FEW, _LOOKS_AT_MANY = 40, 20
"""How often a fact is to be seen before new wordings of its question are answered too: few facts
make few steps, and need more looks each. Measured with 30 and with 1,000 facts."""
_FEW_FACTS = 250
_SMALL_BATCH, _LARGE_BATCH = 8, 16
_MANY_EXAMPLES = 1_000


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """LoRA and optimizer settings; see `fit_to_data` for what the data decides."""

    epochs: int = option(
        0, "Passes over the examples, usually 3 to 40; 0 chooses by the data's size.", 0, 1000
    )
    learning_rate: float = option(1e-3, "Peak step size; LoRA likes 1e-4 to 2e-3.", 1e-7, 1.0)
    schedule: str = option(
        "cosine",
        "How the step size goes on after its rise: along half a cosine or a line to a tenth, "
        "or constant.",
        choices=SCHEDULES,
    )
    kind: str = option(
        "lora",
        "rslora keeps high ranks (64 and more) learning; dora learns the size of each weight row "
        "too, at half the speed.",
        choices=KINDS,
    )
    targets: str = option(
        "all",
        "The linear layers that learn: all, those of attention, or the others.",
        choices=TARGETS,
    )
    rank: int = option(
        16, "Size of the LoRA matrices, usually 8 to 64; more learns more, slower.", 1, 512
    )
    alpha: int = option(32, "LoRA's scale; usually twice the rank.", 1, 1024)
    dropout: float = option(
        0.0, "Share of LoRA inputs dropped while training, usually 0 to 0.1.", 0.0, 0.9
    )
    batch_size: int = option(
        0, "Examples per step, usually 4 to 32; 0 chooses by the data's size.", 0, 512
    )
    word_dropout: float = option(
        0.2,
        "Share of a question's words left out at random, usually 0 to 0.3, for wordings yet "
        "unseen.",
        0.0,
        0.5,
    )
    raft: float = option(
        0.0,
        "Share that is asked with passages before the questions (RAFT), so that hybrid learns to "
        "read: 0.3 to 1. It takes longer.",
        0.0,
        1.0,
    )
    distractors: int = option(
        3,
        "Wrong passages beside the right one there; usually 1 to 5, about as many as will be read.",
        0,
        20,
    )
    replay: float = option(
        0.1,
        "Share of general text in rows and loss, against forgetting; usually 0 to 0.3.",
        0.0,
        0.9,
    )
    held_out: int = option(
        32,
        "Wordings kept out of training, usually 16 to 64 and at most a tenth: after every pass it "
        "is measured how many are recalled.",
        0,
        1000,
    )
    patience: int = option(
        0,
        "Stop after so many passes, usually 2 to 5, in which recall did not rise; 0 goes on to the "
        "end.",
        0,
        100,
    )
    warmup: float = option(
        0.05, "Share of the steps in which the step size rises, usually 0.03 to 0.1.", 0.0, 0.9
    )
    max_tokens: int = option(512, "Longer examples are refused; usually 256 to 2048.", 16, 8192)
    seed: int = option(0, "Same seed, same data, same machine: same adapter.", 0, 2**31)

    def __post_init__(self) -> None:
        check_options(self)


def fit_to_data(settings: TrainSettings, examples: Sequence[Example]) -> TrainSettings:
    """Fill in the number of epochs and the batch size where they were left to the data."""
    facts = len({example.fact for example in examples})
    looks = _LOOKS_AT_FEW * math.sqrt(_FEW_FACTS / max(facts, _FEW_FACTS))
    epochs = math.ceil(max(looks, _LOOKS_AT_MANY) / (len(examples) / facts))
    batch_size = _SMALL_BATCH if len(examples) < _MANY_EXAMPLES else _LARGE_BATCH
    return dataclasses.replace(
        settings,
        epochs=settings.epochs or min(_LOOKS_AT_FEW, epochs),
        batch_size=settings.batch_size or batch_size,
    )
