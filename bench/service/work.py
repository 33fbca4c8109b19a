"""The tasks that are measured, started and watched as a client does it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from avatarium.errors import UnavailableError
from bench.installation import Client

API = "/api/v1"
SENTENCE = "The quick brown fox jumps over the lazy dog, and nobody in the village is surprised by it. "
RESOLUTION = 720
LOOK_S = 0.05
LONGEST_S = 1800.0
ENDS = ("success", "fail")


@dataclass(slots=True, kw_only=True)
class Watched:
    """A video task as its user saw it."""

    record: dict[str, Any]
    took_s: float
    """From the POST until it was seen done."""
    changes_s: list[float] = field(default_factory=list)
    """When its progress changed, from the POST on."""

    @property
    def gap_s(self) -> float:
        """The longest that progress stood still."""
        moments = [0.0, *self.changes_s, self.took_s]
        return max(later - earlier for earlier, later in zip(moments, moments[1:], strict=False))


def say(client: Client, text: str) -> str:
    """The address of a speech."""
    return str(client.ask("POST", f"{API}/video/send_tts", {"msg": text}).data)


def start_video(client: Client, sound: str) -> str:
    """Start a video of the first avatar that ships; answers with its identifier."""
    avatar = client.ask("GET", f"{API}/anchor/character_list").data[0]["_id"]
    body = {"title": "bench", "anchor_id": avatar, "audioSrc": sound, "resolution": RESOLUTION}
    return str(client.ask("POST", f"{API}/video/generate", body).data["_id"])


def look(client: Client, task_id: str) -> dict[str, Any]:
    """The record of a video."""
    record: dict[str, Any] = client.ask("POST", f"{API}/video/awsResult", {"_id": task_id}).data[0]
    return record


def watch(client: Client, sound: str) -> Watched:
    """Make a video and look at it until it is done.

    Raises:
        UnavailableError: it failed.
    """
    begun = time.perf_counter()
    task_id = start_video(client, sound)
    seen = Watched(record={}, took_s=0.0)
    progress = 0
    while time.perf_counter() - begun < LONGEST_S:
        seen.record = look(client, task_id)
        now_s = time.perf_counter() - begun
        if seen.record["progress"] != progress:
            progress = seen.record["progress"]
            seen.changes_s.append(now_s)
        if seen.record["status"] in ENDS:
            break
        time.sleep(LOOK_S)
    if seen.record["status"] != "success":
        raise UnavailableError(f"The video was not made: {seen.record['error']}.", code="bench_video")
    seen.took_s = time.perf_counter() - begun
    return seen
