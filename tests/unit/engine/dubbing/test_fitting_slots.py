"""How segments come to lie in their slots, with a voice that takes a tenth of a second a letter."""

from __future__ import annotations

import numpy as np
import pytest

from avatarium.engine.dubbing.document import DubDocument, Segment, Speaker
from avatarium.engine.dubbing.fitting import GAP_S, Placed, fit
from avatarium.engine.dubbing.shortening import shorter
from avatarium.engine.dubbing.speaking import FASTEST, SLOWEST, Mouthpiece, Spoken
from avatarium.engine.speech.records import Phoneme
from avatarium.engine.speech.speakers import Gender, Voice, find_voice

RATE = 1000


class Ticker(Mouthpiece):
    """Speaks without a network: so many seconds a letter at normal speed."""

    def __init__(self, letter_s: float = 0.1) -> None:
        super().__init__(None)
        self.letter_s = letter_s
        self.spoken: list[tuple[str, float]] = []

    def say(self, text: str, voice: Voice, rate: float) -> Spoken | None:
        self.spoken.append((text, rate))
        length_s = len(text) * self.letter_s / rate
        return Spoken(
            audio=np.zeros(round((length_s + 0.1) * RATE), np.float32),
            rate=RATE,
            lead_s=0.02,
            spoken_s=length_s,
            phonemes=(Phoneme(ipa="a", start_s=0.02, end_s=0.02 + length_s),),
            words=(),
        )


def placed(*segments: tuple[float, float, str], letter_s: float = 0.1, duration_s: float = 20.0) -> list[Placed]:
    document = DubDocument(
        source_language="en",
        target_language="es",
        duration_s=duration_s,
        speakers=(Speaker(id="s1", name="", gender=Gender.FEMALE),),
        segments=tuple(
            Segment(id=str(n), speaker="s1", start_s=a, end_s=b, text="x", translation=text)
            for n, (a, b, text) in enumerate(segments)
        ),
    )
    return list(fit(document, {"s1": find_voice("es")}, Ticker(letter_s)))


def test_what_fits_begins_where_the_original_does_and_is_as_long() -> None:
    (one,) = placed((1.0, 3.0, "a" * 20))
    assert one.fitted.start_s == 1.0
    assert one.fitted.end_s == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("letters", [3, 10, 20, 25, 40, 80, 200])
def test_the_speed_stays_within_bounds_and_the_start_within_200_ms(letters: int) -> None:
    for one in placed((1.0, 3.0, "a" * letters), (3.2, 5.0, "a" * letters)):
        assert SLOWEST <= one.fitted.rate <= FASTEST
        assert abs(one.fitted.start_s - one.segment.start_s) <= 0.2


def test_a_pause_behind_is_used_before_words_are_left_out() -> None:
    one, _ = placed((1.0, 3.0, "Muy bien, gracias, hasta mañana."), (6.0, 7.0, "a" * 10))
    assert not one.fitted.shortened
    assert one.fitted.end_s > 3.2
    assert one.fitted.late_s == 0.0


def test_where_there_is_no_pause_words_are_left_out_and_it_is_said() -> None:
    one, _ = placed((1.0, 4.0, "Nos vemos todos (si no llueve) mañana a las ocho."), (4.1, 6.0, "a" * 15))
    assert one.fitted.shortened
    assert one.text == "Nos vemos todos mañana a las ocho."
    assert one.fitted.end_s <= 4.1


def test_what_cannot_be_shortened_says_how_late_it_is() -> None:
    one, _ = placed((1.0, 2.0, "a" * 60), (2.1, 4.0, "a" * 15))
    assert one.fitted.late_s > 1.0
    assert not one.fitted.shortened


def test_the_next_segment_is_not_run_into() -> None:
    segments = [(n * 2.0, n * 2.0 + 1.8, "a" * 21) for n in range(5)]
    found = placed(*segments)
    for before, after in zip(found, found[1:], strict=False):
        assert before.fitted.end_s <= after.fitted.start_s - GAP_S + 0.05


def test_a_segment_without_words_is_silent() -> None:
    assert [one.segment.id for one in placed((0.0, 1.0, "..."), (2.0, 3.0, "hola"))] == ["1"]


def test_lengths_are_learnt_so_that_later_segments_are_spoken_once() -> None:
    ticker = Ticker(0.13)
    segments = tuple(
        Segment(id=str(n), speaker="s1", start_s=3.0 * n, end_s=3.0 * n + 2, text="x", translation="a" * 15)
        for n in range(8)
    )
    document = DubDocument(
        source_language="en",
        target_language="es",
        duration_s=30.0,
        speakers=(Speaker(id="s1", name="", gender=Gender.FEMALE),),
        segments=segments,
    )
    fit(document, {"s1": find_voice("es")}, ticker)
    assert len(ticker.spoken) <= len(segments) + 2


def test_shortening_leaves_out_asides_then_fillers_then_last_clauses() -> None:
    text = "Well, we meet (as always) on Monday, you know, at the station, if it does not rain."
    steps = list(shorter(text, "en"))
    assert steps[0] == "Well, we meet on Monday, you know, at the station, if it does not rain."
    assert steps[1] == "We meet on Monday, at the station, if it does not rain."
    assert steps[-1] in ("We meet on Monday, at the station.", "We meet on Monday.")
    assert all(len(step) >= 0.4 * len(steps[1]) for step in steps)


def test_what_has_no_comma_is_shortened_before_what_links_it() -> None:
    """A sentence without a comma was never shortened, and ran into the next."""
    text = "Todos se esfuerzan por un futuro mejor y más justo para el país cuando hace falta."
    assert list(shorter(text, "es")) == [
        "Todos se esfuerzan por un futuro mejor y más justo para el país.",
        "Todos se esfuerzan por un futuro mejor.",
    ]
    assert list(shorter("Je pense que si tu viens nous irons.", "fr")) == [], "nothing ends after a conjunction"


def test_shortening_keeps_words_that_hold_a_filler_inside() -> None:
    assert all("Justice" in step for step in shorter("Justice is just, so they say, everywhere.", "en"))
