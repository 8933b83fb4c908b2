"""What a predictor is told of jobs: gathered as it happens, so that Python is called for messages with news only.

At one date submissions come before ends, so that an end is known to jobs submitted strictly after it.
"""

from __future__ import annotations

from wattq.simulator import layout as c
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger
from wattq.simulator.ledger import round6

__all__ = ["ask", "news_room", "note_decisions"]


def news_room(n_jobs: int, n_hosts: int) -> int:
    """Return how many news there may be between two questions: starts and rejections, then what a message tells.

    Nobody starts on hosts that a job holds, and the end of a job is asked about, so that at most as many jobs as there
    are hosts start, end, or are late. A job is submitted once and rejected once.
    """
    return 2 * n_jobs + 3 * n_hosts + 8


@inlined
def _add(v: Ledger, kind: int, job: int, time_s: float) -> None:
    """Append news."""
    head = v.head[0]
    news = v.news[head.n_news]
    news.time_s = time_s
    news.kind = kind
    news.job = job
    head.n_news += 1


@inlined
def _may_last_longer(v: Ledger, job: int) -> bool:
    """Return whether a job that has outlived its expected end may go on for long: it is not killed now."""
    j = v.jobs[job]
    return bool(j.walltime_s < 0.0 or j.estimate_s < j.walltime_s)


@jitted
def _gather(v: Ledger) -> bool:
    """Append what the message tells of jobs; return whether it tells anything."""
    head = v.head[0]
    before = head.n_news
    first = head.first_event
    for e in range(first, first + head.n_events):
        if v.events[e].kind == c.EV_SUBMITTED:
            _add(v, c.NEWS_SUBMITTED, v.events[e].job, head.now_s)
    for e in range(first, first + head.n_events):
        if v.events[e].kind == c.EV_COMPLETED:
            _add(v, c.NEWS_ENDED, v.events[e].job, round6(v.events[e].time_s))
            # A plan made before holds reservations that should have begun by now.
            head.corrected += v.jobs[v.events[e].job].end_s < head.now_s
    k = 0
    while k < head.n_running and v.jobs[v.running[k]].end_s < head.now_s:
        if _may_last_longer(v, v.running[k]):
            _add(v, c.NEWS_OUTLIVED, v.running[k], head.now_s)
        k += 1
    return bool(head.n_news > before)


@jitted
def ask(v: Ledger) -> bool:
    """Return whether there are news for a predictor in the message that was absorbed; then it is asked.

    The caller tells it, and plays the round of decisions then, for which ``head.asked`` is to be 0 again.
    """
    if v.head[0].watched == 0 or not _gather(v):
        return False
    v.head[0].asked = 1
    return True


@jitted
def note_decisions(v: Ledger) -> None:
    """Append the jobs that were started or rejected in this round; nothing without a predictor."""
    head = v.head[0]
    if head.watched == 0:
        return
    for d in range(head.n_decisions):
        if v.decisions[d].kind == c.DO_EXECUTE:
            _add(v, c.NEWS_STARTED, v.decisions[d].job, head.now_s)
        elif v.decisions[d].kind == c.DO_REJECT:
            _add(v, c.NEWS_REJECTED, v.decisions[d].job, head.now_s)
