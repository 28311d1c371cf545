"""Judges for the server of tests, which reply by a rule, and votes to hold them against."""

import json
import threading

from comparison.blind import Round
from comparison.columns import Column
from comparison.judge.judge import the_judge
from comparison.judge.kept import votes_folder
from comparison.judge.process import work
from comparison.votes import ALL_GOOD, BEST, keep_vote
from workbench import jobs
from workbench.language_models.engine import Piece

BASE, RAG = Column("base"), Column("rag")


def shown(messages):
    """Return the data that a judge is shown."""
    text = messages[0]["content"]
    return json.loads(text[text.index("{") : text.rindex("}") + 1])


def longest(data):
    """Name the longest answer; the same length is equally good."""
    by_length = sorted(data["answers"].items(), key=lambda one: -len(one[1]))
    return "GOOD" if len(by_length[0][1]) == len(by_length[1][1]) else by_length[0][0]


def first(data):
    """Name whichever stands first."""
    return next(iter(data["answers"]))


class RuleJudge:
    """Streams a rule's reply as a server's model does."""

    def __init__(self, rule):
        self.rule = rule
        self.seen = []
        self.before = lambda count: None
        """Called with the number of conversations before each."""
        self._counting = threading.Lock()

    def stream(self, messages, *, adapter=None, max_new_tokens):
        with self._counting:
            self.seen.append(shown(messages))
            count = len(self.seen)
        self.before(count)
        reply = self.rule(self.seen[count - 1])
        for number, part in enumerate((reply, "\n"), start=1):
            yield Piece(part, 0.0, 100, number)


def vote(lab, number, against=False):
    """Keep a vote for the longer answer, or against it: it is RAG's three times in four."""
    order = (BASE, RAG) if number % 2 else (RAG, BASE)
    winner = BASE if number % 4 == 0 else RAG
    texts = tuple("Nora Lindqvist leads it." if one == winner else "Me." for one in order)
    place = order.index(winner)
    asked = Round(f"Question {number}?", order, texts)
    return keep_vote(lab.database, asked, BEST, 1 - place if against else place)


def twenty_votes(lab, against=()):
    """Keep twenty votes, one of them for both."""
    for number in range(19):
        vote(lab, number, against=number in against)
    keep_vote(lab.database, Round("Both?", (BASE, RAG), ("same", "Same")), ALL_GOOD)


def measure(lab):
    """Let the judge judge the votes, in this process."""
    folder = votes_folder(lab.home, the_judge(lab))
    folder.mkdir(parents=True, exist_ok=True)
    work(folder)
    return jobs.read(folder)
