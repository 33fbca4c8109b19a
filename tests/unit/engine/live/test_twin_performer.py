"""What a live room tells a twin: where its film stands, and the mouths that come."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.life import Life
from avatarium.engine.face.pose import COMING, Mouth, Pose
from avatarium.engine.face.style.record import SpeakingStyle
from avatarium.engine.face.visemes import TARGETS, Viseme
from avatarium.engine.live import IdleFrames, Painter, Performer, Tick
from avatarium.engine.video import Size
from tests.support.live_speech import said

Image = NDArray[np.uint8]


def performed(who: Performer, count: int) -> list[Tick]:
    return [who.tick() for _ in range(count)]


def mouths(ticks: list[Tick]) -> NDArray[np.float32]:
    return np.array([tick.pose.mouth for tick in ticks])


def test_ticks_count_through_silence_and_speech() -> None:
    who = Performer(Life(seed=1))
    shown = performed(who, 30)
    who.say(said("one"), tag="a")
    who.finish("a")
    shown += performed(who, 60)
    assert [tick.pose.tick for tick in shown] == list(range(90))


def test_what_comes_is_what_is_shown_then() -> None:
    """Over the joint of two pieces, and into the rest behind the last."""
    who = Performer(Life(seed=1))
    for piece in (said("one", pause_s=0.02), said("two", "three", pause_s=0.0)):
        who.say(piece, tag="a")
    who.finish("a")
    speaking = [tick for tick in performed(who, 60) if tick.speaking]
    wanted = np.concatenate([mouths(speaking), np.zeros((COMING, len(Mouth)), np.float32)])
    for at, tick in enumerate(speaking):
        assert np.array_equal(tick.pose.coming, wanted[at + 1 : at + 1 + COMING])


def test_what_is_not_known_yet_is_not_told() -> None:
    who = Performer(Life(seed=1))
    who.say(said("one", pause_s=0.0), tag="a")
    shown = performed(who, 40)
    last = max(at for at, tick in enumerate(shown) if tick.speaking)
    assert [len(tick.pose.coming) for tick in shown[last - 2 : last + 2]] == [2, 1, 0, 0]


def test_who_is_silent_stays_so_as_far_as_is_known() -> None:
    who = Performer(Life(seed=1))
    for tick in performed(who, 300):
        assert tick.pose.coming.shape == (COMING, len(Mouth)) and not tick.pose.coming.any()


def test_after_a_cut_the_rest_is_what_comes() -> None:
    who = Performer(Life(seed=1))
    who.say(said("one", "two", "three"), tag="a")
    performed(who, 12)
    who.cut()
    shown = performed(who, 4)
    assert not any(tick.pose.coming.any() for tick in shown)
    assert all(tick.pose.mouth[Mouth.OPEN] <= 0 for tick in shown[2:])


def test_a_style_that_comes_later_holds_from_then_on() -> None:
    wide = tuple(
        TARGETS[viseme] if viseme is Viseme.SILENCE else TARGETS[Viseme.SILENCE] for viseme in Viseme
    )  # a person who never opens the mouth
    general, personal = Performer(Life(seed=1)), Performer(Life(seed=1))
    personal.style = SpeakingStyle(targets=wide, loud_share=0.0)
    shown = []
    for who in (general, personal):
        who.say(said("one", "two"), tag="a")
        shown.append(mouths(performed(who, 30))[:, Mouth.OPEN])
    assert shown[0].max() > 0.05 and shown[1].max() < 0.02
    assert personal.style is not None


class Film:
    """A renderer whose frames go on."""

    in_order = True

    def __init__(self) -> None:
        self.size = Size(16, 16)
        self.ticks: list[int] = []
        self.closed = 0

    def render(self, pose: Pose) -> Image:
        self.ticks.append(pose.tick)
        return np.full((16, 16, 3), pose.tick % 256, np.uint8)

    def render_cutout(self, pose: Pose) -> Image:
        raise NotImplementedError

    def close(self) -> None:
        self.closed += 1


def test_frames_of_a_film_are_painted_each_for_itself_and_never_kept() -> None:
    film, idle = Film(), IdleFrames(10**8)
    painter = Painter(film, idle, "key")
    for tick in performed(Performer(Life(seed=1)), 300):
        painter.paint(tick)
    assert film.ticks == list(range(300)) and idle.used_bytes == 0
    painter.close()
    assert film.closed == 1
