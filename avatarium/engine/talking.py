"""The whole job in one call: somebody in a picture says something, and it becomes a video."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from avatarium.engine.avatars import built_in, read_avatar
from avatarium.engine.backdrops import before_film, needs_backdrop, photo_before_blur, sharpened
from avatarium.engine.face import Life, PhotoActor, Shot, Stage, View, frame_shot
from avatarium.engine.filmed import filmed_view, open_filmed
from avatarium.engine.options import SpeakOptions, nearest_size
from avatarium.engine.picture.read import Picture
from avatarium.engine.production import Captioner, Renderer, Take, make_video
from avatarium.engine.recording import RATE, in_pieces, recognise, written_down
from avatarium.engine.script import Progress, Script, spoken_script
from avatarium.engine.speech import Speech, Voice, find_voice
from avatarium.engine.spoken import SpokenFile
from avatarium.engine.video.canvas import Canvas
from avatarium.engine.video.encoding import kind_of
from avatarium.engine.video.framing import Fit, Size, blurred_ground, make_ground
from avatarium.engine.video.part import check_place
from avatarium.engine.video.sound import read_sound
from avatarium.errors import OptionError

DEFAULT_LANGUAGE = "en-US"
_LOOSE = 1.4
"""A picture's own mask that is larger than the person by this factor holds ground too."""
CUT_OUT_SHARE = 0.02
"""Share of clear pixels from which on a picture counts as cut out by its maker."""

Note = Callable[[str], None]
"""Called with a sentence about something that the caller may not expect."""


def speak(
    avatar: str | Path,
    out: str | Path,
    *,
    text: str | None = None,
    audio: str | Path | SpokenFile | None = None,
    options: SpeakOptions | None = None,
    progress: Progress | None = None,
    note: Note | None = None,
) -> Take:
    """Make a video of somebody saying a text, or what is said in a recording.

        speak("photo.jpg", "hello.mp4", text="Hello there.")

    Memory stays bounded however long the text is. Wrong arguments are found before anything is rendered.

    Args:
        avatar: a picture or a video with a face in it, a twin's file, or ``ava`` or ``noah``.
        out: an ``.mp4`` or ``.webm`` file; complete when the call returns, not there when it raises.
        text: what is said; or else
        audio: a sound or video file in which somebody speaks, in any language; a :class:`SpokenFile` spares the
            recognition and moves the lips by what is known to be said.
        progress: told how far the video is.
        note: told what the caller may not expect, such as that there are several faces.

    Raises:
        InputError: the picture, the face in it, the text, the recording or an option cannot be used.
        OutputError: the file cannot be written.
        AssetError: a model file cannot be had.
    """
    if (text is None) == (audio is None):
        raise OptionError("Give either a text or a recording.", code="text_or_audio")
    options, note = options or SpeakOptions(), note or _silent
    check_output(Path(out), alpha=options.alpha)
    script = script_of_text(text, avatar, options) if text is not None else script_of_audio(audio or "", options, note)
    view = prepare_view(avatar, options, note)
    try:
        return perform(view, script, Path(out), options=options, progress=progress)
    finally:
        view.close()


def script_of_text(text: str, avatar: str | Path, options: SpeakOptions) -> Script:
    """A text spoken sentence by sentence.

    Raises:
        TextError: it cannot be spoken.
        OptionError: there is no such voice or rate.
    """
    return spoken_script(text, choose_voice(avatar, options), options.rate, seed=options.seed)


def script_of_audio(audio: str | Path | SpokenFile, options: SpeakOptions, note: Note | None = None) -> Script:
    """What is said in a recording; in speech of our own (:class:`SpokenFile`) it is known and not recognised.

    Words of another recording are known only where the options ask for captions, or for it to be written down.

    Raises:
        AudioError: it cannot be read or is silent; or, with the first piece, nobody speaks in it.
    """
    if isinstance(audio, SpokenFile):
        return Script(in_pieces(audio.speech(RATE), options.fps), audio.duration_s)
    sound = read_sound(audio, RATE)
    if sound.clipped and note:
        note(f"{Path(audio).name} is clipped: it was recorded too loud. It is used as it is.")

    def pieces() -> Iterator[Speech]:
        speech = recognise(sound, options.language)
        if options.captions or options.write_down:
            spoken = options.captions.language if options.captions else ""
            speech = written_down(speech, spoken or options.language or "")
        yield from in_pieces(speech, options.fps)

    return Script(pieces(), sound.duration_s)


def choose_voice(avatar: str | Path, options: SpeakOptions) -> Voice:
    """The voice that was asked for, or one that suits.

    Raises:
        OptionError: there is none.
    """
    if options.voice:
        return find_voice(options.voice)
    portrait = built_in(avatar)
    gender = portrait.gender if portrait else None
    if options.language is None:
        return find_voice(DEFAULT_LANGUAGE, gender=gender, live=True)
    return find_voice(options.language, gender=gender)


def prepare_view(avatar: str | Path, options: SpeakOptions, note: Note | None = None) -> Renderer:
    """Find the face in a picture and lay the picture out for the video. Takes about a second of CPU.

    Of a twin's file the film goes on while it speaks. A clip is made into a twin first, once, which takes minutes.

    Raises:
        InputError: the picture, twin or clip cannot be used, or (FaceError) the face in it.
    """
    note = note or _silent
    if built_in(avatar) is None and (filmed := open_filmed(avatar, options, note)) is not None:
        return filmed_view(filmed, options, owned=True)
    picture = read_avatar(avatar)
    actor = actor_of(picture, options.face)
    _tell(picture, actor, options, note)
    make = partial(_photo_view, actor)
    if options.film is not None:
        return before_film(make, (picture.width, picture.height), options)
    return photo_before_blur(make, options) if needs_backdrop(options) else make(sharpened(options))


def _photo_view(actor: PhotoActor, options: SpeakOptions) -> Renderer:
    if options.canvas is not None:
        return _staged(actor, options.canvas, clear=options.alpha)
    height, width = actor.picture.shape[:2]
    size = options.size or nearest_size(width, height)
    canvas = None
    if options.fit is not Fit.CROP:
        canvas = blurred_ground(actor.picture, size) if options.fit is Fit.BLUR else make_ground((0, 0, 0), size)
    ground = None if options.background is None else make_ground(options.background, size)
    placement = frame_shot(actor, size, options.shot, options.fit)
    return View(actor, size, placement, canvas=canvas, background=ground, cutout=options.alpha)


def actor_of(picture: Picture, number: int = 1) -> PhotoActor:
    """The person in a picture; its own mask, where somebody has cut it out, goes before ours.

    Raises:
        FaceError: no face that can speak.
    """
    actor = PhotoActor.from_picture(picture.over(), number)
    if picture.alpha is None or (picture.alpha < 128).mean() < CUT_OUT_SHARE:
        return actor
    cut = picture.alpha.astype(np.float32) / 255
    if actor.layered and cut.mean() > _LOOSE * actor.alpha.mean():
        return replace(actor, alpha=cut * actor.alpha)  # a photo cropped to a circle is no person cut out
    # Whoever cut the person out knew better than any mask.
    return replace(actor, alpha=cut)


def _staged(actor: PhotoActor, canvas: Canvas, *, clear: bool) -> Renderer:
    height, width = actor.picture.shape[:2]
    size = canvas.size(width, height, clear=clear)
    if canvas.ground is None and not clear:
        return View(actor, size, frame_shot(actor, size, Shot.WHOLE))
    ground = None if clear else canvas.ground_picture(size, width, height)
    return Stage(actor, size, canvas.person_box(size, width, height, clear=clear), ground)


def perform(
    view: Renderer, script: Script, out: Path, *, options: SpeakOptions | None = None, progress: Progress | None = None
) -> Take:
    """Render and write a prepared video."""
    options = options or SpeakOptions()
    life = Life(
        seed=options.seed,
        fps=float(options.fps),
        emotion=options.emotion,
        strength=options.strength,
        style=options.style,
    )

    def on_frame(done_s: float) -> None:
        if progress:
            progress(done_s, max(done_s, script.expected_s))

    captions = _captions(options, view.size)
    return make_video(view, script, out, life=life, alpha=options.alpha, captions=captions, progress=on_frame)


def _captions(options: SpeakOptions, size: Size) -> Captioner | None:
    if options.captions is None:
        return None
    from avatarium.engine.captions.painter import CaptionPainter

    spoken = options.language or (find_voice(options.voice).language if options.voice else "")
    style = replace(options.captions, language=options.captions.language or spoken)
    return CaptionPainter(style, size, frame_s=1 / options.fps)


def check_output(out: Path, *, alpha: bool = False) -> None:
    """Refuse a name under which no video can be written.

    Raises:
        OptionError: the ending tells no format, or one without alpha.
        OutputError: there is no such folder, or a folder of that name.
    """
    kind_of(out, alpha=alpha)
    check_place(out)


def _silent(sentence: str) -> None:
    """The note of somebody who does not listen."""


def _tell(picture: Picture, actor: PhotoActor, options: SpeakOptions, note: Note) -> None:
    if actor.face.others and options.face == 1:
        count = actor.face.others + 1
        note(f"The picture has {count} faces; the largest speaks. The others are numbered 2 to {count} by size.")
    if picture.animated:
        note("The picture is animated; its first frame is used.")
