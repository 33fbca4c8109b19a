"""What dubbing does in a media process: fetch, hear, cast, render. The engine is imported inside functions."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avatarium.engine.dubbing.document import CLONE, LONGEST_S, DubDocument
from avatarium.errors import InputError, NotFoundError, TooLargeError
from avatarium.families import studio
from avatarium.families.dubbing_start import DubbingStart, with_voices
from avatarium.families.dubbing_transcripts import FIRST, MEDIA_TYPE, key_of
from avatarium.ids import is_id
from avatarium.storage.sniff import Kind
from avatarium.tasks import repository
from avatarium.tasks.job import Job

if TYPE_CHECKING:
    from avatarium.engine.dubbing import Dubbed, Stems
    from avatarium.engine.speech.speakers import Voice
    from avatarium.engine.translation import Translator
    from avatarium.tasks.models import Task

CALLED = "your file"
"""In the engine's sentences."""
KEPT = "kept/"
"""Where what a later rendering can use again is kept, below a dubbing's results."""
STEMS = ("voice.wav", "background.wav")
STEMS_MAX_BYTES = 320 << 20
"""Of both: a quarter of an hour. Those of longer files are made again."""
SAID, SAID_ZIP, SAID_MAX_BYTES = "said", "said.zip", 1 << 30
FILES = {"srt_source_key": "source.srt", "srt_target_key": "target.srt"}
SRT_TYPE = "application/x-subrip"
LINE_MAX = 20
"""Renderings of renderings whose kept files are looked for."""
Work = Job[DubbingStart]


def fetch(job: Work) -> dict[str, Any]:
    """Fetch the file and see that it can be dubbed.

    Raises:
        InputError: ``media_silent``, ``media_too_short``, ``media_too_long`` and others of ``check_media``;
            ``source_changed``.
        RequestError, TooLargeError: it cannot be had.
    """
    from avatarium.engine.dubbing import check_media

    media = _media(job)
    with _sentences():
        facts = check_media(media, longest_s=min(LONGEST_S, job.settings.dubbing_max_s))
    with media.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    before = _before(job)
    if before is not None and before.result.get("sha256", sha256) != sha256:
        raise InputError(
            "The file behind the URL is not the one that was dubbed before. Dub it anew from its new address.",
            code="source_changed",
        )
    return {"seconds": round(facts.duration_s, 3), "has_picture": facts.has_picture, "sha256": sha256}


def hear(job: Work) -> dict[str, Any]:
    """Write down what is said, translated; of a dubbing that is rendered anew its transcript is taken.

    Raises:
        InputError: ``no_speech``, ``no_translation`` and others of the engine's ``hear``.
    """
    document = _corrected(job) if job.start.dubbing_id else _heard(job)
    path = job.scratch / f"{job.task.attempt}-transcript.json"
    path.write_text(document.to_json(), encoding="utf-8")
    job.publish(path, FIRST, MEDIA_TYPE, duration_s=document.duration_s)
    return {
        "transcript_version": 1,
        "source": document.source_language,
        "speakers": [{"id": one.id, "name": one.name, "gender": one.gender.value} for one in document.speakers],
        "notes": list(document.notes),
    }


def cast(job: Work) -> dict[str, Any]:
    """Make the clones that are asked for, and keep them for later renderings.

    Raises:
        InputError: a voice is none, or does not speak the language.
    """
    from avatarium.engine.dubbing import choose_voices

    document = _document(job)
    if all(speaker.voice != CLONE for speaker in document.speakers):
        return {"clones": []}
    folder = _folder(job)
    _bring_clones(job, document)
    with _sentences():
        made = choose_voices(_without_own(document), _stems(job), folder=folder, progress=job.progress)
    clones = [one.id for one in document.speakers if one.voice == CLONE and (folder / f"{one.id}.voice").is_file()]
    for speaker in clones:
        _keep(job, folder / f"{speaker}.voice", "application/vnd.avatarium.voice+zip")
    return {"clones": clones, "notes": [*job.results["notes"], *made.notes]}


def render(job: Work) -> dict[str, Any]:
    """Speak, mix, move the lips, and put everything into storage.

    Raises:
        InputError: ``nothing_to_say``, ``wrong_script`` and others of the engine's ``render``.
    """
    from avatarium.engine.dubbing import render as rendered

    document, folder = _document(job), _folder(job)
    _bring_said(job)
    ending = ".mp4" if job.results["has_picture"] else ".mp3"
    out = job.scratch / f"{job.task.attempt}-dubbed{ending}"
    with _sentences():
        made = rendered(
            document,
            _media(job),
            _stems(job),
            out,
            voices=_voices(job, document),
            folder=folder,
            keep_background=not job.start.drop_background_audio,
            lips=job.start.lips,
            threads=job.settings.slot_threads,
            progress=job.progress,
        )
    _keep_said(job, folder)
    return _published(job, made) | {"notes": list(dict.fromkeys([*job.results["notes"], *made.notes]))}


def _published(job: Work, made: Dubbed) -> dict[str, Any]:
    seconds, picture = round(made.seconds, 3), job.results["has_picture"]
    name, kind = ("dubbed.mp4", "video/mp4") if picture else ("dubbed.mp3", "audio/mpeg")
    results: dict[str, Any] = {"cover_key": ""}
    if picture:
        from avatarium.engine.video import cover

        still = job.scratch / "cover.jpg"
        cover(made.path, still)
        results["cover_key"] = studio.publish(job, still, "cover.jpg", "image/jpeg")
    for (key, file), text in zip(FILES.items(), (made.srt_source, made.srt_target), strict=True):
        path = job.scratch / f"{job.task.attempt}-{file}"
        path.write_text(text, encoding="utf-8")
        results[key] = job.publish(path, file, SRT_TYPE)
    return results | {
        "key": studio.publish(job, made.path, name, kind, duration_s=seconds),
        "seconds": seconds,
        "lips": made.lips,
        "spoken": made.made,
        "late": sum(one.late_s > 0 for one in made.segments),
        "shortened": sum(one.shortened for one in made.segments),
    }


def _heard(job: Work) -> DubDocument:
    from avatarium.engine.dubbing import hear as heard

    with _sentences():
        document = heard(
            _media(job),
            _folder(job),
            source_language=job.facts["source"],
            target_language=job.facts["target"],
            speakers=job.start.num_speakers or None,
            translator=_translator(job),
            threads=job.settings.slot_threads,
            progress=job.progress,
        )
    stems = [_folder(job) / name for name in STEMS]
    if sum(path.stat().st_size for path in stems if path.exists()) <= STEMS_MAX_BYTES:
        for path in filter(Path.exists, stems):
            _keep(job, path, "audio/wav")
    return with_voices(document, job.facts["voice"], job.facts["voices"])


def _corrected(job: Work) -> DubDocument:
    """The transcript that is rendered anew; where only the text of a segment was corrected, it is translated again."""
    from avatarium.engine.dubbing import retranslate

    number = job.start.transcript_version
    document = _transcript(job, job.start.dubbing_id, number)
    heard = _transcript(job, job.start.dubbing_id, 1)
    with _sentences():
        return retranslate(document, heard, _translator(job))


def _document(job: Work) -> DubDocument:
    return _transcript(job, job.task.id, 1)


def _transcript(job: Work, dubbing_id: str, number: int) -> DubDocument:
    return DubDocument.from_json(b"".join(job.storage.read(key_of(job.task.user_id, dubbing_id, number))))


def _translator(job: Work) -> Translator | None:
    from avatarium.engine.translation.external import ExternalTranslator

    settings = job.settings
    if not settings.translation_url:
        return None
    key = settings.translation_key.get_secret_value()
    return ExternalTranslator(url=settings.translation_url, model=settings.translation_model, key=key)


def _voices(job: Work, document: DubDocument) -> dict[str, Voice]:
    """Who speaks for whom: clones that were made, voices of the user's own, and those that ship."""
    from avatarium.engine.dubbing import choose_voices

    _bring_clones(job, document)
    there = {one.id for one in document.speakers if (_folder(job) / f"{one.id}.voice").is_file()}
    without = [
        replace(one, voice="") if one.voice == CLONE and one.id not in there else one for one in document.speakers
    ]
    plain = _without_own(replace(document, speakers=tuple(without)))
    with _sentences():
        chosen = dict(choose_voices(plain, _stems(job), folder=_folder(job)).voices)
    return chosen | _own_voices(job, document)


def _own_voices(job: Work, document: DubDocument) -> dict[str, Voice]:
    from avatarium.engine.speech.cloning import open_voice

    found = {}
    for speaker in document.speakers:
        if is_id(speaker.voice):
            key = job.catalogue.voices.voice(job.task.user_id, speaker.voice).key
            path = job.stored(key, f"{speaker.voice}.voice")
            found[speaker.id] = open_voice(path, language=document.target_language)
    return found


def _without_own(document: DubDocument) -> DubDocument:
    """The same with a ready voice in place of the users' own, which the engine does not know by their ids."""
    plain = (replace(one, voice="") if is_id(one.voice) else one for one in document.speakers)
    return replace(document, speakers=tuple(plain))


def _media(job: Work) -> Path:
    """What is dubbed, under a name that may stand in a sentence."""
    fetched = job.fetch(job.start.source_url, Kind.SOUND, "media").path
    named = _folder(job) / CALLED
    if not named.exists():
        with suppress(FileExistsError):
            os.link(fetched, named)
    return named


def _folder(job: Work) -> Path:
    folder = job.scratch / f"{job.task.attempt}-dubbing"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _stems(job: Work) -> Stems:
    """Voice and background: those of this attempt, those that were kept, or made anew."""
    from avatarium.engine.dubbing import Stems
    from avatarium.engine.speech.separation import separate

    folder = _folder(job)
    for name in STEMS:
        _bring(job, name)
    stems = Stems.in_folder(folder)
    if not stems.there:
        with _sentences():
            separate(_media(job), folder, threads=job.settings.slot_threads)
    return stems


def _bring_clones(job: Work, document: DubDocument) -> None:
    for speaker in document.speakers:
        if speaker.voice == CLONE:
            _bring(job, f"{speaker.id}.voice")


def _bring_said(job: Work) -> None:
    """What earlier renderings have spoken; a damaged file is left alone, and everything spoken anew."""
    said = _folder(job) / SAID
    if said.exists() or not (packed := _bring(job, SAID_ZIP)):
        return
    said.mkdir()
    with suppress(zipfile.BadZipFile, OSError, KeyError), zipfile.ZipFile(packed) as archive:
        if sum(member.file_size for member in archive.infolist()) <= SAID_MAX_BYTES:
            for member in archive.infolist():
                (said / Path(member.filename).name).write_bytes(archive.read(member))


def _keep_said(job: Work, folder: Path) -> None:
    packed = folder / SAID_ZIP
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted((folder / SAID).glob("*.said")):
            archive.write(path, path.name)
    _keep(job, packed, "application/zip")


def _keep(job: Work, path: Path, media_type: str) -> None:
    with suppress(TooLargeError):  # it is only kept to save work
        job.publish(path, KEPT + path.name, media_type)


def _bring(job: Work, name: str) -> Path | None:
    """A file that an earlier step, or an earlier rendering of the same dubbing, has kept; None where none has."""
    path = _folder(job) / name
    if path.exists():
        return path
    for dubbing_id in _line(job):
        key = f"results/{job.task.user_id}/{dubbing_id}/{KEPT}{name}"
        with suppress(NotFoundError):
            if job.storage.info(key) is not None:
                job.storage.copy_to(key, path)
                return path
    return None


def _before(job: Work) -> Task | None:
    """The dubbing that is rendered anew, if it is still known."""
    return _known(job, job.start.dubbing_id) if job.start.dubbing_id else None


def _line(job: Work) -> list[str]:
    """This dubbing and those that it came from, the nearest first."""
    line, before = [job.task.id], _before(job)
    while before is not None and len(line) <= LINE_MAX:
        line.append(before.id)
        source = str(before.request.get("dubbing_id") or "")
        before = _known(job, source) if source else None
    return line


def _known(job: Work, task_id: str) -> Task | None:
    with job.database.read() as c:
        return repository.find(c, task_id, owner=job.task.user_id)


@contextmanager
def _sentences() -> Iterator[None]:
    """The engine's sentences begin with a capital, whatever the file is called."""
    try:
        yield
    except InputError as problem:
        problem.message = problem.message[:1].upper() + problem.message[1:]
        problem.args = (problem.message,)
        raise
