"""The contract between simulator and policies.

A policy is any object with a method ``decide(view, actions)``. It is called at each decision point: once per
message of the machine, after all events of the message are known. ``view`` is read-only and holds what a scheduler
may know; ``actions`` takes its decisions, and a decision shows in the view at once.

    class FirstFit:
        def decide(self, view, actions):
            for job in view.queue:
                if view.hosts_of(job) <= view.n_free:
                    actions.start(job)

The built-in policies are compiled functions over the same ledger (`CompiledPolicy`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from wattq.errors import PolicyError
from wattq.simulator import layout as c
from wattq.simulator import ledger as acts
from wattq.simulator.layout import Ledger
from wattq.simulator.prediction import PredictorSource

__all__ = ["Actions", "CompiledPolicy", "Policy", "View"]


@runtime_checkable
class Policy(Protocol):
    """Decides which jobs start when and where."""

    def decide(self, view: View, actions: Actions) -> None:
        """Take decisions at one decision point."""


@dataclass(frozen=True)
class CompiledPolicy:
    """A policy written as a compiled function.

    Attributes:
        name: name in the registry.
        params: parameters as given.
        kind: number that selects the policy in ``decide``.
        par: parameters as numbers.
        memory: from (jobs, hosts, words per host set) to the sizes of the policy's own memory: integers, floats,
            and (rows, words) of host sets.
        run: compiled loop ``run(kind, kernel, ledger, par, mi, mf, mw)`` that plays a simulation to its end.
        decide: compiled function ``decide(kind, ledger, par, mi, mf, mw)`` for one decision point.
        predictor: makes what is asked for expected run times, one for each simulation (see `prediction`); None: jobs
            are expected to run for their walltimes.
    """

    name: str
    kind: int
    par: NDArray[np.float64]
    memory: Callable[[int, int, int], tuple[int, int, tuple[int, int]]]
    run: Callable[..., int]
    decide: Callable[..., None]
    params: Mapping[str, object] = field(default_factory=dict)
    predictor: PredictorSource | None = None

    def new_memory(
        self, n_jobs: int, n_hosts: int, n_words: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.uint64]]:
        """Return zeroed memory for one simulation."""
        n_int, n_float, rows = self.memory(n_jobs, n_hosts, n_words)
        return (
            np.zeros(max(n_int, 1), dtype=np.int64),
            np.zeros(max(n_float, 1)),
            np.zeros((max(rows[0], 1), max(rows[1], 1)), dtype=np.uint64),
        )


class View:
    """What a scheduler may know at a decision point. Jobs and hosts are numbers; times are seconds.

    A job is known once it was submitted. What really happens to it (its run time, its profile) is not here.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._v = ledger
        self._head = ledger.head[0]

    @property
    def now(self) -> float:
        """Date of the message, s, with 6 decimals."""
        return float(self._head["now_s"])

    @property
    def n_hosts(self) -> int:
        """Number of compute hosts."""
        return int(self._head["n_hosts"])

    @property
    def n_free(self) -> int:
        """Number of hosts that are idle, awake and available."""
        return int(self._head["n_free"])

    @property
    def power_w(self) -> float:
        """Power drawn by the machine now, W; NaN where the backend does not tell."""
        return float(self._head["power_w"])

    @property
    def queue(self) -> NDArray[np.int32]:
        """Waiting jobs in submission order, shape (n_waiting,)."""
        window = self._v.queue[self._head["q_head"] : self._head["q_tail"]]
        return window[window >= 0]

    @property
    def running(self) -> NDArray[np.int32]:
        """Running jobs by expected end, shape (n_running,)."""
        return self._v.running[: self._head["n_running"]].copy()

    @property
    def jobs(self) -> NDArray[np.void]:
        """Table of `layout.job_view_t`, one row per job number; read-only."""
        return _frozen(self._v.jobs)

    @property
    def hosts(self) -> NDArray[np.void]:
        """Table of `layout.host_view_t`, one row per host number; read-only."""
        return _frozen(self._v.hosts[: self.n_hosts])

    @property
    def power_states(self) -> NDArray[np.void]:
        """Table of `layout.pstate_t`, shape (host classes, power states); read-only."""
        return _frozen(self._v.pstates)

    @property
    def free_hosts(self) -> NDArray[np.int64]:
        """Numbers of the free hosts, ascending."""
        bits = np.unpackbits(self._v.free.view(np.uint8), bitorder="little")
        return np.flatnonzero(bits[: self.n_hosts])

    @property
    def submitted(self) -> list[int]:
        """Jobs submitted in this message, in event order."""
        return self._of_kind(c.EV_SUBMITTED)

    @property
    def ended(self) -> list[int]:
        """Jobs that ended in this message, in event order."""
        return self._of_kind(c.EV_COMPLETED)

    @property
    def called(self) -> bool:
        """Whether a call asked for by `Actions.wake_me_at` arrived in this message."""
        return bool((self._message()["kind"] == c.EV_CALL).any())

    @property
    def ends_moved(self) -> bool:
        """Whether jobs outlived what a predictor expected: their ends were moved in this message, or came in it."""
        return bool(self._head["corrected"])

    @property
    def no_more_jobs(self) -> bool:
        """Whether every job of the workloads was submitted."""
        return bool(self._head["no_more_jobs"])

    def hosts_of(self, job: int) -> int:
        """Return the number of hosts that a job asks for."""
        return int(self._v.jobs[job]["hosts"])

    def walltime_of(self, job: int) -> float:
        """Return the requested time of a job, s; -1 when it has none."""
        return float(self._v.jobs[job]["walltime_s"])

    def estimate_of(self, job: int) -> float:
        """Return the expected run time of a job, s; the walltime without a predictor, infinity when unknown."""
        return float(self._v.jobs[job]["estimate_s"])

    def beta_of(self, job: int) -> float:
        """Return how far a job's run time T in power state 0 follows the speed s: T (beta s0 / s + 1 - beta)."""
        return float(self._v.jobs[job]["beta"])

    def submit_of(self, job: int) -> float:
        """Return the submit time of a job, s."""
        return float(self._v.jobs[job]["submit_s"])

    def expected_end_of(self, job: int) -> float:
        """Return the expected end of a running job, s."""
        return float(self._v.jobs[job]["end_s"])

    def _message(self) -> NDArray[np.void]:
        first = int(self._head["first_event"])
        return self._v.events[first : first + int(self._head["n_events"])]

    def _of_kind(self, kind: int) -> list[int]:
        message = self._message()
        return [int(job) for job in message["job"][message["kind"] == kind]]


def _frozen(array: NDArray[np.void]) -> NDArray[np.void]:
    """Return a view that cannot be written through."""
    view = array.view()
    view.flags.writeable = False
    return view


class Actions:
    """Takes the decisions of a policy; each is checked when it is taken.

    Every method raises PolicyError when no scheduler may do what is asked.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._v = ledger
        self._head = ledger.head[0]

    def start(self, job: int, hosts: Sequence[int] | None = None, power_state: int | None = None) -> None:
        """Start a waiting job.

        Args:
            job: job number.
            hosts: hosts to run it on; by default the free hosts with the lowest numbers.
            power_state: computing power state to put its hosts into first (needs energy).
        """
        self._room()
        self._waiting(job)
        wanted = int(self._v.jobs[job]["hosts"])
        words = self._chosen(job, wanted, hosts)
        if wanted == 0:
            raise PolicyError(f"job {job} asks for no host, so it cannot start; reject it")
        if power_state is not None:
            words = self._lowest(words, wanted)
            self._check_pstate(words, power_state, (c.PS_COMPUTE,))
            self._set(words, power_state)
        acts.start_set(self._v, job, words)

    def reject(self, job: int) -> None:
        """Refuse a waiting job for good."""
        self._room()
        self._waiting(job)
        acts.reject(self._v, job)

    def kill(self, job: int) -> None:
        """Kill a running job."""
        self._room()
        self._known(job)
        if self._v.jobs[job]["state"] != c.RUNNING:
            raise PolicyError(f"job {job} is not running at {self._head['now_s']} s, so it cannot be killed")
        acts.kill(self._v, job)

    def wake_me_at(self, time_s: float) -> None:
        """Ask to be called at a later date, s."""
        self._room()
        if not self._head["now_s"] < time_s < np.inf:
            raise PolicyError(f"a call at {time_s} s was asked for at {self._head['now_s']} s; ask for a later date")
        acts.call_at(self._v, float(time_s))

    def set_power_state(self, hosts: Sequence[int], power_state: int) -> None:
        """Put idle or computing hosts into another computing power state."""
        words = self._words(hosts)
        self._check_pstate(words, power_state, (c.PS_COMPUTE,))
        for host in hosts:
            if self._v.hosts[host]["state"] not in (c.IDLE, c.COMPUTING):
                raise PolicyError(
                    f"host {host} sleeps or is being switched at {self._head['now_s']} s, so its speed cannot change; "
                    "wake it, and wait until it is awake"
                )
        self._set(words, power_state)

    def sleep(self, hosts: Sequence[int], power_state: int) -> None:
        """Put idle hosts to sleep in the given sleep state."""
        words = self._words(hosts)
        self._check_pstate(words, power_state, (c.PS_SLEEP,))
        for host in hosts:
            if not self._v.free[host >> 6] >> np.uint64(host & 63) & np.uint64(1):
                raise PolicyError(f"host {host} is not free at {self._head['now_s']} s, so it cannot be put to sleep")
        self._set(words, power_state)

    def wake(self, hosts: Sequence[int], power_state: int = 0) -> None:
        """Wake sleeping hosts into a computing power state."""
        words = self._words(hosts)
        self._check_pstate(words, power_state, (c.PS_COMPUTE,))
        for host in hosts:
            if self._v.hosts[host]["state"] != c.SLEEPING:
                raise PolicyError(f"host {host} is not asleep at {self._head['now_s']} s, so it cannot be woken")
        self._set(words, power_state)

    def _chosen(self, job: int, wanted: int, hosts: Sequence[int] | None) -> NDArray[np.uint64]:
        """Return the set of hosts for a job."""
        if hosts is None:
            if wanted > self._head["n_free"]:
                raise PolicyError(
                    f"job {job} asks for {wanted} hosts, {self._head['n_free']} are free at {self._head['now_s']} s; "
                    "leave it in the queue"
                )
            return self._v.free
        words = self._words(hosts)
        if len(set(hosts)) != wanted:
            raise PolicyError(f"job {job} asks for {wanted} hosts, {len(set(hosts))} were given")
        if (words & ~self._v.free).any():
            raise PolicyError(f"hosts {list(hosts)} for job {job} are not all free at {self._head['now_s']} s")
        return words

    def _lowest(self, words: NDArray[np.uint64], n: int) -> NDArray[np.uint64]:
        """Return the n lowest hosts of a set."""
        bits = np.unpackbits(words.view(np.uint8), bitorder="little")
        return self._words(np.flatnonzero(bits)[:n].tolist())

    def _set(self, words: NDArray[np.uint64], power_state: int) -> None:
        """Ask for a power state on a set of hosts."""
        self._room()
        acts.set_power_state(self._v, words, power_state)

    def _words(self, hosts: Sequence[int]) -> NDArray[np.uint64]:
        """Return hosts as a set of bits."""
        words = np.zeros_like(self._v.free)
        for host in hosts:
            if not 0 <= host < self._head["n_hosts"]:
                raise PolicyError(f"there is no host {host}; hosts are 0 to {self._head['n_hosts'] - 1}")
            words[host >> 6] |= np.uint64(1) << np.uint64(host & 63)
        if not len(hosts):
            raise PolicyError("no hosts given")
        return words

    def _check_pstate(self, words: NDArray[np.uint64], power_state: int, kinds: tuple[int, ...]) -> None:
        """Refuse a power state that a host lacks or that is of another kind."""
        bits = np.unpackbits(words.view(np.uint8), bitorder="little")[: self._head["n_hosts"]]
        for cls in np.unique(self._v.hosts["cls"][: len(bits)][bits.astype(bool)]):
            row = self._v.pstates[cls]
            if not 0 <= power_state < row["n"][0] or row["kind"][power_state] not in kinds:
                good = [k for k in range(int(row["n"][0])) if row["kind"][k] in kinds]
                host = int(np.flatnonzero(bits.astype(bool) & (self._v.hosts["cls"][: len(bits)] == cls))[0])
                raise PolicyError(
                    f"power state {power_state} of host {host} cannot be asked for in this way at "
                    f"{self._head['now_s']} s; states {good} can"
                )

    def _known(self, job: int) -> None:
        if not 0 <= job < self._head["n_jobs"] or self._v.jobs[job]["state"] == c.NOT_SUBMITTED:
            raise PolicyError(
                f"job {job} is not known at {self._head['now_s']} s; only submitted jobs can be decided on"
            )

    def _waiting(self, job: int) -> None:
        self._known(job)
        if self._v.jobs[job]["q_pos"] < 0:
            raise PolicyError(f"job {job} is not waiting at {self._head['now_s']} s; it may have been started already")

    def _room(self) -> None:
        """Refuse a round of decisions that never ends."""
        if self._head["n_decisions"] >= len(self._v.decisions) - 2:
            raise PolicyError(
                f"more than {len(self._v.decisions)} decisions at {self._head['now_s']} s; the policy may be looping"
            )
        if self._head["n_iv"] + 2 * self._head["n_hosts"] + 8 > len(self._v.iv):
            raise PolicyError(f"too many host sets were named at {self._head['now_s']} s; the policy may be looping")
        if self._head["n_kill"] >= len(self._v.kill_list) - 1:
            raise PolicyError(f"too many kills at {self._head['now_s']} s; the policy may be looping")
