"""The servers that the tap bench loads, each in a process of its own: the real one, and aiohttp with nothing in it."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from aiohttp import web

ANSWER = (
    b'{"id":"01990000-0000-7000-8000-000000000000","allowed":true,"reason":"paid",'
    b'"display_short":"Entrez. Reste 16,90",'
    b'"display_long":"Vous pouvez entrer. 3,10 debites du compte piscine. Il reste 16,90.",'
    b'"amount_cents":310,"balance_cents":1690,"entries_left":null}'
)


def bare_app() -> web.Application:
    """Return the least that aiohttp can do with the same body and an answer of the same size."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=ANSWER, content_type="application/json")

    app = web.Application()
    app.router.add_post("/api/v1/taps", answer)
    return app


def core_app(database_url: str, data_dir: Path, taps_gathered_max: int) -> web.Application:
    """Return the core as it is served, over a database."""
    from cvq_core.app import make_core
    from cvq_core.settings import Settings

    settings = Settings(
        database_url=database_url, data_dir=data_dir, database_pool_size=32, taps_gathered_max=taps_gathered_max
    )
    return make_core(settings)


async def _serve(app: web.Application) -> None:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    [address] = runner.addresses
    sys.stdout.write(f"{address[1]}\n")
    sys.stdout.flush()
    # The bench closes our standard input when it is done, also when it was killed.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


def main() -> None:
    """Run from the command line: print the port, serve until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database-url")
    parser.add_argument("--taps-gathered-max", type=int, default=128)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cvq-bench-data-") as folder:
        url = asked.database_url
        app = core_app(url, Path(folder), asked.taps_gathered_max) if url else bare_app()
        asyncio.run(_serve(app))


if __name__ == "__main__":
    main()
