"""Mutated measurements of power: each gives a result or a WattqError, as in `test_mutated_inputs`."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path
from types import ModuleType

import pytest

_FOLDER = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def mutations() -> ModuleType:
    """The mutations of the other inputs."""
    spec = importlib.util.spec_from_file_location("mutations", _FOLDER / "test_mutated_inputs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def mutated(mutations: ModuleType, name: str, rng: random.Random) -> bytes:
    data: bytes = mutations._mutated((_FOLDER / "fixtures" / name).read_bytes(), rng)
    packed: bytes = mutations._packed(data, rng) if rng.random() < 0.1 else data
    return packed


@pytest.mark.fuzz
@pytest.mark.parametrize("name", ["samples.csv", "nvidia_smi.csv", "rapl.csv"])
def test_mutated_samples(mutations: ModuleType, tmp_path: Path, name: str) -> None:
    from wattq.platforms.calibrate import (
        FitOptions,
        ReadOptions,
        calibrate_power,
        calibration_json,
        calibration_text,
        calibration_yaml,
        read_samples,
    )

    path = tmp_path / "mutated.csv"

    def read(data: bytes, rng: random.Random) -> None:
        path.write_bytes(data)
        wrap = rng.choice((None, 1000.0))
        options = FitOptions(
            settle_s=rng.choice((0.0, 0.1)),
            average_s=rng.choice((0.0, 0.2)),
            affine=rng.random() < 0.5,
            quantiles=(0.1, 0.9) if name == "rapl.csv" else None,
            combine=rng.choice(("mean", "sum")),
        )
        samples = read_samples(path, ReadOptions(devices=rng.choice((None, 2)), wrap=wrap))
        result = calibrate_power(samples, options)
        assert samples.power_w.size
        calibration_text(result)
        calibration_json(result)
        calibration_yaml(result)

    mutations._run(name, 0.02, lambda rng: mutated(mutations, name, rng), read)


@pytest.mark.fuzz
@pytest.mark.parametrize("name", ["steps.csv", "caps.csv"])
def test_mutated_curves(mutations: ModuleType, tmp_path: Path, name: str) -> None:
    from wattq.platforms.calibrate import curve_yaml
    from wattq.platforms.measured import curves_csv, curves_text, read_curves

    path = tmp_path / "mutated.csv"

    def read(data: bytes, rng: random.Random) -> None:
        path.write_bytes(data)
        measured = read_curves(path)
        curves_text(measured)
        curves_csv([measured])
        curve_yaml(measured, measured.curves["all"], idle_w=50.0, full_w=200.0, fixed_w=rng.choice((0.0, 100.0)))

    mutations._run(name, 0.02, lambda rng: mutated(mutations, name, rng), read)


@pytest.mark.fuzz
def test_mutated_states(mutations: ModuleType, tmp_path: Path) -> None:
    from wattq.platforms import make_platform, read_states

    path = tmp_path / "mutated.yaml"

    def read(data: bytes, rng: random.Random) -> None:
        path.write_bytes(data)
        states = read_states(path)
        make_platform(2, states.compute_states(), states.sleep_states(), notes=states.provenance())

    mutations._run("states.yaml", 0.02, lambda rng: mutated(mutations, "states.yaml", rng), read)
