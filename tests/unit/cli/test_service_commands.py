"""The commands about people, money, settings and backups, on a data folder of their own."""

from __future__ import annotations

import io
import json
import sqlite3
import stat
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from avatarium.cli.doctor_service import Health, examine_service
from avatarium.cli.settings_page import groups, page
from avatarium.cli.tokens import seconds_of
from avatarium.errors import OptionError
from avatarium.settings import Settings
from avatarium.supervisor.home import locked
from tests.unit.cli.conftest import Cli

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    # It is for a whole process, and would keep this test's error stream for all that follow.
    monkeypatch.setattr("avatarium.logs.configure_logging", lambda settings: None)
    monkeypatch.setenv("AVATARIUM_HOME", str(folder))
    for name in ("AVATARIUM_DATABASE_URL", "AVATARIUM_PORT"):
        monkeypatch.delenv(name, raising=False)
    return folder


def _sql(home: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(home / "avatarium.db")) as database, database:
        return database.execute(statement).fetchall()


def test_a_key_is_alone_on_the_last_line_and_opens(cli: Cli) -> None:
    left = cli("token", "create", "--alias", "my app", "--scopes", "read, generate", "--expires", "30d")
    assert left.code == 0 and not left.err
    key = left.out.splitlines()[-1]
    assert key.startswith("sk_") and " " not in key
    listed = cli("token", "list")
    assert "my app" in listed.out and "generate read" in listed.out and key not in listed.out
    number = next(line.split()[0] for line in listed.out.splitlines() if "my app" in line)
    assert cli("token", "revoke", number).code == 0
    assert "my app" not in cli("token", "list").out
    again = cli("token", "revoke", number)
    assert again.code == 1 and "no such key" in again.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["token", "create", "--user", "nobody"], 1, "no user called 'nobody'"),
        (["token", "create", "--scopes", "everything"], 1, "no scope 'everything'"),
        (["token", "create", "--expires", "soon"], 2, "no span"),
        (["token", "create", "--origin", "example"], 1, "no origin"),
        (["user", "disable", "admin"], 1, "only admin"),
        (["coins", "grant", "0"], 2, "greater than or equal to 1"),
        (["coins", "show", "--user", "nobody"], 1, "no user"),
    ],
)
def test_what_cannot_be_is_one_line(cli: Cli, arguments: list[str], code: int, words: str) -> None:
    left = cli(*arguments)
    assert left.code == code and words in left.err and left.err.count("\n") == 1
    assert "sk_" not in left.out


def test_users_come_and_go(cli: Cli) -> None:
    added = cli("user", "add", "Ada", "--coins", "7")
    assert added.code == 0 and "7 coins" in added.out
    assert cli("user", "add", "ada").code == 1
    key = cli("token", "create", "--user", "ada").out.splitlines()[-1]
    assert key.startswith("sk_")
    assert cli("user", "disable", "ada").code == 0
    assert [line.split()[-2] for line in cli("user", "list").out.splitlines()[1:]] == ["active", "disabled"]
    assert cli("user", "enable", "ada").code == 0
    assert "disabled" not in cli("user", "list").out


def test_a_password_is_read_from_a_pipe(cli: Cli, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    assert cli("user", "password", "admin").code == 0
    kept = str(_sql(home, "SELECT password FROM users")[0][0])
    assert kept and "horse" not in kept
    assert cli("user", "password", "admin", "--remove").code == 0
    assert _sql(home, "SELECT password FROM users") == [(None,)]


def test_coins_are_granted_once_per_key(cli: Cli) -> None:
    assert "got 5 coins" in cli("coins", "grant", "5", "--key", "march", "--note", "for March").out
    assert "had got already" in cli("coins", "grant", "5", "--key", "march").out
    assert cli("coins", "grant", "1", "--diamonds").code == 0
    assert cli("coins", "show").out == "admin: 100005 coins, 1 diamonds\n"
    history = cli("coins", "history").out
    assert "for March" in history and "+100000" in history and "3 of 3" in history


def test_books_that_are_right_and_books_that_are_not(cli: Cli, home: Path) -> None:
    assert cli("coins", "grant", "5").code == 0
    right = cli("reconcile")
    assert right.code == 0 and "1 user, 0 open holds" in right.out
    _sql(home, "UPDATE users SET coins = coins - 1")
    wrong = cli("reconcile")
    assert wrong.code == 1 and "100004" in wrong.out and "100005" in wrong.out


def test_a_hold_of_a_task_that_is_gone_is_named(cli: Cli, home: Path) -> None:
    assert cli("coins", "show").code == 0
    columns = "(user_id, key, delta, unit, kind, subject, note, created_ms)"
    user = _sql(home, "SELECT id FROM users")[0][0]
    _sql(home, f"INSERT INTO ledger {columns} VALUES ('{user}', 'hold:x.1', -5, 'coin', 'hold', 'x.1', '', 1)")
    _sql(home, "UPDATE users SET coins = coins - 5")
    wrong = cli("reconcile")
    assert wrong.code == 1 and "5 coins are still held for x.1" in wrong.out


@pytest.mark.parametrize(("span", "seconds"), [("90m", 5400), ("12h", 43200), ("30d", 2592000), (" 2W ", 1209600)])
def test_spans(span: str, seconds: int) -> None:
    assert seconds_of(span) == seconds


@pytest.mark.parametrize("span", ["", "d", "1", "-1d", "1.5h", "1y", "9999999d"])
def test_what_is_no_span(span: str) -> None:
    with pytest.raises(OptionError):
        seconds_of(span)


def test_migrating_twice_does_nothing_and_the_first_time_shows_a_key(cli: Cli) -> None:
    first = cli("migrate")
    assert first.code == 0 and first.out.splitlines()[-1].startswith("sk_")
    second = cli("migrate")
    assert second.code == 0 and "nothing to do" in second.out and "sk_" not in second.out and "stored" not in second.out


def test_a_database_of_another_version_is_not_touched(cli: Cli, home: Path) -> None:
    assert cli("coins", "show").code == 0
    _sql(home, "UPDATE alembic_version SET version_num = '9999'")
    left = cli("token", "create")
    assert left.code == 1 and "newer" in left.err
    assert cli("migrate").code == 1


def test_the_page_of_settings_is_current() -> None:
    written = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert written == page(), "run `avatarium settings --markdown > docs/settings.md`"


def test_every_setting_is_on_the_page() -> None:
    named = [name for names in groups().values() for name in names]
    assert sorted(named) == sorted(Settings.model_fields)
    assert all(field.description for field in Settings.model_fields.values())


def test_settings_are_shown_without_secrets(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVATARIUM_DATABASE_URL", "postgresql://ada:hunter2@db.example/avatarium")
    monkeypatch.setenv("AVATARIUM_SECRET", "hunter2" * 8)
    shown = cli("settings")
    assert shown.code == 0 and "hunter2" not in shown.out and "db.example" in shown.out


def test_the_doctor_finds_parts_that_are_ill(cli: Cli, home: Path) -> None:
    assert {check.health for check in examine_service()} == {Health.WELL, Health.IDLE}
    assert not home.exists()  # looking makes nothing
    assert cli("migrate").code == 0
    found = {check.part: check for check in examine_service()}
    assert found["storage"].health is found["database"].health is found["secret"].health is Health.WELL
    assert found["workers"].health is Health.IDLE
    (home / "secret").chmod(0o644)
    _sql(home, "UPDATE alembic_version SET version_num = '9999'")
    found = {check.part: check for check in examine_service()}
    assert found["secret"].health is found["database"].health is Health.ILL
    assert "chmod 600" in found["secret"].advice
    with locked(home):
        _sql(home, "UPDATE alembic_version SET version_num = '0001'")
        assert {check.part: check for check in examine_service()}["workers"].health is Health.ILL


# Backups


def test_a_backup_brings_everything_back(cli: Cli, home: Path, tmp_path: Path) -> None:
    assert cli("migrate").code == 0
    assert cli("user", "add", "ada", "--coins", "7").code == 0
    file = tmp_path / "backup.tar.gz"
    assert cli("backup", str(file)).code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = {p.relative_to(home): p.read_bytes() for p in (home / "objects").rglob("*") if p.is_file()}
    secret = (home / "secret").read_bytes()
    assert before

    refused = cli("restore", str(file))
    assert refused.code == 1 and "--replace" in refused.err
    assert cli("user", "add", "eve").code == 0
    assert cli("restore", str(file), "--replace").code == 0
    assert "eve" not in cli("user", "list").out and "ada" in cli("user", "list").out
    (aside,) = home.glob("before-restore-*")
    assert (aside / "avatarium.db").exists() and (aside / "secret").exists()

    other = tmp_path / "other"
    monkey = pytest.MonkeyPatch()
    monkey.setenv("AVATARIUM_HOME", str(other))
    assert cli("restore", str(file)).code == 0
    assert "ada: 7 coins" in cli("coins", "show", "--user", "ada").out
    assert cli("reconcile").code == 0
    assert {p.relative_to(other): p.read_bytes() for p in (other / "objects").rglob("*") if p.is_file()} == before
    assert (other / "secret").read_bytes() == secret
    assert stat.S_IMODE((other / "secret").stat().st_mode) == 0o600
    assert not list(other.glob("before-restore-*")) and not list(other.glob(".restore-*"))
    monkey.undo()


def test_a_backup_is_one_instant_of_a_database_in_use(cli: Cli, home: Path, tmp_path: Path) -> None:
    assert cli("coins", "show").code == 0
    with closing(sqlite3.connect(home / "avatarium.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE users SET coins = 1")
        assert cli("backup", str(tmp_path / "b.tar")).code == 0
        writer.execute("ROLLBACK")
    with tarfile.open(tmp_path / "b.tar") as tar:
        tar.extract("avatarium.db", tmp_path, filter="data")
        names = tar.getnames()
    assert names[0] == "backup.json" and not [name for name in names if name.endswith(("-wal", "-shm", ".lock"))]
    with closing(sqlite3.connect(tmp_path / "avatarium.db")) as copy:
        assert copy.execute("SELECT coins FROM users").fetchall() == [(100_000,)]


def test_nothing_is_restored_under_a_running_service(cli: Cli, home: Path, tmp_path: Path) -> None:
    assert cli("coins", "show").code == 0
    assert cli("backup", str(tmp_path / "b.tar")).code == 0
    with locked(home):
        left = cli("restore", str(tmp_path / "b.tar"), "--replace")
    assert left.code == 1 and "runs already" in left.err


def test_backing_up_nothing_or_postgresql_says_so(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("backup", str(tmp_path / "b.tar")).code == 2
    monkeypatch.setenv("AVATARIUM_DATABASE_URL", "postgresql://db.example/avatarium")
    left = cli("backup", str(tmp_path / "b.tar"))
    assert left.code == 2 and "pg_dump" in left.err
    assert not list(tmp_path.glob("*b.tar*"))


def _tar(path: Path, members: dict[str, bytes], *, link: str = "") -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        if link:
            info = tarfile.TarInfo("objects/link")
            info.type, info.linkname = tarfile.SYMTYPE, link
            tar.addfile(info)
    return path


def test_what_is_no_backup_harms_nothing(cli: Cli, home: Path, tmp_path: Path) -> None:
    good = {"format": 1, "avatarium": "1", "revision": "0001", "made": "", "storage": True}
    manifest = json.dumps(good).encode()
    bad = [
        _tar(tmp_path / "1.tar", {"hello": b"x"}),
        _tar(tmp_path / "2.tar", {"backup.json": manifest, "../evil": b"x"}),
        _tar(tmp_path / "3.tar", {"backup.json": manifest, "/tmp/evil-of-a-test": b"x"}),
        _tar(tmp_path / "4.tar", {"backup.json": manifest}, link="/etc/passwd"),
        _tar(tmp_path / "5.tar", {"backup.json": b"{}"}),
        _tar(tmp_path / "6.tar", {"backup.json": manifest, "avatarium.db": b"no database" * 1000}),
        _tar(tmp_path / "7.tar", {"backup.json": json.dumps(good | {"revision": "9999"}).encode()}),
        tmp_path / "8.tar",
        tmp_path / "not there",
    ]
    bad[7].write_bytes(b"nonsense")
    for file in bad:
        left = cli("restore", str(file))
        assert left.code == 2 and left.err.count("\n") == 1, file
    assert not (tmp_path / "evil").exists() and not Path("/tmp/evil-of-a-test").exists()
    assert {path.name for path in home.iterdir()} == {"serve.lock"}
