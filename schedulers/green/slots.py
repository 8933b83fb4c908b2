"""Where the parameters of the energy-aware policies lie in their row of numbers.

The first numbers have fixed places. Lists of any length follow, whose begins and lengths are among them: the cap over
time (date in s, power in W), the classes (queue number, longest extra wait in s), the forecasts by rows, and a network.
"""

from __future__ import annotations

__all__: list[str] = []

(
    ORDER,  # one of `orders.ORDERS`, or AGED
    BACKFILL,  # likewise
    AGE_RUN,  # AGED: s of waiting that one s of expected run time is worth
    AGE_AREA,  # AGED: the same for one s of the whole machine
    TIMEOUT_S,  # idle s after which a host sleeps; inf: never; negative: the break-even time
    SPARE,  # share of the hosts that stay awake without work
    SLOWDOWN,  # longest relative increase of a run time by a slower power state
    BOOST_S,  # queued work, in s of the whole machine, from which jobs run at full speed; inf: never
    HEADROOM,  # share of the hosts that must be left for jobs to run slower
    BOOST_RUNNING,  # whether running jobs change their power state then, too
    CAP_SLOWDOWN,  # the same by a slower power state for the sake of the cap
    MAX_WAIT_S,  # longest extra wait for a cleaner or cheaper hour; 0: none
    MIN_AREA_S,  # host-seconds from which a job waits for it
    MIN_GAIN,  # least relative gain for which a job waits
    RUN_SHARE,  # expected run time as a share of the estimate
    GATE,  # share of the coming day's hours in which jobs may be backfilled; 0: no gate
    CAP_AT,
    N_CAP,
    CLASS_AT,
    N_CLASS,
    TABLE_AT,
    N_ISSUES,
    N_LEADS,
    ISSUE_S,  # date of the first forecast, in s from date 0
    ISSUE_STEP_S,
    LEAD_STEP_S,
    NET_AT,  # where the network of `learned` lies; 0: there is none
    N_HIDDEN,  # its hidden units
    N_FIXED,
) = range(29)

AGED = 100.0  # `green_parameters.AGED_ORDER`
"""Order by submit time plus weighted run time and area: short, small jobs first, but nobody is overtaken for ever."""
