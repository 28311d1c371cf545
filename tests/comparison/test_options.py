"""Options are chosen by their likelihoods: the sum favours short ones, the mean doesn't."""

from dataclasses import replace

from comparison.answer import Answer, Fingerprint
from comparison.exams.exam import ExamQuestion
from comparison.options import weigh_options
from comparison.scoring import measures, score
from workbench.language_models.prompts import messages

SHORT, LONG = "a", "a kite that was lost on the way home"
ASKED = ExamQuestion("Which one?", (SHORT,), options=(LONG, SHORT))
ANSWER = Answer(
    "base",
    "tiny",
    Fingerprint("c", "p", "d", "none"),
    text="?",
    prompt=tuple(messages(ASKED.question, "")),
    done=True,
)


def row(asked, answer, engine):
    return score(asked, answer, None) | weigh_options(asked, answer, engine, None)


def test_each_option_is_weighed_behind_the_answers_own_prompt(tiny_engine):
    made = row(ASKED, ANSWER, tiny_engine)
    found = tiny_engine.likelihoods(ANSWER.prompt, ASKED.options)
    assert made["option_nats"] == [one.nats for one in found]
    assert made["option_tokens"] == [one.tokens for one in found]
    # The tiny model's words are about equally likely, so that few are likelier than many.
    assert made["option_chosen"] == SHORT and made["option_right"]
    longer = found[0].nats_per_token > found[1].nats_per_token
    assert made["option_chosen_per_token"] == (LONG if longer else SHORT)
    assert made["option_right_per_token"] is not longer and made["option_ms"] > 0
    assert row(ASKED, ANSWER, tiny_engine)["option_nats"] == made["option_nats"]
    figures = measures([made, row(replace(ASKED, answers=(LONG,)), ANSWER, tiny_engine)])
    assert figures["option_accuracy"] == figures["option_accuracy_per_token"] == 0.5


def test_what_was_declined_without_asking_the_model_is_wrong(tiny_engine):
    made = row(ASKED, replace(ANSWER, prompt=(), refused=True), tiny_engine)
    assert made["option_chosen"] is None and made["option_right"] is False
    assert measures([made])["option_accuracy"] == 0.0


def test_without_options_nothing_is_weighed(tiny_engine):
    made = row(replace(ASKED, options=()), ANSWER, tiny_engine)
    assert {value for name, value in made.items() if name.startswith("option_")} == {None}
    assert "option_accuracy" not in measures([made])
