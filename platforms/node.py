"""Power of a node as the sum of its parts, each affine in its utilisation."""

from __future__ import annotations

import math
from dataclasses import dataclass

from wattq.errors import PlatformError
from wattq.platforms.make import ComputeState
from wattq.platforms.measured.curve import PowerCurve, cap_states

__all__ = ["NodePower"]


@dataclass(frozen=True)
class NodePower:
    """A node with or without accelerators; the defaults are round figures, not measurements.

    A part draws idle + (full - idle) x utilisation. Without `cpus`, the node but for its GPUs is one part of
    `node_idle_w` and `node_full_w`; with `cpus`, it is `other_w`, whatever the load, plus so many CPUs.

    Attributes:
        cpus: CPU sockets counted one by one; 0 counts the node as a whole.
        gpus: accelerators.
        node_idle_w: node without its GPUs, no load, W.
        node_full_w: the same under full load, W.
        cpu_idle_w: one CPU without load, W.
        cpu_full_w: one CPU under full load, W.
        gpu_idle_w: one GPU without load, W.
        gpu_full_w: one GPU under full load, W.
        other_w: what neither CPUs nor GPUs draw, where CPUs are counted, W.
    """

    cpus: int = 0
    gpus: int = 0
    node_idle_w: float = 150.0
    node_full_w: float = 450.0
    cpu_idle_w: float = 60.0
    cpu_full_w: float = 220.0
    gpu_idle_w: float = 40.0
    gpu_full_w: float = 300.0
    other_w: float = 30.0

    def __post_init__(self) -> None:
        """Refuse counts and powers that no node has."""
        pairs = {
            "node": (self.node_idle_w, self.node_full_w),
            "CPU": (self.cpu_idle_w, self.cpu_full_w),
            "GPU": (self.gpu_idle_w, self.gpu_full_w),
            "rest": (0.0, self.other_w),
        }
        for part, (idle, full) in pairs.items():
            if not (0 <= idle <= full and math.isfinite(full)):
                raise PlatformError(f"node power: {part} {idle} W idle, {full} W full; need 0 <= idle <= full")
        if not (0 <= self.cpus <= 1024 and 0 <= self.gpus <= 1024):
            raise PlatformError(f"node power: {self.cpus} CPUs, {self.gpus} GPUs; use 0 to 1024 of each")

    def power_w(self, cpu_load: float, gpu_load: float = 0.0) -> float:
        """Return the power of the node, W.

        Args:
            cpu_load: utilisation of the CPUs (of the node where they are not counted), 0 to 1.
            gpu_load: mean utilisation of the GPUs, 0 to 1.

        Raises:
            PlatformError: when a utilisation is not within 0 and 1.
        """
        for name, load in (("CPU", cpu_load), ("GPU", gpu_load)):
            if not 0 <= load <= 1:
                raise PlatformError(f"node power: {name} utilisation {load}; use 0 to 1")
        return self._base_w(cpu_load) + self.gpus * (self.gpu_idle_w + (self.gpu_full_w - self.gpu_idle_w) * gpu_load)

    def state(self, speed_flops: float = 1e9, *, gpu_load: float = 1.0) -> ComputeState:
        """Return the node as a computing state, for jobs that load its GPUs by `gpu_load` where they load it fully."""
        return ComputeState(speed_flops, self.power_w(0.0), self.power_w(1.0, gpu_load))

    def capped_states(
        self, curve: PowerCurve, *, speed_flops: float = 1e9, gpu_load: float = 1.0
    ) -> tuple[ComputeState, ...]:
        """Return the states of the node when its GPUs follow a measured curve; the rest draws what it drew.

        Raises:
            PlatformError: when the node has no GPU.
        """
        if not self.gpus:
            raise PlatformError("node power: a cap on GPUs, but the node has no GPU; set gpus")
        full = self.power_w(1.0, gpu_load)
        return cap_states(
            curve, idle_w=self.power_w(0.0), full_w=full, fixed_w=self._base_w(1.0), speed_flops=speed_flops
        )

    def _base_w(self, load: float) -> float:
        if self.cpus:
            return self.other_w + self.cpus * (self.cpu_idle_w + (self.cpu_full_w - self.cpu_idle_w) * load)
        return self.node_idle_w + (self.node_full_w - self.node_idle_w) * load
