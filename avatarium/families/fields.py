"""What start calls have in common: fields taken leniently, addresses looked at before anything is charged."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from avatarium.engine.colours import parse_colour
from avatarium.errors import OptionError, RequestError
from avatarium.storage.fetch import URL_MAX, checked_request
from avatarium.storage.models import StoredObject
from avatarium.tasks.family import NAME_MAX, Desk
from avatarium.tasks.start import StartModel

PROMPT_MAX = 5000
GUESSED_S = 10.0
"""Taken for the length of a recording until it has been fetched and measured."""

Url = Annotated[str, Field(max_length=URL_MAX)]
Name = Annotated[str, Field(max_length=NAME_MAX)]
Prompt = Annotated[str, Field(max_length=PROMPT_MAX)]
Word = BeforeValidator(lambda given: given.strip().lower() if isinstance(given, str) else given)
"""Of a choice among words: capitals and spaces around it do not count."""


def _readable_colour(text: str) -> str:
    try:
        parse_colour(text) if text else None
    except OptionError as problem:
        raise ValueError(problem.message) from problem
    return text


Colour = Annotated[str, Field(max_length=64), AfterValidator(_readable_colour)]
"""As CSS writes it, or empty."""


class LenientStart(StartModel):
    """A start call as clients send it: null and empty text mean "not given", digits may be texts."""

    model_config = ConfigDict(coerce_numbers_to_str=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _blank_is_missing(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if value is not None and value != ""}


def look_up(url: str, desk: Desk, field: str) -> StoredObject | None:
    """The file behind an address that a user gave, if it is one of ours; else None, and only its form is checked.

    Raises:
        RequestError: ``bad_url``: the sentence names the field.
        ForbiddenError, NotFoundError: an address of ours that is too old, or whose file is gone.
    """
    stored = desk.storage.readable(url, desk.owner)
    if stored is None:
        try:
            checked_request(url)
        except RequestError as problem:
            raise RequestError(f"`{field}`: {problem.message}", code=problem.code) from problem
    return stored
