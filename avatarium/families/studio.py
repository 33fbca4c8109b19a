"""What the steps of talking families do in a media process: hear, look, render, publish.

The engine and its libraries are imported inside functions: the API imports this module too, and runs none of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from avatarium.errors import AudioError, InputError
from avatarium.storage.sniff import Kind
from avatarium.tasks.job import Job

if TYPE_CHECKING:
    from avatarium.engine.face import Life
    from avatarium.engine.face.style import SpeakingStyle
    from avatarium.engine.production import Captioner, Renderer
    from avatarium.engine.script import Script
    from avatarium.engine.speech import Samples, Speech
    from avatarium.engine.spoken import SpokenFile
    from avatarium.engine.video.framing import Size

FPS = 25
ENGINE, VIDEO_ENGINE = "avatarium-photo", "avatarium-video"
"""Who draws avatars from pictures, and who those from videos."""
VOICE_LANGUAGE = "en-US"
"""Of samples: its voices speak at once on any machine."""
CREDENTIALS = "credentials"
"""The folder of the keys that sign, in the data folder."""
FADE_S = 0.08
"""Of sound that is cut before its end."""
CHANGED_S = 0.25
"""A recording that is longer than it was measured by more has become another one."""
STYLE_MAX_BYTES = 16 << 20
RENDERED = 0.97
"""Progress when the last frame is drawn."""
log = structlog.get_logger()


def warm_up() -> None:
    """Draw one small frame, so that the first task does not wait for models and libraries; nothing is fetched."""
    from avatarium.engine.assets.records import AssetStatus
    from avatarium.engine.assets.store import default_store
    from avatarium.engine.capabilities import FACES, MATTE

    store = default_store()
    if any(store.status(name) is not AssetStatus.READY for name in (*FACES.assets, *MATTE.assets)):
        return
    from avatarium.engine.face import Pose
    from avatarium.engine.options import SpeakOptions
    from avatarium.engine.talking import prepare_view
    from avatarium.engine.video import Canvas

    prepare_view("ava", SpeakOptions(canvas=Canvas(resolution=240))).render(Pose())


def measure_sound(job: Job[Any], url: str, *, marks_key: str) -> float:
    """Fetch a recording and tell its length in seconds.

    Raises:
        AudioError: it cannot be read, is silent or too long.
        RequestError, TooLargeError: it cannot be had.
    """
    from avatarium.engine.recording import RATE
    from avatarium.engine.video import read_sound
    from avatarium.storage.media import duration_s

    path = job.fetch(url, Kind.SOUND, "sound").path
    spoken = spoken_file(job, path, marks_key)
    if spoken is not None:
        return spoken.duration_s
    limit_s = job.settings.media_max_s
    if duration_s(path) > limit_s + 1:
        raise AudioError(
            f"The recording is longer than the {limit_s / 60:g} minutes that are taken. Cut it.", code="sound_too_long"
        )
    return read_sound(path, RATE, max_s=limit_s).duration_s


def hear(job: Job[Any], url: str, *, marks_key: str, whole_s: float, lasts_s: float) -> Script:
    """What is said in a recording, as long as was paid for.

    Args:
        whole_s: how long it was when it was measured.
        lasts_s: how much of it is used.

    Raises:
        AudioError: as :func:`measure_sound`; ``sound_changed``; with the first piece ``no_speech``.
    """
    from avatarium.engine.recording import RATE, in_pieces
    from avatarium.engine.script import Script
    from avatarium.engine.video import read_sound

    path = job.fetch(url, Kind.SOUND, "sound").path
    spoken = spoken_file(job, path, marks_key)
    if spoken is not None:
        return Script(in_pieces(_shortened(spoken.speech(RATE), lasts_s), FPS), lasts_s)
    sound = read_sound(path, RATE, max_s=job.settings.media_max_s)
    if abs(sound.duration_s - whole_s) > CHANGED_S:
        raise AudioError(
            "The recording behind the URL has changed since it was measured. Start again.", code="sound_changed"
        )

    def pieces() -> Iterator[Speech]:
        from avatarium.engine.speech import phonemes_from_audio

        samples = faded(sound.samples, RATE, lasts_s)
        yield from in_pieces(phonemes_from_audio(samples, RATE), FPS)

    return Script(pieces(), lasts_s)


def silence(seconds: float) -> Script:
    """Nothing said, so that somebody only looks, breathes and blinks."""
    import numpy as np

    from avatarium.engine.recording import RATE, in_pieces
    from avatarium.engine.script import Script
    from avatarium.engine.speech import Speech

    samples = np.zeros(round(seconds * RATE), np.float32)
    quiet = Speech(audio=samples, rate=RATE, phonemes=(), words=(), language="en")
    return Script(in_pieces(quiet, FPS), seconds)


def spoken_file(job: Job[Any], path: Path, marks_key: str) -> SpokenFile | None:
    """What is known to be said in speech that was made here; None of any other recording.

    Args:
        marks_key: where that lies; empty where nothing is known.
    """
    from avatarium.engine.spoken import SpokenFile

    if not marks_key or job.storage.info(marks_key) is None:
        return None
    try:
        return SpokenFile.from_json(b"".join(job.storage.read(marks_key)), path)
    except AudioError:
        return None  # it is heard then, as any other


def style_of(job: Job[Any], key: str) -> SpeakingStyle | None:
    """A personal lip-sync model; None where there is none, or it was removed since it was chosen.

    Raises:
        InputError: it cannot be read.
    """
    from avatarium.engine.face.style import SpeakingStyle

    found = job.storage.info(key) if key else None
    if found is None:
        return None
    if found.size_bytes > STYLE_MAX_BYTES:
        raise InputError("The personal lip-sync model is larger than any is. Train it again.", code="model_unreadable")
    return SpeakingStyle.from_json(b"".join(job.storage.read(key)).decode("utf-8", "replace"))


def render(
    job: Job[Any],
    name: str,
    make: Callable[[], tuple[Renderer, Script]],
    *,
    life: Life,
    title: str = "",
    alpha: bool = False,
    captions: Callable[[Size], Captioner | None] = lambda size: None,
) -> Path:
    """The video of a task in its scratch folder; made unless it lies there, as it does for the next step.

    It lasts as long as the sound, filled to a whole frame. With ``alpha`` it is the person alone, in a WebM.
    ``captions`` makes the one who writes into its frames, when their size is known.
    """
    from avatarium.engine.production import make_video

    path = job.scratch / f"{job.task.attempt}-{name}"
    if path.exists():
        return path
    view, script = make()

    def on_frame(done_s: float) -> None:
        job.progress(RENDERED * done_s / max(done_s, script.expected_s, 1 / FPS))

    try:
        written = captions(view.size)
        make_video(
            view,
            script,
            path,
            life=life,
            alpha=alpha,
            title=title,
            still_s=(0.0, 0.0),
            captions=written,
            progress=on_frame,
        )
    finally:
        view.close()
    return path


def publish_video(job: Job[Any], path: Path, *, invented: bool = False) -> dict[str, Any]:
    """Put a finished video and its cover into storage; tells their keys and what the video is.

    Args:
        invented: whether nobody's photo or voice is in it.
    """
    from avatarium.engine.video import cover, probe

    facts = probe(path)
    still = job.scratch / "cover.jpg"
    cover(path, still)
    seconds = round(facts.duration_s, 3)
    name, media_type = f"video{path.suffix}", f"video/{path.suffix.removeprefix('.')}"
    key = publish(job, path, name, media_type, duration_s=seconds, invented=invented)
    return {
        "key": key,
        "credentials_key": credentials_of(job, key),
        "cover_key": publish(job, still, "cover.jpg", "image/jpeg", invented=invented),
        "seconds": seconds,
        "width": facts.width,
        "height": facts.height,
    }


def publish(
    job: Job[Any],
    path: Path,
    name: str,
    media_type: str,
    *,
    duration_s: float | None = None,
    invented: bool = False,
    edited: Path | None = None,
) -> str:
    """Sign a result and put it into storage; answers with its key.

    Args:
        invented: whether it is wholly made by models, with no photo or recording of anybody.
        edited: the file that it was made from by changing it.
    """
    from avatarium.engine.provenance import SIDECAR, SIDECAR_TYPE

    ready = _signed(job, path, name, invented, edited) if job.settings.content_credentials else path
    beside = ready.with_name(ready.name + SIDECAR)
    if beside.exists():
        job.publish(beside, name + SIDECAR, SIDECAR_TYPE)
    return job.publish(ready, name, media_type, duration_s=duration_s)


def credentials_of(job: Job[Any], key: str) -> str:
    """Where the credentials of a result are that has none inside, such as a WebM; empty where there are none."""
    from avatarium.engine.provenance import SIDECAR

    return key + SIDECAR if job.storage.info(key + SIDECAR) is not None else ""


def _signed(job: Job[Any], path: Path, name: str, invented: bool, edited: Path | None) -> Path:
    """A copy with Content Credentials, inside or else in a file beside it: signed where it lies, a result would be
    signed again when the step is done again."""
    from avatarium.engine.provenance import SIDECAR, Action, Signer, SourceType

    copy = path.with_name(f"signed-{name}")
    shutil.copyfile(path, copy)
    signer = Signer.open(job.settings.home / CREDENTIALS)
    made = SourceType.TRAINED if invented else SourceType.COMPOSITE
    action, source = (Action.EDITED, None) if edited else (Action.CREATED, made)
    title, engine, beside = job.task.name or name, job.task.engine, copy.with_name(copy.name + SIDECAR)
    inside = signer.sign(copy, title=title, engine=engine, action=action, source_type=source, parent=edited)
    if inside or signer.sign_beside(copy, beside, title=title, engine=engine, action=action, source_type=source):
        return copy
    log.info("unsigned", file=name, reason="its kind has no place for credentials")
    return copy


def faded(samples: Samples, rate: int, seconds: float) -> Samples:
    """The beginning of a sound, faded out where it is cut; all of it, untouched, where it is no longer."""
    import numpy as np

    keep = round(seconds * rate)
    if len(samples) <= keep:
        return samples
    part = samples[:keep].copy()
    fade = min(round(FADE_S * rate), keep)
    part[keep - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return part


def _shortened(speech: Speech, seconds: float) -> Speech:
    from dataclasses import replace

    if speech.duration_s <= seconds:
        return speech
    return replace(
        speech,
        audio=faded(speech.audio, speech.rate, seconds),
        phonemes=tuple(replace(p, end_s=min(p.end_s, seconds)) for p in speech.phonemes if p.start_s < seconds),
        words=tuple(replace(w, end_s=min(w.end_s, seconds)) for w in speech.words if w.start_s < seconds),
    )
