"""What is asked for with a room, checked and turned into what a stage needs to know."""

from __future__ import annotations

import math
from dataclasses import dataclass

from avatarium.catalogue.service import Catalogue
from avatarium.clock import SECOND_MS
from avatarium.engine.colours import parse_colour
from avatarium.errors import InputError, RequestError
from avatarium.settings import Settings
from avatarium.streaming.films import Film, Films
from avatarium.streaming.voices import room_voice
from avatarium.streaming.wire import CONTEXT_MAX, RoomSpec

SHAPES = ("1:1", "16:9", "9:16", "4:5", "4:3", "3:4")
EMOTIONS = ("neutral", "happy", "serious", "surprised", "sad")
RESOLUTIONS = (240, 720)
RATES = (0.5, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRequest:
    """What a room is to be. Empty and None take what fits the avatar and the installation."""

    avatar_id: str
    expire_s: int
    """Seconds from now on for which it is booked."""
    resolution: int | None = None
    """Short side of the picture in pixels."""
    shape: str = ""
    """One of :data:`SHAPES`; empty is square."""
    voice_id: str = ""
    """A ``tts_id``, or the ``user_voice_id`` of a voice of the caller's own."""
    language: str = ""
    """Such as ``en-US``, where no voice is named."""
    speech_rate: float = 1.0
    emotion: str = ""
    background_id: str = ""
    background_color: str = ""
    transparent: bool = False
    """Show the person alone, for a page that puts its own ground behind."""
    record: bool = False
    microphone: bool = False
    context: str = ""
    ticket: str = ""
    """Of an answer that all rooms are taken: keeps the place in line."""


def spec_of(
    owner: str,
    request: BookRequest,
    *,
    catalogue: Catalogue,
    settings: Settings,
    films: Films,
    room_id: str,
    channel: str,
    uid: int,
    now_ms: int,
) -> RoomSpec:
    """What a stage needs to know of a room that is asked for.

    Raises:
        RequestError: a choice does not exist.
        NotFoundError: the avatar, voice or background is not there, or somebody else's.
        OptionError: the colour is none.
        InputError: ``person_not_found``: the avatar's video was not cut out, and another ground is asked for.
    """
    check_seconds(request.expire_s, settings.live_longest_s)
    avatar = catalogue.avatar(owner, request.avatar_id)
    voice = room_voice(owner, request.voice_id, language=request.language, avatar=avatar, catalogue=catalogue)
    _check(request)
    film = films.film(avatar.package_key) if avatar.package_key else None
    _check_ground(request, film)
    return RoomSpec(
        room_id=room_id,
        channel=channel,
        owner=owner,
        avatar_id=avatar.id,
        source=avatar.source,
        picture_key=avatar.picture_key,
        package_key=avatar.package_key,
        model_key=catalogue.lip_models.key_for(owner, avatar.id) if avatar.package_key else "",
        film_pixels=film.width * film.height if film is not None else 0,
        gender=avatar.gender,
        token_uid=uid,
        created_ms=now_ms,
        expires_ms=now_ms + request.expire_s * SECOND_MS,
        booked_s=request.expire_s,
        resolution=request.resolution or settings.live_resolution,
        shape=request.shape,
        voice=voice,
        rate=request.speech_rate,
        emotion=request.emotion,
        background_key=catalogue.background(owner, request.background_id).key if request.background_id else "",
        background_color=request.background_color,
        transparent=request.transparent,
        record=request.record,
        microphone=request.microphone,
        context=request.context,
    )


def check_seconds(seconds: int, longest_s: int) -> None:
    """Refuse a time for which no room can be booked.

    Raises:
        RequestError: ``bad_expire_seconds``.
    """
    if not 1 <= seconds <= longest_s:
        raise RequestError(
            f"A room can be booked for 1 to {longest_s} seconds in all, and {seconds} were asked for. Book it for "
            "less; `extend` makes it longer later.",
            code="bad_expire_seconds",
        )


def _check(request: BookRequest) -> None:
    least, most = RESOLUTIONS
    if request.resolution is not None and not least <= request.resolution <= most:
        raise RequestError(
            f"A room's picture has {least} to {most} pixels on its short side, not {request.resolution}. Give "
            "`resolution` in these bounds, or leave it out.",
            code="bad_resolution",
        )
    if request.shape and request.shape not in SHAPES:
        raise RequestError(
            f"There is no shape {request.shape[:20]!r} for rooms. Take one of {', '.join(SHAPES)}.", code="bad_shape"
        )
    if not (math.isfinite(request.speech_rate) and RATES[0] <= request.speech_rate <= RATES[1]):
        raise RequestError(
            f"Speech goes at {RATES[0]:g} to {RATES[1]:g} times its usual speed, not {request.speech_rate:g}. Give "
            "`speech_rate` in these bounds.",
            code="bad_speech_rate",
        )
    check_emotion(request.emotion)
    check_context(request.context)
    if request.background_id and request.background_color:
        raise RequestError("Give `background_id` or `background_color`, not both.", code="two_grounds")
    if request.transparent and (request.background_id or request.background_color):
        raise RequestError(
            "A transparent room shows the ground of your page. Leave `background_id` and `background_color` out, or "
            "`transparent`.",
            code="two_grounds",
        )
    if request.background_color:
        parse_colour(request.background_color)


def _check_ground(request: BookRequest, film: Film | None) -> None:
    if film is None or film.cut_out:
        return
    if request.transparent or request.background_id or request.background_color:
        raise InputError(
            "This avatar was made from its video without cutting the person out, so that it has no other ground. "
            "Leave `transparent`, `background_id` and `background_color` out, or make the avatar again.",
            code="person_not_found",
        )


def check_emotion(emotion: str) -> None:
    """Refuse an emotion that nobody can show.

    Raises:
        RequestError: ``bad_emotion``.
    """
    if emotion and emotion not in EMOTIONS:
        raise RequestError(
            f"There is no emotion {emotion[:20]!r}. Take one of {', '.join(EMOTIONS)}.", code="bad_emotion"
        )


def check_context(text: str) -> None:
    """Refuse a context that is too long.

    Raises:
        RequestError: ``context_too_long``.
    """
    if len(text) > CONTEXT_MAX:
        raise RequestError(
            f"The context has {len(text)} characters; {CONTEXT_MAX} are taken. Shorten it.", code="context_too_long"
        )
