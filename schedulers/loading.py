"""Policies of users, found by import path or file."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from wattq.errors import PolicyError

__all__ = ["load_policy"]


def load_policy(place: str, params: Mapping[str, object]) -> Any:
    """Return a plain-Python policy: an object with ``decide(view, actions)``.

    Args:
        place: ``package.module:Class`` or ``path/to/file.py:Class``.
        params: keyword arguments of the class.

    Raises:
        PolicyError: the file or module, or the class in it, cannot be found or used.
    """
    where, _, name = place.rpartition(":")
    if not where or not name:
        raise PolicyError(f"policy '{place}': write package.module:Class or path/to/file.py:Class")
    module = _from_file(where) if where.endswith(".py") else _from_module(where)
    made = _make(place, _find(place, module, name), params)
    if not callable(getattr(made, "decide", None)):
        raise PolicyError(f"policy '{place}': it has no method 'decide'; define decide(self, view, actions)")
    if not hasattr(made, "name"):
        _mark(made, place, params)
    return made


def _mark(made: Any, place: str, params: Mapping[str, object]) -> None:
    """Give a policy the name and parameters that reports show, where its class leaves room for them."""
    try:
        made.name = place
        if not hasattr(made, "params"):
            made.params = dict(params)
    except AttributeError:
        return


def _from_file(where: str) -> ModuleType:
    """Return the module in a file."""
    path = Path(where)
    if not path.is_file():
        raise PolicyError(f"policy file '{where}' does not exist; give the path of a Python file")
    name = f"_wattq_policy_{abs(hash(str(path.resolve()))):x}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PolicyError(f"policy file '{where}' is not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise PolicyError(f"{_line_of(error, where)}: {_say(error)}; correct the policy file") from error
    return module


def _from_module(where: str) -> ModuleType:
    """Return an importable module."""
    try:
        return importlib.import_module(where)
    except ModuleNotFoundError as error:
        raise PolicyError(
            f"policy module '{where}': {error}; install the package, or give a file as path/to/file.py:Class"
        ) from None
    except Exception as error:
        raise PolicyError(f"{_line_of(error, where)}: {_say(error)}; correct the policy module") from error


def _find(place: str, module: ModuleType, name: str) -> Any:
    """Return what a module calls by this name."""
    if hasattr(module, name):
        return getattr(module, name)
    names = [n for n, value in vars(module).items() if callable(getattr(value, "decide", None))]
    near = difflib.get_close_matches(name, names, 3, 0.4) or names
    hint = f"did you mean {', '.join(near)}?" if near else "define a class with decide(self, view, actions)"
    raise PolicyError(f"policy '{place}': there is no '{name}' in it; {hint}")


def _make(place: str, found: Any, params: Mapping[str, object]) -> Any:
    """Return a policy object from a class (with parameters) or an object (without)."""
    if not isinstance(found, type):
        if params:
            raise PolicyError(f"policy '{place}' is an object, not a class, so it takes no parameters")
        return found
    try:
        return found(**params)
    except Exception as error:
        given = ", ".join(f"{key}={value!r}" for key, value in params.items()) or "no parameters"
        raise PolicyError(f"policy '{place}' with {given}: {_say(error)}; check its parameters") from error


def _say(error: Exception) -> str:
    """Return an error in one line."""
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _line_of(error: Exception, where: str) -> str:
    """Return the place prefix of an error in a user's file."""
    if isinstance(error, SyntaxError) and error.lineno is not None:
        return f"{where}, line {error.lineno}"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.endswith(Path(where).name)]
    return f"{where}, line {frames[-1].lineno}" if frames else where
