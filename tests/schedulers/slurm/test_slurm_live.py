"""Holding and advising on a real Slurm of this machine alone; prices of hours, pressed into seconds."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from live_slurm import Cluster, slurm_cluster, wait_for

from wattq.platforms.signals import Signal, read_signal, write_signal
from wattq.schedulers.slurm.command import SlurmCommands
from wattq.schedulers.slurm.jobs import Job
from wattq.schedulers.slurm.plugin_text import submit_plugin
from wattq.schedulers.slurm.reading import read_snapshot
from wattq.settings import HoldSettings

pytestmark = pytest.mark.service

GRACE_S = 6
CHEAP_AFTER_S = 40.0
"""How long prices are high, s."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A Slurm of one node of four cores, whose plugin gives jobs that agree to wait a begin time 6 s ahead."""
    folder = tmp_path_factory.mktemp("cluster") / "slurm"
    folder.mkdir()
    text = submit_plugin(HoldSettings(interval_s=GRACE_S / 2, qos="green=1h"))
    (folder / "job_submit.lua").write_text(text, encoding="utf-8")
    with slurm_cluster(folder, ["JobSubmitPlugins=lua"]) as found:
        yield found


def jobs() -> dict[int, Job]:
    """Return the queue by number."""
    return {job.number: job for job in read_snapshot(SlurmCommands()).jobs}


def submit(folder: Path, *words: str, seconds: float = 1.0) -> int:
    """Submit a job and return its number."""
    words = ("sbatch", "--parsable", "-o", str(folder / "%j.out"), *words, "--wrap", f"sleep {seconds}; date +%s")
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=folder)
    return int(done.stdout.split(";")[0])


def started(number: int) -> float | None:
    """Return when a job started, Unix s; None for one that has not."""
    text = subprocess.run(
        ["scontrol", "-o", "show", "job", str(number)], capture_output=True, text=True, check=True,
        env=os.environ | {"SLURM_TIME_FORMAT": "%s", "TZ": "UTC0"},
    ).stdout  # fmt: skip
    state = next(word for word in text.split() if word.startswith("JobState="))
    if state not in ("JobState=RUNNING", "JobState=COMPLETED", "JobState=COMPLETING"):
        return None
    return float(next(word for word in text.split() if word.startswith("StartTime=")).partition("=")[2])


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Begin ``wattq slurm hold`` on a price that is high for a while and low from then on; end it afterwards."""
    now_s = math.floor(time.time())
    price = Signal(
        start_s=np.array([now_s - 90000.0, now_s + CHEAP_AFTER_S]),
        end_s=now_s + 90000.0,
        value=np.array([250.0, 10.0]),
        quantity="price",
        unit="EUR/MWh",
    )
    write_signal(price, tmp_path / "price.csv")
    config = tmp_path / "wattq.yaml"
    config.write_text(
        f"hold: {{signal: price, step_s: 1, share: 1, folder: {tmp_path / 'hold'}, interval_s: 1}}\n"
        f"signals: {{price: {tmp_path / 'price.csv'}}}\n",
        encoding="utf-8",
    )
    begun: list[subprocess.Popen[str]] = []

    def begin(*words: str) -> subprocess.Popen[str]:
        code = "from wattq.cli import main; main()"
        command = [sys.executable, "-c", code, "slurm", "hold", "--config", str(config), *words]
        begun.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return begun[-1]

    yield begin
    for process in begun:
        if process.poll() is None:
            process.kill()
        process.communicate()
    subprocess.run(["scancel", "-u", "root"], check=False)
    wait_for(lambda: not jobs(), 60)


def run(process: subprocess.Popen[str]) -> str:
    """Wait for a program to end well, and return what it printed."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


def events(folder: Path) -> list[dict[str, object]]:
    text = (folder / "hold" / "audit.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def hold_price_falls(folder: Path) -> float:
    """Return when the price falls, Unix s."""
    return float(read_signal(folder / "price.csv").start_s[-1])


def test_a_dry_run_changes_nothing(
    cluster: Cluster, hold: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    blocker = submit(tmp_path, "-c4", "-t", "1", seconds=30)
    wait_for(lambda: started(blocker))
    number = submit(tmp_path, "-c1", "-t", "1", "--comment", "wattq:defer=1h")
    before = jobs()[number]
    run(hold("--once"))
    after = jobs()[number]
    assert (after.eligible_s, after.priority, after.comment) == (before.eligible_s, before.priority, before.comment)
    assert not (tmp_path / "hold").exists()


def test_a_job_that_agreed_runs_when_it_is_cheap_and_others_at_once(
    cluster: Cluster, hold: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    daemon = hold("--apply", "--interval", "1")
    wait_for(lambda: (tmp_path / "hold" / "audit.jsonl").exists(), 90)
    agreed = submit(tmp_path, "-c1", "-t", "1", "--comment", "wattq:defer=10min")
    other = submit(tmp_path, "-c1", "-t", "1")
    submitted_s = time.time()
    wait_for(lambda: started(other))
    wait_for(lambda: started(agreed), 120)
    wait_for(lambda: any(event["event"] == "outcome" for event in events(tmp_path)), 90)
    daemon.send_signal(signal.SIGTERM)
    run(daemon)
    first = started(other)
    assert first is not None
    assert first <= submitted_s + 10
    found = started(agreed)
    assert found is not None
    told = [event for event in events(tmp_path) if event.get("number") == agreed]
    assert [event["event"] for event in told if event["event"] in ("intent", "held")][:2] == ["intent", "held"]
    cheap_s = float(str(told[0]["until_s"]))
    assert cheap_s == hold_price_falls(tmp_path)
    assert cheap_s <= found < cheap_s + 60
    outcome = told[-1]
    assert outcome["event"] == "outcome"
    assert outcome["state"] == "COMPLETED"
    realised = outcome["realised"]
    assert isinstance(realised, dict)
    assert realised["cost"] > 0
    assert [event["event"] for event in events(tmp_path)][-1] == "end"


def test_the_kill_switch_lets_go_at_once(
    cluster: Cluster, hold: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    blocker = submit(tmp_path, "-c4", "-t", "1", seconds=15)
    wait_for(lambda: started(blocker))
    number = submit(tmp_path, "-c1", "-t", "1", "--comment", "wattq:defer=1h")
    users = submit(tmp_path, "-c1", "-t", "1", "--comment", "wattq:defer=1h", "--begin=now+1hour")
    array = submit(tmp_path, "-c1", "-t", "1", "--array", "1-3%2", "--comment", "wattq:defer=1h")
    own = {each: jobs()[each].eligible_s for each in (users, array)}
    subprocess.run(["scancel", str(blocker)], check=True)
    run(hold("--apply", "--once"))
    falls = hold_price_falls(tmp_path)
    found = jobs()
    assert [found[each].eligible_s for each in (number, array, users)] == [falls, falls, own[users]]
    assert found[array].tasks == (1, 2, 3)
    run(hold("--release-all"))
    released_s = time.time()
    wait_for(lambda: started(number), 60)
    wait_for(lambda: array not in jobs() or not jobs()[array].waits, 60)
    # At once, or at the begin time that the plugin gave it.
    assert (started(number) or 0.0) <= max(released_s, own[array] or 0.0) + 10
    assert jobs()[users].eligible_s == own[users]
    assert (tmp_path / "hold" / "stop").exists()
    run(hold("--apply", "--once"))


def test_a_killed_daemon_leaves_nobody_held(
    cluster: Cluster, hold: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    daemon = hold("--apply", "--interval", "1")
    wait_for(lambda: (tmp_path / "hold" / "audit.jsonl").exists(), 90)
    number = submit(tmp_path, "-c1", "-t", "1", "--comment", "wattq:defer=1h")
    wait_for(lambda: len(events(tmp_path)) >= 3)
    daemon.kill()
    daemon.wait()
    wait_for(lambda: started(number), 90)
    found = started(number)
    assert found is not None
    assert found >= float(str(next(e for e in events(tmp_path) if e["event"] == "intent")["until_s"]))


def test_advice_on_a_real_queue(cluster: Cluster, hold: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    running = submit(tmp_path, "-c3", "-t", "5", seconds=40)
    wait_for(lambda: started(running))
    waiting = submit(tmp_path, "-c2", "-t", "10")
    small = submit(tmp_path, "-c1", "-t", "2", "--begin=now+60")
    code = "from wattq.cli import main; main()"
    words = ["slurm", "advise", "--policy", "easy", "--price", str(tmp_path / "price.csv"), "--json"]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    advice = json.loads(done.stdout)
    machine = advice["machines"][0]
    assert (machine["unit"], machine["hosts"], machine["running"]) == ("core", 4, 1)
    starts = {job["label"]: job["start_s"] - advice["now_s"] for job in machine["jobs"]}
    assert set(starts) == {str(waiting), str(small)}
    # The one that runs may keep three cores for five minutes; the small one fits beside it, from its begin time on.
    assert 250 < starts[str(waiting)] <= 301
    assert 40 < starts[str(small)] <= 61
