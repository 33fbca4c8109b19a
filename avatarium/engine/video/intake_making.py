"""Making a clip out of a file: telling what it is, refusing what cannot be used, writing picture and sound."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from avatarium.engine.files import open_regular
from avatarium.engine.picture.sniff import HEAD_BYTES, PictureFormat, describe_other, sniff_picture
from avatarium.engine.video.container import open_media, sniff_media
from avatarium.engine.video.intake import CLIP_FPS, Clip, Order
from avatarium.engine.video.intake_motion import Motion
from avatarium.engine.video.intake_reading import End, decoded_from, duration_s, follow
from avatarium.engine.video.intake_runs import Run, Runs
from avatarium.engine.video.intake_shape import FieldWatch, Look, Shape, Shaper, clip_shape
from avatarium.engine.video.probe import made_rate, picture_stream
from avatarium.engine.video.sound import SILENCE_DBFS, read_sound_part
from avatarium.engine.video.sound_writer import SoundWriter
from avatarium.errors import InputError

SOUND_RATE = 48000
_SMALLEST_SIDE = 160
_FEWEST_PICTURES = 8.0
"""A second: below, nobody's mouth can be followed."""
_STILL_SHARE = 0.97
_SLIDES_STILL_SHARE = 0.6
_NEARLY_S = 0.1
_PROGRESSIVE_CODECS = {"hevc", "vp8", "vp9", "av1", "libdav1d", "libvpx-vp9", "prores_raw"}
_WATCHED_FRAMES = 250
_ENOUGH_COMBED = 30

Share = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """What a file is, before it is read through."""

    called: str
    look: Look
    """Of its first frame."""
    shape: Shape
    fps: float
    interlaced: bool
    length_s: float | None


def make_clip(order: Order, share: Share) -> Clip:
    """Obey an order, as :func:`~avatarium.engine.video.intake.take_clip` says; meant for the child process."""
    path, folder = Path(order.path), Path(order.folder)
    _refuse_others(path, order.called)
    file = _told(path, order.called)
    _check_before(file, order)
    with ExitStack() as undo:
        runs = Runs(folder, lambda: Shaper(file.shape, folder), round(order.keep_s * CLIP_FPS))
        undo.callback(runs.discard)
        undo.callback(_remove_cubes, folder)
        end = follow(path, runs, file.interlaced, order, share)
        if file.length_s is None and end.seen_s > order.max_s + 1:
            raise _too_long(end.seen_s, order)
        run = _checked(runs.best, end, file, order)
        target = folder / "clip.mp4"
        runs.keep(target)
        sound, said = _write_sound(path, folder / "clip.wav", run)
        return Clip(
            path=target,
            sound=sound,
            width=file.shape.width,
            height=file.shape.height,
            frames=run.frames,
            duration_s=run.frames / CLIP_FPS,
            notes=(*_picture_notes(file, run, end, order), *said),
        )


def _remove_cubes(folder: Path) -> None:
    for cube in folder.glob("cube-*.cube"):
        cube.unlink(missing_ok=True)


def _refuse_others(path: Path, called: str) -> None:
    """Refuse what is no video, with words for what it is."""
    with open_regular(path, error=InputError, noun="video") as file:
        head = file.read(HEAD_BYTES)
        file.seek(0)
        picture, media = sniff_picture(head), sniff_media(file)
    if picture is not None:
        raise _picture_refusal(path, called, picture)
    if media is None:
        what = describe_other(head)
        what = "not a video" if what in ("a video", "no picture") else f"{what}, not a video"
        raise InputError(f"{called} is {what}. Send an MP4, MOV, WebM, MKV, AVI or MPEG file.", code="not_a_video")


def _picture_refusal(path: Path, called: str, picture: PictureFormat) -> InputError:
    if _frames_of_picture(path) > 1:
        return InputError(
            f"{called} is an animated picture ({picture.value}), too coarse to learn a face from. Send the video "
            "that it was made from.",
            code="animated_picture",
        )
    return InputError(
        f"{called} is a picture ({picture.value}). Make an avatar from a picture of it, or send a video of at least "
        "ten seconds.",
        code="still_picture",
    )


def _frames_of_picture(path: Path) -> int:
    try:
        with Image.open(path) as image:
            return int(getattr(image, "n_frames", 1))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return 1


def _told(path: Path, called: str) -> _File:
    """Look at the header and the first seconds."""
    with open_media(path, error=InputError, noun="video", called=called) as container:
        stream = picture_stream(container, called)
        stream.thread_type, stream.codec_context.thread_count = "AUTO", 2
        watch = FieldWatch()
        watched = _WATCHED_FRAMES if stream.codec_context.name not in _PROGRESSIVE_CODECS else 1
        look: Look | None = None
        for frame in islice(decoded_from(container, stream), watched):
            look = look or Look.of(frame)
            watch.look_at(frame)
            if watch.combed >= _ENOUGH_COMBED and watch.interlaced:
                break
        if look is None:
            raise InputError(
                f"{called} is damaged: no picture in it can be read. Save or download it again.",
                code="video_unreadable",
            )
        return _File(
            called=called,
            look=look,
            shape=clip_shape(stream, look.rotation),
            fps=float(made_rate(stream)),
            interlaced=watch.interlaced,
            length_s=duration_s(container, stream),
        )


def _check_before(file: _File, order: Order) -> None:
    """Refuse by the header what need not be read through."""
    if file.length_s is not None and file.length_s > order.max_s + 1:
        raise _too_long(file.length_s, order)
    if file.length_s is not None and file.length_s < order.min_s - 1:
        raise _too_short(file.length_s, order)
    if min(file.shape.width, file.shape.height) < _SMALLEST_SIDE:
        raise InputError(
            f"{file.called} is only {file.shape.width} x {file.shape.height} pixels. Send a clip of at least 640 x "
            "360, better 1280 x 720.",
            code="clip_too_small",
        )


def _too_long(length_s: float, order: Order) -> InputError:
    return InputError(
        f"{order.called} is {_length(length_s)} long; at most {_length(order.max_s)} are taken, and the first "
        f"{_length(order.keep_s)} are used. Cut out the best minute and send that.",
        code="clip_too_long",
    )


def _too_short(length_s: float, order: Order) -> InputError:
    return InputError(
        f"{order.called} is {length_s:.1f} seconds long; at least {order.min_s:g} seconds are needed, half a minute is "
        "better. Film a longer clip.",
        code="clip_too_short",
    )


def _length(seconds: float) -> str:
    return f"{seconds / 60:.3g} minutes" if seconds > 90 else f"{seconds:.0f} seconds"


def _checked(run: Run | None, end: End, file: _File, order: Order) -> Run:
    """Refuse what turned out to be of no use."""
    length_s = run.frames / CLIP_FPS if run else 0.0
    if run is None or length_s < order.min_s - _NEARLY_S:
        if end.damaged:
            raise InputError(
                f"{file.called} is damaged: only {length_s:.1f} seconds of it can be read in one piece, and "
                f"{order.min_s:g} are needed. Save or download it again.",
                code="clip_damaged",
            )
        raise _too_short(length_s, order)
    _check_motion(run.motion.seen(CLIP_FPS), file.called)
    if run.pictures / length_s < _FEWEST_PICTURES:
        raise InputError(
            f"{file.called} shows only {run.pictures / length_s:.1f} pictures a second; from 20 on a mouth can be "
            "followed. Film at 25 or 30 pictures a second.",
            code="too_few_pictures",
        )
    return run


def _check_motion(motion: Motion, called: str) -> None:
    if motion.cuts and motion.still_share >= _SLIDES_STILL_SHARE:
        raise InputError(
            f"{called} is a slideshow: {motion.cuts + 1} pictures in which nothing moves. Send a video in which a "
            "person speaks, or make an avatar from one of the pictures.",
            code="slideshow",
        )
    if motion.still_share >= _STILL_SHARE:
        raise InputError(
            f"Nothing moves in {called}: it is a picture saved as a video. Send a video in which a person moves, or "
            "make an avatar from the picture itself.",
            code="still_picture",
        )


def _picture_notes(file: _File, run: Run, end: End, order: Order) -> list[str]:
    look, shape = file.look, file.shape
    said = []
    if end.damaged:
        said.append(
            f"The file is damaged: {run.frames / CLIP_FPS:.1f} seconds from second {run.start_s:.1f} on are used, the "
            "longest part that can be read."
        )
    if run.full and (file.length_s or end.seen_s) > run.start_s + run.frames / CLIP_FPS + 1:
        said.append(f"Only the first {_length(order.keep_s)} are used.")
    if look.rotation:
        said.append(f"The picture was turned upright by {min(look.rotation, 360 - look.rotation)} degrees.")
    if file.interlaced:
        said.append("The picture was interlaced; whole pictures were made of its fields.")
    if look.high_dynamic:
        said.append("The colours were brought from high dynamic range (HDR) to the standard range.")
    elif look.mapped:
        said.append("The colours were brought from a wide gamut to the standard one.")
    if shape.squared:
        said.append("The picture was stored with oblong pixels and was stretched to its true shape.")
    if shape.shrunk:
        said.append(f"The picture was made smaller, to {shape.width} x {shape.height} pixels.")
    rate = run.pictures / (run.frames / CLIP_FPS)
    if abs(rate - CLIP_FPS) > 0.3:
        said.append(f"The rate was changed from {rate:.3g} pictures a second to {CLIP_FPS}.")
    still_s = run.motion.seen(CLIP_FPS).longest_still_s
    if still_s > 3:
        said.append(f"The picture stands still for {still_s:.0f} seconds.")
    return said


def _write_sound(path: Path, target: Path, run: Run) -> tuple[Path | None, list[str]]:
    """The sound under the run that was kept, exactly as long; None where there is none to hear."""
    wanted = run.frames * SOUND_RATE // CLIP_FPS
    first = round(run.start_s * SOUND_RATE)
    samples = read_sound_part(path, SOUND_RATE, max_s=(first + wanted) / SOUND_RATE + 1)
    if samples is None:
        return None, []
    beyond = len(samples) - first - wanted
    samples = samples[first : first + wanted]
    if not len(samples) or 20 * np.log10(max(float(np.abs(samples).max()), 1e-10)) < SILENCE_DBFS:
        return None, ["The sound of the clip is silent."]
    with SoundWriter(target, rate=SOUND_RATE) as writer:
        writer.write(samples)
        writer.write(np.zeros(wanted - len(samples), np.float32))
    said = []
    if wanted - len(samples) > SOUND_RATE / 2:
        said.append(f"The sound ends {(wanted - len(samples)) / SOUND_RATE:.1f} seconds before the picture.")
    if beyond > SOUND_RATE / 2 and not run.full:
        said.append("The sound is longer than the picture; the rest of it was cut off.")
    return target, said
