"""Labels from a file, whichever it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wattq.errors import SurrogateError
from wattq.files import read_plain
from wattq.platforms.measured.archer2 import COLUMNS as ARCHER2_COLUMNS
from wattq.surrogates.energy.archer2 import archer2_labels
from wattq.surrogates.energy.jobs import EnergyLabels
from wattq.surrogates.energy.labels_csv import is_labels_csv, parse_labels_csv
from wattq.surrogates.energy.sacct import is_sacct_energy, parse_sacct_energy
from wattq.surrogates.energy.simulated import is_jobs_csv, simulated_labels
from wattq.surrogates.energy.synthetic import synthetic_labels
from wattq.surrogates.log_file import read_job_log

__all__ = ["read_labels"]

_HINT = (
    "give a file of labels (job_id,nodes,run_s,energy_j,label_source,...), ARCHER2's step energies, a sacct print with "
    "ConsumedEnergyRaw, or a simulated run with energy"
)


def read_labels(
    path: str | Path, *, nodes: Mapping[str, int] | None = None, synthetic: bool = False, seed: int = 0
) -> EnergyLabels:
    """Return the labels of a file or of a run's folder, told by its content.

    Args:
        path: labels, ARCHER2's file, a sacct print, a run's folder or its jobs.csv; with `synthetic`, also a log.
        nodes: application -> nodes, where ARCHER2's file has none.
        synthetic: allow made-up joules (`label_source` is ``synthetic``) where the file has none.
        seed: of made-up joules.

    Raises:
        MissingFileError: when it cannot be read.
        InvalidInputError: when it breaks its format.
        SurrogateError: when it has no joules, or made-up ones, and `synthetic` is not set.
    """
    path = Path(path)
    labels = simulated_labels(path) if path.is_dir() else _of_file(path, nodes)
    if labels is None:
        if not synthetic:
            raise SurrogateError(
                f"{path}: no joules, so there is nothing to learn energy from; {_HINT}; or make joules up with "
                "--synthetic-energy, which marks all that comes of them"
            )
        log = read_job_log(path)
        return synthetic_labels(log.jobs, log.outcomes, seed=seed, job_id=log.job_id)
    if labels.synthetic and not synthetic:
        raise SurrogateError(f"{path}: its joules are synthetic; allow that with --synthetic-energy, or {_HINT}")
    return labels


def _of_file(path: Path, nodes: Mapping[str, int] | None) -> EnergyLabels | None:
    data = read_plain(path)
    first = data[:4096].removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].decode("utf-8", "replace")
    if set(ARCHER2_COLUMNS) <= {cell.strip() for cell in first.split(",")}:
        return archer2_labels(path, nodes=nodes)
    if is_labels_csv(first):
        return parse_labels_csv(data, str(path))
    if is_jobs_csv(first):
        return simulated_labels(path)
    return parse_sacct_energy(data, str(path)) if is_sacct_energy(first) else None
