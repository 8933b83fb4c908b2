from __future__ import annotations

import contextlib
import json
import lzma
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from wattq.cli.platform import app
from wattq.errors import InvalidInputError, PlatformError, WattqError
from wattq.platforms import calibrate_power, read_platform, read_samples, read_states
from wattq.platforms.calibrate import FitOptions, ReadOptions, calibration_text

RUNNER = CliRunner()


def file_of(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def synthetic(path: Path, seed: int, *, n: int = 2000, noise: float = 8.0, epsilon: float = 110.0) -> Path:
    """Write samples of a device of 90 W idle and 300 W full, at random loads, a fifth of them idle."""
    rng = np.random.default_rng(seed)
    load = np.where(rng.random(n) < 0.2, 0.0, rng.random(n))
    power = np.where(load == 0, 90.0, epsilon + (300 - epsilon) * load) + rng.normal(0, noise, n)
    rows = [f"{t},{p:.3f},{u:.5f}" for t, p, u in zip(range(n), power, load, strict=True)]
    return file_of(path, "time_s,power_w,utilisation", rows)


@pytest.mark.parametrize("seed", range(5))
def test_synthetic_truth(tmp_path: Path, seed: int) -> None:
    [state] = calibrate_power(read_samples(synthetic(tmp_path / "s.csv", seed))).states
    for value, truth in ((state.idle_w, 90), (state.epsilon_w, 110), (state.full_w, 300)):
        assert value.value == pytest.approx(truth, rel=0.02)
        assert abs(value.value - truth) < 4 * value.error
        assert 0 < value.error < 0.01 * truth
    [fit] = state.fits.values()
    assert fit.residuals.rmse_w == pytest.approx(8, rel=0.1)
    assert fit.residuals.samples == 2000
    assert abs(fit.residuals.bias_w) < 1e-9
    assert fit.residuals.r2 > 0.98


def test_errors_are_those_of_repeated_measurements(tmp_path: Path) -> None:
    found = [
        calibrate_power(read_samples(synthetic(tmp_path / "s.csv", seed, n=400))).states[0].full_w for seed in range(40)
    ]
    spread = np.std([value.value for value in found], ddof=1)
    assert np.mean([value.error for value in found]) == pytest.approx(spread, rel=0.4)


def test_exact_samples_and_one_line(tmp_path: Path) -> None:
    rows = [f"{100 + 200 * u},{u}" for u in (0, 0.25, 0.5, 0.75, 1)]
    samples = read_samples(file_of(tmp_path / "s.csv", "power_w,utilisation", rows))
    for affine in (False, True):
        [state] = calibrate_power(samples, FitOptions(affine=affine)).states
        assert [v.value for v in (state.idle_w, state.epsilon_w, state.full_w)] == pytest.approx([100, 100, 300])


def test_no_idle_sample_and_only_extremes(tmp_path: Path) -> None:
    line = read_samples(file_of(tmp_path / "a.csv", "watts,load", ["150,0.25", "200,0.5", "300,1"]))
    result = calibrate_power(line)
    assert result.states[0].idle_w.value == pytest.approx(100)
    assert any("no idle samples" in note for note in result.notes)
    ends = read_samples(file_of(tmp_path / "b.csv", "watts,load", ["100,0", "102,0", "300,1", "302,1"]))
    result = calibrate_power(ends)
    assert (result.states[0].idle_w.value, result.states[0].full_w.value) == (101, 301)
    assert any("epsilon is the idle power" in note for note in result.notes)
    flat = read_samples(file_of(tmp_path / "c.csv", "watts,load", ["100,0.4", "102,0.4", "99,0.41"]))
    with pytest.raises(InvalidInputError, match=r"utilisation only from 0.40 to 0.41"):
        calibrate_power(flat)


def test_settings_speeds_and_states(tmp_path: Path) -> None:
    rows = []
    for cap, full, rate in ((250, 300, 10.0), (150, 220, 9.0), (100, 180, 7.0)):
        rows += [f"{100 + (full - 100) * u},{u},{cap},{rate if u else 'N/A'}" for u in (0, 0.2, 0.4, 0.6, 0.8, 1)]
    path = file_of(tmp_path / "s.csv", "power_w,utilisation,cap_w,rate", rows)
    result = calibrate_power(read_samples(path))
    assert [state.setting for state in result.states] == [250, 150, 100]
    assert [state.speed.value for state in result.states] == [1, 0.9, 0.7]
    assert [state.full_w for state in result.compute_states()] == pytest.approx([300, 220, 180])
    header = "power_w,utilisation,cap_w"
    bare = file_of(tmp_path / "t.csv", header, [row.rpartition(",")[0] for row in rows])
    with pytest.raises(InvalidInputError, match="how fast work runs"):
        calibrate_power(read_samples(bare))
    said = calibrate_power(read_samples(bare), FitOptions(speeds={250: 2, 150: 1.9, 100: 1.5}))
    assert [state.speed.value for state in said.states] == [1, 0.95, 0.75]
    with pytest.raises(InvalidInputError, match="missing for 150, 100 W"):
        calibrate_power(read_samples(bare), FitOptions(speeds={250: 2}))


def test_clocks(tmp_path: Path) -> None:
    rows = [f"{100 + p * u},{u},{f}" for f, p in ((2001, 100), (1999, 100), (1500, 60)) for u in (0, 0.3, 0.6, 1)]
    path = file_of(tmp_path / "s.csv", "power_w,utilisation,clocks.sm [MHz]", rows)
    result = calibrate_power(read_samples(path), FitOptions(setting_step=0.1))
    assert [state.setting for state in result.states] == [2.0, 1.5]
    assert result.states[1].speed.value == 0.75
    assert any("ratio of the clocks" in note for note in result.notes)
    many = file_of(tmp_path / "m.csv", "power_w,utilisation,frequency_mhz", [f"100,0,{1000 + i}" for i in range(100)])
    with pytest.raises(InvalidInputError, match="--setting-step"):
        calibrate_power(read_samples(many))


def test_counters_wrap(tmp_path: Path) -> None:
    header = "time_s,energy_uj,utilisation"
    rows = ["0,900,0", "1,1000,0", "2,100,0", "3,500,1", "4,900,1"]
    path = file_of(tmp_path / "s.csv", header, rows)
    wrapped = read_samples(path, ReadOptions(wrap=1000))
    np.testing.assert_allclose(wrapped.power_w, [1e-4, 1e-4, 4e-4, 4e-4])
    cut = read_samples(path)
    np.testing.assert_allclose(cut.power_w, [1e-4, 4e-4, 4e-4])
    assert cut.dropped["counter started again (--wrap unknown)"] == 1
    with pytest.raises(InvalidInputError, match="does not grow"):
        read_samples(file_of(path, header, ["1,1,0", "1,2,0"]))
    with pytest.raises(InvalidInputError, match="needs a time"):
        read_samples(file_of(path, "energy_j,load", ["1,0", "2,0"]))
    with pytest.raises(InvalidInputError, match="0 s or less"):
        read_samples(file_of(path, "energy_j,load,interval", ["1,0,0"]))


def test_two_devices_take_turns(tmp_path: Path) -> None:
    rows = []
    for k in range(20):
        rows += [f"2025/01/01 00:00:{k:02d}.000, {50 + k} W, {5 * k} %", f"2025/01/01 00:00:{k:02d}.002, [N/A], 0 %"]
    header = "timestamp, power.draw [W], utilization.gpu [%]"
    samples = read_samples(file_of(tmp_path / "s.csv", header, rows))
    assert samples.devices == ("0", "1")
    assert samples.device.tolist() == [0] * 20
    assert samples.power_w.tolist() == list(range(50, 70))
    assert samples.load[-1] == pytest.approx(0.95)
    assert samples.dropped == {"no reading": 20}
    assert np.diff(samples.time_s) == pytest.approx([1.0] * 19)
    with pytest.raises(InvalidInputError, match="--devices"):
        read_samples(file_of(tmp_path / "t.csv", header, rows[:11] + rows[12:]))
    said = read_samples(file_of(tmp_path / "t.csv", header, rows[:11] + rows[12:]), ReadOptions(devices=1))
    assert said.devices == ("0",)


def test_several_devices(tmp_path: Path) -> None:
    rows = [f"{d},{100 + 10 * d + 100 * u},{u}" for d in (0, 1) for u in (0, 0.3, 0.6, 1)]
    samples = read_samples(file_of(tmp_path / "s.csv", "gpu_index,power_w,util", rows))
    mean, total = (calibrate_power(samples, FitOptions(combine=how)).states[0] for how in ("mean", "sum"))
    assert (mean.idle_w.value, mean.full_w.value) == pytest.approx((105, 205))
    assert mean.idle_w.error >= 5 - 1e-9
    assert (total.idle_w.value, total.full_w.value) == pytest.approx((210, 410))


def test_idle_needs_time_to_settle(tmp_path: Path) -> None:
    rows = [f"{t},{50 if t < 20 else 80 if t == 30 else 100 + u},{u}" for t in range(40) for u in [_load(t)]]
    path = file_of(tmp_path / "s.csv", "time_s,power_w,gpu_util_pct", rows)
    plain = calibrate_power(read_samples(path)).states[0]
    settled = calibrate_power(read_samples(path), FitOptions(settle_s=3)).states[0]
    assert settled.idle_w.value == 50
    assert plain.idle_w.value > 50
    averaged = calibrate_power(read_samples(path), FitOptions(settle_s=3, average_s=2)).states[0]
    assert averaged.fits["0"].residuals.samples < 25
    with pytest.raises(InvalidInputError, match="need a time"):
        calibrate_power(read_samples(file_of(path, "power_w,load", ["1,0", "2,1"])), FitOptions(settle_s=3))


def _load(t: int) -> int:
    return 0 if t < 20 or t == 30 else 2 * t


def test_falling_power_makes_no_states(tmp_path: Path) -> None:
    samples = read_samples(file_of(tmp_path / "s.csv", "power_w,load", ["200,0", "150,0.5", "160,0.4", "100,1"]))
    result = calibrate_power(samples)
    with pytest.raises(PlatformError, match="less under load"):
        result.compute_states()


@pytest.mark.parametrize(
    ("header", "rows", "words"),
    [
        ("time_s,load", ["1,0"], "no column of power"),
        ("power_w,load", [], "no rows"),
        ("power_w,load", ["5"], "1 cells, but 2 columns"),
        ("power_w,load", ["abc,0"], "line 2: power_w 'abc'"),
        ("power_w,load", ["1e999,0"], "too large"),
        ("power_w,load", ["5,40"], "load '40'"),
        ("power_w,load", ["5,-0.1"], "share from 0 to 1"),
        ("power_w,load", ["N/A,0", "0,0"], "1 no reading, 1 0 W or less"),
        ("power_w,load,time", ["5,0,noon"], "not a time"),
        ("power_w,load,time", ["5,0,2025-13-01"], "not a time"),
        ("power_w,load,domain", ["5,0,psys"], "psys"),
        ("power_w,load,domain", ["5,0,ram", "5,0,ram", "5,0,package"], "do not pair up"),
    ],
)
def test_bad_samples(tmp_path: Path, header: str, rows: list[str], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        read_samples(file_of(tmp_path / "s.csv", header, rows))


def test_chosen_columns(tmp_path: Path) -> None:
    path = file_of(tmp_path / "s.csv", "w,busy_pct,power_w", ["100,0,1", "150,50,1", "200,100,1"])
    samples = read_samples(path, ReadOptions({"power": "w", "load": "busy_pct"}))
    assert samples.power_w.tolist() == [100, 150, 200]
    assert samples.load.tolist() == [0, 0.5, 1]
    with pytest.raises(InvalidInputError, match="no such column"):
        read_samples(path, ReadOptions({"power": "x"}))


@settings(deadline=None, max_examples=150)
@given(st.text(alphabet='0123456789.,-eE%W[]NA/: \n"#xtimepowrlad_', max_size=300))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_text("time_s,power_w,load\n" + text, encoding="utf-8")
    with contextlib.suppress(WattqError):
        calibrate_power(read_samples(path), FitOptions(affine=True))


def test_real_gpus(shared_dir: Path) -> None:
    samples = read_samples(shared_dir / "data" / "power" / "nvml_2xTitanX_train_100ms.csv.xz")
    assert samples.devices == ("0", "1")
    assert np.bincount(samples.device).tolist() == [4093, 4093]
    [state] = calibrate_power(samples, FitOptions(settle_s=5, average_s=1)).states
    # Asleep at 17 W, 60 W as soon as a process holds the device: the error of idle says that it is no one number.
    assert 16 < state.idle_w.value < 30
    assert state.idle_w.error > 2
    assert 80 < state.epsilon_w.value < 100 < state.full_w.value < 180
    assert all(fit.residuals.r2 > 0.85 for fit in state.fits.values())


def test_real_rapl(shared_dir: Path) -> None:
    samples = read_samples(shared_dir / "data" / "power" / "rapl_broadwell_matmul.csv.xz")
    assert samples.devices == ("N0", "N1")
    # mean over sockets of package and ram, as the file's own column of power has them
    assert samples.power_w[samples.device == 0].mean() == pytest.approx(37.653 + 1.775, abs=2e-3)
    with pytest.raises(InvalidInputError, match="no utilisation"):
        calibrate_power(samples)
    [state] = calibrate_power(samples, FitOptions(quantiles=(0.05, 0.95), combine="sum")).states
    assert 60 < state.idle_w.value < 70 < state.full_w.value < 85


def test_real_ipmi(shared_dir: Path) -> None:
    samples = read_samples(shared_dir / "data" / "power" / "harvard_cannon_ipmi_snapshot_2025-05-30.csv")
    assert samples.dropped == {"no reading": 35, "0 W or less": 2}
    assert np.median(samples.power_w) == 400
    assert samples.power_w.max() < 3400
    assert any("not added" in note for note in samples.notes)


def run(*arguments: str) -> str:
    result = RUNNER.invoke(app, ["calibrate", *arguments])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def refusal(*arguments: str) -> str:
    result = RUNNER.invoke(app, ["calibrate", *arguments])
    assert isinstance(result.exception, InvalidInputError), (result.output, result.exception)
    return str(result.exception)


def test_the_command_writes_states_and_platforms(tmp_path: Path) -> None:
    path = str(synthetic(tmp_path / "s.csv", 1))
    text = run(path, "-o", str(tmp_path / "s.yaml"))
    assert "full 300" in text or "full 299" in text
    assert "residuals: rms" in text
    states = read_states(tmp_path / "s.yaml")
    assert states.states[0].full_w == pytest.approx(300, rel=0.02)
    assert states.states[0].full_error_w is not None
    assert len(states.sha256) == 64
    run(path, "-o", str(tmp_path / "p.xml"), "--nodes", "3", "--sleep", "10:5:125:64:115")
    platform = read_platform(tmp_path / "p.xml")
    assert platform.n_compute == 3
    assert platform.full_w[0, 0] == pytest.approx(300, rel=0.02)
    assert states.sha256 in (tmp_path / "p.xml").read_text()
    result = json.loads(run(path, "--json"))
    assert result["states"][0]["setting"] is None
    assert result["states"][0]["idle_w"]["value"] == pytest.approx(90, rel=0.02)


def test_the_command_on_a_curve_file(tmp_path: Path) -> None:
    header = "dataset,network,batch_size,optimizer,power_limit,time_per_epoch,average_power"
    path = str(file_of(tmp_path / "z.csv", header, ["d,n,1,s,200,10,180", "d,n,1,s,100,20,72"]))
    assert "d/n" in run(path)
    assert json.loads(run(path, "--json"))["name"] == "zeus-v100"
    run(path, "--class", "d/n", "--host-w", "50:250:50", "-o", str(tmp_path / "z.yaml"))
    [full, capped] = read_states(tmp_path / "z.yaml").states
    assert (full.full_w, capped.full_w, capped.speed_flops) == (250, 130, 0.5e9)
    assert capped.setting == "100 W"
    assert "--host-w" in refusal(path, "-o", str(tmp_path / "z.yaml"))
    assert "d/n" in refusal(path, "--class", "d/m")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-o", "x.txt"], ".yaml"),
        (["-o", "x.xml"], "go together"),
        (["--nodes", "2"], "go together"),
        (["--sleep", "1:1:1:1:1"], "--sleep"),
        (["--combine", "max"], "mean and sum"),
        (["--quantiles", "0.9:0.1"], "low < high"),
        (["--quantiles", "0.9"], "2 to 2"),
        (["--speed", "x"], "SETTING=SPEED"),
        (["--speed", "1=0"], "above 0"),
        (["--settle", "-1"], "from 0 on"),
        (["--host-w", "1:2"], "curve file"),
        (["--devices", "0"], "1 to 1024"),
        (["--power", "nothing"], "no such column"),
    ],
)
def test_the_command_refuses(tmp_path: Path, options: list[str], words: str) -> None:
    assert words in refusal(str(file_of(tmp_path / "s.csv", "power_w,load", ["1,0", "2,0.5", "3,1"])), *options)


def test_compressed_samples(tmp_path: Path) -> None:
    plain = synthetic(tmp_path / "s.csv", 1, n=100)
    packed = tmp_path / "s.csv.xz"
    packed.write_bytes(lzma.compress(plain.read_bytes()))
    assert read_samples(packed).sha256 == read_samples(plain).sha256
    packed.write_bytes(lzma.compress(plain.read_bytes())[:-40])
    with pytest.raises(InvalidInputError, match="damaged"):
        read_samples(packed)


def test_text_says_what_was_left_out(tmp_path: Path) -> None:
    path = file_of(tmp_path / "s.csv", "power_w,load", ["1,0", "2,0.5", "3,1", "[N/A],1", "4,N/A"])
    text = calibration_text(calibrate_power(read_samples(path)))
    assert "left out: 1 sample(s), no reading" in text
    assert "left out: 1 sample(s), no utilisation" in text
    assert not math.isnan(float(text.rpartition("R2 ")[2]))
