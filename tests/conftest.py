"""Fixtures shared by all rooms."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure() -> None:
    # A shell ignores Ctrl-C in what it starts in the background, and programs under test would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def repo_dir() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder `shared` beside the checkout: recordings of real Batsim and real traces."""
    path = ROOT.parent / "shared"
    if not path.is_dir():
        pytest.skip("the folder 'shared' with recordings and traces is not beside the checkout")
    return path
