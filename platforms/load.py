"""A platform by the name of a preset or by its file."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from wattq.errors import MissingFileError
from wattq.platforms.model import Platform
from wattq.platforms.presets import PRESETS, preset_platform
from wattq.platforms.xml_reader import read_platform

__all__ = ["load_platform"]


def load_platform(
    name_or_path: str | Path, *, master: str = "master_host", roles: Sequence[str] = (), mmax: int = 0
) -> Platform:
    """Return a preset, or the platform of a file; a preset wins over a file of the same name (write ``./NAME``).

    Args:
        name_or_path: a name in `PRESETS`, or the path of a SimGrid XML file.
        master: as in `read_platform`.
        roles: as in `read_platform`.
        mmax: as in `read_platform`.

    Raises:
        MissingFileError: when there is neither such a preset nor such a file.
        PlatformError: when the file, or an option, breaks a rule.
    """
    name = str(name_or_path)
    if name in PRESETS:
        return preset_platform(name, master=master, roles=roles, mmax=mmax)
    if "/" not in name and not name.endswith(".xml") and not Path(name).exists():
        near = difflib.get_close_matches(name, PRESETS, n=3) or list(PRESETS)
        raise MissingFileError(f"platform '{name}': neither a file nor a preset; presets: {', '.join(near)}")
    return read_platform(name_or_path, master=master, roles=roles, mmax=mmax)
