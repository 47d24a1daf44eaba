"""What is printed of an invoice: whose address, which ways to pay are open today, which copy; and what is not told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from pydantic import ValidationError

from cvq_core.database import Database
from cvq_core.debits.mandates import revoke_mandate
from cvq_core.ids import new_id
from cvq_core.invoice_papers.paper import InvoicePaper
from cvq_core.invoice_papers.pdf import invoice_pdf
from cvq_core.invoice_papers.store import HANDED_OVER, Papers, invoice_by_token, note_print
from cvq_core.invoices.rules import Line, UnknownInvoice
from cvq_core.invoices.store import issue_invoice
from cvq_core.ledger.rules import AccountKind, IdempotencyMismatch, TransactionKind
from cvq_core.ledger.store import post, reverse
from cvq_core.offices.rules import MandateTitle, Means, Officer
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import FamilyAccount, Membership, Person
from cvq_core.services.rules import ServiceCode
from cvq_core.settings import Settings
from cvq_core.treasury.unpaid import hand_over, set_rule
from cvq_core.treasury.unpaid_rules import ClaimRule
from cvq_core.vault import Vault
from tests.core_examples import (
    LONG_AGO,
    NOW,
    TODAY,
    create_counter,
    create_family,
    create_ledger_account,
    create_mandate,
    create_member,
    create_officer,
    create_services,
    text_of_pdf,
    transaction,
)
from tests.factories import make_commune

WHY = "QF 742, tranche 3 : 2,35 €"
CODES = {"emitter": "940033", "collectivity": "RS", "product": "087", "post": "079033"}
ONLINE = {"payfip_client": "012345", "payfip_office": "POM-MAIRIE", "public_url": "https://guichet.fr/"}


@dataclass(frozen=True)
class Town:
    """Claire and Julien, parents of Léa, with an invoice of 32,90 €, and a counter that may collect it."""

    database: Database
    odile: Officer
    office: UUID
    family: FamilyAccount
    claire: Person
    child: Person
    invoice: UUID

    async def paper(
        self, settings: Mapping[str, object] = {}, *, copy: int = 0, with_reasons: bool = True
    ) -> InvoicePaper:
        async with self.database.write() as db:
            papers = await Papers.begin(db, Settings(**settings), NOW)  # type: ignore[arg-type]
            found = await papers.of(db, [self.invoice], {self.invoice: copy}, with_reasons=with_reasons)
        return found[0]

    async def print(self, print_id: UUID, invoice_id: UUID | None = None) -> int:
        async with self.database.write() as db:
            return await note_print(db, invoice_id or self.invoice, print_id, staff_id=self.odile.staff_id, now=NOW)

    async def pay(self, cents: int) -> None:
        async with self.database.write() as db:
            drawer = await create_ledger_account(db, AccountKind.DRAWER)
            legs = ((self.invoice, cents), (drawer, -cents))
            await post(db, transaction(*legs, kind=TransactionKind.PAYMENT), now=NOW)


@pytest.fixture
async def town(database: Database) -> Town:
    async with database.write() as db:
        await create_services(db)
        await make_commune(db, "79195", "Parthenay")
        odile = await create_officer(db)
        means = (Means.CASH, Means.CHEQUE, Means.PAYFIP, Means.DIRECT_DEBIT)
        place = await create_counter(db, odile, means=means, is_main=True, title=MandateTitle.OFFICER)
        family = await create_family(db)
        claire = await create_member(db, family.id, "Claire", FamilyRole.GUARDIAN)
        claire.address, claire.postcode, claire.commune_insee = "12, rue du Moulin", "79200", "79195"
        child = await create_member(db, family.id, "Léa", FamilyRole.CHILD)
        child.address, child.postcode, child.commune_insee = "14, chemin des Cerisiers", "79200", "79195"
        invoice = await issue_invoice(
            db,
            new_id(),
            family_account_id=family.id,
            label="Février 2026",
            lines=[Line(ServiceCode.CANTEEN, "Repas", 14, 235, WHY)],
            due_on=TODAY + timedelta(days=30),
            now=NOW,
        )
    return Town(database, odile, place.office_id, family, claire, child, invoice.id)


async def test_it_goes_to_the_guardian_s_address_and_never_to_a_child_s(town: Town) -> None:
    assert (await town.paper()).addressee == ("Claire Moreau", "12, rue du Moulin", "79200 PARTHENAY")
    async with town.database.write() as db:
        (await db.get_one(Person, town.claire.id)).address = None
    assert (await town.paper()).addressee == ("Claire Moreau",)


async def test_a_payer_who_is_no_guardian_gets_it_without_the_family_s_quotient(town: Town) -> None:
    assert [line.why for line in (await town.paper()).lines] == [WHY]
    async with town.database.write() as db:
        await create_member(db, town.family.id, "Jeanne", FamilyRole.PAYER)
    paper = await town.paper()
    assert paper.addressee == ("Jeanne Moreau",)
    assert [line.why for line in paper.lines] == [""]
    async with town.database.write() as db:
        for role in (FamilyRole.PAYER,):
            db.add(
                Membership(
                    id=new_id(), account_id=town.family.id, person_id=town.claire.id, role=role, valid_from=LONG_AGO
                )
            )
    assert [line.why for line in (await town.paper()).lines] == [WHY]


async def test_who_is_only_to_know_the_amounts_reads_no_reason(town: Town) -> None:
    assert [line.why for line in (await town.paper(with_reasons=False)).lines] == [""]


async def test_without_settings_it_is_the_territory_s_and_bears_no_code(town: Town) -> None:
    paper = await town.paper()
    assert paper.issuer.name == "Parthenay-Gâtine"
    assert (paper.online_url, paper.proximity_code) == ("", "")
    assert [(each.label, each.means) for each in paper.counters] == [("Mairie de Pompaire", ("espèces", "chèque"))]


async def test_what_is_set_is_printed_and_the_code_says_what_is_still_due(town: Town) -> None:
    issuer = {"name": "Communauté de communes", "address": ["7, rue Béranger"], "siret": "73282932000074"}
    settings = {**ONLINE, "proximity": CODES, "invoice_issuer": issuer}
    await town.pay(1000)
    paper = await town.paper(settings)
    assert paper.issuer.address == ("7, rue Béranger",)
    assert (paper.paid_cents, paper.due_cents) == (1000, 2290)
    assert paper.proximity_code.endswith("806     2290")
    assert paper.proximity_code[93:108] == "000002026000001"
    await town.pay(2290)
    paper = await town.paper(settings)
    assert (paper.due_cents, paper.proximity_code, paper.online_url, paper.counters) == (0, "", "", ())


@pytest.mark.parametrize(
    "wrong", [{"proximity": {**CODES, "emitter": "9"}}, {"proximity": {**CODES, "more": "1"}}, {"invoice_issuer": {}}]
)
def test_a_setting_that_is_wrong_stops_the_server(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)  # type: ignore[arg-type]


async def test_its_short_address_stays_the_same_and_is_printed_only_where_the_act_says_so(town: Town) -> None:
    url = (await town.paper(ONLINE)).online_url
    assert url.startswith("https://guichet.fr/f/")
    assert (await town.paper(ONLINE)).online_url == url
    async with town.database.read() as db:
        assert (await invoice_by_token(db, url.rpartition("/")[2])).invoice.id == town.invoice
        with pytest.raises(UnknownInvoice):
            await invoice_by_token(db, url.rpartition("/")[2] + "x" * 50)
    assert (await town.paper({**ONLINE, "payfip_office": "AILLEURS"})).online_url == ""


async def test_a_family_that_signed_is_told_that_it_has_nothing_to_do(
    town: Town, tmp_path_factory: pytest.TempPathFactory
) -> None:
    paper = await town.paper()
    assert (paper.is_debited, paper.may_be_debited) == (False, False)
    async with town.database.write() as db:
        vault = Vault(tmp_path_factory.mktemp("vault"), bytes(32))
        mandate = await create_mandate(db, vault, town.office, town.family.id, town.odile)
    paper = await town.paper()
    assert (paper.is_debited, paper.may_be_debited) == (True, True)
    async with town.database.write() as db:
        await revoke_mandate(db, mandate.id, why="Demande", now=NOW)
    paper = await town.paper()
    assert (paper.is_debited, paper.may_be_debited) == (False, True)


async def test_the_first_printing_is_the_original_and_rivals_get_a_number_each(town: Town) -> None:
    first = new_id()
    assert await town.print(first) == 0
    assert await town.print(first) == 0
    copies = await asyncio.gather(*(town.print(new_id()) for _ in range(10)))
    assert sorted(copies) == list(range(1, 11))
    with pytest.raises(UnknownInvoice):
        await town.print(new_id(), new_id())
    async with town.database.write() as db:
        other = await issue_invoice(
            db,
            new_id(),
            family_account_id=town.family.id,
            label="Mars",
            lines=[Line(ServiceCode.POOL, "Entrée", 1, 300)],
            due_on=TODAY,
            now=NOW,
        )
    with pytest.raises(IdempotencyMismatch):
        await town.print(first, other.id)


async def test_rivals_make_one_short_address(town: Town) -> None:
    assert len({paper.online_url for paper in await asyncio.gather(*(town.paper(ONLINE) for _ in range(10)))}) == 1


async def test_what_was_cancelled_is_neither_due_nor_paid(town: Town) -> None:
    async with town.database.write() as db:
        await reverse(
            db, town.invoice, reversal_id=new_id(), label="Erreur", actor_kind="staff", actor_id=None, now=NOW
        )
    paper = await town.paper(ONLINE)
    assert (paper.marks, paper.due_cents, paper.paid_cents, paper.online_url) == (("ANNULÉE",), 0, 0, "")
    text = text_of_pdf(invoice_pdf(paper))
    assert "a été annulée" in text
    assert "Déjà payé" not in text


async def test_what_the_comptable_has_on_a_list_says_so(town: Town) -> None:
    assert (await town.paper()).notes == ()
    late = NOW + timedelta(days=120)
    async with town.database.write() as db:
        await set_rule(
            db,
            new_id(),
            office_id=town.office,
            rule=ClaimRule(1500, 30, "délibération"),
            valid_from=TODAY,
            officer=town.odile,
            now=NOW,
        )
        await hand_over(
            db, key=new_id(), office_id=town.office, kept=(), total_cents=3290, officer=town.odile, now=late
        )
    assert (await town.paper()).notes == (HANDED_OVER,)
