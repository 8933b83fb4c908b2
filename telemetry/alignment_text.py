"""An alignment as words for a terminal, and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np

from wattq.telemetry.alignment import Alignment
from wattq.units import joules_to_wh

__all__ = ["ALIGNMENT_FORMAT", "alignment_json", "alignment_text"]

ALIGNMENT_FORMAT = "wattq-alignment-1"
"""What the JSON of an alignment says that it is."""

_MOST_LINES = 20


def alignment_text(alignment: Alignment) -> str:
    """Return nodes, their energy and coverage, and what was left out, as lines."""
    found = alignment.found
    lines = [
        f"{alignment.labels.n_jobs} of {len(found.job_id)} jobs measured: "
        f"{joules_to_wh(float(alignment.labels.energy_j.sum())):.6g} Wh, coverage "
        f"{float(np.min(found.coverage)):.1%} to {float(np.max(found.coverage)):.1%}",
        f"  {'node':16}{'Wh':>12}{'of jobs':>12}{'idle':>12}{'jobs':>6}{'coverage':>10}{'gaps':>6}{'longest, s':>12}",
    ]
    for each in alignment.balances[:_MOST_LINES]:
        energies = "".join(f"{joules_to_wh(e):12.4f}" for e in (each.energy_j, each.jobs_j, each.idle_j))
        gaps = f"{each.coverage:10.1%}{each.gaps:6d}{each.longest_gap_s:12.4g}"
        lines.append(f"  {each.node[:15]:16}{energies}{each.jobs:6d}{gaps}")
    if len(alignment.balances) > _MOST_LINES:
        lines.append(f"  and {len(alignment.balances) - _MOST_LINES} nodes more")
    lines += [f"note: {note}" for note in (*_devices(alignment), *alignment.labels.notes)]
    return "\n".join(lines) + "\n"


def _devices(alignment: Alignment) -> list[str]:
    """Return which devices make the energy of nodes, once for all nodes that are alike."""
    groups: dict[tuple[tuple[str, ...], tuple[tuple[str, str], ...], bool], list[str]] = {}
    for node in alignment.nodes.values():
        key = (node.devices, tuple(sorted(node.left_out.items())), node.counted)
        groups.setdefault(key, []).append(node.name)
    lines = []
    for (devices, left, counted), names in groups.items():
        if devices == ("",) and not left and not counted:
            continue
        who = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        how = "energy counters" if counted else "power"
        out = "".join(f"; {device} left out: {why}" for device, why in left)
        lines.append(f"{who}: {how} of {' + '.join(device or 'the node' for device in devices)}{out}")
    return lines


def alignment_json(alignment: Alignment) -> str:
    """Return an alignment as JSON: jobs, nodes, notes; null where a job was measured too little."""
    found = alignment.found
    document: dict[str, Any] = {
        "format": ALIGNMENT_FORMAT,
        "source": alignment.labels.source,
        "jobs_from": alignment.table.source,
        "notes": list(alignment.labels.notes),
        "jobs": [
            {
                "job_id": found.job_id[row],
                "start_s": start,
                "run_s": float(found.run_s[row]),
                "energy_j": None if found.low[row] else float(found.energy_j[row]),
                "measured_j": float(found.measured_j[row]),
                "coverage": float(found.coverage[row]),
                "energy_meter": alignment.meters[row],
            }
            for row, start in enumerate(alignment.starts)
        ],
        "nodes": [asdict(each) | _of_node(alignment, each.node) for each in alignment.balances],
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _of_node(alignment: Alignment, name: str) -> dict[str, Any]:
    node = alignment.nodes[name]
    return {
        "devices": list(node.devices),
        "left_out": node.left_out,
        "meters": list(node.meters),
        "counted": node.counted,
    }
