"""The photo actor: one picture of a person, rendered in any pose.

Person and ground are two layers. The person is a textured mesh that moves; the ground behind is filled in where the
person stands and never moves. No network paints pixels: every one comes from the photo, but for the inside of the
mouth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.frame import FaceFrame, Points
from avatarium.engine.face.landmarks import Face, find_face
from avatarium.engine.face.look import read_look
from avatarium.engine.face.meshing import LOWEST, build_mesh
from avatarium.engine.face.mouth import paint_mouth, paint_seam, placed_mouth, stomion
from avatarium.engine.face.pose import Mouth, Pose
from avatarium.engine.face.raster import BAND, Bands, bands_of, draw_map, lay_over, undo_alpha
from avatarium.engine.face.relax import soften_folds
from avatarium.engine.face.rig import Rig, rotation
from avatarium.engine.face.shaping import placed
from avatarium.engine.picture.fill import fill
from avatarium.engine.picture.matting import person_alpha, pure_foreground
from avatarium.engine.video.framing import Placement, Size
from avatarium.errors import PictureError

Image = NDArray[np.uint8]
Alpha = NDArray[np.float32]
Float32 = NDArray[np.float32]

MIN_COVER = 0.85
"""Share of the face that the mask must cover before person and ground are told apart."""
FINER = 3
"""Parts of a pixel, across and down, in which eyes are drawn."""
STEP_PX = 0.05
"""Lids and eyeballs that move less against each other need no finer drawing."""
LIP_INSET = 0.55
"""How far the lips' inner edge is sampled inside the lip where the photo shows teeth, so that none stick to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoActor:
    """A person in a photo, found and cut out once, shown by any number of views."""

    picture: Image
    face: Face
    alpha: Alpha
    """Mask of the person, 0..1, shape of the picture."""

    @classmethod
    def from_picture(cls, picture: Image, face_number: int = 1) -> PhotoActor:
        """Prepare a photo: find the face and the person. Takes about half a second of CPU.

        Args:
            picture: RGB, ``(H, W, 3)``.
            face_number: 1 for the largest face of several.

        Raises:
            FaceError: no face that can speak.
        """
        face = find_face(picture, face_number)
        return cls(picture=picture, face=face, alpha=person_alpha(picture))

    @property
    def layered(self) -> bool:
        """Whether the mask is good enough to move the person over a ground that stands still."""
        outline = self.face.points[list(mesh.OVAL), :2]
        centre = outline.mean(0)
        at = np.clip((centre + (outline - centre) * 0.9).astype(int), 0, np.array(self.alpha.shape[::-1]) - 1)
        return float((self.alpha[at[:, 1], at[:, 0]] > 0.5).mean()) >= MIN_COVER


class View:
    """An actor on a canvas of one size. Rendering is single-threaded; use one view a thread.

    Args:
        actor: whom to show.
        size: of the frames.
        placement: where the photo lies in them; it may hang over their edges.
        canvas: RGB ``(height, width, 3)`` to show where the photo does not reach.
        background: RGB of the same shape to stand in place of the photo's ground.
        cutout: whether the person is shown alone, by :meth:`render_cutout`.

    OpenCV is set to one thread for the whole process.

    Raises:
        PictureError: ``person_not_found``: a background or a cutout is asked for and the person cannot be told from
            the ground.
    """

    in_order = False
    """Frames depend on the pose alone."""

    def __init__(
        self,
        actor: PhotoActor,
        size: Size,
        placement: Placement,
        *,
        canvas: Image | None = None,
        background: Image | None = None,
        cutout: bool = False,
    ) -> None:
        cv2.setNumThreads(1)
        self._layered = actor.layered
        if not self._layered and (cutout or background is not None):
            raise PictureError(
                "The person cannot be told from the ground in this picture. Leave the ground as it is, or give a PNG "
                "whose ground is transparent.",
                code="person_not_found",
            )
        self.size = size
        self._points = _placed(actor.face.points, placement)
        self._frame = FaceFrame.of(self._points)
        self._rig = Rig(self._points)
        self._rest = self._frame.to_local(self._points[: mesh.VERTICES])
        photo, alpha = self._on_canvas(actor, placement, canvas)
        self._box = self._moving_box(alpha)
        self._mesh = build_mesh(self._points, self._frame, self._box, anchored=not self._layered)
        self._look = read_look(photo, self._points, self._frame)
        photo = soften_folds(photo, self._points, self._frame.scale, self._rig.resting.smile)
        self._dress(photo, alpha, np.zeros_like(photo) if cutout and background is None else background)
        self._cutout = np.dstack([self._person, (alpha * 255).round().astype(np.uint8)]) if cutout else None
        self._prepare_maps()

    def render(self, pose: Pose) -> Image:
        """One frame, RGB ``(height, width, 3)``."""
        frame = self._bare.copy()
        local, target, lids = self._move(pose)
        left, top, right, bottom = self._box
        bands = self._warp(target, lids)
        if self._layered:
            lay_over(self._drawn, self._ground, frame, left, top, bands)
        else:
            frame[top:bottom, left:right] = self._drawn[..., :3]
        self._paint_mouth(frame, pose, local)
        return frame

    def render_cutout(self, pose: Pose) -> Image:
        """One frame of the person alone, RGBA with straight alpha, ``(height, width, 4)``."""
        if self._cutout is None:
            raise ValueError("this view was not made with cutout=True")
        local, target, lids = self._move(pose)
        left, top, right, bottom = self._box
        self._drawn[:] = 0
        self._warp(target, lids)
        colours = self._cutout[..., :3].copy()
        undo_alpha(self._drawn, colours[top:bottom, left:right])
        self._paint_mouth(colours, pose, local)
        alpha = self._cutout[..., 3].copy()
        alpha[top:bottom, left:right] = self._drawn[..., 3]
        return np.asarray(cv2.merge([*cv2.split(colours), alpha]), np.uint8)

    def close(self) -> None:
        """There is nothing to let go of."""

    def _on_canvas(self, actor: PhotoActor, placement: Placement, canvas: Image | None) -> tuple[Image, Alpha]:
        """The photo and its mask at their place and size."""
        photo = np.zeros((self.size.height, self.size.width, 3), np.uint8) if canvas is None else canvas.copy()
        alpha = np.zeros(photo.shape[:2], np.float32)
        left, top, right, bottom = seen = placement.seen(self.size)
        photo[top:bottom, left:right] = resampled(actor.picture, placement, seen)
        alpha[top:bottom, left:right] = np.clip(resampled(actor.alpha, placement, seen), 0, 1)
        return photo, alpha

    def _moving_box(self, alpha: Alpha) -> tuple[int, int, int, int]:
        """The part of the canvas that may change: the person down to the ribs, with room to move."""
        unit = self._frame.scale
        lowest = int(self._frame.origin[1] + LOWEST * unit)
        rows, columns = np.nonzero(alpha[: max(1, lowest)] > 0.02)
        reach = self._points[: mesh.VERTICES, :2]
        low = np.minimum(
            reach.min(0) - 0.8 * unit, [columns.min(initial=self.size.width), rows.min(initial=self.size.height)]
        )
        high = np.maximum(reach.max(0) + 0.8 * unit, [columns.max(initial=0), rows.max(initial=0)])
        left, top = np.maximum(low - 0.30 * unit, 0).astype(int)
        right, bottom = np.minimum(high + 0.30 * unit + 1, [self.size.width, min(self.size.height, lowest)]).astype(int)
        return int(left), int(top), int(right), int(bottom)

    def _dress(self, photo: Image, alpha: Alpha, background: Image | None) -> None:
        """Make the layers: the still frame, the ground behind the person, and the person's texture."""
        left, top, right, bottom = self._box
        if background is not None:
            person, cover, ground = pure_foreground(photo, alpha), alpha, background
            self._still = _over(person, cover, background)
        else:
            person, self._still = photo, photo
            hole, cover = self._reach(alpha)
            ground = fill(photo, 1 - hole) if self._layered else photo
        self._person = person
        self._ground = np.ascontiguousarray(ground[top:bottom, left:right])
        texture = np.dstack([person * cover[..., None], cover * 255]) if self._layered else np.dstack([person, cover])
        texture = texture[top:bottom, left:right].round().astype(np.uint8)
        # Below it a row on which sampling at its very border may lean, and one of nobody.
        self._texture = np.concatenate([texture, texture[-1:], np.zeros_like(texture[:1])])
        self._drawn = np.zeros_like(texture)
        self._bare = self._still.copy()
        self._bare[top:bottom, left:right] = self._ground

    def _reach(self, alpha: Alpha) -> tuple[Alpha, Alpha]:
        """The hole to fill behind the person, and the person's layer, which reaches beyond it and fades.

        The photo's own ground takes part in the fade, so that the resting frame is the photo itself.
        """
        unit = self._frame.scale
        core = _grown(alpha > 0.1, 0.03 * unit)
        inner, outer = 0.02 * unit, 0.09 * unit
        distance = cv2.distanceTransform((core == 0).astype(np.uint8), cv2.DIST_L2, 5)
        fade = np.clip(1 - (distance - inner) / (outer - inner), 0, 1)
        return core.astype(np.float32), np.asarray(fade * fade * (3 - 2 * fade), dtype=np.float32)

    def _prepare_maps(self) -> None:
        left, top, right, bottom = self._box
        corner = np.array([left, top], np.float32)
        self._corner = corner
        self._source = (self._mesh.points[:, :2] - corner).astype(np.float32)
        self._mouth_source = self._source.copy()
        if self._rig.resting.is_open:
            self._draw_lips_from_inside()
        self._maps = np.zeros((2, BAND, right - left), np.float32)
        self._outer = self._mesh.outer[~self._is_clear(self._mesh.outer)] if self._layered else self._mesh.outer
        self._reaching = np.concatenate([self._outer, self._mesh.face])
        self._mouth_triangles = np.array(mesh.strip(mesh.LIP_INNER_UPPER, mesh.LIP_INNER_LOWER), np.int32)
        self._eye_triangles = np.array([t for e in mesh.EYES for t in mesh.strip(e.upper, e.lower)], np.int32)

    def _is_clear(self, triangles: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which of them show nobody, at any of their pixels or beside them."""
        corners = self._source[triangles]
        low = np.maximum(np.floor(corners.min(1)).astype(int) - 1, 0)
        high = np.ceil(corners.max(1)).astype(int) + 2
        cover = self._texture[:-1, :, 3]
        around = zip(low, high, strict=True)
        return np.array([not cover[y:below, x:beside].any() for (x, y), (beside, below) in around])

    def _draw_lips_from_inside(self) -> None:
        for ring, inner in (
            (mesh.LIP_RINGS_UPPER[2], mesh.LIP_INNER_UPPER),
            (mesh.LIP_RINGS_LOWER[2], mesh.LIP_INNER_LOWER),
        ):
            to, at = list(inner[1:-1]), list(ring[1:-1])
            self._source[to] += (self._source[at] - self._source[to]) * LIP_INSET
        lower = self._source[list(mesh.LIP_INNER_LOWER)]
        self._mouth_source = self._source.copy()
        self._mouth_source[list(mesh.LIP_INNER_UPPER)] = lower

    def _move(self, pose: Pose) -> tuple[Points, Float32, Float32]:
        """Shape in face coordinates; places of all vertices; places before the head's turn, for the lids."""
        body, unit = self._mesh, self._frame.scale
        local = self._rig.shape(pose)
        target, lids = placed(
            self._frame.to_picture(local),
            body.points,
            body.hangs_on,
            body.follow,
            body.head,
            body.breath,
            body.pivot,
            rotation(*pose.head[:3]),
            np.asarray(pose.head[3:] * unit, float),
            np.asarray(pose.gaze * unit, float),
            float(pose.breath) * unit,
            self._corner,
        )
        return local, target, lids

    def _warp(self, target: Float32, lids: Float32) -> Bands:
        """Draw the person's texture in its new place, RGBA premultiplied, the size of the moving box.

        Answers with the parts in which there is somebody; the others of what was drawn are as they were before.
        """
        person = self._drawn
        height, width = person.shape[:2]
        bands: Bands = bands_of(self._reaching, target, height, width)
        for top, bottom, left, right in bands.tolist():
            if left < right:
                # Band by band, so that the maps stay in the processor's cache between drawing and sampling.
                map_x, map_y = self._maps[:, : bottom - top]
                map_y[:, left:right] = height + 1  # the row of nobody
                draw_map(self._outer, target, self._source, map_x, map_y, top)
                draw_map(self._mesh.face, target, self._source, map_x, map_y, top)
                draw_map(self._mouth_triangles, target, self._mouth_source, map_x, map_y, top)
                draw_map(self._eye_triangles, target, lids, map_x, map_y, top)
                self._sample(map_x[:, left:right], map_y[:, left:right], person[top:bottom, left:right])
        for eye in mesh.EYES:
            around = [*eye.upper, *eye.lower]
            if np.abs(lids[around] - self._source[around]).max() > STEP_PX:
                self._redraw_finely(person, target, lids, around)
        return bands

    def _redraw_finely(self, person: Image, target: Float32, lids: Float32, around: list[int]) -> None:
        """Draw an eye again in parts of pixels: the map jumps at the lid's edge, whole pixels would show as steps."""
        height, width = person.shape[:2]
        low = np.maximum(np.floor(target[around].min(0)).astype(int) - 3, 0)
        high = np.minimum(np.ceil(target[around].max(0)).astype(int) + 4, [width, height])
        columns, rows = high - low
        if columns <= 0 or rows <= 0:
            return
        map_x, map_y = np.zeros((2, rows * FINER, columns * FINER), np.float32)
        fine = (target - low.astype(np.float32) + 0.5) * FINER - 0.5
        draw_map(self._mesh.face, fine, self._source, map_x, map_y)
        draw_map(self._eye_triangles, fine, lids, map_x, map_y)
        drawn = self._sample(map_x, map_y, np.empty((*map_x.shape, 4), np.uint8))
        small = cv2.resize(drawn, (columns, rows), interpolation=cv2.INTER_AREA)
        person[low[1] : high[1], low[0] : high[0]] = small

    def _sample(self, map_x: Float32, map_y: Float32, into: Image) -> Image:
        cv2.remap(self._texture, map_x, map_y, cv2.INTER_LINEAR, dst=into, borderMode=cv2.BORDER_REPLICATE)
        return into

    def _paint_mouth(self, frame: Image, pose: Pose, local: Points) -> None:
        unit = self._frame.scale
        turn = rotation(*pose.head[:3])
        anchor = self._frame.to_picture(stomion(self._rest)[None])[0]
        origin = (turn @ (anchor - self._mesh.pivot) + self._mesh.pivot)[:2] + np.asarray(pose.head[3:]) * unit
        axes = (self._frame.axes @ turn.T)[:, :2] * unit
        tongue = float(pose.mouth[Mouth.TONGUE])
        placed = placed_mouth(local, self._rest, origin.astype(np.float32), axes.astype(np.float32), tongue)
        if self._rig.resting.is_open:
            gap = float(placed.lower[5, 1] - placed.upper[5, 1])
            paint_seam(frame, placed, 0.55 * float(np.clip(1 - gap / 0.05, 0, 1)))
        paint_mouth(frame, placed, self._look)


def _placed(points: Points, placement: Placement) -> Points:
    """A mesh of the photo as it lies in the frame; depth is scaled along."""
    depth = points[:, 2] * placement.scale[0]
    return np.column_stack([placement.to_video(points[:, :2]), depth])


def resampled(layer: Any, placement: Placement, seen: tuple[int, int, int, int]) -> Any:
    """The part of a picture or mask that a placement shows, in its new size, and of it what is seen of the canvas."""
    x, y = placement.source_x, placement.source_y
    part = layer[y : y + placement.source_height, x : x + placement.source_width]
    left, top, right, bottom = seen[0] - placement.target_x, seen[1] - placement.target_y, *seen[2:]
    right, bottom = right - placement.target_x, bottom - placement.target_y
    size = placement.target_width, placement.target_height
    if placement.target_width < part.shape[1] or (right - left, bottom - top) == size:
        smaller = placement.target_width < part.shape[1]
        whole = cv2.resize(part, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
        return whole[top:bottom, left:right]
    # Enlarged beyond the canvas: the whole may be far larger than what is seen of it.
    (across, down), half = placement.scale, 0.5
    matrix = np.array([[across, 0, half * across - half - left], [0, down, half * down - half - top]])
    window = right - left, bottom - top
    return cv2.warpAffine(part, matrix, window, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _over(person: Image, cover: Alpha, ground: Image) -> Image:
    mixed = person * cover[..., None] + ground * (1 - cover[..., None])
    return mixed.round().astype(np.uint8)


def _grown(mask: NDArray[np.bool_], by: float) -> NDArray[np.uint8]:
    size = 2 * max(1, round(by)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), kernel), dtype=np.uint8)
