"""One call from a clip to a video in which the same person says something else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avatarium.engine import filmed
from avatarium.engine.face.pose import Pose
from avatarium.engine.face.stage import Stage
from avatarium.engine.face.video.view import VideoView
from avatarium.engine.options import SpeakOptions
from avatarium.engine.talking import prepare_view, speak
from avatarium.engine.video.canvas import Canvas, Rectangle
from avatarium.engine.video.framing import Size
from avatarium.errors import PictureError
from bench.likeness.measure import measure
from tests.support.twin_clips import film_of, piece

SIDE = 320


@pytest.mark.long
def test_a_clip_is_prepared_once_and_says_what_it_is_told(
    media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filmed, "default_home", lambda: tmp_path / "home")
    clip = film_of(piece("woman-flag-512.mp4", 110, SIDE), tmp_path / "clip.mp4").path
    told: list[str] = []
    options = SpeakOptions(size=Size(480, 480))
    # Enough lips that shut for the detector to misread one or two.
    text = "My name is Bob. Pay more, buy more. Papa made a big map, and a bumpy boat may pop up by the pier."
    take = speak(clip, tmp_path / "out.mp4", text=text, options=options, note=told.append)
    assert any("once" in sentence for sentence in told)
    likeness = measure(take.path, take.phonemes)
    assert likeness.offset_frames is not None
    assert abs(likeness.offset_frames) < 1
    assert likeness.correlation > 0.6
    assert likeness.closures_shut >= 0.9 * likeness.closures_total

    def never(*given: object, **named: object) -> None:
        raise AssertionError("it was prepared already")

    monkeypatch.setattr(filmed, "_make", never)
    view = prepare_view(clip, options)
    assert isinstance(view, VideoView)
    frame = view.render(Pose())
    assert frame.shape == (480, 480, 3)
    unpacked = view._actor.films.base
    assert unpacked.exists()
    view.close()
    assert not unpacked.exists(), "the twin is closed with its only view"
    (twin,) = (tmp_path / "home" / "twins").glob("*.twin")
    assert isinstance(prepare_view(twin, options), VideoView)
    with pytest.raises(PictureError, match="without cutting"):
        prepare_view(twin, SpeakOptions(size=Size(480, 480), background=(0, 0, 0)))
    canvas = Canvas(
        resolution=480, width=640, height=480, person=Rectangle(x=0, y=0, width=300, height=300), ground=(9, 9, 9)
    )
    with pytest.raises(PictureError, match="without cutting"):
        prepare_view(twin, SpeakOptions(canvas=canvas))
    whole = prepare_view(twin, SpeakOptions(canvas=Canvas(resolution=480)))
    assert not isinstance(whole, Stage)
    assert np.ptp(whole.render(Pose())) > 100
