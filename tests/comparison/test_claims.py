"""What an answer claims without documents is looked up in them."""

import pytest

from comparison.answer import Answer, Fingerprint
from comparison.claims import check_claims
from rag_backend.search.only import Only

QUESTION = "When does the workshop close?"


def answer(text, **changed):
    prints = Fingerprint("c", "p", "d", "none")
    return Answer("base", "m", prints, question=QUESTION, text=text, done=True, **changed)


@pytest.fixture()
def lab(tiny_lab, handbook):
    tiny_lab.knowledge_base.add(handbook)
    return tiny_lab


def test_each_sentence_is_supported_by_a_place_or_is_not(lab):
    text = "It closes at 17:20. It was founded by Ottilie Brandt."
    said, not_said = check_claims(lab, answer(text))
    assert text[said.start : said.end] == "It closes at 17:20."
    assert said.source.document == "handbook.md" and said.support == 1.0
    start, end = said.place
    assert "closes at 17:20" in said.source.text[start:end]
    assert text[not_said.start : not_said.end] == "It was founded by Ottilie Brandt."
    assert not_said.source is None and not_said.support < 0.8


def test_a_sentence_about_something_else_is_looked_up_too(lab):
    (claim,) = check_claims(lab, answer("Every employee has 31 days of paid leave a year."))
    assert claim.source is not None and "31 days" in claim.source.text


def test_a_fragment_that_stands_elsewhere_is_not_supported(lab):
    """ "31 days" is said in the documents, but of leave."""
    about = ("tools hang on the wall", "door closes by itself", "windows close at night")
    text = "".join(f"# Part {n}\n\nThe workshop {one}.\n\n" for n, one in enumerate(about))
    lab.knowledge_base.add_bytes(text.encode(), "workshop.md")
    (claim,) = check_claims(lab, answer("After 31 days."))
    assert claim.source is None
    (claim,) = check_claims(lab, answer("At 17:20."))
    assert claim.source.document == "handbook.md"


def test_a_wrong_number_is_not_supported(lab):
    (claim,) = check_claims(lab, answer("It closes at 18:20."))
    assert claim.source is None


def test_the_search_is_limited_as_it_was_for_the_answer(lab):
    (claim,) = check_claims(lab, answer("It closes at 17:20."), Only(types=(".pdf",)))
    assert claim.source is None


@pytest.mark.parametrize(
    "one", [answer("I don't know.", refused=True), answer(""), answer("Half", error="Broken.")]
)
def test_who_claims_nothing_is_not_checked(lab, one):
    assert check_claims(lab, one) == ()


def test_without_documents_nothing_can_be_checked(tiny_lab):
    assert check_claims(tiny_lab, answer("It closes at 17:20.")) == ()
