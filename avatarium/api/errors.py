"""Every error as an answer: the right status, a sentence, and nothing of our insides."""

from __future__ import annotations

from typing import Any, cast

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Match

from avatarium.api.envelope import Answer, failure, language_var
from avatarium.api.validation import complaints, describer
from avatarium.api.words import INVALID_FIELD, is_chinese
from avatarium.errors import AssetError, AvatariumError, InputError, OutputError, ServiceError, StalledError
from avatarium.ids import is_id

log = structlog.get_logger(__name__)

AWAY_RETRY_S = 30


def install(app: FastAPI) -> None:
    """Let the app answer errors in our envelope."""
    app.add_exception_handler(AvatariumError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def answer_of(error: AvatariumError) -> Answer:
    """An error of ours as an answer."""
    if isinstance(error, ServiceError):
        return failure(
            error.status,
            error.code,
            error.message,
            number=error.number,
            retry_after_s=error.retry_after_s,
            data=error.data,
        )
    if isinstance(error, InputError):
        return failure(400, error.code, error.message)
    if isinstance(error, (AssetError, StalledError)):
        return failure(503, error.code, error.message, retry_after_s=AWAY_RETRY_S)
    if isinstance(error, OutputError):
        log.error("output failed", reason=error.code, message=error.message)
    return server_error()


def server_error() -> Answer:
    """The answer to a bug: only the trace identifier, by which the log tells more."""
    return failure(
        500, "server_error", "Something went wrong on our side. The log tells more under the trace_id of this answer."
    )


async def _ours(_request: Request, error: Exception) -> Answer:
    return answer_of(cast(AvatariumError, error))


async def _invalid(request: Request, error: Exception) -> Answer:
    model = _model_of(request.scope.get("route"))
    found = complaints(cast(RequestValidationError, error).errors(), describer(model))
    message = found[0]["message"] if found else "The request cannot be read."
    if found and is_chinese(language_var.get()):
        message = INVALID_FIELD.format(field=found[0]["field"])
    return failure(400, "invalid_request", message, detail=found)


async def _http(request: Request, error: Exception) -> Answer:
    problem = cast(HTTPException, error)
    allowed = _allowed(request) if problem.status_code == 405 else []
    if problem.status_code == 404 or (problem.status_code == 405 and not allowed):
        return failure(404, "no_route", f"There is no {request.url.path[:200]} here. All routes are listed at /docs.")
    if problem.status_code == 405:
        words = f"{request.method[:20]} is not possible here; use {' or '.join(allowed)}."
        return failure(405, "wrong_method", words, headers={"Allow": ", ".join(allowed)})
    return failure(problem.status_code, "http_error", str(problem.detail), headers=problem.headers)


def _allowed(request: Request) -> list[str]:
    """The methods of all routes on a path; the framework names only those of the first. A word where an ``_id`` belongs
    is a path that is not there: clients try another on 404, and do not on 405."""
    methods: set[str] = set()
    for route in request.app.routes:
        match, found = route.matches(request.scope)
        if match is not Match.NONE and _may_be_there(found.get("path_params", {}).get("_id")):
            methods |= set(getattr(route, "methods", None) or ())
    return sorted(methods)


def _may_be_there(named: str | None) -> bool:
    return named is None or is_id(named)


def _model_of(route: Any) -> type[BaseModel] | None:
    """The model that the parameters of a route are read into, for the descriptions of its fields."""
    if not isinstance(route, APIRoute):
        return None
    for field in [*route.dependant.body_params, *route.dependant.query_params]:
        annotation = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return annotation
    return None
