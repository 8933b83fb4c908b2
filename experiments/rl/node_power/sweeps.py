"""Sweeps of the node-power task: weights of the reward, arrivals and seeds; tables, and twelve panels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wattq.errors import LearningError
from wattq.experiments.rl.node_power.cells import Cell, cell_path, read_cell, run_cells
from wattq.experiments.rl.node_power.evaluation import Plan, evaluate
from wattq.experiments.rl.node_power.output import write_table
from wattq.experiments.rl.node_power.summary import COLUMNS, summarise
from wattq.experiments.rl.node_power.sweep_figures import sweep_panels
from wattq.files import write_whole

__all__ = ["BASE_RATE", "WeightSweep", "sweep_rates", "sweep_seeds", "sweep_weights", "write_sweep"]

BASE_RATE = 200.0
"""Jobs per hour at an arrival scale of 1."""

Row = dict[str, Any]
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class WeightSweep:
    """Trainings with other weights of the reward, all else alike.

    Attributes:
        prices: one series to learn from and, in held-out weeks, to measure with.
        steps: of each training.
        n_envs, n_steps: episodes side by side, and steps of each per rollout.
        rate: jobs per hour.
        weeks: held-out fortnights to measure with.
        seeds: of trainings; each trains every combination.
    """

    prices: str
    steps: int = 50_000
    n_envs: int = 16
    n_steps: int = 168
    rate: float = 100.0
    weeks: int = 2
    seeds: Sequence[int] = (0,)


def sweep_weights(
    sweep: WeightSweep,
    weights: Sequence[Mapping[str, float]],
    folder: Path,
    *,
    continue_only: bool = False,
    workers: int = 1,
    done: Told | None = None,
) -> list[Row]:
    """Train and measure a policy for each combination of weights; whole results are not made again.

    Args:
        sweep: what is alike in all.
        weights: the combinations, such as those of `weight_simplex`.
        folder: gets ``cells`` with one result each, and ``trainings``.
        continue_only: leave out combinations that no earlier call has begun or finished.
        workers: processes.
        done: told how many are ready, and of how many.

    Returns:
        One row for each combination and seed: the weights, ``seed``, ``digest`` of the learned weights, and the columns
        of a summary.

    Raises:
        WattqError: as training and evaluation; LearningError when nothing is left to continue.
    """
    cells = [_weight_cell(sweep, row, seed, folder) for row in weights for seed in sweep.seeds]
    if continue_only:
        cells = [cell for cell in cells if _begun(folder, cell)]
        if not cells:
            raise LearningError(
                f"{folder}: --continue-only: nothing of this sweep was begun here; leave the option out"
            )
    found: list[Row] = run_cells(folder, cells, train_cell, workers=workers, done=done)
    return found


def _weight_cell(sweep: WeightSweep, weights: Mapping[str, float], seed: int, folder: Path) -> Cell:
    fixed = {key: getattr(sweep, key) for key in ("prices", "steps", "n_envs", "n_steps", "rate", "weeks")}
    return {"sweep": "weights", "weights": dict(weights), "seed": seed, "folder": str(folder), **fixed}


def _training(folder: Path, cell: Cell) -> Path:
    return folder / "trainings" / cell_path(folder, cell).stem


def _begun(folder: Path, cell: Cell) -> bool:
    return read_cell(folder, cell) is not None or _training(folder, cell).exists()


def train_cell(cell: Cell) -> Row:
    """Train one combination, or go on with a training that was interrupted, and measure what was learned."""
    from wattq.schedulers.rl.training.config import CONFIG_FILE
    from wattq.schedulers.rl.training.request import make_config
    from wattq.schedulers.rl.training.start import resume, train

    folder = _training(Path(cell["folder"]), cell)
    options = {"prices": [cell["prices"]], "rates": [cell["rate"]], "weights": {**cell["weights"], "unfinished": 1.0}}
    told = {key: cell[key] for key in ("steps", "n_envs", "n_steps", "seed")}
    settings = {"task": "node-power", **told, "batch_size": min(cell["n_envs"] * cell["n_steps"], 2688)}
    checkpoints = list((folder / "checkpoints").glob("*")) if (folder / CONFIG_FILE).exists() else []
    if (folder / CONFIG_FILE).exists() and not checkpoints:
        (folder / CONFIG_FILE).unlink()  # it was stopped before the first checkpoint: nothing is lost by a new start
    learned = resume(folder) if checkpoints else train(make_config(settings, options), folder)
    if learned.policy is None:
        raise LearningError(f"{folder}: the training ended early; run the sweep again to go on with it")
    plan = Plan(
        {"learned": str(learned.policy)}, [cell["prices"]], (cell["rate"],), 1, cell["weeks"], policies=("sized",)
    )
    row = next(row for row in summarise(evaluate(plan, folder)) if row["policy"] == "learned")
    return {**cell["weights"], "seed": cell["seed"], "digest": learned.digest, **row}


def sweep_rates(
    plan: Plan, rates: Sequence[float], folder: Path, *, workers: int = 1, done: Told | None = None
) -> list[Row]:
    """Return rows of a summary over arrival rates, jobs per hour, with ``lambda`` and ``arrival_scale``."""
    entries = evaluate(replace(plan, rates=tuple(rates)), folder, workers=workers, done=done)
    rows = []
    for rate in rates:
        some = [entry for entry in entries if entry["place"]["rate"] == rate]
        rows += [{"lambda": rate, "arrival_scale": rate / BASE_RATE, **row} for row in summarise(some)]
    return rows


def sweep_seeds(plan: Plan, seeds: int, folder: Path, *, workers: int = 1, done: Told | None = None) -> list[Row]:
    """Return rows of a summary for each seed of the arrivals, with ``seed``."""
    entries = evaluate(replace(plan, seeds=seeds), folder, workers=workers, done=done)
    rows = []
    for seed in range(seeds):
        some = [entry for entry in entries if entry["place"]["seed"] == seed]
        rows += [{"seed": seed, **row} for row in summarise(some) if row["rate"] == "all" or len(plan.rates) == 1]
    return rows


def write_sweep(
    rows: Sequence[Row], folder: Path, axis: str, axis_label: str, title: str, names: Sequence[str] | None = None
) -> list[Path]:
    """Write sweep.csv, sweep.json and sweep.png, the twelve panels; return the paths of table and picture."""
    from wattq.experiments.plots.style import render

    folder.mkdir(parents=True, exist_ok=True)
    heads = [key for key in rows[0] if key not in COLUMNS]
    table = write_table(rows, folder / "sweep", [*heads, *COLUMNS])
    shown = [row for row in rows if row["policy"] not in ("nothing", "one-node", "random")]
    figure = sweep_panels(shown, axis, axis_label, title, names=names)
    return [table, write_whole(folder / "sweep.png", render(figure))]
