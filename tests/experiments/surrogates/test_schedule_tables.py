"""The effect on the schedule in the evaluation: which model is chosen, and what files and tables hold."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from wattq.experiments.surrogates import Settings, evaluate, find_logs, read_metrics, write_evaluation
from wattq.experiments.surrogates.effect import PARTS, POLICIES
from wattq.experiments.surrogates.schedule import ScheduleEffect


def entries(slowdowns: dict[str, tuple[float, float]]) -> tuple[dict[str, object], ...]:
    """Rows as the simulations give them, the same under both policies; the whole is the mean of the halves."""
    return tuple(
        {
            "policy": policy,
            "estimate": estimate,
            "part": part,
            "jobs": 10,
            "slowdown": value,
            "wait_s": 1.0,
            "under_share": 0.5,
            "late_share": 0.5,
            "corrections": 1.0,
        }
        for policy in POLICIES
        for estimate, (first, second) in slowdowns.items()
        for part, value in zip(PARTS, (first, second, (first + second) / 2), strict=True)
    )


def test_the_model_is_chosen_by_the_first_half_alone() -> None:
    effect = ScheduleEffect(
        entries({"requested": (9.0, 9.0), "exact": (1.0, 1.0), "similar": (5.0, 8.0), "last-two": (6.0, 2.0)})
    )
    assert [effect.chosen(policy) for policy in POLICIES] == ["similar", "similar"]
    rows = effect.rows()
    assert [row.estimate for row in rows if row.chosen] == ["similar", "similar"]
    assert [row.policy for row in rows] == [policy for policy in POLICIES for _ in range(4)]
    assert rows[2].slowdown == {"first half": 5.0, "second half": 8.0, "whole": 6.5}


@pytest.mark.parametrize(
    ("slowdowns", "chosen"),
    [
        ({"requested": (9.0, 9.0)}, ""),
        ({"requested": (9.0, 9.0), "similar": (9.0, 9.0)}, "similar"),
        ({"similar": (1.0, 1.0), "last-two": (1.0, 1.0)}, ""),
    ],
)
def test_nothing_is_chosen_where_nothing_differs(slowdowns: dict[str, tuple[float, float]], chosen: str) -> None:
    assert ScheduleEffect(entries(slowdowns)).chosen("EASY") == chosen


def test_files_hold_the_effect(small_log: Path, tmp_path: Path) -> None:
    settings = Settings(find_logs([str(small_log)]), ("last-two", "similar"), first=100, parts=("schedule",))
    write_evaluation(evaluate(settings), tmp_path / "out")
    with (tmp_path / "out" / "schedule.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    kept = read_metrics(tmp_path / "out" / "metrics.json").logs["small"].schedule
    assert kept is not None
    assert len(rows) == len(kept)
    assert {row["part"] for row in rows} == set(PARTS)
    assert {"requested", "last-two", "similar", "exact"} <= {row["estimate"] for row in rows}
    assert "mean bounded slowdown" in (tmp_path / "out" / "report.html").read_text()
