"""The policy `sites` from its parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wattq.errors import PolicyError, SignalError
from wattq.platforms import Platform, load_platform
from wattq.schedulers.outlook import Outlook
from wattq.schedulers.sites.policy import Sites
from wattq.schedulers.sites.site import Site, hosts_named, read_hosts

__all__ = ["make_sites"]


def make_sites(
    given: Mapping[str, object],
    sites: Sequence[tuple[str, str]],
    machine: str,
    origin: str,
    forecast: str,
    seed: int,
    max_wait: Mapping[int | None, float],
    min_gain: float,
) -> Sites:
    """Return the policy.

    Args:
        given: parameters as given, for reports.
        sites: hosts (or a value of the property site) and signal of each site; none: the machine is one site.
        machine: platform file or preset, for sites by their names.
        origin: date of time 0; empty without.
        forecast: how well signals are foreseen.
        seed: of the noise; sites get seeds of their own.
        max_wait: longest extra wait by queue number, s; under None that of other queues.
        min_gain: by how much a site must be better for a job to wait for it, as a share.

    Raises:
        PolicyError: sites overlap, are unknown, or only some have a signal.
        SignalError: a signal breaks a rule, or signals of sites differ in unit or kind.
        MissingFileError: a file cannot be read.
        PlatformError: the platform breaks a rule.
    """
    platform = _platform(sites, machine)
    outlooks = [
        Outlook(signal, origin, forecast, seed + number) if signal else None for number, (_, signal) in enumerate(sites)
    ]
    _check_alike(sites, outlooks)
    made = [_site(key, outlook, platform) for (key, _), outlook in zip(sites, outlooks, strict=True)]
    policy = Sites(made or [Site("all", None)], max_wait, min_gain)
    policy.params = dict(given)
    return policy


def _platform(sites: Sequence[tuple[str, str]], machine: str) -> Platform | None:
    """Return the platform where sites go by names; it is not needed otherwise."""
    names = [key for key, _ in sites if read_hosts(key) is None]
    if names and not machine:
        raise PolicyError(
            f"policy 'sites', site '{names[0]}': a name needs the parameter 'machine', the platform whose hosts have "
            "the property site; or give the hosts by numbers, such as 0-63"
        )
    if machine and not names:
        raise PolicyError("policy 'sites', parameter 'machine': no site goes by its name; leave it out")
    return load_platform(machine) if names else None


def _site(key: str, outlook: Outlook | None, platform: Platform | None) -> Site:
    hosts = read_hosts(key)
    if hosts is None:
        assert platform is not None
        hosts = hosts_named(platform, key)
    return Site(key, hosts, outlook)


def _check_alike(sites: Sequence[tuple[str, str]], outlooks: Sequence[Outlook | None]) -> None:
    """Refuse signals that cannot be compared with each other."""
    without = [key for (key, _), outlook in zip(sites, outlooks, strict=True) if outlook is None]
    if without and len(without) < len(sites):
        raise PolicyError(
            f"policy 'sites', site '{without[0]}': it has no signal, but other sites do; give each one, or none"
        )
    known = [
        (key, outlook.signal)
        for (key, _), outlook in zip(sites, outlooks, strict=True)
        if outlook is not None and outlook.signal is not None
    ]
    for what in ("quantity", "unit", "kind", "scope"):
        values = [(key, getattr(signal, what)) for key, signal in known if getattr(signal, what)]
        for key, value in values[1:]:
            if value != values[0][1]:
                raise SignalError(
                    f"policy 'sites': the signal of site '{values[0][0]}' has {what} '{values[0][1]}', that of site "
                    f"'{key}' '{value}'; they cannot be compared, give signals of one {what}"
                )
