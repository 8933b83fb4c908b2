"""Studies of Optuna in a journal file or a data base: opened, locked, told apart, and mended after a kill."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from wattq.errors import MissingDependencyError, TuningError

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

__all__ = [
    "ERROR",
    "Storage",
    "counted",
    "drop_stale",
    "find_storage",
    "finished",
    "locked",
    "needed",
    "open_storage",
    "open_study",
    "opened",
    "quiet",
]

ERROR = "error"
"""Attribute of a trial that failed: why. A failed trial without it was stopped, and is tried again."""

IDENTITY = "wattq"
"""Attribute of a study: what it was made with."""

RETRY = "retry_of"
"""Attribute of a trial that repeats a stopped one: that one's number."""

_URL = re.compile(r"[a-z][a-z0-9+]*://")
_BEAT_S, _GRACE_S = 30, 120
_LONGEST_LINE = 10_000_000


def needed() -> None:
    """Refuse to search without Optuna.

    Raises:
        MissingDependencyError: it is not here.
    """
    if importlib.util.find_spec("optuna") is None:
        raise MissingDependencyError("needs extra tune: pip install 'wattq[tune]' (Optuna)")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Optuna from warning of what it calls experimental, such as heartbeats and conditional spaces in TPE."""
    from optuna.exceptions import ExperimentalWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield


class Storage:
    """Where a study is kept.

    Attributes:
        url: of a data base; empty for a journal.
        path: of the journal; None for a data base.
    """

    def __init__(self, url: str = "", path: Path | None = None) -> None:
        self.url, self.path = url, path

    @property
    def words(self) -> str:
        """What messages call it: without the password of a data base."""
        return re.sub(r"://[^@/]*@", "://***@", self.url) if self.url else str(self.path)


def find_storage(given: str | None, folder: Path) -> Storage:
    """Return the storage that an option names, by default ``study.journal`` in the folder of the results.

    Raises:
        TuningError: the journal is a folder.
    """
    if given is not None and _URL.match(given):
        return Storage(url=given)
    path = folder / "study.journal" if given is None else Path(given)
    if path.is_dir():
        raise TuningError(f"--storage {path}: is a folder; give a file, or the URL of a data base")
    return Storage(path=path)


@contextmanager
def locked(storage: Storage) -> Iterator[None]:
    """Keep a journal for this process: two searches on one would take each other's trials for stopped ones.

    The kernel gives the lock back when the process ends, however it ends. Data bases are not locked: they are made for
    several machines, and tell stopped trials by their heartbeat.

    Raises:
        TuningError: another process has it, or the file cannot be written.
    """
    if storage.path is None:
        yield
        return
    place = storage.path.with_name(f"{storage.path.name}.pid")
    try:
        storage.path.parent.mkdir(parents=True, exist_ok=True)
        stream = place.open("a+")
    except OSError as error:
        raise TuningError(f"{storage.path}: cannot be written ({error.strerror}); choose another -o") from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise TuningError(
                f"{storage.path}: another 'wattq tune' is at work on it; wait for it, or choose another -o"
            ) from None
        _mend(storage.path)
        try:
            yield
        finally:
            with suppress(OSError):
                place.unlink(missing_ok=True)


def _mend(path: Path) -> None:
    """Undo what a kill leaves of a journal: the lock of a writer, and a line that was not written to its end."""
    for left in path.parent.glob(f"{path.name}.lock*"):
        left.unlink(missing_ok=True)
    if not path.is_file():
        return
    with path.open("r+b") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - 1))
        if size and stream.read(1) != b"\n":
            stream.seek(0)
            stream.truncate(stream.read().rfind(b"\n") + 1)


def open_storage(storage: Storage) -> BaseStorage:
    """Return Optuna's storage.

    Raises:
        MissingDependencyError: a library for data bases is not installed.
        TuningError: the data base does not answer, or the file is no journal.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if storage.path is None:
        return _data_base(storage)
    storage.path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _check_begin(storage.path)
        return JournalStorage(JournalFileBackend(str(storage.path)))
    except Exception as error:
        # a damaged journal makes Optuna raise whatever its lines lead to
        raise TuningError(f"{storage.path}: is no journal of a study ({error}); choose another file") from error


@contextmanager
def opened(storage: Storage) -> Iterator[BaseStorage]:
    """Yield Optuna's storage as `open_storage` does, and close its connections at the end."""
    found = open_storage(storage)
    try:
        yield found
    finally:
        engine = getattr(found, "engine", None)
        if engine is not None:
            found.remove_session()
            engine.dispose()


def _check_begin(path: Path) -> None:
    """Refuse a file whose first line is none of a journal: Optuna would write behind it."""
    if not path.is_file():
        return
    with path.open("rb") as stream:
        line = stream.readline(_LONGEST_LINE)
    if line and "op_code" not in json.loads(line):
        raise ValueError("its first line names no operation")


def _data_base(storage: Storage) -> BaseStorage:
    from optuna.storages import RDBStorage

    try:
        with quiet():
            return RDBStorage(storage.url, heartbeat_interval=_BEAT_S, grace_period=_GRACE_S)
    except ImportError as error:
        raise MissingDependencyError(
            f"--storage {storage.words}: needs SQLAlchemy, Alembic and the data base's driver ({error}); "
            "pip install sqlalchemy alembic 'psycopg[binary]'"
        ) from error
    except Exception as error:
        # the libraries of every data base raise exceptions of their own
        words = str(error).strip().splitlines()
        raise TuningError(f"--storage {storage.words}: cannot be opened ({words[0] if words else error})") from error


def open_study(
    storage: BaseStorage,
    name: str,
    directions: Sequence[Literal["minimize", "maximize"]],
    identity: Mapping[str, Any],
    *,
    resume: bool,
    place: str,
) -> tuple[Study, bool]:
    """Return the study of a name, and whether it is new.

    Args:
        storage: where it is.
        name: its name there.
        directions: of the objectives.
        identity: what its trials depend on, in parts by name.
        resume: whether one that exists is gone on with.
        place: what messages call the storage.

    Raises:
        TuningError: it exists and is not to be gone on with, or was made with something else.
    """
    import optuna

    if name not in optuna.study.get_all_study_names(storage):
        study = optuna.create_study(storage=storage, study_name=name, directions=list(directions))
        study.set_user_attr(IDENTITY, json.dumps(identity, sort_keys=True))
        return study, True
    study = optuna.load_study(storage=storage, study_name=name)
    if not resume:
        raise TuningError(
            f"{place}: holds a study '{name}' with {len(study.get_trials(deepcopy=False))} trials; "
            "go on with it by --resume, or choose another -o"
        )
    _check_identity(json.loads(study.user_attrs.get(IDENTITY, "{}")), json.loads(json.dumps(identity)), place)
    return study, False


def _check_identity(made: Mapping[str, Any], asked: Mapping[str, Any], place: str) -> None:
    """Refuse to go on with a study that was made with something else; the message names what."""
    if not made:
        raise TuningError(f"{place}: the study in it was not made by 'wattq tune'; choose another -o")
    for key in dict.fromkeys((*asked, *made)):
        if made.get(key) != asked.get(key):
            raise TuningError(
                f"{place}: its study was made with other {key}: {_difference(made.get(key), asked.get(key))}; "
                "go back to these, or choose another -o"
            )


def _difference(made: Any, asked: Any, where: str = "") -> str:
    """Return the first place at which two values of JSON differ, with both values."""
    if isinstance(made, dict) and isinstance(asked, dict):
        key = next(key for key in sorted({*made, *asked}) if made.get(key) != asked.get(key))
        return _difference(made.get(key), asked.get(key), f"{where}.{key}" if where else str(key))
    if isinstance(made, list) and isinstance(asked, list) and len(made) == len(asked):
        number = next(number for number, pair in enumerate(zip(made, asked, strict=True)) if pair[0] != pair[1])
        return _difference(made[number], asked[number], f"{where}[{number}]")
    at = f"{where} was " if where else "it was "
    return f"{at}{_short(made)} and is {_short(asked)} now"


def _short(value: Any) -> str:
    text = "absent" if value is None else json.dumps(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def drop_stale(study: Study, *, alone: bool) -> int:
    """Give up trials that were stopped, put them in line again, and return their number.

    Args:
        study: the study.
        alone: whether no other process is at work on it, so that every running trial was stopped; else Optuna tells by
            their heartbeat.
    """
    from optuna.storages import fail_stale_trials
    from optuna.trial import TrialState

    if alone:
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            study.tell(trial.number, state=TrialState.FAIL)
    else:
        with quiet():
            fail_stale_trials(study)
    again = {trial.user_attrs.get(RETRY) for trial in study.get_trials(deepcopy=False)}
    failed = study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
    stopped = [trial for trial in failed if ERROR not in trial.user_attrs and trial.number not in again]
    for trial in stopped:
        study.enqueue_trial(trial.params, user_attrs={RETRY: trial.number})
    return len(stopped)


def finished(study: Study) -> list[FrozenTrial]:
    """Return the trials that were judged on all weeks."""
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def counted(study: Study) -> list[FrozenTrial]:
    """Return the trials that count: judged, ended early, or failed for a reason; not those that were stopped."""
    from optuna.trial import TrialState

    states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
    trials = study.get_trials(deepcopy=False, states=states)
    return [trial for trial in trials if trial.state != TrialState.FAIL or ERROR in trial.user_attrs]
