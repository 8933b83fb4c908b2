"""QoS classes of a cluster: the documented fields, the same numbers as in simulations, and a real sacctmgr."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from wattq.errors import InvalidInputError
from wattq.schedulers.qos import read_table
from wattq.schedulers.slurm.qos import ClusterQos, qos_script, read_cluster_qos

NAMES = (
    "normal high low debug energy_efficient cpu_intensive memory_intensive io_intensive gpu long interactive benchmark "
    "energy_research preemptible emergency"
)


def test_the_fifteen_classes_and_their_fields() -> None:
    classes = read_cluster_qos(None)
    assert " ".join(classes) == NAMES
    debug = classes["debug"]
    assert (debug.priority, debug.usage_factor, debug.grace_s, debug.max_wall_s) == (500, 0.1, 60.0, 1800.0)
    assert (debug.grp_cpus, debug.grp_memory_mb, debug.grp_nodes, debug.grp_wall_s) == (32, 64000, 2, 7200.0)
    assert (debug.max_cpus_job, debug.max_nodes_job, debug.min_cpus_job) == (8, 1, 1)
    assert (debug.grp_jobs, debug.grp_submit, debug.max_jobs_user, debug.max_submit_user) == (10, 20, 5, 10)
    assert classes["emergency"].preempt == ["normal", "low", "preemptible"]
    assert {name for name, one in classes.items() if one.preempt_mode == "REQUEUE"} == {"high", "emergency"}
    assert classes["cpu_intensive"].min_cpus_job == 4
    assert classes["long"].max_wall_s == 7 * 86400


@pytest.mark.parametrize("name", NAMES.split())
def test_simulated_classes_have_the_same_numbers(name: str) -> None:
    real, simulated = read_cluster_qos(None)[name], read_table(None).classes[name]
    assert (simulated.priority, simulated.usage_factor, simulated.preempt) == (
        real.priority,
        real.usage_factor,
        real.preempt,
    )
    got = (simulated.max_wall_s, simulated.max_jobs_user, simulated.max_submit_user, simulated.grp_jobs)
    got = (*got, simulated.grp_submit, simulated.grp_nodes, simulated.max_nodes_job)
    want = (real.max_wall_s, real.max_jobs_user, real.max_submit_user, real.grp_jobs)
    want = (*want, real.grp_submit, real.grp_nodes, real.max_nodes_job)
    # Jobs of a log that says nothing of classes keep running: `normal` has no limits in simulations.
    assert got == ((None,) * 7 if name == "normal" else want)


def test_the_script_shows_its_commands(tmp_path: Path) -> None:
    script = tmp_path / "qos.sh"
    script.write_text(qos_script(read_cluster_qos(None)), encoding="utf-8")
    done = subprocess.run(["sh", script, "--dry-run"], capture_output=True, text=True, check=True, timeout=60)
    lines = done.stdout.splitlines()
    assert lines[:2] == ["sacctmgr -i add qos normal", "sacctmgr -i add qos high"]
    assert "sacctmgr -i modify qos emergency set Preempt=normal,low,preemptible" in lines
    assert not any(line.endswith("Preempt=") for line in lines)
    assert len(lines) == 15 + 15 + 2
    assert subprocess.run(["sh", script, "--wet"], capture_output=True, check=False, timeout=60).returncode == 2
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", script], check=True, timeout=60)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: {Prioritty: 1}\n", ["line 1", "Prioritty"]),
        ("a: {Preempt: [b]}\n", ["'b'", "does not exist"]),
        ("a: {GraceTime: soon}\n", ["GraceTime", "'soon'"]),
        ("a: {GrpCPUs: 0}\n", ["GrpCPUs", "greater than or equal to 1"]),
        ("'a b; rm': {Priority: 1}\n", ["a b; rm"]),
    ],
)
def test_wrong_tables(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "qos.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInputError) as error:
        read_cluster_qos(path)
    assert all(word in str(error.value) for word in words), str(error.value)


def run(text: str, tmp_path: Path) -> None:
    script = tmp_path / "apply.sh"
    script.write_text(text, encoding="utf-8")
    done = subprocess.run(["sh", script], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def shown() -> dict[str, str]:
    fields = "Name,Priority,GraceTime,Preempt,PreemptMode,UsageFactor,GrpTRES,GrpJobs,GrpSubmit,GrpWall,MaxTRES,MaxWall"
    words = ["sacctmgr", "-n", "-P", "show", "qos", f"format={fields},MaxJobsPU,MaxSubmitPU,MinTRES"]
    lines = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    return {line.partition("|")[0]: line.partition("|")[2] for line in lines}


@pytest.mark.service
def test_a_real_sacctmgr_takes_them_again_and_again(tmp_path: Path) -> None:
    from live_slurmdbd import accounting

    classes = read_cluster_qos(None)
    with accounting(tmp_path / "dbd"):
        run(qos_script(classes), tmp_path)
        first = shown()
        assert " ".join(first) == NAMES
        assert first["debug"] == (
            "500|00:01:00||cluster|0.100000|cpu=32,mem=62.50G,node=2|10|20|02:00:00|cpu=8,node=1|00:30:00|5|10|cpu=1"
        )
        assert first["emergency"] == "10000|00:30:00|low,normal,preemptible|requeue|5.000000||||||12:00:00|5|10|cpu=1"
        assert first["long"] == "50|00:30:00||cluster|0.700000||20||||7-00:00:00|5|10|cpu=1"
        run(qos_script(classes), tmp_path)
        assert shown() == first
        # A class that preempts no more, and limits that are taken away.
        changed = {**classes, "high": ClusterQos(Priority=7), "debug": ClusterQos()}
        run(qos_script(changed), tmp_path)
        assert shown()["high"] == "7|00:00:00||cluster|1.000000|||||||||"
        run(qos_script(classes), tmp_path)
        assert shown() == first
