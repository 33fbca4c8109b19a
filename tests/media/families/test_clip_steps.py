"""What the steps of a training share of a clip: that it is the same one, and whom it is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from avatarium.engine.face.video.tracking import stretches
from avatarium.errors import InputError
from avatarium.families import clips
from tests.conftest import MEDIA
from tests.running import Running, job_of
from tests.support.clip_making import encode, numbered
from tests.support.twin_clips import film_of, piece
from tests.support.twins import started


def test_another_video_of_the_same_length_is_another(it: Running, tmp_path: Path) -> None:
    """Whatever is longer than what is kept has as many frames as everything else that is."""
    first, second = (
        encode(tmp_path / f"{start}.mp4", (numbered(start + number) for number in range(255))) for start in (0, 300)
    )
    url = it.upload(first, "changing.mp4")
    key = it.platform.storage.key_of(url)
    assert key is not None
    task = started(it, video_url=url)
    before = clips.taken(job_of(it.platform, task, {}), url)
    job = job_of(it.platform, task, {"clip_sha256": before.sha256})
    assert clips.same_clip(job, url) == before.clip
    it.forget_scratch(task.id)
    it.platform.storage.put(key, second.read_bytes(), owner=it.user_id, media_type="video/mp4", expires_ms=None)
    assert clips.taken(job_of(it.platform, task, {}), url).clip.frames == before.clip.frames
    with pytest.raises(InputError) as told:
        clips.same_clip(job, url)
    assert told.value.code == "clip_changed"


@pytest.mark.skipif(not MEDIA.is_dir(), reason="the test media are not here; set AVATARIUM_TEST_MEDIA")
def test_a_passer_by_at_the_beginning_does_not_become_the_avatar(it: Running, tmp_path: Path) -> None:
    passing, staying = piece("woman-idle-720p.mp4", 25, 200), piece("man-suit-700.mp4", 75, 200)
    clip = film_of(passing + staying, tmp_path / "clip.mp4")
    track, _ = clips.looked_at(job_of(it.platform, started(it), {}), clip)
    assert stretches(track.seen) == [(25, 100)]
