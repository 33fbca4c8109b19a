"""The database itself keeps the ledger as it was written."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from avatarium.accounts import ledger, users
from avatarium.accounts.models import Role
from avatarium.accounts.models import ledger as entries
from avatarium.accounts.triggers import INSTALL, REFUSAL
from avatarium.database import Database, metadata


@pytest.fixture
def user_id(database: Database) -> str:
    with database.write() as c:
        user = users.insert(c, "Ada", role=Role.USER, password=None, coins=5, now_ms=1)
    assert user is not None
    return user.id


@pytest.mark.parametrize(
    "statement",
    [
        sa.update(entries).values(delta=1_000_000),
        sa.update(entries).values(note="never mind"),
        sa.delete(entries),
    ],
)
def test_no_entry_can_be_changed_or_removed(database: Database, user_id: str, statement: sa.UpdateBase) -> None:
    with pytest.raises(IntegrityError, match=REFUSAL), database.write() as c:
        c.execute(statement)
    with database.read() as c:
        (entry,), total = ledger.history(c, user_id)
    assert (entry.delta, total) == (5, 1)


def test_postgresql_does_not_truncate_it(database: Database, user_id: str) -> None:
    if database.is_sqlite:
        assert len(INSTALL["sqlite"]) == 2  # SQLite has no TRUNCATE; DELETE without WHERE fires the trigger
        return
    with pytest.raises(IntegrityError, match=REFUSAL), database.write() as c:
        c.execute(sa.text("TRUNCATE ledger"))


def test_tables_come_go_and_come_again(bare_database_url: str) -> None:
    database = Database.open(bare_database_url)
    for _ in range(2):
        metadata.create_all(database.engine)
        metadata.drop_all(database.engine)
    database.close()
