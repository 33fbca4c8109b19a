"""What pydantic found wrong, said as a sentence: which field, what is wrong, what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

MAX_COMPLAINTS = 20
MAX_TEXT = 300
PLACES = frozenset({"body", "query", "path", "header", "cookie"})

_WANTED: dict[str, str] = {
    "string_type": "must be a text",
    "string_unicode": "must be a text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "is too large a number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be an ordinary number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dataclass_type": "must be an object",
    "url_parsing": "must be a URL such as https://example.com/a.jpg",
    "url_type": "must be a URL such as https://example.com/a.jpg",
}
_LIMITS: dict[str, str] = {
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must look like {pattern}",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
}


def complaints(errors: Iterable[Mapping[str, Any]], describe: Callable[[str], str]) -> list[dict[str, str]]:
    """One entry ``{field, message}`` for each error of pydantic; ``describe`` tells what a field is for."""
    found = []
    for error in list(errors)[:MAX_COMPLAINTS]:
        field = field_of(error["loc"])
        found.append({"field": field, "message": sentence(error, field, describe(field))})
    return found


def field_of(location: Sequence[str | int]) -> str:
    """Where an error is, without the part of the request that it is in: ``subtitles.0.text``."""
    parts = [str(part) for part in location]
    if parts and parts[0] in PLACES:
        parts = parts[1:]
    return ".".join(parts)


def sentence(error: Mapping[str, Any], field: str, description: str) -> str:
    """What is wrong with one field, then what is wanted."""
    name = f"`{field}`" if field else "The body"
    kind = str(error["type"])
    hint = f" It is: {_small(description)}" if description else ""
    if kind in ("missing", "missing_argument", "missing_keyword_only_argument"):
        return f"{name} is missing.{hint}"
    if kind in ("value_error", "assertion_error"):
        return _own_words(name, str(error.get("ctx", {}).get("error", error["msg"])))
    if kind in _LIMITS:
        return _short(f"{name} {_LIMITS[kind].format_map(error['ctx'])}.") + hint
    wanted = _WANTED.get(kind)
    return f"{name} {wanted}.{hint}" if wanted else _short(f"{name} cannot be used: {error['msg']}.")


def describer(model: type[BaseModel] | None) -> Callable[[str], str]:
    """What tells the description of a field of a model, empty where there is none."""

    def describe(field: str) -> str:
        known = model.model_fields if model is not None else {}
        for name, info in known.items():
            if field in (name, info.alias):
                return info.description or ""
        return ""

    return describe


def _own_words(name: str, words: str) -> str:
    whole = words if name.strip("`") in words or words[:1].isupper() else f"{name}: {words}"
    return _short(whole if whole.endswith((".", "!", "?")) else whole + ".")


def _small(description: str) -> str:
    ended = description if description.endswith(".") else description + "."
    return ended[0].lower() + ended[1:] if ended[1:2].islower() else ended


def _short(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
