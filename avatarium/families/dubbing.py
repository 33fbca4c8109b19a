"""Dubbing: the same people in the same video, or recording, speaking another language (``userDubbing``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from avatarium.clock import iso
from avatarium.engine.dubbing.document import CLONE
from avatarium.errors import NotFoundError, RequestError
from avatarium.families import dubbing_work
from avatarium.families.consent import check_consent, consent_record
from avatarium.families.dubbing_start import (
    DubbingStart,
    check,
    check_languages,
    check_length,
    price,
    tag_of,
    voice_named,
)
from avatarium.families.dubbing_transcripts import key_of
from avatarium.families.fields import look_up
from avatarium.prices import Price, Prices
from avatarium.storage.sniff import Kind, advice
from avatarium.tasks.family import Desk, Family, Links, Plan, Step
from avatarium.tasks.states import State

if TYPE_CHECKING:
    from avatarium.tasks.models import Task

GUESSED_S = 60.0
BASE_S, SHARE, SHARE_AGAIN, CLONE_S = 20.0, 2.5, 1.5, 400.0
"""Seconds of work for any dubbing, for each second of it, for each that is rendered anew, and for a clone."""
DEFAULT_NAME = "Dubbing"
PEOPLE = "clones the voices only of people"
CONSENT = (
    "The persons heard have agreed, freely and informed of the use, that copies of their voices are made which speak "
    "words that they did not say. Whoever gives this statement answers for it."
)


class Dubbing(Family[DubbingStart]):
    """Fetch, hear and translate, cast, render."""

    name: ClassVar[str] = "userDubbing"
    group: ClassVar[str] = "AI Dubbing"
    engine: ClassVar[str] = "avatarium-dubbing"
    generic: ClassVar[bool] = False
    start = DubbingStart

    def __init__(self) -> None:
        self.steps = (
            Step("fetch", dubbing_work.fetch),
            Step("hear", dubbing_work.hear, 8),
            Step("cast", dubbing_work.cast, 2),
            Step("render", dubbing_work.render, 20),
        )

    @property
    def paths(self) -> tuple[str, ...]:
        return ("/userdubbing/startdubbing",)

    def plan(self, start: DubbingStart, desk: Desk) -> Plan:
        check(start)
        source, target = tag_of(start.source_lang, "source_lang"), tag_of(start.target_lang, "target_lang")
        if not target:
            raise RequestError("`target_lang` must name a language, such as es.", code="no_target")
        again = bool(start.dubbing_id)
        known_s = _known_s(start, desk)
        if known_s is not None:
            check_length(known_s, desk.dubbing_max_s)
        if not again:
            check_languages(source, target, translates=desk.translates)
        voice, voices = _voices(start, target, desk)
        clones = CLONE in (voice, *voices.values())
        check_consent(start, required=desk.consent_required and clones, what=PEOPLE)
        seconds = known_s or GUESSED_S
        return Plan(
            price=price(seconds, desk.prices, again=again),
            expected_s=BASE_S + (SHARE_AGAIN if again else SHARE) * seconds + (CLONE_S if clones else 0),
            name=start.name or DEFAULT_NAME,
            facts={"source": source, "target": target, "voice": voice, "voices": voices},
            measured=known_s is not None,
        )

    def measured_price(self, start: DubbingStart, results: dict[str, Any], prices: Prices) -> Price | None:
        return price(results["seconds"], prices, again=bool(start.dubbing_id)) if "seconds" in results else None

    def view(self, task: Task, links: Links) -> dict[str, Any]:
        start, found = DubbingStart.model_validate(task.request), task.result
        done = task.state is State.COMPLETED
        return {
            "source_url": start.source_url,
            "source_lang": found.get("source") or task.facts["source"] or "auto",
            "target_lang": task.facts["target"],
            "num_speakers": len(found["speakers"]) if "speakers" in found else start.num_speakers,
            "drop_background_audio": start.drop_background_audio,
            "duration": found.get("seconds", 0),
            "speakers": found.get("speakers", []),
            "srt_source_url": links.url(found.get("srt_source_key", "")),
            "srt_target_url": links.url(found.get("srt_target_key", "")),
            "lips": found.get("lips") if done else None,
            "pieces_spoken": found.get("spoken", 0),
            "segments_late": found.get("late", 0),
            "segments_shortened": found.get("shortened", 0),
            "notes": found.get("notes", []),
            "transcript_version": found.get("transcript_version", 0),
            "dubbing_id": start.dubbing_id,
            "consent": _shown_consent(start, task),
        }


def _known_s(start: DubbingStart, desk: Desk) -> float | None:
    """How long it is, where that is known at once."""
    if start.dubbing_id:
        kept = desk.storage.info(key_of(desk.owner, start.dubbing_id, start.transcript_version))
        if kept is None or kept.duration_s is None:
            raise NotFoundError(
                "There is no such transcript. Take `_id` and version from userDubbing/{_id}/transcript.",
                code="no_transcript",
            )
        return kept.duration_s
    stored = look_up(start.source_url, desk, "source_url")
    if stored is not None and not stored.media_type.startswith(("video/", "audio/")):
        raise RequestError(
            f"`source_url` leads to a file that is neither a video nor a sound. {advice(Kind.SOUND)}", code="wrong_kind"
        )
    return stored.duration_s if stored else None


def _voices(start: DubbingStart, target: str, desk: Desk) -> tuple[str, dict[str, str]]:
    """Who speaks for everybody, and for single people; of what is rendered anew the transcript says it."""
    if start.dubbing_id:
        return "", {}
    single = {speaker: voice_named(voice, target, desk) for speaker, voice in start.voices.items()}
    every = voice_named(start.voice, target, desk) if start.voice else (CLONE if desk.dubbing_clones else "")
    return every, single


def _shown_consent(start: DubbingStart, task: Task) -> dict[str, Any] | None:
    kept = consent_record(start, account=task.user_id, at_ms=task.created_ms, standard=CONSENT)
    if not kept:
        return None
    return {name: kept[name] for name in ("text", "sha256", "name")} | {"givenAt": iso(kept["at_ms"])}


FAMILY = Dubbing()
