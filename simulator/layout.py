"""Arrays that hold a running simulation, and the small integers that fill them.

The engine keeps everything in structured arrays so that one set of compiled functions serves it, the policies
and the Batsim-protocol adapters. Two bundles of arrays exist:

* `Kernel`: what happens. Only the engine reads it; it knows run times.
* `Ledger`: what a scheduler may know. Policies read it and write their decisions into it. It is filled from
  protocol events alone, so it has the same content beside the in-process engine, real Batsim or Slurm.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from wattq.simulator import kernel_records as r
from wattq.simulator.bundle import Bundle, register_bundle

__all__ = [
    "ABORTED",
    "DEADLOCK",
    "DECIDE",
    "FINISHED",
    "GROW",
    "PREDICT",
    "Kernel",
    "Ledger",
]

# What `advance` returns, and last what only a policy's `run` does: a predictor is to be told the news.
DECIDE, FINISHED, DEADLOCK, ABORTED, GROW, PREDICT = range(6)

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

# What a predictor is told of a job.
NEWS_STARTED, NEWS_REJECTED, NEWS_SUBMITTED, NEWS_ENDED, NEWS_OUTLIVED = range(5)

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
        ("a", "i4"),  # DO_SET_STATE: power state; DO_KILL: first id in `kill_list`; DO_METADATA: number of the text
        ("b", "i4"),  # DO_KILL: number of ids
        ("iv", "i4"),
        ("n_iv", "i4"),
        ("map", "i4"),  # DO_EXECUTE: first entry of the executor mapping, -1 for the default one
        ("n_map", "i4"),
    ],
    align=True,
)

# What a predictor is to be told.
news_t = np.dtype(
    [
        ("time_s", "f8"),  # when it happened, s; NEWS_OUTLIVED: now
        ("kind", "i4"),  # NEWS_STARTED ...
        ("job", "i4"),
    ],
    align=True,
)

# ---------------------------------------------------------------------------------------------- the ledger
ledger_head_t = np.dtype(
    [
        ("now_s", "f8"),  # date of the message as printed with 6 decimals
        ("reply_now_s", "f8"),  # date of the reply; the message's unless the scheduler takes time
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
        ("watched", "i8"),  # whether a predictor is told what happens to jobs
        ("asked", "i8"),  # whether it is asked about the message that was absorbed last, before the policy decides
        ("n_news", "i8"),  # what it is to be told, in `news`
        ("corrected", "i8"),  # jobs that outlived their predicted end: moved in this message, or ended in it
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
        ("end_s", "f8"),  # start_s + estimate_s; a predictor moves both when a job outlives them
        ("beta", "f8"),  # run time T in power state 0 is T (beta s0 / s + 1 - beta) at speed s; 1 unless told
        ("hosts", "i4"),  # hosts requested
        ("state", "i4"),  # NOT_SUBMITTED (unknown to the scheduler) ... REJECTED
        ("q_pos", "i4"),  # position in the queue, -1 when not waiting
        ("id_rank", "i4"),  # rank of the full id among all jobs, by bytes
        ("iv", "i4"),  # intervals of the allocation
        ("n_iv", "i4"),
        ("user", "i8"),  # -1 when unknown, likewise group, queue and application
        ("group", "i8"),
        ("queue", "i8"),
        ("application", "i8"),
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


@register_bundle
class Ledger(Bundle):
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
        news: what a predictor is to be told; `news[:n_news]`.
    """

    FIELDS: ClassVar[dict[str, tuple[Any, int]]] = {
        "head": (ledger_head_t, 1),
        "jobs": (job_view_t, 1),
        "hosts": (host_view_t, 1),
        "pstates": (pstate_t, 2),
        "queue": (np.int32, 1),
        "running": (np.int32, 1),
        "free": (np.uint64, 1),
        "events": (event_t, 1),
        "event_iv": (np.int32, 2),
        "decisions": (decision_t, 1),
        "iv": (np.int32, 2),
        "kill_list": (np.int32, 1),
        "news": (news_t, 1),
    }

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
    news: NDArray[np.void]


# ---------------------------------------------------------------------------------------------- the kernel
# Rows of Kernel.sums, one column per machine state.
SUM_EXACT_J, SUM_EXACT_W, SUM_STATE_S, SUM_STATE_N = range(4)


@register_bundle
class Kernel(Bundle):
    """What happens, as arrays; private to the engine.

    Attributes:
        head: one record, `r.kernel_head_t`.
        jobs, pstates, nodes: jobs, power states by host class, profile nodes.
        h_*: the hosts, one array per quantity, since loops over the hosts of a job are the bulk of the work:
            Batsim's energy count at a date and the power from then on; load; date of the last change of machine
            state; machine state, power state, class, cores, jobs, weighted executors.
        links: latency in s and rate in 1/s (0: takes no time) of control messages from each host; last the master's.
        children: node numbers of composed profiles; first amount and number of lines of each rank of a trace.
        amounts: flops of parallel vectors; (usage, flops) pairs of usage traces.
        actors, stack: Batsim's actors; node and position in it at each depth of the profile, (actors, depth, 2).
        run: the two run lists, shape (2, actors).
        ended: slots of actions that ended in this step; cancelled: slots cancelled in this sub-round; fresh: tasks
            that have no rate yet.
        left, rate, snap, slot: remaining work, rate and snap threshold of each action in creation order.
        actions: the rest of each action, by slot.
        mail: messages waiting for the server (ring).
        submitters, externals: submitters; external events.
        groups, members: SET_RESOURCE_STATE requests and the machines they wait for.
        kills, paths: progress of killed jobs.
        sums: exact energy, power, time and number of machines by machine state.
        out_jobs, out_states, out_energy, out_pstates: rows of the output files.
        events, event_iv, alloc, decisions, kill_list: the ledger's arrays (alloc is its `iv`).
    """

    FIELDS: ClassVar[dict[str, tuple[Any, int]]] = {
        "head": (r.kernel_head_t, 1),
        "jobs": (r.job_t, 1),
        "h_energy_j": (np.float64, 1),
        "h_at_s": (np.float64, 1),
        "h_power_w": (np.float64, 1),
        "h_usage_flops": (np.float64, 1),
        "h_since_s": (np.float64, 1),
        "h_state": (np.int32, 1),
        "h_pstate": (np.int32, 1),
        "h_cls": (np.int32, 1),
        "h_cores": (np.int32, 1),
        "h_n_jobs": (np.int32, 1),
        "h_n_tasks": (np.int32, 1),
        "links": (np.float64, 2),
        "pstates": (pstate_t, 2),
        "nodes": (r.node_t, 1),
        "children": (np.int32, 1),
        "amounts": (np.float64, 1),
        "actors": (r.actor_t, 1),
        "stack": (np.int32, 3),
        "run": (np.int32, 2),
        "ended": (np.int32, 1),
        "cancelled": (np.int32, 1),
        "fresh": (np.int32, 1),
        "left": (np.float64, 1),
        "rate": (np.float64, 1),
        "snap": (np.float64, 1),
        "slot": (np.int32, 1),
        "actions": (r.action_t, 1),
        "mail": (r.mail_t, 1),
        "submitters": (r.submitter_t, 1),
        "externals": (r.external_t, 1),
        "groups": (r.group_t, 1),
        "members": (np.int32, 1),
        "kills": (r.kill_t, 1),
        "paths": (np.int32, 1),
        "sums": (np.float64, 2),
        "out_jobs": (np.int32, 1),
        "out_states": (r.state_row_t, 1),
        "out_energy": (r.energy_row_t, 1),
        "out_pstates": (r.pstate_row_t, 1),
        "events": (event_t, 1),
        "event_iv": (np.int32, 2),
        "alloc": (np.int32, 2),
        "decisions": (decision_t, 1),
        "kill_list": (np.int32, 1),
    }

    head: NDArray[np.void]
    jobs: NDArray[np.void]
    h_energy_j: NDArray[np.float64]
    h_at_s: NDArray[np.float64]
    h_power_w: NDArray[np.float64]
    h_usage_flops: NDArray[np.float64]
    h_since_s: NDArray[np.float64]
    h_state: NDArray[np.int32]
    h_pstate: NDArray[np.int32]
    h_cls: NDArray[np.int32]
    h_cores: NDArray[np.int32]
    h_n_jobs: NDArray[np.int32]
    h_n_tasks: NDArray[np.int32]
    links: NDArray[np.float64]
    pstates: NDArray[np.void]
    nodes: NDArray[np.void]
    children: NDArray[np.int32]
    amounts: NDArray[np.float64]
    actors: NDArray[np.void]
    stack: NDArray[np.int32]
    run: NDArray[np.int32]
    ended: NDArray[np.int32]
    cancelled: NDArray[np.int32]
    fresh: NDArray[np.int32]
    left: NDArray[np.float64]
    rate: NDArray[np.float64]
    snap: NDArray[np.float64]
    slot: NDArray[np.int32]
    actions: NDArray[np.void]
    mail: NDArray[np.void]
    submitters: NDArray[np.void]
    externals: NDArray[np.void]
    groups: NDArray[np.void]
    members: NDArray[np.int32]
    kills: NDArray[np.void]
    paths: NDArray[np.int32]
    sums: NDArray[np.float64]
    out_jobs: NDArray[np.int32]
    out_states: NDArray[np.void]
    out_energy: NDArray[np.void]
    out_pstates: NDArray[np.void]
    events: NDArray[np.void]
    event_iv: NDArray[np.int32]
    alloc: NDArray[np.int32]
    decisions: NDArray[np.void]
    kill_list: NDArray[np.int32]
