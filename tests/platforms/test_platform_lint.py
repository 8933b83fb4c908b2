from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wattq.errors import MissingFileError
from wattq.platforms import Finding, lint_platform

Write = Callable[[str], Path]
MASTER = '<host id="master_host" speed="1Gf"/>'
POWERS = '<prop id="wattage_per_state" value="{0}"/>'
GOOD = '<prop id="wattage_per_state" value="100:200,10:10,120:125,110:115"/><prop id="sleep_pstates" value="1:2:3"/>'


def zone(inside: str, routing: str = "Full") -> str:
    return f'<zone id="main" routing="{routing}">{MASTER}\n{inside}</zone>'


def host(name: str, speeds: str, props: str, attributes: str = "") -> str:
    return f'<host id="{name}" speed="{speeds}" {attributes}>{props}</host>'


def found(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.severity, finding.message) for finding in findings]


def test_a_sound_file(write_xml: Write) -> None:
    assert lint_platform(write_xml(zone(host("h0", "1Gf,1f,0.2f,0.1f", GOOD)))) == []


ERRORS = [
    (host("h", "1Gf,2Gf", POWERS.format("1:2")), "powers for 1 states, but there are 2 speeds"),
    (
        host("g", "1Gf", POWERS.format("1:2")) + host("h", "1Gf", ""),
        "host h: has no 'wattage_per_state' while others have",
    ),
    (host("h", "1Gf,1f", POWERS.format("1:2,0:0") + '<prop id="sleep_pstates" value="1"/>'), "sleep:off:on"),
    (host("h", "1Gf,1f", POWERS.format("1:2,0:0") + '<prop id="sleep_pstates" value="1:2:3"/>'), "names state 2"),
    (host("h", "1Gf", POWERS.format("0:0")), "computing state 0 draws 0 W under full load"),
    (host("h", "0f", POWERS.format("1:2")), "computing state 0 has speed 0"),
    (
        host("h", "1f,1f,1f", POWERS.format("1:1,1:1,1:1") + '<prop id="sleep_pstates" value="0:1:2"/>'),
        "no computing state",
    ),
    (host("h", "1Gf", POWERS.format("100:")), "'' is not a number of watts"),
    (host("h", "1Gf", '<prop id="role" value="x"/>'), "role 'x'"),
    ('<peer id="x"/>', "<peer> is not supported"),
]


@pytest.mark.parametrize(("inside", "message"), ERRORS)
def test_errors(write_xml: Write, inside: str, message: str) -> None:
    errors = [text for severity, text in found(lint_platform(write_xml(zone(inside)))) if severity == "error"]
    assert any(message in error for error in errors), errors


def test_an_error_of_the_master_counts_too(write_xml: Write) -> None:
    body = zone(host("h", "1Gf", POWERS.format("1:2"))).replace(
        MASTER, host("master_host", "1Gf", POWERS.format("1:2,3:4"))
    )
    findings = lint_platform(write_xml(body))
    assert found(findings)[0][1].startswith("host master_host: wattage_per_state has powers for 2 states")


def test_routing_that_aborts_and_no_master(write_xml: Write) -> None:
    hosts = host("h0", "1Gf", POWERS.format("1:2"))
    [finding] = lint_platform(write_xml(zone(hosts, "None")))
    assert finding.severity == "error"
    assert "hosts h0, master_host: no route to the master" in finding.message
    [finding] = lint_platform(write_xml(f'<zone id="z" routing="Full">{hosts}</zone>'))
    assert finding.severity == "error"
    assert "no master host" in finding.message


WARNINGS = [
    (host("h10", "1Gf", "") + host("h2", "1Gf", ""), "'h10' gets the number that 'h2' seems to have"),
    (host("h", "1Gf", ""), "energy cannot be counted"),
    (host("h", "1Gf", '<prop id="watt_per_state" value="1:2"/>'), "older name"),
    (host("h", "1Gf", POWERS.format("0:100")), "waiting is free"),
    (host("h", "1Gf", POWERS.format("200:100")), "draws less under load (100 W) than without (200 W)"),
    (host("h", "1Gf", POWERS.format("1:2"), 'core="8"'), "it loads 1/8 of it"),
    (host("h", "1Gf", POWERS.format("1:2") + '<prop id="wattage_off" value="3"/>'), "'wattage_off' is never used"),
    (host("h", "1Gf,1f,0.2f,0.1f", POWERS.format("1:2,9:9,1:1,1:1")), "that 'sleep_pstates' does not name"),
    (host("h", "1Gf,1f,0.2f,0.1f", GOOD.replace("10:10", "150:150")), "sleeping never pays"),
    (host("h", "1Gf,1f,0.2f,0.1f", GOOD.replace("10:10", "10:50")), "which no job can reach"),
    (host("h", "1Gf,1f,0.2f,0.1f", GOOD.replace("120:125", "120:0")), "switching costs nothing"),
    (host("h", "1Gf,1f,0.2f,0.0001f", GOOD), "switching on takes 10000 s"),
    (host("h", "1Gf,1f,1Gf,0.1f", GOOD), "switching off takes 1e-09 s only"),
    (host("h", "1Gf,1f,0.2f,0.1f", GOOD, 'pstate="1"'), "starts in state 1, which does not compute"),
    (host("h", "1Gf", POWERS.format("1:2") + '<disk read_bw="1Bps" write_bw="1Bps"/>'), "disks of a host"),
    (
        host("h", "1Gf", POWERS.format("1:2"))
        + '<link id="l" bandwidth="1GBps" latency="1ms"/><route src="h" dst="master_host"><link_ctn id="l"/></route>',
        "control messages to the master take up to 0.001 s",
    ),
]


@pytest.mark.parametrize(("inside", "message"), WARNINGS)
def test_warnings(write_xml: Write, inside: str, message: str) -> None:
    findings = found(lint_platform(write_xml(zone(inside))))
    assert all(severity == "warning" for severity, _ in findings), findings
    assert any(message in text for _, text in findings), findings


def test_everything_is_told_at_once_and_equal_findings_are_counted(write_xml: Write) -> None:
    bad = "".join(
        f'<host id="h{i}" speed="1Gf" sped="1" core="-1">{POWERS.format("1:2:3:4")}</host>\n' for i in range(9)
    )
    findings = lint_platform(write_xml(zone(bad)))
    texts = [finding.message for finding in findings if finding.severity == "error"]
    assert len(texts) == 3
    assert any(text.startswith("hosts h0, h1, h2 and 6 more: core='-1'") for text in texts)
    assert findings[0].place.endswith("platform.xml, line 5")


def test_a_file_that_is_no_xml_is_one_finding(tmp_path: Path) -> None:
    path = tmp_path / "p.xml"
    path.write_text("<platform>\n<zone")
    [finding] = lint_platform(path)
    assert finding.severity == "error"
    assert finding.place == f"{path}, line 2"
    assert finding.message.startswith("not well-formed XML")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        lint_platform(tmp_path / "absent.xml")


def test_recorded_platforms_have_no_error(shared_dir: Path) -> None:
    for path in sorted((shared_dir / "golden" / "scenarios").glob("*/platform.xml")):
        master = "adm" if path.parent.name == "s27_master_role" else "master_host"
        assert [f for f in lint_platform(path, master=master) if f.severity == "error"] == [], path
