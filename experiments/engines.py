"""What plays a simulation: the in-process engine, or Batsim with a scheduler process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, get_args

from wattq.errors import InvalidInputError, UnsupportedError
from wattq.experiments.experiment_model import EngineName, PolicySpec
from wattq.platforms.model import Platform
from wattq.workloads.model import Workload

__all__ = ["ENGINES", "Embedded", "Engine", "make_engine"]

ENGINES: tuple[str, ...] = get_args(EngineName)
"""Names of the engines."""


class Engine(Protocol):
    """Plays simulations and writes Batsim's result files."""

    @property
    def name(self) -> str:
        """One of `ENGINES`."""

    @property
    def provenance(self) -> Mapping[str, Any]:
        """What provenance.json says of it beside its name."""

    def play(
        self,
        platform: Platform,
        workloads: Sequence[Workload],
        policy: PolicySpec,
        folder: Path,
        *,
        energy: bool,
        events: Path | None,
        target: Path,
    ) -> None:
        """Simulate, and write Batsim's files and summary.json.

        Args:
            platform: the machine.
            workloads: w0, w1, ... in this order.
            policy: name and parameters.
            folder: exists; gets the files.
            energy: whether energy is counted.
            events: file of external events.
            target: the name that the folder will have in the end.
        """


class Embedded:
    """The in-process simulator."""

    name = "embedded"
    provenance: Mapping[str, Any] = {}

    def play(
        self,
        platform: Platform,
        workloads: Sequence[Workload],
        policy: PolicySpec,
        folder: Path,
        *,
        energy: bool,
        events: Path | None,
        target: Path,
    ) -> None:
        """Simulate in this process; see `Engine.play`."""
        from wattq.schedulers import make_policy
        from wattq.simulator import simulate

        made = make_policy(policy.name, policy.params)
        files = [] if events is None else [events]
        simulate(platform, workloads, made, energy=energy, events=files).write(folder)


def make_engine(name: str = "embedded", simulation_timeout_s: float | None = None) -> Engine:
    """Return an engine by name.

    Args:
        name: one of `ENGINES`.
        simulation_timeout_s: longest time that Batsim and the scheduler may run, s; None is robin's default, a week.

    Raises:
        UnsupportedError: there is no such engine, or Batsim's version is not accepted.
        MissingDependencyError: Batsim or pybatsim is not installed.
        InvalidInputError: a time-out that is no number of seconds above 0, or that the engine does not take.
    """
    if name not in ENGINES:
        raise UnsupportedError(f"--engine {name}: no such engine; there is {', '.join(ENGINES)}")
    if name == "embedded":
        if simulation_timeout_s is not None:
            raise InvalidInputError(
                f"simulation time-out {simulation_timeout_s:g} s: the embedded engine has none; leave it out, or take "
                "the engine 'batsim'"
            )
        return Embedded()
    from wattq.experiments.batsim.engine import BatsimEngine

    return BatsimEngine.found(simulation_timeout_s)
