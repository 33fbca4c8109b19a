"""Text to speech: an MP3, and beside it what is said in it and when, so that a video of it need not listen to it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, field_validator

from avatarium.catalogue.user_voices import spoken_tag
from avatarium.catalogue.voices import default_voice, locale_of, voice_id, voice_of, wanted_locale
from avatarium.errors import RequestError
from avatarium.families.fields import LenientStart
from avatarium.tasks.family import Desk, Family, Links, Plan, Queue, Step
from avatarium.tasks.job import Job
from avatarium.tasks.models import Task

if TYPE_CHECKING:
    from avatarium.engine.speech import Voice

LONGEST = 3000
"""Characters of one text."""
CHARACTERS_PER_UNIT = 200
"""What one unit of the price buys."""
CHARACTERS_A_SECOND = 14.5
SOUND, MARKS = "speech.mp3", "speech.json"
_TITLE = 60
_ENGINES = {"hibari": "hibari", "kokoro": "Kokoro-82M", "espeak": "eSpeak NG", "external": "external"}
_CLONED = "Kokoro-82M, cloned"
_LIVE_FACTOR, _BEST_FACTOR = 0.05, 1.0
"""Seconds of work for a second of speech, on one core."""


class TtsStart(LenientStart):
    """What to say, and who says it. Other fields that clients send (``speed``, ``pitch``, ``language``) do nothing."""

    msg: str = Field(max_length=LONGEST, description="The text to speak, 1 to 3000 characters.")
    tts_id: str = Field("", max_length=64, description="A voice: a `value` of `anchor/voice_list`.")
    user_voice_id: str = Field(
        "",
        max_length=64,
        description="A voice of your own, in place of `tts_id`: an `_id` of userVoice/completedRecord.",
    )
    country: str = Field(
        "",
        max_length=40,
        description="Language, such as en, where no voice is named or it is your own; a `value` of the languages.",
    )
    region: str = Field("", max_length=16, description="Region, such as US; a child's `value` of the languages.")
    speechRate: float = Field(  # noqa: N815 - `speech_rate`, which clients send too, has no effect in A2E
        1.0, ge=0.5, le=2.0, description="Speed, 0.5 to 2."
    )

    @field_validator("msg")
    @classmethod
    def _says_something(cls, msg: str) -> str:
        if not msg:
            raise ValueError("`msg` is empty. Give the text to speak.")
        return msg


class Tts(Family[TtsStart]):
    """Speech that somebody waits for."""

    name: ClassVar[str] = "tts"
    group: ClassVar[str] = "TTS and Voice Clone"
    engine: ClassVar[str] = "hibari, Kokoro-82M and eSpeak NG voices"
    queue: ClassVar[Queue] = Queue.QUICK
    generic: ClassVar[bool] = False
    start = TtsStart

    def __init__(self) -> None:
        self.steps = (Step("speak", _speak),)

    @property
    def paths(self) -> tuple[str, ...]:
        return ("/video/send_tts",)

    def plan(self, start: TtsStart, desk: Desk) -> Plan:
        from avatarium.engine.speech.text.scripts import check_letters

        facts, quick = _speaker(start, desk)
        check_letters(start.msg, facts["country"])
        units = math.ceil(len(start.msg) / CHARACTERS_PER_UNIT)
        length_s = len(start.msg) / CHARACTERS_A_SECOND / start.speechRate
        return Plan(
            price=desk.prices.of("speech", units),
            expected_s=1 + length_s * (_LIVE_FACTOR if quick else _BEST_FACTOR),
            name=start.msg[:_TITLE],
            facts=facts,
        )

    def warm_up(self) -> None:
        """Load the voice that speaks where none is chosen, if its model is here."""
        from avatarium.engine.assets.records import AssetStatus
        from avatarium.engine.assets.store import default_store
        from avatarium.engine.capabilities import assets_of_voice
        from avatarium.engine.speech import warm_up

        voice, store = default_voice(wanted_locale()), default_store()
        if all(store.status(name) is AssetStatus.READY for name in assets_of_voice(voice)):
            warm_up(voice)

    def view(self, task: Task, links: Links) -> dict[str, Any]:
        request, result, facts = task.request, task.result, task.facts
        return {
            "engine": facts["engine"],
            "msg": request["msg"],
            "tts_id": facts["tts_id"],
            "user_voice_id": request["user_voice_id"],
            "country": facts["country"],
            "region": facts["region"],
            "speechRate": request["speechRate"],
            "audio_url": links.url(result.get("key", "")),
            "marks_url": links.url(result.get("marks_key", "")),
            "duration_s": result.get("duration_s"),
            "characters": len(request["msg"]),
        }


def marks_key_of(sound_key: str) -> str:
    """Where the phonemes and words of a speech of this family lie; empty where the sound is something else."""
    folder, slash, name = sound_key.rpartition("/")
    return f"{folder}/{MARKS}" if slash and name == SOUND and folder.startswith("results/") else ""


def _speaker(start: TtsStart, desk: Desk) -> tuple[dict[str, Any], bool]:
    """What is known of who speaks, and whether that is soon done."""
    if start.tts_id and start.user_voice_id:
        raise RequestError("Give either `tts_id` or `user_voice_id`, not both.", code="two_voices")
    if start.user_voice_id:
        return _own_speaker(start, desk), False
    voice = voice_of(start.tts_id) if start.tts_id else _default(start, desk)
    locale = locale_of(voice)
    facts = {
        "voice": voice.name,
        "tts_id": voice_id(voice),
        "country": locale.language,
        "region": locale.region,
        "engine": _ENGINES[voice.engine],
    }
    return facts, voice.live


def _own_speaker(start: TtsStart, desk: Desk) -> dict[str, Any]:
    own = desk.catalogue.voices.voice(desk.owner, start.user_voice_id)
    tag = spoken_tag(own, start.country, start.region, text=start.msg)
    country, _, region = tag.partition("-")
    return {
        **{"voice": "", "tts_id": "", "voice_key": own.key, "tag": tag},
        **{"country": country, "region": region, "engine": _CLONED},
    }


def _default(start: TtsStart, desk: Desk) -> Voice:
    return default_voice(wanted_locale(start.country, start.region, language=desk.language))


def speaker_of(job: Job[Any]) -> Voice | str:
    """Whoever speaks; a voice of the user's own is fetched.

    Raises:
        NotFoundError: ``file_gone``: it was deleted meanwhile.
    """
    key = str(job.facts.get("voice_key", ""))
    if not key:
        return str(job.facts["voice"])
    from avatarium.engine.speech.cloning import open_voice

    return open_voice(job.stored(key, "own.voice"), language=str(job.facts["tag"]))


def _speak(job: Job[TtsStart]) -> dict[str, Any]:
    from avatarium.engine.spoken import speak_to_file

    sound, marks = job.scratch / SOUND, job.scratch / MARKS
    spoken = speak_to_file(
        job.start.msg,
        speaker_of(job),
        sound,
        rate=job.start.speechRate,
        progress=lambda done_s, expected_s: job.progress(done_s / expected_s),
    )
    marks.write_text(spoken.to_json(), encoding="utf-8")
    return {
        "marks_key": job.publish(marks, MARKS, "application/json"),
        "key": job.publish(sound, SOUND, "audio/mpeg", duration_s=spoken.duration_s),
        "duration_s": round(spoken.duration_s, 3),
        "characters": len(job.start.msg),
    }


FAMILY = Tts()
