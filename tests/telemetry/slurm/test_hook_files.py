"""What `wattq slurm` writes and shows: hooks, a sample of slurm.conf, QoS, energy of jobs."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from wattq.cli import main
from wattq.errors import InvalidInputError
from wattq.settings import Settings
from wattq.telemetry.slurm import write_hook_files
from wattq.telemetry.slurm.deploy import SCRIPTS
from wattq.telemetry.store import open_store


def call(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(words)
    return int(end.value.code or 0)


def test_files_whose_paths_exist(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATTQ_SLURM_TIME_BOX_S", "3")
    folder = tmp_path / "etc"
    assert call("slurm", "files", str(folder)) == 0
    assert f"Prolog={folder}/prolog.sh" in capsys.readouterr().out
    text = (folder / "slurm.conf.sample").read_text(encoding="utf-8")
    paths = re.findall(r"(?<![\w])(/[\w./-]+)", re.sub(r"(?m)^#.*", "", text.replace("sched/backfill", "")))
    mentioned = [path for path in paths if path.startswith(str(tmp_path))]
    assert {Path(path).name for path in mentioned} == {"prolog.sh", "epilog.sh", "suspend.sh", "resume.sh"}
    assert all(os.access(path, os.X_OK) for path in mentioned)
    # Every other word with a slash is the name of a plugin.
    assert all(re.fullmatch(r"/[a-z_]+", path) for path in paths if path not in mentioned), paths
    assert "@" not in text
    for name in (*SCRIPTS, "qos.sh"):
        assert os.access(folder / name, os.X_OK)
    conf = (folder / "wattq-hooks.conf").read_text(encoding="utf-8")
    assert "TIME_BOX=3\n" in conf


@pytest.mark.parametrize(
    "line",
    [
        "SchedulerType=sched/backfill",
        "SelectType=select/cons_tres",
        "SelectTypeParameters=CR_Core_Memory",
        "PriorityType=priority/multifactor",
        "PreemptType=preempt/qos",
        "PreemptMode=REQUEUE",
        "AcctGatherEnergyType=acct_gather_energy/rapl",
        "AcctGatherNodeFreq=30",
        "AccountingStorageTRES=energy",
        "SuspendTimeout=60",
        "ResumeTimeout=300",
        "NodeName=node[01-10] CPUs=96 RealMemory=196608 State=CLOUD",
    ],
)
def test_the_sample_has_what_is_documented(repo_dir: Path, line: str) -> None:
    text = (repo_dir / "telemetry/slurm/etc/slurm.conf.sample").read_text(encoding="utf-8")
    assert line in text.splitlines()
    assert re.findall(r"PartitionName=(\w+)", text) == ["debug", "compute", "cpu", "energy_efficient", "long"]


def test_paths_that_slurm_conf_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="without blanks"):
        write_hook_files(tmp_path / "a b", Settings(), qos_script="")


def test_qos(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("slurm", "qos") == 0
    assert capsys.readouterr().out.startswith("#!/bin/sh\n")
    assert call("slurm", "qos", "--dry-run") == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("set Preempt=normal,low,preemptible")
    assert call("slurm", "qos", "--dry-run", "--apply") == 2
    said = tmp_path / "sacctmgr"
    said.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/did\n', encoding="ascii")
    said.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert call("slurm", "qos", "--apply") == 0
    assert "-i modify qos low set Priority=10" in (tmp_path / "did").read_text(encoding="ascii")
    said.write_text("#!/bin/sh\necho no >&2\nexit 1\n", encoding="ascii")
    capsys.readouterr()
    assert call("slurm", "qos", "--apply") == 1
    assert "sacctmgr: no" in capsys.readouterr().err


def test_energy(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    url = str(tmp_path / "store.db")
    row = {"time": 1795258800.0, "job_id": "17", "user_id": "ada", "job_state": "COMPLETED", "energy_j": 7200.0}
    row |= {"energy_source": "measured", "energy_meter": "rapl", "energy_coverage": 1.0, "avg_power_watts": 100.0}
    with open_store(url) as store:
        store.write("job_metrics", [row, {"time": 1795258900.0, "job_id": "18"}])
    assert call("slurm", "energy", "--store", url) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["18", "-", "2026-11-21T11:01:40Z", *["-"] * 8]
    assert lines[2].split() == [
        "17", "ada", "2026-11-21T11:00:00Z", "-", "-", "COMPLETED", "2.0000", "100.0", "rapl", "100", "%", "-",
    ]  # fmt: skip
    assert call("slurm", "energy", "17", "--store", url) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert call("slurm", "energy", "99", "--store", url) == 2
    assert "job 99: is not in the store" in capsys.readouterr().err


def test_the_page_names_what_there_is(repo_dir: Path) -> None:
    import wattq.telemetry.slurm as package
    from wattq.telemetry.slurm.job_log import MONITOR_COLUMNS

    page = (repo_dir / "docs" / "slurm-hooks.md").read_text(encoding="utf-8")
    table = page[page.index("## Public names") :]
    assert sorted(re.findall(r"`(\w+)`", re.sub(r"(?m)\|[^|]*\|$", "", table.partition("|---|")[2]))) == sorted(
        package.__all__
    )
    columns = page[page.index("job_JOB_monitor.log") : page.index("(bytes since")]
    assert tuple(re.findall(r"`(\w+)`", columns)) == MONITOR_COLUMNS
    assert all(hasattr(package, name) for name in package.__all__)
