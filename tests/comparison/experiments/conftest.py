"""What the tests of experiments share: a lab with documents, an adapter, and an exam."""

import contextlib
import dataclasses
import json
import shutil

import pytest

from comparison.experiments.kept import ExamFile
from comparison.lab import open_lab
from finetune_backend.settings import TrainSettings
from workbench.settings import Settings, save_settings

KITES = """# Marlow Kites

The kite works were founded by Ottilie Brandt. The sails are sewn by Barnaby Quill.

# Leave

Every employee of Marlow Kites has 31 days of paid leave a year.

# Notice

Whoever leaves Marlow Kites gives notice 14 days before.

# Returns

A kite can be returned within 40 days.
"""
QUESTIONS = (
    ("How many days of leave are there?", ["31 days"]),
    ("How long before is notice given?", ["14 days"]),
    ("Within what time can a kite be returned?", ["40 days"]),
    ("Where is the works?", []),
)


@pytest.fixture(scope="session")
def exam():
    """An exam with three answers and a question without one."""
    rows = (
        {"question": question, "answers": answers, "unanswerable": not answers, "fact": question}
        for question, answers in QUESTIONS
    )
    return ExamFile("kites.jsonl", "\n".join(map(json.dumps, rows)).encode())


@pytest.fixture()
def lab(tmp_path, tiny_model):
    """A lab with a document about kites."""
    with _lab(tmp_path / "home", tiny_model) as lab:
        yield lab


@pytest.fixture(scope="module")
def tuned_lab(tmp_path_factory, tiny_model, tiny_adapter):
    """A lab with that document and the adapter "one", for tests that leave it as it is."""
    with _lab(tmp_path_factory.mktemp("tuned") / "home", tiny_model) as lab:
        _add_run(lab, "one", tiny_adapter)
        yield lab


@contextlib.contextmanager
def _lab(home, model):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAGTUNE_MODEL", str(model))
        patch.setenv("RAGTUNE_ENGINE", "transformers")  # nothing is converted meanwhile
        lab = open_lab(home)
        # Short answers without a reranker and a verifier: what they say is not looked at.
        save_settings(lab.home, Settings(max_new_tokens=3, decline=0.0, reranker=""))
        lab.knowledge_base.add_bytes(KITES.encode(), "kites.md")
        yield lab
        lab.database.close()


def _add_run(lab, name, adapter):
    """Add an adapter, as a run of two facts would have left it."""
    run = lab.home.runs / name
    shutil.copytree(adapter, run / "adapter")
    for file, value in {
        "run": {
            "settings": dataclasses.asdict(TrainSettings()),
            "checkpoint": lab.checkpoint().name,
            "checkpoint_sha256": lab.checkpoint().sha256,
            "examples": 2,
            "facts": 2,
            "created": 0.0,
        },
        "state": {"state": "done", "message": ""},
        "complete": {"adapter_sha256": "abc", "measures": {"loss": 0.0}},
    }.items():
        (run / f"{file}.json").write_text(json.dumps(value), encoding="utf-8")
    rows = [
        {"question": "Leave?", "answer": "31 days.", "fact": QUESTIONS[0][0]},
        {"question": "Returns?", "answer": "40 days.", "fact": QUESTIONS[2][0]},
    ]
    (run / "examples.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
