"""Reading the sound of any common file in stereo, block by block, so that hours of it fit into little memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from avatarium.engine.files import StrPath
from avatarium.engine.video.container import open_media, unreadable
from avatarium.errors import AudioError

Stereo = NDArray[np.float32]
"""``float32`` in -1..1, shape ``(samples, 2)``."""

_GAP_S, _START_GAP_S = 0.1, 0.002
"""A later start than this is a hole in the recording, a smaller one is rounding of time stamps."""


def stereo_blocks(path: StrPath, rate: int, *, max_s: float) -> Iterator[Stereo]:
    """The sound track in blocks; mono comes twice, surround is folded down.

    In a video the sound keeps its place on the time line of the picture, as with ``read_sound``. Packets that are
    damaged are left out.

    Raises:
        AudioError: ``sound_missing``, ``sound_unreadable``, ``sound_no_track`` or ``sound_too_long`` (over ``max_s``).
    """
    with open_media(path, error=AudioError, noun="sound") as container:
        stream = container.streams.best("audio")
        if not isinstance(stream, AudioStream):
            raise AudioError(f"{Path(path).name} has no sound track.", code="sound_no_track")
        if stream.codec_context is None:
            raise unreadable(path, error=AudioError, noun="sound")
        length = 0
        for block in _Unfolding(container, stream, rate).blocks():
            length += len(block)
            if length > max_s * rate:
                raise AudioError(
                    f"{Path(path).name} is longer than {max_s / 60:g} minutes. Cut it.", code="sound_too_long"
                )
            yield block
        if not length:
            raise unreadable(path, error=AudioError, noun="sound")


class _Unfolding:
    def __init__(self, container: InputContainer, stream: AudioStream, rate: int) -> None:
        self._container, self._stream, self._rate = container, stream, rate
        self._origin_s = max(0.0, (container.start_time or 0) / 1e6)
        self._at_s: float | None = None
        self._coming: tuple[str, str, int] | None = None
        self._resampler: av.AudioResampler | None = None
        self._channels = 2

    def blocks(self) -> Iterator[Stereo]:
        try:
            for packet in self._container.demux(self._stream):
                try:
                    frames = packet.decode()
                except av.InvalidDataError:
                    continue
                for frame in frames:
                    yield from self._add(frame)
        except av.FFmpegError as problem:
            raise unreadable(self._container.name, error=AudioError, noun="sound") from problem
        yield from self._flush()

    def _add(self, frame: AudioFrame) -> Iterator[Stereo]:
        start_s = (self._at_s or self._origin_s) if frame.time is None else frame.time
        gap_s, least_s = (
            (start_s - self._origin_s, _START_GAP_S) if self._at_s is None else (start_s - self._at_s, _GAP_S)
        )
        self._at_s = self._origin_s if self._at_s is None else self._at_s
        coming = (frame.format.name, frame.layout.name, frame.sample_rate)
        if gap_s > least_s or coming != self._coming:
            yield from self._flush()
        if gap_s > least_s:
            yield from self._silence(gap_s)
            self._at_s += gap_s
        if self._resampler is None:
            self._coming = coming
            # FFmpeg makes one channel quieter by 3 dB when it makes two of it.
            self._channels = 1 if frame.layout.nb_channels == 1 else 2
            layout = "mono" if self._channels == 1 else "stereo"
            self._resampler = av.AudioResampler(format="flt", layout=layout, rate=self._rate)
        self._at_s += frame.samples / frame.sample_rate
        frame.pts = None
        yield from self._resampled(self._resampler, frame)

    def _silence(self, seconds: float) -> Iterator[Stereo]:
        left = round(seconds * self._rate)
        while left > 0:
            yield np.zeros((min(left, self._rate), 2), np.float32)
            left -= self._rate

    def _flush(self) -> Iterator[Stereo]:
        resampler, self._resampler = self._resampler, None
        if resampler is not None:
            yield from self._resampled(resampler, None)

    def _resampled(self, resampler: av.AudioResampler, frame: AudioFrame | None) -> Iterator[Stereo]:
        for made in resampler.resample(frame):
            samples = np.nan_to_num(made.to_ndarray().reshape(-1, self._channels))
            both = samples if self._channels == 2 else np.repeat(samples, 2, axis=1)
            yield np.clip(both, -1, 1).astype(np.float32)
