"""Dubbing in A2E's shapes, its transcript and its money; the engine is one that hears and speaks nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import avatarium.engine.dubbing as engine
from avatarium.accounts.reconcile import reconcile
from avatarium.engine.dubbing.casting import Cast
from avatarium.engine.dubbing.document import DubDocument, Segment, Speaker
from avatarium.engine.dubbing.records import Dubbed, Fitted
from avatarium.engine.speech import separation
from avatarium.engine.speech.separation import Stems
from avatarium.engine.speech.speakers import Gender, Voice, find_voice, voices
from avatarium.errors import AudioError, InputError
from avatarium.families.dubbing import BASE_S, FAMILY, GUESSED_S, SHARE
from avatarium.families.dubbing_transcripts import KEPT, Transcripts
from tests.running import COINS, Running, running
from tests.support.voices import made_voice

BODY = {"name": "film", "target_lang": "es", "source_lang": "en", "num_speakers": 1, "drop_background_audio": False}
DOCUMENTED = (
    *("_id", "name", "current_status", "result_url", "failed_message", "failed_code", "coins", "createdAt"),
    *("source_url", "source_lang", "target_lang", "num_speakers", "drop_background_audio"),
)
MINUTE, AGAIN = 30, 10
SERVICE: dict[str, Any] = {
    **{"translation_url": "http://127.0.0.1:9/v1", "translation_model": "m", "translation_key": "k"},
    "content_credentials": False,
}


class FakeEngine:
    """Stands where the engine does; notes what it was asked for."""

    def __init__(self) -> None:
        self.seconds = 61.0
        self.heard: list[dict[str, Any]] = []
        self.rendered: list[tuple[DubDocument, dict[str, Any]]] = []
        self.separated = 0
        self.problem: Exception | None = None

    def check_media(self, media: Path, *, longest_s: float) -> engine.MediaFacts:
        if self.seconds > longest_s:
            raise InputError(f"Up to {longest_s / 60:g} minutes are dubbed.", code="media_too_long")
        if media.read_bytes().startswith(b"silent"):
            raise InputError(f"{media.name} has no sound track: there is nothing to dub.", code="media_silent")
        from fractions import Fraction

        return engine.MediaFacts(duration_s=self.seconds, has_picture=False, fps=Fraction(0), width=0, height=0)

    def separate(self, media: Path, folder: Path, **_: object) -> Stems:
        self.separated += 1
        stems = Stems.in_folder(folder)
        for path in (stems.voice, stems.background):
            path.write_bytes(b"stem")
        return stems

    def hear(self, media: Path, folder: Path, **asked: Any) -> DubDocument:
        self.heard.append(asked)
        if self.problem:
            raise self.problem
        self.separate(media, folder)
        return DubDocument(
            source_language=asked["source_language"] or "en",
            target_language=asked["target_language"],
            duration_s=self.seconds,
            speakers=(Speaker(id="s1", name="Speaker 1", gender=Gender.FEMALE),),
            segments=tuple(
                Segment(id=str(n), speaker="s1", start_s=n, end_s=n + 0.8, text=f"Word {n}", translation=f"Palabra {n}")
                for n in range(3)
            ),
        )

    def choose_voices(self, document: DubDocument, stems: Stems, *, folder: Path, **_: object) -> Cast:
        assert stems.there
        made = {}
        for one in document.speakers:
            if one.voice == engine.CLONE:
                (folder / f"{one.id}.voice").write_bytes(b"clone")
            made[one.id] = find_voice(one.voice if one.voice not in ("", engine.CLONE) else document.target_language)
        return Cast(voices=made)

    def retranslate(self, document: DubDocument, before: DubDocument, translator: object = None) -> DubDocument:
        return document.with_translations({s.id: f"[{s.text}]" for s in engine.untranslated(document, before)})

    def render(self, document: DubDocument, media: Path, stems: Stems, out: Path, **asked: Any) -> Dubbed:
        self.rendered.append((document, asked))
        if self.problem:
            raise self.problem
        said = asked["folder"] / "said"
        said.mkdir(exist_ok=True)
        made = 0
        for segment in document.segments:
            path = said / f"{abs(hash(segment.translation))}.said"
            made += not path.exists()
            path.write_text(segment.translation)
        shutil.copyfile(media, out)
        return Dubbed(
            path=out,
            seconds=self.seconds,
            segments=tuple(Fitted(id=s.id, start_s=s.start_s, end_s=s.end_s, rate=1.0) for s in document.segments),
            srt_source="1\n",
            srt_target="2\n",
            lips=False,
            made=made,
        )


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    made = FakeEngine()
    for name in ("check_media", "hear", "choose_voices", "retranslate", "render"):
        monkeypatch.setattr(engine, name, getattr(made, name), raising=False)
    monkeypatch.setattr(separation, "separate", made.separate)
    return made


@pytest.fixture
def it(tmp_path: Path, fake: FakeEngine) -> Iterator[Running]:
    with running(tmp_path, content_credentials=False) as made:
        yield made


@pytest.fixture
def source(it: Running) -> str:
    return it.upload(b"ID3" + bytes(2000), "film.mp3")


def dubbed(it: Running, source: str, **body: Any) -> dict[str, Any]:
    task = it.post("userDubbing/startDubbing", BODY | {"source_url": source} | body)
    assert "_id" in task, task
    it.work()
    record: dict[str, Any] = it.get(f"userDubbing/{task['_id']}")
    return record


def test_it_is_started_listed_and_done_as_documented(it: Running, source: str, fake: FakeEngine) -> None:
    task = it.post("userDubbing/startDubbing", BODY | {"source_url": source})
    assert set(DOCUMENTED) <= set(task)
    assert (task["current_status"], task["result_url"], task["coins"]) == ("initialized", "", MINUTE)
    assert [row["_id"] for row in it.get("userDubbing/allProcessing")] == [task["_id"]]
    it.work()
    page = it.get("userDubbing/allRecords?pageNum=1&pageSize=30")
    assert page["count"] == 1 and it.get("userDubbing/allProcessing") == []
    record = page["rows"][0]
    assert (record["current_status"], record["coins"], record["duration"]) == ("completed", 2 * MINUTE, 61.0)
    assert it.download(record["result_url"]).startswith(b"ID3")
    assert it.download(record["srt_source_url"]) == b"1\n" and it.download(record["srt_target_url"]) == b"2\n"
    assert it.balance() == (COINS - 2 * MINUTE, 0), "61 seconds are two minutes begun"
    ended = it.platform.tasks.get(it.user_id, FAMILY, task["_id"])
    assert ended.expected_s == 2 * (BASE_S + SHARE * GUESSED_S), "what is told of the time goes with the price"
    assert fake.heard[0]["speakers"] == 1 and fake.heard[0]["translator"] is None
    assert it.delete(f"userDubbing/{task['_id']}") == {"_id": task["_id"]}
    assert it.get(f"userDubbing/{task['_id']}/transcript")["status"] == 404


def test_other_spellings_are_taken(it: Running, source: str, fake: FakeEngine) -> None:
    body = {"video_url": source, "targetLang": "pt-br", "sourceLanguage": "auto", "numSpeakers": "auto"}
    task = it.post("userDubbing/startDubbing", body)
    assert (task["target_lang"], task["source_lang"], task["num_speakers"]) == ("pt-BR", "auto", 0)
    it.work()
    assert fake.heard[0]["speakers"] is None and fake.heard[0]["source_language"] == ""


BAD: list[tuple[dict[str, Any], int, str, str]] = [
    ({"source_url": ""}, 400, "no_source", "`source_url`"),
    ({"source_url": "film.mp4"}, 400, "bad_url", "`source_url`"),
    ({"target_lang": ""}, 400, "no_target", "`target_lang`"),
    ({"target_lang": "auto"}, 400, "no_target", "`target_lang`"),
    ({"target_lang": "Klingon"}, 400, "bad_locale", "Klingon"),
    ({"target_lang": "tlh"}, 400, "no_voice_for_language", "`target_lang`"),
    ({"source_lang": "??"}, 400, "bad_locale", "`source_lang`"),
    ({"num_speakers": 99}, 400, "invalid_request", "num_speakers"),
    ({"voice": "nobody"}, 404, "voice_not_found", "voice"),
    ({"voices": {"s1": "kokoro-heart"}}, 400, "voice_language", "kokoro-heart"),
    ({"voices": ["kokoro-heart"]}, 400, "voice_language", "kokoro-heart"),
    ({"consent": "perhaps"}, 400, "consent_unclear", "consent"),
]


@pytest.mark.parametrize(("wrong", "status", "reason", "word"), BAD, ids=[str(wrong)[:40] for wrong, *_ in BAD])
def test_bad_requests_get_a_sentence_and_cost_nothing(
    it: Running, source: str, wrong: dict[str, Any], status: int, reason: str, word: str
) -> None:
    answer = it.post("userDubbing/startDubbing", BODY | {"source_url": source} | wrong)
    assert (answer["status"], answer["reason"]) == (status, reason), answer["message"]
    assert word in answer["message"] and it.balance() == (COINS, 0)


def test_a_pair_that_is_not_to_be_had_is_refused_with_those_that_are(
    it: Running, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from avatarium.engine.translation import routes

    monkeypatch.setattr(routes, "links", lambda: ())
    answer = it.post("userDubbing/startDubbing", BODY | {"source_url": source, "target_lang": "ja"})
    assert (answer["status"], answer["reason"]) == (400, "no_translation")
    assert "from en to ja" in answer["message"] and it.balance() == (COINS, 0)


def test_a_translation_service_takes_any_pair(
    tmp_path: Path, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from avatarium.engine.translation import routes

    monkeypatch.setattr(routes, "links", lambda: ())
    with running(tmp_path, **SERVICE) as it:
        source = it.upload(b"ID3" + bytes(2000), "film.mp3")
        assert dubbed(it, source, target_lang="ja")["current_status"] == "completed"
        assert fake.heard[0]["translator"].model == "m" and fake.heard[0]["translator"].key == "k"
        assert it.get("userDubbing/languages")["external"] is True


def test_two_hours_are_refused_at_once_where_the_length_is_known(it: Running) -> None:
    url = it.upload(b"ID3" + bytes(2000), "film.mp3", duration_s=7300.0)
    answer = it.post("userDubbing/startDubbing", BODY | {"source_url": url})
    assert (answer["status"], answer["reason"]) == (400, "media_too_long")
    assert "122 minutes" in answer["message"] and "30" in answer["message"] and it.balance() == (COINS, 0)


def test_two_hours_are_taken_where_the_installation_says_so(tmp_path: Path, fake: FakeEngine) -> None:
    with running(tmp_path, dubbing_max_s=7200, content_credentials=False) as it:
        fake.seconds = 7100.0
        record = dubbed(it, it.upload(b"ID3" + bytes(2000), "film.mp3"), num_speakers=0)
        assert (record["current_status"], record["failed_code"]) == ("failed", "too_few_coins")
        assert it.balance() == (COINS, 0)


def test_what_turns_out_too_long_costs_nothing(it: Running, source: str, fake: FakeEngine) -> None:
    fake.seconds = 4000.0
    record = dubbed(it, source)
    assert (record["current_status"], record["failed_code"], record["coins"]) == ("failed", "media_too_long", 0)
    assert fake.heard == [] and it.balance() == (COINS, 0)


def test_a_silent_file_is_told_with_a_capital_and_costs_nothing(
    it: Running, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.setattr(
        engine,
        "check_media",
        lambda media, **_: (_ for _ in ()).throw(InputError(f"{media.name} has no sound track.", code="media_silent")),
    )
    record = dubbed(it, source)
    assert (record["failed_code"], record["coins"]) == ("media_silent", 0)
    assert record["failed_message"] == "Your file has no sound track." and it.balance() == (COINS, 0)


def test_where_nobody_speaks_nothing_is_charged(it: Running, source: str, fake: FakeEngine) -> None:
    fake.problem = AudioError("Nobody speaks in your file: there is nothing to dub.", code="no_speech")
    record = dubbed(it, source)
    assert (record["current_status"], record["failed_code"], record["coins"]) == ("failed", "no_speech", 0)
    assert it.balance() == (COINS, 0) and it.get(f"userDubbing/{record['_id']}/transcript")["reason"] == "no_transcript"
    with it.platform.database.read() as c:
        assert reconcile(c) == []


# The transcript


def test_a_transcript_is_corrected_and_rendered_anew(it: Running, source: str, fake: FakeEngine) -> None:
    first = dubbed(it, source)
    found = it.get(f"userDubbing/{first['_id']}/transcript")
    assert (found["version"], found["changed"]) == (1, 0)
    document = found["document"]
    document["segments"][1]["translation"] = "Otra cosa"
    document["segments"][2]["text"] = "Something else"
    sent = it.call("PUT", f"userDubbing/{first['_id']}/transcript", {"version": 1, "document": document})
    assert (sent["version"], sent["changed"]) == (2, 2)
    assert it.get(f"userDubbing/{first['_id']}")["transcript_version"] == 2
    before = it.balance()[0]
    again = it.post(f"userDubbing/{first['_id']}/render", {"name": "better"})
    assert (again["name"], again["dubbing_id"], again["coins"]) == ("better", first["_id"], 2 * AGAIN)
    it.work()
    record = it.get(f"userDubbing/{again['_id']}")
    assert record["current_status"] == "completed", record["failed_message"]
    assert it.balance()[0] == before - 2 * AGAIN
    assert record["pieces_spoken"] == 2, "the others were there"
    assert len(fake.heard) == 1 and fake.separated == 1, "it is neither heard nor taken apart again"
    said = [segment.translation for segment in fake.rendered[-1][0].segments]
    assert said == ["Palabra 0", "Otra cosa", "[Something else]"]
    own = it.get(f"userDubbing/{again['_id']}/transcript")
    assert own["version"] == 1 and own["document"]["segments"][2]["translation"] == "[Something else]"
    assert it.get(f"userDubbing/{first['_id']}")["result_url"], "what was made before stays"
    third = it.post(f"userDubbing/{again['_id']}/render")
    it.work()
    assert it.get(f"userDubbing/{third['_id']}")["pieces_spoken"] == 0 and fake.separated == 1


def test_a_translation_of_ones_own_stays_where_its_text_is_corrected_later(
    it: Running, source: str, fake: FakeEngine
) -> None:
    """It was taken for the machine's in the rendering's own transcript, and lost."""
    first = dubbed(it, source)["_id"]
    document = it.get(f"userDubbing/{first}/transcript")["document"]
    document["segments"][0]["translation"] = "A mi manera"
    it.call("PUT", f"userDubbing/{first}/transcript", {"version": 1, "document": document})
    again = it.post(f"userDubbing/{first}/render")["_id"]
    it.work()
    corrected = it.get(f"userDubbing/{again}/transcript")["document"]
    for segment in corrected["segments"][:2]:
        segment["text"] = "Better heard"
    it.call("PUT", f"userDubbing/{again}/transcript", {"version": 1, "document": corrected})
    third = it.post(f"userDubbing/{again}/render")["_id"]
    it.work()
    assert it.get(f"userDubbing/{third}")["current_status"] == "completed"
    said = [segment.translation for segment in fake.rendered[-1][0].segments]
    assert said == ["A mi manera", "[Better heard]", "Palabra 2"]


def test_of_two_editors_the_second_is_told(it: Running, source: str) -> None:
    task = dubbed(it, source)["_id"]
    document = it.get(f"userDubbing/{task}/transcript")["document"]
    one = document | {"notes": ["one"]}
    assert it.call("PUT", f"userDubbing/{task}/transcript", {"version": 1, "document": one})["version"] == 2
    other = it.call("PUT", f"userDubbing/{task}/transcript", {"version": 1, "document": document})
    assert (other["status"], other["reason"]) == (412, "transcript_outdated") and "version 2" in other["message"]
    assert it.get(f"userDubbing/{task}/transcript")["document"]["notes"] == ["one"]


def test_of_two_editors_in_the_same_instant_one_wins(it: Running, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have looked which version is the newest before either has written."""
    task = dubbed(it, source)["_id"]
    document, look = it.get(f"userDubbing/{task}/transcript")["document"], Transcripts.latest
    newest = look(Transcripts(it.platform.storage, it.platform.database, it.user_id), task)
    assert it.call("PUT", f"userDubbing/{task}/transcript", {"version": 1, "document": document})["version"] == 2
    monkeypatch.setattr(Transcripts, "latest", lambda self, dubbing_id: newest)
    late = it.call("PUT", f"userDubbing/{task}/transcript", {"version": 1, "document": document})
    assert (late["status"], late["reason"]) == (412, "transcript_outdated")


def _without(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != name}


def _first_segment(document: dict[str, Any], **values: Any) -> dict[str, Any]:
    first, *rest = document["segments"]
    return document | {"segments": [first | values, *rest]}


@pytest.mark.parametrize(
    ("change", "reason", "word"),
    [
        (lambda d: _without(d, "segments"), "transcript_unreadable", "send it back whole"),
        (lambda d: _first_segment(d, start_s="soon"), "transcript_unreadable", "send it back whole"),
        (lambda d: _first_segment(d, speaker="s9"), "transcript_invalid", "s9"),
        (lambda d: _first_segment(d, end_s=9999), "transcript_invalid", "Segment 0"),
        (lambda d: _first_segment(d, end_s=1.5), "transcript_invalid", "overlap"),
        (lambda d: d | {"target_language": "fr"}, "transcript_language", "cannot be changed"),
        (lambda d: d | {"segments": []}, "nothing_to_say", "Leave one"),
        (lambda d: d | {"duration_s": 60.0}, "transcript_length", "61"),
        (lambda d: d | {"speakers": [d["speakers"][0] | {"voice": "nobody"}]}, "voice_not_found", "voice"),
        (lambda d: d | {"speakers": [d["speakers"][0] | {"voice": "kokoro-heart"}]}, "voice_language", "es"),
    ],
)
def test_a_fault_in_a_transcript_is_told(it: Running, source: str, change: Any, reason: str, word: str) -> None:
    task = dubbed(it, source)["_id"]
    document = it.get(f"userDubbing/{task}/transcript")["document"]
    answer = it.call("PUT", f"userDubbing/{task}/transcript", {"version": 1, "document": change(document)})
    assert answer["reason"] == reason and word in answer["message"], answer
    assert it.get(f"userDubbing/{task}/transcript")["version"] == 1


def test_old_versions_go_and_the_first_stays(it: Running, source: str) -> None:
    task = dubbed(it, source)["_id"]
    document = it.get(f"userDubbing/{task}/transcript")["document"]
    kept = Transcripts(it.platform.storage, it.platform.database, it.user_id)
    parsed = DubDocument.from_json(document)
    for number in range(1, KEPT + 5):
        kept.add(task, parsed, read=number)
    assert kept.latest(task).number == KEPT + 5
    first = kept.first(task)
    assert first is not None and len(kept._versions(task)) == KEPT + 1


def test_a_dubbing_that_is_not_done_has_nothing_to_correct(it: Running, source: str) -> None:
    task = it.post("userDubbing/startDubbing", BODY | {"source_url": source})["_id"]
    assert it.get(f"userDubbing/{task}/transcript")["reason"] == "no_transcript"
    for answer in (
        it.call("PUT", f"userDubbing/{task}/transcript", {"version": 1, "document": {}}),
        it.post(f"userDubbing/{task}/render"),
    ):
        assert (answer["status"], answer["reason"]) == (409, "dubbing_running")


def test_another_file_behind_the_address_is_not_rendered(it: Running, fake: FakeEngine) -> None:
    source = it.upload(b"ID3" + bytes(2000), "film.mp3")
    first = dubbed(it, source)
    key = it.platform.storage.key_of(source)
    assert key is not None
    it.platform.storage.put(key, b"ID3" + bytes(3000), owner=it.user_id, media_type="audio/mpeg", expires_ms=None)
    again = it.post(f"userDubbing/{first['_id']}/render")
    before = it.balance()[0] + again["coins"]
    it.work()
    record = it.get(f"userDubbing/{again['_id']}")
    assert (record["failed_code"], record["coins"]) == ("source_changed", 0) and it.balance()[0] == before


def test_a_failed_rendering_can_be_corrected_and_rendered(
    it: Running, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*given: Any, **named: Any) -> Dubbed:
        raise InputError("This voice reads Spanish.", code="wrong_script")

    with monkeypatch.context() as patched:
        patched.setattr(engine, "render", failing)
        record = dubbed(it, source)
    assert (record["failed_code"], it.balance()) == ("wrong_script", (COINS, 0))
    assert it.get(f"userDubbing/{record['_id']}/transcript")["version"] == 1
    assert record["transcript_version"] == 1, "it is there to be corrected, and the record says so"
    again = it.post(f"userDubbing/{record['_id']}/render")
    it.work()
    assert it.get(f"userDubbing/{again['_id']}")["current_status"] == "completed"


# Voices


def spanish() -> str:
    return next(voice.name for voice in voices() if any(tag.startswith("es") for tag in voice.languages))


def test_voices_are_chosen_for_all_and_for_one(it: Running, source: str, fake: FakeEngine) -> None:
    dubbed(it, source, voice=spanish())
    assert fake.rendered[-1][1]["voices"]["s1"].name == spanish()
    dubbed(it, source, voice="clone", voices={"s1": spanish()})
    assert fake.rendered[-1][1]["voices"]["s1"].name == spanish()


def test_clones_are_made_once(it: Running, source: str, fake: FakeEngine) -> None:
    first = dubbed(it, source, voice="clone")
    assert first["current_status"] == "completed", first["failed_message"]
    document = it.get(f"userDubbing/{first['_id']}/transcript")["document"]
    assert document["speakers"][0]["voice"] == "clone"
    key = f"results/{it.user_id}/{first['_id']}/kept/s1.voice"
    assert it.platform.storage.info(key) is not None


def test_a_voice_of_ones_own_speaks(
    it: Running, source: str, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from avatarium.engine.speech import cloning

    own, opened = made_voice(it), find_voice(spanish())
    asked: list[tuple[bytes, str]] = []

    def open_voice(path: Path, *, language: str) -> Voice:
        asked.append((path.read_bytes(), language))
        return opened

    monkeypatch.setattr(cloning, "open_voice", open_voice, raising=False)
    record = dubbed(it, source, voices=[own.id])
    assert record["current_status"] == "completed", record["failed_message"]
    assert asked == [(b"".join(it.platform.storage.read(own.key)), "es")]
    assert fake.rendered[-1][1]["voices"]["s1"] is opened
    document = it.get(f"userDubbing/{record['_id']}/transcript")["document"]
    assert document["speakers"][0]["voice"] == own.id
    it.delete(f"userVoice/{own.id}")
    gone = it.post(f"userDubbing/{record['_id']}/render")
    it.work()
    failed = it.get(f"userDubbing/{gone['_id']}")
    assert (failed["failed_code"], failed["coins"]) == ("voice_not_found", 0), "and nothing is charged"


def test_clones_need_consent_where_it_is_required(tmp_path: Path, fake: FakeEngine) -> None:
    with running(tmp_path, twin_consent_required=True, content_credentials=False) as it:
        source = it.upload(b"ID3" + bytes(2000), "film.mp3")
        answer = it.post("userDubbing/startDubbing", BODY | {"source_url": source, "voice": "clone"})
        assert (answer["status"], answer["reason"]) == (400, "consent_required")
        task = dubbed(it, source)["_id"]
        document = it.get(f"userDubbing/{task}/transcript")["document"]
        document["speakers"][0]["voice"] = "clone"
        refused = it.call("PUT", f"userDubbing/{task}/transcript", {"version": 1, "document": document})
        assert refused["reason"] == "consent_required"
        agreed = dubbed(it, source, voice="clone", consent=True, consent_name="Ada")
        assert agreed["consent"]["name"] == "Ada" and agreed["current_status"] == "completed"


def test_voices_of_others_are_not_there(it: Running, source: str) -> None:
    answer = it.post("userDubbing/startDubbing", BODY | {"source_url": source, "voice": "f" * 24})
    assert (answer["status"], answer["reason"]) == (404, "voice_not_found")


def test_languages_are_listed_honestly(it: Running) -> None:
    found = it.get("userDubbing/languages")
    assert found["external"] is False
    by_pair = {(pair["source"], pair["target"]): pair for pair in found["pairs"]}
    assert by_pair and all(pair["quality"] in ("good", "usable", "draft") for pair in found["pairs"])
    assert all(pair["installed"] or pair["missing"] for pair in found["pairs"])


def test_dubbings_of_others_are_not_there(it: Running, source: str) -> None:
    task = dubbed(it, source)["_id"]
    ben = {"Authorization": it.other["Authorization"]}
    for answer in (
        it.get(f"userDubbing/{task}/transcript", **ben),
        it.post(f"userDubbing/{task}/render", {}, **ben),
        it.call("PUT", f"userDubbing/{task}/transcript", {"version": 1, "document": {}}, **ben),
    ):
        assert answer["status"] == 404
