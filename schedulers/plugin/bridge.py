"""A policy on the other side of Batsim's protocol, without a transport: messages in, replies out.

The ledger is filled from messages and the policy is the one that the in-process engine plays: the same compiled
function over the same arrays, or the same Python object with the same view and actions. Decisions are dated with the
message, as batsched dates them.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from wattq.errors import InvalidInputError
from wattq.schedulers.plugin.known_jobs import KnownJobs
from wattq.schedulers.plugin.ledger_room import no_jobs, with_room
from wattq.schedulers.plugin.machine import read_machine
from wattq.schedulers.plugin.memory import new_memory, rank_again, with_more_jobs
from wattq.schedulers.plugin.options import Options, policy_of, read_sched_config, with_defaults
from wattq.schedulers.plugin.reader import MessageReader, Round, parse_message
from wattq.schedulers.plugin.writer import reply_events
from wattq.simulator import layout as c
from wattq.simulator.interface import Actions, CompiledPolicy, Policy, View
from wattq.simulator.ledger import absorb
from wattq.simulator.new_ledger import host_classes, new_ledger
from wattq.simulator.prediction import note, predict, predictor_of, watched
from wattq.simulator.rounds import decide_in_python, policy_gave_up

__all__ = ["Bridge"]

_CAPACITY = 1024
_SHOWN = 5


class Bridge:
    """Plays a policy from messages.

    Args:
        options: what the user asked for on the scheduler's command line.
        fixed: the policy that the user named outside of the options (``wattq-easy``).
        policy: a policy made already, in place of the one that the options name.
        capacity: number of jobs to begin with; there is room for more when they come.

    Attributes:
        now_s: date of the last message, s.
        options: the options, those of Batsim's ``--sched-cfg`` included once the simulation has begun.
        jobs: the jobs submitted so far.
        begun: whether the simulation has begun.
        ended: whether Batsim said that the simulation ends.
        n_messages: messages answered.

    Raises:
        PolicyError: the policy cannot be made.
    """

    def __init__(
        self,
        options: Options,
        *,
        fixed: str | None = None,
        policy: Policy | CompiledPolicy | None = None,
        capacity: int = _CAPACITY,
    ) -> None:
        self.options = options
        self.now_s = 0.0
        self.jobs = KnownJobs()
        self.begun = self.ended = False
        self.n_messages = 0
        self._fixed = fixed
        self._given = policy is not None
        self._policy = policy or (policy_of(options) if options.policy else None)
        self._capacity = max(capacity, 1)
        self._reader = MessageReader(self.jobs)

    def reply(self, text: str | bytes) -> str:
        """Return the text of the reply to the text of a message; see `answer`."""
        events = self.answer(parse_message(text))
        return json.dumps({"now": self.now_s, "events": events}, ensure_ascii=False, separators=(",", ":"))

    def answer(self, message: Any) -> list[dict[str, Any]]:
        """Return the events of the reply to a message, dated `now_s`.

        Raises:
            InvalidInputError: the message breaks the protocol, or the options in it are not valid.
            PolicyError: the policy cannot be made, failed, or asked for what no scheduler may do.
        """
        found = self._reader.read(message)
        # Dates beyond 2**33 s have fewer than 6 decimals; the ledger rounds all dates in one way.
        self.now_s = round(found.now_s * 1e6) / 1e6
        if found.begins is not None:
            self._begin(found.begins)
        elif not self.begun:
            raise InvalidInputError("Batsim's first message is not SIMULATION_BEGINS; start Batsim anew")
        self._take(found)
        self._decide()
        self.n_messages += 1
        self.ended = found.ends
        events = reply_events(self.ledger, self.jobs)
        if found.begins is not None and self._registering:
            # No policy registers jobs, and Batsim waits for the end of registration.
            data = {"type": "registration_finished"}
            events.append({"timestamp": self.now_s, "type": "NOTIFY", "data": data})
        return events

    def left_over(self) -> str:
        """Return which submitted jobs have not ended, in words; nothing when all have."""
        if not self.begun:
            return ""
        states = self.ledger.jobs["state"][: len(self.jobs.full_ids)]
        waiting = [self.jobs.full_ids[number] for number in np.flatnonzero(states == c.SUBMITTED)]
        running = [self.jobs.full_ids[number] for number in sorted(self.jobs.running)]
        parts = [_counted(waiting, "neither started nor rejected"), _counted(running, "still running")]
        return ", ".join(part for part in parts if part)

    def counts(self) -> dict[str, int]:
        """Return how many jobs were submitted, have ended, and were rejected."""
        n = len(self.jobs.full_ids)
        states = self.ledger.jobs["state"][:n] if self.begun else np.zeros(0)
        return {
            "submitted": n,
            "ended": int((states == c.SUCCESS).sum()),
            "rejected": int((states == c.REJECTED).sum()),
        }

    def _begin(self, begins: Any) -> None:
        """Make the policy, the machine and the ledger."""
        try:
            config = begins["config"]
            sched_config = str(config["sched-config"])
            self._registering = bool(config["dynamic-jobs-enabled"])
        except (KeyError, TypeError) as error:
            raise InvalidInputError(
                f"SIMULATION_BEGINS, key 'config': it lacks {error}; this scheduler speaks the protocol of Batsim 4"
            ) from None
        self._configure(sched_config)
        platform = read_machine(begins, self.options.platform)
        pstates, cls = host_classes(platform)
        event_iv = np.zeros((platform.n_hosts + 1, 2), dtype=np.int32)
        self.ledger = new_ledger(platform, no_jobs(self._capacity), cls, pstates, event_iv)
        self._reader.machine_is(platform.n_hosts, pstates.shape[1])
        self._predictor = predictor_of(self._policy)
        if self._predictor is not None:
            self.ledger = watched(self.ledger)
        if isinstance(self._policy, CompiledPolicy):
            self._memory = new_memory(self._policy, self.ledger)
        else:
            self._view, self._actions = View(self.ledger), Actions(self.ledger)
        self.begun = True

    def _configure(self, sched_config: str) -> None:
        """Take over what Batsim's --sched-cfg says and the scheduler's own command line does not."""
        options = with_defaults(self.options, read_sched_config(sched_config, self._fixed))
        changed = (options.policy, options.params) != (self.options.policy, self.options.params)
        self.options = options
        if not self._given and (changed or self._policy is None):
            self._policy = policy_of(options)

    def _take(self, found: Round) -> None:
        """Write a message into the ledger."""
        n_known = len(self.jobs.full_ids)
        self._make_room(n_known, len(found.events), len(found.pairs))
        v = self.ledger
        for number, row in enumerate(found.jobs, n_known - len(found.jobs)):
            v.jobs[number] = row
        for number, event in enumerate(found.events):
            v.events[number] = event
        for number, pair in enumerate(found.pairs):
            v.event_iv[number] = pair
        ranks = self.jobs.moved_ranks()
        if ranks:
            v.jobs["id_rank"][:n_known] = ranks
            if isinstance(self._policy, CompiledPolicy):
                rank_again(self._policy, self._memory, len(v.jobs), v)
        head = v.head[0]
        head["now_s"] = head["reply_now_s"] = self.now_s
        head["n_jobs"] = n_known
        head["first_event"] = 0
        head["n_events"] = len(found.events)

    def _make_room(self, n_jobs: int, n_events: int, n_pairs: int) -> None:
        """Lengthen the arrays of the ledger, and the policy's memory, where they lack room."""
        before = self.ledger
        v = with_room(before, n_jobs, n_events, n_pairs)
        if v is before:
            return
        v = self.ledger = watched(v) if self._predictor is not None else v
        if not isinstance(self._policy, CompiledPolicy):
            self._view, self._actions = View(v), Actions(v)
        elif len(v.jobs) > len(before.jobs):
            self._memory = with_more_jobs(self._policy, self._memory, len(before.jobs), v)

    def _decide(self) -> None:
        """Play one round."""
        v, policy = self.ledger, self._policy
        absorb(v)
        predict(self._predictor, v)
        if isinstance(policy, CompiledPolicy):
            policy.decide(policy.kind, v, policy.par, *self._memory)
            if v.head[0]["error"]:
                policy_gave_up(policy.name, self.now_s, int(v.head[0]["error"]))
        else:
            assert policy is not None
            decide_in_python(policy, self._view, self._actions)
        note(self._predictor, v)


def _counted(full_ids: list[str], what: str) -> str:
    """Return how many jobs are so and which, in words; nothing for none."""
    if not full_ids:
        return ""
    more = f" and {len(full_ids) - _SHOWN} more" if len(full_ids) > _SHOWN else ""
    return f"{len(full_ids)} job{'s' if len(full_ids) > 1 else ''} {what} ({', '.join(full_ids[:_SHOWN])}{more})"
