"""Three days without the core at a site of twelve points, then everything sent three times, shuffled and interrupted.

The controller's own parts decide and keep the taps, by a clock that the test moves; the core lives on meanwhile and
takes the taps over HTTP afterwards. `docs/coverage.md` speaks of the figures in `tests.rounds`.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from aiohttp import ClientSession
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import PointKind, Reason
from cvq_core.access.store import end_right
from cvq_core.access.tables import AccessPoint, Attendance, ConflictedTap, Entitlement, Tap, TapConflict
from cvq_core.cards.life import By, block
from cvq_core.cards.rules import BlockedReason, CardStatus
from cvq_core.cards.tables import Card
from cvq_core.controllers.wire import Welcome
from cvq_core.devices.identity import Identity, to_base64url
from cvq_core.devices.line import DeviceLine, ServerUnreachable, enrol_as
from cvq_core.devices.store import make_code
from cvq_core.devices.tables import DeviceChallenge, DeviceToken
from cvq_core.journal.store import SYSTEM
from cvq_core.ledger.tables import LedgerTransaction, Wallet
from cvq_core.ledger.verify import verify
from cvq_core.seed.heroes import STRANGER_UID
from cvq_reader.core import Core, late_body
from cvq_reader.doors import Doors
from cvq_reader.queue import QueuedTap, State, TapQueue
from cvq_reader.steady import SteadyClock
from tests.integration.core.access.conftest import NOON
from tests.integration.core.controllers.conftest import PUBLIC_KEY, controller_for, held_of, whole_list
from tests.rounds import SITE_TAPS
from tests.served import Site, served

THREE_DAYS = timedelta(hours=72)
POINTS = 12
SENT_TIMES = 3
BATCHES = (1, 7, 60, 180)


class Hour:
    """The machine's clocks."""

    def __init__(self) -> None:
        self.now = NOON

    def wall(self) -> datetime:
        return self.now

    def steady(self) -> float:
        return (self.now - NOON).total_seconds()


@dataclass(slots=True)
class Afterwards:
    """What the core says, to be the same however often the taps are sent."""

    taps: int
    conflicts: int
    transactions: int
    attendances: int
    balances: dict[UUID, int] = field(default_factory=dict)


async def twelve_points(db: AsyncSession) -> list[AccessPoint]:
    """Every turnstile and gate, tablets, and doors."""
    rows = list(await db.scalars(select(AccessPoint).order_by(AccessPoint.code)))
    gates = [row for row in rows if row.kind in (PointKind.TURNSTILE, PointKind.GATE)]
    tablets = [row for row in rows if row.kind is PointKind.TABLET]
    doors = [row for row in rows if row.kind is PointKind.DOOR]
    return (gates + tablets[:4] + doors)[:POINTS]


async def three_days_at_the_site(
    doors: Doors, hour: Hour, points: Sequence[AccessPoint], cards: Sequence[str], taps: int
) -> None:
    """Present cards at random, most of them where somebody of theirs passes; people are ticked at tablets too."""
    dice = random.Random(72)
    assert doors.held is not None
    everybody = list(doors.held.people)
    hours = sorted(dice.random() for _ in range(taps))
    for place in hours:
        hour.now = NOON + timedelta(seconds=1) + place * (THREE_DAYS - timedelta(minutes=1))
        point = dice.choice(points)
        if point.kind is PointKind.TABLET and dice.random() < 0.5:
            await doors.present(point.id, person_id=dice.choice(everybody))
        else:
            await doors.present(point.id, uid=STRANGER_UID if dice.random() < 0.02 else dice.choice(cards))


async def meanwhile(site: Site) -> None:
    """Cards are lost and rights end, which nobody can tell the site."""
    async with site.database.write() as db:
        cards = list(await db.scalars(select(Card).where(Card.status == CardStatus.ACTIVE).order_by(Card.id)))
        for card in cards[::7]:
            await block(db, card.id, BlockedReason.LOST, By(SYSTEM, NOON + timedelta(hours=5)))
        rights = list(await db.scalars(select(Entitlement.id).order_by(Entitlement.id)))
        for right_id in rights[::9]:
            await end_right(db, right_id, now=NOON + timedelta(hours=30))


async def send_three_times(site: Site, code: str, taps: Sequence[QueuedTap]) -> list[Afterwards]:
    """Send every tap three times, in any order and any number at once, some of it while the line is cut."""
    dice = random.Random(3)
    found = []
    async with ClientSession() as session:
        identity = await enrol_as(session, site.url, "controller", code, Identity.new())
        core = Core(DeviceLine(session, site.url, identity), online_ms=700)
        for _ in range(SENT_TIMES):
            left = dice.sample(list(taps), len(taps))
            while left:
                some = left[: dice.choice(BATCHES)]
                if dice.random() < 0.2:
                    # The line is cut somewhere between the question and its answer.
                    with suppress(TimeoutError, ServerUnreachable):
                        async with asyncio.timeout(dice.random() * 0.05):
                            await core.late([late_body(tap) for tap in some])
                    continue
                answers = await core.late([late_body(tap) for tap in some])
                assert [answer.refused for answer in answers.taps] == [None] * len(some)
                left = left[len(some) :]
            found.append(await afterwards(site))
    return found


async def afterwards(site: Site) -> Afterwards:
    async with site.database.read() as db:
        counts = [
            await db.scalar(select(func.count()).select_from(table))
            for table in (Tap, TapConflict, LedgerTransaction, Attendance)
        ]
        rows = await db.execute(select(Wallet.id, Wallet.balance_cents))
        balances = {row.id: row.balance_cents for row in rows}
    return Afterwards(*(count or 0 for count in counts), balances)


async def play(url: str, folder: Path, taps: int) -> None:
    """Live the three days, send everything, and add up."""
    async with served(url, folder / "server", now=NOON) as before:
        async with before.database.write() as db:
            points = await twelve_points(db)
            controller = await controller_for(db, [point.id for point in points], now=NOON)
            code_for = controller.id
            cards = list(await db.scalars(select(Card.uid).order_by(Card.id)))
        async with before.database.read() as db:
            held = held_of(await whole_list(db, controller, now=NOON))
        await meanwhile(before)
        begun = await afterwards(before)
    hour = Hour()
    queue = TapQueue(folder / "queue.sqlite", memory_max=100)
    await queue.start()
    welcome = Welcome(
        controller_id=controller.id,
        name=controller.name,
        site=controller.site,
        public_key=to_base64url(PUBLIC_KEY),
        salt=to_base64url(controller.salt),
        list_hours=72,
    )
    clock = SteadyClock(wall=hour.wall, steady=hour.steady)
    async with ClientSession() as nobody:
        doors = Doors(Core(DeviceLine(nobody, "", Identity.new()), online_ms=700), queue, clock, welcome)
        doors.held = held
        await three_days_at_the_site(doors, hour, points, cards, taps)
    kept = await queue.waiting(State.DECIDED, taps + 1)
    await queue.close()
    assert len(kept) == taps
    async with served(url, folder / "server", now=NOON + THREE_DAYS + timedelta(minutes=5)) as site:
        async with site.database.write() as db:
            await db.execute(delete(DeviceToken))
            await db.execute(delete(DeviceChallenge))
            code = await make_code(
                db, kind="controller", subject_id=code_for, name="Piscine", now=site.services.clock()
            )
        first, *again = await send_three_times(site, code, kept)
        assert again == [first] * (SENT_TIMES - 1), "what comes again changes nothing"
        await add_up(site, kept, begun, first)


async def add_up(site: Site, kept: Sequence[QueuedTap], begun: Afterwards, ended: Afterwards) -> None:
    """Nothing lost, nothing doubled, every conflict listed, and the books say what the taps say."""
    async with site.database.read() as db:
        assert await verify(db) == []
        rows = {tap.id: tap for tap in await db.scalars(select(Tap))}
        conflicts = Counter(await db.scalars(select(ConflictedTap.tap_id)))
    assert rows.keys() == {tap.id for tap in kept}
    for tap in kept:
        row = rows[tap.id]
        assert (row.offline, row.allowed, row.door_reason) == (True, tap.allowed, tap.reason)
        if row.allowed != Reason(row.reason).allows:
            assert conflicts[tap.id], (tap, row)
    charged = [row for row in rows.values() if row.transaction_id is not None]
    assert ended.transactions - begun.transactions == len({row.transaction_id for row in charged}) == len(charged)
    spent = sum(begun.balances.values()) - sum(ended.balances.values())
    assert spent == sum(row.amount_cents for row in charged)
    assert spent > 0
    assert conflicts, "some cards were lost meanwhile"


async def test_three_days_without_the_core_lose_nothing_double_nothing_and_list_every_conflict(
    village_url: str, tmp_path: Path
) -> None:
    await play(village_url, tmp_path, SITE_TAPS.test)


@pytest.mark.nightly
@pytest.mark.timeout(7200)
async def test_ten_thousand_taps_of_three_days_lose_nothing_double_nothing_and_list_every_conflict(
    village_url: str, tmp_path: Path
) -> None:
    await play(village_url, tmp_path, SITE_TAPS.night)
