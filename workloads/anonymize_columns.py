"""What the columns of accounting logs are: ids, dates, durations, sizes; any other column is not written."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["FREE_TEXT", "HASHED", "ROLES", "VOCABULARY", "plain"]


def plain(name: str) -> str:
    """Return the name of a column in small letters and digits alone: ``submit_time`` is ``submittime``."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


HASHED = {"user": "user", "group": "group", "node": "node", "nodes": "node", "queue": "queue", "name": "name"}
"""Role of a column with ids -> their kind, a key of `KINDS`."""

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "job": ("jobid", "jobidraw"),
    "user": ("user", "uid", "username", "userid"),
    "group": ("account", "group", "gid", "associd", "wckey", "project", "projectid", "groupid"),
    "nodes": ("nodelist",),
    "node": ("node", "nodename", "batchhost", "submithost"),
    "queue": ("partition", "qos", "qosreq", "queue", "cluster", "reservation", "reservationid"),
    "name": ("jobname", "name", "workdir", "submitline"),
    "submit": ("submit", "submittime", "submits"),
    "eligible": ("eligible", "eligibletime"),
    "start": ("start", "starttime", "loggedstarts"),
    "end": ("end", "endtime"),
    "run": ("elapsed", "elapsedraw", "runtime", "runs", "loggedruns"),
    "limit": ("timelimit", "wallclockreq", "walltimes", "requests"),
    "minutes": ("timelimitraw",),
    "spent": ("cputime", "cputimeraw", "totalcpu", "usercpu", "systemcpu", "planned", "reserved", "suspended"),
    "size": (
        *("nnodes", "allocnodes", "reqnodes", "ncpus", "alloccpus", "reqcpus", "ntasks"),
        *("nodesreq", "processorsreq", "gpusreq", "hosts"),
    ),
    "memory": ("reqmem", "memreq"),
    "tres": ("alloctres", "reqtres"),
    "state": ("state", "status", "loggedstatus"),
    "code": ("exitcode", "derivedexitcode"),
}

ROLES: Mapping[str, str] = {name: role for role, names in _COLUMNS.items() for name in names}
"""Plain name of a column -> role."""

FREE_TEXT = frozenset(
    {*_COLUMNS["name"], "comment", "admincomment", "systemcomment", "extra", "constraints", "stdout", "stderr", "stdin"}
)
"""Columns that may hold delimiters and line ends."""

_STATES = (
    *("BOOT_FAIL", "CANCELLED", "COMPLETED", "COMPLETING", "CONFIGURING", "DEADLINE", "FAILED", "NODE_FAIL"),
    *("OUT_OF_MEMORY", "PENDING", "PREEMPTED", "REQUEUED", "RESIZING", "REVOKED", "RUNNING", "SUSPENDED", "TIMEOUT"),
)
_UNKNOWN = ("Unknown", "None", "none", "N/A", "NaN", "nan", "null", "NULL", "None assigned", "INVALID", "-1")
_LIMITS = ("UNLIMITED", "Partition_Limit")

VOCABULARY: Mapping[str, frozenset[str]] = {
    "state": frozenset({*_STATES, *_UNKNOWN}),
    "unknown": frozenset(_UNKNOWN),
    "limit": frozenset({*_UNKNOWN, *_LIMITS}),
    "tres": frozenset({"billing", "cpu", "energy", "mem", "node", "gres/gpu"}),
}
"""Words that the format itself writes; they tell nothing about anyone."""
