"""Writing a sound file: mono samples as they come, in bounded memory; complete under its name, or not there."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from enum import Enum
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Self

import av
import numpy as np
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import OutputContainer

from avatarium.engine.files import StrPath
from avatarium.engine.video.part import PartFile
from avatarium.errors import OptionError, OutputError

if TYPE_CHECKING:  # the package of speech brings its models along when it is imported
    from avatarium.engine.speech.records import Samples


class SoundKind(Enum):
    """A kind of sound file; the value is its ending and FFmpeg's name of the container."""

    MP3 = "mp3"
    """LAME at a constant bit rate, its delay and padding in the header, so that players cut them off again."""
    WAV = "wav"
    """Sixteen-bit PCM."""


MP3_RATES: Mapping[int, int] = MappingProxyType(
    {16000: 64_000, 22050: 96_000, 24000: 96_000, 32000: 112_000, 44100: 128_000, 48000: 128_000}
)
"""Samples a second that MPEG layer III knows and suit speech, with the bits a second that leave nothing to be heard."""
_CODECS = {SoundKind.MP3: ("libmp3lame", "fltp"), SoundKind.WAV: ("pcm_s16le", "s16")}
_LAME_SCALE = 0.95
"""LAME turns everything down by so much before it encodes; undone, so that the level stays what it was."""
_MPEG1_RATE, _MPEG1_FRAME, _MPEG2_FRAME = 32000, 1152, 576
"""Layer III has two granules a frame from MPEG-1's lowest rate on, one below (ISO/IEC 13818-3)."""


def sound_kind(path: StrPath) -> SoundKind:
    """The kind of file that the name's ending asks for.

    Raises:
        OptionError: ``sound_format`` for another ending.
    """
    ending = Path(path).suffix.lower().removeprefix(".")
    if ending not in (kind.value for kind in SoundKind):
        shown = f"ends in .{ending}" if ending else "has no ending"
        raise OptionError(f"{Path(path).name} {shown}. Name it .mp3 or .wav.", code="sound_format")
    return SoundKind(ending)


class SoundWriter:
    """Writes mono sound to ``.mp3`` or ``.wav`` at the rate that it comes in; nothing is resampled or levelled.

    What :func:`read_sound` reads back has the same number of samples, none of them moved. The same input gives the
    same bytes. The file takes its name when it is complete; use it as a context manager: an exception inside discards
    it. Not for several threads at once.

    Args:
        path: where the file shall be; the ending decides the kind.
        rate: samples a second, of :data:`MP3_RATES`.

    Raises:
        OptionError: ``sound_format`` or ``sound_rate``.
        OutputError: here or later, as :class:`PartFile` says, and ``output_empty`` (closed without a sample).
    """

    def __init__(self, path: StrPath, *, rate: int) -> None:
        self.samples = 0
        """How many were given to the writer so far."""
        self.rate = rate
        self._sent = 0
        kind = sound_kind(path)
        if rate not in MP3_RATES:
            rates = ", ".join(str(known) for known in MP3_RATES)
            raise OptionError(f"Sound of {rate} samples a second is not written. Use {rates}.", code="sound_rate")
        self._rest = np.empty(0, np.float32)
        self._frame = _MPEG1_FRAME if rate >= _MPEG1_RATE else _MPEG2_FRAME
        self._container: OutputContainer | None = None
        self._file = PartFile(path)
        with ExitStack() as undo, self._file.writing():
            undo.callback(self.abort)
            self._container = av.open(str(self._file.part), "w", format=kind.value, options={"fflags": "+bitexact"})
            self._stream = self._added(self._container, kind)
            undo.pop_all()

    def _added(self, container: OutputContainer, kind: SoundKind) -> AudioStream:
        codec, self._format = _CODECS[kind]
        stream = container.add_stream(codec, rate=self.rate, layout="mono")
        assert isinstance(stream, AudioStream)
        stream.codec_context.format = self._format
        stream.codec_context.flags |= Flags.bitexact
        if kind is SoundKind.MP3:
            stream.codec_context.bit_rate = MP3_RATES[self.rate]
        return stream

    @property
    def duration_s(self) -> float:
        """Length of what was written."""
        return self.samples / self.rate

    def write(self, samples: Samples) -> None:
        """Add ``float32`` samples of -1..1, any number of them; what is beyond is cut."""
        if self._container is None:
            raise ValueError("this writer is closed")
        if samples.ndim != 1 or samples.dtype != np.float32:
            raise ValueError(f"sound must be float32 of one dimension, not {samples.dtype} {samples.shape}")
        self.samples += len(samples)
        waiting = np.concatenate((self._rest, samples))
        whole = len(waiting) // self._frame * self._frame
        self._rest = waiting[whole:].copy()
        with self._file.writing():
            for at in range(0, whole, self._frame):
                self._send(waiting[at : at + self._frame])

    def close(self) -> None:
        """Finish the file and give it its name."""
        container = self._container
        if container is None:
            return
        with ExitStack() as undo, self._file.writing():
            undo.callback(self.abort)
            if not self.samples:
                raise OutputError(
                    f"{self._file.path.name} was not written: there is no sound in it.", code="output_empty"
                )
            if len(self._rest):
                self._send(self._rest)
            container.mux(self._stream.encode(None))
            container.close()
            self._container = None
            self._file.land()
            undo.pop_all()

    def abort(self) -> None:
        """Discard the file; nothing stays under its name that was not there before."""
        container, self._container = self._container, None
        if container is not None:
            # The header or trailer may fail as the rest did (a full disk); the file goes anyway.
            with suppress(OSError, av.FFmpegError, ValueError):
                container.close()
        self._file.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abort()

    def _send(self, samples: Samples) -> None:
        assert self._container is not None
        level = np.clip(samples, -1, 1)
        if self._format == "s16":
            packed = np.rint(level * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(packed[None], format="s16", layout="mono")
        else:
            loud = level / np.float32(_LAME_SCALE)
            frame = av.AudioFrame.from_ndarray(loud[None], format=self._format, layout="mono")
        frame.sample_rate = self.rate
        frame.pts, frame.time_base = self._sent, Fraction(1, self.rate)
        self._sent += len(samples)
        self._container.mux(self._stream.encode(frame))
