"""The socket to the scheduler: frames in pieces, heartbeats, other dialects, and lost connections."""

from __future__ import annotations

import io
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import InvalidInputError, SimulationAbortError
from wattq.simulator.batsim.channel import Channel
from wattq.simulator.batsim.ending import SchedulerSilentError
from wattq.simulator.batsim.log import Log, thresholds_of
from wattq.simulator.batsim.zmtp import RequestSocket, tcp_address

QUIET = Log(thresholds_of("quiet"))
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL".ljust(55, b"\x00")
READY = b"\x04\x26\x05READY\x0bSocket-Type\x00\x00\x00\x03REP\x08Identity\x00\x00\x00\x00"
Peer = Callable[[socket.socket], None]


def read(connection: socket.socket, n: int) -> bytes:
    data = b""
    while len(data) < n:
        piece = connection.recv(n - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def greet(connection: socket.socket) -> None:
    """Do the listener's part of the beginning, byte by byte."""
    read(connection, 64)
    for k in range(len(GREETING)):
        connection.sendall(GREETING[k : k + 1])
    head = read(connection, 2)
    assert head[0] == 4
    assert read(connection, head[1]) == b"\x05READY\x0bSocket-Type\x00\x00\x00\x03REQ\x08Identity\x00\x00\x00\x00"
    connection.sendall(READY)


def request(connection: socket.socket) -> bytes:
    """Return the body of the next request."""
    assert read(connection, 2) == b"\x01\x00"
    flags = read(connection, 1)[0]
    length = struct.unpack(">Q", read(connection, 8))[0] if flags & 2 else read(connection, 1)[0]
    return read(connection, length)


@pytest.fixture
def listen() -> Iterator[Callable[..., str]]:
    """Return a function that starts peers, one per connection, and returns the endpoint."""
    threads: list[threading.Thread] = []
    failures: list[BaseException] = []

    def start(*peers: Peer) -> str:
        server = socket.create_server(("127.0.0.1", 0))

        def accept() -> None:
            with server:
                for peer in peers:
                    connection, _ = server.accept()
                    with connection:
                        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        try:
                            peer(connection)
                        except BaseException as error:
                            failures.append(error)

        threads.append(threading.Thread(target=accept, daemon=True))
        threads[-1].start()
        return f"tcp://127.0.0.1:{server.getsockname()[1]}"

    yield start
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert not failures, failures


def exchanged(endpoint: str, *texts: str, timeout_s: float | None = 30.0) -> list[str]:
    channel = Channel(endpoint, timeout_s, QUIET)
    try:
        return [channel.exchange(text) for text in texts]
    finally:
        channel.close()


def replying(*pieces: bytes) -> Peer:
    """Return a peer that answers one request with these bytes, sent one after the other."""

    def peer(connection: socket.socket) -> None:
        greet(connection)
        request(connection)
        for piece in pieces:
            connection.sendall(piece)
        assert connection.recv(1) == b""

    return peer


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("tcp://localhost:28000", ("localhost", 28000)),
        ("tcp://127.0.0.1:1", ("127.0.0.1", 1)),
        ("tcp://node-7.site.org:65535", ("node-7.site.org", 65535)),
        ("tcp://localhost:0", None),
        ("tcp://localhost:65536", None),
        ("tcp://*:28000", None),
        ("tcp://[::1]:28000", None),
        ("tcp://eth0;localhost:28000", None),
        ("ipc:///tmp/x", None),
        ("localhost:28000", None),
    ],
)
def test_addresses(endpoint: str, address: tuple[str, int] | None) -> None:
    assert tcp_address(endpoint) == address


@settings(deadline=None, max_examples=40)
@given(st.lists(st.binary(max_size=700), min_size=1, max_size=8), st.integers(1, 3000))
def test_what_is_sent_comes_back_through_libzmq(bodies: list[bytes], repeat: int) -> None:
    context = zmq.Context()
    listener = context.socket(zmq.REP)
    listener.linger = 0
    port = listener.bind_to_random_port("tcp://127.0.0.1")
    client = RequestSocket(("127.0.0.1", port), 30.0)
    try:
        for body in bodies:
            answers: list[bytes] = []
            thread = threading.Thread(target=lambda b=body, a=answers: a.append(client.request(b * repeat)))
            thread.start()
            heard = listener.recv()
            listener.send(heard[::-1])
            thread.join(30)
            assert heard == body * repeat
            assert answers == [heard[::-1]]
    finally:
        client.close()
        listener.close()
        context.term()


def test_short_and_long_frames(listen: Callable[..., str]) -> None:
    def peer(connection: socket.socket) -> None:
        greet(connection)
        for size in (255, 256):
            assert request(connection) == b"q" * size
            body = b"a" * size
            head = b"\x00" + bytes([size]) if size < 256 else b"\x02" + struct.pack(">Q", size)
            connection.sendall(b"\x01\x00" + head + body)

    assert exchanged(listen(peer), "q" * 255, "q" * 256) == ["a" * 255, "a" * 256]


def test_a_reply_in_single_bytes(listen: Callable[..., str]) -> None:
    frame = b"\x01\x00\x02" + struct.pack(">Q", 300) + b"x" * 300
    pieces = [frame[k : k + 1] for k in range(len(frame))]
    assert exchanged(listen(replying(*pieces)), "q") == ["x" * 300]


def test_heartbeats_are_answered(listen: Callable[..., str]) -> None:
    def peer(connection: socket.socket) -> None:
        greet(connection)
        assert request(connection) == b"q"
        connection.sendall(b"\x04\x0b\x04PING\x00\x0acode")
        assert read(connection, 11) == b"\x04\x09\x04PONGcode"
        connection.sendall(b"\x01\x00\x00\x02ok")

    assert exchanged(listen(peer), "q") == ["ok"]


def test_a_reply_in_several_parts_is_none(listen: Callable[..., str]) -> None:
    with pytest.raises(InvalidInputError, match="it has 2 parts instead of one"):
        exchanged(listen(replying(b"\x01\x00\x01\x01a\x00\x01b")), "q")


@pytest.mark.parametrize("reply", [b"\xff\xfe", b'{"x":"\\ud800"}'])
def test_a_reply_that_is_not_utf8_text(listen: Callable[..., str], reply: bytes) -> None:
    with pytest.raises(InvalidInputError, match="not UTF-8 text"):
        exchanged(listen(replying(b"\x01\x00\x00" + bytes([len(reply)]) + reply)), "q")


@pytest.mark.parametrize("reply", [b'{"x":"\\ud83d\\ude00"}', b'{"x":"\\u00e9', b'{"x":"\\\\ud800"}', b""])
def test_a_reply_with_escapes_is_passed_on_as_it_is(listen: Callable[..., str], reply: bytes) -> None:
    assert exchanged(listen(replying(b"\x01\x00\x00" + bytes([len(reply)]) + reply)), "q") == [reply.decode()]


def test_a_reply_ends_at_a_nul(listen: Callable[..., str]) -> None:
    assert exchanged(listen(replying(b"\x01\x00\x00\x06{}\x00\xff{}")), "q") == ["{}"]


def test_a_connection_lost_between_exchanges_is_made_again(listen: Callable[..., str]) -> None:
    def first(connection: socket.socket) -> None:
        greet(connection)
        assert request(connection) == b"one"
        connection.sendall(b"\x01\x00\x00\x011")
        # An aborted connection fails at the next sending, not only at the next receiving.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def second(connection: socket.socket) -> None:
        greet(connection)
        assert request(connection) == b"two"
        connection.sendall(b"\x01\x00\x00\x012")

    reset = threading.Event()

    def aborting(connection: socket.socket) -> None:
        first(connection)
        connection.close()
        reset.set()

    channel = Channel(listen(aborting, second), 30.0, QUIET)
    assert channel.exchange("one") == "1"
    assert reset.wait(30)
    assert channel.exchange("two") == "2"
    channel.close()


def test_a_refused_greeting_is_tried_again(listen: Callable[..., str]) -> None:
    def rude(connection: socket.socket) -> None:
        read(connection, 64)

    assert exchanged(listen(rude, replying(b"\x01\x00\x00\x02ok")), "q") == ["ok"]


def test_a_scheduler_that_closes_the_connection(listen: Callable[..., str], capfd: pytest.CaptureFixture[str]) -> None:
    def peer(connection: socket.socket) -> None:
        greet(connection)
        request(connection)

    with pytest.raises(SchedulerSilentError, match=r"closed the connection and did not answer within 0\.2 s"):
        exchanged(listen(peer), "q", timeout_s=0.2)
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert "closed the connection without answering; waiting all the same, as Batsim does" in said


def test_a_scheduler_that_says_nothing(listen: Callable[..., str]) -> None:
    with pytest.raises(SchedulerSilentError, match=r"did not answer within 0.2 s \(--scheduler-timeout\)"):
        exchanged(listen(replying()), "q", timeout_s=0.2)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = f"tcp://127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(SchedulerSilentError, match=r"did not answer within 0\.2 s"):
        exchanged(endpoint, "q", timeout_s=0.2)


def test_somebody_listens_who_does_not_speak(listen: Callable[..., str]) -> None:
    with pytest.raises(SchedulerSilentError, match=r"did not answer within 0\.2 s"):
        exchanged(listen(lambda connection: connection.recv(64) and connection.recv(1)), "q", timeout_s=0.2)


@pytest.mark.parametrize("timeout_s", [None, 30.0])
def test_endpoints_that_are_no_tcp_addresses(tmp_path: Path, timeout_s: float | None) -> None:
    context = zmq.Context()
    listener = context.socket(zmq.REP)
    endpoint = f"ipc://{tmp_path}/socket"
    listener.bind(endpoint)
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.extend(exchanged(endpoint, "q", timeout_s=timeout_s)))
    thread.start()
    assert listener.recv() == b"q"
    listener.send(b"a")
    thread.join(30)
    assert answers == ["a"]
    listener.close()
    context.term()


def test_endpoints_that_are_none() -> None:
    with pytest.raises(SimulationAbortError, match=r"'nowhere' cannot be connected to \(Invalid argument\)"):
        Channel("nowhere", None, QUIET)


def test_libzmq_speaks_to_those_who_want_authentication(listen: Callable[..., str]) -> None:
    """A listener with another mechanism is left to libzmq, which does not come through either."""
    other = GREETING.replace(b"NULL", b"PLAIN")[:64]

    def peer(connection: socket.socket) -> None:
        read(connection, 64)
        connection.sendall(other)
        connection.recv(1)

    def library(connection: socket.socket) -> None:
        start = read(connection, 10)
        assert (start[0], start[9]) == (0xFF, 0x7F)

    with pytest.raises(SchedulerSilentError, match=r"did not answer within 0\.3 s"):
        exchanged(listen(peer, library), "q", timeout_s=0.3)


def test_each_message_is_logged_with_its_date(listen: Callable[..., str]) -> None:
    stream = io.StringIO()
    peer: Any = replying(b"\x01\x00\x00\x02ok")
    channel = Channel(listen(peer), 30.0, Log(thresholds_of("debug"), stream))
    channel.exchange('{"now":12.500000,"events":[]}')
    channel.close()
    assert stream.getvalue().splitlines() == [
        '[12.500000] [network/INFO] Sending \'{"now":12.500000,"events":[]}\'',
        "[12.500000] [server/DEBUG] sending 29 characters",
        "[12.500000] [network/INFO] Received 'ok'",
        "[12.500000] [server/DEBUG] received 2 characters",
    ]
