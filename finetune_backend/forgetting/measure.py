"""Put the probes to a model, and compare what two models make of them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from finetune_backend.forgetting.probes import FILE, KINDS, Choice, Probes, read_probes
from finetune_backend.rows import make_row
from workbench.files import sha256
from workbench.hardware import best_device, fastest_dtype
from workbench.language_models.adapters import with_adapter
from workbench.language_models.loading import Checkpoint, load_tokenizer, load_weights
from workbench.language_models.prompts import messages

_BATCH_TOKENS = 2048
_DIGEST_CHARACTERS = 16
_CONFIDENT = 1.96  # standard errors on each side of 95 %


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one ability."""

    kind: str
    """Of `finetune_backend.forgetting.probes.KINDS`."""
    before: float
    """Share of right choices from 0 to 1; of "surprise", nats a token."""
    after: float
    change: float
    """In points; of "surprise", in percent of what it was. Less than 0 is worse, but there more."""
    margin: float
    """Of the change, on each side: 95 %, by the pairs of probes."""

    def sentence(self) -> str:
        """Say it in plain words: "it lost 2.0 ± 3.1 points of grammar"."""
        size = f"{abs(self.change):.1f} ± {self.margin:.1f}"
        if self.kind == "surprise":
            return f"general text surprises it {size} % {'more' if self.change > 0 else 'less'}"
        return f"it {'lost' if self.change < 0 else 'gained'} {size} points of {self.kind}"


def probe(
    checkpoint: Checkpoint,
    adapter: Path | None,
    progress: Callable[[float], None] = lambda _share: None,
    probes: Probes | None = None,
) -> dict[str, list[float]]:
    """Return what a model scores at each probe, by kind.

    Args:
        checkpoint: the base model.
        adapter: a PEFT folder; None for the base alone.
        progress: called with the share that is done.
        probes: by default those that come along.

    Returns:
        1.0 or 0.0 for each choice, right or not; of "surprise", nats a token for each text.
    """
    import torch

    probes = probes or read_probes()
    device = best_device()
    dtype = fastest_dtype(device)
    model = load_weights(checkpoint, torch.float32, device)
    if adapter is not None:
        model = with_adapter(model, adapter, checkpoint).merge_and_unload()
    model = model.to(dtype).eval()
    tokenizer = load_tokenizer(checkpoint)

    wanted: list[tuple[list[int], int]] = []
    for choices in probes.choices.values():
        for choice in choices:
            wanted += [_row(tokenizer, choice, text) for text in (choice.right, *choice.wrong)]
    wanted += [_row(tokenizer, Choice("", text, ()), text) for text in probes.texts]
    scores = iter(_likelihoods(model, wanted, device, progress))
    made = {
        kind: [_is_right(choice, [next(scores) for _ in (0, *choice.wrong)]) for choice in choices]
        for kind, choices in probes.choices.items()
    }
    made["surprise"] = [-total / count for total, count in scores]
    return made


def probes_digest() -> str:
    """Return what tells these probes from those of another version."""
    return sha256(FILE)[:_DIGEST_CHARACTERS]


def compare(before: dict[str, list[float]], after: dict[str, list[float]]) -> tuple[Change, ...]:
    """Return what changed for each kind of probe, put to the same model before and after."""
    return tuple(_change(kind, before[kind], after[kind]) for kind in KINDS if kind in before)


def _change(kind: str, before: Sequence[float], after: Sequence[float]) -> Change:
    scale = 100.0 if kind != "surprise" else 100.0 / mean(before)
    differences = [scale * (b - a) for a, b in zip(before, after, strict=True)]
    error = stdev(differences) / math.sqrt(len(differences)) if len(differences) > 1 else math.inf
    return Change(kind, mean(before), mean(after), mean(differences), _CONFIDENT * error)


def _is_right(choice: Choice, scores: Sequence[tuple[float, int]]) -> float:
    """Is the right option the likeliest? Sentences by their whole likelihood, as BLiMP has it;
    answers by each token's, so that a long one has a chance."""
    values = [total if not choice.prompt else total / count for total, count in scores]
    return float(all(values[0] > other for other in values[1:]))


def _row(tokenizer: Any, choice: Choice, said: str) -> tuple[list[int], int]:
    """Return what is read, in tokens, and how many of them at the end are scored."""
    if choice.prompt:
        row = make_row(tokenizer, messages(choice.prompt, ""), said)
        return [*row.prompt, *row.answer], len(row.answer)
    begin = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    tokens = tokenizer(said, add_special_tokens=False)["input_ids"]
    return [begin, *tokens], len(tokens)


def _likelihoods(
    model: Any,
    rows: Sequence[tuple[list[int], int]],
    device: str,
    progress: Callable[[float], None],
) -> list[tuple[float, int]]:
    """Return each row's log-likelihood, in nats, and of how many tokens that is."""
    import torch

    head, body = model.get_output_embeddings(), model.base_model
    order = sorted(range(len(rows)), key=lambda number: -len(rows[number][0]))
    made = [(0.0, 0)] * len(rows)
    done = 0
    while done < len(order):
        longest = len(rows[order[done]][0])
        batch = order[done : done + max(1, _BATCH_TOKENS // longest)]
        tokens, real = (torch.zeros(len(batch), longest, dtype=torch.long) for _ in range(2))
        for place, number in enumerate(batch):
            read = torch.tensor(rows[number][0])
            tokens[place, : len(read)], real[place, : len(read)] = read, 1
        tokens, real = tokens.to(device), real.to(device)
        with torch.inference_mode():
            states = body(input_ids=tokens, attention_mask=real, use_cache=False)[0]
            for place, number in enumerate(batch):
                end, scored = len(rows[number][0]), rows[number][1]
                logits = head(states[place, end - scored - 1 : end - 1]).float()
                said = tokens[place, end - scored : end, None]
                made[number] = (float(logits.log_softmax(-1).gather(1, said).sum()), scored)
        done += len(batch)
        progress(done / len(order))
    return made
