"""Replaying a bundle: the same answers, what differs and why, and nothing left behind."""

import hashlib
import json
import tempfile
import zipfile

import pytest

import cli
from comparison.evaluation.kept import find_evaluation
from comparison.replay.bundle import save_bundle
from comparison.replay.replay import as_json, replay
from workbench.errors import RagtuneError


@pytest.fixture()
def bundle(evaluated_lab, tmp_path):
    file = tmp_path / "one.zip"
    save_bundle(evaluated_lab, find_evaluation(evaluated_lab.home, "one"), file)
    return file


@pytest.fixture()
def scratch(tmp_path, monkeypatch):
    """Where folders for a while are made."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def rewritten(file, changes, **manifest):
    """Write a bundle with changed parts, signed anew."""
    with zipfile.ZipFile(file) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    saved = json.loads(held.pop("manifest.json"))
    for part, change in changes.items():
        held[part] = change(held[part])
    saved["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in held.items()}
    made = file.with_name("changed.zip")
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in held.items():
            archive.writestr(name, data)
        archive.writestr("manifest.json", json.dumps(saved | manifest))
    return made


def test_every_answer_comes_again_and_nothing_is_left(evaluated_lab, bundle, scratch, tmp_path):
    there = sorted(evaluated_lab.home.folder.rglob("*"))
    told = []
    made = replay(evaluated_lab, bundle, lambda message, share: told.append((share, message)))
    assert (made.answers, made.differences, made.conditions) == (9, (), ())
    assert made.sentence == "All 9 answers are the same, with their sources."
    assert as_json(made) == {
        "evaluation": "one",
        "answers": 9,
        "equal": 9,
        "replay_equal": 1.0,
        "differences": [],
        "conditions": [],
    }
    shares = [share for share, _ in told]
    assert min(shares) >= 0 and shares[-1] > 0.8
    assert list(scratch.iterdir()) == []
    assert sorted(evaluated_lab.home.folder.rglob("*")) == there


def test_what_differs_is_told_and_what_else_does(evaluated_lab, bundle, scratch, capsys):
    def rows(data):
        lines = [json.loads(line) for line in data.splitlines()]
        lines[0] |= {"answer": "made\x1b up", "refused": not lines[0]["refused"]}
        lines[1] |= {"retrieved": ["other.md"]}
        return "".join(json.dumps(line) + "\n" for line in lines).encode()

    def evaluation(data):
        saved = json.loads(data)
        saved["machine"] |= {"torch": "1.0\x1b"}
        saved["conditions"] |= {"the engine": "int8"}
        return json.dumps(saved).encode()

    changed = rewritten(bundle, {"rows.jsonl": rows, "evaluation.json": evaluation})
    code = cli.main(["--home", str(evaluated_lab.home.folder), "replay", str(changed)])
    lines = capsys.readouterr().out.splitlines()
    assert code == 1 and lines[0] == "7 of 9 answers are the same, with their sources."
    assert lines[1:3] == ["question 1, base, differs in text and refused", "    was  made  up"]
    assert lines[4:7] == [
        "question 1, rag, differs in sources",
        '    was  ["other.md"]',
        '    now  ["handbook.md", "handbook.md"]',
    ]
    assert lines[7] == "the engine was int8, and is transformers here."
    assert lines[8].startswith("torch was 1.0, and is ") and len(lines) == 9
    assert list(scratch.iterdir()) == []


def test_another_model_is_refused(evaluated_lab, bundle, scratch, capsys):
    changed = rewritten(bundle, {}, model_sha256="0" * 64, model="large\n")
    code = cli.main(["--home", str(evaluated_lab.home.folder), "replay", str(changed)])
    out, err = capsys.readouterr()
    assert code == 1 and out == ""
    assert r"by the model 'large\n' (SHA-256 0000000000000000…), which is neither" in err
    assert "Choose it in Settings or with RAGTUNE_MODEL" in err
    assert list(scratch.iterdir()) == []


def test_a_bundle_names_no_server_and_no_reranker_to_fetch(evaluated_lab, bundle, scratch):
    def settings(**changes):
        return {"settings.json": lambda data: json.dumps(json.loads(data) | changes).encode()}

    with pytest.raises(RagtuneError, match="found with the reranker 'owner/reranker'"):
        replay(evaluated_lab, rewritten(bundle, settings(reranker="owner/reranker")))
    with pytest.raises(RagtuneError, match="There is no setting called wishes"):
        replay(evaluated_lab, rewritten(bundle, settings(wishes=1)))
    tempting = settings(server="http://127.0.0.1:9/v1", model="owner/model")
    asked = []

    def stop(message, share):
        asked.append(message)
        if message.startswith("Answer 2"):
            raise KeyboardInterrupt

    # It is asked here all the same, and Ctrl-C leaves nothing behind.
    with pytest.raises(KeyboardInterrupt):
        replay(evaluated_lab, rewritten(bundle, tempting), stop)
    assert any(message.startswith("Answer 1 of 9, base") for message in asked)
    assert list(scratch.iterdir()) == []


def test_an_adapter_that_is_none_is_refused(evaluated_lab, bundle, scratch):
    weights = "adapters/tuned/adapter_model.safetensors"
    changed = rewritten(bundle, {weights: lambda data: b"nonsense"})
    with pytest.raises(RagtuneError, match="is damaged, or not a safetensors file"):
        replay(evaluated_lab, changed)
    assert list(scratch.iterdir()) == []
