"""The consent of whoever is shown: what the caller says of it, kept with what is made of the person."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from avatarium.errors import RequestError
from avatarium.families.fields import LenientStart, Name

TEXT_MAX = 5000
STANDARD = (
    "The person shown and heard has agreed, freely and informed of the use, that an avatar is made of them that speaks "
    "words which they did not say. Whoever gives this statement answers for it."
)
"""Kept where somebody says yes and gives no words of their own."""
_YES = ("true", "yes", "y", "1", "on", "agreed", "i agree", "i consent")
_NO = ("", "false", "no", "n", "0", "off", "none", "null")


def _as_text(given: Any) -> Any:
    return str(given).lower() if isinstance(given, bool) else given


class Consented(LenientStart):
    """A start call that makes something of a person."""

    consent: Annotated[str, BeforeValidator(_as_text), Field(max_length=TEXT_MAX)] = Field(
        "",
        description="`true`: the person shown or heard agrees. Kept with what is made and shown in its record. Needed "
        "where the installation says so.",
    )
    consent_text: str = Field(
        "", max_length=TEXT_MAX, description="The words that were agreed to; they count beside `consent`: true only."
    )
    consent_name: Name = Field("", description="Who agreed.")

    @property
    def has_consent(self) -> bool:
        """Whether the caller says clearly that the person agrees. Words alone may say anything, also no."""
        return self._said in _YES

    @property
    def is_unclear(self) -> bool:
        """Whether something is said of consent that is neither a yes nor a no."""
        return self._said not in (*_YES, *_NO) or bool(not self._said and self.consent_text)

    @property
    def _said(self) -> str:
        return self.consent.strip().rstrip(".!").rstrip().lower()


def check_consent(start: Consented, *, required: bool, what: str = "makes avatars only of people") -> None:
    """Refuse a person without consent where it is needed, and words that might be one or none everywhere.

    Args:
        what: what the installation does with people who agree.

    Raises:
        RequestError: ``consent_unclear``, ``consent_required``.
    """
    if start.is_unclear:
        raise RequestError(
            "`consent` is neither a clear yes nor a clear no. If the person agrees, send `consent`: true, and what "
            "they agreed to as `consent_text`.",
            code="consent_unclear",
        )
    if required and not start.has_consent:
        raise RequestError(
            f"This installation {what} who agree. Ask the person, then send `consent`: true, and what they agreed to "
            "as `consent_text`.",
            code="consent_required",
        )


def consent_record(start: Consented, *, account: str, at_ms: int, standard: str = STANDARD) -> dict[str, Any]:
    """What is kept of a consent, ``standard`` where it has no words of its own; empty where none was given."""
    if not start.has_consent:
        return {}
    text = start.consent_text or standard
    return {
        "text": text,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "name": start.consent_name,
        "account": account,
        "at_ms": at_ms,
    }
