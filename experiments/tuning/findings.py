"""What a search shows, in sentences: no win that the test weeks do not show, no saving without work and waits."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from wattq.experiments.playbook import Section
from wattq.experiments.study.bootstrap import LEAST_WEEKS, Estimate
from wattq.experiments.study.summary import Group, Row
from wattq.experiments.study.tables import ratio_text
from wattq.experiments.tuning.gap import Against, Gap
from wattq.experiments.tuning.keys import LOST, Constraint
from wattq.experiments.tuning.outcome import Outcome, TrialRow, tuned_policies
from wattq.experiments.tuning.scoring import directions

__all__ = ["points_text", "verdict"]


def verdict(outcome: Outcome) -> list[Section]:
    """Return what follows from a search; sections without a sentence are left out."""
    sections = [
        Section("The search", tuple(_search(outcome))),
        Section("On the test weeks", tuple(_tests(outcome))),
        Section("Against the untuned defaults", tuple(_against(outcome))),
    ]
    return [section for section in sections if section.sentences]


def _search(outcome: Outcome) -> Iterator[str]:
    states = [row.state for row in outcome.trials]
    feasible = sum(row.feasible for row in outcome.trials)
    judged, early, failed = (states.count(state) for state in ("complete", "pruned", "failed"))
    yield (
        f"{len(states)} trial{'s' if len(states) != 1 else ''}: {judged} judged on all tuning weeks, {early} ended "
        f"early, {failed} failed; {feasible} kept every bound."
    )
    if not outcome.best:
        yield from _none(outcome)
        return
    if len(outcome.best) > 1:
        yield (
            f"{len(outcome.best)} trials are on the Pareto front: no other one that keeps the bounds beats them; "
            f"{len(outcome.shown)} of them were run on the test weeks."
        )
    if outcome.failed:
        yield f"What was found cannot be run again, so that nothing is recommended: {outcome.failed}"
    yield from _no_better(outcome)


def _none(outcome: Outcome) -> Iterator[str]:
    yield "No trial kept every bound on the tuning weeks: nothing ran on the test weeks, and nothing is recommended."
    judged = [row for row in outcome.trials if row.state == "complete"]
    if judged:
        near = min(judged, key=lambda row: sum(max(0.0, value) for value in row.constraints.values()))
        broken = ", ".join(f"{name} by {100 * value:.1f} %" for name, value in near.constraints.items() if value > 0)
        yield f"The nearest one, trial {near.number} ({near.policy}), breaks {broken}."


def _no_better(outcome: Outcome) -> Iterator[str]:
    """Say where a policy with what the file fixes is as good as the best trial, on the tuning weeks already."""
    if len(outcome.arena.tuning.objectives) > 1:
        return
    sign = 1.0 if directions(outcome.arena.tuning.objectives)[0] == "minimize" else -1.0
    best = outcome.best[0].objectives[0]
    for name, score in outcome.references.items():
        if score.feasible and sign * score.objectives[0] <= sign * best:
            yield (
                f"The search found nothing better than {name} on the tuning weeks: {score.objectives[0]:.4g} there, "
                f"{best:.4g} for the best trial. Take {name}, or search longer or elsewhere."
            )


def _tests(outcome: Outcome) -> Iterator[str]:
    if outcome.test is None:
        return
    mine = {label for row in outcome.shown for label in _labels(outcome, row)}
    gaps = [gap for gap in outcome.gaps if gap.policy in mine]
    for (workload, grid, policy), found in groupby(gaps, key=lambda gap: (gap.workload, gap.grid, gap.policy)):
        group = next(g for g in outcome.test.groups if (g.workload, g.grid) == (workload, grid))
        row = next(row for row in group.rows if row.policy == policy)
        yield _test(outcome, group, row, list(found))


def _labels(outcome: Outcome, row: TrialRow) -> list[str]:
    return [policy.title for policy in tuned_policies(outcome.arena, row)]


def _test(outcome: Outcome, group: Group, row: Row, gaps: list[Gap]) -> str:
    named = [objective.metric for objective in outcome.arena.tuning.objectives]
    words = [_of_gap(gap) for gap in gaps if gap.metric in named]
    bounds = [
        _kept(bound, next((gap for gap in gaps if gap.metric == bound.metric), None))
        for bound in outcome.arena.tuning.all_constraints
        if bound.metric != LOST
    ]
    head = f"{group.title}, {row.policy}: "
    if row.void:
        return f"{head}{row.void}; no saving is stated."
    never = row.values["jobs_never_started"].value if "jobs_never_started" in row.values else 0
    tail = f"; {never:,.0f} jobs never started" if never else ""
    return head + "; ".join([*words, *filter(None, bounds), "no work lost against EASY"]) + tail + "."


def _of_gap(gap: Gap) -> str:
    unsure = " (not shown to differ)" if gap.test.low is not None else f" (fewer than {LEAST_WEEKS} weeks: no interval)"
    shown = "" if any(gap.test.excludes) else unsure
    return (
        f"{gap.label.split(' (')[0]} {ratio_text(gap.test)} of EASY's{shown}; {ratio_text(gap.tuning)} on the tuning "
        f"weeks, gap {points_text(gap.gap)}"
    )


def points_text(difference: Estimate) -> str:
    """Return a difference of two quotients in points: ``+3.0 points [-2.0, +8.2]``."""
    text = f"{100 * difference.value:+.1f} points"
    if difference.low is None or difference.high is None:
        return text
    return f"{text} [{100 * difference.low:+.1f}, {100 * difference.high:+.1f}]"


def _kept(bound: Constraint, gap: Gap | None) -> str:
    if gap is None or bound.of != "easy":
        return ""
    beyond = gap.test.value > bound.bound if bound.most is not None else gap.test.value < bound.bound
    ends = [end for end in (gap.test.low, gap.test.high) if end is not None]
    sure = ends and (max(ends) <= bound.bound if bound.most is not None else min(ends) >= bound.bound)
    unsure = "kept, but its interval reaches beyond" if ends else "kept, with no interval"
    state = "broken" if beyond else "kept" if sure else unsure
    return f"{bound.words}: {state}, {ratio_text(gap.test)}"


def _against(outcome: Outcome) -> Iterator[str]:
    better = dict(zip((o.metric for o in outcome.arena.tuning.objectives), directions(outcome.arena.tuning.objectives),
                      strict=True))  # fmt: skip
    for found in outcome.against:
        place = f"{found.workload}, {found.grid}" if found.grid else found.workload
        yield (
            f"{place}: {found.policy} takes {ratio_text(found.quotient)} of the {found.metric} of {found.defaults}: "
            f"{_better(found, lower=better[found.metric] == 'minimize')}{_breaks(outcome, found)}."
        )


def _breaks(outcome: Outcome, found: Against) -> str:
    """Say which bounds a policy with its defaults breaks on the test weeks: being worse than it is no fault then."""
    mine = {
        gap.metric: gap
        for gap in outcome.gaps
        if (gap.workload, gap.grid, gap.policy) == (found.workload, found.grid, found.defaults)
    }
    bounds = [_kept(bound, mine.get(bound.metric)) for bound in outcome.arena.tuning.all_constraints]
    broken = [words for words in bounds if ": broken, " in words]
    return f"; the defaults break a bound there ({'; '.join(broken)})" if broken else ""


def _better(found: Against, *, lower: bool) -> str:
    below, above = found.quotient.excludes
    if found.quotient.low is None:
        return f"fewer than {LEAST_WEEKS} weeks, no interval"
    if not below and not above:
        return "not shown to differ"
    return "better" if below == lower else "worse"
