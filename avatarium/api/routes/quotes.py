"""What a call would cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from avatarium.api.auth import PlatformDep, ReaderDep
from avatarium.api.envelope import Answer, ok
from avatarium.api.groups import CREDITS
from avatarium.api.routing import Params, Router
from avatarium.errors import NotFoundError, RequestError
from avatarium.tasks.family import Family
from avatarium.tasks.start import StartModel

router = Router(CREDITS)

PREFIX = "/api/v1"


class QuoteRequest(BaseModel):
    """A call that is not made."""

    model_config = ConfigDict(populate_by_name=True, extra="ignore")

    endpoint: str = Field(max_length=256, description="The path of a start call, such as `POST /api/v1/video/generate`")
    request_body: dict[str, Any] = Field(alias="requestBody", description="The JSON that would be sent to it.")


@router.serve(
    "POST /api/v1/generation/quote",
    title="Quote a generation",
    request={
        "endpoint": "POST /api/v1/talkingPhoto/start",
        "requestBody": {"name": "demo", "image_url": "https://files.example/face.jpg", "duration": 5},
    },
    answer={
        "endpoint": "/api/v1/talkingPhoto/start",
        "coins": 13,
        "diamonds": 0,
        "unit": "coin",
        "estimated": False,
        "expected_s": 6.5,
        "generationRequestValidated": True,
    },
    returns=dict[str, Any],
    errors=(NotFoundError,),
)
def quote(
    params: Annotated[QuoteRequest, Params], request: Request, caller: ReaderDep, platform: PlatformDep
) -> Answer:
    """The price of a start call, without making it. The request is checked as that call would check it.

    `estimated` is true where the length of a recording elsewhere is not known before it is fetched: the price is then
    that of ten seconds, and the task will cost what its real length costs.
    """
    path = _path(params.endpoint)
    family = _family(path, platform.families)
    language = request.headers.get("x-lang", "")[:16]
    plan = platform.tasks.quote(caller, family, _start(family, params.request_body), language=language)
    return ok(
        {
            "endpoint": f"{PREFIX}{path}",
            "coins": plan.price.coins,
            "diamonds": plan.price.amount if plan.price.unit.value == "diamond" else 0,
            "unit": plan.price.unit.value,
            "estimated": not plan.measured,
            "expected_s": round(plan.expected_s, 1),
            "generationRequestValidated": True,
        }
    )


def _path(endpoint: str) -> str:
    """Below the prefix, with a slash in front, as it was written else."""
    words = endpoint.split()
    path = words[-1] if words and (len(words) == 1 or (len(words) == 2 and words[0].upper() == "POST")) else ""
    path = "/" + path.strip("/")
    return path[len(PREFIX) :] if path.lower().startswith(f"{PREFIX}/") else path


def _family(path: str, families: Mapping[str, Family[Any]]) -> Family[Any]:
    found = next((family for family in families.values() if path.lower() in family.paths), None)
    if found is None:
        known = ", ".join(sorted(path for family in families.values() for path in family.paths))
        raise RequestError(f"There is no price for {path[:100]!r}. Choose from {known}.", code="unsupported_endpoint")
    return found


def _start(family: Family[Any], body: dict[str, Any]) -> StartModel:
    try:
        start: StartModel = family.start.model_validate(body)
    except ValidationError as problem:
        errors = [{**error, "loc": ("body", "requestBody", *error["loc"])} for error in problem.errors()]
        raise RequestValidationError(errors) from problem
    return start
