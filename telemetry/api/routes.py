"""The routes: documented requests, answers and refusals."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response, Security
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from wattq.errors import WattqError
from wattq.telemetry.api.answers import (
    BatchAnswer,
    Health,
    ModelInfo,
    Prediction,
    Problem,
    Ready,
    RecentJobs,
    Recommendations,
)
from wattq.telemetry.api.page import page
from wattq.telemetry.api.recommend import recommend
from wattq.telemetry.api.requests import (
    BatchRequest,
    JobRequest,
    JobType,
    Objective,
    RecommendJob,
    RecommendRequest,
)
from wattq.telemetry.api.service import Service
from wattq.telemetry.exporters import render

__all__ = ["make_router"]

_TOKEN = HTTPBearer(auto_error=False, description="a token of `wattq api token create`; not asked for without --tokens")
_RETRY = {"Retry-After": {"description": "seconds to wait", "schema": {"type": "integer", "minimum": 1}}}
_WHO = {"WWW-Authenticate": {"description": "how to show a token", "schema": {"type": "string"}}}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The body is no JSON"},
    401: {"model": Problem, "description": "No token, or a wrong one", "headers": _WHO},
    404: {"model": Problem, "description": "No such route"},
    405: {"model": Problem, "description": "Another method is needed"},
    408: {"model": Problem, "description": "The body did not come in time"},
    413: {"model": Problem, "description": "The body is too large"},
    422: {"model": Problem, "description": "A field breaks a rule"},
    429: {"model": Problem, "description": "Too many requests", "headers": _RETRY},
    500: {"model": Problem, "description": "The service failed"},
    503: {"model": Problem, "description": "A model, the store or the service is not there"},
}
Hours = Annotated[float, Query(gt=0, le=168, allow_inf_nan=False, description="hours from now, the job has ended")]


def _refusals(*codes: int) -> dict[int | str, dict[str, Any]]:
    return {code: _REFUSALS[code] for code in codes}


_READ = _refusals(404, 405, 429, 500)
_ASK = _refusals(401, 404, 405, 422, 429, 500, 503)
_POST = _refusals(400, 401, 404, 405, 408, 413, 422, 429, 500, 503)


def make_router(service: Service) -> APIRouter:
    """Return all routes of a service."""
    router = APIRouter()
    _add_state(router, service)
    _add_predictions(router, service)
    _add_recommendations(router, service)
    _add_records(router, service)
    return router


def _add_state(router: APIRouter, service: Service) -> None:
    @router.get("/", response_class=HTMLResponse, responses=_READ, summary="This documentation")
    async def root(request: Request) -> HTMLResponse:
        return HTMLResponse(
            page(request.app), headers={"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
        )

    @router.get(
        "/health",
        response_model=Health,
        responses={**_READ, 503: {"model": Health, "description": "Unhealthy: no model is loaded"}},
        summary="Whether the service is healthy",
    )
    async def health() -> Response:
        state = await service.health()
        return JSONResponse(state.model_dump(mode="json"), 200 if state.model_loaded else 503)

    @router.get(
        "/ready",
        response_model=Ready,
        responses={**_READ, 503: {"model": Ready, "description": "Not ready: no model, or the store is away"}},
        summary="Whether requests can be answered",
    )
    async def ready() -> Response:
        state = await service.ready()
        return JSONResponse(state.model_dump(mode="json"), 200 if state.ready else 503)

    @router.get(
        "/metrics",
        response_class=Response,
        responses={
            **_READ,
            200: {
                "description": "Metrics for Prometheus",
                "content": {
                    "text/plain": {"schema": {"type": "string"}},
                    "application/openmetrics-text": {"schema": {"type": "string"}},
                },
            },
        },
        summary="Metrics for Prometheus",
    )
    async def metrics(request: Request) -> Response:
        text, content_type = render(service.metrics(), request.headers.get("accept", ""))
        return Response(text, headers={"content-type": content_type})


def _add_predictions(router: APIRouter, service: Service) -> None:
    guard = [Security(_TOKEN)]

    @router.post(
        "/predict",
        response_model=Prediction,
        responses=_POST,
        dependencies=guard,
        summary="Energy, cost and CO2e of a job",
    )
    async def predict(job: JobRequest) -> Response:
        return Response(await service.predict(job), media_type="application/json")

    @router.post(
        "/predict/batch",
        response_model=BatchAnswer,
        responses=_POST,
        dependencies=guard,
        summary="The same for several jobs",
    )
    async def predict_batch(batch: BatchRequest) -> Response:
        found = await run_in_threadpool(service.predictor.predict, batch.jobs, service.clock())
        return _json(BatchAnswer(predictions=found))


def _add_recommendations(router: APIRouter, service: Service) -> None:
    guard = [Security(_TOKEN)]

    @router.post(
        "/schedule/recommend",
        response_model=Recommendations,
        responses=_POST,
        dependencies=guard,
        summary="When to start jobs, and what that saves",
    )
    async def recommend_jobs(asked: RecommendRequest) -> Response:
        return _json(await run_in_threadpool(recommend, service.predictor, asked, service.clock()))

    @router.get(
        "/recommend/schedule",
        response_model=Recommendations,
        responses=_ASK,
        dependencies=guard,
        summary="The same for one job of a kind",
    )
    async def recommend_kind(
        duration: Annotated[float, Query(gt=0, le=366 * 86_400, allow_inf_nan=False, description="run time, s")],
        job_type: Annotated[JobType, Query(description="kind of job")] = "mixed",
        cpu_cores: Annotated[int | None, Query(ge=1, le=100_000_000, description="cores")] = None,
        deadline_hours: Hours = 24.0,
        objective: Annotated[Objective | None, Query(description="what to save")] = None,
    ) -> Response:
        job = RecommendJob(duration_seconds=duration, job_type=job_type, cpu_cores=cpu_cores)
        asked = RecommendRequest(jobs=[job], deadline_hours=deadline_hours, objective=objective)
        return _json(await run_in_threadpool(recommend, service.predictor, asked, service.clock()))


def _add_records(router: APIRouter, service: Service) -> None:
    guard = [Security(_TOKEN)]

    @router.get(
        "/model/info",
        response_model=ModelInfo,
        responses=_refusals(401, 404, 405, 429, 500),
        dependencies=guard,
        summary="What predicts",
    )
    async def model_info() -> Response:
        return _json(service.model_info())

    @router.get(
        "/jobs/recent",
        response_model=RecentJobs,
        responses=_ASK,
        dependencies=guard,
        summary="Runs of jobs in the store, newest first",
    )
    async def jobs_recent(
        limit: Annotated[int, Query(ge=1, le=1000, description="most rows")] = 50,
    ) -> Response:
        if not service.records.there:
            raise HTTPException(503, "no store is set (wattq api --store URL)")
        try:
            rows = await service.records.read("job_metrics", limit=limit, newest_first=True)
        except (WattqError, TimeoutError) as error:
            raise HTTPException(503, f"the store does not answer ({str(error)[:300] or 'time-out'})") from None
        return _json(RecentJobs(count=len(rows), jobs=rows))


def _json(answer: Any) -> Response:
    return Response(answer.model_dump_json(), media_type="application/json")
