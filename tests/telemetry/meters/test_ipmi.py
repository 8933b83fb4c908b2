"""IPMI: answers of controllers, time box, permission; the program is a script."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from wattq.telemetry.meters import IpmiMeter, MeterError, total_power_w
from wattq.telemetry.meters.ipmi import parse_dcmi, parse_sdr

DCMI = """
    Instantaneous power reading:                   {watts} Watts
    Minimum during sampling period:                 80 Watts
    Maximum during sampling period:                600 Watts
    Average power reading over sample period:      215 Watts
    IPMI timestamp:                           Sat Nov 21 23:00:00 2026
    Sampling period:                          00000001 Seconds.
    Power reading state is:                   {state}

"""
SDR = """
CPU1 Temp        | 45 degrees C      | ok
PS1 Input Power  | 150 Watts         | ok
PS1 Output Power | 135 Watts         | ok
PS2 Input Power  | 160 Watts         | ok
PSU3 Power In    | no reading        | ns
CPU Power        | 180 Watts         | ok
Chassis Power    | 0 Watts           | ok
"""


def program(folder: Path, *, dcmi: str = "exit 1", sdr: str = "exit 1") -> tuple[str, ...]:
    """Write a stand-in for ipmitool that runs these lines of shell."""
    script = folder / "ipmitool"
    script.write_text(f'#!/bin/sh\ncase "$1" in dcmi) {dcmi};; sdr) {sdr};; esac\n', encoding="utf-8")
    script.chmod(0o755)
    return (str(script),)


def says(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return f"cat {folder / name}"


def test_dcmi_answers() -> None:
    assert parse_dcmi(DCMI.format(watts=220, state="activated")) == 220.0
    assert parse_dcmi(DCMI.format(watts=220, state="deactivated")) is None
    assert parse_dcmi(DCMI.format(watts=0, state="activated")) is None
    assert parse_dcmi("DCMI request failed because: Invalid command (c1)") is None


def test_sensor_lists() -> None:
    assert parse_sdr(SDR) == {
        "PS1 Input Power": 150.0,
        "PS1 Output Power": 135.0,
        "PS2 Input Power": 160.0,
        "CPU Power": 180.0,
    }
    assert parse_sdr("garbage\n|||\n| 5 Watts | ok") == {"power": 5.0}


def test_the_node_by_dcmi(tmp_path: Path) -> None:
    meter = IpmiMeter(program(tmp_path, dcmi=says(tmp_path, "a", DCMI.format(watts=220, state="activated"))))
    assert meter.devices() == ("node",)
    assert meter.whole_node
    assert meter.read(0.0)[0].power_w == 220.0


def test_supplies_add_up_where_dcmi_is_missing(tmp_path: Path) -> None:
    meter = IpmiMeter(program(tmp_path, sdr=says(tmp_path, "a", SDR)))
    assert meter.whole_node
    assert total_power_w(meter.read(0.0)) == 310.0


def test_a_total_stands_alone(tmp_path: Path) -> None:
    meter = IpmiMeter(program(tmp_path, sdr=says(tmp_path, "a", SDR + "Pwr Consumption | 336 Watts | ok\n")))
    assert total_power_w(meter.read(0.0)) == 336.0


def test_parts_alone_are_not_the_node(tmp_path: Path) -> None:
    meter = IpmiMeter(program(tmp_path, sdr=says(tmp_path, "a", "CPU Power | 180 Watts | ok\n")))
    assert not meter.whole_node
    assert total_power_w(meter.read(0.0)) is None


def test_old_answers_are_renewed_and_failures_are_none(tmp_path: Path) -> None:
    text = says(tmp_path, "a", DCMI.format(watts=220, state="activated"))
    meter = IpmiMeter(program(tmp_path, dcmi=text))
    says(tmp_path, "a", DCMI.format(watts=333, state="activated"))
    grow_old(meter)
    assert meter.read(0.0)[0].power_w == 333.0
    (tmp_path / "a").unlink()
    grow_old(meter)
    assert meter.read(0.0)[0].power_w is None


def grow_old(meter: IpmiMeter) -> None:
    """Date the last answer back by an hour."""
    meter._latest = (meter._latest[0] - 3600.0, meter._latest[1])


def test_answers_count_for_their_period(tmp_path: Path) -> None:
    text = says(tmp_path, "a", DCMI.format(watts=220, state="activated"))
    meter = IpmiMeter(program(tmp_path, dcmi=text), period_s=1000.0)
    (tmp_path / "a").unlink()
    assert meter.read(0.0)[0].power_w == 220.0


def test_a_thread_asks_where_readings_do_not_wait(tmp_path: Path) -> None:
    text = says(tmp_path, "a", DCMI.format(watts=220, state="activated"))
    meter = IpmiMeter(program(tmp_path, dcmi=text), period_s=0.02, wait=False)
    says(tmp_path, "b", DCMI.format(watts=333, state="activated"))
    (tmp_path / "b").replace(tmp_path / "a")
    for _ in range(1000):
        if meter.read(0.0)[0].power_w == 333.0:
            break
        time.sleep(0.02)
    else:
        raise AssertionError("no new answer")
    meter.close()
    grow_old(meter)
    assert meter.read(0.0)[0].power_w is None


def test_a_controller_that_hangs(tmp_path: Path) -> None:
    with pytest.raises(MeterError, match=r"dcmi power reading: no answer within 0.1 s"):
        IpmiMeter(program(tmp_path, dcmi="sleep 60", sdr="sleep 60"), time_box_s=0.1)


def test_one_that_hangs_later_is_ended_within_its_time_box(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(DCMI.format(watts=220, state="activated"), encoding="utf-8")
    hangs = f"cat {tmp_path / 'a'} 2>/dev/null || (echo $$ >{tmp_path / 'pid'}; sleep 60)"
    meter = IpmiMeter(program(tmp_path, dcmi=hangs), time_box_s=1.0)
    (tmp_path / "a").unlink()
    grow_old(meter)
    assert meter.read(0.0)[0].power_w is None
    pid = int((tmp_path / "pid").read_text(encoding="utf-8"))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_no_permission_in_its_words(tmp_path: Path) -> None:
    words = "Could not open device at /dev/ipmi0: Permission denied"
    with pytest.raises(MeterError, match=words):
        IpmiMeter(program(tmp_path, dcmi=f"echo '{words}' >&2; exit 1"))


def test_no_sensor_of_power(tmp_path: Path) -> None:
    with pytest.raises(MeterError, match="sdr list full: no reading of power"):
        IpmiMeter(program(tmp_path, sdr="echo 'Fan1 | 4000 RPM | ok'"))


def test_no_program() -> None:
    with pytest.raises(MeterError, match="the program no-such-ipmitool is not here") as caught:
        IpmiMeter(("no-such-ipmitool",))
    assert caught.value.exit_code == 1


def test_a_program_that_cannot_be_run(tmp_path: Path) -> None:
    script = tmp_path / "ipmitool"
    script.write_text("#!/no/such/shell\n", encoding="utf-8")
    script.chmod(0o755)
    with pytest.raises(MeterError, match="cannot be run"):
        IpmiMeter((str(script),))
