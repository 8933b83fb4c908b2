"""Parts of hooks: what jobs use, thermal events, logs, GPU caps, nodes switched off and on."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from wattq.errors import InvalidInputError, TelemetryError
from wattq.settings import SlurmSettings
from wattq.telemetry.slurm import GpuCaps, JobFacts, cap_of_comment
from wattq.telemetry.slurm.gpu_cap import caps_by_qos, wanted_cap_w
from wattq.telemetry.slurm.hook import OwnLog
from wattq.telemetry.slurm.job_log import COLUMNS, MONITOR_COLUMNS, JobLog
from wattq.telemetry.slurm.node_sampler import NodeSample
from wattq.telemetry.slurm.node_switch import switch_command, switch_nodes
from wattq.telemetry.slurm.running import JobStats
from wattq.telemetry.slurm.state import StateFolder
from wattq.telemetry.slurm.thermal_watch import ThermalWatch
from wattq.telemetry.slurm.usage import JobMeter


def put(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())


def test_use_from_control_groups(tmp_path: Path) -> None:
    group = "sys/fs/cgroup/system.slice/slurmstepd.scope/job_17"
    put(tmp_path, f"{group}/cpu.stat", "usage_usec 2500000\nuser_usec 2000000\n")
    put(tmp_path, f"{group}/memory.current", "1000\n")
    put(tmp_path, f"{group}/memory.peak", "3000\n")
    put(tmp_path, f"{group}/io.stat", "8:0 rbytes=100 wbytes=50 rios=1\n8:16 rbytes=1 wbytes=2\n")
    use = JobMeter("17", root=tmp_path).read()
    assert (use.cpu_s, use.memory_bytes, use.peak_bytes) == (2.5, 1000.0, 3000.0)
    assert (use.read_bytes, use.written_bytes, use.source) == (101.0, 52.0, "cgroup")
    assert JobMeter("1", root=tmp_path).read().source == ""


def test_use_from_control_groups_of_version_1(tmp_path: Path) -> None:
    put(tmp_path, "sys/fs/cgroup/cpuacct/slurm_n1/uid_1000/job_17/cpuacct.usage", "1500000000\n")
    put(tmp_path, "sys/fs/cgroup/memory/slurm_n1/uid_1000/job_17/memory.usage_in_bytes", "70\n")
    put(tmp_path, "sys/fs/cgroup/memory/slurm_n1/uid_1000/job_17/memory.max_usage_in_bytes", "90\n")
    blkio = "sys/fs/cgroup/blkio/slurm_n1/uid_1000/job_17/blkio.throttle.io_service_bytes_recursive"
    put(tmp_path, blkio, "8:0 Read 10\n8:0 Write 20\n8:16 Read 1\n8:0 Total 30\nTotal 31\n")
    use = JobMeter("17", "1000", tmp_path).read()
    assert (use.cpu_s, use.memory_bytes, use.peak_bytes) == (1.5, 70.0, 90.0)
    assert (use.read_bytes, use.written_bytes) == (11.0, 20.0)


def process(root: Path, pid: int, job: str, ticks: int, name: str = "a.out") -> None:
    put(root, f"proc/{pid}/environ", f"PATH=/bin\0SLURM_JOB_ID={job}\0")
    put(root, f"proc/{pid}/comm", f"{name}\n")
    numbers = ["0"] * 11 + [str(ticks), "0"] + ["0"] * 6 + [str(pid), "0", "10"]
    put(root, f"proc/{pid}/stat", f"{pid} ({name} x) S {' '.join(numbers[1:])}\n")
    put(root, f"proc/{pid}/io", "rchar: 1\nread_bytes: 5\nwrite_bytes: 7\n")


def test_use_from_processes(tmp_path: Path) -> None:
    process(tmp_path, 100, "17", 200)
    process(tmp_path, 101, "18", 900)
    process(tmp_path, 102, "17", 900, "slurmstepd")
    meter = JobMeter("17", root=tmp_path)
    use = meter.read()
    assert (use.cpu_s, use.read_bytes, use.written_bytes, use.source) == (2.0, 5.0, 7.0, "processes")
    assert use.memory_bytes
    # What ended is not forgotten, and another process of the same number is another.
    (tmp_path / "proc/100/environ").write_bytes(b"")
    process(tmp_path, 103, "17", 50)
    assert meter.read().cpu_s == 2.5


def test_statistics_go_on_with_another_keeper() -> None:
    sample = NodeSample(20.0, "n1", cpu_c=50.0, throttling=False)
    stats = JobStats()
    stats.add(JobMeter("1", root=Path("/nonexistent")).read(), sample, 10.0)
    assert (stats.cpu_percent(2), stats.memory_percent(1e9)) == (None, None)
    again = JobStats.of_document(json.loads(json.dumps(stats.document())))
    assert again.heat()["avg_cpu_temp"] == 50.0
    assert again.heat()["thermal_throttling"] is False
    assert again.heat()["avg_gpu_temp"] is None
    assert JobStats.of_document({"what": 1}).samples == 0


def test_thermal_events() -> None:
    watch = ThermalWatch("n1")
    assert watch.rows(NodeSample(0.0, "n1", cpu_c=74.9, gpu_c=79.9), "17") == []
    first = watch.rows(NodeSample(10.0, "n1", cpu_c=75.0, gpu_c=60.0), "17")
    assert [(row["event_type"], row["time"], row["severity"], row["threshold"]) for row in first] == [
        ("overheat", 10.0, "high", 75.0)
    ]
    worse = watch.rows(NodeSample(40.0, "n1", cpu_c=75.0, gpu_c=91.0), "17")
    assert [(row["temperature"], row["device"], row["severity"], row["duration_seconds"]) for row in worse] == [
        (91.0, "gpu", "critical", 30.0)
    ]
    over = watch.rows(NodeSample(70.0, "n1", cpu_c=60.0, gpu_c=60.0, throttling=True), "17")
    assert [(row["event_type"], row["time"]) for row in over] == [
        ("overheat", 10.0),
        ("cooling", 70.0),
        ("throttling", 70.0),
    ]
    assert over[0]["duration_seconds"] == over[1]["duration_seconds"] == 60.0
    assert watch.rows(NodeSample(80.0, "n1", cpu_c=60.0, throttling=False), None)[0]["duration_seconds"] == 10.0
    assert watch.rows(NodeSample(90.0, "n1", cpu_c=60.0, throttling=False), None) == []


def test_logs(tmp_path: Path) -> None:
    assert (len(COLUMNS), len(MONITOR_COLUMNS)) == (5, 16)
    log = JobLog(tmp_path, "17_3")
    log.begin({"job_id": "18", "title": "x\n# energy_j: 1", "cores": None})
    log.add({"timestamp": "t", "power_w": 1.5})
    log.end({"energy_j": 2.0, "exit_code": None})
    packed = log.archive()
    assert packed.name == "job_17_3_energy.log.gz"
    assert gzip.decompress(packed.read_bytes()).decode().splitlines() == [
        "# job_id: 18",
        "# title: x # energy_j: 1",
        "timestamp,cpu_percent,memory_percent,cpu_temp_c,power_w",
        "t,,,,1.5",
        "# energy_j: 2",
    ]
    assert not log.path.exists()
    with pytest.raises(TelemetryError, match="cannot be read"):
        log.archive()


def test_logs_write_through_no_link(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("", encoding="utf-8")
    (tmp_path / "job_1_energy.log").symlink_to(target)
    JobLog(tmp_path, "1").add({"timestamp": "t"})
    (tmp_path / "hooks.log").symlink_to(target)
    OwnLog(tmp_path / "hooks.log", "prolog").say("x")
    OwnLog(target / "hooks.log", "prolog").say("a file is no folder")
    assert target.read_text(encoding="utf-8") == ""


def test_the_own_log_does_not_grow_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "hooks.log"
    path.write_bytes(b"x" * 5_000_001)
    OwnLog(path, "keeper").say("one\nline")
    assert path.read_text(encoding="utf-8").count("\n") == 1
    assert (tmp_path / "hooks.log.1").stat().st_size == 5_000_001


@pytest.mark.parametrize(
    ("comment", "cap_w"),
    [
        ("wattq:gpu_power_cap=250", 250.0),
        ("my run; wattq:gpu_power_cap=212.5 wattq:job_type=io", 212.5),
        ("gpu_power_cap=250", None),
        ("wattq:gpu_power_cap=0", None),
        ("wattq:gpu_power_cap=-5", None),
        ("wattq:gpu_power_cap=123456789", None),
        ("", None),
    ],
)
def test_caps_of_comments(comment: str, cap_w: float | None) -> None:
    assert cap_of_comment(comment) == cap_w


def test_caps_of_qos() -> None:
    assert caps_by_qos("energy_efficient=250, low=200.5") == {"energy_efficient": 250.0, "low": 200.5}
    assert caps_by_qos("") == {}
    for text in ("low", "low=", "low=0", "low=200,,", "a b=3"):
        with pytest.raises(InvalidInputError, match=r"slurm\.gpu_caps"):
            caps_by_qos(text)
    facts = JobFacts("1", "1", "n1", qos="low", comment="wattq:gpu_power_cap=250")
    assert wanted_cap_w(facts, {"low": 200.0}) == 200.0
    assert wanted_cap_w(facts, {"low": 300.0}) == 250.0
    assert wanted_cap_w(facts, {}) == 250.0
    assert wanted_cap_w(JobFacts("1", "1", "n1", qos="low"), {"high": 1.0}) is None


def capped(make: Any, *limits_w: float) -> Any:
    """Return a fake NVML whose GPUs take caps from 100 W to 400 W."""
    nvml = make(*({"limit_mw": int(1000 * limit)} for limit in limits_w))
    nvml.nvmlDeviceGetPowerManagementLimitConstraints = lambda gpu: (100_000, 400_000)

    def take(gpu: dict[str, Any], limit_mw: int) -> None:
        if gpu.get("stubborn"):
            raise nvml.error("NoPermission")
        gpu["limit_mw"] = limit_mw

    nvml.nvmlDeviceSetPowerManagementLimit = take
    return nvml


def limits(nvml: Any) -> list[float]:
    return [gpu["limit_mw"] / 1000.0 for gpu in nvml.gpus]


def test_a_cap_is_set_and_undone(tmp_path: Path, fake_nvml: Any) -> None:
    nvml, state = capped(fake_nvml, 400, 350, 400), StateFolder(tmp_path / "state")
    caps = GpuCaps(state, nvml)
    assert caps.apply("17", (0, 1), 250.0) == {0: 250.0, 1: 250.0}
    assert limits(nvml) == [250.0, 350.0 - 100.0, 400.0]
    assert state.get("17", "gpu_caps") == {"0": 400.0, "1": 350.0}
    assert caps.restore("17") == {0: 400.0, 1: 350.0}
    assert limits(nvml) == [400.0, 350.0, 400.0]
    assert state.get("17", "gpu_caps") is None
    caps.close()
    assert nvml.open == 0


def test_a_cap_stays_within_limits_and_is_never_raised(tmp_path: Path, fake_nvml: Any) -> None:
    nvml = capped(fake_nvml, 300)
    caps = GpuCaps(StateFolder(tmp_path / "state"), nvml)
    assert caps.apply("1", (0,), 5.0) == {0: 100.0}
    caps.restore("1")
    # An administrator's cap of 300 W holds for a job that asks for more.
    assert caps.apply("2", (0,), 390.0) == {0: 300.0}
    caps.restore("2")
    assert limits(nvml) == [300.0]


def test_a_crash_between_prolog_and_epilog(tmp_path: Path, fake_nvml: Any) -> None:
    nvml, state = capped(fake_nvml, 400), StateFolder(tmp_path / "state")
    GpuCaps(state, nvml).apply("17", (0,), 200.0)
    # The epilog removed the flag and was killed; the next job's prolog finds the cap that is left.
    caps = GpuCaps(StateFolder(tmp_path / "state"), nvml)
    assert caps.restore_forgotten() == {0: 400.0}
    assert limits(nvml) == [400.0]
    # A job whose flag is there keeps its cap.
    caps.apply("18", (0,), 200.0)
    state.put("18", "running", {"since_s": 1.0})
    assert caps.restore_forgotten() == {}
    assert limits(nvml) == [200.0]


def test_gpus_that_refuse(tmp_path: Path, fake_nvml: Any) -> None:
    nvml, state = capped(fake_nvml, 400, 400), StateFolder(tmp_path / "state")
    nvml.gpus[1]["stubborn"] = True
    caps = GpuCaps(state, nvml)
    assert caps.apply("17", (0, 1), 200.0) == {0: 200.0}
    assert caps.restore("17") == {0: 400.0}
    assert state.get("17", "gpu_caps") == {"1": 400.0}
    with pytest.raises(TelemetryError, match="GPU power cap"):
        GpuCaps(state, fake_nvml(init="DriverNotLoaded"))


def test_state_tidies_up(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    day_s, now_s = 86_400.0, 1_000 * 86_400.0
    state.put("2", "holding", {"start_s": now_s - 5 * day_s, "end_s": None, "cores": 1})
    for job, start_s, end_s in (("1", 9, 8), ("3", 4, 3)):
        state.put(job, "holding", {})
        state.retire(job, {"start_s": now_s - start_s * day_s, "end_s": now_s - end_s * day_s, "cores": 1})
    assert state.jobs() == ["2"]
    assert len(state.held()) == 3
    for age in (0, 2, 5, 6, 20):
        (state.path / f"marks-{_day(now_s - age * day_s)}.jsonl").write_text("", encoding="ascii")
    state.tidy(now_s)
    # Job 3 ran beside job 2, which still runs; job 1 ended before it began.
    assert sorted(each["cores"] for each in state.held().values()) == [1, 1]
    assert [job.partition("@")[0] for job in state.held()] == ["2", "3"]
    assert sorted(path.name for path in state.path.glob("marks*")) == sorted(
        f"marks-{_day(now_s - age * day_s)}.jsonl" for age in (0, 2, 5)
    )
    # Another run of a job that was finished a moment ago stays.
    state.put("2", "running", {"since_s": now_s})
    state.retire("2", None)
    assert state.jobs() == ["2"]
    with pytest.raises(TelemetryError, match="is no number of a job"):
        state.folder("../../etc")
    (tmp_path / "file").write_text("", encoding="ascii")
    with pytest.raises(TelemetryError, match=r"slurm\.state_dir"):
        StateFolder(tmp_path / "file" / "state")


def _day(time_s: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%d")


def test_commands_that_switch_nodes() -> None:
    ipmi = SlurmSettings(power_method="ipmi", bmc="{node}-bmc", bmc_user="admin", bmc_password_file="/etc/bmc")
    assert switch_command(ipmi, "suspend", "n1") == (
        ["ipmitool", "-I", "lanplus", "-H", "n1-bmc", "-U", "admin", "-f", "/etc/bmc", "chassis", "power", "soft"]
    )
    assert switch_command(ipmi, "resume", "n1")[-1] == "on"
    ssh = SlurmSettings(power_method="ssh", wake_command="ether-wake -i eth1 {node}")
    assert switch_command(ssh, "suspend", "n1")[-2:] == ["n1", "systemctl poweroff"]
    assert switch_command(ssh, "resume", "n1") == ["ether-wake", "-i", "eth1", "n1"]
    cloud = SlurmSettings(suspend_command="cloud stop '{node} now'")
    assert switch_command(cloud, "suspend", "n1") == ["cloud", "stop", "n1 now"]
    with pytest.raises(InvalidInputError, match=r"slurm\.resume_command"):
        switch_command(cloud, "resume", "n1")


def test_nodes_are_switched_and_told(tmp_path: Path) -> None:
    program = tmp_path / "power"
    program.write_text(f'#!/bin/sh\n[ "$2" = n3 ] && exit 4\necho "$1 $2" >> {tmp_path}/did\n', encoding="ascii")
    program.chmod(0o755)
    settings = SlurmSettings(
        suspend_command=f"{program} off {{node}}",
        resume_command=f"{program} on {{node}}",
        power_log=str(tmp_path / "power.log"),
    )
    problems = switch_nodes(settings, "suspend", ["n1", "n2", "n3"], {})
    assert len(problems) == 1
    assert problems[0].startswith("n3: ")
    assert sorted((tmp_path / "did").read_text(encoding="ascii").split("\n"))[1:] == ["off n1", "off n2"]
    log = (tmp_path / "power.log").read_text(encoding="utf-8")
    assert log.count("done: ") == 2
    assert "n3: failed: " in log
    dry = settings.model_copy(update={"power_dry_run": True})
    assert switch_nodes(dry, "resume", ["n3"], {}) == []
    assert "dry run, not done" in (tmp_path / "power.log").read_text(encoding="utf-8")
