"""What is said of the passages that were found: quoted, cut to what answers, never made up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from avatarium.streaming.brain.context import Kind, Passage
from avatarium.streaming.brain.phrases import Phrases, Talk
from avatarium.streaming.brain.retrieval import Hit, Index, Trust, Unit
from avatarium.streaming.brain.spoken import speakable

LONGEST_ANSWER = 600
"""Characters; about forty seconds of speech."""
TOPICS = 4
_TOPIC_WORDS = 5

_LEANS_BACK = re.compile(
    r"(?:it|its|they|them|their|this|that|these|those|he|she|his|her|but|however|also|therefore|so|then|otherwise)\b|"
    r"(?:er|sie|es|dies\w*|das|aber|jedoch|auch|dann|il|elle|ils|elles|cela|ce|cette|mais|aussi|esto|eso|pero|también)\b|"
    r"(?:ele|ela|isso|mas|questo|questa|ma|anche)\b",
    re.IGNORECASE,
)
_PERSONA = re.compile(r"[Yy]ou(?: are|'re) (?P<who>(?:an?|the|[A-Z]\w+)\b.*)")
_NAME = re.compile(r"your name is (?P<name>.+)", re.IGNORECASE)


def quoted(hit: Hit, phrases: Phrases) -> list[str]:
    """The sentences of an answer, as they are to be spoken; where it may not be one, it says so first."""
    said = [sentence for part in _parts(hit.unit) if (sentence := speakable(part))]
    return [phrases.related, *said] if hit.trust is Trust.RELATED else said


def introduction(index: Index) -> list[str]:
    """Who the avatar is, where its context tells it so ("You are Anna, the receptionist."); else nothing."""
    return [said for passage in index.passages for sentence in passage.sentences if (said := _as_i(sentence))][:2]


def topics(index: Index) -> list[str]:
    """Headings and questions of a context, as examples of what can be asked."""
    named = (_topic(passage) for passage in index.passages)
    return list(dict.fromkeys(topic for topic in named if topic))[:TOPICS]


def small_answer(talk: Talk, index: Index, phrases: Phrases) -> list[str]:
    """The answer to small talk."""
    if talk is Talk.WHO and (who := introduction(index)):
        return who
    if talk is Talk.HELP and (named := topics(index)):
        return [phrases.topics.format(topics=", ".join(named))]
    return [phrases.replies[talk]]


def instructs(sentence: str) -> bool:
    """Whether a sentence of a context tells the avatar who it is, and is no knowledge for viewers."""
    return bool(_PERSONA.match(sentence) or _NAME.match(sentence))


def _as_i(sentence: str) -> str:
    if match := _NAME.match(sentence):
        return f"My name is {match['name']}"
    if match := _PERSONA.match(sentence):
        return f"I am {match['who']}"
    return ""


def _topic(passage: Passage) -> str:
    title = passage.heading
    return title if title and len(title.split()) <= _TOPIC_WORDS and title[-1] not in "?？" else ""


def _parts(unit: Unit) -> Iterator[str]:
    """The sentences of a unit within bounds, with what they need to be understood."""
    passage = unit.passage
    if passage.kind is Kind.LIST and passage.heading:
        yield f"{passage.heading.rstrip('.:')}:" if unit.last - unit.first > 1 else f"{passage.heading.rstrip('.:')}."
    first = unit.first
    while passage.kind is Kind.PROSE and first and _LEANS_BACK.match(passage.sentences[first]):
        first -= 1
    yield from _within(passage.sentences[first : unit.last])


def _within(sentences: Sequence[str]) -> Iterator[str]:
    used = 0
    for sentence in sentences:
        if used and used + len(sentence) > LONGEST_ANSWER:
            return
        used += len(sentence)
        yield sentence
