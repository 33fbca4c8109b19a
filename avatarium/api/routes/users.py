"""Users and their coins."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Header
from pydantic import AliasChoices, BaseModel, Field

from avatarium.accounts import ledger
from avatarium.accounts.ledger import AMOUNT_MAX
from avatarium.accounts.models import Role
from avatarium.api.auth import AdminDep, HolderDep, PlatformDep, ReaderDep
from avatarium.api.envelope import Answer, ok
from avatarium.api.groups import MISC
from avatarium.api.routing import Router
from avatarium.clock import iso
from avatarium.errors import ConflictError, ForbiddenError, TooFewCoinsError
from avatarium.ids import new_id
from avatarium.prices import COINS_PER_DIAMOND

router = Router(MISC)


class NewUser(BaseModel):
    """Somebody who is to have an account."""

    username: str = Field(
        max_length=256,
        validation_alias=AliasChoices("username", "name"),
        description="The name, 1 to 64 characters, that nobody else has.",
    )
    password: str | None = Field(None, max_length=1024, description="To log in with; without one only keys work.")
    role: Literal["user", "admin"] = Field("user", description="What the user may do.")
    coins: int | None = Field(None, ge=0, le=AMOUNT_MAX, description="Coins to start with.")


class Exchange(BaseModel):
    """How much to exchange."""

    diamonds: int = Field(
        ge=1, le=AMOUNT_MAX // COINS_PER_DIAMOND, description="The number of diamonds to buy, for 100 coins each."
    )


class Balance(BaseModel):
    """What a user has."""

    coins: int
    diamonds: int


@router.serve(
    "POST /api/v1/user/add",
    title="Add a User",
    request={"username": "ada", "password": "correct horse battery staple", "coins": 1000},
    answer={
        "_id": "64f0c0ffee0000000000a001",
        "username": "ada",
        "role": "user",
        "coins": 1000,
        "createdAt": "2025-01-02T03:04:05.678Z",
        "token": "sk_...",
    },
    errors=(ForbiddenError, ConflictError),
)
def add(params: NewUser, _admin: AdminDep, platform: PlatformDep) -> Answer:
    """Add a user, for administrators. ``token`` is a first key of the user; it is in this answer and nowhere else."""
    user = platform.accounts.add_user(
        params.username, role=Role(params.role), password=params.password, coins=params.coins
    )
    _, text = platform.accounts.create_key(user.id, alias="first key")
    view = {"_id": user.id, "username": user.name, "role": user.role, "coins": user.coins}
    return ok(view | {"createdAt": iso(user.created_ms), "token": text})


@router.serve(
    "GET /api/v1/user/remainingCoins",
    title="Get User Remaining Credits",
    answer={"coins": 1000, "diamonds": 2},
    returns=Balance,
    legacy=("POST /api/v1/user/remainingCoins",),
)
def remaining_coins(caller: ReaderDep, platform: PlatformDep) -> Answer:
    """The coins and diamonds of the user."""
    with platform.database.read() as c:
        coins, diamonds = ledger.balance(c, caller.user_id)
    return ok(Balance(coins=coins, diamonds=diamonds))


@router.serve(
    "POST /api/v1/user/exchangeDiamonds",
    title="Exchange Diamonds",
    request={"diamonds": 2},
    answer={"coins": 800, "diamonds": 2},
    returns=Balance,
    errors=(ForbiddenError, TooFewCoinsError),
)
def exchange_diamonds(
    params: Exchange,
    caller: HolderDep,
    platform: PlatformDep,
    idempotency_key: Annotated[
        str | None, Header(max_length=200, description="Sent twice with the same value, a call acts once.")
    ] = None,
) -> Answer:
    """Buy diamonds for 100 coins each. There is no way back."""
    with platform.database.write() as c:
        key, now_ms = idempotency_key or new_id(), platform.clock.now_ms()
        ledger.exchange_diamonds(c, caller.user_id, params.diamonds, key=key, now_ms=now_ms)
        coins, diamonds = ledger.balance(c, caller.user_id)
    return ok(Balance(coins=coins, diamonds=diamonds))
