"""Several answers at once: ``python -m benchmarks.concurrency``.

``--engine`` chooses who answers. Every answer is 33 tokens long, so that times compare.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median
from typing import Any

from benchmarks.generation import NEW_TOKENS, REPETITIONS
from benchmarks.report import figure, print_report, tell
from comparison import sample
from comparison.answer import Answer
from comparison.ask import METHODS, ask
from comparison.lab import Lab, open_lab
from comparison.start_training import start_training
from finetune_backend.examples.read import read_examples
from finetune_backend.runs import read_run
from finetune_backend.settings import TrainSettings
from workbench.settings import ENGINES, Settings

_PASSAGES_READ = {"four_columns": 1, "four_columns_long": 5}
_STORY = "Write a long story about the {} of Brindlecart, with every detail."
_SUBJECTS = (
    *("managing director", "workshop", "travel policy", "price list"),
    *("staff handbook", "safety rules", "returns of goods", "dealers"),
)


def main() -> None:
    """Measure, and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=ENGINES, default="int8")
    engine = parser.parse_args().engine
    with tempfile.TemporaryDirectory() as home:
        lab = open_lab(home)
        settings = {
            case: Settings(engine=engine, read=read, max_new_tokens=NEW_TOKENS)
            for case, read in _PASSAGES_READ.items()
        }
        lab.change_settings(settings["four_columns"])
        tell("Adding the sample's documents and an adapter …")
        sample.add_documents(lab, lambda _message, _share: None)
        add_adapter(lab)
        asked = Asked(lab)
        figures = []
        for case, chosen in settings.items():
            lab.change_settings(chosen)
            figures.append(four_columns(asked, f"{case}_ratio", case))
        lab.change_settings(settings["four_columns"])
        figures.append(eight_askers(asked, "eight_askers_throughput", "base"))
        figures.append(eight_askers(asked, "eight_rag_askers_throughput", "rag"))
        differing = figure(
            "answers_differing",
            asked.differing,
            "answers",
            "lower",
            0,
            peer=f"the same answer given alone; {asked.compared} were compared",
        )
        lab.database.close()
    print_report("concurrency", [*figures, differing])


def add_adapter(lab: Lab) -> None:
    """Train an adapter that changes next to nothing: what it says must stay long enough."""
    examples = read_examples(sample.TRAINING.read_bytes(), sample.TRAINING.name).examples[:16]
    settings = TrainSettings(epochs=1, learning_rate=1e-4)
    run = start_training(lab, examples, settings, "nearly-nothing")
    while run.state.active:
        time.sleep(0.2)
        run = read_run(run.folder)
    if not run.complete:
        raise SystemExit(f"The fine-tune is {run.state.state}: {run.state.message}")


class Asked:
    """Asks, and remembers what was answered alone, to compare it with."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._alone: dict[tuple[str, str, str], str] = {}
        self.compared = 0
        self.differing = 0

    def answers(self, case: str, question: str, methods: Sequence[str]) -> list[Answer]:
        """Return the answers of some methods asked together.

        Raises:
            ValueError: one failed or ended before its bound, so that times can't be compared.
        """
        done = [answer for answer in ask(self._lab, question, methods) if answer.done]
        for answer in done:
            if answer.error or answer.tokens.completion != NEW_TOKENS:
                raise ValueError(
                    f"{answer.method} wrote {answer.tokens.completion} tokens; {NEW_TOKENS} were "
                    f"expected. {answer.error}"
                )
            text = self._alone.setdefault((case, question, answer.method), answer.text)
            self.compared += 1
            self.differing += text != answer.text
        return done


def four_columns(asked: Asked, name: str, case: str) -> dict[str, Any]:
    """Measure all methods together against the slowest one alone."""
    question = _STORY.format(_SUBJECTS[0])
    for method in METHODS:  # loads everything, and keeps the text that each gives alone
        (answer,) = asked.answers(case, question, [method])
        tell(f"{case}: {method} reads {answer.tokens.prompt} tokens")
    alone: dict[str, list[float]] = {method: [] for method in METHODS}
    together: list[float] = []
    for _ in range(REPETITIONS):
        for method in METHODS:
            alone[method].append(seconds(partial(asked.answers, case, question, [method])))
        together.append(seconds(partial(asked.answers, case, question, METHODS)))
    slowest = max(alone.values(), key=median)
    tell(f"{name}: slowest alone {median(slowest):.2f} s, together {median(together):.2f} s")
    rounds = [t / s for t, s in zip(together, slowest, strict=True)]
    value = median(together) / median(slowest)
    return figure(name, value, "x", "lower", 2.2, runs=rounds, peer="the slowest column alone")


def eight_askers(asked: Asked, name: str, method: str) -> dict[str, Any]:
    """Measure eight people's tokens per second against those of one."""
    questions = [_STORY.format(subject) for subject in _SUBJECTS]
    for question in questions:
        asked.answers(name, question, [method])
    everybody = [partial(asked.answers, name, question, [method]) for question in questions]
    one: list[float] = []
    eight: list[float] = []
    for number in range(REPETITIONS):
        question = questions[number % len(questions)]
        one.append(seconds(partial(asked.answers, name, question, [method])))
        eight.append(seconds(partial(at_once, everybody)))
    tell(f"{name}: one {median(one):.2f} s, eight {median(eight):.2f} s")
    rounds = [len(questions) * o / e for o, e in zip(one, eight, strict=True)]
    value = len(questions) * median(one) / median(eight)
    return figure(name, value, "x", "higher", 4.0, runs=rounds, peer="one asker")


def at_once(tasks: Sequence[Callable[[], object]]) -> None:
    """Run tasks in threads and wait for all of them; the first error is raised."""
    with ThreadPoolExecutor(len(tasks)) as threads:
        for task in [threads.submit(task) for task in tasks]:
            task.result()


def seconds(task: Callable[[], object]) -> float:
    """Return how long a task takes."""
    started = time.perf_counter()
    task()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
