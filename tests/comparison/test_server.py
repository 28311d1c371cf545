"""The four methods through a server, and what is refused there."""

import json
import time

import pytest

import cli
from comparison.answer import confounded
from comparison.ask import METHODS, ask
from comparison.evaluate import evaluate
from comparison.sample import train_sample
from workbench.errors import RagtuneError


def answers(lab, **options):
    done = [a for a in ask(lab, "When does the workshop close?", **options) if a.done]
    return sorted(done, key=lambda answer: METHODS.index(answer.method))


def test_the_four_methods_have_equal_conditions(served_lab, openai_server, handbook):
    served_lab.knowledge_base.add(handbook)
    base, rag, finetuned, hybrid = four = answers(served_lab)
    assert [answer.adapter for answer in four] == [None, None, "tiny-tuned", "tiny-tuned"]
    assert confounded(four) == []
    assert {answer.model for answer in four} == {"tiny"}
    assert base.fingerprint.precision == "server as served"
    for answer in four:
        assert answer.tokens.completion > 0
        assert 0 < answer.timings_ms.first_token <= answer.timings_ms.total
    # The passage was sent, and counted by the server.
    assert rag.tokens.prompt > base.tokens.prompt > 5
    assert hybrid.tokens.prompt == rag.tokens.prompt
    assert finetuned.tokens.prompt == base.tokens.prompt
    asked = [body["model"] for path, _, body in openai_server.requests if body]
    assert sorted(asked) == ["tiny", "tiny", "tiny-tuned", "tiny-tuned"]
    assert openai_server.count("/models") == 1


def test_another_server_or_model_is_another_checkpoint(served_lab, monkeypatch):
    first = served_lab.checkpoint()
    monkeypatch.setenv("RAGTUNE_MODEL", "tiny-tuned")
    assert served_lab.checkpoint().sha256 != first.sha256
    assert served_lab.engine().checkpoint == served_lab.checkpoint()
    assert served_lab.adapter().name == "tiny"


@pytest.mark.parametrize("method", ["base", "rag", "hybrid"])
def test_stop_frees_the_server(served_lab, openai_server, handbook, method):
    served_lab.knowledge_base.add(handbook)
    served_lab.change_settings(type(served_lab.settings)(max_new_tokens=1500))
    growing = ask(served_lab, "When does the workshop close?", [method])
    for answer in growing:
        if answer.tokens.completion:
            break
    assert openai_server.busy == 1
    growing.close()
    assert openai_server.free_within(1)


def test_among_several_the_adapter_must_be_chosen(served_lab, openai_server):
    openai_server.adapters["other"] = None
    said = served_lab.missing("finetuned")
    assert "several other models than tiny: tiny-tuned, other. Choose the adapter" in said
    assert served_lab.missing("base") is None
    assert served_lab.missing("finetuned", "other") is None
    assert "no adapter 'tiny'" in served_lab.missing("finetuned", "tiny")
    assert answers(served_lab, methods=["finetuned"], adapter="other")[0].adapter == "other"


def test_without_another_model_there_is_no_adapter(served_lab, openai_server):
    del openai_server.adapters["tiny-tuned"]
    assert served_lab.missing("hybrid") == "No documents yet."
    assert "offers no other models than tiny" in served_lab.missing("finetuned")


def test_an_exam_knows_no_training_facts(served_lab, handbook, tmp_path):
    exam = tmp_path / "exam.jsonl"
    row = {"question": "When does the workshop close?", "answers": ["17:20"], "fact": "hours"}
    exam.write_text(json.dumps(row), encoding="utf-8")
    result = evaluate(served_lab, exam, ["base", "finetuned"])
    assert [row["trained"] for row in result["rows"]] == [None, None]


def test_a_fine_tune_is_refused(served_lab):
    with pytest.raises(RagtuneError, match="needs a model on this machine, but tiny is on"):
        train_sample(served_lab)


def test_the_command_line(served_lab, openai_server, monkeypatch, capsys):
    monkeypatch.setenv("RAGTUNE_HOME", str(served_lab.home.folder))

    def ragtune(*arguments):
        return cli.main(list(arguments)), *capsys.readouterr()

    code, out, _ = ragtune("ask", "Who?", "--methods", "base,finetuned", "--json")
    assert code == 0
    assert [answer["adapter"] for answer in json.loads(out)["answers"]] == [None, "tiny-tuned"]
    code, out, _ = ragtune("adapters", "--json")
    (row,) = json.loads(out)
    assert (code, row["name"], row["model"], row["measures"]) == (0, "tiny-tuned", "tiny", None)
    assert "tiny-tuned  tiny" in ragtune("adapters")[1]
    code, out, err = ragtune("train")
    assert (code, out) == (1, "") and "A fine-tune needs a model on this machine" in err
    openai_server.close()
    monkeypatch.setenv("RAGTUNE_SERVER", "http://127.0.0.1:9/v1")
    code, _, err = ragtune("ask", "Who?", "--methods", "base")
    assert code == 1 and "can't be reached" in err and err.count("\n") == 1
    monkeypatch.setenv("RAGTUNE_SERVER", "http://me:sk-secret@127.0.0.1:9/v1")
    code, _, err = ragtune("ask", "Who?", "--methods", "base")
    assert code == 1 and "more than an address" in err and "sk-secret" not in err


def test_stop_does_not_wait_for_a_silent_server(served_lab, openai_server):
    served_lab.engine().check()
    openai_server.fault = "hang"  # after two words
    growing = ask(served_lab, "Who?", ["base"])
    for answer in growing:
        if answer.tokens.completion == 2:
            break
    started = time.monotonic()
    assert next(growing).tokens.completion == 2  # nothing new, and yet a chance to stop
    growing.close()
    assert time.monotonic() - started < 1.0
