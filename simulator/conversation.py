"""The engine driven by protocol messages: what a scheduler on the other side of a socket sees and says."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from wattq.errors import SimulationAbortError
from wattq.platforms.model import Platform
from wattq.simulator import layout as c
from wattq.simulator.aborts import abort_message
from wattq.simulator.build import build
from wattq.simulator.external import ExternalEvents
from wattq.simulator.kernel import advance
from wattq.simulator.protocol import MessageWriter, ProtocolOptions
from wattq.simulator.registration import Registrations
from wattq.simulator.replies import ReplyReader, put_reply
from wattq.simulator.room import enlarge
from wattq.simulator.run import Run
from wattq.workloads.model import Workload
from wattq.workloads.sensitivity import refuse_sensitive

__all__ = ["converse"]


def _undispatched(compiled: Any) -> Callable[[c.Kernel, c.Ledger], int]:
    """Return a compiled function that was called before, without numba's look at the types of its arguments."""
    (only,) = compiled.overloads.values()
    entry: Callable[[c.Kernel, c.Ledger], int] = only.entry_point
    return entry


def converse(
    platform: Platform,
    workloads: Sequence[Workload],
    scheduler: Callable[[str], str | Mapping[str, Any]],
    *,
    energy: bool = False,
    externals: ExternalEvents | None = None,
    options: ProtocolOptions | None = None,
) -> Run:
    """Play a simulation in which every message of Batsim's protocol is answered by a function.

    Args:
        platform: the machine.
        workloads: what is submitted, in Batsim's order.
        scheduler: from the text of a message to the reply, as text or as the object it stands for.
        energy: whether energy is counted.
        externals: external events.
        options: what the scheduler is told at the beginning.

    Raises:
        SimulationAbortError: where Batsim aborts.
        InvalidInputError: a reply is not an object with ``now`` and ``events``.
        UnsupportedError: a job has a beta below 1, or asks for something else that is not simulated.
    """
    refuse_sensitive(workloads, "Batsim's protocol")
    externals = externals or ExternalEvents.none()
    options = options or ProtocolOptions()
    s, v, nodes = build(
        platform,
        workloads,
        energy=energy,
        externals=externals,
        sharing=options.compute_sharing,
        storage_sharing=options.storage_sharing,
        registering=options.dynamic_jobs,
        acknowledging=options.acknowledge_dynamic_jobs,
    )
    notes: list[str] = []
    writer = MessageWriter(platform, workloads, nodes.names, externals, options)
    registrations = Registrations(workloads, nodes, options)
    reader = ReplyReader(writer.full_ids, notes, registrations)
    begin = time.perf_counter()
    scheduling_s = 0.0
    code = advance(s, v)
    go_on = _undispatched(advance)
    while True:
        if code == c.DECIDE:
            text = writer.message(s)
            asked = time.perf_counter()
            reply = scheduler(text)
            scheduling_s += time.perf_counter() - asked
            registrations.note_reported(s)
            s, v = put_reply(s, v, reader.read(reply, v.head["n_iv"].item()))
            s, v = registrations.apply(s, v, writer)
        elif code == c.GROW:
            s, v = enlarge(s, v)
        else:
            break
        code = go_on(s, v)
    if code == c.ABORTED:
        raise SimulationAbortError(abort_message(s, platform, registrations.workloads, reader.why))
    return Run(
        platform=platform,
        workloads=tuple(registrations.workloads),
        kernel=s,
        ledger=v,
        energy=energy,
        policy="protocol",
        params={},
        deadlock=code == c.DEADLOCK,
        scheduling_s=scheduling_s,
        simulation_s=time.perf_counter() - begin,
        metadata={int(job): notes[s.jobs[job]["note"] - 1] for job in np.flatnonzero(s.jobs["note"])},
    )
