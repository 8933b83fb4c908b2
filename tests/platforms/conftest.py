"""Helpers of the platform tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from wattq.platforms import Platform

HEAD = """<?xml version='1.0'?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<platform version="4.1">
"""


def _assert_same(one: Platform, other: Platform) -> None:
    skipped = {"name", "source", "sha256", "notes", "messages"}
    for field in fields(Platform):
        if field.name not in skipped:
            left, right = getattr(one, field.name), getattr(other, field.name)
            if isinstance(left, np.ndarray):
                np.testing.assert_array_equal(left, right, err_msg=field.name)
            else:
                assert left == right, field.name
    np.testing.assert_array_equal(one.messages.latency_s, other.messages.latency_s)
    np.testing.assert_array_equal(one.messages.transfer_s, other.messages.transfer_s)


@pytest.fixture(scope="session")
def assert_same() -> Callable[[Platform, Platform], None]:
    """Compare two platforms field by field, names and provenance of the files aside."""
    return _assert_same


@pytest.fixture
def write_xml(tmp_path: Path) -> Callable[[str], Path]:
    """Write the inside of a <platform> (4 lines of head come first) and return the path."""

    def write(body: str) -> Path:
        path = tmp_path / "platform.xml"
        path.write_text(f"{HEAD}{body}\n</platform>\n", encoding="utf-8")
        return path

    return write
