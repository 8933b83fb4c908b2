"""Weights of a scoring network learned by evolution on sequences of training jobs."""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError
from wattq.files import write_whole
from wattq.schedulers.rl.evolution import Evolution
from wattq.schedulers.rl.sc20.drawing import Source, choose_sources, draw_sequences
from wattq.schedulers.rl.sc20.jobs import JobTable
from wattq.schedulers.rl.sc20.learned import Facts, Policy, facts_of, slowdown
from wattq.schedulers.rl.sc20.model import first_numbers, policy_of
from wattq.schedulers.rl.sc20.parts import Parts

__all__ = ["CHECKPOINT", "Settings", "Training", "run"]

CHECKPOINT = "evolution.npz"
"""Name of the checkpoint in the folder of a training."""

Floats = NDArray[np.float64]

_TRAIN, _VALIDATE, _CANDIDATES, _BATCH, _START = range(5)
_STEP = 0.2
_NEW = 0.12


@dataclass(frozen=True)
class Settings:
    """Settings of a search.

    Attributes:
        backfill: one of `wattq.schedulers.rl.sc20.picks.BACKFILLS`.
        generations: generations in all.
        population: candidates of a generation.
        batch: sequences of a generation, the same for all its candidates.
        units: hidden units beside the linear part.
        pool: training sequences that batches are taken from.
        validation: sequences that choose the best generation.
        every: generations between validations and checkpoints.
        even: how evenly the sequences of a batch count: 0 by their slowdowns, 1 all alike.
        seed: of sequences, batches, candidates and the first weights.
    """

    backfill: int
    generations: int
    population: int = 24
    batch: int = 24
    units: int = 6
    pool: int = 240
    validation: int = 64
    every: int = 10
    even: float = 0.5
    seed: int = 0


@dataclass
class Training:
    """A search that can be interrupted and gone on with.

    Attributes:
        parts: jobs by use.
        settings: of the search.
        sources: where sequences come from.
        average: moving average of the search's centre; single generations are noisy, and it is less so.
        best: the best of these averages so far by validation.
        best_value, best_generation: its mean bounded slowdown on the validation sequences, and which one it is.
        log: rows (generation, mean of the batch, step, validation).
        spent_s: s of CPU time so far.
    """

    parts: Parts
    settings: Settings
    sources: tuple[Source, ...] = ()
    average: Floats = field(default_factory=lambda: np.zeros(0))
    best: Floats = field(default_factory=lambda: np.zeros(0))
    best_value: float = float("inf")
    best_generation: int = 0
    log: list[tuple[float, ...]] = field(default_factory=list)
    spent_s: float = 0.0

    def __post_init__(self) -> None:
        self.sources = self.sources or choose_sources(self.parts.train)
        self._pool = self._sequences(self.parts.train, self.settings.pool, _TRAIN)
        held_out = self.parts.validation or self.parts.train
        self._validation = self._sequences(held_out, self.settings.validation, _VALIDATE)
        self.search = Evolution.start(
            first_numbers(self.settings.units, self._random(_START)), _STEP, self.settings.population
        )
        self.average = np.zeros_like(self.search.mean)

    def _random(self, *numbers: int) -> np.random.Generator:
        return np.random.default_rng([self.settings.seed, *numbers])

    def _sequences(self, stretches: Sequence[JobTable], count: int, stream: int) -> list[Facts]:
        drawn = draw_sequences(stretches, self.sources, count, (self.settings.seed, stream))
        return [facts_of(table) for table in drawn]

    @property
    def done(self) -> bool:
        """Whether all generations are made."""
        return self.search.generation >= self.settings.generations

    @property
    def policy(self) -> Policy:
        """The best policy so far by validation."""
        return policy_of(self.best if len(self.best) else self.average)

    @staticmethod
    def checkpoint(folder: Path) -> Path:
        """Return the checkpoint of a folder."""
        return folder / CHECKPOINT

    def choose(self) -> None:
        """See whether the last generation is the best one, where validation has not come to it yet."""
        if self.search.generation % self.settings.every or not len(self.best):
            self._validate()

    def generation(self) -> str:
        """Make one generation, and say how it went."""
        began = time.process_time()
        number = self.search.generation
        candidates = self.search.ask(self._random(_CANDIDATES, number))
        chosen = self._random(_BATCH, number).choice(len(self._pool), self.settings.batch, replace=False)
        batch = [self._pool[k] for k in chosen]
        values = np.array([self._values(numbers, batch) for numbers in candidates])
        # A few crowded sequences would decide everything, and the rest of the batch be noise.
        self.search.tell(candidates, values @ values.mean(axis=0) ** -self.settings.even)
        share = max(_NEW, 1.0 / self.search.generation)
        self.average = (1 - share) * self.average + share * self.search.mean
        validated = float("nan")
        if self.search.generation % self.settings.every == 0:
            validated = self._validate()
        self.log.append((self.search.generation, float(values.mean()), self.search.step, validated))
        self.spent_s += time.process_time() - began
        return f"slowdown {values.mean():.1f}, best validation {self.best_value:.1f}"

    def _values(self, numbers: Floats, sequences: Sequence[Facts]) -> Floats:
        policy = policy_of(numbers)
        return np.array([slowdown(facts, policy, self.settings.backfill) for facts in sequences])

    def _validate(self) -> float:
        value = float(self._values(self.average, self._validation).mean())
        if value < self.best_value:
            self.best, self.best_value = self.average.copy(), value
            self.best_generation = self.search.generation
        return value

    def save(self, folder: Path) -> None:
        """Write a checkpoint."""
        stream = io.BytesIO()
        arrays: dict[str, Any] = {
            **self.search.state(),
            "average": self.average,
            "best": self.best,
            "bests": np.array([self.best_value, self.best_generation, self.spent_s]),
            "log": np.array(self.log, dtype=np.float64).reshape(-1, 4),
            "told": np.frombuffer(self._identity().encode(), dtype=np.uint8),
        }
        np.savez(stream, **arrays)
        write_whole(self.checkpoint(folder), stream.getvalue())

    def restore(self, folder: Path) -> None:
        """Go on from the checkpoint of a folder.

        Raises:
            LearningError: when it cannot be read, or is of other jobs or settings.
        """
        try:
            with np.load(io.BytesIO(self.checkpoint(folder).read_bytes()), allow_pickle=False) as found:
                state = {name: found[name] for name in found.files}
            told = state["told"].tobytes().decode()
            search = Evolution.restore(state)
            best, log = state["best"].astype(np.float64), [tuple(map(float, row)) for row in state["log"]]
            self.best_value, generation, self.spent_s = (float(value) for value in state["bests"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise LearningError(f"{self.checkpoint(folder)}: no checkpoint ({error}); train again") from None
        if told != self._identity() or search.mean.shape != self.search.mean.shape:
            raise LearningError(f"{self.checkpoint(folder)}: of other jobs or settings; train again in another folder")
        self.search, self.average, self.best = search, state["average"].astype(np.float64), best
        self.log, self.best_generation = log, int(generation)

    def _identity(self) -> str:
        """Return a digest of the jobs and of all settings but the number of generations."""
        settings = {**vars(self.settings), "generations": 0}
        total = hashlib.sha256(repr((sorted(settings.items()), self.sources)).encode())
        for facts in (*self._pool, *self._validation):
            total.update(facts.submit_s.tobytes() + facts.run_s.tobytes())
        return total.hexdigest()


def run(training: Training, folder: Path, tell: Callable[[int, int, str], None], stop: Callable[[], bool]) -> bool:
    """Make the generations that are left, with checkpoints; return whether all are made (nobody asked to stop)."""
    while not training.done and not stop():
        words = training.generation()
        tell(training.search.generation, training.settings.generations, words)
        if training.search.generation % training.settings.every == 0:
            training.save(folder)
    training.save(folder)
    return training.done
