"""Load of a node: rates are steps over time, devices are counted once."""

from __future__ import annotations

from typing import Any

import pytest

from wattq.errors import MissingDependencyError
from wattq.telemetry.meters import CpuShare, Flow, NodeMeter


def test_first_reading_has_no_rates(sysfs: Any, fake_psutil: Any) -> None:
    reading = NodeMeter(sysfs.root, module=fake_psutil).read(100.0)
    assert reading.cpu_utilization is None
    assert (reading.memory_utilization, reading.memory_used_bytes) == (0.25, 250.0)
    assert (reading.load1, reading.load5, reading.load15) == (1.5, 1.25, 1.0)
    assert reading.network == {"eth0": Flow(1000, 500)}
    assert reading.disks == {"sda": Flow(4096, 8192)}
    assert reading.filesystems == {"/": 0.4, "/scratch": 0.9}


def test_rates_are_steps_over_the_interval(sysfs: Any, fake_psutil: Any) -> None:
    meter = NodeMeter(sysfs.root, module=fake_psutil)
    meter.read(100.0)
    fake_psutil.busy_s += 15.0
    fake_psutil.idle_s += 45.0
    fake_psutil.network["eth0"] = (31_000, 60_500)
    fake_psutil.disks["sda"] = (4096 + 300, 8192 + 3000)
    reading = meter.read(130.0)
    assert reading.cpu_utilization == pytest.approx(0.25)
    assert reading.network["eth0"] == Flow(31_000, 60_500, 1000.0, 2000.0)
    assert reading.network_total() == Flow(31_000, 60_500, 1000.0, 2000.0)
    assert reading.disk_total() == Flow(4396, 11_192, 10.0, 100.0)


def test_counters_that_start_again_give_no_rate(sysfs: Any, fake_psutil: Any) -> None:
    meter = NodeMeter(sysfs.root, module=fake_psutil)
    meter.read(0.0)
    fake_psutil.network["eth0"] = (10, 600)
    reading = meter.read(10.0)
    assert reading.network["eth0"] == Flow(10, 600)
    assert reading.network_total() == Flow(10, 600)


def test_a_device_that_is_new_has_no_rate_yet(sysfs: Any, fake_psutil: Any) -> None:
    meter = NodeMeter(sysfs.root, module=fake_psutil)
    meter.read(0.0)
    sysfs.write("class/net/ib0/device/vendor", "0x15b3")
    fake_psutil.network["ib0"] = (7, 7)
    reading = meter.read(1.0)
    assert reading.network["ib0"] == Flow(7, 7)
    assert reading.network_total() == Flow(1007, 507, 0.0, 0.0)


def test_virtual_interfaces_count_where_there_is_no_other(sysfs: Any, fake_psutil: Any) -> None:
    fake_psutil.network = {"lo": (1, 1), "veth0": (2, 3)}
    assert NodeMeter(sysfs.root, module=fake_psutil).read(0.0).network == {"veth0": Flow(2, 3)}


def test_a_node_without_disks_and_interfaces(sysfs: Any, fake_psutil: Any) -> None:
    fake_psutil.network, fake_psutil.disks, fake_psutil.mounts = {"lo": (1, 1)}, {}, {"/": 10.0}
    reading = NodeMeter(sysfs.root, module=fake_psutil).read(0.0)
    assert reading.network_total() is None
    assert reading.disk_total() is None


def test_file_systems_are_looked_at_once_a_second(sysfs: Any, fake_psutil: Any) -> None:
    meter = NodeMeter(sysfs.root, module=fake_psutil)
    meter.read(0.0)
    fake_psutil.mounts["/"] = 50.0
    assert meter.read(0.9).filesystems["/"] == 0.4
    assert meter.read(1.0).filesystems["/"] == 0.5


def test_a_mount_that_fails_is_absent(sysfs: Any, fake_psutil: Any) -> None:
    usage = fake_psutil.disk_usage

    def fail(mount: str) -> Any:
        if mount == "/scratch":
            raise OSError(5, "Input/output error")
        return usage(mount)

    fake_psutil.disk_usage = fail
    assert NodeMeter(sysfs.root, module=fake_psutil).read(0.0).filesystems == {"/": 0.4}


def test_a_clock_that_stands_still_gives_no_rates(sysfs: Any, fake_psutil: Any) -> None:
    meter = NodeMeter(sysfs.root, module=fake_psutil)
    meter.read(5.0)
    reading = meter.read(5.0)
    assert reading.cpu_utilization is None
    assert reading.network["eth0"].in_bytes_s is None


def test_the_real_library() -> None:
    pytest.importorskip("psutil")
    meter = NodeMeter()
    first, second = meter.read(0.0), meter.read(1.0)
    assert first.memory_utilization is not None
    assert 0.0 < first.memory_utilization < 1.0
    assert second.cpu_utilization is None or 0.0 <= second.cpu_utilization <= 1.0
    assert "/" in second.filesystems


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psutil", None)
    with pytest.raises(MissingDependencyError, match=r"needs psutil.*wattq\[telemetry\]"):
        CpuShare()
