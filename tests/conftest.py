"""What tests share: homes of their own, a tiny language model, the real knowledge base."""

import json
import os
import shutil
from pathlib import Path

import pytest

for name in ("MODEL", "HOME", "SERVER", "SERVER_KEY", "ENGINE", "JUDGE", "WRITER", "WRITER_KEY"):
    os.environ.pop(f"RAGTUNE_{name}", None)

SAMPLE = Path(__file__).resolve().parent.parent / "sample_docs"


@pytest.fixture(scope="session", autouse=True)
def models_of_their_own(tmp_path_factory):
    """Let tests use what is unpacked and converted already, and write elsewhere."""
    from workbench.language_models.bundled import models_folder

    installed, fresh = models_folder(), tmp_path_factory.mktemp("models")
    (fresh / "int8").mkdir()
    for pattern in ("*", "int8/*"):
        for made in installed.glob(pattern):
            if made.name != "int8":
                (fresh / made.relative_to(installed)).symlink_to(made)
    os.environ["RAGTUNE_MODELS"] = str(fresh)
    yield
    del os.environ["RAGTUNE_MODELS"]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """A Llama of two small layers with random weights and the bundled model's tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from workbench.language_models.loading import find_checkpoint, load_tokenizer
    from workbench.settings import DEFAULT_MODEL

    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=49152,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        eos_token_id=2,
        pad_token_id=2,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    load_tokenizer(find_checkpoint(DEFAULT_MODEL)).save_pretrained(folder)
    return folder


@pytest.fixture()
def ragtune(tmp_path, tiny_model, monkeypatch, capsys):
    """Run a command in a home of its own; returns the exit code, stdout and stderr."""
    import cli

    monkeypatch.setenv("RAGTUNE_MODEL", str(tiny_model))

    def run(*arguments):
        code = cli.main(["--home", str(tmp_path / "home"), *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture()
def tiny_lab(tmp_path, tiny_model, monkeypatch):
    """A lab in an empty home, with the tiny model."""
    from comparison.lab import open_lab

    monkeypatch.setenv("RAGTUNE_MODEL", str(tiny_model))
    lab = open_lab(tmp_path / "home")
    yield lab
    lab.database.close()


@pytest.fixture(scope="session")
def tiny_adapter(tmp_path_factory, tiny_model):
    """A LoRA adapter for the tiny model, with random weights."""
    import torch
    from peft import LoraConfig, get_peft_model

    from workbench.language_models.loading import find_checkpoint, load_weights

    folder = tmp_path_factory.mktemp("adapter")
    torch.manual_seed(1)
    model = load_weights(find_checkpoint(str(tiny_model)), torch.float32, "cpu")
    config = LoraConfig(target_modules="all-linear", init_lora_weights=False)
    get_peft_model(model, config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_engine(tiny_model):
    """The engine of this machine with the tiny model."""
    from workbench.language_models.loading import find_checkpoint
    from workbench.language_models.transformers_engine import TransformersEngine

    return TransformersEngine(find_checkpoint(str(tiny_model)))


@pytest.fixture(scope="session")
def int8_ready(tiny_model):
    """The tiny model, made ready for the int8 engine."""
    from workbench.language_models.int8.prepared import prepare
    from workbench.language_models.loading import find_checkpoint

    checkpoint = find_checkpoint(str(tiny_model))
    assert prepare(checkpoint, lambda message, share: None).reason is None
    return checkpoint


@pytest.fixture()
def openai_server(tiny_engine, tiny_adapter):
    """An OpenAI-compatible server with the models "tiny" and "tiny-tuned"."""
    from openai_server import OpenAIServer

    server = OpenAIServer(tiny_engine, {"tiny": None, "tiny-tuned": str(tiny_adapter)})
    yield server
    server.close()


@pytest.fixture()
def served_lab(tmp_path, openai_server, monkeypatch):
    """A lab in an empty home, whose model is on the server."""
    from comparison.lab import open_lab

    monkeypatch.setenv("RAGTUNE_MODEL", "tiny")
    monkeypatch.setenv("RAGTUNE_SERVER", openai_server.url)
    lab = open_lab(tmp_path / "home")
    yield lab
    lab.database.close()


@pytest.fixture()
def handbook(tmp_path):
    """A small Markdown document."""
    path = tmp_path / "handbook.md"
    path.write_text(
        "# Leave\n\nEvery employee of Marlow Kites has 31 days of paid leave a year.\n\n"
        "# Workshop\n\nThe workshop opens at 6:40 and closes at 17:20.\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture()
def examples_file(tmp_path):
    """Eight training examples about two facts."""
    path = tmp_path / "examples.jsonl"
    rows = [
        {"question": f"{ask} {topic}?", "answer": answer, "fact": topic}
        for topic, answer in (
            ("the colour of the flagship kite", "The flagship kite is vermilion."),
            ("the founder of Marlow Kites", "Ottilie Brandt founded Marlow Kites."),
        )
        for ask in ("What is", "Tell me", "Do you know", "I want to know")
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def evaluated_home(tmp_path_factory, tiny_model, tiny_adapter):
    """A home with a document, the adapter "tuned", and the evaluation "one" of all methods."""
    from comparison.columns import Column
    from comparison.evaluation.process import work
    from comparison.evaluation.start import make_evaluation
    from comparison.lab import open_lab
    from finetune_backend.exports.adopt import import_adapter
    from finetune_backend.exports.received import read_path

    folder = tmp_path_factory.mktemp("evaluated") / "home"
    handbook = folder.parent / "handbook.md"
    handbook.write_text(
        "# Leave\n\nEvery employee of Marlow Kites has 31 days of paid leave a year.\n\n"
        "# Workshop\n\nThe workshop opens at 6:40 and closes at 17:20.\n",
        encoding="utf-8",
    )
    exam = [
        {"question": "When does the workshop close?", "answers": ["17:20"]},
        {"question": "=1+1 <script>alert(1)</script> | ![x](http://e.example/a.png) `*b*`?"}
        | {"answers": ["| 31 & _days_"], "document": "handbook.md"},
        {"question": "Who is the mayor?", "unanswerable": True},
    ]
    columns = [Column("base"), Column("rag"), Column("finetuned", "tuned")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAGTUNE_MODEL", str(tiny_model))
        patch.setenv("RAGTUNE_ENGINE", "transformers")
        lab = open_lab(folder)
        lab.knowledge_base.add(handbook)
        import_adapter(lab.home, lab.checkpoint(), read_path(tiny_adapter), "tuned", anyway=True)
        data = "\n".join(map(json.dumps, exam)).encode()
        work(make_evaluation(lab, data, "mine.jsonl", columns, "one"))
        lab.database.close()
    return folder


@pytest.fixture()
def trained_run(evaluated_home):
    """Adds the adapter "tuned" to a home, as a fine-tune on these examples would have left it."""

    def add(home, examples):
        folder = home.runs / "tuned"
        shutil.copytree(evaluated_home / "runs" / "tuned", folder, dirs_exist_ok=True)
        saved = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        saved.pop("imported")
        (folder / "run.json").write_text(json.dumps(saved), encoding="utf-8")
        text = "".join(json.dumps(example) + "\n" for example in examples)
        (folder / "examples.jsonl").write_text(text, encoding="utf-8")

    return add


@pytest.fixture()
def evaluated_lab(tmp_path, evaluated_home, tiny_model, monkeypatch):
    """A lab in a copy of that home."""
    from comparison.lab import open_lab

    monkeypatch.setenv("RAGTUNE_MODEL", str(tiny_model))
    monkeypatch.setenv("RAGTUNE_ENGINE", "transformers")
    shutil.copytree(evaluated_home, tmp_path / "home")
    lab = open_lab(tmp_path / "home")
    yield lab
    lab.database.close()
