"""`kill -9` of the server at every named point of what doors hang on: what was answered stays, and counts once.

Readers, controllers and pages ask again after the restart, with the same ids. After each death the tables are compared
with plain arithmetic: what is durable is all there at once (a passage with its money, a block with the word of it that
the sites hear), and what is not has left nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import ClientSession
from sqlalchemy import func, select, text

from cvq_core.access.changes import TOPIC
from cvq_core.access.facts import Assurance, PointKind, RightKind
from cvq_core.access.tables import AccessPoint, Entitlement, Tap, TapConflict, TapConflictSettling
from cvq_core.cards.rules import BlockedReason, CardStatus
from cvq_core.cards.tables import Card
from cvq_core.clock import utc_now
from cvq_core.database import Database
from cvq_core.devices.tables import Device, DeviceToken
from cvq_core.ids import new_id
from cvq_core.journal.store import verify_chain
from cvq_core.ledger.store import balance_of
from cvq_core.ledger.tables import LedgerTransaction
from cvq_core.ledger.verify import verify
from cvq_core.live.tables import LiveEvent
from cvq_core.people.rules import FamilyRole
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import add_service
from cvq_core.services.tables import Service
from cvq_core.staff.rules import Role
from cvq_core.staff.store import digest
from cvq_core.tariffs.store import Official, adopt, propose
from cvq_migrations import runner
from tests.core_examples import LONG_AGO, create_family, create_member, create_wallet
from tests.factories import make_card, make_staff, make_town_hall
from tests.integration.power_cut.dying_server import AT_THE_DOORS, Moment
from tests.integration.power_cut.town import Died, Forking, Person, Server

LONG_AGO_AT = datetime(2020, 1, 1, 8, tzinfo=UTC)
ENTRY_CENTS = 310
UID, STOLEN_UID = "04A2241AC35E80", "04A2241AC35E81"
SPARE_CARDS = 2
TARIFF = """
service: piscine
titre: Piscine
décision: Délibération n° 1
prestations:
  - code: entry
    nom: Entrée
    unité: entrée
    prix:
      - montant: 3,10 €
"""


@dataclass(slots=True)
class Books:
    """How many rows there are of what doors hang on, and the wallet's cents."""

    rows: dict[str, int] = field(default_factory=dict)
    wallet_cents: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, and what it adds when it was done once."""

    who: Person
    path: str
    body: dict[str, Any]
    rows: dict[str, int]
    wallet_cents: int = 0


@dataclass(slots=True)
class Pool:
    """A turnstile with its reader, its manager and a secretary, before a server that dies."""

    server: Server
    database: Database
    reader: Person
    paul: Person
    sylvie: Person
    point: UUID
    wallet: UUID
    jeanne: UUID
    spare_cards: list[UUID]
    books: Books = field(default_factory=Books)

    async def count(self) -> Books:
        """Read what there is."""
        counted = {
            "taps": select(func.count()).select_from(Tap),
            "conflicts": select(func.count()).select_from(TapConflict),
            "settled": select(func.count()).select_from(TapConflictSettling),
            "transactions": select(func.count()).select_from(LedgerTransaction),
            "blocked": select(func.count()).select_from(Card).where(Card.status == CardStatus.BLOCKED),
            "rights": select(func.count()).select_from(Entitlement),
            "ended": select(func.count()).select_from(Entitlement).where(Entitlement.valid_until.is_not(None)),
            "told": select(func.count()).select_from(LiveEvent).where(LiveEvent.topic == TOPIC),
        }
        async with self.database.read() as db:
            rows = {name: int(await db.scalar(query) or 0) for name, query in counted.items()}
            return Books(rows, await balance_of(db, self.wallet))

    async def assert_sound(self) -> None:
        """Assert that there is what plain arithmetic says, and that ledger and journal prove themselves."""
        assert await self.count() == self.books
        async with self.database.read() as db:
            assert [*await verify(db), *await verify_chain(db)] == []

    def add(self, asked: Asked) -> None:
        """Let a request count."""
        for name, number in asked.rows.items():
            self.books.rows[name] += number
        self.books.wallet_cents += asked.wallet_cents


def _tap(pool: Pool) -> Asked:
    body = {"id": str(new_id()), "card_uid": UID, "tapped_at": utc_now().isoformat()}
    return Asked(pool.reader, "/taps", body, {"taps": 1, "transactions": 1}, -ENTRY_CENTS)


def _late(pool: Pool) -> Asked:
    """A passage that is charged, and one with a stolen card, which is listed."""
    decided = {"allowed": True, "reason": "paid", "display_short": "Entrez"}
    taps = [
        {"id": str(new_id()), "point_id": str(pool.point), "card_uid": uid, "decided": decided}
        | {"tapped_at": (utc_now() - timedelta(hours=1)).isoformat()}
        for uid in (UID, STOLEN_UID)
    ]
    rows = {"taps": 2, "conflicts": 1, "transactions": 1}
    return Asked(pool.reader, "/taps/batch", {"taps": taps}, rows, -ENTRY_CENTS)


async def _settle(pool: Pool) -> Asked:
    """A conflict that is billed."""
    late = _late(pool)
    await late.who.post(late.path, late.body)
    pool.add(late)
    async with pool.database.read() as db:
        settled = select(TapConflictSettling.conflict_id)
        conflict_id = await db.scalar(select(TapConflict.id).where(TapConflict.id.not_in(settled)))
    body = {"outcome": "billed", "reason": "carte volée"}
    rows = {"settled": 1, "transactions": 1}
    return Asked(pool.paul, f"/access/conflicts/{conflict_id}/settle", body, rows)


def _block(pool: Pool) -> Asked:
    body = {"why": "lost", "channel": "phone", "identity": "answers"}
    return Asked(pool.sylvie, f"/cards/{pool.spare_cards.pop()}/block", body, {"blocked": 1, "told": 1})


def _give(pool: Pool) -> Asked:
    body = {
        "id": str(new_id()),
        "kind": RightKind.SUBSCRIPTION.value,
        "service": ServiceCode.POOL.value,
        "person_id": str(pool.jeanne),
        # From next year on: until then she pays.
        "valid_from": (utc_now() + timedelta(days=365)).isoformat(),
    }
    return Asked(pool.paul, "/access/rights", body, {"rights": 1, "told": 1})


async def _end(pool: Pool) -> Asked:
    right = Entitlement(
        id=new_id(),
        kind=RightKind.SUBSCRIPTION,
        service_code=ServiceCode.POOL,
        point_id=pool.point,
        person_id=pool.jeanne,
        valid_from=LONG_AGO_AT,
        # On a day of last week alone: it lets nobody in for nothing.
        weekdays=1 << (utc_now() - timedelta(days=3)).weekday(),
    )
    async with pool.database.write() as db:
        db.add(right)
    pool.books.rows["rights"] += 1
    return Asked(pool.paul, f"/access/rights/{right.id}/end", {}, {"ended": 1, "told": 1})


ACTS: dict[str, Callable[[Pool], Any]] = {
    "tap": _tap,
    "late": _late,
    "settle": _settle,
    "block": _block,
    "give": _give,
    "end": _end,
}


async def test_a_server_that_dies_at_any_point_of_what_doors_hang_on_loses_and_doubles_nothing(
    database_url: str, tmp_path: Path, forking: Forking
) -> None:
    async with _pool_on(database_url, tmp_path, forking) as pool:
        for name, point in AT_THE_DOORS.items():
            act = name.partition(":")[0]
            made = ACTS[act](pool)
            asked: Asked = made if isinstance(made, Asked) else await made
            with pytest.raises(Died):
                await asked.who.post(asked.path, asked.body, die_at=name)
            await pool.server.died()
            if point.moment in (Moment.AFTER_COMMIT, Moment.BEFORE_ANSWER):
                pool.add(asked)
                await pool.assert_sound()
                await pool.server.live()
            else:
                await pool.assert_sound()
                await pool.server.live()
                pool.add(asked)
            answers = [await asked.who.post(asked.path, asked.body) for _ in range(2)]
            # Whoever asks again that a right end hears that it did not hold any more.
            assert answers[0] == answers[1] or act == "end"
            await pool.assert_sound()


@asynccontextmanager
async def _pool_on(database_url: str, folder: Path, forking: Forking) -> AsyncIterator[Pool]:
    async with AsyncExitStack() as stack:
        database = Database(database_url)
        stack.push_async_callback(database.close)
        made = await _people(database)
        environment = {"CVQ_DATABASE_URL": database_url, "CVQ_DATA_DIR": str(folder / "data")}
        server = Server(forking, environment | {"CVQ_SESSION_IDLE_MINUTES": "720"})
        await server.live()
        stack.push_async_callback(server.kill)
        paul, sylvie = [await Person.sign_in(server, login) for login in ("paul", "sylvie")]
        reader = Person(server, ClientSession(headers={"Authorization": "Bearer turnstile"}), "")
        for person in (paul, sylvie, reader):
            stack.push_async_callback(person.session.close)
        pool = Pool(server, database, reader, paul, sylvie, **made)
        pool.books = await pool.count()
        yield pool


async def _people(database: Database) -> dict[str, Any]:
    async with database.engine.begin() as connection:
        # The tables are those of the newest revision: the server wants to be told.
        await connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        await connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": runner.head()})
    async with database.write() as db:
        policy = FundingPolicy.REFUSE
        await add_service(db, ServiceCode.POOL, service_id=new_id(), policy=policy, valid_from=LONG_AGO)
        by = Official(None, "Conseil communautaire")
        version = await propose(db, new_id(), service=ServiceCode.POOL, text=TARIFF, by=by, now=LONG_AGO_AT)
        await adopt(db, version.id, valid_from=date(2020, 1, 2), by=by, now=LONG_AGO_AT)
        pool_id = await db.scalar(select(Service.id))
        await make_staff(db, Role.SERVICE_MANAGER, pool_id, "paul")
        await make_staff(db, Role.SECRETARY, (await make_town_hall(db)).id, "sylvie")
        point = AccessPoint(
            id=new_id(),
            code="tourniquet",
            label="Tourniquet",
            site="Piscine",
            kind=PointKind.TURNSTILE,
            service_code=ServiceCode.POOL,
            assurance=Assurance.UID,
            price_code="entry",
        )
        db.add(point)
        family = await create_family(db)
        wallet = await create_wallet(db, family.id, cents=100_000)
        jeanne, paulette, *others = [
            await create_member(db, family.id, name, FamilyRole.GUARDIAN)
            for name in ("Jeanne", "Paulette", *(f"Anne {number}" for number in range(SPARE_CARDS)))
        ]
        await make_card(db, jeanne, uid=UID)
        stolen = await make_card(db, paulette, "482130578", STOLEN_UID)
        stolen.status, stolen.status_since, stolen.blocked_reason = (
            CardStatus.BLOCKED,
            LONG_AGO_AT,
            BlockedReason.STOLEN,
        )
        spare = [
            (await make_card(db, person, f"48213058{number}", f"04A2241AC35F8{number}")).id
            for number, person in enumerate(others)
        ]
        device = Device(
            id=new_id(), kind="reader", subject_id=point.id, name="R", public_key=bytes(32), enrolled_at=LONG_AGO_AT
        )
        db.add(device)
        await db.flush()
        far = utc_now() + timedelta(days=1)
        db.add(DeviceToken(token_digest=digest("turnstile"), device_id=device.id, expires_at=far))
        return {"point": point.id, "wallet": wallet.id, "jeanne": jeanne.id, "spare_cards": spare}
