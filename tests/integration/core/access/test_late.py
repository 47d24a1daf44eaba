"""Taps that doors decided while the line was cut: facts, what follows from them, and what does not agree."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import Direction, Manner, PointMode, RightKind
from cvq_core.access.late import LateAnswer, LateTap, take_late
from cvq_core.access.late_rules import ConflictKind, Decided
from cvq_core.access.scene import TapRequest
from cvq_core.access.store import end_right, give_right
from cvq_core.access.tables import AccessArea, AccessPoint, Attendance, ConflictedTap, Entitlement, Tap, TapConflict
from cvq_core.access.taps import TapAnswer, TapReused, take_taps
from cvq_core.cards.life import By, block, note_event, unblock
from cvq_core.cards.making_rules import CardEventKind, Channel, IdentityCheck
from cvq_core.cards.rules import BlockedReason, CardStatus
from cvq_core.cards.store import find_card
from cvq_core.database import lost_a_race
from cvq_core.errors import Refusal
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM
from cvq_core.ledger.store import balance_of
from cvq_core.ledger.tables import LedgerTransaction, Posting
from cvq_core.ledger.verify import verify
from cvq_core.seed.heroes import JEANNE_UID, LEA_UID, STRANGER_UID
from cvq_core.services.rules import ServiceCode
from tests.integration.core.access.conftest import NOON, Village
from tests.integration.core.access.test_taps import rows_of, tap, top_up

POOL, CANTEEN = "piscine-gatineo-1", "cantine-tallud"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = NOON + 6 * HOUR
"""When the line is back."""

LET_IN = Decided(True, "paid", "Entrez")
SHUT = Decided(False, "wallet-empty", "Compte vide")


def late(village: Village, point: str, uid: str, at: datetime = NOON, decided: Decided = LET_IN) -> LateTap:
    return LateTap(replace(village.card_tap(point, uid), tapped_at=at), decided)


async def upload(village: Village, *taps: LateTap, now: datetime = LATER, days_kept: int = 92) -> list[LateAnswer]:
    """Hand taps in as a device of all points, again when another one was at the same rows."""
    for _ in range(10):
        try:
            async with village.database.write() as db:
                return await take_late(db, taps, points=set(village.points.values()), now=now, kept=days_kept * DAY)
        except DBAPIError as error:
            if not lost_a_race(error):
                raise
    raise AssertionError("lost every race")


async def kinds(village: Village, *taps: LateTap) -> list[ConflictKind]:
    return [kind for answer in await upload(village, *taps) for kind in answer.conflicts]


async def conflict(village: Village, tap_id: UUID) -> TapConflict:
    async with village.database.read() as db:
        of_the_tap = select(ConflictedTap.conflict_id).where(ConflictedTap.tap_id == tap_id)
        found = await db.scalar(select(TapConflict).where(TapConflict.id.in_(of_the_tap)))
    assert found is not None
    return found


async def with_money(village: Village, cents: int = 2000) -> UUID:
    """Jeanne's wallet at the pool, with something in it."""
    wallet = await village.wallet(await village.person("Jeanne", "Moreau"), ServiceCode.POOL)
    await top_up(village, wallet.id, cents)
    return wallet.id


async def set_point(village: Village, code: str, **values: Any) -> None:
    async with village.database.write() as db:
        await db.execute(update(AccessPoint).where(AccessPoint.id == village.points[code]).values(**values))


class TestWhatAgrees:
    async def test_an_entry_is_paid_on_its_own_day_and_counts_once_however_often_it_comes(
        self, village: Village
    ) -> None:
        wallet_id, two_days_ago = await with_money(village), NOON - 2 * DAY
        entry = late(village, POOL, JEANNE_UID, two_days_ago)
        answers = [*await upload(village, entry, entry), *await upload(village, entry)]

        assert answers == [LateAnswer(entry.request.id)] * 3
        async with village.database.read() as db:
            row = await db.get_one(Tap, entry.request.id)
            assert row.transaction_id is not None
            transaction = await db.get_one(LedgerTransaction, row.transaction_id)
            assert await balance_of(db, wallet_id) == 2000 - 310
            assert await verify(db) == []
        assert (row.offline, row.tapped_at, row.received_at) == (True, two_days_ago, LATER)
        assert (row.allowed, row.reason, row.door_reason, row.display_short) == (True, "paid", "paid", "Entrez")
        assert transaction.occurred_at == two_days_ago.replace(hour=23) - DAY, "the day alone"

    async def test_who_was_refused_and_would_have_been_leaves_a_tap_and_nothing_else(self, village: Village) -> None:
        before = await rows_of(village, Posting)
        stranger = late(village, POOL, STRANGER_UID, decided=Decided(False, "unknown-card", "Carte inconnue"))
        assert await kinds(village, stranger, late(village, POOL, JEANNE_UID, decided=SHUT)) == []
        assert (await rows_of(village, Tap), await rows_of(village, Posting)) == (2, before)

    async def test_a_child_that_ate_on_two_days_was_there_on_both_and_owes_both(self, village: Village) -> None:
        meals = [
            late(village, CANTEEN, LEA_UID, NOON - days * DAY, Decided(True, "served", "Présence notée"))
            for days in (0, 0, 1)
        ]
        assert await kinds(village, *meals) == []
        async with village.database.read() as db:
            days = list(await db.scalars(select(Attendance.day).order_by(Attendance.day)))
            assert await verify(db) == []
        assert days == [(NOON - DAY).date(), NOON.date()], "the second tap of a day counts for nothing"

    async def test_a_card_that_was_blocked_after_the_passage_was_good_when_it_passed(self, village: Village) -> None:
        await with_money(village)
        await self._block(village, NOON + HOUR)
        assert await kinds(village, late(village, POOL, JEANNE_UID)) == []

    async def test_a_right_that_ended_after_the_passage_held_when_it_passed(self, village: Village) -> None:
        async with village.database.write() as db:
            right = await give_right(
                db,
                new_id(),
                kind=RightKind.SUBSCRIPTION,
                service=ServiceCode.POOL,
                person_id=await village.person("Jeanne", "Moreau"),
                valid_from=NOON - DAY,
                now=NOON - DAY,
            )
        async with village.database.write() as db:
            await end_right(db, right.id, now=NOON + HOUR)
        assert (
            await kinds(village, late(village, POOL, JEANNE_UID, decided=Decided(True, "subscribed", "Entrez"))) == []
        )

    async def test_who_passed_while_the_point_was_open_to_all_pays_nothing(self, village: Village) -> None:
        wallet_id = await with_money(village)
        await set_point(village, POOL, mode_since=NOON + HOUR)
        held_open = late(village, POOL, JEANNE_UID, decided=Decided(True, "held-open", "Entrez"))
        assert await kinds(village, held_open) == []
        async with village.database.read() as db:
            assert await balance_of(db, wallet_id) == 2000

    async def test_a_point_that_is_open_to_all_by_now_was_not_then(self, village: Village) -> None:
        wallet_id = await with_money(village)
        await set_point(village, POOL, mode=PointMode.HELD_OPEN, mode_since=LATER)
        assert await kinds(village, late(village, POOL, JEANNE_UID)) == []
        async with village.database.read() as db:
            assert await balance_of(db, wallet_id) == 2000 - 310

    @staticmethod
    async def _block(village: Village, at: datetime) -> None:
        async with village.database.write() as db:
            await block(db, (await find_card(db, uid=JEANNE_UID)).id, BlockedReason.STOLEN, By(SYSTEM, at))


class TestConflicts:
    async def test_an_emptied_wallet_leaves_the_sum_that_nobody_paid(self, village: Village) -> None:
        entry = late(village, POOL, JEANNE_UID)
        before = await rows_of(village, Posting)
        assert await kinds(village, entry, entry) == [ConflictKind.WALLET_EMPTIED] * 2
        found = await conflict(village, entry.request.id)
        wallet = await village.wallet(await village.person("Jeanne", "Moreau"), ServiceCode.POOL)
        assert (found.amount_cents, found.account_id) == (310, wallet.family_account_id)
        assert (found.door_allowed, found.door_reason, found.core_reason) == (True, "paid", "wallet-empty")
        assert (await rows_of(village, Posting), await rows_of(village, TapConflict)) == (before, 1)

    async def test_of_two_entries_and_money_for_one_the_earlier_is_paid(self, village: Village) -> None:
        await with_money(village, 400)
        first, second = (late(village, POOL, JEANNE_UID, NOON + n * HOUR) for n in range(2))
        answers = await upload(village, second, first)
        assert [answer.conflicts for answer in answers] == [(ConflictKind.WALLET_EMPTIED,), ()]

    async def test_a_card_that_was_blocked_before_it_passed_is_listed_and_its_holder_pays_nothing(
        self, village: Village
    ) -> None:
        wallet_id = await with_money(village)
        await TestWhatAgrees._block(village, NOON - HOUR)
        entry = late(village, POOL, JEANNE_UID)
        assert await kinds(village, entry) == [ConflictKind.CARD_BLOCKED]
        assert (await conflict(village, entry.request.id)).amount_cents == 310
        async with village.database.read() as db:
            assert await balance_of(db, wallet_id) == 2000

    async def test_a_stolen_card_that_was_replaced_since_was_blocked_in_between(self, village: Village) -> None:
        await with_money(village)
        async with village.database.write() as db:
            card = await find_card(db, uid=JEANNE_UID)
            by = By(SYSTEM, NOON, Channel.SYSTEM)
            await block(db, card.id, BlockedReason.STOLEN, by)
            await db.flush()
            # Its successor is handed over three hours later.
            card.status, card.status_since, card.blocked_reason = CardStatus.EXPIRED, NOON + 3 * HOUR, None
            note_event(db, card.id, CardEventKind.EXPIRED, replace(by, now=NOON + 3 * HOUR))
        entries = [late(village, POOL, JEANNE_UID, NOON + hours * HOUR) for hours in (-1, 1)]
        answers = await upload(village, *entries)
        assert [answer.conflicts for answer in answers] == [(), (ConflictKind.CARD_BLOCKED,)]

    async def test_a_card_that_was_found_again_was_blocked_in_between(self, village: Village) -> None:
        await with_money(village)
        async with village.database.write() as db:
            card = await find_card(db, uid=JEANNE_UID)
            await block(db, card.id, BlockedReason.LOST, By(SYSTEM, NOON, Channel.SYSTEM))
        async with village.database.write() as db:
            await unblock(db, card.id, By(SYSTEM, NOON + 2 * HOUR, identity=IdentityCheck.VOUCHED))
        entries = [late(village, POOL, JEANNE_UID, NOON + hours * HOUR) for hours in (-1, 1, 3)]
        answers = await upload(village, *entries)
        assert [answer.conflicts for answer in answers] == [(), (ConflictKind.CARD_BLOCKED,), ()]

    @pytest.mark.parametrize("began", [True, False])
    async def test_who_was_let_in_by_a_right_that_was_taken_back_is_listed(self, village: Village, began: bool) -> None:
        paul = await village.person("Paul", "Roy")
        async with village.database.write() as db:
            for right in await db.scalars(select(Entitlement).where(Entitlement.person_id == paul)):
                right.valid_from, right.valid_until = NOON - 9 * DAY, None
                if not began:
                    right.valid_from = NOON - HOUR
                await db.flush()
                await end_right(db, right.id, now=NOON - (DAY if began else 2 * DAY))
        entry = late(village, POOL, await village.card_of("Paul", "Roy"), decided=Decided(True, "subscribed", "Entrez"))
        assert await kinds(village, entry) == [ConflictKind.RIGHT_ENDED]

    async def test_more_entries_than_were_left_are_listed_and_none_is_taken_twice(self, village: Village) -> None:
        uid = await village.card_of("Nicole", "Petit")
        counted = Decided(True, "entry-counted", "Entrez")
        entries = [late(village, POOL, uid, NOON + n * HOUR, counted) for n in range(4)]
        assert await kinds(village, *entries, *entries) == [ConflictKind.ENTRIES_OVERDRAWN] * 2
        async with village.database.read() as db:
            left = await db.scalar(
                select(Entitlement.entries_left).where(
                    Entitlement.person_id == await village.person("Nicole", "Petit"),
                    Entitlement.entries_left.is_not(None),
                )
            )
        assert left == 0

    async def test_a_household_s_visits_of_the_year_are_a_quota(self, village: Village) -> None:
        nicole = await village.person("Nicole", "Petit")
        async with village.database.write() as db:
            await db.execute(
                update(Entitlement)
                .where(Entitlement.person_id == nicole)
                .values(kind=RightKind.HOUSEHOLD, entries_left=0)
            )
        visit = late(
            village, POOL, await village.card_of("Nicole", "Petit"), decided=Decided(True, "entry-counted", "x")
        )
        assert await kinds(village, visit) == [ConflictKind.QUOTA_OVERRUN]

    async def test_who_was_sent_away_and_would_have_been_let_in_is_listed_and_pays_nothing(
        self, village: Village
    ) -> None:
        wallet_id = await with_money(village)
        assert await kinds(village, late(village, POOL, JEANNE_UID, decided=SHUT)) == [
            ConflictKind.REFUSED_THOUGH_ALLOWED
        ]
        async with village.database.read() as db:
            assert await balance_of(db, wallet_id) == 2000

    async def test_a_door_that_held_itself_open_charges_nobody_and_what_it_gave_away_is_listed(
        self, village: Village
    ) -> None:
        wallet_id = await with_money(village)
        entry = late(village, POOL, JEANNE_UID, decided=Decided(True, "held-open", "Entrez"))
        assert await kinds(village, entry) == [ConflictKind.LET_IN_THOUGH_REFUSED]
        assert (await conflict(village, entry.request.id)).amount_cents == 310
        subscriber = late(
            village, POOL, await village.card_of("Paul", "Roy"), decided=Decided(True, "held-open", "Entrez")
        )
        assert await kinds(village, subscriber) == [], "it gave nothing away"
        async with village.database.read() as db:
            assert await balance_of(db, wallet_id) == 2000

    async def test_an_unknown_card_that_was_let_in_is_listed_and_names_nobody(self, village: Village) -> None:
        entry = late(village, POOL, STRANGER_UID, decided=Decided(True, "let-in-unchecked", "Entrez"))
        assert await kinds(village, entry) == [ConflictKind.LET_IN_THOUGH_REFUSED]
        found = await conflict(village, entry.request.id)
        assert (found.person_id, found.amount_cents) == (None, 0)

    async def test_a_child_that_nobody_had_enrolled_ate_all_the_same(self, village: Village) -> None:
        meal = LateTap(
            TapRequest(
                new_id(), village.points[CANTEEN], NOON, Manner.TICK, person_id=await village.person("Paul", "Roy")
            ),
            Decided(True, "served", "Présence notée"),
        )
        await upload(village, meal)
        assert await rows_of(village, Attendance) == 1

    async def test_a_tap_of_tomorrow_counts_at_the_hour_at_which_it_came(self, village: Village) -> None:
        wallet_id = await with_money(village)
        entry = late(village, POOL, JEANNE_UID, LATER + DAY)
        assert await kinds(village, entry) == [ConflictKind.CLOCK_WRONG]
        listed = await conflict(village, entry.request.id)
        assert (listed.day, listed.person_id) == (LATER.date(), None), "a wrong clock is nobody's matter"
        async with village.database.read() as db:
            row = await db.get_one(Tap, entry.request.id)
            assert (row.tapped_at, row.received_at) == (LATER, LATER)
            assert await balance_of(db, wallet_id) == 2000 - 310

    async def test_a_clock_that_is_a_little_ahead_is_believed(self, village: Village) -> None:
        await with_money(village)
        assert await kinds(village, late(village, POOL, JEANNE_UID, LATER + timedelta(minutes=4))) == []

    async def test_a_tap_older_than_what_is_kept_moves_nothing_and_its_sum_is_listed(self, village: Village) -> None:
        wallet_id = await with_money(village)
        entry = late(village, POOL, JEANNE_UID, LATER - 21 * DAY)
        for _ in range(2):
            [answer] = await upload(village, entry, days_kept=20)
            assert answer.conflicts == (ConflictKind.CLOCK_WRONG,)
        assert (await conflict(village, entry.request.id)).amount_cents == 310
        async with village.database.read() as db:
            assert await balance_of(db, wallet_id) == 2000

    async def test_a_meal_of_long_ago_is_no_presence(self, village: Village) -> None:
        meal = late(village, CANTEEN, LEA_UID, LATER - 21 * DAY, Decided(True, "served", "Présence notée"))
        [answer] = await upload(village, meal, days_kept=20)
        assert ConflictKind.CLOCK_WRONG in answer.conflicts
        assert await rows_of(village, Attendance) == 0

    async def test_a_door_that_did_not_know_the_hour_says_so(self, village: Village) -> None:
        await with_money(village)
        unsure = late(village, POOL, JEANNE_UID, decided=replace(LET_IN, clock_sure=False))
        assert await kinds(village, unsure) == [ConflictKind.CLOCK_WRONG]

    async def test_an_area_that_was_full_and_a_card_that_was_passed_back_are_listed_and_paid(
        self, village: Village
    ) -> None:
        wallet_id, area_id = await with_money(village), new_id()
        async with village.database.write() as db:
            db.add(AccessArea(id=area_id, code="bassins", label="Bassins", capacity=1))
        await set_point(village, POOL, area_id=area_id, direction=Direction.IN, passback_minutes=30)
        first, second, third = (
            late(village, POOL, JEANNE_UID, NOON + minutes) for minutes in (0 * HOUR, HOUR / 3, HOUR)
        )
        answers = await upload(village, first, second, third)
        assert [answer.conflicts for answer in answers] == [
            (),
            (ConflictKind.PASSED_BACK,),
            (ConflictKind.CAPACITY_OVERRUN,),
        ]
        async with village.database.read() as db:
            assert await balance_of(db, wallet_id) == 2000 - 3 * 310
            assert (await db.get_one(AccessArea, area_id)).inside == 3

    async def test_when_the_answer_came_too_late_the_door_s_other_decision_is_listed(self, village: Village) -> None:
        wallet_id = await with_money(village)
        paid = village.card_tap(POOL, JEANNE_UID)
        assert (await tap(village, paid)).allowed
        refused = village.card_tap(POOL, STRANGER_UID)
        assert not (await tap(village, refused)).allowed

        answers = await upload(
            village, LateTap(paid, Decided(False, "interrupted", "")), LateTap(refused, LET_IN), LateTap(paid, LET_IN)
        )

        assert {answers[0].conflicts, answers[1].conflicts} == {
            (ConflictKind.REFUSED_THOUGH_ALLOWED,),
            (ConflictKind.LET_IN_THOUGH_REFUSED,),
        }
        found = await conflict(village, paid.id)
        assert found.amount_cents == 310
        assert found.transaction_id is not None
        async with village.database.read() as db:
            assert await balance_of(db, wallet_id) == 2000 - 310, "it was charged once"


class TestWhoMaySay:
    async def test_a_device_speaks_for_its_own_points_alone(self, village: Village) -> None:
        async with village.database.write() as db:
            [answer] = await take_late(
                db, [late(village, POOL, JEANNE_UID)], points={village.points[CANTEEN]}, now=LATER
            )
        assert answer.refused == "not-your-point"
        assert await rows_of(village, Tap) == 0

    async def test_another_card_under_a_known_id_is_refused_and_leaves_the_others_alone(self, village: Village) -> None:
        first = late(village, POOL, JEANNE_UID, decided=SHUT)
        other = LateTap(replace(first.request, card_uid=LEA_UID), SHUT)
        third = late(village, POOL, LEA_UID, decided=SHUT)
        answers = [*await upload(village, first), *await upload(village, other, third)]
        assert [answer.refused for answer in answers] == [None, TapReused.slug, None]

    async def test_a_tap_that_came_late_is_answered_at_the_reader_as_the_door_had_answered(
        self, village: Village
    ) -> None:
        entry = late(village, POOL, JEANNE_UID)
        await upload(village, entry)
        answer = await tap(village, entry.request)
        assert (answer.allowed, answer.display_short) == (True, "Entrez")


async def _people(village: Village) -> list[str]:
    return [JEANNE_UID, LEA_UID, STRANGER_UID] + [
        await village.card_of(*name) for name in (("Paul", "Roy"), ("Nicole", "Petit"))
    ]


async def _sums(db: AsyncSession) -> tuple[Any, ...]:
    """What is in the books, the rights and the lists of presence."""
    assert await verify(db) == []
    balances = await db.execute(select(Posting.account_id, func.sum(Posting.amount_cents)).group_by(Posting.account_id))
    entries = await db.execute(select(Entitlement.id, Entitlement.entries_left))
    return (
        await db.scalar(select(func.count()).select_from(Posting)),
        sorted((str(account_id), int(cents)) for account_id, cents in balances),
        sorted(str(row) for row in entries),
        await db.scalar(select(func.count()).select_from(Attendance)),
    )


class Undone(Exception):
    """What was tried is rolled back."""


class TestAllTogether:
    async def test_three_uploads_shuffled_cut_and_at_once_lose_nothing_and_double_nothing(
        self, village: Village
    ) -> None:
        await with_money(village, 3000)
        chance, uids = random.Random(4), await _people(village)
        taps = [
            late(
                village,
                chance.choice((POOL, CANTEEN)),
                chance.choice(uids),
                NOON - timedelta(minutes=chance.randrange(72 * 60)),
                chance.choice((LET_IN, LET_IN, SHUT)),
            )
            for _ in range(90)
        ]
        portions = []
        for _ in range(3):
            chance.shuffle(taps)
            portions += [taps[start : start + 20] for start in range(0, len(taps), 20)]
        answered = await asyncio.gather(*(upload(village, *portion) for portion in portions))

        assert all(answer.refused is None for answers in answered for answer in answers)
        assert await rows_of(village, Tap) == len(taps)
        said = {answer.id: set(answer.conflicts) for answer in await upload(village, *taps)}
        async with village.database.read() as db:
            listed = list(await db.scalars(select(TapConflict)))
            rows = {row.id: row for row in await db.scalars(select(Tap))}
        assert sum(map(len, said.values())) == len(listed)
        for each in taps:
            row = rows[each.request.id]
            assert row.allowed is each.decided.allowed
            assert (row.allowed is row.reason.allows) is not bool(said[row.id]), "what does not agree is listed"
        async with village.database.read() as db:
            settled = await _sums(db)
        await upload(village, *taps)
        async with village.database.read() as db:
            assert await _sums(db) == settled

    @pytest.mark.parametrize("seed", range(3))
    async def test_what_a_door_decides_on_equal_facts_makes_the_same_books_and_no_conflict(
        self, village: Village, seed: int
    ) -> None:
        await with_money(village, 1000)
        chance, uids = random.Random(seed), await _people(village)
        requests = sorted(
            (
                replace(village.card_tap(chance.choice((POOL, CANTEEN)), chance.choice(uids)), tapped_at=NOON)
                for _ in range(25)
            ),
            key=lambda request: request.id,
        )
        answers: list[TapAnswer | Refusal] = []
        online: list[tuple[Any, ...]] = []

        async def try_online() -> None:
            async with village.database.write() as db:
                online.append(await _sums(db))
                answers.extend(await take_taps(db, requests, now=NOON))
                online.append(await _sums(db))
                raise Undone

        with pytest.raises(Undone):
            await try_online()
        decided = [
            Decided(answer.allowed, answer.reason, answer.display_short, answer.display_long)
            for answer in answers
            if isinstance(answer, TapAnswer)
        ]
        assert await kinds(village, *map(LateTap, requests, decided)) == []
        async with village.database.read() as db:
            offline = await _sums(db)
        assert online[0] != online[1] == offline
