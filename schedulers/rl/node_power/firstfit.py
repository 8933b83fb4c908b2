"""Waiting jobs: the queue, the backlog behind it, and first-fit in queue order, compiled.

A pass over the queue asks two questions. Whether a job fits at all is one look at how many nodes have as many free
cores; only one that fits is given nodes, the first ones that have room, found block by block. So thousands of jobs that
do not fit cost next to nothing.
"""

from __future__ import annotations

from wattq.schedulers.rl.node_power import layout as c
from wattq.schedulers.rl.node_power.bare import bare
from wattq.schedulers.rl.node_power.layout import Array, Memory, State
from wattq.simulator.jit import inlined, jitted

__all__ = ["lose_old", "nodes_needed", "push_backlog", "push_queue", "refill_queue", "start_waiting"]


@bare(inlined)
def _count_fits(free: Array, fits: Array, top: Array) -> None:
    """Count, for each number of cores, the nodes with as many free, and note the most of each block of nodes."""
    fits[:] = 0
    # Neighbours are alike: counting runs of equal nodes spares most of the additions, which would wait for each other.
    last, run = -1, 0
    for block in range(top.size):
        most = -1
        for node in range(block * c.BLOCK, min((block + 1) * c.BLOCK, free.size)):
            cores = free[node]
            if cores == last:
                run += 1
                continue
            if last > 0:
                fits[last] += run
            last, run = cores, 1
            most = max(most, cores)
        # A run that began in the block before may fill this one from its start.
        top[block] = max(most, free[block * c.BLOCK])
    if last > 0:
        fits[last] += run
    for cores in range(fits.size - 2, -1, -1):
        fits[cores] += fits[cores + 1]


@bare(inlined)
def _take(free: Array, fits: Array, top: Array, node: int, cores: int) -> None:
    """Take cores of a node, keeping the counts right."""
    before = free[node]
    after = before - cores
    free[node] = after
    for level in range(after + 1, before + 1):
        fits[level] -= 1
    block = node // c.BLOCK
    if top[block] == before:
        most = -1
        for other in range(block * c.BLOCK, min((block + 1) * c.BLOCK, free.size)):
            most = max(most, free[other])
        top[block] = most


@bare(inlined)
def _next_fit(free: Array, top: Array, node: int, cores: int) -> int:
    """Return the first node from `node` on with as many free cores; there must be one."""
    while True:
        if node % c.BLOCK == 0:
            while top[node // c.BLOCK] < cores:
                node += c.BLOCK
        if free[node] >= cores:
            return node
        node += 1


@bare(inlined)
def _start(s: State, e: int, row: int, w: Memory) -> None:
    """Start the job of a row of the queue on the first nodes that have room; it must fit."""
    queue, num, free = s.queue, s.num, s.free[e]
    hours, width, cores = queue[e, row, c.J_DUR], queue[e, row, c.J_NODES], queue[e, row, c.J_CORES]
    end = num[e, c.NOW] + hours
    slot = end % s.ending.shape[1]
    full = w.fits.size - 2
    node = -1
    for _ in range(width):
        node = _next_fit(free, w.top, node + 1, cores)
        if free[node] == full:
            num[e, c.N_IDLE] -= 1
        _take(free, w.fits, w.top, node, cores)
        s.release[e, slot, node] += cores
        s.until[e, node] = max(s.until[e, node], end)
    s.ending[e, slot] += 1
    num[e, c.USED] += width * cores
    num[e, c.LAUNCHED] += 1
    num[e, c.RUNNING] += 1
    s.acc[e, c.RUNNING_CH] += hours * width * cores
    if queue[e, row, c.J_ID] >= 0:
        s.log[e, queue[e, row, c.J_ID], c.L_START] = num[e, c.NOW]
    _forget(s, e, hours, width, cores)


@bare(inlined)
def _forget(s: State, e: int, hours: int, width: int, cores: int) -> None:
    """Take a job out of the sums over waiting jobs."""
    s.widths[e, width] -= 1
    s.num[e, c.PENDING_CORES] -= width * cores
    s.num[e, c.PENDING_HOURS] -= hours
    s.acc[e, c.PENDING_CH] -= hours * width * cores


@bare(jitted)
def start_waiting(s: State, e: int, first: int, w: Memory) -> int:
    """Start every job of the queue from row `first` on that fits, in order, and close the gaps.

    Args:
        s: the episodes.
        e: which one.
        first: first row to look at; earlier ones are known not to fit.
        w: memory.

    Returns:
        Jobs started.
    """
    count = s.num[e, c.N_QUEUE]
    if first >= count:
        return 0
    fits, queue, kept = w.fits, s.queue[e], first
    _count_fits(s.free[e], fits, w.top)
    for row in range(first, count):
        if fits[1] == 0 and kept == row:
            return 0
        if fits[queue[row, c.J_CORES]] >= queue[row, c.J_NODES]:
            _start(s, e, row, w)
            continue
        if kept != row:
            for column in range(5):
                queue[kept, column] = queue[row, column]
        kept += 1
    s.num[e, c.N_QUEUE] = kept
    return count - kept


@bare(inlined)
def push_queue(s: State, e: int, hours: int, submit: int, width: int, cores: int, job: int) -> None:
    """Put a job at the end of the queue, which must have room."""
    row = s.num[e, c.N_QUEUE]
    s.num[e, c.N_QUEUE] = row + 1
    s.queue[e, row, c.J_DUR], s.queue[e, row, c.J_SUBMIT] = hours, submit
    s.queue[e, row, c.J_NODES], s.queue[e, row, c.J_CORES] = width, cores
    s.queue[e, row, c.J_ID] = job


@bare(inlined)
def push_backlog(s: State, e: int, hours: int, submit: int, width: int, cores: int, job: int) -> None:
    """Put a job at the end of the backlog, which must have room."""
    row = (s.num[e, c.BACK_HEAD] + s.num[e, c.N_BACK]) % s.backlog.shape[1]
    s.num[e, c.N_BACK] += 1
    s.backlog[e, row, c.J_DUR], s.backlog[e, row, c.J_SUBMIT] = hours, submit
    s.backlog[e, row, c.J_NODES], s.backlog[e, row, c.J_CORES] = width, cores
    s.backlog[e, row, c.J_ID] = job


@bare(inlined)
def take_backlog(s: State, e: int) -> int:
    """Take the first job from the backlog and return the row in which it still stands."""
    row = s.num[e, c.BACK_HEAD]
    s.num[e, c.BACK_HEAD] = (row + 1) % s.backlog.shape[1]
    s.num[e, c.N_BACK] -= 1
    return row


@bare(jitted)
def refill_queue(s: State, e: int, size: int) -> int:
    """Fill the queue from the backlog, oldest first; return the first new row."""
    first = s.num[e, c.N_QUEUE]
    while s.num[e, c.N_BACK] > 0 and s.num[e, c.N_QUEUE] < size:
        job = s.backlog[e, take_backlog(s, e)]
        push_queue(s, e, job[c.J_DUR], job[c.J_SUBMIT], job[c.J_NODES], job[c.J_CORES], job[c.J_ID])
    return first


@bare(jitted)
def lose_old(s: State, e: int, max_age: int) -> int:
    """Lose the waiting jobs that are older than `max_age` hours; return how many.

    Queue and backlog are in the order of submission, the backlog behind, so the old ones stand at their heads.
    """
    now = s.num[e, c.NOW]
    queue, count, old = s.queue[e], s.num[e, c.N_QUEUE], 0
    while old < count and now - queue[old, c.J_SUBMIT] > max_age:
        _lose(s, e, queue[old])
        old += 1
    if old > 0:
        for row in range(old, count):
            for column in range(5):
                queue[row - old, column] = queue[row, column]
        s.num[e, c.N_QUEUE] = count - old
    while s.num[e, c.N_BACK] > 0 and now - s.backlog[e, s.num[e, c.BACK_HEAD], c.J_SUBMIT] > max_age:
        _lose(s, e, s.backlog[e, take_backlog(s, e)])
        old += 1
    s.num[e, c.LOST_AGE] += old
    return old


@bare(inlined)
def _lose(s: State, e: int, job: Array) -> None:
    hours, width, cores = job[c.J_DUR], job[c.J_NODES], job[c.J_CORES]
    s.acc[e, c.LOST_CH] += hours * width * cores
    if job[c.J_ID] >= 0:
        s.log[e, job[c.J_ID], c.L_LOST] = s.num[e, c.NOW]
    _forget(s, e, hours, width, cores)


@bare(jitted)
def nodes_needed(s: State, e: int, w: Memory) -> None:
    """Write what the queue needs to start as a whole now, by first-fit on the nodes that are on, then on the others.

    `w.need` becomes the nodes that are off and would be used, the idle ones that would not, and the jobs that would not
    fit at all. Nodes that are starting count as on.
    """
    nodes, full, free = s.free.shape[1], w.fits.size - 2, w.free
    n_on = 0
    for node in range(nodes):
        if s.free[e, node] >= 0 or s.ready[e, node] >= 0:
            free[n_on] = s.free[e, node] if s.free[e, node] >= 0 else full
            n_on += 1
    free[n_on:] = full
    w.need[:] = 0
    _count_fits(free, w.fits, w.top)
    for row in range(s.num[e, c.N_QUEUE]):
        width, cores = s.queue[e, row, c.J_NODES], s.queue[e, row, c.J_CORES]
        if w.fits[cores] < width:
            w.need[2] += 1
            continue
        node = -1
        for _ in range(width):
            node = _next_fit(free, w.top, node + 1, cores)
            _take(free, w.fits, w.top, node, cores)
    for node in range(nodes):
        if node < n_on:
            w.need[1] += free[node] == full
        else:
            w.need[0] += free[node] < full
