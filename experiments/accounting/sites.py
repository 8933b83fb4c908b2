"""Accounts of a run over several sites: each site's power against the signals of its own grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError, SignalError
from wattq.experiments.accounting.account import Account, Amounts, account_history
from wattq.experiments.accounting.history import OVERHEAD, PowerHistory, power_steps, reconstruct
from wattq.experiments.accounting.host_states import expand
from wattq.experiments.accounting.meters import MEASURES, Tariff
from wattq.experiments.results import RunResults
from wattq.platforms.model import Platform

__all__ = ["SitesAccount", "account_sites", "site_hosts", "split_history"]

_STATE_COLUMNS = ("host", "start_s", "end_s", "doing", "pstate", "power_w")
_JOB_COLUMNS = ("job", "start_s", "end_s", "power_w", "idle_w")


@dataclass(frozen=True)
class SitesAccount:
    """What a run over several sites drew, cost and emitted.

    Attributes:
        total: everything; the sum over the sites.
        sites: account of each site. A job is charged at its own site alone, with a share of that site's overhead.
    """

    total: Amounts
    sites: Mapping[str, Account]


def site_hosts(platform: Platform) -> dict[str, NDArray[np.int64]]:
    """Return the hosts of each site by the property ``site`` of hosts, or of their zones; storage hosts, too.

    Raises:
        InvalidInputError: a host has no site.
    """
    pairs = zip(platform.properties, platform.zone_properties, strict=True)
    names = [own.get("site", zone.get("site", "")) for own, zone in pairs]
    if "" in names:
        host = platform.host_names[names.index("")]
        raise InvalidInputError(
            f"platform '{platform.name}', host '{host}': has no property 'site'; join the machines of the sites by "
            "`wattq platform join`, or give the hosts of each site"
        )
    return {name: np.flatnonzero(np.array(names) == name).astype(np.int64) for name in sorted(set(names))}


def account_sites(
    run: RunResults,
    platform: Platform,
    tariffs: Mapping[str, Tariff],
    *,
    hosts: Mapping[str, Sequence[int] | NDArray[np.int64]] | None = None,
    window: tuple[float, float] | None = None,
    horizon_s: float | None = None,
) -> SitesAccount:
    """Account for a run whose hosts stand at several sites.

    Args:
        run: results of wattq or of the real Batsim.
        platform: the machine that it ran on.
        tariffs: signals, PUE and origin of each site; all have a price or none, and so with carbon.
        hosts: host numbers of each site; by default those with the property ``site``.
        window: count only what is drawn in [t0, t1) of the run's time, s.
        horizon_s: date to which the machine goes on as it ended.

    Raises:
        SignalError: currencies differ, only some sites have a price or a carbon signal, or a signal does not cover
            what is counted.
        InvalidInputError: a site has no tariff, a host belongs to no site or to two, or a job ran at two sites.
        PlatformError: the platform states no powers.
    """
    of_site = site_hosts(platform) if hosts is None else {name: np.asarray(list(h)) for name, h in hosts.items()}
    if set(of_site) != set(tariffs):
        missing = sorted(set(of_site) ^ set(tariffs))
        raise InvalidInputError(f"site '{missing[0]}': it has hosts or a tariff, but not both; give each site both")
    _check_alike(tariffs)
    histories = split_history(reconstruct(run, platform), of_site)
    sites = {
        name: account_history(history, tariffs[name], window=window, horizon_s=horizon_s)
        for name, history in histories.items()
    }
    return SitesAccount(_sum([one.total for one in sites.values()]), sites)


def _check_alike(tariffs: Mapping[str, Tariff]) -> None:
    """Refuse sites whose amounts cannot be added."""
    for what in ("carbon", "price"):
        given = {name for name, tariff in tariffs.items() if getattr(tariff, what) is not None}
        lacking = sorted(set(tariffs) - given)
        if given and lacking:
            raise SignalError(f"site '{lacking[0]}' has no {what} signal, but others do; give each site one, or none")
    currencies = {name: tariff.currency for name, tariff in tariffs.items()}
    if len(set(currencies.values())) > 1:
        words = ", ".join(f"'{name}' {currency}" for name, currency in currencies.items())
        raise SignalError(f"prices of sites are in several currencies ({words}); convert them into one")


def _sum(amounts: Sequence[Amounts]) -> Amounts:
    found: dict[str, float] = {}
    for name in MEASURES:
        values = [getattr(one, name) for one in amounts]
        if None not in values:
            found[name] = fsum(values)
    return Amounts(**found)


def split_history(
    history: PowerHistory, hosts: Mapping[str, Sequence[int] | NDArray[np.int64]]
) -> dict[str, PowerHistory]:
    """Return the power over time of each site; the energies of each part sum to those of the whole.

    In the histories, jobs of other sites count as rejected.

    Raises:
        InvalidInputError: a host belongs to no site or to two, or a job ran at two sites.
    """
    names = list(hosts)
    site_of = _site_of(history, hosts)
    site_of_job = _site_of_job(history, site_of, names)
    raw = {name: _restricted(history, site_of == k, site_of_job == k) for k, name in enumerate(names)}
    # What the whole was scaled by, to agree with what the run counted.
    parts = history.energy_j()
    sums = {part: fsum(one.energy_j()[part] for one in raw.values()) for part in parts}
    factor = {part: parts[part] / sums[part] if sums[part] > 0 else 1.0 for part in parts}
    overhead = np.array([factor[part] for part in OVERHEAD])[:, None]
    return {
        name: replace(
            one,
            overhead_w=one.overhead_w * overhead,
            jobs=replace(one.jobs, power_w=one.jobs.power_w * factor["computing"]),
        )
        for name, one in raw.items()
    }


def _site_of(history: PowerHistory, hosts: Mapping[str, Sequence[int] | NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the number of each host's site."""
    platform = history.platform
    site_of = np.full(platform.n_hosts, -1, dtype=np.int64)
    for k, (name, given) in enumerate(hosts.items()):
        numbers = np.asarray(given, dtype=np.int64)
        outside = numbers[(numbers < 0) | (numbers >= platform.n_hosts)]
        if outside.size:
            raise InvalidInputError(
                f"site '{name}': host {outside[0]}, but the machine has hosts 0 to {platform.n_hosts - 1}"
            )
        taken = numbers[site_of[numbers] >= 0]
        if taken.size:
            raise InvalidInputError(f"site '{name}': host {taken[0]} belongs to another site too; give each host one")
        site_of[numbers] = k
    alone = np.flatnonzero(site_of < 0)
    if alone.size:
        raise InvalidInputError(f"host {alone[0]} belongs to no site; give each host one")
    return site_of


def _site_of_job(history: PowerHistory, site_of: NDArray[np.int64], names: Sequence[str]) -> NDArray[np.int64]:
    """Return the number of each job's site; -1 where it did not run."""
    jobs = history.run.jobs
    row, host = expand(jobs.allocation)
    low, high = np.full(len(jobs), len(names), dtype=np.int64), np.full(len(jobs), -1, dtype=np.int64)
    np.minimum.at(low, row, site_of[host])
    np.maximum.at(high, row, site_of[host])
    both = np.flatnonzero((high >= 0) & (low != high))
    if both.size:
        job = both[0]
        raise InvalidInputError(
            f"{history.run.directory}: job '{jobs.key[job]}' ran at the sites '{names[low[job]]}' and "
            f"'{names[high[job]]}'; a job that spans sites cannot be accounted by site"
        )
    return high


def _restricted(history: PowerHistory, hosts: NDArray[np.bool_], jobs: NDArray[np.bool_]) -> PowerHistory:
    """Return the power of some hosts, with the jobs that ran there."""
    states, power, run = history.states, history.jobs, history.run
    mine = hosts[states.host]
    kept_states = replace(states, **{name: getattr(states, name)[mine] for name in _STATE_COLUMNS})
    own = jobs[power.job]
    kept_jobs = replace(power, **{name: getattr(power, name)[own] for name in _JOB_COLUMNS})
    words = tuple(state if here else "REJECTED" for state, here in zip(run.jobs.state, jobs.tolist(), strict=True))
    kept_run = replace(run, jobs=replace(run.jobs, state=words))
    date, overhead, busy = power_steps(kept_run, kept_states, kept_jobs)
    return replace(
        history, run=kept_run, date_s=date, overhead_w=overhead, busy=busy, jobs=kept_jobs, states=kept_states
    )
