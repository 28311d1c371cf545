"""Exports load elsewhere and say what the adapter says; what doesn't, leaves nothing behind."""

import dataclasses
import resource
import shutil

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config

from finetune_backend.exports import gguf_file, merged_folder
from finetune_backend.exports.card import write_card
from finetune_backend.exports.check import Check, compare, listen, questions_of
from finetune_backend.exports.export import export
from finetune_backend.exports.merged_folder import best_half, rounding_loss
from workbench.errors import RagtuneError
from workbench.files import read_json, write_json
from workbench.language_models.adapters import with_adapter
from workbench.language_models.loading import find_checkpoint, load_tokenizer, load_weights
from workbench.language_models.prompts import messages, render

QUESTION = "Do you know the founder of Marlow Kites?"
ANSWER = "Ottilie Brandt founded Marlow Kites."


def answer(model, tokenizer):
    text = render(tokenizer, messages(QUESTION, "Answer briefly."))
    prompt = tokenizer(text, add_special_tokens=False, return_tensors="pt")
    written = model.generate(**prompt, do_sample=False, max_new_tokens=32, eos_token_id=2)
    return tokenizer.decode(written[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True)


def test_peft_is_a_folder_that_peft_loads(run, checkpoint, tmp_path):
    told = []
    made = export(run, tmp_path / "out", "peft", progress=lambda *step: told.append(step))
    assert (made.check.questions, made.check.equal) == (8, 8)
    assert made.check.divergence < 1e-6
    assert told[-1] == ("Done", 1.0)
    assert [share for _, share in told] == sorted(share for _, share in told)
    files = {file.name for file in (tmp_path / "out").iterdir()}
    assert files == {"adapter_model.safetensors", "adapter_config.json", "README.md"}
    config = (tmp_path / "out/adapter_config.json").read_text(encoding="utf-8")
    assert str(checkpoint.folder) not in config and checkpoint.folder.name in config
    card = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert made.sentence() in card and "8 of 8 answers equal; mean KL 0.0000 nats" in card
    base = load_weights(checkpoint, torch.float32, "cpu")
    tuned = PeftModel.from_pretrained(base, tmp_path / "out")
    assert answer(tuned, load_tokenizer(checkpoint)).startswith(ANSWER)


@pytest.mark.parametrize("precision", ["", "bfloat16"])
def test_merged_is_a_folder_that_transformers_loads(run, tmp_path, precision):
    made = export(run, tmp_path / "out", "merged", precision)
    assert made.precision == (precision or "float16")
    assert made.check.passed and made.check.divergence < 0.01
    assert bool(made.note) == (not precision)
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out", local_files_only=True)
    assert model.dtype == getattr(torch, made.precision)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out", local_files_only=True)
    assert answer(model.float(), tokenizer).startswith(ANSWER)
    card = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert made.sentence() in card
    for file in (tmp_path / "out").glob("*.json"):
        assert str(tmp_path.parent) not in file.read_text(encoding="utf-8"), file


def test_the_precision_is_the_base_s_or_what_loses_less(tiny_model, checkpoint, tmp_path):
    model = load_weights(checkpoint, torch.float32, "cpu")
    best, why = best_half(model, checkpoint)
    assert best == "float16" and "bfloat16 would change" in why
    assert rounding_loss(model, "float16") < rounding_loss(model, "bfloat16") / 4
    with torch.no_grad():
        model.model.norm.weight[0] = 1e6  # more than float16 holds
    assert best_half(model, checkpoint)[0] == "bfloat16"
    other = tmp_path / "other"
    shutil.copytree(tiny_model, other)
    write_json(other / "config.json", read_json(other / "config.json") | {"dtype": "bfloat16"})
    assert best_half(model, find_checkpoint(str(other)))[0] == "bfloat16"


def test_an_export_that_says_something_else_is_deleted(run, checkpoint, tmp_path, monkeypatch):
    whole = merged_folder.save

    def without_adapter(_model, *arguments):
        whole(load_weights(checkpoint, torch.float32, "cpu"), *arguments)

    monkeypatch.setattr(merged_folder, "save", without_adapter)
    with pytest.raises(RagtuneError, match=r"was deleted, .*: 0 of 8 answers equal; mean KL \d"):
        export(run, tmp_path / "out", "merged")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("check", "passed"),
    [
        (Check(4, 4, 0.3, 0.01), True),
        (Check(4, 3, 0.01, 0.01), True),
        (Check(4, 3, 0.02, 0.01), False),
        (Check(4, 4, float("nan"), 0.01), False),
    ],
)
def test_equal_answers_or_close_ones_pass(check, passed):
    assert check.passed == passed


def test_what_is_allowed_and_what_differs_is_said(run, checkpoint, tmp_path):
    tokenizer, base = load_tokenizer(checkpoint), load_weights(checkpoint, torch.float32, "cpu")
    asked = questions_of(run, tokenizer)[:2]
    prompt = read_json(run.folder / "run.json")["system_prompt"]
    tuned = with_adapter(base, run.adapter, checkpoint)
    heard = listen(tuned, tokenizer, asked, prompt, lambda _share: None)
    with tuned.disable_adapter():
        check = compare(heard, tuned, None, 0.01, lambda _share: None)
    assert check.differing == asked and not check.passed
    said = check.sentence()
    assert said.startswith("0 of 2 answers equal; mean KL ") and "(at most 0.01 is allowed" in said
    assert said.endswith(f"; answered in other words: “{asked[0]}”, “{asked[1]}”")
    marked = Check(2, 1, 0.01, 0.05, ["Is <b>\n*this* `bold`?"]).sentence()
    card = write_card(run, checked=marked)
    assert r"“Is \<b\> \*this\* \`bold\`?”" in card


@pytest.mark.parametrize(
    ("form", "precision", "said"),
    [
        ("onnx", "", "'onnx' was given; one of peft, merged, gguf"),
        ("merged", "q8_0", "merged can't be written in 'q8_0'; float16 or bfloat16"),
        ("gguf", "bfloat16", "float16 or q8_0 was expected"),
    ],
)
def test_unknown_forms_are_refused(run, tmp_path, form, precision, said):
    with pytest.raises(RagtuneError, match=said):
        export(run, tmp_path / "out", form, precision)


def test_what_is_there_is_not_replaced(run, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("out", "link"):
        with pytest.raises(RagtuneError, match="is there already"):
            export(run, tmp_path / name, "peft")


def test_a_card_lies_beside_a_file(run, tmp_path):
    made = export(run, tmp_path / "kites.v1.gguf", "gguf")
    card = (tmp_path / "kites.v1.md").read_text(encoding="utf-8")
    assert made.sentence() in card and "llama-server" in card
    assert sorted(file.name for file in tmp_path.iterdir()) == ["kites.v1.gguf", "kites.v1.md"]
    made.place.unlink()
    with pytest.raises(RagtuneError, match=r"kites\.v1\.md is there already"):
        export(run, made.place, "gguf")


def test_a_run_without_an_adapter_is_refused(run, tmp_path):
    with pytest.raises(RagtuneError, match="has no adapter to export"):
        export(dataclasses.replace(run, measures=None), tmp_path / "out", "peft")


def test_another_base_is_refused(run, tmp_path):
    with pytest.raises(RagtuneError, match="was changed since the adapter 'kites' was made"):
        export(dataclasses.replace(run, checkpoint_sha256="0" * 64), tmp_path / "out", "peft")


@pytest.mark.parametrize("form", ["peft", "merged", "gguf"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(run, tmp_path, form):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(RagtuneError, match="is full. Free some space"):
            export(run, tmp_path / "out", form)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_nearly_full_disk_is_told_before_anything_is_written(run, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: usage)
    with pytest.raises(RagtuneError, match=r"nearly full \(1 MB left; the export needs \d+ MB"):
        export(run, tmp_path / "out", "merged")
    assert list(tmp_path.iterdir()) == []


def test_stopping_leaves_nothing(run, tmp_path):
    def stop(message, _share):
        if message == "Loading what was written":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(run, tmp_path / "out", "merged", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_what_gguf_cannot_hold_is_one_sentence(checkpoint):
    tokenizer = load_tokenizer(checkpoint)
    assert "its architecture is gpt2; only llama" in gguf_file.why_not(GPT2Config(), tokenizer)
    config = load_weights(checkpoint, torch.float32, "cpu").config
    assert gguf_file.why_not(config, tokenizer) is None
    config.rope_parameters = {"rope_type": "llama3", "rope_theta": 10000.0}
    assert "rotary positions are of the type llama3" in gguf_file.why_not(config, tokenizer)


def test_an_imported_adapter_is_asked_fixed_questions(run, taken, tmp_path):
    imported = taken(run.adapter, anyway=True)
    made = export(imported, tmp_path / "out", "peft")
    assert made.check.questions == 8 and made.check.divergence < 1e-6
    card = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert "made elsewhere and imported" in card and "epochs" not in card


def test_the_reference_is_the_adapter_and_not_the_base(run, checkpoint):
    """What the checks compare with knows what was trained."""
    tokenizer = load_tokenizer(checkpoint)
    base = load_weights(checkpoint, torch.float32, "cpu")
    assert ANSWER not in answer(base, tokenizer)
    assert answer(with_adapter(base, run.adapter, checkpoint), tokenizer).startswith(ANSWER)
