"""A real platform on SQLite behind the API, for the tests of the API's own promises."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI
from pydantic import BaseModel, Field
from starlette.testclient import TestClient

from avatarium.api.app import create_app
from avatarium.api.auth import CallerDep
from avatarium.api.envelope import Answer, ok
from avatarium.api.routing import Params, Router, by_specificity
from avatarium.clock import ManualClock
from avatarium.database import metadata
from avatarium.platform import Platform
from avatarium.settings import Settings
from tests.databases import import_models


@dataclass
class House:
    """One installation with an administrator and a user."""

    platform: Platform
    clock: ManualClock
    app: FastAPI
    admin_key: str
    user_id: str
    user_key: str

    @contextmanager
    def client(self, key: str | None = None, **headers: str) -> Iterator[TestClient]:
        """A client that sends a key; without one it sends none."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            sent["Authorization"] = f"Bearer {key}"
        with TestClient(self.app, raise_server_exceptions=False, headers=sent, follow_redirects=False) as client:
            yield client

    def key(self, **wanted: Any) -> str:
        """One more key of the user."""
        return self.platform.accounts.create_key(self.user_id, **wanted)[1]

    def add(self, router: Router) -> None:
        """Serve more routes."""
        self.app.router.routes.extend(router.routes)
        self.app.router.routes.sort(key=by_specificity)


@contextmanager
def house(home: Path, **settings: Any) -> Iterator[House]:
    """Open an installation in a folder."""
    import_models()
    clock = ManualClock()
    platform = Platform.open(Settings(home=home, **settings), clock)
    metadata.create_all(platform.database.engine)
    admin, _ = platform.accounts.ensure_admin()
    user = platform.accounts.add_user("Ada", coins=1000)
    made = House(
        platform=platform,
        clock=clock,
        app=create_app(platform),
        admin_key=platform.accounts.create_key(admin.id)[1],
        user_id=user.id,
        user_key=platform.accounts.create_key(user.id)[1],
    )
    try:
        yield made
    finally:
        platform.close()


class Words(BaseModel):
    """What the routes for trial take."""

    msg: str = Field(max_length=100, description="The text to speak.")
    times: int = Field(1, ge=1, le=9)
    loud: bool = False
    tags: list[str] = Field(default_factory=list)


@functools.cache
def trial() -> Router:
    """Routes that show what they were given."""
    router = Router("Trial")

    @router.serve("GET /api/v1/Trial/echo", "POST /api/v1/Trial/echo", title="Echo", answer={}, request={"msg": "hi"})
    def echo(params: Annotated[Words, Params], caller: CallerDep) -> Answer:
        return ok(params.model_dump() | {"user": caller.user_id})

    @router.serve("PUT /api/v1/Trial/echo", "DELETE /api/v1/Trial/echo", title="Echo", answer={}, public=True)
    async def open_echo(params: Annotated[Words, Params]) -> Answer:
        return ok(params.model_dump())

    @router.serve("POST /api/v1/Trial/open", title="Echo", answer={}, public=True)
    def anything(params: dict[str, Any]) -> Answer:
        return ok(params)

    @router.serve("GET /api/v1/trial/{_id}", "DELETE /api/v1/trial/{_id}", title="One", answer={}, public=True)
    def one(_id: str) -> Answer:
        return ok({"id": _id})

    @router.serve("GET /api/v1/trial/status", title="Status", answer={}, public=True)
    def status() -> Answer:
        return ok("status")

    return router
