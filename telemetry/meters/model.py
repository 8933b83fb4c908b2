"""Power of a node without sensors: the project's node model at its utilisation, marked as modelled."""

from __future__ import annotations

from collections.abc import Callable

from wattq.platforms import NodePower
from wattq.settings import NodeSettings
from wattq.telemetry.meters.base import Reading, Source

__all__ = ["ModelMeter", "node_power_of"]

Loads = Callable[[], tuple[float | None, float | None]]


class ModelMeter:
    """Power of the node as `wattq.platforms.NodePower` computes it from utilisation; its source is ``modelled``.

    The energy of a step is the power at the mean utilisation of that step times its length, which is exact for a model
    that is affine in utilisation.

    Args:
        power: the model.
        loads: gives utilisation of CPUs and of GPUs since the reading before, 0 to 1. Without the CPUs' there is no
            power; GPUs of unknown utilisation count as idle.
    """

    name = "model"
    source: Source = "modelled"
    whole_node = True

    def __init__(self, power: NodePower, loads: Loads) -> None:
        self._power, self._loads = power, loads
        self._before_s: float | None = None
        self._energy_j = 0.0

    def devices(self) -> tuple[str, ...]:
        """Return its one device, ``node``."""
        return ("node",)

    def read(self, now_s: float) -> list[Reading]:
        """Return the mean power since the reading before, W, and the energy so far, J."""
        cpu, gpu = self._loads()
        power_w = None if cpu is None else self._power.power_w(cpu, gpu or 0.0)
        before_s, self._before_s = self._before_s, now_s
        if power_w is not None and before_s is not None and now_s > before_s:
            self._energy_j += power_w * (now_s - before_s)
        energy_j = None if power_w is None else self._energy_j
        return [Reading("node", power_w, energy_j, utilization=cpu, label="model")]

    def close(self) -> None:
        """Do nothing."""


def node_power_of(settings: NodeSettings) -> NodePower:
    """Return the model that the section ``node`` of the settings describes.

    Raises:
        PlatformError: when an idle power is above the full one.
    """
    return NodePower(**settings.model_dump(exclude={"name"}))
