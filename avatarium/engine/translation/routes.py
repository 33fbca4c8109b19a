"""Ways from one language to another: single engines and chains of them, the best first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from avatarium.engine.translation import apertium, bergamot
from avatarium.engine.translation.records import Pair, Quality, Translator
from avatarium.engine.translation.sentences import by_sentence, finished, hide, show, with_numbers_of
from avatarium.errors import OptionError

ANY = "auto"
"""As a pair's source: whatever is heard, by way of the recogniser's own translation into English."""
MOST_LINKS = 4
_COST = {Quality.GOOD: 2, Quality.USABLE: 5, Quality.DRAFT: 11}
_HEARD = "whisper"
_SAME = {"no": "nb", "iw": "he", "in": "id", "cmn": "zh", "fil": "tl"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One engine from one language to the next."""

    source: str
    target: str
    engine: str
    quality: Quality
    installed: bool
    package: str = ""


def language_of(tag: str) -> str:
    """The language of a BCP 47 tag, without region and script."""
    code = tag.strip().lower().replace("_", "-").split("-")[0]
    return _SAME.get(code, code)


def links() -> tuple[Link, ...]:
    """Every engine there could be on this machine."""
    neural = (
        Link(source=a, target=b, engine=bergamot.NAME, quality=Quality.GOOD, installed=True)
        for a, b in bergamot.DIRECTIONS
    )
    known = apertium.modes()
    ruled = (
        Link(source=a, target=b, engine=apertium.NAME, quality=quality, installed=(a, b) in known, package=package)
        for (a, b), (package, quality) in apertium.PACKAGES.items()
    )
    return (*neural, *ruled)


def pairs() -> tuple[Pair, ...]:
    """Every pair that can be had, by source and target, then those by ear; where nothing that is installed leads from
    one language to the other, what would."""
    every = links()
    found = [_pair(source, target, way) for source in _sources(every) for target, way in _best(source, every).items()]
    return (*sorted(found, key=lambda pair: (pair.source, pair.target)), *_pairs_heard(every))


def find_way(source: str, target: str) -> tuple[Link, ...]:
    """The links from one language to another that are installed.

    Raises:
        OptionError: ``no_translation``.
    """
    a, b = language_of(source), language_of(target)
    usable = tuple(link for link in links() if link.installed)
    way = _ways(a, usable).get(b)
    if way is None:
        raise no_translation(a, b)
    return way


def has_way(source: str, target: str) -> bool:
    """Whether a text can be brought from one language into another here."""
    a, b = language_of(source), language_of(target)
    return a == b or b in _ways(a, tuple(link for link in links() if link.installed))


def no_translation(source: str, target: str) -> OptionError:
    """The refusal of a pair, with what there is from the same language."""
    every = links()
    there = sorted(_ways(source, tuple(link for link in every if link.installed)))
    lacking = _ways(source, every).get(target)
    missing = sorted({link.package for link in lacking if not link.installed}) if lacking else []
    if missing:
        advice = f"It could be with the system's packages {' and '.join(missing)} (apt install apertium ...)"
    elif there:
        advice = f"From there it can be {', '.join(there)}"
    else:
        advice = "Nothing translates from there"
    return OptionError(
        f"Nothing here translates from {source} to {target}. {advice}; or name a translation service in the settings.",
        code="no_translation",
    )


class OfflineTranslator:
    """Translates by the best way that is installed. Safe to call from several threads."""

    name = "offline"

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """As :class:`Translator` says. Numbers, placeholders and addresses stay what they are."""
        if language_of(source) == language_of(target):
            return list(texts)
        way = find_way(source, target)
        hidden = [hide(text) for text in texts]
        made = by_sentence([text for text, _ in hidden], partial(_along, way))
        return [show(text, kept) for text, (_, kept) in zip(made, hidden, strict=True)]


def translate(texts: Sequence[str], source: str, target: str, translator: Translator | None = None) -> list[str]:
    """Translate texts, each as a whole; by ``translator``, or by what this machine has.

    Raises:
        OptionError: ``no_translation``.
        TextError: ``translation_failed``.
    """
    return (translator or OfflineTranslator()).translate(texts, source, target)


def _along(way: tuple[Link, ...], sentences: list[str]) -> list[str]:
    made = sentences
    for link in way:
        engine = bergamot.translate if link.engine == bergamot.NAME else apertium.translate
        made = [
            with_numbers_of(before, finished(before, after, link.target))
            for before, after in zip(made, engine(made, link.source, link.target), strict=True)
        ]
    return made


def _sources(every: Sequence[Link]) -> list[str]:
    return sorted({link.source for link in every})


def _ways(source: str, usable: Sequence[Link]) -> dict[str, tuple[Link, ...]]:
    """The cheapest way to every language (Bellman and Ford, over at most :data:`MOST_LINKS` links)."""
    best: dict[str, tuple[Link, ...]] = {source: ()}
    for _ in range(MOST_LINKS):
        for link in usable:
            if link.source not in best or len(best[link.source]) >= MOST_LINKS:
                continue
            way = (*best[link.source], link)
            if link.target not in best or _cost(way) < _cost(best[link.target]):
                best[link.target] = way
    del best[source]
    return best


def _best(source: str, every: Sequence[Link]) -> dict[str, tuple[Link, ...]]:
    """The cheapest ways that are installed, and others to where those do not lead."""
    return _ways(source, every) | _ways(source, [link for link in every if link.installed])


def _cost(way: Sequence[Link]) -> int:
    return sum(_COST[link.quality] + (0 if link.installed else 1) for link in way)


def _pair(source: str, target: str, way: Sequence[Link], *, heard: bool = False) -> Pair:
    engines = [link.engine for link in way]
    names = [name for i, name in enumerate(engines) if i == 0 or name != engines[i - 1]]
    return Pair(
        source=source,
        target=target,
        engine="+".join([_HEARD, *names] if heard else names),
        quality=quality_of(way, heard=heard),
        installed=all(link.installed for link in way),
        missing=tuple(sorted({link.package for link in way if not link.installed})),
    )


def quality_of(way: Sequence[Link], *, heard: bool = False) -> Quality:
    """That of the weakest link; two that are not good make a draft."""
    imperfect = [link.quality for link in way if link.quality is not Quality.GOOD] + [Quality.USABLE] * heard
    if Quality.DRAFT in imperfect or len(imperfect) > 1:
        return Quality.DRAFT
    return imperfect[0] if imperfect else Quality.GOOD


def _pairs_heard(every: Sequence[Link]) -> tuple[Pair, ...]:
    """From any language that is spoken, by way of English."""
    english = _pair(ANY, "en", (), heard=True)
    onwards = (_pair(ANY, target, way, heard=True) for target, way in sorted(_best("en", every).items()))
    return (english, *onwards)
