"""Where results come from: command, versions, revision, seeds and digests, kept beside them."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform as host_platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from wattq import __version__
from wattq.platforms.model import Platform
from wattq.workloads.model import Workload

__all__ = [
    "describe_model",
    "describe_platform",
    "describe_predictor",
    "describe_workload",
    "environment",
    "git_revision",
]

_PACKAGES = ("numpy", "numba", "pandas", "scipy", "matplotlib", "evalys", "pydantic", "PyYAML")


def environment(argv: Sequence[str] | None = None) -> dict[str, Any]:
    """Return command, date, versions and revision of this process, ready for JSON."""
    return {
        "command": list(sys.argv if argv is None else argv),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "wattq": __version__,
        "python": host_platform.python_version(),
        "system": f"{host_platform.system()} {host_platform.machine()}",
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
        "git": git_revision(Path(__file__).resolve().parent),
    }


@cache
def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


@cache
def git_revision(directory: Path) -> dict[str, Any] | None:
    """Return revision and whether files were changed since, of the checkout that holds a directory; None without.

    Asked once in a process: it keeps the code that it began with.
    """
    revision = _git(directory, "rev-parse", "HEAD")
    inside = _git(directory, "ls-files", "--", ".")
    if not revision or not inside:
        return None
    return {"revision": revision, "dirty": bool(_git(directory, "status", "--porcelain", "--untracked-files=no"))}


def _git(directory: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(directory), *words], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def describe_predictor(params: Mapping[str, object]) -> dict[str, Any]:
    """Return what a policy's predictor is, under the key ``predictor``; nothing without one.

    Args:
        params: parameters of the policy.

    Raises:
        MissingFileError: a bundle cannot be read.
        SurrogateError: it breaks a rule.
    """
    if params.get("estimate") != "predictor":
        return {}
    from wattq.surrogates.bundle import ENDING, read_manifest

    name = str(params.get("predictor", ""))
    if not name.endswith(ENDING):
        return {"predictor": {"model": name}}
    manifest = read_manifest(name)
    data = manifest.meta.data
    return {
        "predictor": {
            "model": manifest.model,
            "source": name,
            "sha256": manifest.digest,
            "trained_on": {"source": data.source, "sha256": data.sha256, "jobs": data.jobs, "until_s": data.until_s},
            "label_source": manifest.meta.label_source,
        }
    }


def describe_model(policy: str, params: Mapping[str, object]) -> dict[str, Any]:
    """Return what a learned policy's model is, under the key ``model``; nothing for other policies.

    Args:
        policy: name of the policy.
        params: its parameters.

    Raises:
        MissingFileError: the model cannot be read.
        LearningError: it breaks a rule.
    """
    if policy.strip().lower() != "rl":
        return {}
    from wattq.schedulers.rl.model_file import load_learned

    learned = load_learned(str(params.get("model", "")))
    return {
        "model": {
            "source": str(params.get("model", "")),
            "sha256": learned.digest,
            "task": learned.task,
            "options": dict(learned.options),
            "signals": list(learned.signals),
            "trained_on": learned.card.get("data", {}),
            "seed": learned.card.get("seed"),
        }
    }


def describe_platform(platform: Platform) -> dict[str, Any]:
    """Return what a report says about a platform."""
    return {
        "name": platform.name,
        "source": platform.source,
        "sha256": platform.sha256,
        "compute_hosts": int(platform.n_compute),
        "has_power": bool(platform.has_power),
        "notes": [str(note) for note in platform.notes],
    }


def describe_workload(workload: Workload, label: str) -> dict[str, Any]:
    """Return what a report says about a workload, its cleaning counts included."""
    report = workload.report
    return {
        "label": label,
        "name": workload.name,
        "source": report.source,
        "sha256": report.sha256,
        "synthetic": bool(workload.synthetic),
        "rows_read": int(report.n_read),
        "jobs": workload.n_jobs,
        "beta": _spread(workload),
        "dropped": _counts(report.dropped),
        "repaired": _counts(report.repaired),
        "warnings": [str(warning) for warning in report.warnings],
    }


def _spread(workload: Workload) -> list[float]:
    """Return the smallest and the largest sensitivity to speed; none for a workload without jobs."""
    return [float(workload.beta.min()), float(workload.beta.max())] if workload.n_jobs else []


def _counts(counts: Mapping[str, int]) -> dict[str, int]:
    return {str(reason): int(number) for reason, number in counts.items()}
