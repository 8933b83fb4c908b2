"""A policy as a scheduler process of its own, without pybatsim: ``wattq-scheduler --policy easy``.

It is the same bridge on a bare ZeroMQ socket, for campaigns where the 0.2 ms that pybatsim takes per message count.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import zmq

from wattq.errors import InvalidInputError, WattqError
from wattq.schedulers.plugin.leaving import INTERRUPTED, check_all_done, leave, leave_when_interrupted
from wattq.schedulers.plugin.options import SILENCE_LIMIT_S, Options, options_text, read_options, with_defaults
from wattq.schedulers.plugin.vigil import LOOK_MS, Vigil
from wattq.schedulers.registry import POLICIES

if TYPE_CHECKING:
    from wattq.schedulers.plugin.bridge import Bridge

__all__ = ["main", "serve"]

PROGRAM = "wattq-scheduler"
_LINGER_MS = 5000  # how long the last reply may take to leave


def _parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        allow_abbrev=False,
        description="Serve a wattq policy to Batsim (or wattq-batsim) over ZeroMQ. Exit codes: 0 all jobs ended or "
        "were rejected; 1 Batsim went away or fell silent, or jobs were left over; 2 bad options, a bad message, or a "
        f"policy that failed; {INTERRUPTED} interrupted.",
    )
    parser.add_argument(
        "--policy",
        metavar="NAME",
        help=f"{', '.join(POLICIES)}; or your own as path/to/file.py:Class or package.module:Class",
    )
    parser.add_argument(
        "-o",
        "--options",
        default="{}",
        metavar="JSON",
        help="options as a JSON object, or @FILE: policy, params (the policy's parameters), platform (the file that "
        f"Batsim was given), silence_limit_s (default {SILENCE_LIMIT_S:g}); they win over Batsim's --sched-cfg",
    )
    parser.add_argument(
        "-s",
        "--socket-endpoint",
        "--socket",
        default="tcp://*:28000",
        metavar="ADDRESS",
        help="where to wait for Batsim (default tcp://*:28000)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with an exit code.

    Args:
        argv: words after the program's name; those of the process when None.
    """
    arguments = _parser().parse_args(argv)
    leave_when_interrupted(PROGRAM)
    try:
        bridge = _bridge(arguments.policy, arguments.options)
        spent_s = serve(bridge, arguments.socket_endpoint)
    except WattqError as error:
        leave(error, PROGRAM)
    counts = ", ".join(f"{number} {what}" for what, number in bridge.counts().items())
    print(f"{PROGRAM}: jobs: {counts}; {bridge.n_messages} messages answered in {spent_s:.3f} s")


def _bridge(policy: str | None, argument: str) -> Bridge:
    """Return the bridge for a command line."""
    options = read_options(*options_text(argument))
    if policy and options.policy and policy != options.policy:
        raise InvalidInputError(f"--policy {policy}, but the options name '{options.policy}'; leave one out")
    from wattq.schedulers.plugin.bridge import Bridge

    return Bridge(with_defaults(options, Options(policy=policy)))


def serve(bridge: Bridge, endpoint: str) -> float:
    """Answer Batsim's messages until the simulation ends.

    Args:
        bridge: the policy.
        endpoint: ZeroMQ address to bind.

    Returns:
        Wall-clock time spent on answers, s.

    Raises:
        WattqError: Batsim went away or fell silent, jobs are left over, a message is bad, or the policy failed.
    """
    with zmq.Context() as context, context.socket(zmq.REP) as socket:
        socket.linger = _LINGER_MS
        socket.rcvtimeo = LOOK_MS
        vigil = Vigil(socket)
        try:
            socket.bind(endpoint)
        except zmq.ZMQError as error:
            raise InvalidInputError(
                f"{endpoint}: cannot be bound ({error.strerror}); free the port, or name another one by -s"
            ) from None
        try:
            return _answer_all(bridge, socket, vigil)
        finally:
            vigil.close()


def _answer_all(bridge: Bridge, socket: zmq.Socket[bytes], vigil: Vigil) -> float:
    """Answer messages until the last one."""
    spent_s = 0.0
    clock = time.perf_counter
    while not bridge.ended:
        try:
            text = socket.recv()
        except zmq.Again:
            vigil.check(bridge)
            continue
        begin = clock()
        vigil.heard()
        reply = bridge.reply(text)
        spent_s += clock() - begin
        socket.send_string(reply)
    check_all_done(bridge)
    return spent_s
