from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import PlatformError
from wattq.platforms import (
    ComputeState,
    ControlMessages,
    Platform,
    SleepState,
    lint_platform,
    make_platform,
    platform_xml,
    read_platform,
    write_platform,
)

AssertSame = Callable[[Platform, Platform], None]

watts = st.floats(min_value=0, max_value=1e5)
seconds = st.floats(min_value=1e-3, max_value=1e6)
flops = st.floats(min_value=1e-6, max_value=1e18)
text = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8)
properties = st.dictionaries(text.filter(lambda key: key != "role"), text, max_size=3)
states = st.lists(st.builds(ComputeState, flops, watts, watts, st.none() | watts), min_size=1, max_size=3)
bare_states = st.lists(st.builds(ComputeState, flops), min_size=1, max_size=3)
sleeps = st.lists(st.builds(SleepState, watts, seconds, watts, seconds, watts), max_size=2)
costs = st.tuples(st.just(0.0) | st.floats(1e-9, 10.0), st.floats(1e-300, 1.0))


def reread(platform: Platform) -> Platform:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "p.xml"
        write_platform(platform, path)
        return read_platform(path)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 12), states, sleeps, st.integers(1, 64), properties, properties)
def test_made_platforms_read_back_equal(
    assert_same: AssertSame,
    n: int,
    states: list[ComputeState],
    sleep: list[SleepState],
    cores: int,
    props: dict[str, str],
    zone: dict[str, str],
) -> None:
    for name in ("wattage_per_state", "sleep_pstates", "watt_per_state", "wattage_off"):
        props.pop(name, None)
    platform = make_platform(n, states, sleep, cores=cores, properties=props, zone_properties=zone)
    assert_same(platform, reread(platform))


@settings(deadline=None, max_examples=40)
@given(bare_states, st.lists(costs, min_size=4, max_size=4), st.lists(properties, min_size=3, max_size=3))
def test_costs_and_zones_read_back_equal(
    assert_same: AssertSame,
    states: list[ComputeState],
    costs: list[tuple[float, float]],
    zones: list[dict[str, str]],
) -> None:
    platform = make_platform(3, states)
    latency = np.array([cost[0] for cost in costs])
    transfer = np.array([cost[1] for cost in costs])
    # A byte cannot go faster than the TCP bound of its latency allows.
    transfer = np.maximum(transfer, np.where(latency > 0, 2 * latency / 4194304, 0))
    # Only times that are the inverse of some double can come out of a file.
    transfer = 1.0 / (1.0 / transfer)
    platform = replace(platform, messages=ControlMessages(latency, transfer), zone_properties=tuple(zones))
    again = reread(platform)
    assert_same(replace(platform, messages=again.messages), again)
    np.testing.assert_array_equal(again.messages.latency_s, latency)
    np.testing.assert_allclose(again.messages.transfer_s, transfer, rtol=4e-16)


def test_every_recorded_platform_is_written_and_read_back(shared_dir: Path, assert_same: AssertSame) -> None:
    for path in sorted((shared_dir / "golden" / "scenarios").glob("*/platform.xml")):
        if path.parent.name == "s27_master_role":
            continue
        platform = read_platform(path)
        again = reread(platform)
        np.testing.assert_allclose(again.messages.transfer_s, platform.messages.transfer_s, rtol=4e-16)
        assert_same(replace(platform, messages=again.messages), again)
        np.testing.assert_array_equal(again.messages.latency_s, platform.messages.latency_s)


def test_a_platform_without_any_cost_stays_without(tmp_path: Path, assert_same: AssertSame) -> None:
    platform = make_platform(2)
    platform = replace(platform, messages=ControlMessages(np.zeros(3), np.zeros(3)))
    assert_same(platform, reread(platform))


def test_arrays_win_over_stale_properties() -> None:
    platform = make_platform(2, [ComputeState(1e9, 100.0, 200.0)])
    again = reread(replace(platform, full_w=np.array([[300.0], [200.0]])))
    assert again.full_w.tolist() == [[300.0], [200.0]]
    assert again.properties[0]["wattage_per_state"] == "100:100:300"
    assert again.properties[1]["wattage_per_state"] == "100:200"


def test_another_master_name_and_storage_hosts(tmp_path: Path, assert_same: AssertSame) -> None:
    platform = make_platform(3, master="front", roles=["h1:storage"])
    assert platform.host_names == ("h0", "h2", "h1")
    again = reread(platform)
    assert again.master.name == "front"
    assert_same(platform, again)


def test_nothing_is_left_of_a_failed_write(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    with pytest.raises(PlatformError, match="cannot write"):
        write_platform(make_platform(1), target / "absent" / "p.xml")
    assert list(target.iterdir()) == []


def test_notes_become_comments_that_cannot_end_early() -> None:
    text = platform_xml(make_platform(1, notes=["a -- b -->", "c-"]))
    assert text.count("<!--") == text.count("-->") == 2
    assert "<!-- a - - b - -> -->" in text


def test_make_names_hosts_so_that_bytes_and_numbers_agree(tmp_path: Path) -> None:
    platform = make_platform(1000, [ComputeState(1e9, 1.0, 2.0)])
    assert platform.host_names[0] == "h000"
    assert platform.host_names[999] == "h999"
    write_platform(platform, tmp_path / "p.xml")
    assert lint_platform(tmp_path / "p.xml") == []


def test_make_switching_states() -> None:
    platform = make_platform(1, [ComputeState(1e9, 100.0, 200.0)], [SleepState(10.0, 5.0, 125.0, 64.0, 115.0)])
    assert platform.speed_flops.tolist() == [[1e9, 1.0, 0.2, 0.015625]]
    assert platform.full_w.tolist() == [[200.0, 10.0, 125.0, 115.0]]
    assert platform.off_pstate.tolist() == [[-1, 2, -1, -1]]
    assert platform.on_pstate.tolist() == [[-1, 3, -1, -1]]
    assert platform.messages.free


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: make_platform(0), "0 hosts"),
        (lambda: make_platform(10**7), "10000000 hosts"),
        (lambda: make_platform(1, []), "no computing power state"),
        (lambda: make_platform(1, cores=0), "0 cores"),
        (lambda: make_platform(1, [ComputeState(0.0)]), "speed 0.0 flop/s"),
        (lambda: make_platform(1, [ComputeState(1e9, 100.0)]), "give idle and full power"),
        (lambda: make_platform(1, [ComputeState(1e9, 1.0, 2.0), ComputeState(1e9)]), "give idle and full power"),
        (lambda: make_platform(1, [ComputeState(1e9, -1.0, 2.0)]), "power -1.0 W"),
        (lambda: make_platform(1, sleep=[SleepState(1.0, 1.0, 1.0, 1.0, 1.0)]), "give idle and full power"),
        (
            lambda: make_platform(1, [ComputeState(1e9, 1.0, 2.0)], [SleepState(1.0, 0.0, 1.0, 1.0, 1.0)]),
            "time to fall asleep 0.0 s",
        ),
        (lambda: make_platform(11, prefix="h", master="h03"), "a host named like the master"),
    ],
)
def test_make_refuses_numbers_out_of_range(make: Callable[[], Platform], message: str) -> None:
    with pytest.raises(PlatformError) as caught:
        make()
    assert message in str(caught.value)
