"""Get Tokens: log in, keys for programs, short-lived tokens for browsers."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request
from pydantic import AliasChoices, BaseModel, Field

from avatarium.accounts.models import ApiKey
from avatarium.api.auth import AnonymousDep, HolderDep, PlatformDep, address_of
from avatarium.api.envelope import Answer, ok
from avatarium.api.groups import TOKENS
from avatarium.api.routing import Params, Router
from avatarium.clock import SECOND_MS, iso
from avatarium.errors import ForbiddenError, NotFoundError

router = Router(TOKENS)

LONGEST_S = 10 * 365 * 24 * 3600
EXAMPLE_ID = "64f0c0ffee0000000000a0f1"
EXAMPLE_KEY = {
    "_id": EXAMPLE_ID,
    "alias": "my app",
    "prefix": "sk_x4Tn9",
    "scopes": ["generate", "read"],
    "origins": [],
    "createdAt": "2025-01-02T03:04:05.678Z",
    "expiresAt": None,
    "usedAt": None,
}


class LogIn(BaseModel):
    """Name and password."""

    username: str = Field(
        max_length=256,
        validation_alias=AliasChoices("username", "name", "account", "email"),
        description="The name of the user.",
    )
    password: str = Field(max_length=1024, description="The password.")


class NewKey(BaseModel):
    """What a key is to be for."""

    alias: str = Field(description="A label to know the key by.")
    scopes: list[str] = Field(
        default_factory=list,
        max_length=20,
        description="What the key may be used for: read, generate, upload, streaming, account, admin. Empty is all.",
    )
    origins: list[str] = Field(
        default_factory=list, max_length=100, description="Web pages that may use the key. Empty is all."
    )
    expires_in: int | None = Field(
        None, ge=1, le=LONGEST_S, description="Seconds that the key lives. Empty is for ever."
    )


class WhichKey(BaseModel):
    """Which key."""

    id: str = Field(
        max_length=64,
        alias="_id",
        validation_alias=AliasChoices("_id", "id", "token_id"),
        description="The `_id` of the key.",
    )


class ClientToken(BaseModel):
    """What a browser is to be allowed."""

    scopes: list[str] = Field(min_length=1, max_length=20, description="What the token may be used for.")
    expires_in: int = Field(3600, ge=1, le=24 * 3600, description="Seconds that the token lives, at most a day.")


@router.serve(
    "POST /api/login/account",
    title="Obtain Login Token",
    request={"username": "ada", "password": "correct horse battery staple"},
    answer={"_id": "64f0c0ffee0000000000a001", "username": "ada", "role": "user", "token": "lt_..."},
    errors=(ForbiddenError,),
    public=True,
)
def log_in(params: LogIn, request: Request, platform: PlatformDep, _counted: AnonymousDep) -> Answer:
    """Log in with name and password. The token opens everything that the user may do, for some hours."""
    user, token = platform.accounts.log_in(params.username, params.password, address=address_of(request))
    return ok({"_id": user.id, "username": user.name, "role": user.role, "token": token})


@router.serve(
    "POST /api/v1/token/generate",
    title="Get API token",
    request={"alias": "my app"},
    answer=EXAMPLE_KEY | {"token": "sk_..."},
    errors=(ForbiddenError,),
)
def generate(params: NewKey, caller: HolderDep, platform: PlatformDep) -> Answer:
    """Make a key for programs. Its text is in this answer and nowhere else.

    It may do no more, be used nowhere else and live no longer than the key that it is made with.
    """
    now_ms = platform.clock.now_ms()
    key, text = platform.accounts.create_key_as(
        caller,
        alias=params.alias,
        scopes=params.scopes,
        origins=params.origins,
        expires_ms=None if params.expires_in is None else now_ms + params.expires_in * SECOND_MS,
    )
    return ok(_view(key) | {"token": text})


@router.serve(
    "GET /api/v1/token/list",
    title="List api tokens",
    answer=[EXAMPLE_KEY],
    legacy=("POST /api/v1/token/list",),
)
def list_keys(caller: HolderDep, platform: PlatformDep) -> Answer:
    """The keys of the user that are not revoked, newest first, without their texts."""
    return ok([_view(key) for key in platform.accounts.list_keys(caller.user_id)])


@router.serve(
    "POST /api/v1/token/delete",
    title="Delete API token",
    request={"_id": EXAMPLE_ID},
    answer={"_id": EXAMPLE_ID},
    errors=(NotFoundError,),
)
def delete(params: Annotated[WhichKey, Params], caller: HolderDep, platform: PlatformDep) -> Answer:
    """Revoke a key, at once, and the client tokens that were made with it."""
    platform.accounts.revoke_key(caller.user_id, params.id)
    return ok({"_id": params.id})


@router.serve("DELETE /api/v1/token/{_id}", title="Delete API token", answer={"_id": EXAMPLE_ID})
def delete_one(
    key_id: Annotated[str, Path(alias="_id", max_length=64)], caller: HolderDep, platform: PlatformDep
) -> Answer:
    """Revoke a key, at once, and the client tokens that were made with it."""
    platform.accounts.revoke_key(caller.user_id, key_id)
    return ok({"_id": key_id})


@router.serve(
    "POST /api/v1/token/client",
    title="Get a client token for a browser",
    request={"scopes": ["streaming"], "expires_in": 600},
    answer={"token": "ct_...", "expiresIn": 600, "expiresAt": "2025-01-02T03:14:05.678Z"},
    errors=(ForbiddenError,),
)
def client_token(params: ClientToken, caller: HolderDep, platform: PlatformDep) -> Answer:
    """Make a short-lived token for a web page, so that your key stays on your server."""
    token = platform.accounts.create_client_token(caller, seconds=params.expires_in, scopes=params.scopes)
    ends_ms = platform.clock.now_ms() + params.expires_in * SECOND_MS
    return ok({"token": token, "expiresIn": params.expires_in, "expiresAt": iso(ends_ms)})


def _view(key: ApiKey) -> dict[str, object]:
    return {
        "_id": key.id,
        "alias": key.alias,
        "prefix": key.prefix,
        "scopes": sorted(key.scopes),
        "origins": list(key.origins),
        "createdAt": iso(key.created_ms),
        "expiresAt": None if key.expires_ms is None else iso(key.expires_ms),
        "usedAt": None if key.used_ms is None else iso(key.used_ms),
    }
