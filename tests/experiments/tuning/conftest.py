from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("optuna")

TUNING = """\
name: small
platform: machine.xml
workloads: [{source: log.swf, time_zone: Europe/Stockholm, walltime_factor: 1.5}]
weeks: {test: [5, 6], tuning: [1, 2, 3], warmup_s: 86400, cooldown_s: 86400, drain_s: 259200}
signals: {made: {carbon: carbon.csv, time_zone: Europe/London}}
policies:
  - name: sleep
    knobs:
      timeout: {float: [1, 7200], log: true, or: [break-even]}
      spare: {float: [0, 0.5]}
objectives: [energy_kwh]
constraints: [{metric: wait_p95_s, most: 1.5}]
sampler: {name: tpe, seed: 3, startup: 3}
pruner: none
trials: 6
"""


@pytest.fixture(scope="session")
def tuning_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a machine of four hosts, a log of eight weeks, a synthetic series, and the tuning file `small`."""
    from wattq.platforms import ComputeState, SleepState, make_platform, write_platform

    made = runpy.run_path(str(Path(__file__).parents[1] / "conftest.py"))
    base = tmp_path_factory.mktemp("tuning")
    states = [ComputeState(1e9, 100.0, 200.0), ComputeState(0.8e9, 100.0, 130.0)]
    sleep = SleepState(10.0, off_s=5.0, off_w=125.0, on_s=64.0, on_w=115.0)
    write_platform(make_platform(4, states, sleep=[sleep]), base / "machine.xml")
    (base / "log.swf").write_text(made["swf"](8, per_day=12), encoding="utf-8")
    (base / "carbon.csv").write_text(made["hourly"]("carbon", "g/kWh", "100 + 10 * (h % 24)"), encoding="utf-8")
    (base / "small.yaml").write_text(TUNING, encoding="utf-8")
    return base


@pytest.fixture
def small(tuning_base: Path) -> Callable[..., str]:
    """Return the text of the tuning file with some of its parts replaced; each must be there."""

    def text(*changes: tuple[str, str]) -> str:
        found = TUNING
        for before, after in changes:
            assert before in found
            found = found.replace(before, after)
        return found

    return text
