"""The pages of tablets. They hold nothing by themselves: what they show they ask for with the tablet's own key.

A tablet keeps them, so that they open without a network: `worker.js` lists all that they are made of.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from aiohttp import web

from cvq_core.assets import STATIC
from cvq_core.web import PUBLIC, Context, Routes

TEMPLATES = Path(__file__).parent / "templates"
URL = "/tablette"
PAGES = {URL: "tablet.html", f"{URL}/decheterie": "waste_tablet.html"}
PARTS = (
    "favicon.svg",
    "vendor/pico.css",
    "vendor/icons.svg",
    "vendor/atkinson-hyperlegible-next-latin-400-normal.woff2",
    "vendor/atkinson-hyperlegible-next-latin-700-normal.woff2",
    "css/tokens.css",
    "css/base.css",
    "css/controls.css",
    "css/parts.css",
    "css/tablet.css",
    "css/waste-tablet.css",
    "waste.svg",
    "js/tablet.js",
    "js/tablet-device.js",
    "js/tablet-queue.js",
    "js/waste-list.js",
    "js/waste-tablet.js",
)
"""The static files of the pages: a file that is missing here is missing without a network."""

routes = Routes(tag="pages")


@routes.get(URL, access=PUBLIC)
async def tablet_page(context: Context) -> web.Response:
    """Show the roll call's page, empty: the tablet's browser proves itself to the API."""
    return context.page(PAGES[URL])


@routes.get(f"{URL}/decheterie", access=PUBLIC)
async def waste_tablet_page(context: Context) -> web.Response:
    """Show the page of a waste centre's attendant, empty."""
    return context.page(PAGES[f"{URL}/decheterie"])


@routes.get(f"{URL}/worker.js", access=PUBLIC)
async def worker(context: Context) -> web.Response:
    """Give the browser what keeps the pages, with the version of all that they are made of."""
    files = [*PAGES, *(f"/static/{part}" for part in PARTS)]
    kept = json.dumps({"version": _version(context), "files": files})
    code = (STATIC / "js/tablet-worker.js").read_text(encoding="utf-8")
    return web.Response(
        text=f"self.KEPT = {kept};\n{code}",
        content_type="text/javascript",
        headers={"Service-Worker-Allowed": URL},
    )


def _version(context: Context) -> str:
    """Return what changes when anything in the pages does."""
    templates = context.services.templates
    found = hashlib.sha256()
    for page in PAGES.values():
        found.update(templates.render(page, context.language, shell=None, csrf_token="").encode())
    for part in PARTS:
        found.update((STATIC / part).read_bytes())
    return found.hexdigest()[:16]
