"""How long a call takes to stand, and how late the picture is, beside the least that two pages can do.

Two Chromium processes, each with a virtual camera whose every frame carries its number. A round opens both ends with
their cameras, starts the call, waits for the first frame at both ends and then watches frames go by: the time between
the camera's own end and the other end is what the call adds to the glass. Rounds of the bare page and of ours
alternate. Both ends read one machine's clock.
"""

from __future__ import annotations

import asyncio
import tempfile
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from cvq_advisor_console.bench.conditions import BenchError, Watch
from cvq_advisor_console.demo.browsers import film, marks_script, open_browser
from cvq_core.assets import STATIC

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

OWN_STATIC = Path(__file__).parent / "static"
FRAMES_WARM = 15
FRAMES_COMPARED = 60
PATIENCE_S = 60.0
POLL_S = 0.05
ROUNDS_MIN = 5

Sightings = Sequence[tuple[float, int]]


@dataclass(frozen=True, slots=True)
class CallPages:
    """Both ends of a call as pages.

    `ready` is a JavaScript condition that holds when cameras are open and the call can start; `start` is run in the
    advisor's page and starts it. A `{round}` in an address is replaced, so that no two rounds meet.
    """

    advisor_url: str
    booth_url: str
    ready: str = "typeof startCall === 'function'"
    start: str = "startCall()"


@dataclass(frozen=True, slots=True)
class CallRound:
    """What one call showed, in milliseconds; `glass_ms` holds one value a frame, of both directions."""

    setup_ms: float
    glass_ms: list[float]


async def run(rounds: int = ROUNDS_MIN, ours: CallPages | None = None) -> dict[str, Any]:
    """Measure `rounds` calls of each kind and return the bench's object (`bench`, `ratios`, `figures`, `conditions`).

    Args:
        rounds: at least five.
        ours: the pages to measure; by default the product's peer over the same small relay as the bare page.

    Raises:
        BenchError: a part is missing, or a call did not come to stand.
    """
    if rounds < ROUNDS_MIN:
        raise BenchError(f"{rounds} rounds make no median; at least {ROUNDS_MIN}")
    watch = Watch()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cvq-bench-call-")))
        cameras = [await film(folder, end) for end in ("advisor", "resident")]
        origin = await stack.enter_async_context(_serve())
        browsers = [await stack.enter_async_context(open_browser(camera)) for camera in cameras]
        kinds = {"bare": _own_pages(origin, "bare"), "ours": ours or _own_pages(origin, "ours")}
        results: dict[str, list[CallRound]] = {"bare": [], "ours": []}
        for number in range(rounds):
            # Whatever warms up or gets tired meanwhile touches both kinds alike.
            for kind in ("bare", "ours") if number % 2 == 0 else ("ours", "bare"):
                results[kind].append(await measure(browsers[0], browsers[1], kinds[kind], f"{kind}{number}"))
        conditions = watch.conditions() | {"rounds": rounds, "chromium": browsers[0].version}
    return {
        "bench": "call",
        "ratios": {},
        "figures": figures(results["bare"], results["ours"]),
        "conditions": conditions,
    }


def figures(bare: Sequence[CallRound], ours: Sequence[CallRound]) -> dict[str, Any]:
    """Return the figures of both kinds of call; what ours adds is a difference of medians."""
    kinds = {"bare": bare, "ours": ours}
    setup = {kind: median(one.setup_ms for one in rounds) for kind, rounds in kinds.items()}
    glass = {kind: median(value for one in rounds for value in one.glass_ms) for kind, rounds in kinds.items()}
    return {
        "call_setup_added_ms": round(setup["ours"] - setup["bare"], 1),
        "call_glass_added_ms": round(glass["ours"] - glass["bare"], 1),
        "call_setup_bare_ms": round(setup["bare"], 1),
        "call_setup_ours_ms": round(setup["ours"], 1),
        "call_glass_bare_ms": round(glass["bare"], 1),
        "call_glass_ours_ms": round(glass["ours"], 1),
        "call_setup_bare_rounds_ms": [round(one.setup_ms, 1) for one in bare],
        "call_setup_ours_rounds_ms": [round(one.setup_ms, 1) for one in ours],
        "call_glass_bare_rounds_ms": [round(median(one.glass_ms), 1) for one in bare],
        "call_glass_ours_rounds_ms": [round(median(one.glass_ms), 1) for one in ours],
    }


async def measure(advisor_browser: Browser, booth_browser: Browser, pages: CallPages, name: str) -> CallRound:
    """Make one call between two browsers, cold but for the cameras, and watch it."""
    async with (
        _page(advisor_browser, pages.advisor_url.replace("{round}", name)) as advisor,
        _page(booth_browser, pages.booth_url.replace("{round}", name)) as booth,
    ):
        for page in (advisor, booth):
            await _until(page, f"{pages.ready} && cvqProbe.local.length > 5", "its camera is open")
        begun_ms = await advisor.evaluate(
            f"(() => {{ const at = performance.timeOrigin + performance.now(); {pages.start}; return at; }})()"
        )
        for page in (advisor, booth):
            await _until(page, "cvqProbe.first !== null", "the first frame of the other end")
        for page in (advisor, booth):
            await _until(page, f"cvqProbe.remote.length >= {FRAMES_WARM + FRAMES_COMPARED}", "frames of the other end")
        seen = [await page.evaluate("cvqProbe") for page in (advisor, booth)]
    glass = [
        late_ms
        for here, there in ((seen[0], seen[1]), (seen[1], seen[0]))
        for late_ms in delays_ms(there["local"], here["remote"][FRAMES_WARM:])
    ]
    if not glass:
        raise BenchError("no frame could be found at both ends")
    return CallRound(max(one["first"] for one in seen) - begun_ms, glass)


def delays_ms(local: Sightings, remote: Sightings) -> list[float]:
    """Return how late each frame was at the other end.

    A camera plays its film in a loop, so a frame's number comes again: what counts is when it was last seen before.

    Args:
        local: time in milliseconds and number of the frames that a camera's own end showed, in their order.
        remote: the same of the other end.
    """
    shown: dict[int, list[float]] = {}
    for at_ms, frame in local:
        shown.setdefault(frame, []).append(at_ms)
    delays = []
    for at_ms, frame in remote:
        times = shown.get(frame, [])
        index = bisect_right(times, at_ms)
        if index:
            delays.append(at_ms - times[index - 1])
    return delays


def _own_pages(origin: str, kind: str) -> CallPages:
    address = f"{origin}/bench/{kind}.html?room={{round}}&end="
    return CallPages(f"{address}console", f"{address}booth")


@asynccontextmanager
async def _page(browser: Browser, url: str) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport={"width": 800, "height": 600})
    try:
        await context.add_init_script(path=marks_script())
        await context.add_init_script(path=OWN_STATIC / "probe.js")
        page = await context.new_page()
        await page.goto(url)
        yield page
    finally:
        await context.close()


async def _until(page: Page, condition: str, what: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not await page.evaluate(condition):  # noqa: ASYNC110 - a page sets no asyncio.Event
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise BenchError(f"{page.url} waited in vain for {what}") from None


@asynccontextmanager
async def _serve() -> AsyncIterator[str]:
    """Serve the pages and a relay between the two ends of a room, on a free loopback port."""
    ends: dict[tuple[str, str], web.WebSocketResponse] = {}

    async def relay(request: web.Request) -> web.WebSocketResponse:
        room, end = request.query["room"], request.query["end"]
        socket = web.WebSocketResponse(max_msg_size=256 * 1024)
        await socket.prepare(request)
        ends[room, end] = socket
        async for message in socket:
            other = ends.get((room, "booth" if end == "console" else "console"))
            if message.type is WSMsgType.TEXT and other is not None and not other.closed:
                await other.send_str(message.data)
        return socket

    application = web.Application()
    application.router.add_get("/signals", relay)
    application.router.add_static("/static/", STATIC)
    application.router.add_static("/bench/", OWN_STATIC)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://localhost:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
