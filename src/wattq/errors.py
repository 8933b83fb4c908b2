"""The errors that wattq raises on purpose.

A message says where (file, line, key), what value was found, which rule it breaks and what to do about it.
The command line prints the message alone and ends with the error's exit code.
"""

from __future__ import annotations

__all__ = [
    "CampaignError",
    "InvalidInputError",
    "LearningError",
    "MissingDependencyError",
    "MissingFileError",
    "PlatformError",
    "PolicyCheckError",
    "PolicyError",
    "SignalError",
    "SimulationAbortError",
    "SlurmError",
    "SurrogateError",
    "TelemetryError",
    "TuningError",
    "UnsupportedError",
    "WattqError",
    "WorkloadError",
    "at",
]


class WattqError(Exception):
    """Raised when wattq cannot go on for a reason that the user can mend; base of all the others."""

    exit_code = 1


class InvalidInputError(WattqError, ValueError):
    """Raised when a file, an option or an argument breaks a rule of its format."""

    exit_code = 2


class MissingFileError(InvalidInputError):
    """Raised when a file that was asked for does not exist or cannot be read."""


class PlatformError(InvalidInputError):
    """Raised when a platform description cannot be honoured as it is written."""


class WorkloadError(InvalidInputError):
    """Raised when a workload or a log cannot be read, or holds what its format forbids."""


class SignalError(InvalidInputError):
    """Raised when a grid signal cannot be read, or does not cover what is asked of it."""


class LearningError(InvalidInputError):
    """Raised when a learned policy, its training or its environment cannot be made or used as asked."""


class CampaignError(InvalidInputError):
    """Raised when a campaign cannot be made or run as asked: its factors, its folder, or what is to run its cells."""


class TuningError(InvalidInputError):
    """Raised when a search for knobs cannot be made or gone on with as asked: its space, its weeks, its study."""


class SurrogateError(InvalidInputError):
    """Raised when a prediction cannot be made or trusted: outcomes leak into it, or a bundle does not fit."""


class TelemetryError(InvalidInputError):
    """Raised when measurements, a store or a service of telemetry cannot be read, written or run as asked."""


class SlurmError(WattqError):
    """Raised when a command of Slurm fails or is missing, or its answer cannot be understood."""


class UnsupportedError(InvalidInputError):
    """Raised when an input asks for something that wattq does not do; it is named, never ignored."""


class MissingDependencyError(WattqError):
    """Raised when an optional library is needed; the message names the extra to install."""

    exit_code = 2


class PolicyError(WattqError):
    """Raised when a policy is unknown, or asks for what no scheduler may do."""

    exit_code = 2


class PolicyCheckError(WattqError):
    """Raised when a policy breaks rules of the contract; `findings` holds them, and the message lists them.

    Args:
        message: all findings in words.
        findings: one `wattq.schedulers.Finding` per rule and world.
    """

    def __init__(self, message: str, findings: tuple[object, ...] = ()) -> None:
        super().__init__(message)
        self.findings = findings


class SimulationAbortError(WattqError):
    """Raised when a decision or an event makes Batsim abort; the simulation has no results."""


def at(path: object, line: int | None = None, key: str | None = None) -> str:
    """Return the place prefix of a message: ``file, line 3, key 'res'``."""
    place = str(path)
    if line is not None:
        place += f", line {line}"
    if key is not None:
        place += f", key '{key}'"
    return place
