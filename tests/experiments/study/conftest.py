from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

STUDY = """\
name: small
platform: machine.xml
workloads: [{source: log.swf, time_zone: Europe/Stockholm, walltime_factor: 1.5}]
policies: [fcfs, easy, easy-sjbf]
energy: true
weeks: {test: [1, 2, 4], tuning: [3], warmup_s: 172800, cooldown_s: 86400, drain_s: 259200}
signals:
  made:
    carbon: carbon.csv
    price: price.csv
    time_zone: Europe/London
    pue: 1.5
bounds: true
"""


def swf(weeks: int, *, per_day: int = 20, start: datetime = datetime(1996, 10, 2, 9, tzinfo=UTC)) -> str:
    """Return a log of four hosts that begins on a Wednesday in summer time, with a fixed seed."""
    random = np.random.default_rng(7)
    days = 7 * weeks + 6
    at = np.sort(np.concatenate([[0.0], random.integers(0, days * 86400, size=per_day * days)]))
    size = random.integers(1, 5, size=len(at))
    run = random.integers(60, 7200, size=len(at))
    lines = [f"; MaxProcs: 4\n; MaxNodes: 4\n; UnixStartTime: {start.timestamp():.0f}\n"]
    lines += [
        f"{number} {submit:.0f} -1 {seconds} {hosts} -1 -1 {hosts} {2 * seconds} -1 1 1 1 -1 1 1 -1 -1\n"
        for number, (submit, hosts, seconds) in enumerate(zip(at, size, run, strict=True), start=1)
    ]
    return "".join(lines)


def hourly(quantity: str, unit: str, value: str) -> str:
    """Return a year of hours, 2021, in wattq's CSV; ``value`` is a formula of the hour's number h."""
    begin = datetime(2021, 1, 1, tzinfo=UTC)
    rows = [f'# wattq signal {{"quantity": "{quantity}", "synthetic": true}}', "from,to,forecast,actual,region,unit"]
    for h in range(365 * 24):
        dates = (begin + timedelta(hours=hour) for hour in (h, h + 1))
        start, end = (date.strftime("%Y-%m-%dT%H:%MZ") for date in dates)
        rows.append(f"{start},{end},,{eval(value, {'h': h}):g},XX,{unit}")
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="session")
def study_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a machine, a log of six weeks, two synthetic series of 2021 and an experiment."""
    from wattq.platforms import ComputeState, SleepState, make_platform, write_platform

    base = tmp_path_factory.mktemp("study")
    states = [ComputeState(1e9, 100.0, 200.0), ComputeState(0.8e9, 100.0, 130.0)]
    sleep = SleepState(10.0, off_s=5.0, off_w=125.0, on_s=64.0, on_w=115.0)
    write_platform(make_platform(4, states, sleep=[sleep]), base / "machine.xml")
    (base / "log.swf").write_text(swf(6), encoding="utf-8")
    (base / "carbon.csv").write_text(hourly("carbon", "g/kWh", "100 + 10 * (h % 24)"), encoding="utf-8")
    (base / "price.csv").write_text(hourly("price", "EUR/MWh", "50 if h % 24 < 12 else -10"), encoding="utf-8")
    (base / "small.yaml").write_text(STUDY, encoding="utf-8")
    return base
