"""Every metric of the vocabulary can be set, and then appears under all its names; nothing else does."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from wattq.errors import TelemetryError
from wattq.telemetry.exporters import METRICS, Book, find_metric, metrics_of, render
from wattq.telemetry.exporters.metric import Exporter, Metric

EXPORTERS: tuple[Exporter, ...] = ("node", "slurm", "api")


def put(book: Book, metric: Metric) -> None:
    labels = [f"a {name}" for name in metric.labels]
    if metric.kind == "counter":
        book.add(metric.name, 7200, labels)
    elif metric.kind == "histogram":
        book.observe(metric.name, metric.buckets[1], labels)
    else:
        book.set(metric.name, 0.5, labels)


def full_book(exporter: Exporter, *, aliases: bool = True) -> Book:
    book = Book(exporter, aliases=aliases)
    for metric in metrics_of(exporter):
        put(book, metric)
    return book


def series(text: str) -> list[str]:
    return [line.partition("{")[0].partition(" ")[0] for line in text.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_each_declared_metric_is_set_and_appears(exporter: Exporter) -> None:
    found = set(series(render(full_book(exporter))[0].decode()))
    for metric in metrics_of(exporter):
        ending = "_bucket" if metric.kind == "histogram" else ""
        assert {name + ending for name in metric.names} <= found
    assert {found.name for name in found if (found := find_metric(name))} == {m.name for m in metrics_of(exporter)}


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_without_aliases(exporter: Exporter) -> None:
    assert all(name.startswith("wattq_") for name in series(render(full_book(exporter, aliases=False))[0].decode()))


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_open_metrics(exporter: Exporter) -> None:
    text, content_type = render(full_book(exporter), "application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    families = list(text_string_to_metric_families(text.decode()))
    assert len(families) == sum(len(metric.names) for metric in metrics_of(exporter))


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_an_empty_book_has_no_metrics(exporter: Exporter) -> None:
    assert render(Book(exporter))[0] == b""


@pytest.mark.service
@pytest.mark.parametrize("exporter", EXPORTERS)
def test_names_as_promtool_wants_them(exporter: Exporter) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    words = ["promtool", "check", "metrics"]
    done = subprocess.run(words, input=render(full_book(exporter))[0], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_names_are_unique_and_have_base_units() -> None:
    names = [name for metric in METRICS for name in metric.names]
    assert len(names) == len(set(names))
    for metric in METRICS:
        assert re.fullmatch(r"wattq_[a-z0-9_]+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.name.endswith("_info") == (metric.kind == "info")
        assert metric.unit in ("", "ratio", "rpm", "celsius", "watts", "joules", "seconds", "bytes", "hertz")
        assert f"_{metric.unit}" in metric.name
        assert (metric.kind == "histogram") == bool(metric.buckets)
        assert metric.help
        assert not metric.help.endswith(".")


def test_aliases_convert() -> None:
    book = Book("slurm")
    book.set("wattq_slurm_job_energy_joules", 7200.0, ("17", "mixed", "model"))
    book.set("wattq_slurm_job_cpu_utilization_ratio", 0.25, ("17", "n1"))
    lines = render(book)[0].decode().splitlines()
    assert 'wattq_slurm_job_energy_joules{job_id="17",job_type="mixed",source="model"} 7200.0' in lines
    assert 'hpc_slurm_job_energy_estimate_joules{job_id="17",job_type="mixed"} 7200.0' in lines
    assert 'hpc_job_energy_wh{job_id="17",job_type="mixed"} 2.0' in lines
    assert 'hpc_slurm_job_cpu_usage_percent{job_id="17",node="n1"} 25.0' in lines


def test_histogram_buckets_are_cumulative() -> None:
    book = Book("slurm")
    for value in (10.0, 60.0, 61.0, 10**7):
        book.observe("wattq_slurm_job_duration_seconds", value, ("p", "light"))
    lines = render(book)[0].decode().splitlines()
    stem = 'hpc_job_duration_seconds_bucket{job_type="light",'
    assert f'{stem}le="60.0",partition="p"}} 2.0' in lines
    assert f'{stem}le="300.0",partition="p"}} 3.0' in lines
    assert f'{stem}le="+Inf",partition="p"}} 4.0' in lines
    assert 'hpc_job_duration_seconds_sum{job_type="light",partition="p"} 1.0000131e+07' in lines


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda book: book.set("wattq_no_such", 1.0), "no gauge or info of this exporter"),
        (lambda book: book.set("wattq_thermal_events_total", 1.0, ("x",)), "no gauge or info"),
        (lambda book: book.set("wattq_power_watts", 1.0), "0 labels; it has component"),
        (lambda book: book.add("wattq_thermal_events_total", -1.0, ("x",)), "a counter never falls"),
        (lambda book: book.restore({"wattq_thermal_events_total": [[["x"], "much", []]]}), "cannot be read"),
        (lambda book: book.restore({"wattq_no_such": [[["x"], 1, []]]}), "cannot be read"),
    ],
)
def test_what_is_not_declared_is_refused(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(TelemetryError, match=message):
        call(Book("node"))


def test_no_reading_is_absent() -> None:
    book = Book("node")
    book.set("wattq_node_load1", float("nan"))
    book.replace("wattq_power_watts", {("gpu0",): float("inf"), ("psu",): 300.0})
    assert series(render(book)[0].decode()) == ["wattq_power_watts", "hpc_power_consumption_watts"]


def test_what_others_count_is_shown_as_it_stands() -> None:
    book = Book("node")
    for total in (5.0, 9.0, 2.0):
        book.replace("wattq_energy_joules_total", {("psu",): total})
    assert book.value("wattq_energy_joules_total", ("psu",)) == 2.0


def test_counters_survive_as_json() -> None:
    book = full_book("slurm")
    names = [metric.name for metric in metrics_of("slurm") if metric.kind in ("counter", "histogram")]
    again = Book("slurm")
    again.restore(book.dump(names))
    assert again.dump(names) == book.dump(names)
