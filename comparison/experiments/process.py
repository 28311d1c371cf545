"""The experiment's process: ``python -m comparison.experiments.process EXPERIMENT_FOLDER``."""

import sys
from pathlib import Path

from comparison.experiments.experiment import Chosen, as_saved
from comparison.experiments.keeper import Keeper
from comparison.experiments.kept import RESULT, check_conditions, read_experiment
from comparison.experiments.listed import find_experiment
from comparison.lab import open_lab
from workbench import jobs
from workbench.files import write_json
from workbench.settings import from_mapping


def work(folder: Path) -> None:
    """Run the experiment that the folder describes, as far as it isn't done yet."""
    with jobs.working(folder) as job:
        kept = read_experiment(folder)
        experiment = find_experiment(kept.key)
        lab = open_lab(folder.parent.parent)
        check_conditions(lab, kept)
        options = from_mapping(experiment.options, kept.options)
        chosen = Chosen(tuple(kept.questions()), kept.adapter, options, kept.examples())
        result = experiment.run(lab, chosen, Keeper(folder, job.say, job.check))
        write_json(folder / RESULT, as_saved(result))


if __name__ == "__main__":
    work(Path(sys.argv[1]))
