"""Speed of the policy `rl`: decisions of a network of 64 x 64 over 16 slots in the engine, in processor time."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wattq.experiments.bench import Result
from wattq.platforms import load_platform
from wattq.workloads import generate_saturated, read_workload

if TYPE_CHECKING:
    from wattq.schedulers.rl.network import NetworkShape
    from wattq.simulator.interface import CompiledPolicy
    from wattq.workloads.model import Workload

__all__ = ["bench_policy"]

_LOG = "KTH-SP2-1996-2.1-cln.swf.gz"
_BUDGET = 100_000.0


def bench_policy(jobs: int | None = None) -> list[Result]:
    """Decisions per second of `simulate` with a policy that starts jobs at once, and of one that is always asked.

    Weights are drawn. The first one starts what it may, as trained ones mostly do; the second waits as often as not, so
    that the network is asked before nearly every decision, with the queue full.

    Args:
        jobs: so many made-up jobs in place of the log.
    """
    name, work = _log(jobs)
    rows = []
    for title, wait in (("starts at once", -100.0), ("always asked", 0.0)):
        speed = max(_decisions_per_s(work, wait) for _ in range(3))
        budget = _BUDGET if wait else None
        rows.append(Result(f"policy rl, {name}, {title}", speed, budget, "decisions/s", more_is_better=True))
    return rows


def _log(jobs: int | None) -> tuple[str, Workload]:
    """Return the log beside the checkout, or made-up jobs where it is not there, with its name."""
    path = Path(__file__).resolve().parents[2] / "shared" / "data" / "swf" / _LOG
    if jobs is None and path.is_file():
        return "KTH-SP2", read_workload(path)
    return "generated jobs", generate_saturated(jobs or 20_000, 100, load=0.8)


def _decisions_per_s(work: Workload, wait: float) -> float:
    """Return how many decisions a simulation takes per second of processor time."""
    from wattq.schedulers.rl.backfill import row as r
    from wattq.simulator import layout as c
    from wattq.simulator.build import build
    from wattq.simulator.external import ExternalEvents
    from wattq.simulator.room import enlarge

    policy = _policy(wait)
    s, v, _ = build(load_platform("kth-sp2"), [work], energy=True, externals=ExternalEvents.none())
    head = v.head[0]
    memory = policy.new_memory(int(head["n_jobs"]), int(head["n_hosts"]), int(head["n_words"]))
    begin_s = time.process_time()
    while policy.run(policy.kind, s, v, policy.par, *memory) == c.GROW:
        s, v = enlarge(s, v)
    return float(memory[0][r.N_TAKEN] / max(time.process_time() - begin_s, 1e-9))


def _policy(wait: float) -> CompiledPolicy:
    """Return a policy with drawn weights, whose logit of waiting is moved by so much."""
    from wattq.schedulers import make_policy
    from wattq.schedulers.rl.backfill.config import Options
    from wattq.schedulers.rl.backfill.learned import backfill_policy, backfill_shape
    from wattq.schedulers.rl.model_file import save_learned
    from wattq.schedulers.rl.network import Network
    from wattq.simulator.interface import CompiledPolicy

    options = Options(window=16, states=(0,))
    shape = backfill_shape(options, 1)
    arrays = _arrays(shape)
    arrays["other.bias2"] += np.float32(wait)
    learned = backfill_policy(Network.from_arrays("slots", shape, arrays), options, load_platform("kth-sp2"))
    with tempfile.TemporaryDirectory() as folder:
        save_learned(Path(folder) / "drawn.wattq", learned)
        made = make_policy("rl", {"model": str(Path(folder) / "drawn.wattq")})
    assert isinstance(made, CompiledPolicy)
    return made


def _arrays(shape: NetworkShape) -> dict[str, Any]:
    """Draw weights of two hidden layers of 64."""
    rng = np.random.default_rng(0)
    found = {}
    for part, inputs, outputs in (
        ("slot", shape.globals_ + shape.features, shape.choices),
        ("other", shape.globals_, shape.others),
    ):
        for k, (rows, columns) in enumerate(((inputs, 64), (64, 64), (64, outputs))):
            found[f"{part}.weight{k}"] = rng.normal(0.0, 0.3, (rows, columns)).astype(np.float32)
            found[f"{part}.bias{k}"] = rng.normal(0.0, 0.3, columns).astype(np.float32)
    return found
