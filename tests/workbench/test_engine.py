"""The engine: deterministic, bounded, and sure of the adapter it applied."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from workbench.errors import RagtuneError
from workbench.language_models.loading import find_checkpoint
from workbench.language_models.transformers_engine import TransformersEngine


@pytest.fixture(scope="module")
def engine(tiny_model):
    return TransformersEngine(find_checkpoint(str(tiny_model)))


def ask(engine, question, **options):
    options.setdefault("max_new_tokens", 8)
    return list(engine.stream([{"role": "user", "content": question}], **options))


def test_the_same_question_gets_the_same_answer(engine):
    first = ask(engine, "Who?")
    ask(engine, "Something else entirely, and longer.")
    again = ask(engine, "Who?")
    assert [piece.text for piece in first] == [piece.text for piece in again]
    assert first[-1].completion_tokens == 8


def test_it_agrees_with_generate(engine):
    from workbench.language_models.prompts import render

    tokenizer, model = engine._tokenizer, engine._base
    prompt = tokenizer(
        render(tokenizer, [{"role": "user", "content": "Who are you?"}]),
        return_tensors="pt",
        add_special_tokens=False,
    )
    written = model.generate(**prompt, max_new_tokens=8, do_sample=False)[0]
    expected = tokenizer.decode(written[prompt["input_ids"].shape[1] :], skip_special_tokens=True)
    text = "".join(piece.text for piece in ask(engine, "Who are you?"))
    # Half a character at the end is not shown.
    assert expected.startswith(text) and len(expected) - len(text) <= 3


def test_a_prompt_that_does_not_fit_is_refused(engine):
    with pytest.raises(RagtuneError, match="tokens long"):
        ask(engine, "kite " * 3000)


def test_closing_the_stream_frees_the_engine(engine):
    stream = engine.stream([{"role": "user", "content": "Who?"}], max_new_tokens=500)
    next(stream)
    stream.close()
    done = threading.Event()
    threading.Thread(target=lambda: (ask(engine, "Who?"), done.set())).start()
    assert done.wait(10)


def test_a_folder_without_an_adapter_is_refused(engine, tmp_path):
    with pytest.raises(RagtuneError, match="no adapter in"):
        engine.prepare(str(tmp_path))


def test_an_adapter_for_another_shape_is_refused(engine, tmp_path):
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    other = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=100,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=1,
            num_attention_heads=2,
        )
    )
    get_peft_model(other, LoraConfig(target_modules="all-linear")).save_pretrained(tmp_path)
    before = [piece.text for piece in ask(engine, "Who?")]
    with pytest.raises(RagtuneError, match="does not fit"):
        engine.prepare(str(tmp_path))
    assert [piece.text for piece in ask(engine, "Who?")] == before


@pytest.mark.parametrize("content", [None, "{}"])
def test_a_folder_that_is_no_model_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(RagtuneError, match="is not a model"):
        find_checkpoint(str(tmp_path))


def test_an_answer_may_be_read_by_several_threads_in_turn(engine):
    """As LangChain does; torch's inference mode belongs to a thread."""
    said = ask(engine, "Who?")
    pieces = engine.stream([{"role": "user", "content": "Who?"}], max_new_tokens=8)
    read = []
    while not read or read[-1] is not None:
        with ThreadPoolExecutor(1) as thread:
            read.append(thread.submit(next, pieces, None).result())
    assert [piece.text for piece in read[:-1]] == [piece.text for piece in said]
    for _ in engine.stream([{"role": "user", "content": "Who?"}], max_new_tokens=2):
        assert not torch.is_inference_mode_enabled()
