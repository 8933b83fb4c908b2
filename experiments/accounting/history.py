"""The power of a machine over time, by what it is drawn for, from the files of one run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError, PlatformError
from wattq.experiments.accounting.computing import JobPower, first_pstate, job_power
from wattq.experiments.accounting.host_states import (
    ON,
    SLEEPING,
    SWITCHING_OFF,
    SWITCHING_ON,
    HostStates,
    host_states,
    sum_by,
)
from wattq.experiments.results import RunResults
from wattq.platforms.model import Platform

__all__ = ["OVERHEAD", "PARTS", "PowerHistory", "always_on", "power_steps", "reconstruct"]

PARTS = ("computing", "idle", "sleeping", "switching_on", "switching_off")
"""What power is drawn for. Hosts that are unavailable draw what idle ones do and count as idle."""

OVERHEAD = PARTS[1:]
"""The parts that no job draws by itself."""

_WRONG_SHARE = {True: 1e-5, False: 0.02}
"""Relative difference from the run's own count beyond which files and platform cannot belong together.

Where control messages take time (tasks that their walltime stops draw power during the message), and where hosts begin
in another power state than 0 (not known to SimGrid before its first update), Batsim counts more than what is drawn; the
second limit is for these, and for runs that end in the middle of a switch.
"""
_ROUNDING_S = 2e-6


@dataclass(frozen=True)
class PowerHistory:
    """Exact power over time, from date 0; what is on at the end stays on.

    Attributes:
        run: the results that it comes from.
        platform: the machine.
        end_s: end of the run, s.
        date_s: float64[n], dates at which the overhead or the number of busy hosts changes; the last values stay.
        overhead_w: float64[4, n], power by part as in `OVERHEAD`, W.
        busy: float64[n], hosts that run a job (a host shared by two jobs counts twice).
        jobs: power of the jobs.
        states: power states of the hosts.
        notes: what had to be assumed.
    """

    run: RunResults
    platform: Platform
    end_s: float
    date_s: NDArray[np.float64]
    overhead_w: NDArray[np.float64]
    busy: NDArray[np.float64]
    jobs: JobPower
    states: HostStates
    notes: tuple[str, ...]

    def energy_j(self, end_s: float | None = None) -> dict[str, float]:
        """Return the energy by part from date 0 to a date (the end by default), J."""
        end = self.end_s if end_s is None else end_s
        lasts = np.diff(np.minimum(np.append(self.date_s, np.inf), end))
        jobs = self.jobs
        computing = np.sum(jobs.power_w * (np.minimum(jobs.end_s, end) - np.minimum(jobs.start_s, end)))
        return dict(zip(PARTS, [float(computing), *map(float, self.overhead_w @ lasts)], strict=True))


def reconstruct(run: RunResults, platform: Platform) -> PowerHistory:
    """Return the power of a run over time, from its files and its platform.

    Works on the files of wattq and of the real Batsim alike. Where the run states its exact energy by state, the parts
    are scaled to it: what is left is the rounding of the files' dates to six decimals.

    Raises:
        PlatformError: the platform states no powers.
        InvalidInputError: the files do not belong together or to this platform: the energy that follows from them is
            not the one that the run counted.
    """
    if not platform.has_power:
        raise PlatformError(f"platform '{platform.name}': states no powers; add wattage_per_state to its hosts")
    if run.n_hosts not in (0, platform.n_compute):
        raise InvalidInputError(
            f"{run.directory}: the run has {run.n_hosts} compute hosts, the platform '{platform.name}' has "
            f"{platform.n_compute}; give the platform of the run"
        )
    with np.errstate(over="ignore", invalid="ignore"):  # damaged numbers are told from the sum
        states = host_states(run, platform)
        jobs = job_power(run, platform, states)
        date, overhead, busy = power_steps(run, states, jobs)
        notes = (*states.notes, *jobs.notes)
        history = PowerHistory(run, platform, _end(run), date, overhead, busy, jobs, states, notes)
        if not isfinite(sum(history.energy_j().values())):
            raise InvalidInputError(
                f"{run.directory}: dates or energies are too large to add up; the files are damaged"
            )
        return _reconciled(history)


def always_on(history: PowerHistory) -> PowerHistory:
    """Return the history of the same jobs at the same dates with no host ever put to sleep.

    Savings of sleeping are measured against it; the part ``computing`` alone is the other bound, idle for free.
    """
    run, platform = history.run, history.platform
    awake = host_states(replace(run, power_states=None), platform)
    date, overhead, busy = power_steps(run, awake, history.jobs)
    return replace(history, date_s=date, overhead_w=overhead, busy=busy, states=awake)


def _end(run: RunResults) -> float:
    """Return the end of a run: what it says, else the last date of its energy, else of anything."""
    if "end_s" in run.summary or run.energy is None:
        return run.end_s
    return float(run.energy.time_s[-1])


def power_steps(
    run: RunResults, states: HostStates, jobs: JobPower
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Add up the changes of power at each date: hosts that are on and run no job are idle."""
    ends = np.isfinite(states.end_s)
    ran = ~run.jobs.rejected
    size = run.jobs.allocation.size[ran].astype(np.float64)
    stop = np.full(len(run.jobs), -np.inf)
    np.maximum.at(stop, jobs.job, jobs.end_s)
    pieces = (states.start_s, states.end_s[ends], jobs.start_s, jobs.end_s, run.jobs.start_s[ran], stop[ran])
    date, index = np.unique(np.concatenate([[0.0], *pieces]), return_inverse=True)
    at = np.split(index[1:], np.cumsum([len(piece) for piece in pieces])[:-1])

    def total(changes: list[tuple[NDArray[np.int64], NDArray[np.float64]]]) -> NDArray[np.float64]:
        summed = np.stack([sum_by(where, change, len(date)) for where, change in changes]).sum(axis=0)
        return np.cumsum(summed)

    rows = []
    for doing in (ON, SLEEPING, SWITCHING_ON, SWITCHING_OFF):
        power = np.where(states.doing == doing, states.power_w, 0.0)
        changes = [(at[0], power), (at[1], -power[ends])]
        rows.append(total([*changes, (at[2], -jobs.idle_w), (at[3], jobs.idle_w)] if doing == ON else changes))
    return date, np.stack(rows), total([(at[4], size), (at[5], -size)])


def _reconciled(history: PowerHistory) -> PowerHistory:
    """Compare with what the run counted; scale to its exact energy where it states that."""
    exact = _stated(history.run.summary.get("energy_by_state_j"))
    if exact is not None:
        return _scaled(history, exact)
    trace = history.run.energy
    if trace is None:
        return history
    found = sum(history.energy_j(float(trace.time_s[-1])).values())
    return _checked(history, found, float(trace.energy_j[-1]), "consumed_energy.csv")


def _stated(parts: Any) -> dict[str, float] | None:
    if not isinstance(parts, dict):
        return None
    found = {str(name): float(joules) for name, joules in parts.items() if _is_energy(joules)}
    found["idle"] = found.get("idle", 0.0) + found.get("unavailable", 0.0)
    return found if all(name in found for name in PARTS) else None


def _is_energy(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e300


def _scaled(history: PowerHistory, exact: dict[str, float]) -> PowerHistory:
    raw, summary = history.energy_j(), history.run.summary
    lazy = bool(summary.get("energy_counts_differ")) and _is_energy(summary.get("energy_batsim_j"))
    counted = float(summary["energy_batsim_j"]) if lazy else sum(exact[name] for name in PARTS)
    history = _checked(history, sum(raw.values()), counted, "summary.json")
    factor = np.array([exact[name] / raw[name] if raw[name] > 0 else 1.0 for name in PARTS])
    notes = history.notes
    if lazy:
        notes += ("Batsim's lazy count of jobs' energies differs from the exact one: jobs are scaled to the exact sum",)
    jobs = replace(history.jobs, power_w=history.jobs.power_w * factor[0])
    return replace(history, jobs=jobs, overhead_w=history.overhead_w * factor[1:, None], notes=notes)


def _checked(history: PowerHistory, found: float, counted: float, source: str) -> PowerHistory:
    """Refuse files that contradict each other; note what rounding does not explain."""
    states, platform = history.states, history.platform
    tight = bool(platform.messages.free and not first_pstate(states, platform).any() and not states.notes)
    slack = _ROUNDING_S * float(history.jobs.power_w.sum() + states.power_w.sum())
    off = abs(found - counted)
    if off > max(_WRONG_SHARE[tight] * abs(counted), slack):
        raise InvalidInputError(
            f"{history.run.directory}: files and platform give {found:.6g} J where {source} counts {counted:.6g} J; "
            "give the platform of the run (runs whose jobs share hosts, or still run at the end, cannot be accounted)"
        )
    if off > max(1e-6 * abs(counted), slack):
        return replace(history, notes=(*history.notes, f"{source} counts {counted:.6g} J instead of {found:.6g} J"))
    return history
