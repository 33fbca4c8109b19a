"""In which order the frames of a clip are played, round and round, so that nobody sees where it begins again.

Outside the mouth a twin shows the clip as it is, so its life must not jump. Frames that follow each other are compared
by small grey pictures without the mouth and by the points of the upper face, before and after the joint as well, so
that the movement goes on too (Schödl et al. 2000, "Video textures"). What is left of a difference is spread over the
last frames (:mod:`~avatarium.engine.face.video.passage`). Where no two moments fit, the clip is played to and fro,
turning where almost nothing moves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.video.measures import Measures
from avatarium.engine.face.video.moments import Moments
from avatarium.engine.face.video.passage import FRAMES as PASSAGE
from avatarium.engine.face.video.passage import Passage
from avatarium.engine.face.video.tracking import TWIN_FPS, Track, stretches

Float32 = NDArray[np.float32]

SHORTEST_S = 4.0
_FRAMES = int(SHORTEST_S * TWIN_FPS)
_ENOUGH = 0.4
"""Share of a stretch that a loop must use to be taken for its good joint."""
_CALM = 0.4
"""Quantile of the speeds below which a turn does not show."""
_STILL = 0.6
"""The step about a turn, mouth and all, in usual ones, up to which it is no worse than none: it is shown twice."""
_TRIED = 60
_JOINT = 0.6
"""Weight of a joint's difference in usual steps against the share of the clip that is lost."""
_FARTHEST = 3.0
"""Usual steps from one moment to another up to which a passage between them is not seen."""
_UNEVEN = 1.4
"""A joint may be so many times the steps before and after it: what is usual elsewhere shows where all is calm."""


class Playing(StrEnum):
    """How a loop goes on at its end."""

    FORWARD = "forward"
    """From the last frame to the first."""
    TO_AND_FRO = "to_and_fro"
    """Back the way it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """Frames in the order of play."""

    order: NDArray[np.int32]
    playing: Playing
    joint: float
    """Largest difference where the loop turns or begins again, in levels of grey outside the mouth."""
    usual: float
    """What 95 of 100 frames of the clip keep below against the frame before."""
    seamless: bool
    """Whether the joint is within the usual, or a turn where the picture is calm."""
    passage: Passage
    """How the last frames are drawn towards the first."""
    note: str
    """What the user should know, a sentence or empty."""

    def of(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Numbers of the clip's frames, ``(clip frames, ...)``, as those of the loop's."""
        return self.passage.drawn(rows) if self.passage.frames else rows[self.order]


def find_loop(measures: Measures, track: Track, appearance: NDArray[np.uint8], shown: Float32 | None = None) -> Loop:
    """Choose what of a clip is played, and in which order.

    Args:
        measures, track: of the clip.
        appearance: small grey pictures of all its frames, ``(frames, h, w)``, as :func:`small_grey` makes them.
        shown: how free the mouth is; stretches in which it is are preferred.
    """
    first, end, note = _stretch(track, shown)
    moments = Moments.of(track, appearance, slice(first, end))
    forward = _forward(moments)
    there_and_back = _to_and_fro(moments)
    best = _better(forward, there_and_back)
    if not best.seamless:
        trouble = "No moment of the clip fits another well: the loop's joint may be seen. Sit calmly for a moment."
        note = f"{note} {trouble}".strip()
    return Loop(
        order=(best.order + first).astype(np.int32),
        playing=best.playing,
        joint=best.joint,
        usual=best.usual,
        seamless=best.seamless,
        passage=replace(best.passage, first=best.passage.first + first, last=best.passage.last + first),
        note=note,
    )


def _stretch(track: Track, shown: Float32 | None) -> tuple[int, int, str]:
    """The frames that the loop is made of: one shot, if possible with the face in all of it."""
    free = track.seen if shown is None else track.seen & (shown > 0)
    spoken = _longest(track, free)
    seen = _longest(track, track.seen)
    whole = max(track.shots, key=lambda s: s.stop - s.start)
    if spoken[1] - spoken[0] >= max(_FRAMES, 0.5 * (seen[1] - seen[0])):
        first, end = spoken
    elif seen[1] - seen[0] >= _FRAMES:
        first, end = seen
    else:
        first, end = whole.start, whole.stop
    return first, end, _told(first, end, track)


def _longest(track: Track, flags: NDArray[np.bool_]) -> tuple[int, int]:
    runs = [(a + s.start, b + s.start) for s in track.shots for a, b in stretches(flags[s])]
    return max(runs, key=lambda r: r[1] - r[0], default=(0, 0))


def _told(first: int, end: int, track: Track) -> str:
    if not track.seen[first:end].all():
        return "The face is never seen for four seconds at a stretch; the loop shows moments without it."
    if (end - first) < 0.6 * len(track):
        return f"Of the clip, {(end - first) / TWIN_FPS:.0f} seconds at a stretch are used: the rest is cut or hidden."
    return ""


def _forward(moments: Moments) -> Loop | None:
    """The longest loop whose joint is like any other step of the clip; else the one whose joint is the smallest."""
    count = len(moments)
    least = min(_FRAMES, count)
    last, start = np.nonzero(np.tri(count, count, -(least - 1), dtype=bool))
    if not len(last):
        return None
    drawn = min(PASSAGE, count - least)
    last, start = last[start >= drawn], start[start >= drawn]
    joints = moments.joints()[last, start]
    length = last - start + 1
    cost = _JOINT * joints - 1.2 * length / count
    tried = np.argsort(cost)[:_TRIED]
    loops = [_one_way(moments, int(start[k]), int(last[k]), drawn) for k in tried]
    good = [loop for loop in loops if loop.seamless]
    return good[0] if good else min(loops, key=lambda loop: loop.joint)


def _one_way(moments: Moments, first: int, last: int, drawn: int) -> Loop:
    """A loop that ends by being drawn to the frames before its first, as many as are asked for."""
    ways = range(first - drawn, first)
    gap = max((moments.difference(last + 1 + k - first, k) for k in ways), default=moments.difference(last, first))
    leap = max((moments.face_step(last + 1 + k - first, k) for k in ways), default=moments.face_step(last, first))
    joint = gap if not drawn else moments.difference(first - 1, first) + gap / (drawn + 1)
    unnoticed = min(moments.usual, _UNEVEN * max(moments.near(first), moments.near(last)))
    fits = joint <= unnoticed and gap <= _FARTHEST * moments.usual
    fits = fits and leap <= (_FARTHEST if drawn else 1) * moments.usual_face_step
    return Loop(
        order=np.arange(first, last + 1, dtype=np.int32),
        playing=Playing.FORWARD,
        joint=joint,
        usual=moments.usual,
        seamless=bool(fits),
        passage=Passage(first=first, last=last, frames=drawn),
        note="",
    )


def _to_and_fro(moments: Moments) -> Loop:
    """Between two calm moments as far apart as can be; the longer way weighs against the slower turn."""
    speed = moments.speed()
    rank = np.argsort(np.argsort(speed)) / max(1, len(speed) - 1)
    count = len(speed)
    ends = np.arange(count)
    reach = (ends[None] - ends[:, None]) / max(1, count - 1)
    hasty = np.maximum(np.maximum(rank[:, None], rank[None]) - 0.75 * _CALM, 0)
    before, behind = moments.at_turns()
    seen = np.maximum(np.maximum(behind[:, None], before[None]) - _STILL, 0)
    cost = 4 * hasty + 4 * seen + 0.3 * (rank[:, None] + rank[None]) - reach
    cost[reach < min(0.999, _FRAMES / 2 / count)] = np.inf
    first, last = (int(v) for v in np.unravel_index(int(cost.argmin()), cost.shape))
    there = np.arange(first, last + 1)
    turns = [moments.difference(last - 1, last), moments.difference(first, first + 1)] if last > first else [0.0]
    return Loop(
        order=np.concatenate([there, there[-2:0:-1]]).astype(np.int32),
        playing=Playing.TO_AND_FRO,
        joint=max(turns),
        usual=moments.usual,
        seamless=bool(max(rank[first], rank[last]) <= _CALM and max(behind[first], before[last]) <= 1),
        passage=Passage(first=first, last=last),
        note="",
    )


def _better(forward: Loop | None, there_and_back: Loop) -> Loop:
    """Forward where its joint is good and it uses enough of the clip: reversed gestures are seen by who looks long."""
    if forward is None:
        return there_and_back
    enough = _ENOUGH * len(there_and_back.order) / 2
    if forward.seamless and (len(forward.order) >= enough or not there_and_back.seamless):
        return forward
    return there_and_back
