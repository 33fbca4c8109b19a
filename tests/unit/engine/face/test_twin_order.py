"""In which order a twin's film is shown, where nothing of it may be played backwards."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import cv2
import numpy as np

from avatarium.engine.face.video.actor import Films, VideoActor
from avatarium.engine.face.video.films import FilmWriter
from avatarium.engine.face.video.order import Order, onward

SIDE, PERIOD, THERE = 128, 60, 170


def swaying(folder: Path, *, to_and_fro: bool) -> VideoActor:
    """Somebody who goes round in a circle, seen for a little less than three rounds; there, or there and back."""
    there = np.arange(THERE)
    order = np.concatenate([there, there[-2:0:-1]]) if to_and_fro else there
    angle = 2 * np.pi * order / PERIOD
    middle = np.column_stack([64 + 30 * np.cos(angle), 64 + 30 * np.sin(angle)])
    film = folder / "base.mp4"
    with FilmWriter(film, SIDE, SIDE) as writer:
        for x, y in middle:
            picture = np.full((SIDE, SIDE, 3), 60, np.uint8)
            cv2.circle(picture, (round(x), round(y)), 18, (230, 180, 150), -1)
            writer.add_picture(picture)
    points = np.zeros((len(order), 478, 3), np.float32)
    points[..., :2] = middle[:, None]
    loop = SimpleNamespace(order=order.astype(np.int32), tracked=SimpleNamespace(points=points))
    made = SimpleNamespace(films=Films(base=film), loop=loop, frames=len(order), width=SIDE, height=SIDE, iod=40.0)
    return cast(VideoActor, made)


def test_what_was_laid_out_to_and_fro_is_only_played_forwards(tmp_path: Path) -> None:
    actor = swaying(tmp_path, to_and_fro=True)
    order = onward(actor)
    shown = [order.number(tick, 25.0) for tick in range(3 * order.count)]
    clip = actor.loop.order[shown]
    steps = np.diff(clip)
    assert (steps[steps < 0] == steps.min()).all(), "but for the joint it goes on"
    assert (steps == 1).sum() == len(steps) - 2
    off = order.count % PERIOD
    assert min(off, PERIOD - off) <= 2, "whole rounds, so that the joint does not show"
    assert order.count >= 100


def test_what_goes_on_by_itself_is_played_as_it_is(tmp_path: Path) -> None:
    actor = swaying(tmp_path, to_and_fro=False)
    assert onward(actor) == Order.whole(actor)


def test_a_film_keeps_its_pace_whatever_the_rate_of_frames() -> None:
    order = Order(first=10, count=50)
    assert [order.number(tick, 50.0) for tick in range(6)] == [10, 10, 11, 11, 12, 12]
    assert order.number(50, 25.0) == 10
