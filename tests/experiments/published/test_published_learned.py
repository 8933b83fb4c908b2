"""The learned column: policies that come with wattq, on the sequences of the publication."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wattq.cli import main
from wattq.experiments.published import TraceFinder, load_protocol
from wattq.experiments.published.learned import LearnedCell, learned_cells, learned_lines, shipped_models
from wattq.schedulers.rl.sc20 import load_policy


def test_every_model_says_how_it_was_made() -> None:
    models = shipped_models()
    assert set(models) == {f"{trace}-{way}" for trace in ("Lublin-1", "SDSC-SP2") for way in ("none", "head_once")}
    for name, path in models.items():
        assert path.stat().st_size < 20_000
        _, learned = load_policy(path)
        data = learned.card["data"]
        assert data["backfilling"] is name.endswith("head_once")
        assert len(data["sha256"]) == 64
        assert data["test_starts"][0] == 1981
        assert learned.card["results"]["fresh_sequences"]["sequences"] == 50


def test_lines() -> None:
    cells = [LearnedCell("without", "A", 10.0, "a.wattq", 9.996), LearnedCell("without", "B", 5.0, "b.wattq", 5.1)]
    lines = learned_lines(cells)
    assert lines[1].split() == ["without", "A", "10.00", "10.00", "below"]
    assert lines[2].split() == ["without", "B", "5.00", "5.10", "above"]
    assert lines[3] == "1 of 2 learned values are below the printed ones"


def test_a_table_without_learned_values(
    tiny: Callable[..., tuple[Path, Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    protocol, folder = tiny()
    with pytest.raises(SystemExit) as end:
        main(["reproduce", str(protocol), "--data", str(folder), "--learned"])
    assert end.value.code == 2
    assert "has no column of a learned policy" in capsys.readouterr().err


@pytest.mark.slow
def test_learned_values_are_below_the_printed_ones(shared_dir: Path) -> None:
    cells = learned_cells(load_protocol("sc20-table5"), TraceFinder([shared_dir / "data" / "swf"]))
    assert len(cells) == 4
    assert sum(cell.better for cell in cells) >= 3, learned_lines(cells)
    for cell in cells:
        name = cell.model.removesuffix(".wattq")
        card = load_policy(shipped_models()[name])[1].card
        assert cell.value == pytest.approx(card["results"]["test_sequences"]["mean"]["learned"])
