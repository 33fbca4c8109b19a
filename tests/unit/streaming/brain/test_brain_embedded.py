"""The embedded brain by words alone, which needs no model file; how it compares meanings is in the tests with media."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.errors import AssetError
from avatarium.settings import Settings
from avatarium.streaming.brain import Memory, embedded, open_brain, words
from avatarium.streaming.brain.embedded import EmbeddedBrain, Library, Shelf, preparation, prepare_context
from avatarium.streaming.brain.followups import query_of
from avatarium.streaming.brain.phrases import phrases
from avatarium.streaming.brain.retrieval import ASKED_MAX, BATCH_CHARACTERS
from tests.support.live_rooms import until

HOTEL = """
You are Anna, the receptionist of the Hotel Alpenblick.

Rooms and prices
Double room: 180 francs a night
Family suite: 290 francs a night

Breakfast is served from 7 to 10. The sauna is open every day and costs nothing. Dogs cost 15 francs.

Q: How can I cancel?
A: Without cost until seven days before. Later you pay the first night.
"""
BAKERY = """
Öffnungszeiten
Montag bis Freitag: 6 bis 18 Uhr
Sonntag: 7 bis 11 Uhr

Ein Roggenbrot kostet 5,80 Euro. Bezahlen können Sie bar oder mit Karte. Der Bäcker heißt Jonas Keller.

Telefon: 0711 555 0199
"""


class ByWords(Library):
    async def _prepare(self, context: str) -> Shelf:
        return prepare_context(context, by_meaning=False)


def talk(*questions: str, context: str = HOTEL, language: str = "en-US") -> str:
    """The answer to the last of these questions, asked one after the other."""

    async def run() -> str:
        library = ByWords()
        brain, memory, said = EmbeddedBrain(library, context, language=language), Memory(), ""
        for question in questions:
            said = " ".join([sentence async for sentence in brain.answer(question, memory)])
            memory.add(question, said)
        await library.aclose()
        return said

    return asyncio.run(run())


def test_the_sentence_that_answers_is_quoted() -> None:
    assert talk("What does a double room cost?") == "Rooms and prices. Double room: 180 francs a night."
    assert talk("Is the sauna open?") == "The sauna is open every day and costs nothing."


def test_the_answer_of_a_pair_is_given_whole() -> None:
    assert talk("Can I cancel?") == "Without cost until seven days before. Later you pay the first night."


def test_a_heading_is_answered_with_all_that_stands_below_it() -> None:
    assert "Double room" in talk("rooms and prices") and "Family suite" in talk("rooms and prices")
    assert talk("Öffnungszeiten?", context=BAKERY, language="de").count("Uhr") == 2


def test_what_is_not_there_is_not_known() -> None:
    for question in ("Who won the world cup?", "Is there a helicopter?", "What is your telephone number?"):
        assert talk(question) == phrases("en").unknown
    assert talk("Wer ist der Bundeskanzler?", context=BAKERY, language="de-DE") == phrases("de").unknown


def test_a_follow_up_leans_on_the_question_before() -> None:
    assert "290" in talk("Do you have a family suite?", "And how much is it?")
    assert "180" in talk("Do you have a double room?", "How much does it cost?")
    assert talk("And how much is it?") == phrases("en").unknown


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Wann haben Sie am Sonntag offen?", "7 bis 11"),
        ("Was kostet ein Roggenbrot?", "5,80"),
        ("Kann ich mit Karte zahlen?", "mit Karte"),
        ("Wie ist Ihre Telefonnummer?", "0711"),
        ("Wie heißt der Bäcker?", "Jonas Keller"),
    ],
)
def test_another_language_is_searched_by_its_words(question: str, answer: str) -> None:
    assert answer in talk(question, context=BAKERY, language="de")


@pytest.mark.parametrize(
    ("said", "language", "answer"),
    [
        ("Hi!", "en", "Hello! What would you like to know?"),
        ("Good morning", "en", "Hello! What would you like to know?"),
        ("thank you so much", "en", "You're welcome!"),
        ("OK, bye.", "en", "Goodbye! It was nice talking to you."),
        ("How are you?", "en", "I'm fine, thank you. What would you like to know?"),
        ("Who are you?", "en", "I am Anna, the receptionist of the Hotel Alpenblick."),
        ("Are you a robot?", "en", "I am an avatar, not a human being."),
        ("Danke schön", "en", "Gern geschehen!"),
        ("Merci", "fr-FR", "Je vous en prie !"),
        ("¡Hola!", "es", "¡Hola! ¿Qué le gustaría saber?"),
        ("こんにちは", "ja", "こんにちは。何をお知りになりたいですか。"),
        ("What can you do?", "en", "You can ask me about these things: Rooms and prices."),
        ("...", "en", "I did not catch that. Could you say it again?"),
        ("😀", "de", "Das habe ich nicht verstanden. Sagen Sie es bitte noch einmal?"),
    ],
)
def test_small_talk_is_answered(said: str, language: str, answer: str) -> None:
    assert talk(said, language=language) == answer


def test_a_greeting_before_a_question_does_not_hide_it() -> None:
    assert "7 to 10" in talk("Hello, when is breakfast served?")


def test_who_it_is_told_to_be_is_no_knowledge_for_viewers() -> None:
    assert "You are" not in talk("Tell me about Anna the receptionist")


def test_without_a_context_nothing_is_known() -> None:
    assert talk("What is it?", context="  ") == phrases("en").nothing
    assert talk("Hello", context="") == phrases("en").replies["greeting"]  # type: ignore[index]


def test_a_huge_question_is_only_a_question() -> None:
    assert talk("sauna " * 20_000)


def test_a_context_is_prepared_once_however_many_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: list[str] = []

    def prepare(context: str) -> Iterator[Shelf | None]:
        prepared.append(context)
        yield from preparation(context, by_meaning=False)

    async def run() -> None:
        library = Library()
        first, second = await asyncio.gather(library.shelf(HOTEL), library.shelf(HOTEL))
        assert first is second
        await library.shelf(BAKERY)
        await library.aclose()

    monkeypatch.setattr(embedded, "preparation", prepare)
    asyncio.run(run())
    assert prepared == [HOTEL, BAKERY]


def test_who_waits_for_a_context_may_go_without_taking_it_along(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> Shelf:
        library = ByWords()
        impatient = asyncio.create_task(library.shelf(HOTEL))
        await asyncio.sleep(0)
        impatient.cancel()
        shelf = await library.shelf(HOTEL)
        await library.aclose()
        return shelf

    assert asyncio.run(run()).index.units


def test_without_the_model_file_words_are_compared_and_the_room_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = AssetError("The model file cannot be fetched; look at the network.", code="asset_network")
    monkeypatch.setattr(embedded, "_embedding", lambda: (None, missing))

    async def run() -> str:
        maker = open_brain(Settings(home=tmp_path))
        brain = maker.for_room(HOTEL)
        with pytest.raises(AssetError):
            await brain.prepare()
        said = " ".join([sentence async for sentence in brain.answer("Is the sauna open?", Memory())])
        await maker.aclose()
        return said

    assert asyncio.run(run()) == "The sauna is open every day and costs nothing."


class Held:
    """Preparations that go on until they are let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun: list[str] = []
        self.go = threading.Event()
        monkeypatch.setattr(embedded, "preparation", self._prepare)

    async def until_begun(self) -> None:
        await until(lambda: self.begun, "it has begun")

    def _prepare(self, context: str) -> Iterator[Shelf | None]:
        self.begun.append(context)
        assert self.go.wait(60)
        yield from preparation(context, by_meaning=False)


def test_contexts_set_one_after_the_other_keep_no_other_room_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch)

    async def run() -> None:
        library = Library()
        first = asyncio.create_task(library.shelf("The first."))
        await held.until_begun()
        preparing = first
        for number in range(60):
            preparing = asyncio.create_task(library.shelf(f"Context {number}."))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if number < 59:
                preparing.cancel()
        other = asyncio.create_task(library.shelf(HOTEL))
        await asyncio.sleep(0)
        held.go.set()
        await asyncio.gather(first, preparing, other)
        await library.aclose()

    asyncio.run(run())
    assert held.begun == ["The first.", "Context 59.", HOTEL]


def test_a_search_goes_before_preparations(monkeypatch: pytest.MonkeyPatch) -> None:
    ready = prepare_context(HOTEL, by_meaning=False)
    held, done = Held(monkeypatch), []

    async def run() -> None:
        library = Library()

        async def note(name: str, work: Coroutine[Any, Any, Any]) -> None:
            await work
            done.append(name)

        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            group.create_task(note("one", library.shelf("One.")))
            await held.until_begun()
            group.create_task(note("two", library.shelf("Two.")))
            gone = asyncio.create_task(library.search(ready, query_of("sauna", Memory(), "en")))
            await asyncio.sleep(0)
            gone.cancel()
            query = query_of("When is breakfast?", Memory(), "en")
            group.create_task(note("search", library.search(ready, query)))
            await asyncio.sleep(0)
            held.go.set()
        await library.aclose()

    asyncio.run(run())
    assert done == ["one", "search", "two"]


class Batches:
    """An embedding that tells what is done, and does nothing before it is let."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        self.go = threading.Event()
        monkeypatch.setattr(embedded, "_embedding", lambda: (self, None))

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.done.append(texts[0][:3])
        assert sum(map(len, texts)) <= max(BATCH_CHARACTERS, len(texts[0]))
        assert self.go.wait(60)
        return np.ones((len(texts), 4), np.float32)

    async def until_begun(self) -> None:
        await until(lambda: self.done, "it has begun")


def test_a_search_goes_before_the_rest_of_a_preparation_that_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waited for all of a context, seven seconds of work, and for those that were begun behind it."""
    batches = Batches(monkeypatch)
    ready = prepare_context(HOTEL, by_meaning=False)

    async def search(library: Library) -> None:
        await library.search(ready, query_of("When is breakfast?", Memory(), "en"))
        batches.done.append("search")

    async def run() -> None:
        library = Library()
        long = asyncio.create_task(library.shelf("One is the first. " + "This is a long text about bread. " * 120))
        await batches.until_begun()
        other = asyncio.create_task(library.shelf("Two is the number of our shops. The second one is on Monday open."))
        await asyncio.sleep(0.05)
        asked = asyncio.create_task(search(library))
        await asyncio.sleep(0.05)
        batches.go.set()
        await asyncio.gather(long, other, asked)
        await library.aclose()

    asyncio.run(run())
    assert batches.done[:2] == ["One", "search"], "what it takes is told from what comes after it"
    assert batches.done.index("Two") < len(batches.done) - 5, "preparations take turns"


def test_a_preparation_that_nobody_waits_for_is_given_up_amid_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = Batches(monkeypatch)
    ready = prepare_context(HOTEL, by_meaning=False)
    text = "This is a sentence of a long text about bread. " * 100

    async def run() -> None:
        library = Library()
        impatient = asyncio.create_task(library.shelf(text))
        await batches.until_begun()
        impatient.cancel()
        await asyncio.wait([impatient])
        batches.go.set()
        # In the order in which they came, this would be after all of it.
        await library.shelf("Zwei Wörter.")
        await library.search(ready, query_of("Sauna?", Memory(), "en"))
        await library.shelf("Drei kurze Wörter.")
        assert len(batches.done) == 1
        assert (await library.shelf(text)).index.units, "and begun again for who wants it later"
        await library.aclose()

    asyncio.run(run())


@pytest.mark.parametrize("question", [" ".join(f"w{i}x{i}y" for i in range(70)), "Is the sauna open on Monday?"])
def test_a_search_compares_each_word_of_a_context_once(monkeypatch: pytest.MonkeyPatch, question: str) -> None:
    """500 characters of question against 5000 of context took three seconds, for which all rooms waited."""
    context = " ".join(f"Item {i} is q{i}z." for i in range(400))[:5000]
    shelf = prepare_context(context, by_meaning=False)
    compared = 0

    def likeness(asked: str, written: str) -> float:
        nonlocal compared
        compared += 1
        return float(asked == written)

    monkeypatch.setattr(words, "likeness", likeness)
    shelf.index.search(query_of(question, Memory(), "en"))
    different = len(set(words.words(context)))
    assert 0 < compared <= ASKED_MAX * different


def test_no_more_contexts_are_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "KEPT", 2)

    async def run() -> int:
        library = ByWords()
        for number in range(5):
            await library.shelf(f"Context {number}.")
        kept = len(library._prepared)
        await library.aclose()
        return kept

    assert asyncio.run(run()) == 2
