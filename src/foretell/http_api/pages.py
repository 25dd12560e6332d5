"""GET /console: one page for people, which asks nobody but this server. Its parts lie in the folder console."""

from __future__ import annotations

from importlib import resources

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from foretell.http_api.door import Door
from foretell.http_api.problems import problem_of

FOLDER = resources.files("foretell.http_api") / "console"
KINDS = {
    "console.html": "text/html",
    "console.css": "text/css",
    "console.js": "text/javascript",
    "pictures.js": "text/javascript",
    "uPlot.iife.min.js": "text/javascript",
    "uPlot.min.css": "text/css",
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
"""No outside request; uPlot sets styles on its own elements."""


def console(_: Door) -> HTTPRouteHandler:
    @get("/console", summary="The console, a page for people")
    async def handle() -> Response[bytes]:
        """SQL with a table and a picture."""
        return _file("console.html")

    return handle


def part(_: Door) -> HTTPRouteHandler:
    @get("/console/{name:str}", summary="A part of the console")
    async def handle(name: FromPath[str]) -> Response[bytes]:
        """Script or style."""
        return _file(name) if name in KINDS else problem_of(404, f"the console has no part {name}")

    return handle


def _file(name: str) -> Response[bytes]:
    return Response((FOLDER / name).read_bytes(), media_type=KINDS[name], headers=HEADERS)
