"""Somebody before a ground that moves, or before the own one out of focus: a view of the person alone, laid over it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Protocol

import numpy as np
from numba import njit
from numpy.typing import NDArray

from avatarium.engine.face.pose import Pose
from avatarium.engine.face.video.actor import VideoActor
from avatarium.engine.face.video.lie import Lie
from avatarium.engine.face.video.order import Order
from avatarium.engine.face.video.playing import Player
from avatarium.engine.options import SpeakOptions
from avatarium.engine.picture.matting.over import BLUR_MOST, Moving, OutOfFocus, out_of_focus
from avatarium.engine.production import Renderer
from avatarium.engine.video.canvas import Canvas
from avatarium.engine.video.framing import Ground, Placement, Size, make_ground

Image = NDArray[np.uint8]
Make = Callable[[SpeakOptions], Renderer]
"""Lays somebody out as options say that have neither a video nor a blur behind."""


class Backdrop(Protocol):
    """Gives the ground for frame after frame."""

    def behind(self, pose: Pose, alpha: Image) -> Image:
        """The ground of the frame in which a pose is shown, RGB in the size of the frames; not to be written to."""

    def close(self) -> None:
        """Let go of files."""


class Before:
    """A view of a person alone over a backdrop. Use it as the view that it shows; poses come in order.

    Args:
        view: made for :meth:`render_cutout`; closed with this.
        backdrop: closed with this.
    """

    in_order = True

    def __init__(self, view: Renderer, backdrop: Backdrop) -> None:
        self.size = view.size
        self._view, self._backdrop = view, backdrop

    def render(self, pose: Pose) -> Image:
        """One frame, RGB ``(height, width, 3)``."""
        person = self._view.render_cutout(pose)
        ground = self._backdrop.behind(pose, person[..., 3])
        out = np.empty_like(ground)
        _over(person, ground, out)
        return out

    def render_cutout(self, pose: Pose) -> Image:
        """One frame of the person alone, RGBA with straight alpha, ``(height, width, 4)``."""
        return self._view.render_cutout(pose)

    def close(self) -> None:
        """Close both."""
        try:
            self._backdrop.close()
        finally:
            self._view.close()


class _Filmed:
    """A video, whose pictures are laid as a ground is."""

    def __init__(self, film: Moving) -> None:
        self._film = film

    def behind(self, pose: Pose, alpha: Image) -> Image:
        return self._film.next()

    def close(self) -> None:
        self._film.close()


class _Still:
    """One picture."""

    def __init__(self, ground: Image) -> None:
        self._ground = ground

    def behind(self, pose: Pose, alpha: Image) -> Image:
        return self._ground

    def close(self) -> None:
        """There is nothing to let go of."""


class _OwnFilm:
    """The ground of a twin's own film out of focus, frame by frame."""

    def __init__(self, actor: VideoActor, lie: Lie, order: Order, fps: float, blur: float) -> None:
        self._player = Player(actor.films.base, actor.frames, size=lie.smaller)
        self._lie, self._order, self._fps = lie, order, fps
        self._blur = OutOfFocus(blur)
        self._canvas = np.zeros((lie.size.height, lie.size.width, 3), np.uint8)

    def behind(self, pose: Pose, alpha: Image) -> Image:
        frame = self._lie.placed(self._player.frame(self._order.number(pose.tick, self._fps)), self._canvas)
        return self._blur.behind(frame, np.multiply(alpha, np.float32(1 / 255), dtype=np.float32))

    def close(self) -> None:
        self._player.close()


def needs_backdrop(options: SpeakOptions) -> bool:
    """Whether a video stands behind, or the own ground out of focus."""
    return options.film is not None or (options.blur > 0 and not _chosen(options))


def sharpened(options: SpeakOptions) -> SpeakOptions:
    """The same options without a blur: the ground that was chosen has it already."""
    if options.blur == 0 or options.film is not None:
        return options
    canvas = options.canvas
    if canvas is not None and canvas.ground is not None:
        canvas = replace(canvas, ground=_blurred(canvas.ground, options.blur))
    ground = None if options.background is None else _blurred(options.background, options.blur)
    return replace(options, canvas=canvas, background=ground, blur=0.0)


def before_film(make: Make, shape: tuple[int, int], options: SpeakOptions) -> Before:
    """Somebody before a video.

    Args:
        make: lays the person out.
        shape: width and height of the person's own picture.
        options: with a film.

    Raises:
        PictureError: ``person_not_found``.
    """
    assert options.film is not None
    view = make(_alone(options, options.canvas))
    share = options.blur * BLUR_MOST

    def lay(picture: Image) -> Image:
        picture = out_of_focus(picture, share) if share else picture
        if options.canvas is None:
            return make_ground(picture, view.size)
        return replace(options.canvas, ground=picture).ground_picture(view.size, *shape)

    return Before(view, _Filmed(Moving(options.film, lay, fps=options.fps)))


def photo_before_blur(make: Make, options: SpeakOptions) -> Before:
    """Somebody in a picture before its own ground out of focus, which is painted where the person stands.

    Raises:
        PictureError: ``person_not_found``.
    """
    plain = make(replace(options, blur=0.0))
    photo = plain.render(Pose())
    plain.close()
    view = make(_alone(options, _own_canvas(options.canvas)))
    alpha = view.render_cutout(Pose())[..., 3].astype(np.float32) / 255
    return Before(view, _Still(OutOfFocus(options.blur * BLUR_MOST).behind(photo, alpha)))


def twin_before_blur(
    make: Make, actor: VideoActor, placed: Callable[[Size], Placement], order: Order, options: SpeakOptions
) -> Before:
    """A twin before the ground of its own film out of focus, which goes on as the film does.

    Args:
        make: lays the person out.
        actor: the twin.
        placed: where its film lies in frames of a size.
        order: in which the film's frames are shown.
        options: with a blur and no ground.

    Raises:
        PictureError: ``person_not_found``.
    """
    with ExitStack() as unless_made:
        view = make(_alone(options, _own_canvas(options.canvas)))
        unless_made.callback(view.close)
        lie = Lie.of(placed(view.size), (actor.width, actor.height), view.size)
        film = _OwnFilm(actor, lie, order, float(options.fps), options.blur * BLUR_MOST)
        unless_made.pop_all()
    return Before(view, film)


def _chosen(options: SpeakOptions) -> bool:
    return options.background is not None or (options.canvas is not None and options.canvas.ground is not None)


def _blurred(ground: Ground, blur: float) -> Ground:
    return ground if isinstance(ground, tuple) else out_of_focus(ground, blur * BLUR_MOST)


def _own_canvas(canvas: Canvas | None) -> Canvas | None:
    """Before its own ground a picture fills the frame in its own shape."""
    return None if canvas is None else Canvas(resolution=canvas.resolution)


def _alone(options: SpeakOptions, canvas: Canvas | None) -> SpeakOptions:
    return replace(options, film=None, blur=0.0, background=None, alpha=True, canvas=canvas)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _over(person: Image, ground: Image, out: Image) -> None:
    """RGBA with straight alpha over RGB."""
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            share = np.int32(person[y, x, 3])
            for k in range(3):
                out[y, x, k] = (person[y, x, k] * share + ground[y, x, k] * (255 - share) + 127) // 255
