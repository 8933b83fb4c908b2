"""What the same work takes in each computing state of a host: time, power, joules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wattq.errors import PlatformError
from wattq.platforms.make import ComputeState
from wattq.platforms.model import Platform, PstateKind

__all__ = ["EnergyRow", "energy_rows", "energy_table", "energy_text"]


@dataclass(frozen=True)
class EnergyRow:
    """One computing state, for work of a given sensitivity that loads the host fully.

    Attributes:
        state: number of the power state.
        speed_flops: speed of one core, flop/s.
        power_w: power under full load, W.
        runtime: run time relative to the first state.
        energy: energy relative to the first state, for a host that is asleep or gone when it does not compute.
        above_idle: the same for the energy above the idle power of the state, for a host that stays on.
        joules_per_flop: energy per flop of one loaded core, J; per flop of effective speed where speeds are effective.
        flops_per_w: speed of all cores per watt, flop/s/W.
        best: whether no state takes less energy (`energy`).
    """

    state: int
    speed_flops: float
    power_w: float
    runtime: float
    energy: float
    above_idle: float
    joules_per_flop: float
    flops_per_w: float
    best: bool


def energy_table(platform: Platform, host: int = 0, *, beta: float = 1.0) -> list[EnergyRow]:
    """Return a row per computing state of a host.

    Args:
        platform: with powers.
        host: its number.
        beta: share of the run time in the first state that scales with the speed.

    Raises:
        PlatformError: when the platform states no powers, or `beta` is not within 0 and 1.
    """
    if not platform.has_power:
        raise PlatformError(f"platform '{platform.name}': no powers, so that no energy can be told; state them")
    numbers = [k for k in range(int(platform.n_pstates[host])) if platform.kind[host, k] == PstateKind.COMPUTE]
    columns = (platform.speed_flops, platform.idle_w, platform.full_w)
    states = [ComputeState(*(float(column[host, k]) for column in columns)) for k in numbers]
    return energy_rows(states, beta=beta, cores=int(platform.cores[host]), numbers=numbers)


def energy_rows(
    states: Sequence[ComputeState], *, beta: float = 1.0, cores: int = 1, numbers: Sequence[int] | None = None
) -> list[EnergyRow]:
    """Return a row per state.

    Args:
        states: with idle and full power each.
        beta: as in `energy_table`.
        cores: cores that the full power loads.
        numbers: numbers of the states; 0, 1, ... when absent.

    Raises:
        PlatformError: when a state has no power, or `beta` is not within 0 and 1.
    """
    if not 0 <= beta <= 1:
        raise PlatformError(f"energy table: sensitivity beta {beta}; use 0 to 1")
    told = []
    for number, state in zip(numbers or range(len(states)), states, strict=True):
        if state.idle_w is None or state.full_w is None:
            raise PlatformError(f"energy table: state {number} states no idle and full power")
        runtime = beta * states[0].speed_flops / state.speed_flops + 1 - beta
        told.append((number, state.speed_flops, state.full_w, state.full_w - state.idle_w, runtime))
    joules = [power * runtime for _, _, power, _, runtime in told]
    above = [dynamic * runtime for *_, dynamic, runtime in told]
    return [
        EnergyRow(
            state=number,
            speed_flops=speed,
            power_w=power,
            runtime=runtime,
            energy=_share(joules[k], joules[0]),
            above_idle=_share(above[k], above[0]),
            joules_per_flop=joules[k] / (cores * told[0][1]),
            flops_per_w=cores * told[0][1] / joules[k] if joules[k] else float("inf"),
            best=joules[k] == min(joules),
        )
        for k, (number, speed, power, _, runtime) in enumerate(told)
    ]


def _share(value: float, of: float) -> float:
    return value / of if of else 1.0


def energy_text(rows: Sequence[EnergyRow]) -> str:
    """Return the table as lines of text for a terminal."""
    lines = [f"{'state':>5}  {'speed':>6}{'full W':>9}{'time':>8}{'energy':>8}{'above idle':>12}{'Gflop/s/W':>12}"]
    for row in rows:
        speed = row.speed_flops / rows[0].speed_flops
        numbers = f"{row.power_w:>9.6g}{row.runtime:>8.3f}{row.energy:>8.3f}{row.above_idle:>12.3f}"
        mark = "  least energy" if row.best else ""
        lines.append(f"{row.state:>5}  {speed:>6.3f}{numbers}{row.flops_per_w / 1e9:>12.6f}{mark}")
    return "\n".join(lines)
