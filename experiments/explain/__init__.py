"""Why a job of a run started when it did: what held it, and what would have started it earlier."""

from __future__ import annotations

from wattq.experiments.explain.causes import REASONS, Cause
from wattq.experiments.explain.explanation import Explanation, explain, explain_recorded
from wattq.experiments.explain.output import explanation_json, explanation_text
from wattq.experiments.explain.recorded import Recorded, open_run
from wattq.experiments.explain.scene import Scene
from wattq.experiments.explain.search import Finding, Others
from wattq.experiments.explain.timeline import Stretch, Timeline

__all__ = [
    "REASONS",
    "Cause",
    "Explanation",
    "Finding",
    "Others",
    "Recorded",
    "Scene",
    "Stretch",
    "Timeline",
    "explain",
    "explain_recorded",
    "explanation_json",
    "explanation_text",
    "open_run",
]
