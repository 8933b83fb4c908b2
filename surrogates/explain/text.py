"""An explanation for people, and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from wattq.surrogates.bundle_text import aligned
from wattq.surrogates.explain.contributions import TOLERANCE
from wattq.surrogates.explain.counterfactual import Aim, Change
from wattq.surrogates.explain.importance import Importance
from wattq.surrogates.explain.job import Explanation

__all__ = ["explanation_json", "explanation_lines"]


def explanation_json(found: Explanation) -> str:
    """Return an explanation as JSON; what is unknown is null."""
    parts = found.contributions
    document = {
        "job": found.job,
        "source": found.source,
        "model": found.model,
        "unit": found.unit,
        "learned": found.learned,
        "asked": found.asked,
        "method": parts.method,
        "prediction": parts.value,
        "base": parts.base,
        "background_jobs": parts.n_background,
        "residual": parts.residual,
        "tolerance": TOLERANCE,
        "contributions": [
            {
                "feature": parts.names[at],
                "value": found.words.get(parts.names[at], parts.values[at]),
                "adds": parts.contribution[at],
                "error": parts.error[at],
            }
            for at in parts.order().tolist()
        ],
        "groups": found.groups,
        "importance": None if found.importance is None else _importance_document(found.importance),
        "aim": asdict(found.aim),
        "changes": [_change_document(change) for change in found.changes],
    }
    return json.dumps(_plain(document), indent=1, allow_nan=False)


def explanation_lines(found: Explanation, top: int = 12) -> list[str]:
    """Return an explanation as lines of text: the `top` contributions, the others as one, and the rest."""
    parts, unit = found.contributions, found.unit
    asked = ", ".join(f"{name} {_number(value)}" for name, value in found.asked.items() if not math.isnan(value))
    learned = "; the model learned from this job" if found.learned else ""
    lines = [
        f"job {found.job} of {found.source}: {found.model} predicts {_number(parts.value)} {unit} ({asked}{learned})",
        "",
        *aligned(_contribution_rows(found, top)),
        "",
        f"they add up to the prediction within {abs(parts.residual):.0e} {unit} (tolerance: {TOLERANCE:g} of it)",
        *(
            ["by group: " + ", ".join(f"{name} {_signed(add)}" for name, add in found.groups.items())]
            if found.groups
            else []
        ),
        "",
        f"smallest change of the request that {_aim_words(found.aim, unit)}",
        *(f"  {_change_words(change, unit)}" for change in found.changes),
    ]
    return lines if found.importance is None else [*lines, "", *_importance_lines(found.importance, unit, top)]


def _contribution_rows(found: Explanation, top: int) -> list[list[str]]:
    """Return the table of contributions; the column of errors is there where the method samples."""
    parts, order = found.contributions, found.contributions.order().tolist()
    rows = [["Feature", "Value", f"Adds {found.unit}", "Error"]]
    rows.append([f"mean prediction of {parts.n_background} other jobs", "", _number(parts.base), ""])
    for at in order[:top]:
        value = found.words.get(parts.names[at], _number(float(parts.values[at]))) or "unknown"
        rows.append([parts.names[at], value, _signed(float(parts.contribution[at])), _number(float(parts.error[at]))])
    if len(order) > top:
        words = f"{len(order) - top} other{'s' if len(order) > top + 1 else ''}"
        rows.append([words, "", _signed(float(parts.contribution[order[top:]].sum())), ""])
    rows.append(["prediction", "", _number(parts.value), ""])
    return [row[:3] for row in rows] if np.isnan(parts.error).all() else rows


def _importance_lines(found: Importance, unit: str, top: int) -> list[str]:
    rows = [["Feature", f"Error rises by {unit}", "+-"]]
    rows += [
        [found.names[at], _number(float(found.rise[at])), _number(float(found.error[at]))] for at in found.order()[:top]
    ]
    head = f"mean absolute error {_number(found.loss)} {unit} on {found.n_jobs:,} jobs; each feature shuffled"
    return [head, *aligned(rows)]


def _aim_words(aim: Aim, unit: str) -> str:
    if aim.below is not None:
        return f"brings the prediction below {_number(aim.below)} {unit}"
    return f"moves the prediction by {100 * aim.move:g} %"


def _change_words(change: Change, unit: str) -> str:
    lever = change.lever
    if change.value is None or change.relative is None or change.after is None:
        return f"{lever.name}: none within bounds ({_number(lever.low)} to {_number(lever.high)}, {change.tried} tried)"
    if change.value == lever.now:
        return f"{lever.name}: none is needed"
    cap = ", the walltime itself" if lever.name == "request_s" and change.after == change.value else ""
    return (
        f"{lever.name}: {_number(lever.now)} -> {_number(change.value)} ({100 * change.relative:+.1f} %) "
        f"predicts {_number(change.after)} {unit}{cap}"
    )


def _change_document(change: Change) -> dict[str, Any]:
    lever = asdict(change.lever)
    rest = {"value": change.value, "relative": change.relative, "before": change.before, "after": change.after}
    return {**{key: lever[key] for key in ("name", "unit", "now", "low", "high")}, **rest, "tried": change.tried}


def _importance_document(found: Importance) -> dict[str, Any]:
    rows = [
        {"feature": found.names[at], "rise": found.rise[at], "error": found.error[at]} for at in found.order().tolist()
    ]
    return {"loss": found.loss, "jobs": found.n_jobs, "features": rows}


def _plain(value: Any) -> Any:
    """Return a value of JSON; numbers that are none become null."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value


def _number(value: float) -> str:
    """Return a number with four significant digits and thousands separated; unknown where it is none."""
    if math.isnan(value):
        return "unknown"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + _number(value)
