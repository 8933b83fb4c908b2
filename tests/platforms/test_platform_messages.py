"""Cost of control messages: the table of Batsim's timing model, and what the recordings show."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wattq.errors import PlatformError
from wattq.platforms import Platform, read_platform

Write = Callable[[str], Path]
MASTER = '<host id="master_host" speed="1Gf"/>'
HOST = '<host id="h" speed="1f"/>'


def costs(platform: Platform) -> list[tuple[float, float]]:
    messages = platform.messages
    return list(zip(messages.latency_s.tolist(), messages.transfer_s.tolist(), strict=True))


def read(write_xml: Write, inside: str, routing: str = "Full") -> Platform:
    return read_platform(write_xml(f'<zone id="main" routing="{routing}">{inside}</zone>'))


def test_full_zone_without_routes(write_xml: Write) -> None:
    platform = read(write_xml, MASTER + HOST)
    assert costs(platform) == [(0.0, 0.0), (0.0, 1e-10)]
    assert platform.messages.free


def test_zero_cost_loopback(write_xml: Write) -> None:
    link = '<link id="z" bandwidth="1e300Bps" latency="0s"/>'
    route = '<route src="master_host" dst="master_host"><link_ctn id="z"/></route>'
    platform = read(write_xml, MASTER + HOST + link + route)
    assert costs(platform) == [(0.0, 0.0), (0.0, 1e-300)]
    assert platform.messages.free


def test_explicit_routes_are_symmetrical_and_slow_links_bound_the_byte(write_xml: Write) -> None:
    inside = (
        f'{MASTER}{HOST}<link id="lo" bandwidth="498MBps" latency="1ms"/>'
        '<link id="up" bandwidth="498MBps" latency="10ms"/>'
        '<route src="master_host" dst="master_host"><link_ctn id="lo"/></route>'
        '<route src="master_host" dst="h"><link_ctn id="up"/><link_ctn id="lo"/></route>'
    )
    platform = read(write_xml, inside)
    assert costs(platform) == [(0.01 + 0.001, 1 / (4194304 / (2 * 0.011))), (0.001, 1 / 498e6)]
    assert not platform.messages.free


def test_one_way_routes_and_split_duplex_links(write_xml: Write) -> None:
    inside = (
        f'{MASTER}{HOST}<link id="d" bandwidth="1GBps" latency="1ms" sharing_policy="SPLITDUPLEX"/>'
        '<route src="h" dst="master_host" symmetrical="NO"><link_ctn id="d" direction="UP"/></route>'
    )
    assert costs(read(write_xml, inside))[0] == (0.001, 1e-9)


def test_cluster_as_the_only_zone_goes_up_and_down(write_xml: Write) -> None:
    body = (
        '<cluster id="c" prefix="n" suffix="" radical="0-1" speed="1f" bw="125MBps" lat="50us" '
        'bb_bw="2.25GBps" bb_lat="500us"/>'
    )
    platform = read_platform(write_xml(body), master="n0")
    assert costs(platform)[1] == (50e-6 + 500e-6 + 50e-6, 8e-9)
    shared = read_platform(write_xml(body.replace("<cluster", '<cluster sharing_policy="SHARED"')), master="n0")
    assert costs(shared)[1] == (50e-6 + 500e-6, 8e-9)
    loopback = read_platform(
        write_xml(body.replace("<cluster", '<cluster loopback_bw="1GBps" loopback_lat="1ns"')), master="n0"
    )
    assert costs(loopback)[1] == (1e-9, 1e-9)
    limited = read_platform(write_xml(body.replace("<cluster", '<cluster limiter_link="1MBps"')), master="n0")
    assert costs(limited)[1] == (50e-6 + 500e-6 + 50e-6, 1e-6)


def test_zone_of_routing_cluster_with_host_links_and_cabinets(write_xml: Write) -> None:
    inside = (
        f'{MASTER}{HOST}<link id="u" bandwidth="1GBps" latency="1ms"/><link id="d" bandwidth="1GBps" latency="2ms"/>'
        '<host_link id="master_host" up="u" down="d"/><host_link id="h" up="d" down="u"/>'
        '<cabinet id="k" prefix="k" suffix="" radical="7" speed="1f" bw="2GBps" lat="4ms"/>'
        '<backbone id="bb" bandwidth="500MBps" latency="8ms"/>'
    )
    platform = read(write_xml, inside, "Cluster")
    assert platform.host_names == ("h", "k7")
    # Links that occur twice on the way count once.
    assert costs(platform)[0] == (0.002 + 0.008, pytest.approx(2 * 0.010 / 4194304))
    assert costs(platform)[1][0] == 0.004 + 0.008 + 0.002
    assert costs(platform)[2][0] == 0.001 + 0.008 + 0.002


def test_vivaldi_zone(write_xml: Write) -> None:
    inside = '<host id="master_host" speed="1f" coordinates="0 0 {0}"/><host id="h" speed="1f" coordinates="3 4 0"/>'
    assert costs(read(write_xml, inside.format(0), "Vivaldi"))[1] == (0.0, 0.0)
    assert costs(read(write_xml, inside.format(0), "Vivaldi"))[0][0] == 0.005
    assert costs(read(write_xml, inside.format(2), "Vivaldi"))[1][0] == 0.004
    with pytest.raises(PlatformError, match="'h' has no coordinates"):
        read(write_xml, inside.format(0).replace(' coordinates="3 4 0"', ""), "Vivaldi")


ZONES = f'<zone id="a" routing="Full">{MASTER}</zone><zone id="b" routing="Full">{HOST}</zone>'
LINK = '<link id="l" bandwidth="1GBps" latency="1ms"/>'


def test_zones_need_a_route_between_them(write_xml: Write) -> None:
    route = '<zoneRoute src="b" dst="a" gw_src="h" gw_dst="master_host"><link_ctn id="l"/></zoneRoute>'
    assert costs(read(write_xml, ZONES + LINK + route)) == [(0.001, 1e-9), (0.0, 1e-10)]
    with pytest.raises(PlatformError, match="no zoneRoute joins zone 'b' to zone 'a'"):
        read(write_xml, ZONES)


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ('<route src="master_host" dst="x"><link_ctn id="l"/></route>', "'x' is no host or router directly inside"),
        ('<route src="h" dst="master_host"><link_ctn id="k"/></route>', "no link 'k'"),
        ('<route src="h" dst="master_host"/>', "holds no <link_ctn>"),
        ('<route src="h" dst="master_host"><link_ctn id="l"/></route>' * 2, "exists already"),
        ('<route src="h" dst="master_host" symmetrical="maybe"><link_ctn id="l"/></route>', "symmetrical='maybe'"),
        ('<zoneRoute src="a" dst="b" gw_src="h" gw_dst="h"><link_ctn id="l"/></zoneRoute>', "'a' is no zone"),
    ],
)
def test_routes_that_simgrid_refuses(write_xml: Write, inside: str, message: str) -> None:
    with pytest.raises(PlatformError) as caught:
        read(write_xml, MASTER + HOST + LINK + inside)
    assert message in str(caught.value)


def test_gateways_must_stand_in_their_zone(write_xml: Write) -> None:
    route = '<zoneRoute src="b" dst="a" gw_src="master_host" gw_dst="h"><link_ctn id="l"/></zoneRoute>'
    with pytest.raises(PlatformError, match="gateway 'master_host' is no host or router of zone 'b'"):
        read(write_xml, ZONES + LINK + route)


def test_routing_none_is_refused_with_the_reason(write_xml: Write) -> None:
    with pytest.raises(PlatformError, match="There can't be route in an Empty zone"):
        read(write_xml, MASTER + HOST, "None")


def test_star_zone_refuses_routes_between_hosts(write_xml: Write) -> None:
    inside = MASTER + HOST + LINK
    with pytest.raises(PlatformError, match="use routing 'Full' there"):
        read(write_xml, inside + '<route src="h" dst="master_host"><link_ctn id="l"/></route>', "Cluster")
    with pytest.raises(PlatformError, match="'master_host' has no links to the centre"):
        read(write_xml, inside + '<route src="master_host" dst="master_host"><link_ctn id="l"/></route>', "Cluster")
    with pytest.raises(PlatformError, match="'x', which is no host of this zone"):
        read(write_xml, inside + '<host_link id="x" up="l" down="l"/>', "Cluster")
    with pytest.raises(PlatformError, match="names a link that does not stand above"):
        read(write_xml, inside + '<host_link id="h" up="x" down="l"/>', "Cluster")


def lines(folder: Path) -> list[str]:
    plain = folder / "transcript.jsonl"
    if plain.exists():
        return plain.read_text().splitlines()
    return lzma.decompress(Path(f"{plain}.xz").read_bytes()).decode().splitlines()


@pytest.mark.parametrize(
    "name", ["s01_fcfs_delay", "s04_latency", "s05_cluster_easy", "s05_cluster_comm", "s05_routed_comm"]
)
def test_a_completion_reaches_the_recorded_scheduler_after_that_time(shared_dir: Path, name: str) -> None:
    folder = shared_dir / "golden" / "scenarios" / name
    platform = read_platform(folder / "platform.xml")
    rows = [row.split(",") for row in (folder / "jobs.csv").read_text().splitlines()[1:]]
    finish = {f"w0!{row[0]}": float(row[10]) for row in rows}
    for line in lines(folder):
        events = json.loads(json.loads(line)["recv"])["events"]
        if [event["type"] for event in events] == ["JOB_COMPLETED"]:
            data = events[0]["data"]
            host = int(data["alloc"].replace("-", " ").split()[0])
            cost = platform.messages.latency_s[host] + platform.messages.transfer_s[host]
            # Dates are printed with six decimals.
            assert events[0]["timestamp"] - finish[data["job_id"]] == pytest.approx(cost, abs=1.01e-6)
            return
    raise AssertionError("the recording has no completion told alone")


def test_every_recorded_platform_reads_as_batsim_told_it(shared_dir: Path) -> None:
    folders = sorted((shared_dir / "golden" / "scenarios").iterdir())
    compared = 0
    for folder in folders:
        options = json.loads((folder / "args.json").read_text())
        master, roles, mmax = options["master_host"], options["roles"], options["mmax"]
        platform = read_platform(folder / "platform.xml", master=master, roles=roles, mmax=mmax)
        told = lines(folder)
        if not told or options["mmax_workload"]:
            continue
        data = json.loads(json.loads(told[0])["recv"])["events"][0]["data"]
        resources = data["compute_resources"] + data["storage_resources"]
        assert len(data["compute_resources"]) == platform.n_compute, folder
        assert [resource["name"] for resource in resources] == list(platform.host_names), folder
        assert [resource["properties"] for resource in resources] == list(platform.properties), folder
        assert [resource["zone_properties"] for resource in resources] == list(platform.zone_properties), folder
        compared += 1
    assert compared > 100


def test_platforms_of_the_recorded_policies(shared_dir: Path) -> None:
    for path in sorted((shared_dir / "golden" / "policies" / "platforms").glob("h*.xml")):
        platform = read_platform(path)
        assert platform.n_hosts == int(path.stem[1:])
        assert platform.messages.free
        assert platform.has_power
        np.testing.assert_array_equal(platform.full_w, np.tile([200.0, 150, 10, 125, 115], (platform.n_hosts, 1)))
