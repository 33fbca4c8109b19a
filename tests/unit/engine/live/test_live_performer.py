"""What a face in a live room does: in time with the sound, without a jump, silent at once when it is cut."""

from __future__ import annotations

import gc
import tracemalloc
from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np
import psutil
import pytest
import soxr
from numpy.typing import NDArray

from avatarium.engine.face.actor import View
from avatarium.engine.face.coarticulation import CLOSED_GAP
from avatarium.engine.face.life import GAZE_LIMIT_IOD, GOING_ON, Life
from avatarium.engine.face.pose import FEELINGS, Emotion, Mouth, Pose
from avatarium.engine.live import FPS, RATE, SILENCE, TICK_S, TICK_SAMPLES, Gesture, MarkKind, Performer, Tick
from avatarium.engine.production import make_video
from avatarium.engine.speech.records import Speech
from avatarium.engine.video import Size
from tests.support.live_speech import LEAD_S, PAUSE_S, WORD_S, said

Movement = NDArray[np.float32]


def performer(seed: int = 1) -> Performer:
    return Performer(Life(seed=seed))


def ticks(who: Performer, count: int) -> list[Tick]:
    return [who.tick() for _ in range(count)]


def say(who: Performer, tag: str, *pieces: Speech) -> None:
    for piece in pieces:
        who.say(piece, tag=tag)
    who.finish(tag)


def sound(shown: list[Tick]) -> NDArray[np.float32]:
    return np.concatenate([tick.sound for tick in shown])


def mouths(shown: list[Tick]) -> Movement:
    return np.array([tick.pose.mouth for tick in shown])


def heads(shown: list[Tick]) -> Movement:
    return np.array([tick.pose.head for tick in shown])


class Sitter:
    """Whoever is shown by a video, noting the poses."""

    size = Size(480, 480)

    def __init__(self) -> None:
        self.poses: list[Pose] = []

    def render(self, pose: Pose) -> NDArray[np.uint8]:
        self.poses.append(pose)
        return np.zeros((480, 480, 3), np.uint8)


@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000, 44_100, 48_000])
def test_the_mouth_of_each_tick_is_that_of_a_video_of_the_same_speech(rate: int, tmp_path: Path) -> None:
    pieces = [said("balu", "mipo", "balu", rate=rate, pause_s=0.213), said("mipo", rate=rate, pause_s=0.377)]
    sitter = Sitter()
    make_video(cast(View, sitter), pieces, tmp_path / "a.mp4", still_s=(0.0, 0.0))
    who = performer()
    say(who, "a", *pieces)
    live = mouths(ticks(who, len(sitter.poses)))
    np.testing.assert_array_equal(live, np.array([pose.mouth for pose in sitter.poses]))
    assert live[:, Mouth.OPEN].max() > 0.08


@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000, 44_100, 48_000])
def test_a_word_sounds_at_its_mark_and_the_mouth_opens_with_it(rate: int) -> None:
    who = performer()
    ticks(who, 37)
    say(who, "a", said("balu", "mipo", rate=rate), said("balu", rate=rate))
    shown = ticks(who, 75)
    heard = np.abs(sound(shown))
    words = [mark for tick in shown for mark in tick.marks if mark.kind is MarkKind.WORD]
    assert [mark.text for mark in words] == ["balu", "mipo", "balu"]
    for before, word in ((0, words[0]), (1, words[2])):
        at = round((word.media_s - 37 * TICK_S) * RATE)
        assert heard[at + 200 : at + 2000].max() > 0.1 > 0.01 > heard[at - 1500 : at - 300].max(), before
    for tick in shown:
        for mark in (mark for mark in tick.marks if mark.kind is not MarkKind.ENDED):
            assert -1e-6 <= mark.media_s - tick.number * TICK_S < TICK_S + 1e-6


def test_the_sound_is_the_speech_itself_padded_to_whole_ticks() -> None:
    who, piece = performer(), said("balu", "mipo")
    say(who, "a", piece, piece)
    length = -(-len(piece.audio) // 960)
    assert who.buffered_s == pytest.approx(2 * length * TICK_S)
    heard = sound(ticks(who, 2 * length))
    expected = soxr.resample(piece.audio, piece.rate, RATE)
    for start in (0, length * TICK_SAMPLES):
        np.testing.assert_allclose(heard[start : start + len(expected)], expected, atol=1e-4)
    assert who.buffered_s == 0


def test_every_tick_holds_40_ms_and_silence_is_one_array() -> None:
    who = performer()
    shown = ticks(who, 10)
    say(who, "a", said("balu", rate=44_100))
    shown += ticks(who, 40)
    assert all(tick.sound.shape == (TICK_SAMPLES,) and tick.sound.dtype == np.float32 for tick in shown)
    assert all(tick.sound is SILENCE for tick in [*shown[:10], *shown[-10:]])
    assert [tick.number for tick in shown] == list(range(50))


def test_utterances_follow_each_other_and_tell_where_they_begin_and_end() -> None:
    who = performer()
    say(who, "a", said("balu"))
    say(who, "b", said("mipo"))
    shown = ticks(who, 60)
    edges = [(m.kind, m.tag) for t in shown for m in t.marks if m.kind in (MarkKind.STARTED, MarkKind.ENDED)]
    assert edges == [
        (MarkKind.STARTED, "a"), (MarkKind.ENDED, "a"), (MarkKind.STARTED, "b"), (MarkKind.ENDED, "b")
    ]  # fmt: skip
    spoken = [tick.number for tick in shown if tick.speaking]
    assert spoken == list(range(len(spoken)))
    ended = next(m for t in shown for m in t.marks if m.kind is MarkKind.ENDED)
    assert ended.at_s == ended.media_s == pytest.approx(LEAD_S + WORD_S + PAUSE_S, abs=1e-3)


def test_an_utterance_whose_next_piece_is_late_waits_for_it() -> None:
    who = performer()
    who.say(said("balu"), tag="a")
    first = ticks(who, 40)
    assert who.speaking and not first[-1].speaking and first[-1].sound is SILENCE
    assert not any(m.kind is MarkKind.ENDED for t in first for m in t.marks)
    who.say(said("mipo"), tag="a")
    who.finish("a")
    later = ticks(who, 40)
    assert later[0].speaking and not who.speaking
    [word] = [m for t in later for m in t.marks if m.kind is MarkKind.WORD]
    assert word.text == "mipo" and word.media_s == pytest.approx(40 * TICK_S + LEAD_S)


def test_more_of_a_finished_utterance_is_refused() -> None:
    who = performer()
    say(who, "a", said("balu"))
    with pytest.raises(ValueError, match="finished"):
        who.say(said("mipo"), tag="a")


def test_an_utterance_of_nothing_ends_at_once() -> None:
    who, nothing = performer(), Speech(audio=np.zeros(0, np.float32), rate=24_000, phonemes=(), words=())
    ticks(who, 3)
    say(who, "a", nothing)
    shown = ticks(who, 5)
    assert not any(tick.speaking for tick in shown)
    [mark] = [mark for tick in shown for mark in tick.marks]
    assert (mark.kind, mark.tag, mark.at_s, mark.media_s) == (MarkKind.ENDED, "a", 0, 3 * TICK_S)


def test_a_piece_of_nothing_keeps_the_place_of_its_utterance() -> None:
    who, nothing = performer(), Speech(audio=np.zeros(0, np.float32), rate=24_000, phonemes=(), words=())
    who.say(nothing, tag="a")
    say(who, "b", said("mipo"))
    say(who, "a", said("balu"))
    assert [m.text for t in ticks(who, 50) for m in t.marks if m.kind is MarkKind.WORD] == ["balu", "mipo"]


def test_sound_that_is_no_number_or_too_loud_does_no_harm() -> None:
    who, piece = performer(), said("balu", rate=RATE)
    piece.audio[1000:1010] = np.nan
    piece.audio[2000:2010] = 40.0
    say(who, "a", piece)
    heard = sound(ticks(who, 20))
    assert np.isfinite(heard).all() and np.abs(heard).max() <= 1


def test_a_recording_of_a_minute_is_performed_in_bounded_memory() -> None:
    who, piece = performer(), said(*["balu"] * 180)
    tracemalloc.start()
    say(who, "a", piece)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert who.buffered_s == pytest.approx(piece.duration_s, abs=0.1)
    assert peak < 80e6
    words = [m for t in ticks(who, 1500) for m in t.marks if m.kind is MarkKind.WORD]
    assert [round(m.at_s, 3) for m in words] == [round(w.start_s, 3) for w in piece.words]


# Cut


def test_a_cut_is_silent_within_10_ms_and_shuts_the_lips_in_the_second_tick() -> None:
    for at in range(3, 28):
        who = performer(at)
        say(who, "a", said("balu", "mipo", "balu"))
        before = ticks(who, at)
        who.cut()
        after = ticks(who, 12)
        assert not after[0].speaking
        heard = sound(after)
        assert not heard[480:].any()
        joint = sound([*before[-1:], *after[:1]])
        steepest = np.abs(np.diff(sound(before))).max() * 1.05
        assert np.abs(np.diff(joint)).max() <= max(steepest, 1e-3), at
        opening = mouths([*before[-1:], *after])[:, Mouth.OPEN]
        assert opening[1] <= max(0.45 * opening[0], 0.004)
        assert opening[2] <= CLOSED_GAP if opening[0] > 0.004 else opening[2] <= 0.004
        assert not opening[-4:].any()


def test_a_cut_tells_which_words_were_said_wholly() -> None:
    for at in range(1, 33):
        who = performer()
        say(who, "a", said("balu", "mipo", "balu"))
        say(who, "b", said("mipo"))
        ticks(who, at)
        going_on, waiting = who.cut()
        said_s = min(at * TICK_S, LEAD_S + 3 * WORD_S + PAUSE_S)
        assert going_on.tag == "a" and going_on.said_ms == pytest.approx(said_s * 1000, abs=1)
        whole = min(max(int((said_s - LEAD_S + 1e-6) / WORD_S), 0), 3)
        assert [word.text for word in going_on.words] == ["balu", "mipo", "balu"][:whole]
        share = (said_s - LEAD_S - whole * WORD_S) / WORD_S if whole < 3 else 0
        assert going_on.last_word_share == pytest.approx(max(share, 0), abs=1e-3)
        assert (waiting.tag, waiting.said_ms, waiting.words) == ("b", 0, ())
        assert who.buffered_s == 0 and not who.speaking


def test_words_of_later_pieces_count_from_the_start_of_the_utterance() -> None:
    who, piece = performer(), said("balu")
    say(who, "a", piece, said("mipo"))
    length = -(-len(piece.audio) // 960)
    ticks(who, length + 12)
    [cut] = who.cut()
    assert [w.text for w in cut.words] == ["balu", "mipo"]
    assert cut.words[1].start_s == pytest.approx(length * TICK_S + LEAD_S)


def test_late_pieces_of_a_cut_utterance_are_dropped_and_the_next_one_speaks() -> None:
    who = performer()
    who.say(said("balu"), tag="a")
    ticks(who, 5)
    who.cut()
    who.say(said("mipo"), tag="a")
    who.finish("a")
    assert who.buffered_s == 0
    say(who, "b", said("mipo"))
    assert [m.text for t in ticks(who, 20) for m in t.marks if m.kind is MarkKind.WORD] == ["mipo"]


def test_a_cut_in_silence_and_a_second_one_say_nothing() -> None:
    who = performer()
    assert who.cut() == []
    say(who, "a", said("balu"))
    ticks(who, 4)
    assert len(who.cut()) == 1
    assert who.cut() == []
    assert not sound(ticks(who, 3))[480:].any()


def test_an_utterance_right_after_a_cut_begins_without_a_click() -> None:
    for at in range(4, 20):
        who = performer()
        loud = said("balu", "mipo", rate=RATE)
        loud.audio[:] = 0.5 * np.sin(2 * np.pi * 150 * np.arange(len(loud.audio)) / RATE + 0.5)
        say(who, "a", loud)
        before = ticks(who, at)
        who.cut()
        say(who, "b", loud)
        after = ticks(who, 2)
        assert after[0].speaking
        assert np.abs(np.diff(sound([before[-1], *after]))).max() < 0.05


def test_sound_that_ends_in_the_middle_of_a_wave_fades() -> None:
    who, piece = performer(), said("balu", rate=RATE)
    piece.audio[:] = 0.5
    say(who, "a", piece)
    heard = sound(ticks(who, 30))
    assert heard.max() == pytest.approx(0.5, abs=0.01)
    assert np.abs(np.diff(np.concatenate([[0.0], heard]))).max() < 0.02


# Movement


def fastest(movement: Movement) -> Movement:
    """How far a head turns from a frame to the next at most, in radians, and how far it shifts, in eye distances."""
    steps = np.diff(movement, axis=0)
    return np.array([np.linalg.norm(steps[:, axes], axis=1).max() for axes in (slice(0, 3), slice(3, 5))], np.float32)


@pytest.fixture(scope="module")
def limit() -> Movement:
    """How fast heads move in a quarter of an hour of files while somebody speaks."""
    piece, edges = said(*["balu", "mipo"] * 5), (GOING_ON, GOING_ON)
    shown = []
    for seed in range(40):
        parts = [Life(seed=seed).perform(piece, 88, start_s=start * 3.52, edges=edges).head for start in range(7)]
        shown.append(fastest(np.concatenate(parts)))
    return np.asarray(np.max(shown, axis=0), np.float32)


def test_no_entry_nor_exit_of_speech_moves_the_head_faster_than_speaking_does(limit: Movement) -> None:
    """Hundreds of beginnings, ends and cuts at random times, against the same time of speech in files."""
    minutes, rooms = 15, 15
    random, joints = np.random.default_rng(5), 0
    for seed in range(rooms):
        who, shown = performer(seed), list[Tick]()
        for number in range(minutes * 60 * FPS // rooms):
            chance = random.random()
            if chance < 0.012:
                say(who, str(number), said(*["balu", "mipo"][: random.integers(1, 3)]))
            elif chance < 0.024:
                who.cut()
            elif chance < 0.027:
                who.listening = not who.listening
            joints += chance < 0.027
            shown.append(who.tick())
        moved = fastest(heads(shown))
        assert (moved <= limit).all(), (seed, moved / limit)
        gaze = np.array([tick.pose.gaze for tick in shown])
        assert np.abs(gaze).max() <= GAZE_LIMIT_IOD + 1e-6
        # In files a strong accent raises the brows by 0.009 from one frame to the next.
        assert np.abs(np.diff([tick.pose.brow for tick in shown])).max() < 0.012
        assert np.abs(np.diff([tick.pose.breath for tick in shown])).max() < 0.0012
    assert joints > 400


@pytest.mark.parametrize("gesture", Gesture)
def test_a_gesture_shows_and_is_smooth(gesture: Gesture, limit: Movement) -> None:
    plain, made = performer(), performer()
    ticks(plain, 25), ticks(made, 25)
    made.gesture(gesture)
    without, with_it = ticks(plain, 80), ticks(made, 80)
    if gesture is Gesture.BROWS:
        assert max(t.pose.brow for t in with_it) - max(t.pose.brow for t in without) > 0.025
    else:
        assert np.degrees(np.abs(heads(with_it) - heads(without))[:, :3]).max() > 1.5
    # A gesture is meant, so that it may be a little quicker than what goes along with speech.
    assert (fastest(heads(with_it)) <= limit * 1.2).all(), fastest(heads(with_it)) / limit
    np.testing.assert_array_equal(heads(with_it)[-5:], heads(without)[-5:])


def test_a_gesture_that_comes_with_a_piece_begins_with_it() -> None:
    with_it, without = performer(), performer()
    with_it.say(said("balu", "mipo", "balu"), tag="a", gesture=Gesture.NOD)
    without.say(said("balu", "mipo", "balu"), tag="a")
    pitch = (heads(ticks(with_it, 30)) - heads(ticks(without, 30)))[:, 1]
    assert np.degrees(pitch[:12]).max() > 2.5


def test_a_cut_in_the_middle_of_a_gesture_does_not_jerk_the_head(limit: Movement) -> None:
    for at in range(1, 30):
        who = performer(3)
        who.gesture(Gesture.NOD)
        shown = ticks(who, at)
        who.cut()
        shown += ticks(who, 40)
        assert (fastest(heads(shown)) <= limit * 1.2).all(), (at, fastest(heads(shown)) / limit)


def test_a_listener_leans_in_nods_now_and_then_and_comes_back() -> None:
    rest, attentive = performer(), performer()
    attentive.listening = True
    resting, listening = ticks(rest, 1000), ticks(attentive, 1000)
    assert heads(listening)[60:, 4].mean() > heads(resting)[60:, 4].mean() + 0.005
    nods = [t.idle_frame is None and t.pose.blink == 0 for t in listening[70:]]
    begun = sum(b and not a for a, b in pairwise(nods))
    assert 4 <= begun <= 12
    attentive.listening = False
    ticks(attentive, 100), ticks(rest, 100)
    assert heads(ticks(attentive, 50)) == pytest.approx(heads(ticks(rest, 50)))


def test_an_emotion_comes_with_its_utterance_and_goes_after_it() -> None:
    who, happy = performer(), FEELINGS.index(Emotion.HAPPY)
    who.say(said(*["balu", "mipo"] * 5), tag="a", emotion=Emotion.HAPPY, strength=0.9)
    who.finish("a")
    shown = np.array([tick.pose.emotion[happy] for tick in ticks(who, 180)])
    assert shown[0] < 0.1 < 0.7 < shown[60:80].mean()
    assert np.abs(np.diff(shown)).max() < 0.15
    assert shown[-1] == 0


def test_a_resting_emotion_is_seen_in_silence_and_in_speech() -> None:
    who, happy = Performer(Life(seed=1, emotion=Emotion.HAPPY)), FEELINGS.index(Emotion.HAPPY)
    assert 0.4 < ticks(who, 5)[-1].pose.emotion[happy] < 0.8
    say(who, "a", said(*["balu"] * 8))
    assert ticks(who, 60)[-1].pose.emotion[happy] > 0.8


# Lids


def test_lids_blink_as_in_a_silent_room_whatever_is_said_or_cut() -> None:
    busy, silent = performer(), performer()
    random = np.random.default_rng(1)
    for number in range(3000):
        if random.random() < 0.02:
            say(busy, str(number), said("balu"))
        if random.random() < 0.02:
            busy.cut()
        assert busy.tick().pose.blink == silent.tick().pose.blink


def test_lids_are_never_stuck_and_blink_about_17_times_a_minute() -> None:
    lids = np.array([tick.pose.blink for tick in ticks(performer(), 10 * 60 * FPS)])
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (lids > 0).astype(int), [0]]))).reshape(-1, 2)
    assert 120 < len(edges) < 230
    assert (edges[:, 1] - edges[:, 0]).max() <= 8
    assert all(lids[a:b].max() > 0.7 for a, b in edges[:-1])


# Idle life


def test_most_of_silence_can_be_shown_by_frames_used_before() -> None:
    shown = ticks(performer(), 1500)
    reused = [tick.idle_frame for tick in shown if tick.idle_frame is not None]
    assert len(reused) > 0.85 * len(shown)
    assert len(set(reused)) <= 125
    poses: dict[int, Pose] = {}
    for tick in shown:
        if tick.idle_frame is not None:
            known = poses.setdefault(tick.idle_frame, tick.pose)
            np.testing.assert_array_equal(known.head, tick.pose.head)
            np.testing.assert_array_equal(known.gaze, tick.pose.gaze)
            assert not tick.pose.mouth.any() and tick.pose.blink == 0


def test_after_speech_the_face_comes_back_to_frames_used_before() -> None:
    who = performer()
    say(who, "a", said("balu", "mipo"))
    shown = ticks(who, 150)
    assert all(tick.idle_frame is None for tick in shown if tick.speaking)
    assert sum(tick.idle_frame is not None for tick in shown[100:]) > 30


def test_rooms_of_one_look_share_frames_and_do_not_move_in_step() -> None:
    one, other, happy = performer(1), performer(2), Performer(Life(seed=1, emotion=Emotion.HAPPY))
    a, b, c = one.tick(), other.tick(), happy.tick()
    assert a.look == b.look != c.look
    assert a.idle_frame != b.idle_frame
    frames = {t.idle_frame: t.pose for t in ticks(other, 260) if t.idle_frame is not None}
    shared = [t for t in ticks(one, 260) if t.idle_frame in frames]
    assert len(shared) > 150
    for tick in shared:
        np.testing.assert_array_equal(tick.pose.head, frames[tick.idle_frame or 0].head)
    lids = [[t.pose.blink for t in ticks(performer(seed), 500)] for seed in (1, 2)]
    assert lids[0] != lids[1]


def test_the_same_seed_performs_the_same() -> None:
    shown = []
    for _ in range(2):
        who = performer(9)
        ticks(who, 30)
        say(who, "a", said("balu", "mipo"))
        shown.append(heads(ticks(who, 100)))
    np.testing.assert_array_equal(shown[0], shown[1])


@pytest.mark.long
def test_an_hour_neither_grows_nor_drifts() -> None:
    who, piece = performer(), said("balu", "mipo", "balu")
    samples = base = 0
    for number in range(60 * 60 * FPS):
        if number % 250 == 0:
            say(who, str(number), piece)
        if number % 1009 == 0:
            who.cut()
        samples += len(who.tick().sound)
        if number == 10_000:
            base = memory_bytes()
    assert samples == 60 * 60 * RATE
    assert who.tick().number == 60 * 60 * FPS
    assert memory_bytes() - base < 2_000_000


def memory_bytes() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)
