"""Who calls: the key in the header, what it may do, and how often."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request

from avatarium.api.middleware.trace import EXTRA_HEADERS, USER
from avatarium.api.parts import Platform, Principal
from avatarium.errors import AuthError, ForbiddenError

T = TypeVar("T")

ELSEWHERE = ("token", "api_key", "apikey", "apiKey", "access_token", "accessToken")
HOW = "Send it in the header `Authorization: Bearer sk_...`."


def platform_of(request: Request) -> Platform:
    """The platform that this app serves."""
    platform: Platform = request.app.state.platform
    return platform


PlatformDep = Annotated[Platform, Depends(platform_of)]


def address_of(request: Request) -> str:
    """The address of the client, as far as the proxies that are trusted tell it; all of an IPv6 /64 are one."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:64]
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else host


def base_url_of(request: Request, platform: Platform) -> str:
    """The address under which this client reaches the service, for the URLs in answers; no slash at the end."""
    return platform.settings.public_url.rstrip("/") or f"{request.url.scheme}://{request.url.netloc}"


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


def authenticated(request: Request, platform: PlatformDep) -> Principal:
    """Whoever the key belongs to; counts against its rate limit.

    Raises:
        AuthError: there is no key, or it opens nothing.
        BusyError: too many requests of this key, or too many wrong keys of this address.
    """
    key = _count_if_refused(request, platform, lambda: key_in(request) or _no_key(request))
    origin = request.headers.get("origin")
    principal: Principal = _count_if_refused(
        request, platform, lambda: platform.accounts.authenticate(key, origin=origin)
    )
    request.scope[USER] = principal.user_id
    count(request, platform, f"key:{principal.key_id}")
    return principal


def perhaps(request: Request, platform: PlatformDep) -> Principal | None:
    """Whoever the key belongs to, or None where no key was sent."""
    if request.headers.get("authorization", "").strip():
        return authenticated(request, platform)
    anonymous(request, platform)
    return None


def anonymous(request: Request, platform: PlatformDep) -> None:
    """Count a request without a key against the limit of its address."""
    count(request, platform, f"address:{address_of(request)}", anonymous=True)


def administrator(principal: Annotated[Principal, Depends(authenticated)]) -> Principal:
    """An admin.

    Raises:
        ForbiddenError: anybody else.
    """
    if not principal.is_admin:
        raise ForbiddenError("This call needs the key of an administrator.", code="admin_only")
    return principal


CallerDep = Annotated[Principal, Depends(authenticated)]
AdminDep = Annotated[Principal, Depends(administrator)]
PerhapsCallerDep = Annotated[Principal | None, Depends(perhaps)]
AnonymousDep = Depends(anonymous)


def needs(scope: str) -> Any:
    """A dependency for routes that only keys with a scope may call; a key without scopes may call all."""

    def check(principal: CallerDep) -> Principal:
        if principal.scopes and scope not in principal.scopes:
            raise ForbiddenError(f"This key lacks the scope `{scope}`. Use a key that has it.", code="scope_missing")
        return principal

    return Depends(check)


def count(request: Request, platform: Platform, bucket: str, *, anonymous: bool = False) -> None:
    """Count a request; tell in the headers of the answer how many are left."""
    platform.limiter.hit(bucket, anonymous=anonymous)
    request.scope.setdefault(EXTRA_HEADERS, {})


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
