"""What a face in a live room does and what is heard, tick by tick.

Silent, it follows the idle loop, whose frames can be used again. Speaking, its mouth follows exactly the curves that a
video of the same speech shows, and its head the same life. Whatever takes over, the head moves on smoothly
(:mod:`inertia`).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np

from avatarium.engine.face.life import Life
from avatarium.engine.face.pose import Emotion, Pose
from avatarium.engine.face.style.record import SpeakingStyle
from avatarium.engine.live.bearing import CHANNELS, Bearing, pose_of
from avatarium.engine.live.clock import TICK_S, Sound
from avatarium.engine.live.gestures import Gesture
from avatarium.engine.live.idle import LOOP_TICKS, MOUTH_SHUT, STAYS_SHUT, Blinks, Look, Mode, idle_loop, life_of
from avatarium.engine.live.inertia import Inertia
from avatarium.engine.live.lips import Lips
from avatarium.engine.live.marks import Cut, Mark, MarkKind
from avatarium.engine.live.overlay import Overlay
from avatarium.engine.live.pieces import Piece, prepare_piece, short_pieces
from avatarium.engine.live.sounding import Sounding
from avatarium.engine.live.utterance import Utterance
from avatarium.engine.speech.records import Speech

_REMEMBERED = 256
"""Tags of cut utterances, whose late pieces are dropped."""
_SCENES_S = 97.0
"""Utterances begin within so much of a life's noise, so that its cost does not grow with the age of a room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One frame and its sound."""

    number: int
    """Counted from 0; it covers ``number * TICK_S`` to the next."""
    pose: Pose
    idle_frame: int | None
    """Of the idle loop, where nothing but idle life shows: the same number and look show the same."""
    look: Hashable
    """What idle frames depend on besides the picture."""
    sound: Sound
    """At 48 kHz, shape ``(1920,)``, not to be written to; :data:`SILENCE` itself where nothing is heard."""
    marks: tuple[Mark, ...]
    speaking: bool
    """Whether speech is under way in this tick, its pauses included."""


class Performer:
    """One face in one room.

    :meth:`tick` is for one thread; everything else may be called from any.

    Args:
        life: temperament, resting emotion and seed; two rooms of different seeds do not move in step.
    """

    def __init__(self, life: Life) -> None:
        self._life = life_of(life, None, 1.0)
        self._look = Look.of(life)
        self._loop = idle_loop(self._look)
        self._phase = int(np.random.default_rng([life.seed, 100]).integers(LOOP_TICKS // 2)) * 2
        self._blinks, self._overlay = Blinks(life.seed), Overlay(life.seed)
        self._inertia, self._lips, self._sounding = Inertia(), Lips(), Sounding()
        self._lock = threading.Lock()
        self._queue: deque[Utterance] = deque()
        self._cut_tags: deque[str] = deque(maxlen=_REMEMBERED)
        self._number = self._utterances = 0
        self._listening = False
        self._followed: Piece | Mode = Mode.RESTING
        start = self._loop.at(Mode.RESTING, self._phase - 1)
        self._shown = (self._loop.at(Mode.RESTING, self._phase - 2), start)

    @property
    def listening(self) -> bool:
        """Whether the face is attentive while it does not speak: leans in, looks at the viewer, nods now and then."""
        return self._listening

    @listening.setter
    def listening(self, on: bool) -> None:
        self._listening = on

    @property
    def style(self) -> SpeakingStyle | None:
        """How this person's mouth forms sounds; what was said before it is set keeps the style of before."""
        return self._life.style

    @style.setter
    def style(self, style: SpeakingStyle | None) -> None:
        self._life = replace(self._life, style=style)

    @property
    def buffered_s(self) -> float:
        """Speech that waits to be performed."""
        with self._lock:
            return sum(u.ticks_given - u.ticks_said for u in self._queue) * TICK_S

    @property
    def speaking(self) -> bool:
        """Whether an utterance has begun and not ended; true also while its next piece is awaited."""
        with self._lock:
            return bool(self._queue) and self._queue[0].started

    def say(
        self,
        piece: Speech,
        *,
        tag: str,
        emotion: Emotion | None = None,
        strength: float = 1.0,
        gesture: Gesture | None = None,
    ) -> None:
        """Append a piece of an utterance; utterances follow each other in the order of their first pieces.

        Takes some milliseconds of the caller's thread. A piece of an utterance that was cut is dropped.

        Args:
            piece: of any rate. Times of its marks count from its own first sample.
            tag: of the utterance; never used again for another.
            emotion: shown while it is said; None shows that of the life.
            strength: how much of the emotion shows, 0..1.
            gesture: begins with the piece.

        Raises:
            ValueError: the utterance was finished.
        """
        life = life_of(self._life, emotion, strength)
        for part in short_pieces(piece):
            utterance = self._utterance(tag)
            if utterance is None or not len(part.audio):
                continue
            ready = prepare_piece(
                part,
                tag=tag,
                life=life,
                scene_s=utterance.scene_s,
                before_ticks=utterance.ticks_given,
                gesture=gesture,
            )
            gesture = None
            with self._lock:
                # It may have been cut while the piece was made ready.
                if tag not in self._cut_tags:
                    utterance.add(ready)

    def finish(self, tag: str) -> None:
        """No more pieces of this utterance come: it ends after those that were given."""
        utterance = self._utterance(tag, expected_open=False)
        if utterance is not None:
            with self._lock:
                utterance.finished = True

    def cut(self) -> list[Cut]:
        """Stop speaking and forget what waits.

        The next tick's sound fades out within 10 ms; the lips are closed in the one after it. Returns what was said of
        the utterance under way, and then those that waited. No mark ends them.
        """
        with self._lock:
            said = [utterance.cut() for utterance in self._queue]
            self._cut_tags.extend(utterance.tag for utterance in self._queue)
            going_on = next((u for u in self._queue if u.started and u.pieces), None)
            if going_on is not None:
                self._sounding.fade(going_on.pieces[0].heard(going_on.at))
            self._queue.clear()
            self._overlay.clear()
            return said

    def gesture(self, gesture: Gesture) -> None:
        """Make a gesture with the next tick."""
        with self._lock:
            self._overlay.begin(gesture)

    def tick(self) -> Tick:
        """The next frame and its sound. Costs about a tenth of a millisecond."""
        with self._lock:
            number = self._number
            marks: list[Mark] = []
            utterance = self._under_way(marks)
            piece = utterance.pieces[0] if utterance and utterance.pieces else None
            bearing, settled = self._move(piece, utterance.at if utterance else 0)
            blink = self._blinks.at(number)
            coming = STAYS_SHUT if utterance is None else utterance.coming()
            if piece is None or utterance is None:
                mouth, sound = self._lips.rest(), self._sounding.silence()
            else:
                mouth = self._lips.follow(piece.mouth[utterance.at])
                sound = self._sounding.speech(piece.heard(utterance.at))
                marks += self._passing(utterance, piece)
                utterance.advance(number)
            idle = settled and piece is None and not blink and mouth is MOUTH_SHUT
            frame = self._loop.frame(self._mode, self._phase + number) if idle else None
            self._number += 1
        return Tick(
            number=number,
            pose=pose_of(bearing, mouth, blink, tick=number, coming=coming)
            if frame is None
            else replace(self._loop.pose(frame), tick=number, coming=STAYS_SHUT),
            idle_frame=frame,
            look=self._look,
            sound=sound,
            marks=tuple(marks),
            speaking=piece is not None,
        )

    @property
    def _mode(self) -> Mode:
        return Mode.LISTENING if self._listening else Mode.RESTING

    def _utterance(self, tag: str, *, expected_open: bool = True) -> Utterance | None:
        """The utterance of a tag, a new one if need be; None if it was cut."""
        with self._lock:
            if tag in self._cut_tags:
                return None
            utterance = next((u for u in self._queue if u.tag == tag), None)
            if utterance is None:
                utterance = Utterance(tag=tag, scene_s=self._utterances * 13.7 % _SCENES_S)
                self._utterances += 1
                self._queue.append(utterance)
            elif utterance.finished and expected_open:
                raise ValueError(f"the utterance {tag} was finished; say more under another tag")
            return utterance

    def _under_way(self, marks: list[Mark]) -> Utterance | None:
        """The utterance that this tick belongs to, with marks where one ends or begins."""
        now_s = self._number * TICK_S
        while self._queue:
            utterance = self._queue[0]
            if utterance.pieces:
                if not utterance.started:
                    utterance.started = True
                    marks.append(_edge(MarkKind.STARTED, utterance, 0.0, now_s))
                return utterance
            if not utterance.finished:
                return utterance
            ended_s = utterance.ended_s if utterance.started else now_s
            marks.append(_edge(MarkKind.ENDED, utterance, utterance.sound_end_s, ended_s))
            self._queue.popleft()
        return None

    def _passing(self, utterance: Utterance, piece: Piece) -> list[Mark]:
        """Marks whose time comes in this tick."""
        from_s = utterance.ticks_said * TICK_S
        begun_s = self._number * TICK_S - from_s
        return [
            replace(mark, media_s=begun_s + mark.at_s)
            for mark in piece.marks
            if from_s <= mark.at_s < from_s + TICK_S or (utterance.at == 0 and mark.at_s < from_s)
        ]

    def _move(self, piece: Piece | None, at: int) -> tuple[Bearing, bool]:
        """Where head, eyes, brows and feelings stand, and whether they are just where the idle loop has them."""
        followed = self._mode if piece is None else piece
        if piece is not None and piece is not self._followed and piece.gesture:
            self._overlay.begin(piece.gesture)
        target, step = self._target(followed, at)
        laid_over, overlay_step, broken = self._overlay.step(listening=self._listening and piece is None)
        if followed is not self._followed or broken:
            self._followed = followed
            before, last = self._shown
            offset = last - (target + laid_over - step - overlay_step)
            self._inertia.absorb(offset, (last - before) - (step + overlay_step))
        bearing = target + laid_over + self._inertia.step()
        self._shown = (self._shown[1], bearing)
        return bearing, self._inertia.settled and self._overlay.still

    def _target(self, followed: Piece | Mode, at: int) -> tuple[Bearing, Bearing]:
        """Where the movement stands in this tick, and how far it has come since the one before."""
        if isinstance(followed, Mode):
            tick = self._phase + self._number
            target = self._loop.at(followed, tick)
            return target, target - self._loop.at(followed, tick - 1)
        curve = followed.bearing
        if at:
            return curve[at], curve[at] - curve[at - 1]
        return curve[0], curve[1] - curve[0] if len(curve) > 1 else np.zeros(CHANNELS)


def _edge(kind: MarkKind, utterance: Utterance, at_s: float, media_s: float) -> Mark:
    return Mark(kind=kind, tag=utterance.tag, at_s=at_s, end_s=at_s, media_s=media_s)
