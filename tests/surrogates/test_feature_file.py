"""Files of features: the same table in every format, the same bytes every time."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wattq.errors import MissingFileError, SurrogateError
from wattq.surrogates.feature_file import MARK, write_features
from wattq.surrogates.features import FeatureTable, build_features
from wattq.surrogates.jobs import Jobs, Outcomes

IDS = tuple(f"{n:02d}" for n in range(30))


@pytest.fixture(scope="module")
def table() -> FeatureTable:
    draw = np.random.default_rng(0)
    submit = np.sort(draw.integers(0, 100, 30)) * 60.0
    request = draw.choice([np.nan, 600.0, 3600.0], 30)
    numbers = (draw.integers(-1, 3, 30) for _ in range(4))
    jobs = Jobs(submit, draw.choice([1, 2], 30), request, *numbers, source="logs/a.swf", sha256="ab" * 32)
    return build_features(jobs, Outcomes(submit, np.fmin(draw.integers(0, 900, 30) * 1.0, request)))


def test_npz(table: FeatureTable, tmp_path: Path) -> None:
    path = write_features(table, IDS, tmp_path / "new" / "f.npz")
    with np.load(path, allow_pickle=False) as found:
        np.testing.assert_array_equal(found["x"], table.x)
        assert tuple(found["names"].tolist()) == table.names
        assert tuple(found["job_id"].tolist()) == IDS
        assert found["submit_s"].tolist() == table.jobs.submit_s.tolist()
        assert json.loads(str(found["about"])) == {"source": "a.swf", "sha256": "ab" * 32, "jobs": 30}
    first = path.read_bytes()
    assert write_features(table, IDS, path).read_bytes() == first
    assert [entry.name for entry in path.parent.iterdir()] == ["f.npz"]


@pytest.mark.parametrize("name", ["f.csv", "f.csv.gz", "f.csv.xz"])
def test_csv(table: FeatureTable, tmp_path: Path, name: str) -> None:
    path = write_features(table, IDS, tmp_path / name)
    first = path.read_bytes()
    assert write_features(table, IDS, path).read_bytes() == first
    frame = pd.read_csv(path, skiprows=1, dtype={"job_id": str})
    assert tuple(frame.columns) == ("job_id", "submit_s", *table.names)
    assert tuple(frame["job_id"]) == IDS
    np.testing.assert_array_equal(frame[list(table.names)].to_numpy(dtype=np.float32), table.x)
    if name == "f.csv":
        head = first.decode().partition("\n")[0]
        assert json.loads(head.removeprefix(MARK))["sha256"] == "ab" * 32


def test_parquet(table: FeatureTable, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    path = write_features(table, IDS, tmp_path / "f.parquet")
    found = parquet.read_table(io.BytesIO(path.read_bytes()))
    assert tuple(found.column_names) == ("job_id", "submit_s", *table.names)
    np.testing.assert_array_equal(found.column("hosts").to_numpy(), table.columns(["hosts"])[:, 0])
    assert json.loads(found.schema.metadata[b"wattq features"])["jobs"] == 30


@pytest.mark.parametrize("name", ["f", "f.txt", "f.npz.gz", "f.parquet.xz"])
def test_other_endings(table: FeatureTable, tmp_path: Path, name: str) -> None:
    with pytest.raises(SurrogateError, match="the ending says what to write"):
        write_features(table, IDS, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written(table: FeatureTable, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingFileError, match="cannot be written"):
        write_features(table, IDS, tmp_path / "file" / "f.npz")
