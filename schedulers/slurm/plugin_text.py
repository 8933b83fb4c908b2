"""The plugin of Slurm that lets `wattq slurm hold` see jobs that agree to wait before Slurm starts them."""

from __future__ import annotations

import math
from pathlib import Path

from wattq.schedulers.slurm.consent import parse_qos_waits
from wattq.settings import HoldSettings

__all__ = ["submit_plugin"]


def submit_plugin(hold: HoldSettings) -> str:
    """Return job_submit.lua with the QOS of the settings, and a grace of two intervals.

    Raises:
        InvalidInputError: the setting of QOS breaks its rule.
    """
    text = Path(__file__).with_name("job_submit.lua").read_text(encoding="utf-8")
    names = "".join(f"[{_quoted(name)}] = true, " for name in parse_qos_waits(hold.qos))
    text = text.replace("local GRACE_S = 600", f"local GRACE_S = {math.ceil(2.0 * hold.interval_s)}")
    return text.replace("local QOS = {}", f"local QOS = {{{names.removesuffix(', ')}}}")


def _quoted(word: str) -> str:
    r"""Return a word as Lua writes it: all that is no letter, digit, ``_``, ``-`` or ``.`` as ``\ddd``."""
    return '"' + "".join(c if c.isascii() and (c.isalnum() or c in "_-.") else _bytes(c) for c in word) + '"'


def _bytes(sign: str) -> str:
    return "".join(f"\\{byte:03d}" for byte in sign.encode())
