"""The learned column of RLScheduler's table: policies learned here, on the same sequences, beside the printed ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wattq.errors import InvalidInputError, MissingFileError
from wattq.experiments.published.jobs import JobTable, cut, job_table
from wattq.experiments.published.protocol import Block, PickSettings, Protocol
from wattq.experiments.published.traces import TraceFinder
from wattq.schedulers.rl.sc20.learned import Policy, facts_of, slowdown
from wattq.schedulers.rl.sc20.model import load_policy
from wattq.schedulers.rl.sc20.picks import BACKFILLS
from wattq.workloads.swf import parse_swf_table

__all__ = ["LearnedCell", "learned_cells", "learned_lines", "shipped_models"]

_MODELS = Path(__file__).resolve().parent / "models"


@dataclass(frozen=True)
class LearnedCell:
    """One value of the learned column.

    Attributes:
        block, trace: place in the table.
        printed: what the publication printed for its own learned policy.
        model: name of the policy's file.
        value: mean bounded slowdown of the policy learned here.
    """

    block: str
    trace: str
    printed: float
    model: str
    value: float

    @property
    def better(self) -> bool:
        """Whether it is below the printed value."""
        return self.value < self.printed


def shipped_models() -> dict[str, Path]:
    """Return the learned policies that come with wattq, by name: the trace, then the name of the backfilling."""
    return {path.stem: path for path in sorted(_MODELS.glob("*.wattq"))}


def learned_cells(protocol: Protocol, finder: TraceFinder) -> list[LearnedCell]:
    """Return the learned column for the traces that are here and have a learned policy.

    Raises:
        InvalidInputError: when the table has no learned column.
        WattqError: when a trace or a policy is damaged.
    """
    if not any(block.learned for block in protocol.blocks):
        raise InvalidInputError(f"--learned: '{protocol.title[:60]}' has no column of a learned policy")
    return [cell for name in protocol.traces for cell in _of_trace(protocol, name, finder)]


def _of_trace(protocol: Protocol, name: str, finder: TraceFinder) -> Iterator[LearnedCell]:
    spec, models = protocol.traces[name], shipped_models()
    try:
        path, plain = finder.find(name, spec)
    except MissingFileError:
        return
    sequences = cut(job_table(parse_swf_table(plain, path.name), spec, protocol.cleaning), protocol.sequences)
    for block in protocol.blocks:
        backfill = _backfill(protocol, block)
        model = models.get(f"{name}-{backfill}")
        if name in block.learned and model is not None:
            policy, _ = load_policy(model)
            value = _mean(policy, sequences, backfill)
            yield LearnedCell(block.title, name, float(block.learned[name]), model.name, value)


def _backfill(protocol: Protocol, block: Block) -> str:
    settings = protocol.settings(block, next(iter(protocol.columns)))
    assert isinstance(settings, PickSettings)
    return settings.backfill


def _mean(policy: Policy, sequences: list[JobTable], backfill: str) -> float:
    return float(np.mean([slowdown(facts_of(table), policy, BACKFILLS[backfill]) for table in sequences]))


def learned_lines(cells: list[LearnedCell]) -> list[str]:
    """Return the column as lines of text, with a count."""
    lines = [f"{'learned policies':<46}{'printed':>10}{'here':>10}"]
    for cell in cells:
        mark = "below" if cell.better else "above"
        lines.append(f"{cell.block[:34]:<35}{cell.trace:<11}{cell.printed:>10.2f}{cell.value:>10.2f}  {mark}")
    below = sum(cell.better for cell in cells)
    return [*lines, f"{below} of {len(cells)} learned values are below the printed ones"]
