"""How soon the API answers: idle, and while two videos are being made."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.figures import Figure, Spread
from bench.installation import Client, Service
from bench.service import work

PACE_S = 0.01
"""Between two requests: one client that looks often, not one that floods."""
P50_BAR_MS, P99_BAR_MS = 5.0, 50.0
WARM_UP = 20
Call = tuple[str, str, Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """Requests of one kind."""

    spread: Spread
    cpu_ms: float
    """Of the API process, for one request."""
    a_second: float


def calls(finished: str) -> dict[str, Call]:
    """The bare framework first, then what authenticated clients read most."""
    return {
        "healthz": ("GET", "/healthz", None),
        "user/remainingCoins": ("GET", f"{work.API}/user/remainingCoins", None),
        "talkingPhoto/allRecords": ("GET", f"{work.API}/talkingPhoto/allRecords", None),
        "video/awsResult": ("POST", f"{work.API}/video/awsResult", {"_id": finished}),
        "anchor/character_list": ("GET", f"{work.API}/anchor/character_list", None),
    }


def time_calls(service: Service, client: Client, call: Call, count: int, *, pace_s: float) -> Timed:
    """Make a call again and again over one connection."""
    for _ in range(WARM_UP):
        client.ask(*call)
    times = []
    cpu_s, begun = service.cpu_s("api"), time.perf_counter()
    for _ in range(count):
        reply = client.ask(*call)
        assert reply.data is not None
        times.append(reply.took_ms)
        time.sleep(pace_s)
    took_s = time.perf_counter() - begun
    cpu_ms = (service.cpu_s("api") - cpu_s) * 1000 / count
    return Timed(spread=Spread.of(times), cpu_ms=cpu_ms, a_second=count / took_s)


def answers(service: Service, sound: str, finished: str, count: int, note: Callable[[str], None]) -> list[Figure]:
    """Idle, saturated by one client, and beside two videos."""
    client, every = service.client(), calls(finished)
    note("answers of an idle service")
    idle = {name: time_calls(service, client, call, count, pace_s=PACE_S) for name, call in every.items()}
    full = {name: time_calls(service, client, call, count, pace_s=0) for name, call in every.items()}
    note("answers beside two videos")
    busy = {name: _beside_videos(service, client, call, count, sound) for name, call in every.items()}
    return [*_latencies("idle", idle, idle, bars=False), *_latencies("2 videos", busy, idle, bars=True), *_costs(full)]


def _beside_videos(service: Service, client: Client, call: Call, count: int, sound: str) -> Timed:
    videos = [work.start_video(client, sound) for _ in range(2)]
    while any(work.look(client, video)["progress"] < 1 for video in videos):
        time.sleep(work.LOOK_S)
    timed = time_calls(service, client, call, count, pace_s=PACE_S)
    still = [work.look(client, video)["status"] for video in videos]
    assert not any(status in work.ENDS for status in still), "The videos were done before the requests; use fewer."
    for video in videos:
        client.ask("DELETE", f"{work.API}/video/{video}")
    return timed


def _latencies(when: str, timed: Mapping[str, Timed], idle: Mapping[str, Timed], *, bars: bool) -> list[Figure]:
    figures = []
    for name, measured in timed.items():
        base, spread = idle[name].spread, measured.spread
        limits = (P50_BAR_MS, None, P99_BAR_MS) if bars and name != "healthz" else (None, None, None)
        parts = (("p50", spread.p50, base.p50), ("p95", spread.p95, base.p95), ("p99", spread.p99, base.p99))
        figures += [
            Figure(name=f"{name}, {when}, {part}", value=value, baseline=before, bar=bar)
            for (part, value, before), bar in zip(parts, limits, strict=True)
        ]
    return figures


def _costs(full: Mapping[str, Timed]) -> list[Figure]:
    bare = full["healthz"]
    return [
        *(Figure(name=f"{n}, CPU / healthz", value=t.cpu_ms, baseline=bare.cpu_ms) for n, t in full.items()),
        *(
            Figure(name=f"{n}, saturated / healthz", value=t.a_second, unit="1/s", baseline=bare.a_second)
            for n, t in full.items()
        ),
    ]
