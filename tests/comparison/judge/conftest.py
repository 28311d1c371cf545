"""What the judge's tests share: a judge behind a server, and an evaluation to judge."""

import pytest
from answering_judges import RuleJudge, longest


@pytest.fixture()
def judge_server():
    """A server with the models "judge" and "other"."""
    from openai_server import OpenAIServer

    server = OpenAIServer(RuleJudge(longest), {"judge": None, "other": None})
    yield server
    server.close()


@pytest.fixture()
def lab(evaluated_lab, judge_server, monkeypatch):
    """A lab with the evaluation "one" of three columns and three questions; a server judges."""
    monkeypatch.setenv("RAGTUNE_SERVER", judge_server.url)
    monkeypatch.setenv("RAGTUNE_MODEL", "judge")
    return evaluated_lab
