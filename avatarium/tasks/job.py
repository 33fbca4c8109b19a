"""What a step of a task works with, in its media process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

from avatarium.clock import DAY_MS, Clock
from avatarium.tasks.models import Task
from avatarium.tasks.start import Start

if TYPE_CHECKING:
    from avatarium.catalogue.service import Catalogue
    from avatarium.database import Database
    from avatarium.settings import Settings
    from avatarium.storage.fetch import Fetched, Fetcher
    from avatarium.storage.service import Storage
    from avatarium.storage.sniff import Kind

SCRATCH = "scratch"


class Job(Generic[Start]):
    """One task as a step sees it. Lives in a media process, for one step."""

    def __init__(
        self,
        *,
        task: Task,
        start: Start,
        results: dict[str, Any],
        settings: Settings,
        database: Database,
        storage: Storage,
        fetcher: Fetcher,
        catalogue: Catalogue,
        clock: Clock,
        report: Callable[[float], None],
    ) -> None:
        self.task = task
        self.start = start
        self.results = results
        """What the steps before returned, merged."""
        self.settings = settings
        self.database = database
        """For what a step writes beside its files; in one transaction with a look at whether it is still wanted."""
        self.storage = storage
        self.clock = clock
        self.catalogue = catalogue
        self._fetcher = fetcher
        self._report = report
        self.scratch = scratch_of(settings.home, task.id)
        self.scratch.mkdir(parents=True, exist_ok=True)

    @property
    def facts(self) -> dict[str, Any]:
        """What was found out when the task was accepted."""
        return self.task.facts

    def progress(self, fraction: float) -> None:
        """Tell how much of this step is done, 0 to 1. Call it as often as you like."""
        self._report(min(max(fraction, 0.0), 1.0))

    def fetch(self, url: str, kind: Kind, name: str) -> Fetched:
        """A stranger's file on the local disk, in the scratch folder; fetched once for all steps of an attempt.

        On another machine than before it is fetched again, and may have become another: a step that counts on what an
        earlier one measured has to check it.

        Raises:
            RequestError: it cannot be had, or is something else than was asked for.
        """
        from avatarium.storage.fetch import judged

        path = self.scratch / f"{self.task.attempt}-{name}"
        if not path.exists():
            part = path.with_name(path.name + ".part")
            self._fetcher.fetch(url, part, kind=kind, owner=self.task.user_id, on_progress=self._note_bytes)
            part.replace(path)
        return judged(path, kind)

    def _note_bytes(self, received: int, announced: int | None) -> None:
        if announced:
            self.progress(received / announced)

    def stored(self, key: str, name: str) -> Path:
        """A file of ours on the local disk, as ``name`` in the scratch folder."""
        path = self.scratch / name
        if not path.exists():
            part = path.with_name(path.name + ".part")
            self.storage.copy_to(key, part)
            part.replace(path)
        return path

    def publish(self, path: Path, name: str, media_type: str, *, duration_s: float | None = None) -> str:
        """Put a result into storage; it expires with the task. Answers with its key."""
        key = results_of(self.task) + name
        expires_ms = self.clock.now_ms() + round(self.settings.result_days * DAY_MS)
        self.storage.put(
            key,
            path,
            owner=self.task.user_id,
            media_type=media_type,
            expires_ms=expires_ms,
            duration_s=duration_s,
            task_id=self.task.id,
        )
        return key


def scratch_of(home: Path, task_id: str) -> Path:
    """The folder of a task's files on this machine."""
    return home / SCRATCH / task_id


def results_of(task: Task) -> str:
    """What the keys of a task's results begin with."""
    return f"results/{task.user_id}/{task.id}/"
