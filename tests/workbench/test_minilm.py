"""MiniLM's forward pass: the same for training and reading, alone and in company."""

import pytest
import torch

from workbench import minilm
from workbench.minilm import FIRST, LAST, MiniLm

ROWS = [[FIRST, *range(2000, 2000 + n), LAST] for n in (3, 200, 40, 41, 120, 1)]


@pytest.fixture(scope="module")
def weights():
    return minilm.load_weights()


def test_states_are_those_of_transformers(weights):
    from transformers import BertModel

    model = MiniLm(weights, "cpu", torch.float32)
    reference = BertModel.from_pretrained(minilm.packaged_model(), add_pooling_layer=False).eval()
    second = [2, 50, 20, 1, 0, 3]
    read = model.read(ROWS, second)
    for number, row in enumerate(ROWS):
        kinds = torch.tensor([[int(place >= second[number]) for place in range(len(row))]])
        with torch.no_grad():
            expected = reference(torch.tensor([row]), token_type_ids=kinds).last_hidden_state[0]
        assert torch.allclose(read.states[read.row == number], expected, atol=1e-4)
        assert torch.equal(read.states[read.starts[number]], read.states[read.row == number][0])
        mean = model.mean([row])[0]
        assert torch.allclose(mean, model.read([row]).states.mean(0), atol=1e-5)
    first = model.first(ROWS, second)
    assert torch.allclose(first, read.states[read.starts], atol=1e-4)


def test_training_reads_as_inference_does(weights):
    model = MiniLm(weights, "cpu", torch.float32)
    with torch.inference_mode():
        expected = model.read(ROWS).states
    assert torch.allclose(model.read(ROWS).states, expected, atol=1e-4)


def test_batches_hold_every_row_once_and_stay_small():
    made = list(minilm.batches(ROWS, 150))
    assert sorted(number for batch in made for number in batch) == list(range(len(ROWS)))
    assert all(len(b) == 1 or sum(len(ROWS[n]) for n in b) <= 150 for b in made)
    assert list(minilm.batches([], 150)) == []


def test_a_pair_is_cut_to_fit_and_keeps_its_end():
    row, before = minilm.pair([7] * 100, [8] * 100, 64)
    assert (len(row), before) == (64, 18)
    assert row[:1] + row[before - 1 : before + 1] + row[-1:] == [FIRST, LAST, 8, LAST]
    assert minilm.pair([7], [8], 64) == ([FIRST, 7, LAST, 8, LAST], 3)
