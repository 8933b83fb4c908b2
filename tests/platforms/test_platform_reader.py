from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wattq.errors import MissingFileError, PlatformError
from wattq.platforms import PstateKind, read_platform

Write = Callable[[str], Path]
MASTER = '<host id="master_host" speed="1Gf"/>'
STATES = (
    '<prop id="wattage_per_state" value="100:200, 90:95:150,10:10,120:125,110:115"/>'
    '<prop id="sleep_pstates" value="2:3:4"/>'
)


def zone(inside: str, routing: str = "Full") -> str:
    return f'<zone id="main" routing="{routing}">\n{inside}\n</zone>'


def test_power_states(write_xml: Write) -> None:
    host = f'<host id="h0" speed="100Mf, 50Mf,1f,0.2f,0.1f" pstate="1" core="4">{STATES}</host>'
    platform = read_platform(write_xml(zone(MASTER + host)))
    assert platform.host_names == ("h0",)
    assert platform.n_hosts == platform.n_compute == 1
    assert platform.cores.tolist() == [4]
    assert platform.initial_pstate.tolist() == [1]
    assert platform.n_pstates.tolist() == [5]
    assert platform.speed_flops.tolist() == [[100e6, 50e6, 1.0, 0.2, 0.1]]
    assert platform.idle_w.tolist() == [[100, 90, 10, 120, 110]]
    assert platform.epsilon_w.tolist() == [[100, 95, 10, 120, 110]]
    assert platform.full_w.tolist() == [[200, 150, 10, 125, 115]]
    kinds = [PstateKind.COMPUTE, PstateKind.COMPUTE, PstateKind.SLEEP, PstateKind.SWITCH_OFF, PstateKind.SWITCH_ON]
    assert platform.kind.tolist() == [kinds]
    assert platform.off_pstate.tolist() == [[-1, -1, 3, -1, -1]]
    assert platform.on_pstate.tolist() == [[-1, -1, 4, -1, -1]]
    assert platform.has_power


def test_hosts_with_fewer_states_are_padded(write_xml: Write) -> None:
    inside = MASTER + f'<host id="b" speed="1Gf"/><host id="a" speed="1Gf,2f,1f,1f,1f">{STATES}</host>'
    platform = read_platform(write_xml(zone(inside)))
    assert platform.host_names == ("a", "b")
    assert not platform.has_power
    assert platform.n_pstates.tolist() == [5, 1]
    assert np.isnan(platform.speed_flops[1, 1:]).all()
    assert np.isnan(platform.idle_w[1]).all()
    assert platform.kind[1].tolist() == [0, -1, -1, -1, -1]


def test_numbers_follow_the_bytes_of_names_and_storage_comes_last(write_xml: Write) -> None:
    hosts = "".join(f'<host id="{name}" speed="1Gf"/>' for name in ("h10", "h2", "H1", "é", "a"))
    platform = read_platform(write_xml(zone(MASTER + hosts)), roles=["h2,a:storage"])
    assert platform.host_names == ("H1", "h10", "é", "a", "h2")
    assert platform.n_compute == 3
    assert [p["role"] for p in platform.properties] == ["", "", "", "storage", "storage"]


def test_mmax_keeps_the_first_compute_hosts(write_xml: Write) -> None:
    hosts = "".join(f'<host id="h{i}" speed="1Gf"/>' for i in range(4))
    path = write_xml(zone(MASTER + hosts + '<host id="s" speed="1Gf"><prop id="role" value="storage"/></host>'))
    assert read_platform(path, mmax=2).host_names == ("h0", "h1", "s")
    with pytest.raises(PlatformError, match="mmax 5, but the platform has 4 compute hosts"):
        read_platform(path, mmax=5)


def test_properties_of_zones_are_inherited_and_overridden(write_xml: Write) -> None:
    body = zone(
        '<prop id="site" value="n"/><prop id="site" value="ignored"/><prop id="room" value="1"/>'
        f'<zone id="adm" routing="Full">{MASTER}</zone>'
        '<zone id="in" routing="Full"><prop id="room" value="2"/><host id="a" speed="1f"/><router id="r"/></zone>'
        '<cluster id="c" prefix="n" suffix="x" radical="0-1,5" speed="1Gf,2Gf" core="2" bw="1GBps" lat="1us">'
        '<prop id="cab" value="7"/></cluster>'
        '<link id="l" bandwidth="1GBps"/>'
        '<zoneRoute src="in" dst="adm" gw_src="r" gw_dst="master_host"><link_ctn id="l"/></zoneRoute>'
        '<zoneRoute src="c" dst="adm" gw_src="nc_routerx" gw_dst="master_host"><link_ctn id="l"/></zoneRoute>'
    )
    platform = read_platform(write_xml(body))
    assert platform.host_names == ("a", "n0x", "n1x", "n5x")
    assert platform.cores.tolist() == [1, 2, 2, 2]
    assert platform.zone_properties[0] == {"site": "n", "room": "2"}
    assert platform.zone_properties[3] == {"site": "n", "room": "1", "cab": "7"}
    assert platform.properties[3] == {"cab": "7", "role": ""}


def test_the_older_name_of_powers_is_read_with_a_note(write_xml: Write) -> None:
    host = '<host id="h" speed="1Gf"><prop id="watt_per_state" value="95:190"/></host>'
    platform = read_platform(write_xml(zone(MASTER + host)))
    assert platform.full_w.tolist() == [[190]]
    assert len(platform.notes) == 1
    assert "older name" in platform.notes[0]


def test_the_master_by_role(write_xml: Write) -> None:
    path = write_xml(zone('<host id="m" speed="3f"><prop id="role" value="master"/></host><host id="h" speed="1f"/>'))
    platform = read_platform(path)
    assert (platform.master.name, platform.master.speed_flops) == ("m", 3.0)
    with pytest.raises(PlatformError, match="role 'master,master'"):
        read_platform(path, master="m")


def test_blank_lines_before_the_declaration_keep_the_line_numbers(tmp_path: Path) -> None:
    path = tmp_path / "p.xml"
    path.write_text(
        "\n\n<?xml version='1.0'?>\n<platform version='4.1'>\n<zone id='z' routing='None'>\n<host/></zone></platform>"
    )
    with pytest.raises(PlatformError, match=r"line 6: <host> lacks the attribute 'id'"):
        read_platform(path)


def test_older_tags_and_settings(write_xml: Write) -> None:
    body = (
        '<config id="General"><prop id="contexts/stack-size" value="16"/><prop id="network/loopback-bw" value="1GBps"/>'
        '<prop id="network/loopback-lat" value="1us"/></config><AS id="main" routing="full">'
        f'{MASTER}<host id="h" speed="1f"/></AS>'
    )
    messages = read_platform(write_xml(body)).messages
    assert messages.latency_s.tolist() == [0.0, 1e-6]
    assert messages.transfer_s.tolist() == [0.0, 1 / 1e9]


def cluster(attributes: str) -> str:
    return zone(f'<cluster id="c" prefix="a" suffix="" speed="1f" bw="1Bps" lat="0" {attributes}/>')


REFUSED = [
    ('<host id="h" speed="1Gf" core="0"/>', "line 5: host h: core='0' of <host> must be a whole number"),
    ('<host id="h" speed="1Gf" pstate="1"/>', "line 5: host h: pstate='1', but the speeds make states 0 to 0"),
    ('<host id="h" speed="0f"/>', "computing state 0 has speed 0"),
    ('<host id="h" speed="1Zorf"/>', "unknown unit 'Zorf'"),
    ('<host id="h" sped="1Gf" speed="1f"/>', "'sped' is no attribute of <host>; did you mean 'speed'?"),
    ('<host id="h" speed="1f" speed_file="x"/>', "attribute 'speed_file' of <host> is not supported"),
    ('<host id="master_host" speed="1f"/>', "the name 'master_host' is used twice"),
    ('<hots id="h" speed="1f"/>', "<hots> is no element of a SimGrid 4.1 platform; did you mean 'host'?"),
    ('<peer id="h" speed="1f"/>', "<peer> is not supported"),
    ('<bypassRoute src="a" dst="b"/>', "<bypassRoute> is not supported"),
    ('<trace id="t"/>', "<trace> is not supported"),
    ('<storage id="t"/>', "<storage> was removed from SimGrid"),
    ("<prop/>", "<prop> lacks the attribute 'id'"),
    ("words", "text 'words' stands between elements"),
    (
        '<host id="h" speed="1f"><prop id="wattage_per_state" value="1:2,3:4"/></host>',
        "powers for 2 states, but there are 1",
    ),
    ('<host id="h" speed="1f"><prop id="wattage_per_state" value="100"/></host>', "not of the form Idle:AllCores"),
    ('<host id="h" speed="1f"><prop id="wattage_per_state" value="1:2W"/></host>', "'2W' is not a number of watts"),
    ('<host id="h" speed="1f"><prop id="wattage_per_state" value="1:-2"/></host>', "finite and not negative"),
    ('<host id="h" speed="1f"><prop id="wattage_off" value="x"/></host>', "wattage_off: 'x' is not a number"),
    (
        '<host id="h" speed="1f,2f"><prop id="sleep_pstates" value="1:0"/></host>',
        "is not of the form sleep:off:on",
    ),
    ('<host id="h" speed="1f,2f"><prop id="sleep_pstates" value="1:2:0"/></host>', "names state 2, but"),
    ('<host id="h" speed="1f,2f"><prop id="sleep_pstates" value="1:1:0"/></host>', "state 1 has a second role"),
    ('<host id="h" speed="1f,2f,0f"><prop id="sleep_pstates" value="1:2:2"/></host>', "switching never ends"),
    (
        '<host id="h" speed="1f,2f,3f,4f"><prop id="sleep_pstates" value="1:2:2,3:1:1"/></host>',
        "a virtual state is also a sleep state",
    ),
    ('<host id="h" speed="1f"><prop id="role" value="compute_node,storage"/></host>', "role 'compute_node,storage'"),
    ('<host id="h" speed="1f" coordinates="0 0"/>', "must be three numbers"),
    ('<host id="h" speed="1f"/><zone id="z" routing="Full"/>', "holds both hosts and zones"),
    ('<host id="h" speed="1f"/><prop id="a" value="b"/>', "<prop> stands too late"),
    ('<cabinet id="c" prefix="a" suffix="" radical="0" speed="1f" bw="1Bps" lat="0"/>', "routing 'Cluster' only"),
    ('<link id="l" bandwidth="1Bps" sharing_policy="WIFI"/>', "sharing_policy='WIFI' of <link> is not supported"),
    ("", "no compute host is left"),
]


@pytest.mark.parametrize(("inside", "message"), REFUSED)
def test_what_cannot_be_honoured_is_refused_by_file_line_and_name(write_xml: Write, inside: str, message: str) -> None:
    with pytest.raises(PlatformError) as caught:
        read_platform(write_xml(f'<zone id="main" routing="Full">{MASTER}\n{inside}</zone>'))
    assert message in str(caught.value)
    assert "platform.xml" in str(caught.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "holds 0 zones"),
        (zone(MASTER) * 2, "holds 2 zones"),
        ("<config><prop id='network/coordinates' value='yes'/></config>", "Bad config key: network/coordinates"),
        ("<config><prop id='maxmin/precision' value='1'/></config>", "'maxmin/precision' is not supported"),
        ("<config><prop id='network/loopback-bw' value='?'/></config>", "setting 'network/loopback-bw': '?' is not"),
        (zone(MASTER, "Floyd"), "routing='Floyd' of zone 'main' is not supported"),
        (zone('<host id="x" speed="1f"/>'), "no host is named 'master_host'"),
        (zone('<host id="master_hots" speed="1f"/>'), "nearest names: master_hots"),
        (
            zone('<cluster id="c" prefix="a" suffix="" radical="0-99999999" speed="1f" bw="1Bps" lat="0"/>'),
            "more than 1,000,000",
        ),
        (zone('<cluster id="c" prefix="a" suffix="" radical="3-x" speed="1f" bw="1Bps" lat="0"/>'), "radical '3-x'"),
        (
            zone('<cluster id="c" prefix="a" suffix="" radical="1" speed="1f" bw="1Bps" lat="0" topology="TORUS"/>'),
            "topology='TORUS'",
        ),
    ],
)
def test_whole_files_that_are_refused(write_xml: Write, body: str, message: str) -> None:
    with pytest.raises(PlatformError) as caught:
        read_platform(write_xml(body))
    assert message in str(caught.value)


def test_two_masters_and_wrong_role_options(write_xml: Write) -> None:
    path = write_xml(zone(MASTER + '<host id="h" speed="1f"/><host id="i" speed="1f"/>'))
    with pytest.raises(PlatformError, match="2 master hosts"):
        read_platform(path, roles=["h:master"])
    with pytest.raises(PlatformError, match="no host 'hh'"):
        read_platform(path, roles=["hh:storage"])
    with pytest.raises(PlatformError, match="not of the form host1,host2:role"):
        read_platform(path, roles=["h"])
    with pytest.raises(PlatformError, match="role 'storge'"):
        read_platform(path, roles=["h:storge"])


@pytest.mark.parametrize(
    "content", [b"", b"<platform", b"\x1f\x8b\x08", b"\xff\xfe\x00", b"<?xml version='1.0' encoding='nope'?><a/>"]
)
def test_what_is_no_xml(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "p.xml"
    path.write_bytes(content)
    with pytest.raises(PlatformError):
        read_platform(path)


def test_entities_are_never_expanded(tmp_path: Path) -> None:
    path = tmp_path / "p.xml"
    path.write_text('<!DOCTYPE platform [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>\n<platform version="&b;"/>')
    with pytest.raises(PlatformError, match="declares the entity 'a'"):
        read_platform(path)


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.xml"
    path.write_text('<zone id="a" routing="Full">' * 5000)
    with pytest.raises(PlatformError, match="nested deeper than 64"):
        read_platform(path)


def test_another_root(tmp_path: Path) -> None:
    path = tmp_path / "p.xml"
    path.write_text("<svg/>")
    with pytest.raises(PlatformError, match="the root is <svg>"):
        read_platform(path)


def test_missing_files(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.xml", tmp_path, "nul\0.xml"):
        with pytest.raises(MissingFileError, match="cannot read the platform file"):
            read_platform(path)
