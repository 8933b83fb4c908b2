"""Where the environment's numbers lie: in the row of options, and in the memory that it keeps between messages.

The options begin with numbers of fixed places. Four lists follow, whose begins are among them: the power states that
may be chosen, the durations of holding, and the forecasts of carbon intensity and price by rows.
"""

from __future__ import annotations

__all__: list[str] = []

MAX_WINDOW = 128  # slots at most
MAX_STATES = 8  # power states to choose from at most
MAX_HOLDS = 8  # durations of holding at most
LEADS = 24  # hours of a forecast

# ------------------------------------------------------------------------------------------- the row of options
(
    WINDOW,  # slots
    N_STATES,
    N_HOLDS,
    MAY_SLEEP,  # whether hosts may be put to sleep and woken
    MAY_WAIT,  # whether waiting is allowed although a job may start
    GUARD,  # whether EASY's reservation of the first job is kept
    CAP_W,  # power never to be exceeded, W; inf: none
    MAX_HOLD_S,  # longest time that a job may be held in all, s
    CALL_STEP_S,  # steps at which something new may be known, s; inf: none
    CALL_ORIGIN_S,  # a date at which a step begins, s from date 0
    CLOCK_S,  # seconds since Monday 0:00 by the clock of the site at date 0
    STATES_AT,
    HOLDS_AT,
    CARBON_AT,  # first number of the forecasts of carbon intensity, g/kWh
    N_CARBON,  # how many were issued; 0: none
    PRICE_AT,  # the same for the price, EUR/MWh
    N_PRICE,
    CARBON_S,  # date of the first issue, s from date 0; one follows each hour
    PRICE_S,
    N_FIXED,
) = range(20)

# ------------------------------------------------------------------------------------------- the memory
# Integers; the slots follow, then the jobs held back, as many as there are jobs.
N_SLOTS, N_HELD, EXTRA, N_STARTS, N_BEYOND, ASLEEP, SWITCHING, N_BUSY, WAKEN, OWN = range(10)
SLOTS_AT = OWN
HELD_AT = SLOTS_AT + MAX_WINDOW

# Floats; two tables of sums of the forecasts follow, the power of the lowest free hosts by power state, and for each
# job the date until which it is held and for how long it was held in all.
SHADOW_S, POWER_W, WORK_S, CALL_S, FULL_W, F_OWN = range(6)
CARBON_SUM = F_OWN
PRICE_SUM = CARBON_SUM + LEADS + 1
LOWEST_AT = PRICE_SUM + LEADS + 1

# Rows of host sets, all of them scratch.
CHOSEN, SOME, N_ROWS = range(3)
