"""Episodes that are played side by side: the arrays of all of them, and the calls that step them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError
from wattq.schedulers.rl.backfill import reward as r
from wattq.schedulers.rl.backfill import step as st
from wattq.schedulers.rl.backfill.episodes import Episode, Pair, Pool
from wattq.schedulers.rl.backfill.memory import backfill_memory
from wattq.schedulers.rl.backfill.scenario import Scenario
from wattq.schedulers.rl.backfill.table import n_features
from wattq.schedulers.rl.backfill.teacher import TEACHERS

__all__ = ["PARTS", "Fleet"]

PARTS = ("energy_kwh", "carbon_kg", "cost", "delay")
"""Parts of the cost, in the order of the book."""


class Fleet:
    """A number of episodes side by side.

    Args:
        scenario: what is played.
        n: how many at a time.
        illegal: ``raise``: a masked action is an error; ``wait``: waiting takes its place, or the first legal action.

    Attributes:
        taken: what was done in the last step, int64[n].
        x: observations, float32[n, features]; overwritten by the next step.
        mask: legal actions, bool[n, actions]; likewise.
        reward: of the last step, float64[n].
        parts: of the last step, float64[n, 4]: energy in kWh, carbon in kg, cost, delay.
        status: where each episode stands, int64[n].
    """

    def __init__(self, scenario: Scenario, n: int, illegal: str = "raise") -> None:
        if illegal not in ("raise", "wait"):
            raise LearningError(f"illegal: {illegal!r}; give raise or wait")
        self.scenario = scenario
        self.replace = illegal == "wait"
        self.n = n
        self.pool = Pool(scenario)
        self.numbers = np.full(n, -1)
        self._pairs: list[Pair | None] = [None] * n
        self.x = np.zeros((n, n_features(scenario.options.window)), dtype=np.float32)
        self.mask = np.zeros((n, len(scenario.actions)), dtype=np.bool_)
        self.reward = np.zeros(n)
        self.status = np.full(n, st.DONE)
        self.taken = np.zeros(n, dtype=np.int64)
        self.book = np.zeros((n, r.N_BOOK))
        self._address = np.zeros((n, 2), dtype=np.int64)
        self._cfg = np.zeros((n, 1))
        self._signal = np.zeros((n, r.N_SIGNAL, 1))
        n_jobs, n_hosts = scenario.most_jobs, scenario.platform.n_compute
        len_i, len_f, rows = backfill_memory(n_jobs, n_hosts, max((n_hosts + 63) // 64, 1))
        self._mi = np.zeros((n, len_i), dtype=np.int64)
        self._mf = np.zeros((n, len_f))
        self._mw = np.zeros((n, *rows), dtype=np.uint64)
        self._truth = np.zeros((n, r.N_TRUTH, n_jobs))

    @property
    def parts(self) -> NDArray[np.float64]:
        """Parts of the last step, a view of shape (n, 4)."""
        return self.book[:, : r.N_PARTS]

    @property
    def counts(self) -> NDArray[np.float64]:
        """Counted jobs of the last step, a view of shape (n, 3): started or never to, late, s that they waited."""
        return self.book[:, r.STARTED : r.STARTED + r.N_COUNTS]

    def ledger(self, e: int) -> Any:
        """Return the ledger of an episode."""
        pair = self._pairs[e]
        if pair is None:
            raise LearningError("no episode is under way; call reset first")
        return pair.ledger

    def kernel(self, e: int) -> Any:
        """Return the kernel of an episode."""
        pair = self._pairs[e]
        if pair is None:
            raise LearningError("no episode is under way; call reset first")
        return pair.kernel

    def begin(self, e: int, number: int) -> None:
        """Begin an episode and play it up to its first decision; it may be over before there is one."""
        episode = self.pool.episode(number)
        pair = self.pool.begin(self._pairs[e], number)
        self._pairs[e] = pair
        self.numbers[e] = number
        self._set(e, episode)
        self._point(e, pair)
        self.taken[e] = st.BEGIN
        self._call(e, e + 1)
        self._settle(e, e + 1, st.BEGIN)

    def begin_some(self, e: int, rng: np.random.Generator, wanted: int | None = None) -> int:
        """Begin an episode, drawn or wanted, and return its number; a drawn one without decisions gives way.

        Raises:
            LearningError: there is no such episode, or none has a decision to take.
        """
        n = self.scenario.n_episodes
        if wanted is not None and not 0 <= wanted < n:
            raise LearningError(f"episode {wanted}: there are episodes 0 to {n - 1}")
        first = int(rng.integers(n)) if wanted is None else wanted
        for k in range(n if wanted is None else 1):
            self.begin(e, (first + k) % n)
            if self.status[e] == st.READY:
                return (first + k) % n
        raise LearningError(f"episode {first}: there is nothing to decide in it; take a longer one, or more of the log")

    def replay(self, e: int, number: int, actions: NDArray[np.int32]) -> None:
        """Begin an episode and take these actions in it.

        Raises:
            LearningError: there is no such episode, or an action is not legal in it.
        """
        if not 0 <= number < self.scenario.n_episodes:
            raise LearningError(f"episode {number}: there are episodes 0 to {self.scenario.n_episodes - 1}")
        self.begin(e, number)
        for action in actions.tolist():
            self.taken[e] = action
            if self.status[e] != st.READY or action < 0 or self._call(e, e + 1) >= 0:
                raise LearningError(f"episode {number}: the actions to be taken again are not legal in it")
            self._settle(e, e + 1, st.GO_ON)

    def step(self, actions: Sequence[int] | NDArray[np.int64]) -> bool:
        """Take one action in each episode; return whether any is over.

        Raises:
            LearningError: an action is masked (nothing was done at all), or every action is masked now.
        """
        self.taken[:] = actions
        found = self._call(0, self.n)
        if found >= 0:
            self._refuse(found)
        if found < -1 - st.DONE:
            self._settle(0, self.n, st.GO_ON)
            found = -1 - int(self.status.max())
        return found < -1

    def teach(self, name: str) -> NDArray[np.int64]:
        """Return the action that a teacher (`TEACHERS`) takes in each episode."""
        actions = np.zeros(self.n, dtype=np.int64)
        st.teach_all(TEACHERS[name], self._address, self._cfg, self._mi, self._mf, self.mask, actions)
        return actions

    def _call(self, first: int, last: int) -> int:
        """Run the compiled step."""
        return st.step_all(
            first,
            last,
            self.replace,
            self._address,
            self.taken,
            self.status,
            self.reward,
            self._cfg,
            self._mi,
            self._mf,
            self._mw,
            self.book,
            self._truth,
            self._signal,
            self.x,
            self.mask,
        )

    def _settle(self, first: int, last: int, how: int) -> None:
        """Enlarge arrays where that is asked for and go on; raise where an episode cannot go on."""
        for e in range(first, last):
            taken = self.taken[e]
            while self.status[e] == st.GROW:
                pair = self._pairs[e]
                if pair is None:
                    raise LearningError("no episode is under way; call reset first")
                pair.enlarge()
                self._point(e, pair)
                self.taken[e] = how
                self._call(e, e + 1)
            self.taken[e] = taken
            if self.status[e] > st.DONE:
                self._give_up(e)

    def _give_up(self, e: int) -> None:
        now_s = float(self.ledger(e).head["now_s"][0])
        place = f"episode {self.numbers[e]}, at {now_s:g} s"
        if self.status[e] == st.STUCK:
            raise LearningError(
                f"{place}: every action is masked and nothing can happen any more, though "
                f"{int(self.ledger(e).head['n_waiting'][0])} jobs wait; raise cap_w, or allow sleep so that "
                "hosts can be woken"
            )
        raise LearningError(f"{place}: the simulation was aborted; the workload asks for what the machine cannot do")

    def _refuse(self, e: int) -> None:
        action = int(self.taken[e])
        names = self.scenario.actions
        if self.status[e] == st.DONE:
            raise LearningError("the episode is over; call reset before the next step")
        what = f"'{names[action]}'" if 0 <= action < len(names) else f"unknown; actions are 0 to {len(names) - 1}"
        raise LearningError(
            f"environment {e}, action {action}: {what} is not legal now; choose one that action_masks() allows"
        )

    def _point(self, e: int, pair: Pair) -> None:
        self._address[e] = pair.kernel._address, pair.ledger._address

    def _set(self, e: int, episode: Episode) -> None:
        """Take over what is different in each episode."""
        self._cfg = _wider(self._cfg, len(episode.cfg))
        self._signal = _wider(self._signal, episode.signal.shape[1])  # pieces beyond the last begin at no date
        self._cfg[e, : len(episode.cfg)] = episode.cfg
        n = episode.signal.shape[1]
        self._signal[e, :, :n] = episode.signal
        self._signal[e, r.EDGE_S, n:] = np.inf
        self._truth[e, :, : episode.workload.n_jobs] = episode.truth
        self.book[e] = episode.book
        self._mi[e] = 0
        self._mf[e] = 0.0
        self.status[e] = st.READY


def _wider(array: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return an array whose last axis has at least n places, infinite where there was none."""
    if array.shape[-1] >= n:
        return array
    wider = np.full((*array.shape[:-1], n), np.inf)
    wider[..., : array.shape[-1]] = array
    return wider
