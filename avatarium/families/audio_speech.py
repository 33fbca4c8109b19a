"""Speech as OpenAI's API gives it: in pieces that can be sent while the rest is still being spoken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, field_validator

from avatarium.catalogue.voices import voice_id
from avatarium.errors import NotFoundError, OptionError
from avatarium.families.fields import LenientStart
from avatarium.families.tts import CHARACTERS_A_SECOND, TtsStart, speaker_of
from avatarium.families.tts import FAMILY as TTS
from avatarium.tasks.family import Desk, Family, Plan, Queue, Step
from avatarium.tasks.job import Job

if TYPE_CHECKING:
    from avatarium.tasks.models import Task

LONGEST = 4096
"""Characters of one text, as OpenAI's limit is."""
RATE = 24_000
OPENAI_VOICES = {
    "alloy": "kokoro-alloy",
    "ash": "kokoro-eric",
    "ballad": "kokoro-lewis",
    "coral": "kokoro-bella",
    "echo": "kokoro-echo",
    "fable": "kokoro-fable",
    "nova": "kokoro-nova",
    "onyx": "kokoro-onyx",
    "sage": "kokoro-sarah",
    "shimmer": "kokoro-jessica",
    "verse": "kokoro-liam",
    "marin": "kokoro-heart",
    "cedar": "kokoro-michael",
}
"""OpenAI's names, and who stands for them. Those speak every language, so another of ours does where the text is not
English."""
_SURE = 0.5
"""Confidence below which a text is taken for English."""
_FIRST_S = 0.35
"""Sound of the first piece at least; of less a player makes nothing."""


class AudioSpeechStart(LenientStart):
    """What to say, and how it comes."""

    input: str = Field(min_length=1, max_length=LONGEST)
    voice: str = Field("", max_length=64)
    model: str = Field("", max_length=64)
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: float = Field(1.0, ge=0.5, le=2.0)

    @field_validator("input")
    @classmethod
    def _says_something(cls, text: str) -> str:
        if not text:
            raise ValueError("`input` is empty. Give the text to speak.")
        return text


class AudioSpeech(Family[AudioSpeechStart]):
    """Speech that is listened to while it is made."""

    name: ClassVar[str] = "audioSpeech"
    group: ClassVar[str] = "OpenAI-compatible"
    engine: ClassVar[str] = TTS.engine
    queue: ClassVar[Queue] = Queue.QUICK
    generic: ClassVar[bool] = False
    start = AudioSpeechStart

    def __init__(self) -> None:
        self.steps = (Step("speak", _speak),)

    @property
    def paths(self) -> tuple[str, ...]:
        return ()

    def plan(self, start: AudioSpeechStart, desk: Desk) -> Plan:
        """As speech of ``video/send_tts``: the same voices, the same price, the same refusals."""
        alias = OPENAI_VOICES.get(start.voice.lower())
        voice = _stand_in(alias, start.input) if alias else start.voice
        wish = TtsStart.model_construct(None, msg=start.input, speechRate=start.speed, **_named(voice, desk))
        return TTS.plan(wish, desk)


def parts_prefix(task: Task) -> str:
    """What the keys of the pieces of a speech begin with."""
    from avatarium.tasks.job import results_of

    return f"{results_of(task)}part-"


def part_key(task: Task, number: int) -> str:
    """The key of one piece, counted from 0."""
    return f"{parts_prefix(task)}{number:05d}"


def _stand_in(alias: str, text: str) -> str:
    """Who speaks for a name of OpenAI's, each of which speaks every language: somebody who speaks that of the text."""
    from avatarium.engine.speech.language import guess_language
    from avatarium.engine.speech.speakers import find_voice

    spoken, voice = guess_language(text), find_voice(alias)
    if spoken.confidence < _SURE or voice.language.startswith(spoken.code):
        return alias
    try:
        return find_voice(spoken.code, gender=voice.gender).name
    except OptionError:
        return alias


def _named(voice: str, desk: Desk) -> dict[str, str]:
    """The fields of ``send_tts`` for a voice that is called by its id, its name or the id of one of the user's own.

    Raises:
        NotFoundError: ``voice_not_found``.
    """
    named = {"tts_id": "", "user_voice_id": "", "country": "", "region": ""}
    if not voice:
        return named
    try:
        from avatarium.engine.speech.speakers import find_voice

        return named | {"tts_id": voice_id(find_voice(voice))}
    except OptionError:
        pass
    if any(voice == own.id for own in desk.catalogue.voices.all(desk.owner)):
        return named | {"user_voice_id": voice}
    from avatarium.catalogue.voices import voice_of

    try:
        return named | {"tts_id": voice_id(voice_of(voice))}
    except NotFoundError:
        raise NotFoundError(
            f"There is no voice {voice[:40]!r}. GET /v1/audio/voices lists them.", code="voice_not_found"
        ) from None


def _speak(job: Job[AudioSpeechStart]) -> dict[str, Any]:
    from avatarium.engine import speech
    from avatarium.engine.video.sound_stream import MEDIA_TYPES, SoundStream, StreamKind

    kind = StreamKind(job.start.response_format)
    script = speech.stream(job.start.input, speaker_of(job), job.start.speed, in_clauses=True)
    expected_s = len(job.start.input) / CHARACTERS_A_SECOND / job.start.speed
    stream, number, spoken_s = SoundStream(kind, rate=RATE), 0, 0.0
    waiting = b""
    for piece in script:
        spoken_s += piece.duration_s
        waiting += stream.write(_at_rate(piece.audio, piece.rate))
        if spoken_s >= _FIRST_S and waiting:
            _put(job, number, waiting, MEDIA_TYPES[kind])
            number, waiting = number + 1, b""
        job.progress(spoken_s / max(expected_s, spoken_s))
    _put(job, number, waiting + stream.close(), MEDIA_TYPES[kind])
    return {"parts": number + 1, "duration_s": round(spoken_s, 3), "characters": len(job.start.input)}


def _at_rate(audio: Any, rate: int) -> Any:
    if rate == RATE:
        return audio
    import soxr

    return soxr.resample(audio, rate, RATE)


def _put(job: Job[AudioSpeechStart], number: int, data: bytes, media_type: str) -> None:
    name = part_key(job.task, number).rsplit("/", 1)[-1]
    path = job.scratch / name
    path.write_bytes(data)
    job.publish(path, name, media_type)


FAMILY = AudioSpeech()
