"""From a plain clip to a twin's file."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.video import fitness
from avatarium.engine.face.video.bank import Bank, build_bank
from avatarium.engine.face.video.choosing import track_clip
from avatarium.engine.face.video.films import FilmWriter, frames_in_order, plain_frames, reorder, to_rgb
from avatarium.engine.face.video.layers import Colour, Image, Layers, Matting, faces_of
from avatarium.engine.face.video.loop import Loop, find_loop
from avatarium.engine.face.video.measures import Measures, measure
from avatarium.engine.face.video.moments import small_grey
from avatarium.engine.face.video.package import ALPHA, BASE, PERSON, Manifest, write_twin
from avatarium.engine.face.video.pose_choice import best_portrait
from avatarium.engine.face.video.tracking import Track
from avatarium.engine.face.video.visibility import MouthWatch
from avatarium.engine.video.intake import Clip

Float32 = NDArray[np.float32]
Progress = Callable[[float], None]

_POSTER_QUALITY = 92
_TELL_EVERY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A twin that was made."""

    path: Path
    manifest: Manifest
    """What it is, sizes and shares among it."""
    track: Track
    measures: Measures
    notes: tuple[str, ...]
    """What the user should know, in sentences."""
    poster: Path
    """JPEG of a calm frame from the front with a shut mouth, beside ``path``."""
    seconds: float
    """What it took."""


def prepare_twin(
    clip: Clip,
    out: Path,
    *,
    face: int = 1,
    matte: bool = True,
    ground: Image | Colour | None = None,
    network: Path | None = None,
    track: Track | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Make a twin out of a clip. Under three seconds of CPU for each second of 720p with matting.

    Uses a second thread for the matting, and scratch files beside ``out`` of a few times the clip's size. Memory does
    not grow with the clip but for some 25 kB a frame and the bank's 60 MB.

    Args:
        clip: as ``take_clip`` makes it.
        out: where the twin's file shall be.
        face: 1 for the largest, where there are several.
        matte: whether the person is cut out, so that he can stand before any ground.
        ground: the ground without the person, as a picture or a colour, where that is known.
        network: of the operator's own, to tell the person by (``open_plugin``).
        track: the face's way through the clip where it was followed before.
        progress: told the share done, 0 to 1, from the calling thread; what it raises ends the work.

    Raises:
        FaceError: ``no_face``, ``face_lost``, ``face_too_small``, ``face_turned_away``, ``face_cut_off`` or
            ``mouth_hidden``.
        InputError: ``too_many_cuts``, ``picture_stands_still``; ``video_unreadable``.
        OutputError: ``out`` cannot be written.
        AssetError: ``network`` cannot be used.
    """
    began = time.monotonic()
    share = _Share(clip.frames, progress)
    with tempfile.TemporaryDirectory(dir=out.absolute().parent, prefix=".twin-") as scratch:
        folder = Path(scratch)
        track = track or track_clip(clip.path, clip.frames, number=face, progress=share.of(0.0, 0.22))
        fitness.refuse_unseen(track)
        seen = _look(clip, track, share)
        with _matting(clip, folder, track, seen.loop, ground, network, wanted=matte) as matting:
            films = {BASE: _base(clip, seen.loop, folder, share)}
            bank = build_bank(_counted(clip, share.of(0.5, 0.55)), track, seen.measures, seen.shown)
            if matting:
                films |= _layers(matting, share)
        manifest = _manifest(clip, track, seen, bank, matted=matte)
        write_twin(out, manifest, {**_loop_arrays(track, seen), **bank.arrays()}, films)
    poster = _poster(clip, out, best_portrait(track, seen.measures, seen.shown, seen.loop.order))
    share.reached(1.0)
    return Prepared(
        path=out,
        manifest=manifest,
        track=track,
        measures=seen.measures,
        notes=manifest.notes,
        poster=poster,
        seconds=time.monotonic() - began,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What was found out about a clip."""

    measures: Measures
    shown: Float32
    loop: Loop


def _look(clip: Clip, track: Track, share: _Share) -> _Seen:
    """Measure the track, see where the mouth is free, choose the loop; refuse what is no use."""
    measures = measure(track)
    fitness.refuse_unusable(track, measures)
    with MouthWatch(track) as watch:
        pictures = []
        for frame in _counted(clip, share.of(0.22, 0.4), len(track)):
            watch.add(frame)
            pictures.append(small_grey(frame))
        shown, usual = watch.shown(), watch.usual()
    appearance = np.stack(pictures)
    fitness.refuse_still(track, measures, appearance)
    fitness.refuse_hidden(track, shown, usual)
    return _Seen(measures=measures, shown=shown, loop=find_loop(measures, track, appearance, shown))


def _base(clip: Clip, loop: Loop, folder: Path, share: _Share) -> Path:
    film = folder / BASE
    with FilmWriter(film, clip.width, clip.height) as writer:
        reorder(clip.path, loop.order, writer, loop.passage)
    share.reached(0.5)
    return film


def _loop_arrays(track: Track, seen: _Seen) -> dict[str, NDArray[Any]]:
    loop, measures, placing = seen.loop, seen.measures, seen.measures.placing
    return {
        "order": loop.order,
        "points": loop.of(track.points),
        "local": loop.of(measures.local),
        "neutral": measures.neutral,
        "controls": loop.of(measures.controls),
        "scale": loop.of(placing.scale),
        "turn": loop.of(placing.turn),
        "shift": loop.of(placing.shift),
        "pose": loop.of(measures.pose),
        "shown": loop.of(seen.shown),
    }


def _manifest(clip: Clip, track: Track, seen: _Seen, bank: Bank, *, matted: bool) -> Manifest:
    loop = seen.loop
    return Manifest(
        width=clip.width,
        height=clip.height,
        frames=len(loop.order),
        iod=seen.measures.iod,
        others=int(track.others.max(initial=0)),
        notes=_notes(track, seen),
        coverage=float(bank.coverage),
        has_alpha=matted,
        playing=loop.playing.value,
        joint=loop.joint,
        usual=loop.usual,
        seen=float(track.seen.mean()),
        clip_frames=len(track),
    )


def _notes(track: Track, seen: _Seen) -> tuple[str, ...]:
    notes = []
    if (track.others > 0).mean() > 0.1:
        notes.append("There is more than one face in the video; the avatar is made of one of them.")
    missing = 1 - float(track.seen.mean())
    if missing > 0.02:
        notes.append(f"In {missing:.0%} of the video the face is not seen; those moments are left as they are.")
    hidden = float((seen.shown[track.seen] < 0.5).mean())
    if hidden > 0.02:
        notes.append(f"In {hidden:.0%} of the video the mouth is hidden or turned away; the original is shown there.")
    if seen.loop.note:
        notes.append(seen.loop.note)
    return tuple(notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    work: Matting
    result: Future[Layers]


@contextmanager
def _matting(
    clip: Clip,
    folder: Path,
    track: Track,
    loop: Loop,
    ground: Image | Colour | None,
    network: Path | None,
    *,
    wanted: bool,
) -> Iterator[_Running | None]:
    """The matting beside what is left to do; where that fails, the matting is given up.

    It begins when all is known that it asks for: whom to keep at every shot, and the order in which its films are
    written. Begun beside the tracking it would have to write them twice, which takes longer than is gained.
    """
    if not wanted:
        yield None
        return
    face_at = faces_of(track.points, track.seen) if (track.others > 0).any() else None
    work = Matting(clip.path, folder, loop.order, passage=loop.passage, ground=ground, face_at=face_at, network=network)
    with ThreadPoolExecutor(1, thread_name_prefix="matting") as threads:
        try:
            yield _Running(work=work, result=threads.submit(work.run))
        finally:
            work.stop()


def _layers(matting: _Running, share: _Share) -> dict[str, Path]:
    while not matting.result.done():
        wait([matting.result], timeout=_TELL_EVERY_S)
        share.reached(0.55 + 0.4 * matting.work.done)
    layers = matting.result.result()
    return {PERSON: layers.person, ALPHA: layers.alpha}


def _poster(clip: Clip, out: Path, frame: int) -> Path:
    picture = to_rgb(next(frames_in_order(clip.path, np.array([frame], np.int32))))
    poster = out.with_suffix(".jpg")
    _, coded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _POSTER_QUALITY])
    poster.write_bytes(coded.tobytes())
    return poster


def _counted(clip: Clip, told: Callable[[int], None], most: int = 1 << 30) -> Iterator[Image]:
    for number, frame in enumerate(plain_frames(clip.path)):
        if number >= most:
            return
        told(number)
        yield frame


class _Share:
    """Tells progress in steps of a hundredth, never backwards."""

    def __init__(self, frames: int, progress: Progress | None) -> None:
        self._frames, self._progress, self._told = max(1, frames), progress, -1.0

    def of(self, first: float, last: float) -> Callable[[int], None]:
        """For a step that counts frames."""
        return lambda count: self.reached(first + (last - first) * min(1.0, count / self._frames))

    def reached(self, share: float) -> None:
        if self._progress and share >= min(1.0, self._told + 0.01):
            self._told = share
            self._progress(share)
