"""Predictions from the bundles of the settings, for hooks that find no HTTP API."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from wattq.errors import TelemetryError
from wattq.settings import load_settings

__all__ = ["predict_text"]


def predict_text(question: str, environ: Mapping[str, str]) -> str:
    """Return the answer of ``POST /predict`` to a question, both JSON, without the service.

    Raises:
        TelemetryError: the question is none, or cannot be answered.
        SurrogateError: a bundle is damaged.
    """
    from pydantic import ValidationError

    from wattq.telemetry.api.bundles import load_bundles
    from wattq.telemetry.api.predictor import Predictor
    from wattq.telemetry.api.rates import Grid
    from wattq.telemetry.api.requests import JobRequest

    settings = load_settings(environ=environ)
    try:
        request = JobRequest.model_validate(json.loads(question))
    except (ValidationError, ValueError) as error:
        raise TelemetryError(f"question {question[:60]!r}: {str(error)[:200]}") from None
    predictor = Predictor.of(settings, load_bundles(settings.api), Grid(settings))
    return predictor.predict([request], time.time())[0].model_dump_json()
