"""Lists of nodes as Slurm writes them: ``n[1-3,7],gpu01``, with several ranges in one name and leading zeros kept."""

from __future__ import annotations

import re

from wattq.errors import TelemetryError

__all__ = ["MOST_NODES", "expand_nodes"]

MOST_NODES = 65_536
"""Most names that a list may stand for; Slurm's own limit of a bit map of nodes."""

_PART = re.compile(r"(?:[^\[\],\s]|\[[0-9,\-]{1,10000}\]){1,10000}")
_RANGES = re.compile(r"\[([0-9,\-]+)\]")
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.\-]{0,252}[A-Za-z0-9_])?")


def expand_nodes(text: str) -> tuple[str, ...]:
    """Return the names in a list of nodes, in its order; none for an empty text.

    Names that could be taken for something else than a name (a blank, a quote, a leading dash) are refused, because
    they end up in commands.

    Raises:
        TelemetryError: it is no such list, a range runs backwards, or it stands for more than `MOST_NODES` names.
    """
    names: list[str] = []
    rest = text.strip()
    while rest:
        part = _PART.match(rest)
        if part is None:
            raise TelemetryError(f"list of nodes {text[:60]!r}: {rest[:20]!r} is no name; write n1,n2 or n[1-4,8]")
        names += _expanded(part[0], text, MOST_NODES - len(names))
        rest = rest[part.end() :]
        if rest and not (rest.startswith(",") and len(rest) > 1):
            raise TelemetryError(f"list of nodes {text[:60]!r}: a comma stands between two names, nothing else")
        rest = rest[1:]
    return tuple(names)


def _expanded(part: str, text: str, most: int) -> list[str]:
    heads = [""]
    end = 0
    for found in _RANGES.finditer(part):
        numbers = _numbers(found[1], text, most // len(heads))
        heads = [f"{head}{part[end : found.start()]}{number}" for head in heads for number in numbers]
        end = found.end()
    names = [head + part[end:] for head in heads]
    wrong = next((name for name in names if _NAME.fullmatch(name) is None), None)
    if wrong is not None or len(names) > most:
        what = f"more than {MOST_NODES} names" if wrong is None else f"{wrong[:60]!r} is no name of a node"
        raise TelemetryError(f"list of nodes {text[:60]!r}: {what}")
    return names


def _numbers(ranges: str, text: str, most: int) -> list[str]:
    numbers: list[str] = []
    for each in ranges.split(","):
        first, dash, last = each.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or len(first) > 12 or len(last) > 12:
            raise TelemetryError(f"list of nodes {text[:60]!r}: {each[:20]!r} is no range such as 01-16")
        stop = int(last or first)
        if not 0 <= stop - int(first) < most - len(numbers):
            raise TelemetryError(
                f"list of nodes {text[:60]!r}: {each[:26]!r} runs backwards, or there are more than {MOST_NODES} names"
            )
        numbers += [f"{number:0{len(first)}d}" for number in range(int(first), stop + 1)]
    return numbers
