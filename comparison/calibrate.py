"""Where RAG declines on these documents: as their own questions say, taken from the examples.

``python -m comparison.calibrate HOME/calibrating`` is the job that the page Settings starts.
"""

import sys
from pathlib import Path
from typing import Any

from comparison.lab import Lab, open_lab
from finetune_backend.examples.review import to_train_on
from finetune_backend.examples.store import list_examples
from rag_backend.answer.cite import cite, with_place
from rag_backend.documents import Progress, unheard
from rag_backend.verify.calibration import Calibration, calibration_of
from rag_backend.verify.verifier import digest
from workbench import jobs
from workbench.errors import RagtuneError
from workbench.home import Home
from workbench.values import Example

LEAST_QUESTIONS = 20
"""With fewer, a share of a twentieth would hang on a single question."""
_MOST_QUESTIONS = 400
_FOLDER = "calibrating"


def calibrate(lab: Lab, progress: Progress = unheard) -> Calibration:
    """Ask the examples' questions, score those whose answer is found, and keep the calibration.

    Args:
        lab: with documents, and examples made from them.
        progress: see `Progress`.

    Raises:
        RagtuneError: there are no documents, or too few examples that they answer.
    """
    from rag_backend.answer.chain import PassageRetriever

    examples = to_train_on(list_examples(lab.database))
    step = max(1.0, len(examples) / _MOST_QUESTIONS)
    asked = [examples[int(place * step)] for place in range(int(len(examples) / step))]
    if len(asked) < LEAST_QUESTIONS:
        raise RagtuneError(
            f"There are {len(asked)} examples; at least {LEAST_QUESTIONS} that the documents "
            "answer are needed. Make or import some (page Examples, or ragtune examples)."
        )
    progress("Loading the search and the verifier", 0.0)
    index = lab.knowledge_base.index
    retriever = PassageRetriever(index=index, settings=lab.settings, threshold=float("-inf"))
    scores = []
    for place, example in enumerate(asked):
        progress(f"Question {place + 1} of {len(asked)}", place / len(asked))
        read = [one for one in retriever.invoke(example.question) if one.metadata["read"]]
        if any(_answers(one, example) for one in read):
            scores.append(max(one.metadata["holds"] for one in read))
    if len(scores) < LEAST_QUESTIONS:
        raise RagtuneError(
            f"The answers of {len(scores)} of {len(asked)} examples stand in what the search finds "
            f"for them; at least {LEAST_QUESTIONS} are needed. Add the documents that the examples "
            "are about, or more examples."
        )
    calibration = calibration_of(scores, digest())
    lab.knowledge_base.keep_calibration(calibration)
    progress("Calibrated", 1.0)
    return calibration


def _answers(source: Any, example: Example) -> bool:
    """Does a passage say what the example answers, in these words or nearly so?"""
    about = source.metadata
    placed = with_place(about["document"], about["headings"], about["text"])
    sentences = cite(example.answer, [placed], example.question)
    return bool(sentences) and all(sentence.by for sentence in sentences)


def start_calibrating(home: Home) -> None:
    """Start the job, or leave it running."""
    jobs.start_once(home, _FOLDER, "comparison.calibrate")


def calibrating_folder(home: Home) -> Path:
    """Return the job's folder."""
    return home.folder / _FOLDER


def _work(folder: Path) -> None:
    with jobs.working(folder) as job:
        calibrate(open_lab(folder.parent), job.say)


if __name__ == "__main__":
    _work(Path(sys.argv[1]))
