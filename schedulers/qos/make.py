"""The policy `qos` from its parameters."""

from __future__ import annotations

from collections.abc import Mapping

from wattq.errors import PolicyError
from wattq.schedulers.qos.policy import Qos
from wattq.schedulers.qos.table import read_table

__all__ = ["make_qos"]


def make_qos(
    given: Mapping[str, object], classes: str, queues: Mapping[int, str], within: str, half_life: float
) -> Qos:
    """Return the policy.

    Args:
        given: parameters as given, for reports.
        classes: path of the table, empty for the shipped one.
        queues: queue number -> class, over those of the table.
        within: ``usage`` or ``fcfs``.
        half_life: s after which what was charged counts half.

    Raises:
        MissingFileError: the table cannot be read.
        InvalidInputError: it breaks a rule.
        PolicyError: a queue is given a class that the table lacks.
    """
    table = read_table(classes or None)
    for queue, name in queues.items():
        if name not in table.classes:
            raise PolicyError(
                f"policy 'qos', parameter 'queues': queue {queue} gets the class '{name}', which does not exist; "
                f"there are {', '.join(table.classes)}"
            )
    policy = Qos(table.model_copy(update={"queues": {**table.queues, **queues}}), within, half_life)
    policy.params = dict(given)
    return policy
