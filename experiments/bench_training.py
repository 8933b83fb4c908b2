"""Speed of training, updates included: MaskablePPO on the backfilling environment, by CPU time of one thread."""

from __future__ import annotations

import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from wattq.experiments.bench import Result

__all__ = ["bench_training"]

_LIBRARIES = ("gymnasium", "sb3_contrib", "stable_baselines3", "torch")


def bench_training(steps: int = 131_072, n_envs: int = 128) -> list[Result]:
    """Steps of MaskablePPO per second of processor time, rollouts and updates, after the first rollout."""
    if any(find_spec(name) is None for name in _LIBRARIES):
        print("left out, the extra is not installed: pip install 'wattq[rl]'", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory() as folder:
        rate = _rate(Path(folder), steps, n_envs)
    return [Result("MaskablePPO on backfilling, one thread", rate, 5000.0, "steps/s", more_is_better=True)]


def _rate(folder: Path, steps: int, n_envs: int) -> float:
    """Return steps per second of processor time."""
    from wattq.schedulers.rl.training import find_task, make_config
    from wattq.schedulers.rl.training.logs import make_logger
    from wattq.schedulers.rl.training.training import Training

    settings = {"task": "backfill", "architecture": "slots", "n_envs": n_envs, "n_steps": 64, "threads": 1}
    options = {"workload": str(_log(folder)), "platform": "kth-sp2-dvfs", "sleep": True}
    batch = {"steps": steps + 64 * n_envs, "batch_size": min(4096, 64 * n_envs)}
    training = Training(make_config(settings | batch, options), find_task("backfill"), folder)
    training.begin(make_logger(folder, tensorboard=False)[0])
    training.rollout()
    before_s, first = training.effort.cpu_s, training.steps
    while not training.done:
        training.rollout()
    training.env.close()
    return (training.steps - first) / (training.effort.cpu_s - before_s)


def _log(folder: Path) -> Path:
    """Write three weeks of made-up jobs for 100 hosts."""
    from dataclasses import replace

    from wattq.units import WEEK_S
    from wattq.workloads import generate_saturated, write_batsim_json

    work = generate_saturated(2000, 100, 1, load=0.7)
    stretched = np.asarray(work.submit_s) * (3.1 * WEEK_S / work.submit_s[-1])
    path = folder / "log.json"
    write_batsim_json(replace(work, submit_s=stretched, extra=None), path)
    return path
