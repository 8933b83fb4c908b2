"""Features of what the user's jobs did before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.simulator.jit import inlined, jitted
from wattq.surrogates.history import recent as r
from wattq.surrogates.history.feature import Feature
from wattq.surrogates.history.layout import ENDED, RUNNING, History

__all__ = ["USER_FEATURES", "describe_user"]

USER_FEATURES = (
    Feature("user_submitted", "1", "user", "jobs that the user submitted before"),
    Feature("user_ended", "1", "user", "jobs of the user that ended before"),
    Feature("user_last1_s", "s", "user", "run of the user's job that ended last"),
    Feature("user_last2_s", "s", "user", "run of the one before"),
    Feature("user_last3_s", "s", "user", "run of the one before that"),
    Feature("user_last2_mean_s", "s", "user", "mean of the last two runs, the last run where there is but one"),
    Feature("user_last3_mean_s", "s", "user", "mean of the last three runs, of fewer where there are fewer"),
    Feature("user_mean_s", "s", "user", "mean of the last runs, later ones weighing more"),
    Feature("user_q10_s", "s", "user", "10 % quantile of the last runs, later ones weighing more"),
    Feature("user_q50_s", "s", "user", "their median"),
    Feature("user_q90_s", "s", "user", "their 90 % quantile"),
    Feature("user_geometric_s", "s", "user", "geometric mean of all runs of the user"),
    Feature("user_log_std", "1", "user", "standard deviation of the logarithms of the last runs"),
    Feature("user_ratio1", "1", "user", "run over requested time of the last run"),
    Feature("user_ratio_mean", "1", "user", "mean of run over requested time, later runs weighing more"),
    Feature("user_full_share", "1", "user", "weighted share of runs that took 95 % of their requested time or more"),
    Feature("user_short_share", "1", "user", "weighted share of runs that took 5 % of it or less"),
    Feature("same_request_s", "s", "user", "last run with the same requested time"),
    Feature("same_request_n", "1", "user", "runs with the same requested time among the last"),
    Feature("same_request_mean_s", "s", "user", "their mean"),
    Feature("same_hosts_s", "s", "user", "last run on as many hosts"),
    Feature("same_application_s", "s", "user", "last run of the same application"),
    Feature("same_application_n", "1", "user", "runs of the same application among the last"),
    Feature("same_job_s", "s", "user", "last run with the same requested time, hosts and (where known) application"),
    Feature("since_submit_s", "s", "user", "time since the user's last submission"),
    Feature("since_end_s", "s", "user", "time since the user's last end"),
    Feature("previous_same_request", "1", "user", "1 where the user's previous job asked for the same time, else 0"),
    Feature("previous_same_hosts", "1", "user", "1 where it asked for as many hosts, else 0"),
    Feature("previous_state", "1", "user", "0 where it still waits, 1 where it runs, 2 where it ended"),
)
(
    _SUBMITTED,
    _ENDED,
    _LAST1,
    _LAST2,
    _LAST3,
    _MEAN2,
    _MEAN3,
    _MEAN,
    _Q10,
    _Q50,
    _Q90,
    _GEOMETRIC,
    _STD,
    _RATIO1,
    _RATIO,
    _FULL,
    _SHORT,
    _REQUEST,
    _N_REQUEST,
    _MEAN_REQUEST,
    _HOSTS,
    _APPLICATION,
    _N_APPLICATION,
    _JOB,
    _SUBMIT,
    _END,
    _PREVIOUS_REQUEST,
    _PREVIOUS_HOSTS,
    _PREVIOUS_STATE,
) = range(len(USER_FEATURES))

_DECAY = 0.93  # weight of a run over that of the next later one


@inlined
def _weigh(h: History, n: int) -> float:
    """Weigh runs by how late they ended, and return the total."""
    weight, total = 1.0, 0.0
    for i in range(n):
        h.scratch[r.WEIGHT, i] = weight
        total += weight
        weight *= _DECAY
    return total


@jitted
def _last_runs(h: History, n: int, row: NDArray[np.float32], at: int) -> None:
    run = h.scratch[r.RUN]
    if n > 0:
        row[at + _LAST1] = run[0]
        row[at + _MEAN2] = run[0]
        row[at + _MEAN3] = run[0]
        row[at + _RATIO1] = h.scratch[r.RATIO, 0]
    if n > 1:
        row[at + _LAST2] = run[1]
        row[at + _MEAN2] = (run[0] + run[1]) / 2.0
        row[at + _MEAN3] = (run[0] + run[1]) / 2.0
    if n > 2:
        row[at + _LAST3] = run[2]
        row[at + _MEAN3] = (run[0] + run[1] + run[2]) / 3.0


@jitted
def _spread(h: History, job: int, n: int, row: NDArray[np.float32], at: int) -> None:
    if n == 0:
        return
    total = _weigh(h, n)
    mean, first, second = 0.0, 0.0, 0.0
    for i in range(n):
        w, run = h.scratch[r.WEIGHT, i], h.scratch[r.RUN, i]
        log = np.log(max(run, 1.0))
        mean += w * run
        first += w * log
        second += w * log * log
    first /= total
    row[at + _MEAN] = mean / total
    row[at + _STD] = np.sqrt(max(second / total - first * first, 0.0)) if n > 1 else np.nan
    row[at + _Q10] = r.quantile(h, n, total, 0.1)
    row[at + _Q50] = r.quantile(h, n, total, 0.5)
    row[at + _Q90] = r.quantile(h, n, total, 0.9)
    user = h.users[h.jobs[job].user]
    row[at + _GEOMETRIC] = np.exp(user.sum_log / user.ended)


@jitted
def _ratios(h: History, n: int, row: NDArray[np.float32], at: int) -> None:
    total, mean, full, short = 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        w, ratio = h.scratch[r.WEIGHT, i], h.scratch[r.RATIO, i]
        if ratio == ratio:
            total += w
            mean += w * ratio
            full += w if ratio >= 0.95 else 0.0
            short += w if ratio <= 0.05 else 0.0
    if total > 0.0:
        row[at + _RATIO] = mean / total
        row[at + _FULL] = full / total
        row[at + _SHORT] = short / total


@inlined
def _keep_first(row: NDArray[np.float32], place: int, run_s: float) -> None:
    if row[place] != row[place]:
        row[place] = run_s


@jitted
def _alike(h: History, job: int, n: int, row: NDArray[np.float32], at: int) -> None:
    n_request, n_application, total = 0, 0, 0.0
    named = h.jobs[job].application >= 0
    for i in range(n):
        run, same = h.scratch[r.RUN, i], h.scratch[r.SAME, i]
        application = h.scratch[r.APPLICATION, i] > 0.0
        if same > 0.0:
            n_request += 1
            total += run
            _keep_first(row, at + _REQUEST, run)
        if h.scratch[r.HOSTS, i] > 0.0:
            _keep_first(row, at + _HOSTS, run)
        if application:
            n_application += 1
            _keep_first(row, at + _APPLICATION, run)
        if same > 1.0 and (application or not named):
            _keep_first(row, at + _JOB, run)
    row[at + _N_REQUEST] = n_request
    row[at + _N_APPLICATION] = n_application
    if n_request > 0:
        row[at + _MEAN_REQUEST] = total / n_request


@jitted
def _dates(h: History, job: int, now_s: float, row: NDArray[np.float32], at: int) -> None:
    mine = h.jobs[job]
    user = h.users[mine.user]
    row[at + _SUBMITTED] = user.submitted
    row[at + _ENDED] = user.ended
    if user.last_ended >= 0:
        row[at + _END] = now_s - h.jobs[user.last_ended].end_s
    if user.last_submitted < 0:
        return
    previous = h.jobs[user.last_submitted]
    row[at + _SUBMIT] = now_s - previous.submit_s
    row[at + _PREVIOUS_REQUEST] = 1.0 if previous.request_s == mine.request_s else 0.0
    row[at + _PREVIOUS_HOSTS] = 1.0 if previous.hosts == mine.hosts else 0.0
    row[at + _PREVIOUS_STATE] = 2.0 if previous.state >= ENDED else (1.0 if previous.state == RUNNING else 0.0)


@inlined
def describe_user(h: History, job: int, now_s: float, n: int, row: NDArray[np.float32], at: int) -> None:
    """Fill in the user's past; n runs were gathered, and the row holds NaN."""
    _dates(h, job, now_s, row, at)
    _last_runs(h, n, row, at)
    _spread(h, job, n, row, at)
    _ratios(h, n, row, at)
    _alike(h, job, n, row, at)
