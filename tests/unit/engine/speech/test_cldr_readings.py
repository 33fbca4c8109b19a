"""Dates, money and units of languages that have no table of their own."""

from __future__ import annotations

import pytest

from avatarium.engine.speech.text.locales import locale_of
from avatarium.engine.speech.text.prepare import prepare
from avatarium.engine.speech.tongues import ROBOTIC, TONGUES


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("de", "Am 24.12.2026 um 14:30.", "Am 24. Dezember 2026 um 14 Uhr 30."),
        ("de", "5,20 € bei -3 °C", "5,20 Euro bei minus 3 Grad Celsius"),
        ("de", "1.234.567 km", "1234567 Kilometer"),
        ("nl", "1 km en 2 km", "1 kilometer en 2 kilometer"),
        ("pl", "2 km i 5 km", "2 kilometry i 5 kilometrów"),
        ("ru", "3 $ и 15 $", "3 доллара США и 15 долларов США"),
        ("ru", "01.05.2026", "1 мая 2026 г."),
        ("sv", "2026-11-22", "22 november 2026"),
        ("el", "Καλημέρα σε όλους.", "Καλημέρα σε όλους."),
        ("vi", "Xin chào các bạn", "Xin chào các bạn"),
        ("ko", "2026-11-22", "2026년 11월 22일"),
        ("tr", "%5 indirim, 3 kg", "yüzde 5 indirim, 3 kilogram"),
        ("de", "3,5 % & 2 + 2", "3,5 Prozent und 2 plus 2"),
        ("cs", "50 %", "50 procent"),
    ],
)
def test_readings(language: str, written: str, said: str) -> None:
    spoken = " ".join(sentence.spoken for sentence in prepare(written, language))
    assert spoken.rstrip(".") == said.rstrip(".")


def test_letters_that_only_one_language_has_are_kept() -> None:
    """A voice that reads Vietnamese or Romanian must be given its letters, not those that they are built on."""
    assert prepare("Đường phố", "vi")[0].spoken == "Đường phố"
    assert prepare("știință", "ro")[0].spoken == "știință"


@pytest.mark.parametrize("language", list(ROBOTIC))
def test_every_language_has_readings(language: str) -> None:
    locale = locale_of(language)
    assert len(locale.months) == 12 and all(locale.months)
    assert locale.date.count("{d}") == locale.date.count("{month}") == 1
    assert all(form.strip() for forms in locale.units.values() for form in forms)
    assert prepare("1 + 2 = 3, 5 km", language)


def test_every_language_is_told_once() -> None:
    assert len({tongue.name for tongue in TONGUES.values()}) == len(TONGUES)
