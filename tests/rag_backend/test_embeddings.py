"""The embedding model says what sentence-transformers says."""

import numpy as np
import pytest
import torch

from rag_backend.embeddings import MiniLmEmbeddings
from workbench.minilm import DIMENSIONS, packaged_model

TEXTS = [
    "Who is the managing director?",
    "",
    "kite " * 600,  # longer than what is read
    "Ünïcødé 漢字 🪁 and A1-b2",
    "it ends here [SEP] or [PAD] there [CLS]",
    *(f"Passage {n}: {'the workshop opens at 6:40. ' * n}" for n in range(40)),
]


@pytest.fixture(scope="module")
def model():
    return MiniLmEmbeddings(torch.float32)


@pytest.fixture(scope="module")
def reference():
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(packaged_model()), device="cpu", local_files_only=True)


def test_vectors_equal_the_reference(model, reference):
    ours = model.embed(TEXTS)
    expected = reference.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    assert (ours.shape, ours.dtype) == ((len(TEXTS), DIMENSIONS), np.float32)
    assert np.abs(ours - expected).max() < 1e-5


@pytest.mark.parametrize("dtype", [None, torch.bfloat16], ids=["fastest", "bfloat16"])
def test_in_fewer_bits_they_point_the_same_way(reference, dtype):
    ours = MiniLmEmbeddings(dtype).embed(TEXTS)
    expected = reference.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    assert (ours * expected).sum(axis=1).min() > 0.999


def test_tokens_are_counted_as_the_reference_counts_them(model, reference):
    for text in TEXTS:
        assert model.count_tokens(text) == len(reference.tokenizer.tokenize(text))


def test_no_text_gives_no_vector(model):
    assert model.embed([]).shape == (0, DIMENSIONS)


def test_progress_ends_at_one(model):
    shares = []
    model.embed(TEXTS, shares.append)
    assert shares == sorted(shares) and shares[-1] == 1.0
