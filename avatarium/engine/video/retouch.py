"""Changing the picture of a video and nothing else: times, sound and colours stay what they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from avatarium.engine.files import StrPath
from avatarium.engine.video.carry import SoundCarrier, carrier
from avatarium.engine.video.container import open_media, unreadable
from avatarium.engine.video.encoding import METADATA_KEYS, EncoderOptions, VideoKind, kind_of
from avatarium.engine.video.frames import MAX_S
from avatarium.engine.video.part import PartFile
from avatarium.engine.video.planes import PictureCoding, PlaneMaker, Planes, coding_of
from avatarium.engine.video.probe import MAX_PIXELS, VideoFacts, made_rate, picture_stream, probe
from avatarium.engine.video.tracks import h264_choices, vp9_choices
from avatarium.engine.video.writer import create_container
from avatarium.errors import InputError

Paint = Callable[[Planes], None]
"""Draws into the planes of one picture, in place."""
Prepare = Callable[[int, int], Paint]
"""Is told width and height of the pictures once, before the first."""
TimedPaint = Callable[[Planes, float], None]
"""As :data:`Paint`, and is told the second at which the picture is shown."""

_FINEST = 90_000
"""Ticks a second of the result where the source's own are too coarse or too fine."""
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""FFmpeg's own decoders leave the alpha of WebM files out."""
_MOST_LOOKED_AT = 3000
_REORDERED = 16
"""H.264 and HEVC hold at most so many frames back."""
_UNEVEN_S = 0.003
"""Time stamps in milliseconds are off by one, and their steps by two."""
_TOLD_SHARE, _TOLD_SLACK_S = 0.9, 0.5


def retouch(
    path: StrPath,
    out: StrPath,
    prepare: Prepare,
    *,
    short_side: int | None = None,
    options: EncoderOptions | None = None,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Encode the picture of a video anew, each frame drawn into, at the same instants (variable rates stay variable).

    Rotation and oblong pixels are applied, sides beyond 4096 pixels reduced, odd sides made even in MP4 files by
    repeating the edge; ten bits become eight. Sound is copied where the result's container takes it, else encoded
    anew, mono or stereo; other tracks are dropped. The same input gives the same bytes.

    Args:
        path: the video.
        out: ``.mp4``, or ``.webm`` for VP9, which keeps a clear background; complete under its name or not there.
        prepare: makes what draws.
        short_side: reduce to it; smaller pictures stay.
        progress: told the share done, 0 to 1, growing; what it raises ends the work and discards the file.

    Raises:
        InputError: as ``probe``; ``video_too_long`` (over an hour), ``video_truncated``.
        OptionError: ``output_format``, ``output_alpha``.
        OutputError: as ``VideoWriter``.
    """

    def timed(width: int, height: int) -> TimedPaint:
        paint = prepare(width, height)
        return lambda planes, at_s: paint(planes)

    repaint(path, out, timed, short_side=short_side, options=options, progress=progress)


def repaint(
    path: StrPath,
    out: StrPath,
    prepare: Callable[[int, int], TimedPaint],
    *,
    sound: StrPath | None = None,
    max_s: float = MAX_S,
    short_side: int | None = None,
    options: EncoderOptions | None = None,
    progress: Callable[[float], None] | None = None,
) -> None:
    """As :func:`retouch`, for what is drawn by the time, and with the sound of another file where that is given.

    Args:
        sound: a sound file on the time line of the picture; None carries the video's own over.
        max_s: longest video that is taken.
    """
    facts = probe(path)
    kind = kind_of(out, alpha=facts.alpha)
    if facts.duration_s > max_s:
        raise InputError(f"{Path(path).name} is longer than {max_s / 60:g} minutes. Cut it.", code="video_too_long")
    options = options or EncoderOptions()
    coding = _coding(path, facts, kind, short_side)
    paint = prepare(coding.width, coding.height)
    with ExitStack() as undo:
        source = undo.enter_context(open_media(path, error=InputError, noun="video"))
        part = PartFile(out)
        undo.callback(part.discard)
        with part.writing():
            tags = {key: source.metadata[key] for key in METADATA_KEYS if key in source.metadata}
            target = create_container(part.part, kind, tags)
            undo.callback(_close_quietly, target)
            picture = _Picture(source, target, path, coding, options, paint)
            other = undo.enter_context(open_media(sound, error=InputError, noun="sound")) if sound else None
            carried = carrier(other or source, target, kind, options)
        along = _Along(other, carried, sound) if other and carried and sound else None
        _carry_over(
            source, target, picture, None if along else carried, part, _Share(facts.duration_s, progress), along
        )
        picture.check_whole(path, facts)
        _mux(target, picture.finish(facts.picture_s), part)
        if along:
            _mux(target, along.until(None), part)
        if carried:
            _mux(target, carried[1].finish(), part)
        with part.writing():
            target.close()
            part.land()
    if progress:
        progress(1.0)


def _coding(path: StrPath, facts: VideoFacts, kind: VideoKind, short_side: int | None) -> PictureCoding:
    with open_media(path, error=InputError, noun="video") as container:
        stream = picture_stream(container, path)
        first = next(_frames_of_all(container, stream, path), None)
        if first is None:
            raise unreadable(path, error=InputError, noun="video")
        return coding_of(stream, first, alpha=facts.alpha, even=kind is VideoKind.MP4, short_side=short_side)


def _frames_of_all(container: InputContainer, stream: VideoStream, path: StrPath) -> Iterator[av.VideoFrame]:
    for packet in _packets(container, [stream], path):
        with suppress(av.InvalidDataError):
            yield from packet.decode()


def _packets(container: InputContainer, streams: list[Any], path: StrPath) -> Iterator[Packet[Any]]:
    try:
        yield from container.demux(streams)
    except av.FFmpegError as problem:
        raise unreadable(path, error=InputError, noun="video") from problem


def _close_quietly(container: OutputContainer) -> None:
    # The trailer may fail as the rest did; the file is discarded anyway. Closed twice is closed.
    with suppress(OSError, av.FFmpegError, ValueError):
        container.close()


class _Share:
    """Tells progress in steps of a hundredth."""

    def __init__(self, duration_s: float, progress: Callable[[float], None] | None) -> None:
        self._duration_s, self._progress, self._told = max(duration_s, 0.001), progress, 0.0

    def reached(self, at_s: float) -> None:
        share = min(1.0, at_s / self._duration_s)
        if self._progress and share >= self._told + 0.01:
            self._told = share
            self._progress(share)


def _carry_over(
    source: InputContainer,
    target: OutputContainer,
    picture: _Picture,
    sound: tuple[AudioStream, SoundCarrier] | None,
    part: PartFile,
    share: _Share,
    along: _Along | None,
) -> None:
    """Packet by packet, so that memory does not grow with the length."""
    streams = [picture.source, *([sound[0]] if sound else [])]
    for packet in _packets(source, streams, part.path):
        taker = sound[1] if sound and packet.stream is sound[0] else picture
        _mux(target, taker.take(packet), part)
        if along:
            _mux(target, along.until(picture.end_s), part)
        share.reached(picture.end_s)


class _Along:
    """The sound of another file, packet by packet as far as the picture has come."""

    def __init__(self, source: InputContainer, sound: tuple[AudioStream, SoundCarrier], path: StrPath) -> None:
        self._carrier, self._at_s = sound[1], 0.0
        self._packets = _packets(source, [sound[0]], path)

    def until(self, end_s: float | None) -> Iterator[Packet[Any]]:
        """What belongs before a second; all that is left for None."""
        while end_s is None or self._at_s <= end_s:
            packet = next(self._packets, None)
            if packet is None:
                return
            if packet.pts is not None and packet.time_base:
                self._at_s = float(packet.pts * packet.time_base)
            yield from self._carrier.take(packet)


def _mux(target: OutputContainer, packets: Iterator[Packet[Any]], part: PartFile) -> None:
    for packet in packets:
        with part.writing():
            target.mux(packet)


class _Picture:
    """Decodes, has drawn into, and encodes."""

    def __init__(
        self,
        source: InputContainer,
        target: OutputContainer,
        path: StrPath,
        coding: PictureCoding,
        options: EncoderOptions,
        paint: TimedPaint,
    ) -> None:
        self.source = picture_stream(source, path)
        self.source.thread_type = "AUTO"
        self._decoder = _alpha_decoder(self.source) if coding.alpha else None
        self._maker, self._paint = PlaneMaker(coding), paint
        self._origin_s = Fraction(max(0, source.start_time or 0), 1_000_000)
        self._rate = made_rate(self.source)
        self._tick = _tick_of(self.source)
        self._variable = _is_variable(path)
        self._target = _add_stream(target, coding, options, self._rate, self._tick, variable=self._variable)
        self._durations: dict[int, int] = {}
        self._last, self._end = -1, 0

    @property
    def end_s(self) -> float:
        """Until when there is a picture."""
        return float(self._end * self._tick)

    def take(self, packet: Packet[VideoStream]) -> Iterator[Packet[Any]]:
        """Damaged packets are left out, as players do."""
        with suppress(av.InvalidDataError):
            frames = self._decoder.decode(packet if packet.size else None) if self._decoder else packet.decode()
            for frame in frames:
                yield from self._encode(frame)

    def finish(self, told_s: float | None) -> Iterator[Packet[Any]]:
        """What the encoder holds; the last frame is shown until the source's header says that the picture ends."""
        told = round((told_s or 0.0) / self._tick)
        if self._last in self._durations and self._end < told:
            self._durations[self._last], self._end = told - self._last, told
        yield from self._timed(self._target.encode(None))

    def check_whole(self, path: StrPath, facts: VideoFacts) -> None:
        """Compare with the length in the header, where it is counted and not estimated."""
        told_s = facts.picture_s or 0.0
        if self._last < 0:
            raise unreadable(path, error=InputError, noun="video")
        if facts.container == "mov" and self.end_s < told_s * _TOLD_SHARE - _TOLD_SLACK_S:
            raise InputError(
                f"{Path(path).name} is cut short: only {self.end_s:.1f} of {told_s:.1f} s of it are there. "
                "Save or download it again.",
                code="video_truncated",
            )

    def _encode(self, decoded: av.VideoFrame) -> Iterator[Packet[Any]]:
        at = self._instant(decoded)
        if at <= self._last or decoded.width * decoded.height > MAX_PIXELS:
            return
        frame, planes = self._maker.make(decoded)
        self._paint(planes, float(at * self._tick))
        length = self._length(decoded)
        frame.pts, frame.time_base = at, self._tick
        self._durations[at] = length
        self._last, self._end = at, at + length
        yield from self._timed(self._target.encode(frame))

    def _instant(self, frame: av.VideoFrame) -> int:
        if frame.pts is None or frame.time_base is None:
            return self._end
        return max(0, round((frame.pts * frame.time_base - self._origin_s) / self._tick))

    def _length(self, frame: av.VideoFrame) -> int:
        """In files of variable rate the length that comes with a frame is often that of another one."""
        known = frame.duration and frame.time_base and not self._variable
        told = frame.duration * frame.time_base if known and frame.time_base else 1 / self._rate
        return max(1, round(told / self._tick))

    def _timed(self, packets: list[Packet[VideoStream]]) -> Iterator[Packet[Any]]:
        """The encoder forgets how long a frame is shown, and the last one's length ends the track."""
        for packet in packets:
            packet.duration = self._durations.pop(packet.pts or 0, 0)
            yield packet


def _alpha_decoder(stream: VideoStream) -> av.VideoCodecContext | None:
    name = _ALPHA_DECODERS.get(stream.codec_context.name)
    if name is None:
        return None
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.extradata = stream.codec_context.extradata
    return decoder


def _is_variable(path: StrPath) -> bool:
    """Whether frames come at uneven instants, told from the first thousands."""
    with open_media(path, error=InputError, noun="video") as container:
        stream = picture_stream(container, path)
        found = islice(_packets(container, [stream], path), _MOST_LOOKED_AT)
        instants = sorted(packet.pts * packet.time_base for packet in found if packet.pts is not None)
    # The last are left out: of frames that are sent out of order some may lie beyond what was looked at.
    steps = [
        float(later - earlier)
        for earlier, later in pairwise(instants if len(instants) < _MOST_LOOKED_AT else instants[:-_REORDERED])
    ]
    return bool(steps) and max(steps) - min(steps) > _UNEVEN_S


def _tick_of(stream: VideoStream) -> Fraction:
    """The source's own unit of time where an MP4 file can keep it: then every instant stays exact."""
    base = stream.time_base
    usable = base is not None and base.numerator == 1 and 1000 <= base.denominator <= _FINEST
    return base if base is not None and usable else Fraction(1, _FINEST)


def _add_stream(
    target: OutputContainer,
    coding: PictureCoding,
    options: EncoderOptions,
    rate: Fraction,
    tick: Fraction,
    *,
    variable: bool,
) -> VideoStream:
    webm = target.format.name == VideoKind.WEBM.value
    codec, choices = ("libvpx-vp9", vp9_choices(options)) if webm else ("libx264", h264_choices(options))
    if variable and not webm:
        # Frames sent out of order are timed by their neighbours, and an MP4 file would end before a late last frame.
        choices |= {"bf": "0"}
    stream = target.add_stream(codec, rate=rate, options=choices)
    assert isinstance(stream, VideoStream)
    context = stream.codec_context
    context.width, context.height = coding.coded_size
    context.pix_fmt = coding.pixels
    context.time_base = tick
    context.gop_size = max(1, round(options.keyframe_s * rate))
    context.color_primaries, context.color_trc = coding.primaries, coding.transfer
    context.colorspace, context.color_range = coding.matrix, 2 if coding.full_range else 1
    context.flags |= Flags.bitexact
    return stream
