"""Running Batsim and a scheduler together as robin does: scripts, logs, four time-outs, exit codes.

The rules are those of batexpe 1.2 (``exec.go``): the first process that ends well gives the other one
``success-timeout``, one that fails gives it ``failure-timeout``; then its process group gets SIGTERM. Each process has
``simulation-timeout`` from the start. The exit code is the larger of both processes' states: 0 ended with code 0,
1 stopped by ``simulation-timeout``, 2 failed or stopped by the other two time-outs.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from wattq.errors import WattqError
from wattq.experiments.batsim.context import Context, SetupError, ask_context, port_of, wait_for_port
from wattq.experiments.batsim.processes import GRACE_S, Ended, Processes, Terminated
from wattq.experiments.batsim.robin_file import RobinFile
from wattq.experiments.batsim.wording import ending, quotation
from wattq.experiments.folders import write_text

__all__ = ["FAILED", "OK", "TERMINATED", "TIMED_OUT", "Outcome", "supervise"]

OK, TIMED_OUT, FAILED, TERMINATED = 0, 1, 2, 3
"""Robin's exit codes. A simulation that cannot be set up counts as `TIMED_OUT`, as in robin."""

_BATSIM, _SCHEDULER = "Batsim", "the scheduler"


@dataclass(frozen=True)
class Outcome:
    """How a simulation ended.

    Attributes:
        exit_code: robin's: 0 fine, 1 time-out or setup error, 2 a process failed, 3 SIGTERM was received.
        batsim_exit: exit code of Batsim's script, minus the signal's number when one ended it; None when it did not
            run to an end of its own or by a time-out.
        scheduler_exit: the same for the scheduler.
        message: one sentence on what went wrong; '' when all went well.
        log_dir: folder with ``batsim.log``, ``sched.out.log`` and ``sched.err.log``.
        warnings: what robin warns about and goes on.
    """

    exit_code: int
    batsim_exit: int | None
    scheduler_exit: int | None
    message: str
    log_dir: Path
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _End:
    """How one process ended: its code, and the key of the time-out that stopped it, if one did."""

    name: str
    code: int
    stopped_by: str = ""

    @property
    def state(self) -> int:
        if self.stopped_by == "simulation-timeout":
            return TIMED_OUT
        if self.stopped_by:
            # one that obeys SIGTERM with exit code 0 did not fail, but the time ran out all the same
            return FAILED if self.code != 0 else TIMED_OUT
        return OK if self.code == 0 else FAILED


def supervise(instance: RobinFile, *, env: Mapping[str, str] | None = None, grace_s: float = GRACE_S) -> Outcome:
    """Run one simulation: Batsim and, unless ``schedcmd`` is empty, a scheduler.

    Both commands run in the working directory, through ``bash -eux``, from ``<output-dir>/cmd/*.bash``. When this
    function is left, in whatever way, no process of the simulation is alive; see
    `wattq.experiments.batsim.processes.Processes` for what holds when this process is killed.

    Args:
        instance: commands, folder and time-outs.
        env: whole environment of the processes; that of this process when None.
        grace_s: time between SIGTERM and SIGKILL when a process is stopped, s.

    Raises:
        KeyboardInterrupt: Ctrl-C; the processes are stopped first.
    """
    log_dir = Path(instance.output_dir) / "log"
    try:
        with Processes(env=env, grace_s=grace_s) as processes:
            try:
                outcome = _simulate(processes, instance)
            except Terminated:
                outcome = _terminated(log_dir)
        return _terminated(log_dir) if processes.terminated else outcome
    except (WattqError, OSError) as error:
        return Outcome(TIMED_OUT, None, None, str(error), log_dir)


def _terminated(log_dir: Path) -> Outcome:
    return Outcome(TERMINATED, None, None, "SIGTERM was received: Batsim and the scheduler were stopped", log_dir)


def _simulate(processes: Processes, instance: RobinFile) -> Outcome:
    folder = Path(instance.output_dir)
    _make_folders(folder)
    context = ask_context(processes, instance.batcmd)
    _check_scheduler(instance, context)
    if instance.schedcmd:
        port = port_of(context.endpoint)
        if port is not None:
            wait_for_port(port, instance.ready_timeout_s, processes.wait)
    _start(processes, instance, folder)
    ends = _watch(processes, instance)
    return replace(_outcome(ends, instance, folder / "log"), warnings=_warnings(instance, context))


def _make_folders(folder: Path) -> None:
    try:
        for name in ("cmd", "log"):
            (folder / name).mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SetupError(f"output-dir {str(folder)!r} cannot be made ({reason}); choose another place") from error


def _check_scheduler(instance: RobinFile, context: Context) -> None:
    if not instance.schedcmd and context.external_scheduler:
        raise SetupError("schedcmd is empty, but Batsim waits for a scheduler; give one, or --no-sched in batcmd")
    if instance.schedcmd and not context.external_scheduler:
        raise SetupError("schedcmd is given, but batcmd runs Batsim without a scheduler; remove one of the two")


def _warnings(instance: RobinFile, context: Context) -> tuple[str, ...]:
    if Path(context.prefix).absolute().is_relative_to(Path(instance.output_dir).absolute()):
        return ()
    return (f"Batsim's results go to '{context.prefix}', outside of output-dir '{instance.output_dir}'",)


def _start(processes: Processes, instance: RobinFile, folder: Path) -> None:
    scripts = [(_BATSIM, "batsim.bash", instance.batcmd, "batsim.log", "batsim.log")]
    if instance.schedcmd:
        scripts.append((_SCHEDULER, "sched.bash", instance.schedcmd, "sched.out.log", "sched.err.log"))
    for _, script, command, _, _ in scripts:
        write_text(folder / "cmd" / script, command)
        (folder / "cmd" / script).chmod(0o755)
    for name, script, _, out, err in scripts:
        argv = ["bash", "-eux", str(folder / "cmd" / script)]
        processes.start(name, argv, folder / "log" / out, folder / "log" / err)


def _watch(processes: Processes, instance: RobinFile) -> list[_End]:
    """Return how the processes ended, in that order."""
    names = [_BATSIM, _SCHEDULER] if instance.schedcmd else [_BATSIM]
    deadline, reason = time.monotonic() + instance.simulation_timeout_s, "simulation-timeout"
    ends: list[_End] = []
    while len(ends) < len(names):
        ended = processes.wait(deadline)
        if ended is None:
            running = [name for name in names if name not in {end.name for end in ends}]
            return ends + _stop(processes, running, reason)
        ends.append(_End(ended.name, ended.code))
        good = ended.code == 0
        soon = time.monotonic() + (instance.success_timeout_s if good else instance.failure_timeout_s)
        if soon < deadline:
            deadline, reason = soon, "success-timeout" if good else "failure-timeout"
    return ends


def _stop(processes: Processes, names: list[str], reason: str) -> list[_End]:
    for name in names:
        processes.stop(name)
    ends: list[_End] = []
    while len(ends) < len(names):
        ended: Ended | None = processes.wait()
        if ended is not None:
            ends.append(_End(ended.name, ended.code, reason))
    return ends


def _outcome(ends: list[_End], instance: RobinFile, log_dir: Path) -> Outcome:
    codes = {end.name: end.code for end in ends}
    state = max(end.state for end in ends)
    parts = [_sentence(end, instance, log_dir) for end in ends if end.state != OK]
    message = "; ".join(parts)
    return Outcome(state, codes.get(_BATSIM), codes.get(_SCHEDULER), message[:1].upper() + message[1:], log_dir)


def _sentence(end: _End, instance: RobinFile, log_dir: Path) -> str:
    names = ["batsim.log"] if end.name == _BATSIM else ["sched.err.log", "sched.out.log"]
    logs = [log_dir / name for name in names]
    said = quotation(*logs)
    if not end.stopped_by:
        return f"{end.name} {ending(end.code)} ({said})"
    after = {
        "simulation-timeout": f"{instance.simulation_timeout_s:g} s after its start",
        "success-timeout": f"{instance.success_timeout_s:g} s after the other process had ended well",
        "failure-timeout": f"{instance.failure_timeout_s:g} s later",
    }[end.stopped_by]
    return f"{end.name} was still running {after} ({end.stopped_by}) and was stopped ({said})"
