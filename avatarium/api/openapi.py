"""The description of the API, OpenAPI 3.1, made out of the routes and the examples that stand beside them."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from avatarium.api.auth import SCOPES
from avatarium.api.envelope import EXAMPLE_TRACE, ErrorBody
from avatarium.api.groups import GROUPS
from avatarium.api.routing import Route

DESCRIPTION = """
Talking avatars, made on your own machine, behind the API of A2E: an application that was written for that service
changes its address and its key.

Every answer is `{code, data, trace_id}`; `code` 0 is success. An error has its HTTP status and also `message`, `msg`
(the same sentence) and `reason`, a word for programs. Send the key as `Authorization: Bearer sk_...`. Times are UTC.

With `x-lang: zh-CN` the general sentences come in Chinese; what the engine says of a picture, a text or a recording
stays English. Paths may be written in any case, and unknown fields are ignored.
"""
SCHEME = "key"


def install(app: FastAPI) -> None:
    """Let ``app.openapi()`` give our document; it is made once."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    whole = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        summary="Self-hosted talking avatars.",
        description=DESCRIPTION.strip(),
        routes=app.routes,
        tags=[{"name": name, "description": words} for name, words in GROUPS.items()],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    components = whole.setdefault("components", {})
    words = "A key of the form `sk_...`, made by `avatarium token create` or by Get API token."
    components["securitySchemes"] = {SCHEME: {"type": "http", "scheme": "bearer", "description": words}}
    whole["security"] = [{SCHEME: []}]
    error = ErrorBody.model_json_schema(ref_template="#/components/schemas/{model}")
    components.setdefault("schemas", {}).update(error.pop("$defs"), ErrorBody=error)
    _drop_what_we_never_answer(whole)
    for route in app.routes:
        if isinstance(route, Route) and route.include_in_schema:
            _finish(whole["paths"][route.path_format], route)
    return whole


def _finish(path: dict[str, Any], route: Route) -> None:
    for method in route.methods or ():
        operation = path[method.lower()]
        _give_examples_to_parameters(operation, route.example_request or {})
        scopes = [SCOPES[part.call] for part in route.dependant.dependencies if part.call in SCOPES]
        if scopes:
            operation["security"] = [{SCHEME: [scope.value for scope in scopes]}]
        _give_example_of_answer(operation["responses"]["200"], route)
        for status, answer in operation["responses"].items():
            if status.isdecimal() and int(status) >= 400:
                _give_example_of_error(answer, int(status))


def _give_examples_to_parameters(operation: dict[str, Any], examples: Any) -> None:
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in examples:
            parameter["example"] = examples[parameter["name"]]


def _give_example_of_answer(response: dict[str, Any], route: Route) -> None:
    if route.stream:
        response["content"] = {"text/event-stream": {"schema": {"type": "string"}, "example": route.stream}}
    else:
        example = {"code": 0, "data": route.example_answer, "trace_id": EXAMPLE_TRACE}
        response["content"]["application/json"]["example"] = example


def _give_example_of_error(answer: dict[str, Any], status: int) -> None:
    message, reason = _ERRORS.get(status, ("It did not work.", "error"))
    example = {"code": status, "message": message, "msg": message, "reason": reason, "data": None}
    contents = answer.get("content", {})
    answer["content"] = {
        kind: {**of, "example": example | {"trace_id": EXAMPLE_TRACE}} for kind, of in contents.items()
    }


_ERRORS = {
    400: ("`msg` is missing. It is: the text to speak.", "invalid_request"),
    401: ("This call needs an API key. Send it in the header `Authorization: Bearer sk_...`.", "no_key"),
    402: ("This costs 12 coins and you have 3.", "too_few_coins"),
    403: ("This call needs the key of an administrator.", "admin_only"),
    404: ("There is no such record of yours.", "not_found"),
    409: ("This Idempotency-Key was sent before with another request.", "idempotency_key_reused"),
    413: ("The body is larger than 4 MB. Upload files first and send their URLs.", "body_too_large"),
    429: ("Too many requests. Try again in 12 seconds.", "rate_limited"),
    500: ("Something went wrong on our side. The log tells more under the trace_id of this answer.", "server_error"),
    503: ("The database does not answer. Try again in a few seconds.", "database_away"),
}


def _drop_what_we_never_answer(whole: dict[str, Any]) -> None:
    """The framework's own shape of validation errors, which this API answers as 400 in its own."""
    for path in whole.get("paths", {}).values():
        for operation in path.values():
            operation.get("responses", {}).pop("422", None)
    for name in ("HTTPValidationError", "ValidationError"):
        whole["components"].get("schemas", {}).pop(name, None)
