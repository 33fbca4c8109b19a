"""Reading a clip through: which frames are sound and when each is shown, what is damaged, how long it all is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from avatarium.engine.video.container import open_media
from avatarium.engine.video.intake import Order
from avatarium.engine.video.intake_runs import Runs
from avatarium.engine.video.intake_shape import Deinterlacer
from avatarium.engine.video.probe import MAX_PIXELS, made_rate, picture_stream
from avatarium.errors import InputError

_LONGEST_GAP_S = 10.0
"""A jump of the time stamps beyond this is no frame that stayed on the screen."""
_MISSING_S = 0.5
"""By how much a file may end before its header says without being cut short."""
_COUNTED = ("mov", "matroska", "avi")
"""Containers whose header tells the length; others estimate it."""
_PATIENCE_S = 5.0
"""After damage the next key frame is waited for; streams without any are taken after this time."""
_SILENT_GAP_S = 0.3
"""Decoders leave out what leans on lost packets and say nothing: a pause of this length that a key frame ends, in a
stream that has few of them, is a hole."""
_TELL_EVERY = 10
_MOST_A_SECOND, _CROWD = 1000, 1000
"""Pictures by the file's own clock, and how many more: a few bytes each make a file that stands still for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How the reading of a file ended."""

    damaged: bool
    seen_s: float
    """Where the picture ends, as far as was read; to its very end where the header does not tell the length."""


def duration_s(container: InputContainer, stream: VideoStream) -> float | None:
    """The length of the picture by the header; None where it does not tell."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / 1e6 if container.duration else None


def decoded_from(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    """Frames of a stream; damaged packets are left out, and damage of the file is its end."""
    for item in _decoded(container, stream):
        if isinstance(item, av.VideoFrame):
            yield item


class _Damage:
    """Stands among the frames where something is missing."""


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream] | _Damage]:
    try:
        yield from container.demux(stream)
    except av.FFmpegError:
        yield _Damage()


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame | _Damage]:
    for packet in _packets(container, stream):
        if isinstance(packet, _Damage):
            yield packet
            continue
        if packet.is_corrupt:
            yield _Damage()
        try:
            frames = packet.decode()
        except av.FFmpegError:
            yield _Damage()
            continue
        for frame in frames:
            yield _Damage() if frame.is_corrupt or frame.width * frame.height > MAX_PIXELS else frame


class _Reading:
    """One pass over a file, frame by frame, into runs."""

    def __init__(self, runs: Runs, stream: VideoStream, origin_s: float, interlaced: bool) -> None:
        self.damaged = False
        self.next_s = 0.0
        self.pictures = 0
        self._runs = runs
        self._origin_s = origin_s
        self._step_s = float(1 / made_rate(stream))
        self._fields = Deinterlacer(made_rate(stream)) if interlaced else None
        self._broken_s: float | None = None
        self._last_was_key = True

    def take(self, item: av.VideoFrame | _Damage) -> None:
        """Take a frame, or the news that one is missing."""
        if isinstance(item, _Damage):
            self._break()
            return
        self.pictures += 1
        if self._usable(item):
            for frame in self._fields.split(item) if self._fields else (item,):
                self._add(frame)

    def finish(self) -> None:
        """Take what the deinterlacer holds and end the last piece."""
        if self._fields:
            for frame in self._fields.split(None):
                self._add(frame)
        self._runs.end(self.next_s)

    def _break(self) -> None:
        if self._fields and self._broken_s is None:
            for frame in self._fields.split(None):
                self._add(frame)
        self.damaged = True
        self._broken_s = self.next_s
        self._runs.end(self.next_s)

    def _usable(self, frame: av.VideoFrame) -> bool:
        """After damage frames lean on what is missing until the next key frame."""
        if self._broken_s is None:
            return True
        at_s = self._time_s(frame)
        if frame.key_frame or at_s - self._broken_s > _PATIENCE_S:
            self._broken_s = None
            return True
        self.next_s = max(self.next_s, at_s + self._step_s)
        return False

    def _time_s(self, frame: av.VideoFrame) -> float:
        return self.next_s if frame.time is None else frame.time - self._origin_s

    def _add(self, frame: av.VideoFrame) -> None:
        at_s = self._time_s(frame)
        hole = frame.key_frame and not self._last_was_key and at_s > self.next_s + _SILENT_GAP_S
        self._last_was_key = frame.key_frame
        if (hole or at_s > self.next_s + _LONGEST_GAP_S) and self._runs.current is not None:
            self._runs.end(self.next_s)
            self.damaged = True
        elif at_s < self.next_s - _LONGEST_GAP_S:
            # The clock of the file was set back: the frames go on where they are.
            self._origin_s += at_s - self.next_s
            at_s = self.next_s
        self._runs.add(frame, at_s)
        length_s = float(frame.duration * frame.time_base) if frame.duration and frame.time_base else self._step_s
        self.next_s = max(self.next_s, at_s + length_s)


def follow(path: Path, runs: Runs, interlaced: bool, order: Order, share: Callable[[float], None]) -> End:
    """Read a file until its end or until a piece has all the frames that are wanted."""
    with open_media(path, error=InputError, noun="video", called=order.called) as container:
        stream = picture_stream(container, order.called)
        stream.thread_type, stream.codec_context.thread_count = "AUTO", 2
        told_s = duration_s(container, stream)
        reading = _Reading(runs, stream, max(0.0, (container.start_time or 0) / 1e6), interlaced)
        wanted_s = min(order.keep_s, told_s or order.keep_s)
        for count, item in enumerate(_decoded(container, stream)):
            reading.take(item)
            if reading.pictures > _CROWD + _MOST_A_SECOND * reading.next_s:
                raise InputError(
                    f"{order.called} shows {reading.pictures} pictures within {reading.next_s:.1f} seconds. Save it "
                    "again as MP4.",
                    code="video_unreadable",
                )
            if runs.full or reading.next_s > order.max_s:
                break
            if count % _TELL_EVERY == 0:
                share(min(1.0, reading.next_s / wanted_s))
        else:
            counted = container.format.name.split(",")[0] in _COUNTED
            if counted and told_s is not None and reading.next_s < told_s - _MISSING_S:
                reading.damaged = True
        reading.finish()
        seen_s = reading.next_s if told_s is not None else max(reading.next_s, _rest_s(container, stream))
    return End(damaged=reading.damaged, seen_s=seen_s)


def _rest_s(container: InputContainer, stream: VideoStream) -> float:
    """Where the packets end that were not decoded."""
    origin_s, last_s = max(0.0, (container.start_time or 0) / 1e6), 0.0
    for packet in _packets(container, stream):
        if not isinstance(packet, _Damage) and packet.pts is not None and packet.time_base is not None:
            last_s = max(last_s, float(packet.pts * packet.time_base) - origin_s)
    return last_s
