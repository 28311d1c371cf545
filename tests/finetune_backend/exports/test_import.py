"""An adapter made elsewhere is taken in whole, or refused with the reason."""

import io
import json
import shutil
import zipfile

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file

from comparison.evaluate import evaluate
from comparison.lab import open_lab
from finetune_backend.exports.adopt import import_adapter
from finetune_backend.exports.export import export
from finetune_backend.exports.received import CONFIG, WEIGHTS, read_files, read_path
from finetune_backend.runs import find_adapter, list_runs, trained_facts
from finetune_backend.start_run import resume_run
from workbench.errors import RagtuneError
from workbench.language_models.adapters import with_adapter
from workbench.language_models.int8.gate import divergences, gate_cases, reference_logits
from workbench.language_models.int8.prepared import load_adapter, load_base
from workbench.language_models.loading import find_checkpoint, load_tokenizer, load_weights

QUESTION = [{"role": "user", "content": "What is the colour of the flagship kite?"}]


@pytest.fixture()
def adapter(run, tmp_path):
    """A PEFT folder that may be changed."""
    folder = tmp_path / "theirs"
    shutil.copytree(run.adapter, folder)
    change(folder, base_model_name_or_path=f"somebody/{run.checkpoint.rsplit('/', 1)[-1]}")
    return folder


@pytest.fixture()
def made(checkpoint, tmp_path):
    """Make a PEFT folder with random matrices of another kind."""

    def make(**options):
        torch.manual_seed(1)
        model = load_weights(checkpoint, torch.float32, "cpu")
        config = LoraConfig(**{"r": 4, "target_modules": "all-linear"} | options)
        tuned = get_peft_model(model, config)
        with torch.no_grad():
            for name, weight in tuned.named_parameters():
                if "lora_" in name:
                    weight.copy_(weight + torch.randn_like(weight) * 0.2)
        tuned.save_pretrained(tmp_path / "made", save_embedding_layers=False)
        return tmp_path / "made"

    return make


def change(folder, **values):
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8")) | values
    (folder / CONFIG).write_text(json.dumps(config), encoding="utf-8")


def change_weights(folder, changed):
    tensors = changed(load_file(folder / WEIGHTS))
    save_file(tensors, folder / WEIGHTS)


def zipped(folder, inside=""):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in (WEIGHTS, CONFIG):
            archive.writestr(inside + name, (folder / name).read_bytes())
    return packed.getvalue()


def test_it_becomes_a_complete_run(taken, home, run, adapter, checkpoint, monkeypatch, tmp_path):
    imported = taken(adapter, name="theirs")
    assert imported.complete and imported.imported and imported.state.state == "done"
    assert (imported.examples, imported.facts, imported.measures) == (0, 0, {})
    assert (imported.settings.rank, imported.settings.alpha) == (16, 32)
    assert imported.adapter_sha256 == run.adapter_sha256
    assert find_adapter(home, None, checkpoint).name == "theirs"
    assert [one.name for one in list_runs(home)] == ["theirs"] and not run.imported
    assert trained_facts(imported) == set()
    with pytest.raises(RagtuneError, match="is done; only one that was paused"):
        resume_run(home, imported)
    assert not list(home.folder.glob("*.partial"))

    monkeypatch.setenv("RAGTUNE_MODEL", str(checkpoint.folder))
    lab = open_lab(home.folder)
    stream = lab.engine().stream(QUESTION, adapter=str(imported.adapter), max_new_tokens=16)
    assert "vermilion" in "".join(piece.text for piece in stream)
    exam = tmp_path / "exam.jsonl"
    row = {"question": QUESTION[0]["content"], "answers": ["vermilion"], "fact": "colour"}
    exam.write_text(json.dumps(row), encoding="utf-8")
    measures = evaluate(lab, exam, ["finetuned"])["methods"]["finetuned"]
    assert measures["contains"] == 1.0 and "contains_untrained" not in measures
    lab.database.close()


def test_what_a_killed_import_left_is_gone_with_the_next(taken, home, adapter):
    left = home.folder / ".import-1.partial"
    (left / "adapter").mkdir(parents=True)
    taken(adapter)
    assert not list(home.folder.glob(".import-*.partial"))


def test_what_was_exported_can_be_imported(taken, run, checkpoint, tmp_path):
    export(run, tmp_path / "out", "peft")
    data = zipped(tmp_path / "out", "some folder/")
    (tmp_path / "out.zip").write_bytes(data)
    received = read_path(tmp_path / "out.zip")
    assert received == read_path(tmp_path / "out") == read_files({"a.zip": data})
    assert taken(tmp_path / "out.zip").adapter_sha256 == run.adapter_sha256


@pytest.mark.parametrize(
    "options",
    [
        {"use_rslora": True, "lora_alpha": 8},
        {"use_dora": True, "lora_alpha": 8},
        {"target_modules": ["q_proj", "down_proj"], "lora_alpha": 16},
        {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"^model.layers.0.*v_proj": 32}},
        {"target_modules": r"model\.layers\.1\..*(gate|up)_proj"},
    ],
    ids=["rslora", "dora", "some layers", "patterns", "a pattern for layers"],
)
def test_kinds_of_lora_are_applied_by_both_engines(taken, made, int8_ready, options):
    """What we keep does what PEFT does with the original, and so does the int8 engine."""
    original = made(**options)
    imported = taken(original)
    tokenizer = load_tokenizer(int8_ready)

    def said(folder):
        model = load_weights(int8_ready, torch.float32, "cpu")
        model = model if folder is None else with_adapter(model, folder, int8_ready)
        tokens = tokenizer(gate_cases(tokenizer)[0].user)["input_ids"]
        return reference_logits(model, tokens)

    theirs, ours, base = said(original), said(imported.adapter), said(None)
    assert torch.equal(theirs, ours)
    assert min(divergences(theirs, base)[1:]) > 1e-4
    load_adapter(int8_ready, load_base(int8_ready), tokenizer, imported.adapter)


def test_dora_is_merged_and_told(taken, made, tmp_path):
    imported = taken(made(use_dora=True, lora_alpha=8))
    merged = export(imported, tmp_path / "out", "merged")
    assert merged.check.passed and merged.check.divergence < 1e-3
    card = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert "variant: DoRA" in card and "rank: 4" in card and merged.sentence() in card


@pytest.mark.filterwarnings("ignore:Model (has|with) `tie_word_embeddings=True`")
def test_what_changes_the_output_layer_is_never_answered_wrongly(taken, made, int8_ready, tmp_path):
    """transformers answers with it; what can't, says so."""
    imported = taken(made(target_modules=["q_proj", "lm_head"]))
    with pytest.raises(RagtuneError, match="was deleted, as it doesn't say"):
        export(imported, tmp_path / "out", "merged")  # the embeddings would change as well
    with pytest.raises(RagtuneError, match=r"changes more than the model's layers .*lm_head"):
        load_adapter(
            int8_ready, load_base(int8_ready), load_tokenizer(int8_ready), imported.adapter
        )


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"peft_type": "IA3"}, "of the kind 'IA3'; LORA was expected"),
        ({"task_type": "SEQ_CLS"}, "for the task 'SEQ_CLS'"),
        ({"init_lora_weights": "pissa"}, "begun with 'pissa', which changes the base's own"),
        ({"bias": "all"}, "trained with biases"),
        ({"lora_bias": True}, "uses lora_bias, which"),
        ({"modules_to_save": ["lm_head"]}, "uses modules_to_save, which Ragtune can't apply"),
        ({"alora_invocation_tokens": [1], "use_qalora": True}, "alora_invocation_tokens, use_qal"),
        ({"layer_replication": [[0, 2]]}, "uses layer_replication"),
        ({"of_the_future": {"a": 1}}, "uses of_the_future"),
        ({"r": 1024}, "rank is 1024; a whole number from 1 to 512"),
        ({"r": None}, "rank is None"),
        ({"lora_alpha": 0.5}, "alpha is 0.5; a whole number"),
        ({"alpha_pattern": {"(a+)+": 4}}, "alpha_pattern is not a list of layers"),
        ({"alpha_pattern": {"q_proj": "4"}}, "alpha_pattern is not a list of layers"),
        ({"use_dora": True}, "lora_A, lora_B, lora_magnitude_vector were expected"),
        ({"base_model_name_or_path": "big/other-70b"}, "says that it was made for big/other-70b"),
    ],
)
def test_what_cannot_be_applied_whole_is_refused(taken, home, adapter, values, said):
    change(adapter, **values)
    with pytest.raises(RagtuneError, match=said):
        taken(adapter)
    assert list_runs(home) == [] and not list(home.folder.glob("*.partial"))


def test_another_name_is_taken_where_that_is_wanted(taken, home, adapter):
    change(adapter, base_model_name_or_path="big/other-70b")
    assert taken(adapter, anyway=True).complete
    change(adapter, base_model_name_or_path=None)
    assert taken(adapter).complete


def renamed(old, new):
    return lambda tensors: {name.replace(old, new): one for name, one in tensors.items()}


def zeros(tensors):
    return {n: one * 0 if "lora_B" in n else one for n, one in tensors.items()}


def one_matrix_wider(tensors):
    name = next(name for name in tensors if name.endswith("q_proj.lora_A.weight"))
    return tensors | {name: torch.zeros(16, 65)}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (renamed("layers.1", "layers.7"), r"changes model.layers.7.*, a linear layer that is not"),
        (one_matrix_wider, r"are \(16, 65\) and \(64, 16\), where the layer takes 64 values"),
        (zeros, "changes nothing that the model says"),
        (lambda tensors: {n: one * float("nan") for n, one in tensors.items()}, "not numbers"),
        (lambda tensors: tensors | {"base_model.model.lm_head.weight": torch.ones(2)}, "no LoRA"),
        (renamed("base_model.model.", ""), "which is no LoRA matrix"),
        (lambda tensors: dict(list(tensors.items())[1:]), "were expected"),
        (lambda tensors: {}, "holds no matrices"),
    ],
)
def test_matrices_that_do_not_fit_are_refused(taken, home, adapter, changed, said):
    change_weights(adapter, changed)
    with pytest.raises(RagtuneError, match=said):
        taken(adapter)
    assert list_runs(home) == []


def test_damaged_files_are_refused(taken, adapter):
    whole = (adapter / WEIGHTS).read_bytes()
    (adapter / WEIGHTS).write_bytes(whole[:-100])
    with pytest.raises(RagtuneError, match="is damaged, or not a safetensors file"):
        taken(adapter)
    (adapter / CONFIG).write_bytes(b'{"peft_type": ')
    with pytest.raises(RagtuneError, match="is not JSON"):
        taken(adapter)
    (adapter / CONFIG).write_bytes(b"[1]")
    with pytest.raises(RagtuneError, match="LORA was expected"):
        taken(adapter)


@pytest.mark.parametrize("name", ["adapter_model.bin", "kites.pt", "Kites.CKPT"])
def test_pickles_are_refused_with_the_reason(adapter, name):
    (adapter / WEIGHTS).rename(adapter / name)
    said = f"{name} is a pickle, and opening one can run whatever"
    with pytest.raises(RagtuneError, match=said):
        read_path(adapter)
    with pytest.raises(RagtuneError, match=said):
        read_files({name: b"", CONFIG: b"{}"})


def test_what_is_no_adapter_is_said(tmp_path):
    with pytest.raises(RagtuneError, match="can't be read: No such file"):
        read_path(tmp_path / "missing")
    with pytest.raises(RagtuneError, match=f"{WEIGHTS} and {CONFIG} are missing"):
        read_path(tmp_path)
    with pytest.raises(RagtuneError, match=f"{CONFIG} is missing"):
        read_files({WEIGHTS: b""})
    with pytest.raises(RagtuneError, match="not a zip file that can be read"):
        read_files({"a.zip": b"PK no"})


@pytest.mark.parametrize("place", ["../", "/etc/", "a/../../", "C:\\", "..\\"])
def test_archives_that_reach_outside_are_refused(adapter, place):
    with pytest.raises(RagtuneError, match="a place outside of itself"):
        read_files({"a.zip": zipped(adapter, place)})


def test_archives_that_unpack_to_too_much_are_refused():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(WEIGHTS, b"")
        archive.writestr(CONFIG, b" " * 5_000_000)
    assert len(packed.getvalue()) < 10_000
    with pytest.raises(RagtuneError, match="more than 1 MB, which is the limit"):
        read_files({"bomb.zip": packed.getvalue()})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(1001):
            archive.writestr(str(number), b"")
    with pytest.raises(RagtuneError, match="holds 1,001 files"):
        read_files({"many.zip": packed.getvalue()})


def test_archives_with_two_adapters_are_refused(adapter):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for folder in ("a/", "b/"):
            for name in (WEIGHTS, CONFIG):
                archive.write(adapter / name, folder + name)
    with pytest.raises(RagtuneError, match="holds 2 adapters"):
        read_files({"two.zip": packed.getvalue()})


def test_names_are_used_once_and_have_to_be_usable(taken, adapter):
    assert taken(adapter, name="one").name == "one"
    assert taken(adapter).name == "adapter-1"
    with pytest.raises(RagtuneError, match="'one' already"):
        taken(adapter, name="one")
    with pytest.raises(RagtuneError, match="can't be the name"):
        taken(adapter, name="../two")


def test_a_model_on_a_server_takes_none(home, adapter, openai_server):
    served = find_checkpoint("tiny", openai_server.url)
    with pytest.raises(RagtuneError, match="is on the server"):
        import_adapter(home, served, read_path(adapter))
