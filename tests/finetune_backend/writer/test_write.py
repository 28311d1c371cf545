"""From paragraphs to examples, with a writer whose words are known."""

from finetune_backend.writer.facts import Fact
from finetune_backend.writer.prompt import OPENERS, opener_of
from finetune_backend.writer.write import (
    IN_SHORT,
    Asked,
    as_examples,
    check_answers,
    found_again,
    paragraphs_of,
    write_questions,
)
from workbench.values import Block

BLOCKS = [
    Block("The Heron is a kite of poplar. It costs €40 in the shop.", ("Kites",)),
    Block("Too short."),
    Block("kite: Heron; price: €40", cells=(("kite", "Heron"), ("price", "€40"))),
    Block(
        "term: Goosefoot; meaning: The stand that folds out under a kite and keeps it upright.",
        cells=(
            ("term", "Goosefoot"),
            ("meaning", "The stand that folds out under a kite and keeps it upright."),
        ),
    ),
]
KITE, TERM = paragraphs_of("kites.md", BLOCKS, lambda name, block: f"{name}\n{block.text}")


def test_short_rows_and_scraps_are_left_to_others():
    assert KITE.text == f"kites.md\n{BLOCKS[0].text}" and KITE.own == BLOCKS[0].text
    assert (KITE.key, TERM.key) == ("", "Goosefoot")


def written(said, listed="poplar\nnot there", wordings=2):
    """Return what becomes of what the writer says to each prompt."""

    def say(chats):
        for chat in chats:
            prompt = chat[-1]["content"]
            if "List the facts" in prompt:
                yield listed
            else:
                answer = prompt.rpartition("Its answer is: ")[2]
                opener = prompt.partition('begins with "')[2].partition('"')[0]
                yield said(opener, answer)

    return write_questions([KITE, TERM], say, wordings)


def test_each_fact_gets_several_wordings_and_each_once():
    asked = written(
        lambda opener, answer: f"{opener or 'What'} kite has something like {answer[0]}x?"
    )
    kept = [(one.fact.answer, one.question) for one in asked if not one.rejected]
    assert len(kept) == len(set(kept))
    of_fact = {}
    for answer, question in kept:
        of_fact.setdefault(answer, []).append(question)
    assert {"poplar", "€40", "Goosefoot"} <= of_fact.keys() and "not there" not in of_fact
    assert all(len(questions) == 2 for questions in of_fact.values())


def test_what_is_no_question_of_its_own_is_rejected_with_its_reason():
    for said, reason in (
        ("When did it begin?", "it does not name its subject"),
        ("What does this text say about kites?", "it does not name its subject"),
        ("The Heron flies.", "it is no question"),
        ("Why kites?", "it is no question"),
    ):
        asked = written(lambda _opener, _answer, said=said: said)
        assert {one.rejected for one in asked} == {reason}
    telling = written(lambda _opener, answer: f"Is the kite called Heron {answer}?")
    assert {one.rejected for one in telling} == {"it tells its own answer"}


def test_what_a_reader_does_not_find_again_is_rejected():
    asked = [
        Asked(KITE, Fact("€40", "It costs €40 in the shop."), f"What price {n}?") for n in "ab"
    ]
    kept, lost = check_answers(asked, ["€40 in the shop", "poplar"])
    assert not kept.rejected and lost.rejected == "its answer was not found again"
    assert found_again("the 40 days", "40 days") and not found_again("", "40 days")


def test_answers_are_sentences_where_these_stand_alone_and_short_for_the_last_wording():
    wood = Fact("poplar", "The Heron is a kite of poplar.")
    price = Fact("€40", "It costs €40 in the shop.")
    asked = [
        *(Asked(KITE, wood, f"What wood is the Heron of, {n}?") for n in "abc"),
        *(Asked(KITE, price, f"What does the Heron cost, {n}?") for n in "ab"),
        Asked(TERM, Fact("Goosefoot", TERM.own), "What is the stand of a kite called?"),
    ]
    made = list(as_examples(asked))
    assert [one.answer for one in made] == [wood.sentence, wood.sentence, "poplar"] + [
        "€40"
    ] * 2 + ["Goosefoot"]
    assert [one.question.startswith(IN_SHORT) for one in made] == [False, False, True] + [False] * 3
    assert len({one.fact for one in made}) == 3
    assert {one.document for one in made} == {"kites.md"}
    assert made[0].passage == BLOCKS[0].text


def test_openers_are_found_again():
    assert opener_of("how many kites fly?") == "How many" and opener_of("Is it?") == ""
    assert all(opener_of(f"{opener} kites?") == opener for opener in OPENERS)
