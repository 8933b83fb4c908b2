"""What plays a simulation: the in-process engine, or Batsim with a scheduler process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, get_args

from wattq.errors import InvalidInputError, UnsupportedError
from wattq.experiments.experiment_model import EngineName, PolicySpec
from wattq.platforms.model import Platform
from wattq.workloads.model import Workload

__all__ = ["ENGINES", "Embedded", "Engine", "clock_of", "make_engine", "with_clock"]

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

        policy = with_clock(policy, clock_of(workloads))
        made = make_policy(policy.name, policy.params)
        files = [] if events is None else [events]
        simulate(platform, workloads, made, energy=energy, events=files).write(folder)


def clock_of(workloads: Sequence[Workload]) -> float | None:
    """Return what the site's clock shows at date 0, s since 1970-01-01T00:00; None where the first workload tells none.

    A log that does not tell its zone is read in UTC.
    """
    if not workloads or workloads[0].unix_start_s is None:
        return None
    return workloads[0].unix_start_s + (workloads[0].utc_offset_s or 0.0)


def with_clock(policy: PolicySpec, clock_s: float | None) -> PolicySpec:
    """Return a policy whose predictor, if it has one, is told the hour and the day of the week; so is a learned policy.

    A scheduler beside Batsim learns nothing of dates, so that every engine gives the clock as a parameter. The policy
    keeps its title. A learned policy that looks at grid signals needs a date on their calendar instead.
    """
    if clock_s is None:
        return policy
    told: dict[str, float] = {}
    if policy.params.get("estimate") == "predictor":
        told["predictor_clock"] = clock_s
    if policy.name.strip().lower() == "rl" and not {"signal", "origin", "utc_offset"} & set(policy.params):
        told |= {"origin": clock_s, "utc_offset": 0.0}
    new = {name: value for name, value in told.items() if name not in policy.params}
    if not new:
        return policy
    return policy.model_copy(update={"params": {**policy.params, **new}, "label": policy.title})


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
