"""Sentences as Apertium makes them of Portuguese, and as Spanish has them."""

from __future__ import annotations

import pytest

from avatarium.engine.translation.sentences import finished
from avatarium.engine.translation.slips import mended


@pytest.mark.parametrize(
    ("made", "right"),
    [
        ("Yo me gustaría un cuarto", "me gustaría un cuarto"),
        ("es muy larga y yo no me gustaba el final", "es muy larga y no me gustaba el final"),
        ("Tú y yo vamos mañana", "Tú y yo vamos mañana"),
        ("Tú y yo sabemos", "Tú y yo sabemos"),
        ("Mi hermano y yo", "Mi hermano y yo"),
        ("Yo y mi hermano", "Yo y mi hermano"),
        ("Yo también", "Yo también"),
        ("escriba y nosotros responderemos", "escriba y responderemos"),
        ("Para nosotros es fácil", "Para nosotros es fácil"),
        ("Si usted tenga alguna duda", "Si usted tiene alguna duda"),
        ("si no puedan venir", "si no pueden venir"),
        ("Cuando tenga tiempo", "Cuando tenga tiempo"),
        ("Bueno día, como usted está hoy?", "Buenos días, cómo está usted hoy?"),
        ("Podría decirme donde está?", "Podría decirme dónde está?"),
        ("La casa donde vivo", "La casa donde vivo"),
        ("Vamos cena con mis padres", "Vamos a cenar con mis padres"),
        ("La cena está lista", "La cena está lista"),
        ("Teléfonos móviles", "Teléfonos móviles"),
    ],
)
def test_what_spanish_gets_wrong_is_mended_and_nothing_else(made: str, right: str) -> None:
    assert mended("", made, "pt", "es") == right


@pytest.mark.parametrize(
    ("source", "made", "right"),
    [
        ("A sopa está quente", "A sopa está caliente", "La sopa está caliente"),
        ("A partir de hoje", "A partir de hoy", "A partir de hoy"),
        ("A Maria veio", "A María vino", "A María vino"),
        ("Às vezes", "A veces", "A veces"),
    ],
)
def test_a_first_article_is_none_that_was_taken_for_a_preposition(source: str, made: str, right: str) -> None:
    assert mended(source, made, "pt", "es") == right


def test_the_signs_that_open_spanish_questions_stay_in_spanish() -> None:
    """Italian by way of Spanish began with them."""
    assert finished("¿Cómo está?", "¿Come sta?", "it") == "Come sta?"
    assert finished("Como está?", "cómo está?", "es") == "¿Cómo está?"
