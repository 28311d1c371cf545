"""Train a reranker: a LoRA on MiniLM that reads a question and a passage together.

Source: Nogueira and Cho 2019, arXiv 1901.04085. For each pair it says how well the passage
fits the question, whether it holds the answer, and where.
"""

import functools
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from finetune_backend import parallel
from finetune_backend.fused import Frozen, LoraLinear, can_pack
from finetune_backend.lora import share_of_peak
from workbench import minilm
from workbench.files import write_json
from workbench.hardware import best_device, fastest_dtype
from workbench.minilm import BEGIN, FIT, HOLDS, MiniLm

_PART_TOKENS = 4096
"""Computed at once, which bounds memory."""
_EASY = 0.2
"""The weight of "no" for a passage of another place, of which there are several a question."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A question, and passages that a search found for it."""

    question: str
    right: str
    """The passage that the question was asked about."""
    answers: tuple[tuple[int, int], ...]
    """Where in it an answer stands, in characters; empty where it doesn't answer."""
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a reranker is trained."""

    epochs: int = 3
    questions: int = 16
    """In a batch."""
    wrong: int = 5
    """Wrong passages beside the right one, drawn anew for every epoch; half as many where
    the right one doesn't answer either."""
    rank: int = 32
    alpha: int = 64
    learning_rate: float = 1e-3
    head_learning_rate: float = 3e-3
    span_weight: float = 0.5
    max_tokens: int = 256
    seed: int = 0


def train_cross_encoder(
    judged: Sequence[Judged],
    recipe: Recipe,
    report: Callable[[int, int, float], None],
    folder: Path,
) -> None:
    """Train, and write a PEFT adapter of the packaged MiniLM with ``head.safetensors`` beside it.

    Args:
        judged: the questions.
        recipe: how.
        report: called after every step with its number, how many there are, and the loss.
        folder: to write.
    """
    import torch

    torch.manual_seed(recipe.seed)
    device = best_device()
    dtype = fastest_dtype(device)
    lora = _Lora(recipe)
    model = MiniLm(minilm.load_weights(), device, dtype, lora.linear)
    head = torch.nn.Linear(minilm.DIMENSIONS, 4, device=device)
    groups: list[dict[str, Any]] = [
        {"params": lora.weights(), "lr": recipe.learning_rate},
        {"params": list(head.parameters()), "lr": recipe.head_learning_rate},
    ]
    weights = [weight for group in groups for weight in group["params"]]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01, fused=True)
    reader = _Reader(recipe, [q for q in judged if q.wrong])
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, functools.partial(share_of_peak, steps=reader.steps, warmup=0.06)
    )
    for step, batch in enumerate(reader.batches(), start=1):
        loss = 0.0
        for pairs in batch:
            read = model.read([pair.row for pair in pairs], [pair.before for pair in pairs])
            part = _loss(head(read.states), read, pairs, recipe) / recipe.questions
            part.backward()
            loss += part.item()
        (loss,) = parallel.add_up(weights, [loss])
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        report(step, reader.steps, loss)
    if parallel.is_first():
        lora.save(folder)
        _save_head(head, folder, recipe)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A question and one of its passages, in tokens."""

    row: list[int]
    before: int
    """Tokens before the passage."""
    question: int
    right: bool
    spans: tuple[tuple[int, int], ...]
    """First and last token of each answer in the row."""


class _Reader:
    """Draws batches of pairs, those of one question always together."""

    def __init__(self, recipe: Recipe, judged: Sequence[Judged]) -> None:
        self._recipe, self._judged = recipe, judged
        self._tokenizer = minilm.load_tokenizer()
        self._random = random.Random(recipe.seed)
        self._read = functools.cache(self._encode)
        self.steps = recipe.epochs * math.ceil(len(judged) / recipe.questions)

    def batches(self) -> Iterator[list[list[_Pair]]]:
        """Yield each step's pairs, in parts that are computed one after the other."""
        for _ in range(self._recipe.epochs):
            order = self._random.sample(range(len(self._judged)), len(self._judged))
            for start in range(0, len(order), self._recipe.questions):
                drawn = [
                    self._pairs(number) for number in order[start : start + self._recipe.questions]
                ]
                parts: list[list[_Pair]] = [[]]
                for pairs in parallel.share(drawn):
                    tokens = sum(len(pair.row) for pair in (*parts[-1], *pairs))
                    if parts[-1] and tokens > _PART_TOKENS:
                        parts.append([])
                    parts[-1] += pairs
                yield [part for part in parts if part]

    def _pairs(self, number: int) -> list[_Pair]:
        one = self._judged[number]
        count = self._recipe.wrong if one.answers else self._recipe.wrong // 2
        wrong = self._random.sample(one.wrong, min(count, len(one.wrong)))
        question = self._read(one.question).ids
        pairs = []
        for passage in (one.right, *wrong):
            read = self._read(passage)
            row, before = minilm.pair(question, read.ids, self._recipe.max_tokens)
            spans = one.answers if passage is one.right else ()
            found = (_tokens_of(read.offsets, span) for span in spans)
            inside = tuple(
                (first + before, last + before)
                for first, last in filter(None, found)
                if last + before < len(row) - 1
            )
            pairs.append(_Pair(row, before, number, passage is one.right, inside))
        return pairs

    def _encode(self, text: str) -> Any:
        return self._tokenizer.encode(text, add_special_tokens=False)


def _tokens_of(offsets: Sequence[tuple[int, int]], span: tuple[int, int]) -> tuple[int, int] | None:
    """Return the first and last token that a span of characters touches."""
    touched = [n for n, (begin, end) in enumerate(offsets) if begin < span[1] and end > span[0]]
    return (touched[0], touched[-1]) if touched else None


def _loss(out: Any, read: minilm.States, pairs: Sequence[_Pair], recipe: Recipe) -> Any:
    """Return the summed loss of some questions' pairs, in nats.

    The right passage should fit best (a softmax over a question's passages), be the one
    that holds the answer (yes or no), and show where it stands; where there is none, the
    first token stands for that.

    Args:
        out: (T, 4), what the head says of every token.
        read: which tokens are whose.
        pairs: the rows, those of one question side by side.
        recipe: the weights of the parts.
    """
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    first = out[read.starts]
    holds = torch.tensor([float(bool(pair.spans)) for pair in pairs], device=out.device)
    right = torch.tensor([pair.right for pair in pairs], device=out.device)
    yes_or_no = binary_cross_entropy_with_logits(first[:, HOLDS], holds, reduction="none")
    loss = yes_or_no[right].sum() + _EASY * yes_or_no[~right].sum()
    ends = [*read.starts[1:].tolist(), len(out)]
    begin = 0
    for number in range(len(pairs)):
        if number + 1 == len(pairs) or pairs[number + 1].question != pairs[begin].question:
            # The right one is its question's first.
            loss = loss - first[begin : number + 1, FIT].log_softmax(0)[0]
            begin = number + 1
        if pairs[number].right:
            start = int(read.starts[number])
            where = out[start : ends[number], BEGIN:].log_softmax(0)
            spans = torch.tensor(pairs[number].spans or ((0, 0),), device=out.device)
            of_span = where[spans[:, 0], 0] + where[spans[:, 1], 1]
            loss = loss - recipe.span_weight * of_span.logsumexp(0)
    return loss


class _Lora:
    """The LoRA matrices of all linear layers, by the names that PEFT gives them."""

    def __init__(self, recipe: Recipe) -> None:
        import torch

        self._recipe = recipe
        self._matrices: dict[str, torch.nn.Parameter] = {}

    def linear(self, name: str, weight: Any, bias: Any) -> minilm.Linear:
        """Return a frozen linear layer with LoRA beside it; B is zero at the start."""
        import torch

        rank = self._recipe.rank
        down = torch.empty(rank, weight.shape[1], device=weight.device)
        torch.nn.init.kaiming_uniform_(down, a=math.sqrt(5))
        up = torch.zeros(weight.shape[0], rank, device=weight.device)
        made = [torch.nn.Parameter(matrix) for matrix in (down, up)]
        for kind, matrix in zip("AB", made, strict=True):
            self._matrices[f"base_model.model.{name}.lora_{kind}.weight"] = matrix
        frozen = Frozen(weight, bias, can_pack([weight]))
        scale = self._recipe.alpha / rank
        return lambda x: LoraLinear.apply(x, frozen, *made, scale)

    def weights(self) -> list[Any]:
        """Return the trained matrices."""
        return list(self._matrices.values())

    def save(self, folder: Path) -> None:
        """Write what PEFT's ``save_pretrained`` would have written."""
        import torch
        from peft import LoraConfig, TaskType
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        LoraConfig(
            r=self._recipe.rank,
            lora_alpha=self._recipe.alpha,
            target_modules=r"encoder\..*\.(query|key|value|dense)",
            task_type=TaskType.FEATURE_EXTRACTION,
            base_model_name_or_path=minilm.NAME,
            inference_mode=True,
        ).save_pretrained(folder)
        matrices = {
            name: matrix.detach().to("cpu", torch.float16).contiguous()
            for name, matrix in self._matrices.items()
        }
        save_file(matrices, folder / "adapter_model.safetensors", {"format": "pt"})


def _save_head(head: Any, folder: Path, recipe: Recipe) -> None:
    from safetensors.torch import save_file

    tensors = {
        name: tensor.detach().cpu().contiguous() for name, tensor in head.state_dict().items()
    }
    save_file(tensors, folder / "head.safetensors")
    write_json(folder / "recipe.json", asdict(recipe))
