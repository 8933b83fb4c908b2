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
from wattq.telemetry.slurm.patience import Patience

if TYPE_CHECKING:
    from wattq.telemetry.slurm.attribution import JobEnergy

__all__ = ["Services", "end_message", "post_json", "start_message"]

_MOST_BYTES = 1 << 20
_OFF = "off"
_LOCAL_S = 60.0


class Services:
    """The Slurm exporter and the HTTP API, as the keeper uses them.

    Args:
        settings: in force.
        environ: for the process that reads bundles, which is one of its own because models are large.
    """

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._settings, self._environ = settings, environ
        self._exporter = Patience("the exporter", settings.slurm.post_s)
        self._api = Patience("the API", settings.slurm.post_s)

    def tell(self, event: str, message: Mapping[str, object]) -> None:
        """Tell the exporter of the ``start`` or the end (``complete``) of a job; empty values are left out.

        Raises:
            TelemetryError: it does not answer in time, or refuses the message.
        """
        given, where = self._settings.slurm.exporter_url, self._settings.exporter
        if given == _OFF:
            return
        url = f"{_base(given, where.host, where.slurm_port)}/metrics/job/{event}"
        body = {key: value for key, value in message.items() if value not in (None, "")}
        self._exporter.call(lambda: post_json(url, body, self._settings.slurm.post_s))

    def predict(self, question: Mapping[str, object]) -> dict[str, Any] | None:
        """Return what the API predicts for a job, or the bundles of the settings where it is away; None without both.

        Args:
            question: fields of ``POST /predict``; empty ones are left out.

        Raises:
            TelemetryError: neither answers.
        """
        body = {key: value for key, value in question.items() if value is not None}
        try:
            if self._settings.slurm.api_url != _OFF:
                return self._api.call(lambda: self._ask_api(body))
        except TelemetryError:
            if not self._has_bundles:
                raise
        return self._ask_bundles(body) if self._has_bundles else None

    def _ask_api(self, body: Mapping[str, object]) -> dict[str, Any]:
        slurm, where = self._settings.slurm, self._settings.api
        url = f"{_base(slurm.api_url, where.host, where.port)}/predict"
        return post_json(url, body, slurm.post_s, _token(slurm.api_token_file))

    def _ask_bundles(self, body: Mapping[str, object]) -> dict[str, Any] | None:
        words = [sys.executable, "-P", "-m", "wattq.telemetry.slurm", "predict", json.dumps(body)]
        answer = json.loads(run_command(words, self._environ, _LOCAL_S))
        return answer if isinstance(answer, dict) else None

    @property
    def _has_bundles(self) -> bool:
        models = (self._settings.api.runtime_model, self._settings.api.energy_model)
        return any(path and Path(path).is_file() for path in models)


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


def _base(given: str, host: str, port: int) -> str:
    reached = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return (given or f"http://{reached}:{port}").rstrip("/")


def _token(path: str) -> str:
    with suppress(OSError, ValueError):
        return Path(path).read_text(encoding="ascii").strip() if path else ""
    return ""
