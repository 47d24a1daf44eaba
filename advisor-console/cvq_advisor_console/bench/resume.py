"""How soon a visit is back in its call after each fault.

Back means all of it: both ends decode new frames that change, the console says that its line is good, the server hears
the booth, and a word typed after the fault stands on screen 2. A program that was killed is started again at once, as
its supervisor does. The figure counts from the moment when the fault is over: the program answers again, the page is
asked for anew, the line is whole. The time with the start of the program is beside it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from statistics import median
from typing import Any

from cvq_advisor_console.bench.cable import Cable
from cvq_advisor_console.bench.conditions import BenchError, Watch
from cvq_advisor_console.bench.visit_in_call import VisitInCall, until, visit_in_call
from cvq_advisor_console.demo.site import Site
from cvq_core.bench.harness import BenchOptions

ROUNDS_MIN = 5
CUT_S = 3.0
FIELD = "[name=child_given_name]"
NO_NEWS = "Plus de nouvelles du guichet"

Fault = Callable[[], Awaitable[None]]
Seconds = tuple[float, float]


async def run(options: BenchOptions) -> dict[str, Any]:
    """Bring each fault about once a round, and return the bench's object.

    Raises:
        BenchError: fewer than five rounds, or a visit that did not come back.
        BrowserMissing: browsers cannot run here.
    """
    if options.rounds < ROUNDS_MIN:
        raise BenchError(f"{options.rounds} rounds make no median; at least {ROUNDS_MIN}")
    watch = Watch()
    seconds: dict[str, list[Seconds]] = {}
    async with AsyncExitStack() as stack:
        site_cable: list[Cable] = []

        async def through_cable(site: Site) -> dict[str, str]:
            cable = await stack.enter_async_context(Cable(site.port))
            site_cable.append(cable)
            return {"CVQ_BOOTH_DESK_URL": cable.url}

        visit = await stack.enter_async_context(
            visit_in_call(database_url=options.database_url or "", booth_settings=through_cable)
        )
        faults = _faults(visit, site_cable[0])
        for number in range(options.rounds):
            for name, bring_about in faults.items():
                word = f"{name} {number}"
                seconds.setdefault(name, []).append(await _back_after(visit, bring_about, word))
        conditions = watch.conditions() | {
            "rounds": options.rounds,
            "chromium": visit.chromium,
            "database": "postgresql" if options.database_url else "sqlite",
            "line_cut_s": CUT_S,
        }
    return result(seconds, conditions)


def result(seconds: dict[str, list[Seconds]], conditions: dict[str, object]) -> dict[str, Any]:
    """Return the bench's object of each fault's rounds: seconds from the fault's end, and from its beginning."""
    figures: dict[str, float] = {
        "resume_s": round(max(median(since for since, _ in one) for one in seconds.values()), 2)
    }
    for name, one in seconds.items():
        figures[f"resume_{name}_s"] = round(median(since for since, _ in one), 2)
        figures[f"resume_{name}_max_s"] = round(max(since for since, _ in one), 2)
        figures[f"resume_{name}_from_fault_s"] = round(median(whole for _, whole in one), 2)
    return {"bench": "resume", "ratios": {}, "figures": figures, "conditions": conditions}


def _faults(visit: VisitInCall, cable: Cable) -> dict[str, Fault]:
    site = visit.site

    async def server() -> None:
        if site.server:
            await site.server.kill()
        await site.start_server()

    async def agent() -> None:
        if site.booth:
            await site.booth.kill()
        await site.start_booth()

    async def page() -> None:
        await visit.console.reload(wait_until="commit")

    async def line() -> None:
        cable.cut()
        await asyncio.sleep(CUT_S)
        cable.mend()

    return {"server": server, "agent": agent, "page": page, "line": line}


async def _back_after(visit: VisitInCall, bring_about: Fault, word: str) -> Seconds:
    begun = time.monotonic()
    await bring_about()
    over = time.monotonic()
    await _console_is_back(visit)
    await visit.frames_move()
    field = visit.console.locator(FIELD)
    await field.focus()
    await field.fill(word)
    await visit.is_mirrored(word)
    await until(
        visit.console,
        "words => !document.querySelector('#machines')?.textContent.includes(words)",
        NO_NEWS,
        "news of the booth",
    )
    back = time.monotonic()
    return back - over, back - begun


async def _console_is_back(visit: VisitInCall) -> None:
    script = """() => document.getElementById('line')?.dataset.line === 'ok'
        && document.querySelector('#face')?.dataset.face === 'live'
        && document.querySelector('form[data-draft-url]') !== null"""
    await until(visit.console, script, None, "its line and the call")
