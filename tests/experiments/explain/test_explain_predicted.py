"""Runs whose policies go by predictions: played again with the same predictions, and changed with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wattq.experiments.explain import Finding, explain, open_run
from wattq.experiments.explain.game import Game, play
from wattq.platforms import ComputeState, SleepState, make_platform
from wattq.simulator import layout as c

PREDICTED = {"estimate": "predictor", "predictor": "last-two"}
# A user whose jobs run 50 s asks for 200 s each time; the last one is expected to run 50 s, so that it passes.
HISTORY = ((0, 1, 50, 200), (60, 1, 50, 200))
BLOCKED = ((150, 3, 100, 100, 8), (151, 4, 50, 50, 8), (160, 1, 50, 200))


def kind(findings: tuple[Finding, ...], name: str) -> Finding:
    (found,) = [finding for finding in findings if finding.kind == name]
    return found


def test_a_prediction_lets_a_job_pass(run: Callable[..., Path]) -> None:
    with_walltimes = explain(run("easy", *HISTORY, *BLOCKED, name="plain"), "4", by=1.0)
    assert with_walltimes.scene.wait_s == pytest.approx(140)
    assert kind(with_walltimes.findings, "estimates").start_s == pytest.approx(160)
    predicted = explain(run("easy", *HISTORY, *BLOCKED, params=PREDICTED, name="predicted"), "4")
    assert predicted.scene.run.predicts
    assert predicted.scene.wait_s == pytest.approx(0, abs=1e-6)


def test_walltimes_in_place_of_predictions(run: Callable[..., Path]) -> None:
    """User 7's job is expected to end before the head's start, and passes; it does not, and the head waits for it."""
    rows = (*HISTORY, (150, 3, 60, 60, 8), (151, 4, 50, 50, 8), (155, 1, 150, 200))
    found = explain(run("easy", *rows, params=PREDICTED), "3", by=0.5)
    assert found.scene.start_s == pytest.approx(305)
    changed = kind(found.findings, "predictor")
    assert (changed.found, changed.start_s) == (True, pytest.approx(210))
    assert changed.others is not None
    assert (changed.others.jobs, changed.others.later) == (1, 1)


@pytest.mark.parametrize("policy", ["easy", "easy-sjbf", "conservative", "sleep"])
def test_copies_take_their_predictor_along(run: Callable[..., Path], policy: str) -> None:
    rows = tuple((30.0 * k, 1 + k % 4, 40.0 + 7 * (k % 5), 200.0) for k in range(24))
    machine = make_platform(4, (ComputeState(1e9, 100.0, 200.0),), (SleepState(10.0, 5.0, 125.0, 64.0, 115.0),))
    opened = open_run(run(policy, *rows, params=PREDICTED, platform=machine, energy=True))
    whole = play(opened.world, opened.make_policy(), 0)
    np.testing.assert_allclose(whole.start_s, opened.start_s, atol=2e-6)
    for job in (5, 15):
        game = Game(opened.world, opened.make_policy())
        while game.message() and game.ledger.jobs[job]["state"] == c.NOT_SUBMITTED:
            game.answer()
        twin = game.copy()
        for one in (game, twin):
            one.answer()
            np.testing.assert_array_equal(one.finish().start_s, whole.start_s)
