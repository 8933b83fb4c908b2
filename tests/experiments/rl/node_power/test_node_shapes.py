"""Pictures of the rewards come from the code that pays them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wattq.cli import main
from wattq.experiments.rl.node_power.shapes import SHAPES, hour_rewards, reward_curves
from wattq.schedulers.rl.node_power import NodePowerConfig, World, make_rule, named_prices
from wattq.schedulers.rl.node_power.layout import HOURLY

CURVES = {shape.part: shape for shape in SHAPES}


def curve(part: str, shapes: str) -> tuple[np.ndarray, list[np.ndarray]]:
    x, lines = reward_curves(CURVES[part], NodePowerConfig(shapes=shapes), named_prices("logic"), 80.0)
    return x, [y for _, y in lines]


def test_values_at_the_ends() -> None:
    x, (quarter, half, full) = curve("efficiency", "tanh")
    assert (x[0], x[-1]) == (0.0, 1.0)
    assert full[-1] == pytest.approx(np.tanh(1.5))
    assert np.isnan(quarter[-1])
    assert np.isnan(half[-1])
    assert full[0] == pytest.approx(np.tanh(-3.5))
    assert curve("idle", "tanh")[1][0][[0, -1]].tolist() == [0.0, -1.0]
    assert curve("drop", "ratio")[1][0][-1] == -500.0
    x, (dark, lit) = curve("blackout", "tanh")
    assert (dark[0], lit[0]) == (1.0, 0.0)
    assert dark[1:].tolist() == lit[1:].tolist()
    assert dark[10] == pytest.approx(np.exp(-2) - 1)
    x, (some, none) = curve("age", "tanh")
    assert (some[x <= 24] == 0).all()
    assert some[-1] == pytest.approx(np.exp(-312 / 168) - 1)
    assert (none == 0).all()
    x, lines = curve("price", "tanh")
    assert all(y[x == 80] == 0 for y in lines)


def test_an_hour_that_was_played_is_paid_what_is_drawn() -> None:
    config = NodePowerConfig(horizon_h=30)
    world = World(config, 1, prices="logic", arrivals=50.0)
    world.reset(0)
    rule = make_rule("queue")
    for _ in range(30):
        world.step(rule(world))
        hour = dict(zip(HOURLY, world.state.hourly[0].tolist(), strict=True))
        drawn = hour_rewards(config, world.prices, **hour)
        weights = dict(zip(drawn, config.weights.row, strict=True))
        paid = world.parts(0)
        for part in drawn:
            if part != "unfinished":
                assert paid[part] == pytest.approx(weights[part] * drawn[part], abs=1e-12)


def run(*words: str, code: int = 0) -> None:
    with pytest.raises(SystemExit) as end:
        main(["rl", "plot-rewards", *words])
    assert end.value.code == code


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("-o", str(tmp_path / "tanh.png"))
    run("-o", str(tmp_path / "ratio.svg"), "--shapes", "ratio")
    assert (tmp_path / "tanh.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "tanh.png").stat().st_size > 30_000
    assert b"<svg" in (tmp_path / "ratio.svg").read_bytes()
    bad = (["x.gif"], ["x.png", "--shapes", "round"], ["x.png", "--context", "nan"], ["x.png", "--prices", "none"])
    for name, *words in bad:
        capsys.readouterr()
        run("-o", str(tmp_path / name), *words, code=2)
        assert "Traceback" not in capsys.readouterr().err
