"""A small site that shows every page and state from sample values, with the product's templates, assets and headers.

`python -m tests.e2e.look.preview` serves it on a free port of the loopback, to look at while drawing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import WSMsgType, web

from cvq_core.assets import STATIC
from cvq_core.facilities.offers import TEMPLATES as OFFERS
from cvq_core.invoice_papers.routes import TEMPLATES as INVOICES
from cvq_core.payments.routes import TEMPLATES as PAYMENTS
from cvq_core.web.security import HEADERS
from cvq_core.web.templates import Templates
from tests.e2e.look.samples import NOW, SAMPLES

CONSOLE = Path(__file__).parents[3] / "advisor-console/cvq_advisor_console"
AXE_FOLDER = "/static/axe"

RECEIVED: web.AppKey[list[tuple[str, bytes]]] = web.AppKey("received", list)
"""Path and body of each request that a page sent to be acted upon."""


@web.middleware
async def _headers(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    response = await handler(request)
    if not response.prepared:
        response.headers.update(HEADERS)
    return response


def preview_app() -> web.Application:
    """Return the site: `/` lists the samples, `/look/<name>` shows one."""
    templates = Templates()
    templates.add_folder(CONSOLE / "templates")
    templates.add_folder(PAYMENTS)
    templates.add_folder(INVOICES)
    templates.add_folder(OFFERS)

    def render(name: str) -> str:
        sample = SAMPLES[name]
        return templates.render(sample.template, "fr", csrf_token="jeton", now=NOW, path="/", **sample.values)

    async def show(request: web.Request) -> web.Response:
        return web.Response(text=render(request.match_info["name"]), content_type="text/html")

    async def listing(_: web.Request) -> web.Response:
        items = "".join(f'<li><a href="/look/{name}">{name}</a></li>' for name in SAMPLES)
        return web.Response(text=f"<ul>{items}</ul>", content_type="text/html")

    async def live(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT and message.json()["type"] == "ping":
                await socket.send_json({"type": "pong"})
        return socket

    async def answered(request: web.Request) -> web.Response:
        request.app[RECEIVED].append((request.path, await request.read()))
        return web.json_response({}) if request.path.startswith("/drafts/") else web.Response(status=204)

    app = web.Application(middlewares=[_headers])
    app[RECEIVED] = []
    app.router.add_static("/static/console", CONSOLE / "static")
    app.router.add_static(AXE_FOLDER, Path(__file__).parents[3] / "node_modules/axe-core")
    app.router.add_static("/static", STATIC)
    app.router.add_get("/api/v1/live", live)
    app.router.add_get("/", listing)
    app.router.add_get("/look/{name}", show)
    app.router.add_route("*", "/{rest:.*}", answered)
    return app


if __name__ == "__main__":
    web.run_app(preview_app(), host="127.0.0.1", port=8765)
