"""The cash officer's day of direct debits: told, filed, downloaded, sent, and what comes back."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from cvq_core.clock import local_day
from cvq_core.debits.mandates import MandateDetails, prepare_mandate, set_creditor, sign_mandate
from cvq_core.debits.rules import checked_iban
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import invoices_by_id, issue_invoice
from cvq_core.journal.store import Actor
from cvq_core.offices.rules import MandateTitle, Means, Officer
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.rules import Role
from tests.core_examples import (
    blank_pdf,
    camt_054,
    create_counter,
    create_family,
    create_services,
    pain_002,
    text_of_pdf,
)
from tests.factories import make_staff
from tests.integration.desk_visits.ground import Answer, Ground, ground_on

IBAN = "FR14 2004 1010 0505 0001 3M02 606"


@dataclass(frozen=True, slots=True)
class Office:
    """A cash office with two families that owe something: one with a signed mandate, one with a prepared one."""

    ground: Ground
    invoice: UUID

    async def get(self, path: str, login: str = "odile") -> Answer:
        """Ask as somebody who has just signed in: weeks pass here, and no session lasts that long."""
        return await (await self.ground.as_staff(login)).get(path)

    async def page(self, path: str, login: str = "odile") -> str:
        answer = await self.get(path, login)
        assert answer.status == 200, answer.body
        return re.sub("[\u00a0\u202f]", " ", answer.body.decode())

    async def send(self, path: str, login: str = "odile", **form: Any) -> tuple[int, str, str]:
        headers = {**(await self.ground.as_staff(login)).headers, "Accept": "application/json"}
        async with self.ground.session.post(
            self.ground.url + path, data=form, headers=headers, allow_redirects=False
        ) as answer:
            slug = (await answer.json())["slug"] if answer.status >= 400 else ""
            return answer.status, slug, answer.headers.get("Location", "")

    async def upload(self, content: bytes) -> tuple[int, str]:
        headers = {**(await self.ground.as_staff("odile")).headers, "Content-Type": "application/xml"}
        async with self.ground.session.post(
            f"{self.ground.url}/prelevements/retours", data=content, headers=headers
        ) as answer:
            return answer.status, re.sub("[\u00a0\u202f]", " ", await answer.text())

    async def due(self) -> int:
        async with self.ground.database.read() as db:
            return (await invoices_by_id(db, [self.invoice]))[self.invoice].due_cents

    async def make_file(self) -> str:
        """Tell the family, wait three weeks and make the file; return where its page is."""
        day = local_day(self.ground.hour()) + timedelta(days=14)
        assert (await self.send("/prelevements/prevenir", id=new_id(), day=day))[0] == 303
        self.ground.hour.forward(hours=12 * 24)
        made = await self.send("/prelevements/fichier", id=new_id(), day=day)
        assert made[:2] == (303, ""), made
        return made[2]


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with ground_on(database_url, tmp_path) as ground:
        async with ground.database.write() as db:
            await create_services(db)
            odile = await make_staff(db, Role.CASH_OFFICER, new_id(), "odile", "Odile Brémaud")
            paul = await make_staff(db, Role.CASH_OFFICER, new_id(), "paul", "Paul Roy")
            place = await create_counter(
                db,
                Officer(odile.id, "Odile Brémaud"),
                means=(Means.DIRECT_DEBIT,),
                is_main=True,
                title=MandateTitle.OFFICER,
            )
            await set_creditor(
                db,
                place.office_id,
                creditor_number="FR46ZZZ123456",
                iban=checked_iban(IBAN),
                bic="PSSTFRPPLIL",
                notice_days=14,
            )
            invoices = []
            for number, name in (("F00011", "Moreau"), ("F00012", "Roy")):
                family = await create_family(db, number, name)
                made = await issue_invoice(
                    db,
                    new_id(),
                    family_account_id=family.id,
                    label="Février",
                    lines=[Line(ServiceCode.CANTEEN, "Repas", 1, 3290)],
                    due_on=local_day(ground.hour()),
                    now=ground.hour(),
                )
                invoices.append(made.id)
                mandate = await prepare_mandate(
                    db,
                    new_id(),
                    office_id=place.office_id,
                    family_account_id=family.id,
                    details=MandateDetails(f"Jeanne {name}", "12, rue du Moulin", IBAN),
                    actor=Actor("staff", odile.id, "Odile"),
                    now=ground.hour(),
                )
                if name == "Moreau":
                    await sign_mandate(
                        db,
                        ground.services.vault,
                        mandate.id,
                        paper=blank_pdf(),
                        signed_on=local_day(ground.hour()),
                        staff_id=odile.id,
                        now=ground.hour(),
                    )
        ground.staff.update(odile=odile.id, paul=paul.id)
        yield Office(ground, invoices[0])


async def test_the_page_says_what_will_be_debited_and_what_not_and_why(office: Office) -> None:
    page = await office.page("/prelevements")
    assert "Rien à prélever ce jour-là" in page
    assert "la famille n’est pas encore prévenue" in page
    assert "le mandat n’est pas signé" in page
    assert "65,80 €" in page
    assert "Prévenir 1 famille" in page
    assert "3M02" not in page
    day = date(2026, 3, 17)
    assert (await office.send("/prelevements/prevenir", id=new_id(), day=day))[0] == 303
    page = await office.page(f"/prelevements?day={day}")
    assert "Faire le fichier pour la banque" in page
    letters = re.search(r"/prelevements/lettres/[0-9a-f-]+\.pdf", page)
    assert letters is not None
    text = text_of_pdf((await office.get(letters[0])).body)
    assert "mardi 17 mars 2026" in text
    assert "Jeanne Moreau" in text


async def test_a_file_is_made_downloaded_the_same_twice_sent_and_a_return_noted_by_hand(office: Office) -> None:
    run = await office.make_file()
    first, again = await office.get(f"{run}/sepa.xml"), await office.get(f"{run}/sepa.xml")
    assert b"FR1420041010050500013M02606" in first.body
    assert first.body == again.body
    page = await office.page(run)
    assert "à envoyer à la banque" in page
    assert "Revenu de la banque</summary>" not in page
    assert (await office.send(f"{run}/fin", end="sent"))[:2] == (303, "")
    page = await office.page(run)
    back = re.search(r"/prelevements/fichiers/[0-9a-f-]+/retours/[0-9a-f-]+", page)
    assert back is not None
    assert (await office.send(back[0], reason="NOTSENT", fee=""))[:2] == (404, "unknown-debit")
    assert (await office.send(back[0], reason="AM04", fee="0,76"))[:2] == (303, "")
    page = await office.page(run)
    assert "provision insuffisante" in page
    assert "frais 0,76 €" in page
    assert await office.due() == 3290
    assert (await office.send(f"{run}/fin", end="given_up"))[1] == "debit-run-decided"


async def test_the_bank_s_file_is_taken_in_line_by_line_and_twice_is_once(office: Office) -> None:
    run = await office.make_file()
    xml = (await office.get(f"{run}/sepa.xml")).body.decode()
    reference = re.findall(r"<EndToEndId>([0-9a-f]{32})</EndToEndId>", xml)[0]
    status, page = await office.upload(pain_002(reference, "AC04", "32.90"))
    assert (status, "son fichier n’est pas noté comme envoyé" in page) == (200, True)
    await office.send(f"{run}/fin", end="sent")
    assert "la somme n’est pas celle du prélèvement" in (await office.upload(pain_002(reference, "AC04", "32.91")))[1]
    assert "aucun prélèvement de cette régie" in (await office.upload(pain_002(new_id().hex, "AC04", "32.90")))[1]
    assert await office.due() == 0
    assert "de nouveau à payer" in (await office.upload(camt_054(reference, "AC04", "32.90", fee="0.76")))[1]
    assert await office.due() == 3290
    assert "déjà noté" in (await office.upload(camt_054(reference, "AC04", "32.90", fee="0.76")))[1]
    assert (await office.upload(b"<html></html>"))[0] == 422
    assert "compte clos" in await office.page("/prelevements/mandats")


async def test_whoever_is_not_the_officer_is_told_so_and_does_nothing(office: Office) -> None:
    run = await office.make_file()
    assert "Prélèvements" in await office.page("/prelevements", "paul")
    assert "Jeanne Moreau" not in await office.page("/prelevements", "paul")
    for path in (run, f"{run}/sepa.xml", "/prelevements/mandats"):
        assert (await office.get(path, "paul")).status == 403, path
    assert (await office.send(f"{run}/fin", "paul", end="sent"))[0] == 403
    assert (await office.send("/prelevements/fichier", "paul", id=new_id(), day=date(2026, 3, 17)))[0] == 403
