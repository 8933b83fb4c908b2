"""A price with two levels, and what holds jobs of a Slurm that is not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_slurm import FakeSlurm

from wattq.platforms.node import NodePower
from wattq.platforms.signals import Signal, write_signal
from wattq.schedulers.slurm.holder import Holder
from wattq.settings import HoldSettings, SignalSettings

START_S = 1_000_000_800.0
"""A full hour, 2001-09-09T02:00:00Z."""


@pytest.fixture
def recorded() -> Path:
    """Answers of a real Slurm 22.05."""
    return Path(__file__).parent / "recorded"


@pytest.fixture
def start_s() -> float:
    return START_S


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    """Twelve hours at 250 EUR/MWh from two hours before the start on, twelve at 10, for four days."""
    hours = np.arange(96)
    value = np.where(hours % 24 < 12, 250.0, 10.0)
    signal = Signal(
        start_s=START_S - 7200.0 + 3600.0 * hours, end_s=START_S + 94 * 3600.0, value=value, quantity="price",
        unit="EUR/MWh",
    )  # fmt: skip
    return write_signal(signal, tmp_path / "price.csv")


@pytest.fixture
def holder(tmp_path: Path, prices: Path) -> Callable[..., Holder]:
    """Return something that makes a holder of a fake Slurm; settings by keyword."""

    def make(slurm: FakeSlurm, **given: object) -> Holder:
        values = {"signal": "price", "folder": str(tmp_path / "hold"), "share": 1.0} | given
        return Holder(
            slurm, HoldSettings.model_validate(values), SignalSettings(price=str(prices)), NodePower(),
            clock=slurm.clock,
        )  # fmt: skip

    return make
