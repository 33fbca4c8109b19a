"""The browser module, the demo page ``/live`` and the page that tests a visitor's network; open to everybody."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import Response

from avatarium.api.auth import PlatformDep, base_url_of
from avatarium.api.envelope import Answer
from avatarium.api.routing import Router
from avatarium.errors import NotFoundError
from avatarium.platform import Platform
from avatarium.streaming.browser.bundle import Form
from avatarium.streaming.browser.files import HTML, Served, module, page_file, page_names
from avatarium.streaming.reports import ITEM, UNIT_S

MODULE_CACHE_S = 300

router = Router()


def page_policy(request: Request, platform: Platform) -> str:
    """What a page of ours may load: its own host, and pictures and sound from where the files of this service are."""
    media = " ".join(["'self'", "data:", "blob:", *_hosts_of_files(platform)])
    sockets = _socket_origins(request, platform)
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {sockets}; "
        f"img-src {media}; media-src {media}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hosts_of_files(platform: Platform) -> list[str]:
    """The origin of signed addresses, where it is another than the page's."""
    address = urlsplit(platform.storage.url("system/any", seconds=60))
    return [f"{address.scheme}://{address.netloc}"] if address.netloc else []


def _socket_origins(request: Request, platform: Platform) -> str:
    """Some browsers do not count WebSockets of the same host as ``'self'``."""
    host = urlsplit(base_url_of(request, platform)).netloc
    return f"ws://{host} wss://{host}"


@router.get("/agora-rtc.js", include_in_schema=False)
@router.head("/agora-rtc.js", include_in_schema=False)
def es_module(request: Request) -> Response:
    """The module: ``import AgoraRTC from "https://this.server/agora-rtc.js"``."""
    return _script(request, Form.MODULE)


@router.get("/agora-rtc.global.js", include_in_schema=False)
@router.head("/agora-rtc.global.js", include_in_schema=False)
def classic_script(request: Request) -> Response:
    """The same for ``<script src>``, as ``window.AgoraRTC``."""
    return _script(request, Form.CLASSIC)


@router.get("/live", include_in_schema=False)
def live(request: Request, platform: PlatformDep) -> Response:
    """The demo page."""
    return _page("live.html", request, platform)


@router.get("/live/network", include_in_schema=False)
def network(request: Request, platform: PlatformDep) -> Response:
    """The page that tests the way between a visitor and this service."""
    return _page("network.html", request, platform)


@router.get("/live/facts.json", include_in_schema=False)
def facts(request: Request, platform: PlatformDep) -> Answer:
    """What the pages show of rooms to those who have no key."""
    shipped = platform.catalogue.avatars("", kind="default")
    links = platform.links(base_url_of(request, platform))
    return Answer({
        "unit_s": UNIT_S,
        "unit_coins": platform.prices[ITEM],
        "longest_s": platform.settings.live_longest_s,
        "poster": links.url(shipped[0].picture_key) if shipped else "",
    })  # fmt: skip


@router.get("/live/{name}", include_in_schema=False)
def part(name: str, request: Request, platform: PlatformDep) -> Response:
    """What the pages are made of."""
    if name not in page_names() or name.endswith(".html"):
        raise NotFoundError("There is no such page. The demo is at /live.", code="no_route")
    return _page(name, request, platform)


def _script(request: Request, form: Form) -> Response:
    """Any page may load it (CORS is the operator's setting); the version changes with the server's."""
    headers = {
        "Cache-Control": f"public, max-age={MODULE_CACHE_S}",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return _answer(request, module(form), headers)


def _page(name: str, request: Request, platform: Platform) -> Response:
    headers = {"Cache-Control": "no-cache", "Referrer-Policy": "no-referrer"}
    if page_file(name).media_type == HTML:
        headers |= {"Content-Security-Policy": page_policy(request, platform), "Permissions-Policy": "camera=()"}
    return _answer(request, page_file(name), headers)


def _answer(request: Request, file: Served, headers: dict[str, str]) -> Response:
    headers |= {"X-Content-Type-Options": "nosniff", "ETag": file.etag}
    known = request.headers.get("if-none-match", "").split(",")
    if file.etag in {tag.strip().removeprefix("W/") for tag in known}:
        return Response(status_code=304, headers=headers)
    return Response(file.body, media_type=file.media_type, headers=headers)
