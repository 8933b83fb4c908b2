"""Looking at a live Slurm again and again until told to end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from wattq.errors import WattqError
from wattq.schedulers.slurm.holder import Holder, Look

__all__ = ["watch"]


def watch(
    holder: Holder,
    apply: bool,
    interval_s: float,
    ending: threading.Event,
    tell: Callable[[Look], None],
    complain: Callable[[str], None],
    clock: Callable[[], float] = time.time,
) -> int:
    """Look, and look again after each interval, until `ending` is set; return how many looks there were.

    A look that fails is told and tried again: what is held meanwhile lets go of itself.

    Args:
        holder: looks and acts.
        apply: whether it acts.
        interval_s: time from the begin of a look to the next one, s.
        ending: set it to end.
        tell: takes each look.
        complain: takes what went wrong, in words.
        clock: tells Unix seconds.
    """
    looks = 0
    if apply:
        holder.log.write("begin", clock(), interval_s=interval_s)
    while not ending.is_set():
        begin_s = time.monotonic()
        try:
            tell(holder.look(apply))
        except WattqError as error:
            complain(str(error))
        looks += 1
        ending.wait(max(interval_s - (time.monotonic() - begin_s), 0.1))
    if apply:
        holder.log.write("end", clock(), looks=looks)
    return looks
