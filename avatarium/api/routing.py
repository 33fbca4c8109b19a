"""Routes as this API has them: any case of letters, a slash at the end or not, examples beside the code."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypeVar, get_args, get_origin

from fastapi import APIRouter, Body, Query
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from avatarium.api.envelope import Envelope
from avatarium.errors import (
    AuthError,
    BusyError,
    ForbiddenError,
    NotFoundError,
    RequestError,
    ServiceError,
    TooLargeError,
    UnavailableError,
)

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

_ALWAYS: tuple[type[ServiceError], ...] = (RequestError, AuthError, BusyError, UnavailableError)
_ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}}
"""By reference: a model for every error of every route would take seconds at each start."""
_READS = frozenset({"GET", "HEAD", "DELETE"})


class Params:
    """Marks a model that is read from the query of a GET or DELETE and from the body of a POST or PUT."""


class Route(APIRoute):
    """A route whose path matches in any case of letters, with or without a slash at its end.

    Values inside the path keep their case. A path that ends in ``:path`` takes everything that follows as it is.
    """

    example_request: Mapping[str, Any] | None = None
    example_answer: object = None
    stream: str = ""
    """An example of what is sent, where the answer is a stream of server-sent events."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        if not path.endswith(":path}"):
            self.path_regex = re.compile(self.path_regex.pattern.removesuffix("$") + r"/?\Z", re.IGNORECASE)


class Router(APIRouter):
    """The routes of one group."""

    def __init__(self, group: str = "", **options: Any) -> None:
        super().__init__(route_class=Route, tags=[group] if group else None, **options)

    def serve(
        self,
        *calls: str,
        title: str,
        answer: object,
        returns: Any = Any,
        says: str = "",
        request: Mapping[str, Any] | None = None,
        errors: Iterable[type[ServiceError]] = (),
        legacy: Iterable[str] = (),
        public: bool = False,
        stream: str = "",
    ) -> Callable[[Endpoint], Endpoint]:
        """Serve one function under one or several calls, with all that the documentation says of it.

        ::

            @router.serve("POST /api/v1/token/generate", title="Get API token", request={"alias": "my app"},
                          answer={"_id": "64f0c0ffee0000000000a0f1", "token": "sk_..."}, returns=NewKey)
            def generate(caller: CallerDep, platform: PlatformDep, params: Annotated[NewKeyParams, Params]) -> Answer:

        Args:
            calls: ``"GET /path"``; all lead to the same function.
            title: the name of the call in A2E's documentation.
            answer: an example of ``data``.
            returns: the type of ``data``.
            says: what the call does, where the function is one of several calls and its docstring cannot tell.
            request: an example of the body, or of the query where the call has no body.
            errors: the classes of errors that this call may answer with beyond those that every call may.
            legacy: more calls that are served but documented as old.
            public: whether the call works without a key.
            stream: an example of the answer, where that is a stream of server-sent events.
        """

        def declare(endpoint: Endpoint) -> Endpoint:
            old = tuple(legacy)
            for call in (*calls, *old):
                method, path = call.split(" ", 1)
                words = says or inspect.getdoc(endpoint) or ""
                self._declare(
                    method, path, endpoint, title, words, answer, returns, request, tuple(errors), call in old, public
                )
                self._last.stream = stream
            return endpoint

        return declare

    def _declare(
        self,
        method: str,
        path: str,
        endpoint: Callable[..., Any],
        title: str,
        says: str,
        answer: object,
        returns: Any,
        request: Mapping[str, Any] | None,
        errors: tuple[type[ServiceError], ...],
        legacy: bool,
        public: bool,
    ) -> None:
        extra: dict[str, Any] = {"security": []} if public else {}
        if request is not None and method not in _READS:
            extra["requestBody"] = {"content": {"application/json": {"example": dict(request)}}}
        named = (NotFoundError,) if "{" in path else ()
        keyed = () if public else (ForbiddenError,)  # a key may lack the scope
        sized = () if method in _READS else (TooLargeError,)
        self.add_api_route(
            path,
            _for_method(endpoint, method),
            methods=[method],
            summary=title,
            description=says.replace("``", "`"),
            response_model=Envelope[returns],
            response_description="`code` 0 and what was asked for",
            responses=_responses({*_ALWAYS, *named, *keyed, *sized, *errors}),
            deprecated=legacy or None,
            operation_id=re.sub(r"\W+", "_", f"{method.lower()}{path}").strip("_"),
            openapi_extra=extra,
        )
        self._last.example_request, self._last.example_answer = request, answer

    @property
    def _last(self) -> Route:
        route = self.routes[-1]
        assert isinstance(route, Route)
        return route


def by_specificity(route: BaseRoute) -> tuple[int, ...]:
    """Sort key that lets literal segments win over values: ``/x/status`` is tried before ``/x/{_id}``."""
    path = str(getattr(route, "path", ""))
    return tuple(2 if ":path}" in part else int("{" in part) for part in path.strip("/").split("/"))


def _for_method(endpoint: Callable[..., Any], method: str) -> Callable[..., Any]:
    """The endpoint with its :class:`Params` read from where a method carries them."""
    signature = inspect.signature(endpoint, eval_str=True)
    source = Query() if method in _READS else Body()
    changed = {
        name: parameter.replace(annotation=Annotated[get_args(parameter.annotation)[0], source])
        for name, parameter in signature.parameters.items()
        if get_origin(parameter.annotation) is Annotated and Params in get_args(parameter.annotation)[1:]
    }
    if not changed:
        return endpoint
    view = _async_view(endpoint) if inspect.iscoroutinefunction(endpoint) else _view(endpoint)
    parameters = [changed.get(name, parameter) for name, parameter in signature.parameters.items()]
    view.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return view


def _view(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(endpoint)
    def view(*args: Any, **named: Any) -> Any:
        return endpoint(*args, **named)

    return view


def _async_view(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(endpoint)
    async def view(*args: Any, **named: Any) -> Any:
        return await endpoint(*args, **named)

    return view


def _responses(errors: Iterable[type[ServiceError]]) -> dict[int | str, dict[str, Any]]:
    responses: dict[int | str, dict[str, Any]] = {}
    for kind in sorted(errors, key=lambda kind: kind.status):
        responses[kind.status] = {"description": inspect.getdoc(kind) or "", "content": _ERROR}
    responses[500] = {"description": "A bug of ours; the log tells more under the `trace_id`.", "content": _ERROR}
    return responses
