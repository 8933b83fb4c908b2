"""Networks that were learned, as plain arrays, and what they choose; torch has no part in it.

Two architectures. ``flat``: a network from the whole observation to the logits of all actions. ``slots``: an
observation is some numbers about the whole, then the same features of each of K slots; one small network is applied to
each slot, with the numbers about the whole before the slot's own, and gives the logits of the ways to act on it;
another network, of the numbers about the whole, gives those of the actions that concern no slot.

Arrays by name: ``PART.weight0`` of shape (inputs, outputs), ``PART.bias0`` of shape (outputs,), ``PART.weight1``, ...
in the order of the layers, with an activation between them; the part is ``all``, or ``slot`` and (with other actions)
``other``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError
from wattq.schedulers.rl.forward import header as h

__all__ = ["ACTIVATIONS", "ARCHITECTURES", "Network", "NetworkShape"]

ARCHITECTURES = ("flat", "slots")
"""Names of the architectures."""

ACTIVATIONS = ("tanh", "relu")
"""Names of what stands between layers."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class NetworkShape:
    """The numbers of observations and actions.

    An observation is `globals_` numbers, then `slots` x `features` numbers. Action ``k * choices + p`` acts on slot k
    in way p; `others` actions follow. A network without slots reads globals and gives others.

    Where actions are numbered otherwise, `blocks` tells how: ``(2, 1, 3, 0)`` are two ways of every slot, one action
    without slot, three more ways of every slot; within a block of b ways, ``k * b + p`` acts on slot k in way p.

    Attributes:
        globals_: numbers that describe the whole.
        slots: number of slots.
        features: numbers that describe a slot.
        choices: ways to act on a slot.
        others: actions that concern no slot.
        blocks: how many ways of every slot and how many actions without slot follow each other, by turns; empty for
            all the ways and then the others.
    """

    globals_: int
    slots: int = 0
    features: int = 0
    choices: int = 0
    others: int = 0
    blocks: tuple[int, ...] = ()

    @property
    def inputs(self) -> int:
        """Numbers of an observation."""
        return self.globals_ + self.slots * self.features

    @property
    def actions(self) -> int:
        """Number of actions."""
        return self.slots * self.choices + self.others

    @property
    def order(self) -> NDArray[np.int64]:
        """The action of each output: those of slot 0's ways, of slot 1's, ..., then those without slot."""
        slots: list[NDArray[np.int64]] = []
        others: list[NDArray[np.int64]] = []
        at = 0
        for number, count in enumerate(self.blocks or (self.choices, self.others)):
            here = count * (self.slots if number % 2 == 0 else 1)
            actions = np.arange(at, at + here, dtype=np.int64)
            (others if number % 2 else slots).append(actions if number % 2 else actions.reshape(self.slots, count))
            at += here
        return np.concatenate([np.concatenate(slots, axis=1).reshape(-1), *others])


@dataclass(frozen=True, eq=False)
class Network:
    """A network, ready to choose. Made by `from_arrays`.

    Attributes:
        architecture: one of `ARCHITECTURES`.
        shape: numbers of observations and actions.
        activation: one of `ACTIVATIONS`.
        arrays: weights and biases by name, single precision.
        header: what compiled code reads of it, see `forward.header`.
        weights: all numbers one after the other.
    """

    architecture: str
    shape: NetworkShape
    activation: str
    arrays: Mapping[str, Floats]
    header: NDArray[np.int64] = field(repr=False)
    weights: Floats = field(repr=False)

    @classmethod
    def from_arrays(
        cls, architecture: str, shape: NetworkShape, arrays: Mapping[str, NDArray[Any]], activation: str = "tanh"
    ) -> Network:
        """Return the network of some arrays.

        Args:
            architecture: one of `ARCHITECTURES`.
            shape: numbers of observations and actions.
            arrays: weights and biases by name, as the module says.
            activation: one of `ACTIVATIONS`.

        Raises:
            LearningError: a name is unknown or missing, a shape does not fit, a number is not finite, or the network
                is larger than compiled code takes.
        """
        _check_words(architecture, activation)
        _check_shape(architecture, shape)
        sizes = {name: _sizes(name, *ends, arrays) for name, ends in _parts(architecture, shape).items()}
        named = [
            f"{part}.{kind}{k}" for part in sizes for k in range(len(sizes[part]) - 1) for kind in ("weight", "bias")
        ]
        extra = [str(name)[:60] for name in arrays if name not in named]
        if extra:
            raise LearningError(f"network: array '{extra[0]}' has no place in a network '{architecture}'; leave it out")
        plain = {name: _single(name, arrays[name]) for name in named}
        weights = np.concatenate([part for name, widths in sizes.items() for part in _flat(name, widths, plain)])
        header = _header(architecture, shape, activation, list(sizes.values()))
        return cls(architecture, shape, activation, plain, header, weights)

    @property
    def widths(self) -> tuple[int, ...]:
        """Widths of the hidden layers of the first part."""
        n = int(self.header[h.PARTS + h.LAYERS])
        return tuple(self.header[h.PARTS + h.SIZES + 1 : h.PARTS + h.SIZES + n].tolist())

    def logits(self, x: NDArray[Any], mask: NDArray[np.bool_] | None = None) -> Floats:
        """Return the logits of an observation, shape (actions,), or of many, shape (n, actions); NaN where illegal.

        Args:
            x: numbers of the observations, shape (inputs,) or (n, inputs).
            mask: legal actions, shape (actions,) or (n, actions); all of them when None.
        """
        from wattq.schedulers.rl.forward.choose import logits_of

        xs, masks = self._rows(x, mask)
        found = np.full(masks.shape, np.nan, dtype=np.float32)
        logits_of(self.header, self.weights, xs, masks, self._scratch(), found)
        found[~masks] = np.nan
        return found.reshape(masks.shape if np.ndim(x) > 1 else masks.shape[1:])

    def choose(self, x: NDArray[Any], mask: NDArray[np.bool_] | None = None) -> int:
        """Return the legal action of the highest logit, the first one at ties; -1 when none is legal.

        Args:
            x: an observation, shape (inputs,).
            mask: legal actions, shape (actions,); all of them when None.
        """
        return int(self.choose_many(np.asarray(x)[None], None if mask is None else np.asarray(mask)[None])[0])

    def choose_many(self, xs: NDArray[Any], masks: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """Return `choose` for each row of observations, shape (n, inputs), and masks, shape (n, actions)."""
        from wattq.schedulers.rl.forward.choose import best_actions

        rows, legal = self._rows(xs, masks)
        found = np.zeros(len(rows), dtype=np.int64)
        best_actions(
            self.header, self.weights, rows, legal, self._scratch(), np.zeros(self.shape.actions, np.float32), found
        )
        return found

    def sample(self, x: NDArray[Any], mask: NDArray[np.bool_] | None, u: float) -> int:
        """Return a legal action drawn by the softmax of the logits; -1 when none is legal.

        Args:
            x: an observation, shape (inputs,).
            mask: legal actions, shape (actions,); all of them when None.
            u: a random number from 0 to below 1.
        """
        from wattq.schedulers.rl.forward.choose import sampled_action

        _, masks = self._rows(x, mask)
        return int(sampled_action(masks[0], self.logits(x, mask), self.shape.actions, u))

    def _rows(self, x: NDArray[Any], mask: NDArray[np.bool_] | None) -> tuple[Floats, NDArray[np.bool_]]:
        """Return observations and masks as rows; compiled code does not look whether they fit."""
        xs = np.ascontiguousarray(np.atleast_2d(x), dtype=np.float32)
        if xs.ndim != 2 or xs.shape[1] != self.shape.inputs:
            raise LearningError(
                f"network: observations of shape {np.shape(x)}; it reads {self.shape.inputs} numbers, one row each"
            )
        masks = np.ones((len(xs), self.shape.actions), bool) if mask is None else np.atleast_2d(np.asarray(mask, bool))
        if masks.shape != (len(xs), self.shape.actions):
            raise LearningError(
                f"network: masks of shape {masks.shape} for {len(xs)} observations and {self.shape.actions} actions"
            )
        return xs, np.ascontiguousarray(masks)

    def _scratch(self) -> Floats:
        widest = max(self.shape.slots, self.shape.features, *(array.shape[-1] for array in self.arrays.values()))
        return np.zeros((h.SCRATCH_ROWS, widest), dtype=np.float32)


def _check_words(architecture: str, activation: str) -> None:
    """Refuse unknown names."""
    for what, word, known in (("architecture", architecture, ARCHITECTURES), ("activation", activation, ACTIVATIONS)):
        if word not in known:
            raise LearningError(f"network, {what} {str(word)[:60]!r}: unknown; there is {', '.join(known)}")


def _check_shape(architecture: str, shape: NetworkShape) -> None:
    """Refuse numbers that make no network."""
    numbers = (shape.globals_, shape.slots, shape.features, shape.choices, shape.others)
    if any(type(number) is not int or not 0 <= number <= h.MOST_INPUTS for number in numbers):
        raise LearningError(
            f"network, shape {numbers}: whole numbers from 0 to {h.MOST_INPUTS:,} are taken; train again"
        )
    if architecture == "slots" and not (shape.slots and shape.features and shape.choices):
        raise LearningError(f"network 'slots', shape {numbers}: slots have features and choices; take 'flat' without")
    if not 0 < shape.inputs <= h.MOST_INPUTS or not 0 < shape.actions <= h.MOST_ACTIONS:
        raise LearningError(
            f"network of {shape.inputs:,} inputs and {shape.actions:,} actions: from 1 to {h.MOST_INPUTS:,} inputs and "
            f"{h.MOST_ACTIONS:,} actions are taken; train one with fewer slots"
        )
    if architecture == "slots" and shape.others and not shape.globals_:
        raise LearningError(
            f"network 'slots', shape {numbers}: other actions are chosen by globals, and there are none"
        )
    ways, others = sum(shape.blocks[::2]), sum(shape.blocks[1::2])
    if shape.blocks and ((ways, others) != (shape.choices, shape.others) or min(shape.blocks) < 0):
        raise LearningError(
            f"network, blocks {shape.blocks}: by turns ways of a slot, {shape.choices} in all, and actions without "
            f"slot, {shape.others} in all"
        )


def _parts(architecture: str, shape: NetworkShape) -> dict[str, tuple[int, int]]:
    """Return inputs and outputs of each part by name."""
    if architecture == "flat":
        return {"all": (shape.inputs, shape.actions)}
    slot = {"slot": (shape.globals_ + shape.features, shape.choices)}
    return slot | ({"other": (shape.globals_, shape.others)} if shape.others else {})


def _sizes(part: str, inputs: int, outputs: int, arrays: Mapping[str, NDArray[Any]]) -> list[int]:
    """Return the widths of a part from its inputs to its outputs, after a look at the shape of every array."""
    found = [inputs]
    n = sum(f"{part}.weight{k}" in arrays for k in range(h.MOST_LAYERS + 1))
    if not 1 <= n <= h.MOST_LAYERS:
        raise LearningError(f"network, part '{part}': {n} layers; from 1 to {h.MOST_LAYERS} are taken, weight0 first")
    for k in range(n):
        weight, bias = (arrays.get(f"{part}.{kind}{k}") for kind in ("weight", "bias"))
        if weight is None or bias is None:
            raise LearningError(f"network, part '{part}': layer {k} lacks its weight or its bias; give both")
        width = outputs if k == n - 1 else np.size(bias)
        if np.shape(weight) != (found[-1], width) or np.shape(bias) != (width,):
            raise LearningError(
                f"network, part '{part}', layer {k}: weight of shape {np.shape(weight)} and bias of shape "
                f"{np.shape(bias)}, where ({found[-1]}, {width}) and ({width},) fit"
            )
        if k < n - 1 and not 0 < width <= h.MOST_WIDTH:
            raise LearningError(f"network, part '{part}', layer {k}: {width} wide; from 1 to {h.MOST_WIDTH} are taken")
        found.append(width)
    return found


def _flat(part: str, sizes: Sequence[int], plain: Mapping[str, Floats]) -> Iterator[Floats]:
    """Yield the weights and the biases of a part as compiled code reads them."""
    last = len(sizes) - 2
    for k in range(last + 1):
        weight = plain[f"{part}.weight{k}"]
        yield (weight.T if 0 < k == last and sizes[-1] <= h.NARROW else weight).reshape(-1)
        yield plain[f"{part}.bias{k}"]


def _single(name: str, array: NDArray[Any]) -> Floats:
    """Return an array in single precision."""
    if np.asarray(array).dtype.kind != "f":
        raise LearningError(f"network, array '{name}': of type {np.asarray(array).dtype}; weights are floating-point")
    with np.errstate(over="ignore"):
        plain = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(plain).all():
        raise LearningError(
            f"network, array '{name}': holds numbers that are not finite; the training diverged, train again"
        )
    return plain


def _header(
    architecture: str, shape: NetworkShape, activation: str, parts: Sequence[Sequence[int]]
) -> NDArray[np.int64]:
    """Return the row of integers that compiled code reads."""
    row = np.concatenate([np.zeros(h.ORDER, dtype=np.int64), _order(architecture, shape)])
    row[h.KIND], row[h.ACTIVATION] = ARCHITECTURES.index(architecture), ACTIVATIONS.index(activation)
    row[h.GLOBALS], row[h.SLOTS], row[h.FEATURES] = shape.globals_, shape.slots, shape.features
    row[h.CHOICES], row[h.OTHERS] = shape.choices, shape.others
    row[h.INPUTS], row[h.ACTIONS] = shape.inputs, shape.actions
    at = 0
    for number, sizes in enumerate(parts):
        part = h.PARTS + number * h.PART
        row[part + h.LAYERS], row[part + h.AT] = len(sizes) - 1, at
        row[part + h.SIZES : part + h.SIZES + len(sizes)] = sizes
        at += sum((a + 1) * b for a, b in pairwise(sizes))
    return row


def _order(architecture: str, shape: NetworkShape) -> NDArray[np.int64]:
    """Return the action of each output."""
    return np.arange(shape.actions, dtype=np.int64) if architecture == "flat" else shape.order
