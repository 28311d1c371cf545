"""The sample: documents, questions and training examples of an invented company."""

from pathlib import Path

from comparison.lab import Lab
from comparison.start_training import start_training
from finetune_backend.examples.read import read_examples
from finetune_backend.examples.store import add_examples
from finetune_backend.runs import Run, list_runs
from finetune_backend.settings import TrainSettings
from rag_backend.documents import Progress, files_under, read_file

FOLDER = Path(__file__).resolve().parent.parent / "sample_docs"
EXAM = FOLDER / "exam.jsonl"
TRAINING = FOLDER / "training.jsonl"
WORDINGS = FOLDER / "wordings.jsonl"
RUN_NAME = "sample"
QUESTION = "Who is the managing director of Brindlecart?"


def add_documents(lab: Lab, progress: Progress) -> int:
    """Add the sample documents and return how many there are.

    Args:
        lab: the lab to add them to.
        progress: called with what is being done and the share that is done.
    """
    files, _ = files_under(FOLDER)
    for path, name in files:
        lab.knowledge_base.incoming.put(name, read_file(path))
    lab.knowledge_base.work(progress)
    return len(files)


def train_sample(lab: Lab) -> Run:
    """Start the sample fine-tune, or return the one that was started before.

    The run trains on the sample's examples alone, and adds them to the table of examples. It
    may have to wait until another one has ended.
    """
    examples = read_examples(TRAINING.read_bytes(), TRAINING.name).examples
    add_examples(lab.database, examples)
    checkpoint = lab.checkpoint()
    names = {run.name: run for run in list_runs(lab.home)}
    for name, run in names.items():
        usable = run.complete or not run.state.ended
        if name.startswith(RUN_NAME) and usable and run.checkpoint_sha256 == checkpoint.sha256:
            return run
    number = 1
    while (name := RUN_NAME if number == 1 else f"{RUN_NAME}-{number}") in names:
        number += 1
    return start_training(lab, examples, TrainSettings(), name)
