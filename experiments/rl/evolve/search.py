"""The search itself: generations, a history, a state on disk that it goes on from, and the file of what was learned."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError
from wattq.experiments.experiment_model import Experiment
from wattq.experiments.folders import json_text, write_text
from wattq.experiments.rl.evolve.candidate import Objective, Score, first_numbers, moved_params, weights_of
from wattq.experiments.rl.evolve.file import MOVES, EvolveFile
from wattq.experiments.rl.evolve.weeks import TrainingWeek, training_weeks
from wattq.schedulers.green.networks import FACTS, SAYS
from wattq.schedulers.rl.evolution import Evolution
from wattq.schedulers.rl.model_file import Learned, save_learned
from wattq.schedulers.rl.network import Network, NetworkShape

__all__ = ["Progress", "evolve"]

Floats = NDArray[np.float64]
Progress = Callable[[int, int, str], None]

_STATE = "state.json"


def evolve(
    training: EvolveFile,
    study: Experiment,
    output: Path,
    *,
    seed: int = 0,
    base: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Learn, and return the path of the learned file; a search that was interrupted goes on where it was.

    Writes ``policy.wattq``, ``history.csv`` (one line per generation) and ``state.json`` into the folder.

    Args:
        training: what to learn.
        study: whose machines, calendar and grids are used.
        output: folder.
        seed: of the search.
        base: directory that relative paths of the study refer to.
        progress: told of each generation: number done, number in all, the best so far.

    Raises:
        LearningError: the folder holds a search of another training or seed; or as `training_weeks`.
        WattqError: an input is missing or breaks its format.
    """
    begun_s = time.process_time()
    weeks = training_weeks(training, study, base, output / "signals")
    objective = Objective(training, weeks)
    search = _Search(training, objective, output, seed)
    search.resume()
    while search.evolution.generation < training.generations:
        search.step()
        search.save(time.process_time() - begun_s)
        if progress is not None:
            progress(search.evolution.generation, training.generations, f"cost {search.best_cost:.4f}")
    path = output / "policy.wattq"
    save_learned(path, _learned(training, objective, search, weeks, seed))
    return path


class _Search:
    """One search with its best candidate so far."""

    def __init__(self, training: EvolveFile, objective: Objective, output: Path, seed: int) -> None:
        self.training, self.objective, self.output, self.seed = training, objective, output, seed
        start = first_numbers()
        self.evolution = Evolution.start(start, training.sigma, training.population)
        self._draw = np.random.default_rng(seed)
        self.best, self.best_score = start, objective.start
        self.best_cost = objective.cost(objective.start)
        self.history: list[str] = []
        self.cpu_s = self._before_s = 0.0

    def step(self) -> None:
        """Play one generation."""
        candidates = self.evolution.ask(self._draw)
        scores = [self.objective.score(numbers) for numbers in candidates]
        costs = np.array([self.objective.cost(score) for score in scores])
        first = int(np.argmin(costs))
        if costs[first] < self.best_cost:
            self.best, self.best_cost, self.best_score = candidates[first].copy(), float(costs[first]), scores[first]
        self.evolution.tell(candidates, costs)
        self.history.append(_line(self.evolution, float(costs[first]), self.best_cost, self.best_score))

    def save(self, cpu_s: float) -> None:
        """Write history and state."""
        self.cpu_s = self._before_s + cpu_s
        write_text(self.output / "history.csv", "\n".join([_HEAD, *self.history]) + "\n")
        write_text(self.output / _STATE, json_text(self._document()))

    def resume(self) -> None:
        """Take up the state in the folder, if there is one."""
        path = self.output / _STATE
        if not path.exists():
            return
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            if document["training"] != self._training() or document["seed"] != self.seed:
                raise LearningError(
                    f"{path}: a search of another training or seed; give another folder, or remove this one"
                )
            self.evolution = Evolution.restore(document["evolution"])
            self._draw.bit_generator.state = document["draw"]
            self.best, self.best_cost = np.array(document["best"]), float(document["best_cost"])
            self.best_score = Score(**document["best_score"])
            self.history, self._before_s = list(document["history"]), float(document["cpu_s"])
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, LearningError):
                raise
            raise LearningError(f"{path}: damaged ({error!r}); remove the folder and begin again") from error

    def _training(self) -> dict[str, Any]:
        """Return what must not differ between a search and its continuation: all but its length."""
        return self.training.model_dump(mode="json", exclude={"generations"})

    def _document(self) -> dict[str, Any]:
        return {
            "training": self._training(),
            "seed": self.seed,
            "cpu_s": self.cpu_s,
            "best": self.best.tolist(),
            "best_cost": self.best_cost,
            "best_score": asdict(self.best_score),
            "history": self.history,
            "evolution": {name: value.tolist() for name, value in self.evolution.state().items()},
            "draw": self._draw.bit_generator.state,
        }


_HEAD = "generation,sigma,cost_of_generation,best_cost,amount,p95_s,p99_s,bounded_slowdown"


def _line(evolution: Evolution, cost: float, best_cost: float, best: Score) -> str:
    numbers = (evolution.step, cost, best_cost, best.amount, best.p95_s, best.p99_s, best.slowdown)
    return ",".join([str(evolution.generation), *(f"{number:.9g}" for number in numbers)])


def _learned(
    training: EvolveFile, objective: Objective, search: _Search, weeks: list[TrainingWeek], seed: int
) -> Learned:
    params = dict(training.start) | moved_params(objective.start_params, search.best)
    quantities = {week.quantity for week in weeks}
    return Learned(
        task="eco",
        network=_network(weights_of(search.best)),
        observation=FACTS,
        options={"params": params},
        machine={"platform": weeks[0].platform.name, "hosts": weeks[0].platform.n_compute},
        signals=tuple(name for name in ("carbon", "price") if name in quantities),
        card=_card(training, objective, search, weeks, seed),
    )


def _network(weights: Floats) -> Network:
    n, m = len(FACTS), len(SAYS)
    cuts = np.cumsum([n * m, m, m * m])
    inner, inner_bias, outer, outer_bias = np.split(weights, cuts)
    arrays = {
        "all.weight0": inner.reshape(n, m),
        "all.bias0": inner_bias,
        "all.weight1": outer.reshape(m, m),
        "all.bias1": outer_bias,
    }
    return Network.from_arrays("flat", NetworkShape(globals_=n, others=m), arrays)


def _card(
    training: EvolveFile, objective: Objective, search: _Search, weeks: list[TrainingWeek], seed: int
) -> dict[str, Any]:
    return {
        "training": training.model_dump(mode="json"),
        "learned_parameters": list(MOVES),
        "seed": seed,
        "generations": search.evolution.generation,
        "simulations": search.evolution.generation * training.population * len(weeks),
        "cpu_s": round(search.cpu_s, 1),
        "weeks": [f"{week.part.week.number} on {week.grid}" for week in weeks],
        "data": {"name": training.workload, "sha256": weeks[0].part.workload.report.sha256},
        "start": asdict(objective.start),
        "best": asdict(search.best_score) | {"cost": search.best_cost},
        "note": "Figures of the weeks that it learned from, not of held-out ones.",
    }
