"""The judge's process: ``python -m comparison.judge.process JUDGE_FOLDER``."""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from comparison.evaluation.kept import read_evaluation
from comparison.judge.agreement import check_may_judge, vote_cases
from comparison.judge.case import Case
from comparison.judge.judge import ask_judge, load_judge, the_judge
from comparison.judge.kept import add_judgement, mend_judgements, read_judgements
from comparison.judge.pairs import pairs_of
from comparison.lab import Lab, open_lab
from comparison.votes import list_votes
from workbench import jobs
from workbench.errors import RagtuneError


def work(folder: Path) -> None:
    """Judge what was not judged yet: the home's votes, or the evaluation that the folder is in."""
    with jobs.working(folder) as job:
        mend_judgements(folder)
        evaluated = (folder.parent / "evaluation.json").exists()
        lab = open_lab(folder.parents[2 if evaluated else 1])
        judge = the_judge(lab)
        if not folder.name.endswith(judge.key):
            raise RagtuneError(
                f"The Settings name another judge since, {judge.model}. What was judged is kept; "
                "choose the former judge again, or let this one begin."
            )
        if evaluated:
            check_may_judge(lab)
            pairs = pairs_of(read_evaluation(folder.parent))
            what, cases = folder.parent.name, [pair.case for pair in pairs if not pair.same]
        else:
            what, cases = "the votes", vote_cases(lab.home, list_votes(lab.database))
        _judge(lab, list({case.digest: case for case in cases}.values()), what, job)


def _judge(lab: Lab, cases: Sequence[Case], what: str, job: jobs.Job) -> None:
    there = read_judgements(job.folder)
    left = [case for case in cases if case.digest not in there]
    done = len(cases) - len(left)
    if not left:
        return
    job.say("Loading the judge", done / len(cases))
    try:
        engine = load_judge(lab)

        def judge(case: Case) -> None:
            add_judgement(job.folder, case, ask_judge(engine, case))

        with ThreadPoolExecutor(engine.together) as pool:
            asked = [pool.submit(judge, case) for case in left]
            try:
                for one in as_completed(asked):
                    one.result()
                    done += 1
                    job.say(f"Judging {what}, {done:,} of {len(cases):,}", done / len(cases))
            finally:  # where it is to stop, what is under way comes to its end and is kept
                for one in asked:
                    one.cancel()
    except RagtuneError as error:
        there = read_judgements(job.folder)
        done = sum(case.digest in there for case in cases)
        raise RagtuneError(
            f"The judge stopped after {done:,} of {len(cases):,}, which are kept: {error} Once "
            "that is put right, it can go on."
        ) from error


if __name__ == "__main__":
    work(Path(sys.argv[1]))
