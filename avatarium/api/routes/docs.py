"""The pages at ``/docs``: one page, made in the browser out of the OpenAPI document; nothing from another host."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from starlette.responses import RedirectResponse, Response

from avatarium.api.routing import Router
from avatarium.errors import NotFoundError

PAGES = Path(__file__).parents[1] / "pages"
TYPES = {"docs.html": "text/html", "docs.css": "text/css", "docs.js": "text/javascript"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

router = Router()


@router.get("/", include_in_schema=False)
async def home() -> Response:
    """People who open the address of the API find its documentation."""
    return RedirectResponse("/docs", status_code=307)


@router.get("/docs", include_in_schema=False)
async def docs() -> Response:
    """The documentation."""
    return _page("docs.html")


@router.get("/docs/{name}", include_in_schema=False)
async def part(name: str) -> Response:
    """What the page is made of."""
    if name not in TYPES:
        raise NotFoundError("There is no such page. The documentation is at /docs.", code="no_route")
    return _page(name)


def _page(name: str) -> Response:
    headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
    return Response(_content(name), media_type=TYPES[name], headers=headers)


@cache
def _content(name: str) -> bytes:
    return (PAGES / name).read_bytes()
