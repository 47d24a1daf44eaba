"""Taps against a whole village: what a reader is told, and what is then in the books."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from cvq_core.access.facts import Manner
from cvq_core.access.scene import TapRequest, UnknownPoint
from cvq_core.access.tables import Attendance, Entitlement, Tap
from cvq_core.access.taps import TapAnswer, TapReused, TooManyTaps, take_tap, take_taps
from cvq_core.errors import Refusal
from cvq_core.ids import new_id
from cvq_core.ledger.rules import NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import balance_of, post
from cvq_core.ledger.tables import LedgerAccount, LedgerTransaction, Posting
from cvq_core.ledger.verify import verify
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import Membership
from cvq_core.seed.heroes import BLOCKED_UID, JEANNE_UID, LEA_UID, STRANGER_UID
from cvq_core.services.rules import ServiceCode
from tests.integration.core.access.conftest import NOON, Village

POOL, CANTEEN = "piscine-gatineo-1", "cantine-tallud"


async def tap(village: Village, request: TapRequest) -> TapAnswer:
    """Take a tap as the edge does: a transaction that lost against a rival left nothing, and runs again."""
    while True:
        try:
            async with village.database.write() as db:
                return await take_tap(db, request, now=NOON)
        except IntegrityError:
            continue


async def top_up(village: Village, wallet_id: UUID, amount_cents: int) -> None:
    async with village.database.write() as db:
        opening = await db.scalar(select(LedgerAccount.id).where(LedgerAccount.code == "opening"))
        assert opening is not None
        await post(
            db,
            NewTransaction(
                new_id(),
                TransactionKind.TOP_UP,
                "Approvisionnement",
                NOON,
                (NewPosting(wallet_id, amount_cents), NewPosting(opening, -amount_cents)),
                "system",
                None,
            ),
            now=NOON,
        )


async def rows_of(village: Village, kind: type) -> int:
    async with village.database.read() as db:
        return int(await db.scalar(select(func.count()).select_from(kind)) or 0)


class TestTheStoryOfThePool:
    async def test_jeanne_is_refused_then_gets_in_and_the_wallet_is_one_entry_poorer(self, village: Village) -> None:
        refused = await tap(village, village.card_tap(POOL, JEANNE_UID))
        assert (refused.allowed, refused.reason) == (False, "wallet-empty")
        assert refused.display_short == "Compte piscine vide"
        wallet = await village.wallet(await village.person("Jeanne", "Moreau"), ServiceCode.POOL)
        await top_up(village, wallet.id, 2000)

        entered = await tap(village, village.card_tap(POOL, JEANNE_UID))

        assert (entered.allowed, entered.reason) == (True, "paid")
        assert (entered.amount_cents, entered.balance_cents) == (310, 1690)
        assert entered.display_short == "Entrez. Reste 16,90\u00a0€"
        async with village.database.read() as db:
            assert await balance_of(db, wallet.id) == 1690
            assert await verify(db) == []

    async def test_the_ledger_keeps_the_day_of_an_entry_and_neither_its_hour_nor_its_place(
        self, village: Village
    ) -> None:
        wallet = await village.wallet(await village.person("Jeanne", "Moreau"), ServiceCode.POOL)
        await top_up(village, wallet.id, 2000)
        before = await rows_of(village, LedgerTransaction)
        answer = await tap(village, village.card_tap(POOL, JEANNE_UID))
        async with village.database.read() as db:
            row = await db.get(Tap, answer.id)
            assert row is not None
            assert row.transaction_id is not None
            transaction = await db.get(LedgerTransaction, row.transaction_id)
        assert transaction is not None
        assert await rows_of(village, LedgerTransaction) == before + 1
        assert (transaction.label, transaction.actor_id, transaction.reference) == ("Piscine, une entrée", None, None)
        assert transaction.occurred_at == transaction.recorded_at == NOON.replace(hour=23) - timedelta(days=1)
        assert transaction.id.version == 5, "its identifier holds no instant"

    async def test_a_subscriber_enters_and_no_money_moves(self, village: Village) -> None:
        before = await rows_of(village, Posting)
        answer = await tap(village, village.card_tap(POOL, await village.card_of("Paul", "Roy")))
        assert (answer.reason, answer.display_short) == ("subscribed", "Entrez, abonnement")
        assert await rows_of(village, Posting) == before

    async def test_a_book_of_three_entries_lets_in_three_times(self, village: Village) -> None:
        uid = await village.card_of("Nicole", "Petit")
        answers = [await tap(village, village.card_tap(POOL, uid)) for _ in range(4)]
        assert [answer.entries_left for answer in answers] == [2, 1, 0, None]
        assert [answer.reason for answer in answers] == ["entry-counted"] * 3 + ["right-ended"]
        assert answers[0].display_short == "Entrez : reste 2"

    async def test_whoever_may_only_fetch_a_child_does_not_spend_the_family_s_money(self, village: Village) -> None:
        paul, jeanne = await village.person("Paul", "Roy"), await village.person("Jeanne", "Moreau")
        wallet = await village.wallet(jeanne, ServiceCode.POOL)
        await top_up(village, wallet.id, 2000)
        async with village.database.write() as db:
            for right in await db.scalars(select(Entitlement).where(Entitlement.person_id == paul)):
                await db.delete(right)
            db.add(
                Membership(
                    id=new_id(),
                    account_id=wallet.family_account_id,
                    person_id=paul,
                    role=FamilyRole.COLLECTOR,
                    valid_from=NOON.date(),
                )
            )
        answer = await tap(village, village.card_tap(POOL, await village.card_of("Paul", "Roy")))
        assert answer.reason == "wrong-service"


class TestTheStoryOfTheCanteen:
    async def test_lea_is_ticked_served_and_owed(self, village: Village) -> None:
        lea = await village.person("Léa", "Moreau")
        answer = await tap(village, TapRequest(new_id(), village.points[CANTEEN], NOON, Manner.TICK, person_id=lea))
        assert (answer.allowed, answer.reason, answer.amount_cents) == (True, "served-and-owed", 235)
        assert answer.display_short == "Servi, à régler"
        assert answer.balance_cents is None, "the tablet shows no family's balance"
        wallet = await village.wallet(lea, ServiceCode.CANTEEN)
        assert wallet.balance_cents == -470 - 235
        async with village.database.read() as db:
            attendance = await db.get(Attendance, (lea, ServiceCode.CANTEEN, NOON.date()))
            assert await verify(db) == []
        assert attendance is not None
        assert (attendance.status, attendance.manner, attendance.owed_cents) == ("present", "tick", 235)
        assert attendance.tap_id == answer.id

    async def test_a_tick_and_then_her_own_tap_count_one_meal(self, village: Village) -> None:
        lea = await village.person("Léa", "Moreau")
        await tap(village, TapRequest(new_id(), village.points[CANTEEN], NOON, Manner.TICK, person_id=lea))
        again = await tap(village, village.card_tap(CANTEEN, LEA_UID))
        assert (again.allowed, again.reason, again.amount_cents) == (True, "already-counted", 0)
        assert (await village.wallet(lea, ServiceCode.CANTEEN)).balance_cents == -470 - 235

    async def test_the_next_day_is_another_meal(self, village: Village) -> None:
        async with village.database.write() as db:
            await take_tap(db, village.card_tap(CANTEEN, LEA_UID), now=NOON)
            friday = await take_tap(db, village.card_tap(CANTEEN, LEA_UID), now=NOON + timedelta(days=3))
        assert friday.reason == "served-and-owed"

    async def test_separated_parents_pay_each_for_what_they_enrolled_the_child_in(self, village: Village) -> None:
        emma = await village.person("Emma", "Texier")
        uid = await village.card_of("Emma", "Texier")
        await tap(village, village.card_tap(CANTEEN, uid))
        await tap(village, village.card_tap("garderie-tallud", uid))
        async with village.database.read() as db:
            labels = (
                await db.scalars(
                    select(LedgerAccount.code)
                    .join(Posting, Posting.account_id == LedgerAccount.id)
                    .join(LedgerTransaction, LedgerTransaction.id == Posting.transaction_id)
                    .where(LedgerTransaction.actor_kind == "reader", LedgerAccount.kind == "wallet")
                )
            ).all()
        assert sorted(code.split(":")[2] for code in labels) == ["after_school", "canteen"]
        assert len({code.split(":")[1] for code in labels}) == 2, "two families paid"
        assert emma is not None


class TestCardsThatDoNotWork:
    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            (("Yves", "Proust"), "card-expired"),
            (("André", "Sauvage"), "person-deceased"),
        ],
    )
    async def test_they_open_nothing(self, village: Village, name: tuple[str, str], reason: str) -> None:
        answer = await tap(village, village.card_tap(POOL, await village.card_of(*name)))
        assert (answer.allowed, answer.reason) == (False, reason)

    async def test_a_lost_card_says_since_when(self, village: Village) -> None:
        answer = await tap(village, village.card_tap(POOL, BLOCKED_UID))
        assert answer.reason == "card-blocked"
        assert answer.display_long.startswith("Cette carte a été déclarée perdue le 3 mars 2026.")

    async def test_a_stranger_s_card_is_refused_and_leaves_a_trace_without_its_number(self, village: Village) -> None:
        answer = await tap(village, village.card_tap(POOL, STRANGER_UID))
        assert answer.reason == "unknown-card"
        async with village.database.read() as db:
            row = await db.get(Tap, answer.id)
        assert row is not None
        assert (row.allowed, row.card_id, row.person_id) == (False, None, None)
        assert STRANGER_UID not in str(vars(row))


class TestOneTapOneEvent:
    async def test_the_same_tap_again_gets_the_same_words_and_costs_nothing_more(self, village: Village) -> None:
        wallet = await village.wallet(await village.person("Jeanne", "Moreau"), ServiceCode.POOL)
        await top_up(village, wallet.id, 500)
        request = village.card_tap(POOL, JEANNE_UID)
        first = await tap(village, request)
        assert first.reason == "paid"
        # By now the wallet could not pay a second time, and the words stay those of the first answer.
        assert await tap(village, request) == first
        async with village.database.write() as db:
            later = await take_tap(db, request, now=NOON + timedelta(days=40))
        assert later == first
        async with village.database.read() as db:
            assert await balance_of(db, wallet.id) == 190

    @pytest.mark.parametrize("change", ["card", "point", "instant", "reader"])
    async def test_the_same_id_with_another_content_is_refused_and_changes_nothing(
        self, village: Village, change: str
    ) -> None:
        request = village.card_tap(POOL, JEANNE_UID)
        await tap(village, request)
        other = {
            "card": replace(request, card_uid=LEA_UID),
            "point": replace(request, point_id=village.points["piscine-saint-aubin"]),
            "instant": replace(request, tapped_at=NOON + timedelta(seconds=1)),
            "reader": replace(request, reader_id=new_id()),
        }[change]
        postings = await rows_of(village, Posting)
        with pytest.raises(TapReused):
            await tap(village, other)
        assert await rows_of(village, Tap) == 1
        assert await rows_of(village, Posting) == postings

    async def test_a_point_that_does_not_exist_is_refused(self, village: Village) -> None:
        with pytest.raises(UnknownPoint):
            await tap(village, TapRequest(new_id(), new_id(), NOON, card_uid=JEANNE_UID))
        assert await rows_of(village, Tap) == 0

    async def test_forty_rivals_spend_what_is_there_and_no_more(self, village: Village) -> None:
        wallet = await village.wallet(await village.person("Jeanne", "Moreau"), ServiceCode.POOL)
        await top_up(village, wallet.id, 5 * 310)
        answers = await asyncio.gather(*(tap(village, village.card_tap(POOL, JEANNE_UID)) for _ in range(40)))
        assert sum(answer.allowed for answer in answers) == 5
        async with village.database.read() as db:
            assert await balance_of(db, wallet.id) == 0
            assert await verify(db) == []

    async def test_forty_rivals_with_one_book_use_its_three_entries(self, village: Village) -> None:
        uid = await village.card_of("Nicole", "Petit")
        answers = await asyncio.gather(*(tap(village, village.card_tap(POOL, uid)) for _ in range(40)))
        assert sum(answer.allowed for answer in answers) == 3

    async def test_one_tap_sent_twenty_times_at_once_is_one_tap(self, village: Village) -> None:
        wallet = await village.wallet(await village.person("Jeanne", "Moreau"), ServiceCode.POOL)
        await top_up(village, wallet.id, 5000)
        request = village.card_tap(POOL, JEANNE_UID)
        answers = await asyncio.gather(*(tap(village, request) for _ in range(20)))
        assert len(set(answers)) == 1
        assert await rows_of(village, Tap) == 1
        async with village.database.read() as db:
            assert await balance_of(db, wallet.id) == 5000 - 310

    async def test_two_tablets_that_tick_one_child_at_once_serve_one_meal(self, village: Village) -> None:
        lea = await village.person("Léa", "Moreau")

        async def tick() -> TapAnswer:
            request = TapRequest(new_id(), village.points[CANTEEN], NOON, Manner.TICK, person_id=lea)
            return await tap(village, request)

        answers = await asyncio.gather(*(tick() for _ in range(8)))
        assert sorted(answer.reason for answer in answers) == ["already-counted"] * 7 + ["served-and-owed"]
        assert (await village.wallet(lea, ServiceCode.CANTEEN)).balance_cents == -470 - 235


class TestBatches:
    async def test_a_batch_decides_as_if_each_tap_had_come_alone(self, village: Village) -> None:
        wallet = await village.wallet(await village.person("Jeanne", "Moreau"), ServiceCode.POOL)
        await top_up(village, wallet.id, 2 * 310)
        nicole, paul = await village.card_of("Nicole", "Petit"), await village.card_of("Paul", "Roy")
        uids = [JEANNE_UID, nicole, JEANNE_UID, STRANGER_UID, nicole, JEANNE_UID, paul, BLOCKED_UID]
        async with village.database.write() as db:
            answers = await take_taps(db, [village.card_tap(POOL, uid) for uid in uids], now=NOON)
        assert [answer.reason for answer in answers if isinstance(answer, TapAnswer)] == [
            "paid",
            "entry-counted",
            "paid",
            "unknown-card",
            "entry-counted",
            "wallet-empty",
            "subscribed",
            "card-blocked",
        ]
        async with village.database.read() as db:
            assert await balance_of(db, wallet.id) == 0
            assert await verify(db) == []
            left = await db.scalar(
                select(Entitlement.entries_left).where(Entitlement.person_id == await village.person("Nicole", "Petit"))
            )
        assert left == 1

    async def test_a_batch_sent_again_with_more_in_it_takes_only_what_is_new(self, village: Village) -> None:
        wallet = await village.wallet(await village.person("Jeanne", "Moreau"), ServiceCode.POOL)
        await top_up(village, wallet.id, 5000)
        first = [village.card_tap(POOL, JEANNE_UID) for _ in range(3)]
        more = [village.card_tap(POOL, JEANNE_UID) for _ in range(2)]
        async with village.database.write() as db:
            answers = await take_taps(db, first, now=NOON)
        async with village.database.write() as db:
            again = await take_taps(db, [*first, *more, first[0]], now=NOON)
        assert again[:3] == answers
        assert again[5] == answers[0]
        async with village.database.read() as db:
            assert await balance_of(db, wallet.id) == 5000 - 5 * 310

    async def test_one_reused_id_in_a_batch_is_refused_and_the_others_go_through(self, village: Village) -> None:
        taken = village.card_tap(POOL, STRANGER_UID)
        await tap(village, taken)
        reused = replace(taken, card_uid=JEANNE_UID)
        fresh = village.card_tap(POOL, await village.card_of("Paul", "Roy"))
        async with village.database.write() as db:
            answers = await take_taps(db, [reused, fresh], now=NOON)
        assert isinstance(answers[0], Refusal)
        assert isinstance(answers[1], TapAnswer)
        assert answers[1].allowed

    async def test_more_than_a_transaction_takes_are_refused(self, village: Village) -> None:
        requests = [village.card_tap(POOL, JEANNE_UID)] * 501
        with pytest.raises(TooManyTaps):
            async with village.database.write() as db:
                await take_taps(db, requests, now=NOON)
