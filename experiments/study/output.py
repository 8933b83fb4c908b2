"""The files of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wattq.experiments.folders import folder_name, json_text, write_text
from wattq.experiments.plots.style import render
from wattq.experiments.provenance import describe_platform, describe_workload, environment
from wattq.experiments.study.archive import StudyNumbers, numbers_json
from wattq.experiments.study.figures import group_figure, pictured
from wattq.experiments.study.method import method, warnings
from wattq.experiments.study.run import Study
from wattq.experiments.study.tables import markdown_tables, study_csv, weeks_csv
from wattq.files import write_whole

__all__ = ["numbers_of", "write_study"]


def numbers_of(study: Study) -> StudyNumbers:
    """Return a study's numbers without the weeks behind them."""
    experiment = study.experiment
    return StudyNumbers(
        name=experiment.name,
        title=experiment.title or experiment.name,
        description=experiment.description,
        part=study.part,
        method=tuple(method(study)),
        warnings=tuple(warnings(study)),
        policies={p.title: {"name": p.name, "params": dict(p.params)} for p in experiment.policies},
        groups=study.groups,
    )


def write_study(study: Study, output: Path, source: str = "") -> list[Path]:
    """Write the files of a study and return their paths.

    ``study.csv`` (every number with its interval), ``weeks.csv`` (the sums of each week), ``tables.md``,
    ``study.json`` (what `wattq playbook` reads), pictures, and, where the experiment asks for it, ``report.html``.
    """
    numbers = numbers_of(study)
    pictures = _pictures(numbers, output / "pictures")
    texts = {
        "study.csv": study_csv(study.groups),
        "weeks.csv": weeks_csv(study.records),
        "tables.md": markdown_tables(study.groups),
        "study.json": json_text(numbers_json(numbers, _provenance(study, source))),
    }
    if study.experiment.outputs.report:
        from wattq.experiments.study.report import study_html

        texts["report.html"] = study_html(numbers)
    for name, text in texts.items():
        write_text(output / name, text)
    return [*(output / name for name in texts), *pictures]


def _pictures(numbers: StudyNumbers, folder: Path) -> list[Path]:
    paths = []
    for group in numbers.groups:
        for name in pictured(group):
            path = folder / f"{folder_name(group.title)}-{name}.png"
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, render(group_figure(group, name)))
            paths.append(path)
    return paths


def _provenance(study: Study, source: str) -> dict[str, Any]:
    return {
        **environment(),
        "experiment_file": source,
        "platforms": [describe_platform(log.platform) for log in study.sources],
        "workloads": [describe_workload(log.workload, log.spec.name) for log in study.sources],
        "signals": {
            f"{grid.name} {signal.quantity}": {"sha256": signal.sha256, "source": signal.source, "span": signal.span}
            for grid in study.grids.values()
            for signal in grid.signals
        },
    }
