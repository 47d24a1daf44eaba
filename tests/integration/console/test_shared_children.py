"""What a parent's advisor sees of the other parent: each masked value is looked for on every page, paper and file."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from sqlalchemy import select

from cvq_core.access.facts import Assurance, AttendanceStatus, Manner, PointKind
from cvq_core.access.tables import AccessPoint, Attendance
from cvq_core.families.merges import merge_accounts
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import issue_invoice
from cvq_core.invoices.tables import Invoice
from cvq_core.journal import Actor, record
from cvq_core.ledger.rules import AccountKind
from cvq_core.ledger.store import post
from cvq_core.people.arrangements import NewArrangement, arrange, note_authority, record_order
from cvq_core.people.custody import Part
from cvq_core.people.rules import FamilyRole, QuotientSource
from cvq_core.people.tables import FamilyAccount, FamilyQuotient, Membership, Person
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.rules import Role
from tests.core_examples import (
    LONG_AGO,
    NOW,
    TODAY,
    create_family,
    create_ledger_account,
    create_member,
    create_services,
    create_wallet,
    transaction,
)
from tests.factories import make_staff
from tests.integration.desk_visits.ground import API, Caller, Ground, ground_on

# What of the father may appear nowhere on the mother's side.
MASKED = {
    "address": "14 chemin des Cerisiers",
    "phone": "06 55 44 33 22",
    "email": "julien.texier@exemple.fr",
    "account's email": "foyer.texier@exemple.fr",
    "account's label": "Foyer Texier-Ribot",
    "account's number": "F00777",
    "quotient": "1387",
    "wallet": "87,65",
    "wallet's movement": "Approvisionnement Texier",
    "who looked": "Ginette Curieuse",
    "new partner": "Ribot",
}


@dataclass(slots=True)
class Parents:
    """Jeanne, whom the advisor serves, and the father of her child; `ground` has the server."""

    ground: Ground
    child: Person
    father: Person
    father_account: FamilyAccount
    visit: str
    nadia: Caller

    @property
    def console(self) -> str:
        return f"/console/{self.visit}"

    async def page(self, path: str) -> str:
        answer = await self.nadia.get(path)
        assert answer.status == 200, path
        return text_of(answer.body)


def text_of(body: Any) -> str:
    """Return what people read in a page, a paper, a file or JSON, its spaces made plain."""
    if isinstance(body, bytes) and body.startswith(b"%PDF"):
        with closing(pypdfium2.PdfDocument(body)) as pdf:
            text = "\n".join(page.get_textpage().get_text_range() for page in pdf)
    else:
        text = body.decode("utf-8") if isinstance(body, bytes) else repr(body)
    return text.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.fixture
async def parents(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Parents]:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    async with ground_on(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path) as ground:
        nadia = await ground.as_staff("nadia")
        visit = await ground.visit_in_call(nadia)
        yield await _shared_child(ground, nadia, visit)


async def _shared_child(ground: Ground, nadia: Caller, visit: str) -> Parents:
    async with ground.database.write() as db:
        await create_services(db)
        other = await create_family(db, MASKED["account's number"], MASKED["account's label"])
        other.email = MASKED["account's email"]
        father = await create_member(db, other.id, "Julien", FamilyRole.GUARDIAN, born=date(1987, 1, 5))
        father.address, father.phone, father.email = MASKED["address"], MASKED["phone"], MASKED["email"]
        partner = await create_member(db, other.id, MASKED["new partner"], FamilyRole.PAYER)
        assert partner.given_names == MASKED["new partner"]
        child = await create_member(db, ground.family.id, "Emma", FamilyRole.CHILD, born=date(2017, 6, 1))
        db.add(
            Membership(id=new_id(), account_id=other.id, person_id=child.id, role=FamilyRole.CHILD, valid_from=LONG_AGO)
        )
        db.add(
            FamilyQuotient(
                id=new_id(),
                account_id=other.id,
                value_euros=int(MASKED["quotient"]),
                source=QuotientSource.CAF,
                valid_from=LONG_AGO,
                recorded_at=NOW,
            )
        )
        await create_wallet(db, ground.family.id, ServiceCode.CANTEEN, cents=1240)
        wallet = await create_wallet(db, other.id, ServiceCode.CANTEEN)
        opening = await create_ledger_account(db, AccountKind.OPENING)
        topped = transaction((wallet.id, 8765), (opening, -8765), label=MASKED["wallet's movement"])
        await post(db, topped, now=NOW)
        await issue_invoice(
            db,
            new_id(),
            family_account_id=other.id,
            label="Mars",
            lines=[Line(ServiceCode.CANTEEN, "Repas d’Emma, mars", 4, 235, person_id=child.id)],
            due_on=TODAY + timedelta(days=30),
            now=NOW,
        )
        point = AccessPoint(
            id=new_id(),
            code="cantine",
            label="Cantine",
            site="Le Tallud",
            kind=PointKind.TABLET,
            service_code=ServiceCode.CANTEEN,
            assurance=Assurance.UID,
        )
        db.add(point)
        await db.flush()
        db.add(
            Attendance(
                person_id=child.id,
                service_code=ServiceCode.CANTEEN,
                day=TODAY - timedelta(days=1),
                point_id=point.id,
                status=AttendanceStatus.PRESENT,
                manner=Manner.TICK,
                noted_at=NOW,
                amount_cents=235,
            )
        )
        record(
            db,
            now=NOW,
            actor=Actor("staff", new_id(), MASKED["who looked"]),
            action="account-looked-at",
            account_id=other.id,
        )
        ground.staff["auditrice"] = (await make_staff(db, Role.AUDITOR, None, "auditrice")).id
    consent = await nadia.post(
        f"{API}/visits/{visit}/consents",
        {"account_id": str(ground.family.id), "scopes": ["family", "cards", "wallets"]},
    )
    spoken = f"{API}/visits/{visit}/consents/{consent.body['id']}/spoken"
    assert (await nadia.post(spoken, {"agreed": True})).status == 200
    return Parents(ground, child, father, other, visit, nadia)


async def take_authority(parents: Parents) -> None:
    """A court takes the mother's authority over the child away."""
    async with parents.ground.database.write() as db:
        order = await record_order(
            db,
            new_id(),
            child_id=parents.child.id,
            court="Tribunal judiciaire de Niort",
            reference="RG 26/00123",
            decided_on=TODAY,
            effective_on=TODAY,
            recorded_by=None,
            now=NOW,
        )
        await note_authority(
            db,
            new_id(),
            child_id=parents.child.id,
            guardian_id=parents.ground.jeanne.id,
            held=False,
            valid_from=TODAY,
            order_id=order.id,
            recorded_by=None,
            now=NOW,
        )


PAGES = [
    "{console}",
    "{console}/fragments/account",
    "{console}/fragments/person",
    "{console}/fragments/consent",
    "{console}/releve?first=2020-01-01",
    "{console}/releve.pdf?first=2020-01-01",
    "{console}/releve.csv?first=2020-01-01",
    f"{API}/visits/{{visit}}/statement?first=2020-01-01",
]


@pytest.mark.parametrize("path", PAGES)
async def test_nothing_that_is_masked_stands_on_it(parents: Parents, path: str) -> None:
    text = await parents.page(path.format(console=parents.console, visit=parents.visit))
    assert [what for what, value in MASKED.items() if value in text] == []


async def test_nothing_that_is_masked_stands_on_the_paper_of_an_invoice_and_the_other_s_is_not_printed(
    parents: Parents,
) -> None:
    async with parents.ground.database.write() as db:
        (await db.get_one(Person, parents.child.id)).address = MASKED["address"]
        await issue_invoice(
            db,
            new_id(),
            family_account_id=parents.ground.family.id,
            label="Mars",
            lines=[Line(ServiceCode.CANTEEN, "Repas d’Emma, mars, 50 % de 9,40 €", 1, 470, person_id=parents.child.id)],
            due_on=TODAY + timedelta(days=30),
            now=NOW,
        )
        theirs = await db.scalar(select(Invoice.id).where(Invoice.family_account_id == parents.father_account.id))
    page = await parents.page(f"{parents.console}/fragments/account")
    [link] = re.findall(r'href="([^"]*\.pdf\?print=[^"]*)"', page)
    text = await parents.page(link)
    assert "Repas d’Emma" in text
    assert [what for what, value in MASKED.items() if value in text] == []
    answer = await parents.nadia.get(f"{parents.console}/factures/{theirs}.pdf?print={new_id()}")
    assert answer.status == 404


async def test_the_father_s_name_the_child_s_meals_and_its_invoices_are_open_to_the_mother(parents: Parents) -> None:
    text = await parents.page(f"{parents.console}/fragments/account")
    assert "Autre responsable : Julien Moreau" in text
    assert "Repas d’Emma, mars" in text
    assert "9,40 €" in text
    assert "2 mars 2026" in text
    assert "Seul" not in text


async def test_a_court_order_closes_them_too(parents: Parents) -> None:
    await take_authority(parents)
    text = await parents.page(f"{parents.console}/fragments/account")
    assert "Autre responsable : Julien Moreau" in text
    assert "Repas d’Emma" not in text
    assert "2 mars 2026" not in text
    assert "seulement le nom de l’autre responsable" in text


async def test_the_panel_says_whose_day_it_is(parents: Parents) -> None:
    assert "le jour d’aucun compte" in await parents.page(f"{parents.console}/fragments/account")
    async with parents.ground.database.write() as db:
        parts = (Part(parents.father_account.id, 50), Part(parents.ground.family.id, 50))
        asked = NewArrangement(new_id(), parents.child.id, TODAY, parts, "bbbbbbb", "aaaaaaa")
        await arrange(db, asked, recorded_by=None, now=NOW)
    assert "un jour de ce compte" in await parents.page(f"{parents.console}/fragments/account")


async def test_the_journal_of_one_account_tells_nothing_of_the_other_one_s(parents: Parents) -> None:
    number = parents.ground.family.number
    caller = await parents.ground.as_staff("auditrice")
    for path in (f"/journal?q={number}", f"/journal/liste.csv?q={number}"):
        text = text_of((await caller.get(path)).body)
        assert MASKED["who looked"] not in text
        assert "Nadia Roche" in text
    by_name = text_of((await caller.get("/journal?q=Emma")).body)
    assert MASKED["who looked"] in by_name, "the auditor may read both, for herself"


async def test_the_statement_needs_a_consent_that_covers_the_wallets(parents: Parents) -> None:
    consent = await parents.nadia.post(
        f"{API}/visits/{parents.visit}/consents",
        {"account_id": str(parents.ground.family.id), "scopes": ["family"]},
    )
    for path in PAGES[4:]:
        answer = await parents.nadia.get(path.format(console=parents.console, visit=parents.visit))
        assert answer.status == 403, path
    spoken = f"{API}/visits/{parents.visit}/consents/{consent.body['id']}/spoken"
    await parents.nadia.post(spoken, {"agreed": True})
    assert (await parents.nadia.get(f"{parents.console}/releve")).status == 403
    hugo = await parents.ground.as_staff("hugo")
    assert (await hugo.get(f"{parents.console}/releve")).status == 403


async def test_page_paper_file_and_json_say_the_same(parents: Parents) -> None:
    period = "?first=2026-03-01&last=2026-03-31"
    page = await parents.page(f"{parents.console}/releve{period}")
    paper = await parents.page(f"{parents.console}/releve.pdf{period}")
    sheet = (await parents.nadia.get(f"{parents.console}/releve.csv{period}")).body
    found = (await parents.nadia.get(f"{API}/visits/{parents.visit}/statement{period}")).body
    assert sheet.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(sheet.decode("utf-8-sig")), delimiter=";"))
    assert rows[0] == ["Compte", "Numéro", "Jour", "Libellé", "Montant", "Solde", "Explication du prix"]
    assert [row[5] for row in rows[1:]] == ["0,00", "12,40", "12,40"]
    [section] = found["sections"]
    assert (section["opening_cents"], section["closing_cents"], len(section["lines"])) == (0, 1240, 1)
    for text in (page, paper):
        assert "12,40 €" in text
    assert "Page 1 sur 1" in paper


async def test_a_period_that_is_none_is_refused_with_its_reason(parents: Parents) -> None:
    for query in ("first=2026-03-02&last=2026-03-01", "first=demain", "first=0001-01-01", "last=9999-12-31"):
        answer = await parents.nadia.get(f"{API}/visits/{parents.visit}/statement?{query}")
        assert (answer.status, answer.slug) == (422, "bad-period"), query


async def test_an_advisor_records_an_order_and_a_calendar_for_a_child_of_the_open_account_alone(
    parents: Parents,
) -> None:
    order = {
        "id": str(new_id()),
        "child_id": str(parents.child.id),
        "court": "Tribunal judiciaire de Niort",
        "reference": "RG 26/00123",
        "decided_on": "2026-02-20",
        "effective_on": "2026-02-20",
    }
    path = f"{API}/visits/{parents.visit}"
    assert (await parents.nadia.post(f"{path}/court-orders", order)).status == 201
    arrangement = {
        "id": str(new_id()),
        "child_id": str(parents.child.id),
        "valid_from": TODAY.isoformat(),
        "parts": [
            {"account_id": str(parents.ground.family.id), "share_percent": 50},
            {"account_id": str(parents.father_account.id), "share_percent": 50},
        ],
        "first_week": "aaaaaaa",
        "second_week": "bbbbbbb",
        "order_id": order["id"],
    }
    assert (await parents.nadia.post(f"{path}/arrangements", arrangement)).status == 201
    stranger = {**order, "id": str(new_id()), "child_id": str(parents.father.id)}
    assert (await parents.nadia.post(f"{path}/court-orders", stranger)).slug == "unknown-person"
    assert (await parents.nadia.post(f"{path}/close-account")).status == 200
    again = {**order, "id": str(new_id())}
    assert (await parents.nadia.post(f"{path}/court-orders", again)).slug == "no-consent"


async def test_a_consent_for_an_account_that_was_merged_meanwhile_is_asked_for_again(parents: Parents) -> None:
    async with parents.ground.database.write() as db:
        kept = await create_family(db, "F00888", "Foyer Moreau")
        await merge_accounts(
            db, new_id(), merged_id=parents.ground.family.id, kept_id=kept.id, reason="Double", by=None, now=NOW
        )
    text = await parents.page(f"{parents.console}/fragments/account")
    assert "12,40" not in text
    assert "Emma" not in text
    answer = await parents.nadia.get(f"{API}/visits/{parents.visit}/statement?first=2026-03-01&last=2026-03-31")
    assert (answer.status, answer.slug) == (403, "account-merged-meanwhile")
    assert "F00888" in answer.body["detail"]
