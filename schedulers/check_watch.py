"""A policy under watch: it decides on a copy of the ledger, and only its decisions reach the machine."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import numpy as np
from numpy.typing import NDArray

from wattq.errors import PolicyError, WattqError
from wattq.simulator import layout as c
from wattq.simulator import ledger as acts
from wattq.simulator.interface import Actions, CompiledPolicy, Policy, View
from wattq.simulator.prediction import PredictorSource

__all__ = ["BrokenRuleError", "Round", "Watch"]

Round = tuple[object, object]
"""What a policy was told in a message, and what it decided; both can be compared."""

_KNOWN = ("submit_s", "walltime_s", "estimate_s", "hosts", "user", "group", "queue", "application")


class BrokenRuleError(PolicyError):
    """Raised when a policy breaks a rule; `rule` names it."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


class Watch:
    """Plays a policy on a copy of the ledger, repeats its decisions on the ledger itself and compares the two.

    Args:
        policy: the policy.
        most_rounds: messages after which a simulation counts as endless.
        time_limit_s: longest time for one round of a plain-Python policy, s.
        compare: whether the copies are compared, which is most of the work.

    Attributes:
        rounds: what was told and decided so far.
    """

    def __init__(
        self, policy: Policy | CompiledPolicy, *, most_rounds: int, time_limit_s: float, compare: bool
    ) -> None:
        self.rounds: list[Round] = []
        self.predictor: PredictorSource | None = getattr(policy, "predictor", None)
        self._policy = policy
        self._most_rounds = most_rounds
        self._time_limit_s = time_limit_s
        self._compare = compare
        self._copy: c.Ledger | None = None

    def decide(self, view: View, actions: Actions) -> None:
        """Take one round of decisions.

        Raises:
            BrokenRuleError: the policy broke a rule.
        """
        v = view._v
        if len(self.rounds) >= self._most_rounds:
            raise BrokenRuleError(
                "ends",
                f"after {len(self.rounds)} messages, at {view.now} s, the simulation has not ended; "
                "stop asking for calls once nothing waits",
            )
        told = _message(v)
        copy = self._copied(v)
        self._play(copy)
        decided = _decisions(copy)
        self.rounds.append((told, decided))
        self._repeat(v, copy, actions)
        v.jobs["mark"] = copy.jobs["mark"]
        if self._compare:
            _check_equal(v, copy)

    def _copied(self, v: c.Ledger) -> c.Ledger:
        """Return the copy of the ledger, brought up to date; it stays the same object while the arrays keep size."""
        copy = self._copy
        if copy is None or any(getattr(copy, name).shape != getattr(v, name).shape for name in v.FIELDS):
            copy = self._copy = v.replaced(**{name: getattr(v, name).copy() for name in v.FIELDS})
            self._view, self._actions = View(copy), Actions(copy)
            if isinstance(self._policy, CompiledPolicy) and not self.rounds:
                head = v.head[0]
                self._memory = self._policy.new_memory(len(v.jobs), int(head["n_hosts"]), int(head["n_words"]))
            return copy
        for name in v.FIELDS:
            getattr(copy, name)[...] = getattr(v, name)
        return copy

    def _play(self, copy: c.Ledger) -> None:
        """Let the policy decide on the copy."""
        policy = self._policy
        now_s = float(copy.head[0]["now_s"])
        if isinstance(policy, CompiledPolicy):
            policy.decide(policy.kind, copy, policy.par, *self._memory)
            if copy.head[0]["error"]:
                raise BrokenRuleError("decisions", f"at {now_s} s it gave up with error {copy.head[0]['error']}")
            return
        try:
            with _limited(self._time_limit_s):
                policy.decide(self._view, self._actions)
        except TimeoutError:
            raise BrokenRuleError(
                "ends", f"at {now_s} s it decided for more than {self._time_limit_s:g} s; look for an endless loop"
            ) from None
        except WattqError as error:
            raise BrokenRuleError("decisions", str(error)) from error
        except Exception as error:
            rule = "view" if "read-only" in str(error) else "decisions"
            raise BrokenRuleError(rule, f"at {now_s} s it raised {type(error).__name__}: {error}") from error

    def _repeat(self, v: c.Ledger, copy: c.Ledger, actions: Actions) -> None:
        """Take the decisions again, each under all checks."""
        for decision in copy.decisions[: copy.head[0]["n_decisions"]]:
            try:
                _take(v, copy, decision, actions)
            except PolicyError as error:
                rule, why = "decisions", ""
                if not isinstance(self._policy, CompiledPolicy):
                    rule, why = "view", "; its own view allowed it, so it wrote there or went round its actions"
                raise BrokenRuleError(rule, f"{error}{why}") from error


def _take(v: c.Ledger, copy: c.Ledger, decision: NDArray[np.void], actions: Actions) -> None:
    """Take one decision of the copy on the ledger."""
    kind, job = int(decision["kind"]), int(decision["job"])
    if kind == c.DO_EXECUTE:
        actions.start(job, _hosts(copy, decision))
    elif kind == c.DO_REJECT:
        actions.reject(job)
    elif kind == c.DO_KILL:
        for killed in copy.kill_list[decision["a"] : decision["a"] + decision["b"]]:
            actions.kill(int(killed))
    elif kind == c.DO_CALL:
        actions.wake_me_at(float(decision["target_s"]))
    elif kind == c.DO_QUERY_ENERGY:
        acts.ask_energy(v)
    else:
        _switch(v, _hosts(copy, decision), int(decision["a"]), actions)


def _switch(v: c.Ledger, hosts: list[int], power_state: int, actions: Actions) -> None:
    """Take a decision about power states on the ledger."""
    cls = int(v.hosts[hosts[0]]["cls"])
    if v.pstates[cls, power_state]["kind"] == c.PS_SLEEP:
        actions.sleep(hosts, power_state)
    elif all(v.hosts[host]["state"] == c.SLEEPING for host in hosts):
        actions.wake(hosts, power_state)
    else:
        actions.set_power_state(hosts, power_state)


def _hosts(v: c.Ledger, decision: NDArray[np.void]) -> list[int]:
    """Return the hosts of a decision."""
    pairs = v.iv[decision["iv"] : decision["iv"] + decision["n_iv"]].tolist()
    return [host for first, last in pairs for host in range(first, last + 1)]


def _message(v: c.Ledger) -> object:
    """Return what the message told."""
    head = v.head[0]
    told: list[object] = [float(head["now_s"]), bool(head["no_more_jobs"])]
    for event in v.events[head["first_event"] : head["first_event"] + head["n_events"]]:
        pairs = v.event_iv[event["iv"] : event["iv"] + event["n_iv"]].tolist()
        job = int(event["job"])
        row = v.jobs[job][list(_KNOWN)].tolist() if event["kind"] == c.EV_SUBMITTED else ()
        told.append((int(event["kind"]), job, float(event["time_s"]), float(event["value"]), pairs, row))
    return told


def _decisions(v: c.Ledger) -> object:
    """Return what was decided."""
    found: list[object] = []
    for decision in v.decisions[: v.head[0]["n_decisions"]]:
        kind = int(decision["kind"])
        killed = v.kill_list[decision["a"] : decision["a"] + decision["b"]].tolist() if kind == c.DO_KILL else []
        state = int(decision["a"]) if kind == c.DO_SET_STATE else -1
        date = float(decision["target_s"]) if kind == c.DO_CALL else -1.0
        hosts = _hosts(v, decision) if kind in (c.DO_EXECUTE, c.DO_SET_STATE) else []
        found.append((kind, int(decision["job"]), hosts, killed, state, date))
    return found


def _check_equal(v: c.Ledger, copy: c.Ledger) -> None:
    """Refuse a copy that differs from the ledger by more than the decisions.

    Raises:
        BrokenRuleError: something else was written into it.
    """
    for name in ("head", "jobs", "hosts", "pstates", "queue", "running", "free", "events", "event_iv"):
        ours, theirs = getattr(v, name), getattr(copy, name)
        for part in ours.dtype.names or (None,):
            a, b = (ours, theirs) if part is None else (ours[part], theirs[part])
            if not np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
                place = name if part is None else f"{name}['{part}']"
                raise BrokenRuleError(
                    "view",
                    f"at {float(v.head[0]['now_s'])} s it wrote into what it was shown: {place} differs from what "
                    "its decisions make of it; take copies",
                )


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in what takes longer, where the system can interrupt it."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
