"""The migrations, on both databases."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from avatarium import migrations
from avatarium.accounts import ledger
from avatarium.accounts.models import Role, users
from avatarium.accounts.users import insert
from avatarium.database import Database, metadata
from avatarium.errors import ConflictError
from avatarium.migrations import SchemaState, runner, state

ROOT = Path(__file__).parents[3]
LEAVING = "import sys; from avatarium.database import Database; from avatarium.migrations import upgrade; "


@pytest.fixture
def bare(bare_database_url: str) -> Iterator[Database]:
    opened = Database.open(bare_database_url)
    yield opened
    opened.close()


def _tables(database: Database) -> set[str]:
    with database.read() as c:
        return set(sa.inspect(c).get_table_names())


def test_a_new_database_gets_every_table_and_nothing_differs(bare: Database) -> None:
    assert migrations.state_of(bare) is SchemaState.EMPTY and not migrations.is_current(bare)
    assert migrations.upgrade(bare)
    assert migrations.is_current(bare) and not migrations.upgrade(bare)
    assert set(metadata.tables) <= _tables(bare)
    found = runner.differences(bare)
    assert not found, "the tables in the code have changed: `avatarium migrate --make NAME` writes the migration"


def test_all_the_way_back_and_up_again(bare: Database) -> None:
    migrations.upgrade(bare)
    runner.run(bare, "base", back=True)
    assert not set(metadata.tables) & _tables(bare)
    if not bare.is_sqlite:
        with bare.read() as c:
            assert not c.execute(sa.text("select 1 from pg_proc where proname = 'ledger_refuse'")).all()
    runner.run(bare, "head")
    assert not runner.differences(bare)


def test_the_ledger_is_append_only_after_all_migrations(bare: Database) -> None:
    migrations.upgrade(bare)
    with bare.write() as c:
        user = insert(c, "ada", role=Role.USER, password=None, coins=5, now_ms=1)
    assert user
    for change in ("UPDATE ledger SET delta = 9", "DELETE FROM ledger"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), bare.write() as c:
            c.execute(sa.text(change))
    with bare.read() as c:
        assert ledger.history(c, user.id)[1] == 1


def test_checks_hold_after_all_migrations(bare: Database) -> None:
    migrations.upgrade(bare)
    with bare.write() as c:
        insert(c, "ada", role=Role.USER, password=None, coins=5, now_ms=1)
    with pytest.raises(sa.exc.IntegrityError), bare.write() as c:
        c.execute(sa.update(users).values(coins=-1))


def test_processes_that_start_together_migrate_once(bare: Database, bare_database_url: str) -> None:
    code = f"{LEAVING} sys.exit(upgrade(Database.open({bare_database_url!r})) + 10)"
    with ThreadPoolExecutor() as pool:
        ended = list(
            pool.map(lambda _: subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60).returncode, range(2))
        )
    assert sorted(ended) == [10, 11]
    assert migrations.is_current(bare)


def test_sqlite_stays_in_wal_mode(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'a.db'}")
    migrations.upgrade(database)
    database.close()
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    with engine.connect() as c:
        assert c.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    engine.dispose()


def test_a_migrated_connection_checks_foreign_keys_again(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'a.db'}")
    migrations.upgrade(database)
    with pytest.raises(sa.exc.IntegrityError), database.write() as c:
        c.execute(sa.text("INSERT INTO api_keys VALUES ('a', 'nobody', '', '', 'd', '[]', '[]', 0, null, null, null)"))
    database.close()


def test_a_database_of_a_later_version_is_left_alone(bare: Database) -> None:
    migrations.upgrade(bare)
    with bare.write() as c:
        c.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    assert migrations.state_of(bare) is SchemaState.NEW
    with pytest.raises(ConflictError, match="later version"):
        migrations.upgrade(bare)


def test_another_release_of_the_workflows_is_migrated(bare: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    migrations.upgrade(bare)
    monkeypatch.setattr(state, "durable_release", lambda: "99.0")
    assert migrations.state_of(bare) is SchemaState.OLD
    assert migrations.upgrade(bare)


def test_a_migration_that_fails_leaves_nothing(bare: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    from avatarium.accounts import triggers

    monkeypatch.setitem(triggers.INSTALL, bare.engine.dialect.name, ("CREATE NONSENSE",))
    with pytest.raises(sa.exc.DBAPIError):
        runner.run(bare, "head")
    assert not set(metadata.tables) & _tables(bare)


def test_the_last_number_is_that_of_alembic(bare: Database) -> None:
    with bare.read() as c:
        scripts = ScriptDirectory.from_config(runner.config(c))
    assert scripts.get_heads() == [migrations.head()]
    numbers = [script.revision for script in scripts.walk_revisions()][::-1]
    assert numbers == [f"{number:04d}" for number in range(1, len(numbers) + 1)]


def test_asking_whether_it_is_current_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from avatarium.database import Database; from avatarium.migrations import is_current; "
        f"assert not is_current(Database.open('sqlite:///{tmp_path / 'a.db'}')); "
        "assert not {'alembic', 'dbos'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_a_migration_can_be_made(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'a.db'}")
    migrations.upgrade(database)
    folder = tmp_path / "versions"
    folder.mkdir()
    extra = sa.Table("extra_for_this_test", metadata, sa.Column("id", sa.Integer, primary_key=True))
    try:
        path = runner.make(database, "one more", folder)
    finally:
        metadata.remove(extra)
        database.close()
    assert path == folder / f"{int(migrations.head()) + 1:04d}_one_more.py"
    assert "extra_for_this_test" in path.read_text() and "ledger" not in path.read_text()
