"""The passages that examples are asked with in a fine-tune, and a run that reads them."""

import dataclasses
import json
import time

import pytest

import cli
from comparison.show_passages import show_passages, stand_ins
from comparison.start_training import estimate_training, start_training
from finetune_backend.raft import DECLINES, Shown, read_shown
from finetune_backend.runs import read_run
from finetune_backend.settings import TrainSettings
from workbench.errors import RagtuneError
from workbench.values import Example

PLAIN = TrainSettings(epochs=1, replay=0.0)
RAFT = dataclasses.replace(PLAIN, raft=0.5, distractors=2)
LEAVE = Example("How long is the paid leave a year?", "31 days of paid leave", "leave")
OPENING = Example("When does the workshop open?", "The workshop opens at 6:40.", "opening")
NEVER = Example("What does the canteen cost?", DECLINES, "canteen")
ELSEWHERE = Example("Who sews?", "Ada sews them.", "sews", "old.md", "Ada sews them by hand.")
UNKNOWN = Example("Who paints?", "Ludmila Vrba.", "paints")
EXAMPLES = [LEAVE, OPENING, NEVER, ELSEWHERE, UNKNOWN]


@pytest.fixture()
def filled_lab(tiny_lab, handbook):
    tiny_lab.knowledge_base.incoming.put(handbook.name, handbook.read_bytes())
    tiny_lab.knowledge_base.work()
    return tiny_lab


def test_the_right_passage_holds_the_answer(filled_lab):
    leave, opening, never, elsewhere, unknown = show_passages(filled_lab, EXAMPLES, RAFT)
    assert leave.holds and leave.passage.startswith("handbook > Leave\nEvery employee")
    assert opening.holds and opening.passage.startswith("handbook > Workshop\n")
    # Nothing answers it, so what the search finds first does not.
    assert not never.holds and never.passage.startswith("handbook > ")
    # Its own passage, where the documents don't have it any more.
    assert elsewhere == Shown("old\nAda sews them by hand.", True)
    assert unknown is None


def test_nothing_is_looked_for_where_nothing_is_shown(filled_lab, tiny_lab):
    assert show_passages(filled_lab, EXAMPLES, PLAIN) == []
    assert stand_ins(filled_lab, EXAMPLES, PLAIN) == []
    assert len(stand_ins(filled_lab, EXAMPLES, RAFT)) == len(EXAMPLES)


def test_an_estimate_counts_the_passages(filled_lab):
    # Nothing is asked alone; every fact has a passage of the usual length.
    long = [Example(f"What is {n}?", f"It is {n}.", str(n)) for n in range(40)]
    whole = dataclasses.replace(RAFT, raft=1.0, distractors=3, batch_size=64, max_tokens=2048)
    plain, raft = (estimate_training(filled_lab, [LEAVE, *long], s) for s in (PLAIN, whole))
    assert raft.memory_gb > plain.memory_gb


def test_a_fine_tune_reads_the_passages(filled_lab):
    twice = Example(LEAVE.question.upper(), LEAVE.answer, "again")
    run = start_training(filled_lab, [LEAVE, twice, *EXAMPLES[1:]], RAFT, "reads")
    deadline = time.monotonic() + 120
    while run.state.active and time.monotonic() < deadline:
        time.sleep(0.1)
        run = read_run(run.folder)
    assert run.state.state == "done", run.state.message
    assert read_shown(run.folder) == show_passages(filled_lab, EXAMPLES, RAFT)
    kept = json.loads((run.folder / "run.json").read_text())
    assert kept["passage_prompt"] == filled_lab.settings.passage_prompt


def test_without_documents_there_is_nothing_to_read(tiny_lab, capsys, examples_file):
    with pytest.raises(RagtuneError, match="no documents"):
        show_passages(tiny_lab, EXAMPLES, RAFT)
    home = ["--home", str(tiny_lab.home.folder)]
    assert cli.main([*home, "examples", "import", str(examples_file)]) == 0
    capsys.readouterr()
    assert cli.main([*home, "train", "--set", "raft=0.5"]) == 1
    assert "no documents" in capsys.readouterr().err
