"""Where the numbers lie that describe a network to compiled code: its kind, its shape, and the place of each layer."""

from __future__ import annotations

__all__: list[str] = []

FLAT, SLOTS_KIND = 0, 1

# One row of integers. Of the two parts the first is that of all actions or of a slot, the second that of the actions
# without slot. A part is its number of layers, where its weights begin, and the widths: inputs, hidden, outputs.
KIND, ACTIVATION, GLOBALS, SLOTS, FEATURES, CHOICES, OTHERS, INPUTS, ACTIONS, PARTS = range(10)
LAYERS, AT, SIZES = range(3)

MOST_LAYERS = 8
"""Most layers of a part, the last one included."""

MOST_WIDTH = 1024
"""Most outputs of a hidden layer."""

MOST_INPUTS = 16_384
"""Most numbers of an observation."""

MOST_ACTIONS = 4096
"""Most actions."""

PART = SIZES + MOST_LAYERS + 1

# The actions follow: those of the first slot's ways, of the second's, ..., then those without slot.
ORDER = PARTS + 2 * PART

NARROW = 8
"""A last layer with no more outputs than this, behind a hidden one, has its weights by outputs."""

SIDE = 4
"""How many slots are looked at side by side."""

# Rows of scratch: the outputs of layers by turns, `SIDE` rows each; what all slots have in common; legal slots.
EVEN, ODD, COMMON, LEGAL, SCRATCH_ROWS = 0, SIDE, 2 * SIDE, 2 * SIDE + 1, 2 * SIDE + 2
