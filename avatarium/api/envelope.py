"""The envelope around every answer: ``{code, data, trace_id}``, and what an error adds to it."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field
from pydantic_core import to_json
from starlette.responses import Response

from avatarium.api.words import translated

T = TypeVar("T")

trace_id_var: ContextVar[str] = ContextVar("trace_id", default="")
language_var: ContextVar[str] = ContextVar("language", default="en-US")
openai_var: ContextVar[bool] = ContextVar("openai", default=False)
"""Whether the request came to a path of OpenAI's API, whose clients read errors of another shape."""

EXAMPLE_TRACE = "5f0c2a10-0000-4000-8000-000000000001"


class Envelope(BaseModel, Generic[T]):
    """An answer: ``code`` is 0, ``data`` is what was asked for."""

    code: int = Field(0, description="0 is success, anything else an error.")
    data: T
    trace_id: str = Field(description="Names this request in the logs.", examples=[EXAMPLE_TRACE])


class Complaint(BaseModel):
    """One thing that is wrong with one field of a request."""

    field: str = Field(description="Where it is, such as `msg` or `subtitles.0.text`.")
    message: str = Field(description="What is wrong, then what is wanted.")


class ErrorBody(BaseModel):
    """An error. ``message`` and ``msg`` are the same sentence: clients read one or the other."""

    code: int = Field(description="Not 0: the HTTP status, or a number of its own where one is documented.")
    message: str = Field(description="What is wrong, then what to do.")
    msg: str = Field(description="The same as `message`.")
    reason: str = Field(description="The case, in snake_case, for programs; never changes.")
    data: dict[str, Any] | None = Field(None, description="What programs may want to know beyond it; mostly null.")
    trace_id: str
    detail: list[Complaint] | None = Field(None, description="Field by field, where the request itself is wrong.")


class Answer(Response):
    """JSON straight out of plain values, records and models."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        return to_json(content, inf_nan_mode="null")


def trace_id() -> str:
    """The identifier of the request that is being answered."""
    return trace_id_var.get() or str(uuid.uuid4())


def ok(data: object) -> Answer:
    """Success: always status 200, since clients refuse any other."""
    return Answer({"code": 0, "data": data, "trace_id": trace_id()})


def failure(
    status: int,
    reason: str,
    message: str,
    *,
    number: int | None = None,
    retry_after_s: float | None = None,
    detail: Sequence[Mapping[str, str]] | None = None,
    data: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """An error in its envelope, in the language that the request asks for where the sentence is a general one."""
    text = translated(reason, message, language_var.get())
    body: dict[str, object] = {"code": status if number is None else number, "message": text, "msg": text}
    body |= {"reason": reason, "data": data, "trace_id": trace_id()}
    if detail is not None:
        body["detail"] = list(detail)
    more = dict(headers or {})
    if retry_after_s is not None:
        more["Retry-After"] = str(max(1, math.ceil(retry_after_s)))
    if openai_var.get():
        field = detail[0]["field"] if detail else None
        return Answer(openai_error(status, reason, text, field), status_code=status, headers=more)
    return Answer(body, status_code=status, headers=more)


OPENAI_TYPES = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


def openai_error(status: int, reason: str, message: str, field: str | None = None) -> dict[str, object]:
    """An error as clients of OpenAI's API read it: ``code`` is our ``reason``, ``param`` the field that is wrong."""
    kind = OPENAI_TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": message, "type": kind, "param": field, "code": reason}}
