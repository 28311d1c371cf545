"""How well fine-tunes learn: ``python -m benchmarks.finetune_quality [PART …]``.

Parts: ``questions`` (two minutes on two cores) is the question writer on SQuAD 2.0's held-out
articles, each question with an answer of a person's; ``documents`` (an hour with three seeds)
fine-tunes on the sample documents alone, without any example of a person's, and asks the sample's
exam without retrieval; ``examples`` (a quarter of an hour) fine-tunes on the sample's examples and
asks for their facts in other words. Both say what that changed in grammar. ``raft`` and
``banking77`` are described in their modules.
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

from benchmarks.banking77 import banking77
from benchmarks.kept_runs import trained
from benchmarks.raft import raft
from benchmarks.report import figure, print_report, tell
from benchmarks.retrieval import all_asked
from comparison import sample
from comparison.evaluate import evaluate
from comparison.lab import Lab, open_lab
from comparison.reading_data import Asked, held_out
from comparison.write_examples import (
    found_examples,
    load_author,
    read_again,
    say_all,
    write_examples,
)
from finetune_backend.examples.read import read_examples
from finetune_backend.examples.store import add_examples, list_examples
from finetune_backend.settings import TrainSettings
from finetune_backend.writer import write
from finetune_backend.writer.alone import stands_alone
from finetune_backend.writer.facts import Fact
from finetune_backend.writer.prompt import writer_prompt
from rag_backend.passages import embedding_text
from workbench.values import Example, Passage

_QUESTIONS = 400
Figures = list[dict[str, Any]]


def main() -> None:
    """Measure what was asked for, and print the report."""
    parts: dict[str, Callable[[Lab, argparse.Namespace], Figures]] = {
        "questions": questions,
        "documents": from_documents,
        "examples": from_examples,
        "raft": raft,
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
    """Write a question for each of a few hundred answers, and let a reader answer it."""
    asked = all_asked()
    new = held_out(asked)
    answered = [one for one in asked if one.title in new and one.answers]
    drawn = random.Random(0).sample(answered, _QUESTIONS)
    author = load_author(lab)
    chats = [writer_prompt(_text(one), one.answers[0], "") for one in drawn]
    said = list(say_all(author.engine, author.writer, chats, 40))
    tell(f"{len(said)} questions written")
    written = [
        write.Asked(
            write.Paragraph(one.title, _text(one), one.paragraph),
            Fact(one.answers[0], one.paragraph),
            question,
        )
        for one, question in zip(drawn, said, strict=True)
    ]
    answers = list(read_again(written, author))
    alone = [float(stands_alone(one.question)) for one in written]
    again = [
        float(write.found_again(answer, one.fact.answer))
        for one, answer in zip(written, answers, strict=True)
    ]
    # The same reader, asked what people asked.
    peers = [
        dataclasses.replace(w, question=one.question) for w, one in zip(written, drawn, strict=True)
    ]
    people = [
        float(write.found_again(answer, one.fact.answer))
        for one, answer in zip(peers, read_again(peers, author), strict=True)
    ]
    if options.save:
        rows = [
            {"answer": one.fact.answer, "question": one.question, "read": answer}
            for one, answer in zip(written, answers, strict=True)
        ]
        options.save.write_text(json.dumps(rows, indent=1, ensure_ascii=False), "utf-8")
    return [
        figure("questions_self_contained", mean(alone), "share", "higher", 0.9),
        {
            **figure("questions_round_trip", mean(again), "share", "higher", 0.7),
            "people": mean(people),
        },
    ]


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
            "grammar_points": changes,
        },
        figure("base_contains", base, "share", "lower", 0.1),
    ]


def from_examples(lab: Lab, options: argparse.Namespace) -> Figures:
    """Fine-tune on the sample's examples, and ask for the same facts in other words."""
    examples = read_examples(sample.TRAINING.read_bytes(), sample.TRAINING.name).examples
    shares, changes = _trained(lab, "examples", examples, sample.WORDINGS, options)
    return [
        figure("unseen_wording_contains", median(shares), "share", "higher", 0.9, runs=shares),
        figure("blimp_change_points", median(changes), "points", "higher", -2.0, runs=changes),
    ]


def _trained(
    lab: Lab, name: str, examples: Sequence[Example], exam: Path, options: argparse.Namespace
) -> tuple[list[float], list[float]]:
    """Fine-tune with the default preset, once a seed; return the shares of the exam's answers
    that contain what was asked for, and the changes in grammar."""
    shares, changes, rows = [], [], []
    for seed in range(options.seeds):
        run = trained(lab, f"{name}-{seed}", examples, TrainSettings(seed=seed))
        (grammar,) = [c for c in run.forgetting if c.kind == "grammar"]
        result = evaluate(lab, exam, ("finetuned",), run.name)
        shares.append(_contains(result, "finetuned"))
        changes.append(grammar.change)
        rows.append(result["rows"])
        tell(f"seed {seed}: {shares[-1]:.3f}, grammar {changes[-1]:+.1f} points")
    if options.save:
        document = {"examples": [dataclasses.asdict(e) for e in examples], "rows": rows}
        options.save.write_text(json.dumps(document, indent=1, ensure_ascii=False), "utf-8")
    return shares, changes


def _contains(result: dict[str, Any], method: str) -> float:
    share: float = result["methods"][method]["contains"]
    return share


def _text(asked: Asked) -> str:
    return embedding_text(asked.title.replace("_", " "), Passage(asked.paragraph))


if __name__ == "__main__":
    main()
