"""Voices of an outside vendor, behind an endpoint with OpenAI's ``/audio/speech``, for whoever has one.

What is spoken is sent there, sentence by sentence, so these voices speak only where they are named: no language falls
back on them. Phonemes are heard out of the sound that comes back, as of any recording; words have no times.

This module is light: lists of voices do not load numpy.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avatarium.engine.endpoints import post_json
from avatarium.engine.speech.speakers import Engine, Gender, Voice
from avatarium.engine.speech.tongues import TONGUES, code_of
from avatarium.errors import OptionError, StalledError, TextError

if TYPE_CHECKING:
    from avatarium.engine.speech.records import Speech

RATE = 24_000
TIMEOUT_S = 60.0
LONGEST = 600
"""Characters of one request."""
MOST_BYTES = 32 << 20
PREFIX = "external-"
_END = re.compile(r"(?<=[.!?。！？…؟।])[\"'”’)\]」』]*\s+|(?<=[。！？])|\n+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.]{0,40}")
_WRITTEN = re.compile(r"<break[^>]*>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """An endpoint and its voices."""

    url: str
    """Of the API's root, such as ``https://api.openai.com/v1``."""
    model: str
    voices: tuple[Voice, ...]
    key: str = field(default="", repr=False)
    timeout_s: float = TIMEOUT_S


_vendors: list[Vendor] = []


def use_vendor(vendor: Vendor | None) -> None:
    """Offer the voices of a vendor in this process, in place of those before; None offers none."""
    _vendors[:] = [vendor] if vendor else []


def vendor_voices() -> tuple[Voice, ...]:
    """The voices that are offered."""
    return _vendors[0].voices if _vendors else ()


def parse_voices(entries: Sequence[str]) -> tuple[Voice, ...]:
    """Voices out of ``name:gender:language,language``; one for each language that a vendor's voice speaks.

    Raises:
        OptionError: ``bad_voices``.
    """
    return tuple(voice for entry in entries for voice in _parsed(entry))


def _parsed(entry: str) -> Iterator[Voice]:
    name, _, rest = entry.partition(":")
    gender, _, tags = rest.partition(":")
    spoken = [tag.strip() for tag in (tags or "en-US").split(",") if tag.strip()]
    known = all(code_of(tag) in TONGUES for tag in spoken)
    if not _NAME.fullmatch(name.strip()) or gender.strip() not in set(Gender) or not spoken or not known:
        raise OptionError(
            f"The outside voice {entry[:60]!r} cannot be offered; write it as name:gender:languages, such as "
            "alloy:female:en-US,es.",
            code="bad_voices",
        )
    for place, tag in enumerate(spoken):
        own = name.strip().lower()
        yield Voice(
            name=f"{PREFIX}{own}" if not place else f"{PREFIX}{own}-{tag.lower()}",
            engine=Engine.EXTERNAL,
            languages=(tag,),
            gender=Gender(gender.strip()),
            licence="that of the vendor",
            live=False,
            description=f"{TONGUES[code_of(tag)].name}, {gender.strip()}, of an outside service, which gets the text.",
            model=name.strip(),
        )


def speak_outside(text: str, voice: Voice, rate: float) -> Iterator[Speech]:
    """A text in an outside voice, piece by piece as it comes; 24 kHz, phonemes as heard.

    Raises:
        TextError: ``empty_text``.
        StalledError: ``voice_away``, ``voice_refused``: the service does not answer, or not with speech.
        OptionError: ``unknown_voice``: no service is set here.
    """
    if not _vendors:
        raise OptionError("No outside voices are set up here; choose another voice.", code="unknown_voice")
    pieces = list(_pieces(_WRITTEN.sub(" ", text)))
    if not pieces:
        raise TextError("There is nothing to say in this text; give words.", code="empty_text")
    return (_spoken(piece, voice, rate, _vendors[0]) for piece in pieces)


def _pieces(text: str) -> Iterator[str]:
    """Sentences, as many together as a request takes, the first alone as somebody waits for it."""
    held = ""
    for sentence in (part.strip() for part in _END.split(text)):
        for part in _bounded(sentence):
            if held and (len(held) + len(part) > LONGEST // 2):
                yield held
                held = ""
            held = f"{held} {part}".strip()
    if held:
        yield held


def _bounded(sentence: str) -> Iterator[str]:
    while len(sentence) > LONGEST:
        cut = sentence.rfind(" ", 0, LONGEST) + 1 or LONGEST
        yield sentence[:cut].strip()
        sentence = sentence[cut:].strip()
    if sentence:
        yield sentence


def _spoken(text: str, voice: Voice, rate: float, vendor: Vendor) -> Speech:
    from avatarium.engine.speech.recognition import phonemes_from_audio
    from avatarium.engine.speech.records import Speech
    from avatarium.engine.video.sound import read_sound
    from avatarium.errors import AudioError

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spoken"
        path.write_bytes(_asked(text, voice, rate, vendor))
        try:
            sound = read_sound(path, RATE).samples
        except AudioError as problem:
            raise _refused("sent something that is no sound") from problem
    try:
        return phonemes_from_audio(sound, RATE, voice.language)
    except AudioError:  # a hum or a breath has no phonemes, and is what the service made of the text
        return Speech(audio=sound, rate=RATE, phonemes=(), words=(), language=voice.language)


def _asked(text: str, voice: Voice, rate: float, vendor: Vendor) -> bytes:
    body: dict[str, Any] = {"model": vendor.model, "input": text, "voice": voice.model, "response_format": "wav"}
    if rate != 1.0:
        body["speed"] = rate
    address = f"{vendor.url.rstrip('/')}/audio/speech"
    try:
        reply = post_json(address, body, key=vendor.key, timeout_s=vendor.timeout_s, most_bytes=MOST_BYTES)
    except TimeoutError as problem:
        raise _away("did not answer in time") from problem
    except ConnectionError as problem:
        raise _away("cannot be reached") from problem
    except ValueError as problem:
        raise _refused("sent more than any sentence takes") from problem
    if reply.status != HTTPStatus.OK:
        raise _not_ok(reply.status)
    return reply.body


def _not_ok(status: int) -> StalledError:
    if status == 429 or status >= 500:
        return _away(f"is busy or broken (status {status})")
    return _refused(f"refused the text (status {status}); whoever runs this installation should look at its settings")


def _away(what: str) -> StalledError:
    return StalledError(f"The service of this voice {what}. Try again, or choose another voice.", code="voice_away")


def _refused(what: str) -> StalledError:
    return StalledError(f"The service of this voice {what}. Choose another voice.", code="voice_refused")
