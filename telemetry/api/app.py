"""The application: routes, refusals in one form, and the gate before them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from wattq import __version__
from wattq.telemetry.api.expect import NoModelError, UnpredictableError
from wattq.telemetry.api.gate import FAILED, Gate
from wattq.telemetry.api.problems import problem_bytes, without_values
from wattq.telemetry.api.routes import make_router
from wattq.telemetry.api.service import Service

__all__ = ["create_app"]

_ABOUT = (
    "Energy, cost and CO2e of jobs before they run, and when to start them. Energies are in joules and watt-hours, "
    "times in seconds, dates in UTC; values outside the limits are answered with a flag."
)


def create_app(service: Service) -> Gate:
    """Return the ASGI application of a service: its routes behind the gate.

    Args:
        service: what the routes ask.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await service.start()
        try:
            yield
        finally:
            await service.stop()

    app = FastAPI(
        title="wattq API", version=__version__, description=_ABOUT, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.include_router(make_router(service))
    app.include_router(make_router(service), prefix="/v1")
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(NoModelError, _no_model)
    app.add_exception_handler(UnpredictableError, _unpredictable)
    app.add_exception_handler(Exception, _failed)
    return Gate(app, service)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = error.errors()
    if any(each["type"] == "json_invalid" for each in errors):
        return _problem(request, 400, "the body is no JSON")
    body = problem_bytes(without_values(errors), request.scope["wattq.request_id"])
    return Response(body, 422, media_type="application/json")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    found = _problem(request, error.status_code, str(error.detail))
    found.headers.update(error.headers or {})
    return found


async def _failed(request: Request, error: Exception) -> Response:
    return _problem(request, 500, FAILED)


async def _no_model(request: Request, error: Exception) -> Response:
    return _problem(request, 503, str(error))


async def _unpredictable(request: Request, error: Exception) -> Response:
    return _problem(request, 422, str(error))


def _problem(request: Request, code: int, detail: str) -> Response:
    body = problem_bytes(detail, request.scope["wattq.request_id"])
    return Response(body, code, media_type="application/json")
