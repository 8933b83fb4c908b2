"""YAML without its traps: no doubled keys, no clock times read as numbers, `no` stays text, and lines are kept."""

from __future__ import annotations

import re
from typing import Any

import yaml

from wattq.errors import InvalidInputError, at

__all__ = ["MAX_BYTES", "Lines", "load_yaml"]

MAX_BYTES = 2**20
"""Largest YAML file that is read (1 MiB)."""

_MAX_NODES = 100_000
_TAG = "tag:yaml.org,2002:"
_FLOAT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+")
_PLAIN = {f"{_TAG}{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}

Lines = dict[tuple[str | int, ...], int]
"""Line number of each key path, such as ``("policies", 0, "name")``."""


def load_yaml(text: bytes | str, source: str) -> tuple[Any, Lines]:
    """Return the content of a YAML document and the line of each key.

    Stricter than YAML 1.1: a key given twice is refused, ``yes/no/on/off`` and dates stay text, ``1e3`` is a number,
    ``12:30`` is refused unless quoted.

    Raises:
        InvalidInputError: not UTF-8, not YAML, too large, or one of the above; the message names the line.
    """
    plain = _decode(text, source)
    try:
        loader = yaml.CSafeLoader(plain)
        try:
            root = loader.get_single_node()
            if root is None:
                return None, {}
            lines: Lines = {}
            _check(root, (), lines, source, [0])
            return loader.construct_document(root), lines
        finally:
            loader.dispose()
    except InvalidInputError:
        raise
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else None
        raise InvalidInputError(f"{at(source, line)}: not YAML ({error.problem or error.context})") from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, OverflowError) as error:
        raise InvalidInputError(
            f"{at(source)}: not YAML ({str(error).splitlines()[0] if str(error) else error!r})"
        ) from error


def _decode(text: bytes | str, source: str) -> str:
    if len(text) > MAX_BYTES:
        raise InvalidInputError(f"{at(source)}: longer than {MAX_BYTES} bytes; this is no file of settings")
    if isinstance(text, str):
        return text
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise InvalidInputError(f"{at(source, line)}: byte {text[error.start]:#04x} is not UTF-8 text") from error


def _check(node: yaml.Node, path: tuple[str | int, ...], lines: Lines, source: str, count: list[int]) -> None:
    count[0] += 1
    line = node.start_mark.line + 1
    if count[0] > _MAX_NODES or len(path) > 50:
        raise InvalidInputError(f"{at(source, line)}: more than {_MAX_NODES} values or 50 levels deep")
    lines[path] = line
    if isinstance(node, yaml.MappingNode):
        _check_mapping(node, path, lines, source, count)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _check(item, (*path, index), lines, source, count)
    else:
        _check_scalar(node, line, source)
    if node.tag not in _PLAIN:
        raise InvalidInputError(
            f"{at(source, line)}: tag '{node.tag.removeprefix(_TAG)}' means nothing here; remove it"
        )


def _check_mapping(
    node: yaml.MappingNode, path: tuple[str | int, ...], lines: Lines, source: str, count: list[int]
) -> None:
    seen: set[str] = set()
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise InvalidInputError(f"{at(source, line)}: a key is a list or a mapping; keys are names")
        if key.value in seen:
            raise InvalidInputError(f"{at(source, line, key.value)}: the key is given twice; keep one")
        seen.add(key.value)
        key.tag = f"{_TAG}str"
        _check(value, (*path, key.value), lines, source, count)
        lines[(*path, key.value)] = line


def _check_scalar(node: yaml.Node, line: int, source: str) -> None:
    tag, value = node.tag.removeprefix(_TAG), str(node.value)
    if tag in ("int", "float") and ":" in value:
        raise InvalidInputError(f"{at(source, line)}: '{value}' would be read as a number to base 60; quote it")
    if tag == "timestamp" or (tag == "bool" and value.lower() not in ("true", "false")) or tag in ("merge", "value"):
        node.tag = f"{_TAG}str"
    elif tag == "str" and not getattr(node, "style", None) and _FLOAT.fullmatch(value):
        node.tag = f"{_TAG}float"
