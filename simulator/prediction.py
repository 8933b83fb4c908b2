"""Expected run times from a predictor, in place of walltimes.

A predictor is told what a scheduler learns of jobs and says how long a job will run. What it says is never taken for
more than the walltime, which stays the limit at which a job is killed. It is told of everything in the order of dates;
at one date submissions come before ends, so that the end of a job is known to those submitted strictly after it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np

from wattq.errors import PolicyError, WattqError
from wattq.simulator import layout as c
from wattq.simulator.layout import Ledger
from wattq.simulator.ledger import expect
from wattq.simulator.news import ask, news_room, note_decisions

__all__ = ["LEAST_S", "Predictor", "PredictorSource", "consult", "note", "predict", "predictor_of", "watched"]

LEAST_S = 1.0
"""Shortest run time that is expected, and shortest time that a job which outlived its expected end is given more, s."""


@runtime_checkable
class Predictor(Protocol):
    """Says how long jobs will run; one object serves one simulation. Jobs are numbers; times are seconds."""

    def submitted(self, job: int, facts: np.void, now_s: float) -> float:
        """Return the expected run time of a job that was submitted, s.

        Args:
            job: its number, which names it from now on.
            facts: a copy of its row of `layout.job_view_t`: submit_s, hosts, walltime_s (-1 without one), user, group,
                queue, application (-1 where unknown).
            now_s: date of the message.
        """

    def started(self, job: int, now_s: float) -> None:
        """Take note that a job was started."""

    def rejected(self, job: int, now_s: float) -> None:
        """Take note that a job was refused: it never runs."""

    def ended(self, job: int, now_s: float, run_s: float) -> None:
        """Take note that a job ended (or was killed) at a date after it ran for so long."""

    def outlived(self, job: int, elapsed_s: float) -> float:
        """Return a new expected run time of a job that runs longer than was expected, s from its start."""


PredictorSource = Callable[[], Predictor]
"""Makes a new predictor for one simulation."""


def predictor_of(policy: object) -> Predictor | None:
    """Return a new predictor for a policy that goes with one (its attribute ``predictor``), else None."""
    source: PredictorSource | None = getattr(policy, "predictor", None)
    return None if source is None else source()


def watched(v: Ledger) -> Ledger:
    """Return the ledger with room for what a predictor is to be told, which is gathered from now on."""
    head = v.head[0]
    head["watched"] = 1
    n = news_room(len(v.jobs), int(head["n_hosts"]))
    if n <= len(v.news):
        return v
    news = np.zeros(n, dtype=c.news_t)
    news[: len(v.news)] = v.news
    return v.replaced(news=news)


def consult(predictor: Predictor, v: Ledger) -> None:
    """Tell a predictor the news and write into the ledger what it expects.

    Raises:
        PolicyError: the predictor raised something else than an error of this package, or gave no number.
    """
    head = v.head[0]
    news = v.news[: int(head["n_news"])].tolist()
    head["n_news"] = 0
    try:
        for time_s, kind, job in news:
            if kind == c.NEWS_SUBMITTED:
                _submitted(predictor, v, job, time_s)
            elif kind == c.NEWS_STARTED:
                predictor.started(job, time_s)
            elif kind == c.NEWS_REJECTED:
                predictor.rejected(job, time_s)
            elif kind == c.NEWS_ENDED:
                predictor.ended(job, time_s, max(time_s - float(v.jobs[job]["start_s"]), 0.0))
            else:
                _outlived(predictor, v, job, time_s)
    except WattqError:
        raise
    except Exception as error:
        raise PolicyError(
            f"predictor {type(predictor).__name__}: it raised {type(error).__name__} at {head['now_s']} s: {error}; "
            "mend it, or take estimate=walltime"
        ) from error


def predict(predictor: Predictor | None, v: Ledger) -> None:
    """Consult a predictor, if there is one, where the message that was absorbed has news for it."""
    if predictor is not None and ask(v):
        consult(predictor, v)
        v.head[0]["asked"] = 0


def note(predictor: Predictor | None, v: Ledger) -> None:
    """Remember what was decided in this round for a predictor, if there is one."""
    if predictor is not None:
        note_decisions(v)


def _submitted(predictor: Predictor, v: Ledger, job: int, now_s: float) -> None:
    """Write the expected run time of a new job into the ledger."""
    row: Any = v.jobs[job]
    row["estimate_s"] = _within(predictor.submitted(job, row.copy(), now_s), LEAST_S, float(row["walltime_s"]))


def _outlived(predictor: Predictor, v: Ledger, job: int, now_s: float) -> None:
    """Move the expected end of a running job that has passed it."""
    row: Any = v.jobs[job]
    elapsed_s = now_s - float(row["start_s"])
    run_s = _within(predictor.outlived(job, elapsed_s), elapsed_s + LEAST_S, float(row["walltime_s"]))
    expect(v, job, run_s)


def _within(run_s: float, least_s: float, walltime_s: float) -> float:
    """Return an expected run time of at least so long, and no longer than the walltime; the latter for no number."""
    longest_s = walltime_s if walltime_s > 0.0 else math.inf
    value_s = float(run_s)
    return longest_s if math.isnan(value_s) else min(max(value_s, least_s), longest_s)
