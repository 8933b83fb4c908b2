"""The in-process engine: one call from platform, workloads and policy to a `Run`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from wattq.errors import InvalidInputError, PolicyError, SimulationAbortError, UnsupportedError
from wattq.platforms.model import Platform
from wattq.simulator import layout as c
from wattq.simulator.aborts import abort_message
from wattq.simulator.build import build
from wattq.simulator.external import ExternalEvents, read_events
from wattq.simulator.interface import Actions, CompiledPolicy, Policy, View
from wattq.simulator.kernel import advance
from wattq.simulator.ledger import absorb
from wattq.simulator.prediction import Predictor, consult, note, predict, predictor_of, watched
from wattq.simulator.room import enlarge
from wattq.simulator.rounds import decide_in_python, policy_gave_up
from wattq.simulator.run import Run
from wattq.workloads.model import Workload

__all__ = ["simulate"]


def simulate(
    platform: Platform,
    workloads: Sequence[Workload],
    policy: Policy | CompiledPolicy,
    *,
    energy: bool = False,
    events: str | Path | Sequence[str | Path] = (),
) -> Run:
    """Play a policy on a machine and return what happened.

    The dates, the order of events and the grouping into decision points are Batsim 4.2.1's.

    Args:
        platform: the machine.
        workloads: what is submitted, in Batsim's order (w0, w1, ...).
        policy: a compiled policy, or any object with ``decide(view, actions)``. What its attribute ``predictor``, if
            it has one, makes is asked for the expected run times of jobs (see `prediction`).
        energy: whether energy is counted (Batsim's ``-E``); needed for power states.
        events: files of external events (machines that leave and come back).

    Raises:
        SimulationAbortError: a decision makes Batsim abort.
        PolicyError: the policy asked for what no scheduler may do, or its predictor failed.
        UnsupportedError: the platform or a profile asks for what is not simulated.
        InvalidInputError: an events file breaks its format.
    """
    if energy and not platform.has_power:
        raise InvalidInputError(
            f"platform {platform.name}: energy was asked for, but a host states no powers; add the property "
            "'wattage_per_state' to every host, or run without energy"
        )
    if not workloads:
        raise InvalidInputError("no workload was given; name at least one")
    paths = [events] if isinstance(events, str | Path) else list(events)
    externals = read_events(paths, platform.n_hosts) if paths else ExternalEvents.none()
    s, v, nodes = build(platform, workloads, energy=energy, externals=externals)
    if nodes.has_trace and not platform.messages.free:
        raise UnsupportedError(
            f"platform {platform.name}: usage traces on a platform with routes are not simulated; remove the routes"
        )
    if not isinstance(policy, CompiledPolicy | Policy):
        raise PolicyError(f"{type(policy).__name__} is no policy: it has no method decide(view, actions); add one")
    predictor = predictor_of(policy)
    if predictor is not None:
        v = watched(v)
    begin = time.perf_counter()
    if isinstance(policy, CompiledPolicy):
        code, s, v = _run_compiled(policy, predictor, s, v)
        scheduling_s = 0.0
    else:
        code, s, v, scheduling_s = _run_python(policy, predictor, s, v)
    spent_s = time.perf_counter() - begin
    if code == c.ABORTED:
        raise SimulationAbortError(abort_message(s, platform, workloads))
    return Run(
        platform=platform,
        workloads=tuple(workloads),
        kernel=s,
        ledger=v,
        energy=energy,
        policy=getattr(policy, "name", type(policy).__name__),
        params=dict(getattr(policy, "params", {})),
        deadlock=code == c.DEADLOCK,
        scheduling_s=scheduling_s,
        simulation_s=spent_s,
    )


def _run_compiled(
    policy: CompiledPolicy, predictor: Predictor | None, s: c.Kernel, v: c.Ledger
) -> tuple[int, c.Kernel, c.Ledger]:
    """Play a compiled policy to the end."""
    head = v.head[0]
    mi, mf, mw = policy.new_memory(int(head["n_jobs"]), int(head["n_hosts"]), int(head["n_words"]))
    while True:
        code = policy.run(policy.kind, s, v, policy.par, mi, mf, mw)
        if code == c.PREDICT and predictor is not None:
            consult(predictor, v)
            continue
        if head["error"]:
            policy_gave_up(policy.name, float(head["now_s"]), int(head["error"]))
        if code != c.GROW:
            return code, s, v
        s, v = enlarge(s, v)


def _run_python(
    policy: Policy, predictor: Predictor | None, s: c.Kernel, v: c.Ledger
) -> tuple[int, c.Kernel, c.Ledger, float]:
    """Play a plain-Python policy to the end; also return the wall-clock time it took, in s."""
    view, actions = View(v), Actions(v)
    spent_s = 0.0
    clock = time.perf_counter
    while True:
        code = advance(s, v)
        if code == c.DECIDE:
            absorb(v)
            begin = clock()
            predict(predictor, v)
            decide_in_python(policy, view, actions)
            note(predictor, v)
            spent_s += clock() - begin
        elif code == c.GROW:
            s, v = enlarge(s, v)
            view, actions = View(v), Actions(v)
        else:
            return code, s, v, spent_s
