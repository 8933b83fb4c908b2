"""The cells of a campaign: one run each, with the columns that tell it apart and a key made of what decides it."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from wattq.errors import CampaignError
from wattq.experiments.campaign.checks import check_origin, check_platform, check_policy
from wattq.experiments.campaign.digests import anchored, code_digest, described
from wattq.experiments.campaign.factors import MOST_CELLS, Level, combinations
from wattq.experiments.campaign.model import Campaign
from wattq.experiments.campaign.paths import assign
from wattq.experiments.experiment_model import Scalar
from wattq.experiments.savings import BASELINE

__all__ = ["Cell", "expand", "selected"]

_KEY_DIGITS = 24
_SPARED = ("factors", "exclude", "slurm", "outputs", "title", "description")


@dataclass(frozen=True)
class Cell:
    """One row of the results.

    Attributes:
        key: digest of what decides the results; two cells of one key are one run.
        columns: names and values of what tells the cell apart.
        content: a campaign of one workload, policy, window or week, seed and grid, as plain lists and mappings.
        week: number of the week; None without ``weeks``.
        weights: of the score.
        is_baseline: whether others are scored against it: EASY with its default parameters.
    """

    key: str
    columns: Mapping[str, Scalar]
    content: Mapping[str, Any]
    week: int | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    is_baseline: bool = False

    @property
    def label(self) -> str:
        """The columns in one line."""
        return ", ".join(f"{name} {value}" for name, value in self.columns.items())


def expand(campaign: Campaign, base: Path | None = None) -> list[Cell]:
    """Return the cells of a campaign: factors in the order of the file, then workloads, seeds, windows, policies.

    Args:
        campaign: what to run.
        base: directory that relative paths refer to first.

    Raises:
        CampaignError: a factor sets what no campaign may say, every cell is excluded, or 'exclude' names no column.
        WattqError: an input file is missing, there is no such platform or policy, or a parameter breaks a rule.
    """
    plain = campaign.model_dump(mode="json", exclude_unset=True, exclude=set(_SPARED))
    found: list[Cell] = []
    columns: dict[str, None] = {}
    for level in combinations(campaign.factors):
        varied = _varied(plain, level)
        for names, content, week in _runs(varied):
            every = {**level.columns, **names}
            columns |= dict.fromkeys(every)
            if not any(_matches(every, rule) for rule in campaign.exclude):
                found.append(_cell(every, content, week, base))
            if len(found) > MOST_CELLS:
                raise CampaignError(f"campaign {campaign.name}: more than {MOST_CELLS:,} cells")
    unknown = next((name for rule in campaign.exclude for name in rule if name not in columns), None)
    if unknown is not None:
        raise CampaignError(f"key 'exclude': no column '{unknown}'; there are {', '.join(columns)}")
    if not found:
        raise CampaignError(f"campaign {campaign.name}: 'exclude' leaves no cell")
    return found


def _varied(plain: Mapping[str, Any], level: Level) -> Campaign:
    """Return the campaign with the keys that a combination of factors sets."""
    content = copy.deepcopy(dict(plain))
    words = ", ".join(f"{name} = {value}" for name, value in level.columns.items())
    try:
        for path, value in level.sets:
            if path.split(".")[0] in _SPARED:
                raise CampaignError(f"key '{path}': decides no result, so that no factor varies it")
            assign(content, path, copy.deepcopy(value))
        return Campaign.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        value = first.get("input")
        shown = f"{value!r} " if isinstance(value, bool | int | float | str) else ""
        rule = str(first["msg"]).removeprefix("Value error, ")
        raise CampaignError(f"factors ({words}), key '{place}': {shown}breaks a rule: {rule}") from None
    except CampaignError as error:
        raise CampaignError(f"factors ({words}): {error}") from None


def _runs(campaign: Campaign) -> Iterator[tuple[dict[str, Scalar], dict[str, Any], int | None]]:
    """Yield columns, content and week of each run of a campaign whose factors are set."""
    plain = campaign.model_dump(mode="json", exclude_unset=True, exclude={"factors", "exclude", "slurm"})
    grids = list(campaign.signals) or [""]
    for row, spec in enumerate(campaign.workloads):
        seeds = campaign.seeds if spec.generate is not None else campaign.seeds[:1]
        for seed in seeds:
            for part, names, week in _parts(campaign, row):
                for grid in grids:
                    for number, policy in enumerate(campaign.policies):
                        content = {**plain, **part, "seeds": [seed]}
                        content["workloads"] = [{k: v for k, v in plain["workloads"][row].items() if k != "weeks"}]
                        content["policies"] = [plain["policies"][number]]
                        if grid:
                            content["signals"] = {grid: plain["signals"][grid]}
                        told = {"workload": spec.name, **names, **({"grid": grid} if grid else {}), "seed": seed}
                        yield {**told, "policy": policy.title}, content, week


def _parts(campaign: Campaign, row: int) -> Iterator[tuple[dict[str, Any], dict[str, Scalar], int | None]]:
    """Yield what a window or a week of a workload changes in the content, its columns, and the week."""
    if campaign.is_study:
        spec = campaign.weeks_of(campaign.workloads[row])
        plain = spec.model_dump(mode="json", exclude_unset=True, exclude={"tuning"})
        for number in spec.numbers("test"):
            yield {"weeks": {**plain, "test": [number]}}, {"week": number}, number
        return
    for window in campaign.windows:
        yield {"windows": [window.model_dump(mode="json", exclude_unset=True)]}, {"window": window.name}, None
    if not campaign.windows:
        yield {}, {}, None


def _cell(columns: dict[str, Scalar], content: dict[str, Any], week: int | None, base: Path | None) -> Cell:
    decides = {"code": code_digest(), **described(content, base)}
    text = json.dumps(decides, sort_keys=True, separators=(",", ":"), allow_nan=False)
    key = hashlib.sha256(text.encode()).hexdigest()[:_KEY_DIGITS]
    policy = content["policies"][0]
    plain = policy["name"] == BASELINE and not policy.get("params")
    made = _anchored(columns, content, base)
    check_platform(str(made["workloads"][0].get("platform") or made["platform"]), base)
    check_policy(made["policies"][0])
    check_origin(str(content.get("origin", "series")))
    return Cell(key, columns, made, week, content.get("weights") or {}, plain)


def _anchored(columns: Mapping[str, Scalar], content: dict[str, Any], base: Path | None) -> dict[str, Any]:
    """Return the content with whole paths, for processes that began elsewhere; tables keep the names."""
    policy, workload = content["policies"][0], content["workloads"][0]
    params = {name: anchored(value, base) for name, value in (policy.get("params") or {}).items()}
    name = anchored(policy["name"], base)
    source = anchored(workload.get("source"), base)
    made = {**content}
    if (name, params) != (policy["name"], policy.get("params") or {}):
        made["policies"] = [{**policy, "name": name, "params": params, "label": _label(columns["policy"])}]
    if source != workload.get("source"):
        made["workloads"] = [{**workload, "source": source, "label": _label(columns["workload"])}]
    return made


def _label(name: Scalar) -> str:
    """Return a name as labels in files are."""
    return re.sub(r"[^A-Za-z0-9 ._+=,:%-]", "-", str(name)).lstrip(" ._+=,:%-")[:100] or "unnamed"


def _matches(columns: Mapping[str, Scalar], rule: Mapping[str, Scalar | Sequence[Scalar]]) -> bool:
    return all(columns.get(name) in (wanted if isinstance(wanted, list) else [wanted]) for name, wanted in rule.items())


def selected(cells: Sequence[Cell], words: Sequence[str]) -> list[Cell]:
    """Return the cells that were asked for.

    Args:
        cells: all of them.
        words: ``COLUMN=VALUE``, or the begin of a key; words of one column add to each other, columns narrow down.

    Raises:
        CampaignError: a word names no column or fits no cell.
    """
    wanted: dict[str, set[str]] = {}
    for word in words:
        column, equals, value = word.rpartition("=")
        wanted.setdefault(column if equals else "", set()).add(value)
        fits = any(_fits(cell, column if equals else "", {value}) for cell in cells)
        if not fits:
            names = ", ".join(dict.fromkeys(name for cell in cells for name in cell.columns))
            raise CampaignError(
                f"--only {word}: fits no cell; give COLUMN=VALUE (columns: {names}) or the begin of a key"
            )
    return [cell for cell in cells if all(_fits(cell, column, values) for column, values in wanted.items())]


def _fits(cell: Cell, column: str, values: set[str]) -> bool:
    if not column:
        return any(value and cell.key.startswith(value) for value in values)
    return column in cell.columns and str(cell.columns[column]) in values
