"""A platform with just enough behind it to try the API's own promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from avatarium.api.app import create_app
from avatarium.api.routing import Router, by_specificity
from avatarium.clock import Clock, ManualClock
from avatarium.errors import AuthError, BusyError
from avatarium.settings import Settings

USER_KEY = "sk_user"
ADMIN_KEY = "sk_admin"
SPEAK_KEY = "sk_speak"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    user_id: str
    key_id: str
    scopes: frozenset[str] = frozenset()
    origins: tuple[str, ...] = ()
    is_admin: bool = False


class Accounts:
    callers: Mapping[str, Caller] = {
        USER_KEY: Caller(user_id="u1", key_id="k1"),
        ADMIN_KEY: Caller(user_id="u0", key_id="k0", is_admin=True),
        SPEAK_KEY: Caller(user_id="u1", key_id="k2", scopes=frozenset({"speak"})),
    }

    def authenticate(self, token: str, *, origin: str | None = None) -> Caller:
        if token not in self.callers:
            raise AuthError("This key opens nothing.", code="bad_key")
        return self.callers[token]


class Limiter:
    def __init__(self, most: int) -> None:
        self.most = most
        self.counts: Counter[str] = Counter()

    def hit(self, bucket: str, *, anonymous: bool = False) -> None:
        self.counts[bucket] += 1
        if self.counts[bucket] > self.most:
            raise BusyError("Too many requests.", code="rate_limited", retry_after_s=12.3)


@dataclass
class StandIn:
    settings: Settings
    limiter: Limiter = field(default_factory=lambda: Limiter(10_000))
    accounts: Accounts = field(default_factory=Accounts)
    clock: Clock = field(default_factory=ManualClock)
    storage: Any = None
    fetcher: Any = None
    database: Any = None
    problems: dict[str, str] = field(default_factory=dict)

    def ready(self) -> dict[str, str]:
        return self.problems

    def tasks_by_state(self) -> dict[str, int]:
        return {"processing": 2}


def app_of(platform: StandIn, *routers: Router) -> FastAPI:
    app = create_app(platform)
    for router in routers:
        app.router.routes.extend(router.routes)
    app.router.routes.sort(key=by_specificity)
    return app


@contextmanager
def client_of(app: FastAPI, key: str | None = None) -> Iterator[TestClient]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with TestClient(app, raise_server_exceptions=False, headers=headers) as client:
        yield client
