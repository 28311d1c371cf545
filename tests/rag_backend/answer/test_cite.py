"""Every sentence is linked to what supports it, or is not."""

import pytest

from rag_backend.answer.cite import cite, groundedness

HOURS = ("hours", "The workshop opens at 6:40. It closes at 17:20. On Fridays it closes at 15:00.")
PRICES = ("prices", "The model ZX-4410 costs 1,940 crowns, wheels included. Spare kites are sold.")


def placed(sentence, sources):
    """Return the text that supports a sentence."""
    return sources[sentence.by.source][1][sentence.by.start : sentence.by.end]


def test_a_sentence_is_linked_to_the_one_that_says_it():
    sources = [PRICES, HOURS]
    (one,) = cite("The workshop closes at 17:20.", sources, "When does the workshop close?")
    assert placed(one, sources) == "It closes at 17:20." and one.support == 1.0


def test_each_sentence_has_a_source_of_its_own():
    sources = [HOURS, PRICES]
    answer = "It opens at 6:40. The ZX-4410 costs 1940 crowns. It was invented in Vienna."
    first, second, third = cite(answer, sources)
    assert placed(first, sources) == "The workshop opens at 6:40."
    assert placed(second, sources) == "The model ZX-4410 costs 1,940 crowns, wheels included."
    assert third.by is None and third.support < 0.8
    assert answer[second.start : second.end] == "The ZX-4410 costs 1940 crowns."
    assert 0.6 < groundedness(answer, (first, second, third)) < 0.95


@pytest.mark.parametrize("wrong", ["It closes at 17:30.", "The workshop closes at 1720."])
def test_a_wrong_number_is_not_supported(wrong):
    (one,) = cite(wrong, [HOURS], "When does the workshop close?")
    assert one.by is None


def test_the_questions_own_words_support_nothing():
    (one,) = cite(
        "The managing director of the workshop is Vera Holt.",
        [("staff", "The managing director of the workshop is Nils Ask.")],
        "Who is the managing director of the workshop?",
    )
    assert one.by is None and one.support == 0.0


def test_the_past_of_the_questions_own_words_supports_nothing_either():
    (one,) = cite(
        "The works used to be a tram depot.",
        [("history", "The works were originally a tram depot.")],
        "What did the works use to be?",
    )
    assert one.by is not None and one.support == 1.0


def test_an_answer_of_the_questions_words_alone_is_measured_by_them():
    (one,) = cite("The workshop.", [HOURS], "What is the workshop?")
    assert one.by is not None


def test_several_sentences_may_support_one():
    text = "Kites are made by hand. The wood is ash. Their sails are of silk."
    (one,) = cite("Kites are made of ash wood with silk sails.", [("kites", text)])
    assert placed(one, [("kites", text)]) == text


def test_the_line_above_a_passage_counts_for_all_of_it():
    (one,) = cite("Nora Quill's leave is 31 days.", [("handbook Nora Quill", "Leave: 31 days.")])
    assert one.by is not None


def test_inflected_words_and_other_scripts_are_aligned():
    (one,) = cite("He repaired kites.", [("", "Repairing a kite takes a day.")], "Who was he?")
    assert one.by is not None
    (one,) = cite("作業場は夕方に閉まる。", [("", "作業場は朝に開く。作業場は夕方に閉まる。")])
    assert one.by.start == 9


def test_nothing_said_is_not_grounded_or_ungrounded():
    assert cite("", [HOURS]) == () and groundedness("", ()) is None
    (one,) = cite("Yes.", [])
    assert one.by is None and one.support == 0.0
