"""Why a job is held by the energy-aware policies (`schedulers.green`): claims, cap, forecasts, reservation.

Their own compiled functions say whether power suffices, so that reasons and decisions cannot drift apart.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.experiments.explain.causes import Cause, count_states, reserved_facts
from wattq.experiments.explain.game import Game
from wattq.experiments.explain.memories import green_state
from wattq.schedulers.green import slots as p
from wattq.schedulers.green import state as g
from wattq.schedulers.green.forecast import expected, rank_of_now
from wattq.schedulers.green.power import cap_from
from wattq.schedulers.green.starting import NOT_NOW, how_now, least_power_w
from wattq.schedulers.green.state import State
from wattq.schedulers.waitlist import FIRST, HOLE, TAIL

__all__ = ["issue_of", "look_green", "run_share_s", "table_of"]

_DAY_S = 86400.0


def look_green(game: Game, job: int) -> Cause:
    """Return why a waiting job is held, after the policy decided."""
    st, par = green_state(game.memory), game.par
    facts = {"hosts": float(game.ledger.jobs[job]["hosts"]), "machine": float(game.ledger.head[0]["n_hosts"])}
    facts |= count_states(game)
    facts["available"] = float(st.i[g.AVAILABLE])
    if job in st.held[: st.i[g.N_HELD]]:
        return Cause("signal", facts=facts | _held_facts(game, st, job))
    claims = st.claim_job[: st.i[g.N_CLAIMS]]
    if job in claims:
        return Cause("waking", facts=facts | {"boot_s": float(st.f[g.BOOT_S])})
    slots = slice(int(st.queue.head[FIRST]), int(st.queue.head[TAIL]))
    order = st.queue.job[slots][st.queue.hosts[slots] != HOLE]
    place = np.flatnonzero(order == job)
    facts["before"] = float(place[0]) if len(place) else math.nan
    if facts["hosts"] > facts["available"]:
        return Cause("hosts", facts=facts)
    return _though_hosts_are_there(game, st, par, job, int(order[0]) if len(order) else job, facts)


def _though_hosts_are_there(
    game: Game, st: State, par: NDArray[np.float64], job: int, head: int, facts: dict[str, float]
) -> Cause:
    """Return what else holds a job that enough hosts are there for: all that does, the first in order of `REASONS`."""
    found: list[str] = []
    if par[p.N_CAP] > 0:
        facts |= _power_facts(game, st, par, job)
        if int(how_now(game.ledger, par, st, job)) <= NOT_NOW:
            found.append("cap")
    if head == job:
        return Cause(found[0] if found else "policy", facts=facts)
    if par[p.GATE] > 0.0 and _is_gated(game, par, job, facts):
        found.append("signal")
    wake_s = float(st.f[g.BOOT_S]) if facts["hosts"] > float(st.i[g.AWAKE]) else 0.0
    run_s = float(game.ledger.jobs[job]["estimate_s"]) + wake_s
    in_time = game.now_s + run_s <= float(st.f[g.SHADOW_S])
    fits = facts["hosts"] <= float(st.i[g.EXTRA]) and facts.get("least_w", 0.0) <= float(st.f[g.EXTRA_W])
    if not in_time and not fits:
        found.append("reservation")
        facts |= reserved_facts(game, job, head, float(st.f[g.SHADOW_S]), float(st.i[g.EXTRA]))
        facts["room_s"] -= wake_s
    reason, *also = found or ["policy"]
    return Cause(reason, tuple(also), head if "reservation" in found else -1, facts)


def _power_facts(game: Game, st: State, par: NDArray[np.float64], job: int) -> dict[str, float]:
    """Return the cap, what it leaves, and the least that the job would add, W."""
    return {
        "cap_w": float(cap_from(par, game.now_s, game.now_s)),
        "room_w": float(st.f[g.ROOM_W]),
        "least_w": float(least_power_w(game.ledger, par, st, job)),
    }


def issue_of(par: NDArray[np.float64], now_s: float) -> int:
    """Return the number of the forecast in use, as `green.forecast.issue_at` does."""
    k = math.floor((now_s - par[p.ISSUE_S]) / par[p.ISSUE_STEP_S] + 1e-9)
    return k if 0 <= k < int(par[p.N_ISSUES]) else -1


def table_of(par: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the forecasts, shape (issues, leads), as a view of the parameters."""
    issues, leads, at = int(par[p.N_ISSUES]), int(par[p.N_LEADS]), int(par[p.TABLE_AT])
    return par[at : at + issues * leads].reshape(issues, leads)


def run_share_s(game: Game, job: int) -> float:
    """Return over how long the intensity is compared for a job, s."""
    return max(float(game.ledger.jobs[job]["estimate_s"]) * float(game.par[p.RUN_SHARE]), 1.0)


def _held_facts(game: Game, st: State, job: int) -> dict[str, float]:
    """Return until when a job is held back, and what is expected of the grid now and then.

    ``threshold`` is the intensity over its run at or below which the job would not have been held at this date.
    """
    par, now_s = game.par, game.now_s
    issue, run_s, then_s = issue_of(par, now_s), run_share_s(game, job), float(st.release_s[job])
    if issue < 0:
        return {"release_s": then_s}
    here = float(expected(par, issue, now_s, now_s + run_s))
    then = float(expected(par, issue, then_s, then_s + run_s))
    gain = float(par[p.MIN_GAIN])
    return {"release_s": then_s, "intensity": here, "then": then, "threshold": then / (1.0 - gain) if gain < 1 else 0.0}


def _is_gated(game: Game, par: NDArray[np.float64], job: int, facts: dict[str, float]) -> bool:
    """Return whether the gate is closed for a job; note the intensity now and the one at which it opens."""
    now_s = game.now_s
    issue = issue_of(par, now_s)
    if issue < 0 or now_s >= float(game.ledger.jobs[job]["submit_s"]) + _longest_wait_s(game, par, job):
        return False
    coming = _coming_hours(par, issue, now_s)
    facts["intensity"] = float(coming[0])
    most_better = math.ceil(float(par[p.GATE]) * len(coming) - 1e-9) - 1
    facts["threshold"] = float(np.sort(coming[1:])[min(most_better, len(coming) - 2)])
    return bool(rank_of_now(par, issue, now_s) >= par[p.GATE])


def _coming_hours(par: NDArray[np.float64], issue: int, now_s: float) -> NDArray[np.float64]:
    """Return what is expected of the next 24 hours, this hour first; see `green.forecast.rank_of_now`."""
    step_s = float(par[p.LEAD_STEP_S])
    first = int(max(now_s - par[p.ISSUE_S] - issue * par[p.ISSUE_STEP_S], 0.0) / step_s + 1e-9)
    leads = int(par[p.N_LEADS])
    day = max(min(int(_DAY_S / step_s + 0.5), leads), 1)
    columns = np.arange(first, first + max(int(_DAY_S / step_s + 0.5), 1))
    beyond = columns >= leads
    columns[beyond] = leads - day + (columns[beyond] - leads) % day
    row: NDArray[Any] = table_of(par)[issue]
    return np.asarray(row[columns], dtype=float)


def _longest_wait_s(game: Game, par: NDArray[np.float64], job: int) -> float:
    """Return the longest extra wait of a job, as `green.hold.longest_wait_s` does."""
    row = game.ledger.jobs[job]
    if not math.isfinite(row["estimate_s"]) or row["hosts"] * row["estimate_s"] < par[p.MIN_AREA_S]:
        return 0.0
    at = int(par[p.CLASS_AT])
    pairs = par[at : at + 2 * int(par[p.N_CLASS])].reshape(-1, 2)
    own = pairs[pairs[:, 0] == row["queue"]]
    return float(own[0, 1]) if len(own) else float(par[p.MAX_WAIT_S])
