"""One clip from the file to all its figures, and the photo actor on one of its frames beside it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avatarium.engine.face import Shot
from avatarium.engine.face.style import fit_style
from avatarium.engine.face.style.fitting import Fitting
from avatarium.engine.face.video.actor import VideoActor
from avatarium.engine.face.video.playing import Player
from avatarium.engine.face.video.preparation import Prepared, prepare_twin
from avatarium.engine.filmed import filmed_view
from avatarium.engine.options import SpeakOptions
from avatarium.engine.production import Take
from avatarium.engine.recording import RATE, recognise
from avatarium.engine.script import Script, spoken_script
from avatarium.engine.speech import Speech
from avatarium.engine.speech.records import Phoneme
from avatarium.engine.talking import perform, prepare_view
from avatarium.engine.video.framing import Size
from avatarium.engine.video.intake import Clip, take_clip
from avatarium.engine.video.sound import read_sound
from avatarium.errors import AudioError
from bench.likeness import Likeness, measure
from bench.likeness.align import RATE as HEARD_RATE
from bench.likeness.align import guess_phonemes
from bench.likeness.clip import Picture, read_frames
from bench.likeness.clip import read_sound as read_heard
from bench.twins.joint import joint_ratio
from bench.twins.sources import SHORTEST_S, Source
from bench.twins.watched import Watch, Watched

KEPT_S = 12.0
"""Of each clip: what follows is more of the same and takes long to measure."""
TEXT = (
    "People may simply begin by picking up a purple pebble. Five wet fish move over the beach, and both of my brothers "
    "jump for joy. Who would have thought that it is so easy?"
)
"""Said by every twin: p, b, m and f, rounded and spread vowels; no word of the clips."""
VOICE = "af_heart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All that was found out about one clip."""

    source: Source
    clip: Clip
    prepared: Prepared
    intake_s: float
    prepare_cpu_s: float
    """Of all threads: what preparing costs however busy the machine is."""
    own: Likeness
    """The clip itself, its sounds guessed from its own sound track."""
    twin: Likeness
    photo: Likeness
    """The photo actor on one frame of it, saying the same."""
    watched: Watched
    take: Take
    """The job as users have it, nothing watched: its times are the product's."""
    joint: float
    inside: float
    fitting: Fitting | None
    """None where the clip has no speech."""
    result: Path


def said(text: str = TEXT, voice: str = VOICE) -> tuple[Speech, ...]:
    """The fixed words, synthesised once for all clips."""
    return tuple(spoken_script(text, voice))


def measure_clip(source: Source, folder: Path, speech: Sequence[Speech]) -> Measured:
    """Measure one clip; scratch files stay in ``folder``.

    Raises:
        InputError: no twin can be made of the clip.
    """
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    clip = take_clip(source.path, folder, min_s=SHORTEST_S, keep_s=KEPT_S)
    intake_s = time.monotonic() - began
    began_cpu = time.process_time()
    prepared = prepare_twin(clip, folder / "made.twin")
    prepare_cpu_s = time.process_time() - began_cpu
    actor = VideoActor.open(prepared.path, under=folder)
    try:
        options = SpeakOptions(size=Size(actor.width, actor.height), shot=Shot.WHOLE)
        result = folder / "twin.mp4"
        take = _spoken(actor, speech, result, options)
        watched = _watched(actor, speech, folder / "watched.mp4", options)
        joint, inside = joint_ratio(_film(actor), (frame.picture for frame in read_frames(clip.path)))
    finally:
        actor.close()
    return Measured(
        source=source,
        clip=clip,
        prepared=prepared,
        intake_s=intake_s,
        prepare_cpu_s=prepare_cpu_s,
        own=measure(clip.path, _own_phonemes(clip), source=prepared.poster),
        twin=measure(result, take.phonemes, source=prepared.poster),
        photo=_photo(prepared.poster, speech, folder / "photo.mp4", options),
        watched=watched,
        take=take,
        joint=joint,
        inside=inside,
        fitting=_fitting(prepared, clip),
        result=result,
    )


def _spoken(actor: VideoActor, speech: Sequence[Speech], out: Path, options: SpeakOptions) -> Take:
    view = filmed_view(actor, options)
    try:
        return perform(view, _script(speech), out, options=options)
    finally:
        view.close()


def _watched(actor: VideoActor, speech: Sequence[Speech], out: Path, options: SpeakOptions) -> Watched:
    watch = Watch(filmed_view(actor, options), actor)
    try:
        perform(watch, _script(speech), out, options=options)
        return watch.seen()
    finally:
        watch.close()
        out.unlink(missing_ok=True)


def _photo(poster: Path, speech: Sequence[Speech], out: Path, options: SpeakOptions) -> Likeness:
    view = prepare_view(poster, options)
    take = perform(view, _script(speech), out, options=options)
    return measure(out, take.phonemes, source=poster, blinks=take.blinks_s)


def _script(speech: Sequence[Speech]) -> Script:
    return Script(speech, sum(piece.duration_s for piece in speech))


def _film(actor: VideoActor) -> Iterator[Picture]:
    player = Player(actor.films.base, actor.frames)
    try:
        for number in range(actor.frames):
            yield player.frame(number)
    finally:
        player.close()


def _own_phonemes(clip: Clip) -> tuple[Phoneme, ...]:
    return guess_phonemes(read_heard(clip.sound, HEARD_RATE)) if clip.sound else ()


def _fitting(prepared: Prepared, clip: Clip) -> Fitting | None:
    if clip.sound is None:
        return None
    try:
        return fit_style(prepared.measures, recognise(read_sound(clip.sound, RATE)))
    except AudioError:
        return None


def render_p(watched: Watched, percentile: float) -> float:
    """A percentile of the CPU of frames; the first ones compile and are left out."""
    return float(np.percentile(watched.render_ms[10:] or watched.render_ms, percentile))
