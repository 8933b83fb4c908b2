"""Whole reports: by the command, as text, JSON by its schema, and a page that needs nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from live_postgres import postgres_server

from wattq.cli import main
from wattq.errors import MissingFileError, TelemetryError
from wattq.settings import SignalSettings
from wattq.telemetry.reports import (
    REPORT_TYPES,
    GridTerms,
    TelemetryReport,
    make_report,
    read_report,
    report_html,
    report_text,
    report_types,
    write_report,
)
from wattq.telemetry.store import open_store
from wattq.telemetry.store.tables import TABLES

T0, DAY_S = 1_794_873_600.0, 86_400.0
Fill = Callable[..., Path]


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return int(end.value.code or 0)


@pytest.fixture(autouse=True)
def no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports by default settings, whatever this machine's are."""
    (tmp_path / "empty.yaml").write_text("{}\n")
    monkeypatch.setenv("WATTQ_CONFIG", str(tmp_path / "empty.yaml"))


def made(path: Path, days: float = 14.0, **given: object) -> TelemetryReport:
    with open_store(str(path)) as store:
        terms = GridTerms(None, None, SignalSettings.model_validate(given))
        return make_report(store, T0, T0 + days * DAY_S, terms)


def test_everything_by_the_documented_names(full: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    period = ("--start_date", "2026-11-17", "--end_date", "2026-12-01")
    words = ("--store", full, *period, "--report_type", "all", "--output", tmp_path / "out")
    assert run("telemetry", "report", *words) == 0
    printed = capsys.readouterr().out
    assert "2026-11-17 00:00 to 2026-12-01 00:00 UTC: 300 runs began, 0 not ended" in printed
    assert "100.0 % measured (rapl" in printed
    assert "0.12 USD/kWh, a constant of the settings, not of this grid and time" in printed
    report = read_report(tmp_path / "out" / "report.json")
    assert report.types == list(REPORT_TYPES)
    assert report.anomalies is not None
    assert {"1040", "1120", "1200"} <= {each.job_id for each in report.anomalies.anomalies}
    ids = [each.id for each in report.recommendations]
    expected = {"idle", "lost", "low-cpu", "clock", "hotspots", "warming-n2", "anomalies", "retrain-m1"}
    assert expected <= set(ids)
    for advice in report.recommendations:
        assert advice.title in printed
        assert all(each.name in printed for each in advice.evidence)


def test_evidence_is_that_of_the_parts(full: Path) -> None:
    report = made(full)
    assert report.efficiency is not None
    assert report.thermal is not None
    evidence = {each.id: {e.name: e.value for e in each.evidence} for each in report.recommendations}
    nodes = report.efficiency.nodes
    idle, energy = sum(node.idle_j for node in nodes), sum(node.energy_j for node in nodes)
    assert energy == pytest.approx(2 * 200.0 * 3600.0 * (14 * 24 - 1))
    assert all(node.jobs_j + node.idle_j == pytest.approx(node.energy_j, rel=1e-9) for node in nodes)
    assert evidence["idle"]["idle energy"] == pytest.approx(idle / 3.6e6)
    assert evidence["idle"]["idle share of the measured energy of nodes"] == pytest.approx(100 * idle / energy)
    total = report.efficiency.total
    assert evidence["lost"]["share of energy"] == pytest.approx(100 * total.lost_j / total.energy_j)
    assert evidence["low-cpu"]["mean CPU utilisation of eve"] == pytest.approx(25.0)
    assert evidence["warming-n2"]["warming"] == pytest.approx(1.0)
    assert evidence["retrain-m1"]["relative bias"] == pytest.approx(50.0)
    assert evidence["hotspots"]["highest temperature of n3"] == 97.0


def test_json_follows_its_schema(full: Path, tmp_path: Path) -> None:
    validator = pytest.importorskip("jsonschema_rs", reason="jsonschema-rs is not installed")
    write_report(made(full), tmp_path / "out")
    schema = json.loads((tmp_path / "out" / "report.schema.json").read_text())
    document = json.loads((tmp_path / "out" / "report.json").read_text())
    check = validator.validator_for(schema)
    check.validate(document)
    document["efficiency"]["total"]["energy_j"] = "much"
    assert not check.is_valid(document)


def test_json_that_breaks_the_schema_is_refused(full: Path, tmp_path: Path) -> None:
    path = tmp_path / "out" / "report.json"
    write_report(made(full), tmp_path / "out")
    assert read_report(path) == made(full)
    document = json.loads(path.read_text())
    document["coverage"]["measured_share"] = 2.0
    path.write_text(json.dumps(document))
    with pytest.raises(TelemetryError, match=r"coverage\.measured_share"):
        read_report(path)
    path.write_text("{")
    with pytest.raises(TelemetryError, match="Invalid JSON"):
        read_report(path)
    with pytest.raises(MissingFileError):
        read_report(tmp_path / "none.json")


def test_page_needs_nothing_else(full: Path) -> None:
    page = report_html(made(full))
    assert page == report_html(made(full))
    outside = re.sub(r"data:image/svg\+xml;base64,[A-Za-z0-9+/=]+", "", page)
    assert "<script" not in outside
    assert "http" not in re.sub(r"<code>.*?</code>", "", outside)
    assert page.count("data:image/svg+xml") == 8
    for title in ("Recommendations", "Energy for work", "Runs unlike their like", "Heat", "Predictions against actual"):
        assert f"<h2>{title}" in page
    assert "100.0 % measured" in page


def test_modelled_share_is_told_wherever_energy_is(fill: Fill) -> None:
    rows = [job(str(k), energy_source="modelled" if k % 4 else "measured") for k in range(20)]
    report = made(fill(job_metrics=rows), days=1.0)
    text, page = report_text(report), report_html(report)
    assert "25.0 % measured, 75.0 % modelled" in text
    assert "75.0 % of the energy below was not measured." in page
    assert page.count("75.0 % modelled") >= 2
    assert report.recommendations[0].id == "measure"
    assert "anomalies: 5 runs with measured energy; eight are the least that can be compared" in report.notes


def job(name: str, **given: object) -> dict[str, object]:
    row: dict[str, object] = {
        "time": T0 + 60.0,
        "end_time": T0 + 3660.0,
        "job_id": name,
        "energy_j": 3.6e5,
        "energy_source": "measured",
        "job_state": "COMPLETED",
        "node_id": "n1",
    }
    return row | given


def test_synthetic_energy_is_told_first(fill: Fill) -> None:
    report = made(fill(job_metrics=[job(str(k), energy_source="synthetic") for k in range(9)]), days=1.0)
    assert report_text(report).splitlines()[1].startswith("All energy of this report is synthetic")
    assert '<p class="warn">All energy of this report is synthetic: made up, measured nowhere.</p>' in report_html(
        report
    )
    assert "job_type" in " ".join(report.notes)


def test_real_and_synthetic_are_not_mixed(fill: Fill) -> None:
    report = made(fill(job_metrics=[job("1"), job("2", energy_source="synthetic", energy_j=3.6e9)]), days=1.0)
    assert report.coverage.energy_j == 3.6e5
    assert "1 runs with synthetic energy are left out beside real ones" in report.notes


def test_an_empty_period_is_told_plainly(fill: Fill, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = fill(job_metrics=[job("1")])
    words = ("--store", path, "--start", "2026-10-01", "--end", "2026-10-02", "-o", tmp_path / "out")
    assert run("telemetry", "report", *words) == 0
    printed = capsys.readouterr().out
    notes = (
        "no runs began in this period",
        "anomalies: 0 runs with measured energy",
        "no thermal events and no temperatures in this period",
        "no predictions were made in this period",
    )
    assert all(f"note: {note}" in printed for note in notes)
    assert "Recommendations: none" in printed
    page = (tmp_path / "out" / "report.html").read_text()
    assert "No energy is known of 0 ended runs." in page
    assert "data:image" not in page


def test_predictions_without_actual_values(fill: Fill) -> None:
    rows = [{"time": T0, "job_id": "1", "predicted_energy_j": 5.0, "model_version": "m"}]
    report = made(fill(energy_predictions=rows), days=1.0)
    assert "1 predictions, and none whose actual value is known" in report.notes
    assert "1 predictions wait for their actual energy; there is nothing to compare." in report_html(report)


def test_a_job_that_runs_still_is_no_idle_time(fill: Fill) -> None:
    running = job("1", end_time=None, job_state="RUNNING", energy_j=None, energy_source=None, cpu_cores=4)
    common = {"node_id": "n1", "power_consumption_watts": 100.0, "power_source": "measured"}
    samples = [{"time": T0 + 60.0 * k, **common} for k in range(61)]
    report = made(fill(job_metrics=[running, job("2", node_id="n2")], node_metrics=samples), days=1.0)
    assert report.efficiency is not None
    node = report.efficiency.nodes[0]
    assert (node.energy_j, node.idle_j, node.jobs_j) == pytest.approx((360_000.0, 6000.0, 354_000.0))
    assert report.coverage.running == 1


def test_modelled_samples_make_no_energy_of_nodes(fill: Fill) -> None:
    common = {"node_id": "n1", "power_consumption_watts": 100.0, "power_source": "modelled"}
    report = made(fill(node_metrics=[{"time": T0 + k, **common} for k in range(5)]), days=1.0)
    assert report.efficiency is not None
    assert report.efficiency.nodes == []
    assert "5 samples of nodes with modelled power count in no energy of nodes" in report.notes


def test_one_part_alone(full: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--store", full, "--start", "2026-11-17", "--end", "2026-12-01", "--type", "thermal")
    assert run("telemetry", "report", *words) == 0
    printed = capsys.readouterr().out
    assert "Heat: 2 hot of 4 nodes" in printed
    assert "Anomalies" not in printed
    assert "Switch idle nodes off" not in printed


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--type", "weather"), "--type 'weather': it is one of efficiency"),
        (("--start", "2026-12-02", "--end", "2026-12-01"), "the end must be after the start"),
        (("--start", "soon"), "--start 'soon': no date"),
    ],
)
def test_refusals(full: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], problem: str) -> None:
    assert run("telemetry", "report", "--store", full, *words) == 2
    assert problem in capsys.readouterr().err


def test_no_store(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("telemetry", "report") == 2
    assert "no store: name one with --store" in capsys.readouterr().err
    monkeypatch.setenv("WATTQ_STORE_URL", str(tmp_path / "none.db"))
    assert run("telemetry", "report") == 2
    assert "wattq telemetry store init" in capsys.readouterr().err


def test_types() -> None:
    assert report_types("all") == REPORT_TYPES
    assert report_types("thermal, efficiency") == ("efficiency", "thermal")


def test_names_are_text_and_nothing_else(fill: Fill) -> None:
    """What users call themselves and their jobs is neither HTML nor a formula."""
    odd = r"<script>$\frac{$"
    rows = [job(str(k), user_id=odd, partition=odd, job_type=odd, job_name=odd, node_id=odd) for k in range(9)]
    rows += [job("x", user_id=odd, job_name=odd, node_id=odd, energy_j=3.6e6)]
    page = report_html(made(fill(job_metrics=rows), days=1.0))
    assert "<script>" not in page
    assert "&lt;script&gt;$" in page


@pytest.mark.service
def test_the_same_report_from_postgresql(full: Path) -> None:
    with postgres_server() as server, open_store(server.database()) as store, open_store(str(full)) as source:
        for name in ("job_metrics", "node_metrics", "thermal_events", "energy_predictions"):
            written = {field.name for field in TABLES[name].written}
            rows = source.read(name)
            store.write(name, [{key: value for key, value in row.items() if key in written} for row in rows])
        terms = GridTerms(None, None, SignalSettings())
        found, expected = (
            make_report(each, T0, T0 + 14.0 * DAY_S, terms).model_copy(update={"store": ""}) for each in (store, source)
        )
    assert found == expected
