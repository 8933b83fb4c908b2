"""A toy task beside those of the project, and short trainings of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def toy_task(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("sb3_contrib")
    from toy_queue import TOY

    from wattq.schedulers.rl.training.tasks import TASKS

    monkeypatch.setitem(TASKS, "toy-queue", TOY)


@pytest.fixture
def toy_config() -> Callable[..., Any]:
    """Make settings of a short training of the toy task."""
    from wattq.schedulers.rl.training.config import TrainConfig

    short = {"task": "toy-queue", "steps": 2048, "n_envs": 8, "n_steps": 64, "batch_size": 256, "net_arch": (16,)}
    fast = {"learning_rate": 1e-3, "threads": 1}
    return lambda **given: TrainConfig.model_validate({**short, **fast, **given})


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
