"""Robin's description of one simulation: two commands, an output directory and four time-outs, in YAML."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from wattq.errors import InvalidInputError, MissingFileError, at
from wattq.strict_yaml import MAX_BYTES, Lines, load_yaml

__all__ = ["KEYS", "RobinFile", "parse_robin", "quoted_yaml", "read_robin", "robin_text"]

KEYS = {
    "batcmd": "batcmd",
    "output-dir": "output_dir",
    "schedcmd": "schedcmd",
    "simulation-timeout": "simulation_timeout_s",
    "ready-timeout": "ready_timeout_s",
    "success-timeout": "success_timeout_s",
    "failure-timeout": "failure_timeout_s",
}
"""Key of a robin file -> field of `RobinFile`, in the order of the file (batexpe's ``expe.go``)."""

_TEXTS = ("batcmd", "output-dir", "schedcmd")
_MAY_BE_EMPTY = ("schedcmd",)


@dataclass(frozen=True)
class RobinFile:
    """One simulation as robin describes it. The defaults are those of robin's command line.

    Attributes:
        batcmd: command line of Batsim, read by bash.
        output_dir: folder of scripts and logs, relative to the working directory.
        schedcmd: command line of the scheduler, read by bash; empty when Batsim runs without one (``--no-sched``).
        simulation_timeout_s: longest time that either process may run, s.
        ready_timeout_s: longest wait until the socket's port is free, s.
        success_timeout_s: time that the second process has to end once the first one succeeded, s.
        failure_timeout_s: time that the second process has to end once the first one failed, s.
    """

    batcmd: str
    output_dir: str
    schedcmd: str
    simulation_timeout_s: float = 604800
    ready_timeout_s: float = 10
    success_timeout_s: float = 3600
    failure_timeout_s: float = 5


def read_robin(path: Path | str) -> RobinFile:
    """Read a robin file.

    Raises:
        MissingFileError: the file does not exist or cannot be read.
        InvalidInputError: it breaks a rule; the message names file, line, key, value, rule and remedy.
    """
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MissingFileError(f"{at(path)}: cannot be read ({reason}); give a robin file (YAML)") from error
    return parse_robin(data, str(path))


def parse_robin(text: bytes | str, source: str) -> RobinFile:
    """Return the simulation that a robin file's text describes; ``source`` names it in messages.

    Stricter than robin: a key given twice, an unknown key and a negative or endless time are refused too.

    Raises:
        InvalidInputError: as `read_robin`.
    """
    content, lines = load_yaml(text, source)
    if not isinstance(content, dict):
        raise InvalidInputError(f"{at(source)}: a robin file is a mapping with the keys {', '.join(KEYS)}")
    problems = [_unknown(key, source, lines) for key in content if key not in KEYS]
    problems += [
        f"{at(source, key=key)}: the key is missing; robin requires all of {', '.join(KEYS)}"
        for key in KEYS
        if key not in content
    ]
    values: dict[str, Any] = {}
    for key in KEYS:
        if key in content:
            value, problem = _value(key, content[key])
            values[KEYS[key]] = value
            problems += [f"{at(source, lines.get((key,)), key)}: {problem}"] if problem else []
    if problems:
        raise InvalidInputError("\n".join(problems[:10]))
    return RobinFile(**values)


def robin_text(instance: RobinFile) -> str:
    """Return a robin file's text; `parse_robin` gives the same simulation back.

    Raises:
        InvalidInputError: a value that `parse_robin` would refuse.
    """
    content = {}
    for key, name in KEYS.items():
        value, problem = _value(key, getattr(instance, name))
        if problem:
            raise InvalidInputError(f"robin file, key '{key}': {problem}")
        whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e15
        content[key] = int(value) if whole else value
    return quoted_yaml(content)


def quoted_yaml(content: Mapping[str, Any]) -> str:
    """Return a mapping as YAML that every reader takes for the same: ASCII, nothing folded, doubtful texts quoted.

    A text such as ``1e3``, ``y`` or ``0o7`` is a number or a truth value to some versions of YAML.
    """
    text: str = yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=math.inf, allow_unicode=False)
    return text


class _Dumper(yaml.SafeDumper):
    """Quotes texts of one word, which readers may take for something else, unless they look like a name."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = " " in text or "/" in text or (len(text) > 1 and re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", text))
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _represent_text)


def _unknown(key: str, source: str, lines: Lines) -> str:
    close = difflib.get_close_matches(key, KEYS, n=1, cutoff=0.5)
    hint = f"did you mean '{close[0]}'?" if close else f"the keys are {', '.join(KEYS)}"
    return f"{at(source, lines.get((key,)), key)}: unknown key; {hint}"


def _value(key: str, value: Any) -> tuple[Any, str]:
    """Return a value in the type of its key, and what is wrong with it."""
    if key in _TEXTS:
        return value, _text_problem(key, value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value, f"{_shown(value)} is no number; give a time in seconds, without quotes, such as 10 or 0.5"
    seconds = float(value) if abs(value) < 1e300 else math.inf
    if not 0 <= seconds < math.inf:
        return value, f"{_shown(value)} is no time to wait; give a number of seconds from 0 up"
    return seconds, ""


def _text_problem(key: str, value: Any) -> str:
    if not isinstance(value, str):
        return f"{_shown(value)} is no text; write a {'path' if key == 'output-dir' else 'command'}, in quotes"
    if not value.strip() and key not in _MAY_BE_EMPTY:
        return "the text is empty; only schedcmd may be, where Batsim runs with --no-sched"
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        return "the text holds a character that no command can hold (NUL or half of a pair); remove it"
    return ""


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = "an integer of many digits" if isinstance(value, int) and abs(value) > 10**40 else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
