"""How likely a text is: what the model's own logits say, whichever engine reads."""

import pytest
import torch

from workbench.errors import RagtuneError
from workbench.language_models.adapters import with_adapter
from workbench.language_models.choose import load_engine
from workbench.language_models.likelihood import split
from workbench.language_models.loading import find_checkpoint, load_tokenizer, load_weights
from workbench.language_models.prompts import messages, render
from workbench.language_models.server_engine import ServerEngine

CHAT = messages("When does the workshop close?", "Answer briefly.")
TEXTS = (
    *("17:20", "no", "at half past five in the afternoon"),
    *(f"at {hour} o'clock" for hour in range(8)),  # more than int8 reads at once
)


def expected(checkpoint, adapter):
    """Read each text whole, with the model as PEFT loads it, and add up its tokens' logarithms."""
    model, tokenizer = load_weights(checkpoint, torch.float32, "cpu"), load_tokenizer(checkpoint)
    if adapter is not None:
        model = with_adapter(model, adapter, checkpoint)
    said = render(tokenizer, CHAT)
    begin = len(tokenizer(said, add_special_tokens=False)["input_ids"])
    found = []
    for text in TEXTS:
        tokens = tokenizer(said + text, add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            logarithms = model(torch.tensor([tokens])).logits[0].log_softmax(-1)
        each = [logarithms[place - 1, tokens[place]].item() for place in range(begin, len(tokens))]
        found.append((sum(each), len(each)))
    return found


@pytest.mark.parametrize(("engine", "within"), [("transformers", 0.001), ("int8", 0.03)])
@pytest.mark.parametrize("tuned", [False, True])
def test_it_is_what_the_whole_text_says(engine, within, tuned, int8_ready, tiny_adapter):
    asked, adapter = load_engine(engine, int8_ready), tiny_adapter if tuned else None
    found = asked.likelihoods(CHAT, TEXTS, adapter=adapter and str(adapter))
    assert asked.no_likelihoods == "" and all(one.nats < 0 for one in found)
    for one, (nats, tokens) in zip(found, expected(int8_ready, adapter), strict=True):
        assert one.tokens == tokens and one.nats_per_token == one.nats / tokens
        assert one.nats == pytest.approx(nats, abs=within * tokens)


def test_where_prompt_and_text_join_all_texts_begin_before_that(tiny_model):
    tokenizer = load_tokenizer(find_checkpoint(str(tiny_model)))
    tokenizer.chat_template = None
    said = render(tokenizer, CHAT)
    assert said.endswith("Answer: ")
    prompt, texts = split(tokenizer, CHAT, ["fee", "7", "loss of a card"], None, "tiny")
    assert [tokenizer.decode(prompt + one) for one in texts] == [
        said + text for text in ("fee", "7", "loss of a card")
    ]
    assert [tokenizer.decode(one)[0] for one in texts] == [" ", " ", " "]


def test_what_can_not_be_weighed_is_one_sentence(tiny_engine, openai_server):
    with pytest.raises(RagtuneError, match="tokens long"):
        tiny_engine.likelihoods(CHAT, ["kite " * 3000])
    server = ServerEngine(find_checkpoint("tiny", openai_server.url))
    assert "a server answers" in server.no_likelihoods
    with pytest.raises(RagtuneError, match="can't be weighed: a server answers"):
        server.likelihoods(CHAT, TEXTS)
