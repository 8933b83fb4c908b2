"""A study in a data base; the URL of an empty one is in $WATTQ_TEST_DATABASE (postgresql+psycopg://USER@HOST/DB)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from wattq.errors import TuningError
from wattq.experiments.tuning import Settings, parse_tuning, tune

pytest.importorskip("sqlalchemy")
URL = os.environ.get("WATTQ_TEST_DATABASE", "")
pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(not URL, reason="WATTQ_TEST_DATABASE names no data base"),
]


def test_a_study_in_a_data_base(small: Callable[..., str], tuning_base: Path, tmp_path: Path) -> None:
    name = f"s{os.getpid()}"
    tuning = parse_tuning(small(("name: small", f"name: {name}"), ("trials: 6", "trials: 3")), "t.yaml")
    first = tune(tuning, Settings(tmp_path / "a", tuning_base, storage=URL))
    assert [row.number for row in first.trials] == [0, 1, 2]
    assert not (tmp_path / "a" / "study.journal").exists()
    with pytest.raises(TuningError, match=f"holds a study '{name}' with 3 trials") as error:
        tune(tuning, Settings(tmp_path / "b", tuning_base, storage=URL))
    assert "@" not in str(error.value) or "***@" in str(error.value)
    more = tune(tuning, Settings(tmp_path / "b", tuning_base, storage=URL, resume=True, trials=6, workers=2))
    assert len(more.trials) >= 6
    assert [row.objectives for row in more.trials[:3]] == [row.objectives for row in first.trials]
    journal = tune(tuning, Settings(tmp_path / "c", tuning_base))
    assert [row.objectives for row in journal.trials] == [row.objectives for row in first.trials]
