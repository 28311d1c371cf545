"""Put the probes to a model, and compare what two models make of them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from finetune_backend.forgetting.probes import FILE, KINDS, Choice, Probes, read_probes
from workbench.files import read_json, sha256, write_json
from workbench.hardware import best_device, fastest_dtype
from workbench.language_models.adapters import with_adapter
from workbench.language_models.bundled import models_folder
from workbench.language_models.loading import Checkpoint, load_tokenizer, load_weights
from workbench.language_models.prompts import messages, render

_BATCH_TOKENS = 2048
_HEAD_TOKENS = 512
"""Whose logits are held at once: 100 MB for 50,000 words."""
_DIGEST_CHARACTERS = 16
_CONFIDENT = 1.96  # standard errors on each side of 95 %
_NEVER_SEEN = 3.0
"""Divided by the number of trials: the rule of three, the end of the 95 % interval of a chance that
never came (Hanley and Lippman-Hand 1983, "If Nothing Goes Wrong, Is Everything All Right?")."""


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
        if not self.change:
            if self.kind == "surprise":
                return "general text surprises it as much as before"
            return f"it kept its {self.kind} (± {self.margin:.1f} points)"
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
        1.0 or 0.0 for each choice, right or not; of "surprise", nats a token for each text. A kind
        without probes is left out.
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

    def tokens_of(text: str) -> list[int]:
        tokens: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
        return tokens

    begin = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    end = [tokenizer.eos_token_id]
    asked = []  # for each probe what is read first, and the options
    for choice in (one for choices in probes.choices.values() for one in choices):
        options = [tokens_of(text) for text in (choice.right, *choice.wrong)]
        if choice.prompt:
            prompt = tokens_of(render(tokenizer, messages(choice.prompt, "")))
            asked.append((prompt, [option + end for option in options]))
        else:
            asked.append(([begin], options))
    asked += [([begin], [tokens_of(text)]) for text in probes.texts]
    scores = iter(_likelihoods(model, asked, device, progress))
    made = {
        kind: [_is_right(choice, next(scores)) for choice in choices]
        for kind, choices in probes.choices.items()
    }
    if probes.texts:
        made["surprise"] = [-total / count for ((total, count),) in scores]
    return made


def probe_base(
    checkpoint: Checkpoint, progress: Callable[[float], None] = lambda _share: None
) -> dict[str, list[float]]:
    """Return what `probe` says of the base model, which is measured once on a machine."""
    digests = (checkpoint.sha256, sha256(FILE))
    name = "-".join(digest[:_DIGEST_CHARACTERS] for digest in digests)
    known = models_folder() / f"probed-{name}-{best_device()}.json"
    if not known.exists():
        write_json(known, probe(checkpoint, None, progress))
    scores: dict[str, list[float]] = read_json(known)
    return scores


def compare(before: dict[str, list[float]], after: dict[str, list[float]]) -> tuple[Change, ...]:
    """Return what changed for each kind of probe, put to the same model before and after."""
    return tuple(_change(kind, before[kind], after[kind]) for kind in KINDS if kind in before)


def _change(kind: str, before: Sequence[float], after: Sequence[float]) -> Change:
    scale = 100.0 if kind != "surprise" else 100.0 / mean(before)
    differences = [scale * (b - a) for a, b in zip(before, after, strict=True)]
    error = stdev(differences) / math.sqrt(len(differences)) if len(differences) > 1 else math.inf
    margin = _CONFIDENT * error
    if kind != "surprise" and not any(differences):
        margin = scale * _NEVER_SEEN / len(differences)
    return Change(kind, mean(before), mean(after), mean(differences), margin)


def _is_right(choice: Choice, scores: Sequence[tuple[float, int]]) -> float:
    """Is the right option the likeliest? Sentences by their whole likelihood, as BLiMP has it;
    answers by each token's, so that a long one has a chance."""
    values = [total if not choice.prompt else total / count for total, count in scores]
    return float(all(values[0] > other for other in values[1:]))


def _likelihoods(
    model: Any,
    asked: Sequence[tuple[list[int], list[list[int]]]],
    device: str,
    progress: Callable[[float], None],
) -> list[list[tuple[float, int]]]:
    """Return each option's log-likelihood after what is read first, in nats, and of how many
    tokens that is. What is read first is read once; where that is one token, many are read
    together."""
    made: list[list[tuple[float, int]]] = [[] for _ in asked]
    short = [number for number, (first, _) in enumerate(asked) if len(first) == 1]
    work = sum(len(first) + sum(map(len, options)) for first, options in asked)
    done = 0

    def keep(numbers: Sequence[int]) -> None:
        nonlocal done
        options = [option for number in numbers for option in asked[number][1]]
        sums = iter(_score(model, asked[numbers[0]][0], options, device))
        for number in numbers:
            made[number] = [(next(sums), len(option)) for option in asked[number][1]]
            done += len(asked[number][0]) + sum(map(len, asked[number][1]))
        progress(done / work)

    batch: list[int] = []
    for number in sorted(short, key=lambda number: -max(map(len, asked[number][1]))):
        longest = max(map(len, asked[(batch or [number])[0]][1]))
        if batch and longest * sum(len(asked[n][1]) for n in [*batch, number]) > _BATCH_TOKENS:
            keep(batch)
            batch = []
        batch.append(number)
    if batch:
        keep(batch)
    for number in sorted(set(range(len(asked))) - set(short)):
        keep([number])
    return made


def _score(
    model: Any, first: Sequence[int], options: Sequence[Sequence[int]], device: str
) -> list[float]:
    """Return the log-likelihood of each option after the tokens that are read first."""
    import torch

    head, body = model.get_output_embeddings(), model.base_model
    longest = max(map(len, options))
    tokens = torch.zeros(len(options), longest, dtype=torch.long)
    for place, option in enumerate(options):
        tokens[place, : len(option)] = torch.tensor(option)
    where, at = torch.tensor(
        [(place, step) for place, option in enumerate(options) for step in range(len(option))]
    ).T
    tokens, where, at = (tensor.to(device) for tensor in (tokens, where, at))
    with torch.inference_mode():
        read = body(input_ids=torch.tensor([list(first)], device=device), use_cache=True)
        cache = read.past_key_values
        cache.batch_repeat_interleave(len(options))
        # What pads an option stands behind it, where none of its own tokens looks.
        states = body(input_ids=tokens[:, :-1], past_key_values=cache)[0] if longest > 1 else None
        begun = read[0][:, -1:].expand(len(options), 1, -1)
        states = begun if states is None else torch.cat([begun, states], dim=1)
        chances = torch.cat(
            [
                head(some).float().log_softmax(-1).gather(1, words[:, None])[:, 0]
                for some, words in zip(
                    states[where, at].split(_HEAD_TOKENS),
                    tokens[where, at].split(_HEAD_TOKENS),
                    strict=True,
                )
            ]
        )
        sums: list[float] = (
            torch.zeros(len(options), device=device).index_add_(0, where, chances).tolist()
        )
    return sums
