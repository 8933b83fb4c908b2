"""The commands of Slurm that the exporter asks: time-boxed, in machine formats, whatever the environment says."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime

from wattq.errors import SlurmError
from wattq.telemetry.exporters.slurm_text import (
    ENDED_STATES,
    QUEUE_FIELDS,
    SEPARATOR,
    EndedJob,
    QueuedJob,
    Usage,
    parse_config,
    parse_ended,
    parse_node_states,
    parse_partition_cpus,
    parse_queue,
    parse_usage,
)

__all__ = ["SlurmCommands"]

# such as SQUEUE_STATES, which would hide jobs
_CHANGE_OUTPUT = ("SQUEUE_", "SINFO_", "SSTAT_", "SACCT_", "SCONTROL_", "SLURM_CLUSTERS")
_JOBS_PER_SSTAT = 200


class SlurmCommands:
    """Asks squeue, sinfo, sstat, sacct and scontrol.

    Args:
        timeout_s: a command that takes longer is killed, s.

    Raises:
        SlurmError: squeue is not on the PATH.
    """

    def __init__(self, timeout_s: float = 20.0) -> None:
        self.timeout_s = timeout_s
        if shutil.which("squeue") is None:
            raise SlurmError("squeue: not on the PATH; run the exporter on a machine with Slurm's commands")

    def queue(self) -> list[QueuedJob]:
        """Return all jobs that the controller knows, tasks of arrays one by one."""
        fields = ",".join(f"{name}:{SEPARATOR}" for name in QUEUE_FIELDS)
        return parse_queue(self._run("squeue", "--noheader", "--all", "--array", "--states=all", f"--Format={fields}"))

    def usage(self, raw_ids: Sequence[str]) -> dict[str, Usage]:
        """Return what running jobs used; a job that ended meanwhile, or whose nodes do not answer, is left out."""
        used: dict[str, Usage] = {}
        for begin in range(0, len(raw_ids), _JOBS_PER_SSTAT):
            ids = ",".join(raw_ids[begin : begin + _JOBS_PER_SSTAT])
            words = ("--allsteps", "--noheader", "--parsable2", "--noconvert", f"--jobs={ids}")
            # it fails as a whole when one of the jobs has no step left, having printed the others
            used |= parse_usage(self._run("sstat", *words, "--format=JobID,TRESUsageInTot", check=False))
        return used

    def node_states(self) -> dict[str, int]:
        """Return how many nodes are in each state."""
        return parse_node_states(self._run("sinfo", "--noheader", "--all", f"--format=%T{SEPARATOR}%D"))

    def partition_cpus(self) -> dict[str, int]:
        """Return the CPUs of a node of each partition."""
        return parse_partition_cpus(self._run("sinfo", "--noheader", "--all", f"--format=%R{SEPARATOR}%c"))

    def ended(self, since_s: float) -> list[EndedJob]:
        """Return the jobs that ended since a date (Unix s), as the accounting remembers them."""
        begin = datetime.fromtimestamp(since_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        words = ["--allusers", "--noheader", "--parsable2", "--allocations", f"--starttime={begin}", "--endtime=now"]
        words += [f"--state={','.join(ENDED_STATES)}", "--format=JobID,JobIDRaw,State,Partition,End,ElapsedRaw"]
        return [job for job in parse_ended(self._run("sacct", *words)) if job.end_s >= since_s]

    def config(self) -> dict[str, str]:
        """Return the configuration of the controller, by key."""
        return parse_config(self._run("scontrol", "show", "config"))

    def _run(self, *words: str, check: bool = True) -> str:
        environ = {name: value for name, value in os.environ.items() if not name.startswith(_CHANGE_OUTPUT)}
        environ |= {"TZ": "UTC", "LC_ALL": "C", "SLURM_TIME_FORMAT": "standard"}
        try:
            process = subprocess.Popen(
                words,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise SlurmError(f"{words[0]}: cannot be run ({error.strerror})") from None
        try:
            printed, complaint = process.communicate(timeout=self.timeout_s)
        except subprocess.TimeoutExpired:
            raise SlurmError(f"{words[0]}: no answer within {self.timeout_s:g} s") from None
        finally:
            _end(process)
        if check and process.returncode != 0:
            why = " ".join(complaint.decode(errors="replace").split())[:200]
            raise SlurmError(f"{words[0]}: exit code {process.returncode}: {why or 'no message'}")
        return printed.decode(errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
