"""Four methods at once: the same answers as alone, no place kept after Stop, no error lost."""

import dataclasses
import json
import shutil
import threading
import time
from contextlib import closing

import pytest
import torch

import cli
from comparison.ask import METHODS, ask
from comparison.columns import Column
from comparison.confounded import differences
from comparison.evaluate import evaluate
from comparison.lab import open_lab
from finetune_backend.settings import TrainSettings
from workbench.errors import RagtuneError
from workbench.language_models.engine import Piece
from workbench.language_models.int8 import batcher as line
from workbench.language_models.int8.prepared import prepare
from workbench.language_models.loading import find_checkpoint
from workbench.settings import Settings, save_settings

QUESTION = "When does the workshop close?"
QUESTIONS = (QUESTION, "How many days of leave are there?", "Who?")


@pytest.fixture(scope="module")
def talkative(tiny_model, tmp_path_factory):
    """A model whose every answer is another one, and an adapter for it.

    The tiny model's tied embeddings make it repeat what it read last.
    """
    from peft import LoraConfig, get_peft_model
    from transformers import AutoConfig, AutoModelForCausalLM

    model, adapter = (tmp_path_factory.mktemp(name) for name in ("model", "adapter"))
    shutil.copytree(tiny_model, model, dirs_exist_ok=True)
    config = AutoConfig.from_pretrained(model)
    config.tie_word_embeddings = False
    torch.manual_seed(0)
    made = AutoModelForCausalLM.from_config(config)
    made.save_pretrained(model)
    get_peft_model(
        made, LoraConfig(target_modules="all-linear", init_lora_weights=False)
    ).save_pretrained(adapter)
    prepare(find_checkpoint(str(model)), lambda message, share: None)
    return model, adapter


@pytest.fixture()
def lab(tmp_path, talkative, handbook, monkeypatch):
    """A lab whose four methods are ready, with the int8 engine."""
    model, adapter = talkative
    monkeypatch.setenv("RAGTUNE_MODEL", str(model))
    lab = open_lab(tmp_path / "home")
    settings(lab)
    lab.knowledge_base.add(handbook)
    run = lab.home.runs / "one"
    shutil.copytree(adapter, run / "adapter")
    for name, value in {
        "run": {
            "settings": dataclasses.asdict(TrainSettings()),
            "checkpoint": lab.checkpoint().name,
            "checkpoint_sha256": lab.checkpoint().sha256,
            "examples": 1,
            "facts": 1,
            "created": 0.0,
        },
        "state": {"state": "done", "message": ""},
        "complete": {"adapter_sha256": "", "measures": {"loss": 0.0}},
    }.items():
        (run / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
    (run / "examples.jsonl").write_text('{"question": "Q?", "answer": "A."}\n', encoding="utf-8")
    yield lab
    lab.database.close()


@pytest.fixture()
def second_adapter(lab):
    """Another adapter beside "one", older and with other weights."""
    from safetensors.torch import load_file, save_file

    copied = lab.home.runs / "two"
    shutil.copytree(lab.home.runs / "one", copied)
    told = json.loads((copied / "run.json").read_text(encoding="utf-8"))
    (copied / "run.json").write_text(json.dumps({**told, "created": -1.0}), encoding="utf-8")
    weights = copied / "adapter" / "adapter_model.safetensors"
    save_file({name: -2 * one for name, one in load_file(weights).items()}, weights)
    return "two"


def settings(lab, engine="int8", max_new_tokens=12):
    save_settings(lab.home, Settings(engine=engine, max_new_tokens=max_new_tokens))


def texts(lab, question, methods=METHODS, **options):
    """Return what each method answered."""
    done = [answer for answer in ask(lab, question, methods, **options) if answer.done]
    assert [answer.error for answer in done] == [""] * len(done)
    return {answer.method: answer.text for answer in done}


def free_within(lab, seconds):
    """Is the engine without any work, now or soon?"""
    batcher, deadline = lab.engine()._batcher, time.monotonic() + seconds
    while batcher._active or batcher._line:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def in_threads(*tasks):
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_no_answer_depends_on_what_stands_before_or_beside_it(lab):
    alone = {q: {m: texts(lab, q, [m])[m] for m in METHODS} for q in QUESTIONS}
    assert len(set(alone[QUESTIONS[0]].values())) == 4  # it would show if methods were mixed up
    for question in reversed(QUESTIONS):
        assert texts(lab, question) == alone[question]
        assert texts(lab, question, alone=True) == alone[question]
    seen = {}
    in_threads(*(lambda q=q: seen.update({q: texts(lab, q)}) for q in QUESTIONS))
    assert seen == alone


def test_the_columns_grow_together(lab):
    settings(lab, max_new_tokens=1000)
    texts(lab, "Who?")  # loads everything
    grown = [a.method for a in ask(lab, QUESTION) if a.tokens.completion]
    first_end = min(len(grown) - grown[::-1].index(method) for method in METHODS)
    assert set(grown[:first_end]) == set(METHODS)


def test_alone_means_one_after_the_other(lab):
    grown = [a.method for a in ask(lab, QUESTION, alone=True)]
    assert list(dict.fromkeys(grown)) == list(METHODS)
    assert grown == sorted(grown, key=METHODS.index)


def test_two_people_who_ask_at_once_both_see_their_answers_grow(lab):
    settings(lab, max_new_tokens=1000)
    texts(lab, "Who?")
    moments = {}

    def person(question):
        moments[question] = [
            time.monotonic() for a in ask(lab, question) if a.tokens.completion and not a.done
        ]

    in_threads(lambda: person(QUESTIONS[0]), lambda: person(QUESTIONS[1]))
    one, other = moments.values()
    assert max(one[0], other[0]) < min(one[-1], other[-1])


def test_stop_in_the_middle_frees_every_place(lab):
    settings(lab, max_new_tokens=1500)
    with closing(ask(lab, "Who?")) as growing:
        begun = set()
        for answer in growing:
            begun |= {answer.method} if answer.tokens.completion else set()
            if begun == set(METHODS):
                break
    assert free_within(lab, 1.0)


def test_stop_before_the_first_word_frees_every_place(lab):
    """Also while the line is so long that nothing can come."""
    settings(lab, max_new_tokens=4)
    texts(lab, QUESTION)  # loads what searching takes: else the line is over before RAG comes to it
    settings(lab, max_new_tokens=1500)
    engine = lab.engine()
    streams = [
        engine.stream([{"role": "user", "content": "Who?"}], max_new_tokens=1500)
        for _ in range(line.TOGETHER)
    ]
    for stream in streams:
        while not next(stream).completion_tokens:
            pass
    places, started = {}, time.monotonic()
    with closing(ask(lab, QUESTION, ["base", "rag"])) as growing:
        for answer in growing:
            places[answer.method] = answer.place
            if all(places.values()) and len(places) == 2:
                break
    assert sorted(places.values()) == [1, 2]
    deadline = time.monotonic() + 1.0
    while engine.waiting() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert engine.waiting() == 0
    for stream in streams:
        stream.close()
    assert free_within(lab, 1.0)
    assert time.monotonic() - started < 10


def test_a_full_line_is_one_sentence_in_each_column(lab, monkeypatch):
    engine = lab.engine()
    settings(lab, max_new_tokens=1500)
    step = engine._batcher._step

    def slowly(*given):
        time.sleep(0.02)  # so that what fills the line outlasts a search on a busy machine
        step(*given)

    monkeypatch.setattr(engine._batcher, "_step", slowly)
    streams = [
        engine.stream([{"role": "user", "content": "Who?"}], max_new_tokens=1500)
        for _ in range(line.TOGETHER)
    ]
    for stream in streams:
        while not next(stream).completion_tokens:
            pass
    request = {"weights": engine._base, "prompt": [1], "ends": frozenset(), "limit": 1}
    waiting = [line.Request(**request) for _ in range(line.WAITING)]
    engine._batcher._line.extend(waiting)
    ended = [answer for answer in ask(lab, QUESTION) if answer.done]
    assert len(ended) == 4
    for answer in ended:
        assert answer.error.startswith("Busy:") and "Try again" in answer.error
    for one in waiting:
        one.cancelled = True
    for stream in streams:
        stream.close()
    monkeypatch.setattr(engine._batcher, "_step", step)
    settings(lab)
    assert set(texts(lab, "Who?")) == set(METHODS)


class Breaks:
    """An engine that breaks after two pieces wherever an adapter is used."""

    def __init__(self, engine, error):
        self._engine, self._error = engine, error

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def stream(self, messages, *, adapter=None, max_new_tokens):
        if adapter is None:
            yield from self._engine.stream(messages, max_new_tokens=max_new_tokens)
        else:
            yield Piece("A begin", 0.0, 1, 1)
            yield Piece("ning", 0.0, 1, 2)
            raise self._error


@pytest.mark.parametrize("engine", ["int8", "transformers"])
def test_a_method_that_fails_half_way_does_not_hide_the_others(lab, engine):
    settings(lab, engine)
    expected = texts(lab, QUESTION)
    lab._engine = Breaks(lab.engine(), RagtuneError("The plug was pulled."))
    ended = {answer.method: answer for answer in ask(lab, QUESTION) if answer.done}
    for method in ("base", "rag"):
        assert (ended[method].text, ended[method].error) == (expected[method], "")
    for method in ("finetuned", "hybrid"):
        assert ended[method].text == "A beginning"
        assert ended[method].error == "The plug was pulled."


def test_what_nobody_foresaw_is_a_sentence_too_and_its_traceback_is_logged(lab, caplog):
    lab._engine = Breaks(lab.engine(), MemoryError("no room"))
    ended = {answer.method: answer for answer in ask(lab, QUESTION) if answer.done}
    assert "MemoryError" in ended["hybrid"].error and "log" in ended["hybrid"].error
    assert ended["rag"].error == ""
    assert "hybrid failed" in caplog.text and "no room" in caplog.text


def test_the_command_line_prints_what_came_and_why_the_rest_did_not(lab, capsys):
    adapter = lab.home.runs / "one" / "adapter" / "adapter_model.safetensors"
    adapter.write_bytes(b"not safetensors")
    home = str(lab.home.folder)
    code = cli.main(["--home", home, "ask", QUESTION, "--json"])
    out, err = capsys.readouterr()
    answers = json.loads(out)["answers"]
    assert code == 1 and err.count("\n") == 1 and "finetuned, hybrid: " in err
    assert [answer["method"] for answer in answers] == list(METHODS)
    assert [bool(answer["error"]) for answer in answers] == [False, False, True, True]
    assert answers[0]["text"]


def test_two_adapters_stand_beside_each_other(lab, second_adapter):
    tuned = [Column("finetuned", "one"), Column("finetuned", "two")]
    columns = [*tuned, Column("hybrid", "two"), Column("base")]
    done = {answer.column: answer for answer in ask(lab, QUESTION, columns) if answer.done}
    assert set(done) == set(columns)
    for column in tuned:
        (alone,) = texts(lab, QUESTION, ["finetuned"], adapter=column.adapter).values()
        assert done[column].text == alone
    assert len({done[column].text for column in columns}) == 4
    assert differences(list(done.values())) == []


def test_a_column_that_is_named_twice_is_asked_once(lab, second_adapter):
    columns = [Column("finetuned"), Column("finetuned", "one"), Column("finetuned", "one")]
    done = [answer.column for answer in ask(lab, QUESTION, columns) if answer.done]
    assert done == [Column("finetuned", "one")]  # the newest


def test_another_model_stands_beside_and_the_difference_is_named(lab, tiny_model):
    settings(lab, "transformers")
    beside = Column("base", None, str(tiny_model))
    columns = [Column("base"), Column("rag"), beside]
    done = {answer.column: answer for answer in ask(lab, QUESTION, columns) if answer.done}
    assert set(done) == set(columns)
    assert done[beside].model == str(tiny_model) != done[Column("base")].model
    assert done[beside].tokens.completion and done[beside].text != done[Column("base")].text
    (said,) = differences(list(done.values()))
    assert said.startswith("checkpoint: ") and f"{tiny_model} in Base · {tiny_model.name}" in said
    assert lab.engine().checkpoint == lab.checkpoint()  # the settings' engine is kept


@pytest.mark.parametrize(
    ("column", "why"),
    [
        (Column("finetuned", "none"), "finetuned · none can't answer yet: .*none"),
        (Column("base", None, "nowhere"), "base · nowhere can't answer yet: There is no model"),
        (Column("oracle"), "oracle was given"),
    ],
)
def test_a_column_that_is_not_ready_is_a_sentence(lab, column, why):
    with pytest.raises(RagtuneError, match=why):
        next(ask(lab, QUESTION, [Column("base"), column]))


def test_an_adapter_of_another_model_is_refused_beside_it(lab, tiny_model):
    assert "No adapter" in lab.missing("hybrid", None, str(tiny_model))
    assert "trained for" in lab.missing("finetuned", "one", str(tiny_model))
    assert lab.missing("rag", None, str(tiny_model)) is None


def test_the_command_line_takes_several_adapters_and_limits_the_search(lab, second_adapter, capsys):
    lab.knowledge_base.add_bytes(b"The workshop closes at noon.", "other.txt")
    home = ["--home", str(lab.home.folder), "ask", QUESTION, "--methods", "finetuned,rag"]
    home += ["--adapter", "two", "--adapter", "one", "--document", "other.txt"]
    assert cli.main([*home, "--json"]) == 0
    answers = json.loads(capsys.readouterr().out)["answers"]
    assert [(one["method"], one["adapter"]) for one in answers] == [
        ("rag", None),
        ("finetuned", "two"),
        ("finetuned", "one"),
    ]
    assert {source["document"] for source in answers[0]["sources"]} == {"other.txt"}
    assert cli.main(home) == 0
    assert "── finetuned · two (" in capsys.readouterr().out


def test_an_adapter_deleted_meanwhile_is_told_in_its_columns(lab):
    settings(lab, max_new_tokens=1000)  # the base answers until the adapter is gone
    with closing(ask(lab, QUESTION, ["base", "finetuned"], alone=True)) as growing:
        next(growing)
        shutil.rmtree(lab.home.runs / "one")
        ended = {answer.method: answer for answer in growing if answer.done}
    assert ended["base"].error == "" and ended["base"].text
    assert "There is no adapter in" in ended["finetuned"].error


def test_an_exam_does_not_go_on_without_an_answer(lab, tmp_path):
    lab._engine = Breaks(lab.engine(), RagtuneError("The plug was pulled."))
    exam = tmp_path / "exam.jsonl"
    exam.write_text(json.dumps({"question": QUESTION, "answers": ["me"]}), encoding="utf-8")
    with pytest.raises(RagtuneError, match="plug was pulled"):
        evaluate(lab, exam)


def test_an_exam_asks_one_engine_from_start_to_end(lab, tmp_path):
    exam = tmp_path / "exam.jsonl"
    rows = [{"question": question, "answers": ["me"]} for question in QUESTIONS]
    exam.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    def another_engine_meanwhile(done, of):
        settings(lab, "transformers")

    result = evaluate(lab, exam, ["base"], progress=another_engine_meanwhile)
    assert result["questions"] == len(QUESTIONS)
    assert lab._engine.name == "int8"
    assert lab.engine().name == "transformers"
