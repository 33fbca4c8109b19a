"""The document of a dubbing: what comes back from people is believed only as far as it can be rendered."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avatarium.engine.dubbing.document import (
    DubDocument,
    Segment,
    Speaker,
    changed_segments,
    untranslated,
    with_own,
)
from avatarium.engine.speech.speakers import Gender
from avatarium.errors import TextError


def document(**changes: Any) -> DubDocument:
    whole: dict[str, Any] = {
        "source_language": "en",
        "target_language": "es",
        "duration_s": 10.0,
        "speakers": (Speaker(id="s1", name="Speaker 1", gender=Gender.MALE),),
        "segments": (
            Segment(id="1", speaker="s1", start_s=0.5, end_s=2.0, text="Hello.", translation="Hola."),
            Segment(id="2", speaker="s1", start_s=3.0, end_s=5.0, text="Good night.", translation="Buenas noches."),
        ),
    }
    return DubDocument(**whole | changes)


def changed(**values: Any) -> dict[str, Any]:
    """The document as JSON, the first segment with other values."""
    told: dict[str, Any] = json.loads(document().to_json())
    told["segments"][0] |= values
    return told


def test_a_document_survives_its_json() -> None:
    assert DubDocument.from_json(document().to_json()) == document()


def test_letters_stay_as_they_are_in_the_json() -> None:
    assert "¿Qué?" in document().with_translations({"1": "¿Qué?"}).to_json()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.floats(0, 9), min_size=1, max_size=12, unique=True))
def test_segments_may_come_in_any_order(starts: list[float]) -> None:
    told = json.loads(document().to_json())
    told["speakers"] = [told["speakers"][0] | {"id": f"s{n}"} for n in range(len(starts))]
    told["segments"] = [
        {"id": str(n), "speaker": f"s{n}", "start_s": at, "end_s": at + 0.5, "text": "a", "translation": "b"}
        for n, at in enumerate(starts)
    ]
    read = DubDocument.from_json(told)
    assert [s.start_s for s in read.segments] == sorted(s.start_s for s in read.segments)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"start_s": 2.0, "end_s": 1.0}, "must last at least"),
        ({"end_s": 0.55}, "must last at least"),
        ({"start_s": 9.0, "end_s": 12.0}, "lie within"),
        ({"start_s": -1.0}, "lie within"),
        ({"speaker": "nobody"}, "not among the speakers"),
        ({"id": "2"}, "same id"),
        ({"id": "../x"}, "cannot be the id"),
        ({"translation": "x" * 2001}, "split it"),
        ({"end_s": 3.5}, "overlap"),
    ],
)
def test_what_cannot_be_rendered_is_refused_in_words(values: dict[str, Any], words: str) -> None:
    with pytest.raises(TextError, match=words) as refused:
        DubDocument.from_json(changed(**values))
    assert refused.value.code == "transcript_invalid"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"version": 9}', "nonsense", json.dumps(changed(start_s="1")), json.dumps(changed(start_s=None))],
)
def test_what_is_no_document_is_unreadable(text: str) -> None:
    with pytest.raises(TextError) as refused:
        DubDocument.from_json(text)
    assert refused.value.code == "transcript_unreadable"


def test_not_a_number_is_no_time() -> None:
    with pytest.raises(TextError) as refused:
        DubDocument.from_json(json.dumps(changed(start_s=float("nan"))))
    assert refused.value.code == "transcript_unreadable"


def test_two_speakers_may_talk_at_once() -> None:
    told = changed(end_s=3.5, speaker="s2")
    told["speakers"].append({"id": "s2", "name": "", "gender": "female"})
    assert len(DubDocument.from_json(told).segments) == 2


def test_a_corrected_text_is_to_be_translated_again_but_not_a_corrected_translation() -> None:
    before = document()
    first, second = before.segments
    now = replace(before, segments=(replace(first, text="Hi."), replace(second, translation="Hasta mañana.")))
    assert [s.id for s in untranslated(now, before)] == ["1"]


def test_a_text_and_a_translation_corrected_together_stay() -> None:
    before = document()
    now = replace(before, segments=(replace(before.segments[0], text="Hi.", translation="Ey."), before.segments[1]))
    assert untranslated(now, before) == ()


def test_a_translation_of_ones_own_is_marked_and_never_made_anew() -> None:
    before = document()
    first, second = before.segments
    mine = with_own(replace(before, segments=(replace(first, translation="Ey."), second)), before)
    assert [s.own for s in mine.segments] == [True, False]
    read = DubDocument.from_json(mine.to_json())
    assert read == mine, "it is told in the JSON"
    now = replace(read, segments=tuple(replace(s, text="Hi.") for s in read.segments))
    assert [s.id for s in untranslated(now, mine)] == ["2"]
    emptied = replace(now, segments=(replace(now.segments[0], translation=""), now.segments[1]))
    assert [s.id for s in untranslated(emptied, mine)] == ["1", "2"], "what is empty belongs to nobody"


def test_only_what_sounds_different_counts_as_changed() -> None:
    before = document()
    first, second = before.segments
    moved = replace(before, segments=(replace(first, start_s=0.7, end_s=2.2), second))
    other = replace(before, segments=(replace(first, translation="Buenas."), second))
    assert changed_segments(moved, before) == ()
    assert [s.id for s in changed_segments(other, before)] == ["1"]


def test_another_voice_changes_all_of_its_segments() -> None:
    before = document()
    now = replace(before, speakers=(replace(before.speakers[0], voice="kokoro-alex-es"),))
    assert len(changed_segments(now, before)) == 2
