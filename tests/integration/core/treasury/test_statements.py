"""The treasury account's statement: taken in once, matched where it is certain, decided by the officer elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from cvq_core.ids import new_id
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.offices.remittance_rules import ReasonMissing, RemittanceAtTheBank
from cvq_core.offices.remittances import cancel_remittance
from cvq_core.offices.rules import Means, Officer
from cvq_core.offices.tables import CashOffice
from cvq_core.treasury.accounts import NotTreasuryOfficer
from cvq_core.treasury.bounces import bounce
from cvq_core.treasury.cheque_rules import BounceReason, DepositAtTheBank
from cvq_core.treasury.deposits import cancel_deposit
from cvq_core.treasury.matching import (
    ItemKey,
    ItemKind,
    MatchUndone,
    NothingToMatch,
    NotToMatch,
    Reason,
    SumsDiffer,
    UnknownMatch,
)
from cvq_core.treasury.statement_file import BadStatement
from cvq_core.treasury.statements import (
    Standing,
    decide,
    import_statement,
    latest_matches,
    match_certain,
    standing_of,
    statements_of,
    undo,
)
from cvq_core.treasury.tables import TreasuryMatch, TreasuryStatement
from tests.core_examples import NOW, TODAY
from tests.integration.core.treasury.conftest import Town

LATER = NOW + timedelta(days=6)
HEAD = "Date;Libellé;Référence;Débit;Crédit\n"


async def take_in(town: Town, *lines: str, officer: Officer | None = None, now: datetime = LATER) -> TreasuryStatement:
    content = (HEAD + "".join(f"{line}\n" for line in lines)).encode()
    async with town.database.write() as db:
        return await import_statement(
            db,
            office_id=town.office,
            name="releve.csv",
            content=content,
            officer=officer or town.benoit,
            now=now,
        )


async def standing(town: Town) -> Standing:
    async with town.database.read() as db:
        office = await db.get_one(CashOffice, town.office)
        return await standing_of(db, office, (LATER).date())


async def decided(
    town: Town,
    lines: Collection[UUID],
    items: Collection[ItemKey],
    *,
    note: str = "",
    key: UUID | None = None,
    officer: Officer | None = None,
) -> TreasuryMatch:
    async with town.database.write() as db:
        return await decide(
            db,
            key=key or new_id(),
            office_id=town.office,
            line_ids=lines,
            item_keys=items,
            note=note,
            officer=officer or town.benoit,
            now=LATER,
        )


async def undone(town: Town, match_id: UUID, *, key: UUID | None = None, note: str = "Ce n’était pas ça") -> None:
    async with town.database.write() as db:
        await undo(db, key=key or new_id(), match_id=match_id, note=note, officer=town.benoit, now=LATER)


async def test_everything_that_the_office_sent_is_recognised_on_the_statement(town: Town) -> None:
    [cheque, _] = await town.cheques(2000, 1000)
    made = await town.deposit([cheque])
    await town.by(Means.CARD, 700, 800)
    await town.by(Means.CASH, 4000)
    await town.remit(4000)
    async with town.database.write() as db:
        await bounce(
            db,
            key=new_id(),
            receipt_id=cheque.id,
            reason=BounceReason.CLOSED,
            bounced_on=TODAY,
            fees_cents=1250,
            officer=town.benoit,
            now=NOW,
        )
    assert [item.kind for item in (await standing(town)).items] == [
        ItemKind.BANK_FEES,
        ItemKind.BOUNCE,
        ItemKind.CARD,
        ItemKind.CASH,
        ItemKind.DEPOSIT,
    ]
    taken = await take_in(
        town,
        "05/03/2026;REMISE CHEQUES CVQ;POMC000001;;20,00",
        "04/03/2026;TELECOLLECTE CB 0303;;;15,00",
        "06/03/2026;VERSEMENT ESPECES;;;40,00",
        "06/03/2026;REJET CHQ 4217001;;20,00;",
        "07/03/2026;FRAIS REJET CHQ;;12,50;",
        "08/03/2026;VIREMENT INCONNU;;;9,99",
    )
    assert (taken.lines, taken.known) == (6, 0)
    left = await standing(town)
    assert [line.amount_cents for line in left.lines] == [999]
    assert left.items == ()
    async with town.database.read() as db:
        matches = await latest_matches(db, town.office)
    assert len(matches) == 5
    assert all(each.match.staff_id is None for each in matches)
    [found] = [each for each in matches if each.items[0].item_id == made.id]
    assert Reason.REFERENCE.value in found.match.reasons
    # What was matched moved no money.
    assert await town.at_the_treasury() == 2000 + 4000 - 2000 - 1250
    assert await town.sound() == []


async def test_the_same_file_again_changes_nothing_and_an_overlapping_one_brings_what_is_new(town: Town) -> None:
    lines = ("04/03/2026;A;;;1,00", "05/03/2026;B;;;2,00", "05/03/2026;B;;;2,00")
    first = await take_in(town, *lines[:2])
    again = await asyncio.gather(*(take_in(town, *lines[:2]) for _ in range(4)))
    assert {each.id for each in again} == {first.id}
    more = await take_in(town, *lines, "06/03/2026;C;;3,00;")
    assert (more.lines, more.known) == (4, 2)
    left = await standing(town)
    assert sorted(line.amount_cents for line in left.lines) == [-300, 100, 200, 200]
    assert (left.lines_cents, left.items_cents) == (200, 0)
    async with town.database.read() as db:
        assert [each.id for each in await statements_of(db, town.office)] == [more.id, first.id]


async def test_a_file_that_cannot_be_read_leaves_nothing(town: Town) -> None:
    with pytest.raises(BadStatement):
        await take_in(town, "04/03/2026;A;;;1,00", "04/03/2026;B;;;")
    with pytest.raises(NotTreasuryOfficer):
        await take_in(town, "04/03/2026;A;;;1,00", officer=town.odile)
    assert (await standing(town)).lines == ()


async def test_what_comes_after_its_line_is_matched_when_the_officer_asks(town: Town) -> None:
    await take_in(town, "05/03/2026;REMISE CHEQUES;POM-C-000001;;20,00")
    await town.deposit(await town.cheques(2000))
    async with town.database.write() as db:
        assert await match_certain(db, office_id=town.office, officer=town.benoit, now=LATER) == 1
        assert await match_certain(db, office_id=town.office, officer=town.benoit, now=LATER) == 0
    assert (await standing(town)).lines == ()


async def test_the_officer_puts_several_together_and_only_what_adds_up(town: Town) -> None:
    await town.deposit(await town.cheques(2000))
    await town.deposit(await town.cheques(1000))
    await take_in(town, "05/03/2026;VIREMENT;;;25,00", "05/03/2026;VIREMENT;;;5,00")
    left = await standing(town)
    lines, items = [line.id for line in left.lines], [item.key for item in left.items]
    with pytest.raises(SumsDiffer):
        await decided(town, lines[:1], items)
    with pytest.raises(NothingToMatch):
        await decided(town, [], [])
    with pytest.raises(NotTreasuryOfficer):
        await decided(town, lines, items, officer=town.odile)
    key = new_id()
    await decided(town, lines, items, key=key)
    assert (await decided(town, lines, items, key=key)).id == key
    with pytest.raises(IdempotencyMismatch):
        await decided(town, lines, items[:1], key=key)
    with pytest.raises(NotToMatch):
        await decided(town, lines, items)
    left = await standing(town)
    assert (left.lines, left.items) == ((), ())
    assert await town.sound() == []


async def test_one_side_alone_is_filed_with_its_reason(town: Town) -> None:
    await town.deposit(await town.cheques(2000))
    await take_in(town, "05/03/2026;VIREMENT AU COMPTABLE;;60,00;")
    left = await standing(town)
    with pytest.raises(ReasonMissing):
        await decided(town, [left.lines[0].id], [])
    await decided(town, [left.lines[0].id], [], note="Dégagement vers le comptable")
    with pytest.raises(ReasonMissing):
        await decided(town, [], [left.items[0].key])
    left = await standing(town)
    assert (left.lines, len(left.items)) == ((), 1)


async def test_of_rivals_who_decide_about_one_line_one_does(town: Town) -> None:
    await town.deposit(await town.cheques(2000))
    await take_in(town, "05/03/2026;VIREMENT;;;20,00")
    left = await standing(town)
    answers = await asyncio.gather(
        *(decided(town, [left.lines[0].id], [left.items[0].key]) for _ in range(5)), return_exceptions=True
    )
    assert [type(each) for each in answers].count(TreasuryMatch) == 1
    assert [type(each) for each in answers].count(NotToMatch) == 4
    assert await town.sound() == []


async def test_a_match_is_undone_by_a_counter_decision_and_not_made_alone_again(town: Town) -> None:
    made = await town.deposit(await town.cheques(2000))
    await take_in(town, "05/03/2026;REMISE CHEQUES;POM-C-000001;;20,00")
    async with town.database.read() as db:
        [match] = await latest_matches(db, town.office)
    async with town.database.write() as db:
        with pytest.raises(DepositAtTheBank):
            await cancel_deposit(db, key=new_id(), deposit_id=made.id, reason="Erreur", officer=town.benoit, now=LATER)
    key = new_id()
    with pytest.raises(ReasonMissing):
        await undone(town, match.match.id, note="")
    await undone(town, match.match.id, key=key)
    await undone(town, match.match.id, key=key)
    with pytest.raises(MatchUndone):
        await undone(town, match.match.id)
    with pytest.raises(MatchUndone):
        await undone(town, key)
    with pytest.raises(UnknownMatch):
        await undone(town, new_id())
    async with town.database.write() as db:
        assert await match_certain(db, office_id=town.office, officer=town.benoit, now=LATER) == 0
    left = await standing(town)
    [way] = left.readings[left.lines[0].id]
    assert Reason.UNDONE in way.reasons
    await decided(town, [left.lines[0].id], [way.items[0].key])
    assert (await standing(town)).lines == ()
    assert await town.sound() == []


async def test_a_deposit_taken_back_is_expected_no_longer(town: Town) -> None:
    made = await town.deposit(await town.cheques(2000))
    assert len((await standing(town)).items) == 1
    async with town.database.write() as db:
        await cancel_deposit(db, key=new_id(), deposit_id=made.id, reason="Erreur", officer=town.benoit, now=NOW)
    assert (await standing(town)).items == ()


async def test_a_remittance_that_the_statement_shows_is_not_taken_back_until_the_match_is_undone(town: Town) -> None:
    await town.by(Means.CASH, 5000)
    slip = await town.remit(5000)
    await take_in(town, "04/03/2026;VERSEMENT ESPECES POM000001;;;50,00")
    async with town.database.read() as db:
        [known] = await latest_matches(db, town.office)
    reason = {"reason": "Le comptable a refusé", "officer": town.benoit, "now": LATER}
    with pytest.raises(RemittanceAtTheBank):
        async with town.database.write() as db:
            await cancel_remittance(db, key=new_id(), remittance_id=slip.id, **reason)
    assert await town.at_the_treasury() == 5000
    async with town.database.write() as db:
        await undo(db, key=new_id(), match_id=known.match.id, note="Autre versement", officer=town.benoit, now=LATER)
    async with town.database.write() as db:
        await cancel_remittance(db, key=new_id(), remittance_id=slip.id, **reason)
    assert await town.at_the_treasury() == 0
    assert await town.sound() == []


async def test_of_rivals_who_match_a_remittance_and_take_it_back_one_does(town: Town) -> None:
    await town.by(Means.CASH, 5000)
    slip = await town.remit(5000)
    await take_in(town, "04/03/2026;VIREMENT;;;50,00")
    open_now = await standing(town)
    [line], [item] = open_now.lines, open_now.items

    async def match() -> None:
        async with town.database.write() as db:
            await decide(
                db,
                key=new_id(),
                office_id=town.office,
                line_ids=[line.id],
                item_keys=[item.key],
                note="",
                officer=town.benoit,
                now=LATER,
            )

    async def take_back() -> None:
        async with town.database.write() as db:
            await cancel_remittance(
                db, key=new_id(), remittance_id=slip.id, reason="Mal compté", officer=town.benoit, now=LATER
            )

    answers = await asyncio.gather(match(), take_back(), return_exceptions=True)
    assert sorted(type(answer) for answer in answers if answer is not None) in ([NotToMatch], [RemittanceAtTheBank])
    assert await town.sound() == []
