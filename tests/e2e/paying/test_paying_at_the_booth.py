"""From what the advisor puts together to "c'est payé": on one's own telephone, and on the booth's touch screen."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import segno
from playwright.async_api import Browser, Page, Playwright, expect
from playwright.async_api import TimeoutError as PlaywrightTimeout

from cvq_core.ledger.tables import Wallet
from tests.e2e.paying.conftest import CHROMIUM, PICTURES, Till, booth_of
from tests.integration.booth.desk_stand_in import eventually
from tests.integration.booth.test_kiosk import processes_with
from tests.integration.booth.x_server import x_server

expect.set_options(timeout=30_000)
CONNECTIONS_MAX = 6
CONNECTION_MS = 10_000
SQUARE = re.compile(r"M(\d+) (\d+)h1v1h-1z")


async def asks_for_15_euros(console: Page) -> None:
    await console.locator("#paying").get_by_label("Piscine").fill("15")
    await console.get_by_role("button", name="Faire payer en ligne").click()


async def balance(till: Till) -> int:
    async with till.ground.database.read() as db:
        return (await db.get_one(Wallet, till.wallet)).balance_cents


def says(path: str, address: str) -> bool:
    """Whether the squares of a drawing are the code of an address."""
    rows = segno.make(address, error="m", micro=False).matrix
    wanted = {(across, down) for down, row in enumerate(rows) for across, dark in enumerate(row) if dark}
    return {(int(across), int(down)) for across, down in SQUARE.findall(path)} == wanted


async def test_a_resident_pays_on_their_telephone_from_the_code_on_screen_2(
    till: Till, spool_dir: Path, windows: Any
) -> None:
    async with booth_of(till, spool_dir) as agent:
        screen = await (await windows(1920, 1080)).new_page()
        await screen.goto(agent.addresses[2])
        console = await till.console(await windows(1366, 768))
        await asks_for_15_euros(console)
        await expect(screen.get_by_role("heading", name="15,00 € à payer")).to_be_visible()
        shown = await screen.locator(".address").inner_text()
        address = f"http://{shown.strip()}"
        assert says(await screen.locator(".code .dark").get_attribute("d") or "", address)
        assert not await screen.get_by_role("button", name="Payer ici").count(), "nobody can touch this screen"
        await screen.screenshot(path=PICTURES / "1-code.png")

        telephone = await (await windows(390, 844, is_mobile=True, has_touch=True)).new_page()
        await telephone.goto(address)
        await telephone.get_by_role("button", name="Payer 15,00 €").tap()
        await expect(console.locator("#paying .chip").first).to_have_text("en train de payer")
        await telephone.get_by_role("button", name="Payer par carte").tap()
        await expect(telephone.get_by_role("heading", name="C’est payé")).to_be_visible()
        await expect(screen.get_by_role("heading", name="15,00 € : c’est payé.")).to_be_visible()
        await expect(console.locator("#paying .chip").first).to_have_text("payé")
        await screen.screenshot(path=PICTURES / "2-paid.png")
        await console.screenshot(path=PICTURES / "2-console.png")
        assert await balance(till) == 1500


async def page_in(playwright: Playwright, profile: Path) -> Page:
    """Return the page of a kiosk's own window, by the port that it was told to open."""
    port = profile / "DevToolsActivePort"
    await eventually(port.exists)
    await eventually(lambda: len(port.read_text().splitlines()) == 2)
    address = f"http://127.0.0.1:{port.read_text().splitlines()[0]}"
    for _ in range(CONNECTIONS_MAX):
        # Playwright waits for ever for a target that went while it was being listed: a window's first blank page does.
        with suppress(PlaywrightTimeout):
            browser: Browser = await playwright.chromium.connect_over_cdp(address, timeout=CONNECTION_MS)
            return browser.contexts[0].pages[0]
    raise AssertionError(f"no page of the window in {profile} was to be had")


async def test_a_resident_pays_on_the_touch_screen_and_the_page_goes_by_itself(
    till: Till, spool_dir: Path, windows: Any, driver: Playwright, monkeypatch: Any
) -> None:
    async with x_server(2560, 900) as display:
        monkeypatch.setenv("DISPLAY", display)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        touch = {
            "display": "x11",
            "touch_screen": True,
            "payment_hosts": ["127.0.0.1"],
            "screen_1_size": (1280, 900),
            "screen_2_position": (1280, 0),
            "screen_2_size": (1280, 900),
            "chromium_flags": [*CHROMIUM, "--remote-debugging-port=0"],
        }
        async with booth_of(till, spool_dir, **touch):
            kiosk = spool_dir / "kiosk"
            screen = await page_in(driver, kiosk / "2/profile")
            console = await till.console(await windows(1366, 768))
            await asks_for_15_euros(console)
            await screen.get_by_role("button", name="Payer ici").click()
            await expect(screen.get_by_role("button", name="Ne plus payer ici")).to_be_visible()
            payment = await page_in(driver, kiosk / "3/profile")
            await payment.get_by_role("button", name="Payer 15,00 €").click()
            await payment.screenshot(path=PICTURES / "3-touch.png")

            # Somebody changes their mind, and comes back to it.
            await screen.get_by_role("button", name="Ne plus payer ici").click()
            await eventually(lambda: not (kiosk / "3").exists())
            await expect(screen.get_by_role("heading", name="15,00 € à payer")).to_be_visible()
            await eventually(lambda: not processes_with(kiosk / "3"))
            await screen.get_by_role("button", name="Payer ici").click()
            payment = await page_in(driver, kiosk / "3/profile")
            await payment.get_by_role("button", name="Reprendre le paiement").click()
            await payment.get_by_role("button", name="Payer par carte").click()

            await expect(screen.get_by_role("heading", name="15,00 € : c’est payé.")).to_be_visible()
            await eventually(lambda: not (kiosk / "3").exists())
            await eventually(lambda: not processes_with(kiosk / "3"))
            await expect(console.locator("#paying .chip").first).to_have_text("payé")
            assert await balance(till) == 1500
