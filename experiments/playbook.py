"""An operator's playbook out of a study's numbers: sentences, each with its figure, and no win that is not shown.

A saving is claimed where the whole 95 % interval of the quotient to EASY lies below 1 and no work was lost; an interval
that includes 1 is reported as no change shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wattq.experiments.study.archive import StudyNumbers
from wattq.experiments.study.quantities import QUANTITIES
from wattq.experiments.study.summary import Group, Row
from wattq.experiments.study.tables import FIXED, amount, duration, ratio_text

__all__ = ["Section", "findings", "playbook_markdown"]

SHORT_WAIT_S = 300.0
"""A 95th percentile of the wait below this counts as hardly any wait, whatever EASY's is."""

WHERE = "<where>"
"""Stands for log and grids in a sentence until it is known on which grids it holds."""

WORTH_IT = 0.005
"""By how much of EASY's a policy with longer waits must lie below one without them to be named."""

_SERVICE = (
    ("wait_p95_s", "p95 wait"),
    ("wait_p99_s", "p99 wait"),
    ("bounded_slowdown_mean", "mean bounded slowdown"),
)
_CAPS = ("cap", "power_cap", "cap_w", "limit_w", "max_power")


@dataclass(frozen=True)
class Section:
    """A heading and its sentences."""

    title: str
    sentences: tuple[str, ...]


def findings(numbers: StudyNumbers) -> list[Section]:
    """Return what follows from a study's numbers; sections without a sentence are left out."""
    sections = [
        Section("Does energy, CO2e or cost fall without losing work?", _each(numbers, _savings)),
        Section("Which policy for which load", _each(numbers, _advice)),
        Section("What caps cost in latency", _caps(numbers)),
        Section("What later starts cost and bring", _each(numbers, _later)),
        Section("How much of what is possible", _each(numbers, _possible)),
        Section("What did not help", _each(numbers, _no_help)),
        Section("How far this reaches", _reach(numbers)),
    ]
    return [section for section in sections if section.sentences]


def playbook_markdown(numbers: StudyNumbers) -> str:
    """Return the playbook as Markdown."""
    lines = [f"# {numbers.title}: playbook", ""]
    if numbers.part != "test":
        lines += ["These are tuning weeks: knobs are chosen on them, and nothing is concluded from them.", ""]
    lines += [f"- {warning}" for warning in numbers.warnings] + ([""] if numbers.warnings else [])
    for section in findings(numbers) if numbers.part == "test" else []:
        lines += [f"## {section.title}", "", *(f"- {sentence}" for sentence in section.sentences), ""]
    lines += ["## What the numbers rest on", "", *(f"- {line}" for line in numbers.method), ""]
    return "\n".join(lines)


def _each(numbers: StudyNumbers, sentences_of: Callable[[Group], list[str]]) -> tuple[str, ...]:
    """Return the sentences of all groups; those that are the same on several grids of a log are said once."""
    grids: dict[tuple[str, str], list[str]] = {}
    for group in numbers.groups:
        for sentence in sentences_of(group):
            grids.setdefault((group.workload, sentence), []).append(group.grid)
    every = {
        group.workload: [g.grid for g in numbers.groups if g.workload == group.workload] for group in numbers.groups
    }
    return tuple(
        sentence.replace(WHERE, log if found == every[log] else f"{log}, {', '.join(found)}")
        for (log, sentence), found in grids.items()
    )


def saved(row: Row, name: str) -> bool:
    """Return whether a policy is shown to lower a quantity: no work lost, and the whole interval below EASY's."""
    return not row.void and name in row.ratios and row.ratios[name].excludes[0]


def worse_service(group: Group, row: Row) -> bool:
    """Return whether a policy made waits or slowdowns longer.

    By the quotient to EASY of the p95 wait or of the mean bounded slowdown being above 1, where the p95 wait is not
    below `SHORT_WAIT_S`; where EASY's p95 wait is 0, by the p95 wait being above `SHORT_WAIT_S`. The interval does not
    excuse a quotient above 1.
    """
    if "wait_p95_s" in row.values and row.values["wait_p95_s"].value < SHORT_WAIT_S:
        return False
    if "wait_p95_s" not in row.ratios:
        return True
    return any(row.ratios[name].value > 1.0 for name in ("wait_p95_s", "bounded_slowdown_mean") if name in row.ratios)


def _kept(row: Row) -> str:
    """Return in words which promises on waits a policy kept that did not make service worse."""
    if "wait_p95_s" not in row.ratios or row.ratios["wait_p95_s"].value > 1.0:
        return f"with a p95 wait below {duration(SHORT_WAIT_S)}"
    words = "with p95 wait and mean bounded slowdown no higher than EASY's over these weeks"
    late = "wait_p99_s" in row.ratios and row.ratios["wait_p99_s"].excludes[1]
    return f"{words}, but a longer p99 wait" if late else words


def _others(group: Group) -> list[Row]:
    return [row for row in group.rows if not row.is_baseline] if group.baseline is not None else []


def _measures(group: Group) -> list[str]:
    """Return the quantities that mean something for equal work only: energy, CO2e, costs."""
    return [name for name, entry in QUANTITIES.items() if entry.ratio == "void" and _known(group, name)]


def _known(group: Group, name: str) -> bool:
    return group.baseline is not None and name in group.baseline.ratios


def _label(name: str) -> str:
    label = QUANTITIES[name].label
    return label.split(" (")[0].lower() if not label.startswith("CO2e") else "CO2e"


def _service(group: Group, row: Row) -> str:
    """Return waits and slowdowns of a policy in words, against EASY's."""
    words = []
    for name, what in _SERVICE:
        if name in row.ratios:
            words.append(f"{what} {ratio_text(row.ratios[name])} of EASY's")
        elif name in row.values and group.baseline is not None:
            words.append(
                f"{what} {duration(row.values[name].value)} (EASY: {duration(group.baseline.values[name].value)})"
            )
    return ", ".join(words)


def _savings(group: Group) -> list[str]:
    sentences = []
    for name in _measures(group):
        shown = sorted((row for row in _others(group) if saved(row, name)), key=lambda row: row.ratios[name].value)
        free = [row for row in shown if not worse_service(group, row)]
        if free:
            sentences.append(
                f"{WHERE}: yes, {_kept(free[0])}: {_saving(group, free[0], name)}, {_service(group, free[0])}."
            )
        if shown and (not free or shown[0].ratios[name].value < free[0].ratios[name].value - WORTH_IT):
            sentences.append(
                f"{WHERE}: the lowest {_label(name)} comes with longer waits: {_saving(group, shown[0], name)}, "
                f"{_service(group, shown[0])}."
            )
        if not shown and _others(group):
            sentences.append(f"{WHERE}: no policy is shown to lower {_label(name)} at equal work.")
    return sentences


def _saving(group: Group, row: Row, name: str) -> str:
    base = group.baseline
    assert base is not None, "there is a quotient to EASY"
    entry = QUANTITIES[name]
    less = base.values[name].value - row.values[name].value
    return (
        f"{row.policy} takes {ratio_text(row.ratios[name])} of EASY's {_label(name)} "
        f"({amount(less)} {entry.unit} less over {len(group.weeks)} weeks)"
    )


def _advice(group: Group) -> list[str]:
    base = group.baseline
    if base is None:
        return []
    load = f"At {100 * base.values['utilisation'].value:.0f} % utilisation ({WHERE})"
    measures = sorted(_measures(group), key=lambda name: name == "energy_kwh")
    for name in measures[:1]:
        rows = [row for row in _others(group) if saved(row, name) and not worse_service(group, row)]
        if rows:
            best = min(rows, key=lambda row: row.ratios[name].value)
            return [
                f"{load}: take {best.policy}, {_kept(best)}. {_saving(group, best, name)}; {_service(group, best)}."
            ]
        return [
            f"{load}: stay with EASY as far as {_label(name)} goes: no policy here is shown to lower it without longer "
            "waits."
        ]
    return []


def _caps(numbers: StudyNumbers) -> tuple[str, ...]:
    capped = {
        label
        for label, policy in numbers.policies.items()
        if any(name in _CAPS for name in policy["params"]) or "cap" in str(policy["name"]).split("-")
    }
    return _each(numbers, lambda group: [_cap(group, row) for row in _others(group) if row.policy in capped])


def _cap(group: Group, row: Row) -> str:
    return f"{WHERE}, {row.policy}: {_service(group, row)}{_energy_words(row)}."


def _energy_words(row: Row) -> str:
    if row.void:
        return f"; {row.void}"
    return f", for {ratio_text(row.ratios['energy_kwh'])} of its energy" if "energy_kwh" in row.ratios else ""


def _later(group: Group) -> list[str]:
    """Return what policies that start jobs later than EASY cost in wait, where they lower CO2e or cost."""
    sentences = []
    for row in _others(group):
        names = [name for name in _measures(group) if name != "energy_kwh" and saved(row, name)]
        if row.extra_wait_p50_s is None or row.extra_wait_max_s is None or not names or not worse_service(group, row):
            continue
        gains = ", ".join(f"{_label(name)} {ratio_text(row.ratios[name])}" for name in names)
        sentences.append(
            f"{WHERE}, {row.policy}: {gains} of EASY's; half of the jobs wait at most "
            f"{duration(max(row.extra_wait_p50_s, 0.0))} longer than under EASY, the longest extra wait is "
            f"{duration(max(row.extra_wait_max_s, 0.0))}."
        )
    return sentences


def _possible(group: Group) -> list[str]:
    sentences = []
    for name, bound in group.bounds.items():
        rows = [row for row in _others(group) if name in row.captured and saved(row, name)]
        base = group.baseline
        if not rows or base is None:
            continue
        best = max(rows, key=lambda row: row.captured[name])
        least = 100 * bound / base.values[name].value
        sentences.append(
            f"{WHERE}: no schedule of this work can go below {least:.1f} % of EASY's {_label(name)}; "
            f"{best.policy} realises {100 * best.captured[name]:.0f} % of that saving."
        )
    return sentences


def _no_help(group: Group) -> list[str]:
    sentences = []
    for row in _others(group):
        if row.void:
            sentences.append(f"{WHERE}, {row.policy}: {row.void}; no saving is stated.")
            continue
        for name in _measures(group)[:1]:
            if name in row.ratios and not saved(row, name):
                words = "raises" if row.ratios[name].excludes[1] else "is not shown to change"
                of = f"{ratio_text(row.ratios[name])} of EASY's{f'; {FIXED}' if row.fixed else ''}"
                sentences.append(f"{WHERE}: {row.policy} {words} {_label(name)} ({of}); {_service(group, row)}.")
    return sentences


def _reach(numbers: StudyNumbers) -> tuple[str, ...]:
    compared = sum(len(_others(group)) for group in numbers.groups)
    few = sorted({len(group.weeks) for group in numbers.groups})
    weeks = f"{few[0]}" if len(few) == 1 else f"{few[0]} to {few[-1]}"
    return (
        f"{compared} comparisons with EASY over {weeks} weeks of each log; intervals are not widened for their number, "
        "so that about one in forty without any effect would still seem to save.",
        "Powers of the machines are those of the platform files; where these say 'assumed', so is every kWh here.",
    )
