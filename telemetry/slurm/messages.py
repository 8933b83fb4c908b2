"""What hooks tell the Slurm exporter and ask the HTTP API; each with a limit, none of them needed for the rest."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from wattq.errors import TelemetryError
from wattq.settings import Settings
from wattq.telemetry.slurm.ask import run_command
from wattq.telemetry.slurm.facts import JobFacts

if TYPE_CHECKING:
    from wattq.telemetry.slurm.attribution import JobEnergy

__all__ = ["end_message", "post_json", "predict", "start_message", "tell_exporter"]

_MOST_BYTES = 1 << 20
_OFF = "off"
_LOCAL_S = 60.0


def tell_exporter(settings: Settings, event: str, message: Mapping[str, object]) -> None:
    """Tell the Slurm exporter of the ``start`` or the end (``complete``) of a job; empty values are left out.

    Raises:
        TelemetryError: it does not answer in time, or refuses the message.
    """
    given = settings.slurm.exporter_url
    base = given or f"http://{_reached(settings.exporter.host)}:{settings.exporter.slurm_port}"
    if given == _OFF:
        return
    body = {key: value for key, value in message.items() if value not in (None, "")}
    post_json(f"{base.rstrip('/')}/metrics/job/{event}", body, settings.slurm.post_s)


def predict(settings: Settings, question: Mapping[str, object], environ: Mapping[str, str]) -> dict[str, Any] | None:
    """Return what the HTTP API predicts for a job, or the bundles of the settings where it is away.

    Args:
        settings: in force.
        question: fields of ``POST /predict``; empty ones are left out.
        environ: for the process that reads bundles, which is one of its own because models are large.

    Raises:
        TelemetryError: neither the API nor a bundle answers.
    """
    body = {key: value for key, value in question.items() if value is not None}
    given = settings.slurm.api_url
    base = given or f"http://{_reached(settings.api.host)}:{settings.api.port}"
    try:
        if given != _OFF:
            return post_json(f"{base.rstrip('/')}/predict", body, settings.slurm.post_s, _token(settings))
    except TelemetryError:
        if not _has_bundles(settings):
            raise
    if not _has_bundles(settings):
        return None
    words = [sys.executable, "-P", "-m", "wattq.telemetry.slurm", "predict", json.dumps(body)]
    answer = json.loads(run_command(words, environ, _LOCAL_S))
    return answer if isinstance(answer, dict) else None


def start_message(facts: JobFacts) -> dict[str, object]:
    """Return what the exporter is told of a job that starts."""
    return {"job_id": facts.name, "raw_id": facts.job_id, "partition": facts.partition, "job_type": facts.job_type}


def end_message(facts: JobFacts, row: Mapping[str, Any], energy: JobEnergy | None) -> dict[str, object]:
    """Return what the exporter is told of a job that has ended.

    Args:
        facts: of the job.
        row: of ``job_metrics``.
        energy: of the job, if it is known.
    """
    return {
        **start_message(facts),
        "state": row["job_state"],
        "duration_seconds": row["duration_seconds"],
        "start_s": row["time"],
        "end_s": row["end_time"],
        "job_type": facts.job_type or row["workload_pattern"],
        "energy_joules": None if energy is None else energy.energy_j,
        "energy_source": None if energy is None else energy.source,
    }


def post_json(url: str, body: Mapping[str, object], limit_s: float, token: str = "") -> dict[str, Any]:
    """Send a JSON object by POST, and return the one that comes back.

    Raises:
        TelemetryError: no answer in time, an answer other than 2xx, or one that is no object of JSON.
    """
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    try:
        request = Request(url, json.dumps(body).encode(), headers, method="POST")
        # Services of the cluster are reached without the proxy of its users.
        with build_opener(ProxyHandler({})).open(request, timeout=limit_s) as answer:
            document = json.loads(answer.read(_MOST_BYTES))
    except HTTPError as error:
        with error:
            said = error.read(300).decode("utf-8", "replace")
        raise TelemetryError(f"{url}: answers {error.code}: {said}") from None
    except (OSError, ValueError, HTTPException) as error:
        raise TelemetryError(f"{url}: {getattr(error, 'reason', None) or error}") from None
    if not isinstance(document, dict):
        raise TelemetryError(f"{url}: answers {str(document)[:60]!r}, which is no object")
    return document


def _reached(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)


def _token(settings: Settings) -> str:
    with suppress(OSError, ValueError):
        path = settings.slurm.api_token_file
        return Path(path).read_text(encoding="ascii").strip() if path else ""
    return ""


def _has_bundles(settings: Settings) -> bool:
    return any(path and Path(path).is_file() for path in (settings.api.runtime_model, settings.api.energy_model))
