"""SimGrid's own settings: accepted where they change nothing, refused by name elsewhere.

The engine computes what SimGrid 3.34 computes with its model ptask_L07 at its usual precision. A setting that says
just that is true, one about SimGrid's threads has nothing to act on, and any other would change results.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from wattq.errors import UnsupportedError
from wattq.simulator.batsim.grammar import UsageError
from wattq.simulator.batsim.log import CATEGORIES, CRITICAL, DEBUG, ERROR, INFO, TRACE, VERBOSE, WARNING

__all__ = ["check_setting", "read_threshold"]

# What the engine computes with anyway: numbers within 1e-12 of these, or these words.
_TRUE: dict[str, str] = {
    "host/model": "ptask_L07",
    "host/solver": "fairbottleneck",
    "precision/timing": "1e-9",
    "surf/precision": "1e-9",
    "precision/work-amount": "1e-5",
    "maxmin/precision": "1e-5",
    "network/TCP-gamma": "4194304",
}
# About SimGrid's threads, debugging and start, which do not exist here.
_NOTHING_TO_ACT_ON = ("contexts/", "debug/", "exception/")
_LEVELS = {
    "trace": TRACE,
    "debug": DEBUG,
    "verbose": VERBOSE,
    "verb": VERBOSE,
    "info": INFO,
    "warning": WARNING,
    "warn": WARNING,
    "error": ERROR,
    "critical": CRITICAL,
    "crit": CRITICAL,
}
_THRESHOLD = re.compile(r"^([^\s:.]+(?:\.[^\s:.]+)*?)\.(thresh|threshold|thres)[:=](\w+)$", re.IGNORECASE)


def check_setting(text: str) -> None:
    """Check one setting ``name:value`` of SimGrid.

    Raises:
        UsageError: the text is no setting.
        UnsupportedError: the setting would change what is computed.
    """
    name, colon, value = text.partition(":")
    if not name or not colon:
        raise UsageError(f"option '--sg-cfg': '{text}' is not of the form NAME:VALUE")
    if name in _TRUE and _same(value, _TRUE[name]):
        return
    if text.startswith(_NOTHING_TO_ACT_ON):
        return
    rule = f"it is always {_TRUE[name]} here" if name in _TRUE else "it would change SimGrid's results or outputs"
    raise UnsupportedError(f"option '--sg-cfg {text}': {rule}; leave it out, or run real Batsim")


def _same(value: str, expected: str) -> bool:
    """Return whether two settings are the same word or number."""
    try:
        return abs(float(value) - float(expected)) <= 1e-12 * float(expected)
    except ValueError:
        return value == expected


def read_threshold(text: str) -> Iterator[tuple[str, int]]:
    """Yield category and least level of each control ``category.thresh:level`` of --sg-log.

    A category in which nothing is ever said may be silenced as much as one likes.

    Raises:
        UsageError: the text is no logging control.
        UnsupportedError: another kind of control, or more output of a category that does not exist here.
    """
    for control in text.split():
        match = _THRESHOLD.match(control)
        if match is None:
            if re.match(r"^[^\s:]+\.(fmt|format|app|appender|add|additivity)[:=]", control, re.IGNORECASE):
                raise UnsupportedError(
                    f"option '--sg-log {control}': only thresholds (CATEGORY.thresh:LEVEL) can be set; leave it out"
                )
            raise UsageError(f"option '--sg-log': '{control}' is not of the form CATEGORY.thresh:LEVEL")
        category, level = match[1], _LEVELS.get(match[3].lower())
        if level is None:
            raise UsageError(f"option '--sg-log': '{match[3]}' is no level; give one of {', '.join(_LEVELS)}")
        if category in (*CATEGORIES, "root"):
            yield category, level
        elif level < INFO:
            raise UnsupportedError(
                f"option '--sg-log {control}': there is no category '{category}' here that could say more; "
                f"the categories are root, {', '.join(CATEGORIES)}"
            )
