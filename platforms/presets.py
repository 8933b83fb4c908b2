"""Ready-made machines, with the source of every number.

All presets count in hosts that a job gets whole: one executor per host loads it fully, so every host has one core here,
and the real number of cores, processors and accelerators stands in its properties. The first power state runs at
1 Gflop/s of effective speed, so that a logged run time of t seconds is 1e9 t flop. Control messages cost nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wattq.platforms.make import ComputeState, SleepState, make_platform
from wattq.platforms.model import Platform
from wattq.platforms.preset import Preset
from wattq.platforms.presets_study import study_presets

__all__ = ["PRESETS", "preset_platform"]


_ONE_CORE = (
    "One core per host: a job gets whole hosts and loads them fully; real core counts stand in the properties. First "
    "state: 1 Gf of effective speed, so that t logged seconds are 1e9 t flop."
)
_SP2_SOURCE = (
    "Powers, DVFS and sleep states: assumed. No measured node power of these machines was found; these are the round "
    "figures of the reference recordings of Batsim 4.2.1 made for wattq (100/200 W idle/full at 1 Gf, 90/150 W at "
    "0.75 Gf, 10 W asleep, 5 s at 125 W to switch off, 64 s at 115 W to switch on), kept so that results compare."
)
_SWITCH_SOURCE = (
    "Switching: 6.1 s off, 151.52 s on, asleep 9.75 W, as Batsim's own example platform cluster_energy_128.xml has "
    "them for a node of 95 W idle (101 W while switching off, 125 W while switching on); powers while switching "
    "scaled by the ratio of idle powers (assumed)."
)
_DVFS_SOURCE = (
    "Second state: speed 0.75 and full power 0.70 of the first, measured with HPL on one ARCHER2 node at 2.0 GHz "
    "against 2.25 GHz with boost (3841.7 s at 512.7 W, 5125.3 s at 357.7 W, means of three runs; EPCC "
    "archer2-frequency-benchmarks); that it holds on this machine is assumed."
)
_SP2_STATES = (ComputeState(1e9, 100.0, 200.0), ComputeState(0.75e9, 90.0, 150.0))
_SP2_SLEEP = SleepState(10.0, off_s=5.0, off_w=125.0, on_s=64.0, on_w=115.0, off_idle_w=120.0, on_idle_w=110.0)


def _cpu_states(idle_w: float, full_w: float) -> tuple[ComputeState, ...]:
    return ComputeState(1e9, idle_w, full_w), ComputeState(0.75e9, idle_w, round(0.70 * full_w, 1))


def _scaled_sleep(idle_w: float) -> SleepState:
    off_w, on_w = round(100.997 / 95 * idle_w, 1), round(125.174 / 95 * idle_w, 1)
    return SleepState(power_w=9.75, off_s=6.1, off_w=off_w, on_s=151.52, on_w=on_w)


_LOGS_AND_MACHINES = {
    "kth-sp2": Preset(
        "KTH-SP2: IBM SP2 of the Swedish Royal Institute of Technology, 100 hosts",
        100,
        "h",
        _SP2_STATES,
        _SP2_SLEEP,
        ("Size: header of the log KTH-SP2-1996-2.1 (MaxNodes 100).", _SP2_SOURCE),
    ),
    "sdsc-sp2": Preset(
        "SDSC-SP2: IBM SP2 of the San Diego Supercomputer Center, 128 hosts",
        128,
        "h",
        _SP2_STATES,
        _SP2_SLEEP,
        ("Size: header of the log SDSC-SP2-1998-4.2 (MaxNodes 128).", _SP2_SOURCE),
    ),
    "llnl-atlas": Preset(
        "LLNL-Atlas: 1,152 nodes of 8 processors (AMD Opteron), as in the log of 2006-2007",
        1152,
        "atlas",
        _cpu_states(280.0, 480.0),
        _scaled_sleep(280.0),
        (
            "Size: header of the log LLNL-Atlas-2006-2.1 (MaxNodes 1152, MaxProcs 9216).",
            "Powers: assumed. No measured node power of Atlas was found; full = 4 dual-core sockets at 95 W of "
            "thermal design power plus 100 W for memory, board and supply, idle = 280 W.",
            _DVFS_SOURCE,
            _SWITCH_SOURCE,
        ),
        {"node_cores": "8", "processors_per_node": "8"},
    ),
    "unilu-gaia": Preset(
        "UniLu-Gaia: cluster of the University of Luxembourg, 151 nodes, 2,004 cores",
        151,
        "gaia",
        _cpu_states(110.0, 260.0),
        _scaled_sleep(110.0),
        (
            "Size: 151 nodes and 2,004 processors, after the log UniLu-Gaia-2014-2. The nodes differ; the preset has "
            "them all alike with 14 processors, the smallest whole number that lets a job of 2,004 fit.",
            "Powers: assumed, for two sockets of 60 to 95 W of thermal design power; no measured node power of Gaia "
            "was found.",
            _DVFS_SOURCE,
            _SWITCH_SOURCE,
        ),
        {"node_cores": "14", "processors_per_node": "14"},
    ),
    "exascale-9408": Preset(
        "Exascale machine: 9,408 nodes of one 64-core CPU and four GPUs, 5.9 MW idle, 25.4 MW full",
        9408,
        "node",
        (ComputeState(1e9, 626.26, 2704.26), ComputeState(0.93e9, 626.26, 1808.26)),
        _scaled_sleep(626.26),
        (
            "Size: 9,408 nodes of one AMD EPYC 7A53 and four AMD MI250X (Frontier, TOP500 of June 2022).",
            "Powers: sum of the components in the Frontier configuration of ExaDigiT RAPS (Brewer et al., A Digital "
            "Twin Framework for Liquid-cooled Supercomputers, 2024): CPU 90 to 280 W, four GPUs of 88 to 560 W, memory "
            "74.26 W, NVMe 30 W, and four network cards of 20 W (their number assumed); conversion losses left out.",
            "Second state: GPUs capped at 60 % (336 W). Speed 0.93 of the first: mean over 68 V100 training runs of "
            "Zeus (summary_power: 150 W against 250 W); that MI250X behaves alike is assumed.",
            _SWITCH_SOURCE + " No figure for such a node was found: assumed throughout.",
        ),
        {"node_cores": "64", "processors_per_node": "1", "accelerators": "4"},
    ),
    "node335": Preset(
        "335 nodes of 96 cores, 150 W idle, 450 W full",
        335,
        "node",
        _cpu_states(150.0, 450.0),
        _scaled_sleep(150.0),
        (
            "Size and powers: the machine of the PowerSched environment (335 nodes, 96 cores, 150 W idle, 450 W full). "
            "For comparison, 1,689 nodes of Harvard's Cannon in production drew a median of 400 W (IPMI, 2025-05-30).",
            "In PowerSched nodes switch at once and for nothing; here they take time and power.",
            _DVFS_SOURCE,
            _SWITCH_SOURCE,
        ),
        {"node_cores": "96", "processors_per_node": "96"},
    ),
}

_TABLE = _LOGS_AND_MACHINES | study_presets(_LOGS_AND_MACHINES, _SP2_SLEEP)

PRESETS: Mapping[str, str] = {name: preset.summary for name, preset in _TABLE.items()}
"""Name of each preset -> one line about it."""


def preset_platform(name: str, *, master: str = "master_host", roles: Sequence[str] = (), mmax: int = 0) -> Platform:
    """Return a preset; options as in `read_platform`.

    Raises:
        KeyError: when no preset has this name.
        PlatformError: when an option does not fit the machine.
    """
    preset = _TABLE[name]
    return make_platform(
        preset.n_hosts,
        preset.states,
        (preset.sleep,),
        name=name,
        prefix=preset.prefix,
        properties=preset.properties,
        notes=(preset.summary + ".", _ONE_CORE, *preset.sources),
        master=master,
        roles=roles,
        mmax=mmax,
    )
