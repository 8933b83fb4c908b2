"""The environments under their names in Gymnasium.

Importing this module registers them, so that ``gymnasium.make("wattq.schedulers.rl.registration:wattq/Backfill-v0")``
works as it is, and ``gymnasium.make("wattq/Backfill-v0")`` after ``register_environments()``.
"""

from __future__ import annotations

import gymnasium

__all__ = ["ENVIRONMENTS", "register_environments"]

ENVIRONMENTS = {
    "wattq/Backfill-v0": "wattq.schedulers.rl.backfill.env:BackfillEnv",
    "wattq/NodePower-v0": "wattq.schedulers.rl.node_power.env:NodePowerEnv",
}
"""Versioned id -> class; a version's observations, actions and rewards do not change."""


def register_environments() -> None:
    """Register what is not registered yet."""
    for name, place in ENVIRONMENTS.items():
        if name not in gymnasium.registry:
            gymnasium.register(id=name, entry_point=place)


register_environments()
