"""A small log with users who repeat themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


def log_text(n_jobs: int, seed: int, users: int = 12) -> str:
    """Return an SWF log: each user has a typical run time and asks for too much; starts follow submissions soon."""
    rng = np.random.default_rng(seed)
    typical = rng.lognormal(7.0, 1.2, users)
    rows = ["; UnixStartTime: 800000000", "; MaxProcs: 64", "; TimeZoneString: UTC"]
    submit = 0.0
    for number in range(1, n_jobs + 1):
        submit += float(rng.exponential(2500.0))
        user = int(min(rng.geometric(0.25), users)) - 1
        run = max(1, round(float(typical[user] * rng.lognormal(0.0, 0.4))))
        request = int(np.ceil(typical[user] * 3 / 600) * 600)
        wait, hosts = int(rng.integers(0, 600)), int(2 ** rng.integers(0, 4))
        run = min(run, request)
        rows.append(
            f"{number} {round(submit)} {wait} {run} {hosts} -1 -1 {hosts} {request} -1 1 {user + 1} {user % 3 + 1} "
            f"{user + 1} 1 -1 -1 -1"
        )
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="session")
def small_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """900 jobs over 26 days."""
    path = tmp_path_factory.mktemp("logs") / "small.swf"
    path.write_text(log_text(900, 1), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def other_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another 700 jobs."""
    path = tmp_path_factory.mktemp("logs") / "other.swf"
    path.write_text(log_text(700, 2), encoding="utf-8")
    return path
