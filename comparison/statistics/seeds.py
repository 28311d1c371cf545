"""Several fine-tunes that differ in their seed alone: questions vary, and so do seeds."""

import math
from collections.abc import Sequence

import numpy as np

from comparison.statistics.bootstrap import RESAMPLES
from comparison.statistics.interval import CONFIDENCE, Interval


def seeds_interval(values: Sequence[Sequence[float]], seed: int = 0) -> Interval:
    """Return the mean over seeds and questions, with an interval for other ones of both.

    Seeds and questions are drawn again independently of each other (Owen 2007, "The Pigeonhole
    Bootstrap", Annals of Applied Statistics 1(2)), which errs on the wide side. Few seeds vary
    less than all would: the interval is wider by √(s/(s−1)) for that.

    Args:
        values: for each seed one value for each question, from 0 to 1; two seeds or more.
        seed: of the random choice.
    """
    given = np.asarray(values, dtype=np.float64)
    if given.ndim != 2 or given.shape[0] < 2 or not given.shape[1]:
        raise ValueError("Two seeds or more, with the same questions each, were expected.")
    seeds, questions = given.shape
    draw = np.random.default_rng(seed)
    of_seeds = draw.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES) / seeds
    of_questions = (
        draw.multinomial(questions, np.full(questions, 1 / questions), size=RESAMPLES) / questions
    )
    means = np.einsum("rs,sq,rq->r", of_seeds, given, of_questions, optimize=True)
    mean, tail = float(given.mean()), (1 - CONFIDENCE) / 2
    wider = math.sqrt(seeds / (seeds - 1))
    low, high = mean + (np.quantile(means, (tail, 1 - tail)) - mean) * wider
    return Interval(mean, max(0.0, float(low)), min(1.0, float(high)))
