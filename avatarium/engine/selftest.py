"""How fast this machine is: a sentence is spoken and a portrait rendered, both timed."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from avatarium.engine.avatars import BUILT_IN
from avatarium.engine.options import SpeakOptions
from avatarium.engine.script import Script
from avatarium.engine.speech import Speech, find_voice, synthesize, warm_up
from avatarium.engine.talking import perform, prepare_view
from avatarium.engine.video import Size

SENTENCE = "This machine is good enough."
SIZE = Size(1280, 720)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """What was measured with a built-in avatar and a fast voice at 1280x720, 25 frames a second."""

    voice: str
    frames: int
    render_ms: float
    """CPU time of rendering one frame, on one thread, without encoding."""
    speech_cpu: float
    """Seconds of CPU for a second of speech."""
    real_time_factor: float
    """Seconds of work for a second of video, from speech to finished file; below 1 is faster than playback."""


def run_self_test() -> SelfTest:
    """Make two seconds of video and throw them away.

    Raises:
        AvatariumError: speaking does not work here; the message says why.
    """
    voice = find_voice("en", live=True)
    view = prepare_view(BUILT_IN[0].name, SpeakOptions(size=SIZE))
    warm_up(voice)
    before = time.process_time()
    speech = synthesize(SENTENCE, voice)
    speech_s = time.process_time() - before
    with tempfile.TemporaryDirectory() as folder:
        # The first frames compile what the later ones run; they are not counted.
        perform(view, _script(_beginning(speech)), Path(folder) / "warm.mp4")
        take = perform(view, _script(speech), Path(folder) / "test.mp4")
    return SelfTest(
        voice=voice.name,
        frames=take.frames,
        render_ms=take.render_cpu_s / take.frames * 1000,
        speech_cpu=speech_s / speech.duration_s,
        real_time_factor=take.real_time_factor,
    )


def _script(speech: Speech) -> Script:
    return Script([speech], speech.duration_s)


def _beginning(speech: Speech) -> Speech:
    return Speech(audio=speech.audio[: speech.rate // 5], rate=speech.rate, phonemes=(), words=())
