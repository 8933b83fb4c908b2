"""Results of sweeps: whole ones are never made again, damaged or foreign ones are."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattq.errors import InvalidInputError, WattqError
from wattq.experiments.rl.node_power.cells import Cell, cell_path, read_cell, run_cells

CELLS: list[Cell] = [{"x": 1}, {"x": 2}, {"x": 3}]
CALLS: list[int] = []


def _double(cell: Cell) -> dict[str, int]:
    CALLS.append(cell["x"])
    if cell["x"] > 9:
        raise WattqError("no cell of ten or more")
    return {"y": 2 * cell["x"]}


@pytest.fixture(autouse=True)
def _fresh() -> None:
    CALLS.clear()


def test_whole_results_are_not_made_again(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    assert run_cells(tmp_path, CELLS[:2], _double) == [{"y": 2}, {"y": 4}]
    assert run_cells(tmp_path, CELLS, _double, done=lambda ready, total: told.append((ready, total)))[2] == {"y": 6}
    assert CALLS == [1, 2, 3]
    assert told == [(2, 3), (3, 3)]


@pytest.mark.parametrize("damage", [b"", b"{", b'{"cell": {"x": 5}, "result": {"y": 0}}', b"[1]"])
def test_damaged_results_are_made_again(tmp_path: Path, damage: bytes) -> None:
    run_cells(tmp_path, CELLS[:1], _double)
    cell_path(tmp_path, CELLS[0]).write_bytes(damage)
    assert read_cell(tmp_path, CELLS[0]) is None
    assert run_cells(tmp_path, CELLS[:1], _double) == [{"y": 2}]
    assert CALLS == [1, 1]


def test_what_was_done_before_an_error_is_kept(tmp_path: Path) -> None:
    with pytest.raises(WattqError, match="ten or more"):
        run_cells(tmp_path, [{"x": 4}, {"x": 10}], _double)
    assert read_cell(tmp_path, {"x": 4}) == {"y": 8}


def test_workers_are_checked(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="--workers 0"):
        run_cells(tmp_path, CELLS, _double, workers=0)
