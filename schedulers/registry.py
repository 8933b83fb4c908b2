"""Names of policies, and how a name becomes a policy.

Listing names loads nothing heavy; the compiled code is imported when a built-in policy is made.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from wattq.errors import PolicyError
from wattq.schedulers import energy_parameters as ep
from wattq.schedulers import green_parameters as gp
from wattq.schedulers import kinds
from wattq.schedulers.estimates import split_params, with_predictor
from wattq.schedulers.loading import load_policy
from wattq.schedulers.orders import ORDER_ALIASES, ORDERS
from wattq.schedulers.parameters import Parameter, backfill, half_life, numbers_of, order, rjms_delay, shares
from wattq.schedulers.qos_parameters import classes, queues, within
from wattq.schedulers.rl_parameters import LEARNED
from wattq.schedulers.sites_parameters import forecast, machine, max_wait, min_gain, origin, seed, sites

if TYPE_CHECKING:
    from wattq.simulator.interface import CompiledPolicy, Policy

__all__ = ["POLICIES", "POLICY_ALIASES", "PolicySpec", "make_policy", "policy_spec"]


_SIGNAL = ("signal", "origin")


@dataclass(frozen=True)
class PolicySpec:
    """A built-in policy.

    Attributes:
        summary: what it does, in one line.
        kind: its number in compiled code, one of `kinds`; -1 for one in plain Python.
        parameters: those a user may set.
        fixed: values of parameters that the name stands for; they cannot be set.
        needs_walltime: whether jobs without walltime are rejected.
        needs_energy: whether it switches hosts, so that energy has to be counted.
        needs: parameters that have to be given.
        code: module of its compiled `decide`, `run` and `MEMORY`.
        place: module and function (``module:function``) that makes a policy in plain Python from its parameters.
        pack: module and function that makes the row of numbers of a compiled policy from its name and parameters; the
            numbers in their order when it is not given.
    """

    summary: str
    kind: int
    parameters: tuple[Parameter, ...] = ()
    fixed: Mapping[str, object] = field(default_factory=dict)
    needs_walltime: bool = False
    needs_energy: bool = False
    needs: tuple[str, ...] = ()
    code: str = "wattq.schedulers.compiled"
    place: str = ""
    pack: str = ""


def _specs() -> dict[str, PolicySpec]:
    """Return the built-in policies by name."""
    specs = {
        "easy": PolicySpec(
            "textbook EASY backfilling: head reservation and extra nodes, kept up to date",
            kinds.EASY,
            (order, backfill),
        ),
        "easy-sjbf": PolicySpec(
            "textbook EASY, shortest job backfilled first", kinds.EASY, (order,), {"backfill": "sjf"}
        ),
        "conservative": PolicySpec(
            "conservative backfilling: every job holds a reservation, none is ever delayed",
            kinds.CONSERVATIVE,
            (order, rjms_delay(0.0)),
            needs_walltime=True,
        ),
        "fcfs": PolicySpec("first come, first served, no backfilling (batsched's fcfs_fast)", kinds.FCFS, (order,)),
    }
    for name, first in ORDERS.items():
        if name != "fcfs":
            specs[name] = PolicySpec(f"{first}, no backfilling", kinds.FCFS, (), {"order": name})
    return (
        specs
        | {
            "fair-share": PolicySpec(
                "users who used little of late come first, with EASY backfilling",
                kinds.FAIR_SHARE,
                (half_life, shares),
            ),
            "qos": PolicySpec(
                "classes of service: priorities, limits, preemption, with EASY backfilling (plain Python)",
                -1,
                (classes, queues, within, half_life),
                place="wattq.schedulers.qos.make:make_qos",
            ),
            "sites": PolicySpec(
                "several sites: a job runs where carbon or price is forecast lowest, EASY at each (plain Python)",
                -1,
                (sites, machine, origin, forecast, seed, max_wait, min_gain),
                place="wattq.schedulers.sites.make:make_sites",
            ),
            "filler": PolicySpec(
                "start every job that fits, in queue order (batsched's filler)", kinds.FILLER, (order,)
            ),
            "easy-bf": PolicySpec(
                "batsched's easy_bf: EASY whose head reserves given hosts",
                kinds.EASY_BF,
                (order, rjms_delay(5.0)),
                needs_walltime=True,
            ),
            "easy-bf-fast": PolicySpec(
                "batsched's easy_bf_fast: EASY without extra nodes, reservation never updated", kinds.EASY_FAST
            ),
            "conservative-bf": PolicySpec(
                "batsched's conservative_bf: conservative backfilling, 5 s added to walltimes",
                kinds.CONSERVATIVE,
                (order, rjms_delay(5.0)),
                needs_walltime=True,
            ),
        }
        | _energy_specs()
        | _green_specs()
        | {
            "rl": PolicySpec(
                "a policy that `wattq rl train` learned, from its file",
                kinds.LEARNED,
                LEARNED,
                needs=("model",),
                code="wattq.schedulers.rl.backfill.compiled",
                pack="wattq.schedulers.rl.backfill.pack:pack_learned",
            )
        }
    )


def _green_specs() -> dict[str, PolicySpec]:
    """Return the energy-aware EASY policies by name; see `green`."""
    made = {
        "sleep": ("EASY; idle hosts sleep and wake in time for the head of the queue", gp.SLEEP, ()),
        "dvfs": ("EASY; jobs run in the power state of least energy within a bound of slowdown", gp.SPEED, ()),
        "power-cap": (
            "EASY under a power cap that is never exceeded; slower power states where it binds",
            gp.CAP,
            ("cap",),
        ),
        "defer": ("EASY; jobs wait for cleaner or cheaper hours, within a longest extra wait", gp.HOLD, _SIGNAL),
        "carbon-gate": ("EASY that backfills in the cleanest or cheapest hours of the day only", gp.GATE, _SIGNAL),
        "eco": ("sleep, dvfs, power-cap, defer and carbon-gate in one; short, small jobs first", gp.ECO, ()),
    }
    return {
        name: PolicySpec(
            summary,
            kinds.GREEN,
            parameters,
            needs_energy=needs != _SIGNAL,
            needs=needs,
            code="wattq.schedulers.green.compiled",
            pack="wattq.schedulers.green.pack:pack_green",
        )
        for name, (summary, parameters, needs) in made.items()
    } | {
        "eco-learned": PolicySpec(
            "eco whose order, waits and power states a network learned",
            kinds.GREEN,
            gp.LEARNED,
            needs_energy=True,
            needs=("model",),
            code="wattq.schedulers.green.compiled",
            pack="wattq.schedulers.green.pack_learned:pack_learned",
        )
    }


def _energy_specs() -> dict[str, PolicySpec]:
    """Return batsched's energy family by name; the parameters lie as `energy_bf.layout` says."""
    common = (order, rjms_delay(5.0), ep.least_sleep, ep.most_sleep)
    watching = (*common, ep.monitoring_period)
    needs: dict[str, Any] = {
        "needs_walltime": True,
        "needs_energy": True,
        "code": "wattq.schedulers.energy_bf.compiled",
    }
    return {
        "energy-bf": PolicySpec(
            "batsched's energy_bf: every job planned, hosts without planned work asleep",
            kinds.ENERGY_BF,
            common,
            **needs,
        ),
        "idle-sleeper": PolicySpec(
            "batsched's energy_bf_idle_sleeper: EASY, hosts idle for long enough asleep",
            kinds.IDLE_SLEEPER,
            (*watching, ep.idle_time(900.0), ep.on_messages(True)),
            **needs,
        ),
        "subpart-sleeper": PolicySpec(
            "batsched's energy_bf_subpart_sleeper: EASY, a fixed part of the hosts awake",
            kinds.SUBPART_SLEEPER,
            (*watching, ep.idle_time(1e18), ep.on_messages(False), ep.fraction_awake),
            **needs,
        ),
        "inertial": PolicySpec(
            "batsched's energy_bf_monitoring_inertial: EASY, hosts awake as the load asks, in growing steps",
            kinds.INERTIAL,
            (*watching, ep.idle_time(1e18), ep.on_messages(False), ep.alteration, ep.ceiling, ep.future_switches),
            **needs,
        ),
    }


_SPECS = MappingProxyType(_specs())

POLICIES: Mapping[str, str] = MappingProxyType({name: spec.summary for name, spec in _SPECS.items()})
"""Name -> what the policy does, in one line. An underscore in a name counts as a hyphen."""

POLICY_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "fcfs-fast": "fcfs",
        "easy-fast": "easy-bf-fast",
        "sjbf": "easy-sjbf",
        "easy-backfilling": "easy",
        "first-fit": "filler",
        "fairshare": "fair-share",
        "opportunistic": "idle-sleeper",
        "energy-bf-idle-sleeper": "idle-sleeper",
        "energy-bf-subpart-sleeper": "subpart-sleeper",
        "energy-bf-monitoring-inertial": "inertial",
    }
    # batsched's names of orders are its own parameter values, not policies.
    | {alias: name for alias, name in ORDER_ALIASES.items() if name != "fcfs" and "_" not in alias}
    | {"fifo": "fcfs", "smallest-area": "saf", "largest-area": "laf"}
)
"""Other name -> name in `POLICIES`."""


def policy_spec(name: str) -> tuple[str, PolicySpec]:
    """Return the registered name and the description of a built-in policy.

    Raises:
        PolicyError: there is no such policy; the message names the nearest ones.
    """
    key = name.strip().lower().replace("_", "-")
    key = POLICY_ALIASES.get(key, key)
    if key in _SPECS:
        return key, _SPECS[key]
    near = difflib.get_close_matches(key, [*_SPECS, *POLICY_ALIASES], 3, 0.5)
    hint = f"did you mean {', '.join(near)}?" if near else f"the built-in ones are {', '.join(_SPECS)}."
    raise PolicyError(f"unknown policy '{name}'; {hint} Your own policy goes by path/to/file.py:Class")


def make_policy(name: str, params: Mapping[str, object] | None = None) -> CompiledPolicy | Policy:
    """Return a policy by name.

    Args:
        name: a name in `POLICIES` or an alias; or a plain-Python policy as ``package.module:Class`` or
            ``path/to/file.py:Class``, a class with ``decide(view, actions)``.
        params: values of its parameters by name; keyword arguments of a plain-Python policy. Every policy also takes
            those of `estimate_parameters.COMMON`: ``estimate``, ``predictor`` and others about the predictor.

    Raises:
        PolicyError: the policy or a parameter is unknown, or a value breaks its rule.
        MissingFileError: a predictor's bundle cannot be read.
    """
    given = dict(params or {})
    own, source = split_params(name, given)
    made = _made(name, own)
    return made if own == given else with_predictor(made, source, given)


def _made(name: str, given: Mapping[str, object]) -> CompiledPolicy | Policy:
    """Return a policy from the parameters of its own."""
    if ":" in name or name.endswith(".py"):
        made: Policy = load_policy(name, given)
        return made
    key, spec = policy_spec(name)
    return _in_python(key, spec, given) if spec.place else _compiled(key, spec, given)


def _in_python(name: str, spec: PolicySpec, given: Mapping[str, object]) -> Policy:
    """Return a built-in policy in plain Python."""
    values = numbers_of(name, spec.parameters, given)
    module, _, function = spec.place.partition(":")
    make = getattr(importlib.import_module(module), function)
    made: Policy = make(given, **dict(zip([p.name for p in spec.parameters], values, strict=True)))
    return made


def _compiled(name: str, spec: PolicySpec, given: Mapping[str, object]) -> CompiledPolicy:
    """Return a built-in policy with its parameters as numbers."""
    numbers = numbers_of(name, spec.parameters, given)
    by_name: dict[str, Any] = dict(zip([p.name for p in spec.parameters], numbers, strict=True))
    import numpy as np

    from wattq.simulator.interface import CompiledPolicy

    row = _packed(name, spec, by_name) if spec.pack else _in_order(spec, by_name)
    compiled = importlib.import_module(spec.code)
    return CompiledPolicy(
        name=name,
        kind=spec.kind,
        par=np.array(row, dtype=np.float64),
        memory=compiled.MEMORY[spec.kind],
        run=compiled.run,
        decide=compiled.decide,
        params=given,
    )


def _packed(name: str, spec: PolicySpec, by_name: dict[str, Any]) -> Any:
    """Return the row of numbers that the policy's own function makes."""
    module, _, function = spec.pack.partition(":")
    return getattr(importlib.import_module(module), function)(name, by_name)


def _in_order(spec: PolicySpec, by_name: dict[str, Any]) -> list[float]:
    """Return the numbers of the parameters one after the other, the orders first."""
    by_name |= {p.name: p.number(spec.fixed[p.name]) for p in (order, backfill) if p.name in spec.fixed}
    slots = [by_name.pop("order", 0.0), by_name.pop("backfill", by_name.pop("rjms_delay", 0.0))]
    for number in by_name.values():
        slots.extend(number if isinstance(number, tuple) else [number])
    return slots
