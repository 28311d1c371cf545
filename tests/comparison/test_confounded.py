"""A difference between conditions is named in words."""

from dataclasses import replace

from comparison.answer import Answer, Fingerprint
from comparison.confounded import differences

EQUAL = Fingerprint("aaaa", "int8 8 bit", "dddd", "none")


def answer(method="base", model="small", beside=False, **changed):
    return Answer(method, model, replace(EQUAL, **changed), beside=beside)


def test_equal_conditions_have_no_difference():
    rag, hybrid = answer("rag", retriever="r"), answer("hybrid", retriever="r")
    assert differences([answer(), rag, hybrid]) == []
    assert differences([answer()]) == []


def test_models_and_engines_are_named_with_their_columns():
    large = answer("base", "large", True, checkpoint="bbbb", precision="transformers float32")
    assert differences([answer(), large, answer("rag", retriever="r")]) == [
        "checkpoint: small in Base, RAG; large in Base · large",
        "precision: int8 8 bit in Base, RAG; transformers float32 in Base · large",
    ]


def test_what_changed_meanwhile_is_said_without_hashes():
    said = differences([answer("rag", retriever="r"), answer("hybrid", retriever="s")])
    assert len(said) == 1 and "passages were indexed" in said[0]
    (said,) = differences([answer(), answer("rag", decoding="eeee", retriever="r")])
    assert "system prompt" in said and "eeee" not in said
    (said,) = differences([answer(), answer("rag", checkpoint="bbbb", retriever="r")])
    assert "files were changed" in said
