"""What is measured before and after a fine-tune, with a model small enough to check by hand."""

import math

import pytest
import torch

from finetune_backend.forgetting.measure import Change, compare, probe
from finetune_backend.forgetting.probes import KINDS, Choice, Probes, read_probes
from workbench.language_models.loading import find_checkpoint, load_tokenizer, load_weights

FEW = Probes(
    {
        "grammar": (
            Choice("", "The kites fly high.", ("The kites flies high.",)),
            Choice("", "A kite", ("A kite that nobody would ever call likely, so long is it.",)),
        ),
        "knowledge": (Choice("What is the capital of France?", "Paris", ("Lyon", "Rome")),),
    },
    ("Kites fly where the wind is.", "So do birds."),
)


def test_the_probes_that_come_along():
    probes = read_probes()
    assert {*probes.choices, "surprise"} == KINDS.keys()
    assert {kind: len(found) for kind, found in probes.choices.items()} == {
        "grammar": 335,
        "knowledge": 72,
        "declining": 60,
    }
    assert len(probes.texts) == 20
    for choices in probes.choices.values():
        for choice in choices:
            assert choice.right and choice.wrong and choice.right not in choice.wrong


def test_scores_are_the_models_likelihoods(tiny_model):
    """As a plain forward pass of one row at a time gives them."""
    checkpoint = find_checkpoint(str(tiny_model))
    shares = []
    scores = probe(checkpoint, None, shares.append, FEW)
    assert shares == sorted(shares) and shares[-1] == 1.0
    model = load_weights(checkpoint, torch.float32, "cpu").eval()
    tokenizer = load_tokenizer(checkpoint)

    def nats(text):
        tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
        row = torch.tensor([[tokenizer.bos_token_id, *tokens]])
        with torch.no_grad():
            chances = model(row).logits[0, :-1].log_softmax(-1)
        return float(chances.gather(1, row[0, 1:, None]).sum()), len(tokens)

    expected = [-total / count for total, count in map(nats, FEW.texts)]
    assert scores["surprise"] == pytest.approx(expected, rel=0.01)
    for choice, right in zip(FEW.choices["grammar"], scores["grammar"], strict=True):
        (good, _), (bad, _) = nats(choice.right), nats(choice.wrong[0])
        assert abs(good - bad) < 0.5 or right == float(good > bad)
    assert scores["grammar"][1] == 1.0  # the shorter by far


def test_a_kind_without_probes_is_left_out(tiny_model):
    scores = probe(find_checkpoint(str(tiny_model)), None, probes=Probes(FEW.choices, ()))
    assert scores.keys() == FEW.choices.keys()
    assert [change.kind for change in compare(scores, scores)] == list(FEW.choices)


def test_changes_have_their_sign_and_their_margin(tiny_model, tiny_adapter):
    same = {"grammar": [1.0, 0.0, 1.0, 1.0], "surprise": [2.0, 4.0]}
    worse = {"grammar": [0.0, 0.0, 1.0, 1.0], "surprise": [2.2, 4.4]}
    grammar, surprise = compare(same, worse)
    assert (grammar.before, grammar.after, grammar.change) == (0.75, 0.5, -25.0)
    assert grammar.margin == pytest.approx(1.96 * 50 / math.sqrt(4))
    assert surprise.change == pytest.approx(10.0)
    assert grammar.sentence() == "it lost 25.0 ± 49.0 points of grammar"
    assert surprise.sentence().startswith("general text surprises it 10.0 ± ")
    kept = compare(same, same)
    assert [change.change for change in kept] == [0.0, 0.0]
    assert [change.sentence() for change in kept] == [
        "it kept its grammar (± 75.0 points)",
        "general text surprises it as much as before",
    ]
    assert Change("grammar", 0.5, 0.6, 10.0, 1.0).sentence().startswith("it gained 10.0")
    checkpoint = find_checkpoint(str(tiny_model))
    before, after = (probe(checkpoint, a, probes=FEW) for a in (None, tiny_adapter))
    assert before["surprise"] != after["surprise"]
