"""The files of a search."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from wattq.experiments.folders import json_text, write_text
from wattq.experiments.provenance import describe_platform, describe_workload, environment
from wattq.experiments.tuning.findings import verdict
from wattq.experiments.tuning.keys import Tuning
from wattq.experiments.tuning.outcome import Outcome
from wattq.experiments.tuning.report import tuning_html
from wattq.experiments.tuning.search import identity
from wattq.experiments.tuning.tables import gap_csv, trials_csv

__all__ = ["best_yaml", "write_tuning"]


def write_tuning(outcome: Outcome, folder: Path, base: Path | None, source: str = "") -> list[Path]:
    """Write the files of a search and return their paths.

    ``trials.csv``, ``gap.csv``, ``report.html``, ``provenance.json``, and ``best.yaml``, an experiment with EASY, the
    untuned policies and the best trials that `wattq compare` runs. Without a best trial there is no ``best.yaml``.

    Args:
        outcome: what came of the search.
        folder: of the results.
        base: directory that relative paths of the tuning file refer to.
        source: name of the tuning file.
    """
    provenance = _provenance(outcome, source)
    texts = {
        "trials.csv": trials_csv(outcome),
        "gap.csv": gap_csv(outcome),
        "report.html": tuning_html(outcome),
        "provenance.json": json_text(provenance),
    }
    if outcome.best:
        texts["best.yaml"] = best_yaml(outcome, folder, base, provenance)
    else:
        (folder / "best.yaml").unlink(missing_ok=True)
    for name, text in texts.items():
        write_text(folder / name, text)
    return [folder / name for name in texts]


def best_yaml(outcome: Outcome, folder: Path, base: Path | None, provenance: dict[str, Any]) -> str:
    """Return an experiment with EASY, the untuned policies and the best trials, on the weeks of the tuning file."""
    experiment = _moved(outcome.arena.tuning, folder, base).experiment(list(outcome.policies))
    content = experiment.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    content["name"] = f"{experiment.name}-best"[:100]
    content.pop("outputs", None)
    head = [
        f"# Found by: {' '.join(['wattq', *provenance['command'][1:]])}",
        f"# {provenance['created']}, wattq {provenance['wattq']}, revision {_revision(provenance)}.",
        "# wattq compare runs it on the test weeks, and with --part tuning on the weeks on which it was found.",
        *(f"# {line}" for section in verdict(outcome) for line in section.sentences),
    ]
    body = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
    return "\n".join([*head, "", body])


def _revision(provenance: dict[str, Any]) -> str:
    git = provenance["git"]
    return "unknown" if git is None else git["revision"] + (" with changes" if git["dirty"] else "")


def _moved(tuning: Tuning, folder: Path, base: Path | None) -> Tuning:
    """Return the file with paths that hold in another folder; names of catalogues and presets stay."""

    def moved(name: str | None) -> str | None:
        if name is None or base is None or Path(name).is_absolute() or not (base / name).is_file():
            return name
        return Path(os.path.relpath(base / name, folder)).as_posix()

    def series(names: str | list[str] | None) -> Any:
        return [moved(name) for name in names] if isinstance(names, list) else moved(names)

    workloads = [
        w.model_copy(update={"source": moved(w.source), "platform": moved(w.platform)}) for w in tuning.workloads
    ]
    signals = {
        name: grid.model_copy(update={"carbon": series(grid.carbon), "price": series(grid.price)})
        for name, grid in tuning.signals.items()
    }
    return tuning.model_copy(update={"workloads": workloads, "signals": signals, "platform": moved(tuning.platform)})


def _provenance(outcome: Outcome, source: str) -> dict[str, Any]:
    logs = outcome.arena.sources
    return {
        **environment(),
        "tuning_file": source,
        "study": identity(outcome.arena),
        "trials": {
            "counted": len(outcome.trials),
            "keep_every_bound": sum(row.feasible for row in outcome.trials),
            "seconds": round(sum(row.seconds for row in outcome.trials), 3),
        },
        "best": [row.number for row in outcome.best],
        "platforms": [describe_platform(source.platform) for source in logs.values()],
        "workloads": [describe_workload(s.workload, f"{label}, seed {seed}") for (label, seed), s in logs.items()],
        "findings": {section.title: list(section.sentences) for section in verdict(outcome)},
    }
