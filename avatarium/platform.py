"""One installation as a process sees it: settings, database, storage, accounts, catalogue and tasks, opened once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from avatarium.accounts.limits import RateLimiter
from avatarium.accounts.service import Accounts
from avatarium.catalogue.service import Catalogue
from avatarium.catalogue.vendor import offer_vendor
from avatarium.clock import Clock
from avatarium.database import Database
from avatarium.errors import NotFoundError, UnavailableError
from avatarium.families import load_families
from avatarium.prices import Prices
from avatarium.secret import load_secret
from avatarium.settings import Settings
from avatarium.storage.fetch import Fetcher
from avatarium.storage.service import Storage
from avatarium.storage.uploads import Uploads
from avatarium.streaming.films import Films
from avatarium.streaming.rooms import Rooms
from avatarium.tasks import repository
from avatarium.tasks.family import Desk, Family
from avatarium.tasks.models import Task
from avatarium.tasks.poster import Poster
from avatarium.tasks.service import Tasks

LINK_SLACK_S = 3600.0
"""A file's address outlives the file by this, so that the answer is "gone" and not "forged"."""
MEDIA_POOL_SIZE = 2
"""Database connections that a media process keeps: it does one thing at a time."""


@dataclass(frozen=True, slots=True)
class SignedLinks:
    """Addresses of stored files for one answer, good as long as the files are kept."""

    storage: Storage
    base_url: str
    seconds: float

    def url(self, key: str) -> str:
        """The signed address of a file; empty for an empty key."""
        return self.storage.url(key, base_url=self.base_url, seconds=self.seconds) if key else ""


class MediaPlatform:
    """What a media process needs: no tasks to change, no money to move."""

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        self.settings = settings
        self.database = database
        self.clock = clock
        offer_vendor(settings)
        self.secret = load_secret(settings)
        self.storage = Storage.open(settings, database, clock)
        self.fetcher = Fetcher(settings, self.storage)
        self.catalogue = Catalogue(database=database, storage=self.storage, clock=clock)
        self.families: dict[str, Family[Any]] = load_families(settings.plugins)
        self.prices = Prices(settings.prices)

    @classmethod
    def open(cls, settings: Settings, clock: Clock | None = None) -> MediaPlatform:
        """Open an installation.

        Raises:
            OptionError: a setting cannot be used.
        """
        database = Database.open(settings.database, pool_size=MEDIA_POOL_SIZE)
        return cls(settings, database, clock or Clock())

    def task(self, task_id: str) -> Task:
        """A task, whoever owns it.

        Raises:
            NotFoundError: it is gone.
        """
        with self.database.read() as c:
            task = repository.find(c, task_id, owner=None)
        if task is None:
            raise NotFoundError("The task is gone.", code="task_not_found")
        return task

    def links(self, base_url: str) -> SignedLinks:
        """Addresses of files under ``base_url``."""
        seconds = self.settings.result_days * 86400 + LINK_SLACK_S
        return SignedLinks(self.storage, base_url, seconds)

    def close(self) -> None:
        """Give everything back."""
        self.database.close()


class Platform(MediaPlatform):
    """What the API, workers and commands need."""

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        super().__init__(settings, database, clock)
        self.accounts = Accounts(database, clock, settings)
        self.limiter = RateLimiter(settings)
        self.poster = Poster(settings)
        self.uploads = Uploads(settings, self.storage, self.fetcher)
        self.rooms = Rooms(
            database=database,
            clock=clock,
            settings=settings,
            prices=self.prices,
            catalogue=self.catalogue,
            films=Films(self.storage),
        )

    @classmethod
    def open(cls, settings: Settings, clock: Clock | None = None) -> Platform:
        """Open an installation.

        Raises:
            OptionError: a setting cannot be used.
        """
        return cls(settings, Database.open(settings.database), clock or Clock())

    @cached_property
    def tasks(self) -> Tasks:
        """The tasks; loads what makes them durable, which takes a moment."""
        from avatarium.tasks.durable import DurableDispatcher

        return Tasks(
            database=self.database,
            clock=self.clock,
            settings=self.settings,
            families=self.families,
            dispatcher=DurableDispatcher(self.database),
            desk=self.desk,
        )

    def ready(self) -> dict[str, str]:
        """What keeps this installation from serving, by part; empty when nothing does."""
        from avatarium.migrations import is_current
        from avatarium.tasks.roll import count_alive

        try:
            if not is_current(self.database):
                return {"database": "Its tables are not those of this version. Run `avatarium migrate`."}
            if not count_alive(self.database, self.clock):
                return {"workers": "No worker is running."}
        except UnavailableError as problem:
            return {"database": problem.message}
        return {}

    def desk(self, owner: str, language: str = "") -> Desk:
        """What a family may look at when a user wants something of it."""
        return Desk(
            owner=owner,
            prices=self.prices,
            catalogue=self.catalogue,
            storage=self.storage,
            language=language,
            consent_required=self.settings.twin_consent_required,
            voices_max=self.settings.user_voices_max,
            dubbing_max_s=self.settings.dubbing_max_s,
            dubbing_clones=self.settings.dubbing_voice == "clone",
            translates=bool(self.settings.translation_url),
        )
