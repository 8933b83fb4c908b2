"""What the node-power task is: constants, weights of its rewards, options."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, fields

from wattq.errors import LearningError

__all__ = ["FORECAST_H", "HISTORY_H", "PARTS", "NodePowerConfig", "Weights"]

HISTORY_H = 24
"""Past hours of the price that are observed."""
FORECAST_H = 24
"""Hours of the price forecast, the coming hour first."""
PARTS = ("efficiency", "price", "idle", "age", "drop", "blackout", "unfinished", "cost", "wait")
"""Parts of the reward, in the order in which they are logged."""


@dataclass(frozen=True)
class Weights:
    """Weight of each part of the reward; see `wattq.schedulers.rl.node_power.rewards` for the parts.

    `cost` and `wait` are additions of this project, 0 unless asked for. With `unfinished` at least the sum of the other
    published weights, a policy that leaves 5/8 more of the work undone than another scores less than that one; with the
    defaults this holds from 68 % on.

    Attributes:
        efficiency: of core-hours per MWh.
        price: of using the machine in cheap hours.
        idle: of nodes that are on and idle.
        age: of the oldest waiting job.
        drop: of jobs lost.
        blackout: of a machine on which nothing runs.
        unfinished: of the work that the episode leaves undone.
        cost: of what the energy of the hour costs.
        wait: of cores that waiting jobs ask for.

    Raises:
        LearningError: when a weight is negative or no number.
    """

    efficiency: float = 0.7
    price: float = 0.2
    idle: float = 0.1
    age: float = 0.0
    drop: float = 0.0
    blackout: float = 0.7
    unfinished: float = 1.0
    cost: float = 0.0
    wait: float = 0.0

    def __post_init__(self) -> None:
        for name in PARTS:
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise LearningError(f"weight {name!r} of a reward: {value!r}; it must be a number of at least 0")

    @property
    def row(self) -> tuple[float, ...]:
        """The weights in the order of `PARTS`."""
        return tuple(float(getattr(self, name)) for name in PARTS)


@dataclass(frozen=True)
class NodePowerConfig:
    """The machine, its queue, an episode, and options; the values given here are those of the published task.

    Attributes:
        n_nodes: nodes of the machine.
        cores_per_node: cores of each.
        max_nodes_per_job: widest job, nodes.
        max_duration_h: longest job, h.
        queue_size: jobs that the queue holds; only these can start.
        backlog_size: jobs that wait behind the queue, None for any number; what does not fit either is lost.
        max_age_h: a job that has waited longer than this, h, is lost; None for never.
        horizon_h: hours of an episode.
        idle_w: power of a node that is on and idle, W.
        used_w: power of a node with all cores in use, W.
        power: ``cores``, where power grows with the cores in use, or ``nodes``, where a node with any core in use draws
            `used_w`.
        shapes: ``tanh`` or ``ratio``: the later or the earlier published form of the rewards.
        weights: of the parts of the reward.
        charge: when unfinished work is charged: all of it at the ``end``, or ``hourly``, which adds up to the same.
        end: how an episode ends for the learner: ``truncated`` or ``terminated``.
        carry_over: whether the next episode starts from the state in which the last one ended.
        initial_on: nodes that are on when an episode starts, None for all.
        boot_h: hours from the switch to the first job (0 in the published task).
        boot_wh: energy of one start beyond that of an idle node, Wh.
        off_w: power of a node that is off, W.
        flat_queue: jobs at the head of the queue that the flat observation shows.
        levels: None for one magnitude per node, else the number of magnitudes, evenly spaced up to all nodes.

    Raises:
        LearningError: when a value is outside its range.
    """

    n_nodes: int = 335
    cores_per_node: int = 96
    max_nodes_per_job: int = 16
    max_duration_h: int = 170
    queue_size: int = 2500
    backlog_size: int | None = 50_000
    max_age_h: int | None = 336
    horizon_h: int = 336
    idle_w: float = 150.0
    used_w: float = 450.0
    power: str = "cores"
    shapes: str = "tanh"
    weights: Weights = field(default_factory=Weights)
    charge: str = "end"
    end: str = "truncated"
    carry_over: bool = False
    initial_on: int | None = None
    boot_h: int = 0
    boot_wh: float = 0.0
    off_w: float = 0.0
    flat_queue: int = 16
    levels: int | None = None

    def __post_init__(self) -> None:
        self._check_counts()
        for key, choices in _CHOICES.items():
            if getattr(self, key) not in choices:
                raise LearningError(
                    f"node-power task, {key}: {getattr(self, key)!r} is not one of {', '.join(map(str, choices))}"
                )
        for key in ("idle_w", "used_w", "boot_wh", "off_w"):
            if not (math.isfinite(getattr(self, key)) and 0 <= getattr(self, key) <= 1e6):
                raise LearningError(f"node-power task, {key}: {getattr(self, key)!r}; it must be from 0 to 1e6")
        if not self.off_w <= self.idle_w <= self.used_w or self.used_w <= 0:
            raise LearningError(
                f"node-power task: {self.off_w:g} W off, {self.idle_w:g} W idle, {self.used_w:g} W used; "
                "each must be at least the one before, and the last more than 0"
            )

    def _check_counts(self) -> None:
        for key, (low, high) in _RANGES.items():
            value = getattr(self, key)
            if value is None and key in _OPTIONAL:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise LearningError(f"node-power task, {key}: {value!r}; it must be a whole number, {low} to {high}")
        for key, most in (("initial_on", "n_nodes"), ("flat_queue", "queue_size"), ("levels", "n_nodes")):
            if (getattr(self, key) or 0) > getattr(self, most):
                raise LearningError(f"node-power task, {key}: {getattr(self, key)} is more than {most}")
        if self.max_nodes_per_job > self.n_nodes:
            raise LearningError(f"node-power task, max_nodes_per_job: more than the {self.n_nodes} nodes")

    @property
    def n_magnitudes(self) -> int:
        """Number of magnitudes that an action may choose from."""
        return self.levels or self.n_nodes

    @property
    def magnitudes(self) -> tuple[int, ...]:
        """Nodes of each magnitude."""
        return tuple(-(-self.n_nodes * (k + 1) // self.n_magnitudes) for k in range(self.n_magnitudes))

    @property
    def total_cores(self) -> int:
        """Cores of the machine."""
        return self.n_nodes * self.cores_per_node

    def to_json(self) -> str:
        """Return the task as JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> NodePowerConfig:
        """Return the task of `to_json`.

        Raises:
            LearningError: when the text is no such task.
        """
        try:
            data = json.loads(text)
            weights = Weights(**data.pop("weights", {}))
            return cls(weights=weights, **data)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            known = ", ".join(entry.name for entry in fields(cls))
            raise LearningError(f"node-power task as JSON: {error}; its keys are {known}") from error


_CHOICES = {
    "power": ("cores", "nodes"),
    "shapes": ("tanh", "ratio"),
    "charge": ("end", "hourly"),
    "end": ("truncated", "terminated"),
    "carry_over": (False, True),
}
_OPTIONAL = ("backlog_size", "max_age_h", "initial_on", "levels")
_RANGES = {
    "n_nodes": (1, 100_000),
    "cores_per_node": (1, 1024),
    "max_nodes_per_job": (1, 100_000),
    "max_duration_h": (1, 8760),
    "queue_size": (1, 1_000_000),
    "backlog_size": (0, 100_000_000),
    "max_age_h": (1, 1_000_000),
    "horizon_h": (1, 100_000),
    "initial_on": (0, 100_000),
    "boot_h": (0, 1000),
    "flat_queue": (0, 1_000_000),
    "levels": (1, 100_000),
}
