"""An exam built from the documents, in three pools: ``python -m comparison.exams.build FOLDER``.

That is a job of its own, which the page Exams and ``ragtune exams build`` start. Facts that were
trained on are asked for in other words, facts that were not are asked for too, and names are
exchanged so that the documents hold no answer. No question was trained on. What was found is kept
question by question: a job that was killed goes on, and one that is stopped keeps what it has.
"""

import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from comparison.exams.exam import TRAINED, UNTRAINED, ExamQuestion, read_exam, to_jsonl
from comparison.exams.kept import check_free, free_name, pools_of, save_exam
from comparison.exams.leaks import Training, find_leaks, training_of
from comparison.exams.material import Material
from comparison.exams.trained import ask_of_trained
from comparison.exams.unanswerable import ask_beside
from comparison.exams.untrained import ask_of_untrained
from comparison.exams.wanted import Built, Wanted
from comparison.lab import Lab, open_lab
from comparison.write_examples import Author, load_author
from finetune_backend.examples.same_question import joined, same_questions
from rag_backend.documents import Progress
from workbench import jobs
from workbench.errors import RagtuneError
from workbench.files import read_json, write_bytes, write_json
from workbench.home import Home

_FOLDER = "building-exam"


def build_exam(
    lab: Lab,
    author: Author,
    wanted: Wanted,
    keep: Callable[[Sequence[ExamQuestion]], object],
    found: Sequence[ExamQuestion] = (),
) -> list[ExamQuestion]:
    """Build an exam; there may be fewer questions than were asked for.

    Args:
        lab: with documents.
        author: see `comparison.write_examples.load_author`.
        wanted: what to build; its name doesn't matter here.
        keep: called with all questions so far whenever there are more, and while they are looked
            for; what it raises ends the building.
        found: questions of an earlier time that was ended before its time.

    Raises:
        RagtuneError: there are no documents, no such run, or the model can't answer.
    """
    if lab.knowledge_base.empty():
        raise RagtuneError("There are no documents to build an exam from. Add some first.")
    training = training_of(lab, wanted.run)
    material, made = Material(lab, author, training), list(found)
    done = {one.fact for one in made if one.fact}
    asking = {TRAINED: ask_of_trained, UNTRAINED: ask_of_untrained}
    keep(made)
    for pool, size in wanted.sizes.items():
        missing = size - pools_of(made)[pool]
        if missing <= 0:
            continue
        asked: Iterator[list[ExamQuestion]]
        asked = asking[pool](material, done) if pool in asking else ask_beside(material, made)
        for questions in asked:
            fresh = _fresh(questions, made, training)[:missing]
            made += fresh
            done |= {one.fact for one in fresh if one.fact}
            missing -= len(fresh)
            keep(made)
            if not missing:
                break
    return made


def _fresh(
    questions: Sequence[ExamQuestion], made: Sequence[ExamQuestion], training: Training
) -> list[ExamQuestion]:
    """Return those that were neither trained on nor asked already, one for each fact."""
    texts = [one.question for one in questions]
    known = {leak.place for leak in find_leaks(texts, training)}
    known |= same_questions(texts, [one.question for one in made]).keys()
    facts = {one.fact for one in made if one.fact}
    first, fresh = set[int](), []
    for place, (one, group) in enumerate(zip(questions, joined(texts), strict=True)):
        if place in known or group in first or one.fact in facts:
            continue
        first.add(group)
        if one.fact:
            facts.add(one.fact)
        fresh.append(one)
    return fresh


def start_building(lab: Lab, wanted: Wanted) -> None:
    """Start the job and return at once.

    Raises:
        RagtuneError: another exam is being built, the name is unusable or taken, there are no
            documents, or the run can't be used.
    """
    folder = building_folder(lab.home)
    check_free(lab.home, wanted.name)
    if lab.knowledge_base.empty():
        raise RagtuneError("There are no documents to build an exam from. Add some first.")
    training_of(lab, wanted.run)
    with lab.home.lock(_FOLDER, 10.0, "Another exam is being started; try again."):
        if jobs.at_work(folder):
            raise RagtuneError("An exam is being built already. Wait for it, or stop it.")
        folder.mkdir(exist_ok=True)
        _questions_file(folder).unlink(missing_ok=True)
        _built_file(folder).unlink(missing_ok=True)
        write_json(_wanted_file(folder), dataclasses.asdict(wanted))
        go_on_building(lab.home)


def go_on_building(home: Home) -> None:
    """Let the job go on from what it has, unless it is at work."""
    jobs.start_once(home, _FOLDER, "comparison.exams.build")


def follow_building(home: Home, progress: Progress) -> Built:
    """Wait for the job's end, and return what was built.

    Raises:
        RagtuneError: it did not end well; with its reason.
    """
    jobs.follow(building_folder(home), progress)
    done = built(home)
    assert done is not None  # it is written before the end
    return done


def building_folder(home: Home) -> Path:
    """Return the job's folder."""
    return home.folder / _FOLDER


def built(home: Home) -> Built | None:
    """Return what the last job built; None where there was none, or it did not get so far."""
    file = _built_file(building_folder(home))
    if not file.exists():
        return None
    saved = read_json(file)
    return Built(**saved | {"wanted": Wanted(**saved["wanted"])})


def can_go_on(home: Home) -> bool:
    """Did the last job end before its time, so that it can go on?"""
    folder = building_folder(home)
    started = (folder / "state.json").exists() and _wanted_file(folder).exists()
    return started and jobs.read(folder).ended and built(home) is None


def _wanted_file(folder: Path) -> Path:
    return folder / "wanted.json"


def _questions_file(folder: Path) -> Path:
    return folder / "questions.jsonl"


def _built_file(folder: Path) -> Path:
    return folder / "built.json"


def _work(folder: Path) -> None:
    with jobs.working(folder) as job:
        lab = open_lab(folder.parent)
        wanted, file = Wanted(**read_json(_wanted_file(folder))), _questions_file(folder)
        made = read_exam(file) if file.exists() else []

        def keep(questions: Sequence[ExamQuestion]) -> None:
            if len(questions) > len(made):
                made[:] = questions
                write_bytes(file, to_jsonl(made).encode())
            job.say(_progress(made, wanted), len(made) / sum(wanted.sizes.values()))

        try:
            job.say("Loading the question writer")
            build_exam(lab, load_author(lab), wanted, keep, list(made))
        except jobs.Cancelled:
            _finish(lab.home, wanted, made, stopped=True)
            raise
        done = _finish(lab.home, wanted, made)
        if not made:
            raise RagtuneError(f"No question could be built. {' '.join(done.fewer())}")


def _finish(
    home: Home, wanted: Wanted, made: Sequence[ExamQuestion], stopped: bool = False
) -> Built:
    """Keep what was built under the name that was wished for, or one like it if it is taken."""
    name = free_name(home, wanted.name) if made else ""
    if made:
        save_exam(home, name, made)
    done = Built(name, pools_of(made), wanted, stopped)
    write_json(_built_file(building_folder(home)), dataclasses.asdict(done))
    return done


def _progress(made: Sequence[ExamQuestion], wanted: Wanted) -> str:
    counts = pools_of(made)
    parts = [f"{counts[pool]} of {size} {pool}" for pool, size in wanted.sizes.items() if size]
    return "Questions: " + ", ".join(parts)


if __name__ == "__main__":
    _work(Path(sys.argv[1]))
