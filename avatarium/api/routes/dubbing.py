"""Dubbing in A2E's shapes, and the transcript of a dubbing, which is ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from avatarium.accounts.models import Principal
from avatarium.api.auth import MakerDep, PlatformDep, ReaderDep
from avatarium.api.desk import Desk
from avatarium.api.envelope import Answer, ok
from avatarium.api.families import EXAMPLE_ID, RECORD, SETTLED, STARTS, Calls, IdempotencyKey, PathId
from avatarium.api.groups import DUBBING
from avatarium.api.routing import Params, Router
from avatarium.engine.dubbing.document import CLONE, DubDocument, changed_segments, untranslated, with_own
from avatarium.errors import ConflictError, NotFoundError, OutdatedError, RequestError, TooLargeError
from avatarium.families import dubbing
from avatarium.families.consent import check_consent
from avatarium.families.dubbing_start import DubbingStart, voice_named
from avatarium.families.dubbing_transcripts import Transcripts, Version
from avatarium.platform import Platform
from avatarium.tasks.models import Task
from avatarium.tasks.states import OPEN

router = Router(DUBBING)

REQUEST = {
    "name": "My film in Spanish",
    "source_url": "https://files.example/film.mp4",
    "source_lang": "en",
    "target_lang": "es",
    "num_speakers": 1,
    "drop_background_audio": False,
}
SPEAKER = {"id": "s1", "name": "Speaker 1", "gender": "female"}
DUBBED = {
    **SETTLED,
    **{"name": "My film in Spanish", "current_status": "completed", "progress": 100, "coins": 30},
    **{"engine": dubbing.FAMILY.engine, "result_url": "https://files.example/dubbed.mp4"},
    "cover_url": "https://files.example/cover.jpg",
    "source_url": "https://files.example/film.mp4",
    "source_lang": "en",
    "target_lang": "es",
    "num_speakers": 1,
    "drop_background_audio": False,
    "duration": 42.4,
    "speakers": [SPEAKER],
    "srt_source_url": "https://files.example/source.srt",
    "srt_target_url": "https://files.example/target.srt",
    "lips": True,
    "pieces_spoken": 9,
    "segments_late": 0,
    "segments_shortened": 1,
    "notes": [],
    "transcript_version": 1,
    "dubbing_id": "",
    "consent": None,
}
UNMADE: dict[str, Any] = {
    **{"result_url": "", "cover_url": "", "srt_source_url": "", "srt_target_url": "", "duration": 0, "speakers": []},
    **{"lips": None, "pieces_spoken": 0, "segments_shortened": 0, "transcript_version": 0},
}
STARTED = RECORD | DUBBED | UNMADE | {"current_status": "initialized", "progress": 0}
DOCUMENT = {
    "source_language": "en",
    "target_language": "es",
    "duration_s": 42.4,
    "speakers": [SPEAKER | {"voice": ""}],
    "segments": [
        {
            **{"id": "1", "speaker": "s1", "start_s": 0.4, "end_s": 2.9},
            **{"text": "Good morning to all of you.", "translation": "Buenos días a todos.", "own": False},
        }
    ],
    "notes": [],
}
TRANSCRIPT = {"_id": EXAMPLE_ID, "version": 1, "changed": 0, "document": DOCUMENT}
LANGUAGES = {
    "external": False,
    "pairs": [
        {
            **{"source": "en", "target": "es", "engine": "bergamot", "quality": "good", "installed": True},
            **{"missing": [], "spoken": True},
        }
    ],
}


class Correction(BaseModel):
    """A corrected transcript."""

    model_config = ConfigDict(extra="ignore")

    version: int = Field(ge=1, description="Which one was read. Of two who correct the same, the second is told.")
    document: dict[str, Any] = Field(description="The whole of it, as it was read but for what is corrected.")


class Again(BaseModel):
    """How a dubbing is rendered anew; what is left out stays as it was."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    name: str = Field("", max_length=256, description="A name for it.")
    version: int | None = Field(None, ge=1, description="Of the transcript; the newest where it is left out.")
    drop_background_audio: bool | None = Field(None, description="Leave out music and noise behind the voices.")
    lips: bool | None = Field(None, description="Move the lips where a face is seen.")
    webhook_url: str = Field("", max_length=2048, description="Told when the task ends.")
    webhook_token: str = Field("", max_length=256, description="Sent back in the header `X-A2e-Webhook-Token`.")


class DubbingDesk(Desk):
    """Dubbings of one user for one request, and their transcripts."""

    def __init__(self, platform: Platform, request: Request, caller: Principal) -> None:
        super().__init__(dubbing.FAMILY, platform, request, caller)
        self._transcripts = Transcripts(platform.storage, platform.database, caller.user_id)

    def shown(self, task: Task) -> dict[str, Any]:
        """A record, with the newest version of its transcript, also where rendering failed or it was corrected."""
        return self.all([task])[0]

    def all(self, tasks: Sequence[Task]) -> list[dict[str, Any]]:
        """Records of several."""
        newest = self._transcripts.newest([task.id for task in tasks])
        records = [(task, super(DubbingDesk, self).shown(task)) for task in tasks]
        return [told | {"transcript_version": newest.get(task.id, 0)} for task, told in records]

    def transcript(self, dubbing_id: str) -> dict[str, Any]:
        """The newest version."""
        self.get(dubbing_id)
        latest = self._transcripts.latest(dubbing_id)
        return self._told(dubbing_id, latest, self._transcripts.read(latest))

    def correct(self, dubbing_id: str, given: Correction) -> dict[str, Any]:
        """Write the next version, once everything in it can be rendered.

        Raises:
            ConflictError: ``dubbing_running``.
            RequestError: ``transcript_language``, ``transcript_length``; voices as of ``voice_named``.
            TextError: ``transcript_unreadable``, ``transcript_invalid``.
            OutdatedError, NotFoundError: as of :class:`Transcripts`.
        """
        task = self._ended(dubbing_id)
        before = self._transcripts.read(self._transcripts.latest(dubbing_id))
        given_document = _same_frame(DubDocument.from_json(given.document), before)
        document = self._voiced(task, with_own(given_document, before))
        written = self._transcripts.add(dubbing_id, document, read=given.version)
        return self._told(dubbing_id, written, document)

    def render(self, dubbing_id: str, given: Again, key: str | None) -> Task:
        """Start the rendering of a version.

        Raises:
            ConflictError: ``dubbing_running``; ServiceError: as every start.
        """
        task = self._ended(dubbing_id)
        was = DubbingStart.model_validate(task.request)
        version = given.version or self._transcripts.latest(dubbing_id).number
        chosen = {
            name: value for name in ("drop_background_audio", "lips") if (value := getattr(given, name)) is not None
        }
        told = {
            "name": given.name or task.name,
            "webhook_url": given.webhook_url,
            "webhook_token": given.webhook_token,
            "dubbing_id": dubbing_id,
            "transcript_version": version,
        }
        return self.start(was.model_copy(update=told | chosen), key)

    def _ended(self, dubbing_id: str) -> Task:
        task = self.get(dubbing_id)
        if not task.state.is_final:
            raise ConflictError(
                "The dubbing is not done. Wait until its status is completed, or cancel it.", code="dubbing_running"
            )
        return task

    def _voiced(self, task: Task, document: DubDocument) -> DubDocument:
        """The same with voices that are there and speak the language; clones only with consent where it is needed."""
        desk = self._platform.desk(self._caller.user_id, self.language)
        speakers = tuple(
            replace(one, voice=voice_named(one.voice, document.target_language, desk)) for one in document.speakers
        )
        required = desk.consent_required and any(one.voice == CLONE for one in speakers)
        check_consent(DubbingStart.model_validate(task.request), required=required, what=dubbing.PEOPLE)
        return replace(document, speakers=speakers)

    def _told(self, dubbing_id: str, version: Version, document: DubDocument) -> dict[str, Any]:
        first = document if version.number == 1 else self._first(dubbing_id, document)
        changed = {s.id for s in (*changed_segments(document, first), *untranslated(document, first))}
        return {
            "_id": dubbing_id,
            "version": version.number,
            "changed": len(changed),
            "document": asdict(document),
        }

    def _first(self, dubbing_id: str, otherwise: DubDocument) -> DubDocument:
        """What the dubbing was rendered from; gone where there are many versions."""
        first = self._transcripts.first(dubbing_id)
        return otherwise if first is None else self._transcripts.read(first)


def _same_frame(document: DubDocument, before: DubDocument) -> DubDocument:
    """Refuse what a correction cannot change."""
    if (document.source_language, document.target_language) != (before.source_language, before.target_language):
        raise RequestError(
            f"The transcript goes from {before.source_language} to {before.target_language}, which cannot be changed. "
            "Start another dubbing for another language.",
            code="transcript_language",
        )
    if abs(document.duration_s - before.duration_s) > 0.05:
        raise RequestError(
            f"The video lasts {before.duration_s:g} seconds, which a transcript cannot change. Leave `duration_s` as "
            "it was.",
            code="transcript_length",
        )
    if not any(one.text.strip() or one.translation.strip() for one in document.segments):
        raise RequestError(
            "No segment of the transcript has anything to say. Leave one at least.", code="nothing_to_say"
        )
    return document


@router.serve(
    "POST /api/v1/userDubbing/startDubbing",
    "POST /api/v1/userDubbing/start",
    title="Start dubbing",
    request=REQUEST,
    answer=STARTED,
    returns=dict[str, Any],
    errors=(*STARTS, TooLargeError),
)
def start_dubbing(
    params: Annotated[DubbingStart, Params],
    request: Request,
    caller: MakerDep,
    platform: PlatformDep,
    key: IdempotencyKey = None,
) -> Answer:
    """Let the people in a video, or in a recording, speak another language.

    What is said is written down with its speakers, translated, spoken in other voices, fitted to where it was, and
    mixed over the old background; lips are moved where a face is seen. Which languages there are and how well they are
    translated tells `userDubbing/languages`; the words can be corrected by `userDubbing/{_id}/transcript`. It costs by
    the minute begun, exactly once the length is known; what fails costs nothing.
    """
    desk = DubbingDesk(platform, request, caller)
    return ok(desk.shown(desk.start(params.model_copy(update={"dubbing_id": "", "transcript_version": 0}), key)))


@router.serve(
    "GET /api/v1/userDubbing/allProcessing",
    title="List the unfinished dubbing tasks",
    answer=[STARTED],
    returns=list[dict[str, Any]],
)
def all_processing(request: Request, caller: ReaderDep, platform: PlatformDep) -> Answer:
    """Your dubbings that are not done, newest first."""
    return ok(DubbingDesk(platform, request, caller).whole(*OPEN))


@router.serve(
    "GET /api/v1/userDubbing/languages",
    title="Languages of dubbing",
    answer=LANGUAGES,
    returns=dict[str, Any],
)
def languages(_caller: ReaderDep, platform: PlatformDep) -> Answer:
    """From which language into which, by what, and how good it reads.

    `quality` is `good`, `usable`, or `draft`: the gist, to be corrected before it is spoken. Pairs that are not
    `installed` lack packages, which are named; `spoken` tells whether a voice reads the target. The source `auto` is
    any language that can be heard, by way of English. With `external` the service of the installation takes any pair.
    """
    from avatarium.engine.speech.speakers import voices
    from avatarium.engine.translation import pairs

    spoken = {tag.partition("-")[0] for voice in voices() for tag in voice.languages}
    found = [
        asdict(pair) | {"quality": pair.quality.value, "missing": list(pair.missing), "spoken": pair.target in spoken}
        for pair in pairs()
    ]
    return ok({"external": bool(platform.settings.translation_url), "pairs": found})


@router.serve(
    "GET /api/v1/userDubbing/{_id}/transcript",
    title="The transcript of a dubbing",
    answer=TRANSCRIPT,
    returns=dict[str, Any],
    errors=(NotFoundError,),
)
def transcript(task_id: PathId, request: Request, caller: ReaderDep, platform: PlatformDep) -> Answer:
    """Who says what and when, in both languages: the newest version. `changed` segments sound otherwise than in the
    dubbing's result, or will once they are translated again. There is one from when the video was heard, also where
    rendering failed.
    """
    return ok(DubbingDesk(platform, request, caller).transcript(task_id))


@router.serve(
    "PUT /api/v1/userDubbing/{_id}/transcript",
    title="Correct the transcript of a dubbing",
    request={"version": 1, "document": DOCUMENT},
    answer=TRANSCRIPT | {"version": 2, "changed": 1},
    returns=dict[str, Any],
    errors=(NotFoundError, ConflictError, OutdatedError, TooLargeError),
)
def correct(
    task_id: PathId, params: Annotated[Correction, Params], request: Request, caller: MakerDep, platform: PlatformDep
) -> Answer:
    """Write texts, translations, times, speakers or voices anew; send the whole document with the `version` that you
    read. The `voice` of a speaker is a `tts_id`, a `user_voice_id` of yours, `clone`, or empty for a ready one. Where
    the `text` of a segment was corrected and its `translation` left as it was, rendering translates it again; a
    translation that you wrote is your `own` and stays.
    """
    return ok(DubbingDesk(platform, request, caller).correct(task_id, params))


@router.serve(
    "POST /api/v1/userDubbing/{_id}/render",
    title="Render a corrected dubbing",
    request={},
    answer=STARTED | {"dubbing_id": "64f0c0ffee0000000000a002", "coins": 10},
    returns=dict[str, Any],
    errors=(*STARTS, TooLargeError),
)
def render(
    task_id: PathId,
    params: Annotated[Again, Params],
    request: Request,
    caller: MakerDep,
    platform: PlatformDep,
    key: IdempotencyKey = None,
) -> Answer:
    """Make a new dubbing of the corrected transcript: a record of its own, with its own transcript; the one before
    stays as it is. Only segments that changed are spoken anew. The video is fetched from where it was; it must be the
    same.
    """
    desk = DubbingDesk(platform, request, caller)
    return ok(desk.shown(desk.render(task_id, params, key)))


Calls(router, "/api/v1/userDubbing", DubbingDesk).add_all(DUBBED, STARTED)
