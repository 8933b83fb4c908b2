"""Two programs under robin's rules: exit codes, time-outs, messages, and nobody left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from wattq.experiments.batsim.robin_file import RobinFile, robin_text
from wattq.experiments.batsim.supervise import Outcome, supervise

Instance = Callable[..., RobinFile]
Pids = Callable[[int], list[int]]
FOREVER = "echo $$ >>pids; exec sleep 600"
STUBBORN = "trap '' TERM; echo $$ >>pids; while :; do sleep 0.05; done"
FAMILY = "sleep 600 & echo $! >>pids; setsid sleep 600 & echo $! >>pids; echo $$ >>pids; wait"
READY = "until test -s pids; do sleep 0.02; done; "
ALL_READY = 'until test "$(wc -l 2>/dev/null <pids)" = 3; do sleep 0.02; done; '
# as in a terminal, whatever the tests were started by (nohup ignores SIGHUP)
RUN = """import signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from wattq.cli import main
main(['robin', *sys.argv[1:]])
"""


def short(made: RobinFile) -> Outcome:
    return supervise(made, grace_s=0.3)


def test_success(instance: Instance, tmp_path: Path) -> None:
    made = instance("echo from batsim >&2; echo out", "echo told; echo warned >&2")
    assert supervise(made) == Outcome(0, 0, 0, "", Path("out/log"))
    out = tmp_path / "out"
    assert (out / "cmd/batsim.bash").read_text() == made.batcmd
    assert (out / "cmd/sched.bash").read_text() == made.schedcmd
    assert os.access(out / "cmd/sched.bash", os.X_OK)
    assert (out / "log/batsim.log").read_text().splitlines()[-2:] == ["from batsim", "out"]
    assert (out / "log/sched.out.log").read_text() == "told\n"
    assert "warned" in (out / "log/sched.err.log").read_text().splitlines()
    assert sorted(path.name for path in out.rglob("*") if path.is_file()) == [
        "batsim.bash",
        "batsim.log",
        "sched.bash",
        "sched.err.log",
        "sched.out.log",
    ]


def test_batsim_fails(instance: Instance, pids_in: Pids, alive: Callable[[int], bool]) -> None:
    made = instance(READY + "echo 'no such platform' >&2; exit 3", FOREVER, failure_timeout_s=0.3)
    outcome = short(made)
    assert (outcome.exit_code, outcome.batsim_exit, outcome.scheduler_exit) == (2, 3, -signal.SIGTERM)
    assert outcome.message == (
        "Batsim ended with exit code 3 (last line of out/log/batsim.log: 'no such platform'); the scheduler was still "
        "running 0.3 s later (failure-timeout) and was stopped (out/log/sched.err.log says nothing)"
    )
    assert not any(map(alive, pids_in(1)))


def test_scheduler_fails_and_batsim_notices(instance: Instance, tmp_path: Path) -> None:
    made = instance("until test -e gone; do sleep 0.02; done; kill -ABRT $$", "echo broken >&2; touch gone; exit 1")
    outcome = short(made)
    assert (outcome.exit_code, outcome.scheduler_exit) == (2, 1)
    assert outcome.batsim_exit in (134, -signal.SIGABRT)
    assert "he scheduler ended with exit code 1 (last line of out/log/sched.err.log: 'broken')" in outcome.message
    assert "SIGABRT" in outcome.message


def test_a_signal_is_named(instance: Instance) -> None:
    outcome = short(instance("true", "kill -KILL $$"))
    assert (outcome.exit_code, outcome.batsim_exit, outcome.scheduler_exit) == (2, 0, -signal.SIGKILL)
    assert outcome.message == "The scheduler was ended by SIGKILL (out/log/sched.err.log says nothing)"


def test_scheduler_hangs_after_the_end_of_batsim(
    instance: Instance, pids_in: Pids, alive: Callable[[int], bool]
) -> None:
    outcome = short(instance(READY, FOREVER, success_timeout_s=0.3))
    assert (outcome.exit_code, outcome.batsim_exit, outcome.scheduler_exit) == (2, 0, -signal.SIGTERM)
    assert outcome.message.startswith(
        "The scheduler was still running 0.3 s after the other process had ended well (success-timeout) and was stopped"
    )
    assert not any(map(alive, pids_in(1)))


def test_batsim_hangs_after_the_failure_of_the_scheduler(instance: Instance) -> None:
    outcome = short(instance(FOREVER, "exit 7", failure_timeout_s=0.3))
    assert (outcome.exit_code, outcome.scheduler_exit) == (2, 7)
    assert outcome.message.startswith("The scheduler ended with exit code 7 (")
    assert "Batsim was still running 0.3 s later (failure-timeout) and was stopped" in outcome.message


def test_obeying_late_is_a_time_out(instance: Instance) -> None:
    polite = "trap 'exit 0' TERM; echo $$ >>pids; while :; do sleep 0.02; done"
    outcome = supervise(instance(READY, polite, success_timeout_s=0.3), grace_s=30.0)
    assert (outcome.exit_code, outcome.scheduler_exit) == (1, 0)
    assert "success-timeout" in outcome.message


def test_simulation_time_out(instance: Instance, pids_in: Pids, alive: Callable[[int], bool]) -> None:
    outcome = short(instance(FOREVER, FOREVER, simulation_timeout_s=0.5))
    assert (outcome.exit_code, outcome.batsim_exit, outcome.scheduler_exit) == (1, -signal.SIGTERM, -signal.SIGTERM)
    assert outcome.message.count("was still running 0.5 s after its start (simulation-timeout) and was stopped") == 2
    assert not any(map(alive, pids_in(0)))


def test_who_ignores_sigterm_is_killed(instance: Instance, pids_in: Pids, alive: Callable[[int], bool]) -> None:
    outcome = short(instance(READY, STUBBORN, success_timeout_s=0.3))
    assert (outcome.exit_code, outcome.scheduler_exit) == (2, -signal.SIGKILL)
    assert not any(map(alive, pids_in(1)))


def test_who_ignores_sigterm_below_a_shell_is_killed(
    instance: Instance, pids_in: Pids, alive: Callable[[int], bool]
) -> None:
    # Batsim's own shell obeys SIGTERM, the program that it runs does not
    outcome = short(instance(STUBBORN, READY + "exit 1", failure_timeout_s=0.3))
    assert (outcome.exit_code, outcome.batsim_exit) == (2, -signal.SIGTERM)
    assert not any(map(alive, pids_in(1)))


def test_nobody_is_left_behind_by_a_failure(instance: Instance, pids_in: Pids, alive: Callable[[int], bool]) -> None:
    outcome = short(instance(ALL_READY + "exit 1", FAMILY, failure_timeout_s=0.3))
    assert outcome.exit_code == 2
    assert not any(map(alive, pids_in(3)))


def test_nobody_is_left_behind_by_success(instance: Instance, pids_in: Pids, alive: Callable[[int], bool]) -> None:
    made = instance("true", "setsid sleep 600 </dev/null >/dev/null 2>&1 & echo $! >>pids")
    assert short(made).exit_code == 0
    assert not any(map(alive, pids_in(1)))


def test_port_in_use(instance: Instance, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        outcome = supervise(instance("touch ran", "touch ran", endpoint=f"tcp://localhost:{port}", ready_timeout_s=0.3))
    assert (outcome.exit_code, outcome.batsim_exit, outcome.scheduler_exit) == (1, None, None)
    assert outcome.message.startswith(f"port {port} is still in use after 0.3 s (ready-timeout)")
    assert not (tmp_path / "ran").exists()
    assert list((tmp_path / "out" / "cmd").iterdir()) == []


def test_port_that_becomes_free(instance: Instance, tmp_path: Path) -> None:
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    threading.Timer(0.3, taken.close).start()
    made = instance("touch ran", endpoint=f"tcp://localhost:{taken.getsockname()[1]}")
    assert supervise(made).exit_code == 0
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("endpoint", ["tcp://localhost", "tcp://localhost:0", "tcp://localhost:70000", "tcp://h:28x"])
def test_endpoint_without_a_port(instance: Instance, endpoint: str) -> None:
    outcome = supervise(instance(endpoint=endpoint))
    assert outcome.exit_code == 1
    assert outcome.message == (f"Batsim's socket endpoint '{endpoint}' has no port from 1 to 65535; mend its -s option")


def test_without_scheduler(instance: Instance, tmp_path: Path) -> None:
    assert supervise(instance("true", "", external=False)) == Outcome(0, 0, None, "", Path("out/log"))
    assert not (tmp_path / "out/cmd/sched.bash").exists()
    failed = supervise(instance("exit 9", "", external=False))
    assert (failed.exit_code, failed.batsim_exit, failed.scheduler_exit) == (2, 9, None)


def test_commands_that_do_not_fit(instance: Instance) -> None:
    lonely = supervise(instance("true", ""))
    assert (lonely.exit_code, lonely.message[:17]) == (1, "schedcmd is empty")
    crowded = supervise(instance("true", "true", external=False))
    assert (crowded.exit_code, crowded.message[:17]) == (1, "schedcmd is given")


@pytest.mark.parametrize(
    ("batcmd", "rule"),
    [
        ("no-such-program -p x", "ended with exit code 127: "),
        ("echo broken >&2; exit 5; :", "ended with exit code 5: broken"),
        ("echo words; true", "printed 'words', no JSON"),
        ("echo '[]'; true", "printed JSON without socket_endpoint"),
        ("""echo '{"socket_endpoint": "tcp://h:1", "export_prefix": 3}'; true""", "without export_prefix"),
        ("kill -KILL $$;", "was ended by SIGKILL"),
    ],
)
def test_no_execution_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batcmd: str, rule: str) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = supervise(RobinFile(batcmd, "out", "true"))
    assert (outcome.exit_code, outcome.batsim_exit, outcome.scheduler_exit) == (1, None, None)
    assert outcome.message.startswith("batcmd with --dump-execution-context ")
    assert rule in outcome.message
    assert not list(Path("out/cmd").iterdir())


def test_context_that_never_comes(
    instance: Instance, monkeypatch: pytest.MonkeyPatch, pids_in: Pids, alive: Callable[[int], bool]
) -> None:
    monkeypatch.setattr("wattq.experiments.batsim.context.ask_context.__kwdefaults__", {"patience_s": 0.3})
    made = RobinFile(FOREVER.replace("exec", "") + "; true", "out", instance().schedcmd)
    outcome = short(made)
    assert outcome.exit_code == 1
    assert outcome.message == "batcmd with --dump-execution-context did not end within 0.3 s and was stopped"
    assert not any(map(alive, pids_in(0)))


def test_a_line_break_behind_the_command(instance: Instance) -> None:
    made = instance()
    assert supervise(RobinFile(made.batcmd + "\n\n", "out", "true\n")).exit_code == 0


def test_folder_that_cannot_be_made(instance: Instance, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    outcome = supervise(instance())
    assert outcome.exit_code == 1
    assert outcome.message.startswith("output-dir 'out' cannot be made (")


def test_no_bash(instance: Instance) -> None:
    outcome = supervise(instance(), env={"PATH": "/nowhere"})
    assert outcome.exit_code == 1
    assert outcome.message == "context cannot be started: no program 'bash' on PATH"


def test_environment(instance: Instance) -> None:
    made = instance('test "$GIVEN" = yes', 'test "$GIVEN" = yes')
    assert supervise(made, env={"PATH": os.environ["PATH"], "GIVEN": "yes"}).exit_code == 0


def test_results_elsewhere_are_warned_about(instance: Instance) -> None:
    outcome = supervise(instance(), env={**os.environ, "PREFIX": "elsewhere/run"})
    assert outcome.exit_code == 0
    assert outcome.warnings == ("Batsim's results go to 'elsewhere/run', outside of output-dir 'out'",)


def test_ctrl_c(instance: Instance, pids_in: Pids, alive: Callable[[int], bool]) -> None:
    made = instance(FAMILY, f"{ALL_READY} kill -INT {os.getpid()}; {FOREVER}")
    with pytest.raises(KeyboardInterrupt):
        short(made)
    assert not any(map(alive, pids_in(3)))


def test_sigterm_in_process(instance: Instance, pids_in: Pids, alive: Callable[[int], bool]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    made = instance(FAMILY, f"{ALL_READY} kill -TERM {os.getpid()}; {FOREVER}")
    outcome = short(made)
    assert (outcome.exit_code, outcome.message) == (3, "SIGTERM was received: Batsim and the scheduler were stopped")
    assert not any(map(alive, pids_in(3)))
    assert signal.getsignal(signal.SIGTERM) == before


def test_in_a_thread(instance: Instance) -> None:
    outcomes: list[Outcome] = []
    worker = threading.Thread(target=lambda: outcomes.append(short(instance("true", "exit 2"))))
    worker.start()
    worker.join()
    assert [outcome.exit_code for outcome in outcomes] == [2]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGHUP])
def test_signals_to_the_program(
    instance: Instance,
    tmp_path: Path,
    pids_in: Pids,
    alive: Callable[[int], bool],
    wait_until: Callable[[Callable[[], bool]], bool],
    number: signal.Signals,
) -> None:
    (tmp_path / "run.yaml").write_text(robin_text(instance(FAMILY, FAMILY)))
    program = subprocess.Popen([sys.executable, "-c", RUN, "run.yaml"], stderr=subprocess.PIPE, text=True)
    pids = pids_in(6)
    program.send_signal(number)
    _, said = program.communicate(timeout=60)
    handled = number in (signal.SIGTERM, signal.SIGINT)
    assert program.returncode == (3 if handled else -number)
    assert ("Batsim and the scheduler were stopped" in said) == handled
    assert wait_until(lambda: not any(map(alive, pids)))


def test_the_keeper_dies(
    instance: Instance, pids_in: Pids, alive: Callable[[int], bool], wait_until: Callable[[Callable[[], bool]], bool]
) -> None:
    made = instance(FOREVER, READY + "echo $$ >>pids; kill -KILL $PPID; exec sleep 600")
    outcome = short(made)
    assert (outcome.exit_code, outcome.message) == (
        1,
        "the keeper of Batsim and the scheduler was ended from outside; both were stopped",
    )
    assert wait_until(lambda: not any(map(alive, pids_in(2)[:2])))
