"""What Prometheus reads: answers by route, how long they took, tasks and live rooms by state, stages."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from avatarium.clock import SECOND_MS
from avatarium.database import Database
from avatarium.errors import UnavailableError
from avatarium.streaming import repository as rooms
from avatarium.streaming.models import StageRecord
from avatarium.tasks import repository

BUCKETS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 150)
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """The counters of one app; each app has its own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "avatarium_requests", "Answers of the API.", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "avatarium_request_seconds",
            "Seconds until an answer was complete.",
            ["method", "route"],
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)

    def observe(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer. Status 0 is a client that went away before it."""
        known = method if method in KNOWN_METHODS else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(known, route).observe(seconds)

    def count_tasks(self, database: Database) -> None:
        """Add the tasks by state, read anew for every page."""
        self.registry.register(_Tasks(database))

    def count_rooms(self, database: Database) -> None:
        """Add live rooms by state, and the stages, read anew for every page."""
        self.registry.register(_Rooms(database))

    def page(self) -> bytes:
        """The page in Prometheus' text format."""
        return generate_latest(self.registry)


class _Tasks(Collector):
    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        gauge = GaugeMetricFamily("avatarium_tasks", "Tasks by family and state.", labels=["family", "state"])
        try:
            with self._database.read() as c:
                counts = repository.count_by_state(c)
        except UnavailableError:
            return  # a page without them tells more than no page
        for (family, state), number in counts.items():
            gauge.add_metric([family, state], number)
        yield gauge


class _Rooms(Collector):
    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        try:
            with self._database.read() as c:
                counts, stages = rooms.count_by_state(c), rooms.all_stages(c)
                taken = rooms.places_taken(c)
        except UnavailableError:
            return
        by_state = GaugeMetricFamily("avatarium_rooms", "Live rooms that are open, by state.", labels=["state"])
        for state, number in counts.items():
            by_state.add_metric([state], number)
        yield by_state
        gauges: dict[str, tuple[str, Callable[[StageRecord], float]]] = {
            "places": ("Rooms of 512 by 512 that a stage holds.", lambda stage: stage.places),
            "places_taken": ("Places of a stage that rooms take.", lambda stage: taken.get(stage.id, 0.0)),
            "load": ("Share of its core that the rooms of a stage take.", lambda stage: stage.load),
            "late": ("Share of the ticks of a stage that came too late.", lambda stage: stage.late),
            "seen_seconds": ("When a stage was last seen, since 1970.", lambda stage: stage.seen_ms / SECOND_MS),
        }
        for name, (words, value) in gauges.items():
            gauge = GaugeMetricFamily(f"avatarium_stage_{name}", words, labels=["stage"])
            for stage in stages:
                gauge.add_metric([stage.id], value(stage))
            yield gauge
