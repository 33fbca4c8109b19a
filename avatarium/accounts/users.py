"""Users in the database."""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from sqlalchemy import Connection

from avatarium.accounts import ledger
from avatarium.accounts.models import Role, User, user_of, users
from avatarium.database import changed, insert_for
from avatarium.errors import ConflictError, NotFoundError, RequestError
from avatarium.ids import new_id

NAME_LONGEST = 64


def name_key(name: str) -> str:
    """What two names that look the same have in common: they differ in case or in the form of their characters."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def checked_name(name: str) -> str:
    """A name without blanks around it.

    Raises:
        RequestError: it is empty, too long, or holds characters that cannot be seen.
    """
    name = unicodedata.normalize("NFC", name.strip())
    if not 1 <= len(name) <= NAME_LONGEST or not name.isprintable():
        raise RequestError(
            f"A name needs 1 to {NAME_LONGEST} characters, all of which can be printed.", code="bad_name"
        )
    return name


def insert(c: Connection, name: str, *, role: Role, password: str | None, coins: int, now_ms: int) -> User | None:
    """Add a user with a first grant; ``password`` is the hash. None: the name is taken."""
    user_id = new_id()
    row: dict[str, object] = {
        "id": user_id,
        "name": name,
        "name_key": name_key(name),
        "role": role.value,
        "password": password,
    }
    row |= {"epoch": 0, "coins": 0, "diamonds": 0, "auto_public_pool": False, "created_ms": now_ms}
    statement = insert_for(c, users).values(row).on_conflict_do_nothing(index_elements=["name_key"])
    if not changed(c, statement):
        return None
    if coins:
        ledger.grant(c, user_id, coins, key="welcome", note="Welcome", now_ms=now_ms)
    return get(c, user_id)


def get(c: Connection, user_id: str) -> User:
    """A user by id, or NotFoundError."""
    return user_of(row_of(c, user_id))


def row_of(c: Connection, user_id: str) -> sa.Row[tuple[object, ...]]:
    """The row of a user, or NotFoundError."""
    row = c.execute(sa.select(users).where(users.c.id == user_id)).one_or_none()
    if row is None:
        raise NotFoundError("There is no such user.", code="no_such_user")
    return row


def row_by_name(c: Connection, name: str) -> sa.Row[tuple[object, ...]] | None:
    """The row of the user whose name this is, in whatever case."""
    return c.execute(sa.select(users).where(users.c.name_key == name_key(name.strip()))).one_or_none()


def find(c: Connection, name: str) -> User:
    """A user by name, or NotFoundError."""
    row = row_by_name(c, name)
    if row is None:
        raise NotFoundError(f"There is no user called {name!r}.", code="no_such_user")
    return user_of(row)


def page(c: Connection, *, offset: int, limit: int | None) -> tuple[list[User], int]:
    """Users, oldest first, and how many there are."""
    total = c.execute(sa.select(sa.func.count()).select_from(users)).scalar_one()
    query = sa.select(users).order_by(users.c.created_ms, users.c.id).offset(offset).limit(limit)
    return [user_of(row) for row in c.execute(query)], total


def set_password(c: Connection, user_id: str, password: str | None) -> None:
    """Keep another hash; who is logged in has to do it again."""
    _update(c, user_id, password=password, epoch=users.c.epoch + 1)


def set_public(c: Connection, user_id: str, public: bool) -> None:
    """Whether what a user makes may be shown to everybody."""
    _update(c, user_id, auto_public_pool=public)


def disable(c: Connection, user_id: str, *, now_ms: int) -> None:
    """Shut a user out.

    Raises:
        ConflictError: it is the last admin who can get in.
    """
    admins = sa.select(users.c.id).where(users.c.role == Role.ADMIN.value, users.c.disabled_ms.is_(None))
    # Locked, so that two admins cannot shut each other out at once.
    able = {row.id for row in c.execute(admins.order_by(users.c.id).with_for_update())}
    if able == {user_id}:
        raise ConflictError("This is the only admin. Add another one first.", code="last_admin")
    _update(c, user_id, disabled_ms=sa.func.coalesce(users.c.disabled_ms, now_ms), epoch=users.c.epoch + 1)


def enable(c: Connection, user_id: str) -> None:
    """Let a user in again."""
    _update(c, user_id, disabled_ms=None)


def _update(c: Connection, user_id: str, **values: object) -> None:
    if not changed(c, sa.update(users).where(users.c.id == user_id).values(**values)):
        raise NotFoundError("There is no such user.", code="no_such_user")
