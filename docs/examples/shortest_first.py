"""A policy by hand: a network that starts the shortest of the jobs that may start. Writes shortest.wattq."""

import numpy as np

from wattq.platforms import load_platform
from wattq.schedulers.rl import Network, save_learned
from wattq.schedulers.rl.backfill.config import Options
from wattq.schedulers.rl.backfill.learned import backfill_policy, backfill_shape
from wattq.schedulers.rl.backfill.table import feature_names

machine = load_platform("kth-sp2")
options = Options(window=16, states=(0,))
shape = backfill_shape(options, n_states=1)

# One linear layer per slot: the longer a job is expected to run, the lower its logit. Waiting is worse than any start.
slot = np.zeros((shape.globals_ + shape.features, 1))
slot[feature_names(1).index("slot_0_estimate")] = -10.0
arrays = {
    "slot.weight0": slot,
    "slot.bias0": np.zeros(1),
    "other.weight0": np.zeros((shape.globals_, 1)),
    "other.bias0": np.full(1, -100.0),
}
network = Network.from_arrays("slots", shape, arrays)
save_learned("shortest.wattq", backfill_policy(network, options, machine, card={"data": {}, "seed": 0}))
