"""The face of whoever speaks in a part of a video: followed, and its mouths collected; nothing is cut out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from avatarium.engine.dubbing.parts import Part
from avatarium.engine.face.pose import Mouth
from avatarium.engine.face.video.bank import Bank, build_bank
from avatarium.engine.face.video.choosing import choose_person
from avatarium.engine.face.video.fitness import LEAST_IOD
from avatarium.engine.face.video.measures import Measures, measure
from avatarium.engine.face.video.tracking import Track, track_face
from avatarium.engine.face.video.visibility import MouthWatch
from avatarium.engine.speech.activity import Stretch
from avatarium.engine.video.container import open_media, unreadable
from avatarium.engine.video.planes import PictureCoding
from avatarium.engine.video.probe import MAX_PIXELS, picture_stream
from avatarium.errors import FaceError, InputError

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

SPEAKS = 0.012
"""How much a mouth moves (standard deviation of its opening, IOD) whose person speaks; at rest it is some 0.004."""
_SAMPLES, _FEWEST = 8, 3
_CLEARLY = 0.5
"""Share of what is said in which the largest face must move for nobody else to be looked at."""
_ENOUGH_PX = 640
_LEAST_SEEN = 12
"""Frames with a face below which nothing is done."""
_MATRICES = {1: Colorspace.ITU709, 9: Colorspace.BT2020}
_MOMENT_S = 0.02
_QUICKEST_S = 1 / 31
"""Of videos with more frames a second not every one is looked at; between two the face goes on evenly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of one person in a part of a video."""

    times_s: NDArray[np.float64]
    """Of the frames that were looked at, rising, ``(n,)``."""
    track: Track
    measures: Measures
    shown: Floats
    """How far the mouth is free, 0..1, ``(n,)``."""
    bank: Bank
    still: tuple[int, Image]
    """The frame whose mouth is most at rest, and its number."""

    def speaks(self, span: Stretch) -> bool:
        """Whether the mouth opens and shuts in a time."""
        return _moved(self.times_s, self.track, self.measures, span) > SPEAKS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Followed:
    """One person through a part."""

    times_s: NDArray[np.float64]
    small: Track
    track: Track
    measures: Measures

    def speaks(self, said: Sequence[Stretch]) -> float:
        """Share of what is said in which the mouth moves."""
        moved = [_moved(self.times_s, self.track, self.measures, span) > SPEAKS for span in said]
        return sum(moved) / len(moved)


def look(media: Path, coding: PictureCoding, part: Part, stopped: Callable[[], bool] = lambda: False) -> Seen | None:
    """Follow whoever speaks in a part of a video; None where there is no face to be used.

    That is the largest face, or the second largest where the mouth of the largest is at rest most of the time and the
    other's moves more. The film is decoded three times from the first word to the last, or four.

    Args:
        media: the video.
        coding: of the pictures that will be painted; sizes and colours are those.
        part: the frames outside of its spans are not looked at.
        stopped: asked at every frame; what was seen until then is no use, and None.
    """
    small, spans = _smaller(coding), part.spans
    samples = _few(media, small, spans)
    found = _follow(media, coding, spans, samples, 1, stopped)
    if found is None or found.speaks(part.said) < _CLEARLY:
        other = _follow(media, coding, spans, samples, 2, stopped)
        if other is not None and (found is None or other.speaks(part.said) > found.speaks(part.said)):
            found = other
    if found is None or stopped():
        return None
    shown = _shown(media, small, spans, found.small)
    return _collected(media, coding, spans, found, shown)


def _follow(
    media: Path,
    coding: PictureCoding,
    spans: Sequence[Stretch],
    samples: Sequence[Image],
    number: int,
    stopped: Callable[[], bool],
) -> _Followed | None:
    """The person whose face is the largest, or the next; None where there is none to be used."""
    times: list[float] = []

    def followed() -> Iterator[Image]:
        for at_s, frame in _pictures(media, _smaller(coding), spans):
            if stopped():
                return
            times.append(at_s)
            yield frame

    try:
        person = choose_person(samples, number=number)
        if person is None:
            return None
        track = track_face(followed(), look=person)
    except FaceError:
        return None
    if track.seen.sum() < _LEAST_SEEN:
        return None
    whole = _enlarged(track, coding)
    measures = measure(whole)
    if measures.iod < LEAST_IOD:
        return None
    return _Followed(times_s=np.array(times), small=track, track=whole, measures=measures)


def _moved(times_s: NDArray[np.float64], track: Track, measures: Measures, span: Stretch) -> float:
    """How much a mouth opens and shuts in a time, in IOD."""
    inside = (times_s >= span.start_s) & (times_s <= span.end_s) & track.seen
    return float(np.std(measures.controls[inside, Mouth.OPEN])) if inside.sum() >= 4 else 0.0


def _smaller(coding: PictureCoding) -> PictureCoding:
    """The size in which faces are followed: more pixels cost more and tell no more."""
    share = min(1.0, _ENOUGH_PX / min(coding.width, coding.height))
    return replace(
        coding, width=max(2, round(coding.width * share / 2) * 2), height=max(2, round(coding.height * share / 2) * 2)
    )


def _enlarged(track: Track, coding: PictureCoding) -> Track:
    across, down = coding.width / track.width, coding.height / track.height
    points = track.points * np.array([across, down, across], np.float32)
    return replace(track, points=points, width=coding.width, height=coding.height)


def _shown(media: Path, coding: PictureCoding, spans: Sequence[Stretch], track: Track) -> Floats:
    with MouthWatch(track) as watch:
        for _, frame in _pictures(media, coding, spans):
            watch.add(frame)
        return watch.shown()


def _few(media: Path, coding: PictureCoding, spans: Sequence[Stretch]) -> list[Image]:
    """Some pictures to choose the person from: key frames, else the first of each of some moments."""
    kept = [picture for _, picture in _pictures(media, coding, spans, keys_only=True)]
    if len(kept) < _FEWEST:
        kept = [picture for _, picture in _pictures(media, coding, _samples(spans))]
    return (
        [kept[at] for at in sorted(set(np.linspace(0, len(kept) - 1, _SAMPLES).astype(int).tolist()))] if kept else []
    )


def _samples(spans: Sequence[Stretch]) -> list[Stretch]:
    """Moments spread over the stretches, each long enough for one frame of any video."""
    total_s = sum(span.end_s - span.start_s for span in spans)
    found, before_s = list[Stretch](), 0.0
    for span in spans:
        length_s = span.end_s - span.start_s
        for number in range(_SAMPLES):
            into_s = (number + 0.5) / _SAMPLES * total_s - before_s
            if 0 <= into_s < length_s:
                at_s = span.start_s + into_s
                found.append(Stretch(start_s=at_s, end_s=at_s + _MOMENT_S))
        before_s += length_s
    return found


def _collected(
    media: Path,
    coding: PictureCoding,
    spans: Sequence[Stretch],
    found: _Followed,
    shown: Floats,
) -> Seen:
    track, measures = found.track, found.measures
    opened = np.abs(measures.controls[:, Mouth.OPEN]) + 10 * (shown < 1) + np.abs(measures.pose[:, :2]).max(1) / 8
    calm = int(opened.argmin())
    kept: list[Image] = []

    def frames() -> Iterator[Image]:
        for number, (_, frame) in enumerate(_pictures(media, coding, spans)):
            if number == calm:
                kept.append(frame.copy())
            yield frame

    bank = build_bank(frames(), track, measures, shown)
    return Seen(times_s=found.times_s, track=track, measures=measures, shown=shown, bank=bank, still=(calm, kept[0]))


def _pictures(
    media: Path, coding: PictureCoding, spans: Sequence[Stretch], *, keys_only: bool = False
) -> Iterator[tuple[float, Image]]:
    """The frames of the stretches as RGB, of the shown size, upright."""
    reformatter = VideoReformatter()
    for at_s, frame in _frames(media, spans, keys_only=keys_only):
        turns = round(frame.rotation / 90) % 4
        size = (coding.height, coding.width) if turns % 2 else (coding.width, coding.height)
        rgb = reformatter.reformat(
            frame,
            width=size[0],
            height=size[1],
            format="rgb24",
            src_colorspace=_MATRICES.get(coding.matrix, Colorspace.ITU601),
            src_color_range=ColorRange.JPEG if coding.full_range else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            threads=1,
        )
        yield at_s, np.ascontiguousarray(np.rot90(np.asarray(rgb.to_ndarray(), np.uint8), turns))


def _frames(media: Path, spans: Sequence[Stretch], *, keys_only: bool) -> Iterator[tuple[float, av.VideoFrame]]:
    """Decoded frames within the stretches, with their instants; none nearer than a thirty-first of a second."""
    if not spans:
        return
    with open_media(media, error=InputError, noun="video") as container:
        stream = picture_stream(container, media)
        stream.thread_type = "AUTO"
        if keys_only:
            stream.codec_context.skip_frame = "NONKEY"
        origin = Fraction(max(0, container.start_time or 0), 1_000_000)
        base = stream.time_base
        assert base is not None
        begin = max(0, round((origin + Fraction(max(0.0, spans[0].start_s))) / base))
        last_s, at = -1.0, 0
        try:
            container.seek(begin, stream=stream)
            for frame in container.decode(stream):
                if frame.pts is None or frame.width * frame.height > MAX_PIXELS:
                    continue
                at_s = float(frame.pts * base - origin)
                while at < len(spans) and spans[at].end_s < at_s:
                    at += 1
                if at == len(spans):
                    return
                if at_s >= spans[at].start_s and at_s - last_s >= _QUICKEST_S - 1e-4:
                    last_s = at_s
                    yield at_s, frame
        except av.InvalidDataError:
            return
        except av.FFmpegError as problem:
            raise unreadable(media, error=InputError, noun="video") from problem
