"""The first token's logits are the model's own, whichever engine reads."""

import pytest
import torch

from workbench.language_models.adapters import with_adapter
from workbench.language_models.first_token import load_first_token
from workbench.language_models.loading import find_checkpoint, load_tokenizer, load_weights
from workbench.language_models.prompts import messages, render

CHAT = messages("When does the workshop close?", "")
WORDS = ("yes", "no")


@pytest.fixture()
def expected(tiny_model, tiny_adapter):
    """What PEFT says."""
    checkpoint = find_checkpoint(str(tiny_model))
    model = with_adapter(load_weights(checkpoint, torch.float32, "cpu"), tiny_adapter, checkpoint)
    tokenizer = load_tokenizer(checkpoint)
    prompt = tokenizer(render(tokenizer, CHAT), add_special_tokens=False)["input_ids"]
    wanted = [tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in WORDS]
    with torch.no_grad():
        return model(torch.tensor([prompt])).logits[0, -1, wanted].tolist()


@pytest.mark.parametrize(("engine", "within"), [("transformers", 0.03), ("int8", 0.03)])
def test_it_is_what_peft_says(engine, within, int8_ready, tiny_adapter, expected):
    ask = load_first_token(int8_ready, tiny_adapter, WORDS, engine)
    assert ask(CHAT) == pytest.approx(expected, abs=within)
    assert abs(expected[0] - expected[1]) > within  # else nothing was shown


def test_a_word_of_several_tokens_is_refused(tiny_model, tiny_adapter):
    with pytest.raises(ValueError, match="one token each"):
        load_first_token(find_checkpoint(str(tiny_model)), tiny_adapter, ("yes", "unanswerable"))
