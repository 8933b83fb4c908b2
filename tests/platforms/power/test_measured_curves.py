from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from wattq.errors import InvalidInputError, MissingFileError, PlatformError
from wattq.platforms import cap_states, load_platform, measured_curves, runtime_ratio, sensitivity
from wattq.platforms.measured import (
    CurvePoint,
    MeasuredCurves,
    PowerCurve,
    curves_csv,
    curves_text,
    is_curve_file,
    parse_curves,
    read_archer2,
    read_curves,
    read_zeus,
)

ARCHER2 = "archer2_step_energy_castep_lammps_hpl.csv"
ZEUS = "zeus_summary_power_v100.csv"
HEAD = "app,job_step,nodes,req_cpu_freq,elapsed_s,consumed_energy_j\n"
CAPS = "dataset,network,batch_size,optimizer,power_limit,time_per_epoch,average_power\n"


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("name", "file"), [("archer2", ARCHER2), ("zeus-v100", ZEUS)])
def test_shipped_numbers_are_those_of_the_files(shared_dir: Path, name: str, file: str) -> None:
    path = shared_dir / "data" / "power" / file
    assert is_curve_file(path)
    fresh = read_curves(path)
    shipped = measured_curves()[name]
    # The table says six digits.
    assert curves_csv([shipped]) == curves_csv([fresh])
    assert fresh.sha256 == shipped.sha256


def test_archer2_by_hand(shared_dir: Path) -> None:
    """Means of the three HPL steps, and the paired ratios of CASTEP, from the file's own digits."""
    curves = read_archer2(shared_dir / "data" / "power" / ARCHER2).curves
    hpl = curves["HPL"].points[1]
    assert hpl.speed == pytest.approx((3859 + 3823 + 3843) / (5138 + 5105 + 5133), rel=1e-12)
    fast = np.mean([1916415 / 3859, 2009130 / 3823, 1983080 / 3843])
    slow = np.mean([1804853 / 5138, 1779660 / 5105, 1915643 / 5133])
    assert hpl.power == pytest.approx(slow / fast, rel=1e-12)
    assert curves["HPL"].full_w == pytest.approx(fast)
    pairs = np.array([181 / 164, 184 / 180, 186 / 168, 184 / 169, 185 / 172])
    castep = curves["CASTEP/al3x3"].points[1]
    assert castep.speed == pytest.approx(1 / pairs.mean(), rel=1e-12)
    assert castep.speed_error == pytest.approx(pairs.std(ddof=1) / math.sqrt(5) / pairs.mean() ** 2, rel=1e-12)
    # CASTEP/DNA ran on 96 nodes; its joules scatter by a sixth, and the error says so.
    assert 220 < curves["CASTEP/DNA"].full_w < 260
    assert curves["CASTEP/DNA"].points[1].power_error > 0.1


def test_sensitivities() -> None:
    archer2, zeus = measured_curves()["archer2"], measured_curves()["zeus-v100"]
    assert archer2.reference_class == "LAMMPS/ethanol_long"
    assert zeus.reference_class == "squad/bert_base_uncased"
    for source in (archer2, zeus):
        assert source.curves[source.reference_class].beta == 1.0
        assert all(0 <= curve.beta <= 1 for curve in source.curves.values())
    # A memory-bound code feels the clock least, a recommender the cap not at all.
    assert archer2.curves["CASTEP/al3x3"].beta < 0.3 < archer2.curves["HPL"].beta
    assert zeus.curves["movielens-1m/ncf"].beta == 0.0
    bert, resnet = zeus.curves["squad/bert_base_uncased"], zeus.curves["imagenet/resnet50"]
    for own, reference in zip(resnet.points, bert.points, strict=True):
        assert runtime_ratio(resnet.beta, reference.speed) == pytest.approx(1 / own.speed, abs=0.045)


def test_study_presets_follow_the_table() -> None:
    gpu, cpu = load_platform("kth-sp2-dvfs"), load_platform("kth-sp2-dvfs-cpu")
    caps = {point.setting: point for point in measured_curves()["zeus-v100"].curves["all"].points}
    for state, cap in ((2, 150.0), (3, 125.0)):
        assert gpu.speed_flops[0, state] / 1e9 == pytest.approx(caps[cap].speed, abs=0.005)
        assert gpu.full_w[0, state] / 200 == pytest.approx(caps[cap].power, abs=0.005)
    clocks = measured_curves()["archer2"].curves
    castep = clocks["CASTEP/al3x3"].points[1]
    bound = [clocks[name].points[1] for name in ("HPL", "LAMMPS/ethanol", "LAMMPS/ethanol_long")]
    assert cpu.speed_flops[0, 1] / 1e9 == pytest.approx(castep.speed, abs=0.005)
    assert cpu.full_w[0, 1] / 200 == pytest.approx(castep.power, abs=0.005)
    assert cpu.speed_flops[0, 2] / 1e9 == pytest.approx(np.mean([point.speed for point in bound]), abs=0.005)
    assert cpu.full_w[0, 2] / 200 == pytest.approx(np.mean([point.power for point in bound]), abs=0.005)


def test_parents_batch_and_extern_do_not_count(tmp_path: Path) -> None:
    rows = [
        "a,1,2,Unknown,99,900",
        "a,1.bat+,1,0,99,400",
        "a,1.ext+,2,0,99,900",
        "a,1.0,2,2.25G,10,1000",
        "a,1.1,2,2G,12.5,1000",
        "a,1.2,2,1.5G,20,1000",
        "a,1.3,2,2G,0,1000",
        "a,1.4,2,2G,12,",
        "b,2.0,2,2G,12,1000",
    ]
    measured = read_archer2(written(tmp_path / "a.csv", HEAD + "\n".join(rows) + "\n"))
    [reference, slow] = measured.curves["a"].points
    assert (reference.speed, reference.power) == (1.0, 1.0)
    assert (slow.speed, slow.power) == (0.8, 0.8)
    assert math.isnan(slow.speed_error)
    assert measured.curves["a"].full_w == 50.0
    assert set(measured.curves) == {"a", "all"}
    assert "left out: 3 parent, batch and extern rows" in measured.notes
    assert "left out: 1 steps without energy" in measured.notes
    assert any("one frequency only" in note for note in measured.notes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no column"),
        ("a,b\n1,2\n", "no column app"),
        (HEAD + "a,1.0,1,2G,x,5\n", "line 2: elapsed_s 'x'"),
        (HEAD + "a,1.0,1,2G,5,inf\n", "consumed_energy_j 'inf'"),
        (HEAD + "a,1.0,0,2G,5,5\n", "from 1 on"),
        (HEAD + "a,1.0,1,2G,5\n", "5 cells, but 6 columns"),
        (HEAD + "a,1.0,1,2G,5,5\n", "both 2.0 and 2.25"),
        (HEAD + 'a,"1.0,1,2G,5,5\n', "not CSV"),
    ],
)
def test_bad_step_files(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        read_archer2(written(tmp_path / "a.csv", text))


def test_caps_by_hand(tmp_path: Path) -> None:
    rows = ["d,n,1,sgd,200,10,180", "d,n,1,sgd,100,20,90", "d,n,2,sgd,200,10,200", "d,n,2,sgd,100,15,100"]
    measured = read_zeus(written(tmp_path / "z.csv", CAPS + "\n".join([*rows, "d,n,3,sgd,100,15,100"]) + "\n"))
    curve = measured.curves["d/n"]
    assert [point.setting for point in curve.points] == [200.0, 100.0]
    # times 2 and 1.5, energies 1 and 0.75
    assert curve.points[1].speed == pytest.approx(1 / 1.75)
    assert curve.points[1].power == pytest.approx(0.875 / 1.75)
    assert curve.full_w == 190.0
    assert "left out: 1 runs that lack a cap" in measured.notes


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["d,n,1,s,200,10,180"], "at least two"),
        (["d,n,1,s,200,10,180", "d,n,1,s,200,10,180"], "twice"),
        (["d,n,1,s,200,0,180"], "above 0"),
        (["d,n,1,s,200,10,180", "d,n,2,s,100,10,90"], "each cap"),
        (["d,n,1,s,200,10,N/A"], "average_power 'N/A'"),
    ],
)
def test_bad_cap_files(tmp_path: Path, rows: list[str], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        read_zeus(written(tmp_path / "z.csv", CAPS + "\n".join(rows) + "\n"))


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="cannot read"):
        read_curves(tmp_path / "absent.csv")
    with pytest.raises(InvalidInputError, match="not a curve file"):
        read_curves(written(tmp_path / "x.csv", "a,b\n"))
    (tmp_path / "b.xz").write_bytes(b"\xfd7zXZ\x00broken")
    with pytest.raises(InvalidInputError, match="damaged"):
        read_curves(tmp_path / "b.xz")
    (tmp_path / "b.gz").write_bytes(b"\x1f\x8bbroken")
    with pytest.raises(InvalidInputError, match="damaged"):
        read_curves(tmp_path / "b.gz")


def test_the_table_reads_back() -> None:
    sources = measured_curves()
    assert {name: source.curves for name, source in parse_curves(curves_csv(sources.values())).items()} == {
        name: source.curves for name, source in sources.items()
    }
    with pytest.raises(InvalidInputError, match="damaged"):
        parse_curves("# source: x\nnothing\n")
    text = curves_text(sources["archer2"])
    assert "HPL" in text
    assert sources["archer2"].sha256 in text


CURVE = PowerCurve(
    "x",
    "W",
    100.0,
    (
        CurvePoint(200, 1, 1.0, 0.0, 1.0, 0.0),
        CurvePoint(150, 1, 0.9, 0.0, 0.7, 0.0),
        CurvePoint(120, 1, 0.91, 0.0, 0.6, 0.0),
        CurvePoint(100, 1, 0.8, 0.0, 0.5, 0.0),
    ),
    1.0,
    0.0,
)


def test_states_after_a_curve() -> None:
    states = cap_states(CURVE, idle_w=60.0, full_w=200.0, fixed_w=40.0)
    assert [state.speed_flops for state in states] == [1e9, 0.9e9, 0.8e9]
    assert [state.full_w for state in states] == [200.0, pytest.approx(152.0), 120.0]
    assert [state.idle_w for state in states] == [60.0] * 3
    # idle power never exceeds what the state draws under load
    assert cap_states(CURVE, idle_w=150.0, full_w=200.0)[-1].idle_w == 100.0
    for numbers in ({"idle_w": -1.0}, {"idle_w": 300.0}, {"idle_w": 1.0, "fixed_w": 300.0}):
        with pytest.raises(PlatformError, match="from 0 to full"):
            cap_states(CURVE, full_w=200.0, **numbers)


def test_energy_has_a_minimum_over_the_caps() -> None:
    energy = [point.energy for point in measured_curves()["zeus-v100"].curves["all"].points]
    best = int(np.argmin(energy))
    assert 0 < best < len(energy) - 1
    assert measured_curves()["zeus-v100"].curves["all"].points[best].setting == 125.0


def test_sensitivity_is_recovered() -> None:
    speeds = np.array([0.9, 0.7, 0.5])
    for beta in (0.0, 0.3, 1.0):
        assert sensitivity(np.asarray(runtime_ratio(beta, speeds)), speeds) == pytest.approx(beta, abs=1e-12)
    assert sensitivity(np.array([0.9]), np.array([0.5])) == 0.0
    for times, slow in (([1.0], [1.0]), ([math.nan], [0.5]), ([1.0], [0.0])):
        with pytest.raises(PlatformError, match="sensitivity"):
            sensitivity(np.array(times), np.array(slow))


def test_curves_of_one_class_are_whole() -> None:
    for source in measured_curves().values():
        assert isinstance(source, MeasuredCurves)
        assert "all" in source.curves
        assert all(curve.points[0].speed == curve.points[0].power == 1.0 for curve in source.curves.values())
