"""The program `wattq-batsim`: Batsim 4.2.1's command line, played by wattq's engine."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from wattq.errors import UnsupportedError, WattqError
from wattq.simulator.batsim import usage
from wattq.simulator.batsim.channel import Channel
from wattq.simulator.batsim.ending import (
    UNSUPPORTED,
    USAGE,
    FilesMissingError,
    OutputError,
    SchedulerSilentError,
    abort,
    complain,
)
from wattq.simulator.batsim.files import OutputFiles
from wattq.simulator.batsim.grammar import UsageError
from wattq.simulator.batsim.inputs import check_files, read_inputs
from wattq.simulator.batsim.interrupts import end_on_signals
from wattq.simulator.batsim.light_start import leave_out_scipy
from wattq.simulator.batsim.log import Log
from wattq.simulator.batsim.options import ServerOptions, context_text, parse_options, shown_instead

if TYPE_CHECKING:
    from wattq.simulator.run import Run

__all__ = ["main", "serve"]

_SHOWN_JOBS = 5


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the program and end the process, as the module `ending` tells."""
    words = sys.argv[1:] if argv is None else list(argv)
    try:
        code = _run(words)
    except UsageError as error:
        complain(f"{error}; see wattq-batsim --help")
        code = USAGE
    except UnsupportedError as error:
        complain(str(error))
        code = UNSUPPORTED
    except (FilesMissingError, SchedulerSilentError, OutputError) as error:
        complain(str(error))
        code = error.exit_code
    except (WattqError, MemoryError, RecursionError) as error:
        complain(str(error) or f"out of memory ({type(error).__name__}); use smaller inputs")
        abort()
    except Exception as error:
        complain(f"internal error, please report it: {type(error).__name__}: {error}")
        abort()
    sys.stdout.flush()
    os._exit(code)


def _run(words: Sequence[str]) -> int:
    """Do what the command line asks for; return the exit code."""
    shown = shown_instead(words)
    if shown:
        number = usage.BATSIM_VERSION if shown == "--version" else usage.SIMGRID_VERSION
        return _print(usage.HELP if shown == "--help" else usage.version_text(number))
    options = parse_options(words)
    if options.dump_context:
        return _print(context_text(options))
    check_files(options)
    files = output_files(options)
    end_on_signals(files.clean)
    leave_out_scipy()
    serve(options, files)
    return 0


def _print(text: str) -> int:
    """Print on stdout; a reader that has seen enough is no error."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(0)
    return 0


def output_files(options: ServerOptions) -> OutputFiles:
    """Return the output files that the options ask for."""
    return OutputFiles(
        options.prefix,
        energy=options.energy,
        machine_states=options.machine_states,
        schedule_trace=options.schedule_trace,
    )


def serve(options: ServerOptions, files: OutputFiles | None = None) -> Run:
    """Play a simulation over a socket, write its files, and return it.

    Args:
        options: the command line.
        files: the output files; None makes them from the options.

    Raises:
        SimulationAbortError: where Batsim aborts.
        UnsupportedError: something asks for what is not simulated.
        OutputError: the results cannot be written.
        SchedulerSilentError: the scheduler does not answer in the time given.
        WattqError: an input breaks a rule; Batsim aborts then.
    """
    log = Log(options.thresholds)
    files = files or output_files(options)
    inputs = read_inputs(options, log)
    from wattq.simulator.conversation import converse  # takes the compiler's start, which bad input need not pay

    files.prepare()
    for setting in options.settings:
        log.info(f"SimGrid's setting '{setting}' changes nothing here")
    log.info(f"waiting for the scheduler at '{options.endpoint}'")
    channel = Channel(options.endpoint, options.scheduler_timeout_s, log)
    try:
        run = converse(
            inputs.platform,
            inputs.workloads,
            channel.exchange,
            energy=options.energy,
            externals=inputs.externals,
            options=inputs.protocol,
        )
    finally:
        channel.close()
    files.write(run)
    _conclude(run, options, log)
    return run


def _conclude(run: Run, options: ServerOptions, log: Log) -> None:
    """Say how the simulation ended."""
    jobs, end = run.summary["jobs"], f"{run.summary['end_s']:.6f} s"
    if run.deadlock:
        complain(
            f"deadlock at {end}: nothing can happen any more{_left_over(run)}; the files are written, the scheduler is "
            "not told"
        )
    date = end.removesuffix(" s")
    log.info(f"the simulation ended at {end}: {jobs['ended']} jobs ended, {jobs['rejected']} were rejected", date)
    log.info(f"results are under '{options.prefix}_'", date)


def _left_over(run: Run) -> str:
    """Return which jobs were never started, as a part of a sentence."""
    left = run.never_started.tolist()
    if not left:
        return ""
    names = [f"{workload}!{job_id}" for job_id, workload, _ in map(run.job_names, left[:_SHOWN_JOBS])]
    more = ", ..." if len(left) > _SHOWN_JOBS else ""
    return f"; {len(left)} jobs were never started ({', '.join(names)}{more})"
