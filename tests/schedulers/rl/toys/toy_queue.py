"""A masked discrete queue problem on numpy arrays, small enough to be learned in seconds.

Slots hold jobs of size 1 to 3; 4 units are free at each step, and come back at the next. Starting a job earns its
urgency (0 or 1) and costs size x price / 3; waiting costs 0.1. A slot can be empty, or its job too large: then starting
it is illegal. The price is 0 or 1 at random, so the best action starts an urgent job, or a small one when it is cheap.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from stable_baselines3.common.vec_env import VecEnv

from wattq.schedulers.rl.network import NetworkShape
from wattq.schedulers.rl.training.tasks import Cost, Task

SLOTS, FEATURES, GLOBALS = 4, 3, 2
WAIT = SLOTS


class ToyOptions(BaseModel, extra="forbid"):
    length: int = Field(20, ge=1, le=1000)
    urgent: float = Field(0.5, ge=0, le=1)
    closed: bool = False


class ToyQueue(VecEnv):
    """`closed` forbids every action, as no environment may."""

    def __init__(self, n_envs: int, seed: int, options: ToyOptions) -> None:
        self.options = options
        self.rng = np.random.Generator(np.random.PCG64(seed))
        self.size = np.zeros((n_envs, SLOTS), dtype=np.int64)
        self.urgent = np.zeros((n_envs, SLOTS))
        self.price = np.zeros(n_envs)
        self.t = np.zeros(n_envs, dtype=np.int64)
        self.energy = np.zeros(n_envs)
        box = spaces.Box(-1, 1, (GLOBALS + SLOTS * FEATURES,), np.float32)
        super().__init__(n_envs, box, spaces.Discrete(SLOTS + 1))

    def fill(self, rows: NDArray[np.int64]) -> None:
        """Draw new jobs and prices for some environments."""
        self.size[rows] = self.rng.integers(0, 5, (len(rows), SLOTS))
        self.urgent[rows] = self.rng.random((len(rows), SLOTS)) < self.options.urgent
        self.price[rows] = self.rng.integers(0, 2, len(rows))

    def observe(self) -> NDArray[np.float32]:
        x = np.zeros((self.num_envs, GLOBALS + SLOTS * FEATURES), dtype=np.float32)
        x[:, 0], x[:, 1] = self.price, self.t / self.options.length
        slots = np.stack([self.size / 4, self.urgent, self.size > 0], axis=2)
        x[:, GLOBALS:] = slots.reshape(self.num_envs, -1)
        return x

    def action_masks(self) -> NDArray[np.bool_]:
        legal = np.zeros((self.num_envs, SLOTS + 1), dtype=bool)
        legal[:, :SLOTS] = (self.size > 0) & (self.size < 4)
        legal[:, WAIT] = True
        return legal & (not self.options.closed)

    def reset(self) -> NDArray[np.float32]:
        self.t[:] = 0
        self.fill(np.arange(self.num_envs))
        return self.observe()

    def step_async(self, actions: NDArray[np.int64]) -> None:
        assert self.action_masks()[np.arange(self.num_envs), actions].all(), "an illegal action was executed"
        self.actions = actions

    def step_wait(self) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.bool_], list[dict[str, Any]]]:
        rows = np.arange(self.num_envs)
        started = self.actions < WAIT
        slot = np.minimum(self.actions, SLOTS - 1)
        self.energy = np.where(started, self.size[rows, slot] / 3, 0.0)
        gain = self.urgent[rows, slot] - self.energy * self.price
        reward = np.where(started, gain, -0.1)
        self.t += 1
        done = self.t >= self.options.length
        infos: list[dict[str, Any]] = [{} for _ in rows]
        last = self.observe() if done.any() else None
        self.fill(rows)
        for k in np.flatnonzero(done):
            infos[k] = {"terminal_observation": last[k], "TimeLimit.truncated": True, "episode": {"last": reward[k]}}
        self.t[done] = 0
        return self.observe(), reward, done, infos

    def state(self) -> dict[str, NDArray[Any]]:
        random = self.rng.bit_generator.state
        words = [random["state"]["state"], random["state"]["inc"]]
        parts = [(word >> (32 * k)) & 0xFFFFFFFF for word in words for k in range(4)]
        rest = [random["has_uint32"], random["uinteger"]]
        held = {name: getattr(self, name).copy() for name in ("size", "urgent", "price", "t", "energy")}
        return held | {"random": np.array([*parts, *rest], dtype=np.uint64)}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        for name in ("size", "urgent", "price", "t", "energy"):
            getattr(self, name)[:] = state[name]
        parts = [int(word) for word in state["random"]]
        words = [sum(parts[4 * w + k] << (32 * k) for k in range(4)) for w in range(2)]
        self.rng.bit_generator.state = {
            "bit_generator": "PCG64",
            "state": {"state": words[0], "inc": words[1]},
            "has_uint32": parts[8],
            "uinteger": parts[9],
        }

    def close(self) -> None:
        pass

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        if attr_name == "render_mode":
            return [None] * self.num_envs
        return [getattr(self, attr_name)] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise AttributeError(attr_name)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        return list(getattr(self, method_name)())

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False] * self.num_envs


def urgent_first(env: ToyQueue) -> NDArray[np.int64]:
    """Start the first urgent job that fits, else wait."""
    legal = env.action_masks()[:, :SLOTS] & (env.urgent > 0)
    return np.where(legal.any(axis=1), legal.argmax(axis=1), WAIT)


def breaks_the_mask(env: ToyQueue) -> NDArray[np.int64]:
    return np.zeros(env.num_envs, dtype=np.int64)


def energy_per_step(env: ToyQueue) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return env.energy, np.ones(env.num_envs)


TOY = Task(
    name="toy-queue",
    doc="a masked queue in miniature",
    make_vec=ToyQueue,
    options=ToyOptions,
    shape=lambda env: NetworkShape(GLOBALS, SLOTS, FEATURES, 1, 1),
    costs={"energy": Cost("units of energy per step", energy_per_step)},
    teachers={"urgent": urgent_first, "wrong": breaks_the_mask},
    fallback=lambda env: (WAIT,),
)
