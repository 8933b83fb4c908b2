"""Where the numbers of the policy `rl` lie: in its row of parameters, and in its memory.

The row begins with numbers of fixed places. Four lists follow: what the power states must be like, the options of the
environment (`slots`), the network's header, and its weights. The last two are whole numbers and numbers of single
precision in the memory of the others, so that compiled code reads them without a copy.
"""

from __future__ import annotations

from wattq.schedulers.rl.backfill import slots as p
from wattq.schedulers.rl.backfill.table import n_features
from wattq.schedulers.rl.forward import header as n

__all__: list[str] = []

# ------------------------------------------------------------------------------------------- the row of parameters
(
    CAPPED,  # whether there is a cap
    SWITCHES,  # whether the policy chooses power states, so that energy has to be counted
    N_ALIKE,  # number of computing power states that each host must have; 0: any
    SAMPLED,  # whether actions are drawn
    SEED,  # of what is drawn
    END_S,  # date up to which forecasts were issued, s; inf: there are none
    STATES_AT,  # for each state: its number, least and largest speed and power, relative to the first one
    N_STATES,
    CFG_AT,
    N_CFG,
    NET_AT,
    N_NET,
    WEIGHTS_AT,
    N_WEIGHTS,
    N_FIXED,
) = range(15)

STATE, LEAST_SPEED, MOST_SPEED, LEAST_W, MOST_W, N_ROW = range(6)

# ------------------------------------------------------------------------------------------- the memory
MOST_INPUTS = n_features(p.MAX_WINDOW)
MOST_ACTIONS = p.MAX_WINDOW * (p.MAX_STATES + p.MAX_HOLDS) + 3
WIDEST = max(n.MOST_WIDTH, MOST_ACTIONS)

# Integers: whether the first message was seen, the state of what draws, how many decisions were taken, how many of them
# by the network, and how many since a job ran or the queue was empty; the mask as bytes; the environment's follow.
BEGUN, RANDOM, N_TAKEN, N_ASKED, N_IDLE, MASK_AT = range(6)

MOST_IDLE = 10_000
"""So many decisions without a start, while jobs wait on a machine without work, are the last ones."""
OWN_I = MASK_AT + (MOST_ACTIONS + 7) // 8

# Floats: observation, logits and scratch in single precision; the environment's follow.
X_AT = 0
OUT_AT = X_AT + (MOST_INPUTS + 1) // 2
SCRATCH_AT = OUT_AT + (MOST_ACTIONS + 1) // 2
OWN_F = SCRATCH_AT + (n.SCRATCH_ROWS * WIDEST + 1) // 2
