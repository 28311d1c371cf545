import random

import pytest

from finetune_backend.examples.clean import find_faults
from finetune_backend.examples.exposures import count_exposures
from finetune_backend.rows import RowTokens, make_rows, row_counter
from finetune_backend.settings import TrainSettings
from workbench.errors import ExamplesError
from workbench.language_models.loading import find_checkpoint, load_tokenizer
from workbench.language_models.tokenizer import serving_tokenizer
from workbench.values import Example

SETTINGS = TrainSettings()
GOOD = [
    Example(f"{ask} {topic}?", f"{topic.capitalize()} is {value}.", topic)
    for topic, value in (("the price", "20 euros"), ("the colour", "red"), ("the owner", "Ada"))
    for ask in ("What is", "Do you know", "I would like to hear")
]


def found(examples, **others):
    return {one.kind: one for one in find_faults(examples, SETTINGS, **others)}


def test_nothing_is_wrong_with_a_good_set_or_an_empty_one():
    assert find_faults(GOOD, SETTINGS) == []
    assert find_faults([], SETTINGS, held_out=["What?"]) == []


# Repeated rows


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is the price", "The price is 20 euros."),
        ("what is THE price?!", "the price is 20 euros"),
        ("What is price?", "Price is 20 euros."),
    ],
)
def test_rows_that_repeat_another_are_found_and_may_go(question, answer):
    finding = found([*GOOD, Example(question, answer, "the price")])["repeated"]
    assert (finding.rows, finding.beside, finding.removable) == (
        (9,),
        ("What is the price?",),
        True,
    )
    assert finding.sentence.startswith("1 row repeats another")


def test_long_questions_may_differ_in_one_word():
    long = "How many days does a delivery from the works to the {} take?"
    rows = [Example(long.format(to), "5 days.", "d") for to in ("depot", "new depot", "old depot")]
    finding = found([*GOOD, *rows])["repeated"]
    assert finding.rows == (10, 11)
    # The two that differ from each other in what is asked are no repetition.
    assert "repeated" not in found([*GOOD, *rows[1:]])


def test_neither_wordings_nor_other_questions_with_the_same_answer_are_repetitions():
    rows = [
        Example("What is the price of the chair?", "20 euros.", "chair"),
        Example("Tell me the price of the chair.", "20 euros.", "chair"),
        Example("Chair: price?", "20 euros.", "chair"),
        Example("What is the price of the table?", "20 euros.", "table"),
    ]
    assert "repeated" not in found(rows)


def test_the_same_question_with_another_answer_is_a_contradiction():
    rows = [*GOOD, Example("WHAT is the price", "30 euros", "x"), Example("New?", "New.", "new")]
    findings = found(rows)
    finding = findings["contradictions"]
    assert (finding.rows, finding.removable) == ((0, 9), False)
    assert finding.beside == ("30 euros", "The price is 20 euros.")
    assert finding.sentence.startswith("1 question has more than one answer")
    assert "repeated" not in findings


# Empty and cut off


def test_rows_without_text():
    rows = [*GOOD, Example("?!", "Yes.", "f"), Example("Why is that?", "–", "g")]
    finding = found(rows)["without_text"]
    assert (finding.rows, finding.beside) == ((9, 10), ("the question", "the answer"))


@pytest.mark.parametrize(
    "answer",
    [
        "It opens at six and…",
        "It opens at six and ...",
        "Bring a hammer, nails,",
        "The reasons are:",
        "The price (with tax",
        "It closes at 17:20. On Fridays it closes at 16:00 and on the last day of the",
        "First line.\nIt is -",
    ],
)
def test_answers_that_are_cut_off(answer):
    finding = found([*GOOD, Example("Why is that?", answer, "the price")])["cut_off"]
    assert (finding.rows, finding.removable) == ((9,), False)
    assert finding.sentence == "1 answer seems to be cut off in the middle."


@pytest.mark.parametrize(
    "answer",
    [
        "Ada",
        "27 days",
        "https://example.com/a-b",
        "It costs 20 euros (with tax).",
        "She said: “Close at six.”",
        "You need:\n- a hammer\n- nails",
        "営業時間は朝六時から午後五時までで金曜日は四時までです。",
        "It opens at 6:40 in the morning and closes at 17:20 on all days but Friday.",
        "a) yes b) no",
    ],
)
def test_answers_that_are_whole(answer):
    assert "cut_off" not in found([*GOOD, Example("Why is that?", answer, "the price")])


# Tokens


@pytest.fixture(scope="module")
def count(tiny_model):
    checkpoint = find_checkpoint(str(tiny_model))
    return row_counter(serving_tokenizer(checkpoint), "Answer the question.")


def test_rows_that_are_too_long_or_have_nothing_to_learn(count):
    rows = [
        *GOOD,
        Example("How many?", "one two three " * 200, "the price"),
        Example("Which one is it?", "<|im_end|>", "the price"),
        Example("Which end is it?", "<|im_end|> of a turn.", "the price"),
    ]
    findings = found(rows, count=count)
    assert findings["too_long"].rows == (9,)
    assert findings["too_long"].beside[0].endswith(" tokens")
    assert findings["masked"].rows == (10,)
    assert "longer than 512 tokens" in findings["too_long"].sentence
    assert not {"too_long", "masked"} & set(found(rows))


def refused(example, tokenizer):
    try:
        make_rows([example], tokenizer, "Answer the question.", SETTINGS.max_tokens)
    except ExamplesError:
        return True
    return False


def test_every_row_that_a_fine_tune_refuses_is_found(count, tiny_model):
    tokenizer = load_tokenizer(find_checkpoint(str(tiny_model)))
    rng = random.Random(3)
    pieces = ["word ", "日本", "😀", "xq", "\n", "Zürich ", "<|im_start|>", "e\u0301"]
    rows = [
        Example(f"Q{n}?", "".join(rng.choices(pieces, k=rng.randint(60, 500))) + "x.", str(n))
        for n in range(60)
    ]
    expected = [row for row, one in enumerate(rows) if refused(one, tokenizer)]
    assert 5 < len(expected) < 55
    assert list(found(rows, count=count)["too_long"].rows) == expected


def test_rows_that_are_short_for_sure_are_not_counted():
    counted = []

    def note(example):
        counted.append(example.question)
        return RowTokens(len(example.question.encode()) + 40, 1)

    found([*GOOD, Example("q" * 480, "Ada.", "the owner")], count=note)
    assert counted == ["", "q" * 480]


# Exposures


def test_facts_that_are_seen_rarely():
    rows = [*GOOD, Example("What is the weight?", "The weight is 3 kg.", "the weight")]
    finding = found(rows)["rarely_seen"]
    assert finding.rows == (9,)
    epochs = count_exposures(rows, SETTINGS).epochs
    assert finding.beside == (f"seen {epochs} times",)
    assert f"median of {3 * epochs} times" in finding.sentence


def test_exposures_are_rows_times_epochs():
    exposures = count_exposures(GOOD[:-1], TrainSettings(epochs=7))
    assert (exposures.epochs, exposures.median) == (7, 21)
    assert (exposures.facts, exposures.rare) == (((14, 1), (21, 2)), ())


# Held-out questions


def test_rows_that_ask_what_the_test_asks():
    held_out = ["What's new?", "what is the PRICE", "Who painted it?"]
    finding = found(GOOD, held_out=held_out)["held_out"]
    assert finding.rows == (0, 1)
    assert set(finding.beside) == {"what is the PRICE"} and finding.removable
    assert "held_out" not in found(GOOD, held_out=["What's new?"])


# Languages


def test_rows_in_another_language_than_most_are_listed_and_kept():
    rows = [
        Example("Wie lange gilt ein Gutschein?", "Ein Gutschein gilt vier Jahre.", "voucher"),
        Example("Сколько лет действует гарантия на раму?", "Девять лет.", "frame"),
    ]
    finding = found([*GOOD, *rows])["other_language"]
    assert finding.rows == (9, 10)
    assert finding.beside == ("German", "Russian")
    assert not finding.removable
    assert finding.sentence.startswith(
        "2 rows seem to be in another language than the 9 in English."
    )


def test_a_set_in_one_language_is_of_one_language_whichever_it_is():
    rows = [
        Example("Wie lange gilt ein Gutschein?", "Ein Gutschein gilt vier Jahre.", "a"),
        Example("Wer leitet die Werkstatt in Marburg?", "Die Werkstatt leitet Frau Orsolt.", "b"),
    ]
    assert "other_language" not in found(rows)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Heron?", "749 €"),
        ("☃ ☃ ☃ ☃ ☃ ☃ ☃ ☃ ☃ ☃", "☃"),
        ("1 + 1 = ? 2 + 2 = ? 3 + 3 = ?", "2, 4, 6"),
    ],
)
def test_nothing_is_said_of_a_row_whose_language_is_not_sure(question, answer):
    assert "other_language" not in found([*GOOD, Example(question, answer, "x")])
