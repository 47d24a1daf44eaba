"""What the library software learns of somebody who holds out a card, over real SIP2 spoken by another's codec."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pysip2
from sqlalchemy import func, select

from cvq_core.access.facts import RightKind
from cvq_core.cards.life import By, block
from cvq_core.cards.rules import BlockedReason
from cvq_core.cards.store import find_card
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line as InvoiceLine
from cvq_core.invoices.store import issue_invoice
from cvq_core.journal.store import SYSTEM
from cvq_core.journal.tables import AuditRecord
from cvq_core.ledger.wallets import open_wallet
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import Membership, Person
from cvq_core.services.rules import ServiceCode
from tests.core_examples import LONG_AGO, NOW, TODAY, create_family, create_ledger_account, move
from tests.factories import replace_card
from tests.integration.core.library.ground import DATE, Ground, ground_on, number


async def test_a_subscriber_is_a_reader_and_nothing_but_the_name_is_told(ground: Ground) -> None:
    await ground.subscribe()
    terminal = await ground.terminal()
    found = await terminal.ask(
        pysip2.PatronInformationRequest(
            language="002",
            transaction_date=DATE,
            summary=" " * 10,
            institution_id="MEDIA",
            patron_identifier=ground.card,
        )
    )
    assert (found.valid_patron, found.patron_status.strip(), found.personal_name) == ("Y", "", "MOREAU Élise")
    assert found.screen_message == ()
    assert (found.home_address, found.email_address, found.home_phone_number) == (None, None, None)
    assert b"1941" not in terminal.raw
    assert b"PA20261231" in terminal.raw, "the last day of the subscription"


async def test_a_right_that_only_opens_doors_makes_nobody_a_reader(ground: Ground) -> None:
    await ground.subscribe(kind=RightKind.AGENT_SCHEDULE)
    await ground.subscribe(kind=RightKind.PROFESSIONAL)
    await ground.subscribe(site="mediatheque")
    terminal = await ground.terminal()
    said = await terminal.status(ground.card)
    assert (said.valid_patron, said.personal_name) == ("N", "")
    await ground.subscribe(kind=RightKind.HOUSEHOLD, person_id=None, account_id=ground.account_id)
    assert (await terminal.status(ground.card)).valid_patron == "Y"


async def test_the_number_typed_with_spaces_and_what_a_reader_sees_are_the_same_card(ground: Ground) -> None:
    await ground.subscribe()
    terminal = await ground.terminal()
    typed = f"{ground.card[:3]} {ground.card[3:6]} {ground.card[6:]}"
    for identifier in (ground.card, typed, "04:a1:b2:c3:d4:e5:f6"):
        assert (await terminal.status(identifier)).valid_patron == "Y"


async def test_a_replaced_card_is_known_at_once_and_the_new_one_too(ground: Ground) -> None:
    await ground.subscribe()
    terminal = await ground.terminal()
    assert (await terminal.status(ground.card)).valid_patron == "Y"
    async with ground.database.write() as db:
        new = await replace_card(
            db,
            ground.card_id,
            card_id=new_id(),
            number=number("482130578"),
            uid="04FFEEDDCCBBAA",
            valid_until=date(2031, 1, 1),
            now=NOW,
        )
    old = await terminal.status(ground.card)
    assert (old.valid_patron, old.personal_name, old.patron_status[:4]) == ("N", "", "YYYY")
    assert "remplacée" in old.screen_message[0]
    fresh = await terminal.status(new.number)
    assert (fresh.valid_patron, fresh.personal_name) == ("Y", "MOREAU Élise")


async def test_a_lost_card_is_reported_as_lost_and_names_nobody(ground: Ground) -> None:
    await ground.subscribe()
    async with ground.database.write() as db:
        await block(db, ground.card_id, BlockedReason.LOST, By(SYSTEM, NOW))
    said = await (await ground.terminal()).status(ground.card)
    assert (said.valid_patron, said.patron_status[4], said.personal_name) == ("N", "Y", "")


async def test_somebody_without_a_subscription_is_not_named_and_who_had_one_is(ground: Ground) -> None:
    terminal = await ground.terminal()
    said = await terminal.status(ground.card)
    assert (said.valid_patron, said.personal_name) == ("N", "")
    assert "inscrite" in said.screen_message[0]
    await ground.subscribe(until=date(2026, 2, 1))
    said = await terminal.status(ground.card)
    assert (said.valid_patron, said.personal_name) == ("N", "MOREAU Élise")
    assert "1ᵉʳ février 2026" in said.screen_message[0]


async def test_a_subscription_to_come_and_a_dead_reader_are_told_apart(ground: Ground) -> None:
    await ground.subscribe(valid_from=NOW + timedelta(days=4), until=None)
    terminal = await ground.terminal()
    assert "commence le 7 mars 2026" in (await terminal.status(ground.card)).screen_message[0]
    async with ground.database.write() as db:
        (await db.get_one(Person, ground.person_id)).deceased_on = TODAY
    said = await terminal.status(ground.card)
    assert (said.valid_patron, said.personal_name) == ("N", "")


async def test_an_unknown_number_is_answered_and_a_terminal_may_ask_in_english(ground: Ground) -> None:
    terminal = await ground.terminal()
    for identifier in ("", "0", "9999999999", number("100000000"), "x" * 200, "é|à"[:1]):
        assert (await terminal.status(identifier)).valid_patron == "N"
    assert "known" in (await terminal.status(number("100000000"), language="001")).screen_message[0]


async def test_what_the_family_owes_the_library_is_told_and_nothing_that_it_owes_others(ground: Ground) -> None:
    await ground.subscribe()
    async with ground.database.write() as db:
        other = await create_ledger_account(db)
        for service, cents in ((ServiceCode.LIBRARY, -250), (ServiceCode.POOL, -9900)):
            wallet = await open_wallet(db, new_id(), family_account_id=ground.account_id, service=service, now=NOW)
            await move(db, wallet.id, cents, other)
        for services in ((ServiceCode.LIBRARY,), (ServiceCode.LIBRARY, ServiceCode.POOL)):
            await issue_invoice(
                db,
                new_id(),
                family_account_id=ground.account_id,
                label="Livre perdu",
                lines=[InvoiceLine(each, "Livre", 1, 1000) for each in services],
                due_on=TODAY + timedelta(days=30),
                now=NOW,
            )
    said = await (await ground.terminal()).status(ground.card)
    assert (said.valid_patron, said.fee_amount, said.currency_type) == ("Y", "12.50", "EUR")
    assert "12,50" in said.screen_message[0]
    assert said.patron_status.strip() == ""


async def test_above_its_limit_a_debt_stops_the_loans(database: Database) -> None:
    async with ground_on(database, fee_limit_cents=500) as ground:
        await ground.subscribe()
        async with database.write() as db:
            wallet = await open_wallet(
                db, new_id(), family_account_id=ground.account_id, service=ServiceCode.LIBRARY, now=NOW
            )
            await move(db, wallet.id, -500, await create_ledger_account(db))
        terminal = await ground.terminal()
        assert (await terminal.status(ground.card)).patron_status.strip() == ""
        async with database.write() as db:
            await move(db, wallet.id, -1, await create_ledger_account(db))
        said = await terminal.status(ground.card)
        assert (said.valid_patron, said.patron_status) == ("Y", "YYYY       Y  ")


async def test_of_a_child_of_two_homes_only_todays_debts_are_told(ground: Ground) -> None:
    await ground.subscribe()
    async with ground.database.write() as db:
        other = await create_family(db, "F00002", "Texier")
        own = list(await db.scalars(select(Membership).where(Membership.person_id == ground.person_id)))
        own[0].role = FamilyRole.CHILD
        db.add(
            Membership(
                id=new_id(),
                account_id=other.id,
                person_id=ground.person_id,
                role=FamilyRole.CHILD,
                valid_from=LONG_AGO,
            )
        )
        for account_id in (ground.account_id, other.id):
            wallet = await open_wallet(db, new_id(), family_account_id=account_id, service=ServiceCode.LIBRARY, now=NOW)
            await move(db, wallet.id, -300, await create_ledger_account(db))
    said = await (await ground.terminal()).status(ground.card)
    assert said.fee_amount is None, "nobody has said whose day it is: neither home hears of the other's debt"


async def test_the_library_blocks_its_own_loans_and_never_the_card(ground: Ground) -> None:
    await ground.subscribe()
    terminal = await ground.terminal()

    def block() -> pysip2.BlockPatronRequest:
        return pysip2.BlockPatronRequest(
            card_retained="N",
            transaction_date=DATE,
            institution_id="MEDIA",
            blocked_card_message="Trois livres abîmés",
            patron_identifier=ground.card,
            terminal_password="",
        )

    assert (await terminal.ask(block())).patron_status[:4] == "YYYY"
    assert (await terminal.ask(block())).patron_status[:4] == "YYYY"
    said = await terminal.status(ground.card)
    assert said.patron_status[:4] == "YYYY"
    assert "Trois livres abîmés" in said.screen_message[0]
    async with ground.database.read() as db:
        assert (await find_card(db, number=ground.card)).status == "active"
    enabled = await terminal.ask(
        pysip2.PatronEnableRequest(transaction_date=DATE, institution_id="MEDIA", patron_identifier=ground.card)
    )
    assert (enabled.patron_status.strip(), enabled.valid_patron) == ("", "Y")
    async with ground.database.read() as db:
        rows = await db.scalars(select(AuditRecord.action).where(AuditRecord.action.startswith("library-")))
        acts = sorted(rows)
    assert acts == ["library-access-made", "library-blocked", "library-looked-up", "library-unblocked"]


async def test_enabling_does_not_bring_a_lost_card_back(ground: Ground) -> None:
    await ground.subscribe()
    async with ground.database.write() as db:
        await block(db, ground.card_id, BlockedReason.STOLEN, By(SYSTEM, NOW))
    terminal = await ground.terminal()
    enabled = await terminal.ask(
        pysip2.PatronEnableRequest(transaction_date=DATE, institution_id="MEDIA", patron_identifier=ground.card)
    )
    assert (enabled.valid_patron, enabled.patron_status[4]) == ("N", "Y")


async def test_a_fee_that_the_software_took_is_refused_with_words(ground: Ground) -> None:
    await ground.subscribe()
    said = await (await ground.terminal()).ask(
        pysip2.FeePaidRequest(
            transaction_date=DATE,
            fee_type="04",
            payment_type="00",
            currency_type="EUR",
            fee_amount="2.50",
            institution_id="MEDIA",
            patron_identifier=ground.card,
            transaction_id="T-1",
        )
    )
    assert (said.payment_accepted, said.transaction_id) == ("N", "T-1")
    assert "rien n’a été encaissé" in said.screen_message[0]


async def test_somebody_is_noted_as_looked_up_once_a_day(ground: Ground) -> None:
    await ground.subscribe()
    terminal = await ground.terminal()

    async def looks() -> int:
        async with ground.database.read() as db:
            wanted = select(func.count()).where(AuditRecord.action == "library-looked-up")
            return await db.scalar(wanted) or 0

    for _ in range(3):
        await terminal.status(ground.card)
    assert await looks() == 1
    ground.clock[0] = datetime(2026, 3, 4, 8, 0, tzinfo=UTC)
    await terminal.status(ground.card)
    assert await looks() == 2
