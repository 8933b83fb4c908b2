"""Jobs from prolog to epilog, as the keeper sees them: rows, energy, log, messages, predictions."""

from __future__ import annotations

import gzip
import json
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from wattq.telemetry.slurm.keeper import Keeper
from wattq.telemetry.slurm.state import StateFolder

START_S = 1795258800.0
Posts = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def posted() -> Iterator[tuple[str, Posts]]:
    """A service that takes JSON by POST, answers as the API and the exporter do, and remembers."""
    posts: Posts = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            posts.append((f"{self.path} {self.headers.get('Authorization', '')}".strip(), body))
            answer: dict[str, object] = {"status": "ok"}
            if self.path == "/predict":
                interval = {"lower": 0.1, "upper": 0.5, "std": 0.1, "unit": "Wh"}
                answer = {"predicted_energy_wh": 0.25, "predicted_energy_j": 900.0, "confidence_interval": interval}
                answer |= {"predicted_duration_seconds": 9.0, "predicted_power_watts": 100.0, "model_version": "m@1"}
            data = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *words: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", posts
    server.shutdown()
    server.server_close()
    thread.join()


def archived(node: Any, job: str = "17") -> list[str]:
    return gzip.decompress((node.logs / f"job_{job}_energy.log.gz").read_bytes()).decode().splitlines()


def test_a_job_from_prolog_to_epilog(node: Any) -> None:
    node.says(name="my job", comment="wattq:job_type=cpu")
    node.prolog()
    node.kept(lambda: (node.logs / "job_17_energy.log").exists())
    (row,) = node.rows("job_metrics")
    assert (row["time"], row["job_id"], row["job_state"], row["user_id"]) == (START_S, "17", "STARTING", "ada")
    assert (row["job_name"], row["job_type"], row["qos"], row["account"]) == (
        "my job",
        "cpu_intensive",
        "normal",
        "physics",
    )
    assert (row["partition"], row["cpu_cores"], row["memory_mb"], row["node_id"]) == ("compute", 2, 8000.0, "n1")
    # 3,600 J between prolog and epilog, exactly, though nobody looked in between.
    node.sysfs.rapl("intel-rapl:0", "package-0", 8_600_000_000)
    node.says(state="COMPLETED")
    node.epilog(SLURM_JOB_EXIT_CODE2="0:0")
    node.kept(lambda: not StateFolder(node.folder / "state").get("17", "ended"))
    (row,) = node.rows("job_metrics")
    assert row["energy_j"] == pytest.approx(3600.0, rel=1e-9)
    assert row["estimated_energy_wh"] == pytest.approx(1.0, rel=1e-9)
    assert (row["energy_source"], row["energy_meter"], row["energy_coverage"]) == ("measured", "rapl", 1.0)
    assert (row["job_state"], row["exit_code"], row["workload_pattern"]) == ("COMPLETED", 0, "light")
    assert row["avg_power_watts"] == pytest.approx(3600.0 / row["duration_seconds"])
    assert row["peak_power_watts"] >= row["avg_power_watts"]
    assert row["end_time"] == pytest.approx(time.time(), abs=60)
    lines = archived(node)
    assert lines[0] == "# job_id: 17"
    assert "# energy_j: 3600" in lines
    assert "# job_state: COMPLETED" in lines
    assert not (node.logs / "job_17_energy.log").exists()
    assert node.own_log() == ""


def test_while_it_runs(node: Any) -> None:
    node.prolog()
    node.sysfs.rapl("intel-rapl:0", "package-0", 5_500_000_000)
    node.kept(lambda: any(row["job_state"] == "RUNNING" for row in rows(node, "job_metrics")))
    (row,) = node.rows("job_metrics")
    assert row["energy_j"] == pytest.approx(500.0, rel=1e-6)
    (sample, *_) = node.rows("node_metrics")
    assert sample["node_id"] == "n1"
    assert sample["memory_usage"] > 0
    log = (node.logs / "job_17_energy.log").read_text(encoding="utf-8").splitlines()
    assert log[-1].count(",") == 4


def rows(node: Any, table: str) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = node.rows(table)
    except Exception:
        return []
    return found


def test_how_jobs_end(node: Any) -> None:
    for job, told, code, state, exit_code in (
        ("21", "FAILED", "3:0", "FAILED", 3),
        ("22", "TIMEOUT", "0:15", "TIMEOUT", 0),
        ("23", "CANCELLED+", "0:9", "CANCELLED", 0),
    ):
        node.says(job, state="RUNNING")
        node.prolog(SLURM_JOB_ID=job)
        node.says(job, state=told, exit=code)
        node.epilog(SLURM_JOB_ID=job, SLURM_JOB_EXIT_CODE2=code)
        node.kept(lambda job=job: not StateFolder(node.folder / "state").get(job, "ended"))
        row = next(row for row in node.rows("job_metrics") if row["job_id"] == job)
        assert (row["job_state"], row["exit_code"]) == (state, exit_code)


def test_a_controller_that_does_not_answer(node: Any) -> None:
    (node.folder / "bin" / "scontrol").write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    node.prolog()
    node.epilog(SLURM_JOB_EXIT_CODE2="2:0")
    node.kept(lambda: not StateFolder(node.folder / "state").get("17", "ended"))
    (row,) = node.rows("job_metrics")
    assert (row["job_state"], row["exit_code"], row["user_id"], row["cpu_cores"]) == ("FAILED", 2, "ada", 2)
    assert row["time"] == pytest.approx(time.time(), abs=60)
    assert "scontrol: ended with 1" in node.own_log()


def test_an_epilog_without_prolog(node: Any) -> None:
    node.says(state="COMPLETED")
    node.epilog(SLURM_JOB_EXIT_CODE2="0:0")
    node.kept(lambda: not StateFolder(node.folder / "state").get("17", "ended"))
    (row,) = node.rows("job_metrics")
    assert (row["time"], row["job_state"], row["energy_j"]) == (START_S, "COMPLETED", None)


def test_tasks_of_arrays_by_their_numbers(node: Any) -> None:
    path = node.folder / "job_17.txt"
    path.write_text(path.read_text(encoding="utf-8").replace("JobId=17", "JobId=17 ArrayJobId=15 ArrayTaskId=2"))
    node.prolog()
    node.kept(lambda: (node.logs / "job_15_2_energy.log").exists())
    assert node.rows("job_metrics")[0]["job_id"] == "15_2"
    path.write_text(path.read_text(encoding="utf-8").replace("RUNNING", "COMPLETED"))
    node.epilog(SLURM_JOB_EXIT_CODE2="0:0")
    node.kept(lambda: not StateFolder(node.folder / "state").get("17", "ended"))
    (row,) = node.rows("job_metrics")
    assert (row["job_id"], row["job_state"]) == ("15_2", "COMPLETED")


def test_another_keeper_goes_on(node: Any) -> None:
    node.prolog()
    node.kept(lambda: rows(node, "node_metrics"))
    node.says(state="COMPLETED")
    first = archived_lines(node)
    node.kept(lambda: len(rows(node, "node_metrics")) > 1)
    assert archived_lines(node)[: len(first)] == first
    assert sum(line.startswith("# job_id") for line in archived_lines(node)) == 1
    node.epilog(SLURM_JOB_EXIT_CODE2="0:0")
    node.kept(lambda: not StateFolder(node.folder / "state").get("17", "ended"))
    (row,) = node.rows("job_metrics")
    assert row["job_state"] == "COMPLETED"


def archived_lines(node: Any) -> list[str]:
    text: str = (node.logs / "job_17_energy.log").read_text(encoding="utf-8")
    return text.splitlines()


def test_messages_and_prediction(node: Any, posted: tuple[str, Posts]) -> None:
    url, posts = posted
    (node.folder / "token").write_text("secret\n", encoding="ascii")
    node.settings["slurm"] |= {"exporter_url": url, "api_url": url, "api_token_file": str(node.folder / "token")}
    node.write()
    node.prolog()
    node.kept(lambda: posts)
    assert posts == [("/metrics/job/start", {"job_id": "17", "raw_id": "17", "partition": "compute"})]
    node.sysfs.rapl("intel-rapl:0", "package-0", 5_000_000_000 + 1_000_000_000)
    node.says(state="COMPLETED")
    node.epilog(SLURM_JOB_EXIT_CODE2="0:0")
    node.kept(lambda: not StateFolder(node.folder / "state").get("17", "ended"))
    (end_path, end), (ask_path, question) = posts[1:]
    assert (end_path, end["state"], end["start_s"], end["job_type"]) == (
        "/metrics/job/complete",
        "COMPLETED",
        START_S,
        "light",
    )
    assert end["energy_joules"] == pytest.approx(1000.0)
    assert end["energy_source"] == "measured"
    assert ask_path == "/predict Bearer secret"
    assert (question["cpu_cores"], question["user"], question["job_id"]) == (2, "ada", "17")
    (predicted,) = node.rows("energy_predictions")
    assert (predicted["predicted_energy_j"], predicted["energy_low_j"], predicted["energy_high_j"]) == (900, 360, 1800)
    assert predicted["actual_energy_j"] == pytest.approx(1000.0)
    assert predicted["prediction_error_percent"] == pytest.approx(-10.0)
    (row,) = node.rows("job_metrics")
    assert row["prediction_accuracy"] == pytest.approx(90.0)
    assert "# prediction_error_percent: -10" in archived(node)


def test_nobody_answers(node: Any) -> None:
    node.settings["slurm"] |= {"exporter_url": "http://127.0.0.1:9", "api_url": "http://127.0.0.1:9"}
    node.write()
    node.prolog()
    node.says(state="COMPLETED")
    node.epilog(SLURM_JOB_EXIT_CODE2="0:0")
    node.kept(lambda: not StateFolder(node.folder / "state").get("17", "ended"))
    (row,) = node.rows("job_metrics")
    assert row["job_state"] == "COMPLETED"
    assert node.own_log().count("127.0.0.1:9") == 2
    assert archived(node)


def test_without_store(node: Any) -> None:
    node.settings["store"] = {}
    node.write()
    node.prolog()
    node.says(state="COMPLETED")
    node.epilog(SLURM_JOB_EXIT_CODE2="0:0")
    node.kept(lambda: not StateFolder(node.folder / "state").get("17", "ended"))
    assert any(line.startswith("# energy_j") for line in archived(node))
    assert "jobs get logs but no rows" in node.own_log()


def test_an_epilog_that_never_came(node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wattq.telemetry.slurm.keeper._ORPHAN_S", 0.5)
    node.prolog()
    node.says(state="CANCELLED")
    node.kept(lambda: rows(node, "job_metrics") and rows(node, "job_metrics")[0]["job_state"] == "CANCELLED")
    assert "no epilog came" in node.own_log()
    assert not StateFolder(node.folder / "state").runs("17")


def test_only_the_first_of_a_jobs_nodes_writes_its_row(node: Any) -> None:
    values = {"SLURM_JOB_NODELIST": "n[0-1]", "SLURM_JOB_NUM_NODES": "2", "SLURM_JOB_CPUS_PER_NODE": "2(x2)"}
    node.says(nodes="n[0-1]", cores=4)
    node.prolog(**values)
    node.says(nodes="n[0-1]", cores=4, state="COMPLETED")
    node.epilog(**values, SLURM_JOB_EXIT_CODE2="0:0")
    node.kept(lambda: not StateFolder(node.folder / "state").get("17", "ended"))
    assert node.rows("job_metrics") == []
    assert archived(node)


def test_the_first_of_two_nodes_says_what_it_covers(node: Any) -> None:
    values = {"SLURM_JOB_NODELIST": "n[1-2]", "SLURM_JOB_NUM_NODES": "2", "SLURM_JOB_CPUS_PER_NODE": "2,6"}
    text = {"nodes": "n[1-2]", "cores": 8}
    node.says(**text)
    node.prolog(**values)
    node.sysfs.rapl("intel-rapl:0", "package-0", 5_100_000_000)
    node.says(**text, state="COMPLETED")
    path = node.folder / "job_17.txt"
    path.write_text(path.read_text(encoding="utf-8").replace("NumNodes=1", "NumNodes=2"), encoding="utf-8")
    node.epilog(**values, SLURM_JOB_EXIT_CODE2="0:0")
    node.kept(lambda: not StateFolder(node.folder / "state").get("17", "ended"))
    (row,) = node.rows("job_metrics")
    assert (row["energy_j"], row["energy_coverage"]) == (pytest.approx(400.0), pytest.approx(0.25))


def test_gpus_are_capped_and_counted(node: Any, fake_nvml: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = fake_nvml({"limit_mw": 400_000, "energy_mj": 7_000_000, "power_mw": 90_000, "temp": 40})
    nvml.nvmlDeviceGetPowerManagementLimitConstraints = lambda gpu: (100_000, 400_000)
    nvml.nvmlDeviceSetPowerManagementLimit = lambda gpu, limit: gpu.update(limit_mw=limit)
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    node.settings["slurm"]["gpu_caps"] = "normal=300"
    node.write()
    values = {"SLURM_JOB_GPUS": "0", "SLURM_JOB_COMMENT": "wattq:gpu_power_cap=350"}
    node.prolog(**values)
    assert nvml.gpus[0]["limit_mw"] == 300_000
    time.sleep(0.5)
    nvml.gpus[0]["energy_mj"] += 2_000_000
    node.sysfs.rapl("intel-rapl:0", "package-0", 5_500_000_000)
    node.says(state="COMPLETED")
    node.epilog(**values, SLURM_JOB_EXIT_CODE2="0:0")
    assert nvml.gpus[0]["limit_mw"] == 400_000
    node.kept(lambda: not StateFolder(node.folder / "state").get("17", "ended"))
    (row,) = node.rows("job_metrics")
    assert row["energy_meter"] == "rapl+nvml"
    # The GPU's counter is read a moment after the start, so that a sliver of its energy is scaled up.
    assert row["energy_j"] == pytest.approx(2500.0, rel=0.2)
    assert "GPU 0 capped at 300 W (300 W wanted)" in node.own_log()
    assert "GPU 0 has its cap of 400 W again" in node.own_log()


def test_broken_settings_are_told_and_defaults_used(node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr("wattq.telemetry.slurm.hook.OwnLog.say", lambda log, text: told.append(text))
    (node.folder / "wattq.yaml").write_text("slurm: {no_such_key: 1}\n", encoding="utf-8")
    hook = node.hook("prolog")
    assert hook.settings.slurm.log_dir == "/var/log/slurm/energy"
    assert "no_such_key" in told[0]
    assert told[0].endswith("going on with defaults")


def test_slurms_own_energy_where_nothing_else_measures(node: Any) -> None:
    (node.root / "sys/class/powercap/intel-rapl:0/energy_uj").unlink()
    sacct = node.folder / "bin" / "sacct"
    sacct.write_text('#!/bin/sh\nprintf "0\\n4200\\n4100\\n\\n"\n', encoding="ascii")
    sacct.chmod(0o755)
    node.prolog()
    time.sleep(0.2)
    node.cpu(101.0, 301.0)
    node.says(state="COMPLETED")
    node.epilog(SLURM_JOB_EXIT_CODE2="0:0")
    node.kept(lambda: not StateFolder(node.folder / "state").get("17", "ended"))
    (row,) = node.rows("job_metrics")
    assert (row["energy_j"], row["energy_meter"], row["energy_source"]) == (4200.0, "acct_gather", "measured")


def test_a_keeper_without_jobs_has_nothing_to_do(node: Any) -> None:
    keeper = Keeper(node.hook("keeper"))
    keeper.step(time.time())
    assert not keeper.waiting()
    keeper.close()


def test_what_is_damaged_is_told_once_and_left_out(node: Any) -> None:
    state = StateFolder(node.folder / "state")
    state.put("5", "running", {"since_s": 1.0})
    state.put("6", "ended", {"end_s": "soon"})
    keeper = Keeper(node.hook("keeper"))
    for _ in range(3):
        keeper.step(time.time())
    assert node.own_log().count("it is left out") == 2
    assert state.jobs() == ["5"]
    node.says("5", state="COMPLETED")
    node.epilog(SLURM_JOB_ID="5", SLURM_JOB_EXIT_CODE2="0:0")
    limit = time.monotonic() + 20
    while state.get("5", "ended"):
        assert time.monotonic() < limit
        keeper.step(time.time())
        time.sleep(0.05)
    state.drop("5", "running")
    keeper._rows.close(10.0)
    keeper.close()
    assert [row["job_id"] for row in node.rows("job_metrics")] == ["5"]
