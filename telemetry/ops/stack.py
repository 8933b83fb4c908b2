"""The files of the stack, copied out of an installed wattq, with the addresses that Prometheus asks."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from wattq.errors import MissingFileError, TelemetryError
from wattq.files import write_whole

__all__ = ["ROLES", "stack_files", "write_stack"]

ROLES = ("node", "slurm", "api", "alertmanager")
"""Whom Prometheus asks: node exporters, Slurm exporter, API, and Alertmanager, which it tells."""

_HERE = Path(__file__).resolve().parent
_PARTS = ("prometheus", "alertmanager", "grafana", "compose", "nginx")
_TARGETS = ("prometheus/targets", "compose/targets")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,252})")


def stack_files() -> dict[PurePosixPath, bytes]:
    """Return every file of the stack, by its path within the folder that it is written to."""
    paths = (path for part in _PARTS for path in sorted((_HERE / part).rglob("*")) if path.is_file())
    return {PurePosixPath(path.relative_to(_HERE).as_posix()): path.read_bytes() for path in paths}


def write_stack(
    folder: str | Path, addresses: Mapping[str, Sequence[str]] | None = None, *, force: bool = False
) -> list[Path]:
    """Write the files of the stack.

    Args:
        folder: where; made when it is not there.
        addresses: `host:port` of exporters, API and Alertmanager, by role (one of `ROLES`). A role that is not named
            keeps what the files have: this machine for Prometheus alone, the services of the compose file for compose.
        force: replace files that are there with another content.

    Returns:
        The files that were written; those that were there with the same content already are left alone.

    Raises:
        TelemetryError: an address is none, or files with another content are there; nothing has been written then.
        MissingFileError: the folder cannot be written.
    """
    folder = Path(folder)
    files = stack_files()
    for role, given in (addresses or {}).items():
        if given:
            content = _targets(role, given)
            files.update({PurePosixPath(f"{place}/{role}.yml"): content for place in _TARGETS})
    changed = {folder / path: content for path, content in files.items() if _content(folder / path) != content}
    there = [path for path in changed if path.exists()]
    if there and not force:
        raise TelemetryError(
            f"{there[0]}: is there with another content, as are {len(there) - 1} other files; "
            "choose another folder, or replace them with --force"
        )
    return [write_whole(path, content) for path, content in changed.items()]


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.exists() else None
    except OSError as error:
        raise MissingFileError(f"{path}: cannot be read ({error.strerror or error}); choose another folder") from None


def _targets(role: str, addresses: Sequence[str]) -> bytes:
    if role not in ROLES:
        raise TelemetryError(f"{role}: is no role; there are {', '.join(ROLES)}")
    quoted = ", ".join(f'"{_checked(role, address)}"' for address in addresses)
    return f"- targets: [{quoted}]\n".encode()


def _checked(role: str, address: str) -> str:
    host, _, port = address.rpartition(":")
    if not (_is_host(host) and re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) < 65536):
        raise TelemetryError(f"{role} {address!r}: is no address; write HOST:PORT, such as n1:9301 or [fd00::1]:9301")
    return address


def _is_host(host: str) -> bool:
    if not host.startswith("["):
        return _HOST.fullmatch(host) is not None
    try:
        ipaddress.IPv6Address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return host.endswith("]")
