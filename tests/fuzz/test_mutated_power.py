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


_OWN = b"time,node_id,device,power_w,energy_j,meter\n" + b"".join(
    b"%d,n%d,%s,%d,%d,rapl\n" % (t, k, device, 50 + t, 10 * t)
    for t in range(0, 60, 10)
    for k in (1, 2)
    for device in (b"package-0", b"core-0", b"gpu0")
)
_LOG = b"ts,gpu_index,power_w,energy_counter_j\n" + b"".join(b"%d,0,100,%d\n" % (t, 100 * t) for t in range(0, 60, 10))
_SACCT = (
    b"JobID|User|JobName|Start|End|NNodes|AllocCPUS|NodeList|TimelimitRaw\n"
    b"7|u|a b|2026-01-03T00:00:00|2026-01-03T00:01:00|2|16|n[1-2]|60\n"
    b"7.batch|||2026-01-03T00:00:00|2026-01-03T00:01:00|1|8|n1|\n"
    b"9_1|v|d|2026-01-03T01:00:20|Unknown|1|24|n1|60\n"
)
_WINDOWS = b"job_id,start,end,node,cores\n1,0,50,n[1-2],8\n1,0,50,n3,4\n2,10,40,n1,1\n"


@pytest.mark.fuzz
@pytest.mark.parametrize(("name", "data"), [("own", _OWN), ("log", _LOG)])
def test_mutated_readings(mutations: ModuleType, tmp_path: Path, name: str, data: bytes) -> None:
    from wattq.surrogates.energy import JobWindow, measured_nodes, node_balances, read_readings

    path = tmp_path / "mutated.csv"

    def read(mutant: bytes, rng: random.Random) -> None:
        path.write_bytes(mutant)
        nodes, _ = measured_nodes(read_readings(path, node=rng.choice((None, "n1"))))
        series = {key: node.series for key, node in nodes.items()}
        for balance in node_balances(series, [JobWindow("1", 5.0, 45.0, tuple(series))]):
            assert balance.jobs_j + balance.idle_j == pytest.approx(balance.energy_j, rel=1e-6, abs=1e-3)

    mutations._run(name, 0.02, lambda rng: mutations._mutated(data, rng), read)


@pytest.mark.fuzz
@pytest.mark.parametrize(("name", "data"), [("sacct", _SACCT), ("windows", _WINDOWS)])
def test_mutated_job_windows(mutations: ModuleType, tmp_path: Path, name: str, data: bytes) -> None:
    from wattq.surrogates.energy import read_job_windows

    path = tmp_path / "mutated.txt"

    def read(mutant: bytes, rng: random.Random) -> None:
        path.write_bytes(mutant)
        table = read_job_windows(path, time_zone=rng.choice((None, "Europe/Berlin")))
        assert all(window.end_s > window.start_s for window in table.windows)
        assert table.jobs.n_jobs == int(table.job.max()) + 1

    mutations._run(name, 0.02, lambda rng: mutations._mutated(data, rng), read)
