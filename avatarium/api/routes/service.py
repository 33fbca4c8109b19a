"""Whether the service lives, whether it can work, how it does, and what it offers."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import Response

from avatarium.accounts.models import Scope
from avatarium.api.auth import PlatformDep, authenticate
from avatarium.api.envelope import Answer, failure, ok
from avatarium.api.groups import SERVICE
from avatarium.api.routing import Router

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"

router = Router(SERVICE)


@router.serve("GET /healthz", title="Health", answer={"status": "ok"}, returns=dict[str, str], public=True)
async def health() -> Answer:
    """The process lives. Asks nothing of the database."""
    return ok({"status": "ok"})


@router.serve(
    "GET /readyz",
    title="Readiness",
    answer={"status": "ready", "stages": 2, "rooms": 1},
    returns=dict[str, Any],
    public=True,
)
def ready(platform: PlatformDep) -> Answer:
    """The service can work: the database answers, its schema is current, a worker lives where one is expected.

    `stages` are the processes that render live rooms and live, `rooms` the live rooms that are open; neither makes the
    service unready.
    """
    problems = platform.ready()
    if not problems:
        stages, rooms = platform.rooms.standing()
        return ok({"status": "ready", "stages": stages, "rooms": rooms})
    words = " ".join(f"{part}: {what}" for part, what in problems.items())
    detail = [{"field": part, "message": what} for part, what in problems.items()]
    return failure(503, "not_ready", f"Not ready. {words}", detail=detail, retry_after_s=2)


def _may_read_metrics(request: Request, platform: PlatformDep) -> None:
    if not _is_local(request):
        authenticate(request, platform).require(Scope.ADMIN)


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request, _allowed: Annotated[None, Depends(_may_read_metrics)]) -> Response:
    """What Prometheus reads; for this machine itself and for administrators."""
    return Response(request.app.state.metrics.page(), headers={"Content-Type": PROMETHEUS})


@router.get("/openapi.json", include_in_schema=False)
def description(request: Request) -> Answer:
    """The OpenAPI document."""
    return Answer(request.app.openapi())


def _is_local(request: Request) -> bool:
    """Whether the client is this machine, and not somebody behind a proxy on it."""
    forwarded = any(name in request.headers for name in ("x-forwarded-for", "forwarded", "x-real-ip"))
    try:
        return not forwarded and ipaddress.ip_address(request.client.host if request.client else "").is_loopback
    except ValueError:
        return False
