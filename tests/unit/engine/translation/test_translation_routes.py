"""Ways between languages, with pairs of Apertium that are there or not."""

from __future__ import annotations

import pytest

from avatarium.engine.translation import Quality, pairs, translate
from avatarium.engine.translation import apertium as rules
from avatarium.engine.translation.routes import find_way, has_way, language_of, quality_of
from avatarium.errors import OptionError

ROMANCE = {("pt", "es"): "pt-es", ("es", "pt"): "es-pt", ("es", "fr"): "es-fr", ("fr", "es"): "fr-es"}


def install(monkeypatch: pytest.MonkeyPatch, modes: dict[tuple[str, str], str]) -> None:
    monkeypatch.setattr(rules, "modes", lambda: modes)


def test_english_and_portuguese_need_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, {})
    assert [link.engine for link in find_way("en-US", "pt-BR")] == ["bergamot"]
    assert {(p.source, p.target) for p in pairs() if p.installed and p.source != "auto"} == {("en", "pt"), ("pt", "en")}


def test_chains_lead_by_way_of_portuguese(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ROMANCE)
    way = find_way("en", "fr")
    assert [link.target for link in way] == ["pt", "es", "fr"]
    assert quality_of(way) is Quality.DRAFT
    assert quality_of(find_way("en", "es")) is Quality.USABLE
    assert quality_of(find_way("en", "pt")) is Quality.GOOD


def test_what_is_installed_is_preferred_to_what_would_be_better(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ROMANCE | {("es", "it"): "spa-ita"})
    (pair,) = [p for p in pairs() if (p.source, p.target) == ("es", "it")]
    assert pair.installed
    assert pair.quality is Quality.DRAFT


def test_a_pair_that_only_lacks_a_package_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, {})
    with pytest.raises(OptionError, match="apertium-es-pt") as refused:
        find_way("en", "es")
    assert refused.value.code == "no_translation"


def test_a_pair_that_nothing_knows_says_where_one_can_go(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ROMANCE)
    with pytest.raises(OptionError, match="es, fr, pt") as refused:
        translate(["Hello."], "en", "ja")
    assert refused.value.code == "no_translation"


def test_any_spoken_language_leads_to_english(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ROMANCE)
    heard = {p.target: p for p in pairs() if p.source == "auto"}
    assert heard["en"].installed and heard["en"].quality is Quality.USABLE
    assert heard["es"].engine == "whisper+bergamot+apertium" and heard["es"].quality is Quality.DRAFT


def test_the_same_language_is_left_as_it_is() -> None:
    assert translate(["Hello {name}."], "en-US", "en-GB") == ["Hello {name}."]
    assert has_way("de", "de-AT")


@pytest.mark.parametrize(("tag", "language"), [("pt-BR", "pt"), ("no", "nb"), ("zh_CN", "zh"), (" EN ", "en")])
def test_languages_of_tags(tag: str, language: str) -> None:
    assert language_of(tag) == language
