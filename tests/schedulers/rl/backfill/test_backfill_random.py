"""Ten thousand random steps with every option: what must hold at each of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wattq.schedulers.rl.backfill import Fleet, Options
from wattq.schedulers.rl.backfill import reward as r
from wattq.schedulers.rl.backfill import slots as p
from wattq.schedulers.rl.backfill.power import machine_w
from wattq.schedulers.rl.backfill.step import DONE, READY
from wattq.simulator import layout as c

_STEPS = 10_000


def _check_jobs(fleet: Fleet) -> None:
    """Submitted = waiting + held + running + done, and the slots hold the first that are not held."""
    v, mi = fleet.ledger(0), fleet._mi[0]
    head = v.head[0]
    state = v.jobs["state"][: head["n_jobs"]]
    held = mi[p.N_HELD]
    in_slots = mi[p.N_SLOTS]
    submitted = (state != c.NOT_SUBMITTED).sum()
    done = ((state >= c.SUCCESS) & (state <= c.REJECTED)).sum()
    assert submitted == in_slots + mi[p.N_BEYOND] + held + head["n_running"] + done
    assert head["n_waiting"] == in_slots + mi[p.N_BEYOND] + held == (state == c.SUBMITTED).sum()
    jobs = mi[p.SLOTS_AT : p.SLOTS_AT + in_slots]
    assert (np.diff(v.jobs["q_pos"][jobs]) > 0).all()


def _check_hosts(fleet: Fleet) -> None:
    """Hosts are free, busy, asleep or on their way; the power decided so far is what their states say."""
    v, mi, mf = fleet.ledger(0), fleet._mi[0], fleet._mf[0]
    head = v.head[0]
    n = head["n_hosts"]
    busy = (v.hosts["job"][:n] >= 0).sum()
    assert busy == mi[p.N_BUSY]
    assert head["n_free"] + busy + mi[p.ASLEEP] + mi[p.SWITCHING] == n
    assert mf[p.POWER_W] == pytest.approx(machine_w(v), abs=1e-6)
    assert mf[p.POWER_W] <= fleet.scenario.options.cap_w + 1e-6
    waiting = [job for job in v.queue[head["q_head"] : head["q_tail"]] if job >= 0]
    assert mf[p.WORK_S] == pytest.approx(sum(v.jobs["hosts"][j] * v.jobs["estimate_s"][j] for j in waiting), abs=1e-3)


def _check_energy(fleet: Fleet) -> None:
    """What was charged is the kernel's exact energy, and what is left to do."""
    s, book = fleet.kernel(0), fleet.book[0]
    charged_kwh = book[r.TOTAL + r.ENERGY] - book[r.UNFINISHED_KWH]
    since_s = s.head["clock_s"][0] - s.head["exact_at_s"][0]
    exact_kwh = (s.sums[c.SUM_EXACT_J] + s.sums[c.SUM_EXACT_W] * since_s).sum() / 3.6e6
    if s.head["clock_s"][0] <= book[r.HORIZON_S]:
        assert charged_kwh == pytest.approx(exact_kwh, rel=1e-9)
    else:
        assert charged_kwh < exact_kwh


def test_invariants_over_random_steps(kit: Any) -> None:
    fleet = Fleet(kit.full_scenario(jobs=400, episodes=4, load=1.0, drain_s=86400.0), 1)
    choose = kit.randomly(1)
    n_ended, now_s = 0, 0.0
    fleet.begin(0, 0)
    for _ in range(_STEPS):
        fleet.step(np.array([choose(fleet)]))
        weights = fleet.book[0, r.WEIGHT : r.WEIGHT + r.N_PARTS]
        assert fleet.reward[0] == pytest.approx(-(weights * fleet.parts[0]).sum(), abs=1e-9)
        assert (np.abs(fleet.x[0]) <= 1.0).all()
        assert fleet.kernel(0).head["clock_s"][0] >= now_s
        now_s = float(fleet.kernel(0).head["clock_s"][0])
        if fleet.status[0] == READY:
            _check_jobs(fleet)
            _check_hosts(fleet)
            assert fleet.mask[0].sum() > 1
            continue
        assert fleet.status[0] == DONE
        _check_energy(fleet)
        n_ended, now_s = n_ended + 1, 0.0
        fleet.begin(0, n_ended % 4)
    assert n_ended >= 3


def test_no_start_delays_the_reservation_of_the_first(kit: Any) -> None:
    options = Options(window=8, states=(0,))
    fleet = Fleet(kit.scenario(jobs=300, load=1.2, episodes=1, options=options), 1)
    choose = kit.randomly(2)
    fleet.begin(0, 0)
    checked = 0
    while fleet.status[0] == READY:
        action = choose(fleet)
        before = _first(fleet)
        fleet.step(np.array([action]))
        after = _first(fleet)
        if 0 < action < 8 and fleet.status[0] == READY and after[:2] == before[:2]:
            assert after[2] <= before[2]
            checked += 1
    assert checked > 30


def _first(fleet: Fleet) -> tuple[int, float, float]:
    """Return the job in the first slot, the date, and its shadow time."""
    return int(fleet._mi[0, p.SLOTS_AT]), float(fleet.ledger(0).head["now_s"][0]), float(fleet._mf[0, p.SHADOW_S])
