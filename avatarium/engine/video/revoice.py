"""Another sound for a video whose picture stays as it is, and mixed sound as a file of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import OutputContainer
from av.packet import Packet

from avatarium.engine.files import StrPath
from avatarium.engine.video.carry import SoundCarrier, carrier
from avatarium.engine.video.container import open_media, unreadable
from avatarium.engine.video.encoding import METADATA_KEYS, EncoderOptions, VideoKind, kind_of
from avatarium.engine.video.part import PartFile
from avatarium.engine.video.probe import picture_stream
from avatarium.engine.video.sound_writer import SoundKind, sound_kind
from avatarium.engine.video.writer import create_container
from avatarium.errors import InputError

COPIED = {
    VideoKind.MP4: frozenset({"h264", "hevc", "mpeg4", "av1", "libdav1d", "vp9", "libvpx-vp9"}),
    VideoKind.WEBM: frozenset({"vp8", "vp9", "av1", "libvpx", "libvpx-vp9", "libdav1d"}),
}
"""Pictures that a container takes as they are."""
MP3_BITS = 192_000

Progress = Callable[[float], None]


def can_copy(path: StrPath, out: StrPath) -> bool:
    """Whether the picture of a video can be taken over into a file without being encoded anew.

    Raises:
        InputError: as ``picture_stream``.
    """
    with open_media(path, error=InputError, noun="video") as container:
        kept = container.format.name.split(",")[0] in ("mov", "matroska")
        return kept and picture_stream(container, path).codec_context.name in COPIED[kind_of(out, alpha=False)]


def replace_sound(path: StrPath, sound: StrPath, out: StrPath, *, options: EncoderOptions | None = None) -> None:
    """Write a video again with the sound of another file; every packet of its picture stays what it is.

    Args:
        path: the video; :func:`can_copy` says whether it can be.
        sound: on the time line of the picture.
        out: ``.mp4`` or ``.webm``; complete under its name or not there.

    Raises:
        InputError: ``video_unreadable`` and others of ``picture_stream``.
        OutputError: ``out`` cannot be written.
    """
    kind, options = kind_of(out, alpha=False), options or EncoderOptions()
    with ExitStack() as undo:
        source = undo.enter_context(open_media(path, error=InputError, noun="video"))
        other = undo.enter_context(open_media(sound, error=InputError, noun="sound"))
        stream = picture_stream(source, path)
        part = PartFile(out)
        undo.callback(part.discard)
        with part.writing():
            tags = {key: source.metadata[key] for key in METADATA_KEYS if key in source.metadata}
            target = create_container(part.part, kind, tags)
            undo.callback(_close_quietly, target)
            picture = target.add_stream_from_template(stream)
            carried = carrier(other, target, kind, options)
        assert carried is not None and stream.time_base is not None
        origin = round(Fraction(max(0, source.start_time or 0), 1_000_000) / stream.time_base)
        heard, voice = carried
        beside = _Beside(other.demux(heard), voice, target)
        try:
            for packet in source.demux(stream):
                if packet.dts is None or packet.pts is None:
                    continue
                packet.pts -= origin
                packet.dts -= origin
                at_s = float(packet.pts * stream.time_base)
                packet.stream = picture
                with part.writing():
                    target.mux(packet)
                    beside.up_to(at_s)
        except av.FFmpegError as problem:
            raise unreadable(path, error=InputError, noun="video") from problem
        with part.writing():
            beside.rest()
            target.close()
            part.land()


class _Beside:
    """The new sound, written as far as the picture has come: players want both from one place in the file."""

    def __init__(self, spoken: Iterator[Packet[Any]], voice: SoundCarrier, target: OutputContainer) -> None:
        self._spoken, self._voice, self._target = spoken, voice, target
        self._written_s = 0.0

    def up_to(self, at_s: float) -> None:
        while self._written_s <= at_s and (block := next(self._spoken, None)) is not None:
            if block.pts is not None:
                self._written_s = float(block.pts * (block.time_base or 0))
            self._write(block)

    def rest(self) -> None:
        for block in self._spoken:
            self._write(block)
        for made in self._voice.finish():
            self._target.mux(made)

    def _write(self, block: Packet[Any]) -> None:
        for made in self._voice.take(block):
            self._target.mux(made)


def write_sound(mixed: Path, out: StrPath) -> None:
    """A WAV file of 44.1 kHz in stereo as ``.mp3`` or ``.wav``.

    Raises:
        OptionError: ``sound_format``.
        OutputError: ``out`` cannot be written.
    """
    kind = sound_kind(out)
    part = PartFile(out)
    try:
        if kind is SoundKind.WAV:
            with part.writing():
                shutil.copyfile(mixed, part.part)
        else:
            _encode_mp3(mixed, part)
        with part.writing():
            part.land()
    finally:
        part.discard()


def _encode_mp3(mixed: Path, part: PartFile) -> None:
    with part.writing(), av.open(str(mixed)) as source, av.open(str(part.part), "w", format="mp3") as target:
        heard = source.streams.audio[0]
        stream = target.add_stream("libmp3lame", rate=heard.codec_context.sample_rate, layout="stereo")
        assert isinstance(stream, AudioStream)
        stream.codec_context.bit_rate = MP3_BITS
        stream.codec_context.flags |= Flags.bitexact
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=heard.codec_context.sample_rate)
        for frame in source.decode(heard):
            for made in resampler.resample(frame):
                target.mux(stream.encode(made))
        for made in resampler.resample(None):
            target.mux(stream.encode(made))
        target.mux(stream.encode(None))


def _close_quietly(container: OutputContainer) -> None:
    with suppress(OSError, av.FFmpegError, ValueError):
        container.close()
