"""The sample from start to end, and its exam: ``python -m benchmarks.sample``.

About 15 minutes on two cores. ``--save FILE`` keeps every answer as JSON, to be read.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.report import figure, print_report, tell
from comparison import sample
from comparison.evaluate import evaluate
from comparison.lab import Lab, open_lab
from finetune_backend.runs import read_run


def main() -> None:
    """Measure, and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", type=Path, metavar="FILE", help="keep every answer as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        lab = open_lab(home)
        started = time.perf_counter()
        sample.add_documents(lab, lambda message, _share: None)
        indexed = time.perf_counter() - started
        tell(f"indexed in {indexed:.0f} s")
        train_seconds, measures = _train(lab)
        total = time.perf_counter() - started
        tell(f"trained in {train_seconds:.0f} s, loss {measures['loss']:.4f}")
        exam = _evaluate(lab, sample.EXAM, ("base", "rag", "finetuned", "hybrid"))
        wordings = _evaluate(lab, sample.WORDINGS, ("finetuned",))
        lab.database.close()
    if options.save:
        document = {"exam": exam, "wordings": wordings}
        options.save.write_text(json.dumps(document, indent=2, ensure_ascii=False), "utf-8")
    of = exam["methods"]
    print_report(
        "sample",
        [
            figure("sample_seconds", total, "s", "lower", 360),
            figure("train_seconds", train_seconds, "s", "lower", 240),
            figure("hit_at_5", of["rag"]["hit_at_k"], "share", "higher", 0.95),
            figure("rag_contains", of["rag"]["contains"], "share", "higher", 0.70),
            figure(
                "finetuned_contains", of["finetuned"]["contains_trained"], "share", "higher", 0.80
            ),
            figure("base_contains", of["base"]["contains"], "share", "lower", 0.10),
            figure(
                "unseen_wording_contains",
                wordings["methods"]["finetuned"]["contains"],
                "share",
                "higher",
                0.95,
            ),
        ],
    )
    tell(json.dumps(of, indent=2))


def _train(lab: Lab) -> tuple[float, dict[str, float]]:
    """Run the sample's fine-tune; returns its whole duration, loading included."""
    started = time.perf_counter()
    run = sample.start_training(lab)
    while run.state.active:
        time.sleep(0.2)
        run = read_run(run.folder)
    if run.measures is None:
        raise SystemExit(f"The fine-tune is {run.state.state}: {run.state.message}")
    return time.perf_counter() - started, run.measures


def _evaluate(lab: Lab, exam: Path, methods: tuple[str, ...]) -> dict[str, Any]:
    return evaluate(lab, exam, methods, progress=lambda done, of: tell(f"{exam.name} {done}/{of}"))


if __name__ == "__main__":
    main()
