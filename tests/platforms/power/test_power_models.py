from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from wattq.cli.platform import app
from wattq.errors import InvalidInputError, PlatformError
from wattq.platforms import (
    ComputeState,
    FrequencyModel,
    NodePower,
    SleepState,
    energy_table,
    lint_platform,
    load_platform,
    make_platform,
    measured_curves,
    read_platform,
    read_states,
)
from wattq.platforms.joules import energy_rows, energy_text

RUNNER = CliRunner()
MODELS = st.builds(
    lambda idle, dynamic, exponent, lowest: FrequencyModel(idle, idle + dynamic, exponent, lowest),
    st.floats(0, 500),
    st.floats(1, 1000),
    st.floats(1, 4),
    st.floats(0.1, 1),
)


def output(*arguments: str) -> str:
    result = RUNNER.invoke(app, list(arguments))
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def refusal(*arguments: str) -> str:
    result = RUNNER.invoke(app, list(arguments))
    assert isinstance(result.exception, InvalidInputError), (result.output, result.exception)
    return str(result.exception)


@settings(deadline=None, max_examples=60)
@given(MODELS, st.floats(0, 1), st.floats(0, 1))
def test_power_rises_and_time_falls_with_the_clock(model: FrequencyModel, at: float, beta: float) -> None:
    slow = model.lowest + at * (1 - model.lowest)
    assert model.power_w(slow) <= model.power_w(1.0)
    assert model.runtime(slow, beta) >= model.runtime(1.0, beta) == pytest.approx(1.0)
    assert model.power_w(1.0) == pytest.approx(model.full_w)


@settings(deadline=None, max_examples=200)
@given(MODELS, st.floats(0, 1))
def test_a_cap_is_never_exceeded_nor_wasted(model: FrequencyModel, at: float) -> None:
    least = model.power_w(model.lowest)
    cap = least + at * (model.full_w - least)
    clock = model.clock_under(cap)
    assert model.lowest <= clock <= 1.0
    assert model.power_w(clock) <= cap
    assert clock == 1.0 or model.power_w(clock) >= cap - 1e-6 * model.full_w


@settings(deadline=None, max_examples=60)
@given(MODELS, st.floats(0, 1))
def test_the_cheapest_clock_is_the_cheapest(model: FrequencyModel, beta: float) -> None:
    best = model.energy_j(model.cheapest_clock(beta), 100.0, beta)
    for clock in np.linspace(model.lowest, 1.0, 101):
        assert best <= model.energy_j(min(max(float(clock), model.lowest), 1.0), 100.0, beta) * (1 + 1e-9)


def test_clock_model_by_hand() -> None:
    model = FrequencyModel(100.0, 200.0, exponent=3.0, lowest=0.4)
    assert model.power_w(0.5) == 112.5
    assert model.runtime(0.5, 0.5) == 1.5
    assert model.energy_j(0.5, 10.0) == 112.5 * 20
    # idle = (exponent - 1) x dynamic x f^3
    assert model.cheapest_clock() == pytest.approx(0.5 ** (1 / 3))
    assert 0.4 < model.cheapest_clock() < 1
    assert model.cheapest_clock(0.0) == 0.4
    assert FrequencyModel(100.0, 101.0).cheapest_clock() == 1.0
    assert model.clock_under(500.0) == 1.0
    fitted = FrequencyModel.fit([0.5, 0.8], [model.power_w(0.5), model.power_w(0.8)], 100.0, 200.0)
    assert fitted.exponent == pytest.approx(3.0)
    assert model.states([1.0, 0.5], beta=0.5) == (
        ComputeState(1e9, 100.0, 200.0),
        ComputeState(1e9 / 1.5, 100.0, 112.5),
    )


def test_clock_models_that_are_none() -> None:
    for numbers in ((200.0, 100.0), (-1.0, 5.0), (1.0, math.nan), (1.0, 2.0, 0.5), (1.0, 2.0, 3.0, 0.0)):
        with pytest.raises(PlatformError, match="clock model"):
            FrequencyModel(*numbers)
    model = FrequencyModel(100.0, 200.0)
    with pytest.raises(PlatformError, match=r"use 0.4 to 1"):
        model.power_w(0.3)
    with pytest.raises(PlatformError, match="beta"):
        model.runtime(1.0, 1.5)
    for cap in (100.0, math.nan):
        with pytest.raises(PlatformError, match="lowest clock draws"):
            model.clock_under(cap)
    for clocks, watts in (([], []), ([1.0], [150.0]), ([0.5], [90.0]), ([0.5], [110.0, 120.0])):
        with pytest.raises(PlatformError, match="give clocks"):
            FrequencyModel.fit(clocks, watts, 100.0, 200.0)


def test_node_power_is_the_sum_of_its_parts() -> None:
    node = NodePower()
    assert (node.power_w(0), node.power_w(1)) == (150, 450)
    assert node.power_w(0.5) == 300
    with_gpus = NodePower(gpus=4)
    assert with_gpus.power_w(0, 0) == 150 + 4 * 40
    assert with_gpus.power_w(1, 1) == 450 + 4 * 300
    assert with_gpus.power_w(0.5, 0.25) == 300 + 4 * (40 + 65)
    counted = NodePower(cpus=2, gpus=1, other_w=30)
    assert counted.power_w(0) == 30 + 120 + 40
    assert counted.power_w(1, 1) == 30 + 440 + 300
    assert with_gpus.state(gpu_load=0.5) == ComputeState(1e9, 310.0, 450 + 4 * 170.0)


def test_capped_gpu_node() -> None:
    curve = measured_curves()["zeus-v100"].curves["imagenet/resnet50"]
    states = NodePower(gpus=4).capped_states(curve)
    assert len(states) == len(curve.points)
    for state, point in zip(states, curve.points, strict=True):
        assert state.speed_flops == 1e9 * point.speed
        assert state.full_w == pytest.approx(450 + 1200 * point.power)
        assert state.idle_w == 310
    with pytest.raises(PlatformError, match="no GPU"):
        NodePower().capped_states(curve)


def test_nodes_that_are_none() -> None:
    for numbers in ({"cpus": -1}, {"gpus": 2000}, {"gpu_idle_w": 400.0}, {"node_full_w": math.inf}, {"other_w": -1.0}):
        with pytest.raises(PlatformError, match="node power"):
            NodePower(**numbers)
    for load in (-0.1, 1.1, math.nan):
        with pytest.raises(PlatformError, match="utilisation"):
            NodePower().power_w(load)


def test_sleep_by_energy() -> None:
    assert SleepState.from_energy(10.0, off_s=5.0, off_j=625.0, on_s=64.0, on_j=7360.0) == SleepState(
        10.0, 5.0, 125.0, 64.0, 115.0
    )
    with pytest.raises(PlatformError, match="wake up 0"):
        SleepState.from_energy(10.0, off_s=5.0, off_j=1.0, on_s=0.0, on_j=1.0)


def test_energy_table_by_hand() -> None:
    states = [ComputeState(1e9, 100.0, 200.0), ComputeState(0.8e9, 100.0, 130.0), ComputeState(0.5e9, 100.0, 120.0)]
    rows = energy_table(make_platform(2, states, cores=2))
    assert [row.runtime for row in rows] == [1.0, 1.25, 2.0]
    assert [row.energy for row in rows] == pytest.approx([1.0, 0.8125, 1.2])
    assert [row.above_idle for row in rows] == pytest.approx([1.0, 0.375, 0.4])
    assert [row.best for row in rows] == [False, True, False]
    assert rows[0].joules_per_flop == 200 / 2e9
    assert rows[0].flops_per_w == 1e7
    half = energy_rows(states, beta=0.5)
    assert [row.runtime for row in half] == [1.0, 1.125, 1.5]
    assert "least energy" in energy_text(rows)
    with pytest.raises(PlatformError, match="beta"):
        energy_rows(states, beta=2.0)
    with pytest.raises(PlatformError, match="no powers"):
        energy_table(make_platform(1))
    with pytest.raises(PlatformError, match="state 0"):
        energy_rows([ComputeState(1e9)])


@pytest.mark.parametrize("name", ["kth-sp2-dvfs", "llnl-atlas-dvfs-cpu"])
def test_slower_states_draw_less_and_take_longer(name: str) -> None:
    rows = energy_table(load_platform(name))
    assert (np.diff([row.power_w for row in rows]) < 0).all()
    assert (np.diff([row.runtime for row in rows]) > 0).all()
    assert sum(row.best for row in rows) == 1


def test_make_from_parts_and_curves(tmp_path: Path) -> None:
    path = tmp_path / "gpu.xml"
    curve = "zeus-v100:imagenet/resnet50"
    output("make", "--nodes", "2", "--gpus", "4", "--curve", curve, "--sleep", "10:5:625J:64:7360J", "-o", str(path))
    platform = read_platform(path)
    assert platform.full_w[0, 0] == 1650
    assert platform.full_w[0, 7:].tolist() == [10, 125, 115]
    assert platform.properties[0]["accelerators"] == "4"
    assert lint_platform(path) == []
    assert "imagenet/resnet50" in path.read_text()
    output("make", "--nodes", "2", "--cpus", "2", "--cpu-w", "50:250", "--other-w", "40", "-o", str(path))
    assert (read_platform(path).idle_w[0, 0], read_platform(path).full_w[0, 0]) == (140, 540)
    output("make", "--nodes", "2", "--curve", "archer2:HPL", "--power", "100:200:50", "-o", str(path))
    assert read_platform(path).full_w[0, 1] == pytest.approx(50 + 150 * 0.697645, abs=1e-3)


def test_make_from_a_file_of_states(tmp_path: Path) -> None:
    states, path = tmp_path / "s.yaml", tmp_path / "p.xml"
    states.write_text(
        "source: a meter\nstates:\n- {speed_flops: 1e9, idle_w: 90, epsilon_w: 95, full_w: 200}\n"
        "sleep:\n- {power_w: 9, off_s: 5, off_j: 500, on_s: 60, on_w: 110}\n"
    )
    output("make", "--nodes", "3", "--states", str(states), "-o", str(path))
    platform = read_platform(path)
    assert platform.full_w[0].tolist() == [200, 9, 100, 110]
    assert platform.epsilon_w[0, 0] == 95
    assert "a meter" in path.read_text()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "mapping with the key 'states'"),
        ("states: []", "line 1"),
        ("states: [{speed_flops: 0, idle_w: 1, full_w: 2}]", "speed_flops"),
        ("states: [{speed_flops: 1, idle_w: -1, full_w: 2}]", "idle_w"),
        ("states: [{speed_flops: 1, idle_w: 1, full_w: .inf}]", "full_w"),
        ("states: [{speed_flops: 1, idle_w: 1, full_w: 2, colour: 3}]", "unknown key"),
        ("states: [{speed_flops: 1, idle_w: 1, full_w: 2}]\nsleep: [{power_w: 1, off_s: 1, on_s: 1}]", "one of off_w"),
        ("states: {", "not YAML"),
    ],
)
def test_bad_files_of_states(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=words):
        read_states(path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--state", "1Gf:1:2", "--gpus", "1"], "in one way"),
        (["--power", "1:2"], "goes with --curve"),
        (["--curve", "archer2"], "--power"),
        (["--curve", "archer"], "archer2"),
        (["--curve", "archer2:HPC", "--power", "1:2"], "HPL"),
        (["--curve", "archer2", "--power", "1"], "2 to 3 powers"),
        (["--gpus", "1", "--gpu-w", "40"], "--gpu-w"),
        (["--gpus", "1", "--gpu-load", "2"], "utilisation 2"),
        (["--sleep", "10:5:625J:64:115"], "energies end both"),
        (["--sleep", "10:5:xJ:64:1J"], "plain number"),
    ],
)
def test_make_refuses(options: list[str], words: str) -> None:
    assert words in refusal("make", "--nodes", "2", *options)


def test_printed_tables() -> None:
    rows = json.loads(output("energy", "kth-sp2-dvfs", "--json"))
    assert [row["state"] for row in rows] == [0, 1, 2, 3]
    assert "0.863" in output("energy", "kth-sp2-dvfs")
    assert "there are hosts 0 to 99" in refusal("energy", "kth-sp2", "--host", "100")
    assert "HPL" in output("curves", "archer2")
    assert output("curves", "--csv").startswith("# source: archer2\n")
    assert "zeus-v100" in refusal("curves", "zeus")
    assert "not both" in refusal("curves", "archer2", "--data", "x.csv")
