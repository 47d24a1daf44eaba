"""What managers do about late taps that do not agree, and how they are told why a door answers as it does."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from cvq_core.access.conflicts import (
    CONFLICT_WORDS,
    NothingToBill,
    NothingWasTaken,
    open_conflicts,
    settle_conflict,
)
from cvq_core.access.explain import explain
from cvq_core.access.facts import Assurance, RightKind
from cvq_core.access.keeping import forget_taps
from cvq_core.access.late import LateTap, conflict_id
from cvq_core.access.late_rules import ConflictKind, ConflictOutcome, Decided
from cvq_core.access.store import give_right
from cvq_core.access.tables import ConflictedTap, Tap, TapConflict
from cvq_core.cards.life import By, block
from cvq_core.cards.rules import BlockedReason
from cvq_core.cards.store import find_card
from cvq_core.ids import new_id
from cvq_core.invoices.store import invoices_by_id
from cvq_core.journal.store import SYSTEM
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.ledger.store import balance_of
from cvq_core.ledger.verify import verify
from cvq_core.people.tables import FamilyAccount
from cvq_core.seed.heroes import JEANNE_UID, STRANGER_UID
from cvq_core.services.rules import ServiceCode
from tests.core_examples import create_family
from tests.integration.core.access.conftest import NOON, Village
from tests.integration.core.access.test_late import DAY, HOUR, LATER, POOL, late, set_point, upload, with_money
from tests.integration.core.access.test_taps import rows_of, tap

STAFF = new_id()


async def settle(village: Village, conflict: TapConflict, outcome: ConflictOutcome) -> object:
    async with village.database.write() as db:
        return await settle_conflict(db, conflict.id, outcome, reason="Vu avec la famille", staff_id=STAFF, now=LATER)


async def listed(village: Village) -> list[TapConflict]:
    async with village.database.read() as db:
        return [each.conflict for each in await open_conflicts(db, ServiceCode.POOL)]


def test_every_conflict_has_its_words() -> None:
    assert CONFLICT_WORDS.keys() == set(ConflictKind)


class TestSettling:
    async def test_what_nobody_paid_is_billed_once_and_leaves_the_list(self, village: Village) -> None:
        await upload(village, late(village, POOL, JEANNE_UID))
        [conflict] = await listed(village)
        for _ in range(2):
            settled = await settle(village, conflict, ConflictOutcome.BILLED)
        assert await listed(village) == []
        async with village.database.read() as db:
            invoices = await invoices_by_id(db, [settled.transaction_id])
            assert await verify(db) == []
        [standing] = invoices.values()
        assert (standing.due_cents, standing.family_account_id) == (310, conflict.account_id)
        with pytest.raises(IdempotencyMismatch):
            await settle(village, conflict, ConflictOutcome.GIVEN_UP)

    async def test_once_the_tap_is_forgotten_only_the_day_is_known(self, village: Village) -> None:
        await upload(village, late(village, POOL, JEANNE_UID))
        for forgotten in (False, True):
            if forgotten:
                await forget_taps(village.database, now=LATER + 93 * DAY, kept=92 * DAY)
            async with village.database.read() as db:
                [told] = await open_conflicts(db, ServiceCode.POOL)
            assert (told.at is None, not told.point, not told.person) == (forgotten, forgotten, False)
            assert told.conflict.day == NOON.date()
        assert await rows_of(village, ConflictedTap) == 0
        assert not any(isinstance(getattr(told.conflict, name), datetime) for name in vars(told.conflict))
        await settle(village, told.conflict, ConflictOutcome.BILLED)

    async def test_a_household_that_was_merged_meanwhile_is_billed_under_the_account_that_goes_on(
        self, village: Village
    ) -> None:
        await upload(village, late(village, POOL, JEANNE_UID))
        [conflict] = await listed(village)
        assert conflict.account_id is not None
        async with village.database.write() as db:
            kept = await create_family(db, "F77777", "Moreau")
            merged = await db.get_one(FamilyAccount, conflict.account_id)
            merged.closed_on, merged.merged_into_id = NOON.date(), kept.id
        settled = await settle(village, conflict, ConflictOutcome.BILLED)
        async with village.database.read() as db:
            [standing] = (await invoices_by_id(db, [settled.transaction_id])).values()
        assert standing.family_account_id == kept.id

    async def test_what_is_given_up_moves_nothing(self, village: Village) -> None:
        await upload(village, late(village, POOL, JEANNE_UID))
        [conflict] = await listed(village)
        settled = await settle(village, conflict, ConflictOutcome.GIVEN_UP)
        assert (settled.transaction_id, settled.reason) == (None, "Vu avec la famille")
        assert await listed(village) == []

    async def test_whoever_paid_and_was_not_let_in_is_paid_back(self, village: Village) -> None:
        wallet_id, paid = await with_money(village), village.card_tap(POOL, JEANNE_UID)
        await tap(village, paid)
        await upload(village, LateTap(paid, Decided(False, "interrupted", "")))
        [conflict] = await listed(village)
        for _ in range(2):
            await settle(village, conflict, ConflictOutcome.REFUNDED)
        async with village.database.read() as db:
            assert await balance_of(db, wallet_id) == 2000
            assert await verify(db) == []

    async def test_nobody_is_billed_for_an_unknown_card_nor_paid_back_what_nobody_took(self, village: Village) -> None:
        await upload(village, late(village, POOL, STRANGER_UID))
        [conflict] = await listed(village)
        with pytest.raises(NothingToBill):
            await settle(village, conflict, ConflictOutcome.BILLED)
        with pytest.raises(NothingWasTaken):
            await settle(village, conflict, ConflictOutcome.REFUNDED)
        assert len(await listed(village)) == 1

    async def test_a_conflict_outlives_the_tap_that_made_it(self, village: Village) -> None:
        entry = late(village, POOL, JEANNE_UID)
        await upload(village, entry)
        async with village.database.write() as db:
            await db.delete(await db.get_one(Tap, entry.request.id))
        assert [each.id for each in await listed(village)] == [
            conflict_id(entry.request.id, ConflictKind.WALLET_EMPTIED)
        ]


class TestExplaining:
    async def test_who_may_pass_and_why_and_no_tap_is_written(self, village: Village) -> None:
        async with village.database.write() as db:
            await give_right(
                db,
                new_id(),
                kind=RightKind.SUBSCRIPTION,
                service=ServiceCode.POOL,
                person_id=await village.person("Jeanne", "Moreau"),
                valid_from=NOON - DAY,
                valid_until=NOON + DAY,
                weekdays=0b1000000,
                now=NOON,
            )
        async with village.database.read() as db:
            found = await explain(db, point_id=village.points[POOL], card_uid=JEANNE_UID, at=NOON, now=NOON)
        told = [sentence.replace("\u00a0", " ") for sentence in found.sentences]
        assert (found.allowed, found.person, found.display.short) == (False, "Jeanne Moreau", "Compte piscine vide")
        assert told[0].startswith("Carte de Jeanne Moreau, valable jusqu’au ")
        assert told[1] == "Abonnement jusqu’au 25 novembre 2026, 12 h 00 : hors horaires."
        assert "Compte piscine : 0,00 €." in told
        assert "Un passage coûte 3,10 €." in told
        assert await rows_of(village, Tap) == 0

    async def test_a_card_that_was_blocked_since_is_told_as_it_stood_then(self, village: Village) -> None:
        await with_money(village)
        async with village.database.write() as db:
            await block(db, (await find_card(db, uid=JEANNE_UID)).id, BlockedReason.LOST, By(SYSTEM, NOON))
        said = []
        for at in (NOON - HOUR, NOON + HOUR):
            async with village.database.read() as db:
                found = await explain(db, point_id=village.points[POOL], card_uid=JEANNE_UID, at=at, now=LATER)
            said.append((found.decision.reason, "perdue" in found.sentences[0]))
        assert said == [("paid", False), ("card-blocked", True)]

    async def test_a_point_that_asks_for_more_than_a_number_says_so(self, village: Village) -> None:
        await set_point(village, POOL, assurance="authenticated")
        async with village.database.read() as db:
            found = await explain(
                db, point_id=village.points[POOL], card_uid=JEANNE_UID, at=NOON, now=NOON, assurance=Assurance.UID
            )
        assert found.decision.reason == "assurance-too-low"
        assert "La carte est lue moins sûrement que ce point ne le demande." in found.sentences

    async def test_the_rights_of_a_person_at_a_point_are_said_in_english_too(self, village: Village) -> None:
        uid = await village.card_of("Paul", "Roy")
        async with village.database.read() as db:
            told = await explain(db, point_id=village.points[POOL], card_uid=uid, at=NOON, now=NOON, language="en")
        assert "holds here, at this hour" in " ".join(told.sentences)

    async def test_an_hour_to_come_is_explained_with_what_will_hold_then(self, village: Village) -> None:
        async with village.database.write() as db:
            await give_right(
                db,
                new_id(),
                kind=RightKind.RESERVATION,
                service=ServiceCode.POOL,
                person_id=await village.person("Jeanne", "Moreau"),
                point_id=village.points[POOL],
                valid_from=NOON + 2 * DAY,
                valid_until=NOON + 2 * DAY + HOUR,
                now=NOON,
            )
        said = []
        for after in (timedelta(0), 2 * DAY, 2 * DAY + HOUR):
            async with village.database.read() as db:
                found = await explain(db, point_id=village.points[POOL], card_uid=JEANNE_UID, at=NOON + after, now=NOON)
            said.append(found.decision.reason)
        assert said == ["wallet-empty", "reserved", "wallet-empty"]
        async with village.database.read() as db:
            assert await db.scalar(select(func.count()).select_from(Tap)) == 0
