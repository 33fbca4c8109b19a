"""A preview is short, small, and its avatar is seen speaking in its own voice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avatarium.engine.introduction import greetings, preview
from avatarium.engine.speech import voices
from avatarium.engine.video import probe, read_frames


@pytest.mark.parametrize("avatar", ["ava", "noah"])
def test_a_preview_takes_about_four_seconds(avatar: str, tmp_path: Path) -> None:
    take = preview(avatar, tmp_path / "a.mp4")
    facts = probe(take.path)
    assert (facts.width, facts.height) == (384, 480)
    assert 3 < take.duration_s < 5.5
    frames = np.array([frame[200:290, 130:250].mean(-1) for frame in read_frames(take.path)])
    assert np.ptp(frames, axis=0).max() > 40, "the mouth moves"


def test_every_language_that_has_a_voice_has_a_greeting() -> None:
    assert {voice.language.partition("-")[0] for voice in voices()} == set(greetings())
