"""What papers found, in miniature on the sample: ``python -m benchmarks.miniature [PART …]``.

Parts: ``wordings`` – "Fine-Tuning or Retrieval?" (Ovadia et al. 2024, arXiv 2312.05934): on new
facts RAG is right more often than a fine-tune, which is so more often than base, and a fine-tune
the more often the more wordings it saw; ``forgetting`` – "LoRA Learns Less and Forgets Less"
(Biderman et al. 2024, arXiv 2405.09673): longer fine-tunes forget more. Both are the experiments
of these names with their usual options, half an hour together on two cores. A finding is reached
where 95 % intervals leave no doubt of it.
"""

import argparse
import contextlib
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import figure, print_report, tell
from comparison import sample
from comparison.exams.exam import read_exam
from comparison.experiments.experiment import Chosen, Experiment
from comparison.experiments.forgotten import ends
from comparison.experiments.keeper import Keeper
from comparison.experiments.listed import find_experiment
from comparison.experiments.outcome import TRUE
from comparison.lab import Lab, open_lab
from comparison.statistics.bootstrap import difference_interval
from comparison.statistics.share import share_interval
from finetune_backend.examples.read import read_examples
from finetune_backend.forgetting.probes import KINDS
from workbench.settings import from_text

Figures = list[dict[str, Any]]
Rows = Sequence[dict[str, Any]]


def main() -> None:
    """Run the experiments, and print the report."""
    parts: dict[str, Callable[[Rows, Rows], Figures]] = {
        "wordings": from_wordings,
        "forgetting": from_forgetting,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts))
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="an option of the one part"
    )
    parser.add_argument(
        "--home", type=Path, metavar="DIR", help="keep everything here, and go on from it"
    )
    options = parser.parse_args()
    chosen = options.parts or list(parts)
    if unknown := set(chosen) - parts.keys():
        parser.error(f"{', '.join(unknown)}: parts are {', '.join(parts)}")
    if options.set and len(chosen) > 1:
        parser.error("--set needs one part alone")
    made: Figures = []
    with contextlib.ExitStack() as stack:
        home = options.home or stack.enter_context(tempfile.TemporaryDirectory())
        lab = open_lab(home)
        stack.callback(lab.database.close)
        sample.add_documents(lab, lambda _message, _share: None)
        for name in chosen:
            rows, table = _run(lab, find_experiment(name), options.set)
            made += parts[name](rows, table)
    print_report("miniature", made)


def from_wordings(rows: Rows, table: Rows) -> Figures:
    """Return each method's right answers, their differences, and what more wordings bring."""
    sizes = sorted({line["wordings"] for line in table})
    few, most = _right(rows, "finetuned", sizes[0]), _right(rows, "finetuned", sizes[-1])
    base, rag = _right(rows, "base", 0), _right(rows, "rag", 0)
    curve = [{"wordings": size, **_share(_right(rows, "finetuned", size))} for size in sizes]
    return [
        figure("base_contains", **_asked(base, "lower", 0.1)) | _share(base),
        figure("finetuned_contains", **_asked(most, "higher", 0.8)) | _share(most),
        figure("rag_contains", **_asked(rag, "higher", 0.7)) | _share(rag),
        _difference("finetuned_minus_base", most, base),
        _difference("rag_minus_finetuned", rag, most),
        _difference("most_wordings_minus_one", most, few) | {"by_wordings": curve},
    ]


def from_forgetting(_rows: Rows, table: Rows) -> Figures:
    """Return for each measure how much worse the longest fine-tune left it than the shortest."""
    made = []
    for rank in dict.fromkeys(line["rank"] for line in table):
        lines = [line for line in table if line["rank"] == rank]
        first, last = lines[0], lines[-1]
        for kind in KINDS:
            worse = 1 if kind == "surprise" else -1
            low, high = ends(kind)
            apart = last[low] > first[high] if worse > 0 else last[high] < first[low]
            unit = "%" if kind == "surprise" else "points"
            name = f"{kind}_forgotten_{rank.replace(' ', '_')}"
            made.append(
                figure(name, worse * (last[kind] - first[kind]), unit, "higher", 0.0)
                | {
                    "reached": apart,
                    "by_epochs": [
                        {"epochs": line["epochs"], "change": line[kind]}
                        | {"low": line[low], "high": line[high]}
                        for line in lines
                    ],
                }
            )
        recall = [
            {"epochs": line["epochs"], **_share_of(line["recalled"], line["of"])} for line in lines
        ]
        name = f"recall_{rank.replace(' ', '_')}"
        made.append(figure(name, last["share"], "share", "higher", 0.8) | {"by_epochs": recall})
    return made


def _run(lab: Lab, experiment: Experiment, options: list[str]) -> tuple[Rows, Rows]:
    """Return the rows and the table of an experiment, with what was kept of it before."""
    folder = lab.home.experiments / f"{experiment.key}-1"
    folder.mkdir(parents=True, exist_ok=True)
    examples = read_examples(sample.TRAINING.read_bytes(), sample.TRAINING.name).examples
    keeper = Keeper(folder, lambda message, share: tell(f"{share:4.0%}  {message}"))
    chosen = Chosen(
        tuple(read_exam(sample.EXAM)), None, from_text(experiment.options, options), examples
    )
    result = experiment.run(lab, chosen, keeper)
    tell(result.caption)
    tell(json.dumps(result.notes, indent=1, ensure_ascii=False))
    return keeper.rows, result.table


def _right(rows: Rows, method: str, wordings: int) -> list[float]:
    """Return 1 for each question that a method answers rightly, and 0 for the others."""
    some = [row for row in rows if (row["method"], row["wordings"]) == (method, wordings)]
    return [float(row["outcome"] == TRUE) for row in sorted(some, key=lambda row: row["number"])]


def _asked(right: Sequence[float], better: str, target: float) -> dict[str, Any]:
    value = sum(right) / len(right)
    return {"value": value, "unit": "share", "better": better, "target": target}


def _share(right: Sequence[float]) -> dict[str, Any]:
    return _share_of(int(sum(right)), len(right))


def _share_of(count: int, of: int) -> dict[str, Any]:
    share = share_interval(count, of)
    return {"count": count, "of": of, "low": share.low, "high": share.high}


def _difference(name: str, first: Sequence[float], second: Sequence[float]) -> dict[str, Any]:
    """Return a mean difference on the same questions with its paired bootstrap interval."""
    found = difference_interval(first, second)
    return figure(name, found.value, "share", "higher", 0.0) | {
        "low": found.low,
        "high": found.high,
        "reached": found.low > 0,
    }


if __name__ == "__main__":
    main()
