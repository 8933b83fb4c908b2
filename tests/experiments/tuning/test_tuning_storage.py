from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from wattq.errors import TuningError
from wattq.experiments.tuning.storage import drop_stale, find_storage, locked, open_storage, open_study

optuna = pytest.importorskip("optuna")


def test_where_a_study_is_kept(tmp_path: Path) -> None:
    assert find_storage(None, tmp_path).path == tmp_path / "study.journal"
    assert find_storage("x.journal", tmp_path).path == Path("x.journal")
    data_base = find_storage("postgresql://me:secret@host/db", tmp_path)
    assert data_base.path is None
    assert data_base.words == "postgresql://***@host/db"
    with pytest.raises(TuningError, match="is a folder"):
        find_storage(str(tmp_path), tmp_path)


def test_one_search_at_a_time(tmp_path: Path) -> None:
    storage = find_storage(None, tmp_path)
    with locked(storage):
        with pytest.raises(TuningError, match="another 'wattq tune' is at work"), locked(storage):
            pass
        with (tmp_path / "study.journal.pid").open("a") as stream, pytest.raises(BlockingIOError):
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with locked(storage):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_a_kill_leaves_is_mended(tmp_path: Path) -> None:
    storage = find_storage(None, tmp_path)
    assert storage.path is not None
    study, new = open_study(open_storage(storage), "s", ["minimize"], {"a": 1}, resume=False, place="p")
    assert new
    study.tell(study.ask(), 1.0)
    whole = storage.path.read_bytes()
    storage.path.write_bytes(whole + b'{"op_code": 4, "wor')  # a line that was not written to its end
    Path(f"{storage.path}.lock").symlink_to(storage.path)  # and the lock of its writer
    with locked(storage):
        assert storage.path.read_bytes() == whole
        again, new = open_study(open_storage(storage), "s", ["minimize"], {"a": 1}, resume=True, place="p")
    assert not new
    assert len(again.trials) == 1


def test_a_file_that_is_no_journal(tmp_path: Path) -> None:
    (tmp_path / "study.journal").write_text("name: x\n")
    with pytest.raises(TuningError, match="is no journal of a study"):
        open_storage(find_storage(None, tmp_path))


def test_stopped_trials_are_tried_again_once(tmp_path: Path) -> None:
    study = optuna.create_study()
    trial = study.ask()
    trial.suggest_float("x", 0, 1)
    assert drop_stale(study, alone=True) == 1
    assert drop_stale(study, alone=True) == 0
    again = study.ask()
    assert again.suggest_float("x", 0, 1) == trial.params["x"]
    assert again.user_attrs == {"retry_of": 0}
    study.tell(again, 0.5)
    failed = study.ask()
    failed.set_user_attr("error", "why")
    study.tell(failed, state=optuna.trial.TrialState.FAIL)
    assert drop_stale(study, alone=True) == 0


def test_a_study_of_another_program(tmp_path: Path) -> None:
    storage = open_storage(find_storage(None, tmp_path))
    optuna.create_study(storage=storage, study_name="s")
    with pytest.raises(TuningError, match="was not made by 'wattq tune'"):
        open_study(storage, "s", ["minimize"], {"a": 1}, resume=True, place="p")


def test_a_data_base_that_cannot_be_opened(tmp_path: Path) -> None:
    from wattq.errors import WattqError

    with pytest.raises(WattqError, match=r"--storage nosuch://\*\*\*@host/db: "):
        open_storage(find_storage("nosuch://me:secret@host/db", tmp_path))
