"""The records of the event kernel's arrays; private to the engine (see `layout.Kernel`)."""

from __future__ import annotations

import numpy as np

__all__: list[str] = []


def _ints(*names: str) -> list[tuple[str, str]]:
    """Return 4-byte integer fields of these names."""
    return [(name, "i4") for name in names]


def _longs(*names: str) -> list[tuple[str, str]]:
    """Return 8-byte integer fields of these names."""
    return [(name, "i8") for name in names]


kernel_head_t = np.dtype(
    [
        ("clock_s", "f8"),
        ("reply_now_s", "f8"),  # `now` of the reply being injected
        *_longs(
            "express", "uniform", "energy", "initial_left", "shared", "sharing", "dynamic", "registering", "acknowledge"
        ),
        *_longs("storage_sharing"),
        *_longs("n_hosts", "n_compute", "n_jobs", "max_ranks", "max_depth"),
        # actors
        *_longs("n_actors", "free_actor", "n_free_actors", "side", "run_i", "n_run", "n_next", "n_cancelled"),
        # timed actions
        *_longs("n_act", "n_dead", "n_fresh", "free_slot", "n_free_slots", "sequence", "dirty"),
        # the message in flight to the server
        ("quiet_s", "f8"),  # lower bound of the time to the next end of another action
        ("mail_latency_s", "f8"),
        ("mail_left", "f8"),
        ("mail_rate", "f8"),
        *_longs(
            "mail_on",
            "mail_sequence",
            "mail_sender_first",
            "mail_from",
            "mail_head",
            "mail_tail",
            "server_waits",
            "server",
        ),
        # server
        *_longs("sched_ready", "end_sent", "end_acked", "waiting_reply", "reply_n"),
        *_longs("n_submitters", "submitters_done", "n_event_submitters", "event_submitters_done"),
        *_longs("n_submitted", "n_completed", "n_running", "n_switching", "n_waiters", "n_killers"),
        *_longs("ev_first", "ev_n", "n_event_iv", "external_iv", "n_kills", "n_paths", "delete_from"),
        # Batsim's lazy energy count: total at `total_at_s`, power since then, what single updates changed
        ("total_j", "f8"),
        ("total_at_s", "f8"),
        ("correction_j", "f8"),
        ("power_w", "f8"),
        ("wattmin_w", "f8"),
        ("first_job_j", "f8"),
        ("last_end_j", "f8"),
        ("exact_at_s", "f8"),
        # outputs
        *_longs("n_out_jobs", "n_out_states", "n_out_energy", "n_out_pstates", "n_grouped", "n_switched"),
        *_longs("n_groups", "first_group", "n_members"),
        *_longs("abort", "abort_a", "abort_b", "n_steps", "n_messages"),
    ],
    align=True,
)

job_t = np.dtype(
    [
        ("submit_s", "f8"),
        ("walltime_s", "f8"),
        ("start_s", "f8"),
        ("end_s", "f8"),
        ("energy_j", "f8"),
        ("remaining_s", "f8"),  # of the walltime; negative: none
        ("beta", "f8"),  # see `sensitivity.stretch`
        # node: root profile node; iv, n_iv: allocation, in Ledger.iv; task_iv, n_task_iv: likewise the hosts of its
        # executors, one after the other; total_only: may differ from the request
        *_ints("hosts", "node", "state", "return_code", "actor", "iv", "n_iv", "task_iv", "n_task_iv", "n_executors"),
        # note: number of the metadata text that its row will hold, 0 for none
        *_ints("kill_requested", "deleted", "written", "note", "total_only", "workload"),
    ],
    align=True,
)

node_t = np.dtype(
    [
        ("amount", "f8"),  # delay in s, or flops
        # first, n: children, vector of flops, or ranks; code: return code of the profile
        *_ints("kind", "first", "n", "repeat", "code", "name"),
    ],
    align=True,
)

actor_t = np.dtype(
    [
        ("f0", "f8"),
        ("call_s", "f8"),  # duration of the sleep or time-out asked for
        ("kind", "i4"),
        ("pc", "i4"),
        ("idx", "i4"),  # job, host, submitter, decision...
        ("host", "i4"),  # -1: master
        ("depth", "i4"),
        ("call", "i4"),
        *_ints("arg", "mail", "mail_a", "mail_b"),
        *_ints("task", "timer", "sleep", "woke", "scan_iv", "scan", "next_free", "k", "n", "parent", "dead", "first"),
    ],
    align=True,
)

action_t = np.dtype(_ints("kind", "actor", "host", "pos", "state", "sequence", "loaded", "next_free"), align=True)
mail_t = np.dtype(_ints("kind", "a", "b", "actor", "host", "pad"), align=True)
submitter_t = np.dtype([("current_s", "f8"), *_ints("first", "last", "pos", "sent", "kind", "counted")], align=True)
external_t = np.dtype([("time_s", "f8"), *_ints("kind", "iv", "n_iv", "number")], align=True)
group_t = np.dtype(_ints("target", "first", "n", "left", "active", "iv", "n_iv", "pad"), align=True)
state_row_t = np.dtype([("time_s", "f8"), ("n", "i4", (6,))], align=True)
energy_row_t = np.dtype([("time_s", "f8"), ("energy_j", "f8"), ("wattmin_w", "f8"), *_ints("kind", "pad")], align=True)
pstate_row_t = np.dtype([("time_s", "f8"), *_ints("pstate", "iv", "n_iv", "pad")], align=True)
kill_t = np.dtype([("progress", "f8"), *_ints("job", "path", "n_path", "known")], align=True)
