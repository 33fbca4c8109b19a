"""Reading the sound of any common file: mono, at the rate asked for, bounded in length and memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import soxr
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from avatarium.engine.files import StrPath, open_regular
from avatarium.engine.video.container import open_media, unreadable
from avatarium.errors import AudioError

if TYPE_CHECKING:  # the package of speech brings its models along when it is imported
    from avatarium.engine.speech.records import Samples

MAX_S = 3600.0
SILENCE_DBFS = -60.0
_BLOCK_S = 20.0
_RAIL = 0.99
"""Where clipped samples lie: eight-bit sound ends at 127/128."""
_CLIPPED_SHARE = 0.0005
_GAP_S = 0.1
"""A later start than this is a hole in the recording, a smaller one is rounding of time stamps."""
_START_GAP_S = 0.002

# ITU-R BS.775-3, table 2, folded once more to mono. LFE carries no speech.
_WEIGHTS = {"FL": 1.0, "FR": 1.0, "FC": 2**0.5, "LFE": 0.0, "LFE2": 0.0}
_SURROUND_WEIGHT = 0.5**0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sound:
    """Mono sound and what the file it came from was like."""

    samples: Samples
    """``float32`` in -1..1, shape ``(samples,)``."""
    rate: int
    """Samples a second."""
    peak_dbfs: float
    """Of the file's loudest channel, before mixing."""
    clipped: bool
    """Whether the recording was driven over full scale, so that its peaks are cut flat."""
    codec: str
    source_rate: int
    channels: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate


def read_sound(path: StrPath, rate: int = 24000, *, max_s: float = MAX_S) -> Sound:
    """Read a sound file, or the sound track of a video, as mono at ``rate``.

    Channels are mixed by the weights of ITU-R BS.775 scaled so that nothing can clip. In a video the sound keeps its
    place on the time line of the picture: a track that starts late starts with silence, and holes are filled with it.

    Raises:
        AudioError: ``sound_missing``, ``sound_unreadable`` (no sound file, damaged), ``sound_no_track`` (a video
            without sound), ``sound_truncated`` (ends before the length its header tells), ``sound_too_long`` (over
            ``max_s``) or ``silent_audio`` (nothing above -60 dBFS).
    """
    with open_media(path, error=AudioError, noun="sound") as container:
        stream = container.streams.best("audio")
        if not isinstance(stream, AudioStream):
            raise AudioError(f"{Path(path).name} has no sound track.", code="sound_no_track")
        if stream.codec_context is None:  # PyAV leaves it out where FFmpeg knows no decoder
            raise unreadable(path, error=AudioError, noun="sound")
        sound = _read(container, stream, path, rate, max_s)
    if sound.peak_dbfs < SILENCE_DBFS:
        raise AudioError(f"{Path(path).name} is silent. Use a recording in which somebody speaks.", code="silent_audio")
    return sound


def read_sound_part(path: StrPath, rate: int, *, max_s: float) -> Samples | None:
    """The beginning of the sound of a video, as :func:`read_sound`, whatever state it is in.

    Ends where the file cannot be read any more; silence is as good as sound. None where there is no track that can be
    decoded.

    Raises:
        AudioError: ``sound_missing`` or ``sound_unreadable``, of the file as a whole.
    """
    with open_media(path, error=AudioError, noun="sound") as container:
        stream = container.streams.best("audio")
        if not isinstance(stream, AudioStream) or stream.codec_context is None:
            return None
        limit = round(max_s * rate)
        mixer = _Mixer(rate, limit)
        with suppress(av.FFmpegError):
            for block in _blocks(container, stream):
                mixer.add(block)
                if mixer.length > limit:
                    break
        samples = mixer.finish()[:limit]
    return samples if len(samples) else None


def sound_blocks(path: StrPath, rate: int) -> Iterator[Samples]:
    """The sound of a file of any length, mixed and placed as :func:`read_sound` does, some seconds at a time.

    Raises:
        AudioError: ``sound_missing``, ``sound_unreadable`` or ``sound_no_track``.
    """
    with open_media(path, error=AudioError, noun="sound") as container:
        stream = container.streams.best("audio")
        if not isinstance(stream, AudioStream):
            raise AudioError(f"{Path(path).name} has no sound track.", code="sound_no_track")
        if stream.codec_context is None:  # PyAV leaves it out where FFmpeg knows no decoder
            raise unreadable(path, error=AudioError, noun="sound")
        mixer = _Mixer(rate, round(MAX_S * rate))
        try:
            for block in _blocks(container, stream):
                mixer.add(block)
                if mixer.length > _BLOCK_S * rate:
                    yield mixer.drain()
        except av.FFmpegError as problem:
            raise unreadable(path, error=AudioError, noun="sound") from problem
        last = mixer.finish()
        if len(last):
            yield last


def _read(container: InputContainer, stream: AudioStream, path: StrPath, rate: int, max_s: float) -> Sound:
    limit = round(max_s * rate)
    meter, mixer = _Meter(), _Mixer(rate, limit)
    try:
        for block in _blocks(container, stream):
            meter.measure(block.channels)
            mixer.add(block)
            if mixer.length > limit:
                raise AudioError(
                    f"{Path(path).name} is longer than {max_s / 60:g} minutes. Cut it.", code="sound_too_long"
                )
    except av.FFmpegError as problem:
        raise unreadable(path, error=AudioError, noun="sound") from problem
    samples = mixer.finish()
    if not len(samples):
        raise unreadable(path, error=AudioError, noun="sound")
    _check_whole(path, stream, len(samples) / rate)
    _check_riff(path, stream)
    return Sound(
        samples=samples,
        rate=rate,
        peak_dbfs=meter.peak_dbfs,
        clipped=meter.clipped,
        codec=stream.codec_context.name,
        source_rate=stream.codec_context.sample_rate,
        channels=stream.codec_context.layout.nb_channels,
    )


def _check_whole(path: StrPath, stream: AudioStream, decoded_s: float) -> None:
    """Compare with the length in the header, in containers where it is counted and not estimated from the bit rate."""
    counted = stream.container.format.name.split(",")[0] in ("mov", "flac", "wav", "w64", "aiff", "caf", "au")
    if not counted or stream.duration is None or stream.time_base is None:
        return
    told_s = float(stream.duration * stream.time_base)
    if decoded_s < told_s - max(0.25, 0.02 * told_s):
        raise _truncated(path, decoded_s / told_s)


def _check_riff(path: StrPath, stream: AudioStream) -> None:
    """FFmpeg takes the length of a WAV from the file's size where the header tells more; recorders that stream write a
    largest number instead of a size."""
    if stream.container.format.name != "wav":
        return
    with open_regular(path, error=AudioError, noun="sound") as file:
        head = file.read(8)
        real = file.seek(0, os.SEEK_END)
    told = int.from_bytes(head[4:], "little") + 8
    if head[:4] == b"RIFF" and told < _RIFF_UNKNOWN and real < 0.98 * told:
        raise _truncated(path, real / told)


_RIFF_UNKNOWN = 0x7FFF0000


def _truncated(path: StrPath, share: float) -> AudioError:
    return AudioError(
        f"{Path(path).name} is cut short: only {share:.0%} of it is there. Save or download it again.",
        code="sound_truncated",
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Block:
    channels: NDArray[np.float32]
    """Shape ``(channels, samples)``."""
    rate: int
    weights: NDArray[np.float32]
    gap_s: float = 0.0
    """Silence before it."""


_MOST_PLANES = 7


def _packed(frame: AudioFrame) -> AudioFrame:
    """PyAV 18 walks off the table of planes of a frame with eight planar channels and crashes: interleave those."""
    if not frame.format.is_planar or frame.layout.nb_channels <= _MOST_PLANES:
        return frame
    resampler = av.AudioResampler(format=frame.format.name.rstrip("p"), layout=frame.layout, rate=frame.sample_rate)
    (packed,) = resampler.resample(frame)
    return packed


def _blocks(container: InputContainer, stream: AudioStream) -> Iterator[_Block]:
    """The sound as it is decoded; packets that are damaged are left out, as players do."""
    origin_s = max(0.0, (container.start_time or 0) / 1e6)
    at_s: float | None = None
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            continue
        for frame in frames:
            start_s = origin_s if frame.time is None else frame.time
            gap_s, least_s = (start_s - origin_s, _START_GAP_S) if at_s is None else (start_s - at_s, _GAP_S)
            gap_s = gap_s if gap_s > least_s and frame.time is not None else 0.0
            at_s = (origin_s if at_s is None else at_s) + gap_s + frame.samples / frame.sample_rate
            yield _block(frame, gap_s)


def _block(frame: AudioFrame, gap_s: float) -> _Block:
    frame = _packed(frame)
    layout = frame.layout
    raw = frame.to_ndarray()
    if not frame.format.is_planar:
        raw = raw.reshape(-1, layout.nb_channels).T
    return _Block(
        channels=_as_float(raw),
        rate=frame.sample_rate,
        weights=_mono_weights([channel.name for channel in layout.channels]),
        gap_s=gap_s,
    )


def _as_float(raw: NDArray[np.generic]) -> NDArray[np.float32]:
    if raw.dtype == np.uint8:
        return (raw.astype(np.float32) - 128) / 128
    if np.issubdtype(raw.dtype, np.integer):
        return raw.astype(np.float32) / np.float32(2.0 ** (8 * raw.itemsize - 1))
    return np.nan_to_num(raw.astype(np.float32), posinf=1.0, neginf=-1.0)


def _mono_weights(names: list[str]) -> NDArray[np.float32]:
    weights = np.array([_WEIGHTS.get(name, _SURROUND_WEIGHT) for name in names], np.float32)
    if not weights.any():
        weights += 1
    weights /= weights.sum()
    return weights


class _Meter:
    """Peak and clipping of the sound as it was recorded, channel by channel."""

    def __init__(self) -> None:
        self._peak = 0.0
        self._flat = 0
        self._count = 0

    def measure(self, channels: NDArray[np.float32]) -> None:
        self._peak = max(self._peak, float(np.abs(channels).max(initial=0.0)))
        self._count += channels.shape[1]
        for rail in (channels >= _RAIL, channels <= -_RAIL):
            # Three in a row: a peak that only touches full scale is no clipping.
            self._flat += int((rail[:, :-2] & rail[:, 1:-1] & rail[:, 2:]).sum(axis=1).max(initial=0))

    @property
    def peak_dbfs(self) -> float:
        return float(20 * np.log10(max(self._peak, 1e-10)))

    @property
    def clipped(self) -> bool:
        return self._flat > self._count * _CLIPPED_SHARE


class _Mixer:
    """Mixes blocks to mono and resamples them into one growing array."""

    def __init__(self, rate: int, limit: int) -> None:
        self._rate = rate
        self._limit = limit
        self._source_rate = rate
        self._resampler: soxr.ResampleStream | None = None
        self._samples = np.empty(rate * 30, np.float32)
        self.length = 0

    def add(self, block: _Block) -> None:
        if block.gap_s or block.rate != self._source_rate:
            self._flush()
            silence = min(round(block.gap_s * self._rate), self._limit + 1 - self.length)
            self._append(np.zeros(silence, np.float32))
        if self._resampler is None and block.rate != self._rate:
            self._resampler = soxr.ResampleStream(block.rate, self._rate, 1)
        self._source_rate = block.rate
        mono = np.clip(block.weights @ block.channels, -1, 1)
        self._append(mono if self._resampler is None else self._resampler.resample_chunk(mono))

    def drain(self) -> NDArray[np.float32]:
        """What has come so far; the array begins anew."""
        samples = np.clip(self._samples[: self.length], -1, 1)
        self.length = 0
        return samples

    def finish(self) -> NDArray[np.float32]:
        self._flush()
        samples = self._samples[: self.length]
        return np.clip(samples, -1, 1, out=samples)

    def _flush(self) -> None:
        if self._resampler is not None:
            self._append(self._resampler.resample_chunk(np.empty(0, np.float32), last=True))
            self._resampler = None

    def _append(self, samples: NDArray[np.float32]) -> None:
        end = self.length + len(samples)
        if end > len(self._samples):
            grown = np.empty(max(end, len(self._samples) * 3 // 2), np.float32)
            grown[: self.length] = self._samples[: self.length]
            self._samples = grown
        self._samples[self.length : end] = samples
        self.length = end
