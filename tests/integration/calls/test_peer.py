"""`peer.js`, both ends in one page of a real browser, over a signalling that loses, repeats and delays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page

from tests.integration.calls.stage import Site, open_page, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOTH = "stage.bothConnected()"


@asynccontextmanager
async def pair(site: Site, browser: Browser, prepare: str = "") -> AsyncIterator[Page]:
    """Open the page, prepare its wire, and then both ends: the console first."""
    async with open_page(browser, f"{site.url}/pages/pair.html") as page:
        await until(page, "globalThis.stage?.ready")
        await page.evaluate(f"{{ {prepare} }} stage.open('console'); stage.open('booth');")
        yield page


async def test_two_pages_find_each_other_whoever_comes_first(site: Site, bare_browser: Browser) -> None:
    for first, second in (("console", "booth"), ("booth", "console")):
        async with open_page(bare_browser, f"{site.url}/pages/pair.html") as page:
            await until(page, "globalThis.stage?.ready")
            open_with_picture = "name => { stage.open(name).addStream(stage.picture('teal')); }"
            await page.evaluate(open_with_picture, first)
            await until(page, "stage.wire.passed.length === 1")
            await page.evaluate(open_with_picture, second)
            await until(page, f"{BOTH} && stage.tracks.console.length === 1 && stage.tracks.booth.length === 1")
            assert await page.evaluate("stage.connections.length") == 2
            offers = "stage.wire.passed.filter(({signal}) => signal.description?.type === 'offer').map(p => p.end)"
            assert await page.evaluate(offers) == ["console"]


@pytest.mark.parametrize(
    "lost",
    [
        "signal.kind === 'hello'",
        "signal.kind === 'welcome'",
        "signal.description?.type === 'offer'",
        "signal.description?.type === 'answer'",
        "signal.kind === 'candidate'",
        "true",
    ],
)
async def test_whatever_the_signalling_lost_is_made_up_for_when_it_is_back(
    site: Site, bare_browser: Browser, lost: str
) -> None:
    prepare = f"let lost = 0; stage.wire.loses = signal => ({lost}) && ++lost > 0; stage.lost = () => lost;"
    async with pair(site, bare_browser, prepare) as page:
        await until(page, "stage.lost() > 0")
        await page.evaluate("stage.wire.loses = () => false; stage.console.signallingBack()")
        await page.evaluate("stage.booth.signallingBack()")
        await until(page, BOTH)


async def test_a_lost_welcome_is_noticed_by_what_follows_it(site: Site, bare_browser: Browser) -> None:
    prepare = """
        let lost = 0;
        const greets = (signal) => ["hello", "welcome"].includes(signal.kind);
        stage.wire.loses = (signal, end) => end === "console" && greets(signal) && ++lost <= 2;
    """
    async with pair(site, bare_browser, prepare) as page:
        await until(page, BOTH)
        assert await page.evaluate("stage.log.filter(([, event]) => event === 'retry')") == []


async def test_one_end_alone_coming_back_heals_both(site: Site, bare_browser: Browser) -> None:
    for back in ("console", "booth"):
        prepare = "stage.wire.loses = signal => signal.kind === 'description';"
        async with pair(site, bare_browser, prepare) as page:
            await until(page, "stage.wire.passed.some(({signal}) => signal.kind === 'description')")
            await page.evaluate("name => { stage.wire.loses = () => false; stage[name].signallingBack(); }", back)
            await until(page, BOTH)


async def test_signals_that_come_twice_do_no_harm(site: Site, bare_browser: Browser) -> None:
    async with pair(site, bare_browser, "stage.wire.repeats = 2;") as page:
        await until(page, BOTH)
        assert await page.evaluate("stage.connections.length") == 2


async def test_when_both_offer_at_once_the_polite_end_gives_way_and_both_streams_arrive(
    site: Site, bare_browser: Browser
) -> None:
    async with pair(site, bare_browser) as page:
        await until(page, BOTH)
        await page.evaluate("""
            stage.console.addStream(stage.picture('teal'));
            stage.booth.addStream(stage.picture('gold'));
        """)
        await until(page, "stage.tracks.console.length === 1 && stage.tracks.booth.length === 1")
        offers = "stage.wire.passed.filter(({signal}) => signal.description?.type === 'offer').map(p => p.end)"
        assert set(await page.evaluate(offers)) == {"console", "booth"}
        for name in ("console", "booth"):
            await until(page, f"stage.{name}.stats().then(({{video}}) => video.framesDecoded > 2)")
        assert await page.evaluate("stage.connections.length") == 2


@pytest.mark.parametrize("reloaded", ["console", "booth"])
async def test_a_new_generation_at_one_end_makes_the_other_one_build_anew(
    site: Site, bare_browser: Browser, reloaded: str
) -> None:
    async with pair(site, bare_browser) as page:
        await until(page, BOTH)
        await page.evaluate("name => { stage.old = stage[name]; stage.open(name); }", reloaded)
        await until(page, BOTH)
        assert await page.evaluate("stage.connections.length") == 4
        await until(page, "stage.channels.console.at(-1).readyState === 'open'")


async def test_signals_of_an_older_generation_are_dropped(site: Site, bare_browser: Browser) -> None:
    async with pair(site, bare_browser) as page:
        await until(page, BOTH)
        await page.evaluate("stage.kept = stage.wire.passed.filter(p => p.end === 'booth').map(p => p.signal)")
        await page.evaluate("stage.old = stage.booth; stage.open('booth'); void 0")
        await until(page, BOTH)
        before = await page.evaluate("[stage.connections.length, stage.states.console.length]")
        await page.evaluate("for (const signal of stage.kept) stage.console.receive(signal)")
        await page.evaluate("stage.booth.addStream(stage.picture('gold'))")
        await until(page, "stage.tracks.console.length === 1")
        assert await page.evaluate("[stage.connections.length, stage.states.console.length]") == before
        stale = "stage.log.filter(([end, event]) => end === 'console' && event === 'stale').length >= stage.kept.length"
        assert await page.evaluate(stale)


async def test_a_second_window_takes_the_place_of_the_first_which_is_told(site: Site, bare_browser: Browser) -> None:
    async with pair(site, bare_browser) as page:
        await until(page, BOTH)
        await page.evaluate("""
            stage.first = stage.console;
            stage.open('console');
            const second = stage.console;
            stage.wire.plug('console', { receive: data => { stage.first.receive(data); second.receive(data); } });
        """)
        await until(page, BOTH)
        await until(page, "stage.first.state === 'replaced'")
        await page.evaluate("stage.first.signallingBack()")
        assert await page.evaluate(BOTH)


async def test_closing_leaves_the_other_end_waiting_and_a_closed_peer_says_nothing_more(
    site: Site, bare_browser: Browser
) -> None:
    async with pair(site, bare_browser) as page:
        await until(page, BOTH)
        await page.evaluate("stage.console.close()")
        await until(page, "stage.booth.state === 'waiting'")
        assert await page.evaluate("stage.states.console") == ["connecting", "connected", "closed"]
        said = await page.evaluate("stage.wire.passed.filter(p => p.end === 'console').length")
        await page.evaluate("stage.console.signallingBack(); stage.console.restart(); stage.console.close()")
        assert await page.evaluate("stage.wire.passed.filter(p => p.end === 'console').length") == said
        await page.evaluate("stage.open('console'); void 0")
        await until(page, BOTH)


async def test_restarting_finds_a_new_way_in_the_same_connection_and_the_console_alone_offers(
    site: Site, bare_browser: Browser
) -> None:
    offers = "stage.wire.passed.filter(({signal}) => signal.description?.type === 'offer').map(p => p.end)"
    for asked in ("console", "booth"):
        async with pair(site, bare_browser) as page:
            await until(page, BOTH)
            await page.evaluate("name => stage[name].restart()", asked)
            await until(page, f"{offers}.length === 2")
            await until(page, "stage.connections.every(one => one.signalingState === 'stable')")
            await until(page, BOTH)
            assert await page.evaluate(offers) == ["console", "console"]
            assert await page.evaluate("stage.connections.length") == 2


async def test_with_an_end_that_cannot_restart_ice_a_new_connection_is_built(site: Site, bare_browser: Browser) -> None:
    async with pair(site, bare_browser, "stage.loses = 0;") as page:
        await until(page, BOTH)
        await page.evaluate("""
            const send = stage.wire.end('booth');
            stage.booth.close();
            stage.open('booth', { send: data => send({ ...data, ice_restart: false }) });
        """)
        await until(page, BOTH)
        before = await page.evaluate("stage.connections.length")
        await page.evaluate("stage.console.restart()")
        await until(page, f"stage.connections.length === {before} + 2 && {BOTH}")


async def test_an_end_that_comes_back_is_told_of_a_generation_that_it_missed(site: Site, bare_browser: Browser) -> None:
    async with pair(site, bare_browser) as page:
        await until(page, BOTH)
        # The console gives its connection up and begins anew while nothing reaches the booth.
        await page.evaluate("""
            stage.wire.loses = () => true;
            const { signal } = stage.wire.passed.findLast(p => p.end === 'booth');
            const [from, to] = [signal.from, signal.to];
            const bad = { kind: "description", from, to, offer: 7, description: { type: "offer", sdp: "x" } };
            stage.console.receive(bad);
        """)
        await until(page, "stage.log.some(([end, event]) => end === 'console' && event === 'rebuild')")
        await page.evaluate("stage.wire.loses = () => false; stage.booth.signallingBack()")
        await until(page, BOTH)
        assert await page.evaluate("stage.connections.length") == 4


async def test_nonsense_from_the_signalling_is_dropped(site: Site, bare_browser: Browser) -> None:
    async with pair(site, bare_browser) as page:
        await until(page, BOTH)
        await page.evaluate("""
            const { from, to } = stage.wire.passed.at(-1).signal;
            for (const data of [
                null, undefined, 5, "hello", [], {}, { kind: "hello" }, { kind: 5, from: 7, to: null },
                { kind: "hello", from: "x".repeat(65), to: null }, { kind: "surprise", from, to },
                { kind: "description", from, to }, { kind: "candidate", from, to, candidate: { candidate: "x" } },
                { kind: "description", from, to, offer: -1, description: { type: "answer", sdp: "x" } },
            ]) {
                stage.console.receive(data);
                stage.booth.receive(data);
            }
            stage.console.addStream(stage.picture('teal'));
        """)
        await until(page, "stage.tracks.booth.length === 1")
        assert await page.evaluate(BOTH)


async def test_an_offer_that_cannot_be_taken_ends_in_a_new_connection(site: Site, bare_browser: Browser) -> None:
    async with pair(site, bare_browser) as page:
        await until(page, BOTH)
        await page.evaluate("""
            const { signal } = stage.wire.passed.findLast(p => p.end === 'console');
            const [from, to] = [signal.from, signal.to];
            stage.booth.receive({ kind: "description", from, to, offer: 99, description: { type: "offer", sdp: "x" } });
        """)
        await until(page, "stage.states.booth.includes('interrupted')")
        await until(page, BOTH)
        assert await page.evaluate("stage.connections.length") == 4


async def test_without_servers_named_none_is_asked_and_a_new_list_serves_the_next_attempt(
    site: Site, bare_browser: Browser
) -> None:
    async with pair(site, bare_browser) as page:
        await until(page, BOTH)
        assert await page.evaluate("stage.connections.map(one => one.getConfiguration().iceServers.length)") == [0, 0]
        await page.evaluate("stage.console.setIceServers([{ urls: 'stun:127.0.0.1:9' }])")
        urls = "stage.connections.flatMap(one => one.getConfiguration().iceServers.flatMap(server => server.urls))"
        assert await page.evaluate(urls) == ["stun:127.0.0.1:9"]


async def test_servers_that_make_no_sense_are_logged_and_a_better_list_serves(
    site: Site, bare_browser: Browser
) -> None:
    async with open_page(bare_browser, f"{site.url}/pages/pair.html") as page:
        await until(page, "globalThis.stage?.ready")
        await page.evaluate("""
            stage.open('console', { iceServers: [{ urls: 'http://nonsense' }] });
            stage.open('booth');
        """)
        await until(page, "stage.log.some(([end, event]) => end === 'console' && event === 'failure')")
        await page.evaluate("stage.console.setIceServers([])")
        await until(page, BOTH)


async def test_the_picture_is_capped_so_that_papers_keep_their_share(site: Site, bare_browser: Browser) -> None:
    async with pair(site, bare_browser) as page:
        await until(page, BOTH)
        await page.evaluate("stage.console.addStream(stage.picture('teal'))")
        senders = "stage.connections.flatMap(one => one.getSenders())"
        await until(page, f"{senders}.some(sender => sender.getParameters().encodings[0]?.maxBitrate === 600_000)")


async def test_a_camera_that_cannot_be_had_leaves_the_microphone(site: Site, bare_browser: Browser) -> None:
    async with open_page(bare_browser, f"{site.url}/pages/pair.html") as page:
        await until(page, "globalThis.stage?.ready")
        opened = await page.evaluate("""async () => {
            const sound = () => {
                const context = new AudioContext();
                return context.createMediaStreamDestination().stream;
            };
            navigator.mediaDevices.getUserMedia = async ({ audio, video }) => {
                if (video) throw new DOMException("", "NotReadableError");
                return sound(audio);
            };
            const { stream, missing, trouble } = await stage.openMedia();
            return { kinds: stream.getTracks().map(track => track.kind), missing, trouble };
        }""")
        assert opened == {"kinds": ["audio"], "missing": ["camera"], "trouble": {"camera": "in_use"}}


async def test_a_driver_that_never_answers_is_given_up_and_stopped_when_it_wakes(
    site: Site, bare_browser: Browser
) -> None:
    async with open_page(bare_browser, f"{site.url}/pages/pair.html") as page:
        await until(page, "globalThis.stage?.ready")
        opened = await page.evaluate("""async () => {
            const wake = [];
            navigator.mediaDevices.getUserMedia = () => new Promise(resolve => wake.push(resolve));
            const { stream, missing, trouble } = await stage.openMedia({ timeoutMs: 50 });
            const late = stage.picture('teal');
            for (const resolve of wake) resolve(late);
            await new Promise(resolve => setTimeout(resolve));
            return { tracks: stream.getTracks().length, missing, trouble, late: late.getTracks()[0].readyState };
        }""")
        assert opened == {
            "tracks": 0,
            "missing": ["microphone", "camera"],
            "trouble": {"camera": "no_answer", "microphone": "no_answer"},
            "late": "ended",
        }
