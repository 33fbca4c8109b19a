"""Avatars from videos, from the upload to what is left when they are removed; the engine's real work."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import sqlalchemy as sa
from numpy.typing import NDArray

from avatarium.clock import HOUR_MS
from avatarium.engine.speech.records import Samples
from avatarium.engine.video import probe, read_frames, read_sound
from avatarium.engine.video.loudness import loudness_lufs
from avatarium.families import clips, twin_sound
from avatarium.families.twin import FAMILY
from avatarium.storage.models import objects
from avatarium.tasks.models import Task
from tests.media.families.conftest import frames_of, likeness, openings
from tests.running import Running, job_of
from tests.support.clip_making import encode, numbered

pytestmark = pytest.mark.long

CLIP, OTHER = "woman-flag-512.mp4", "woman-expressive-512.mp4"
CLIP_FRAMES = 255
"""Of the test's clip: ten seconds and a little, as an avatar needs."""
GROUND = (10, 120, 200)


def train(it: Running, **body: Any) -> dict[str, Any]:
    task = it.post("userVideoTwin/startTraining", {"name": "me", "gender": "female"} | body)
    assert "_id" in task, task
    it.work()
    record: dict[str, Any] = it.get(f"userVideoTwin/{task['_id']}")
    return record


def files_of(it: Running, task_id: str) -> dict[str, int | None]:
    """When each file of a task expires, by its name."""
    query = sa.select(objects.c.key, objects.c.expires_ms).where(objects.c.task_id == task_id)
    with it.platform.database.read() as c:
        return {row.key.rpartition("/")[2]: row.expires_ms for row in c.execute(query)}


@pytest.fixture(scope="module")
def clip(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds of somebody who speaks, and their beginning once more."""
    source = media / "talking-videos" / CLIP
    frames, sound = list(read_frames(source, fps=25)), read_sound(source, 48000).samples
    count = min(len(frames), len(sound) // 1920)
    twice, samples = [*frames[:count], *frames], np.tile(sound[: count * 1920], 2)
    path = tmp_path_factory.mktemp("clip") / "me.mp4"
    return encode(path, twice[:CLIP_FRAMES], sound=samples[: CLIP_FRAMES * 1920])


@pytest.fixture(scope="module")
def clip_url(installation: Running, clip: Path) -> str:
    return installation.upload(clip, "me.mp4")


@pytest.fixture(scope="module")
def twin(installation: Running, clip_url: str) -> Iterator[dict[str, Any]]:
    """An avatar from a video of fifteen seconds."""
    made = train(installation, video_url=clip_url, consent=True)
    assert made["current_status"] == "completed", made["failed_message"]
    yield made
    assert installation.post("userVideoTwin/remove", {"_id": made["_id"]}) == {"_id": made["_id"]}


def generated(it: Running, twin: dict[str, Any], speech_url: str, **body: Any) -> dict[str, Any]:
    """A video of it, as its record tells of it."""
    video = it.post(
        "video/generate",
        {"anchor_id": twin["anchor_id"], "anchor_type": 1, "audioSrc": speech_url, "resolution": 480} | body,
    )
    assert "_id" in video, video
    it.work()
    record: dict[str, Any] = it.post("video/awsResult", {"_id": video["_id"]})[0]
    assert record["status"] == "success", record["msg"]
    return record


def test_a_video_becomes_an_avatar_for_nothing(it: Running, twin: dict[str, Any], tmp_path: Path) -> None:
    assert (twin["coins"], twin["diamonds"], twin["engine"]) == (0, 0, "avatarium-video")
    assert 0 <= twin["score"] <= 100 and all(sentence.endswith(".") for sentence in twin["advice"])
    assert twin["consent"]["sha256"]
    (avatar,) = it.get(f"anchor/character_list?type=custom&user_video_twin_id={twin['_id']}")
    assert (avatar["_id"], avatar["name"]) == (twin["anchor_id"], "me")
    preview = probe(it.save(twin["preview_result_url"], tmp_path / "preview.mp4"))
    assert preview.sound is not None and 1.5 < preview.duration_s < 8
    assert probe(it.save(avatar["base_video"], tmp_path / "base.mp4")).duration_s > 1.5
    for url in (twin["image_url"], twin["people_img"], avatar["people_img"], avatar["video_cover"]):
        assert it.download(url)[:2] == b"\xff\xd8"
    kept = files_of(it, twin["_id"])
    names = {"twin.twin", "poster.jpg", "cover.jpg", "base.mp4", "preview.mp4", "track.npz", "sound.wav"}
    assert set(kept) == names and set(kept.values()) == {None}


def test_it_says_a_recording_with_lips_that_fit(
    it: Running, twin: dict[str, Any], speech_url: str, sound: Samples, tmp_path: Path
) -> None:
    record = generated(it, twin, speech_url)
    assert record["engine"] == "avatarium-video" and record["anchor_type"] == "1"
    path = it.save(record["result"], tmp_path / "video.mp4")
    assert likeness(read_sound(path, 24000).samples, sound) > 0.98
    assert probe(path).height == 480
    gap = openings(path)
    assert np.isfinite(gap).mean() > 0.95
    assert np.nanpercentile(gap, 90) - np.nanpercentile(gap, 10) > 0.04


def test_it_stands_where_it_is_put_before_a_ground(
    it: Running, twin: dict[str, Any], speech_url: str, tmp_path: Path
) -> None:
    place = {"web_people_x": 600, "web_people_y": 180, "web_people_width": 540, "web_people_height": 540}
    canvas = {"web_bg_width": 1280, "web_bg_height": 720, "color": "rgb(10,120,200)"}
    path = it.save(generated(it, twin, speech_url, **place, **canvas)["result"], tmp_path / "video.mp4")
    frame = frames_of(path)[10].astype(int)
    assert frame.shape[1] / frame.shape[0] == pytest.approx(1280 / 720, abs=0.01)
    scale = frame.shape[0] / 720
    left, top, right = (round(pixels * scale) for pixels in (600, 180, 1140))
    off = np.abs(frame - GROUND).max(axis=2)
    margin = 4
    for outside in (off[: top - margin], off[:, : left - margin], off[:, right + margin :]):
        assert (outside < 16).mean() > 0.999, "the ground is the ground beside the avatar's rectangle"
    inside = off[top:, left:right]
    assert 0.2 < (inside > 24).mean() < 0.95, "and within it the avatar, before the ground"


def test_a_ground_that_only_the_video_names_is_used_once_and_kept_a_while(
    it: Running, twin: dict[str, Any], speech_url: str
) -> None:
    body = {"color": "rgb(10,120,200)", "anchor_background_color": "rgb(60,60,70)"}
    before = set(files_of(it, twin["_id"]))
    generated(it, twin, speech_url, **body)
    made = files_of(it, twin["_id"])
    (name,) = set(made) - before
    assert name.endswith(".twin") and made[name] is not None
    generated(it, twin, speech_url, **body)
    again = files_of(it, twin["_id"])
    assert set(again) == set(made) and (again[name] or 0) >= (made[name] or 0), (
        "it is used again, and kept the longer for it"
    )


def test_alone_on_a_clear_ground(it: Running, twin: dict[str, Any], speech_url: str, tmp_path: Path) -> None:
    record = generated(it, twin, speech_url, alpha=True)
    path = it.save(record["result"], tmp_path / "video.webm")
    alpha = alpha_of(path)
    assert 0.15 < (alpha > 128).mean() < 0.9
    assert (alpha[:8, :8] < 16).all() or (alpha[:8, -8:] < 16).all()


def alpha_of(path: Path) -> NDArray[np.uint8]:
    """The mask of the first frame, by libvpx: FFmpeg's own decoder leaves it out."""
    with av.open(str(path)) as container:
        codec = av.CodecContext.create("libvpx-vp9", "r")
        codec.extradata = container.streams.video[0].codec_context.extradata
        for packet in container.demux(container.streams.video[0]):
            for frame in codec.decode(packet):
                return np.asarray(frame.to_ndarray(format="rgba")[..., 3], np.uint8)
    raise AssertionError("there is no frame")


def test_its_voice_is_cut_out_and_cleaned(it: Running, twin: dict[str, Any], tmp_path: Path) -> None:
    """The step before the cloning, which costs minutes."""
    task = it.post("userVideoTwin/addVoiceClone", {"_id": twin["_id"]})
    it.worker.waiting.clear()
    found = it.platform.tasks.find(it.user_id, task["_id"])[0]
    made = twin_sound.FAMILY.steps[0].run(job_of(it.platform, found, {}))
    it.platform.tasks.cancel(it.user_id, twin_sound.FAMILY, found.id)
    content = b"".join(it.platform.storage.read(made["sound_key"]))
    (tmp_path / "voice.wav").write_bytes(content)
    voice = read_sound(tmp_path / "voice.wav", 48000)
    assert voice.duration_s == pytest.approx(made["seconds"], abs=0.02) and 2 < voice.duration_s < 15.1
    assert abs(loudness_lufs(voice.samples, 48000) + 16) < 2


def test_a_clip_in_which_nobody_speaks_teaches_nothing_and_costs_nothing(it: Running, twin: dict[str, Any]) -> None:
    before, (avatar,) = it.balance(), it.platform.catalogue.avatars(it.user_id, kind="custom", twin_id=twin["_id"])
    said = b"".join(it.platform.storage.read(avatar.sound_key))

    def put(content: bytes) -> None:
        it.platform.storage.put(
            avatar.sound_key, content, owner=it.user_id, media_type="audio/wav", expires_ms=None, task_id=twin["_id"]
        )

    put(said[:44] + np.random.default_rng(0).normal(0, 800, (len(said) - 44) // 2).astype("<i2").tobytes())
    try:
        task = it.post("userVideoTwin/continueTranining", {"_id": twin["_id"]})
        it.work()
    finally:
        put(said)
    record = it.get(f"userVideoTwin/{task['_id']}")
    assert (record["current_status"], record["failed_code"]) == ("failed", "clip_not_enough")
    assert record["failed_message"].endswith(".") and record["coins"] == 0
    assert it.balance() == before and it.get("video/lip_models") == []
    it.delete(f"video/lip_models/{task['_id']}")


def test_a_model_of_its_own_is_better_and_used_by_itself(
    it: Running, twin: dict[str, Any], speech_url: str, tmp_path: Path
) -> None:
    before = it.balance()[0]
    task = it.post("userVideoTwin/continueTranining", {"_id": twin["_id"]})
    it.work()
    record = it.get(f"userVideoTwin/{task['_id']}")
    assert record["current_status"] == "completed", record["failed_message"]
    assert record["personal_error"] < record["general_error"] and it.balance()[0] == before - 100
    (model,) = it.get("video/lip_models")
    assert (model["_id"], model["version"], model["in_use"]) == (task["_id"], 1, True)
    assert probe(it.save(record["preview_result_url"], tmp_path / "preview.mp4")).duration_s > 1.5
    own = frames_of(it.save(generated(it, twin, speech_url)["result"], tmp_path / "own.mp4"))
    assert it.delete(f"video/lip_models/{model['_id']}")["_id"] == model["_id"]
    general = frames_of(it.save(generated(it, twin, speech_url)["result"], tmp_path / "general.mp4"))
    assert len(own) == len(general)
    assert max(np.abs(a.astype(int) - b).max() for a, b in zip(own, general, strict=True)) > 20


def test_advice_before_it_is_made(it: Running, clip_url: str, photo_url: str) -> None:
    before, records = it.balance(), it.get("userVideoTwin/trainingRecords")
    with it.working():
        of_clip = it.post("userVideoTwin/advice", {"video_url": clip_url})
        of_photo = it.post("userVideoTwin/advice", {"image_url": photo_url})
    for answer in (of_clip, of_photo):
        assert answer["fit_to_train"] is True and 0 < answer["score"] <= 100 and answer["reason"] == ""
        assert all(sentence.endswith(".") for sentence in answer["advice"])
    assert of_clip["facts"] and it.balance() == before
    assert it.get("userVideoTwin/trainingRecords") == records


def faceless(folder: Path) -> Path:
    return encode(folder / "waves.mp4", (numbered(number) for number in range(275)))


def still(folder: Path) -> Path:
    return encode(folder / "still.mp4", (numbered(7) for _ in range(275)))


def damaged(folder: Path) -> Path:
    content = bytearray(encode(folder / "whole.mp4", (numbered(number) for number in range(275))).read_bytes())
    content[len(content) // 3 :] = bytes(len(content) - len(content) // 3)
    path = folder / "damaged.mp4"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("make", "codes"),
    [
        (faceless, {"no_face"}),
        (still, {"still_picture"}),
        (damaged, {"video_unreadable", "clip_damaged", "not_a_video"}),
        ("woman-blue-700.mp4", {"clip_too_short"}),
    ],
)
def test_a_bad_clip_fails_with_a_sentence_and_leaves_nothing(
    it: Running, media: Path, tmp_path: Path, make: Any, codes: set[str]
) -> None:
    path = media / "talking-videos" / make if isinstance(make, str) else make(tmp_path)
    url, before = it.upload(path, "bad.mp4"), it.balance()
    twin = train(it, video_url=url)
    assert twin["current_status"] == "failed" and twin["failed_code"] in codes
    assert twin["failed_message"].endswith(".") and twin["anchor_id"] == ""
    if make is not faceless:  # which takes long to look at
        with it.working():
            told = it.post("userVideoTwin/advice", {"video_url": url})
        assert (told["score"], told["fit_to_train"]) == (0, False)
        assert told["advice"] == [twin["failed_message"]] and told["reason"] == twin["failed_code"]
    it.platform.storage.expire(it.platform.clock.now_ms() + 2 * HOUR_MS)
    assert it.balance() == before and files_of(it, twin["_id"]) == {}


def test_a_training_that_is_cancelled_leaves_no_avatar(it: Running, clip_url: str) -> None:
    def cancel(task: Task, step: str) -> None:
        if step == "prepare":
            it.post(f"userVideoTwin/{task.id}/cancel")

    it.worker.before_step = cancel
    twin = train(it, video_url=clip_url)
    assert (twin["failed_code"], twin["anchor_id"]) == ("cancelled", "")
    it.platform.storage.expire(it.platform.clock.now_ms() + 2 * HOUR_MS)
    assert files_of(it, twin["_id"]) == {}
    assert it.get(f"anchor/character_list?type=custom&user_video_twin_id={twin['_id']}") == []


def test_a_video_that_changed_between_two_steps_is_told(it: Running, media: Path, clip: Path) -> None:
    """The second machine fetched another file than the first had measured."""
    url = it.upload(clip, "changing.mp4")
    key = it.platform.storage.key_of(url)
    assert key is not None

    def change(task: Task, step: str) -> None:
        if step == "look":
            it.forget_scratch(task.id)
            other = (media / "talking-videos" / OTHER).read_bytes()
            it.platform.storage.put(key, other, owner=it.user_id, media_type="video/mp4", expires_ms=None)

    it.worker.before_step = change
    assert train(it, video_url=url)["failed_code"] == "clip_changed"


def test_a_training_goes_on_on_another_machine(
    it: Running, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clips, "SHORTEST_S", 3.0)  # every step is done anew, and what is said here needs no ten seconds
    few, sound = list(islice(read_frames(clip), 80)), read_sound(clip, 48000).samples
    url = it.upload(encode(tmp_path / "short.mp4", few, sound=sound[: 80 * 1920]), "short.mp4")
    it.worker.before_step = lambda task, step: it.forget_scratch(task.id)
    twin = train(it, video_url=url, skipPreview=True, video_background_color="rgb(40,40,40)")
    assert twin["current_status"] == "completed", twin["failed_message"]
    assert twin["preview_result_url"] == ""
    (avatar,) = it.get(f"anchor/character_list?type=custom&user_video_twin_id={twin['_id']}")
    assert avatar["base_video"] and avatar["background_color"] == "rgb(40,40,40)"
    assert it.platform.tasks.get(it.user_id, FAMILY, twin["_id"]).expires_ms is None
    it.delete(f"userVideoTwin/{twin['_id']}")
    it.platform.storage.expire(it.platform.clock.now_ms() + HOUR_MS)
    assert files_of(it, twin["_id"]) == {}
