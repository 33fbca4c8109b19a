"""Sound of any length on a scratch file, so that any part of it can be heard again in little memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import soxr

from avatarium.engine.files import StrPath
from avatarium.engine.video.sound import sound_blocks
from avatarium.errors import AudioError

if TYPE_CHECKING:  # the package of speech brings its models along when it is imported
    from avatarium.engine.speech.records import Samples

BLOCK_S = 30.0
_SCALE = np.float32(32_767.0)
_QUIET = 2e-5


class Tape:
    """Mono sound at one rate; two bytes a sample on the disk. For one thread."""

    def __init__(self, file: IO[bytes], rate: int) -> None:
        self._file = file
        self.rate = rate
        self.length = 0
        """Samples."""
        self.peak = 0.0
        """Of the loudest sample, 0 to 1."""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.length / self.rate

    def write(self, sound: Samples) -> None:
        """Put sound behind what there is."""
        self.peak = max(self.peak, float(np.abs(sound).max(initial=0.0)))
        self._file.seek(0, os.SEEK_END)
        self._file.write((np.clip(sound, -1.0, 1.0) * _SCALE).round().astype("<i2").tobytes())
        self.length += len(sound)

    def read(self, start_s: float, end_s: float) -> Samples:
        """The sound between two times, as much of it as there is."""
        first = min(max(0, round(start_s * self.rate)), self.length)
        last = min(max(first, round(end_s * self.rate)), self.length)
        self._file.seek(2 * first)
        heard: Samples = np.frombuffer(self._file.read(2 * (last - first)), "<i2").astype(np.float32) / _SCALE
        return heard

    def blocks(self) -> Iterator[Samples]:
        """All of it, half a minute at a time."""
        for i in range(int(np.ceil(self.duration_s / BLOCK_S))):
            yield self.read(i * BLOCK_S, (i + 1) * BLOCK_S)


@contextmanager
def taped(source: StrPath | Samples, rate: int, *, given_rate: int | None = None, max_s: float) -> Iterator[Tape]:
    """The sound of a file, of a video, or of samples at ``given_rate``, as a tape that goes when the block is left.

    Raises:
        AudioError: as :func:`read_sound`, without ``sound_truncated``: what a file holds is what is heard.
    """
    with tempfile.TemporaryFile() as file:
        tape = Tape(file, rate)
        blocks = sound_blocks(source, rate) if isinstance(source, str | os.PathLike) else _cut(source, given_rate, rate)
        for block in blocks:
            tape.write(block)
            if tape.duration_s > max_s:
                name = Path(source).name if isinstance(source, str | os.PathLike) else "The recording"
                raise AudioError(f"{name} is longer than {max_s / 60:g} minutes. Cut it.", code="sound_too_long")
        if tape.peak < _QUIET:
            raise AudioError("The recording is silent. Use one in which somebody speaks.", code="silent_audio")
        yield tape


def _cut(samples: Samples, given_rate: int | None, rate: int) -> Iterator[Samples]:
    given = given_rate or rate
    mono = samples.mean(axis=1, dtype=np.float32) if samples.ndim == 2 else np.asarray(samples, np.float32)
    stream = soxr.ResampleStream(given, rate, 1, dtype="float32")
    size = round(BLOCK_S * given)
    for start in range(0, len(mono), size):
        piece = np.nan_to_num(mono[start : start + size])
        if given == rate:
            yield piece
        else:
            yield stream.resample_chunk(piece, last=start + size >= len(mono)).reshape(-1)
