"""What a point's settings do to real taps: two presentations, coming back, guardians, who is inside, modes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from cvq_core.access.facts import Assurance, Direction, PointEventKind, PointKind, PointMode, RightKind
from cvq_core.access.keeping import forget_taps
from cvq_core.access.manage import (
    CodeTaken,
    SettingsDoNotFit,
    UnknownArea,
    change_point,
    create_area,
    create_point,
    gauges,
    set_inside,
    set_mode,
)
from cvq_core.access.scene import TapRequest, UnknownPoint
from cvq_core.access.store import give_right
from cvq_core.access.tables import AccessArea, AccessPoint, PointEvent, Tap
from cvq_core.access.taps import TapAnswer, take_tap
from cvq_core.cards.rules import BlockedReason, CardStatus
from cvq_core.cards.store import find_card
from cvq_core.cards.tables import Card
from cvq_core.database import lost_a_race
from cvq_core.ids import new_id
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.ledger.store import balance_of
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import Membership, Person
from cvq_core.seed.heroes import JEANNE_UID, LEA_UID, STRANGER_UID
from cvq_core.services.rules import ServiceCode
from tests.integration.core.access.conftest import NOON, Village
from tests.integration.core.access.test_late import CANTEEN, DAY, HOUR, POOL, set_point, with_money
from tests.integration.core.access.test_taps import rows_of

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


async def tap_at(village: Village, request: TapRequest, at: datetime = NOON) -> TapAnswer:
    """Take a tap, again when a rival was at the same rows."""
    for _ in range(10):
        try:
            async with village.database.write() as db:
                return await take_tap(db, replace(request, tapped_at=at), now=at)
        except DBAPIError as error:
            if not lost_a_race(error):
                raise
    raise AssertionError("lost every race")


async def area_of(village: Village, *, capacity: int | None = None, closes_at: time | None = None) -> AccessArea:
    """The pool's area with a turnstile in and one out, which is made for it."""
    async with village.database.write() as db:
        area = await create_area(db, new_id(), code="bassins", label="Bassins", capacity=capacity, closes_at=closes_at)
        inside = await db.get_one(AccessPoint, village.points[POOL])
        inside.area_id, inside.direction = area.id, Direction.IN
        way_out = await create_point(
            db,
            new_id(),
            code="piscine-sortie",
            kind=PointKind.TURNSTILE,
            service=ServiceCode.POOL,
            settings={
                "label": "Sortie",
                "site": inside.site,
                "assurance": Assurance.UID,
                "direction": Direction.OUT,
                "area_id": area.id,
            },
            now=NOON,
        )
    village.points["out"] = way_out.id
    return area


async def inside_now(village: Village, at: datetime) -> int:
    async with village.database.read() as db:
        [found] = await gauges(db, [ServiceCode.POOL], now=at)
    return found.inside


async def person_of(village: Village, uid: str) -> UUID:
    async with village.database.read() as db:
        return (await find_card(db, uid=uid)).person_id


async def subscribe(village: Village, person_id: UUID) -> None:
    async with village.database.write() as db:
        await give_right(
            db,
            new_id(),
            kind=RightKind.SUBSCRIPTION,
            service=ServiceCode.POOL,
            person_id=person_id,
            valid_from=NOON - DAY,
            now=NOON,
        )


async def subscribers(village: Village, count: int) -> list[str]:
    """Cards of people who may all enter the pool."""
    uids = [JEANNE_UID, await village.card_of("Paul", "Roy"), await village.card_of("Nicole", "Petit"), LEA_UID][:count]
    for uid in uids:
        await subscribe(village, await person_of(village, uid))
    return uids


class TestTwoTapsInASecond:
    async def test_give_the_first_answer_twice_and_count_once(self, village: Village) -> None:
        wallet_id = await with_money(village)
        await set_point(village, POOL, double_tap_s=1)
        first, second = [await tap_at(village, village.card_tap(POOL, JEANNE_UID)) for _ in range(2)]
        assert (second.reason, second.display_long, second.balance_cents) == (
            first.reason,
            first.display_long,
            first.balance_cents,
        )
        assert (first.amount_cents, second.amount_cents) == (310, 0)
        # The seconds are counted from the first: whoever goes on presenting a card does not go on for ever.
        again = [
            await tap_at(village, village.card_tap(POOL, JEANNE_UID), NOON + tenths * SECOND / 10) for tenths in (9, 18)
        ]
        assert [each.amount_cents for each in again] == [0, 310]
        async with village.database.read() as db:
            assert await balance_of(db, wallet_id) == 2000 - 2 * 310
        async with village.database.write() as db:
            card = await find_card(db, uid=JEANNE_UID)
            card.status, card.blocked_reason = CardStatus.BLOCKED, BlockedReason.LOST
        blocked = await tap_at(village, village.card_tap(POOL, JEANNE_UID), NOON + 2 * SECOND)
        assert (blocked.allowed, blocked.reason) == (False, "card-blocked")

    async def test_at_two_servers_at_once_count_once_too(self, village: Village) -> None:
        wallet_id = await with_money(village)
        await set_point(village, POOL, double_tap_s=1)
        await asyncio.gather(*(tap_at(village, village.card_tap(POOL, JEANNE_UID)) for _ in range(4)))
        async with village.database.read() as db:
            assert await balance_of(db, wallet_id) == 2000 - 310


class TestComingBack:
    async def test_a_card_enters_again_once_it_went_out_through_the_other_turnstile(self, village: Village) -> None:
        await area_of(village)
        await set_point(village, POOL, passback_minutes=30)
        [uid] = await subscribers(village, 1)
        said = [
            (await tap_at(village, village.card_tap(point, uid), NOON + n * MINUTE)).reason
            for n, point in enumerate((POOL, POOL, "out", POOL))
        ]
        assert said == ["subscribed", "passed-back", "left", "subscribed"]

    async def test_whoever_is_inside_goes_out_with_any_card(self, village: Village) -> None:
        await area_of(village)
        assert (await tap_at(village, village.card_tap("out", STRANGER_UID))).allowed


class TestWhoIsInside:
    async def test_a_full_area_lets_one_in_for_one_that_goes_out(self, village: Village) -> None:
        await area_of(village, capacity=1)
        uids = await subscribers(village, 2)
        said = [
            (await tap_at(village, village.card_tap(point, uids[who]), NOON + n * MINUTE)).reason
            for n, (point, who) in enumerate(((POOL, 0), (POOL, 1), ("out", 0), (POOL, 1)))
        ]
        assert said == ["subscribed", "area-full", "left", "subscribed"]
        assert await inside_now(village, NOON + HOUR) == 1

    async def test_rivals_for_the_last_place_do_not_both_get_it(self, village: Village) -> None:
        await area_of(village, capacity=2)
        uids = await subscribers(village, 4)
        answers = await asyncio.gather(*(tap_at(village, village.card_tap(POOL, uid)) for uid in uids))
        assert sorted(answer.allowed for answer in answers) == [False, False, True, True]
        assert await inside_now(village, NOON) == 2

    async def test_the_count_is_nobody_after_closing_and_can_be_set_by_who_counted(self, village: Village) -> None:
        area = await area_of(village, closes_at=time(20))
        [uid] = await subscribers(village, 1)
        await tap_at(village, village.card_tap(POOL, uid))
        assert (await inside_now(village, NOON + 7 * HOUR), await inside_now(village, NOON + 8 * HOUR)) == (1, 0)
        async with village.database.write() as db:
            await set_inside(db, area.id, 12, now=NOON)
        assert await inside_now(village, NOON) == 12


class TestAChildAndItsGuardian:
    async def test_a_child_enters_behind_its_guardian_and_not_before(self, village: Village) -> None:
        lea, guardian = await person_of(village, LEA_UID), await self._guardian_of_lea(village)
        await subscribers(village, 4)
        await subscribe(village, guardian.person_id)
        async with village.database.write() as db:
            await db.execute(update(Person).where(Person.id == lea).values(birth_date=date(2019, 6, 1)))
        await set_point(village, POOL, guardian_age=8, guardian_minutes=2)
        child = village.card_tap(POOL, LEA_UID)
        said = [(await tap_at(village, child)).reason]
        await tap_at(village, village.card_tap(POOL, guardian.uid), NOON + MINUTE)
        for minutes in (2, 5):
            again = replace(child, id=new_id())
            said.append((await tap_at(village, again, NOON + minutes * MINUTE)).reason)
        assert said == ["guardian-missing", "subscribed", "guardian-missing"]

    @staticmethod
    async def _guardian_of_lea(village: Village) -> Card:
        """The card of an adult of Léa's account."""
        accounts = select(Membership.account_id).where(Membership.person_id == await person_of(village, LEA_UID))
        async with village.database.read() as db:
            card = await db.scalar(
                select(Card)
                .join(Membership, Membership.person_id == Card.person_id)
                .where(
                    Membership.account_id.in_(accounts),
                    Membership.role == FamilyRole.GUARDIAN,
                    Card.status == CardStatus.ACTIVE,
                )
                .limit(1)
            )
        assert card is not None
        return card


class TestAgents:
    async def test_an_agent_s_hours_open_the_doors_of_their_buildings_and_not_on_a_public_holiday(
        self, village: Village
    ) -> None:
        agent = await person_of(village, JEANNE_UID)
        for number, site in enumerate(("Hôtel de ville", "Centre technique", "Trésor")):
            async with village.database.write() as db:
                point = await create_point(
                    db,
                    new_id(),
                    code=f"porte-agents-{number}",
                    kind=PointKind.DOOR,
                    service=ServiceCode.BUILDING,
                    settings={"label": "Entrée", "site": site, "assurance": Assurance.UID},
                    now=NOON,
                )
                village.points[site] = point.id
                if site != "Trésor":
                    await give_right(
                        db,
                        new_id(),
                        kind=RightKind.AGENT_SCHEDULE,
                        service=ServiceCode.BUILDING,
                        person_id=agent,
                        site=site,
                        weekdays=0b0011111,
                        opens_at=time(7, 30),
                        closes_at=time(19),
                        on_holidays=False,
                        valid_from=NOON - DAY,
                        now=NOON,
                    )
        armistice = datetime(2027, 11, 11, 11, 0, tzinfo=UTC)
        said = [
            (await tap_at(village, village.card_tap(site, JEANNE_UID), at)).reason
            for site, at in (
                ("Hôtel de ville", NOON),
                ("Centre technique", NOON + HOUR),
                ("Trésor", NOON + 2 * HOUR),
                ("Hôtel de ville", NOON + 9 * HOUR),
                ("Hôtel de ville", armistice),
                ("Hôtel de ville", armistice + DAY),
            )
        ]
        assert said == ["entitled", "entitled", "not-entitled", "outside-hours", "outside-hours", "entitled"]


class TestModes:
    async def test_every_mode_leaves_its_taps(self, village: Village) -> None:
        said = []
        for mode in (PointMode.LOCKED, PointMode.HELD_OPEN, PointMode.EMERGENCY, PointMode.NORMAL):
            async with village.database.write() as db:
                await set_mode(db, [village.points[POOL]], mode, now=NOON)
            said.append((await tap_at(village, village.card_tap(POOL, STRANGER_UID))).reason)
            said.append((await tap_at(village, village.card_tap(POOL, JEANNE_UID))).reason)
        assert said == [
            *("unknown-card", "point-closed"),
            *("held-open", "held-open"),
            *("emergency", "emergency"),
            *("unknown-card", "wallet-empty"),
        ]
        assert await rows_of(village, Tap) == 8

    async def test_a_mode_that_is_set_again_is_no_change(self, village: Village) -> None:
        changed = []
        for at in (NOON, NOON + HOUR):
            async with village.database.write() as db:
                changed.append(len(await set_mode(db, [village.points[POOL]], PointMode.LOCKED, now=at)))
        async with village.database.read() as db:
            assert (await db.get_one(AccessPoint, village.points[POOL])).mode_since == NOON
        assert changed == [1, 0]

    async def test_of_points_of_which_one_is_unknown_none_is_changed(self, village: Village) -> None:
        async with village.database.write() as db:
            with pytest.raises(UnknownPoint):
                await set_mode(db, [village.points[POOL], new_id()], PointMode.LOCKED, now=NOON)
        async with village.database.read() as db:
            assert (await db.get_one(AccessPoint, village.points[POOL])).mode is PointMode.NORMAL


class TestSettings:
    @pytest.mark.parametrize(
        ("code", "settings"),
        [
            (POOL, {"passback_minutes": 5}),
            (POOL, {"guardian_age": 8}),
            (POOL, {"area_id": "an area", "direction": Direction.BOTH}),
        ],
    )
    async def test_settings_that_contradict_one_another_are_refused(
        self, village: Village, code: str, settings: dict[str, Any]
    ) -> None:
        async with village.database.write() as db:
            if "area_id" in settings:
                settings |= {"area_id": (await create_area(db, new_id(), code="zone", label="Zone")).id}
            with pytest.raises(SettingsDoNotFit):
                await change_point(db, village.points[code], settings, now=NOON)
            db.expunge_all()

    async def test_a_tablet_does_not_open_to_all(self, village: Village) -> None:
        async with village.database.write() as db:
            with pytest.raises(SettingsDoNotFit):
                await set_mode(db, [village.points[CANTEEN]], PointMode.HELD_OPEN, now=NOON)
            db.expunge_all()

    async def test_an_area_that_does_not_exist_is_refused(self, village: Village) -> None:
        async with village.database.write() as db:
            with pytest.raises(UnknownArea):
                await change_point(db, village.points[POOL], {"area_id": new_id()}, now=NOON)
            db.expunge_all()

    async def test_a_point_is_added_once_and_its_code_is_its_own(self, village: Village) -> None:
        async def add(point_id: Any, code: str, service: ServiceCode = ServiceCode.POOL) -> AccessPoint:
            settings = {"label": "Porte", "site": "Gâtinéo", "assurance": Assurance.UID}
            async with village.database.write() as db:
                return await create_point(
                    db, point_id, code=code, kind=PointKind.DOOR, service=service, settings=settings, now=NOON
                )

        point_id = new_id()
        assert (await add(point_id, "porte")).id == (await add(point_id, "porte")).id
        with pytest.raises(CodeTaken):
            await add(new_id(), "porte")
        with pytest.raises(IdempotencyMismatch):
            await add(point_id, "porte", ServiceCode.CANTEEN)


class TestClocks:
    async def test_a_reader_whose_clock_is_years_off_is_answered_by_the_server_s_and_forgotten_by_it_too(
        self, village: Village
    ) -> None:
        wallet_id = await with_money(village)
        for years in (-20, 20):
            request = replace(village.card_tap(POOL, JEANNE_UID), tapped_at=NOON + years * 365 * DAY)
            async with village.database.write() as db:
                assert (await take_tap(db, request, now=NOON)).reason == "paid"
            assert await forget_taps(village.database, now=NOON + HOUR, kept=92 * DAY) == 0
            async with village.database.write() as db:
                assert (await take_tap(db, request, now=NOON + HOUR)).reason == "paid", "asked again, it is the same"
        async with village.database.read() as db:
            assert await balance_of(db, wallet_id) == 2000 - 2 * 310
        async with village.database.read() as db:
            assert set(await db.scalars(select(Tap.tapped_at))) == {NOON}
            [event] = await db.scalars(select(PointEvent))
        assert (event.kind, event.detail) == (PointEventKind.CLOCK_WRONG, "-630720000 s"), "noted once an hour"
        assert await forget_taps(village.database, now=NOON + 93 * DAY, kept=92 * DAY) == 3


class TestWhatIsForgotten:
    async def test_movement_logs_go_after_three_months_and_the_money_stays(self, village: Village) -> None:
        wallet_id = await with_money(village)
        old, young = village.card_tap(POOL, JEANNE_UID), village.card_tap(POOL, JEANNE_UID)
        await tap_at(village, old)
        await tap_at(village, young, NOON + 60 * DAY)
        async with village.database.write() as db:
            for at in (NOON, NOON + 60 * DAY):
                db.add(
                    PointEvent(
                        id=new_id(), point_id=old.point_id, kind="forced", happened_at=at, received_at=at, detail=""
                    )
                )
        for _ in range(2):
            gone = await forget_taps(village.database, now=NOON + 100 * DAY, kept=92 * DAY)
        assert gone == 0, "the second time there was nothing left to forget"
        async with village.database.read() as db:
            assert await db.get(Tap, old.id) is None
            assert await db.get(Tap, young.id) is not None
            assert await balance_of(db, wallet_id) == 2000 - 2 * 310
        assert await rows_of(village, PointEvent) == 1
