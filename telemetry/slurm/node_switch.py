"""SuspendProgram and ResumeProgram: nodes switched off and on, by a command, a management controller or ssh."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from wattq.errors import InvalidInputError, WattqError
from wattq.settings import SlurmSettings, load_settings
from wattq.telemetry.slurm.ask import PLACES, run_command
from wattq.telemetry.slurm.hook import OwnLog
from wattq.telemetry.slurm.hostlist import node_names

__all__ = ["switch_command", "switch_nodes", "switch_words"]

_LIMIT_S = 60.0
_AT_ONCE = 16


def switch_command(settings: SlurmSettings, action: str, node: str) -> list[str]:
    """Return the command that switches a node.

    Args:
        settings: how nodes are switched.
        action: ``suspend`` or ``resume``.
        node: its name.

    Raises:
        InvalidInputError: the settings lack what the method needs.
    """
    off = action == "suspend"
    if settings.power_method == "ipmi":
        words = ["ipmitool", "-I", "lanplus", "-H", _filled("bmc", settings.bmc, node)[0]]
        words += ["-U", settings.bmc_user] if settings.bmc_user else []
        words += ["-f", settings.bmc_password_file] if settings.bmc_password_file else []
        return [*words, "chassis", "power", "soft" if off else "on"]
    if settings.power_method == "ssh" and off:
        return ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", node, settings.ssh_off]
    name = "wake_command" if settings.power_method == "ssh" else f"{action}_command"
    return _filled(name, getattr(settings, name), node)


def _filled(name: str, text: str, node: str) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InvalidInputError(f"settings, slurm.{name}: {text!r}: {error}") from None
    if not any("{node}" in word for word in words):
        raise InvalidInputError(f"settings, slurm.{name}: {text!r}; write a command that holds {{node}}")
    return [word.replace("{node}", node) for word in words]


def switch_nodes(settings: SlurmSettings, action: str, nodes: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """Switch nodes, some at once; each is told in the log of the settings.

    Args:
        settings: how nodes are switched; with a dry run nothing is.
        action: ``suspend`` or ``resume``.
        nodes: their names.
        environ: for the commands.

    Returns:
        A sentence for each node that could not be switched.

    Raises:
        InvalidInputError: the settings lack what the method needs.
    """
    log = OwnLog(Path(settings.power_log), action)
    commands = {node: switch_command(settings, action, node) for node in nodes}
    env = {**environ, "PATH": environ.get("PATH") or PLACES}

    def switch(node: str) -> str:
        words = shlex.join(commands[node])
        if settings.power_dry_run:
            log.say(f"{node}: dry run, not done: {words}")
            return ""
        try:
            run_command(commands[node], env, _LIMIT_S)
        except WattqError as error:
            log.say(f"{node}: failed: {words}: {error}")
            return f"{node}: {error}"
        log.say(f"{node}: done: {words}")
        return ""

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [problem for problem in pool.map(switch, nodes) if problem]


def switch_words(action: str, words: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the program for the words after its name, a list of nodes; returns the exit code."""
    try:
        settings = load_settings(environ=environ).slurm
        nodes = node_names(",".join(words))
        if not nodes:
            raise InvalidInputError(f"{action}: no nodes; slurmctld gives a list such as n[1-4]")
        problems = switch_nodes(settings, action, nodes, environ)
    except WattqError as error:
        print(f"{action}: error: {error}", file=sys.stderr)
        return error.exit_code
    for problem in problems:
        print(f"{action}: {problem}", file=sys.stderr)
    return 1 if problems else 0
