"""Checkpoints that are damaged, or of other settings, are refused in words."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wattq.errors import LearningError

Config = Callable[..., Any]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkpoint."""
    pytest.importorskip("torch")
    from wattq.schedulers.rl.training.checkpoints import Checkpoint, write_checkpoint

    arrays = {"policy/weight": np.ones((3, 2), np.float32), "last/starts": np.zeros(4, bool)}
    return write_checkpoint(tmp_path_factory.mktemp("small"), Checkpoint(arrays, {"steps": 12}), 1)


def test_written_is_read(small: Path) -> None:
    from wattq.schedulers.rl.training.checkpoints import read_checkpoint

    found = read_checkpoint(small)
    assert small.name == "step-000000000012.npz"
    assert found.meta == {"format": 1, "steps": 12}
    assert found.under("policy")["weight"].tolist() == [[1, 1]] * 3


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=6), st.integers(0, 10**6))
def test_mutated_ones_are_read_or_refused(
    small: Path, tmp_path: Path, changes: list[tuple[int, int]], cut: int
) -> None:
    from wattq.schedulers.rl.training.checkpoints import read_checkpoint

    data = bytearray(small.read_bytes())
    for at, value in changes:
        data[at % len(data)] = value
    path = tmp_path / small.name
    path.write_bytes(bytes(data[: len(data) - cut % 100 if cut % 2 else None]))
    message = str(path)
    try:
        read_checkpoint(path)
    except LearningError as error:
        message = str(error)
    assert str(path) in message


@pytest.mark.parametrize(
    "other",
    [{"net_arch": [8]}, {"n_envs": 16}, {"architecture": "slots"}, {"constraints": [{"cost": "energy", "limit": 1}]}],
)
def test_other_settings_are_refused(toy_config: Config, tmp_path: Path, other: dict[str, Any]) -> None:
    from wattq.schedulers.rl.training.start import resume, train

    train(toy_config(steps=512), tmp_path / "run")
    file = tmp_path / "run" / "config.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text(encoding="utf-8")) | other), encoding="utf-8")
    with pytest.raises(LearningError, match=r"checkpoint (does not fit|holds networks of other sizes)"):
        resume(tmp_path / "run")
    shutil.rmtree(tmp_path / "run")
