"""From an observation and a mask of legal actions to an action, compiled; nothing is allocated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.borrowed import borrowed
from wattq.schedulers.rl.forward import header as n
from wattq.schedulers.rl.forward.layers import activate, add_products, add_products_4, add_sums
from wattq.simulator.jit import inlined, jitted

__all__ = ["best_action", "best_actions", "draw", "fill_logits", "logits_of", "sampled_action"]

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@inlined
def _layer(w: Floats, at: int, rows: int, columns: int) -> Floats:
    """Return the weights that lie at a place, shape (rows, columns)."""
    return borrowed(w[at : at + rows * columns]).reshape((rows, columns))


@inlined
def _set_bias(w: Floats, at: int, y: Floats, columns: int) -> None:
    """Let the outputs be the biases that lie at a place."""
    bias = borrowed(w[at : at + columns])
    for o in range(columns):
        y[o] = bias[o]


@inlined
def _add_layer(weights: Floats, narrow: bool, x: Floats, y: Floats, side: int) -> None:
    """Add the products of a layer to so many rows of outputs."""
    if side == n.SIDE and not narrow:
        add_products_4(weights, x, y)
        return
    for row in range(side):
        if narrow:
            add_sums(weights, borrowed(x[row]), borrowed(y[row]))
        else:
            add_products(weights, borrowed(x[row]), borrowed(y[row]))


@jitted
def _finish(net: Ints, part: int, w: Floats, h: Floats, side: int) -> int:
    """Go on from the sums of a part's first layer in the rows from EVEN on; return the first row of its outputs.

    So many rows are brought to the end side by side.
    """
    here = n.EVEN
    at = net[part + n.AT]
    last = net[part + n.LAYERS] - 1
    for k in range(1, last + 1):
        rows, columns = net[part + n.SIZES + k], net[part + n.SIZES + k + 1]
        at += (net[part + n.SIZES + k - 1] + 1) * rows
        there = n.ODD if here == n.EVEN else n.EVEN
        for row in range(side):
            activate(net[n.ACTIVATION], borrowed(h[here + row]), rows)
            _set_bias(w, at + rows * columns, borrowed(h[there + row]), columns)
        x, y = borrowed(h[here : here + n.SIDE]), borrowed(h[there : there + n.SIDE])
        if k == last and columns <= n.NARROW:
            _add_layer(_layer(w, at, columns, rows), True, x, y, side)
        else:
            _add_layer(_layer(w, at, rows, columns), False, x, y, side)
        here = there
    return here


@inlined
def _begin(net: Ints, part: int, w: Floats, x: Floats, inputs: int, y: Floats) -> None:
    """Set the sums of a part's first layer over its first so many inputs."""
    at, columns = net[part + n.AT], net[part + n.SIZES + 1]
    _set_bias(w, at + net[part + n.SIZES] * columns, y, columns)
    add_products(_layer(w, at, inputs, columns), x, y)


@inlined
def _any(net: Ints, mask: Mask, first: int, count: int) -> bool:
    """Return whether one of these outputs stands for a legal action."""
    found = False
    for o in range(first, first + count):
        found = found or mask[net[n.ORDER + o]]
    return found


@jitted
def _fill_whole(net: Ints, part: int, w: Floats, x: Floats, inputs: int, h: Floats, out: Floats, first: int) -> None:
    """Write the outputs of a part that reads the first so many numbers of the observation.

    They are those of the whole network from number `first` on.
    """
    _begin(net, part, w, x, inputs, borrowed(h[n.EVEN]))
    row = borrowed(h[_finish(net, part, w, h, 1)])
    for o in range(net[part + n.SIZES + net[part + n.LAYERS]]):
        out[net[n.ORDER + first + o]] = row[o]


@inlined
def _legal_slots(net: Ints, mask: Mask, found: Floats) -> int:
    """Note the slots that have a legal action and return how many there are."""
    count = 0
    for k in range(net[n.SLOTS]):
        if _any(net, mask, k * net[n.CHOICES], net[n.CHOICES]):
            found[count] = k
            count += 1
    return count


@jitted
def _fill_slots(net: Ints, w: Floats, x: Floats, mask: Mask, h: Floats, out: Floats) -> None:
    """Write the logits of each slot that has a legal action; the others keep what they have."""
    part, choices = n.PARTS, net[n.CHOICES]
    known, features, width = net[n.GLOBALS], net[n.FEATURES], net[part + n.SIZES + 1]
    slots, common = borrowed(h[n.LEGAL]), borrowed(h[n.COMMON])
    count = _legal_slots(net, mask, slots)
    if count == 0:
        return
    _begin(net, part, w, x, known, common)
    own = _layer(w, net[part + n.AT] + known * width, features, width)
    for first in range(0, count, n.SIDE):
        side = min(n.SIDE, count - first)
        for row in range(side):
            sums, read = borrowed(h[n.EVEN + row]), borrowed(h[n.ODD + row])
            for o in range(width):
                sums[o] = common[o]
            at = known + int(slots[first + row]) * features
            for i in range(features):
                read[i] = x[at + i]
        _add_layer(own, False, borrowed(h[n.ODD : n.ODD + n.SIDE]), borrowed(h[n.EVEN : n.EVEN + n.SIDE]), side)
        outputs = _finish(net, part, w, h, side)
        for row in range(side):
            at = n.ORDER + int(slots[first + row]) * choices
            for o in range(choices):
                out[net[at + o]] = h[outputs + row, o]


@jitted
def fill_logits(net: Ints, w: Floats, x: Floats, mask: Mask, h: Floats, out: Floats) -> None:
    """Write the logits of the legal actions; those of others are not set.

    Args:
        net: the network's row of integers, see `header`.
        w: its weights.
        x: observation.
        mask: whether each action is legal.
        h: scratch, shape (`header.SCRATCH_ROWS`, widest layer).
        out: logits.
    """
    if net[n.KIND] == n.FLAT:
        _fill_whole(net, n.PARTS, w, x, net[n.INPUTS], h, out, 0)
        return
    _fill_slots(net, w, x, mask, h, out)
    first = net[n.SLOTS] * net[n.CHOICES]
    if _any(net, mask, first, net[n.OTHERS]):
        _fill_whole(net, n.PARTS + n.PART, w, x, net[n.GLOBALS], h, out, first)


@jitted
def best_action(mask: Mask, out: Floats, actions: int) -> int:
    """Return the legal action of the highest logit, the first one at ties; -1 when none is legal."""
    best = -1
    for a in range(actions):
        if mask[a] and (best < 0 or out[a] > out[best]):
            best = a
    return best


@jitted
def sampled_action(mask: Mask, out: Floats, actions: int, u: float) -> int:
    """Return a legal action, drawn by the softmax of the logits.

    Args:
        mask: whether each action is legal.
        out: logits.
        actions: number of actions.
        u: a random number from 0 to below 1.
    """
    best = best_action(mask, out, actions)
    if best < 0:
        return -1
    total = 0.0
    for a in range(actions):
        if mask[a]:
            total += np.exp(np.float64(out[a]) - np.float64(out[best]))
    left = u * total
    for a in range(actions):
        if mask[a]:
            left -= np.exp(np.float64(out[a]) - np.float64(out[best]))
            if left < 0.0:
                return a
    return best


@inlined
def draw(state: Ints, at: int) -> float:
    """Return a random number from 0 to below 1, and move the state on (G. Steele et al., SplitMix64, OOPSLA 2014)."""
    z = np.uint64(state[at]) + np.uint64(0x9E3779B97F4A7C15)
    state[at] = np.int64(z)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.float64(z >> np.uint64(11)) * 2.0**-53


@jitted
def logits_of(net: Ints, w: Floats, xs: Floats, masks: Mask, h: Floats, outs: Floats) -> None:
    """Write the logits of many observations, one per row; as `fill_logits`."""
    for k in range(xs.shape[0]):
        fill_logits(net, w, xs[k], masks[k], h, outs[k])


@jitted
def best_actions(net: Ints, w: Floats, xs: Floats, masks: Mask, h: Floats, out: Floats, found: Ints) -> None:
    """Write the best action for each of many observations; `out` is scratch for the logits of one."""
    for k in range(xs.shape[0]):
        fill_logits(net, w, xs[k], masks[k], h, out)
        found[k] = best_action(masks[k], out, net[n.ACTIONS])
