"""Read from a photo what the inside of its mouth must look like: light, lip colours, sharpness, its own teeth."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.frame import FaceFrame, Points
from avatarium.engine.face.mouth import TEETH_DEPTH, Floats, Look, stomion
from avatarium.engine.face.rig import Resting
from avatarium.engine.face.teeth import ENAMEL, Teeth, draw_teeth, own_teeth

Image = NDArray[np.uint8]

LUMA = np.array([0.299, 0.587, 0.114])
"""ITU-R BT.601 weights of R, G and B."""
SKIN = np.array([1.20, 0.96, 0.84])
"""RGB of skin under white light against its own mean."""
WELL_LIT = 165.0
"""Luma of fair skin in good light."""


def read_look(picture: Image, points: Points, frame: FaceFrame) -> Look:
    """The look of the mouth in an RGB picture whose mesh is ``points``, ``(468 or more, 3)`` pixels."""
    light = float(np.clip(_luma_at(picture, points, frame) / WELL_LIT, 0.45, 1.12))
    resting = Resting.of(frame.to_local(points[: mesh.VERTICES]))
    enamel = ENAMEL * light * 0.92 * _cast(picture, points, frame)
    teeth = draw_teeth(max(60.0, frame.scale), np.clip(enamel, 20, 245))
    if resting.opening > 0.06:
        teeth = _with_own(teeth, picture, points, frame, resting)
    ring = 1 if resting.is_open else 2
    upper, lower = (_colours(picture, points[list(rows[ring]), :2], frame.scale) for rows in _RINGS)
    return Look(
        teeth=teeth, light=light, upper_lip=upper, lower_lip=lower, softness_px=_softness(picture, points, frame)
    )


_WHITES = ((33, 469), (133, 469), (263, 474), (362, 474))
"""Corner of an eye and the middle of the nearer rim of its iris."""
_RINGS = (mesh.LIP_RINGS_UPPER, mesh.LIP_RINGS_LOWER)


def _luma_at(picture: Image, points: Points, frame: FaceFrame) -> float:
    return float(np.median(_colours(picture, points[list(mesh.CHEEKS), :2], frame.scale) @ LUMA))


def _colours(picture: Image, at: Points, scale: float) -> Floats:
    """Mean RGB in a small square round each point, shape ``(n, 3)``."""
    radius = max(1, round(scale * 0.012))
    height, width = picture.shape[:2]
    centres = np.clip(at.round().astype(int), radius, [width - 1 - radius, height - 1 - radius])
    squares = [picture[y - radius : y + radius + 1, x - radius : x + radius + 1] for x, y in centres]
    return np.array([s.reshape(-1, 3).mean(0) for s in squares], dtype=np.float32)


def _cast(picture: Image, points: Points, frame: FaceFrame) -> NDArray[np.float64]:
    """Colour of the light, read off skin and the whites of the eyes; mean about 1, shape ``(3,)``."""
    skin = np.median(_colours(picture, points[list(mesh.CHEEKS), :2], frame.scale), axis=0)
    cast = _ratio(skin) / SKIN
    if len(points) > mesh.VERTICES:
        middles = np.array([(points[a, :2] + points[b, :2]) / 2 for a, b in _WHITES])
        found = _colours(picture, middles, frame.scale * 0.7)
        cast = np.sqrt(cast * _ratio(found[(found @ LUMA).argmax()]))
    cast = np.clip(cast, 0.75, 1.25)
    neutral: NDArray[np.float64] = (cast / cast.mean()) ** 0.6
    return neutral


def _ratio(rgb: Floats) -> NDArray[np.float64]:
    colour = rgb.astype(float) + 1
    ratio: NDArray[np.float64] = colour / colour.mean()
    return ratio


def _softness(picture: Image, points: Points, frame: FaceFrame) -> float:
    """Width of the photo's edges in pixels, from the strongest gradients round eyes and mouth."""
    area = points[: mesh.VERTICES, :2]
    low, high = np.maximum(area.min(0), 0).astype(int), area.max(0).astype(int)
    grey = cv2.cvtColor(picture[low[1] : high[1], low[0] : high[0]], cv2.COLOR_RGB2GRAY).astype(np.float32)
    slope = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 8
    contrast = float(np.percentile(grey, 98) - np.percentile(grey, 2))
    return float(np.clip(contrast / max(1.0, float(np.percentile(slope, 99.7))) * 0.5, 0.9, 0.03 * frame.scale + 0.9))


def _with_own(teeth: Teeth, picture: Image, points: Points, frame: FaceFrame, resting: Resting) -> Teeth:
    """Teeth cut out of a photo that shows them, if what it shows is bright enough to be teeth."""
    hole = _hole(picture, points, frame)
    bright = _enamel(picture[hole > 0.9].astype(float), _luma_at(picture, points, frame))
    if bright is None:
        return teeth
    teeth = draw_teeth(teeth.pixels_per_unit, bright.mean(0))
    level = float((bright @ LUMA).mean())
    shown = hole * np.clip((picture @ LUMA - 0.45 * level) / (0.25 * level), 0, 1).astype(np.float32)
    shown = cv2.GaussianBlur(shown, (0, 0), max(0.6, frame.scale * 0.008))
    return own_teeth(teeth, picture, shown, _texture_to_picture(points, frame, resting), resting.opening * 0.85)


def _enamel(inside: NDArray[np.float64], skin: float) -> NDArray[np.float64] | None:
    """The bright pixels in an open mouth, if they are teeth: most of it, light against the skin, and not lip-red."""
    if len(inside) < 40:
        return None
    luma = inside @ LUMA
    bright: NDArray[np.float64] = inside[luma >= np.percentile(luma, 60)]
    red, green = bright[:, 0].mean(), bright[:, 1].mean()
    mostly = (luma > 0.62 * np.percentile(luma, 95)).mean() >= 0.6
    return bright if mostly and np.median(luma) > 0.5 * skin and (red - green) / (red + green) < 0.13 else None


def _hole(picture: Image, points: Points, frame: FaceFrame) -> Floats:
    """1 where the lips of an open photo part, well inside their edges, shape ``(H, W)``."""
    outline = [*mesh.LIP_INNER_UPPER, *mesh.LIP_INNER_LOWER[-2:0:-1]]
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(mask, [points[outline, :2].round().astype(np.int32)], (255,))
    inset = 2 * max(1, round(frame.scale * 0.012)) + 1
    eroded = cv2.erode(mask, np.ones((inset, inset), np.uint8)).astype(np.float32) / 255
    return np.asarray(cv2.GaussianBlur(eroded, (0, 0), max(0.6, frame.scale * 0.006)), dtype=np.float32)


def _texture_to_picture(points: Points, frame: FaceFrame, resting: Resting) -> NDArray[np.float64]:
    """Affine map from tooth texture to photo: the incisal edge stands an eighth of the gap above the lower lip."""
    local = frame.to_local(points[: mesh.VERTICES])
    edge = stomion(local)
    edge[1] = local[mesh.LIP_LOWER_INNER, 1] - 0.12 * resting.opening
    edge[2] += TEETH_DEPTH
    corner = frame.to_picture(edge)[:2]
    return np.column_stack([frame.axes[:2, :2].T * frame.scale, corner])
