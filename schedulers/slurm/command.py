"""Commands of Slurm: asked in UTC, within a time box, with errors in Slurm's own words."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wattq.errors import SlurmError

__all__ = ["Ask", "SlurmCommands"]

Ask = Callable[[Sequence[str]], str]
"""Runs one command of Slurm and returns what it prints; raises SlurmError when it fails."""

_MOST_WORDS = 400


@dataclass(frozen=True)
class SlurmCommands:
    """The commands of the Slurm that this machine is a client of.

    Attributes:
        time_box_s: longest that a command may take, s.
    """

    time_box_s: float = 30.0

    def __call__(self, words: Sequence[str]) -> str:
        """Return what a command prints.

        Raises:
            SlurmError: it is missing, fails, or takes too long; the message names it and what it said.
        """
        text = " ".join(words)
        try:
            done = subprocess.run(
                list(words), capture_output=True, timeout=self.time_box_s, check=False, env=_environment()
            )
        except FileNotFoundError:
            raise SlurmError(
                f"{text}: there is no program {words[0]}; run this where Slurm's client commands are installed, with "
                "their folder in PATH"
            ) from None
        except OSError as error:
            raise SlurmError(f"{text}: cannot be run ({error.strerror}); check the program and its rights") from None
        except subprocess.TimeoutExpired:
            raise SlurmError(
                f"{text}: no answer within {self.time_box_s:g} s; is slurmctld up (scontrol ping)? Give it longer by "
                "hold.time_box_s"
            ) from None
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip() or done.stdout.decode("utf-8", "replace").strip()
            raise SlurmError(
                f"{text}: exit code {done.returncode}: {said[:_MOST_WORDS] or 'it said nothing'}; try the command by "
                "hand, and check that this user may run it"
            )
        return done.stdout.decode("utf-8", "replace")


def _environment() -> dict[str, str]:
    """Return an environment in which dates are in UTC, words in English, and lists of array tasks in full."""
    given = {name: value for name, value in os.environ.items() if not name.startswith(("SQUEUE_", "SINFO_", "SLURM_"))}
    kept = {name: os.environ[name] for name in ("SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT") if name in os.environ}
    return given | kept | {"TZ": "UTC0", "LC_ALL": "C", "SLURM_BITSTR_LEN": "0", "SLURM_TIME_FORMAT": "standard"}
