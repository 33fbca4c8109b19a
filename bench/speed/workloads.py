"""What of the product is timed: each workload returns its stages, so a renderer can report every step of a frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import Life, PhotoActor, Pose, Shot, View, frame_shot
from avatarium.engine.face.frame import Points
from avatarium.engine.face.raster import Bands
from avatarium.engine.picture.read import read_picture
from avatarium.engine.speech.records import Phoneme
from avatarium.engine.video import EncoderOptions, Size
from avatarium.engine.video.tracks import PictureTrack
from bench.speed.clock import Stage, StageClock, cpu_ms

Image = NDArray[np.uint8]
Float32 = NDArray[np.float32]

PORTRAIT = "portraits/ava.png"
SENTENCE = "h ə l oʊ aɪ æ m ɐ b l uː m uː n f ɔː r j uː w ɪ ð p iː tʃ ɪ z"
FPS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One piece of the product under the clock."""

    name: str
    run: Callable[[int], tuple[Stage, ...]]
    """Takes the number of frames to time, returns one ``Stage`` for each step and one for the whole frame."""


class TimedView(View):
    """A view that reports its steps."""

    clock = StageClock()

    def _move(self, pose: Pose) -> tuple[Points, Float32, Float32]:
        with self.clock.stage("vertices"):
            return super()._move(pose)

    def _warp(self, target: Float32, lids: Float32) -> Bands:
        with self.clock.stage("warp of the person"):
            return super()._warp(target, lids)

    def _paint_mouth(self, frame: Image, pose: Pose, local: Points) -> None:
        with self.clock.stage("inside of the mouth"):
            super()._paint_mouth(frame, pose, local)


def _photo_actor(size: Size, shot: Shot) -> Callable[[int], tuple[Stage, ...]]:
    def run(frames: int) -> tuple[Stage, ...]:
        actor = _actor()
        view = TimedView(actor, size, frame_shot(actor, size, shot))
        view.clock = StageClock(warm_up=5)
        performance = Life(fps=FPS).perform(None, frames + 5)
        mouth = _babble(frames + 5)
        for i in range(frames + 5):
            with view.clock.stage(f"frame {size}"):
                view.render(_speaking(performance[i], mouth[i]))
        return view.clock.stages()

    return run


def _encoder(size: Size) -> Callable[[int], tuple[Stage, ...]]:
    def run(frames: int) -> tuple[Stage, ...]:
        import av

        from avatarium.engine.video.encoding import VideoKind

        actor = _actor()
        view = View(actor, size, frame_shot(actor, size, Shot.HEAD))
        performance = Life(fps=FPS).perform(None, frames + 5)
        pictures = iter([view.render(performance[i]) for i in range(frames + 5)])
        with av.open("/dev/null", "w", format=VideoKind.MP4.value) as container:
            options = EncoderOptions(threads=1)
            track = PictureTrack(
                container, VideoKind.MP4, width=size.width, height=size.height, fps=FPS, alpha=False, options=options
            )
            stage = cpu_ms(lambda: list(track.encode(next(pictures))), frames, name=f"H.264 {size}", warm_up=5)
            list(track.finish())
        return (stage,)

    return run


def _actor() -> PhotoActor:
    return PhotoActor.from_picture(read_picture(str(files("avatarium.engine.face") / PORTRAIT)).rgb)


def _babble(frames: int) -> Float32:
    from avatarium.engine.face import mouth_controls

    sounds = SENTENCE.split() * (1 + frames // (2 * len(SENTENCE.split())))
    phonemes = [Phoneme(ipa=s, start_s=i * 0.08, end_s=(i + 1) * 0.08, stress=i % 3 == 0) for i, s in enumerate(sounds)]
    return mouth_controls(phonemes, frames, FPS)


def _speaking(pose: Pose, mouth: Float32) -> Pose:
    return Pose(mouth=mouth, head=pose.head, blink=pose.blink, gaze=pose.gaze, brow=pose.brow, breath=pose.breath)


WORKLOADS: tuple[Workload, ...] = (
    Workload(name="photo actor 512x512", run=_photo_actor(Size(512, 512), Shot.HEAD)),
    Workload(name="photo actor 1280x720", run=_photo_actor(Size(1280, 720), Shot.BUST)),
    Workload(name="H.264 512x512", run=_encoder(Size(512, 512))),
    Workload(name="H.264 1280x720", run=_encoder(Size(1280, 720))),
)
