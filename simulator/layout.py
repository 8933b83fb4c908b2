"""Arrays that hold a running simulation, and the small integers that fill them.

The engine keeps everything in structured arrays so that one set of compiled functions serves it, the policies
and the Batsim-protocol adapters. Two bundles of arrays exist:

* `Kernel`: what happens. Only the engine reads it; it knows run times.
* `Ledger`: what a scheduler may know. Policies read it and write their decisions into it. It is filled from
  protocol events alone, so it has the same content beside the in-process engine, real Batsim or Slurm.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ABORTED",
    "DEADLOCK",
    "DECIDE",
    "FINISHED",
    "GROW",
    "Kernel",
    "Ledger",
]

# What `advance` returns.
DECIDE, FINISHED, DEADLOCK, ABORTED, GROW = 0, 1, 2, 3, 4

# Job states (Batsim's).
NOT_SUBMITTED, SUBMITTED, RUNNING, SUCCESS, FAILED, WALLTIME, KILLED, REJECTED = range(8)

# Machine states, in the order of the columns of schedule.csv's time_*.
IDLE, COMPUTING, SLEEPING, SWITCHING_ON, SWITCHING_OFF, UNAVAILABLE = range(6)

# Kinds of power states; equal to platforms.PstateKind.
PS_COMPUTE, PS_SLEEP, PS_OFF, PS_ON = 0, 1, 2, 3

# Events from the machine to the scheduler.
(
    EV_SUBMITTED,
    EV_COMPLETED,
    EV_KILLED,
    EV_STATE_CHANGED,
    EV_CALL,
    EV_ENERGY,
    EV_NO_MORE_JOBS,
    EV_NO_MORE_EVENTS,
    EV_AVAILABLE,
    EV_UNAVAILABLE,
    EV_GENERIC,
    EV_BEGINS,
    EV_ENDS,
) = range(13)

# Decisions of the scheduler.
(
    DO_EXECUTE,
    DO_REJECT,
    DO_KILL,
    DO_CALL,
    DO_SET_STATE,
    DO_QUERY_ENERGY,
    DO_METADATA,
    DO_REGISTER_JOB,
    DO_REGISTRATION_FINISHED,
    DO_CONTINUE_REGISTRATION,
    DO_REGISTER_PROFILE,
) = range(11)

# Profile nodes.
N_DELAY, N_HOMOGENEOUS, N_TOTAL, N_PARALLEL, N_COMPOSED, N_TRACE = range(6)

# A message from the machine: `events[first:last]`.
event_t = np.dtype(
    [
        ("time_s", "f8"),
        ("value", "f8"),  # EV_ENERGY: joules
        ("kind", "i4"),
        ("job", "i4"),  # job number, or -1
        ("a", "i4"),  # EV_STATE_CHANGED: power state; EV_KILLED: first kill record; EV_AVAILABLE...: external event
        ("b", "i4"),  # EV_KILLED: number of kill records
        ("iv", "i4"),  # first interval of the hosts concerned
        ("n_iv", "i4"),
    ],
    align=True,
)

# A decision.
decision_t = np.dtype(
    [
        ("time_s", "f8"),  # date of the decision, s
        ("target_s", "f8"),  # DO_CALL: date asked for, s
        ("kind", "i4"),
        ("job", "i4"),
        ("a", "i4"),  # DO_SET_STATE: power state; DO_KILL: first id in `kill_list`
        ("b", "i4"),  # DO_KILL: number of ids
        ("iv", "i4"),
        ("n_iv", "i4"),
        ("map", "i4"),  # DO_EXECUTE: first entry of the executor mapping, -1 for the default one
        ("n_map", "i4"),
    ],
    align=True,
)

# ---------------------------------------------------------------------------------------------- the ledger
ledger_head_t = np.dtype(
    [
        ("now_s", "f8"),  # date of the message as printed with 6 decimals
        ("last_event_s", "f8"),  # timestamp of the last event of the message, likewise
        ("power_w", "f8"),  # power drawn by the hosts, as told by the backend (NaN where unknown)
        ("n_jobs", "i8"),
        ("n_hosts", "i8"),
        ("n_words", "i8"),
        ("n_free", "i8"),  # hosts that are idle, awake and available
        ("q_head", "i8"),  # the queue is queue[q_head:q_tail], with -1 for jobs that left
        ("q_tail", "i8"),
        ("n_waiting", "i8"),
        ("n_running", "i8"),
        ("n_decisions", "i8"),
        ("n_iv", "i8"),
        ("n_kill", "i8"),
        ("n_events", "i8"),  # events of the message, in `events`
        ("first_event", "i8"),
        ("any_completed", "i8"),  # whether a job ended in this message
        ("n_completed", "i8"),  # jobs ended so far
        ("no_more_jobs", "i8"),  # whether every static job was submitted
        ("release", "i8"),  # counts messages that submitted jobs; see job_view_t.release
        ("calls_pending", "i8"),
        ("switches_pending", "i8"),
        ("error", "i8"),
        ("error_job", "i8"),
        ("error_host", "i8"),
    ],
    align=True,
)

job_view_t = np.dtype(
    [
        ("submit_s", "f8"),
        ("seen_s", "f8"),  # timestamp of the last event of the message that submitted the job (6 decimals)
        ("walltime_s", "f8"),  # requested time, s; -1 when the job has none
        ("estimate_s", "f8"),  # expected run time, s; the walltime unless a predictor is attached; inf when unknown
        ("start_s", "f8"),  # date of the decision that started it
        ("end_s", "f8"),  # start_s + estimate_s
        ("hosts", "i4"),  # hosts requested
        ("state", "i4"),  # NOT_SUBMITTED (unknown to the scheduler) ... REJECTED
        ("q_pos", "i4"),  # position in the queue, -1 when not waiting
        ("id_rank", "i4"),  # rank of the full id among all jobs, by bytes
        ("iv", "i4"),  # intervals of the allocation
        ("n_iv", "i4"),
        ("user", "i4"),
        ("group", "i4"),
        ("queue", "i4"),
        ("mark", "i4"),  # scratch for policies, 0 at submission
    ],
    align=True,
)

host_view_t = np.dtype(
    [
        ("idle_since_s", "f8"),
        ("state", "i4"),  # IDLE ... UNAVAILABLE, as a scheduler can know it
        ("pstate", "i4"),
        ("job", "i4"),  # job on the host, -1
        ("target", "i4"),  # power state asked for and not yet acknowledged, -1
        ("away", "i4"),  # 1 while the machine is unavailable
        ("cls", "i4"),  # row of `pstates`
    ],
    align=True,
)

pstate_t = np.dtype(
    [
        ("speed_flops", "f8"),
        ("idle_w", "f8"),
        ("epsilon_w", "f8"),
        ("full_w", "f8"),
        ("kind", "i4"),
        ("off", "i4"),
        ("on", "i4"),
        ("n", "i4"),
    ],
    align=True,
)


class Ledger(NamedTuple):
    """What a scheduler knows, as arrays.

    Attributes:
        head: one record, `ledger_head_t`.
        jobs: `job_view_t` per job; only those submitted so far mean anything.
        hosts: `host_view_t` per host.
        pstates: `pstate_t`, shape (host classes, power states).
        queue: waiting jobs in submission order; `queue[q_head:q_tail]`, -1 where a job left.
        running: jobs on the machine by (expected end, order of start); `running[:n_running]`.
        free: bit set of free hosts, 64 per word, host h at bit h % 64 of word h // 64.
        events: the message just received.
        event_iv: host intervals of the events, shape (n, 2), both ends included.
        decisions: decisions taken so far in this round.
        iv: host intervals of allocations and decisions, shape (n, 2), both ends included.
        kill_list: jobs of kill decisions.
    """

    head: NDArray[np.void]
    jobs: NDArray[np.void]
    hosts: NDArray[np.void]
    pstates: NDArray[np.void]
    queue: NDArray[np.int32]
    running: NDArray[np.int32]
    free: NDArray[np.uint64]
    events: NDArray[np.void]
    event_iv: NDArray[np.int32]
    decisions: NDArray[np.void]
    iv: NDArray[np.int32]
    kill_list: NDArray[np.int32]


# ---------------------------------------------------------------------------------------------- the kernel
kernel_head_t = np.dtype(
    [
        ("clock_s", "f8"),
        ("reply_now_s", "f8"),
        ("message_now_s", "f8"),
        ("energy", "i8"),  # whether energy is counted (-E)
        ("sharing", "i8"),  # whether hosts may run several jobs
        ("shared", "i8"),  # whether several tasks may meet on a host (sharing, usage traces, mappings)
        ("dynamic", "i8"),
        ("dynamic_finished", "i8"),
        ("acknowledge", "i8"),
        ("n_hosts", "i8"),
        ("n_compute", "i8"),
        ("n_jobs", "i8"),
        # actors
        ("n_actors", "i8"),
        ("free_actor", "i8"),
        ("run_i", "i8"),
        ("n_run", "i8"),
        ("n_next", "i8"),
        ("n_ended", "i8"),
        ("n_cancelled", "i8"),
        ("run_side", "i8"),
        ("others", "i8"),  # actors of the sub-round that are not inside an energy query
        # actions
        ("n_act", "i8"),
        ("scan_from", "i8"),
        ("dirty", "i8"),
        ("margin_s", "f8"),
        # mailbox and server
        ("mail_head", "i8"),
        ("mail_tail", "i8"),
        ("server_waits", "i8"),
        ("message", "i8"),  # message in flight, -1
        ("sched_ready", "i8"),
        ("end_sent", "i8"),
        ("end_acked", "i8"),
        ("decide_pending", "i8"),
        ("n_submitters", "i8"),
        ("submitters_done", "i8"),
        ("n_event_submitters", "i8"),
        ("event_submitters_done", "i8"),
        ("n_submitted", "i8"),
        ("n_completed", "i8"),
        ("n_running", "i8"),
        ("n_switching", "i8"),
        ("n_waiters", "i8"),
        ("n_killers", "i8"),
        # pending message
        ("ev_first", "i8"),
        ("ev_n", "i8"),
        ("evt_iv_n", "i8"),
        ("kill_n", "i8"),
        ("path_n", "i8"),
        # reply being injected
        ("reply_i", "i8"),
        ("reply_n", "i8"),
        # energy
        ("total_j", "f8"),  # Batsim's lazy count at `total_at_s`
        ("total_at_s", "f8"),
        ("correction_j", "f8"),
        ("power_w", "f8"),
        ("n_stale", "i8"),
        ("first_job_j", "f8"),
        ("last_end_j", "f8"),
        ("wattmin_w", "f8"),
        ("exact_at_s", "f8"),
        ("exact_j", "f8", (6,)),  # exact integral by machine state
        ("exact_w", "f8", (6,)),
        ("state_s", "f8", (6,)),  # time spent per state, up to each machine's last change
        ("state_n", "i8", (6,)),
        # outputs
        ("n_out_jobs", "i8"),
        ("n_out_states", "i8"),
        ("n_out_energy", "i8"),
        ("n_out_pstates", "i8"),
        ("n_out_iv", "i8"),
        ("n_grouped", "i8"),
        ("n_switched", "i8"),
        ("n_groups", "i8"),
        ("group_first", "i8"),
        ("n_members", "i8"),
        # abort
        ("abort", "i8"),
        ("abort_a", "i8"),
        ("abort_b", "i8"),
        ("n_steps", "i8"),
        ("n_messages", "i8"),
    ],
    align=True,
)

job_t = np.dtype(
    [
        ("submit_s", "f8"),
        ("walltime_s", "f8"),
        ("start_s", "f8"),
        ("runtime_s", "f8"),
        ("energy_j", "f8"),
        ("remaining_s", "f8"),
        ("hosts", "i4"),
        ("node", "i4"),  # root profile node
        ("state", "i4"),
        ("return_code", "i4"),
        ("actor", "i4"),
        ("iv", "i4"),  # intervals of the allocation, in Ledger.iv
        ("n_iv", "i4"),
        ("n_alloc", "i4"),
        ("map", "i4"),
        ("n_map", "i4"),
        ("kill_requested", "i4"),
        ("deleted", "i4"),
        ("total_only", "i4"),  # whether the allocation may differ from the request
        ("workload", "i4"),
    ],
    align=True,
)

host_t = np.dtype(
    [
        ("energy_j", "f8"),
        ("at_s", "f8"),  # date of the last lazy update
        ("power_w", "f8"),
        ("exact_w", "f8"),
        ("usage_flops", "f8"),
        ("since_s", "f8"),
        ("latency_s", "f8"),
        ("transfer_s", "f8"),
        ("state", "i4"),
        ("pstate", "i4"),
        ("cls", "i4"),
        ("cores", "i4"),
        ("n_jobs", "i4"),
        ("n_tasks", "i4"),
        ("task", "i4"),  # actor whose task is on the host (when tasks cannot meet)
        ("job", "i4"),
    ],
    align=True,
)

node_t = np.dtype(
    [
        ("amount", "f8"),  # delay in s, or flops
        ("kind", "i4"),
        ("first", "i4"),  # first child, first flops of the vector, or first rank
        ("n", "i4"),
        ("repeat", "i4"),
        ("code", "i4"),  # return code of the profile
        ("name", "i4"),
    ],
    align=True,
)

actor_t = np.dtype(
    [
        ("f0", "f8"),
        ("f1", "f8"),
        ("flops", "f8"),
        ("kind", "i4"),
        ("pc", "i4"),
        ("idx", "i4"),
        ("host", "i4"),
        ("depth", "i4"),
        ("call", "i4"),
        ("arg", "i4"),
        ("act", "i4"),  # identity of the action it waits for, -1
        ("task", "i4"),  # identity of its running parallel task, -1
        ("timer", "i4"),  # identity of its time-out, -1
        ("woke", "i4"),  # how it was woken
        ("scan", "i4"),  # position in an energy query
        ("scan_iv", "i4"),
        ("next_free", "i4"),
        ("k", "i4"),
        ("n", "i4"),
        ("parent", "i4"),
        ("got", "i4"),
        ("dead", "i4"),
    ],
    align=True,
)

action_t = np.dtype(
    [
        ("latency_s", "f8"),
        ("late_rate", "f8"),
        ("kind", "i4"),
        ("actor", "i4"),
        ("host", "i4"),
        ("ident", "i4"),
        ("state", "i4"),
        ("first_waiter", "i4"),
    ],
    align=True,
)


def _ints(*names: str) -> list[tuple[str, str]]:
    """Return 4-byte integer fields of these names."""
    return [(name, "i4") for name in names]


mail_t = np.dtype(_ints("kind", "a", "b", "actor", "host", "pad"), align=True)
submitter_t = np.dtype([("current_s", "f8"), *_ints("first", "last", "pos", "sent", "kind", "begun")], align=True)
external_t = np.dtype([("time_s", "f8"), *_ints("kind", "iv", "n_iv", "number")], align=True)
group_t = np.dtype(_ints("target", "first", "n", "left", "active", "iv", "n_iv", "pad"), align=True)
state_row_t = np.dtype([("time_s", "f8"), ("n", "i4", (6,))], align=True)
energy_row_t = np.dtype(
    [("time_s", "f8"), ("energy_j", "f8"), ("wattmin_w", "f8"), ("kind", "i4"), ("pad", "i4")], align=True
)
pstate_row_t = np.dtype([("time_s", "f8"), ("pstate", "i4"), ("iv", "i4"), ("n_iv", "i4"), ("pad", "i4")], align=True)
kill_t = np.dtype([("progress", "f8"), ("job", "i4"), ("path", "i4"), ("n_path", "i4"), ("known", "i4")], align=True)


class Kernel(NamedTuple):
    """What happens, as arrays; private to the engine.

    Attributes:
        head: one record, `kernel_head_t`.
        jobs, hosts, pstates, nodes: jobs, hosts, power states by host class, profile nodes.
        children: node numbers of composed profiles.
        amounts: flops of parallel vectors; (usage, flops) pairs of usage traces follow `lines`.
        lines: per rank of a usage trace, (first amount, number of lines).
        actors, stack: Batsim's actors; position in the profile tree, shape (actors, depth, 2).
        run: the two run lists, shape (2, actors).
        ended, cancelled: actions that ended in this step.
        act_left, act_rate, act_snap: remaining work, rate and snap threshold of each action, in creation order.
        actions: the rest of each action.
        mail: messages waiting for the server (ring).
        submitters, externals: submitters; external events by submitter.
        groups, members: SET_RESOURCE_STATE requests and the machines they wait for.
        events_iv: intervals of outgoing events and output rows.
        kills, paths: progress of killed jobs.
        out_jobs, out_states, out_energy, out_pstates: rows of the output files.
        order: scratch of the shared-host solver.
    """

    head: NDArray[np.void]
    jobs: NDArray[np.void]
    hosts: NDArray[np.void]
    pstates: NDArray[np.void]
    nodes: NDArray[np.void]
    children: NDArray[np.int32]
    amounts: NDArray[np.float64]
    lines: NDArray[np.int32]
    actors: NDArray[np.void]
    stack: NDArray[np.int32]
    run: NDArray[np.int32]
    ended: NDArray[np.int32]
    act_left: NDArray[np.float64]
    act_rate: NDArray[np.float64]
    act_snap: NDArray[np.float64]
    actions: NDArray[np.void]
    mail: NDArray[np.void]
    submitters: NDArray[np.void]
    externals: NDArray[np.void]
    external_iv: NDArray[np.int32]
    groups: NDArray[np.void]
    members: NDArray[np.int32]
    kills: NDArray[np.void]
    paths: NDArray[np.int32]
    out_jobs: NDArray[np.int32]
    out_states: NDArray[np.void]
    out_energy: NDArray[np.void]
    out_pstates: NDArray[np.void]
