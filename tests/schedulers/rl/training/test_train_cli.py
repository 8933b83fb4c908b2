"""`wattq rl train` and `wattq rl show`: options, files, Ctrl-C, and messages instead of tracebacks."""

from __future__ import annotations

import csv
import signal
from pathlib import Path
from typing import Any

import pytest

from wattq.cli import main
from wattq.schedulers.rl.training.config import read_config

SMALL = ["--task", "toy-queue", "--n-envs", "8", "--n-steps", "64", "--batch-size", "256", "--net-arch", "16"]


def call(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["rl", *words])
    return int(end.value.code or 0)


def test_smoke_of_2000_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("train", *SMALL, "--steps", "2000", "--seed", "3", "-o", str(tmp_path / "run")) == 0
    out, err = capsys.readouterr()
    assert out.startswith("2,048 steps, weights sha256 ")
    assert "mean return of the last episodes" in out
    assert err == ""  # no progress where that is no terminal
    config = read_config(tmp_path / "run" / "config.yaml")
    assert (config.steps, config.seed, config.net_arch, config.options["length"]) == (2000, 3, (16,), 20)


def test_options_come_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "toy.yaml"
    file.write_text(
        "task: toy-queue\nsteps: 700\nn_envs: 8\nn_steps: 64\nbatch_size: 128\nnet_arch: [8]\nseed: 5\n"
        "options: {length: 7, urgent: 0.25}\nconstraints: [{cost: energy, limit: 0.5}]\n",
        encoding="utf-8",
    )
    words = ["--config", str(file), "--option", "length=9", "--seed", "6", "-o", str(tmp_path / "run")]
    assert call("train", *words, "--learning-rate", "linear:0.01", "--teacher", "urgent", "--bc-steps", "64") == 0
    config = read_config(tmp_path / "run" / "config.yaml")
    assert config.options == {"length": 9, "urgent": 0.25, "closed": False}
    assert (config.seed, config.steps, config.learning_rate) == (6, 700, "linear:0.01")
    assert config.constraints[0].limit == 0.5
    assert config.teacher is not None
    assert config.teacher.steps == 64
    # the folder's own file starts the same training
    assert call("train", "--config", str(tmp_path / "run" / "config.yaml"), "-o", str(tmp_path / "again")) == 0
    assert read_config(tmp_path / "again" / "config.yaml") == config


def test_ctrl_c_ends_with_a_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from toy_queue import ToyQueue

    step, calls = ToyQueue.step_wait, [0]

    def interrupted(env: Any) -> Any:
        calls[0] += 1
        if calls[0] == 100:
            signal.raise_signal(signal.SIGINT)
        return step(env)

    monkeypatch.setattr(ToyQueue, "step_wait", interrupted)
    folder = tmp_path / "run"
    assert call("train", *SMALL, "--steps", "2000", "-o", str(folder)) == 130
    err = capsys.readouterr().err
    assert f"stopped after 1,024 steps; go on with: wattq rl train --resume {folder}" in err
    assert call("train", "--resume", str(folder)) == 0
    assert call("train", *SMALL, "--steps", "2000", "-o", str(tmp_path / "whole")) == 0
    ended = [line for line in capsys.readouterr().out.splitlines() if "sha256" in line]
    assert len(ended) == 2
    assert ended[0] == ended[1]
    with (folder / "progress.csv").open(newline="", encoding="utf-8") as stream:
        assert [row["time/steps"] for row in csv.DictReader(stream)] == ["512", "1024", "1536", "2048"]


def test_a_second_ctrl_c_ends_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from toy_queue import ToyQueue

    def impatient(env: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(ToyQueue, "step_wait", impatient)
    assert call("train", *SMALL, "-o", str(tmp_path / "run")) == 130
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert (tmp_path / "run" / "checkpoints" / "step-000000000000.npz").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "x"], "--task: no task is named"),
        (["--task", "bakfill", "-o", "x"], "did you mean 'backfill'"),
        (["--task", "toy-queue"], "--output: no folder is named"),
        ([*SMALL, "-o", "x", "--algorithm", "dqn"], "key 'algorithm': 'dqn' should be 'maskable-ppo' or 'ppo'"),
        ([*SMALL, "-o", "x", "--window", "4"], "key 'options.window': unknown"),
        ([*SMALL, "-o", "x", "--option", "length"], "KEY=VALUE"),
        ([*SMALL, "-o", "x", "--weights", "energy"], "--weights 'energy': give NAME=NUMBER"),
        ([*SMALL, "-o", "x", "--net-arch", "64x64"], "--net-arch '64x64'"),
        ([*SMALL, "-o", "x", "--net-arch", "0"], "key 'net_arch.0': 0 should be greater than or equal to 1"),
        ([*SMALL, "-o", "x", "--constraint", "energy<1"], "--constraint 'energy<1': give COST<=LIMIT"),
        ([*SMALL, "-o", "x", "--constraint", "wait<=1"], "it has energy"),
        ([*SMALL, "-o", "x", "--learning-rate", "fast"], "'fast' is no learning rate"),
        ([*SMALL, "-o", "x", "--learning-rate", "linear:1:2:3"], "is no learning rate"),
        ([*SMALL, "-o", "x", "--gamma", "2"], "key 'gamma': 2.0 should be less than or equal to 1"),
        ([*SMALL, "-o", "x", "--batch-size", "100000"], "batch_size 100000 is more than the n_steps x n_envs = 512"),
        ([*SMALL, "-o", "x", "--bc-steps", "100"], "name one by --teacher"),
        (["--config", "missing.yaml", "-o", "x"], "missing.yaml: cannot be read"),
        (["--resume", "nowhere"], "nowhere: holds no config.yaml"),
        (["--resume", "nowhere", "--gamma", "0.9"], "leave 'gamma' out"),
    ],
)
def test_bad_input_is_one_message(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("train", *words) == 2
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err
    assert not (tmp_path / "x").exists()


def test_wrong_keys_of_a_file_have_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "toy.yaml"
    file.write_text("task: toy-queue\nn_env: 8\ncheckpoints:\n  every: 0\n", encoding="utf-8")
    assert call("train", "--config", str(file), "-o", str(tmp_path / "x")) == 2
    err = capsys.readouterr().err
    assert f"{file}, line 2, key 'n_env': unknown key; did you mean 'n_envs'?" in err
    assert f"{file}, line 4, key 'checkpoints.every': 0 should be greater than or equal to 1" in err


def test_without_the_libraries(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "sb3_contrib", None)
    assert call("train", *SMALL, "-o", str(tmp_path / "x")) == 2
    assert "pip install 'wattq[rl]'" in capsys.readouterr().err


def test_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from toy_queue import FEATURES, GLOBALS, SLOTS

    from wattq.schedulers.rl.model_file import Learned, save_learned
    from wattq.schedulers.rl.network import Network, NetworkShape

    np = pytest.importorskip("numpy")
    shape = NetworkShape(GLOBALS, SLOTS, FEATURES, 1, 1)
    rng = np.random.default_rng(0)
    sizes = {"slot": (GLOBALS + FEATURES, 8, 1), "other": (GLOBALS, 8, 1)}
    arrays = {
        f"{part}.{kind}{k}": rng.normal(size=widths[k : k + 2] if kind == "weight" else widths[k + 1])
        for part, widths in sizes.items()
        for k in range(2)
        for kind in ("weight", "bias")
    }
    names = tuple(f"n{k}" for k in range(GLOBALS + FEATURES))
    card = {"data": {"log": "KTH-SP2"}, "seed": 7, "steps": 2048, "cost": {"cpu_s": 12.5}, "results": {}}
    network = Network.from_arrays("slots", shape, arrays)
    save_learned(tmp_path / "p.wattq", Learned("backfill", network, names, {"window": 4}, {"hosts": 100}, card=card))
    assert call("show", str(tmp_path / "p.wattq")) == 0
    lines = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    told = {name.strip(): value.strip() for name, value in lines.items()}
    assert told["network"] == "slots, hidden layers 8, tanh"
    assert told["data log"] == "KTH-SP2"
    assert told["steps"] == "2,048"
    assert told["cost energy_j"] == "not stated: no energy counter could be read"
    assert told["results"] == "none yet; wattq rl evaluate fills them in"
    assert call("show", str(tmp_path / "p.wattq"), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["task"], found["network"]["widths"], found["card"]["seed"]) == ("backfill", [8], 7)
    assert call("show", str(tmp_path / "q.wattq")) == 2
    assert "cannot be read" in capsys.readouterr().err
