"""A voice and what sounds behind it, taken apart (Spleeter, two stems; Hennequin et al. 2020).

The share of the voice in every bin of the spectrogram is told by a network that sees 512 frames, 12 s, at a time. The
windows overlap, and of each only the middle is used, so that nothing is heard where one ends. Whatever is not voice is
background: the two stems together are the mixture, to the last bit of its 16.
"""

from __future__ import annotations

import functools
import os
import wave
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from scipy import fft

from avatarium.engine.assets import default_store
from avatarium.engine.files import StrPath
from avatarium.engine.speech.models.sessions import open_session
from avatarium.engine.speech.records import Samples
from avatarium.engine.video.stereo import Stereo, stereo_blocks
from avatarium.errors import AudioError, OutputError

RATE = 44_100
MAX_S = 7200.0
VOICE, BACKGROUND = "voice.wav", "background.wav"
SILENCE_DBFS = -60.0

_WINDOW, _HOP = 4096, 1024
_FRAMES, _BINS = 512, 1024
_MARGIN = 32
"""Frames at each end of what the network sees that only help it."""
_STEP = _FRAMES - 2 * _MARGIN
_BEFORE = 4
"""Frames before the first sample that still reach into the sound."""
_TOP = 64
"""Bins under the network's upper end (11 kHz) that decide above it."""
_OVERLAP_GAIN = 1.5
"""What squared Hann windows that overlap by three quarters add up to."""
_FULL = 32_768.0
_HANN: NDArray[np.float32] = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)).astype(np.float32)

Progress = Callable[[float], None]
"""Told the seconds done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stems:
    """Two WAV files, 44.1 kHz, stereo, 16 bit, of one length."""

    voice: Path
    background: Path

    @classmethod
    def in_folder(cls, folder: StrPath) -> Self:
        """Those that :func:`separate` wrote there."""
        return cls(voice=Path(folder) / VOICE, background=Path(folder) / BACKGROUND)

    @property
    def there(self) -> bool:
        """Whether both are complete."""
        return self.voice.is_file() and self.background.is_file()

    @property
    def duration_s(self) -> float:
        """Length of both."""
        with wave.open(str(self.voice)) as file:
            return float(file.getnframes() / file.getframerate())


def separate(path: StrPath, folder: StrPath, *, threads: int = 2, progress: Progress | None = None) -> Stems:
    """Take the sound of a file apart into ``voice.wav`` and ``background.wav`` in a folder.

    Memory does not grow with the length: some 200 MB. About 0.12 s of CPU for a second of sound; two hours give files
    of 1.3 GB each. The files are complete under their names or not there.

    Args:
        path: a sound file, or a video.
        folder: where the stems are written; it must exist.
        threads: of the CPU.
        progress: told the seconds done; what it raises ends the work.

    Raises:
        AudioError: as :func:`stereo_blocks` (at most two hours), and ``silent_audio``.
        OutputError: ``output_unwritable``.
    """
    stems = Stems.in_folder(folder)
    parts = {path: path.with_name(f".{path.name}.part") for path in (stems.voice, stems.background)}
    loudest = 0.0
    try:
        with ExitStack() as files:
            voice, background = (files.enter_context(_created(part)) for part in parts.values())
            done = 0
            for mixture, own in voices(stereo_blocks(path, RATE, max_s=MAX_S), threads=threads):
                whole, spoken = _split(mixture, own)
                voice.writeframes(spoken.tobytes())
                background.writeframes((whole - spoken).tobytes())
                loudest = max(loudest, float(np.abs(mixture).max(initial=0.0)))
                done += len(mixture)
                if progress:
                    progress(done / RATE)
        if loudest < 10 ** (SILENCE_DBFS / 20):
            raise AudioError(
                f"{Path(path).name} is silent. Use a recording in which somebody speaks.", code="silent_audio"
            )
        for goal, part in parts.items():
            part.replace(goal)
    except OSError as problem:
        raise OutputError(
            f"The stems cannot be written into {Path(folder).name}: {problem.strerror or problem}. Make room and try "
            "again.",
            code="output_unwritable",
        ) from problem
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
    return stems


def voices(blocks: Iterable[Stereo], *, threads: int = 2) -> Iterator[tuple[Stereo, Stereo]]:
    """Sound of 44.1 kHz in blocks of about ten seconds, each with its voice; it may come in blocks of any length."""
    network = _network(threads)
    held = _Held()
    first = -_BEFORE
    tail = np.zeros((_WINDOW - _HOP, 2), np.float32)
    source = iter(blocks)
    while not held.over or (first * _HOP - _WINDOW // 2) < held.end:
        held.fill(source, (first + _STEP + _MARGIN) * _HOP + _WINDOW)
        spectra = _spectra(held, first - _MARGIN)
        shares = _shares(network, spectra)
        spoken = _resynthesis(spectra[:, _MARGIN:-_MARGIN] * shares[:, _MARGIN:-_MARGIN])
        spoken[: len(tail)] += tail
        tail = spoken[_STEP * _HOP :].copy()
        start = first * _HOP - _WINDOW // 2
        low, high = max(start, 0), min(start + _STEP * _HOP, held.end)
        if high > low:
            yield held.part(low, high), spoken[low - start : high - start]
        first += _STEP
        held.forget((first - _MARGIN) * _HOP - _WINDOW)


class _Held:
    """The part of the sound that is still needed, by the numbers of its samples; zero outside."""

    def __init__(self) -> None:
        self._samples = np.zeros((0, 2), np.float32)
        self._start = 0
        self.over = False

    @property
    def end(self) -> int:
        """Samples that came so far."""
        return self._start + len(self._samples)

    def fill(self, source: Iterator[Stereo], until: int) -> None:
        came = [self._samples]
        length = self.end
        while not self.over and length < until:
            block = next(source, None)
            if block is None:
                self.over = True
            else:
                came.append(block)
                length += len(block)
        self._samples = np.concatenate(came)

    def part(self, low: int, high: int) -> Stereo:
        a, b = max(low, self._start), min(high, self.end)
        found = self._samples[max(a - self._start, 0) : max(b - self._start, 0)]
        return np.pad(found, ((min(a, high) - low, high - max(b, min(a, high))), (0, 0)))

    def forget(self, before: int) -> None:
        drop = min(max(0, before - self._start), len(self._samples))
        self._samples, self._start = self._samples[drop:].copy(), self._start + drop


def _spectra(held: _Held, first: int) -> NDArray[np.complex64]:
    """Of :data:`_FRAMES` frames from ``first`` on, ``(2, frames, bins)``; frame *k* lies round sample *k* · 1024."""
    low = first * _HOP - _WINDOW // 2
    samples = held.part(low, low + (_FRAMES - 1) * _HOP + _WINDOW)
    windows = np.lib.stride_tricks.sliding_window_view(samples.T, _WINDOW, axis=1)[:, ::_HOP]
    return np.asarray(fft.rfft(windows * _HANN, axis=2), np.complex64)


def _shares(network: onnxruntime.InferenceSession, spectra: NDArray[np.complex64]) -> NDArray[np.float32]:
    magnitudes = np.abs(spectra[None, :, :, :_BINS])
    (share,) = network.run(None, {"magnitudes": magnitudes})
    above = share[0, :, :, -_TOP:].mean(axis=2, keepdims=True)
    whole: NDArray[np.float32] = np.concatenate([share[0], np.repeat(above, spectra.shape[2] - _BINS, axis=2)], axis=2)
    return whole


def _resynthesis(spectra: NDArray[np.complex64]) -> Stereo:
    frames = fft.irfft(spectra, _WINDOW, axis=2) * (_HANN / np.float32(_OVERLAP_GAIN))
    made = np.zeros(((frames.shape[1] - 1) * _HOP + _WINDOW, 2), np.float32)
    for number in range(frames.shape[1]):
        made[number * _HOP : number * _HOP + _WINDOW] += frames[:, number].T
    return made


def _split(mixture: Stereo, own: Stereo) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """The mixture and the voice in 16 bits, such that their difference has no more."""
    whole = np.clip(np.rint(mixture * _FULL), -_FULL, _FULL - 1).astype(np.int32)
    spoken = np.clip(np.rint(own * _FULL), -_FULL, _FULL - 1).astype(np.int32)
    rest = np.clip(whole - spoken, -_FULL, _FULL - 1).astype(np.int32)
    return whole.astype(np.int16), (whole - rest).astype(np.int16)


def _created(path: Path) -> wave.Wave_write:
    file = wave.open(str(path), "wb")  # noqa: SIM115 - the caller closes it
    file.setnchannels(2)
    file.setsampwidth(2)
    file.setframerate(RATE)
    return file


@functools.cache
def _network(threads: int) -> onnxruntime.InferenceSession:
    return open_session(default_store().path("spleeter"), threads=min(threads, os.cpu_count() or 1))


def read_stem(path: Path, start_s: float = 0.0, end_s: float | None = None) -> Stereo:
    """A part of a stem, ``(samples, 2)`` at 44.1 kHz; what lies beyond its end is left away.

    Raises:
        AudioError: ``stems_missing``.
    """
    try:
        with wave.open(str(path)) as file:
            first = min(max(0, round(start_s * RATE)), file.getnframes())
            last = file.getnframes() if end_s is None else min(max(first, round(end_s * RATE)), file.getnframes())
            file.setpos(first)
            raw = np.frombuffer(file.readframes(last - first), "<i2")
    except (OSError, EOFError, wave.Error) as problem:
        raise AudioError(
            f"{path.name} is not there or damaged. Dub the original again from the beginning.", code="stems_missing"
        ) from problem
    return (raw.reshape(-1, 2) / np.float32(_FULL)).astype(np.float32)


def mono_stem(path: Path, start_s: float = 0.0, end_s: float | None = None) -> Samples:
    """As :func:`read_stem`, both channels averaged."""
    return np.asarray(read_stem(path, start_s, end_s).mean(axis=1), np.float32)
