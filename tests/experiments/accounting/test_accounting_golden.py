"""Accounts of every recorded run of the real Batsim that counted energy."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from wattq.errors import InvalidInputError
from wattq.experiments import read_run
from wattq.experiments.accounting import account_history, reconstruct
from wattq.platforms import read_platform

GOLDEN = Path(__file__).resolve().parents[4] / "shared" / "golden"
ENERGY = sorted(path.parent for path in GOLDEN.glob("*/*/consumed_energy.csv*"))
SHARED_HOSTS = ("s08_multicore_sharing_c1", "s08_multicore_sharing_c2")
NO_TRACE = ("s13_reject_all_e", "s14_empty_e")  # nothing ran, so that no energy was ever asked for
INEXACT = {
    # tasks stopped by their walltime draw power while a slow message travels (2.3)
    "s19_lazy_energy_walltime_pl": 300.0,
    "s20_energy_query_calls_pl": 2.0,
    "s28_random_energy_seed5": 105.0,
    # SimGrid takes a host that begins in another state for one in state 0 until it is first asked (3.3)
    "s21_initial_sleep_wake": 100.0,
}
"""Where Batsim counts more than the powers that hosts draw: by how much, in J."""
UNEVEN = ("s15_dvfs_composed", "s15_dvfs_multi", "s19_lazy", "s20_energy_query_calls", "s28_random")
"""Where the load of jobs changes while they run, so that the mean over a job is not what it draws at each date."""


def machine(folder: Path):
    if folder.parent.name == "policies":
        options = json.loads((folder / "options.json").read_text())
        return read_platform(folder.parent / options["platform"])
    options = json.loads((folder / "args.json").read_text())
    words = {"master": options["master_host"], "roles": options["roles"], "mmax": options["mmax"]}
    return read_platform(folder / "platform.xml", **words)


@pytest.mark.skipif(not ENERGY, reason="recordings of the real Batsim are not beside the checkout")
def test_recordings_are_there():
    assert len(ENERGY) == 70


@pytest.mark.parametrize("folder", ENERGY, ids=lambda folder: folder.name)
def test_energy_is_what_batsim_counted(folder):
    run, platform = read_run(folder), machine(folder)
    if folder.name in SHARED_HOSTS:
        with pytest.raises(InvalidInputError, match="share hosts"):
            reconstruct(run, platform)
        return
    history = reconstruct(run, platform)
    if folder.name in NO_TRACE:
        assert run.energy is None
        return
    counted = float(run.energy.energy_j[-1])
    more = INEXACT.get(folder.name, 0.0)
    found = account_history(history)
    assert found.total.energy_j == pytest.approx(counted - more, rel=1e-6 if not more else 1e-3)
    assert bool(more) == any("counts" in note for note in found.notes)
    # at every date, not only at the end
    dates = run.energy.time_s[:: max(len(run.energy.time_s) // 50, 1)]
    trace = run.energy.energy_j[:: max(len(run.energy.time_s) // 50, 1)]
    if not folder.name.startswith(UNEVEN) and not more:
        upto = np.array([sum(history.energy_j(float(date)).values()) for date in dates])
        assert upto == pytest.approx(trace, rel=1e-6, abs=1e-6 * counted)
    first = float(run.jobs.submit_s.min())
    ends = [date for date, kind in zip(run.energy.time_s.tolist(), run.energy.kind, strict=True) if kind == "e"]
    since = account_history(history, window=(max(first, 0.0), max(ends, default=1e-9)))
    consumed = run.schedule["consumed_joules"]
    if not more and consumed > 0 and platform.messages.free:  # else its zero is late by the first message
        assert since.total.energy_j == pytest.approx(consumed, rel=1e-6, abs=1e-6 * counted)
    shares = found.jobs.computing["energy_j"].sum() + found.jobs.overhead["energy_j"].sum()
    assert shares + found.unattributed.energy_j == pytest.approx(found.total.energy_j, rel=1e-9)
    assert sum(part.energy_j for part in found.parts.values()) == pytest.approx(found.total.energy_j, rel=1e-12)
