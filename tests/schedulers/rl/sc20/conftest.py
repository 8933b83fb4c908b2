"""A small log to learn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def small_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 4,500 jobs on 32 processors, with requested times and users."""
    random = np.random.default_rng(5)
    n = 4500
    submit = np.cumsum(random.integers(0, 400, n))
    run = np.ceil(np.exp(random.uniform(1, 8, n))).astype(int)
    request = run * random.integers(1, 20, n)
    size = random.choice([1, 2, 4, 8, 16, 32], n)
    user = random.integers(1, 9, n)
    lines = ["; MaxNodes: 32", "; MaxProcs: 32"]
    lines += [
        f"{k + 1} {submit[k]} -1 {run[k]} {size[k]} -1 -1 {size[k]} {request[k]} -1 1 {user[k]} 1 1 1 1 -1 -1"
        for k in range(n)
    ]
    path = tmp_path_factory.mktemp("sc20") / "small.swf"
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path
