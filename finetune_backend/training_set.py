"""What a fine-tune is shown: every epoch's rows, and the wordings that are held out of them."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finetune_backend.examples.wording import fold, shorten
from finetune_backend.raft import Shown, draw_texts
from finetune_backend.recall import HeldOut
from finetune_backend.replay import read_replay, replay_rows
from finetune_backend.rows import Row, make_row, make_rows, row_counter, shared_prefix
from finetune_backend.settings import TrainSettings
from workbench.errors import ExamplesError
from workbench.language_models.prompts import DEFAULT_TEMPLATE, messages
from workbench.values import Example

_LEAST_WORDINGS = 3
"""A fact with fewer needs all of them."""
_ANSWERS = 3
"""Of a fact, tried for a held-out wording: its own, and a short or a whole one."""
_MOST_HELD_OUT = 10
"""At most every so manieth row is held out."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """How questions will be asked."""

    system: str = ""
    passages: str = DEFAULT_TEMPLATE
    """With passages before them; see `workbench.language_models.prompts.passage_prompt`."""

    def saved(self) -> dict[str, str]:
        """Return them as `read_prompts` reads them from a run's file."""
        return {"system_prompt": self.system, "passage_prompt": self.passages}


PLAIN = Prompts()


def read_prompts(saved: Mapping[str, str]) -> Prompts:
    """Return the prompts of a run; one of an older version may lack them."""
    return Prompts(saved.get("system_prompt", ""), saved.get("passage_prompt", DEFAULT_TEMPLATE))


class TrainingSet:
    """The rows of a fine-tune, made anew for every epoch."""

    def __init__(
        self,
        examples: Sequence[Example],
        tokenizer: Any,
        settings: TrainSettings,
        prompts: Prompts,
        shown: Sequence[Shown | None] = (),
    ) -> None:
        """Choose what is held out.

        Args:
            examples: all of them.
            tokenizer: the checkpoint's.
            settings: what share is held out, shown with passages, replayed.
            prompts: how questions will be asked.
            shown: for each example the passage that it is asked with; may be empty where
                ``settings.raft`` is 0.

        Raises:
            ExamplesError: an example is longer than ``settings.max_tokens``, or no answer has a
                token of its own.
        """
        count = row_counter(tokenizer, prompts.system)
        if not any(count(example).own for example in examples):
            raise ExamplesError(
                f"None of the {len(examples):,} answers has a token of its own, such as a letter "
                f"(the first is “{shorten(examples[0].answer)}”), so that nothing would be "
                "learned. Give answers in words."
            )
        self._tokenizer, self._settings, self._prompts = tokenizer, settings, prompts
        held_out = choose_held_out(examples, settings.held_out, settings.seed)
        self._examples = [one for n, one in enumerate(examples) if n not in held_out]
        self._shown = [one for n, one in enumerate(shown) if n not in held_out]
        self._replay = read_replay() if settings.replay else ()
        self.held_out: HeldOut = [
            self._with_every_answer(examples[n], examples) for n in sorted(held_out)
        ]

    def rows(self, epoch: int) -> list[Row]:
        """Return an epoch's rows: always as many steps, not always the same rows."""
        settings, seed = self._settings, self._settings.seed * 1_000_003 + epoch
        draw = random.Random(seed)
        bare = self._examples
        if settings.raft:
            bare = draw.sample(bare, round((1 - settings.raft) * len(bare)))
        rows = make_rows(
            bare,
            self._tokenizer,
            self._prompts.system,
            settings.max_tokens,
            settings.word_dropout,
            seed,
        )
        if settings.raft:
            rows += self._with_passages(draw)
        if settings.replay:
            count = round(len(rows) * settings.replay / (1 - settings.replay))
            rows += replay_rows(self._replay, self._tokenizer, count, draw)
        return rows

    def _with_passages(self, draw: random.Random) -> list[Row]:
        settings, rows = self._settings, list[Row]()
        texts = draw_texts(
            self._examples,
            self._shown,
            settings.raft,
            settings.distractors,
            self._prompts.passages,
            draw,
        )
        for asked in texts:
            made = [
                make_row(self._tokenizer, messages(one.said, self._prompts.system), one.answer)
                for one in asked
            ]
            longest = max(map(len, made))
            if longest > settings.max_tokens:
                raise ExamplesError(
                    f"With {settings.distractors + 1} passages an example is {longest:,} tokens "
                    f"long; at most {settings.max_tokens:,} are trained on. Lower distractors, or "
                    "raise max_tokens."
                )
            shared = shared_prefix(made)
            rows += [Row(row.prompt, row.answer, shared) for row in made]
        return rows

    def _with_every_answer(self, example: Example, examples: Sequence[Example]) -> list[Row]:
        answers = [example.answer]
        answers += [one.answer for one in examples if one.fact == example.fact]
        chat = messages(example.question.strip(), self._prompts.system)
        said = list(dict.fromkeys(answer.strip() for answer in answers))
        return [make_row(self._tokenizer, chat, answer) for answer in said[:_ANSWERS]]


def choose_held_out(examples: Sequence[Example], most: int, seed: int) -> set[int]:
    """Return the places of the wordings to hold out: one of a fact, drawn at random.

    A fact that has fewer than three wordings keeps them all, and so does one whose question
    is asked in another fact too.
    """
    places: dict[str, list[int]] = {}
    asked: dict[str, set[str]] = {}
    for place, example in enumerate(examples):
        places.setdefault(example.fact, []).append(place)
        asked.setdefault(fold(example.question), set()).add(example.fact)
    draw = random.Random(seed)
    drawn = [
        draw.choice(own)
        for own in places.values()
        if len({fold(examples[place].question) for place in own}) >= _LEAST_WORDINGS
    ]
    alone = [place for place in drawn if len(asked[fold(examples[place].question)]) == 1]
    count = min(most, len(examples) // _MOST_HELD_OUT, len(alone))
    chosen = draw.sample(alone, count)
    # The same question with another answer would be trained on.
    questions = {fold(examples[place].question) for place in chosen}
    return {n for n, example in enumerate(examples) if fold(example.question) in questions}
