"""The engine's voices as the API offers them: under stable ids, by language and region. Loads no media library."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avatarium.engine.speech.tongues import TONGUES, code_of
from avatarium.errors import NotFoundError, RequestError
from avatarium.ids import stable_id

if TYPE_CHECKING:
    from avatarium.engine.speech import Voice

LANGUAGE, REGION = "en", "US"
"""Where a request names none."""
LANGUAGES = {code: tongue.name for code, tongue in TONGUES.items()}
REGIONS = {
    **{"US": "United States", "GB": "United Kingdom", "ES": "Spain", "FR": "France", "IT": "Italy", "BR": "Brazil"},
    **{"IN": "India", "JP": "Japan", "CN": "China", "DE": "Germany", "NL": "Netherlands", "PL": "Poland"},
    **{"RU": "Russia", "TR": "Türkiye", "SA": "Saudi Arabia", "KR": "South Korea", "SE": "Sweden", "DK": "Denmark"},
    **{"NO": "Norway", "FI": "Finland", "CZ": "Czechia", "HU": "Hungary", "RO": "Romania", "GR": "Greece"},
    **{"UA": "Ukraine", "VN": "Vietnam", "ID": "Indonesia", "BG": "Bulgaria", "HR": "Croatia", "SK": "Slovakia"},
    **{"SI": "Slovenia", "RS": "Serbia", "EE": "Estonia", "LV": "Latvia", "LT": "Lithuania", "IR": "Iran"},
    **{"PK": "Pakistan", "BD": "Bangladesh", "MY": "Malaysia", "KE": "Kenya", "ZA": "South Africa", "IS": "Iceland"},
    **{"AL": "Albania", "MK": "North Macedonia", "GE": "Georgia", "AM": "Armenia", "KZ": "Kazakhstan"},
}
SAMPLES = Path(__file__).parent / "samples"
"""An MP3 for each voice, named after it; made by ``python -m bench.voices samples``."""
SAMPLES_PATH = "/voices"
"""Where they are served."""
_GENDERS = {"female": "Female", "male": "Male"}
_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|\d{3}))?(?:[-_].*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Locale:
    """A language and where it is spoken."""

    language: str
    """ISO 639, lower case: ``en``."""
    region: str = ""
    """ISO 3166, upper case: ``US``; empty is any."""

    @classmethod
    def parse(cls, country: str, region: str = "") -> Locale | None:
        """Of ``country`` and ``region`` as the API has them, which is language and region; None of what is neither.

        A whole tag such as ``pt-BR`` or ``zh_CN`` in the place of the country is understood, and a list as browsers
        send it (``pt-BR,pt;q=0.9``) by its first entry.
        """
        found = _TAG.fullmatch(country.split(",")[0].split(";")[0].strip())
        if found is None:
            return None
        return cls(language=code_of(found[1]), region=(region.strip() or found[3] or "").upper())

    def __str__(self) -> str:
        return f"{self.language}-{self.region}" if self.region else self.language


@functools.cache
def _by_id() -> dict[str, Voice]:
    from avatarium.engine.speech.speakers import voices

    return {voice_id(voice): voice for voice in voices()}


def voice_id(voice: Voice) -> str:
    """The ``tts_id`` of a voice, the same on every installation."""
    return stable_id("voice", voice.name)


def voice_of(tts_id: str) -> Voice:
    """The voice of a ``tts_id``.

    Raises:
        NotFoundError: ``voice_not_found``.
    """
    voice = find_voice_of(tts_id)
    if voice is None:
        raise NotFoundError(
            "There is no voice with this tts_id. Take a value from anchor/voice_list.", code="voice_not_found"
        )
    return voice


def find_voice_of(tts_id: str) -> Voice | None:
    """The same; None where there is none."""
    wanted = tts_id.strip().lower()
    return _by_id().get(wanted) or next((voice for voice in _outside() if voice_id(voice) == wanted), None)


def _outside() -> tuple[Voice, ...]:
    """Voices of an outside vendor: listed behind all others, and chosen only by whoever names them."""
    from avatarium.engine.speech.outside import vendor_voices

    return vendor_voices()


def locale_of(voice: Voice) -> Locale:
    """Where a voice belongs."""
    language, _, region = voice.language.partition("-")
    return Locale(language=language, region=region or TONGUES[language].region)


def voices_of(locale: Locale) -> list[Voice]:
    """The voices of a locale, the best first; where there are none those of the language, which may be none too."""
    spoken = [voice for voice in _by_id().values() if locale_of(voice).language == locale.language]
    exact = [voice for voice in spoken if locale_of(voice).region == locale.region]
    return exact or sorted(spoken, key=lambda voice: locale_of(voice).region != REGION)


def wanted_locale(country: str = "", region: str = "", *, tag: str = "", language: str = "") -> Locale:
    """The locale that a request means.

    Args:
        country: the language, as the API calls it.
        region: where.
        tag: both in one, such as ``voice_map_type``; taken where there is no ``country``.
        language: the caller's own (``x-lang``); taken where nothing is named, if a voice speaks it.

    Raises:
        RequestError: ``bad_locale``: what is named is no language.
    """
    named = country.strip() or tag.strip()
    if named:
        found = Locale.parse(named, region)
        if found is None:
            raise RequestError(
                f'"{named[:40]}" is no language. Give one of {", ".join(LANGUAGES)} as `country`.', code="bad_locale"
            )
        return found
    own = Locale.parse(language, region) if language.strip() else None
    if own is not None and voices_of(own):
        return own
    return Locale(language=LANGUAGE, region=(region.strip() or REGION).upper())


def default_voice(locale: Locale) -> Voice:
    """Who speaks where no voice is chosen: one that is fast if there is one, as somebody waits for the sound.

    Raises:
        RequestError: ``no_voice_for_language``.
    """
    found = voices_of(locale)
    if not found:
        raise RequestError(
            f'No voice speaks the language "{locale}". There are voices for {", ".join(LANGUAGES.values())}.',
            code="no_voice_for_language",
        )
    return next((voice for voice in found if voice.live), found[0])


def groups(locale: Locale, installed: Installed, base_url: str = "") -> list[dict[str, Any]]:
    """The voices of a locale by gender, those that can speak at once first; empty where nobody speaks it."""
    abroad = [voice for voice in _outside() if locale_of(voice).language == locale.language]
    found = [*installed.first(voices_of(locale)), *abroad]
    made = []
    for gender, label in _GENDERS.items():
        children = [described(voice, installed, base_url) for voice in found if voice.gender == gender]
        if children:
            made.append({"label": label, "value": gender, "children": children})
    return made


def every_voice(installed: Installed, base_url: str = "") -> list[dict[str, Any]]:
    """All voices in one list, those that can speak at once first."""
    return [
        {"_id": voice_id(voice), "name": label_of(voice), **described(voice, installed, base_url)}
        for voice in (*installed.first(_by_id().values()), *_outside())
    ]


def described(voice: Voice, installed: Installed, base_url: str = "") -> dict[str, Any]:
    """A voice as lists show it. A2E has ``label`` and ``value``; the rest is ours."""
    locale = locale_of(voice)
    return {
        "label": label_of(voice),
        "value": voice_id(voice),
        "gender": voice.gender.value,
        "country": locale.language,
        "region": locale.region,
        "description": voice.description,
        "engine": voice.engine.value,
        "licence": voice.licence,
        "live": voice.live,
        "installed": installed.has(voice),
        "preview_url": "" if voice.engine.value == "external" else f"{base_url}{SAMPLES_PATH}/{voice.name}.mp3",
    }


def sample_of(name: str) -> Path | None:
    """The sample of a voice by its name; None where no voice is called so."""
    known = any(voice.name == name for voice in _by_id().values())
    return SAMPLES / f"{name}.mp3" if known else None


def label_of(voice: Voice) -> str:
    """The shown name: ``Ava`` of ``hibari-ava``; a robot is called one."""
    own = voice.name.split("-")[1].capitalize()
    return f"{own} (robotic)" if voice.engine.value == "espeak" else own


def languages(only: Locale | None = None) -> list[dict[str, Any]]:
    """Languages and the regions of their voices, as ``country`` and ``region`` of a request."""
    made = []
    for language, label in LANGUAGES.items():
        if only is not None and only.language != language:
            continue
        spoken = list(dict.fromkeys(locale_of(voice).region for voice in voices_of(Locale(language=language))))
        here = [region for region in spoken if only is not None and region == only.region] or spoken
        children = [{"label": REGIONS[region], "value": region} for region in here]
        made.append({"label": label, "value": language, "children": children})
    return made


class Installed:
    """Which voices can speak without the network: their model files are here, or come with an installed package.

    The others are fetched when they first speak, if the worker reaches the package registries.
    """

    def __init__(self, home: Path) -> None:
        from avatarium.engine.assets.store import AssetStore

        self._store = AssetStore(home)
        self._ready: dict[str, bool] = {}

    def has(self, voice: Voice) -> bool:
        """Whether it can speak at once."""
        from avatarium.engine.capabilities import assets_of_voice

        return all(self._is_ready(name) for name in assets_of_voice(voice))

    def first(self, voices: Iterable[Voice]) -> list[Voice]:
        """Those that can speak at once before the others, otherwise in the same order."""
        return sorted(voices, key=lambda voice: not self.has(voice))

    def _is_ready(self, name: str) -> bool:
        from avatarium.engine.assets.records import AssetStatus
        from avatarium.engine.assets.records import Installed as Package

        if name not in self._ready:
            comes_along = isinstance(self._store.asset(name).source, Package)  # and is made ready when first wanted
            self._ready[name] = comes_along or self._store.status(name) is AssetStatus.READY
        return self._ready[name]
