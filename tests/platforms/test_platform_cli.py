from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wattq.cli.platform import app
from wattq.errors import InvalidInputError
from wattq.platforms import load_platform, read_platform

RUNNER = CliRunner()


def output(*arguments: str, code: int = 0) -> str:
    result = RUNNER.invoke(app, list(arguments))
    assert result.exit_code == code, (result.output, result.exception)
    return result.stdout


def refusal(*arguments: str) -> str:
    result = RUNNER.invoke(app, list(arguments))
    assert isinstance(result.exception, InvalidInputError), result.output
    assert result.exception.exit_code == 2
    return str(result.exception)


def test_make_show_lint(tmp_path: Path) -> None:
    path = tmp_path / "p.xml"
    machine = ["--nodes", "12", "--state", "1Gf:100:200", "--state", "0.5Gf:90:95:150", "--sleep", "10:5:125:64:115"]
    output("make", *machine, "--prop", "cab=a=b", "-o", str(path))
    platform = read_platform(path)
    assert platform.n_compute == 12
    assert platform.epsilon_w[0].tolist() == [100, 95, 10, 125, 115]
    assert platform.properties[0]["cab"] == "a=b"
    text = output("show", str(path))
    assert "12 compute host(s), 1 core(s): h00 .. h11" in text
    assert "power: 1.2 kW idle, 2.4 kW full" in text
    assert "control messages: free" in text
    assert "64 s" in text
    assert "0 error(s), 0 warning(s)" in output("lint", str(path))


def test_make_writes_to_standard_output_and_knows_presets(tmp_path: Path) -> None:
    path = tmp_path / "p.xml"
    path.write_text(output("make", "--preset", "kth-sp2"))
    assert read_platform(path).sha256 == load_platform("kth-sp2").sha256


def test_show_as_json() -> None:
    summary = json.loads(output("show", "node335", "--json", "--mmax", "3"))
    assert summary["compute_hosts"] == 3
    assert summary["energy"] is True
    assert summary["full_w"] == 1350.0
    assert summary["control_messages"] == {"free": True, "master_s": 1e-10, "hosts_min_s": 0.0, "hosts_max_s": 0.0}
    [group] = summary["classes"]
    assert (group["count"], group["first"], group["last"]) == (3, "node000", "node002")
    assert [state["kind"] for state in group["states"]] == ["computes"] * 2 + ["sleeps", "switches off", "switches on"]
    assert group["states"][3]["duration_s"] == pytest.approx(6.1)
    assert json.loads(output("show", "--list", "--json"))["kth-sp2"].startswith("KTH-SP2")
    assert "exascale-9408" in output("show", "--list")


def test_show_without_powers_and_with_storage(tmp_path: Path) -> None:
    path = tmp_path / "p.xml"
    output("make", "--nodes", "2", "-o", str(path))
    text = output("show", str(path), "--role", "h1:storage")
    assert "1 compute and 1 storage host(s)" in text
    assert "power: not stated" in text


def test_lint_fails_on_errors(tmp_path: Path) -> None:
    path = tmp_path / "p.xml"
    path.write_text("<platform version='4.1'><zone id='z' routing='Full'><host id='h' speed='1f'/></zone></platform>")
    assert "no master host" in output("lint", str(path), code=2)
    findings = json.loads(output("lint", str(path), "--json", code=2))
    assert findings[0]["severity"] == "error"
    assert output("lint", str(path), "-m", "h", code=2).count("error:") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["make"], "say how many hosts"),
        (["make", "--preset", "kth"], "there are kth-sp2"),
        (["make", "--preset", "kth-sp2", "--nodes", "3"], "--preset is a whole machine"),
        (["make", "--nodes", "3", "--state", "1Gf:5"], "--state '1Gf:5'"),
        (["make", "--nodes", "3", "--state", "quick"], "'quick' is not a speed"),
        (["make", "--nodes", "3", "--state", "1Gf:a:b"], "is a plain number"),
        (["make", "--nodes", "3", "--sleep", "1:2"], "--sleep '1:2'"),
        (["make", "--nodes", "3", "--prop", "x"], "--prop 'x'"),
        (["make", "--nodes", "0"], "0 hosts"),
        (["show"], "say which platform"),
        (["show", "absent.xml"], "cannot read the platform file"),
        (["lint", "absent.xml"], "cannot read the platform file"),
    ],
)
def test_wrong_input_is_told(arguments: list[str], message: str) -> None:
    assert message in refusal(*arguments)
