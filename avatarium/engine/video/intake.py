"""Taking in a clip that a user uploads: whatever it is, it comes out plain, or with a sentence that says why not.

All work on the file happens in a process of its own, with bounds on memory, time and disk: the libraries that open
strangers' files are written in C, and what makes them crash or run for ever must not take anything else down.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from avatarium.engine import apart
from avatarium.engine.files import StrPath, open_regular
from avatarium.errors import AssetError, AvatariumError, FaceError, InputError, OutputError

CLIP_FPS = 25
STALL_S = 120.0
"""Without a word from the child."""
LIMIT_S = 1800.0
"""In all; a minute of 4K at 60 pictures a second takes four minutes on two slow cores."""
_ENDING_S = 10.0
_LAST_BYTES = 4000

Progress = Callable[[float], None]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A user's video made plain."""

    path: Path
    """MP4, H.264 near-lossless, 4:2:0, BT.709 limited range, 25 pictures a second, upright, square pixels,
    progressive, a key frame every second, without sound."""
    sound: Path | None
    """WAV, 48 kHz, mono, 16 bit, exactly as long as the picture; None where nothing is to be heard."""
    width: int
    height: int
    frames: int
    duration_s: float
    notes: tuple[str, ...] = ()
    """What was changed, in sentences for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked of the child."""

    path: str
    folder: str
    min_s: float
    max_s: float
    keep_s: float
    called: str
    """What the file is called in sentences."""


def take_clip(
    path: StrPath,
    folder: StrPath,
    *,
    min_s: float = 10.0,
    max_s: float = 600.0,
    keep_s: float = 60.0,
    called: str | None = None,
    progress: Progress | None = None,
) -> Clip:
    """Make a clip plain: ``clip.mp4`` and ``clip.wav`` in ``folder``, which must exist.

    Of a damaged file the longest part that can be read is used. Blocks; may be called from any thread.

    Args:
        path: what the user sent; its name is not believed.
        folder: where the results and scratch files are written.
        min_s: shortest length that is enough.
        max_s: longest file that is taken.
        keep_s: how much from its beginning is worked on.
        called: the name that the user knows it by, for sentences; None calls it "the video".
        progress: told the share that is done, 0 to 1, from the calling thread.

    Raises:
        InputError: ``video_missing``, ``not_a_video``, ``still_picture`` (a picture file, or a video in which nothing
            moves), ``animated_picture``, ``video_no_picture`` (only sound), ``video_unreadable``, ``clip_damaged``
            (what can be read is too short), ``clip_too_short``, ``clip_too_long``, ``clip_too_small``,
            ``video_too_large``, ``too_few_pictures`` (a second), ``slideshow`` or ``clip_stalled``.
        OutputError: ``folder`` cannot be written.
        RuntimeError: the child failed by a fault of ours; its last words are in the message.
    """
    open_regular(path, error=InputError, noun="video").close()
    order = Order(
        path=os.path.abspath(path),
        folder=os.path.abspath(folder),
        min_s=min_s,
        max_s=max_s,
        keep_s=keep_s,
        called=called or "the video",
    )
    answer = _ask(order, progress)
    if "error" in answer:
        kind: type[AvatariumError] = _ERRORS.get(answer["kind"], InputError)
        sentence = str(answer["error"])
        raise kind(sentence if called else sentence[0].upper() + sentence[1:], code=answer["code"])
    return clip_from_json(answer["clip"])


_ERRORS: dict[str, type[AvatariumError]] = {
    kind.__name__: kind for kind in (InputError, OutputError, FaceError, AssetError)
}


def clip_to_json(clip: Clip) -> dict[str, Any]:
    """A clip as plain values."""
    return asdict(clip) | {"path": str(clip.path), "sound": str(clip.sound) if clip.sound else None}


def clip_from_json(values: dict[str, Any]) -> Clip:
    """A clip from what :func:`clip_to_json` made."""
    sound = Path(values["sound"]) if values["sound"] else None
    return Clip(**values | {"path": Path(values["path"]), "sound": sound, "notes": tuple(values["notes"])})


def _ask(order: Order, progress: Progress | None) -> dict[str, Any]:
    """Run the child and pass its progress on until it answers; what it said of its end is logged."""
    with tempfile.TemporaryFile() as last_words:
        answer, code = _run(order, progress, last_words)
        size = last_words.seek(0, os.SEEK_END)
        last_words.seek(max(0, size - _LAST_BYTES))
        said = last_words.read().decode(errors="replace").strip()
    if answer is None and code is not None and code > 0:  # not a signal: Python itself gave up
        raise RuntimeError(f"The process that reads clips ended with {code}: {said}")
    answer = answer or _refusal(
        f"{order.called} cannot be read: it is damaged, or too large to unpack. Save it again as MP4.",
        "video_unreadable",
    )
    if "error" in answer and (said or code):
        _log.warning("The process that reads clips ended with %s (%s): %s", code, answer["code"], said)
    return answer


def _run(order: Order, progress: Progress | None, last_words: IO[bytes]) -> tuple[dict[str, Any] | None, int | None]:
    """The child's answer, None where it had none, and its exit code, None where it had not ended by itself."""
    child = subprocess.Popen(
        apart.command("avatarium.engine.video.intake_child"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=last_words,
        env=apart.environment(),
        text=True,
    )
    lines: queue.Queue[str | None] = queue.Queue()
    try:
        assert child.stdin is not None and child.stdout is not None
        listener = threading.Thread(target=_listen, args=(child.stdout, lines), daemon=True)
        listener.start()
        # The pipe stays open: the child ends itself when it closes, which it does however this process ends.
        with suppress(BrokenPipeError):
            child.stdin.write(json.dumps(asdict(order)) + "\n")
            child.stdin.flush()
        answer = _answer(lines, order.called, progress)
        if answer is None:
            with suppress(subprocess.TimeoutExpired):
                child.wait(_ENDING_S)
        return answer, child.poll()
    finally:
        child.kill()
        child.wait()
        listener.join()
        for pipe in (child.stdin, child.stdout):
            _close(pipe)


def _close(pipe: IO[str] | None) -> None:
    try:
        if pipe is not None:
            pipe.close()
    except BrokenPipeError:
        return


def _listen(pipe: IO[str], lines: queue.Queue[str | None]) -> None:
    for line in pipe:
        lines.put(line)
    lines.put(None)


def _answer(lines: queue.Queue[str | None], name: str, progress: Progress | None) -> dict[str, Any] | None:
    ends = time.monotonic() + LIMIT_S
    while True:
        wait_s = min(STALL_S, ends - time.monotonic())
        try:
            line = lines.get(timeout=wait_s) if wait_s > 0 else ""
        except queue.Empty:
            line = ""
        if line == "":
            return _refusal(
                f"{name} took too long to read. Make it shorter or smaller (1080p is enough) and send it again.",
                "clip_stalled",
            )
        if line is None:
            return None
        said: dict[str, Any] = json.loads(line)
        if "share" not in said:
            return said
        if progress is not None:
            progress(said["share"])


def _refusal(sentence: str, code: str) -> dict[str, Any]:
    return {"error": sentence, "code": code, "kind": "InputError"}
