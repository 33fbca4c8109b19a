"""Clips whose alpha is known: somebody cut out, put before a ground, and photographed by a camera with noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import PhotoActor, Pose, View, frame_shot
from avatarium.engine.picture.grounds import find_background
from avatarium.engine.picture.matting import find_screen, foreground, key_screen
from avatarium.engine.picture.matting.over import filling, lay_over_ground
from avatarium.engine.picture.read import read_picture
from avatarium.engine.video.frames import read_frames
from avatarium.engine.video.framing import Size

Picture = NDArray[np.uint8]
Alpha = NDArray[np.float32]
Ground = Callable[[int], Picture]
"""The ground of a frame by its number."""

NOISE = 2.0
"""Of the camera, levels of 255."""
JPEG_QUALITY = 92
"""Frames are coded once, so that edges are as a coded video has them."""

PORTRAITS = {
    "synthetic-man-0003": "office",
    "synthetic-woman-0010": "bookshelf, panned",
    "synthetic-woman-0284": "brick",
    "synthetic-man-0324": "lights that move",
}
"""People who do not exist, each with the ground to stand before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One frame and what is true of it."""

    frame: Picture
    alpha: Alpha
    clean: Picture
    """The frame before noise and coding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A clip that is made as it is read."""

    name: str
    frames: Callable[[int], Iterator[Shown]]
    """Takes how many."""


Person = Callable[[], Iterator[tuple[Picture, Alpha]]]


def scenes(media: Path) -> list[Scene]:
    """All of them; nothing is read yet."""
    grounds = _grounds()
    made = [
        _scene(f"screen man, {title}", partial(_keyed, media), ground, (512, 512)) for title, ground in grounds.items()
    ]
    for name, title in PORTRAITS.items():
        person = partial(_alive, media / "portraits" / f"{name}.jpg")
        made.append(_scene(f"{name}, {title}", person, grounds[title], (1280, 720)))
    return made


def _scene(name: str, person: Person, ground: Callable[[int, int], Ground], size: tuple[int, int]) -> Scene:
    def frames(count: int) -> Iterator[Shown]:
        behind = ground(*size)
        camera = np.random.default_rng(7)
        for number, (colours, alpha) in enumerate(islice(person(), count)):
            clean = lay_over_ground(colours, alpha, behind(number))
            yield Shown(frame=_photographed(clean, camera), alpha=alpha, clean=clean)

    return Scene(name=name, frames=frames)


def _photographed(clean: Picture, camera: np.random.Generator) -> Picture:
    noisy = np.clip(clean + camera.normal(0, NOISE, clean.shape), 0, 255).astype(np.uint8)
    coded = cv2.imencode(".jpg", noisy[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1], np.uint8)


def _keyed(media: Path) -> Iterator[tuple[Picture, Alpha]]:
    """The man before the green screen, keyed; the composite makes that alpha the truth, whatever the key missed."""
    screen = None
    for frame in read_frames(media / "talking-videos" / "man-greenscreen-512.mp4", fps=25):
        screen = screen or find_screen([frame])
        if screen is None:
            raise ValueError("no screen was found in the clip with the green screen")
        alpha, colours = key_screen(frame, screen)
        yield foreground(colours, alpha), alpha


def _alive(path: Path) -> Iterator[tuple[Picture, Alpha]]:
    """A portrait that turns its head, breathes and sways: its cutout moves over the ground, hair and hands with it."""
    actor = PhotoActor.from_picture(read_picture(path).rgb)
    size = Size(1280, 720)
    view = View(actor, size, frame_shot(actor, size), cutout=True)
    for number in count():
        second = number / 25
        turn = [0.12 * np.sin(1.9 * second), 0.05 * np.sin(2.7 * second), 0.04 * np.sin(1.3 * second), 0.0, 0.0]
        pose = Pose(head=np.asarray(turn, np.float32), breath=0.01 * float(np.sin(1.6 * second)))
        cutout = view.render_cutout(pose).astype(np.float32)
        cutout[..., :3] *= cutout[..., 3:] / 255
        sway = np.array([[1, 0, 30 * np.sin(0.9 * second)], [0, 1, 0]], np.float32)
        moved = cv2.warpAffine(cutout, sway, (size.width, size.height), flags=cv2.INTER_LINEAR)
        alpha = np.clip(moved[..., 3] / 255, 0, 1).astype(np.float32)
        colours = moved[..., :3] / np.maximum(alpha, 1 / 255)[..., None]
        yield np.clip(colours.round(), 0, 255).astype(np.uint8), alpha


def _grounds() -> dict[str, Callable[[int, int], Ground]]:
    return {
        "office": lambda w, h: _still("office", w, h),
        "brick": lambda w, h: _still("brick", w, h),
        "bookshelf, panned": lambda w, h: _panned("bookshelf", w, h),
        "lights that move": _lights,
    }


def _still(name: str, width: int, height: int) -> Ground:
    picture = filling(read_picture(find_background(name).path).rgb, width, height)
    return lambda number: picture


def _panned(name: str, width: int, height: int) -> Ground:
    """The camera swings to and fro, two pixels a frame at most."""
    wide = filling(read_picture(find_background(name).path).rgb, round(width * 1.2), round(height * 1.2))

    def at(number: int) -> Picture:
        x = 0.1 * width * (1 + np.sin(number / 25)) * 0.9
        y = 0.1 * height
        matrix = np.array([[1, 0, -x], [0, 1, -y]])
        return np.asarray(cv2.warpAffine(wide, matrix, (width, height), flags=cv2.INTER_LINEAR), np.uint8)

    return at


def _lights(width: int, height: int) -> Ground:
    """A street at night out of focus: discs of light that drive by."""
    random = np.random.default_rng(11)
    discs = random.uniform(0, 1, (40, 6))

    def at(number: int) -> Picture:
        picture = np.full((height, width, 3), (18, 20, 30), np.float32)
        for x, y, speed, red, green, size in discs:
            layer = np.zeros_like(picture)
            across = (x + (speed - 0.5) * number / 60) % 1.2 - 0.1
            colour = (90 + 150 * red, 60 + 150 * green, 60 + 100 * speed)
            cv2.circle(layer, (int(across * width), int(y * height)), int((0.02 + 0.05 * size) * width), colour, -1)
            picture = np.maximum(picture, cv2.GaussianBlur(layer, (0, 0), 3))
        return picture.astype(np.uint8)

    return at
