"""Hooks, programs and a sample of slurm.conf written into a folder, with the paths of that folder in them."""

from __future__ import annotations

import sys
from pathlib import Path

from wattq.errors import InvalidInputError
from wattq.files import write_whole
from wattq.settings import Settings

__all__ = ["SCRIPTS", "write_hook_files"]

_HERE = Path(__file__).resolve().parent
SCRIPTS = ("prolog.sh", "epilog.sh", "energy_monitor.sh", "suspend.sh", "resume.sh")
"""Scripts that Slurm, or somebody by hand, runs."""


def write_hook_files(
    folder: Path, settings: Settings, *, qos_script: str, config: Path | None = None, python: str = sys.executable
) -> list[Path]:
    """Write all that a Slurm needs to use the hooks; what is there is written anew.

    Args:
        folder: where to.
        settings: in force: log and time box.
        qos_script: content of ``qos.sh``.
        config: settings file that the hooks are to use; None for the one they find by themselves.
        python: the Python that has wattq.

    Returns:
        The files.

    Raises:
        MissingFileError: the folder cannot be written.
        InvalidInputError: a path has a blank or another sign that slurm.conf cannot hold.
    """
    folder = folder.resolve()
    for word in (str(folder), python, str(config or "")):
        if any(letter.isspace() or letter in "#=\"'" for letter in word):
            raise InvalidInputError(f"{word!r}: has a sign that slurm.conf cannot hold; choose a path without blanks")
    texts = {name: (_HERE / "hooks" / name).read_text(encoding="utf-8") for name in SCRIPTS}
    sample = (_HERE / "etc" / "slurm.conf.sample").read_text(encoding="utf-8")
    texts |= {"qos.sh": qos_script, "wattq-hooks.conf": _conf(settings, config, python)}
    texts |= {"slurm.conf.sample": sample.replace("@HOOKS@", str(folder))}
    written = [write_whole(folder / name, text.encode()) for name, text in texts.items()]
    for path in written:
        # Root runs them: nobody else may change them.
        path.chmod(0o755 if path.suffix == ".sh" else 0o644)
    return written


def _conf(settings: Settings, config: Path | None, python: str) -> str:
    lines = [
        "# Read by the hooks beside this file: KEY=VALUE, without quotes. `wattq slurm files` writes it.",
        f"PYTHON={python}",
        f"TIME_BOX={settings.slurm.time_box_s:g}",
        f"LOG_DIR={settings.slurm.log_dir}",
    ]
    return "\n".join([*lines, *([] if config is None else [f"WATTQ_CONFIG={config.resolve()}"]), ""])
