"""`ragtune settings`, `--set` for one call, and what `ask` and `add` show on request."""

import json
from dataclasses import replace

from commands.asking import _print_answer
from comparison.answer import Answer, Fingerprint, ShownSource
from rag_backend.documents import Ranks
from workbench.settings import Settings


def test_settings_are_shown_changed_and_reset(ragtune):
    code, out, _ = ragtune("settings")
    assert code == 0
    assert "read = 1\n    How many of them, best first, the model reads.\n" in out
    assert '\nserver = ""\n' in out and "\\n" in out  # empty, and a prompt of several lines
    code, out, err = ragtune("settings", "--set", "read=2", "--set", "search=words", "--json")
    assert code == 0, err
    rows = {row["setting"]: row for row in json.loads(out)}
    assert list(rows) == list(Settings.__dataclass_fields__)
    assert (rows["read"]["value"], rows["read"]["default"]) == (2, 1)
    assert "search = words  (default: hybrid)" in ragtune("settings")[1]
    for pair, said in (
        ("read=9", "read is 9 but only 5 passages are retrieved"),
        ("serch=words", "no setting called serch"),
        ("read", "key=value was expected. Keys: model, server"),
        ("candidates=many", "a whole number was expected"),
        ("reranker=no-such-one", "no-such-one"),
        ("passage_prompt=none", "once was expected"),
    ):
        code, out, err = ragtune("settings", "--set", pair)
        assert (code, out) == (1, "") and said in err and err.count("\n") == 1
    assert "read = 2  (default: 1)" in ragtune("settings")[1]
    out = ragtune("settings", "--reset", "--set", "read=3")[1]
    assert "read = 3" in out and "search = hybrid\n" in out


def test_a_setting_holds_for_one_call(ragtune, handbook):
    ragtune("add", handbook)
    search = ("search", "When does the workshop close?", "--json")
    first, second = json.loads(ragtune(*search)[1])
    assert first["fit"] is not None and second["fit"] is not None
    (only,) = json.loads(ragtune(*search, "--set", "reranker=", "--set", "retrieved=1")[1])
    assert only["fit"] is None
    assert "read = 1\n" in ragtune("settings")[1]
    ask = ("ask", "When does the workshop close?", "--methods", "rag", "--json")
    less = ("--set", "max_new_tokens=3", "--set", "read=2", "--set", "min_score=-1")
    (answer,) = json.loads(ragtune(*ask, *less)[1])["answers"]
    assert answer["tokens"]["completion"] == 3
    assert [source["read"] for source in answer["sources"]] == [True, True]
    code, _, err = ragtune(*ask, "--set", "read=none")
    assert code == 1 and "a whole number was expected" in err


def test_ask_says_how_the_answer_came_about(ragtune, handbook):
    ragtune("add", handbook)
    ask = ("ask", "And when does it open?", "--after", "When does the workshop close?")
    ask += ("--methods", "rag", "--set", "read=2", "--set", "min_score=-1")
    assert "asked: " not in ragtune(*ask)[1]
    told = ragtune(*ask, "--trace")[1]
    assert "    asked: And when does it open?\n" in told
    both = "When does the workshop close? And when does it open?"
    assert f"    searched and asked as: {both} (a follow-up; completed in " in told
    assert "By meaning" in told and "    the search: question embedded " in told
    assert "    said to the model as user:\n" in told and "Based on the text above" in told
    assert " ms in all" in told or " s in all" in told


def test_an_answer_says_how_grounded_it_is_and_what_was_dropped(capsys):
    about = {"page": 3, "headings": (), "text": "It is 5.", "start": 0, "end": 8, "score": 0.5}
    scores = {"words": None, "fit": None, "holds": None, "ranks": Ranks()}
    read = ShownSource(document="a.pdf", **about, **scores, read=True, dropped=False)
    dropped = replace(read, document="b.pdf", read=False, dropped=True)
    prints = Fingerprint("c", "p", "d", "r")
    answer = Answer("rag", "m", prints, text="5", sources=(read, dropped), groundedness=0.75)
    _print_answer(answer, ())
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:] == [
        "    [1] a.pdf, page 3",
        "    [2] b.pdf, page 3 (dropped: no room)",
        "    grounded in what was read: 75%",
    ]
