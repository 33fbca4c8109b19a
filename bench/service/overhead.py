"""What a task costs beyond the engine's own work, and how soon it starts."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from avatarium.tasks.slot import THREADS
from bench.figures import Figure, Spread
from bench.installation import Client, Service
from bench.service import work

OVERHEAD_BAR_S = 1.0
GAP_BAR_S = 2.0
SECONDS_A_SENTENCE = 5.2


def speech_of(client: Client, seconds: float) -> str:
    """The address of a speech of about this length."""
    return work.say(client, work.SENTENCE * max(1, round(seconds / SECONDS_A_SENTENCE)))


def videos(
    service: Service, home: Path, seconds: float, runs: int, note: Callable[[str], None]
) -> tuple[list[Figure], str]:
    """Videos one after the other, each beside the engine alone on the same speech; and the last one's identifier.

    Whatever else runs on the machine disturbs the two differently, so the pair that was disturbed least counts.
    """
    client = service.client()
    sound = speech_of(client, seconds)
    key = sound.split("/files/")[1].split("?")[0]
    speech_file = home / "objects" / key
    note(f"{runs} videos of {seconds:g} s, and the engine alone")
    os.environ.update(dict.fromkeys(THREADS, "1"))
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_as_a_slot) as alone:
        pairs = []
        for number in range(runs + 1):
            cpu_s = service.cpu_s()
            seen = work.watch(service.client(), sound)  # a connection that idles meanwhile is closed
            cpu_s = service.cpu_s() - cpu_s
            engine = alone.submit(engine_alone, speech_file).result(timeout=work.LONGEST_S)
            if number:  # the first one warms up
                pairs.append((seen, cpu_s, engine))
    seen, cpu_s, engine = min(pairs, key=lambda pair: pair[0].took_s - pair[2].wall_s)
    took_s = seen.took_s
    return [
        Figure(name=f"video/generate, {seconds:g} s at 720p", value=took_s, unit="s", baseline=engine.wall_s),
        Figure(name="of it not the engine", value=took_s - engine.wall_s, unit="s", bar=OVERHEAD_BAR_S),
        Figure(name="CPU of all processes", value=cpu_s, unit="s", baseline=engine.cpu_s),
        Figure(name="of it not the engine's", value=cpu_s - engine.cpu_s, unit="s"),
        *_steps(home / "avatarium.db", str(seen.record["_id"]), seen),
        Figure(name="longest standstill of progress", value=seen.gap_s, unit="s", bar=GAP_BAR_S),
    ], str(seen.record["_id"])


def _steps(database: Path, task_id: str, seen: work.Watched) -> list[Figure]:
    """How long each step took by the records of the workflow, and what lay between them."""
    query = (
        "SELECT function_name, completed_at_epoch_ms - started_at_epoch_ms FROM operation_outputs "
        "WHERE workflow_uuid LIKE ? ORDER BY function_id"
    )
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        rows = connection.execute(query, (f"{task_id}.%",)).fetchall()
    steps = [Figure(name=f"step {name}", value=took_ms / 1000, unit="s") for name, took_ms in rows]
    between_s = seen.took_s - sum(step.value for step in steps)
    return [*steps, Figure(name="outside the steps", value=between_s, unit="s")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What one piece of work took."""

    wall_s: float
    cpu_s: float


def _as_a_slot() -> None:
    """What a media process has: one thread of each library, and the same place in the queue for a core."""
    import cv2

    from avatarium.tasks.media_process import NICENESS

    os.nice(NICENESS["media"])
    cv2.setNumThreads(1)


def engine_alone(sound: Path) -> Spent:
    """One video of a speech, made by the engine's one call; runs in a process of its own."""
    from avatarium.engine.options import SpeakOptions
    from avatarium.engine.spoken import SpokenFile
    from avatarium.engine.talking import speak
    from avatarium.engine.video import Canvas

    marks = sound.with_name("speech.json").read_text(encoding="utf-8")
    spoken = SpokenFile.from_json(marks, sound)
    options = SpeakOptions(canvas=Canvas(resolution=work.RESOLUTION))
    with TemporaryDirectory() as folder:
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        speak("ava", Path(folder) / "video.mp4", audio=spoken, options=options)
        return Spent(wall_s=time.perf_counter() - wall_s, cpu_s=time.process_time() - cpu_s)


def waits(home: Path) -> list[Figure]:
    """From queued to taken up, by queue, as the tasks that ran so far have it written down."""
    query = "SELECT queue, started_ms - created_ms FROM tasks WHERE started_ms IS NOT NULL ORDER BY queue"
    with closing(sqlite3.connect(f"file:{home / 'avatarium.db'}?mode=ro", uri=True)) as connection:
        rows = connection.execute(query).fetchall()
    spreads = {queue: Spread.of([ms for name, ms in rows if name == queue]) for queue in sorted({q for q, _ in rows})}
    return [Figure(name=f"queued to taken up, {queue}, median", value=s.p50) for queue, s in spreads.items()]


def speech(service: Service, runs: int, note: Callable[[str], None]) -> list[Figure]:
    """send_tts beside the same synthesis in this process."""
    from avatarium.catalogue.voices import default_voice, wanted_locale
    from avatarium.engine.spoken import speak_to_file

    note(f"{runs} speeches, and the synthesis alone")
    client, voice = service.client(), default_voice(wanted_locale())
    pairs = []
    with TemporaryDirectory() as folder:
        for number in range(runs + 1):
            text = f"{work.SENTENCE} Number {number}."
            start = time.perf_counter()
            work.say(client, text)
            between = time.perf_counter()
            speak_to_file(text, voice.name, Path(folder) / "speech.mp3")
            pairs.append(((between - start) * 1000, (time.perf_counter() - between) * 1000))
    whole, bare = sorted(pairs[1:], key=lambda pair: pair[0] - pair[1])[len(pairs[1:]) // 2]
    return [
        Figure(name="send_tts, one sentence", value=whole, baseline=bare),
        Figure(name="of it not the synthesis", value=whole - bare),
    ]
