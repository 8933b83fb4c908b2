"""What `wattq tune` prints."""

from __future__ import annotations

from wattq.experiments.study.tables import study_text
from wattq.experiments.table import aligned
from wattq.experiments.tuning.findings import verdict
from wattq.experiments.tuning.outcome import Outcome
from wattq.experiments.tuning.tables import best_table, gap_table, reference_table

__all__ = ["tuning_text"]

_MOST_ROWS = 20


def tuning_text(outcome: Outcome) -> str:
    """Return the result of a search as text: findings, the best trials, the untuned policies, the test weeks."""
    parts = ["\n".join([section.title, *(f"- {line}" for line in section.sentences)]) for section in verdict(outcome)]
    best = best_table(outcome)
    if len(best) > 1:
        parts.append("Best trials, on the tuning weeks\n" + aligned(best[: _MOST_ROWS + 1]))
    parts.append("EASY and the untuned policies, on the tuning weeks\n" + aligned(reference_table(outcome)))
    if outcome.test is not None:
        parts.append("Tuning weeks and test weeks\n" + aligned(gap_table(outcome)))
        parts.append("Test weeks\n" + study_text(outcome.test.groups))
    return "\n\n".join(parts)
