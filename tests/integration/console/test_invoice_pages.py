"""The papers of invoices: who may print which, what is noted of it, a month for its officer, a telephone that pays."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.ids import new_id
from cvq_core.invoice_papers.store import link_of
from cvq_core.invoice_papers.tables import InvoicePrint
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import invoices_by_id, issue_invoice
from cvq_core.journal.tables import AuditRecord
from cvq_core.offices.rules import MandateTitle, Means, Officer
from cvq_core.payments.tables import Cart
from cvq_core.payments.virtual import Result, VirtualPayFip
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.rules import Role
from tests.core_examples import create_counter, create_services, text_of_pdf
from tests.factories import make_staff
from tests.integration.desk_visits.ground import API, Answer, Caller, Ground, ground_on

WHY = "QF 742, tranche 3 : 2,35 €"


@dataclass(frozen=True, slots=True)
class Town:
    """Jeanne's invoice of 32,90 € and a stranger's of 3,00 €; Benoît is the office's officer, Odile collects there."""

    ground: Ground
    virtual: VirtualPayFip
    benoit: Caller
    odile: Caller
    paul: Caller
    sylvie: Caller
    invoice: UUID
    strangers: UUID

    async def page(self, who: Caller, path: str) -> str:
        answer = await who.get(path)
        assert answer.status == 200, answer.body
        return str(answer.body.decode().replace("\u00a0", " ").replace("\u202f", " "))

    async def links(self, who: Caller, path: str) -> list[str]:
        """The papers that a page leads to."""
        return re.findall(r'href="([^"]*\.pdf\?print=[^"]*)"', await self.page(who, path))

    async def send(self, who: Caller, path: str, **form: str) -> int:
        async with self.ground.session.post(
            self.ground.url + path, data=form, headers=who.headers, allow_redirects=False
        ) as answer:
            return answer.status

    async def public(self, method: str, path: str, **form: str) -> tuple[int, str, str]:
        """Ask as a telephone does, without a session."""
        async with self.ground.session.request(
            method, self.ground.url + path, data=form or None, allow_redirects=False
        ) as answer:
            return answer.status, answer.headers.get("Location", ""), await answer.text()

    async def token(self) -> str:
        async with self.ground.database.write() as db:
            return await link_of(db, self.invoice, self.ground.hour())

    async def due(self) -> int:
        async with self.ground.database.read() as db:
            return (await invoices_by_id(db, [self.invoice]))[self.invoice].due_cents


@pytest.fixture
async def town(database_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    virtual = VirtualPayFip()
    await virtual.start()
    settings = {"payfip_client": "012345", "payfip_office": "POM-MAIRIE", "payfip_url": virtual.url}
    async with ground_on(database_url, tmp_path, **settings) as ground:
        virtual.clock = ground.hour
        async with ground.database.write() as db:
            await create_services(db)
            staff = {
                login: await make_staff(db, Role.CASH_OFFICER, new_id(), login, name)
                for login, name in (
                    ("benoit", "Benoît Rousseau"),
                    ("odile", "Odile Brémaud"),
                    ("paul", "Paul Roy"),
                )
            }
            officers = {login: Officer(each.id, each.display_name) for login, each in staff.items()}
            means = (Means.CASH, Means.PAYFIP)
            await create_counter(db, officers["benoit"], title=MandateTitle.OFFICER, is_main=True, means=means)
            await create_counter(db, officers["odile"], code="ECO", means=(Means.CASH,))
            invoice = await _invoice(db, ground, ground.family.id, Line(ServiceCode.CANTEEN, "Repas", 14, 235, WHY))
            strangers = await _invoice(db, ground, ground.strangers_family.id, Line(ServiceCode.POOL, "Entrée", 1, 300))
        ground.staff.update({login: each.id for login, each in staff.items()})
        callers = [await ground.as_staff(login) for login in ("benoit", "odile", "paul", "sylvie")]
        yield Town(ground, virtual, *callers, invoice, strangers)
    await virtual.stop()


async def _invoice(db: AsyncSession, ground: Ground, account_id: UUID, line: Line) -> UUID:
    now = ground.hour()
    due_on = now.date() + timedelta(days=30)
    made = await issue_invoice(
        db, new_id(), family_account_id=account_id, label="Février 2026", lines=[line], due_on=due_on, now=now
    )
    return made.id


async def test_the_secretary_prints_from_the_family_s_file_and_each_printing_is_noted(town: Town) -> None:
    file = f"/familles/{town.ground.family.id}"
    [link] = await town.links(town.sylvie, file)
    for _ in range(2):
        answer = await town.sylvie.get(link)
        assert answer.status == 200
        text = text_of_pdf(answer.body)
        assert "n° 2026-000001" in text
        assert WHY in text
        assert "DUPLICATA" not in text
    [again] = await town.links(town.sylvie, file)
    assert "DUPLICATA N° 1" in text_of_pdf((await town.sylvie.get(again)).body)
    assert await town.ground.count(InvoicePrint) == 2
    assert await town.ground.count(AuditRecord, AuditRecord.action == "invoice-printed") == 3
    assert (await town.sylvie.get(f"{file}/factures/{town.strangers}.pdf?print={new_id()}")).status == 404
    assert (await town.sylvie.get(f"{file}/factures/{town.invoice}.pdf")).status == 404


async def test_at_a_counter_it_is_printed_by_whoever_may_collect_there(town: Town) -> None:
    assert await town.send(town.odile, "/caisse/ouvrir", drawer_id=str(new_id()), float="0") == 303
    [link] = await town.links(town.odile, f"/caisse/comptes/{town.ground.family.id}")
    answer = await town.odile.get(link)
    assert answer.status == 200
    text = text_of_pdf(answer.body)
    assert "Repas" in text
    assert not re.search(r"\b742\b", text), "she may not see families"
    assert (await town.paul.get(link)).status == 403, "appointed nowhere"
    assert (await town.odile.get(f"/caisse/factures/{new_id()}.pdf?print={new_id()}")).status == 404


async def test_in_a_visit_only_what_was_agreed_to_is_printed_and_no_quotient(town: Town) -> None:
    nadia = await town.ground.as_staff("nadia")
    visit = await town.ground.visit_in_call(nadia)
    path = f"/console/{visit}/factures/{town.invoice}.pdf?print={new_id()}"
    assert (await nadia.get(path)).status == 403
    await _agree(town, nadia, visit, ["family"])
    assert (await nadia.get(path)).status == 403
    await _agree(town, nadia, visit, ["family", "wallets"])
    [link] = await town.links(nadia, f"/console/{visit}/fragments/account")
    answer = await nadia.get(link)
    assert answer.status == 200
    text = text_of_pdf(answer.body)
    assert "Repas" in text
    assert not re.search(r"\b742\b", text)
    assert (await nadia.get(f"/console/{visit}/factures/{town.strangers}.pdf?print={new_id()}")).status == 404
    async with town.ground.database.read() as db:
        noted = await db.scalar(select(AuditRecord).where(AuditRecord.action == "invoice-printed"))
    assert noted is not None
    assert (str(noted.visit_id), noted.account_id) == (visit, town.ground.family.id)
    assert noted.consent_id is not None


async def _agree(town: Town, nadia: Caller, visit: str, scopes: list[str]) -> None:
    body = {"account_id": str(town.ground.family.id), "scopes": scopes}
    consent: Answer = await nadia.post(f"{API}/visits/{visit}/consents", body)
    assert consent.status == 201, consent.body
    await nadia.post(f"{API}/visits/{visit}/consents/{consent.body['id']}/spoken", {"agreed": True})


async def test_the_officer_prints_a_month_and_nobody_else_gets_it(town: Town) -> None:
    assert "2 factures à payer, dont 2 jamais imprimées" in await town.page(town.benoit, "/factures")
    form = {"key": str(new_id()), "mois": "2026-03"}
    for other in (town.odile, town.paul):
        assert (await other.get("/factures")).status == 403
        assert await town.send(other, "/factures/imprimer", **form) == 403
    assert (await town.sylvie.get("/factures")).status == 403
    assert [await town.send(town.benoit, "/factures/imprimer", **form) for _ in range(2)] == [303, 303]
    jobs = town.ground.services.jobs
    # The server's own runner may have it in hand already: then the page says so until it is ready.
    async with asyncio.timeout(60):
        while not (found := re.findall(r'"(/factures/impressions/[^"]*)"', await town.page(town.benoit, "/factures"))):
            await jobs.run_one()
            await asyncio.sleep(0.05)
    answer = await town.benoit.get(found[0])
    text = text_of_pdf(answer.body)
    assert "2026-000001" in text
    assert "2026-000002" in text
    assert (await town.odile.get(found[0])).status == 404
    assert "dont 0 jamais imprimée" in await town.page(town.benoit, "/factures")
    async with town.ground.database.read() as db:
        actions = await db.execute(
            select(AuditRecord.action, func.count())
            .where(AuditRecord.subject_kind == "invoice_run", AuditRecord.outcome == "done")
            .group_by(AuditRecord.action)
        )
    assert dict(actions.all()) == {"invoices-printed": 1, "invoices-taken": 1}
    for wrong in ("2026-04", "2026-3", "abc"):
        assert (await town.benoit.get(f"/factures?mois={wrong}")).status == 422


async def test_whoever_holds_the_paper_pays_what_is_due_and_learns_no_name(town: Town) -> None:
    path = f"/f/{await town.token()}"
    status, _, page = await town.public("GET", path)
    assert status == 200
    assert "32,90" in page
    for personal in ("Moreau", "Jeanne", "F00001", "Repas"):
        assert personal not in page
    form = {"key": str(new_id()), "email": "jeanne@aulnay.fr"}
    status, cart, _ = await town.public("POST", f"{path}/payer", **form)
    assert (status, cart[:3]) == (303, "/p/")
    assert (await town.public("POST", f"{path}/payer", **form))[1] == cart
    assert await town.ground.count(Cart) == 1
    status, there, _ = await town.public("POST", f"{cart}/payer", x="")
    idop = parse_qs(urlsplit(there).query)["idop"][0]
    town.virtual.end(idop, Result.PAID_BY_CARD)
    await town.public("GET", f"{cart}/retour")
    assert await town.due() == 0
    assert "Cette facture est payée" in (await town.public("GET", path))[2]
    assert (await town.public("POST", f"{path}/payer", key=str(new_id()), email="a@aulnay.fr"))[:2] == (303, path)


async def test_a_wrong_address_and_a_wrong_form_are_refused_and_guessing_is_slowed_down(town: Town) -> None:
    path = f"/f/{await town.token()}"
    assert (await town.public("GET", "/f/abcdefghjkmn"))[0] == 404
    assert (await town.public("POST", f"{path}/payer", key=str(new_id())))[0] == 422
    assert (await town.public("POST", f"{path}/payer", key=str(new_id()), email="nobody"))[0] == 422
    assert (await town.public("POST", f"{path}/payer", key="x", email="a@aulnay.fr"))[0] == 422
    assert await town.ground.count(Cart) == 0
    answers = [(await town.public("GET", f"/f/{'x' * 12}"))[0] for _ in range(40)]
    assert answers[-1] == 429
