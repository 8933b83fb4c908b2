"""Learned policies on weeks that they never saw, beside heuristics that were tuned on the same weeks as they."""

from __future__ import annotations

from wattq.experiments.rl.heldout.run import HeldOut, evaluate_learned
from wattq.experiments.rl.heldout.verdict import Verdict

__all__ = ["HeldOut", "Verdict", "evaluate_learned"]
