"""The server of metrics over real sockets: pages, bounds, hooks' messages."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from wattq.errors import TelemetryError
from wattq.settings import ExporterSettings, Settings, StoreSettings
from wattq.telemetry.exporters import (
    Answer,
    Book,
    MetricsPage,
    MetricsServer,
    NodeExporter,
    Request,
    SlurmExporter,
    json_answer,
)
from wattq.telemetry.exporters.serving import MAX_BODY_BYTES, MAX_CONNECTIONS, Routes

Asked = tuple[int, Mapping[str, str], bytes]


class Client:
    """One kept connection to a server on this machine."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Asked:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body, names)
        answer = self.connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

    def post(self, path: str, message: object) -> tuple[int, Any]:
        status, _, body = self.ask("POST", path, json.dumps(message).encode())
        return status, json.loads(body)


@contextmanager
def served(routes: Routes) -> Iterator[Client]:
    with MetricsServer("127.0.0.1", 0, routes).running() as server:
        client = Client(server.port)
        try:
            yield client
        finally:
            client.connection.close()


@pytest.fixture
def page() -> Iterator[Client]:
    book = Book("node")
    shown = MetricsPage(book, lambda: book.set("wattq_node_load1", 0.5), 0.0)
    with served({("GET", "/metrics"): shown, ("GET", "/"): shown.index}) as client:
        yield client


def test_a_scrape(page: Client) -> None:
    status, headers, body = page.ask("GET", "/metrics")
    assert status == 200
    assert headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b"wattq_node_load1 0.5" in body


def test_open_metrics_packed_on_the_same_connection(page: Client) -> None:
    for _ in range(2):
        status, headers, body = page.ask(
            "GET", "/metrics?x=1", Accept="application/openmetrics-text; version=1.0.0", Accept_Encoding="gzip"
        )
        assert (status, headers["content-encoding"]) == (200, "gzip")
        assert gzip.decompress(body).endswith(b"# EOF\n")


def test_other_pages_and_methods(page: Client) -> None:
    assert page.ask("GET", "/")[0] == 200
    status, headers, body = page.ask("HEAD", "/metrics")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 0
    assert page.ask("GET", "/nowhere")[0] == 404
    status, headers, _ = page.ask("DELETE", "/metrics")
    assert (status, headers["allow"]) == (405, "GET")


def echo(request: Request) -> Answer:
    return json_answer(200, {"bytes": len(request.body)})


def test_bodies_are_bounded() -> None:
    with served({("POST", "/echo"): echo}) as client:
        assert client.ask("POST", "/echo", b"x" * MAX_BODY_BYTES)[0] == 200
        assert client.ask("POST", "/echo", b"x" * (MAX_BODY_BYTES + 1))[0] == 413
        assert client.ask("POST", "/echo", b"", Content_Length="1e3")[0] == 400
        assert client.ask("POST", "/echo", b"", Content_Length="-1")[0] == 400
        with socket.create_connection(("127.0.0.1", client.connection.port), timeout=30) as plain:
            plain.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            assert plain.recv(100).startswith(b"HTTP/1.1 411")


def refuse(request: Request) -> Answer:
    raise TelemetryError("not now")


def test_an_error_of_a_page_is_its_answer() -> None:
    with served({("GET", "/metrics"): refuse}) as client:
        status, _, body = client.ask("GET", "/metrics")
        assert (status, body) == (503, b"not now\n")


def test_connections_are_bounded(page: Client) -> None:
    page.ask("GET", "/")
    others = [Client(page.connection.port) for _ in range(MAX_CONNECTIONS - 1)]
    assert [other.ask("GET", "/")[0] for other in others] == [200] * len(others)
    with socket.create_connection(("127.0.0.1", page.connection.port), timeout=30) as one_more:
        assert one_more.recv(100).startswith(b"HTTP/1.1 503")
    assert page.ask("GET", "/metrics")[0] == 200
    for other in others:
        other.connection.close()


def test_a_port_in_use_is_one_sentence(page: Client) -> None:
    with pytest.raises(TelemetryError, match=r"cannot listen at 127\.0\.0\.1:\d+ \(Address already in use\)"):
        MetricsServer("127.0.0.1", page.connection.port, {})
    with pytest.raises(TelemetryError, match=r"cannot listen at 203\.0\.113\.1:0"):
        MetricsServer("203.0.113.1", 0, {})


def test_sensors_are_read_once_per_moment() -> None:
    reads: list[int] = []
    page = MetricsPage(Book("node"), lambda: reads.append(1), 3600.0)
    request = Request("GET", "/metrics", {})
    first = page(request)
    assert page(request) is first
    assert len(reads) == 1


def test_a_slow_sensor_does_not_hold_other_scrapes() -> None:
    book, entered, go = Book("node"), threading.Event(), threading.Event()
    slow = False

    def update() -> None:
        book.set("wattq_node_load1", 1.0 + slow)
        if slow:
            entered.set()
            assert go.wait(30)

    page = MetricsPage(book, update, 0.0)
    request = Request("GET", "/metrics", {})
    page(request)
    slow = True
    waiting = threading.Thread(target=page, args=(request,))
    waiting.start()
    assert entered.wait(30)
    assert page(request).status == 200
    go.set()
    waiting.join()


def test_the_node_exporter(sysfs: Any, fake_nvml: Any, fake_psutil: Any) -> None:
    nvml = fake_nvml(init="LibraryNotFound")
    exporter = NodeExporter(Settings(), sysfs.root, nvml=nvml, psutil=fake_psutil)
    with exporter.running(), served(exporter.routes) as client:
        assert b"wattq_node_load1 1.5" in client.ask("GET", "/metrics")[2]
        health = json.loads(client.ask("GET", "/healthz")[2])
    assert (health["status"], health["meters"]) == ("ok", [])
    assert set(health["missing"]) == {"ipmi", "hwmon", "rapl", "nvml"}


@pytest.fixture
def slurm(fake_slurm: Any, tmp_path: Any, job: Any, t0: float) -> Iterator[tuple[Client, SlurmExporter]]:
    """An exporter of a Slurm that runs job 17_1, which is number 18."""
    fake_slurm.prints("squeue", job("17_1", raw="18"))
    options = ExporterSettings(slurm_state=str(tmp_path / "state.json"))
    exporter = SlurmExporter(Settings(exporter=options, store=StoreSettings(url="")), clock=lambda: t0 + 60)
    exporter.refresh()
    with served(exporter.routes) as client:
        yield client, exporter


def test_messages_of_hooks(slurm: Any) -> None:
    client, exporter = slurm
    book = exporter.page.book
    assert client.post("/metrics/job/start", {"job_id": 18, "job_type": "io"}) == (
        200,
        {"status": "ok", "counted": False},
    )
    exporter.refresh()
    assert book.value("wattq_slurm_job_energy_joules", ("17_1", "io_intensive", "model")) is not None
    end = {"job_id": "17_1", "raw_id": "18", "state": "COMPLETED", "partition": "p", "duration_seconds": 55.5}
    end |= {"energy_joules": 900, "energy_source": "measured", "job_type": "mixed"}
    assert client.post("/metrics/job/complete", end) == (200, {"status": "ok", "counted": True})
    assert client.post("/job/complete", end) == (200, {"status": "ok", "counted": False})
    assert book.value("wattq_slurm_jobs_finished_total", ("COMPLETED", "p")) == 1.0
    assert book.value("wattq_slurm_job_duration_seconds", ("p", "mixed")) == 55.5
    assert book.value("wattq_slurm_hook_events_total", ("complete",)) == 2.0
    assert book.value("wattq_slurm_hook_events_total", ("start",)) == 1.0
    exporter.refresh()
    assert book.value("wattq_slurm_job_energy_joules", ("17_1", "mixed", "store")) == 900.0


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        ([], "send an object"),
        ({}, "job_id: None: write the number of a job"),
        ({"job_id": True}, "job_id: True"),
        ({"job_id": "17; rm"}, "job_id"),
        ({"job_id": "17", "colour": "red"}, "'colour': no such key"),
        ({"job_id": "17", "state": "RUNNING"}, "state: 'RUNNING': use one of COMPLETED"),
        ({"job_id": "17"}, "state: None"),
        (
            {"job_id": "17", "state": "FAILED", "partition": "nope"},
            "partition: 'nope': not of this cluster; there are p, q",
        ),
        ({"job_id": "17", "state": "FAILED", "duration_seconds": -1}, "duration_seconds: -1"),
        ({"job_id": "17", "state": "FAILED", "duration_seconds": 1e300}, "duration_seconds"),
        ({"job_id": "17", "state": "FAILED", "energy_joules": "much"}, "energy_joules: 'much'"),
        ({"job_id": "17", "state": "FAILED", "job_type": "red"}, "job_type: 'red': use one of cpu_intensive"),
    ],
)
def test_bad_messages_are_refused(slurm: Any, message: object, detail: str) -> None:
    client, exporter = slurm
    status, body = client.post("/metrics/job/complete", message)
    assert status == 422
    assert detail in body["detail"]
    assert exporter.page.book.value("wattq_slurm_hook_events_total", ("refused",)) == 1.0


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 50_000, b"\xff", b'{"job_id": NaN}'])
def test_bodies_that_are_no_json(slurm: Any, body: bytes) -> None:
    assert slurm[0].ask("POST", "/metrics/job/start", body)[0] == 422


def test_health_says_whether_slurm_answers(slurm: Any, fake_slurm: Any) -> None:
    client, exporter = slurm
    assert json.loads(client.ask("GET", "/healthz")[2]) == {"status": "ok", "slurm": "up", "age_seconds": 0.0}
    fake_slurm.fails("squeue")
    exporter.refresh()
    assert json.loads(client.ask("GET", "/healthz")[2])["slurm"] == "down"


def test_slurm_is_asked_in_the_background(
    slurm: Any, fake_slurm: Any, until: Callable[[Callable[[], object]], None]
) -> None:
    client, exporter = slurm
    before = len(fake_slurm.asked("squeue"))
    with exporter.running():
        until(lambda: len(fake_slurm.asked("squeue")) > before)
        asked = len(fake_slurm.asked("squeue"))
        client.post("/metrics/job/start", {"job_id": "17_1"})
        # a message wakes it long before the ten seconds between two questions
        until(lambda: len(fake_slurm.asked("squeue")) > asked)


def test_what_goes_wrong_is_told_once(fake_slurm: Any, tmp_path: Any) -> None:
    told: list[str] = []
    options = ExporterSettings(slurm_state=str(tmp_path / "state.json"))
    exporter = SlurmExporter(Settings(exporter=options), tell=told.append)
    for failing in (False, True, True, False):
        if failing and not told:
            fake_slurm.fails("squeue")
        elif not failing and told:
            fake_slurm.works("squeue")
        exporter.refresh()
    assert told == ["squeue: exit code 1: no", "Slurm answers again"]
