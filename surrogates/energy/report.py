"""The evaluation of models of power as text and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from wattq.surrogates.energy.effects import ClockEffect, clock_effects
from wattq.surrogates.energy.evaluate import PROTOCOLS, EnergyScore, choose_model, scores_of
from wattq.surrogates.energy.jobs import LABEL_SOURCES, EnergyLabels
from wattq.surrogates.energy.models import ENERGY_MODELS

__all__ = ["EnergyReport", "energy_json", "energy_report", "energy_text"]


@dataclass(frozen=True)
class EnergyReport:
    """All that was found out about models of power on some labels.

    Attributes:
        source, sha256, label_source, notes: of the labels.
        jobs: number of labels.
        chosen: the model with the least error on what it has not seen.
        scores: errors by model, protocol and group.
        effects: what a lower clock does, as the chosen model has it.
    """

    source: str
    sha256: str
    label_source: str
    notes: tuple[str, ...]
    jobs: int
    chosen: str
    scores: tuple[EnergyScore, ...]
    effects: tuple[ClockEffect, ...]


def energy_report(labels: EnergyLabels, models: Sequence[str] = tuple(ENERGY_MODELS)) -> EnergyReport:
    """Return the evaluation of models on labels, by every protocol that the labels allow.

    Raises:
        SurrogateError: when there are too few labels.
    """
    chosen, _ = choose_model(labels, models)
    names = [name for name in np.unique(labels.jobs.application).tolist() if name]
    several = {name.partition("/")[0] for name in names}
    possible = {"application": len(names) > 1, "program": 1 < len(several) < len(names), "job": True}
    scores = [each for protocol in PROTOCOLS if possible[protocol] for each in scores_of(labels, models, protocol)]
    return EnergyReport(
        source=labels.source,
        sha256=labels.sha256,
        label_source=labels.label_source,
        notes=labels.notes,
        jobs=labels.n_jobs,
        chosen=chosen,
        scores=tuple(scores),
        effects=tuple(clock_effects(labels, chosen)),
    )


def energy_json(report: EnergyReport) -> str:
    """Return a report as JSON: sorted keys, null for what is not known, the same bytes for the same report."""
    document: dict[str, Any] = asdict(report)
    for row, effect in zip(document["effects"], report.effects, strict=True):
        row["told"] = effect.told
        row["right"] = {name: effect.right(getattr(effect, name)) for name in ("known", "left_out")}
    return json.dumps(_plain(document), indent=1, sort_keys=True, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def energy_text(report: EnergyReport) -> str:
    """Return a report as text."""
    lines = [
        f"labels: {report.jobs} jobs, label_source={report.label_source} ({LABEL_SOURCES[report.label_source]})",
        *(f"note: {note}" for note in report.notes),
        f"chosen: {report.chosen}",
    ]
    for protocol, what in PROTOCOLS.items():
        mine = [each for each in report.scores if each.protocol == protocol]
        if mine:
            lines += ["", f"{what}:", *_score_lines(mine, report.chosen)]
    if report.effects:
        lines += ["", *_effect_lines(report.effects)]
    return "\n".join(lines) + "\n"


def _score_lines(scores: Sequence[EnergyScore], chosen: str) -> list[str]:
    head = f"  {'model':18}{'held out':24}{'jobs':>6}{'power MAPE':>12}{'power x time':>14}{'in 90 %':>9}"
    shown = [each for each in scores if each.group == "all" or each.model == chosen]
    return [head] + [
        f"  {each.model:18}{each.group[:22]:24}{each.jobs:6d}{each.power_mape:12.1%}"
        f"{'-' if math.isnan(each.energy_mape) else f'{each.energy_mape:.1%}':>14}{each.coverage:9.0%}"
        for each in shown
    ]


def _effect_lines(effects: Sequence[ClockEffect]) -> list[str]:
    first = effects[0]
    lines = [
        f"energy at {first.low_ghz:g} GHz over {first.high_ghz:g} GHz (known: learned from the application, too; "
        "left out: from the others and its run times):",
        f"  {'application':22}{'power':>8}{'time':>8}{'energy':>18}{'known':>9}{'left out':>10}",
    ]
    for each in effects:
        measured = f"{each.energy:.3f} ± {each.energy_error:.3f}"
        marks = [_marked(each, ratio) for ratio in (each.known, each.left_out)]
        ratios = f"{each.power:8.3f}{each.time:8.3f}"
        lines.append(f"  {each.application[:20]:22}{ratios}{measured:>18}{marks[0]:>9}{marks[1]:>10}")
    if any("*" in line for line in lines[2:]):
        lines.append("  * not on the measured side of 1")
    unsure = [each.application for each in effects if not each.told]
    return lines + [f"  {name}: the measured effect is within twice its standard error" for name in unsure]


def _marked(effect: ClockEffect, ratio: float) -> str:
    return f"{ratio:.3f}{' ' if effect.right(ratio) else '*'}"
