"""A twin on a canvas: the person's own film goes on, and its mouth says what it is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.frame import Points
from avatarium.engine.face.pose import Floats, Mouth, Pose
from avatarium.engine.face.raster import draw_map
from avatarium.engine.face.video.actor import VideoActor
from avatarium.engine.face.video.blending import Source, lay_mouth, lips_gain
from avatarium.engine.face.video.idling import Idling
from avatarium.engine.face.video.interior import LEAST_COVERAGE, Interior
from avatarium.engine.face.video.lie import Lie
from avatarium.engine.face.video.order import Order
from avatarium.engine.face.video.playing import Player
from avatarium.engine.face.video.retrieval import Runs
from avatarium.engine.face.video.tracking import TWIN_FPS
from avatarium.engine.face.video.warping import OwnFace, Skin, Warping, limited
from avatarium.engine.video.framing import Placement, Size
from avatarium.errors import PictureError

Image = NDArray[np.uint8]

HIDDEN = 0.004
"""Frames whose mouth may be changed less than this are left alone."""
BELOW, MOST_BELOW = 0.6, 0.18
"""How far further down the mouth is replaced (IOD) by how much wider open the film's own is, and at most: the skin
below a mouth that shuts is drawn out, and with it whatever the tracked lip left outside."""
OUTSIDE = 0.05
"""How far outside a wide open lower lip its skin begins (IOD): tracked points of such lips lie too far in."""
WIDEST_SHARE = 1.25
"""How far beyond its widest own picture a mouth is drawn out."""


class VideoView:
    """A twin in frames of one size. Stateful: poses come in the order of their ticks; a jump is a cut.

    Outside mouth and jaw a frame is the film's own, to the bit. Emotion, gaze, blinks, head and breath of a pose are
    not shown: the person's own life is.

    Args:
        actor: whom to show.
        size: of the frames.
        placement: where the film lies in them; it may hang over their edges.
        canvas: RGB ``(height, width, 3)`` to show where the film does not reach.
        background: RGB of the same shape to stand in place of the film's ground.
        cutout: whether the person is shown alone, by :meth:`render_cutout`.
        fps: of the poses; the film keeps its own pace.
        basis: the person's own fields of movement, ``(4, 468, 3)``.
        owned: whether the actor is closed with the view.
        order: in which the film's frames are shown; None shows them as they were laid out.

    Raises:
        PictureError: ``person_not_found``: a background or a cutout is asked for and the twin was made without.
    """

    in_order = True

    def __init__(
        self,
        actor: VideoActor,
        size: Size,
        placement: Placement,
        *,
        canvas: Image | None = None,
        background: Image | None = None,
        cutout: bool = False,
        fps: float = float(TWIN_FPS),
        basis: Points | None = None,
        owned: bool = False,
        order: Order | None = None,
    ) -> None:
        cv2.setNumThreads(1)
        if not actor.layered and (cutout or background is not None):
            raise PictureError(
                "This avatar was made without cutting the person out. Leave its ground as it is, or make it again "
                "with matting.",
                code="person_not_found",
            )
        self.size = size
        self._actor, self._fps, self._owned = actor, fps, owned
        self._order = order or Order.whole(actor)
        self._background, self._cutout = background, cutout
        self._canvas = np.zeros((size.height, size.width, 3), np.uint8) if canvas is None else canvas
        self._lie = Lie.of(placement, (actor.width, actor.height), size)
        self._open_films(alone=cutout or background is not None)
        self._mouth = Speaking(actor, self._lie, basis, self._still(actor), fps=fps)
        self._tick: int | None = None

    def render(self, pose: Pose) -> Image:
        """One frame, RGB ``(height, width, 3)``."""
        number = self._advance(pose)
        if self._background is None:
            frame = self._lie.placed(self._film.frame(number), self._canvas)
            self._mouth.speak(frame, None, number, pose)
            return frame
        person, alpha = self._alone(number, pose)
        out = np.empty_like(person)
        _over(person, alpha, self._background, out)
        return out

    def render_cutout(self, pose: Pose) -> Image:
        """One frame of the person alone, RGBA with straight alpha, ``(height, width, 4)``."""
        if not self._cutout:
            raise ValueError("this view was not made with cutout=True")
        person, alpha = self._alone(self._advance(pose), pose)
        return np.dstack([person, alpha])

    def close(self) -> None:
        """Let go of the film; the view must not be used any more."""
        self._film.close()
        if self._mask is not None:
            self._mask.close()
        if self._owned:
            self._actor.close()

    def _open_films(self, *, alone: bool) -> None:
        films = self._actor.films
        self._mask: Player | None = None
        if not alone:
            self._film = self._player(films.base)
            return
        assert films.person is not None and films.alpha is not None
        self._film = self._player(films.person)
        self._mask = self._player(films.alpha, grey=True)

    def _player(self, film: Path, *, grey: bool = False) -> Player:
        return Player(film, self._actor.frames, grey=grey, size=self._lie.smaller, part=self._lie.part)

    def _still(self, actor: VideoActor) -> tuple[int, Image]:
        """The frame in which the mouth is seen best at rest, as it lies in the view."""
        loop = actor.loop
        turned = np.abs(loop.pose[:, :2]).max(1)
        opened = np.abs(loop.tracked.controls[:, Mouth.OPEN])
        number = int((turned + 8 * opened + 10 * (loop.shown < 1)).argmin())
        player = self._player(actor.films.base)
        try:
            return number, self._lie.placed(player.frame(number), self._canvas)
        finally:
            player.close()

    def _advance(self, pose: Pose) -> int:
        """The number of the frame of the loop; what does not follow the pose before begins anew."""
        if self._tick is None or pose.tick - self._tick not in (0, 1):
            self._mouth.begin()
        self._tick = pose.tick
        return self._order.number(pose.tick, self._fps)

    def _alone(self, number: int, pose: Pose) -> tuple[Image, Image]:
        """The person's colours and mask."""
        assert self._mask is not None
        person = self._lie.placed(self._film.frame(number), np.zeros_like(self._canvas))
        alpha = self._lie.placed(self._mask.frame(number), np.zeros_like(self._canvas[..., 0]))
        self._mouth.speak(person, alpha, number, pose)
        return person, alpha


class Speaking:
    """Makes the mouths of frames say what poses want. For one thread."""

    def __init__(
        self,
        actor: VideoActor,
        lie: Lie,
        basis: Points | None,
        still: tuple[int, Image],
        fps: float = float(TWIN_FPS),
    ) -> None:
        self._loop = actor.loop
        own = OwnFace(actor.neutral, basis)
        self._warping = actor.warping if basis is None else Warping(own, actor.loop.tracked)
        self._skin = Skin(self._warping.weights)
        self._scale, self._shift = lie.scale, lie.shift
        self._unit = self._loop.tracked.scale * self._scale
        self._bank = actor.bank.scaled(actor.iod * self._scale / float(actor.bank.unit[0]))
        self._light = actor.bank.light[actor.loop.order]
        self._widest = actor.bank.widest * WIDEST_SHARE
        self._runs: Runs | None = None
        self._interior: Interior | None = None
        self._idling = Idling(actor.bank, fps)
        self._still_light = self._light[still[0]]
        if actor.bank.coverage >= LEAST_COVERAGE:
            self._runs = Runs(actor.bank)
        else:
            points = self._loop.tracked.points[still[0]].astype(float)
            points = np.column_stack([self._to_view(points[:, :2]), points[:, 2] * self._scale])
            self._interior = Interior(still[1], points, self._warping)

    def begin(self) -> None:
        """What comes does not follow what was shown."""
        self._idling.begin()
        if self._runs is not None:
            self._runs.reset()

    def speak(self, frame: Image, alpha: Image | None, number: int, pose: Pose) -> None:
        """Change the mouth of a frame of the loop, in place, and with it the mask."""
        pose, rest = self._alive(pose, number)
        strength = float(self._loop.shown[number])
        if strength < HIDDEN:
            return
        mouth = pose.mouth if self._runs is None else limited(pose.mouth, self._widest)
        pixels, local = self._warping.target(number, self._warping.face.shape(mouth))
        source = self._to_view(self._loop.tracked.points[number, :, :2])
        target = source + strength * (self._to_view(pixels) - source)
        room = OUTSIDE * min(1.0, self._excess(number, pose) / 0.2) * strength
        self._move_skin(frame, alpha, _beyond_lip(source, room * float(self._unit[number])), target)
        if self._runs is not None:
            self._lay(self._runs, frame, number, pose, target, strength, rest)
        elif self._interior is not None and strength > 0.5:
            light = self._light[number] / np.maximum(self._still_light, 1.0)
            self._interior.paint(frame, number, local, float(mouth[Mouth.TONGUE]), self._scale, self._shift, light)

    def _alive(self, pose: Pose, number: int) -> tuple[Pose, int | None]:
        """The pose with what resting lips do, and which mouth of the bank is at rest now."""
        share = self._idling.share(pose)
        if share <= 0:
            return pose, None
        rest = self._idling.row(share, self._loop.pose[number])
        mouth = pose.mouth + np.float32(share) * self._idling.movement(pose.tick)
        return replace(pose, mouth=mouth), rest

    def _move_skin(self, frame: Image, alpha: Image | None, source: Points, target: Points) -> None:
        fixed, moved = self._skin.grown(source, target)
        used = self._skin.used
        reach = np.concatenate([fixed[used], moved[used]])
        left, top = np.maximum(np.floor(reach.min(0)).astype(int), 0).tolist()
        right, bottom = np.minimum(np.ceil(reach.max(0)).astype(int) + 1, [frame.shape[1], frame.shape[0]]).tolist()
        if left >= right or top >= bottom:
            return
        corner = np.array([left, top], np.float32)
        columns, rows = np.arange(right - left, dtype=np.float32), np.arange(bottom - top, dtype=np.float32)
        map_x, map_y = (np.ascontiguousarray(grid) for grid in np.meshgrid(columns, rows))
        moved, fixed = moved - corner, fixed - corner
        draw_map(self._skin.rings, moved, fixed, map_x, map_y)
        draw_map(self._skin.face, moved, fixed, map_x, map_y)
        for layer in (frame, alpha):
            if layer is not None:
                window = layer[top:bottom, left:right]
                window[:] = cv2.remap(window, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)

    def _lay(
        self, runs: Runs, frame: Image, number: int, pose: Pose, target: Points, strength: float, rest: int | None
    ) -> None:
        bank, wanted = self._bank, self._light[number]
        mix = runs.choose(
            limited(pose.mouth, self._widest),
            np.array([limited(mouth, self._widest) for mouth in pose.coming], np.float32).reshape(-1, len(Mouth)),
            self._loop.pose[number],
            rest,
        )
        sources = [
            Source(crop=bank.crops[row], points=bank.points[row], share=share, gain=lips_gain(wanted, bank.lips[row]))
            for row, share in mix
        ]
        below = min(BELOW * self._excess(number, pose), MOST_BELOW)
        unit = float(self._unit[number])
        lay_mouth(frame, target.astype(np.float32), sources, unit, strength, below)

    def _excess(self, number: int, pose: Pose) -> float:
        """How much wider than wanted the film's own mouth is open (IOD), beyond what tracking bears."""
        return max(0.0, float(self._loop.tracked.controls[number, Mouth.OPEN] - pose.mouth[Mouth.OPEN]) - 0.05)

    def _to_view(self, points: Floats | Points) -> Points:
        moved: Points = points * self._scale + self._shift
        return moved


def _beyond_lip(points: Points, by: float) -> Points:
    """The mesh with the outline of its lower lip further out, in pixels."""
    if by < 0.1:
        return points
    moved = points.copy()
    edge, inner = list(mesh.LIP_RINGS_LOWER[0][1:-1]), list(mesh.LIP_RINGS_LOWER[2][1:-1])
    out = points[edge] - points[inner]
    moved[edge] += by * out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1.0)
    return moved


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _over(person: Image, alpha: Image, ground: Image, out: Image) -> None:
    """``out = person * alpha + ground * (1 - alpha)``; RGB all, alpha a plane."""
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            share = np.int32(alpha[y, x])
            for k in range(3):
                out[y, x, k] = (person[y, x, k] * share + ground[y, x, k] * (255 - share) + 127) // 255
