"""Lists of nodes as Slurm hands them to its programs: ``n[1-3,7],gpu01``."""

from __future__ import annotations

import re

from wattq.errors import TelemetryError
from wattq.workloads.anonymize_nodes import MOST_NODES, expand_nodes

__all__ = ["node_names"]

_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.\-]{0,252}[A-Za-z0-9_])?")


def node_names(text: str) -> tuple[str, ...]:
    """Return the names in a list of nodes, in its order; none for an empty text.

    Names that could be taken for something else than a name (a leading dash) are refused, because they end up in
    commands.

    Raises:
        TelemetryError: it is no such list, a range runs backwards, or it stands for more than 65,536 names.
    """
    if not text.strip():
        return ()
    names = expand_nodes(text.strip())
    wrong = "" if names is None else next((name for name in names if _NAME.fullmatch(name) is None), "")
    if names is None or wrong:
        what = (
            f"{wrong[:60]!r} is no name of a node" if wrong else f"not n1,n2 or n[1-4,8] of at most {MOST_NODES} names"
        )
        raise TelemetryError(f"list of nodes {text[:60]!r}: {what}")
    return tuple(names)
