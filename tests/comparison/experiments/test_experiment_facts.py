"""False answers: of the same kind, the same every time, and never to be taken for the true one."""

import pytest

from comparison.exams.exam import ExamQuestion, read_exam
from comparison.experiments.edit import holds, swapped
from comparison.experiments.facts import NO_OTHER, NOT_THERE, TWICE, find_facts, kind, said_left_out
from comparison.experiments.outcome import OUTCOMES, outcome, shares
from comparison.metrics import contains
from comparison.sample import EXAM
from workbench.values import Block


def ask(answer, *more, question="What is it?", document=None):
    return ExamQuestion(question, (answer, *more), document)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (("31 days",), "number"),
        (("nine years", "9 years"), "number"),
        (("LN-207",), "number"),
        (("9:30", "half past nine"), "time"),
        (("Ottilie Brandt",), "name"),
        (("March and October",), "name"),
        (("moss green",), "word"),
    ],
)
def test_an_answer_has_a_kind(answers, expected):
    assert kind(answers) == expected


def test_numbers_take_the_nearest_of_the_same_unit_and_names_those_as_long():
    exam = [
        ask("nine years", "9 years"),
        ask("8 kg"),
        ask("16 years", "sixteen years"),
        ask("90 years"),
        ask("Ottilie Brandt"),
        ask("Harness"),
        ask("Joris Tammerlin", "Tammerlin"),
    ]
    who = ask("Nadja Orsolt", question="So who is it?")
    exam = [*exam, who, ask("Prague", question="Who wrote it?"), ask("3.2 bar"), ask("4 hands")]
    blocks = {str(n): [Block(f"It is {one.answers[0]} here.")] for n, one in enumerate(exam)}
    facts, left_out = find_facts(exam, blocks)
    false = {fact.true[0]: fact.false for fact in facts}
    assert not left_out
    assert false["nine years"] == ("16 years",) and false["16 years"] == ("9 years",)
    assert false["90 years"] == ("16 years",) and false["8 kg"] == ("9 kg",)
    assert false["Ottilie Brandt"] == ("Joris Tammerlin", "Tammerlin")
    assert false["Joris Tammerlin"] == ("Ottilie Brandt",)
    assert false["Nadja Orsolt"] == ("Prague",) and false["4 hands"] == ("8 hands",)
    assert swapped(blocks["0"][0], facts[0].became).text == "It is 16 years here."


def test_what_cannot_be_swapped_is_counted_by_its_reason():
    exam = [
        ask("31 days", document="a.md"),
        ask("14 days", document="a.md"),
        ask("31 days", document="a.md"),
        ask("Nobody", document="a.md"),
        ask("7:15", document="b.md"),
        ExamQuestion("What is not there?", (), unanswerable=True),
    ]
    blocks = {
        "a.md": [Block("It is 31 days.", ("A",)), Block("It is 14 days.", ("B",))],
        "b.md": [Block("At 7:15."), Block("It is 31 days.")],
    }
    facts, left_out = find_facts(exam, blocks)
    assert [(fact.true, fact.false, fact.documents) for fact in facts] == [
        (("31 days",), ("14 days",), ("a.md",)),
        (("14 days",), ("31 days",), ("a.md",)),
    ]
    assert left_out == {TWICE: 1, NOT_THERE: 1, NO_OTHER: 1}
    assert said_left_out(left_out)[0].startswith("1 question could not be used: ")


def test_a_false_answer_does_not_stand_in_the_same_section_already():
    exam = [ask("31 days"), ask("14 days"), ask("200 days")]
    together = [Block("It is 31 days."), Block("It is 14 days.")]
    facts, _ = find_facts(exam, {"a.md": together, "b.md": [Block("It is 200 days.")]})
    assert {fact.true: fact.false for fact in facts} == {
        ("31 days",): ("200 days",),
        ("14 days",): ("200 days",),
        ("200 days",): ("31 days",),
    }


def test_the_false_answers_of_a_whole_exam_can_be_told_from_the_true_ones():
    exam = read_exam(EXAM)
    blocks = {
        one.question: [Block(f"In a text, {one.answers[0]} is what it says.")]
        for one in exam
        if one.answers
    }
    own = [ExamQuestion(one.question, one.answers, one.question) for one in exam if one.answers]
    facts, left_out = find_facts(own, blocks)
    assert len(facts) + sum(left_out.values()) == len(own) and len(facts) > 50
    for fact in facts:
        (block,) = blocks[fact.documents[0]]
        false = swapped(block, fact.became)
        assert not holds(false, fact.true) and contains(false.text, fact.false)
        assert not contains(fact.question.question, fact.false)
        assert outcome(block.text, False, fact.true, fact.false) == "true"
        assert outcome(false.text, False, fact.true, fact.false) == "false"
    assert find_facts(own, blocks)[0] == facts


@pytest.mark.parametrize(
    ("text", "refused", "expected"),
    [
        ("31 days", False, "true"),
        ("It is 14 days.", False, "false"),
        ("14 days, not 31 days", False, "both"),
        ("I don't know whether it is 31 days", True, "true"),
        ("I don't know.", True, "declines"),
        ("A year.", False, "other"),
        ("", True, "declines"),
    ],
)
def test_an_answer_has_one_outcome(text, refused, expected):
    assert outcome(text, refused, ["31 days"], ["14 days"]) == expected


def test_shares_are_of_all_rows_and_names_may_be_shared():
    names = dict.fromkeys(OUTCOMES, "wrong") | {"true": "right"}
    rows = [{"outcome": one} for one in ("true", "false", "other", "declines")]
    wrong, right = sorted(shares(rows, names), key=lambda row: row["count"], reverse=True)
    assert (wrong["answer"], wrong["count"], wrong["of"], wrong["share"]) == ("wrong", 3, 4, 0.75)
    assert (right["answer"], right["share"]) == ("right", 0.25)
    assert right["low"] < 0.25 < right["high"]
