"""The sample for nginx: nginx accepts it, and a real nginx passes on, limits and hides what it says."""

from __future__ import annotations

import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from grafana_panels import OPS
from live_postgres import free_port
from live_prometheus import Daemon, Pages, begun, pages, program

pytestmark = pytest.mark.service


def configuration(folder: Path, port: int, behind: str) -> Path:
    """Write a whole configuration with the sample in it; ports are the test's."""
    sample = (OPS / "nginx" / "wattq.conf").read_text(encoding="utf-8")
    sample = re.sub(r"127\.0\.0\.1:(5000|3000)", behind, sample).replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = f"daemon off; pid {folder}/pid; error_log stderr;\nevents {{}}\n"
    text += f"http {{ access_log off;\n{paths}{sample}}}\n"
    path = folder / "nginx.conf"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[tuple[Daemon, Pages]]:
    binary, port = program("nginx", "/usr/sbin/nginx"), free_port()
    with pages() as server:
        server.texts = {
            path: (lambda path=path: path) for path in ("/model/info", "/metrics", "/grafana/d/wattq-energy")
        }
        words = [binary, "-c", str(configuration(tmp_path, port, server.address)), "-e", "stderr"]
        tested = subprocess.run([*words, "-t"], capture_output=True, text=True, check=False)
        assert tested.returncode == 0, tested.stderr
        with begun(words, port, tmp_path / "nginx.log", "/api/model/info") as daemon:
            yield daemon, server


def status(daemon: Daemon, path: str, body: bytes | None = None) -> int:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"http://127.0.0.1:{daemon.port}{path}", data=body, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_passes_on_limits_and_hides(proxy: tuple[Daemon, Pages]) -> None:
    daemon, _ = proxy
    assert status(daemon, "/api/model/info") == 200
    assert status(daemon, "/grafana/d/wattq-energy") == 200
    assert status(daemon, "/api/metrics") == 404
    assert status(daemon, "/metrics") == 404
    assert status(daemon, "/api/predict", b"x" * 1_100_000) == 413
    codes = [status(daemon, "/api/model/info") for _ in range(200)]
    assert set(codes) == {200, 429}
    assert codes[:15] == [200] * 15
