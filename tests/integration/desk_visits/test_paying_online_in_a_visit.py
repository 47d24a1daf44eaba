"""The resident pays on their telephone what the advisor put together, and the advisor sees it arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from sqlalchemy import select

from cvq_core.ids import new_id
from cvq_core.ledger.tables import Wallet
from cvq_core.live.tables import LiveEvent
from cvq_core.offices.rules import Means
from cvq_core.payments.virtual import VirtualPayFip
from cvq_desk.booths.view import booth_view
from cvq_desk.visits.summary import summary_of
from cvq_desk.wire import ConsentManner
from tests.core_examples import create_counter, create_officer, create_services, create_wallet
from tests.integration.desk_visits.ground import API, Caller, Ground, ground_on
from tests.integration.desk_visits.test_consent import ask, say_yes

EMAIL = "jeanne@aulnay.fr"


@dataclass(frozen=True, slots=True)
class Paying:
    """A visit with the account open, and a PayFiP on the loopback."""

    ground: Ground
    virtual: VirtualPayFip
    nadia: Caller
    visit: str
    wallet: UUID
    strangers: UUID

    async def cart(self, wallet: UUID | None = None, cents: int = 1500, **more: Any) -> Any:
        payable = {"kind": "wallet", "id": str(wallet or self.wallet), "amount_cents": cents}
        body = {"id": str(new_id()), "payables": [payable], "email": EMAIL, **more}
        return await self.nadia.post(f"{API}/visits/{self.visit}/carts", body)

    async def state(self) -> str:
        return str((await self.nadia.get(f"{API}/visits/{self.visit}/cart")).body["state"])

    async def until(self, state: str) -> None:
        async with asyncio.timeout(20):
            while await self.state() != state:
                await asyncio.sleep(0.1)

    async def on_screen_2(self) -> Any:
        """What the booth is sent of the payment."""
        async with self.ground.database.read() as db:
            settings = self.ground.services.settings
            view = await booth_view(db, self.ground.booth, now=self.ground.hour(), settings=settings)
        assert view.visit is not None
        return view.visit.payment.model_dump(mode="json") if view.visit.payment else None

    async def public(self, method: str, path: str, **options: Any) -> tuple[int, dict[str, str], str]:
        """Ask as the resident's telephone does: without a session."""
        async with self.ground.session.request(
            method, self.ground.url + path, allow_redirects=False, **options
        ) as answer:
            return answer.status, dict(answer.headers), await answer.text()


@pytest.fixture
async def paying(database_url: str, tmp_path: Path) -> AsyncIterator[Paying]:
    virtual = VirtualPayFip()
    await virtual.start()
    settings = {"payfip_client": "012345", "payfip_office": "POM-MAIRIE", "payfip_url": virtual.url}
    async with ground_on(database_url, tmp_path, **settings) as ground:
        virtual.clock = ground.hour
        async with ground.database.write() as db:
            await create_services(db)
            officer = await create_officer(db)
            await create_counter(db, officer, means=(Means.PAYFIP,))
            wallet = await create_wallet(db, ground.family.id)
            strangers = await create_wallet(db, ground.strangers_family.id)
        nadia = await ground.as_staff("nadia")
        visit = await ground.visit_in_call(nadia)
        await say_yes(ground, await ask(ground, nadia, visit), ConsentManner.SPOKEN)
        yield Paying(ground, virtual, nadia, visit, wallet.id, strangers.id)
    await virtual.stop()


async def test_a_cart_is_paid_on_a_telephone_and_the_console_sees_it_arrive(paying: Paying) -> None:
    made = await paying.cart()
    assert made.status == 201, made.body
    assert made.body["qr_code"].startswith("data:image/svg+xml")
    path = urlsplit(made.body["url"]).path
    assert len(path) == len("/p/") + 10
    status, headers, page = await paying.public("GET", path)
    assert status == 200
    assert f"form-action 'self' {paying.virtual.url.removesuffix('/tpa')}" in headers["Content-Security-Policy"]
    assert "15,00" in page
    assert "Piscine" in page
    for personal in ("Moreau", "Jeanne", "F00001", EMAIL):
        assert personal not in page, "whoever finds the address learns what is due, not who owes it"
    assert (await paying.on_screen_2())["state"] == "to_pay"
    assert f"{path}" in (await paying.on_screen_2())["address"]
    status, headers, _ = await paying.public("POST", f"{path}/payer", data={})
    assert status == 303
    idop = parse_qs(urlsplit(headers["Location"]).query)["idop"][0]
    assert await paying.state() == "sent"
    asked = paying.virtual.operations[idop].asked
    # The stand-in notifies the server itself, where PayFiP would go through its public name.
    here = paying.ground.url
    asked["urlnotif"] = here + urlsplit(asked["urlnotif"]).path
    async with paying.ground.session.post(
        f"{paying.virtual.url}/paiementws.web", data={"idop": idop, "choice": "P"}, allow_redirects=False
    ) as chosen:
        back = urlsplit(chosen.headers["Location"])
    assert (chosen.status, back.path) == (303, f"{path}/retour")
    await paying.until("paid")
    assert (await paying.on_screen_2())["state"] == "paid"
    await paying.nadia.post(f"{API}/visits/{paying.visit}/show", {"page": "welcome"})
    assert await paying.on_screen_2() is None
    async with paying.ground.database.read() as db:
        assert (await db.get_one(Wallet, paying.wallet)).balance_cents == 1500
        told = await db.scalars(select(LiveEvent.kind).where(LiveEvent.topic == f"visit:{paying.visit}"))
        assert list(told).count("payment") == 3, "made, sent, paid"
    async with paying.ground.database.read() as db:
        summary = await summary_of(db, await paying.ground.visit(paying.visit), advisor="Nadia Roche")
    (told,) = [line for line in summary.lines if "Paiement en ligne" in line]
    assert "15,00\u00a0€ reçu le mardi 3 mars 2026" in told
    assert "Régie de recettes" in told
    status, _, page = await paying.public("GET", f"{back.path}?{back.query}")
    assert status == 200
    assert "C’est payé" in page
    assert paying.virtual.notified[0][1] == 204


async def test_coming_back_proves_nothing_and_asks(paying: Paying) -> None:
    path = urlsplit((await paying.cart()).body["url"]).path
    _, headers, _ = await paying.public("POST", f"{path}/payer", data={})
    idop = parse_qs(urlsplit(headers["Location"]).query)["idop"][0]
    _, _, page = await paying.public("GET", f"{path}/retour?idop={idop}&resultrans=P")
    assert "Nous vérifions votre paiement" in page
    assert "data-go-on" in page
    assert await paying.state() == "sent"
    _, _, page = await paying.public("GET", f"{path}/retour?n=20")
    assert "data-go-on" not in page, "it does not ask for ever"


async def test_any_notification_is_answered_alike_and_changes_nothing_by_itself(paying: Paying) -> None:
    path = urlsplit((await paying.cart()).body["url"]).path
    _, headers, _ = await paying.public("POST", f"{path}/payer", data={})
    idop = parse_qs(urlsplit(headers["Location"]).query)["idop"][0]
    for name, sent in (("idop", idop), ("idOp", str(new_id())), ("idop", "'; --"), ("x", "")):
        form = {name: sent, "resultrans": "P", "montant": "1500"}
        assert (await paying.public("POST", "/api/v1/payfip/notification", data=form))[0] == 204
        assert (await paying.public("GET", "/api/v1/payfip/notification", params=form))[0] == 204
    assert await paying.state() == "sent"


async def test_notifications_without_end_are_turned_away(paying: Paying) -> None:
    answers = {(await paying.public("GET", "/api/v1/payfip/notification"))[0] for _ in range(601)}
    assert answers == {204, 429}


async def test_only_what_belongs_to_the_open_account_goes_into_a_cart(paying: Paying) -> None:
    answer = await paying.cart(paying.strangers)
    assert (answer.status, answer.slug) == (422, "no-account")
    await paying.nadia.post(f"{API}/visits/{paying.visit}/close-account")
    answer = await paying.cart()
    assert answer.slug == "no-consent"


async def test_a_payer_without_an_address_needs_the_offices(paying: Paying) -> None:
    assert (await paying.cart(email="")).slug == "payer-email-missing"
    assert (await paying.cart(email="jeanne")).slug == "payer-email-missing"


async def test_the_same_cart_asked_twice_is_one_cart(paying: Paying) -> None:
    cart_id = str(new_id())
    first, again = await paying.cart(id=cart_id), await paying.cart(id=cart_id)
    assert first.body["url"] == again.body["url"]
    assert (await paying.cart(cents=1600, id=cart_id)).slug == "idempotency-mismatch"


async def test_the_console_makes_a_cart_and_shows_where_it_is_paid(paying: Paying) -> None:
    console = f"/console/{paying.visit}"
    fragment = (await paying.nadia.get(f"{console}/fragments/paying")).body.decode()
    assert f'name="wallet-{paying.wallet}"' in fragment
    assert f"wallet-{paying.strangers}" not in fragment
    form = {"id": str(new_id()), f"wallet-{paying.wallet}": "15,00", "email": EMAIL}
    for wrong, slug in (({f"wallet-{paying.wallet}": "quinze"}, "bad-input"), ({"id": "x"}, "bad-input")):
        status, refused = await _submit(paying, f"{console}/panier", form | wrong)
        assert (status, refused) == (422, slug)
    for _ in range(2):
        assert (await _submit(paying, f"{console}/panier", form))[0] == 303
    fragment = (await paying.nadia.get(f"{console}/fragments/paying")).body.decode()
    url = (await paying.nadia.get(f"{API}/visits/{paying.visit}/cart")).body["url"]
    assert url.partition("://")[2] in fragment
    assert "data:image/svg+xml" in fragment
    await paying.nadia.post(f"{API}/visits/{paying.visit}/close-account")
    fragment = (await paying.nadia.get(f"{console}/fragments/paying")).body.decode()
    assert url.partition("://")[2] not in fragment, "what is closed shows nothing"


async def _submit(paying: Paying, path: str, form: dict[str, str]) -> tuple[int, str]:
    headers = {**paying.nadia.headers, "Accept": "application/json"}
    async with paying.ground.session.post(
        paying.ground.url + path, data=form, headers=headers, allow_redirects=False
    ) as answer:
        return answer.status, (await answer.json())["slug"] if answer.status >= 400 else ""


async def test_an_installation_without_payfip_says_so(ground: Ground) -> None:
    async with ground.database.write() as db:
        await create_services(db)
        wallet = await create_wallet(db, ground.family.id)
    nadia = await ground.as_staff("nadia")
    visit = await ground.visit_in_call(nadia)
    await say_yes(ground, await ask(ground, nadia, visit))
    payable = {"kind": "wallet", "id": str(wallet.id), "amount_cents": 500}
    answer = await nadia.post(f"{API}/visits/{visit}/carts", {"id": str(new_id()), "payables": [payable]})
    assert (answer.status, answer.slug) == (409, "no-online-payment")
    assert answer.body["title"] == "Il n’y a pas de paiement en ligne ici."
