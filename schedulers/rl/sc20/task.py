"""The task ``sc20`` of ``wattq rl train``: pick jobs as in RLScheduler's table, with a policy learned by evolution."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field

from wattq.errors import LearningError
from wattq.files import write_whole
from wattq.schedulers.rl.sc20.drawing import draw_sequences
from wattq.schedulers.rl.sc20.evaluation import Scores, evaluate, table_lines
from wattq.schedulers.rl.sc20.jobs import JobTable, read_jobs
from wattq.schedulers.rl.sc20.model import save_policy
from wattq.schedulers.rl.sc20.parts import LENGTH, Parts, part_jobs
from wattq.schedulers.rl.sc20.picks import HEAD_ONCE, NO_BACKFILL
from wattq.schedulers.rl.sc20.training import Settings, Training, run
from wattq.schedulers.rl.training.config import TrainConfig, write_config
from wattq.schedulers.rl.training.tasks import Task
from wattq.workloads import locate_workload

__all__ = ["TASK", "Sc20Options", "fresh_sequences"]

_FRESH_SEED = (0, 9)


class Sc20Options(BaseModel, extra="forbid", frozen=True):
    """Options of the task. The number of generations is ``steps`` of the training.

    Attributes:
        workload: SWF log (plain, .gz or .xz), or its name in the catalogue.
        backfilling: whether jobs start behind the picked one while it waits, by the rule of the publication.
        minutes: end after so many minutes of wall-clock time, with what was learned by then.
        population: candidates of a generation.
        batch: sequences that each candidate of a generation plays.
        units: hidden units beside the linear part.
        pool: training sequences that batches are taken from.
        validation: sequences that choose the best generation.
        every: generations between validations, which come with a checkpoint.
        even: how evenly the sequences of a batch count: 0 by their slowdowns, 1 all alike.
        fresh: sequences of jobs kept apart, to measure with at the end beside the ten of the table.
    """

    workload: str = Field(min_length=1)
    backfilling: bool = False
    minutes: Annotated[float | None, Field(gt=0, le=10_000)] = None
    population: Annotated[int, Field(ge=4, le=1000)] = 24
    batch: Annotated[int, Field(ge=1, le=1000)] = 24
    units: Annotated[int, Field(ge=1, le=64)] = 6
    pool: Annotated[int, Field(ge=1, le=10_000)] = 240
    validation: Annotated[int, Field(ge=1, le=10_000)] = 64
    every: Annotated[int, Field(ge=1, le=1000)] = 10
    even: Annotated[float, Field(ge=0, le=1)] = 0.5
    fresh: Annotated[int, Field(ge=2, le=10_000)] = 50


def _settings(options: Sc20Options, config: TrainConfig) -> Settings:
    if options.batch > options.pool:
        raise LearningError(
            f"task sc20, key 'options.batch': {options.batch} sequences out of a pool of {options.pool}; "
            "take a smaller batch, or a larger pool"
        )
    numbers = options.model_dump(include={"population", "batch", "units", "pool", "validation", "every", "even"})
    backfill = HEAD_ONCE if options.backfilling else NO_BACKFILL
    return Settings(backfill=backfill, generations=config.steps, seed=config.seed, **numbers)


def _train(
    config: TrainConfig, folder: Path, tell: Callable[[int, int, str], None], stop: Callable[[], bool]
) -> Mapping[str, Any]:
    """Train, go on where a checkpoint lies in the folder, and measure at the end."""
    options = Sc20Options.model_validate(dict(config.options))
    settings = _settings(options, config)
    table, sha256 = read_jobs(locate_workload(options.workload))
    training = Training(part_jobs(table), settings)
    write_config(config, folder)
    if training.checkpoint(folder).is_file():
        training.restore(folder)
    late = _time_limit(options.minutes)
    run(training, folder, tell, lambda: stop() or late())
    if stop():
        return {"steps": training.search.generation, "finished": False}
    return _finish(training, folder, options, table, sha256)


def _time_limit(minutes: float | None) -> Callable[[], bool]:
    end_s = time.monotonic() + (float("inf") if minutes is None else 60.0 * minutes)
    return lambda: time.monotonic() >= end_s


def _finish(training: Training, folder: Path, options: Sc20Options, table: JobTable, sha256: str) -> dict[str, Any]:
    from wattq.schedulers.rl.training.start import weights_digest

    training.choose()
    named = {
        "test sequences": evaluate(training.policy, training.parts.test, training.settings.backfill),
        "fresh sequences": evaluate(
            training.policy,
            fresh_sequences(training.parts, training.sources, options.fresh),
            training.settings.backfill,
        ),
    }
    card = _card(training, options, table, sha256, named)
    machine = {"hosts": table.nodes_total, "processors": table.processors_total}
    policy = folder / "policy.wattq"
    learned = save_policy(policy, training.policy, options=options.model_dump(mode="json"), machine=machine, card=card)
    write_whole(folder / "card.json", (json.dumps(card, indent=2) + "\n").encode())
    notes = []
    if not training.done:
        notes.append(f"the time limit came after {training.search.generation} generations")
    return {
        "steps": training.search.generation,
        "digest": weights_digest(learned.network.arrays),
        "card": card,
        "lines": table_lines(named),
        "notes": notes,
    }


def fresh_sequences(parts: Parts, sources: tuple[str, ...], count: int) -> list[JobTable]:
    """Return sequences of jobs that neither trained nor tested; the same ones for every seed of a training.

    A log that the Lublin-Feitelson model continues has few such jobs: there they are draws of the model.
    """
    plain = ("lublin",) if "lublin" in sources else sources
    return draw_sequences(parts.fresh or parts.validation, plain, count, _FRESH_SEED, changed=False)


def _card(
    training: Training, options: Sc20Options, table: JobTable, sha256: str, named: dict[str, Scores]
) -> dict[str, Any]:
    parts = training.parts
    jobs = {name: sum(part.n_jobs for part in getattr(parts, name)) for name in ("train", "validation", "fresh")}
    return {
        "task": "sc20",
        "data": {
            "log": table.source,
            "sha256": sha256,
            "backfilling": options.backfilling,
            **{f"{name}_jobs": count for name, count in jobs.items()},
            "test_starts": list(parts.starts),
            "test_length": LENGTH,
            "sources": ", ".join(dict.fromkeys(training.sources)),
            "synthetic": _synthetic(training.sources),
        },
        "settings": options.model_dump(mode="json"),
        "seed": training.settings.seed,
        "steps": training.search.generation,
        "chosen_generation": training.best_generation,
        "validation": training.best_value,
        "cost": {"cpu_s": round(training.spent_s, 1)},
        "results": {name.replace(" ", "_"): found.figures() for name, found in named.items()},
    }


def _synthetic(sources: tuple[str, ...]) -> str:
    if sources == ("pieces",):
        return "arrivals of half of the sequences are closer together; half of them have a wave of equal jobs that fail"
    return "sequences of the log's jobs in another order, changed likewise" + (
        ", and draws of the Lublin-Feitelson model" if "lublin" in sources else ""
    )


def _make_vec(n_envs: int, seed: int, options: Any) -> Any:
    raise LearningError("task sc20: its policies are learned by evolution over whole sequences; it has no environments")


TASK = Task(
    name="sc20",
    doc="pick jobs as in Table V of RLScheduler (SC'20), with or without its backfilling; steps are generations",
    make_vec=_make_vec,
    options=Sc20Options,
    defaults={"steps": 60},
    resumable_trainer=_train,
)
