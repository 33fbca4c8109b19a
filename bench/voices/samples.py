"""A sample of each voice as a small MP3, which ships with the package."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import av
import numpy as np

from avatarium.engine.speech import Speech, Voice, synthesize
from bench.voices.texts import introduction

FOLDER = Path(str(resources.files("avatarium.catalogue"))) / "samples"
BITS_A_SECOND = 32_000


def write_samples(chosen: Sequence[Voice]) -> None:
    """Make the samples of some voices."""
    FOLDER.mkdir(exist_ok=True)
    for voice in chosen:
        path = FOLDER / f"{voice.name}.mp3"
        write_mp3(synthesize(introduction(voice), voice, threads=1), path)
        print(path.name, path.stat().st_size, flush=True)


def write_mp3(speech: Speech, path: Path) -> None:
    """Mono MP3 at the speech's own rate."""
    with av.open(str(path), "w", format="mp3", options={"write_xing": "0", "id3v2_version": "0"}) as container:
        stream = container.add_stream("libmp3lame", rate=speech.rate)
        stream.layout = "mono"
        stream.bit_rate = BITS_A_SECOND
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(speech.audio[None], np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts = speech.rate, 0
        container.mux([packet for made in (frame, None) for packet in stream.encode(made)])
