"""The shell scripts: they end with 0 and in time whatever is broken, need no PATH, and leave nothing that hangs."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wattq.telemetry.slurm.deploy import SCRIPTS
from wattq.telemetry.slurm.state import StateFolder
from wattq.telemetry.store import open_store


def until(what: Any, seconds: float = 40.0, why: Any = str) -> None:
    limit = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < limit, why()
        time.sleep(0.1)


def ended(node: Any) -> bool:
    return (node.logs / "job_17_energy.log.gz").exists()


def test_from_prolog_to_epilog_without_any_environment(scripts: Any) -> None:
    done = scripts.script("prolog.sh")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    until(lambda: (scripts.logs / "job_17_energy.log").exists(), why=scripts.own_log)
    scripts.sysfs.rapl("intel-rapl:0", "package-0", 5_720_000_000)
    done = scripts.script("epilog.sh", SLURM_JOB_EXIT_CODE2="0:0")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    until(lambda: ended(scripts), why=scripts.own_log)
    until(lambda: rows(scripts), why=scripts.own_log)
    (row,) = rows(scripts)
    assert row["energy_j"] == pytest.approx(720.0)
    assert (row["job_state"], row["energy_meter"]) == ("COMPLETED", "rapl")


def rows(node: Any) -> list[dict[str, Any]]:
    try:
        with open_store(node.settings["store"]["url"], create=False) as store:
            found: list[dict[str, Any]] = store.read("job_metrics")
    except Exception:
        return []
    return [row for row in found if row["energy_j"]]


def no_python(node: Any) -> None:
    conf(node, PYTHON="/nonexistent/python3")


def broken_conf(node: Any) -> None:
    (node.folder / "hooks" / "wattq-hooks.conf").write_text("PYTHON\n$(reboot)\n'\"=x\n\0\xff", encoding="latin-1")


def no_conf(node: Any) -> None:
    (node.folder / "hooks" / "wattq-hooks.conf").unlink()


def broken_settings(node: Any) -> None:
    (node.folder / "wattq.yaml").write_text("slurm: [1, {\n", encoding="utf-8")
    # What is broken gives defaults, whose folders a test must not write to.
    conf(node, PYTHON=str(refusing(node)))


def refusing(node: Any) -> Path:
    """Return a Python that may write nowhere but into the test's folder."""
    python = node.folder / "refusing"
    python.write_text(f'#!/bin/sh\nulimit -f 0\nexec "{node.folder}/python" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return python


def full_disk(node: Any) -> None:
    conf(node, PYTHON=str(refusing(node)))


def folders_are_files(node: Any) -> None:
    for name in ("log", "state", "spool"):
        path = node.folder / name
        shutil.rmtree(path, ignore_errors=True)
        path.write_text("", encoding="ascii")


def python_hangs(node: Any) -> None:
    slow = node.folder / "slow"
    slow.write_text("#!/bin/sh\nexec /bin/sleep 1000\n", encoding="ascii")
    slow.chmod(0o755)
    conf(node, PYTHON=str(slow), TIME_BOX="1")


def python_crashes(node: Any) -> None:
    broken = node.folder / "broken"
    broken.write_text("#!/bin/sh\nkill -SEGV $$\n", encoding="ascii")
    broken.chmod(0o755)
    conf(node, PYTHON=str(broken))


def strange_time_box(node: Any) -> None:
    conf(node, TIME_BOX="-5; reboot")


def missing_variables(node: Any) -> None:
    for name in [name for name in node.environ if name.startswith("SLURM")]:
        del node.environ[name]


def strange_variables(node: Any) -> None:
    node.environ |= {"SLURM_JOB_ID": "../../etc/x", "SLURM_JOB_CPUS_PER_NODE": "\n(x", "SLURM_JOB_GPUS": "$(reboot)"}


def slow_controller(node: Any) -> None:
    (node.folder / "bin" / "scontrol").write_text("#!/bin/sh\nexec /bin/sleep 100\n", encoding="ascii")
    node.environ["PATH"] = f"{node.folder}/bin"


def conf(node: Any, **values: str) -> None:
    path = node.folder / "hooks" / "wattq-hooks.conf"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.partition("=")[0] not in values]
    path.write_text("\n".join([*lines, *(f"{key}={text}" for key, text in values.items()), ""]), encoding="utf-8")


BREAKS = (
    no_python,
    broken_conf,
    no_conf,
    broken_settings,
    full_disk,
    folders_are_files,
    python_hangs,
    python_crashes,
    strange_time_box,
    missing_variables,
    strange_variables,
    slow_controller,
)


@pytest.mark.parametrize("damage", BREAKS)
def test_whatever_is_broken(scripts: Any, damage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where a conf is lost, python3 of the system is tried, which must not write to the machine's folders either.
    scripts.environ |= {
        "WATTQ_SLURM_LOG_DIR": str(scripts.logs),
        "WATTQ_SLURM_STATE_DIR": str(scripts.folder / "state"),
        "PATH": "",
    }
    damage(scripts)
    if damage is broken_settings:
        del scripts.environ["WATTQ_SLURM_LOG_DIR"]
    for name in ("prolog.sh", "epilog.sh"):
        done = scripts.script(name)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr


@contextlib.contextmanager
def hanging_store(node: Any) -> Iterator[None]:
    """A database that takes connections and never answers."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        before = node.settings["store"]["url"]
        node.settings["store"]["url"] = f"postgresql://wattq@127.0.0.1:{silent.getsockname()[1]}/wattq"
        node.write()
        yield
        node.settings["store"]["url"] = before
        node.write()


def played(node: Any) -> None:
    """Run a job past the scripts, until its log is packed."""
    assert node.script("prolog.sh").returncode == 0
    until(lambda: (node.logs / "job_17_energy.log").exists(), why=node.own_log)
    node.sysfs.rapl("intel-rapl:0", "package-0", 5_100_000_000)
    assert node.script("epilog.sh", SLURM_JOB_EXIT_CODE2="0:0").returncode == 0
    until(lambda: ended(node), why=node.own_log)


def test_a_store_that_hangs(scripts: Any) -> None:
    with hanging_store(scripts):
        played(scripts)
    (spooled,) = (scripts.folder / "spool").glob("rows-*.jsonl")
    assert '"COMPLETED"' in spooled.read_text(encoding="utf-8")


@pytest.mark.slow
def test_rows_come_when_the_store_is_back(scripts: Any) -> None:
    with hanging_store(scripts):
        played(scripts)
        until(lambda: not keeper(scripts), why=scripts.own_log)
    assert "rows wait in the spool" in scripts.own_log()
    # The keeper of any later job delivers them.
    assert scripts.script("prolog.sh", SLURM_JOB_ID="18").returncode == 0
    until(lambda: {row["job_id"] for row in rows(scripts)} >= {"17"}, why=scripts.own_log)
    assert next(row for row in rows(scripts) if row["job_id"] == "17")["job_state"] == "COMPLETED"


def keeper(node: Any) -> bool:
    from wattq.telemetry.slurm.keeper_process import only_keeper

    with only_keeper(node.folder / "state") as held:
        return not held


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals(scripts: Any, number: int) -> None:
    python_hangs(scripts)
    hook = subprocess.Popen(
        ["/bin/sh", str(scripts.folder / "hooks" / "prolog.sh")], env=scripts.environ, start_new_session=True
    )
    time.sleep(0.1)
    os.killpg(hook.pid, number)
    assert hook.wait(20) == 0


def test_nothing_of_the_jobs_folder_is_run(scripts: Any, tmp_path: Path) -> None:
    """The working directory of a hook is the job's, and its user's."""
    bad = tmp_path / "home"
    bad.mkdir()
    for name in ("json.py", "wattq.py", "sitecustomize.py", "timeout", "date"):
        (bad / name).write_text(f"open({str(tmp_path / 'stolen')!r}, 'w')\n", encoding="utf-8")
        (bad / name).chmod(0o755)
    command = ["/bin/sh", str(scripts.folder / "hooks" / "prolog.sh")]
    done = subprocess.run(command, env=scripts.environ, cwd=bad, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
    assert StateFolder(scripts.folder / "state").runs("17")
    assert not (tmp_path / "stolen").exists()


def test_the_monitor(scripts: Any) -> None:
    done = scripts.script("energy_monitor.sh", "17")
    assert done.returncode == 0
    assert "does not run on this node" in scripts.own_log()
    state = StateFolder(scripts.folder / "state")
    state.put("17", "running", {"since_s": 1.0})
    process = subprocess.Popen(
        ["/bin/sh", str(scripts.folder / "hooks" / "energy_monitor.sh"), "17", "0.2"],
        env=scripts.environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    log = scripts.logs / "job_17_monitor.log"
    until(lambda: log.exists() and len(log.read_text(encoding="utf-8").splitlines()) >= 6, why=scripts.own_log)
    state.drop("17", "running")
    printed, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert re.fullmatch(r"\d+ samples in .*job_17_monitor\.log\n", printed)
    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert all(line.count(",") == 15 for line in lines)
    with open_store(scripts.settings["store"]["url"]) as store:
        assert store.read("node_metrics")


def test_suspend_and_resume(scripts: Any) -> None:
    log = scripts.folder / "power.log"
    scripts.settings["slurm"] |= {
        "resume_command": "power on {node}",
        "suspend_command": "power off {node}",
        "power_log": str(log),
        "power_dry_run": True,
    }
    scripts.write()
    assert scripts.script("suspend.sh", "n[01-03],x").returncode == 0
    assert scripts.script("resume.sh", "n02").returncode == 0
    text = log.read_text(encoding="utf-8")
    # Several nodes are switched at once.
    assert sorted(re.findall(r"(suspend|resume)\[\d+\]: (\S+): dry run, not done: power (\w+)", text)) == [
        ("resume", "n02", "on"),
        ("suspend", "n01", "off"),
        ("suspend", "n02", "off"),
        ("suspend", "n03", "off"),
        ("suspend", "x", "off"),
    ]
    done = scripts.script("suspend.sh", "n[3-1]")
    assert done.returncode == 2
    assert "list of nodes" in done.stderr


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck(repo_dir: Path) -> None:
    folder = repo_dir / "telemetry" / "slurm" / "hooks"
    assert sorted(path.name for path in folder.iterdir()) == sorted(SCRIPTS)
    subprocess.run(["shellcheck", *sorted(folder.iterdir())], check=True, timeout=60)
