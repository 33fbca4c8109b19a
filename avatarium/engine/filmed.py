"""People in videos: telling a twin or a clip from a picture, making a clip into a twin, and showing it."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from avatarium.engine.assets import default_home
from avatarium.engine.assets.lock import locked
from avatarium.engine.backdrops import before_film, needs_backdrop, sharpened, twin_before_blur
from avatarium.engine.face.shot import Shot, frame_shot
from avatarium.engine.face.stage import Stage
from avatarium.engine.face.video.actor import VideoActor
from avatarium.engine.face.video.order import Order, onward
from avatarium.engine.face.video.view import VideoView
from avatarium.engine.files import open_regular
from avatarium.engine.options import SpeakOptions, nearest_size
from avatarium.engine.picture.sniff import HEAD_BYTES, describe_other, sniff_picture
from avatarium.engine.production import Renderer
from avatarium.engine.video.canvas import Canvas
from avatarium.engine.video.container import sniff_media
from avatarium.engine.video.framing import Fit, Placement, Size, blurred_ground, make_ground
from avatarium.errors import PictureError

Note = Callable[[str], None]

KEPT = 12
"""Twins made out of clips that stay in the data folder; those unused for longest go."""
SHORTEST_CLIP_S = 3.0
_LOCK_S = 1800.0
_VERSION = 2
"""Of what clips are made into: twins of another are made anew."""
_FILMS = ("mov", "matroska", "mpeg", "mpegvideo", "mpegts", "avi", "asf", "flv")
_HEIC = "a HEIC photo"


def is_twin(path: str | Path) -> bool:
    """Whether a file is a twin, told from its content."""
    if not Path(path).is_file():
        return False
    with open_regular(path, error=PictureError, noun="picture") as file:
        if file.read(4) != b"PK\x03\x04":
            return False
        file.seek(0)
        try:
            with zipfile.ZipFile(file) as members:
                return {"manifest.json", "base.mp4"} <= set(members.namelist())
        except (zipfile.BadZipFile, ValueError, NotImplementedError):
            return False


def is_clip(path: str | Path) -> bool:
    """Whether a file is a video, told from its content; an animated picture is a picture."""
    if not Path(path).is_file():
        return False
    with open_regular(path, error=PictureError, noun="picture") as file:
        head = file.read(HEAD_BYTES)
        if sniff_picture(head) is not None or describe_other(head) == _HEIC:
            return False
        file.seek(0)
        return sniff_media(file) in _FILMS


def open_filmed(path: str | Path, options: SpeakOptions, note: Note) -> VideoActor | None:
    """The person in a twin or a clip; None where the file is neither.

    A clip is prepared once, which takes some minutes, and kept in the data folder.

    Raises:
        InputError: the file is damaged, or the clip cannot be used.
    """
    if is_twin(path):
        return VideoActor.open(Path(path), under=options.scratch)
    if is_clip(path):
        return VideoActor.open(twin_of_clip(Path(path), options.face, matte=_needs_matte(options), note=note))
    return None


def filmed_view(actor: VideoActor, options: SpeakOptions, *, owned: bool = False) -> Renderer:
    """Lay a twin out for a video; one that is ``owned`` is closed with the view, or when there is none.

    Raises:
        PictureError: ``person_not_found``: another ground is asked for and the twin was made without matting.
        OptionError: ``shot_and_fit``, or a canvas on which the person cannot lie.
    """
    with ExitStack() as unless_made:
        if owned:
            unless_made.callback(actor.close)
        view = _laid_out(actor, options, owned=owned)
        unless_made.pop_all()
    return view


def _laid_out(actor: VideoActor, options: SpeakOptions, *, owned: bool) -> Renderer:
    order = Order.whole(actor) if options.reverse else onward(actor)
    make = partial(_shown, actor, order, owned)
    if options.film is not None:
        return before_film(make, (actor.width, actor.height), options)
    if needs_backdrop(options):
        return twin_before_blur(make, actor, partial(_placement, actor, options), order, options)
    return make(sharpened(options))


def _placement(actor: VideoActor, options: SpeakOptions, size: Size) -> Placement:
    return frame_shot(actor, size, *((Shot.WHOLE,) if options.canvas else (options.shot, options.fit)))


def _shown(actor: VideoActor, order: Order, owned: bool, options: SpeakOptions) -> Renderer:
    basis = None if options.style is None else options.style.basis
    own: dict[str, Any] = {"fps": float(options.fps), "basis": basis, "owned": owned, "order": order}
    if options.canvas is not None:
        return _staged(actor, options.canvas, own, clear=options.alpha)
    size = options.size or nearest_size(actor.width, actor.height)
    canvas = None
    if options.fit is not Fit.CROP:
        blurred = options.fit is Fit.BLUR
        canvas = blurred_ground(actor.picture, size) if blurred else make_ground((0, 0, 0), size)
    ground = None if options.background is None else make_ground(options.background, size)
    placement = frame_shot(actor, size, options.shot, options.fit)
    return VideoView(actor, size, placement, canvas=canvas, background=ground, cutout=options.alpha, **own)


def twin_of_clip(path: Path, face: int, *, matte: bool, note: Note) -> Path:
    """The twin that a clip was made into, made now if need be.

    Raises:
        InputError: the clip cannot be used.
    """
    folder = default_home() / "twins"
    digest = _digest(path)
    names = [f"{digest}-{face}-{_VERSION}-{kind}.twin" for kind in (("matted",) if matte else ("matted", "plain"))]
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        folder.mkdir(parents=True, exist_ok=True)
        found = folder / names[-1]
        with locked(folder / ".lock", timeout_s=_LOCK_S):
            if not found.is_file():
                note(f"An avatar is made out of {path.name}; this takes some minutes once and is kept in {folder}.")
                for left in folder.glob("making-*"):  # of one that was killed: whoever makes has the lock
                    shutil.rmtree(left, ignore_errors=True)
                _make(path, found, face, matte=matte, note=note)
                _forget_oldest(folder)
    os.utime(found)
    return found


def _make(path: Path, out: Path, face: int, *, matte: bool, note: Note) -> None:
    from avatarium.engine.face.video.preparation import prepare_twin
    from avatarium.engine.video.intake import take_clip

    with tempfile.TemporaryDirectory(dir=out.parent, prefix="making-") as scratch:
        clip = take_clip(path, scratch, min_s=SHORTEST_CLIP_S, called=path.name)
        made = Path(scratch) / "made.twin"
        prepared = prepare_twin(clip, made, face=face, matte=matte)
        for sentence in (*clip.notes, *prepared.notes):
            note(sentence)
        made.replace(out)


def _forget_oldest(folder: Path) -> None:
    kept = sorted(folder.glob("*.twin"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in kept[KEPT:]:
        file.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with open_regular(path, error=PictureError, noun="video") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()[:32]


def _needs_matte(options: SpeakOptions) -> bool:
    canvas = options.canvas
    if needs_backdrop(options):
        return True
    return options.alpha or options.background is not None or (canvas is not None and canvas.ground is not None)


def _staged(actor: VideoActor, canvas: Canvas, own: dict[str, Any], *, clear: bool) -> Renderer:
    width, height = actor.width, actor.height
    size = canvas.size(width, height, clear=clear)
    if canvas.ground is None and not clear:
        return VideoView(actor, size, frame_shot(actor, size, Shot.WHOLE), **own)
    ground = None if clear else canvas.ground_picture(size, width, height)
    box = canvas.person_box(size, width, height, clear=clear)
    return Stage(actor, size, box, ground, show=partial(VideoView, **own))
