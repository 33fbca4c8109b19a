"""Captions in files: they come and go with the words, and leave the rest of the picture alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.captions import CaptionPainter, CaptionStyle
from avatarium.engine.face.pose import Pose
from avatarium.engine.production import LEAD_S, Take, make_video
from avatarium.engine.speech.records import Speech, Word
from avatarium.engine.video import read_frames
from avatarium.engine.video.framing import Size

SIZE = Size(width=640, height=360)
FPS, RATE = 25, 24000
WORDS = ((0.52, 1.31, "First."), (2.17, 3.25, "Second and last."))


class Wall:
    """A grey wall, with a clear half where it is cut out."""

    size = SIZE
    in_order = False

    def render(self, pose: Pose) -> NDArray[np.uint8]:
        return np.full((SIZE.height, SIZE.width, 3), 120, np.uint8)

    def render_cutout(self, pose: Pose) -> NDArray[np.uint8]:
        frame = np.zeros((SIZE.height, SIZE.width, 4), np.uint8)
        frame[:, : SIZE.width // 2] = (120, 120, 120, 255)
        return frame

    def close(self) -> None:
        """Nothing."""


def spoken() -> Speech:
    words = tuple(Word(text=text, start_s=start_s, end_s=end_s) for start_s, end_s, text in WORDS)
    return Speech(audio=np.zeros(round(3.6 * RATE), np.float32), rate=RATE, phonemes=(), words=words)


def made(path: Path, *, alpha: bool = False) -> Take:
    painter = CaptionPainter(CaptionStyle(), SIZE, frame_s=1 / FPS)
    return make_video(Wall(), [spoken()], path, captions=painter, alpha=alpha)


@pytest.mark.parametrize("ending", ["mp4", "webm"])
def test_they_come_and_go_within_a_frame_of_the_words(ending: str, tmp_path: Path) -> None:
    take = made(tmp_path / f"a.{ending}")
    frames = np.stack(list(read_frames(take.path))).astype(int)
    off = np.abs(frames - 120).max(axis=3)
    seen = off[:, 290:320].max(axis=(1, 2)) > 60
    edges = np.flatnonzero(np.diff(np.concatenate([[0], seen.astype(int), [0]]))).reshape(-1, 2) / FPS
    assert len(edges) == len(WORDS) == len(take.words)
    for (shown_s, gone_s), (start_s, end_s, _) in zip(edges, WORDS, strict=True):
        assert abs(shown_s - (start_s + LEAD_S)) <= 1 / FPS
        held_s = max(end_s, start_s + 1.0)  # a second at least, to be read
        assert abs(gone_s - (held_s + LEAD_S)) <= 1 / FPS


def test_nothing_outside_their_box_changes(tmp_path: Path) -> None:
    take = made(tmp_path / "a.mp4")
    changed = np.max([np.abs(frame.astype(int) - 120).max(axis=2) for frame in read_frames(take.path)], axis=0) > 24
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert (rows[0], rows[-1]) == pytest.approx((295, 316), abs=6)
    assert columns[0] > 220 and columns[-1] < 420


def test_over_a_clear_ground_the_file_holds_them(tmp_path: Path) -> None:
    import av

    take = made(tmp_path / "clear.webm", alpha=True)
    with av.open(str(take.path)) as container:
        codec = av.CodecContext.create("libvpx-vp9", "r")
        pictures = [
            picture.to_ndarray(format="rgba") for packet in container.demux(video=0) for picture in codec.decode(packet)
        ]
    shown, blank = pictures[round((2.9 + LEAD_S) * FPS)], pictures[round((1.9 + LEAD_S) * FPS)]
    clear_half = (slice(297, 315), slice(340, 378))
    assert blank[clear_half][..., 3].max() < 20
    assert (shown[clear_half][..., 3] > 100).mean() > 0.9
    assert (shown[clear_half][..., :3].min(axis=2) > 180).mean() > 0.05, "letters"
