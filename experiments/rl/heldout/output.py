"""The files of an evaluation: those of a study, with verdicts, savings and pictures beside them."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from wattq.experiments.folders import folder_name, json_text, write_text
from wattq.experiments.plots.style import render
from wattq.experiments.rl.heldout.pictures import cumulative_figure, waits_figure
from wattq.experiments.rl.heldout.policies import RANDOM
from wattq.experiments.rl.heldout.run import HeldOut
from wattq.experiments.rl.heldout.savings import savings_csv, savings_of
from wattq.experiments.study.output import numbers_of, write_study
from wattq.experiments.study.report import study_html
from wattq.files import write_whole

__all__ = ["evaluation_text", "write_evaluation"]

_FORMAT = "wattq evaluation 1"


def evaluation_text(found: HeldOut) -> str:
    """Return the verdicts as sentences, one per line."""
    lines = [verdict.sentence for verdict in found.verdicts]
    wins = sum(verdict.wins for verdict in found.verdicts)
    lines.append(f"Learned policies win {wins} of {len(found.verdicts)} comparisons with the best tuned heuristic.")
    return "\n".join(lines)


def write_evaluation(found: HeldOut, output: Path, source: str = "") -> list[Path]:
    """Write the files of an evaluation and return their paths.

    Those of a study (`write_study`), and ``verdicts.json``, ``savings.csv``, pictures of cumulative savings and waits.
    The report begins with the verdicts.
    """
    paths = write_study(found.study, output, source)
    savings = savings_of(found.study.groups, found.study.records)
    texts = {"verdicts.json": json_text(_document(found)), "savings.csv": savings_csv(savings)}
    numbers = numbers_of(found.study)
    if found.study.experiment.outputs.report:
        verdicts = tuple(evaluation_text(found).splitlines())
        texts["report.html"] = study_html(replace(numbers, warnings=(*verdicts, *numbers.warnings)))
    for name, text in texts.items():
        write_text(output / name, text)
    return [*paths, *(output / name for name in texts if output / name not in paths), *_pictures(found, output)]


def _document(found: HeldOut) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "learned": list(found.learned),
        "best_heuristics": [
            {"workload": workload, "grid": grid, "heuristic": name} for (workload, grid), name in found.best.items()
        ],
        "verdicts": [asdict(verdict) | {"wins": verdict.wins} for verdict in found.verdicts],
    }


def _pictures(found: HeldOut, output: Path) -> list[Path]:
    """Draw what was learned, the best heuristic, EASY and one random policy, for each log and grid."""
    folder = output / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    policies = found.study.experiment.policies
    random = [policy.title for policy in policies if policy.name == RANDOM][:1]
    paths = []
    for group in found.study.groups:
        base = group.baseline.policy if group.baseline is not None else ""
        shown = list(dict.fromkeys([base, *random, found.best[group.workload, group.grid], *found.learned]))
        figures = {
            "cumulative": cumulative_figure(group, found.study.records, shown),
            "waits": waits_figure(group, found.study.records, shown),
        }
        for name, figure in figures.items():
            if figure is not None:
                path = folder / f"{folder_name(group.title)}-{name}.png"
                write_whole(path, render(figure))
                paths.append(path)
    return paths
