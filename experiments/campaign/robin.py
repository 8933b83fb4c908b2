"""A campaign as robin files: one for each run, with the inputs as Batsim reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wattq.errors import UnsupportedError
from wattq.experiments.batsim.robin_writing import RobinOptions, write_robin
from wattq.experiments.campaign.cells import Cell, expand
from wattq.experiments.campaign.machines import resized
from wattq.experiments.campaign.model import Campaign
from wattq.experiments.experiment_model import Experiment
from wattq.experiments.inputs import find_platform
from wattq.platforms import write_platform

__all__ = ["write_robin_files"]


def write_robin_files(campaign: Campaign, folder: Path, *, base: Path | None = None) -> list[Path]:
    """Write one robin file per run, each below a folder named by the run's key with its platform and its workload.

    Grids and buildings decide nothing in Batsim; their runs differ by key alone.

    Args:
        campaign: what to write.
        folder: where to.
        base: directory that relative paths of the campaign refer to first.

    Raises:
        UnsupportedError: the campaign has weeks, or a policy looks at a grid.
        WattqError: an input is missing or breaks a rule, or a file cannot be written.
    """
    if campaign.is_study or campaign.signals:
        raise UnsupportedError(
            f"campaign {campaign.name}: weeks and policies that look at grids are not written as robin files; run it "
            "by wattq campaign"
        )
    cells = {cell.key: cell for cell in expand(campaign, base)}
    return [path for cell in cells.values() for path in _written(cell, folder / cell.key, base)]


def _written(cell: Cell, folder: Path, base: Path | None) -> list[Path]:
    campaign = Campaign.model_validate(dict(cell.content))
    content = {name: value for name, value in cell.content.items() if name in Experiment.model_fields}
    workload: dict[str, Any] = dict(content["workloads"][0])
    platform = resized(find_platform(campaign.platform_of(campaign.workloads[0]), base), campaign.machine)
    path = folder / "machine.xml"
    folder.mkdir(parents=True, exist_ok=True)
    write_platform(platform, path)
    workload.pop("platform", None)
    made = Experiment.model_validate({**content, "platform": str(path.resolve()), "workloads": [workload]})
    return list(write_robin(made, folder, RobinOptions(str(folder)), base=base))
