"""Parameters of the policy `qos`; its table is read when the policy is made."""

from __future__ import annotations

from collections.abc import Mapping

from wattq.schedulers.parameters import Parameter

__all__ = ["classes", "queues", "within"]

_MOST_QUEUES = 10_000


def _path(value: object) -> str:
    """Return the path of a table, or nothing for the shipped one."""
    if not isinstance(value, str):
        raise ValueError(value)
    return value


def _queues(value: object) -> dict[int, str]:
    """Return the class of each queue number, from a mapping or its text."""
    if isinstance(value, str):
        pairs = [part.split(":") for part in value.split(",") if part.strip()]
    elif isinstance(value, Mapping):
        pairs = [[str(queue), str(name)] for queue, name in value.items()]
    else:
        raise ValueError(value)
    found: dict[int, str] = {}
    for queue, name in pairs:
        number = int(queue)
        if number in found or not 0 <= number < 2**53 or not name.strip() or len(found) >= _MOST_QUEUES:
            raise ValueError(value)
        found[number] = name.strip()
    return found


def _within(value: object) -> str:
    """Return what orders jobs of equal priority."""
    if value not in ("usage", "fcfs"):
        raise ValueError(value)
    return str(value)


classes = Parameter("classes", "the path of a YAML file", "the table of classes; without it the shipped one", "", _path)
queues = Parameter(
    "queues",
    "pairs of queue number and class, such as 1:high,4:debug, each queue once",
    "classes of queues, over those of the table",
    "",
    _queues,
)
within = Parameter("within", "usage or fcfs", "who comes first among jobs of equal priority", "usage", _within)
