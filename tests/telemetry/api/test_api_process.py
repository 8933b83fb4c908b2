"""``wattq api`` as a process: begins, answers, ends; refuses what it must."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wattq.cli import main
from wattq.telemetry.api import create_token

_CODE = "import sys; from wattq.cli import main; main(['api', *sys.argv[1:]])"


def events(log: Path) -> dict[str, dict[str, object]]:
    return {line["event"]: line for line in map(json.loads, log.read_text().splitlines())}


@contextmanager
def running(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], int, Path]]:
    log = folder / "api.log"
    command = [sys.executable, "-c", _CODE, "--port", "0", *words]
    env = {**os.environ, "WATTQ_API_MAX_BODY_BYTES": "2000"}
    with (
        log.open("wb") as stream,
        subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=stream) as process,
    ):
        try:
            for _ in range(600):
                if "started" in log.read_text() or process.poll() is not None:
                    break
                time.sleep(0.05)
            port = events(log)["listening"]["port"]
            assert isinstance(port, int)
            yield process, port, log
        finally:
            process.kill()


def test_begins_answers_and_ends(tmp_path: Path, bundles: dict[str, str]) -> None:
    token = create_token(tmp_path / "tokens.json", "t")
    words = ["--runtime-model", bundles["runtime_model"], "--energy-model", bundles["energy_model"]]
    words += ["--store", str(tmp_path / "store.db"), "--tokens", str(tmp_path / "tokens.json")]
    with running(tmp_path, *words) as (process, port, log):
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        line.request("GET", "/ready")
        assert json.loads(line.getresponse().read()) == {"ready": True, "model_loaded": True, "store": "answers"}
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        body = json.dumps({"user": 3, "hosts": 2, "walltime_s": 7200})
        line.request("POST", "/v1/predict", body, headers)
        answer = line.getresponse()
        assert (answer.status, answer.getheader("server")) == (200, None)
        assert json.loads(answer.read())["prediction_method"] == "runtime-model+energy-model"
        line.request(
            "POST",
            "/predict",
            iter([b"{", b" " * 3000]),
            {**headers, "Transfer-Encoding": "chunked"},
            encode_chunked=True,
        )
        assert line.getresponse().status == 413
        line.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) in (0, -signal.SIGTERM)
        assert "stopped" in events(log)
        assert events(log)["request"]["route"] == "/predict"


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as end:
        main(["api", *words])
    assert end.value.code == 2
    return capsys.readouterr().err


def test_refusals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"--port {port}: cannot listen there (Address already in use)" in refused(capsys, "--port", str(port))
    assert "others can reach this address" in refused(capsys, "--host", "0.0.0.0")
    assert "not a bundle" in refused(capsys, "--port", "0", "--energy-model", __file__)
    assert "cannot be read" in refused(capsys, "--price", str(tmp_path / "none.csv"))
    assert "unknown key" in refused(capsys, "--config", str(_written(tmp_path / "w.yaml", "api: {hots: x}\n")))
    assert "forecast model 'x' is unknown" in refused(
        capsys,
        *("--forecast", "x"),
        *("--price", str(_written(tmp_path / "p.csv", _PRICE))),
    )


_PRICE = "from,to,forecast,actual,region,unit\n2026-01-01T00:00Z,2026-01-01T01:00Z,,50,DE,EUR/MWh\n"


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_tokens_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--tokens", str(tmp_path / "tokens.json")]

    def printed(*words: str) -> str:
        with pytest.raises(SystemExit) as end:
            main(["api", "token", *words, *place])
        assert not end.value.code
        return capsys.readouterr().out

    token = printed("create", "slurm").strip()
    assert token.startswith("wattq_")
    listed = printed("list")
    assert token.split("_")[1] in listed
    assert token.split("_", 2)[2] not in listed
    assert listed.rstrip().endswith("slurm")
    assert printed("revoke", "slurm").startswith("revoked: ")
    assert printed("list") == ""
    with pytest.raises(SystemExit) as end:
        main(["api", "token", "list"])
    assert end.value.code == 2
    assert "--tokens: no file is named" in capsys.readouterr().err
    assert (tmp_path / "tokens.json").stat().st_mode & 0o077 == 0
