"""What a task costs beyond the engine's own work, and how soon it starts."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.service import work
from bench.service.figures import Figure
from bench.service.installation import Client, Service

OVERHEAD_BAR_S = 1.0
GAP_BAR_S = 2.0
SECONDS_A_SENTENCE = 5.2


def speech_of(client: Client, seconds: float) -> str:
    """The address of a speech of about this length."""
    return work.say(client, work.SENTENCE * max(1, round(seconds / SECONDS_A_SENTENCE)))


def videos(
    service: Service, home: Path, seconds: float, runs: int, note: Callable[[str], None]
) -> tuple[list[Figure], str]:
    """Videos one after the other, each beside the engine alone on the same speech; and the last one's identifier."""
    client = service.client()
    sound = speech_of(client, seconds)
    key = sound.split("/files/")[1].split("?")[0]
    alone = Alone(home / "objects" / key)
    note(f"{runs} videos of {seconds:g} s, and the engine alone")
    work.watch(client, sound)  # the process of the engine warms up, as this one does
    alone.make()
    pairs = [(work.watch(client, sound), alone.make()) for _ in range(runs)]
    seen, engine_s = min(pairs, key=lambda pair: pair[0].took_s - pair[1])
    took_s = seen.took_s
    return [
        Figure(name=f"video/generate, {seconds:g} s at 720p", value=took_s, unit="s", baseline=engine_s),
        Figure(name="of it not the engine", value=took_s - engine_s, unit="s", bar=OVERHEAD_BAR_S),
        Figure(name="from POST to running", value=seen.start_s, unit="s"),
        Figure(name="longest standstill of progress", value=seen.gap_s, unit="s", bar=GAP_BAR_S),
    ], seen.record["_id"]


class Alone:
    """The engine in this process, with what the service's media process has: one thread of each library."""

    def __init__(self, sound: Path) -> None:
        self._sound = sound

    def make(self) -> float:
        """Seconds for one video of the speech."""
        import cv2

        from avatarium.engine.spoken import SpokenFile
        from avatarium.engine.talking import SpeakOptions, speak
        from avatarium.engine.video import Canvas

        cv2.setNumThreads(1)
        marks = self._sound.with_name("speech.json").read_text(encoding="utf-8")
        spoken = SpokenFile.from_json(marks, self._sound)
        options = SpeakOptions(canvas=Canvas(resolution=work.RESOLUTION))
        with TemporaryDirectory() as folder:
            start = time.perf_counter()
            speak("ava", Path(folder) / "video.mp4", audio=spoken, options=options)
            return time.perf_counter() - start


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
