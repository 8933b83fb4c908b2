"""Beside a live Slurm: what would start when under another policy, and holding jobs that agreed to wait.

Names are imported when they are first used, so that the command line stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.schedulers.slurm.advise import Advice, JobAdvice, PoolAdvice, advise_pool, play_on
    from wattq.schedulers.slurm.audit import AuditLog
    from wattq.schedulers.slurm.command import SlurmCommands
    from wattq.schedulers.slurm.consent import Consent, consent_of
    from wattq.schedulers.slurm.continuing import Continuing
    from wattq.schedulers.slurm.deferral import Choice, Deferral
    from wattq.schedulers.slurm.grid import Grid, known_now, read_grid
    from wattq.schedulers.slurm.holder import Holder, Look
    from wattq.schedulers.slurm.holding import Decision
    from wattq.schedulers.slurm.jobs import Job, Node, Reservation, Snapshot
    from wattq.schedulers.slurm.machine import Scene, platform_of, scene_of
    from wattq.schedulers.slurm.outcomes import Totals, totals_by_user, totals_of
    from wattq.schedulers.slurm.plugin_text import submit_plugin
    from wattq.schedulers.slurm.pools import LeftOut, Pool, pools_of
    from wattq.schedulers.slurm.reading import read_snapshot
    from wattq.schedulers.slurm.recorded import Recorded, record_answers
    from wattq.schedulers.slurm.shifting import Shift, shift_saving

__all__ = [
    "Advice",
    "AuditLog",
    "Choice",
    "Consent",
    "Continuing",
    "Decision",
    "Deferral",
    "Grid",
    "Holder",
    "Job",
    "JobAdvice",
    "LeftOut",
    "Look",
    "Node",
    "Pool",
    "PoolAdvice",
    "Recorded",
    "Reservation",
    "Scene",
    "Shift",
    "SlurmCommands",
    "Snapshot",
    "Totals",
    "advise_pool",
    "consent_of",
    "known_now",
    "platform_of",
    "play_on",
    "pools_of",
    "read_grid",
    "read_snapshot",
    "record_answers",
    "scene_of",
    "shift_saving",
    "submit_plugin",
    "totals_by_user",
    "totals_of",
]

_MODULES = {
    "advise": ("Advice", "JobAdvice", "PoolAdvice", "advise_pool", "play_on"),
    "audit": ("AuditLog",),
    "command": ("SlurmCommands",),
    "consent": ("Consent", "consent_of"),
    "continuing": ("Continuing",),
    "deferral": ("Choice", "Deferral"),
    "grid": ("Grid", "known_now", "read_grid"),
    "holder": ("Holder", "Look"),
    "holding": ("Decision",),
    "jobs": ("Job", "Node", "Reservation", "Snapshot"),
    "machine": ("Scene", "platform_of", "scene_of"),
    "outcomes": ("Totals", "totals_by_user", "totals_of"),
    "pools": ("LeftOut", "Pool", "pools_of"),
    "reading": ("read_snapshot",),
    "recorded": ("Recorded", "record_answers"),
    "shifting": ("Shift", "shift_saving"),
    "plugin_text": ("submit_plugin",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
