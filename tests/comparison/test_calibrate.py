"""Where RAG declines is found from the examples, kept, and used when questions are asked."""

import dataclasses
import json

import pytest

from comparison.ask import ask
from comparison.calibrate import LEAST_QUESTIONS, calibrate
from finetune_backend.examples.store import add_examples, change_examples, list_examples
from rag_backend.answer.chain import NOT_ANSWERED
from rag_backend.verify.verifier import digest, shipped_calibration
from workbench.errors import RagtuneError
from workbench.values import Example

KITES = ["Amber", "Bora", "Cirrus", "Dune", "Ember", "Fjord", "Gale", "Heron", "Iris", "Juno"]
KITES += ["Kestrel", "Lark", "Mistral", "Nimbus", "Ocelot", "Puffin", "Quill", "Raven", "Swift"]
KITES += ["Tern", "Ural", "Vesper"]
PRICES = {kite: f"{31 + 7 * place} shillings" for place, kite in enumerate(KITES)}
EXAMPLES = [
    Example(f"What does the {kite} cost?", f"It costs {price}." if place % 2 else price, kite)
    for place, (kite, price) in enumerate(PRICES.items())
]


@pytest.fixture()
def lab(tiny_lab):
    text = "".join(f"# {kite}\n\nThe {kite} costs {price}.\n\n" for kite, price in PRICES.items())
    tiny_lab.knowledge_base.add_bytes(text.encode(), "prices.md")
    return tiny_lab


def answer_to(lab, question):
    *_, answer = ask(lab, question, ["rag"])
    return answer


def test_it_is_made_kept_used_and_forgotten(lab):
    add_examples(lab.database, EXAMPLES)
    told = []
    made = calibrate(lab, lambda message, share: told.append((message, share)))
    assert LEAST_QUESTIONS <= made.questions <= len(KITES) and made.verifier == digest()
    assert lab.knowledge_base.calibration() == made != shipped_calibration()
    assert told[-1] == ("Calibrated", 1.0) and f"Question 3 of {len(KITES)}" in dict(told)
    answer = answer_to(lab, "What does the Heron cost?")
    assert answer.threshold == made.threshold(lab.settings.decline)
    assert answer.sources[0].holds >= answer.threshold and answer.sources[0].read
    assert answer.timings_ms.verify > 0
    lab.knowledge_base.keep_calibration(None)
    assert lab.knowledge_base.calibration() == shipped_calibration()


def test_a_question_beside_the_documents_is_declined(lab):
    lab.change_settings(dataclasses.replace(lab.settings, decline=0.1))
    answer = answer_to(lab, "Who sewed the Heron?")
    assert answer.text == NOT_ANSWERED and answer.refused and not answer.prompt
    assert max(one.holds for one in answer.sources if one.holds is not None) < answer.threshold
    lab.change_settings(dataclasses.replace(lab.settings, decline=0.0))
    answer = answer_to(lab, "Who sewed the Heron?")
    assert answer.threshold is None and answer.prompt and answer.sources[0].holds is None


def test_a_calibration_of_another_verifier_is_not_used(lab):
    add_examples(lab.database, EXAMPLES)
    lab.knowledge_base.keep_calibration(dataclasses.replace(calibrate(lab), verifier="another"))
    assert lab.knowledge_base.calibration() == shipped_calibration()
    file = lab.home.calibration
    file.write_text(json.dumps({"scores": "many"}))
    with pytest.raises(RagtuneError, match="holds no calibration"):
        lab.knowledge_base.calibration()


def test_too_few_questions_are_told(lab):
    with pytest.raises(RagtuneError, match="There are 0 examples; at least 20"):
        calibrate(lab)
    beside = [Example(f"What does kite {n} weigh?", f"{n} grams", str(n)) for n in range(30)]
    change_examples(lab.database, list_examples(lab.database), beside)
    with pytest.raises(RagtuneError, match="The answers of 0 of 30 examples"):
        calibrate(lab)
    assert not lab.home.calibration.exists()
