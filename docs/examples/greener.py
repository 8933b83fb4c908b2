"""A carbon-aware policy: each job starts in the hour in which its grid is forecast to be cleanest."""

import numpy as np

from wattq.schedulers import Outlook


class Greener:
    """Start what fits, in order of submission, but let a job wait up to `max_wait` seconds for its best hour."""

    def __init__(self, signal, origin="", forecast="perfect", seed=0, max_wait=86400.0):
        self.grid, self.max_wait, self.asked = Outlook(signal, origin, forecast, seed), float(max_wait), set()

    def decide(self, view, actions):
        for job in view.queue:
            if not 0 < view.hosts_of(job) <= view.n_hosts:
                actions.reject(job)
            elif view.hosts_of(job) <= view.n_free:
                best = self.best_start(view, job)
                if best <= view.now:
                    actions.start(job)
                elif best not in self.asked:
                    actions.wake_me_at(best)
                    self.asked.add(best)

    def best_start(self, view, job):
        hours = np.arange(view.now // 3600 + 1, (view.submit_of(job) + self.max_wait) // 3600 + 1) * 3600
        dates = np.append(view.now, hours)
        return dates[np.argmin(self.grid.means(view.now, dates, view.estimate_of(job)))]
