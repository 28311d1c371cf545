"""Let a judge begin or go on: with the votes that it is held against, or with an evaluation.

Both go on from what is kept, however they ended, by being started again.
"""

from pathlib import Path
from typing import Any

from comparison.evaluation.kept import JUDGE, Evaluation, list_evaluations, read_evaluation
from comparison.judge.agreement import check_may_judge
from comparison.judge.judge import the_judge
from comparison.judge.kept import judge_at_work, judging_folder, votes_folder
from comparison.lab import Lab
from comparison.votes import list_votes
from workbench import jobs
from workbench.errors import RagtuneError
from workbench.files import write_json, writing

_MODULE = "comparison.judge.process"
_LOCK_SECONDS = 10.0


def start_measuring(lab: Lab) -> Path:
    """Let the judge vote on what people voted on, as far as it has not, and return at once.

    Returns:
        The job's folder.

    Raises:
        RagtuneError: there are no votes, or a judge or an evaluation is at work.
    """
    judge = the_judge(lab)
    if not list_votes(lab.database):
        raise RagtuneError(
            "There are no votes yet that the judge could be held against. Vote on page Ask, with "
            "Blind switched on."
        )
    about = {"model": judge.model, "sha256": judge.sha256}
    return _start(lab, votes_folder(lab.home, judge), about)


def start_judging(lab: Lab, evaluation: Evaluation) -> Path:
    """Let the judge compare the answers of an evaluation's columns, and return at once.

    Returns:
        The job's folder.

    Raises:
        RagtuneError: the evaluation is not complete or has a single column, the judge doesn't
            agree with people enough, or it or an evaluation is at work.
    """
    evaluation = read_evaluation(evaluation.folder)
    if evaluation.state.active or not evaluation.complete:
        raise RagtuneError(
            f"The evaluation {evaluation.name!r} is not complete. Let it come to its end; then its "
            "answers can be judged."
        )
    if len(evaluation.columns) < 2:
        raise RagtuneError(
            f"The evaluation {evaluation.name!r} has one column; a judge compares two or more."
        )
    judge, found = the_judge(lab), check_may_judge(lab)
    assert found.kappa is not None  # else it might not judge
    about = {
        "model": judge.model,
        "sha256": judge.sha256,
        "agreement": found.sentence,
        "kappa": [found.kappa.value, found.kappa.low, found.kappa.high],
        "votes": found.judged,
    }
    return _start(lab, judging_folder(evaluation, judge), about)


def _start(lab: Lab, folder: Path, about: dict[str, Any]) -> Path:
    with lab.home.lock("judge", _LOCK_SECONDS, "A judge is being started; try again."):
        if judge_at_work(lab.home):
            raise RagtuneError("A judge is at work already. Wait for it, or pause it.")
        for one in list_evaluations(lab.home):
            if one.state.active:
                raise RagtuneError(
                    f"The evaluation {one.name!r} is at work, and a judge would slow its answers "
                    "down. Wait for it, or pause it."
                )
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / JUDGE, about)
        jobs.start(folder, _MODULE)
    return folder
