"""Who calls: the key in the header, what it may do, and how often."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from avatarium.accounts.models import Principal, Scope
from avatarium.api.middleware.trace import EXTRA_HEADERS, USER
from avatarium.errors import AuthError, BusyError
from avatarium.platform import Platform
from avatarium.streaming.transports.addresses import visitor_of

T = TypeVar("T")

ELSEWHERE = ("token", "api_key", "apikey", "apiKey", "access_token", "accessToken")
_HOST = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")
HOW = "Send it in the header `Authorization: Bearer sk_...`."
SCOPES: dict[Callable[..., Any], Scope] = {}
"""What the dependencies of :func:`needs` ask for, so that the documentation can say it."""


async def platform_of(request: Request) -> Platform:
    """The platform that this app serves."""
    platform: Platform = request.app.state.platform
    return platform


PlatformDep = Annotated[Platform, Depends(platform_of)]


def address_of(request: HTTPConnection) -> str:
    """The address of the client, as far as the proxies that are trusted tell it; all of an IPv6 /64 are one."""
    return visitor_of(request.client.host if request.client else "")


def base_url_of(request: Request, platform: Platform) -> str:
    """The address under which this client reaches the service, for the URLs in answers; no slash at the end.

    The client says it (Host), so it stands in answers to that client only, and only if it is a plain name and port.
    """
    public_url = platform.settings.public_url.rstrip("/")
    if public_url or not _HOST.fullmatch(request.headers.get("host", "")):
        return public_url or platform.settings.base_url
    return f"{request.url.scheme}://{request.url.netloc}"


def key_in(request: Request) -> str | None:
    """The key of a request.

    Raises:
        AuthError: there is something in its place that is no key.
    """
    header = request.headers.get("authorization", "").strip()
    if not header:
        return None
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise AuthError(f"The header Authorization holds no bearer key. {HOW}", code="no_key")
    return key.strip()


async def authenticated(request: Request, platform: PlatformDep) -> Principal:
    """Whoever the key belongs to; counts against its rate limit.

    Raises:
        AuthError: there is no key, or it opens nothing.
        BusyError: too many requests of this key, or too many wrong keys of this address.
    """
    if platform.limiter.is_local and (known := _recalled(request, platform)) is not None:
        return known
    return await run_in_threadpool(authenticate, request, platform)


def authenticate(request: Request, platform: Platform) -> Principal:
    """The same where waiting for the database does no harm."""
    key = _count_if_refused(request, platform, lambda: key_in(request) or _no_key(request))
    origin = request.headers.get("origin")
    principal: Principal = _count_if_refused(
        request, platform, lambda: platform.accounts.authenticate(key, origin=origin)
    )
    return _counted(request, platform, principal)


def _recalled(request: Request, platform: Platform) -> Principal | None:
    """Whoever was here a moment ago with the same key: a thread would cost more than this."""
    try:
        key = key_in(request)
        known = platform.accounts.recall(key, origin=request.headers.get("origin")) if key else None
    except AuthError:
        return None  # to be refused, and counted, in a thread
    return None if known is None else _counted(request, platform, known)


def _counted(request: Request, platform: Platform, principal: Principal) -> Principal:
    request.scope[USER] = principal.user_id
    count(request, platform, f"{principal.user_id}:{principal.key_id}")
    return principal


async def perhaps(request: Request, platform: PlatformDep) -> Principal | None:
    """Whoever the key belongs to, or None where no key was sent."""
    if request.headers.get("authorization", "").strip():
        return await authenticated(request, platform)
    await run_in_threadpool(anonymous, request, platform)
    return None


def anonymous(request: HTTPConnection, platform: PlatformDep) -> None:
    """Count a request without a key against the limit of its address."""
    count(request, platform, address_of(request), anonymous=True)


def needs(scope: Scope) -> Any:
    """A dependency that gives the caller, whose key has to cover a scope; a key without scopes covers all.

    Raises:
        ForbiddenError: it does not.
    """

    async def check(principal: Annotated[Principal, Depends(authenticated)]) -> Principal:  # async: no thread for it
        principal.require(scope)
        return principal

    SCOPES[check] = scope
    return Depends(check)


CallerDep = Annotated[Principal, Depends(authenticated)]
ReaderDep = Annotated[Principal, needs(Scope.READ)]
MakerDep = Annotated[Principal, needs(Scope.GENERATE)]
UploaderDep = Annotated[Principal, needs(Scope.UPLOAD)]
StreamerDep = Annotated[Principal, needs(Scope.STREAMING)]
HolderDep = Annotated[Principal, needs(Scope.ACCOUNT)]
AdminDep = Annotated[Principal, needs(Scope.ADMIN)]
PerhapsCallerDep = Annotated[Principal | None, Depends(perhaps)]
AnonymousDep = Annotated[None, Depends(anonymous)]


def count(request: HTTPConnection, platform: Platform, bucket: str, *, anonymous: bool = False) -> None:
    """Count a request; the headers of its answer tell what is left of the limit."""
    try:
        left = platform.limiter.hit(bucket, anonymous=anonymous)
    except BusyError as busy:
        tell(request, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{busy.retry_after_s or 1:.0f}"})
        raise
    if left is not None:
        limit, remaining, reset = str(left.limit), str(left.remaining), str(left.reset_s)
        tell(request, {"X-RateLimit-Limit": limit, "X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": reset})


def tell(request: HTTPConnection, headers: Mapping[str, str]) -> None:
    """Add headers to the answer to a request, whatever it will be."""
    request.scope.setdefault(EXTRA_HEADERS, {}).update(headers)


def _no_key(request: Request) -> str:
    if any(name in request.query_params for name in ELSEWHERE):
        raise AuthError(f"A key in the address would end in logs and is not taken. {HOW}", code="key_elsewhere")
    raise AuthError(f"This call needs an API key. {HOW}", code="no_key")


def _count_if_refused(request: Request, platform: Platform, attempt: Callable[[], T]) -> T:
    try:
        return attempt()
    except AuthError:
        anonymous(request, platform)
        raise
