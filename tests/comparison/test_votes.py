"""Votes are kept, counted with their uncertainty, and checked for a bias of the place."""

import csv
import io
import json
import math
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import cli
from comparison.blind import Round
from comparison.columns import Column
from comparison.votes import (
    ALL_BAD,
    ALL_GOOD,
    BEST,
    Vote,
    delete_vote,
    first_place,
    keep_vote,
    list_votes,
    standings,
    votes_csv,
)
from workbench.errors import RagtuneError
from workbench.home import open_home
from workbench.storage import Database

ROOT = Path(__file__).resolve().parent.parent.parent
BASE, RAG, TUNED = Column("base"), Column("rag"), Column("finetuned", "one")
TWO, THREE = (
    Round("Who?", (RAG, BASE), ("Nora.", "Me.")),
    Round("When?", (BASE, RAG, TUNED), ("a", "b", "c")),
)


def votes(*places, shown=TWO):
    """Return votes for the best at these places; a text is what was said instead."""
    return [
        Vote(number, shown, place, None, "")
        if isinstance(place, str)
        else Vote(number, shown, BEST, place, "")
        for number, place in enumerate(places)
    ]


@pytest.fixture()
def database(tmp_path):
    database = Database(open_home(tmp_path / "home"))
    yield database
    database.close()


def test_votes_come_back_as_they_were_given(database):
    first = keep_vote(database, TWO, BEST, 1)
    second = keep_vote(database, THREE, ALL_BAD)
    one, other = list_votes(database)
    assert (one.number, one.round, one.said, one.place, one.winner) == (first, TWO, BEST, 1, BASE)
    assert (other.number, other.said, other.winner) == (second, ALL_BAD, None)
    assert other.round.order == (BASE, RAG, TUNED) and "T" in other.voted_at


def test_a_vote_is_taken_back_and_its_number_is_never_given_again(database):
    first, second = keep_vote(database, TWO, BEST, 0), keep_vote(database, TWO, ALL_GOOD)
    delete_vote(database, second)
    delete_vote(database, second)
    assert [vote.number for vote in list_votes(database)] == [first]
    assert keep_vote(database, TWO, ALL_GOOD) > second


@pytest.mark.parametrize(
    ("said", "place"),
    [(BEST, None), (BEST, 2), (BEST, -1), (ALL_GOOD, 0), (ALL_BAD, 1), ("worst", 0), ("", None)],
)
def test_a_vote_that_makes_no_sense_is_refused(database, said, place):
    with pytest.raises(RagtuneError, match="was expected"):
        keep_vote(database, TWO, said, place)
    assert list_votes(database) == []


def test_a_kept_vote_survives_a_kill(tmp_path, database):
    script = (
        "import os, signal, sys\n"
        "from comparison.blind import Round\n"
        "from comparison.columns import Column\n"
        "from comparison.votes import keep_vote\n"
        "from workbench.home import open_home\n"
        "from workbench.storage import Database\n"
        "shown = Round('Who?', (Column('rag'), Column('base')), ('Nora.', 'Me.'))\n"
        "keep_vote(Database(open_home(sys.argv[1])), shown, 'best', 0)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    home = str(tmp_path / "home")
    ended = subprocess.run([sys.executable, "-c", script, home], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    (vote,) = list_votes(database)
    assert vote.winner == RAG and vote.round.texts == ("Nora.", "Me.")


def test_a_home_of_an_older_version_takes_votes(tmp_path, database):
    keep_vote(database, TWO, BEST, 0)
    database.close()
    connection = sqlite3.connect(tmp_path / "home" / "ragtune.sqlite")
    connection.execute("DROP TABLE votes")
    connection.execute("PRAGMA user_version = 3")
    connection.close()
    newer = Database(open_home(tmp_path / "home"))
    keep_vote(newer, TWO, BEST, 1)
    assert len(list_votes(newer)) == 1
    newer.close()


def test_wins_are_counted_among_the_votes_that_name_a_best_one():
    given = [*votes(0, 0, 1, ALL_GOOD, ALL_BAD), *votes(2, 1, shown=THREE)]
    rag, tuned, base = standings(given)
    assert (rag.column, rag.wins, rag.decided) == (RAG, 3, 5)
    assert (rag.low, rag.high) == pytest.approx((0.2307, 0.8824), abs=1e-4)
    assert (tuned.column, tuned.wins, tuned.decided) == (TUNED, 1, 2)
    assert (base.column, base.wins, base.decided) == (BASE, 1, 5)
    assert standings([]) == standings(votes(ALL_BAD)) == []


def test_the_first_place_is_tested_exactly():
    even = first_place(votes(0, 0, 0))
    assert (even.wins, even.decided, even.expected, even.p) == (3, 3, 1.5, 0.125)
    mixed = first_place([*votes(0), *votes(0, shown=THREE)])
    assert mixed.p == pytest.approx(1 / 6)
    assert first_place([*votes(0), *votes(1, shown=THREE)]).p == pytest.approx(1 - 1 / 2 * 2 / 3)
    assert first_place(votes(1, 1, ALL_GOOD)).p == 1.0
    assert first_place([]).p == 1.0
    places = [0] * 20 + [1] * 20 + [2] * 20
    exact = sum(math.comb(60, k) * (1 / 3) ** k * (2 / 3) ** (60 - k) for k in range(20, 61))
    assert first_place(votes(*places, shown=THREE)).p == pytest.approx(exact)


def test_a_favoured_place_is_said_in_a_sentence():
    assert "after 5 votes" in first_place(votes(0, 0, 0, 0)).sentence()
    assert "no sign" in first_place(votes(0, 1, 0, 1, 1, 0)).sentence()
    said = first_place(votes(*[0] * 9, 1)).sentence()
    assert "9 of 10" in said and "p = 0.011" in said and "seems to be favoured" in said


def test_a_file_of_votes_runs_no_formulas():
    shown = Round("=HYPERLINK(1)", (RAG, BASE), ("+1", 'He said "no",\nand left.'))
    text = votes_csv([*votes(1, shown=shown), *votes(ALL_BAD, shown=THREE)])
    one, other = csv.DictReader(io.StringIO(text))
    assert one["question"] == "'=HYPERLINK(1)" and one["A answered"] == "'+1"
    assert one["B answered"] == 'He said "no",\nand left.'
    assert (one["winner"], one["place"], one["A"], one["C"]) == ("base", "B", "rag", None)
    assert (other["said"], other["winner"], other["C"]) == (ALL_BAD, "", "finetuned · one")
    assert votes_csv([]).startswith("number,")


def test_the_command_line_prints_them(tmp_path, database, capsys):
    home = str(tmp_path / "home")
    assert cli.main(["--home", home, "votes"]) == 0
    assert "No votes yet" in capsys.readouterr().out
    keep_vote(database, TWO, ALL_GOOD)
    assert cli.main(["--home", home, "votes"]) == 0
    assert "No best one" in capsys.readouterr().out
    keep_vote(database, TWO, BEST, 0)
    assert cli.main(["--home", home, "votes"]) == 0
    out = capsys.readouterr().out
    assert "rag" in out and "1.000" in out and "after 5 votes" in out
    assert cli.main(["--home", home, "votes", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [vote["winner"] for vote in told["votes"]] == [None, "rag"]
    assert told["columns"][0]["column"] == "rag" and told["first_place"]["p"] == 0.5
