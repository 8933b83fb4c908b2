"""The hooks' entry: ``wattq-slurm-hook prolog|epilog|keep|monitor|...``. Prolog and epilog always end with 0."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from threading import Event

from wattq.errors import WattqError
from wattq.telemetry.slurm.hook import Hook, TimeBoxError, time_box

__all__ = ["main"]

_USAGE = """usage: wattq-slurm-hook prolog | epilog | keep | monitor JOB [SECONDS] | predict JSON
       wattq-slurm-hook suspend NODES | resume NODES"""
_MARGIN_S = 0.3


def main(argv: Sequence[str] | None = None) -> int:
    """Run a hook.

    Args:
        argv: its name and its arguments; the words after the program's name when None.

    Returns:
        The exit code: 0 for prolog, epilog and keeper whatever happens, for a hook that fails would drain the node.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    what = words[0] if words else ""
    if what in ("prolog", "epilog"):
        _hurried(what)
        return 0
    if what == "keep":
        _keep()
        return 0
    if what == "monitor":
        from wattq.telemetry.slurm.monitor import monitor_words

        return monitor_words(words[1:], os.environ)
    if what in ("suspend", "resume"):
        from wattq.telemetry.slurm.node_switch import switch_words

        return switch_words(what, words[1:], os.environ)
    if what == "predict" and len(words) == 2:
        from wattq.telemetry.slurm.local_prediction import predict_text

        print(predict_text(words[1], os.environ))
        return 0
    print(_USAGE, file=sys.stderr)
    return 2


def _hurried(what: str) -> None:
    """Run prolog or epilog within its time box; nothing that goes wrong comes out."""
    hook: Hook | None = None
    try:
        os.umask(0o077)
        # The folder in which a job was submitted may hang, or go away.
        os.chdir("/")
        hook = Hook.begin(what, os.environ)
        with time_box(hook.settings.slurm.time_box_s - _MARGIN_S):
            from wattq.telemetry.slurm import prolog

            (prolog.prolog if what == "prolog" else prolog.epilog)(hook)
    except TimeBoxError:
        _say(hook, "its time is over; the rest is left out")
    except BaseException as error:
        _say(hook, f"{type(error).__name__}: {error}")


def _keep() -> None:
    hook: Hook | None = None
    stop = Event()
    try:
        os.umask(0o027)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        hook = Hook.begin("keeper", os.environ)
        from wattq.telemetry.slurm.keeper import keep

        keep(hook, stop)
    except (WattqError, OSError) as error:
        _say(hook, f"{type(error).__name__}: {error}")
    except BaseException as error:
        _say(hook, f"ended by {type(error).__name__}: {error}")


def _say(hook: Hook | None, text: str) -> None:
    if hook is not None:
        hook.log.say(text)
