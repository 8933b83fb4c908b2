"""EASY backfilling in plain Python: the same schedule as the built-in policy `easy`, file for file."""


class Easy:
    """Start jobs in order; let others pass the first one that has to wait where that does not delay it."""

    def decide(self, view, actions):
        queue = [job for job in view.queue if 0 < view.hosts_of(job) <= view.n_hosts or actions.reject(job)]
        while queue and view.hosts_of(queue[0]) <= view.n_free:
            actions.start(queue.pop(0))
        if not queue or not view.n_free:
            return
        shadow, extra = 0.0, view.n_free - view.hosts_of(queue[0])
        for job in view.running:  # sorted by expected end
            end = max(view.now, view.expected_end_of(job))
            if extra >= 0 and end > shadow:
                break
            shadow, extra = end, extra + view.hosts_of(job)
        for job in queue[1:]:
            in_time = view.now + view.estimate_of(job) <= shadow
            if view.hosts_of(job) <= view.n_free and (in_time or view.hosts_of(job) <= extra):
                actions.start(job)
                extra -= 0 if in_time else view.hosts_of(job)
