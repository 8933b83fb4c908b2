"""Training for SC'20's task: jobs apart, same seed same weights, interrupted and gone on with, and clear refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wattq.cli import main
from wattq.errors import LearningError
from wattq.schedulers.rl.evolution import Evolution
from wattq.schedulers.rl.model_file import load_learned
from wattq.schedulers.rl.sc20 import JobTable, load_policy, read_jobs
from wattq.schedulers.rl.sc20.drawing import choose_sources, draw_sequences
from wattq.schedulers.rl.sc20.evaluation import Scores
from wattq.schedulers.rl.sc20.parts import LENGTH, PUBLISHED_STARTS, part_jobs, sequence_starts
from wattq.schedulers.rl.sc20.training import CHECKPOINT, Settings, Training, run
from wattq.schedulers.rl.training.start import weights_digest
from wattq.workloads.lublin import lublin_jobs

SMALL = Settings(0, 4, population=4, batch=2, units=1, pool=3, validation=2, every=2)


def never() -> bool:
    return False


def quiet(done: int, total: int, words: str) -> None:
    assert done <= total
    assert "slowdown" in words


@pytest.fixture(scope="module")
def jobs(small_log: Path) -> JobTable:
    return read_jobs(small_log)[0]


def numbers(*tables: JobTable) -> set[float]:
    return {number for table in tables for number in table.number.tolist()}


def test_starts() -> None:
    assert sequence_starts(10_000) == PUBLISHED_STARTS
    starts = sequence_starts(5000)
    assert len(starts) == 10
    assert (starts[0], starts[-1]) == (3333, 5000 - LENGTH)
    with pytest.raises(LearningError, match="4,095 jobs; the task needs 4,096"):
        sequence_starts(4095)


def test_no_job_is_in_two_parts(jobs: JobTable) -> None:
    parts = part_jobs(jobs)
    each = [numbers(*getattr(parts, name)) for name in ("test", "train", "validation", "fresh")]
    for k, one in enumerate(each):
        assert one
        assert all(one.isdisjoint(other) for other in each[k + 1 :])
    for table in draw_sequences(parts.train, choose_sources(parts.train), 6, (0, 0)):
        assert table.n_jobs == LENGTH
        assert (np.diff(table.submit_s) >= 0).all()
        assert numbers(table) <= each[1]


def test_logs_of_the_model_go_on_with_it(jobs: JobTable) -> None:
    drawn = lublin_jobs(6000, 32, 3)
    unknown = np.full(6000, -1, dtype=np.int64)
    run_s = drawn.duration_s.astype(np.float64)
    dates = drawn.submit_s.astype(np.float64)
    same = (unknown, unknown, unknown, unknown)
    table = JobTable("model", 32, 32, np.arange(6000.0), dates, run_s, run_s, drawn.nodes, *same)
    assert set(choose_sources([table])) == {"lublin", "blocks"}
    assert choose_sources(part_jobs(jobs).train) == ("pieces", "blocks")
    sequence = draw_sequences([table], ("lublin",), 1, (1,))[0]
    assert sequence.n_jobs == LENGTH
    assert sequence.processors.max() <= 32
    assert np.array_equal(sequence.run_s, sequence.request_s)
    with pytest.raises(LearningError, match="give a longer log"):
        choose_sources([table.take(slice(0, 10))])


def test_same_seed_same_weights_also_when_interrupted(jobs: JobTable, tmp_path: Path) -> None:
    parts = part_jobs(jobs)
    whole = Training(parts, SMALL)
    assert run(whole, tmp_path, quiet, never)
    folder = tmp_path / "other"
    folder.mkdir()
    left = [3]

    def after_three() -> bool:
        left[0] -= 1
        return left[0] < 0

    assert not run(Training(parts, SMALL), folder, quiet, after_three)
    again = Training(parts, SMALL)
    again.restore(folder)
    assert again.search.generation == 3
    assert run(again, folder, quiet, never)
    assert again.search.mean.tolist() == whole.search.mean.tolist()
    assert again.best.tolist() == whole.best.tolist()
    assert [row[:3] for row in again.log] == [row[:3] for row in whole.log]
    other = Training(parts, Settings(**{**vars(SMALL), "seed": 1}))
    with pytest.raises(LearningError, match="of other jobs or settings"):
        other.restore(folder)


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:300], lambda data: b"no archive"])
def test_damaged_checkpoints_are_refused(jobs: JobTable, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    training = Training(part_jobs(jobs), SMALL)
    training.save(tmp_path)
    path = tmp_path / CHECKPOINT
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(LearningError, match="no checkpoint"):
        training.restore(tmp_path)


def test_the_search_finds_the_bottom_of_a_bowl() -> None:
    random, goal = np.random.default_rng(0), np.array([3.0, -2.0, 0.5, 1.0])
    search = Evolution.start(np.zeros(4), 0.5, 10)
    for _ in range(120):
        candidates = search.ask(random)
        search.tell(candidates, np.sum((candidates - goal) ** 2 * [1.0, 10.0, 100.0, 1.0], axis=1))
    assert search.mean == pytest.approx(goal, abs=1e-4)


def test_changes_are_paired() -> None:
    found = Scores({"learned": np.array([1.0, 20.0, 3.0]), "F1": np.array([2.0, 40.0, 6.0])})
    assert found.against("learned", "F1") == pytest.approx((-0.5, -0.5, -0.5))


def call(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["rl", *words])
    return int(end.value.code or 0)


FEW = ["population=4", "batch=2", "units=1", "pool=3", "validation=2", "fresh=2", "every=2"]
FEW_OPTIONS = [word for option in FEW for word in ("--option", option)]


def test_command(small_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    words = ["train", "--task", "sc20", "-w", str(small_log), "--backfilling", *FEW_OPTIONS]
    assert call(*words, "--steps", "2", "-o", str(folder)) == 0
    out = capsys.readouterr().out
    assert "FCFS" in out
    assert "test sequences" in out
    assert "fresh sequences: learned against F1" in out
    digest = weights_digest(load_learned(folder / "policy.wattq").network.arrays)
    assert out.startswith(f"2 steps, weights sha256 {digest}\n")
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert card["data"]["backfilling"] is True
    assert card["results"]["test_sequences"]["sequences"] == 10
    policy, learned = load_policy(folder / "policy.wattq")
    assert policy.weight0.shape == (24, 3)
    assert learned.machine == {"hosts": 32, "processors": 32}
    # going on to more generations gives what these generations give at once
    assert call("train", "--resume", str(folder), "--steps", "3") == 0
    assert call(*words, "--steps", "3", "-o", str(tmp_path / "at-once")) == 0
    one, other = (load_policy(place / "policy.wattq")[0] for place in (folder, tmp_path / "at-once"))
    assert one.weight0.tolist() == other.weight0.tolist()
    assert call("show", str(folder / "policy.wattq")) == 0
    assert "sc20" in capsys.readouterr().out


def test_refusals(small_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "--task", "sc20", "-o", str(tmp_path / "run")]
    for wrong, message in (
        (["-w", str(small_log), "--option", "batch=9", "--option", "pool=3"], "9 sequences out of a pool of 3"),
        (["-w", "no-such-log"], "no-such-log"),
        (["-w", str(small_log), "--window", "8"], "window"),
        ([], "options.workload"),
    ):
        assert call(*words, *wrong) == 2
        assert message in capsys.readouterr().err


def test_changes_to_sequences(jobs: JobTable) -> None:
    parts = part_jobs(jobs)
    plain = draw_sequences(parts.train, ("pieces",), 1, (4,), changed=False)[0]
    stretch = next(part for part in parts.train if plain.number[0] in part.number)
    first = int(np.flatnonzero(stretch.number == plain.number[0])[0])
    assert plain.run_s.tolist() == stretch.run_s[first : first + LENGTH].tolist()
    waves = 0
    for table in draw_sequences(parts.train, ("blocks",), 12, (4,)):
        places = table.number.astype(np.int64) - 1
        # jobs of a wave have another job's request; all others are those of the log
        same = (jobs.request_s[places] == table.request_s) & (jobs.run_s[places] == table.run_s)
        assert same.sum() >= LENGTH - 400
        waves += not same.all()
        assert (table.run_s[~same] <= 60).all()
    assert 0 < waves < 12
