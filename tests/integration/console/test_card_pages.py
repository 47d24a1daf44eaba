"""The pages of cards, as a secretary uses them: find, block by phone, order, print, scrap, hand over, renew."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from cvq_booth.virtual.desfire import VirtualDesfire
from cvq_core.cards.making_rules import CardEventKind, Channel
from cvq_core.cards.rules import CardStatus
from cvq_core.cards.tables import Card, CardEvent, CardOrder
from cvq_core.ids import new_id
from cvq_core.offices.rules import MandateTitle
from cvq_core.offices.store import appoint
from cvq_core.staff.rules import Role
from tests.card_ground import Workshop, open_workshop
from tests.core_examples import TODAY, text_of_pdf
from tests.factories import make_card, make_person, make_staff
from tests.hsm import hsm_settings
from tests.served import Client, Site, served


@dataclass(frozen=True, slots=True)
class Desk:
    """A secretary who makes cards at a place, and somebody with a card."""

    site: Site
    sylvie: Client
    workshop: Workshop
    card: Card

    async def text(self, path: str) -> str:
        answer = await self.sylvie.get(path)
        assert answer.status == 200, await answer.text()
        return await answer.text()

    async def send(self, path: str, **fields: str) -> str:
        """Send a form; return where it leads."""
        answer = await self.sylvie.submit(path, **fields)
        assert answer.status == 303, await answer.text()
        return answer.headers["Location"]


@pytest.fixture
async def desk(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Desk]:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    async with served(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path, **hsm_settings()) as site:
        workshop = await open_workshop(site.database)
        async with site.database.write() as db:
            sylvie = await make_staff(db, Role.SECRETARY, new_id(), "sylvie")
            await appoint(
                db,
                mandate_id=new_id(),
                staff_id=sylvie.id,
                sub_office_id=workshop.place.id,
                title=MandateTitle.MANDATARY,
                valid_from=TODAY,
                valid_until=None,
            )
            card = await make_card(db, await make_person(db))
            card.valid_until = TODAY + timedelta(days=20)
        async with site.signed_in("sylvie") as client:
            yield Desk(site, client, workshop, card)


def key_of(form: str) -> str:
    """Return the key of a form, another one each time that it is shown."""
    [key] = re.findall(r'name="key" value="([^"]+)"', form)
    return key


async def test_a_card_is_found_by_name_number_and_chip(desk: Desk) -> None:
    for query in ("moreau jeanne", desk.card.number, desk.card.uid):
        assert f"/cartes/{desk.card.id}" in await desk.text(f"/cartes?q={query}")
    assert "Aucune carte" in await desk.text("/cartes?q=personne-ainsi")


async def test_a_card_is_blocked_by_phone_in_one_form_and_its_page_says_what_comes_next(desk: Desk) -> None:
    fields = {"why": "lost", "channel": "phone", "identity": "answers", "note": "perdue au marché"}
    page = await desk.text(await desk.send(f"/cartes/{desk.card.id}/bloquer", **fields))
    assert "Cette carte a été déclarée perdue" in page
    assert "perdue au marché" in page
    assert "Remettre en service" in page
    async with desk.site.database.read() as db:
        [event] = await db.scalars(select(CardEvent).where(CardEvent.what == CardEventKind.BLOCKED))
        assert (event.channel, event.actor_name) == (Channel.PHONE, "Sylvie Martin")
    assert "Retrouvée" in await desk.text(await desk.send(f"/cartes/{desk.card.id}/retrouvee", note="piscine"))
    page = await desk.text(await desk.send(f"/cartes/{desk.card.id}/en-service", identity="paper_shown"))
    assert "Bloquer maintenant" in page


async def test_a_card_goes_from_the_page_to_its_holder(desk: Desk) -> None:
    form = await desk.text(f"/cartes/faire/{desk.card.person_id}?remplace={desk.card.id}")
    assert (await desk.sylvie.get(f"/cartes/faire/{desk.card.person_id}?remplace={new_id()}")).status == 404
    stock = re.search(r'option value="([^"]+:[^"]+)"', form)
    assert stock is not None
    person = f"{desk.card.person_id}:{desk.card.id}"
    for shown in (form, await desk.text(f"/cartes/faire/{desk.card.person_id}")):
        assert f'name="person" value="{person}"' in shown
    fields = {"key": key_of(form), "label": "Jeanne Moreau", "stock": stock[1], "person": person}
    assert (await desk.sylvie.submit("/cartes/series", **(fields | {"person": "x"}))).status == 422
    batch = await desk.send("/cartes/series", **fields)
    assert await desk.send("/cartes/series", **fields) == batch
    faces, sheet = [await (await desk.sylvie.get(f"{batch}/{name}.pdf")).read() for name in ("faces", "planche")]
    assert "Jeanne Moreau" in text_of_pdf(faces)
    assert "Parthenay-Gâtine" in text_of_pdf(sheet)
    await desk.send(f"{batch}/imprimees", up_to="1")
    async with desk.site.database.read() as db:
        [order] = await db.scalars(select(CardOrder))
    assert order.replaces_id == desk.card.id
    await desk.send(f"/cartes/ordres/{order.id}/rebut", reason="Imprimée de travers", again="1")
    shown = await desk.text(batch)
    assert "mise au rebut" in shown
    [sheet_url] = re.findall(r'href="([^"]+/planche.pdf[^"]*)"', shown)
    assert (await desk.sylvie.get(f"{batch}/planche.pdf?jusqu=1")).status == 404, "that one is scrapped"
    assert "Jeanne" in text_of_pdf(await (await desk.sylvie.get(sheet_url)).read())
    await desk.send(f"{batch}/imprimees", up_to="1")
    [up_to] = re.findall(r'name="up_to" value="(\d+)"', await desk.text(batch))
    await desk.send(f"{batch}/imprimees", up_to=up_to)
    async with desk.site.database.read() as db:
        order = (await db.scalars(select(CardOrder).where(CardOrder.id != order.id))).one()
    await desk.workshop.encode(order.number, VirtualDesfire("04782E21801D80"))
    assert "à remettre" in await desk.text(f"/cartes/{order.id}")
    await desk.send(f"/cartes/{order.id}/remettre", identity="vouched")
    page = await desk.text(f"/cartes/{order.id}")
    assert "en service" in page
    assert "prouve qui elle est" in page
    assert "remplacée" in await desk.text(f"/cartes/{desk.card.id}")


async def test_cards_that_come_to_their_end_are_ordered_together(desk: Desk) -> None:
    async with desk.site.database.write() as db:
        other = await make_card(db, await make_person(db, "Martin", "Luc"), "123456789", uid="04000000000002")
        other.valid_until = TODAY + timedelta(days=10)
    form = await desk.text("/cartes/a-renouveler")
    people = re.findall(r'name="person" value="([^"]+)"', form)
    assert set(people) == {f"{card.person_id}:{card.id}" for card in (desk.card, other)}
    stock = re.search(r'option value="([^"]+:[^"]+)"', form)
    assert stock is not None
    answer = await desk.sylvie.session.post(
        f"{desk.site.url}/cartes/series",
        data=[("key", str(new_id())), ("label", "Renouvellement"), ("stock", stock[1])]
        + [("person", each) for each in people],
        headers={"Accept": "text/html", "X-CSRF-Token": desk.sylvie.csrf_token},
        allow_redirects=False,
    )
    assert answer.status == 303
    assert "à imprimer" in await desk.text(answer.headers["Location"])
    assert "Aucune carte n’arrive à son terme" in await desk.text("/cartes/a-renouveler")
    # Where there is no encoder, a card is made by its chip's number alone.
    batch = answer.headers["Location"]
    await desk.send(f"{batch}/imprimees", up_to="1")
    async with desk.site.database.read() as db:
        [first, *_] = await db.scalars(select(CardOrder).order_by(CardOrder.position))
    taken = await desk.sylvie.submit(f"/cartes/ordres/{first.id}/puce", uid=desk.card.uid)
    assert taken.status == 409, "somebody has this chip"
    for _ in range(2):
        await desk.send(f"/cartes/ordres/{first.id}/puce", uid="04:11:22:33:44:55:66")
    assert "à remettre" in await desk.text(batch)
    assert "vaut par son numéro seul" in await desk.text(f"/cartes/{first.id}")


async def test_another_place_s_batch_is_not_shown_nor_changed(desk: Desk) -> None:
    batch_id = await desk.workshop.plan([desk.card.person_id])
    async with desk.site.database.write() as db:
        await make_staff(db, Role.SECRETARY, new_id(), "paule")
        [order] = await db.scalars(select(CardOrder))
    async with desk.site.signed_in("paule") as paule:
        for path in (f"/cartes/series/{batch_id}", f"/cartes/series/{batch_id}/faces.pdf"):
            assert (await paule.get(path)).status == 403
        answer = await paule.submit(f"/cartes/ordres/{order.id}/rebut", reason="Pour voir", again="")
        assert answer.status == 403
        assert (await paule.submit(f"/cartes/series/{batch_id}/imprimees", up_to="1")).status == 403
    async with desk.site.database.read() as db:
        assert (await db.get_one(Card, desk.card.id)).status is CardStatus.ACTIVE
