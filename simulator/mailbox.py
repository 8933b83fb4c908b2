"""The server's mailbox: one message at a time, first in first out (batsim-semantics.md, 0.4)."""

from __future__ import annotations

from wattq.simulator import codes as x
from wattq.simulator.actors import wake
from wattq.simulator.jit import inlined
from wattq.simulator.layout import Kernel
from wattq.simulator.power import touch

__all__ = ["deliver_mail", "get_mail", "put_mail"]


@inlined
def _send_first(s: Kernel, sender_first: int) -> None:
    """Match the oldest waiting message with the server: its transfer starts."""
    k = s.head[0]
    m = s.mail[k.mail_head]
    k.mail_head += 1
    server = s.actors[k.server]
    server.mail = m.kind
    server.mail_a = m.a
    server.mail_b = m.b
    host = m.host if m.host >= 0 else k.n_hosts
    k.mail_from = m.actor
    k.mail_sender_first = sender_first
    k.mail_latency_s = s.links[host, 0]
    k.mail_rate = s.links[host, 1]
    k.mail_left = 1.0 if k.mail_rate > 0.0 else 0.0
    k.mail_sequence = k.sequence
    k.sequence += 1
    k.mail_on = 1


@inlined
def put_mail(s: Kernel, actor: int) -> None:
    """An actor posts its message."""
    k = s.head[0]
    if k.mail_tail == len(s.mail):
        for i in range(k.mail_head, k.mail_tail):
            s.mail[i - k.mail_head] = s.mail[i]
        k.mail_tail -= k.mail_head
        k.mail_head = 0
    a = s.actors[actor]
    m = s.mail[k.mail_tail]
    m.kind = a.mail
    m.a = a.mail_a
    m.b = a.mail_b
    m.actor = actor
    m.host = a.host
    k.mail_tail += 1
    if k.server_waits:
        k.server_waits = 0
        _send_first(s, 0)


@inlined
def get_mail(s: Kernel) -> None:
    """The server asks for a message."""
    k = s.head[0]
    if k.mail_head < k.mail_tail:
        _send_first(s, 1)
    else:
        k.server_waits = 1


@inlined
def deliver_mail(s: Kernel) -> None:
    """The message in flight arrived: wake both sides, first the one that had posted first."""
    k = s.head[0]
    k.mail_on = 0
    host = s.actors[k.mail_from].host
    if k.energy and host >= 0:
        touch(s, host)
    if k.mail_sender_first:
        wake(s, k.mail_from, x.W_DONE)
        wake(s, k.server, x.W_DONE)
    else:
        wake(s, k.server, x.W_DONE)
        wake(s, k.mail_from, x.W_DONE)
