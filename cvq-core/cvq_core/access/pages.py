"""The page of a canteen's tablet. It holds nothing by itself: what it shows it asks for with the tablet's own key."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from cvq_core.web import PUBLIC, Context, Routes

TEMPLATES = Path(__file__).parent / "templates"

routes = Routes(tag="pages")


@routes.get("/tablette", access=PUBLIC)
async def tablet_page(context: Context) -> web.Response:
    """Show the roll call's page, empty: the tablet's browser proves itself to the API."""
    return context.page("tablet.html")
