"""Asking Slurm of a job, within a time box and without any environment of the caller's."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping

from wattq.errors import TelemetryError
from wattq.telemetry.slurm.facts import JobFacts, facts_from_scontrol

__all__ = ["PLACES", "ask_scontrol", "command_environment", "run_command"]

PLACES = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/slurm/bin"
"""Where programs are looked for when PATH is not set, as in hooks."""


def command_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for Slurm's commands: a PATH, UTC, plain words, and which slurm.conf."""
    kept = {name: environ[name] for name in ("SLURM_CONF", "LD_LIBRARY_PATH") if environ.get(name)}
    return {"PATH": environ.get("PATH") or PLACES, "TZ": "UTC", "LC_ALL": "C", **kept}


def run_command(words: list[str], environ: Mapping[str, str], limit_s: float) -> str:
    """Return what a command prints.

    Raises:
        TelemetryError: it is not there, fails, or takes longer than `limit_s`.
    """
    program = shutil.which(words[0], path=environ.get("PATH") or os.defpath)
    if program is None:
        raise TelemetryError(f"{words[0]}: is not installed")
    try:
        done = subprocess.run(
            [program, *words[1:]],
            env=dict(environ),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TelemetryError(f"{words[0]}: no answer within {limit_s:g} s") from None
    except OSError as error:
        raise TelemetryError(f"{words[0]}: {error.strerror or error}") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()[-200:]
        raise TelemetryError(f"{words[0]}: ended with {done.returncode}: {said}")
    return done.stdout.decode("utf-8", "replace")


def ask_scontrol(job_id: str, node: str, environ: Mapping[str, str], limit_s: float) -> JobFacts:
    """Return what the controller knows of a job.

    Raises:
        TelemetryError: there is no answer, or not about this job.
    """
    words = ["scontrol", "show", "job", "--details", job_id]
    return facts_from_scontrol(run_command(words, command_environment(environ), limit_s), job_id, node)
