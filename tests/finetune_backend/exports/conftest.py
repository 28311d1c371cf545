"""A fine-tune of the tiny model that ran to its end, which the tests of exports share."""

import time

import pytest

from finetune_backend.exports.adopt import import_adapter
from finetune_backend.exports.received import read_path
from finetune_backend.runs import read_run
from finetune_backend.settings import TrainSettings
from finetune_backend.start_run import start_run
from finetune_backend.training_set import Prompts
from workbench.home import open_home
from workbench.language_models.loading import find_checkpoint, load_tokenizer
from workbench.values import Example

FACTS = {
    "the colour of the flagship kite": "The flagship kite is vermilion.",
    "the founder of Marlow Kites": "Ottilie Brandt founded Marlow Kites.",
}
EXAMPLES = [
    Example(f"{ask} {topic}?", answer, topic, "kites.md")
    for topic, answer in FACTS.items()
    for ask in ("What is", "Tell me", "Do you know", "I want to know")
]


@pytest.fixture(scope="session")
def checkpoint(tiny_model):
    return find_checkpoint(str(tiny_model))


@pytest.fixture(scope="session")
def run(tmp_path_factory, checkpoint):
    """It knows its facts by heart."""
    home = open_home(tmp_path_factory.mktemp("exports") / "home")
    settings = TrainSettings(
        epochs=40, batch_size=4, learning_rate=1e-2, word_dropout=0.0, replay=0.0
    )
    run = start_run(home, EXAMPLES, settings, checkpoint, Prompts("Answer briefly."), "kites")
    deadline = time.monotonic() + 120
    while (run := read_run(run.folder)).state.active:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert run.complete, run.state.message
    return run


@pytest.fixture(scope="session")
def strong(tmp_path_factory, checkpoint):
    """An adapter made elsewhere, for a tiny model in which every weight matters: where heads are
    mixed up, or matrices rounded too much, it says something else."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    model, adapter = tmp_path_factory.mktemp("strong"), tmp_path_factory.mktemp("strong-adapter")
    torch.manual_seed(0)
    config = LlamaConfig.from_pretrained(checkpoint.folder, initializer_range=0.2)
    base = LlamaForCausalLM(config)
    base.save_pretrained(model)
    load_tokenizer(checkpoint).save_pretrained(model)
    lora = LoraConfig(target_modules="all-linear", init_lora_weights=False)
    get_peft_model(base, lora).save_pretrained(adapter)
    home = open_home(tmp_path_factory.mktemp("strong-home"))
    received = read_path(adapter)
    return import_adapter(home, find_checkpoint(str(model)), received, "strong", anyway=True)


@pytest.fixture()
def home(tmp_path):
    return open_home(tmp_path / "home")


@pytest.fixture()
def taken(home, checkpoint, tmp_path):
    """Import an adapter's folder into an empty home."""

    def take(folder, **options):
        return import_adapter(home, checkpoint, read_path(folder), **options)

    return take
