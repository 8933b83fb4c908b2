"""A policy with power states: idle hosts fall asleep after a while and are woken when a job needs them."""

import numpy as np

from wattq.simulator.layout import SLEEPING


class Sleeper:
    """Start every job that fits; put hosts to sleep that were idle for `idle_s` seconds and that nobody waits for."""

    def __init__(self, idle_s=600.0, state=2):
        self.idle_s, self.state, self.call = idle_s, state, 0.0

    def decide(self, view, actions):
        for job in view.queue:
            if not 0 < view.hosts_of(job) <= view.n_hosts:
                actions.reject(job)
            elif view.hosts_of(job) <= view.n_free:
                actions.start(job)
        hosts, free = view.hosts, view.free_hosts
        if len(view.queue):  # wake what the first job that waits lacks, beyond the hosts on their way
            asleep = np.flatnonzero((hosts["state"] == SLEEPING) & (hosts["target"] < 0))
            lacking = view.hosts_of(view.queue[0]) - view.n_free - np.count_nonzero(hosts["target"] == 0)
            if lacking > 0 and len(asleep):
                actions.wake(asleep[:lacking])
            return
        due = hosts["idle_since_s"][free] + self.idle_s
        if (due <= view.now).any():
            actions.sleep(free[due <= view.now], self.state)
        if (due > view.now).any() and self.call <= view.now:
            self.call = float(due[due > view.now].min())
            actions.wake_me_at(self.call)
