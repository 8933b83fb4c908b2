"""Figures of episodes, and the scale of rewards, while a training collects steps."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["EpisodeMeter", "RewardScale"]

Floats = NDArray[np.float64]


class EpisodeMeter:
    """Return, length and other figures of the episodes that ended last.

    An environment may tell more of an episode that ended: figures by name in ``info["episode"]``, ``info["results"]``
    or ``info["totals"]``.

    Args:
        n_envs: number of environments.
        average: episodes to average over.
    """

    def __init__(self, n_envs: int, average: int) -> None:
        self._total = np.zeros(n_envs)
        self._length = np.zeros(n_envs, dtype=np.int64)
        self._last: deque[dict[str, float]] = deque(maxlen=average)
        self._sum, self._count = 0.0, 0
        self.episodes = 0

    @property
    def step_reward(self) -> float:
        """Mean reward per step since `begin`; NaN before any step."""
        return self._sum / self._count if self._count else float("nan")

    def begin(self) -> None:
        """Begin a rollout."""
        self._sum, self._count = 0.0, 0

    def add(self, rewards: Floats, dones: NDArray[np.bool_], infos: Sequence[Mapping[str, Any]]) -> None:
        """Count a step of all environments; `rewards` as the environments gave them."""
        self._total += rewards
        self._length += 1
        self._sum += float(np.sum(rewards))
        self._count += len(self._total)
        for k in np.flatnonzero(dones).tolist():
            found = {"return": float(self._total[k]), "length": float(self._length[k])}
            for told in (infos[k].get(key, {}) for key in ("episode", "results", "totals")):
                found |= {name: float(value) for name, value in told.items() if _is_figure(name, value)}
            self._last.append(found)
            self._total[k], self._length[k] = 0.0, 0
            self.episodes += 1

    def figures(self) -> dict[str, float]:
        """Return the means over the last episodes, ``episode/NAME``; empty before one has ended."""
        names = dict.fromkeys(name for each in self._last for name in each)
        means = {name: float(np.mean([each[name] for each in self._last if name in each])) for name in names}
        return {f"episode/{name}": value for name, value in means.items()} | {"episode/count": float(self.episodes)}

    def forget(self) -> None:
        """Start again, as the environments do at a new stage; `episodes` goes on."""
        self._total[:], self._length[:] = 0.0, 0
        self._last.clear()

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return arrays and values for a checkpoint."""
        arrays = {"total": self._total.copy(), "length": self._length.copy()}
        return arrays, {"episodes": self.episodes, "last": list(self._last)}

    def restore(self, arrays: Mapping[str, NDArray[Any]], values: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        self._total[:], self._length[:] = arrays["total"], arrays["length"]
        self.episodes = int(values["episodes"])
        self._last.clear()
        self._last.extend(values["last"])


def _is_figure(name: str, value: Any) -> bool:
    """Return whether an environment's word on an episode is a figure of its own."""
    own = ("r", "l", "t", "return", "length", "steps", "episode_number")
    return name not in own and isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


class RewardScale:
    """Rewards divided by the running standard deviation of discounted returns, as PPO's value loss wants them.

    The mean is left alone, so that the best policy stays the same (Engstrom et al., Implementation Matters in Deep
    RL, ICLR 2020, section 3). The policy never sees the scale, and nothing of it is saved with the policy.

    Args:
        n_envs: number of environments.
        limit: scaled rewards are clipped to this size.
    """

    def __init__(self, n_envs: int, limit: float = 10.0) -> None:
        self._returns = np.zeros(n_envs)
        self._limit = limit
        self._moments = np.array([1e-4, 0.0, 1.0])

    @property
    def deviation(self) -> float:
        """The running standard deviation."""
        return float(np.sqrt(self._moments[2] + 1e-8))

    def __call__(self, rewards: Floats, dones: NDArray[np.bool_], discounts: Floats) -> Floats:
        """Return scaled rewards of a step, which is counted first, with what the next state counts."""
        self._returns = self._returns * discounts + rewards
        self._count(self._returns)
        self._returns[dones] = 0.0
        scaled: Floats = np.clip(rewards / self.deviation, -self._limit, self._limit)
        return scaled

    def _count(self, values: Floats) -> None:
        """Merge values into count, mean and variance (Chan, Golub, LeVeque 1979)."""
        count, mean, var = self._moments
        n = len(values)
        shift, total = values.mean() - mean, count + n
        squares = var * count + values.var() * n + shift * shift * count * n / total
        self._moments[:] = total, mean + shift * n / total, squares / total

    def state(self) -> dict[str, Floats]:
        """Return what a checkpoint holds."""
        return {"returns": self._returns.copy(), "moments": self._moments.copy()}

    def restore(self, state: Mapping[str, Floats]) -> None:
        """Go on from what `state` returned."""
        self._returns[:], self._moments[:] = state["returns"], state["moments"]
