"""Nodes on and off, and jobs that end, compiled."""

from __future__ import annotations

from wattq.schedulers.rl.node_power import layout as c
from wattq.schedulers.rl.node_power.bare import bare
from wattq.schedulers.rl.node_power.layout import State
from wattq.simulator.jit import inlined, jitted

__all__ = ["end_jobs", "finish_booting", "switch_nodes"]

OFF, KEEP, ON = range(3)


@bare(inlined)
def switch_nodes(s: State, e: int, kind: int, count: int, boot_h: int, cores: int) -> int:
    """Switch up to `count` idle nodes off or nodes that are off on, the lowest numbers first; return how many.

    A node with any core in use, or one that is starting, is never switched off.
    """
    done = 0
    now = s.num[e, c.NOW]
    for node in range(s.free.shape[1]):
        if done == count:
            break
        if kind == OFF and s.free[e, node] == cores:
            s.free[e, node] = -1
            done += 1
        elif kind == ON and s.free[e, node] < 0 and s.ready[e, node] < 0:
            if boot_h > 0:
                s.ready[e, node] = now + boot_h
            else:
                s.free[e, node] = cores
            done += 1
    if kind == OFF:
        s.num[e, c.N_ON] -= done
        s.num[e, c.N_IDLE] -= done
    elif boot_h > 0:
        s.num[e, c.N_BOOTING] += done
    else:
        s.num[e, c.N_ON] += done
        s.num[e, c.N_IDLE] += done
    return done


@bare(inlined)
def finish_booting(s: State, e: int, cores: int) -> None:
    """Make the nodes that are ready at this hour usable."""
    now = s.num[e, c.NOW]
    for node in range(s.free.shape[1]):
        if s.ready[e, node] == now:
            s.ready[e, node] = -1
            s.free[e, node] = cores
            s.num[e, c.N_BOOTING] -= 1
            s.num[e, c.N_ON] += 1
            s.num[e, c.N_IDLE] += 1


@bare(jitted)
def end_jobs(s: State, e: int, cores: int) -> int:
    """End the jobs whose last hour has passed; return how many."""
    slot = s.num[e, c.NOW] % s.ending.shape[1]
    ended = s.ending[e, slot]
    if ended == 0:
        return 0
    s.ending[e, slot] = 0
    for node in range(s.free.shape[1]):
        given = s.release[e, slot, node]
        if given > 0:
            s.free[e, node] += given
            s.release[e, slot, node] = 0
            s.num[e, c.USED] -= given
            if s.free[e, node] == cores:
                s.num[e, c.N_IDLE] += 1
    s.num[e, c.COMPLETED] += ended
    s.num[e, c.RUNNING] -= ended
    return ended
