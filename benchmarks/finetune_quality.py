"""How well fine-tunes learn: ``python -m benchmarks.finetune_quality [PART …]``.

Parts: ``questions`` (half an hour on two cores) is the question writer on SQuAD 2.0's held-out
articles, given answers of people's; ``documents`` (two hours with three seeds) fine-tunes on the
sample documents alone, without any example of a person's, and asks the sample's exam without
retrieval; ``examples`` (a quarter of an hour) fine-tunes on the sample's examples and asks for
their facts in other words. Both say what that changed in grammar. ``raft`` and ``banking77`` are
described in their modules.
"""

import argparse
import contextlib
import dataclasses
import json
import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

from benchmarks import raft
from benchmarks.banking77 import banking77
from benchmarks.grammar import grammar_change
from benchmarks.kept_runs import trained
from benchmarks.report import figure, print_report, tell
from benchmarks.retrieval import all_asked
from comparison import sample
from comparison.evaluate import evaluate
from comparison.lab import Lab, open_lab
from comparison.shipped.reading_data import Asked, held_out
from comparison.start_training import prompts
from comparison.write_examples import (
    Author,
    found_examples,
    load_author,
    read_again,
    say_all,
    write_examples,
)
from finetune_backend.examples.read import read_examples
from finetune_backend.examples.store import add_examples, list_examples
from finetune_backend.forgetting.measure import Change
from finetune_backend.runs import Run
from finetune_backend.settings import TrainSettings
from finetune_backend.writer import write
from finetune_backend.writer.alone import stands_alone
from finetune_backend.writer.facts import Fact
from rag_backend.passages import embedding_text
from workbench.language_models.prompts import messages, passage_prompt
from workbench.values import Example, Passage

_QUESTIONS = 400
_WORDINGS = 3
Figures = list[dict[str, Any]]


def main() -> None:
    """Measure what was asked for, and print the report."""
    parts: dict[str, Callable[[Lab, argparse.Namespace], Figures]] = {
        "questions": questions,
        "documents": from_documents,
        "examples": from_examples,
        "raft": raft.raft,
        "banking77": banking77,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts))
    parser.add_argument("--seeds", type=int, default=3, metavar="N")
    parser.add_argument("--save", type=Path, metavar="FILE", help="keep every answer as JSON")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep fine-tunes here, and take those that are"
    )
    options = parser.parse_args()
    unknown = set(options.parts) - parts.keys()
    if unknown or options.seeds < 1:
        parser.error(f"{unknown or options.seeds}: parts are {', '.join(parts)}, seeds 1 or more")
    made: Figures = []
    for name in options.parts or parts:
        with contextlib.ExitStack() as stack:
            home = options.keep / name if options.keep else None
            lab = open_lab(home or stack.enter_context(tempfile.TemporaryDirectory()))
            stack.callback(lab.database.close)
            made += parts[name](lab, options)
    print_report("finetune_quality", made)


def questions(lab: Lab, options: argparse.Namespace) -> Figures:
    """Write questions for a few hundred answers, and let a reader answer them.

    Examples are made of the questions whose answer the verifier finds again. The reader is
    another one, which was trained for this alone.
    """
    asked = all_asked()
    new = held_out(asked)
    answered = [one for one in asked if one.title in new and one.answers]
    drawn = random.Random(0).sample(answered, _QUESTIONS)
    reader = Author(lab.engine(), None, str(_reader(lab, asked, new).adapter))
    author = load_author(lab)
    facts = [
        (
            write.Paragraph(one.title, embedding_text(one.title, Passage(one.paragraph)), ""),
            Fact(one.answers[0], one.paragraph),
        )
        for one in drawn
    ]
    people = [
        write.Asked(paragraph, fact, one.question)
        for (paragraph, fact), one in zip(facts, drawn, strict=True)
    ]
    written = write.ask_for(
        facts, lambda chats: say_all(author.engine, author.writer, chats, 40), _WORDINGS
    )
    tell(f"{len(written)} questions written for {len(facts)} answers")
    alone = [float(stands_alone(one.question)) for one in written]
    open_ = [one for one in written if not one.rejected]
    kept = [
        one for one in write.check_answers(open_, read_again(open_, author)) if not one.rejected
    ]
    tell(f"{len(kept)} of them kept, for {len({one.fact for one in kept})} answers")
    shares = {
        name: _found_again(lab, some, reader)
        for name, some in (("kept", kept), ("written", open_), ("people", people))
    }
    return [
        figure("questions_self_contained", mean(alone), "share", "higher", 0.9),
        {
            **figure("questions_round_trip", shares["kept"], "share", "higher", 0.7),
            "before_the_filter": shares["written"],
            "people": shares["people"],
            "written": len(written),
            "kept": len(kept),
            "answers_kept": len({(one.paragraph, one.fact) for one in kept}) / len(facts),
        },
    ]


def _reader(lab: Lab, asked: Sequence[Asked], new: set[str]) -> Run:
    """Return a fine-tune that answers from a paragraph, trained on the other articles."""
    taught = [one for one in asked if one.answers and one.title not in new]
    examples, shown = zip(*raft.map_shown(taught), strict=True)
    settings = dataclasses.replace(raft.SETTINGS, epochs=4, batch_size=4, distractors=0)
    return trained(lab, "reader", examples, settings, shown)


def _found_again(lab: Lab, asked: Sequence[write.Asked], reader: Author) -> float:
    """Return how many questions a reader answers with what was meant."""
    asks = prompts(lab)
    chats = [
        messages(passage_prompt(one.paragraph.text, one.question, asks.passages), asks.system)
        for one in asked
    ]
    said = say_all(reader.engine, reader.reader, chats, 40)
    return mean(
        float(write.found_again(answer, one.fact.answer))
        for one, answer in zip(asked, said, strict=True)
    )


def from_documents(lab: Lab, options: argparse.Namespace) -> Figures:
    """Fine-tune on what the sample documents alone give, and ask the exam."""
    sample.add_documents(lab, lambda _message, _share: None)
    add_examples(lab.database, found_examples(lab))
    done = write_examples(
        lab, load_author(lab), lambda w: tell(f"paragraph {w.paragraphs} of {w.of}")
    )
    examples = list_examples(lab.database)
    facts = len({example.fact for example in examples})
    tell(f"{len(examples)} examples, {facts} facts; rejected: {done.rejected}")
    base = _contains(evaluate(lab, sample.EXAM, ("base",)), "base")
    shares, changes = _trained(lab, "documents", examples, sample.EXAM, options)
    return [
        {
            **figure(
                "from_documents_contains", median(shares), "share", "higher", 0.6, runs=shares
            ),
            "examples": len(examples),
            "facts": facts,
            "grammar_points": [change.change for change in changes],
        },
        figure("base_contains", base, "share", "lower", 0.1),
    ]


def from_examples(lab: Lab, options: argparse.Namespace) -> Figures:
    """Fine-tune on the sample's examples, and ask for the same facts in other words."""
    examples = read_examples(sample.TRAINING.read_bytes(), sample.TRAINING.name).examples
    shares, changes = _trained(lab, "examples", examples, sample.WORDINGS, options)
    points = [change.change for change in changes]
    return [
        figure("unseen_wording_contains", median(shares), "share", "higher", 0.9, runs=shares),
        {
            **figure("blimp_change_points", median(points), "points", "higher", -2.0, runs=points),
            "margins": [change.margin for change in changes],
        },
    ]


def _trained(
    lab: Lab, name: str, examples: Sequence[Example], exam: Path, options: argparse.Namespace
) -> tuple[list[float], list[Change]]:
    """Fine-tune with the default preset, once a seed; return the shares of the exam's answers
    that contain what was asked for, and the changes in grammar."""
    shares, changes, rows = [], [], []
    for seed in range(options.seeds):
        run = trained(lab, f"{name}-{seed}", examples, TrainSettings(seed=seed))
        grammar = grammar_change(lab.checkpoint(), run.adapter)
        result = evaluate(lab, exam, ("finetuned",), run.name)
        shares.append(_contains(result, "finetuned"))
        changes.append(grammar)
        rows.append(result["rows"])
        tell(
            f"seed {seed}: {shares[-1]:.3f}, "
            f"grammar {grammar.change:+.1f} ± {grammar.margin:.1f} points"
        )
    if options.save:
        document = {"examples": [dataclasses.asdict(e) for e in examples], "rows": rows}
        options.save.write_text(json.dumps(document, indent=1, ensure_ascii=False), "utf-8")
    return shares, changes


def _contains(result: dict[str, Any], method: str) -> float:
    share: float = result["methods"][method]["contains"]
    return share


if __name__ == "__main__":
    main()
