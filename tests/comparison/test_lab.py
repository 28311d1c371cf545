"""What the lab keeps, and what it refuses to keep."""

import os
import subprocess
import sys

import pytest

from workbench.errors import RagtuneError
from workbench.settings import Settings


def test_a_reranker_that_is_not_there_is_refused_before_it_is_kept(tiny_lab):
    before = tiny_lab.settings
    with pytest.raises(RagtuneError, match="no reranker 'nonsense'"):
        tiny_lab.change_settings(Settings(model=before.model, reranker="nonsense"))
    assert tiny_lab.settings == before
    tiny_lab.change_settings(Settings(model=before.model, reranker=""))
    assert tiny_lab.settings.reranker == ""


def test_an_answer_from_documents_needs_no_pytorch(tiny_lab, handbook, int8_ready):
    """Importing it takes longer than answering; only what is prepared or trained needs it."""
    tiny_lab.knowledge_base.add(handbook)
    script = """
import sys
from comparison.ask import ask
from comparison.lab import open_lab
asked = ask(open_lab(), "When does the workshop open?", ["base", "rag"])
answers = {one.method: one for one in asked if one.done}
assert not any(one.error for one in answers.values()) and answers["rag"].sources
sys.exit("torch was imported" if "torch" in sys.modules else 0)
"""
    home = {**os.environ, "RAGTUNE_HOME": str(tiny_lab.home.folder)}
    ended = subprocess.run(
        [sys.executable, "-c", script], env=home, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
