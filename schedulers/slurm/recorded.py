"""Answers of a Slurm kept in a folder, to look at a queue later or elsewhere."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from wattq.errors import MissingFileError, SlurmError
from wattq.files import write_whole
from wattq.schedulers.slurm.command import Ask
from wattq.schedulers.slurm.queue_text import QUEUE_WORDS
from wattq.schedulers.slurm.reading import JSON_WORDS, NODE_WORDS, RESERVATION_WORDS

__all__ = ["Recorded", "record_answers"]

_FILES = {
    JSON_WORDS: "squeue.json",
    QUEUE_WORDS: "squeue.txt",
    NODE_WORDS: "sinfo.txt",
    RESERVATION_WORDS: "reservations.txt",
}
_WHEN = "recorded.json"
_MOST_BYTES = 500_000_000


class Recorded:
    """Answers from a folder in place of Slurm's.

    Args:
        folder: folder that `record_answers` wrote.

    Raises:
        MissingFileError: it is no such folder.
        SlurmError: its date cannot be understood.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            content = json.loads((folder / _WHEN).read_text(encoding="utf-8"))
            self._now_s = float(content["now_s"])
            if not math.isfinite(self._now_s):
                raise ValueError(self._now_s)
        except OSError as error:
            raise MissingFileError(
                f"{folder / _WHEN}: cannot be read ({error.strerror}); give a folder of `wattq slurm record`"
            ) from None
        except (ValueError, KeyError, TypeError, RecursionError):
            raise SlurmError(f"{folder / _WHEN}: no date 'now_s' in Unix seconds; record the answers anew") from None

    def clock(self) -> float:
        """Return the date of the answers, Unix s."""
        return self._now_s

    def __call__(self, words: Sequence[str]) -> str:
        """Return the answer to a command.

        Raises:
            SlurmError: it was not recorded.
        """
        path = self._folder / _FILES.get(tuple(words), "none")
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise SlurmError(f"{path}: more than {_MOST_BYTES:,} bytes; this is no answer of Slurm")
            return path.read_bytes().decode("utf-8", "replace")
        except OSError:
            raise SlurmError(f"{path}: the answer of `{' '.join(words)[:60]}` was not recorded") from None


def record_answers(ask: Ask, folder: Path, clock: Callable[[], float] = time.time) -> list[str]:
    """Ask a Slurm all that advice rests on, and keep the answers.

    Args:
        ask: runs a command of Slurm.
        folder: where to write; made if it is not there.
        clock: tells Unix seconds.

    Returns:
        the names of the files; the queue is kept as JSON where Slurm has it, else as text.

    Raises:
        SlurmError: Slurm does not answer.
    """
    now_s = clock()
    answers = {_FILES[words]: ask(words) for words in (NODE_WORDS, RESERVATION_WORDS)}
    try:
        answers[_FILES[JSON_WORDS]] = ask(JSON_WORDS)
    except SlurmError:
        answers[_FILES[QUEUE_WORDS]] = ask(QUEUE_WORDS)
    answers[_WHEN] = json.dumps({"now_s": now_s}) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in answers.items():
        write_whole(folder / name, text.encode())
    return sorted(answers)
