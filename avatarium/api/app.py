"""The application: middleware, errors and the routes of all groups, put together."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from avatarium import __version__
from avatarium.api import errors, openapi, routes
from avatarium.api.families import family_routers
from avatarium.api.metrics import Metrics
from avatarium.api.middleware.body import BodyMiddleware
from avatarium.api.middleware.guard import GuardMiddleware
from avatarium.api.middleware.trace import TraceMiddleware
from avatarium.api.routing import Router, by_specificity
from avatarium.api.slots import Slots
from avatarium.platform import Platform

RAW_PREFIX = "/files/"
FORM_PREFIXES = ("/v1/audio/transcriptions", "/v1/audio/translations")
PLAIN_PREFIXES = (RAW_PREFIX, "/whep/", *FORM_PREFIXES)
"""Below these, bodies are no JSON; the routes bound them."""
UNHURRIED = (RAW_PREFIX, "/v1/audio/")
"""Below these, requests take longer than others; the routes bound them."""
BODY_TIMEOUT_S = 60
UPLOADS_AT_ONCE = 16
TRANSFERS_AT_ONCE = 8
SLOT_WAIT_S = 10
EXPOSED_HEADERS = [
    "X-Trace-Id", "Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset",
    "Content-Range", "Accept-Ranges", "ETag", "Location", "Link", "Accept-Patch", "Accept-Post",
]  # fmt: skip


def create_app(platform: Platform) -> FastAPI:
    """The API of one platform; the platform is opened and closed by whoever calls."""
    app = FastAPI(
        title="Avatarium", version=__version__, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False,
        lifespan=_lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # looking for them costs each request
    )  # fmt: skip
    metrics = Metrics()
    metrics.count_tasks(platform.database)
    metrics.count_rooms(platform.database)
    app.state.platform = platform
    app.state.uploads = Slots(UPLOADS_AT_ONCE, wait_s=SLOT_WAIT_S, what="uploads")
    app.state.transfers = Slots(TRANSFERS_AT_ONCE, wait_s=SLOT_WAIT_S, what="files to fetch")
    app.state.streams = Counter[str]()
    app.state.sockets = Counter[str]()
    app.state.stages = None
    app.state.metrics = metrics
    errors.install(app)
    _add_middleware(app, platform, metrics)
    every = [*routers(), *family_routers(platform.families)]
    app.router.routes.extend(sorted((route for router in every for route in router.routes), key=by_specificity))
    openapi.install(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    if app.state.stages is not None:
        await app.state.stages.close()


def routers() -> Iterator[Router]:
    """The router of every module in :mod:`avatarium.api.routes`."""
    for module in sorted(pkgutil.iter_modules(routes.__path__), key=lambda module: module.name):
        if not module.name.startswith("_"):
            router = importlib.import_module(f"{routes.__name__}.{module.name}").router
            assert isinstance(router, Router), module.name
            yield router


def _add_middleware(app: FastAPI, platform: Platform, metrics: Metrics) -> None:
    settings = platform.settings
    # The last that is added is the outermost.
    app.add_middleware(
        BodyMiddleware, max_bytes=settings.body_max_bytes, timeout_s=BODY_TIMEOUT_S, raw_prefix=PLAIN_PREFIXES
    )
    app.add_middleware(GuardMiddleware, limit_s=settings.request_timeout_s, raw_prefix=UNHURRIED)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=EXPOSED_HEADERS,
        max_age=24 * 3600,
    )
    app.add_middleware(TraceMiddleware, observer=metrics)
