"""Machines of several sites as one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wattq.cli import main
from wattq.errors import PlatformError
from wattq.platforms import (
    ComputeState,
    MasterHost,
    Platform,
    SleepState,
    join_platforms,
    lint_platform,
    load_platform,
    make_platform,
    platform_xml,
    read_platform,
    write_platform,
)


def machine(n: int, *, prefix: str = "h", watts: float = 100.0, sleep: bool = False) -> Platform:
    states = [ComputeState(1e9, watts, 2 * watts)]
    return make_platform(n, states, [SleepState(10, 5, 125, 64, 115)] if sleep else [], prefix=prefix)


def sites_of(platform: Platform) -> list[str]:
    return [props["site"] for props in platform.properties]


def test_hosts_of_a_site_follow_each_other(tmp_path: Path) -> None:
    # Byte order of names, not the order given: 'a-b.' comes before 'a.', capitals before small letters.
    joined = join_platforms({"gb": machine(12), "a": machine(2), "DE": machine(3, sleep=True), "a-b": machine(1)})
    assert sites_of(joined) == ["DE"] * 3 + ["a-b"] + ["a"] * 2 + ["gb"] * 12
    assert joined.host_names[:7] == ("DE.h0", "DE.h1", "DE.h2", "a-b.h0", "a.h0", "a.h1", "gb.h00")
    assert (joined.n_compute, joined.n_hosts) == (18, 18)
    assert joined.n_pstates.tolist() == [4] * 3 + [1] * 15
    # Batsim numbers them so, too: what was written reads back alike.
    path = tmp_path / "joined.xml"
    write_platform(joined, path)
    again = read_platform(path)
    assert again.host_names == joined.host_names
    assert sites_of(again) == sites_of(joined)
    for column in ("speed_flops", "idle_w", "epsilon_w", "full_w", "kind", "off_pstate", "on_pstate", "n_pstates"):
        np.testing.assert_array_equal(getattr(again, column), getattr(joined, column))
    assert again.messages.free
    assert [finding for finding in lint_platform(path) if finding.severity == "error"] == []
    assert joined.sha256 == again.sha256


def test_powers_stay_with_their_hosts() -> None:
    joined = join_platforms({"b": machine(2, watts=100.0), "a": machine(1, watts=50.0)})
    assert joined.idle_w[:, 0].tolist() == [50.0, 100.0, 100.0]
    assert joined.full_w[:, 0].tolist() == [100.0, 200.0, 200.0]


def test_storage_comes_after_all_compute_hosts() -> None:
    with_storage = make_platform(3, prefix="h", roles=("h1:storage",))
    joined = join_platforms({"x": with_storage, "y": machine_without_power(1)})
    assert joined.host_names == ("x.h0", "x.h2", "y.h0", "x.h1")
    assert joined.n_compute == 3
    assert joined.properties[3]["role"] == "storage"


def machine_without_power(n: int) -> Platform:
    return make_platform(n)


def test_what_cannot_be_joined() -> None:
    one = machine(2)
    joined = join_platforms({"a": one})
    other_master = make_platform(2, [ComputeState(1e9, 100.0, 200.0)], master="boss")
    assert other_master.master == MasterHost("boss", 1e9)
    for sites, words in [
        ({}, "no machine"),
        ({"a b": one}, "'a b'"),
        ({"": one}, "NAME=PLATFORM"),
        ({"a.b": one}, "'a.b'"),
        ({"x": joined}, "already"),
        ({"a": one, "b": machine_without_power(2)}, "statement of powers differs"),
        ({"a": one, "b": other_master}, "master differs"),
    ]:
        with pytest.raises(PlatformError, match=words):
            join_platforms(sites)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_platform(machine(2), tmp_path / "gb.xml")
    write_platform(machine(3), tmp_path / "other.xml")
    for words, code in [
        (["gb.xml", "de=other.xml", "-o", "both.xml"], 0),
        (["gb.xml", "gb=other.xml"], 2),
        (["gb.xml", "nowhere.xml"], 2),
    ]:
        with pytest.raises(SystemExit) as end:
            main(["platform", "join", *words])
        assert (end.value.code or 0) == code
    assert "given twice" in capsys.readouterr().err
    both = load_platform("both.xml")
    assert sites_of(both) == ["de"] * 3 + ["gb"] * 2
    with pytest.raises(SystemExit):
        main(["platform", "join", "gb.xml", "de=other.xml", "--name", "sites"])
    assert capsys.readouterr().out == platform_xml(both)
