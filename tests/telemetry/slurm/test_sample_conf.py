"""The sample of slurm.conf on a real slurmctld with accounting: QoS classes, and cloud nodes that are switched on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from live_slurm import slurm_cluster, wait_for
from live_slurmdbd import accounting

pytestmark = pytest.mark.service

# What a machine alone, with root as Slurm's user and without control groups, has otherwise.
OTHERWISE = ("SlurmctldHost", "SlurmUser", "ProctrackType", "TaskPlugin", "JobAcctGatherType")
OTHERWISE += ("AccountingStorageType", "AccountingStorageHost")


def run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


def up() -> bool:
    # Cloud nodes that are off are not shown by sinfo.
    done = subprocess.run(["scontrol", "ping"], capture_output=True, text=True, timeout=60, check=False)
    return " is UP" in done.stdout


def test_the_sample_runs(tmp_path: Path, repo_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = os.pathsep.join([str(repo_dir / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{source}" exec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    power_log = tmp_path / "power.log"
    settings = {"suspend_command": "off {node}", "resume_command": "on {node}", "power_dry_run": True}
    config = tmp_path / "wattq.yaml"
    config.write_text(yaml.safe_dump({"slurm": {**settings, "power_log": str(power_log)}}), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", source)
    command = [sys.executable, "-c", "from wattq.cli import main; main()", "slurm", "files", str(tmp_path / "etc")]
    run(*command, "--config", str(config), "--python", str(python))
    sample = (tmp_path / "etc" / "slurm.conf.sample").read_text(encoding="utf-8").splitlines()
    lines = [line for line in sample if line and not line.startswith("#") and line.partition("=")[0] not in OTHERWISE]
    (tmp_path / "slurm").mkdir()
    with accounting(tmp_path / "dbd") as ours:
        run("sh", str(tmp_path / "etc" / "qos.sh"))
        run("sacctmgr", "-i", "add", "cluster", "wattq")
        run("sacctmgr", "-i", "add", "account", "physics")
        run("sacctmgr", "-i", "add", "user", "root", "account=physics")
        run("sacctmgr", "-i", "modify", "user", "where", "name=root", "set", "qos=normal,debug,long")
        with slurm_cluster(tmp_path / "slurm", [*lines, *ours], ready=up) as cluster:
            shown = run("scontrol", "show", "config")
            for key, value in (
                ("SuspendProgram", "suspend.sh"),
                ("ResumeProgram", "resume.sh"),
                ("Prolog", "prolog.sh"),
            ):
                assert any(line.split() == [key, "=", f"{tmp_path}/etc/{value}"] for line in shown.splitlines()), key
            partitions = re.findall(r"PartitionName=(\w+)", run("scontrol", "show", "partition"))
            assert sorted(partitions) == ["compute", "cpu", "debug", "energy_efficient", "long"]
            job = run("sbatch", "--parsable", "-p", "debug", "--qos", "debug", "-t", "5", "--wrap", "true").strip()
            # A class that is not the user's, and more than its longest time, are refused.
            words = ["sbatch", "--qos", "emergency", "--wrap", "true"]
            assert subprocess.run(words, capture_output=True, check=False, timeout=60).returncode != 0
            assert "QOS=debug" in run("scontrol", "show", "job", job)
            log = cluster.conf.parent / "slurmctld.log"
            wait_for(power_log.exists, 60, lambda: log.read_text(encoding="utf-8")[-3000:])
            assert "node01: dry run, not done: on node01" in power_log.read_text(encoding="utf-8")
            run("scancel", job)
