"""An explanation as text and as JSON."""

from __future__ import annotations

import json
import math
from typing import Any

from wattq.experiments.explain.causes import REASONS
from wattq.experiments.explain.explanation import Explanation
from wattq.experiments.explain.reasons_text import reason_phrase, stretch_text
from wattq.experiments.explain.search import Finding
from wattq.experiments.explain.timeline import Stretch
from wattq.experiments.explain.wording import aligned, count, date, duration, number, wrapped

__all__ = ["explanation_json", "explanation_text"]

_MOST_ROWS = 30
_REMEDIES = {"cap": "cap", "signal": "intensity", "waking": "sleep", "reservation": "walltime", "plan": "walltime"}


def explanation_text(found: Explanation) -> str:
    """Return the answer in sentences, and tables: what held the job, what would have started it earlier."""
    parts = [wrapped(" ".join(_sentences(found)))]
    if found.scene.timeline.stretches:
        parts.append(_timeline_table(found))
    holders = _holders_table(found)
    parts += [holders] if holders else []
    parts += [_findings_table(found)] if found.findings else []
    parts.append(wrapped(_small_print(found)))
    return "\n\n".join(parts)


def _sentences(found: Explanation) -> list[str]:
    scene = found.scene
    asked = f"asked for {count(scene.hosts, 'host')}"
    asked += f" for up to {duration(scene.walltime_s)}" if scene.walltime_s > 0 else ", without a walltime"
    first = f"Job {scene.key} {asked} at {date(scene.submit_s)}"
    stretches = scene.timeline.stretches
    if not stretches:
        return [f"{first} and started at once; nothing held it."]
    if stretches[-1].cause.reason == "rejected":
        return [f"{first} and was rejected: {stretch_text(scene, stretches[-1])}.", *_advice(found)]
    outcome = f"waited {duration(scene.wait_s)}" if math.isfinite(scene.wait_s) else "never started"
    return [f"{first} and {outcome}.", *_held(found), *_advice(found)]


def _held(found: Explanation) -> list[str]:
    """Return one sentence for each reason, the one that held longest first."""
    by_reason: dict[str, list[Stretch]] = {}
    for stretch in found.scene.timeline.stretches:
        by_reason.setdefault(stretch.cause.reason, []).append(stretch)
    total_s = {reason: sum(s.duration_s for s in parts) for reason, parts in by_reason.items()}
    said = []
    for reason in sorted(by_reason, key=lambda reason: -total_s[reason])[:3]:
        longest = max(by_reason[reason], key=lambda stretch: stretch.duration_s)
        words = stretch_text(found.scene, longest)
        said.append(f"It waited {duration(total_s[reason])} {reason_phrase(longest)}: {words}.")
    return said


def _advice(found: Explanation) -> list[str]:
    """Return what would have helped, and what it would have done to the others."""
    good = [finding for finding in found.findings if finding.found]
    if not good:
        return ["No change that was tried would have started it" + _goal(found) + "."] if found.findings else []
    own = sorted(good, key=lambda finding: _rank(found, finding))[:3]
    gains = [f"{_gain(found, finding)} with {finding.words}" for finding in own]
    said = [f"It would have started {', or '.join(gains)}."]
    others = own[0].others
    if others is not None:
        said.append(f"With the first of these, of {number(others.jobs)} other jobs {_effect(own[0])}.")
    return said


def _rank(found: Explanation, finding: Finding) -> tuple[bool, bool]:
    """Return the place of a change among others: those that leave the past alone first, and that meet the reason."""
    longest = max(found.scene.timeline.stretches, key=lambda stretch: stretch.duration_s).cause
    meets = {_REMEDIES.get(reason) for reason in (longest.reason, *longest.also)}
    return finding.past_changed > 0, finding.kind not in meets


def _goal(found: Explanation) -> str:
    if not math.isfinite(found.scene.wait_s):
        return ""
    return " at its submission" if found.by == 1 else f" earlier by {100 * found.by:g} % of its wait"


def _gain(found: Explanation, finding: Finding) -> str:
    if not math.isfinite(found.scene.start_s):
        return f"at {date(finding.start_s)}"
    later_s = finding.end_s - float(found.scene.baseline.end_s[found.scene.job])
    end = f", but end {duration(later_s)} later," if later_s >= 1.0 else ""
    return f"{duration(found.scene.start_s - finding.start_s)} earlier{end}"


def _effect(finding: Finding) -> str:
    others = finding.others
    if others is None:
        return ""
    change = others.mean_wait_s
    grows = f"grows by {duration(change)}" if change > 0 else f"falls by {duration(-change)}"
    mean = f"their mean wait {grows}" if abs(change) >= 0.5 else "their mean wait stays"
    return f"{number(others.later)} start later and {number(others.earlier)} earlier; {mean}"


def _short_effect(finding: Finding) -> str:
    others = finding.others
    if others is None:
        return ""
    change = others.mean_wait_s
    mean = f"{'+' if change > 0 else '-'}{duration(abs(change))}" if abs(change) >= 0.5 else "the same"
    return f"{number(others.later)} later, {number(others.earlier)} earlier, mean wait {mean}"


def _timeline_table(found: Explanation) -> str:
    stretches = found.scene.timeline.stretches
    shown = sorted(sorted(stretches, key=lambda s: -s.duration_s)[:_MOST_ROWS], key=lambda s: s.from_s)
    rows = [[date(s.from_s), date(s.to_s), duration(s.duration_s), REASONS[s.cause.reason]] for s in shown]
    top, ruler, *lines = aligned(["From", "To", "Lasts", "Held by"], rows).splitlines()
    details = [wrapped(stretch_text(found.scene, stretch), "    ") for stretch in shown]
    body = [text for pair in zip(lines, details, strict=True) for text in pair]
    if len(shown) < len(stretches):
        body.append(f"({len(stretches) - len(shown)} shorter ones left out; --json has all)")
    return "\n".join([top, ruler, *body])


def _holders_table(found: Explanation) -> str:
    """Return the running jobs that held most hosts while the job waited for hosts."""
    scene = found.scene
    held: dict[int, float] = {}
    expected_s: dict[int, float] = {}
    for stretch in scene.timeline.stretches:
        expected_s |= stretch.expected_s
        for job, area in stretch.holders.items():
            held[job] = held.get(job, 0.0) + area
    top = sorted(held, key=lambda job: (-held[job], job))[:5]
    hosts = scene.world.joined("hosts")
    rows = [
        [
            scene.world.keys[job],
            number(float(hosts[job])),
            date(float(scene.baseline.start_s[job])),
            date(expected_s[job]),
            date(float(scene.baseline.end_s[job])),
        ]
        for job in top
    ]
    return aligned(["Running job", "Hosts", "Started", "Expected end", "Real end"], rows) if rows else ""


def _findings_table(found: Explanation) -> str:
    rows = []
    for finding in found.findings:
        if not finding.found:
            rows.append([finding.kind, finding.words, "", "none", "", f"{finding.tried}"])
            continue
        rows.append(
            [
                finding.kind,
                finding.words,
                date(finding.start_s),
                _gain(found, finding).rstrip(","),
                _short_effect(finding),
                f"{finding.tried}",
            ]
        )
    head = ["Change", "Smallest that was found", "Start", "Gain", "Other jobs", "Simulations"]
    return aligned(head, rows)


def _small_print(found: Explanation) -> str:
    scene = found.scene
    said = [
        f"The run was played again: {count(scene.checked, 'recorded start')} agree, what held the job was looked at in "
        f"{count(scene.timeline.points, 'message')}."
    ]
    if scene.timeline.stretches and scene.timeline.stretches[-1].cause.reason != "rejected":
        said.append(f"{count(found.passed, 'job')} submitted after it started before it.")
    moved = [f"{f.kind} ({count(f.past_changed, 'job')})" for f in found.findings if f.found and f.past_changed]
    if found.findings:
        said.append(
            "Changes apply from its submission on; what came before is the same"
            + (f", except for: {', '.join(moved)}." if moved else ".")
        )
    return " ".join(said)


def explanation_json(found: Explanation) -> str:
    """Return all that is known as JSON; dates and durations in s, unknown numbers as null."""
    scene = found.scene
    content = {
        "job": scene.key,
        "policy": scene.run.policy,
        "params": dict(scene.run.params),
        "submit_s": scene.submit_s,
        "start_s": scene.start_s,
        "wait_s": scene.wait_s,
        "hosts": scene.hosts,
        "walltime_s": scene.walltime_s,
        "starts_checked": scene.checked,
        "decision_points": scene.timeline.points,
        "passed_by": found.passed,
        "goal": {"by": found.by, "start_s": found.goal_s},
        "answer": _sentences(found),
        "held_by": [_stretch_json(found, stretch) for stretch in scene.timeline.stretches],
        "changes": [_finding_json(finding) for finding in found.findings],
    }
    return json.dumps(_plain(content), indent=1, ensure_ascii=False)


def _stretch_json(found: Explanation, stretch: Stretch) -> dict[str, Any]:
    scene = found.scene
    keys = scene.world.keys
    return {
        "reason": stretch.cause.reason,
        "also": list(stretch.cause.also),
        "behind": keys[stretch.cause.head] if stretch.cause.head >= 0 else None,
        "from_s": stretch.from_s,
        "to_s": stretch.to_s,
        "text": stretch_text(scene, stretch),
        "facts": {
            name: {"first": value, "least": stretch.low[name], "most": stretch.high[name]}
            for name, value in stretch.cause.facts.items()
        },
        "running": [
            {
                "job": keys[job],
                "hosts": int(scene.world.joined("hosts")[job]),
                "host_s": stretch.holders[job],
                "expected_end_s": stretch.expected_s[job],
                "end_s": float(scene.baseline.end_s[job]),
            }
            for job in sorted(stretch.holders, key=lambda job: -stretch.holders[job])
        ],
    }


def _finding_json(finding: Finding) -> dict[str, Any]:
    others = finding.others
    return {
        "kind": finding.kind,
        "found": finding.found,
        "text": finding.words,
        "value": finding.value,
        "was": finding.was,
        "unit": finding.unit,
        "next_smaller_fails": finding.exact,
        "simulations": finding.tried,
        "start_s": finding.start_s,
        "end_s": finding.end_s,
        "past_jobs_changed": finding.past_changed,
        "others": None
        if others is None
        else {
            "jobs": others.jobs,
            "later": others.later,
            "earlier": others.earlier,
            "mean_wait_change_s": others.mean_wait_s,
            "longest_delay_s": others.longest_s,
        },
    }


def _plain(value: Any) -> Any:
    """Return a value with numbers that JSON lacks as null."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
