"""The schedulers that pybatsim finds: one class per policy, and `Wattq` for a policy named in the options.

pybatsim loads the entry points of all packages one after another until a name matches, so this module imports nothing
heavy; numpy and numba come with the policy, when a scheduler is made.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any, ClassVar

from wattq.errors import InvalidInputError, MissingDependencyError, WattqError
from wattq.schedulers.plugin.leaving import check_all_done, leave, leave_when_interrupted
from wattq.schedulers.plugin.options import read_options
from wattq.schedulers.plugin.vigil import LOOK_MS, Vigil
from wattq.schedulers.registry import POLICIES

try:
    from procset import ProcSet
    from pybatsim.batsim.batsim import BatsimScheduler
except ImportError as error:
    raise MissingDependencyError(
        f"pybatsim cannot be imported ({error}); install it: python -m pip install --no-deps pybatsim==4.0.0a0"
    ) from None

__all__ = ["CLASSES", "PolicyScheduler", "entry_points"]

_PROGRAM = "wattq"

CLASSES = {"".join(part.capitalize() for part in name.split("-")): name for name in POLICIES}
"""Name of the class -> policy."""


def entry_points() -> dict[str, str]:
    """Return what stands in the entry-point group `pybatsim.schedulers`: name -> object."""
    named = {f"wattq-{policy}": f"{__name__}:{cls}" for cls, policy in CLASSES.items()}
    return {"wattq": f"{__name__}:Wattq"} | named


class PolicyScheduler(BatsimScheduler):
    """A policy under pybatsim.

    pybatsim takes a message apart into callbacks, which lose the dates of its events. So the message is read as it
    arrives, by the same bridge that serves without pybatsim, and the decisions are given to pybatsim once it has
    noted all events.

    Args:
        options: value of pybatsim's ``-o``; see `options.read_options`.
    """

    policy: ClassVar[str | None] = None

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        try:
            from wattq.schedulers.plugin.bridge import Bridge

            place = "the scheduler's options (-o)"
            self._bridge = Bridge(
                read_options({} if options is None else options, place, self.policy), fixed=self.policy
            )
        except WattqError as error:
            leave(error, _PROGRAM)
        self._decisions: list[dict[str, Any]] = []
        sys.excepthook = _tell_of_sockets
        leave_when_interrupted(_PROGRAM)

    @property
    def bs(self) -> Any:
        """The side of the conversation that pybatsim keeps."""
        return self._bs

    @bs.setter
    def bs(self, bs: Any) -> None:
        self._bs = bs
        bs.network = _Line(bs.network, self)

    def receive(self, text: str) -> Any:
        """Read a message, decide, and return the message for pybatsim."""
        from wattq.schedulers.plugin.reader import parse_message

        try:
            message = parse_message(text)
            self._decisions = self._bridge.answer(message)
        except WattqError as error:
            leave(error, _PROGRAM)
        return message

    def check(self, vigil: Vigil) -> None:
        """Look after Batsim while it is silent."""
        try:
            vigil.check(self._bridge)
        except WattqError as error:
            leave(error, _PROGRAM)

    def finish(self) -> None:
        """Look whether all jobs were served, once the last reply was sent."""
        try:
            check_all_done(self._bridge)
        except WattqError as error:
            leave(error, _PROGRAM)

    def _give_decisions(self) -> None:
        """Hand the decisions of the round to pybatsim."""
        for event in self._decisions:
            _ACTS[event["type"]](self._bs, event["data"])

    def _wait_on(self) -> None:
        """Do nothing about a silence that is not too long yet: pybatsim goes on waiting."""
        self._bs.network.look()


def _ignore(scheduler: PolicyScheduler, *args: Any) -> None:
    """Do nothing: the bridge has read the event."""


_HOOKS = {"onNoMoreEvents": PolicyScheduler._give_decisions, "onDeadlock": PolicyScheduler._wait_on}
for _name in [name for name in dir(BatsimScheduler) if name.startswith("on")]:
    setattr(PolicyScheduler, _name, _HOOKS.get(_name, _ignore))


def _execute(bs: Any, data: dict[str, Any]) -> None:
    job = bs.jobs[data["job_id"]]
    job.allocation = ProcSet.from_str(data["alloc"])
    bs.execute_job(job)


_ACTS: dict[str, Callable[[Any, dict[str, Any]], None]] = {
    "EXECUTE_JOB": _execute,
    "REJECT_JOB": lambda bs, data: bs.reject_jobs_by_id([data["job_id"]]),
    "KILL_JOB": lambda bs, data: bs.kill_jobs([bs.jobs[job_id] for job_id in data["job_ids"]]),
    "CALL_ME_LATER": lambda bs, data: bs.wake_me_up_at(data["timestamp"]),
    "SET_RESOURCE_STATE": lambda bs, data: bs.set_resource_state(data["resources"], data["state"]),
    "QUERY": lambda bs, data: bs.request_consumed_energy(),
    "NOTIFY": lambda bs, data: bs.notify_registration_finished(),
}


class _Line:
    """pybatsim's network handler, with an ear on it.

    Args:
        inner: pybatsim's own, already bound.
        scheduler: who reads along.
    """

    def __init__(self, inner: Any, scheduler: PolicyScheduler) -> None:
        self._inner = inner
        self._scheduler = scheduler
        # pybatsim asks what to do after its time-out (never, when there is none), and that may be too rare.
        patience_s = inner.timeout / 1000 if inner.timeout and inner.timeout > 0 else math.inf
        inner.timeout = LOOK_MS
        self._vigil = Vigil(inner.connection, patience_s)

    def recv(self, blocking: bool = False) -> Any:
        """Return the next message, None when none came in pybatsim's time-out."""
        try:
            text = self._inner.recv_string(blocking=blocking)
        except UnicodeDecodeError as error:
            leave(InvalidInputError(f"Batsim's message is not UTF-8 ({error.reason})"), _PROGRAM)
        if text is None:
            return None
        self._vigil.heard()
        return self._scheduler.receive(text)

    def look(self) -> None:
        """Look after Batsim while it is silent."""
        self._scheduler.check(self._vigil)

    def send(self, message: Any) -> None:
        """Send a reply."""
        self._inner.send(message)

    def close(self) -> None:
        """Close the socket, which pybatsim does after the reply to the last message."""
        self._vigil.close()
        self._inner.close()
        self._scheduler.finish()


def _tell_of_sockets(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """Tell in one line that pybatsim could not use its socket; any other error as Python does."""
    import zmq

    if isinstance(error, zmq.ZMQError):
        text = f"{_PROGRAM}: error: pybatsim's socket: {error}; free the port, or name another one by -s (Batsim's too)"
        print(text, file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def __getattr__(name: str) -> type[PolicyScheduler]:
    """Make the class of a policy on first use."""
    if name not in CLASSES and name != "Wattq":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    made = type(name, (PolicyScheduler,), {"policy": CLASSES.get(name), "__module__": __name__})
    globals()[name] = made
    return made
