"""A mandate in a visit: prepared under its own consent, confirmed at the booth, printed, signed, scanned and filed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from cvq_core.debits.mandates import set_creditor, signed_paper
from cvq_core.debits.rules import checked_iban
from cvq_core.debits.tables import DebitMandate
from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.offices.rules import Means
from cvq_desk.booths.view import booth_view
from cvq_desk.dossiers.service import content_of
from cvq_desk.dossiers.tables import Document
from cvq_desk.wire import MandateAnswer
from tests.core_examples import create_counter, create_officer, create_services, text_of_pdf
from tests.integration.desk_dossiers.papers import file_pages, settled, small_page
from tests.integration.desk_visits.ground import API, Answer, Caller, Ground
from tests.integration.desk_visits.test_wallet_moves import agreed

IBAN = "FR14 2004 1010 0505 0001 3M02 606"


@dataclass(frozen=True, slots=True)
class Signing:
    """A visit in which Jeanne agreed to a mandate, at a cash office that debits."""

    ground: Ground
    nadia: Caller
    visit: str
    office: UUID

    async def prepare(self, mandate_id: UUID | None = None, **more: Any) -> Answer:
        body = {
            "id": str(mandate_id or new_id()),
            "office_id": str(self.office),
            "holder": "Jeanne Moreau",
            "address": "12, rue du Moulin, 79200 Aulnay",
            "iban": IBAN,
            **more,
        }
        return await self.nadia.post(f"{API}/visits/{self.visit}/mandates", body)

    async def ask(self, what: str, mandate: Answer, body: Any = None) -> Answer:
        return await self.nadia.post(f"{API}/visits/{self.visit}/mandates/{mandate.body['id']}/{what}", body or {})

    async def answer(self, mandate: Answer, *, agreed: bool) -> None:
        await self.ground.tell_desk("mandate_answer", MandateAnswer(mandate_id=UUID(mandate.body["id"]), agreed=agreed))

    async def on_screen_2(self) -> Any:
        async with self.ground.database.read() as db:
            settings = self.ground.services.settings
            view = await booth_view(db, self.ground.booth, now=self.ground.hour(), settings=settings)
        assert view.visit is not None
        return view.visit.mandate

    async def stored(self, mandate: Answer) -> DebitMandate:
        async with self.ground.database.read() as db:
            return await db.get_one(DebitMandate, UUID(mandate.body["id"]))


async def office_that_debits(ground: Ground) -> UUID:
    async with ground.database.write() as db:
        await create_services(db)
        place = await create_counter(db, await create_officer(db), means=(Means.DIRECT_DEBIT,), is_main=True)
        await set_creditor(
            db,
            place.office_id,
            creditor_number="FR46ZZZ123456",
            iban=checked_iban(IBAN),
            bic="PSSTFRPPLIL",
            notice_days=14,
        )
    return place.office_id


@pytest.fixture
async def signing(ground: Ground, nadia: Caller) -> Signing:
    office = await office_that_debits(ground)
    return Signing(ground, nadia, await agreed(ground, nadia, "mandate"), office)


async def test_a_mandate_goes_from_screen_2_to_the_signed_page(signing: Signing) -> None:
    made = await signing.prepare()
    assert (made.status, made.body["account"], made.body["state"]) == (201, "FR14 •••• 2606", "prepared")
    shown = await signing.on_screen_2()
    assert (shown.state, shown.account, shown.holder) == ("asked", IBAN, "Jeanne Moreau")
    assert (await signing.ask("print", made)).slug == "mandate-not-confirmed"
    await signing.answer(made, agreed=True)
    assert (await signing.on_screen_2()).account == "", "once confirmed, it leaves the screen"
    command = str(new_id())
    for _ in range(2):
        assert (await signing.ask("print", made, {"command_id": command})).status == 202
    async with signing.ground.database.read() as db:
        (paper,) = await db.scalars(select(Document).where(Document.kind == "mandate"))
    assert IBAN in text_of_pdf(content_of(signing.ground.services.vault, paper))
    filed = await file_pages(signing.nadia, signing.visit, [small_page()], title="Mandat signé")
    document = {"document_id": filed.body["id"]}
    assert (await settled(signing.ground, filed.body["id"])).state == "ready"
    assert (await signing.ask("signed", made, document)).body["state"] == "signed"
    stored = await signing.stored(made)
    assert str(stored.signed_on) == "2026-03-03"
    async with signing.ground.database.read() as db:
        kept = await signed_paper(db, signing.ground.services.vault, stored.id)
        scan = await db.get_one(Document, UUID(filed.body["id"]))
        actions = set(await db.scalars(select(AuditRecord.action).where(AuditRecord.consent_id.is_not(None))))
    assert kept == content_of(signing.ground.services.vault, scan)
    assert {"debit-mandate-prepared", "debit-mandate-printed", "debit-mandate-signed"} <= actions


async def test_a_no_gives_the_mandate_up_and_a_late_no_changes_nothing(signing: Signing) -> None:
    wrong = await signing.prepare()
    await signing.answer(wrong, agreed=False)
    assert (await signing.stored(wrong)).revoked_on is not None
    assert await signing.on_screen_2() is None
    right = await signing.prepare()
    assert (await signing.ask("spoken", right, {"agreed": True})).status == 200
    await signing.answer(right, agreed=False)
    await signing.answer(wrong, agreed=True)
    assert (await signing.stored(right)).revoked_on is None
    assert (await signing.stored(wrong)).confirmed_at is None


async def test_without_an_agreement_of_its_own_nothing_of_a_mandate_is_done(ground: Ground, nadia: Caller) -> None:
    office = await office_that_debits(ground)
    looking = Signing(ground, nadia, await agreed(ground, nadia, "family", "cards", "wallets", "moves"), office)
    before = await ground.state_of_business()
    assert (await looking.prepare()).slug == "no-consent"
    assert await ground.state_of_business() == before


async def test_with_the_account_closed_the_bank_account_leaves_the_screen_and_no_answer_counts(
    signing: Signing,
) -> None:
    made = await signing.prepare()
    await signing.nadia.post(f"{API}/visits/{signing.visit}/close-account")
    assert await signing.on_screen_2() is None
    await signing.answer(made, agreed=True)
    assert (await signing.stored(made)).confirmed_at is None
    assert (await signing.ask("revoke", made, {"why": "change de banque"})).slug == "no-consent"


async def test_what_is_no_scan_of_this_visit_is_no_signed_page(signing: Signing) -> None:
    made = await signing.prepare()
    await signing.answer(made, agreed=True)
    await signing.ask("print", made)
    async with signing.ground.database.read() as db:
        (printed,) = await db.scalars(select(Document).where(Document.kind == "mandate"))
    for document in (printed.id, new_id()):
        assert (await signing.ask("signed", made, {"document_id": str(document)})).status == 404
    assert (await signing.stored(made)).signed_on is None


async def test_a_resident_withdraws_a_mandate_and_a_strangers_cannot_be_reached(signing: Signing) -> None:
    made = await signing.prepare()
    async with signing.ground.database.write() as db:
        foreign = await db.get_one(DebitMandate, UUID(made.body["id"]))
        foreign.family_account_id = signing.ground.strangers_family.id
    assert (await signing.ask("revoke", made, {"why": "change de banque"})).slug == "unknown-mandate"
    own = await signing.prepare()
    assert (await signing.ask("revoke", own, {"why": "change de banque"})).body["state"] == "revoked"


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        ({"iban": "FR15 2004 1010 0505 0001 3M02 606"}, "bad-iban"),
        ({"holder": " "}, "bad-mandate"),
        ({"office_id": str(new_id())}, "no-creditor-number"),
    ],
)
async def test_a_mandate_that_cannot_be_is_refused_and_writes_nothing(
    signing: Signing, change: dict[str, str], slug: str
) -> None:
    before = await signing.ground.state_of_business()
    assert (await signing.prepare(**change)).slug == slug
    assert await signing.ground.state_of_business() == before
