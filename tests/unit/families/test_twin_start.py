"""What a training's start call takes, and what is kept of consent."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from avatarium.catalogue.models import PHOTO, VIDEO
from avatarium.errors import RequestError
from avatarium.families.clips import LONGEST_S, SHORTEST_S, check_length
from avatarium.families.consent import STANDARD, TEXT_MAX, check_consent, consent_record
from avatarium.families.twin import avatar_id_of
from avatarium.families.twin_start import TwinStart

CLIP = "https://files.example/me.mp4"


def start(**more: object) -> TwinStart:
    return TwinStart.model_validate({"video_url": CLIP, **more})


def test_what_it_is_made_from() -> None:
    assert start().kind == VIDEO
    assert TwinStart.model_validate({"image_url": "https://files.example/me.jpg"}).kind == PHOTO


def test_types_are_taken_leniently() -> None:
    made = start(skipPreview="true", isTranscoding="false", gender=" Male ", model_version=4.5, consent=1)
    assert (made.skip_preview, made.is_transcoding, made.gender) == (True, False, "male")
    assert made.model_version == "4.5" and made.has_consent


def test_what_was_accepted_is_understood_again() -> None:
    for consent in (True, False, "yes", "Ada agreed.", ""):
        made = start(consent=consent, consent_text="I agree.", skipPreview=True)
        again = TwinStart.model_validate(made.model_dump(mode="json"))
        assert again == made and again.has_consent == made.has_consent


@pytest.mark.parametrize("consent", [True, "true", "YES", "1", 1, "I agree."])
def test_what_means_yes(consent: object) -> None:
    assert start(consent=consent).has_consent


@pytest.mark.parametrize("consent", [False, "false", "No", "0", 0, "", None, "off", "none", "n", "no.", " NO! "])
def test_what_means_no(consent: object) -> None:
    assert not start(consent=consent).has_consent
    assert consent_record(start(consent=consent), account="a", at_ms=1) == {}


@pytest.mark.parametrize(
    "words",
    [
        {"consent": "No, I do not agree."},
        {"consent": "not yet"},
        {"consent": "Ada agreed on Monday."},
        {"consent": "No, I do not agree.", "consent_text": "I agree."},
        {"consent_text": "I agree."},
    ],
)
def test_words_are_not_taken_for_consent(words: dict[str, str]) -> None:
    """They may as well refuse it."""
    made = start(**words)
    assert not made.has_consent and consent_record(made, account="a", at_ms=1) == {}
    for required in (True, False):
        with pytest.raises(RequestError, match="clear yes") as refused:
            check_consent(made, required=required)
        assert refused.value.code == "consent_unclear"


@pytest.mark.parametrize("wrong", [{"consent": ["yes"]}, {"consent": "x" * (TEXT_MAX + 1)}, {"consent": {}}])
def test_what_cannot_be_consent_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        start(**wrong)


@given(st.text(min_size=1, max_size=200).filter(lambda text: text.strip() == text and text.isprintable()))
def test_the_digest_is_that_of_the_words(text: str) -> None:
    kept = consent_record(start(consent=True, consent_text=text), account="a", at_ms=7)
    assert (kept["text"], kept["account"], kept["at_ms"]) == (text, "a", 7)
    assert kept["sha256"] == hashlib.sha256(text.encode()).hexdigest()


def test_yes_alone_is_kept_as_our_own_words() -> None:
    assert consent_record(start(consent=True), account="a", at_ms=1)["text"] == STANDARD


@given(st.floats(0, 5000))
def test_clips_of_a_length_that_is_taken(seconds: float) -> None:
    try:
        check_length(seconds)
    except RequestError as refusal:
        assert refusal.code == ("clip_too_short" if seconds < SHORTEST_S else "clip_too_long")
    else:
        assert SHORTEST_S - 0.1 <= seconds <= LONGEST_S + 1


@pytest.mark.parametrize("seconds", [299 * 1001 / 30000, 600.17])
def test_ten_seconds_and_ten_minutes_as_they_are_cut_are_taken(seconds: float) -> None:
    """The intake took them from elsewhere; lying here they were refused, for one picture, or sound that ends late."""
    check_length(seconds)


def test_a_training_makes_one_avatar_whoever_asks() -> None:
    assert avatar_id_of("a") == avatar_id_of("a") != avatar_id_of("b")
