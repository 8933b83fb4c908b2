"""Load what plain-Python policies call, so that compiling it is not held against the first that is watched."""

from __future__ import annotations

from functools import cache

from wattq.platforms import ComputeState, SleepState, make_platform
from wattq.schedulers.check_worlds import JobRow, World
from wattq.simulator import layout as c
from wattq.simulator.engine import simulate
from wattq.simulator.interface import Actions, View

__all__ = ["load_actions"]


class _Everything:
    """Takes each kind of decision once; of three jobs the first is killed, the second rejected, the third runs."""

    def decide(self, view: View, actions: Actions) -> None:
        """Take the decisions of a message."""
        if view.hosts["state"][1] == c.IDLE and len(view.running) == 0 and len(view.queue) == 3:
            actions.sleep([1], 2)
            actions.reject(1)
            actions.start(0, [0], 1)
            actions.wake_me_at(view.now + 1)
        elif view.called:
            actions.kill(0)
        elif view.hosts["state"][1] == c.SLEEPING and view.hosts["target"][1] < 0:
            actions.wake([1])
        elif len(view.queue) and view.n_free:
            actions.start(2)


@cache
def load_actions() -> None:
    """Call each compiled function behind the actions once in this process."""
    rows = (JobRow(0, 1, 50, 100), JobRow(0, 1, 50, 100), JobRow(0, 1, 50, 100))
    world = World("warm", 2, (rows,), energy=True)
    machine = make_platform(
        2, (ComputeState(1e9, 100, 200), ComputeState(0.5e9, 90, 150)), (SleepState(10, 5, 125, 5, 115),)
    )
    simulate(machine, world.workloads(), _Everything(), energy=True)
