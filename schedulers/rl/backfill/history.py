"""What was done in the running episodes, from which they can be played again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError

__all__ = ["History"]


class History:
    """The actions taken so far in each of n running episodes."""

    def __init__(self, n: int) -> None:
        self._rows = np.arange(n)
        self._n = np.zeros(n, dtype=np.int64)
        self._most = 0  # at least as many as any episode has
        self._actions = np.zeros((n, 1024), dtype=np.int32)

    def begin(self, e: int) -> None:
        """Forget the actions of an episode that is over."""
        self._n[e] = 0

    def note(self, actions: NDArray[np.int64]) -> None:
        """Note one action of each episode."""
        if self._most == self._actions.shape[1]:
            self._most = int(self._n.max())
            if self._most == self._actions.shape[1]:
                self._actions = np.hstack([self._actions, np.zeros_like(self._actions)])
        self._actions[self._rows, self._n] = actions
        self._n += 1
        self._most += 1

    def state(self, numbers: NDArray[np.int64], rng: Sequence[np.random.Generator]) -> dict[str, NDArray[Any]]:
        """Return the numbers of the episodes, their actions, and the states of the random generators, as arrays."""
        flat = [self._actions[e, : self._n[e]] for e in range(len(self._n))]
        states = json.dumps([one.bit_generator.state for one in rng]).encode()
        return {
            "numbers": numbers.copy(),
            "lengths": self._n.copy(),
            "actions": np.concatenate(flat),
            "random": np.frombuffer(states, dtype=np.uint8).copy(),
        }

    def restore(
        self, state: Mapping[str, NDArray[Any]], rng: Sequence[np.random.Generator]
    ) -> Iterator[tuple[int, NDArray[np.int32]]]:
        """Take over a state, random generators included; yield number and actions of each episode.

        Raises:
            LearningError: it is not the state of as many episodes.
        """
        n = len(self._n)
        try:
            numbers, lengths, actions = state["numbers"], state["lengths"], state["actions"].astype(np.int32)
            states = json.loads(state["random"].tobytes())
            if len(numbers) != n or len(lengths) != n or len(states) != n or lengths.sum() != len(actions):
                raise ValueError(n)
            for one, saved in zip(rng, states, strict=True):
                one.bit_generator.state = saved
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise LearningError(
                f"the state of the environments does not fit: it is not one of {n} episodes; start from the beginning, "
                "or with as many environments as before"
            ) from error
        self._most = int(lengths.max(initial=0))
        room = max(1024, int(lengths.max(initial=0)) + 1)
        self._actions = np.zeros((n, room), dtype=np.int32)
        ends = np.cumsum(lengths)
        for e in range(n):
            own = actions[ends[e] - lengths[e] : ends[e]]
            self._n[e] = lengths[e]
            self._actions[e, : len(own)] = own
        return ((int(numbers[e]), self._actions[e, : lengths[e]]) for e in range(n))
