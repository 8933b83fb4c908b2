"""RAPL: domains, wrap-around, sums without counting twice, permission."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import TelemetryError
from wattq.surrogates.energy import PowerSeries
from wattq.telemetry.meters import MeterError, RaplMeter, total_energy_j, total_power_w

RANGE_UJ = 262_143_328_850


def two_sockets(sysfs: Any) -> dict[str, Path]:
    """Write the zones of two sockets with memory and cores, psys, and the second interface to package 0."""
    files = {}
    for zone, name in (
        ("intel-rapl:0", "package-0"),
        ("intel-rapl:0:0", "core"),
        ("intel-rapl:0:1", "dram"),
        ("intel-rapl:1", "package-1"),
        ("intel-rapl:1:0", "core"),
        ("intel-rapl:1:1", "dram"),
        ("intel-rapl:2", "psys"),
        ("intel-rapl-mmio:0", "package-0"),
    ):
        files[zone] = sysfs.rapl(zone, name, 1_000_000)
    return files


def test_named_domains(sysfs: Any) -> None:
    two_sockets(sysfs)
    meter = RaplMeter(sysfs.root)
    names = ("package-0", "core-0", "dram-0", "package-1", "core-1", "dram-1", "psys")
    assert meter.devices() == names
    assert [reading.device for reading in meter.read(0.0) if reading.adds] == [
        "package-0",
        "dram-0",
        "package-1",
        "dram-1",
    ]
    meter.close()


def test_parts_are_not_counted_twice(sysfs: Any) -> None:
    files = two_sockets(sysfs)
    meter = RaplMeter(sysfs.root)
    meter.read(0.0)
    watts = {"intel-rapl:0": 100, "intel-rapl:0:0": 70, "intel-rapl:0:1": 20, "intel-rapl:1": 50}
    for zone, power in watts.items():
        files[zone].write_text(f"{1_000_000 + 2_000_000 * power}\n", encoding="utf-8")
    files["intel-rapl:2"].write_text("999000000\n", encoding="utf-8")
    readings = meter.read(2.0)
    assert {r.device: r.power_w for r in readings if r.power_w} == {
        "package-0": 100.0,
        "core-0": 70.0,
        "dram-0": 20.0,
        "package-1": 50.0,
        "psys": 499.0,
    }
    assert total_power_w(readings) == 170.0
    assert total_energy_j(readings) == pytest.approx(4.0 + 340.0)


def test_first_reading_has_no_power(sysfs: Any) -> None:
    sysfs.rapl("intel-rapl:0", "package-0", 5_000_000)
    (reading,) = RaplMeter(sysfs.root).read(10.0)
    assert reading.power_w is None
    assert reading.energy_j == 5.0


def test_parts_below_their_package_alone(sysfs: Any) -> None:
    sysfs.rapl("intel-rapl:0", "package-0", 0)
    sysfs.rapl("intel-rapl:0/intel-rapl:0:0", "dram", 0)
    assert RaplMeter(sysfs.root).devices() == ("package-0", "dram-0")


def test_dies_have_their_own_names(sysfs: Any) -> None:
    sysfs.rapl("intel-rapl:0", "package-0-die-1", 0)
    sysfs.rapl("intel-rapl:0:0", "dram", 0)
    assert RaplMeter(sysfs.root).devices() == ("package-0-die-1", "dram-0-die-1")


def test_a_wrap_gives_the_power_within_a_percent(sysfs: Any) -> None:
    """100 W for an hour, read every 30 s, goes round once."""
    file = sysfs.rapl("intel-rapl:0", "package-0", RANGE_UJ - 150_000_000_000)
    meter = RaplMeter(sysfs.root)
    times, energies = [], []
    for k in range(121):
        raw = (RANGE_UJ - 150_000_000_000 + 3_000_000_000 * k) % RANGE_UJ
        file.write_text(f"{raw}\n", encoding="utf-8")
        (reading,) = meter.read(30.0 * k)
        assert k == 0 or reading.power_w == pytest.approx(100.0, rel=1e-9)
        times.append(30.0 * k)
        energies.append(reading.energy_j)
    assert np.all(np.diff(energies) > 0)
    series = PowerSeries.of_counter(times, energies, gap_s=60.0)
    assert series.energy(np.array([0.0]), np.array([3600.0]))[0] == pytest.approx(360_000.0, rel=1e-6)


@settings(deadline=None, max_examples=50)
@given(start=st.integers(0, RANGE_UJ - 1), watts=st.lists(st.integers(0, 800), min_size=1, max_size=20))
def test_any_power_is_recovered_over_wraps(
    start: int, watts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("tree") / "sys" / "class" / "powercap" / "intel-rapl:0"
    folder.mkdir(parents=True)
    for name, content in (("name", "package-0"), ("max_energy_range_uj", RANGE_UJ), ("energy_uj", start)):
        (folder / name).write_text(f"{content}\n", encoding="utf-8")
    meter = RaplMeter(folder.parents[3])
    meter.read(0.0)
    raw = start
    for k, power in enumerate(watts, 1):
        raw = (raw + power * 100_000_000) % RANGE_UJ
        (folder / "energy_uj").write_text(f"{raw}\n", encoding="utf-8")
        (reading,) = meter.read(100.0 * k)
        assert reading.power_w == pytest.approx(power, abs=1e-6)
    assert reading.energy_j == pytest.approx(start * 1e-6 + 100.0 * sum(watts), rel=1e-9)
    meter.close()


def test_a_gap_in_which_the_counter_may_go_round_twice_is_not_guessed(sysfs: Any) -> None:
    file = sysfs.rapl("intel-rapl:0", "package-0", 1_000_000)
    meter = RaplMeter(sysfs.root)
    assert meter.longest_s == pytest.approx(262.143, abs=1e-3)
    meter.read(0.0)
    file.write_text("2000000\n", encoding="utf-8")
    (lost,) = meter.read(263.0)
    assert (lost.power_w, lost.energy_j) == (None, None)
    file.write_text("102000000\n", encoding="utf-8")
    (again,) = meter.read(264.0)
    assert (again.power_w, again.energy_j) == (100.0, 101.0)


@pytest.mark.parametrize("content", ["", "nonsense", "-", "1e5", "9" * 4000])
def test_what_is_no_number_is_no_reading(sysfs: Any, content: str) -> None:
    file = sysfs.rapl("intel-rapl:0", "package-0", 1_000_000)
    meter = RaplMeter(sysfs.root)
    meter.read(0.0)
    file.write_text(content, encoding="utf-8")
    (reading,) = meter.read(1.0)
    assert (reading.power_w, reading.energy_j) == (None, None)
    file.write_text("3000000\n", encoding="utf-8")
    assert meter.read(2.0)[0].power_w is None
    file.write_text("13000000\n", encoding="utf-8")
    assert meter.read(3.0)[0].power_w == 10.0


def test_readings_at_nearly_one_date_repeat_the_last(sysfs: Any) -> None:
    file = sysfs.rapl("intel-rapl:0", "package-0", 0)
    meter = RaplMeter(sysfs.root)
    meter.read(0.0)
    file.write_text("5000000\n", encoding="utf-8")
    first = meter.read(1.0)
    file.write_text("6000000\n", encoding="utf-8")
    assert meter.read(1.001) == first


def test_a_clock_that_goes_back_costs_one_reading(sysfs: Any) -> None:
    file = sysfs.rapl("intel-rapl:0", "package-0", 0)
    meter = RaplMeter(sysfs.root)
    meter.read(100.0)
    file.write_text("5000000\n", encoding="utf-8")
    assert meter.read(50.0)[0].power_w is None
    file.write_text("15000000\n", encoding="utf-8")
    assert meter.read(51.0)[0].power_w == 10.0


def test_without_a_range_a_step_back_is_unknown(sysfs: Any) -> None:
    file = sysfs.rapl("intel-rapl:0", "package-0", 9_000_000, range_uj=0)
    meter = RaplMeter(sysfs.root)
    assert meter.ranges_j() == {"package-0": None}
    meter.read(0.0)
    file.write_text("1000000\n", encoding="utf-8")
    assert meter.read(1.0)[0].power_w is None


def test_some_devices_alone(sysfs: Any) -> None:
    two_sockets(sysfs)
    assert RaplMeter(sysfs.root, ["dram-1", "package-0"]).devices() == ("package-0", "dram-1")
    with pytest.raises(TelemetryError, match=r"no device package-7 below .*; there are core-0, core-1, dram-0"):
        RaplMeter(sysfs.root, ["package-7"])


def test_a_machine_without_rapl(sysfs: Any) -> None:
    with pytest.raises(MeterError, match=r"no intel-rapl zones below .*; virtual machines mostly have none"):
        RaplMeter(sysfs.root)


def test_counters_for_root_alone(sysfs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sysfs.rapl("intel-rapl:0", "package-0", 0)
    opened = os.open

    def refuse(path: Any, *args: Any, **named: Any) -> int:
        if str(path).endswith("energy_uj"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, *args, **named)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(MeterError, match="not for this user: since the PLATYPUS attack") as caught:
        RaplMeter(sysfs.root)
    assert caught.value.exit_code == 1


def test_a_zone_without_its_counter(sysfs: Any) -> None:
    sysfs.write("class/powercap/intel-rapl:0/name", "package-0")
    with pytest.raises(MeterError, match="energy_uj cannot be read"):
        RaplMeter(sysfs.root)
