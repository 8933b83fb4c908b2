"""Whatever files and programs say: a reading, or none, and never another error."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.telemetry.meters import HwmonMeter, MeterError, RaplMeter, ThermalSensors
from wattq.telemetry.meters.ipmi import parse_dcmi, parse_sdr

CONTENT = st.one_of(st.binary(max_size=40), st.integers(-(10**30), 10**30).map(lambda number: b"%d\n" % number))


@settings(deadline=None, max_examples=60)
@given(name=CONTENT, value=CONTENT, label=CONTENT, power=CONTENT, power_label=CONTENT)
def test_files_of_sensors(
    tmp_path_factory: pytest.TempPathFactory,
    name: bytes,
    value: bytes,
    label: bytes,
    power: bytes,
    power_label: bytes,
) -> None:
    root = tmp_path_factory.mktemp("machine")
    files = {
        "class/hwmon/hwmon0/name": b"coretemp",
        "class/hwmon/hwmon0/temp1_input": value,
        "class/hwmon/hwmon0/temp1_label": label,
        "class/hwmon/hwmon0/fan1_input": value,
        "class/hwmon/hwmon1/name": name,
        "class/hwmon/hwmon1/power1_input": power,
        "class/hwmon/hwmon1/power1_label": power_label,
        "class/hwmon/hwmon1/energy2_input": value,
        "class/thermal/thermal_zone0/type": name,
        "class/thermal/thermal_zone0/temp": value,
        "devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": value,
        "devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": value,
        "class/powercap/intel-rapl:0/name": name,
        "class/powercap/intel-rapl:0/max_energy_range_uj": power,
        "class/powercap/intel-rapl:0/energy_uj": value,
    }
    for file, content in files.items():
        (root / "sys" / file).parent.mkdir(parents=True, exist_ok=True)
        (root / "sys" / file).write_bytes(content)
    read_all(root, power)


def read_all(root: Path, next_value: bytes) -> None:
    sensors = ThermalSensors(root)
    for celsius in (sensors.cpu_temperature_c(), sensors.system_temperature_c()):
        assert celsius is None or -50.0 < celsius < 200.0
    sensors.zones(), sensors.fans(), sensors.clocks(), sensors.throttling()
    for make in (HwmonMeter, RaplMeter):
        try:
            meter = make(root)
        except MeterError:
            continue
        for now_s in (0.0, 1.0, 2.0):
            readings = meter.read(now_s)
            (root / "sys/class/powercap/intel-rapl:0/energy_uj").write_bytes(next_value)
            assert tuple(reading.device for reading in readings) == meter.devices()
            assert len(set(meter.devices())) == len(readings)
            assert all(reading.power_w is None or reading.power_w >= 0 for reading in readings)
        meter.close()


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="Wats 0123456789.|:okncrPowerInstantaneousreading\n", max_size=300))
def test_answers_of_controllers(text: str) -> None:
    watts = parse_dcmi(text)
    assert watts is None or watts > 0
    assert all(value > 0 for value in parse_sdr(text).values())
