"""``python -m bench.brain``: answers of the embedded brain to questions over contexts that it was not tuned on.

The same questions go to the brain as it is and, as a baseline, to one that compares words alone. An answer is *right*
where the expected words stand in it, *hedged* where it says first that it is not sure, *refused* where it says that it
does not know. To a question without an answer in its context, refusing is right, and a hedged answer is counted apart.
"""

from __future__ import annotations

import argparse
import asyncio
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rich.console import Console
from rich.table import Table

from avatarium.engine.language.embedding import embedding
from avatarium.streaming.brain.embedded import EmbeddedBrain, Library, Shelf, prepare_context
from avatarium.streaming.brain.memory import Memory
from avatarium.streaming.brain.phrases import phrases

QUESTIONS = Path(__file__).with_name("questions.toml")


class Verdict(StrEnum):
    """What an answer was worth."""

    RIGHT = "right"
    HEDGED = "right, hedged"
    WRONG = "wrong"
    HEDGED_WRONG = "wrong, hedged"
    REFUSED = "refused, though it could be known"
    REFUSED_RIGHTLY = "refused, rightly"
    HEDGED_TRAP = "no answer there: hedged"
    INVENTED = "no answer there: answered"


GOOD = (Verdict.RIGHT, Verdict.HEDGED, Verdict.REFUSED_RIGHTLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One line of the test."""

    context: str
    text: str
    ask: str
    says: str
    after: str


def main() -> None:
    """Print the answers and the two counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quiet", action="store_true", help="only the counts")
    options = parser.parse_args()
    console = Console(width=160)
    embedding()
    counts = {}
    for name, meaning in (("meaning and words", True), ("words alone (baseline)", False)):
        console.rule(name)
        counts[name] = asyncio.run(_run(console, meaning=meaning, quiet=options.quiet))
    console.print(_table(counts))


def questions() -> Iterator[Question]:
    """All questions of the file."""
    for context in tomllib.loads(QUESTIONS.read_text(encoding="utf-8"))["contexts"]:
        for one in context["questions"]:
            yield Question(
                context=context["name"],
                text=context["text"],
                ask=one["ask"],
                says=one.get("says", ""),
                after=one.get("after", ""),
            )


def judged(question: Question, answer: str) -> Verdict:
    """What an answer is worth."""
    refused = any(phrases(code).unknown in answer for code in ("en", "de", "es"))
    hedged = any(phrases(code).related in answer for code in ("en", "de", "es"))
    if refused:
        return Verdict.REFUSED if question.says else Verdict.REFUSED_RIGHTLY
    if not question.says:
        return Verdict.HEDGED_TRAP if hedged else Verdict.INVENTED
    if question.says in answer:
        return Verdict.HEDGED if hedged else Verdict.RIGHT
    return Verdict.HEDGED_WRONG if hedged else Verdict.WRONG


class _ByWords(Library):
    """The baseline: no embedding."""

    async def _prepare(self, context: str) -> Shelf:
        return prepare_context(context, by_meaning=False)


async def _run(console: Console, *, meaning: bool, quiet: bool) -> Counter[Verdict]:
    library = Library() if meaning else _ByWords()
    counted: Counter[Verdict] = Counter()
    prepared, asked = [], []
    for text in dict.fromkeys(question.text for question in questions()):
        start = time.process_time()
        await library.shelf(text.strip())
        prepared.append(time.process_time() - start)
    for question in questions():
        start = time.process_time()
        answer = await _answer(library, question)
        asked.append(time.process_time() - start)
        verdict = judged(question, answer)
        counted[verdict] += 1
        if not quiet:
            console.print(
                f"[{'green' if verdict in GOOD else 'red'}]{verdict:34}[/] {question.ask} [dim]-> {answer}[/]"
            )
    await library.aclose()
    console.print(
        f"prepare a context: {max(prepared):.2f} s of CPU at most; "
        f"a question: {sorted(asked)[len(asked) // 2] * 1000:.0f} ms in the middle, {max(asked) * 1000:.0f} at most"
    )
    return counted


async def _answer(library: Library, question: Question) -> str:
    memory = Memory()
    brain = EmbeddedBrain(library, question.text)
    for ask in filter(None, (question.after, question.ask)):
        answer = " ".join([sentence async for sentence in brain.answer(ask, memory)])
        memory.add(ask, answer)
    return answer


def _table(counts: dict[str, Counter[Verdict]]) -> Table:
    table = Table("verdict", *counts, title="Questions")
    for verdict in Verdict:
        table.add_row(verdict, *(str(count[verdict]) for count in counts.values()))
    table.add_row("all", *(str(count.total()) for count in counts.values()))
    return table


if __name__ == "__main__":
    main()
