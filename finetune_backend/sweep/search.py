"""The search itself: Optuna proposes settings, stops hopeless trials, says what mattered.

Optuna's own storages are not used. What it has to know is what the trials' file says, and each
proposal is drawn with a seed of its own: a sweep that was killed goes on as if it had not been.
"""

from collections.abc import Sequence
from typing import Any

from finetune_backend.sweep.space import BY_FACTORS, Params, Space, is_whole
from finetune_backend.sweep.trials import Trial

RANDOM_TRIALS = 4
"""Before proposals follow from what was reached (Bergstra et al. 2011: TPE)."""
BEFORE_PRUNING = 3
"""Trials that must have reached an epoch before one is stopped for being below their median."""
BEFORE_IMPORTANCE = 5


class Search:
    """A study over a space, with the trials that came to an end."""

    def __init__(self, space: Space, trials: Sequence[Trial], seed: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._seed, self._distributions = seed, _distributions(space)
        self._study = optuna.create_study(
            direction="maximize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=BEFORE_PRUNING),
        )
        self._trial: Any = None
        for trial in trials:
            self._study.add_trial(_as_optuna(trial, self._distributions))

    def begin(self, number: int, params: Params | None = None) -> Params:
        """Begin a trial and return its settings: those given, or else new ones."""
        import optuna

        if params is not None:
            self._study.enqueue_trial(dict(params))
        self._study.sampler = optuna.samplers.TPESampler(
            n_startup_trials=RANDOM_TRIALS, seed=self._seed * 1_000_003 + number
        )
        self._trial = self._study.ask(self._distributions)
        return dict(self._trial.params)

    def is_hopeless(self, epoch: int, score: float) -> bool:
        """Take note of what the trial has reached; is that below the median at this epoch?"""
        self._trial.report(score, epoch)
        return bool(self._trial.should_prune())

    def end(self, trial: Trial) -> None:
        """Take note of how the trial ended."""
        ended = _as_optuna(trial, self._distributions)
        reached = ended.value if ended.state.name == "COMPLETE" else None  # else it knows itself
        self._study.tell(self._trial, reached, state=ended.state)

    def importances(self) -> dict[str, float]:
        """Return each setting's share in how far apart the results are (fANOVA, Hutter 2014).

        Empty where too few trials came to their end, or all ended alike.
        """
        import optuna

        done = [trial for trial in self._study.trials if trial.state.name == "COMPLETE"]
        if len(done) < BEFORE_IMPORTANCE or len({trial.value for trial in done}) == 1:
            return {}
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=self._seed)
        found = optuna.importance.get_param_importances(self._study, evaluator=evaluator)
        return {name: float(share) for name, share in found.items()}


def _distributions(space: Space) -> dict[str, Any]:
    from optuna.distributions import FloatDistribution, IntDistribution

    return {
        name: IntDistribution(int(within.low), int(within.high), log=name in BY_FACTORS)
        if is_whole(name)
        else FloatDistribution(within.low, within.high, log=name in BY_FACTORS)
        for name, within in space.items()
    }


def _as_optuna(trial: Trial, distributions: dict[str, Any]) -> Any:
    """Return a trial that ended as Optuna keeps it; one that was stopped counts as pruned."""
    from optuna.trial import TrialState, create_trial

    state = TrialState.PRUNED if trial.epochs else TrialState.FAIL
    if trial.state in ("done", "failed"):
        state = TrialState.COMPLETE if trial.state == "done" else TrialState.FAIL
    return create_trial(
        state=state,
        value=trial.score if state != TrialState.FAIL else None,
        params=dict(trial.params),
        distributions=distributions,
        intermediate_values={n: epoch.score for n, epoch in enumerate(trial.epochs, start=1)},
    )
