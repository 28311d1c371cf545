"""Rerankers: the bundled one, and any cross-encoder."""

import pytest
import torch

from rag_backend.search.rerank import _FOLDER, CrossEncoderReranker, MiniLmReranker, load_reranker
from workbench import minilm
from workbench.errors import RagtuneError
from workbench.settings import BUNDLED_RERANKER

QUESTION = "When does the workshop close?"
TEXTS = [
    "The workshop of Marlow Kites opens at 6:40 and closes at 17:20.",
    "Every employee has 31 days of paid leave.",
    "The workshop was built by Ottilie Brandt, who founded the company.",
]


def test_the_answer_fits_best():
    judged = load_reranker(BUNDLED_RERANKER).judge(QUESTION, TEXTS)
    assert max(judged, key=lambda one: one.fit) is judged[0]
    assert judged[0].holds > max(judged[1].holds, judged[2].holds)


@pytest.mark.parametrize("dtype", [None, torch.float32], ids=["fastest", "float32"])
def test_company_changes_nothing(dtype):
    reranker = MiniLmReranker(dtype=dtype)
    together = reranker.judge(QUESTION, [*TEXTS, "kite " * 700])
    alone = [reranker.judge(QUESTION, [text])[0] for text in TEXTS]
    for a, b in zip(together, alone, strict=False):
        assert a.fit == pytest.approx(b.fit, abs=1e-4)
    assert reranker.judge(QUESTION, []) == []


def test_peft_loads_it_and_says_the_same():
    from peft import PeftModel
    from safetensors.torch import load_file
    from transformers import AutoTokenizer, BertModel

    base = BertModel.from_pretrained(minilm.packaged_model(), add_pooling_layer=False)
    model = PeftModel.from_pretrained(base, _FOLDER).eval()
    tokenizer = AutoTokenizer.from_pretrained(minilm.packaged_model())
    pairs = tokenizer([QUESTION] * 3, TEXTS, padding=True, return_tensors="pt")
    head = load_file(_FOLDER / "head.safetensors")
    with torch.no_grad():
        first = model(**pairs).last_hidden_state[:, 0]
        expected = torch.nn.functional.linear(first, head["weight"], head["bias"])
    for dtype, within in ((torch.float32, 1e-3), (torch.bfloat16, 0.2), (None, 0.5)):
        judged = MiniLmReranker(dtype=dtype).judge(QUESTION, TEXTS)
        ours = torch.tensor([[one.fit, one.holds] for one in judged])
        assert torch.allclose(ours, expected[:, :2], atol=within)


def test_any_cross_encoder_serves(tmp_path):
    from sentence_transformers import CrossEncoder
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=30522,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        num_labels=1,
    )
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(minilm.packaged_model()).save_pretrained(tmp_path)
    reranker = load_reranker(str(tmp_path))
    assert isinstance(reranker, CrossEncoderReranker)
    expected = CrossEncoder(str(tmp_path), device="cpu").predict([(QUESTION, t) for t in TEXTS])
    assert [one.fit for one in reranker.judge(QUESTION, TEXTS)] == pytest.approx(expected.tolist())


@pytest.mark.parametrize("name", ["no such", "/nowhere/at/all"])
def test_a_name_that_leads_nowhere_is_refused(name):
    with pytest.raises(RagtuneError, match="no reranker"):
        load_reranker(name)


def test_a_folder_without_a_reranker_is_refused(tmp_path):
    with pytest.raises(RagtuneError, match=r"head\.safetensors"):
        MiniLmReranker(tmp_path)
    with pytest.raises(RagtuneError, match="could not be loaded"):
        load_reranker(str(tmp_path))
