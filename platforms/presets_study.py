"""Variants of the presets of logs with more computing states, for studies of frequency choice and power caps.

Hosts of all variants draw the same round figures, so that percentages compare between machines. Each computing state
of a host has one idle power: idle cores rest in their own sleep states, whatever the clock or the cap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from wattq.platforms.make import ComputeState, SleepState
from wattq.platforms.preset import Preset

__all__ = ["study_presets"]

IDLE_W = 100.0
FULL_W = 200.0
LOGS = ("kth-sp2", "sdsc-sp2", "llnl-atlas", "unilu-gaia")

GPU_STATES = ((1.0, 1.0), (0.95, 0.82), (0.90, 0.74), (0.80, 0.65))
CPU_STATES = ((1.0, 1.0), (0.93, 0.82), (0.74, 0.68))

_POWERS = (
    "Powers: assumed, the same for every machine so that percentages compare: 100 W idle in every computing state, 200 "
    "W full in state 0; asleep 10 W, 5 s at 125 W to switch off, 64 s at 115 W to switch on, as in the reference "
    "recordings of Batsim 4.2.1 made for wattq."
)
_GPU_SOURCE = (
    "States 1 to 3 (speed, full power against state 0): 0.95, 0.82 (164 W), assumed; 0.90, 0.74 (148 W) and 0.80, 0.65 "
    "(130 W): power caps of 150 and 125 W on a V100 of 250 W, means over the six training tasks, 68 runs, of Zeus "
    "(summary_power: 0.897, 0.739; 0.804, 0.648; speed = 1 / mean relative time, power = mean relative energy / mean "
    "relative time, tasks weighing alike; the cap of 175 W, 0.944 and 0.815, lies next to state 1). That a whole host "
    "behaves as the device does is assumed; the variant '-dvfs-cpu' has whole nodes, which save less."
)
_CPU_SOURCE = (
    "States 1 and 2 (speed, full power against state 0): 0.93, 0.82 (164 W) and 0.74, 0.68 (136 W): whole ARCHER2 "
    "nodes at 2.0 GHz against 2.25 GHz with boost (EPCC archer2-frequency-benchmarks): CASTEP al3x3 (0.926, 0.822), "
    "and the means of HPL and two LAMMPS cases (0.750, 0.698; 0.738, 0.678; 0.729, 0.676). That they are states of "
    "one host, for any work, is assumed."
)


def study_presets(logs: Mapping[str, Preset], sleep: SleepState) -> dict[str, Preset]:
    """Return the variants ``NAME-dvfs`` and ``NAME-dvfs-cpu`` of four presets.

    Args:
        logs: the presets of the logs; sizes, names and properties of hosts come from them.
        sleep: sleep state of every variant.
    """
    variants = {}
    for name in LOGS:
        variants[f"{name}-dvfs"] = _variant(logs[name], sleep, GPU_STATES, _GPU_SOURCE)
        variants[f"{name}-dvfs-cpu"] = _variant(logs[name], sleep, CPU_STATES, _CPU_SOURCE)
    return variants


def _variant(preset: Preset, sleep: SleepState, states: tuple[tuple[float, float], ...], source: str) -> Preset:
    machine = preset.summary.partition(":")[0]
    speeds = ", ".join(f"{speed:g}" for speed, _ in states)
    return replace(
        preset,
        summary=f"{machine} with states of {speeds} speed, {preset.n_hosts:,} hosts of 100 W idle, 200 W full",
        states=tuple(ComputeState(speed * 1e9, IDLE_W, round(power * FULL_W, 1)) for speed, power in states),
        sleep=sleep,
        sources=(preset.sources[0], _POWERS, source),
    )
