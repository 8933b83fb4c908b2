"""What a learned policy says of itself, in words and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wattq.schedulers.rl.model_file import Learned, load_learned

__all__ = ["card_json", "card_lines"]


def card_json(path: Path | str) -> str:
    """Return the card of a learned policy, its network and its digest as JSON.

    Raises:
        MissingFileError: the file cannot be read.
        LearningError: it is no whole learned policy.
    """
    learned = load_learned(path)
    found = {"task": learned.task, "digest": learned.digest, "network": _network(learned), "machine": learned.machine}
    found |= {"options": learned.options, "signals": learned.signals, "card": learned.card}
    return json.dumps(found | {"versions": learned.versions}, indent=2)


def card_lines(path: Path | str) -> list[str]:
    """Return the card of a learned policy in words; raises as `card_json`."""
    learned = load_learned(path)
    network = learned.network
    widths = "-".join(str(width) for width in network.widths)
    found = [
        ("task", learned.task),
        ("network", f"{network.architecture}, hidden layers {widths or 'none'}, {network.activation}"),
        ("reads", f"{network.shape.inputs} numbers, chooses among {network.shape.actions} actions"),
        ("signals", ", ".join(learned.signals) or "none"),
        *_pairs("machine", learned.machine),
        *_pairs("option", learned.options),
        *_training(learned.card),
        *_pairs("version", learned.versions),
        ("digest", learned.digest),
    ]
    width = max(len(name) for name, _ in found)
    return [f"{name:<{width}}  {value}" for name, value in found]


def _network(learned: Learned) -> dict[str, Any]:
    network = learned.network
    return {
        "architecture": network.architecture,
        "activation": network.activation,
        "widths": network.widths,
        "numbers": sum(array.size for array in network.arrays.values()),
        **vars(network.shape),
    }


def _training(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield data, seed, steps, cost and results."""
    yield from _pairs("data", card.get("data", {}))
    for name in ("seed", "steps"):
        if name in card:
            yield name, _text(card[name])
    cost = card.get("cost", {})
    yield from _pairs("cost", cost)
    if cost and "energy_j" not in cost:
        yield "cost energy_j", "not stated: no energy counter could be read"
    yield from _pairs("teacher", card.get("teacher") or {})
    yield from _pairs("constraint", card.get("constraints") or {})
    results = card.get("results") or {}
    yield from _pairs("result", results)
    if not results:
        yield "results", "none yet; wattq rl evaluate fills them in"


def _pairs(word: str, values: Any) -> Iterator[tuple[str, str]]:
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield f"{word} {key}", _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value if isinstance(value, str) else json.dumps(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}" if math.isfinite(value) else "unknown"
