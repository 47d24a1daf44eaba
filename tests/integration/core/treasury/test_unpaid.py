"""Unpaid debts: gathered until they may be claimed, handed over once, and what became of them is stated."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest

from cvq_core.clock import local_day
from cvq_core.ids import new_id
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.ledger.store import post, reverse
from cvq_core.offices.drawers import close_drawer, open_drawer
from cvq_core.offices.rules import Means, Officer
from cvq_core.offices.service import collect
from cvq_core.people.rules import FamilyRole
from cvq_core.treasury.accounts import NotTreasuryOfficer
from cvq_core.treasury.bounces import bounce
from cvq_core.treasury.cheque_rules import BounceReason
from cvq_core.treasury.unpaid import (
    ItemNow,
    hand_over,
    items_of,
    number_of,
    rule_of,
    set_rule,
    state_line,
    states_of,
    unpaid_of,
    withdraw,
)
from cvq_core.treasury.unpaid_pdf import unpaid_pdf
from cvq_core.treasury.unpaid_rules import (
    ClaimRule,
    FamilyDebts,
    Gathered,
    NoClaimRule,
    NothingToHandOver,
    StateWithdrawn,
    UnpaidChanged,
)
from cvq_core.treasury.unpaid_tables import UnpaidState
from tests.core_examples import NOW, TODAY, create_ledger_account, create_member, move, top_up, transaction
from tests.integration.core.treasury.conftest import Town, pay

LATER = NOW + timedelta(days=60)
RULE = ClaimRule(15_00, 30, "CGCT D1611-1")


async def ruled(town: Town, rule: ClaimRule = RULE, valid_from: date = TODAY) -> None:
    async with town.database.write() as db:
        await set_rule(
            db,
            new_id(),
            office_id=town.office,
            rule=rule,
            valid_from=valid_from,
            officer=town.benoit,
            now=NOW,
        )


async def unpaid(town: Town, on: date | None = None) -> list[FamilyDebts]:
    async with town.database.read() as db:
        return await unpaid_of(db, town.office, on or local_day(LATER))


async def handed(
    town: Town,
    total: int,
    *,
    key: UUID | None = None,
    kept: Collection[UUID] = (),
    officer: Officer | None = None,
    now: datetime = LATER,
) -> UnpaidState:
    async with town.database.write() as db:
        return await hand_over(
            db,
            key=key or new_id(),
            office_id=town.office,
            kept=kept,
            total_cents=total,
            officer=officer or town.benoit,
            now=now,
        )


async def now_of(town: Town, state: UnpaidState) -> list[tuple[int, int, int, int]]:
    async with town.database.read() as db:
        items: list[ItemNow] = await items_of(db, await state_line(db, state.id))
    return [(each.amount_cents, each.paid_cents, each.cancelled_cents, each.left_cents) for each in items]


async def eat(town: Town, cents: int) -> None:
    """Let the canteen serve somebody who owes it."""
    async with town.database.write() as db:
        await move(db, town.canteen, -cents, await create_ledger_account(db))


async def test_invoices_past_due_and_wallets_below_zero_are_listed_at_a_day(town: Town) -> None:
    await ruled(town)
    invoice = await town.invoice(4000, due_in=10)
    await town.invoice(900, due_in=90)
    await eat(town, 700)
    [family] = await unpaid(town)
    assert [(debt.label, debt.owed_cents, debt.since) for debt in family.debts] == [
        ("Cantine", 700, TODAY),
        ("Facture 2026-000001", 4000, TODAY + timedelta(days=10)),
    ]
    assert (family.state, family.claimable_cents) == (Gathered.CLAIMABLE, 4700)
    await town.by(Means.CASH, 100)
    async with town.database.write() as db:
        await open_drawer(
            db, drawer_id := new_id(), sub_office_id=town.main, officer=town.odile, float_cents=0, now=LATER
        )
        await collect(
            db,
            key=new_id(),
            drawer_id=drawer_id,
            payables=[pay(invoice, 4000), top_up(town.canteen, 700)],
            means=Means.CASH,
            tendered_cents=4700,
            officer=town.odile,
            now=LATER,
        )
        await close_drawer(db, drawer_id, counted={100: 47}, officer=town.odile, now=LATER)
    assert await unpaid(town) == []
    # The day before, it was owed all the same.
    [family] = await unpaid(town, local_day(LATER) - timedelta(days=1))
    assert family.open_cents == 4700
    assert await unpaid(town, TODAY - timedelta(days=1)) == []


async def test_the_age_of_a_wallet_s_debt_counts_from_when_it_last_fell_below_zero(town: Town) -> None:
    await eat(town, 500)
    await town.cheques([top_up(town.canteen, 500)])
    async with town.database.write() as db:
        other = await create_ledger_account(db)
        later = NOW + timedelta(days=20)
        await post(db, transaction((town.canteen, -300), (other, 300), occurred_at=later), now=later)
    [family] = await unpaid(town)
    assert [(debt.owed_cents, debt.since) for debt in family.debts] == [(300, TODAY + timedelta(days=20))]


async def test_below_the_threshold_debts_stay_gathered(town: Town) -> None:
    await ruled(town)
    await eat(town, 1499)
    [family] = await unpaid(town)
    assert (family.state, family.ripe_cents) == (Gathered.BELOW, 1499)
    with pytest.raises(NothingToHandOver):
        await handed(town, 1499)
    await eat(town, 1)
    assert (await handed(town, 1500)).families == 1


async def test_the_threshold_is_a_dated_setting(town: Town) -> None:
    await eat(town, 1600)
    with pytest.raises(NoClaimRule):
        await handed(town, 1600)
    await ruled(town)
    await ruled(town, ClaimRule(20_00, 30, "CGCT D1611-1 modifié"), TODAY + timedelta(days=40))
    async with town.database.read() as db:
        assert await rule_of(db, town.office, TODAY - timedelta(days=1)) is None
        assert (await rule_of(db, town.office, TODAY + timedelta(days=39))) == RULE
    with pytest.raises(NothingToHandOver):
        await handed(town, 1600)
    assert (await handed(town, 1600, now=NOW + timedelta(days=35))).total_cents == 1600


async def test_a_list_is_numbered_and_names_who_pays_and_each_debt_is_handed_over_once(town: Town) -> None:
    await ruled(town)
    async with town.database.write() as db:
        await create_member(db, town.family, "Jeanne", FamilyRole.GUARDIAN)
    await town.invoice(4000)
    made = await handed(town, 4000)
    assert number_of(made) == "POM-R-000001"
    [item] = made.printed["items"]
    assert (item["payers"], item["account"], item["amount_cents"]) == ("MOREAU Jeanne", "F00001", 4000)
    assert unpaid_pdf(made).startswith(b"%PDF")
    [family] = await unpaid(town)
    assert (family.state, family.handed_cents, family.claimable_cents) == (Gathered.HANDED, 4000, 0)
    with pytest.raises(NothingToHandOver):
        await handed(town, 4000)
    assert await town.sound() == []


async def test_what_changed_since_it_was_shown_is_not_handed_over(town: Town) -> None:
    await ruled(town)
    await town.invoice(4000)
    with pytest.raises(UnpaidChanged):
        await handed(town, 3999)
    with pytest.raises(NothingToHandOver):
        await handed(town, 4000, kept=[town.family])
    with pytest.raises(NotTreasuryOfficer):
        await handed(town, 4000, officer=town.odile)
    async with town.database.read() as db:
        assert await states_of(db, town.office) == []


async def test_of_rivals_one_hands_over_and_the_same_request_again_is_the_same_list(town: Town) -> None:
    await ruled(town)
    await town.invoice(4000)
    key = new_id()
    answers = await asyncio.gather(
        *(handed(town, 4000, key=key) for _ in range(3)),
        *(handed(town, 4000) for _ in range(3)),
        return_exceptions=True,
    )
    made = {each.id for each in answers if isinstance(each, UnpaidState)}
    assert len(made) == 1
    assert all(isinstance(each, UnpaidState | NothingToHandOver) for each in answers)
    async with town.database.read() as db:
        assert [line.state.number for line in await states_of(db, town.office)] == [1]
    if key in made:
        with pytest.raises(IdempotencyMismatch):
            await handed(town, 3999, key=key)


async def test_what_is_paid_or_cancelled_later_is_stated(town: Town) -> None:
    await ruled(town)
    invoice, cancelled = await town.invoice(4000), await town.invoice(2500)
    made = await handed(town, 6500)
    assert await now_of(town, made) == [(4000, 0, 0, 4000), (2500, 0, 0, 2500)]
    await town.cheques([pay(invoice, 1000)])
    async with town.database.write() as db:
        await reverse(
            db, cancelled, reversal_id=new_id(), label="Facture annulée", actor_kind="staff", actor_id=None, now=LATER
        )
    assert await now_of(town, made) == [(4000, 1000, 0, 3000), (2500, 0, 2500, 0)]


async def test_a_cheque_that_bounces_after_the_list_is_a_debt_of_its_own(town: Town) -> None:
    await ruled(town)
    invoice = await town.invoice(4000)
    [cheque] = await town.cheques([pay(invoice, 2000)])
    await town.deposit([cheque])
    made = await handed(town, 2000)
    async with town.database.write() as db:
        await bounce(
            db,
            key=new_id(),
            receipt_id=cheque.id,
            reason=BounceReason.CLOSED,
            bounced_on=TODAY,
            fees_cents=0,
            officer=town.benoit,
            now=LATER,
        )
    assert await now_of(town, made) == [(2000, 0, 0, 2000)]
    [family] = await unpaid(town)
    assert (family.handed_cents, family.claimable_cents) == (2000, 2000)
    again = await handed(town, 2000)
    await town.cheques([pay(invoice, 3000)])
    # What is paid counts against what was handed over last.
    assert (await now_of(town, again), await now_of(town, made)) == (
        [(2000, 2000, 0, 0)],
        [(2000, 1000, 0, 1000)],
    )


async def test_a_list_is_withdrawn_by_one_of_its_own_and_its_debts_are_handed_over_anew(town: Town) -> None:
    await ruled(town)
    await town.invoice(4000)
    made = await handed(town, 4000)

    async def take_back(key: UUID | None = None) -> UnpaidState:
        async with town.database.write() as db:
            return await withdraw(
                db, key=key or new_id(), state_id=made.id, reason="Mauvaise liste", officer=town.benoit, now=LATER
            )

    key = new_id()
    back = await take_back(key)
    assert (back.number, back.total_cents, back.printed["withdraws"]) == (2, -4000, "POM-R-000001")
    assert (await take_back(key)).id == back.id
    with pytest.raises(StateWithdrawn):
        await take_back()
    assert (await handed(town, 4000)).number == 3
    assert await town.sound() == []
