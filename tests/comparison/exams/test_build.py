"""Exams built from documents: three pools, nothing that was trained on, stopped and gone on."""

import dataclasses
import json
import re
import time

import pytest

import cli
from comparison.exams.build import (
    build_exam,
    building_folder,
    built,
    can_go_on,
    start_building,
)
from comparison.exams.exam import POOLS, read_exam
from comparison.exams.kept import find_exam, list_exams, pools_of, save_exam
from comparison.exams.leaks import Training, find_leaks, training_of
from comparison.exams.material import Material, in_turn
from comparison.exams.unanswerable import ask_beside
from comparison.exams.wanted import Built, Wanted
from comparison.write_examples import Author
from finetune_backend.examples.store import add_examples
from finetune_backend.settings import TrainSettings
from workbench import jobs
from workbench.errors import RagtuneError
from workbench.files import write_json
from workbench.language_models.engine import Piece
from workbench.values import Example

TEXT = """# Marlow Kites

Ottilie Brandt founded Marlow Kites in 1987. The flagship of Marlow Kites is the Amber.

# Leave

Every employee of Marlow Kites has 31 days of paid leave a year.

# Prices

The kite Bora LN-207 costs 48 shillings in Harbour Street.
"""
LEAVE = "Every employee of Marlow Kites has 31 days of paid leave a year."
TRAINED = [
    Example(f"{ask} days of leave does an employee of Marlow Kites {get}?", LEAVE, "leave")
    for ask, get in (("How many", "have"), ("Which number of", "obtain"), ("What count of", "see"))
]
UNTRAINED = Example("In which year did Ottilie Brandt begin?", "1987", "founded", "kites.md")


class Scripted:
    """An engine that asks for an answer by its sum, and finds the words with that sum again."""

    name, together, room = "scripted", 1, None

    def __init__(self):
        self.asked = 0

    def stream(self, messages, *, adapter, max_new_tokens):
        self.asked += 1
        yield Piece(self.say(messages[-1]["content"]), 0.0, 1, 1)

    def say(self, prompt):
        text, _, asked = prompt.rpartition("\n\n")
        if "List the facts" in asked:
            return ""
        if "Its answer is: " in asked:
            opener = re.search('begins with "(.+)"', asked)
            begins = opener[1] if opener else "Which"
            twist = f"{begins.lower()}ness {begins.lower()}hood"
            points = sum(map(ord, asked.rpartition("Its answer is: ")[2]))
            paid = " for each employee in paid leave" if "leave" in text else ""
            return f"{begins} {twist} of Marlow Kites{paid} has {points} points?"
        points = re.search(r"has (\d+) points", asked)
        if points is None:
            return "31 days"
        words = text.split()
        spans = (
            " ".join(words[start : start + size]).strip(".,")
            for size in range(1, 6)
            for start in range(len(words))
        )
        return next((one for one in spans if sum(map(ord, one)) == int(points[1])), "")


def author():
    return Author(Scripted(), None, None)


def unheard(_questions):
    pass


@pytest.fixture()
def lab(tiny_lab):
    tiny_lab.knowledge_base.add_bytes(TEXT.encode(), "kites.md")
    return tiny_lab


def write_run(home, examples=TRAINED, held_out=0):
    """Write what a run keeps of its training, without training."""
    folder = home.runs / "one"
    folder.mkdir()
    rows = [{"question": e.question, "answer": e.answer, "fact": e.fact} for e in examples]
    (folder / "examples.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    settings = dataclasses.asdict(TrainSettings(held_out=held_out))
    saved = {"settings": settings, "checkpoint": "tiny", "checkpoint_sha256": "", "created": 0.0}
    write_json(folder / "run.json", saved | {"examples": len(rows), "facts": 1})
    write_json(folder / "state.json", {"state": "done", "message": ""})


def test_three_pools_are_filled_and_nothing_leaks(lab):
    write_run(lab.home)
    add_examples(lab.database, [*TRAINED, UNTRAINED])
    wanted = Wanted("one", "one", trained=1, untrained=4, unanswerable=3)
    made = build_exam(lab, author(), wanted, unheard)
    assert pools_of(made) == {"trained": 1, "untrained": 4, "unanswerable": 3}
    training = training_of(lab, "one")
    assert not find_leaks([one.question for one in made], training)
    of = {pool: [one for one in made if one.pool == pool] for pool in POOLS}
    (trained,) = of["trained"]
    assert (trained.fact, trained.answers, trained.document) == ("leave", ("31 days",), "kites.md")
    # First what an example asks; then what is written, but not of the paragraph of the leave.
    assert (of["untrained"][0].question, of["untrained"][0].answers) == (
        UNTRAINED.question,
        ("1987",),
    )
    facts = [one.fact for one in of["untrained"]]
    assert len(set(facts)) == 4 and "leave" not in facts
    assert all("31" not in one.answers[0] for one in of["untrained"])
    for one in of["unanswerable"]:
        assert one.unanswerable and not one.answers
        names = re.findall(r"(?<= )[A-Z]\w+", one.question)
        assert any(name.casefold() not in TEXT.casefold() for name in names), one


def test_a_wording_that_was_held_out_is_taken_first(lab):
    others = [Example(f"Who flies number {n}?", f"Pilot {n}", f"pilot {n}") for n in range(9)]
    write_run(lab.home, [*others, *TRAINED], held_out=1)
    (held_out,) = training_of(lab, "one").held_out
    asked = author()
    (made,) = build_exam(lab, asked, Wanted("x", "one", 1, 0, 0), unheard)
    assert (made.question, made.answers) == (held_out.question, ("31 days",))
    assert asked.engine.asked == 1  # what it is in short


def test_what_was_found_before_is_kept_and_not_asked_again(lab):
    write_run(lab.home)

    class Stop(Exception):
        pass

    kept = []

    def stop(questions):
        kept[:] = questions
        if len(questions) > 1:
            raise Stop

    wanted = Wanted("one", "one", trained=1, untrained=5, unanswerable=2)
    with pytest.raises(Stop):
        build_exam(lab, author(), wanted, stop)
    first = list(kept)
    made = build_exam(lab, author(), wanted, unheard, first)
    assert made[: len(first)] == first
    assert sorted(map(repr, made)) == sorted(map(repr, build_exam(lab, author(), wanted, unheard)))
    engine = author()
    assert build_exam(lab, engine, wanted, unheard, made) == made and not engine.engine.asked


def test_a_name_is_exchanged_for_one_that_stands_nowhere(lab):
    questions = (
        "What does the Bora LN-207 cost?",
        "Who founded Marlow Kites in May?",
        "What is the Amber's colour?",
        "Where does one sign the VAT form?",  # no name
        "Wie viel kostet der Bora?",  # where every noun has a capital
        "Who is Ada?",  # whom the documents don't know anyway
    )
    examples = [Example(one, "So.", str(place)) for place, one in enumerate(questions)]
    material = Material(lab, author(), Training("", tuple(examples)))
    made = [one.question for one in next(ask_beside(material, ()))]
    patterns = (
        r"What does the Bora LN-(?!207)\d{3} cost\?",
        r"Who founded (?!Marlow)[A-Z][a-z]+ (?!Kites)[A-Z][a-z]+ in May\?",
        r"What is the (?!Amber)[A-Z][a-z]+'s colour\?",
    )
    for pattern in patterns:
        assert sum(re.fullmatch(pattern, one) is not None for one in made) == 1, pattern
    assert len(made) == 3


def test_documents_have_their_turns():
    facts = [[Example("Q?", "A", f"a{n}", "a.csv")] for n in range(9)]
    facts += [[Example("Q?", "A", "b", "b.md")], [Example("Q?", "A", "c")]]
    turns = [own[0].document for own in in_turn(facts)]
    assert set(turns[:3]) == {"a.csv", "b.md", None} and turns[3:] == ["a.csv"] * 8


def test_fewer_than_were_asked_for_are_told(lab):
    add_examples(lab.database, TRAINED)
    made = build_exam(lab, author(), Wanted("one", None, 5, 0, 0), unheard)
    assert [one.fact for one in made] == ["leave"]
    told = Built("one", pools_of(made), Wanted("one", None, 5, 0, 0)).fewer()
    assert told == [
        "1 of 5 trained questions: no other wording was found whose answer the reader finds again "
        "in the documents."
    ]


def test_sizes_names_and_documents_are_checked_before_the_start(lab):
    with pytest.raises(RagtuneError, match="trained is -1; a number from 0 to 1,000"):
        Wanted("one", trained=-1)
    with pytest.raises(RagtuneError, match="All three pools are empty"):
        Wanted("one", None, 0, 0, 0)
    with pytest.raises(RagtuneError, match="'../one' can't be the name of an exam"):
        start_building(lab, Wanted("../one"))
    with pytest.raises(RagtuneError, match="There is no adapter 'two'"):
        start_building(lab, Wanted("one", "two"))
    lab.knowledge_base.remove("kites.md")
    with pytest.raises(RagtuneError, match="no documents to build an exam from"):
        start_building(lab, Wanted("one"))
    assert not building_folder(lab.home).exists() and not can_go_on(lab.home)


def test_what_comes_along_builds_an_exam_in_a_job(lab, capsys):
    """The real writer and the real reader, from the command line."""
    add_examples(lab.database, TRAINED)
    home = ["--home", str(lab.home.folder)]
    sizes = ["--trained", "1", "--untrained", "2", "--unanswerable", "2"]
    assert cli.main(["exams", "build", "--name", "mine", *sizes, "--json", *home]) == 0
    told = json.loads(capsys.readouterr().out)
    made = read_exam(find_exam(lab.home, "mine"))
    assert told == {"exam": "mine", **pools_of(made)} and told["untrained"] == 2
    assert built(lab.home).name == "mine" and not can_go_on(lab.home)
    assert jobs.read(building_folder(lab.home)).state == "done"
    assert cli.main(["exams", "check", "mine", "--json", *home]) == 0
    assert json.loads(capsys.readouterr().out)["leaks"] == []
    with pytest.raises(RagtuneError, match="There is an exam 'mine' already"):
        start_building(lab, Wanted("mine"))
    save_exam(lab.home, "other", made)
    assert cli.main(["exams", *home]) == 0
    assert "mine" in capsys.readouterr().out and len(list_exams(lab.home)) == 2


def test_what_was_found_before_a_stop_is_kept(lab):
    """The real writer, as a job."""
    many = "".join(
        f"# Kite {n}\n\nThe kite number {n} of Marlow costs {n} shillings.\n\n"
        for n in range(20, 90)
    )
    lab.knowledge_base.add_bytes(many.encode(), "many.md")
    start_building(lab, Wanted("part", None, 0, 200, 0))
    folder = building_folder(lab.home)
    with pytest.raises(RagtuneError, match="An exam is being built already"):
        start_building(lab, Wanted("other"))
    while jobs.at_work(folder) and not (folder / "questions.jsonl").exists():
        time.sleep(0.1)
    jobs.cancel(folder)
    while jobs.at_work(folder):
        time.sleep(0.1)
    assert jobs.read(folder).state == "cancelled" and not can_go_on(lab.home)
    made = read_exam(find_exam(lab.home, "part"))
    assert 0 < len(made) < 200 and built(lab.home).pools == pools_of(made)
    assert built(lab.home).fewer() == ["It was stopped before all questions were found."]
