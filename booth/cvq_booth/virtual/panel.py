"""The demonstration's panel: one page, on loopback, on which a visitor plays the resident's hands.

Cards are laid and taken away, paper runs out, covers open. It belongs to the virtual machines: a real booth has none.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from cvq_booth.virtual.control import ControlError
from cvq_booth.virtual.hands import (
    BadCards,
    CardHands,
    Machine,
    MachineView,
    OverrideHands,
    PaperHands,
    PrinterHands,
    read_cards,
)
from cvq_booth.virtual.process import stop_asked
from cvq_core.assets import STATIC
from cvq_core.text import choose_language, translator
from cvq_scanning.virtual import prepare

OWN_STATIC = Path(__file__).parent / "static"
FORM_BYTES_MAX = 4096
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Panel:
    """The machines at hand, and how their page is written."""

    machines: Sequence[Machine]
    templates: Environment

    async def views(self, language: str) -> list[MachineView]:
        """Return every machine as it is now."""
        words = translator(language).gettext
        return [await machine.view(words) for machine in self.machines]

    async def page(self, request: web.Request, template: str) -> web.Response:
        """Return the page, or only what changes on it."""
        language = choose_language(request.headers.get("Accept-Language"))
        html = self.templates.get_template(template).render(
            machines=await self.views(language), language=language, _=translator(language).gettext
        )
        return web.Response(text=html, content_type="text/html", headers=HEADERS | {"Content-Language": language})

    async def show(self, request: web.Request) -> web.Response:
        """`GET /`: the page."""
        return await self.page(request, "panel.html")

    async def show_machines(self, request: web.Request) -> web.Response:
        """`GET /machines`: what changes on the page."""
        return await self.page(request, "machines.html")

    async def do(self, request: web.Request) -> web.Response:
        """`POST /gestures`: do one of the gestures that the page offers; one that it no longer offers is let be."""
        name = str((await request.post()).get("gesture", ""))
        for view in await self.views("fr"):
            for _, gestures in view.groups:
                for gesture in gestures:
                    if gesture.name == name:
                        await gesture.do()
        raise web.HTTPSeeOther("/")

    async def show_sheet(self, request: web.Request) -> web.FileResponse:
        """`GET /sheets/3`: the third sheet that came out of the printer."""
        sheets = [sheet for view in await self.views("fr") for sheet in view.sheets]
        number = int(request.match_info["number"])
        if not 1 <= number <= len(sheets) or not sheets[number - 1].is_file():
            raise web.HTTPNotFound
        return web.FileResponse(sheets[number - 1], headers={"Cache-Control": "no-store"})


@web.middleware
async def on_this_machine_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what another site's page makes the visitor's browser send, and names that only lead to loopback."""
    own = {f"127.0.0.1:{request.url.port}", f"localhost:{request.url.port}"}
    if request.host not in own:
        raise web.HTTPForbidden(text="Cette page ne s’ouvre que sur cette machine.")
    if request.method == "POST" and request.headers.get("Origin") not in {f"http://{host}" for host in own}:
        raise web.HTTPForbidden(text="Ce bouton ne s’utilise que depuis sa page.")
    try:
        return await handler(request)
    except ControlError as error:
        raise web.HTTPBadGateway(text=f"La machine virtuelle ne répond pas : {error}") from error


def create_panel(machines: Sequence[Machine]) -> web.Application:
    """Return the panel over some machines, to be served on loopback."""
    templates = Environment(
        loader=PackageLoader("cvq_booth.virtual"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    templates.globals["static"] = lambda path: f"/static/{path}"
    panel = Panel(machines, templates)
    application = web.Application(client_max_size=FORM_BYTES_MAX, middlewares=[on_this_machine_only])
    application.router.add_get("/", panel.show)
    application.router.add_get("/machines", panel.show_machines)
    application.router.add_post("/gestures", panel.do)
    application.router.add_get(r"/sheets/{number:\d{1,4}}", panel.show_sheet)
    application.router.add_static("/static/panel", OWN_STATIC)
    application.router.add_static("/static", STATIC)
    return application


async def _run(machines: Sequence[Machine], port: int) -> None:
    asked = stop_asked()
    runner = web.AppRunner(create_panel(machines))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    sys.stdout.write(f"http://127.0.0.1:{runner.addresses[0][1]}/\n")
    sys.stdout.flush()
    try:
        await asked.wait()
    finally:
        await runner.cleanup()


def main(arguments: list[str] | None = None) -> None:
    """Serve the panel on loopback until Ctrl-C; the first line printed is its address."""
    parser = argparse.ArgumentParser(prog="python -m cvq_booth.virtual.panel", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="a free one by default")
    parser.add_argument("--cards", type=Path, help='JSON list of cards: [{"label": "…", "uid": "04…"}]')
    parser.add_argument("--reader-control", type=Path, help="`control` of python -m cvq_booth.virtual.cards")
    parser.add_argument("--printer-control", type=Path, help="`control` of python -m cvq_booth.virtual.printer")
    parser.add_argument("--scanner-dir", type=Path, help="folder of python -m cvq_scanning.virtual")
    parser.add_argument("--overrides", type=Path, help="the booth's file of scanner overrides, to write troubles into")
    parser.add_argument("--scanner", help="SANE device whose overrides are written")
    options = parser.parse_args(arguments)
    if bool(options.overrides) != bool(options.scanner):
        parser.error("--overrides and --scanner go together")
    machines: list[Machine] = []
    if options.reader_control:
        try:
            machines.append(CardHands(options.reader_control, read_cards(options.cards) if options.cards else []))
        except BadCards as error:
            parser.error(str(error))
    if options.scanner_dir:
        machines.append(PaperHands(prepare(options.scanner_dir)))
    elif options.overrides:
        machines.append(OverrideHands(options.overrides, options.scanner))
    if options.printer_control:
        machines.append(PrinterHands(options.printer_control))
    asyncio.run(_run(machines, options.port))


if __name__ == "__main__":
    main()
