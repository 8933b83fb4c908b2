"""Sequences of jobs to learn from: pieces of a log, blocks of it put together anew, or draws of a workload model.

Half of the pieces have arrivals closer together, which makes the crowded hours in which most slowdown is gathered less
rare; half of them (where the log has requested times) have a wave of equal jobs that fail at once, which gather most
of it. Where the log is short, blocks of consecutive jobs are joined in random order. A log that has no requested times,
and whose sizes and run times are those of the Lublin-Feitelson model, is continued by that model. All but unchanged
pieces are synthetic, and the card says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError
from wattq.schedulers.rl.sc20.jobs import JobTable
from wattq.schedulers.rl.sc20.parts import LENGTH
from wattq.workloads.generate_table import JobTable as DrawnTable
from wattq.workloads.lublin import lublin_jobs
from wattq.workloads.suggest_lublin import fit_lublin

__all__ = ["SOURCES", "Source", "choose_sources", "draw_sequences"]

SOURCES = ("pieces", "blocks", "lublin")
"""Where sequences come from."""

Source = str

_MANY_JOBS = 12_000
_LIKE_THE_MODEL = 0.1
_BLOCK = (32, 257)
_CLOSER = (0.5, 1.0)
_LOADS = (0.85, 1.35)
_DRAWN = 6 * LENGTH
_PER_DRAW = 8
_LEAST_JOBS = 64
_WAVE = (8, 401)
_WIDE = 0.7
_WAVE_SPREAD = (1.0, 3.0)
_WIDEST = 0.1
_SOON_S = 60.0


def choose_sources(stretches: Sequence[JobTable]) -> tuple[Source, ...]:
    """Return the sources for a log; sequences are drawn from them by turns.

    Raises:
        LearningError: when there are fewer than 64 jobs to learn from.
    """
    n_jobs = sum(part.n_jobs for part in stretches)
    if n_jobs < _LEAST_JOBS:
        raise LearningError(f"{n_jobs} jobs are left to learn from beside the test sequences; give a longer log")
    if n_jobs >= _MANY_JOBS:
        return ("pieces",)
    if _like_the_model(stretches):
        return ("lublin", "lublin", "lublin", "blocks")
    return ("pieces", "blocks") if any(part.n_jobs > LENGTH for part in stretches) else ("blocks",)


def _like_the_model(stretches: Sequence[JobTable]) -> bool:
    """Return whether jobs have no requested times and the model's sizes and run times."""
    run_s = np.concatenate([part.run_s for part in stretches])
    request_s = np.concatenate([part.request_s for part in stretches])
    if not np.array_equal(run_s, request_s):
        return False
    sizes = np.concatenate([part.processors for part in stretches])
    submit_s = _joined_dates(stretches)
    whole = run_s.astype(np.int64)
    table = DrawnTable.of(submit_s.astype(np.int64), whole, sizes)
    _, distances = fit_lublin(table, stretches[0].processors_total)
    return max(distances["duration"], distances["nodes"]) < _LIKE_THE_MODEL


def _joined_dates(stretches: Sequence[JobTable]) -> NDArray[np.float64]:
    gaps = np.concatenate([np.diff(part.submit_s, prepend=part.submit_s[0]) for part in stretches])
    return np.cumsum(np.maximum(gaps, 0.0))


def draw_sequences(
    stretches: Sequence[JobTable], sources: Sequence[Source], count: int, seed: Sequence[int], *, changed: bool = True
) -> list[JobTable]:
    """Return sequences of 1,024 jobs.

    Args:
        stretches: jobs to draw from.
        sources: some of `SOURCES`, used by turns.
        count: how many sequences.
        seed: numbers of the generator's seed.
        changed: whether arrivals of the log's jobs may be moved closer together, and jobs may fail at once.
    """
    random = np.random.default_rng(list(seed))
    drawers: dict[Source, Callable[[], JobTable]] = {
        "pieces": lambda: _piece(stretches, random),
        "blocks": lambda: _blocks(stretches, random),
        "lublin": _Model(stretches[0], random).draw,
    }
    found = []
    for number in range(count):
        source = sources[number % len(sources)]
        table = drawers[source]()
        found.append(_failing(_closer(table, random), random) if changed and source != "lublin" else table)
    return found


def _piece(stretches: Sequence[JobTable], random: np.random.Generator) -> JobTable:
    places = np.array([max(0, part.n_jobs - LENGTH + 1) for part in stretches])
    if not places.any():
        return _blocks(stretches, random)
    part = stretches[int(random.choice(len(places), p=places / places.sum()))]
    start = int(random.integers(part.n_jobs - LENGTH + 1))
    return part.take(slice(start, start + LENGTH))


def _blocks(stretches: Sequence[JobTable], random: np.random.Generator) -> JobTable:
    """Return random blocks of jobs, each beginning when the one before has ended to arrive."""
    share = np.array([part.n_jobs for part in stretches]) / sum(part.n_jobs for part in stretches)
    chosen: list[JobTable] = []
    while sum(block.n_jobs for block in chosen) < LENGTH:
        part = stretches[int(random.choice(len(share), p=share))]
        length = min(int(random.integers(*_BLOCK)), part.n_jobs)
        start = int(random.integers(part.n_jobs - length + 1))
        chosen.append(part.take(slice(start, start + length)))
    names = ("number", "run_s", "request_s", "processors", "user", "group", "queue", "application")
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(block, name) for block in chosen])[:LENGTH] for name in names
    }
    return replace(chosen[0], submit_s=_joined_dates(chosen)[:LENGTH], **columns)


def _closer(table: JobTable, random: np.random.Generator) -> JobTable:
    """Return a sequence as it is, or, in half of the cases, with arrivals closer together."""
    if random.random() < 0.5:
        return table
    factor = float(random.uniform(*_CLOSER))
    return replace(table, submit_s=np.floor((table.submit_s - table.submit_s[0]) * factor))


def _failing(table: JobTable, random: np.random.Generator) -> JobTable:
    """Return a sequence as it is, or, in half of the cases, with a wave of equal jobs that fail at once.

    A user whose program crashes submits it again and again; such jobs have long requested times and gather slowdown
    faster than all others. Where requested times are the run times, there is nothing to change.
    """
    if np.array_equal(table.run_s, table.request_s) or random.random() < 0.5:
        return table
    wide = np.argsort(table.processors, kind="stable")[-max(1, int(_WIDEST * table.n_jobs)) :]
    model = int(random.choice(wide) if random.random() < _WIDE else random.integers(table.n_jobs))
    count = int(random.integers(*_WAVE))
    span = min(table.n_jobs, int(count * random.uniform(*_WAVE_SPREAD)))
    start = int(random.integers(table.n_jobs - span + 1))
    places = start + random.choice(span, count, replace=False)
    names = ("request_s", "processors", "user", "group", "queue", "application")
    columns: dict[str, Any] = {name: getattr(table, name).copy() for name in (*names, "run_s")}
    for name in names:
        columns[name][places] = columns[name][model]
    columns["run_s"][places] = np.ceil(np.exp(random.uniform(0.0, np.log(_SOON_S), count)))
    return replace(table, **columns)


class _Model:
    """Draws of the Lublin-Feitelson model for the machine of a log; eight sequences are cut from each long draw."""

    def __init__(self, like: JobTable, random: np.random.Generator) -> None:
        self._like, self._random = like, random
        self._drawn: DrawnTable | None = None
        self._left = 0

    def draw(self) -> JobTable:
        """Return a sequence."""
        if self._drawn is None or self._left == 0:
            load = float(self._random.uniform(*_LOADS))
            seed = int(self._random.integers(2**31))
            self._drawn = lublin_jobs(_DRAWN, self._like.processors_total, seed, load=load)
            self._left = _PER_DRAW
        self._left -= 1
        start = int(self._random.integers(_DRAWN - LENGTH + 1))
        chosen = slice(start, start + LENGTH)
        unknown = np.full(LENGTH, -1, dtype=np.int64)
        run_s = np.maximum(self._drawn.duration_s[chosen].astype(np.float64), 1.0)
        return replace(
            self._like,
            number=np.arange(1.0, LENGTH + 1.0),
            submit_s=self._drawn.submit_s[chosen].astype(np.float64),
            run_s=run_s,
            request_s=run_s,
            processors=self._drawn.nodes[chosen].astype(np.int64),
            user=unknown,
            group=unknown,
            queue=unknown,
            application=unknown,
        )
