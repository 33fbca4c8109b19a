"""Where a clip's face has to be so that its mouth does what a pose wants instead of what it did.

The clip's own mouth movement is taken out and the wanted one put in, both in the face's own coordinates, by a weight
that is 1 on mouth and chin and 0 from the nose upwards. Skin moves by the difference of two model shapes, which is
smooth; only on the lips, whose pixels are replaced, the tracked place of each point counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.expression import Triangles, fields
from avatarium.engine.face.frame import Points
from avatarium.engine.face.meshing import smooth
from avatarium.engine.face.pose import Floats, Mouth, Pose
from avatarium.engine.face.rig import Rig

Weights = NDArray[np.float64]

NOSE_TIP_SHARE = 0.25
"""How far the nose follows where cheeks of its height move whole."""
_NOSE = (
    1, 2, 4, 5, 19, 94, 97, 326, 98, 327, 64, 294, 48, 278, 49, 279, 129, 358, 102, 331, 115, 344, 220, 440, 45, 275,
    44, 274,
)  # fmt: skip
_FADE = (0.62, 1.12)
"""Between these heights, in heights of the nose below the eyes, movement grows from nothing to all."""
_LIPS_REACH, _LIPS_END = 0.9, 1.5
"""Lip points keep to their wanted place up to this distance from the mouth, in its half sizes; skin beyond does not."""
MOUTH_HALF = (0.36, 0.20)
"""Half sizes of the lips' neighbourhood (IOD)."""
TEXTURE_HALF = (0.52, 0.36)
"""Half sizes of what is shown of the person's other frames (IOD)."""
RINGS = ((1.12, 0.55), (1.30, 0.0))
"""Size against the face's outline, and share of its movement."""
STEADY_FRAMES = 8.0
"""Deviation of the Gaussian over frames that tells how a face lies from how it speaks."""


@cache
def usual_face() -> Points:
    """The mean face that movement fields were learnt on, face coordinates, ``(468, 3)``."""
    with np.load(str(files("avatarium.engine.face") / "data/motion.npz")) as data:
        face: Points = data["face"].astype(float)[: mesh.VERTICES]
    return face


@cache
def near_mouth(half: tuple[float, float]) -> Weights:
    """Distance of every vertex from the mouth in half sizes, 1 on the ellipse, shape ``(468,)``."""
    face = usual_face()
    centre = face[[mesh.LIP_UPPER_INNER, mesh.LIP_LOWER_INNER]].mean(0)
    apart: Weights = np.hypot((face[:, 0] - centre[0]) / half[0], (face[:, 1] - centre[1]) / half[1])
    return apart


@cache
def texture_triangles() -> Triangles:
    """Triangles round and over the mouth, the hole between the lips last."""
    inside = near_mouth(TEXTURE_HALF) < 1
    around = fields().triangles[inside[fields().triangles].all(1)]
    return np.asarray(np.concatenate([around, hole_triangles()]), np.int32)


@cache
def hole_triangles() -> Triangles:
    """The hole between the lips."""
    return np.array(mesh.strip(mesh.LIP_INNER_UPPER, mesh.LIP_INNER_LOWER), np.int32)


def face_weights(neutral: Points) -> Weights:
    """Share of the mouth's movement that a vertex takes part in, shape ``(468,)``."""
    height = neutral[:, 1] / neutral[mesh.NOSE_BASE[0], 1]
    weights = smooth(*_FADE, height)
    weights[list(_NOSE)] *= NOSE_TIP_SHARE
    return weights


class OwnFace:
    """One person's face at rest, ready to speak.

    Args:
        neutral: the face with its mouth at rest, face coordinates, ``(468, 3)``.
        basis: the person's own fields of movement, ``(4, 468, 3)``.
    """

    def __init__(self, neutral: Points, basis: Points | None = None) -> None:
        self.neutral = np.asarray(neutral, float)
        self._rig = Rig(self.neutral, at_rest=True, mouth=basis)

    def shape(self, mouth: Floats) -> Points:
        """The face with a mouth of controls by :class:`Mouth`, ``(468, 3)``."""
        return self._rig.frame.to_picture(self._rig.shape(Pose(mouth=np.asarray(mouth, np.float32))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """A face in every frame of a loop."""

    points: Floats
    """Mesh in pixels of the clip, ``(frames, 468, 3)``."""
    local: Floats
    """The same in face coordinates."""
    controls: Floats
    """What the mouth does, ``(frames, 6)``."""
    scale: Floats
    turn: Floats
    shift: Floats
    """From face coordinates to pixels: ``scale * local @ turn.T + shift``."""


class Warping:
    """Target geometry of every frame of a loop, for one person. Threads may share it."""

    def __init__(self, face: OwnFace, tracked: Tracked) -> None:
        self.face, self.tracked = face, tracked
        self.weights = face_weights(face.neutral)[:, None]
        shapes = np.stack([face.shape(controls) for controls in tracked.controls]).astype(np.float32)
        own = tracked.local - shapes
        steady = _meeting(_steady(own))
        lips = 1 - smooth(_LIPS_REACH, _LIPS_END, near_mouth(MOUTH_HALF))[:, None]
        self._steady = steady
        self._taken_out = (self.weights * (lips * (steady - own) - shapes)).astype(np.float32)

    def target(self, frame: int, shape: Points) -> tuple[Points, Points]:
        """Where the vertices go in a frame of the loop for a shape of :meth:`OwnFace.shape`.

        Returns:
            Pixels of the clip, ``(468, 2)``, and face coordinates, ``(468, 3)``.
        """
        tracked = self.tracked
        moved = self.weights * shape + self._taken_out[frame]
        pixels = tracked.points[frame, :, :2] + tracked.scale[frame] * (moved @ tracked.turn[frame].T)[:, :2]
        return np.asarray(pixels, float), tracked.local[frame] + moved

    def at_rest(self, frame: int) -> Points:
        """The resting face as it lies in a frame: with the slow changes of expression and turn, ``(468, 3)``."""
        return np.asarray(self.face.neutral + self._steady[frame], float)


def _steady(own: Floats) -> Floats:
    """Slow changes of a loop; its end goes on with its beginning."""
    from scipy.ndimage import gaussian_filter1d

    return np.asarray(gaussian_filter1d(own, STEADY_FRAMES, axis=0, mode="wrap"), np.float32)


def _meeting(own: Floats) -> Floats:
    """Upper and lower inner lip moved as one, so that lips that shall touch do."""
    upper, lower = list(mesh.LIP_INNER_UPPER), list(mesh.LIP_INNER_LOWER)
    both = (own[:, upper] + own[:, lower]) / 2
    own[:, upper] = both
    own[:, lower] = both
    return own


def limited(mouth: Floats, widest: float) -> Floats:
    """Controls whose opening is eased below what this person was seen to do: own pictures are not drawn out further."""
    opening = float(mouth[Mouth.OPEN])
    knee = 0.6 * widest
    if opening <= knee:
        return mouth
    eased: Floats = mouth.copy()
    room = widest - knee
    over = opening - knee
    eased[Mouth.OPEN] = knee + room * over / (room + over)
    eased[Mouth.CHIN] *= eased[Mouth.OPEN] / opening
    return eased


class Skin:
    """Which triangles carry the moved skin, and the rings round the face on which movement fades."""

    def __init__(self, weights: Weights) -> None:
        moved = weights[:, 0] > 1e-3
        oval = np.array(mesh.OVAL)
        triangles = fields().triangles
        self._oval = oval
        self.face = np.concatenate([triangles[moved[triangles].any(1)], hole_triangles()]).astype(np.int32)
        self.rings = _ring_triangles(moved[oval])
        self.used = np.unique(np.concatenate([self.face, self.rings]))

    def grown(self, source: Points, target: Points) -> tuple[Floats, Floats]:
        """Face and rings: places in the frame and where they go, ``(468 + rings, 2)`` each."""
        outline = source[self._oval]
        centre, moved = outline.mean(0), target[self._oval] - outline
        rings = [centre + (outline - centre) * size for size, _ in RINGS]
        went = [ring + moved * share for ring, (_, share) in zip(rings, RINGS, strict=True)]
        return (
            np.concatenate([source, *rings]).astype(np.float32),
            np.concatenate([target, *went]).astype(np.float32),
        )


def _ring_triangles(moved: NDArray[np.bool_]) -> Triangles:
    """Bands from the outline over the rings, where the outline moves."""
    count = len(mesh.OVAL)
    rows = [list(mesh.OVAL), *([mesh.VERTICES + ring * count + k for k in range(count)] for ring in range(len(RINGS)))]
    made = []
    for inner, outer in zip(rows[:-1], rows[1:], strict=True):
        for k in range(count):
            after = (k + 1) % count
            if moved[k] or moved[after]:
                a, b, c, d = inner[k], inner[after], outer[k], outer[after]
                made += [(a, b, c), (b, d, c)]
    return np.array(made, np.int32)
