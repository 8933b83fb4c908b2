from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wattq.errors import MissingFileError, PlatformError
from wattq.platforms import (
    PRESETS,
    Platform,
    PstateKind,
    lint_platform,
    load_platform,
    platform_xml,
    read_platform,
    write_platform,
)

SIZES = {
    "kth-sp2": 100,
    "sdsc-sp2": 128,
    "llnl-atlas": 1152,
    "unilu-gaia": 151,
    "exascale-9408": 9408,
    "node335": 335,
}
STUDY = {
    f"{name}-{variant}": SIZES[name]
    for name in ("kth-sp2", "sdsc-sp2", "llnl-atlas", "unilu-gaia")
    for variant in ("dvfs", "dvfs-cpu")
}
SIZES |= STUDY


def test_the_names() -> None:
    assert set(PRESETS) == set(SIZES)
    assert all(PRESETS.values())


@pytest.mark.parametrize("name", SIZES)
def test_each_preset(name: str, tmp_path: Path, assert_same: Callable[[Platform, Platform], None]) -> None:
    platform = load_platform(name)
    assert platform.name == name
    assert platform.n_hosts == platform.n_compute == SIZES[name]
    assert platform.has_power
    assert platform.messages.free
    assert (platform.speed_flops[:, 0] == 1e9).all()
    assert (platform.cores == 1).all()
    assert any(state >= 0 for state in platform.off_pstate[0])
    path = tmp_path / "p.xml"
    write_platform(platform, path)
    again = read_platform(path)
    assert_same(platform, again)
    assert again.sha256 == platform.sha256
    assert lint_platform(path) == []


@pytest.mark.parametrize("name", SIZES)
def test_the_file_names_its_sources_and_its_assumptions(name: str) -> None:
    text = platform_xml(load_platform(name, mmax=1))
    assert "<!-- Size" in text
    assert "Powers" in text or "powers" in text
    assert "assumed" in text


def test_sp2_presets_have_the_numbers_of_the_recordings(shared_dir: Path) -> None:
    for name, file in (("kth-sp2", "h100.xml"), ("sdsc-sp2", "h128.xml")):
        recorded = read_platform(shared_dir / "golden" / "policies" / "platforms" / file)
        platform = load_platform(name)
        for field in ("speed_flops", "idle_w", "epsilon_w", "full_w", "kind", "off_pstate", "on_pstate"):
            np.testing.assert_array_equal(getattr(platform, field), getattr(recorded, field), err_msg=field)


def test_stated_powers() -> None:
    node335 = load_platform("node335")
    assert (node335.idle_w[0, 0], node335.full_w[0, 0]) == (150.0, 450.0)
    assert node335.properties[0]["node_cores"] == "96"
    assert load_platform("llnl-atlas").properties[0]["processors_per_node"] == "8"
    assert load_platform("exascale-9408").full_w[0, 0] == pytest.approx(280 + 4 * 560 + 74.26 + 4 * 20 + 30)


def test_options_apply_to_presets() -> None:
    platform = load_platform("kth-sp2", mmax=10, roles=["h99:storage"])
    assert (platform.n_compute, platform.n_hosts) == (10, 11)
    with pytest.raises(PlatformError, match="mmax 101"):
        load_platform("kth-sp2", mmax=101)


def test_unknown_names_and_files(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="presets: kth-sp2"):
        load_platform("kth-sp")
    with pytest.raises(MissingFileError, match="cannot read the platform file"):
        load_platform(tmp_path / "absent.xml")
    write_platform(load_platform("kth-sp2"), tmp_path / "copy")
    assert load_platform(tmp_path / "copy").n_hosts == 100


@pytest.mark.parametrize("name", STUDY)
def test_study_presets(name: str) -> None:
    platform, log = load_platform(name), load_platform(name.partition("-dvfs")[0])
    computing = int((platform.kind[0] == PstateKind.COMPUTE).sum())
    speed, full = platform.speed_flops[0, :computing], platform.full_w[0, :computing]
    assert platform.host_names == log.host_names
    assert platform.properties[0].get("processors_per_node") == log.properties[0].get("processors_per_node")
    assert (platform.idle_w[:, :computing] == 100.0).all()
    assert (full[0], speed[0]) == (200.0, 1e9)
    assert (np.diff(speed) < 0).all()
    assert (np.diff(full) < 0).all()
    # Computing states, then the sleep state and the two states that lead there and back.
    np.testing.assert_array_equal(platform.full_w[0, computing:], [10.0, 125.0, 115.0])
    np.testing.assert_array_equal(1 / platform.speed_flops[0, computing + 1 :], [5.0, 64.0])


def test_states_of_the_study_presets() -> None:
    gpu, cpu = load_platform("llnl-atlas-dvfs"), load_platform("llnl-atlas-dvfs-cpu")
    np.testing.assert_array_equal(gpu.speed_flops[0, :4] / 1e9, [1.0, 0.95, 0.9, 0.8])
    np.testing.assert_array_equal(gpu.full_w[0, :4], [200.0, 164.0, 148.0, 130.0])
    np.testing.assert_array_equal(cpu.speed_flops[0, :3] / 1e9, [1.0, 0.93, 0.74])
    np.testing.assert_array_equal(cpu.full_w[0, :3], [200.0, 164.0, 136.0])
