"""A school year of a territory's passages and meals over HTTP, by a clock that the test moves from day to day.

Doors, pools and canteens ask as their readers do, many at once, and some twice. What the readers were told is all that
the test keeps; at the end it adds up to what the books, the rights, the wallets and the figures hold, although where
and when people passed is forgotten on the way. `docs/coverage.md` speaks of the figures in `tests.rounds`.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import PointKind, Reason, RightKind
from cvq_core.access.keeping import forget_taps
from cvq_core.access.tables import AccessPoint, Attendance, Entitlement, Tap
from cvq_core.cards.tables import Card
from cvq_core.clock import PARIS, local_day
from cvq_core.database import Database
from cvq_core.devices.tables import Device, DeviceToken
from cvq_core.footfall.rules import NO_PASSAGE
from cvq_core.footfall.store import count_taps, figures
from cvq_core.ids import new_id
from cvq_core.ledger.tables import LedgerAccount, LedgerTransaction, Posting, Wallet
from cvq_core.ledger.verify import verify
from cvq_core.seed.service import seed_territory
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.store import digest
from tests.rounds import YEAR_TAPS
from tests.served import served

SCHOOL_YEAR = 2026
FIRST, LAST = date(2026, 9, 1), date(2027, 8, 31)
CANTEEN_DAYS = (0, 1, 3, 4)
READERS_AT_ONCE = 24
AGAIN_SHARE, STRANGER_SHARE, DOOR_SHARE = 0.02, 0.01, 0.3
TAPS_KEPT = timedelta(days=92)
HOURS = {"doors": time(8, 20), "meals": time(12, 10), "pools": time(17, 30)}
DEBITED = (Reason.PAID, Reason.SERVED, Reason.SERVED_AND_OWED)


class Hour:
    """The server's clock."""

    def __init__(self) -> None:
        self.now = datetime.combine(FIRST, time(6), PARIS)

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True, slots=True)
class Reader:
    """A point with its reader's token."""

    point_id: UUID
    service: ServiceCode
    token: str


@dataclass(frozen=True, slots=True)
class Ground:
    """Who may pass where: readers by what they stand at, cards, and the children of each canteen."""

    doors: list[Reader]
    pools: list[Reader]
    cards: list[str]
    agents: list[str]
    children: list[tuple[UUID, Reader]]


@dataclass(slots=True)
class Told:
    """What the readers were told, added up."""

    passages: Counter[tuple[date, UUID, Reason, bool]] = field(default_factory=Counter)
    cents: Counter[tuple[ServiceCode, date]] = field(default_factory=Counter)
    """What was charged, to a wallet or on a bill."""
    entries: int = 0
    taps: int = 0

    def add(self, reader: Reader, day: date, answer: dict[str, Any]) -> None:
        """Take in one answer."""
        reason = Reason(answer["reason"])
        self.taps += 1
        self.passages[day, reader.point_id, reason, answer["allowed"]] += 1
        self.cents[reader.service, day] += answer["amount_cents"] if reason in DEBITED else 0
        self.entries += reason is Reason.ENTRY_COUNTED


@dataclass(frozen=True, slots=True)
class Books:
    """What is in the wallets and on the rights that are counted."""

    balances: dict[UUID, int]
    entries: int


@dataclass(frozen=True, slots=True)
class Line:
    """One connection of a reader, kept open."""

    incoming: asyncio.StreamReader
    outgoing: asyncio.StreamWriter

    async def ask(self, reader: Reader, path: str, body: bytes) -> dict[str, Any]:
        """Send one request and return the answer's body."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: core\r\nAuthorization: Bearer {reader.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.outgoing.write(head.encode() + body)
        answer = (await self.incoming.readuntil(b"\r\n\r\n")).lower()
        length = int(answer.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        told = await self.incoming.readexactly(length)
        assert answer.startswith(b"http/1.1 200"), told
        found: dict[str, Any] = json.loads(told)
        return found


@asynccontextmanager
async def lines(port: int) -> AsyncIterator[list[Line]]:
    opened = [Line(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(READERS_AT_ONCE)]
    yield opened
    for line in opened:
        line.outgoing.close()


async def a_reader(db: AsyncSession, point: AccessPoint) -> Reader:
    """Write down a reader whose token outlasts the year."""
    device_id, token = new_id(), f"year-{point.code}"
    begins = datetime.combine(FIRST, time(), PARIS)
    db.add(
        Device(
            id=device_id,
            kind="reader",
            subject_id=point.id,
            name=point.code,
            public_key=bytes(32),
            enrolled_at=begins,
        )
    )
    await db.flush()
    db.add(DeviceToken(token_digest=digest(token), device_id=device_id, expires_at=begins + timedelta(days=800)))
    return Reader(point.id, point.service_code, token)


async def prepare(database: Database, preset: str) -> Ground:
    """Seed a territory and put a reader at every point of it."""
    await seed_territory(database, preset, seed=11, school_year=SCHOOL_YEAR)
    async with database.write() as db:
        points = list(await db.scalars(select(AccessPoint).order_by(AccessPoint.code)))
        readers = {point.id: await a_reader(db, point) for point in points}
        cards = list(await db.scalars(select(Card.uid).order_by(Card.uid)))
        holders = select(Entitlement.person_id).where(Entitlement.kind == RightKind.AGENT_SCHEDULE)
        agents = list(await db.scalars(select(Card.uid).where(Card.person_id.in_(holders)).order_by(Card.uid)))
        enrolled = await db.execute(
            select(Entitlement.person_id, Entitlement.point_id)
            .where(
                Entitlement.kind == RightKind.ENROLMENT,
                Entitlement.service_code == ServiceCode.CANTEEN,
                Entitlement.point_id.is_not(None),
            )
            .order_by(Entitlement.person_id)
        )
        children = {child_id: readers[point_id] for child_id, point_id in enrolled}
    at = {kind: [readers[point.id] for point in points if point.kind is kind] for kind in PointKind}
    pools = [reader for reader in at[PointKind.TURNSTILE] if reader.service is ServiceCode.POOL]
    return Ground(at[PointKind.DOOR], pools, cards, agents, list(children.items()))


async def books_of(database: Database) -> Books:
    async with database.read() as db:
        balances = {row.id: row.balance_cents for row in await db.execute(select(Wallet.id, Wallet.balance_cents))}
        entries = await db.scalar(select(func.sum(Entitlement.entries_left)))
    return Books(balances, int(entries or 0))


def days_of_year(count: int) -> list[date]:
    """Return the days on which people come: all of the year, or for few taps a canteen day of each month."""
    every = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]
    if count >= len(every) * READERS_AT_ONCE:
        return every
    firsts: dict[tuple[int, int], date] = {}
    for day in every:
        if day.weekday() in CANTEEN_DAYS and day.day > 7:
            firsts.setdefault((day.year, day.month), day)
    return list(firsts.values())


def shares(total: int, days: Sequence[date]) -> Iterator[tuple[date, int]]:
    """Share so many among some days, as evenly as whole numbers go."""
    for number, day in enumerate(days):
        yield day, total * (number + 1) // len(days) - total * number // len(days)


class Year:
    """One year, as it is played."""

    def __init__(self, ground: Ground, hour: Hour, opened: list[Line]) -> None:
        self._ground = ground
        self._hour = hour
        self._lines = opened
        self._draw = random.Random(2026)
        self.told = Told()

    async def day(self, day: date, passages: int, meals: int) -> None:
        """Let people pass and children eat."""
        draw, ground = self._draw, self._ground
        at_doors = sum(draw.random() < DOOR_SHARE for _ in range(passages))
        working = [(draw.choice(ground.doors), self._card(ground.agents)) for _ in range(at_doors)]
        await self._hour_of(day, "doors", working)
        eating = draw.sample(ground.children, min(meals, len(ground.children)))
        more = [draw.choice(ground.children) for _ in range(meals - len(eating))]  # ticked twice: counted once
        await self._hour_of(day, "meals", [(reader, {"person_id": str(child)}) for child, reader in (*eating, *more)])
        swimming = [(draw.choice(ground.pools), self._card(ground.cards)) for _ in range(passages - at_doors)]
        await self._hour_of(day, "pools", swimming)

    def _card(self, cards: Sequence[str]) -> dict[str, str]:
        is_stranger = self._draw.random() < STRANGER_SHARE
        return {"card_uid": self._draw.randbytes(7).hex() if is_stranger else self._draw.choice(cards)}

    async def _hour_of(self, day: date, what: str, asked: list[tuple[Reader, dict[str, str]]]) -> None:
        self._hour.now = datetime.combine(day, HOURS[what], PARIS)
        waiting = iter(asked)
        await asyncio.gather(*(self._work(line, day, waiting) for line in self._lines))

    async def _work(self, line: Line, day: date, waiting: Iterator[tuple[Reader, dict[str, str]]]) -> None:
        for reader, whom in waiting:
            at = self._hour.now.isoformat()
            path, when = ("/api/v1/taps", "tapped_at") if "card_uid" in whom else ("/api/v1/attendances", "ticked_at")
            body = json.dumps({"id": str(new_id()), when: at, **whom}).encode()
            answer = await line.ask(reader, path, body)
            if self._draw.random() < AGAIN_SHARE:
                assert await line.ask(reader, path, body) == answer
            self.told.add(reader, day, answer)


async def play(database: Database, folder: Path, preset: str, count: int) -> None:
    """Play a year of `count` passages and meals, and let everything add up."""
    hour = Hour()
    ground = await prepare(database, preset)
    before = await books_of(database)
    url = database.url.render_as_string(hide_password=False)
    days = days_of_year(count)
    meals = dict(shares(count // 2, [day for day in days if day.weekday() in CANTEEN_DAYS]))
    async with served(url, folder, clock=hour) as site:
        async with lines(int(site.url.rpartition(":")[2])) as opened:
            year = Year(ground, hour, opened)
            month = FIRST.month
            for day, passages in shares(count - count // 2, days):
                if day.month != month:
                    month = day.month
                    await end_of_month(site.database, hour)
                await year.day(day, passages, meals.get(day, 0))
        await end_of_month(site.database, hour)
    assert year.told.taps == count
    await check_money(database, ground, before, year.told)
    await check_figures(database, ground, hour.now, year.told)


async def end_of_month(database: Database, hour: Hour) -> None:
    """Count what came, and forget what is old: as the server does every hour."""
    await count_taps(database, hour)
    await forget_taps(database, now=hour.now, kept=TAPS_KEPT)


async def check_money(database: Database, ground: Ground, before: Books, told: Told) -> None:
    """Wallets moved by what was told to the cent, and nobody else's; debts are what they lacked."""
    after = await books_of(database)
    earned: Counter[tuple[ServiceCode, date]] = Counter()
    moved: defaultdict[UUID, int] = defaultdict(int)
    lacked: defaultdict[UUID, int] = defaultdict(int)
    async with database.read() as db:
        postings = await db.stream(
            select(LedgerAccount.code, Posting.account_id, Posting.amount_cents, LedgerTransaction.occurred_at)
            .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
            .join(LedgerTransaction, LedgerTransaction.id == Posting.transaction_id)
            .where(LedgerTransaction.actor_kind == "reader")
        )
        async for code, account_id, cents, at in postings:
            if code.startswith("revenue:"):
                earned[ServiceCode(code.removeprefix("revenue:")), local_day(at)] += cents
            else:
                moved[account_id] += cents
        attendances = await db.stream(
            select(
                Attendance.service_code,
                Attendance.day,
                Attendance.amount_cents,
                Attendance.owed_cents,
                Posting.account_id,
            ).outerjoin(Posting, (Posting.transaction_id == Attendance.transaction_id) & (Posting.position == 0))
        )
        async for service, day, cents, owed, wallet_id in attendances:
            if wallet_id is None:
                earned[service, day] += cents  # a bill will be made of it
            else:
                lacked[wallet_id] += owed
        assert await verify(db) == []
    assert +earned == +told.cents
    assert sum(told.cents.values()) > 0
    for wallet_id, balance in before.balances.items():
        assert after.balances[wallet_id] == balance + moved[wallet_id]
        assert lacked[wallet_id] == max(0, -after.balances[wallet_id]) - max(0, -balance) or wallet_id not in lacked
    assert sum(lacked.values()) > 0, "the year is long enough for some to owe"
    assert before.entries - after.entries == told.entries > 0


async def check_figures(database: Database, ground: Ground, now: datetime, told: Told) -> None:
    """The figures know every passage, and the passages themselves are forgotten after their time."""
    points = {reader.point_id for reader in (*ground.doors, *ground.pools, *(each for _, each in ground.children))}
    counted: Counter[tuple[date, UUID, Reason, bool]] = Counter()
    async with database.read() as db:
        for cell in await figures(db, points, FIRST, LAST, now=now):
            counted[cell.day, cell.point_id, cell.reason, cell.allowed] += cell.number
        left = await db.scalar(select(func.count()).select_from(Tap))
    expected = Counter({key: number for key, number in told.passages.items() if key[2] not in NO_PASSAGE})
    assert counted == expected
    still_kept = (now - TAPS_KEPT).astimezone(PARIS)
    recent = sum(number for (day, *_), number in told.passages.items() if day > still_kept.date())
    on_that_day = sum(number for (day, *_), number in told.passages.items() if day == still_kept.date())
    assert left is not None
    assert recent <= left <= recent + on_that_day


async def test_a_year_of_passages_and_meals_adds_up_to_the_cent(database: Database, tmp_path: Path) -> None:
    await play(database, tmp_path, "demo", YEAR_TAPS.test)


@pytest.mark.nightly
@pytest.mark.timeout(4 * 3600)
async def test_a_year_of_a_whole_territory_adds_up_to_the_cent(database: Database, tmp_path: Path) -> None:
    await play(database, tmp_path, "parthenay", YEAR_TAPS.night)
