"""`wattq/Backfill-v0`: which waiting job starts next, in which power state, or none for now.

Compiled functions that see nothing but the ledger, so that they serve environment, engine and plugin alike:

* ``observe.observe(v, cfg, mi, mf, mw, x, mask) -> n_legal``: once or more per message, after ``absorb``; fills mask,
  and x where there is a choice (two legal actions or more);
* ``act.act(v, cfg, mi, mf, mw, action) -> goes_on``: takes an action; False: the round is over;
* ``teacher.teach(kind, v, cfg, mi, mf, mask) -> action``: what a rule does, after ``observe``.

A round of decisions is therefore::

    absorb(v)
    while True:
        n = observe(v, cfg, mi, mf, mw, x, mask)
        if n == 0: ...nothing can ever happen again
        action = the only legal one if n == 1 else the policy's choice
        if not act(v, cfg, mi, mf, mw, action): break

``config.make_cfg(options, platform, carbon=, price=, origin_s=, utc_offset_s=) -> cfg`` makes the row of numbers;
``memory.backfill_memory(n_jobs, n_hosts, n_words) -> (len_i, len_f, (rows, n_words))`` sizes the memory, whose parts are
``memory.memory_parts(n_jobs, n_hosts)``; ``table.n_features(window)`` and ``config.n_actions(options, n_states)`` size x
and mask.
"""
