"""Readings of several devices of nodes: nothing counted twice, counters before power, parts that make the whole."""

from __future__ import annotations

import lzma
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import InvalidInputError, SurrogateError
from wattq.surrogates.energy import (
    JobWindow,
    PowerSeries,
    Readings,
    align,
    align_jobs,
    choose_devices,
    measured_nodes,
    node_balances,
    read_job_windows,
    read_labels,
    read_readings,
    windows_of_rows,
    write_labels_csv,
)
from wattq.surrogates.energy.windows import labels_of

NAN = math.nan


@pytest.mark.parametrize(
    ("devices", "used"),
    [
        ("package-0 package-1 core-0 uncore-1 dram-0 psys gpu0 gpu1", "package-0 package-1 dram-0 gpu0 gpu1"),
        ("psys core-0 uncore-0", "psys"),
        ("core-0 core-1", "core-0 core-1"),
        ("node package-0 gpu0", "node"),
        ("psu0 psu1 package-0", "psu0 psu1"),
        ("psu psu1", "psu"),
        ("power_meter-power1 gpu0", "power_meter-power1"),
        ("pmbus-pin1 pmbus-pin1#2 pmbus-pout1 gpu0", "pmbus-pin1 pmbus-pin1#2"),
        ("amd_energy-Esocket0 amd_energy-Ecore000", "amd_energy-Esocket0"),
        ("package-0 amd_energy-Esocket0", "package-0"),
        ("gpu0 gpu0-memory chassis", "gpu0"),
        ("N0 N1", "N0 N1"),
    ],
)
def test_devices_that_make_the_node(devices: str, used: str) -> None:
    chosen, left = choose_devices(devices.split())
    assert chosen == tuple(used.split())
    assert {*chosen, *left} == set(devices.split())


def test_a_chassis_is_no_node() -> None:
    with pytest.raises(SurrogateError, match="none of them is of one node"):
        choose_devices(["chassis1"])


def readings(rows: list[tuple[str, str, float, float, float]], meter: str = "rapl") -> Readings:
    node, device, time, power, energy = (list(column) for column in zip(*rows, strict=True))
    numbers = (np.array(column, dtype=np.float64) for column in (time, power, energy))
    return Readings(node, device, *numbers, [meter] * len(rows), "test")


def test_parts_add_up_and_cores_do_not() -> None:
    rows = []
    for t in range(0, 101, 10):
        rows += [("n", "package-0", t, 50.0, NAN), ("n", "core-0", t, 40.0, NAN), ("n", "gpu0", t, 200.0, NAN)]
    nodes, notes = measured_nodes(readings(rows))
    assert (nodes["n"].devices, nodes["n"].left_out) == (("package-0", "gpu0"), {"core-0": "inside its package"})
    assert nodes["n"].series.energy(np.array([0.0]), np.array([100.0])).tolist() == [25_000.0]
    assert (nodes["n"].meters, nodes["n"].counted, notes) == (("rapl",), False, ())


def test_counters_come_before_power() -> None:
    # Samples of power miss the burst that the counter saw: 100 W at both ends, 5,000 J within 10 s.
    rows = [("n", "gpu0", 0.0, 100.0, NAN), ("n", "gpu0", 10.0, 100.0, 5000.0), ("n", "gpu0", 20.0, 100.0, NAN)]
    nodes, _ = measured_nodes(readings(rows))
    found = nodes["n"].series.energy(np.array([0.0, 10.0]), np.array([10.0, 20.0]))
    assert found.tolist() == [5000.0, 1000.0]
    assert nodes["n"].counted


def test_one_meter_of_a_device_counts() -> None:
    by_power = readings([("n", "package-0", float(t), 70.0, NAN) for t in range(5)], "hwmon")
    by_counter = readings([("n", "package-0", float(t), NAN, 60.0) for t in range(5)])
    both = Readings(
        [*by_power.node, *by_counter.node],
        [*by_power.device, *by_counter.device],
        np.concatenate((by_power.time_s, by_counter.time_s)),
        np.concatenate((by_power.power_w, by_counter.power_w)),
        np.concatenate((by_power.energy_j, by_counter.energy_j)),
        [*by_power.meter, *by_counter.meter],
        "both",
    )
    nodes, _ = measured_nodes(both)
    assert nodes["n"].series.energy(np.array([0.0]), np.array([4.0])).tolist() == [240.0]


def test_a_node_is_measured_while_all_its_parts_are() -> None:
    first = PowerSeries.of_samples([0.0, 10.0, 20.0, 30.0], [10.0] * 4, gap_s=15.0)
    second = PowerSeries.of_samples([5.0, 15.0, 25.0, 60.0], [5.0] * 4, gap_s=15.0)
    both = PowerSeries.together([first, second])
    assert both.energy(np.array([0.0, 5.0]), np.array([60.0, 25.0])).tolist() == [300.0, 300.0]
    assert both.measured(np.array([0.0]), np.array([60.0])).tolist() == [20.0]
    assert both.gaps.tolist() == [[0.0, 5.0], [25.0, 60.0]]
    with pytest.raises(SurrogateError, match="no parts"):
        PowerSeries.together([])


def test_readings_without_a_value_are_passed_over() -> None:
    series = PowerSeries.of_readings([0.0, 1.0, 2.0], [100.0, NAN, 100.0], [NAN, NAN, NAN], gap_s=5.0)
    assert series.energy(np.array([0.0]), np.array([2.0])).tolist() == [200.0]
    with pytest.raises(SurrogateError, match="two or more"):
        PowerSeries.of_readings([0.0, 1.0], [100.0, NAN], [NAN, NAN], gap_s=5.0)
    with pytest.raises(SurrogateError, match="energy_j of sample 1"):
        PowerSeries.of_readings([0.0, 1.0], [100.0, NAN], [NAN, -1.0], gap_s=5.0)
    with pytest.raises(SurrogateError, match="hold"):
        PowerSeries.of_readings([0.0, 1.0], [1.0, 1.0], [NAN, NAN], hold="up", gap_s=5.0)


def test_square_wave_of_two_devices() -> None:
    """A node of 100 W and 300 W by turns of 30 s, half of it in each package: an hour's joules are met to 1 %."""
    time = np.arange(0.0, 3600.05, 0.1)
    power = np.where((time // 30.0) % 2 == 0, 50.0, 150.0)
    rows = [("n", f"package-{k}", float(t), float(w), NAN) for t, w in zip(time, power, strict=True) for k in (0, 1)]
    nodes, _ = measured_nodes(readings(rows))
    series = {name: node.series for name, node in nodes.items()}
    windows = [JobWindow("whole", 0.0, 3600.0, ("n",), 3.0), JobWindow("part", 15.0, 75.0, ("n",), 1.0)]
    found = align(series, windows)
    assert found.energy_j == pytest.approx([720_000.0 - 3000.0, 3000.0], rel=0.01)
    assert found.energy_j.sum() == pytest.approx(720_000.0, rel=0.01)
    assert found.coverage.tolist() == [1.0, 1.0]


@settings(deadline=None, max_examples=80)
@given(
    st.lists(
        st.tuples(st.floats(-20, 120), st.floats(0.1, 60), st.integers(1, 64), st.booleans()), min_size=0, max_size=8
    ),
    st.lists(st.floats(0.0, 500.0), min_size=3, max_size=15),
    st.sampled_from(["linear", "next", "last"]),
    st.floats(1.0, 60.0),
)
def test_jobs_and_the_idle_rest_make_the_node(
    spans: list[tuple[float, float, int, bool]], power: list[float], hold: str, gap_s: float
) -> None:
    """With gaps, overlaps, jobs beyond the samples and on several nodes: nothing is lost or counted twice."""
    time = np.cumsum(np.linspace(5.0, 15.0, len(power)))
    series = {
        name: PowerSeries.of_samples(time + shift, np.array(power) * (1.0 + shift), hold=hold, gap_s=gap_s)
        for name, shift in (("a", 0.0), ("b", 2.5))
    }
    jobs = [
        JobWindow(str(k), start, start + length, ("a", "b") if both else ("a",), cores)
        for k, (start, length, cores, both) in enumerate(spans)
    ]
    for balance in node_balances(series, jobs):
        whole = float(series[balance.node].energy_j[-1])
        assert balance.energy_j == whole
        assert balance.jobs_j + balance.idle_j == pytest.approx(whole, rel=1e-9, abs=1e-9)
        assert balance.jobs_j >= -1e-9
        assert balance.idle_j >= -1e-9
    if jobs:
        parts = align(series, jobs, least_coverage=1e-9).measured_j.sum()
        shared = sum(balance.jobs_j for balance in node_balances(series, jobs))
        assert parts == pytest.approx(shared, rel=1e-9, abs=1e-9)


def test_jobs_with_a_row_for_each_node() -> None:
    series = {name: PowerSeries.of_samples([0.0, 100.0], [100.0, 100.0], gap_s=1e3) for name in "ab"}
    windows = [JobWindow("1", 0.0, 100.0, ("a",), 4.0), JobWindow("1", 0.0, 100.0, ("b",), 1.0)]
    windows += [JobWindow("2", 0.0, 100.0, ("b",), 3.0)]
    found = align_jobs(series, windows, np.array([0, 0, 1]))
    assert (found.job_id, found.energy_j.tolist()) == (("1", "2"), [10_000.0 + 2500.0, 7500.0])
    assert (found.run_s.tolist(), found.power_w.tolist()) == ([100.0, 100.0], [62.5, 75.0])


OWN = "time,node_id,device,power_w,energy_j,meter\n" + "".join(
    f"{t},n{k},{device},{power},{'' if not t else 10 * power},rapl\n"
    for t in range(0, 101, 10)
    for k in (1, 2)
    for device, power in (("package-0", 60 * k), ("core-0", 50 * k), ("dram-0", 10))
)
ROWS = "job_id,start,end,node,cores,application\n1,0,100,n1,8,app\n2,0,50,n1,24,app\n2,0,50,n2,8,app\n"
SACCT = (
    "JobID|User|Partition|JobName|Start|End|NNodes|AllocCPUS|NodeList|TimelimitRaw\n"
    "7|u|p|a|b|1970-01-03T00:00:00|1970-01-03T00:01:00|2|16|n[1-2]|60\n"
    "7.batch|||batch|1970-01-03T00:00:00|1970-01-03T00:01:00|1|8|n1|\n"
    "8|u|p|c|1970-01-03T00:00:00|Unknown|1|8|n1|60\n"
    "9_1|v|p|d|1970-01-03T01:00:20+01:00|1970-01-03T00:00:40Z|1|24|n1|60\n"
    "10|v|p|d|Unknown|Unknown|1|0|None assigned|60\n"
)


def test_own_tables_and_rows_of_jobs(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(OWN)
    (tmp_path / "w.csv").write_text(ROWS)
    nodes, notes = measured_nodes(read_readings(tmp_path / "s.csv"))
    table = read_job_windows(tmp_path / "w.csv")
    found = align_jobs({name: node.series for name, node in nodes.items()}, table.windows, table.job)
    # n1: 70 W, of which job 2 has three quarters for 50 s; n2: 130 W, all of it for 50 s.
    assert found.energy_j.tolist() == pytest.approx([50 * 17.5 + 50 * 70.0, 50 * 52.5 + 50 * 130.0])
    labels = labels_of(table, found, "s.csv", "", notes)
    assert (labels.jobs.nodes.tolist(), labels.run_s.tolist()) == ([1.0, 2.0], [100.0, 50.0])
    again = read_labels(write_labels_csv(labels, tmp_path / "l.csv", {"coverage": ["1", "1"]}))
    assert (again.job_id, again.energy_j.tolist()) == (("1", "2"), labels.energy_j.tolist())
    assert (tmp_path / "l.csv").read_text().splitlines()[0].endswith("queue,coverage")


def test_the_same_as_parquet(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import csv, parquet

    (tmp_path / "s.csv").write_text(OWN)
    parquet.write_table(csv.read_csv(tmp_path / "s.csv"), tmp_path / "s.parquet")
    of_csv, of_parquet = (measured_nodes(read_readings(tmp_path / name))[0] for name in ("s.csv", "s.parquet"))
    for name, node in of_csv.items():
        assert of_parquet[name].series.energy_j.tolist() == node.series.energy_j.tolist()
    parquet.write_table(arrow.table({"x": [1]}), tmp_path / "s.parquet")
    with pytest.raises(InvalidInputError, match="no column 'time'"):
        read_readings(tmp_path / "s.parquet")
    (tmp_path / "s.parquet").write_bytes(b"PAR1" + b"x" * 100)
    with pytest.raises(SurrogateError, match="damaged Parquet"):
        read_readings(tmp_path / "s.parquet")


def test_windows_of_sacct(tmp_path: Path) -> None:
    (tmp_path / "sacct.txt").write_text(SACCT)
    table = read_job_windows(tmp_path / "sacct.txt")
    assert table.windows == (
        JobWindow("7", 172_800.0, 172_860.0, ("n1", "n2"), 8.0),
        JobWindow("9_1", 172_820.0, 172_840.0, ("n1",), 24.0),
    )
    assert table.jobs.user.tolist() == ["u", "v"]
    assert table.jobs.application.tolist() == ["a|b", "d"]
    assert table.jobs.request_s.tolist() == [3600.0, 3600.0]
    assert table.notes[0] == "left out: 2 jobs that did not end, or never ran"
    assert "read as UTC" in table.notes[1]
    moved = read_job_windows(tmp_path / "sacct.txt", time_zone="Europe/Berlin")
    assert [window.start_s for window in moved.windows] == [169_200.0, 172_820.0]
    with pytest.raises(SurrogateError, match="time zone 'Nowhere'"):
        read_job_windows(tmp_path / "sacct.txt", time_zone="Nowhere")
    (tmp_path / "sacct.txt").write_text("JobID|Start|End|NodeList\n1|Unknown|Unknown|None assigned\n")
    with pytest.raises(SurrogateError, match="no job with a start"):
        read_job_windows(tmp_path / "sacct.txt")


def test_windows_of_stored_rows() -> None:
    rows = [
        {"job_id": "1", "time": 10.0, "end_time": 20.0, "node_id": "n[1-2]", "cpu_cores": 8, "user_id": "u"},
        {"job_id": "2", "time": 10.0, "duration_seconds": 5.0, "node_id": "n1", "job_name": "x"},
        {"job_id": "3", "time": 10.0, "node_id": "n1"},
        {"job_id": "4", "time": 10.0, "end_time": 20.0},
        {"job_id": "5", "time": 10.0, "end_time": 20.0, "node_id": "n[2-1]"},
    ]
    table = windows_of_rows(rows, "store")
    assert table.windows == (JobWindow("1", 10.0, 20.0, ("n1", "n2"), 4.0), JobWindow("2", 10.0, 15.0, ("n1",), 1.0))
    assert table.notes == (
        "left out: 1 jobs that have not ended, 2 jobs without a node, or with a list of nodes that cannot be read",
    )
    with pytest.raises(SurrogateError, match="no finished jobs with nodes among 1"):
        windows_of_rows(rows[2:3], "store")


def test_modelled_power_makes_no_label(tmp_path: Path) -> None:
    mixed = OWN + "200,n9,node,100,,model\n210,n9,node,100,,model\n"
    (tmp_path / "s.csv").write_text(mixed)
    found = read_readings(tmp_path / "s.csv")
    assert "n9" not in found.node
    assert found.notes == (f"{tmp_path / 's.csv'}: 2 rows left out: their power was modelled, not measured",)
    (tmp_path / "s.csv").write_text(OWN.replace(",rapl", ",model"))
    with pytest.raises(SurrogateError, match="no measured power among 66 rows"):
        read_readings(tmp_path / "s.csv")


def test_files_of_other_loggers(tmp_path: Path) -> None:
    (tmp_path / "gpu.csv").write_text("timestamp,index,power.draw [W]\n0,0,100 W\n0,1,50 W\n10,0,100 W\n10,1,50 W\n")
    one, _ = measured_nodes(read_readings(tmp_path / "gpu.csv", node="n1"))
    assert one["n1"].series.energy_j.tolist() == [0.0, 1500.0]
    each, _ = measured_nodes(read_readings(tmp_path / "gpu.csv"))
    assert sorted(each) == ["0", "1"]
    (tmp_path / "count.csv").write_text("time_s,node,energy_j\n0,a,0\n10,a,900\n20,a,1000\n")
    counted, _ = measured_nodes(read_readings(tmp_path / "count.csv"))
    assert (counted["a"].counted, counted["a"].series.energy_j.tolist()) == (True, [0.0, 100.0])
    with pytest.raises(SurrogateError, match="names its nodes itself"):
        read_readings(tmp_path / "count.csv", node="n1")
    (tmp_path / "two.csv").write_text("timestamp,node,index,power.draw\n0,a,0,1\n1,a,0,1\n")
    with pytest.raises(SurrogateError, match="rename the columns"):
        read_readings(tmp_path / "two.csv")


def test_real_counters_of_two_sockets(shared_dir: Path) -> None:
    """RAPL of two sockets: packages and memory of both make the node, as the file's own joules do."""
    path = shared_dir / "data" / "power" / "rapl_broadwell_matmul.csv.xz"
    nodes, _ = measured_nodes(read_readings(path, node="n1"))
    with lzma.open(path, "rt") as file:
        rows = [line.split(",") for line in file if line[:1].isdigit()]
    begin, end = nodes["n1"].series.time_s[[0, -1]]
    joules = sum(float(row[4]) for row in rows if begin < float(row[0]) <= end)
    assert nodes["n1"].series.energy_j[-1] == pytest.approx(joules, rel=0.01)


def test_logs_of_the_loggers_count_on(tmp_path: Path) -> None:
    """Their column energy_counter_j grows; energy_j of a table of the store is the energy since the row before."""
    gpus = "0,0,100,5000\n0,1,10,\n10,0,100,6500\n10,1,10,\n20,0,100,100\n20,1,10,\n"
    (tmp_path / "nvml.csv").write_text("ts,gpu_index,power_w,energy_counter_j\n" + gpus)
    nodes, _ = measured_nodes(read_readings(tmp_path / "nvml.csv", node="n1"))
    # GPU 0: 1,500 J counted, then a counter that began again, so that its power counts; GPU 1: 10 W.
    assert nodes["n1"].series.energy_j.tolist() == [0.0, 1600.0, 2700.0]
    assert nodes["n1"].devices == ("gpu0", "gpu1")
    (tmp_path / "rapl.csv").write_text(
        "ts,power_w,energy_counter_j,package-0_w,package-0_j\n0,,1,,1\n10,50,501,50,501\n"
    )
    nodes, _ = measured_nodes(read_readings(tmp_path / "rapl.csv", node="n1"))
    assert (nodes["n1"].devices, nodes["n1"].series.energy_j.tolist()) == (("rapl",), [0.0, 500.0])
    log = "ts,node,power_w,power_meter,energy_counter_j,modelled_w\n0,n7,80,ipmi,,\n10,n7,,,,90\n20,n7,100,ipmi,,\n"
    (tmp_path / "node.csv").write_text(log)
    nodes, _ = measured_nodes(read_readings(tmp_path / "node.csv"))
    assert (nodes["n7"].meters, nodes["n7"].series.energy_j.tolist()) == (("ipmi",), [0.0, 1800.0])


@pytest.mark.parametrize(
    "text",
    [
        "ts,gpu_index,power_w,energy_counter_j\n0,00,1.1,0.1\n1,00,2.2,0.3\n2,01,3,\n",
        "time,node_id,power_w,meter\n0,007,1,ipmi\n1,007,,ipmi\n2, n2 ,2,model\n",
        "TS,Node,power_w,power_meter\n1794873600.123456,n1,7,rapl\n1794873601.123456,n1,8,rapl\n",
    ],
)
def test_plain_tables_are_read_quickly_and_the_same(tmp_path: Path, text: str) -> None:
    """A quoted cell anywhere makes each cell be read by itself; the readings are the same."""
    (tmp_path / "quick.csv").write_text(text)
    head, _, rest = text.partition("\n")
    first, _, others = head.partition(",")
    (tmp_path / "close.csv").write_text(f'{first},{others},"note"\n' + "".join(f"{line},x\n" for line in rest.split()))
    if " " not in rest:
        assert fields_of(read_readings(tmp_path / "quick.csv")) == fields_of(read_readings(tmp_path / "close.csv"))
    else:
        assert read_readings(tmp_path / "quick.csv").node == ["007", "007"]


def fields_of(found: Readings) -> list[object]:
    numbers = [np.nan_to_num(column, nan=-1.0).tolist() for column in (found.time_s, found.power_w, found.energy_j)]
    return [list(found.node), list(found.device), list(found.meter), *numbers]


@pytest.mark.parametrize(
    ("row", "rule"),
    [("2,n1,x,rapl", "column 'power_w' is 'x'"), ("2,n1,5", "3 cells"), ("2,n1,-5,rapl", "column 'power_w' is '-5'")],
)
def test_rows_that_break_the_rule_are_named(tmp_path: Path, row: str, rule: str) -> None:
    (tmp_path / "s.csv").write_text(f"time,node_id,power_w,meter\n0,n1,1,rapl\n{row}\n")
    with pytest.raises(InvalidInputError, match=rf"line 3.*{rule}"):
        read_readings(tmp_path / "s.csv")


def test_where_the_meter_changes_another_count_begins(tmp_path: Path) -> None:
    log = "ts,node,power_w,power_meter,energy_counter_j\n0,n,50,rapl,100\n10,n,50,rapl,600\n20,n,80,ipmi+rapl,90000\n"
    (tmp_path / "node.csv").write_text(log + "30,n,50,rapl,1600\n")
    nodes, _ = measured_nodes(read_readings(tmp_path / "node.csv"))
    assert (nodes["n"].meters, nodes["n"].series.energy_j.tolist()) == (("ipmi+rapl", "rapl"), [0.0, 500.0, 1500.0])
