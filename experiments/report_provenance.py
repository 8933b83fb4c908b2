"""What a report says about the origin of its numbers, and what it warns of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wattq.experiments.comparison import Case
from wattq.experiments.savings import BASELINE

__all__ = ["provenance_tables", "warnings"]

Row = tuple[str, str, bool]
"""Heading, text, and whether the text is shown as code."""

_NAMES_SHOWN = 20


def warnings(cases: Sequence[Case]) -> list[str]:
    """Return the sentences that a reader has to see before the numbers."""
    found = []
    generated = [case.workload or "the workload" for case in cases if case.synthetic]
    if generated:
        names = ", ".join(dict.fromkeys(generated))
        found.append(f"Generated workload, no real trace: {names}.")
    notes = dict.fromkeys(
        note
        for case in cases
        for measured in case.runs
        for note in (measured.run.provenance.get("platform") or {}).get("notes", [])
        if "assum" in str(note).lower()
    )
    if any("energy_j" in measured.metrics for case in cases for measured in case.runs):
        found += [f"Platform: {note}" for note in notes]
        if not any(measured.is_baseline for case in cases for measured in case.runs):
            found.append(f"No run of textbook EASY (policy '{BASELINE}') is among these runs: no savings are stated.")
        found += _why_energy_is_alike(cases)
    for case in cases:
        found += [text for measured in case.runs for text in _left_over(case, measured.policy, measured.metrics)]
    return found


def _why_energy_is_alike(cases: Sequence[Case]) -> list[str]:
    """Say so when no run used the machine's power states: then only idle time can differ."""
    schedules = [measured.run.schedule for case in cases for measured in case.runs]
    if len(schedules) < 2 or any(schedule.get("nb_machine_switches", 1.0) for schedule in schedules):
        return []
    return [
        "No policy here changes power states: the same work draws the same power under each of them, and energy "
        "differs only through the time that hosts idle until the last job ends."
    ]


def _left_over(case: Case, policy: str, metrics: Mapping[str, float]) -> list[str]:
    left = int(metrics["jobs_never_started"])
    if not left:
        return []
    return [f"{case.title}, {policy}: {left:,} jobs never started; their waits are lower bounds."]


def provenance_tables(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Return one table of facts for the process, and one for each workload and each platform in use."""
    runs = [measured.run for case in cases for measured in case.runs]
    tables = [{"title": "Runs", "rows": _process_rows(cases)}]
    workloads = {
        (str(item.get("sha256")), str(item.get("label")), item.get("jobs")): item
        for run in runs
        for item in run.provenance.get("workloads") or []
    }
    tables += [{"title": f"Workload {item.get('label')}", "rows": _workload_rows(item)} for item in workloads.values()]
    platforms = {
        str(run.provenance["platform"].get("sha256")): run.provenance["platform"]
        for run in runs
        if run.provenance.get("platform")
    }
    tables += [{"title": f"Platform {item.get('name')}", "rows": _platform_rows(item)} for item in platforms.values()]
    return tables


def _process_rows(cases: Sequence[Case]) -> list[Row]:
    runs = [measured.run for case in cases for measured in case.runs]
    unknown = [str(run.directory) for run in runs if not run.provenance]
    rows: list[Row] = []
    facts = {
        "Command": [_command(run.provenance) for run in runs],
        "Date (UTC)": [str(run.provenance.get("created", "")) for run in runs][:1],
        "wattq": [str(run.provenance.get("wattq", "")) for run in runs],
        "Git revision": [_revision(run.provenance) for run in runs],
        "Python, system": [f"{run.provenance.get('python', '')} {run.provenance.get('system', '')}" for run in runs],
        "Libraries": [_pairs(run.provenance.get("packages")) for run in runs],
        "Engine": [_engine(run.provenance) for run in runs],
        "Seeds": [str(run.provenance.get("seed", "")) for run in runs],
        "Policies": [_policy(run.provenance) for run in runs],
    }
    for heading, values in facts.items():
        text = "; ".join(dict.fromkeys(value.strip() for value in values if value.strip()))
        if text:
            rows.append((heading, text, heading in ("Command", "Git revision")))
    if unknown:
        rows.append(("Without provenance", "; ".join(unknown[:_NAMES_SHOWN]), False))
    return rows + _rejected_rows(cases)


def _rejected_rows(cases: Sequence[Case]) -> list[Row]:
    rows: list[Row] = []
    for case in cases:
        for measured in case.runs:
            jobs = measured.run.jobs
            names = [key for key, out in zip(jobs.key, jobs.rejected, strict=True) if out]
            if names:
                more = f" and {len(names) - _NAMES_SHOWN:,} more" if len(names) > _NAMES_SHOWN else ""
                text = f"{len(names):,}: {', '.join(names[:_NAMES_SHOWN])}{more}"
                rows.append((f"Rejected by {measured.policy}", text, False))
    return list(dict.fromkeys(rows))


def _workload_rows(item: Mapping[str, Any]) -> list[Row]:
    origin = "generated, no real trace" if item.get("synthetic") else "recorded or given as a file"
    rows: list[Row] = [
        ("Source", str(item.get("source", "")), True),
        ("sha256", str(item.get("sha256", "")), True),
        ("Origin", origin, False),
        ("Rows read", f"{item.get('rows_read', 0):,}", False),
        ("Jobs simulated", f"{item.get('jobs', 0):,}", False),
    ]
    rows += [("Dropped", f"{count:,}: {reason}", False) for reason, count in (item.get("dropped") or {}).items()]
    rows += [("Repaired", f"{count:,}: {reason}", False) for reason, count in (item.get("repaired") or {}).items()]
    return rows + [("Warning", str(text), False) for text in item.get("warnings") or []]


def _platform_rows(item: Mapping[str, Any]) -> list[Row]:
    rows: list[Row] = [
        ("Source", str(item.get("source", "")), True),
        ("sha256", str(item.get("sha256", "")), True),
        ("Compute hosts", f"{item.get('compute_hosts', 0):,}", False),
        ("States its powers", "yes" if item.get("has_power") else "no", False),
    ]
    return rows + [("Note", str(note), False) for note in item.get("notes") or []]


def _command(provenance: Mapping[str, Any]) -> str:
    words = [str(word) for word in provenance.get("command") or []]
    return " ".join([words[0].rsplit("/", 1)[-1], *words[1:]]) if words else ""


def _engine(provenance: Mapping[str, Any]) -> str:
    programs = provenance.get("batsim")
    if not isinstance(programs, Mapping):
        return str(provenance.get("engine", ""))
    shown = {str(programs.get("program")): programs.get("version"), "pybatsim": programs.get("pybatsim")}
    return f"{provenance.get('engine', '')} ({_pairs(shown)})"


def _revision(provenance: Mapping[str, Any]) -> str:
    git = provenance.get("git") or {}
    return f"{git.get('revision', '')}{' with changes' if git.get('dirty') else ''}"


def _policy(provenance: Mapping[str, Any]) -> str:
    policy = provenance.get("policy") or {}
    shown = _pairs(policy.get("params"))
    return f"{policy.get('label', '')} = {policy.get('name', '')}{f' ({shown})' if shown else ''}" if policy else ""


def _pairs(values: Any) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items()) if isinstance(values, Mapping) else ""
