"""A question is understood by itself, or it is not."""

import pytest

from finetune_backend.writer.alone import stands_alone


@pytest.mark.parametrize(
    "question",
    [
        "Who is the managing director of Brindlecart?",
        "When did the Normans give their name to Normandy?",
        "What did Newton say about the force that he named?",
        "How many solar panels are on the roof of the works?",
        "How much leave do I get at Brindlecart?",
    ],
)
def test_a_subject_is_named(question):
    assert stands_alone(question)


@pytest.mark.parametrize(
    "question",
    [
        "When did it begin?",
        "What does he do?",
        "Who made this?",
        "What is the name?",
        "How many people are there?",
        "What does the text say about tyres?",
        "Which colour is mentioned in the article?",
        "Who is the author of this document about kites?",
        "Where did they move to in 1991?",
        "What is paid by us?",
        "",
    ],
)
def test_no_subject_is_named(question):
    assert not stands_alone(question)
