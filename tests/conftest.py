"""What tests share: homes of their own, a tiny language model, the real knowledge base."""

import json
import os
from pathlib import Path

import pytest

for name in ("RAGTUNE_MODEL", "RAGTUNE_HOME", "RAGTUNE_SERVER", "RAGTUNE_SERVER_KEY"):
    os.environ.pop(name, None)

SAMPLE = Path(__file__).resolve().parent.parent / "sample_docs"


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
def tiny_lab(tmp_path, tiny_model, monkeypatch):
    """A lab in an empty home, with the tiny model."""
    from comparison.lab import open_lab

    monkeypatch.setenv("RAGTUNE_MODEL", str(tiny_model))
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
