"""A town whose server dies: its books as plain arithmetic says they are, and people who ask again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from subprocess import PIPE
from typing import Any
from uuid import UUID

from aiohttp import ClientError, ClientResponse, ClientSession, CookieJar
from sqlalchemy import func, select, text

from cvq_advisor_console.demo.mailbox import Mailbox
from cvq_advisor_console.demo.processes import free_port
from cvq_core.clock import local_day, utc_now
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import issue_invoice
from cvq_core.journal.store import verify_chain
from cvq_core.ledger.rules import AccountKind
from cvq_core.ledger.store import balance_of
from cvq_core.ledger.tables import LedgerAccount, LedgerTransaction
from cvq_core.ledger.verify import verify
from cvq_core.offices.rules import MandateTitle, Means, Officer
from cvq_core.offices.store import appoint, create_sub_office
from cvq_core.offices.tables import Drawer, Integration, Receipt, Remittance
from cvq_core.offices.verify import verify_offices
from cvq_core.payables.rules import Payable, PayableKind
from cvq_core.payments.carts import make_cart
from cvq_core.payments.tables import Cart
from cvq_core.payments.verify import verify_payments
from cvq_core.payments.virtual import Result, VirtualPayFip
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.rules import Role
from cvq_core.treasury.verify import verify_treasury
from cvq_core.web.context import SESSION_COOKIE, csrf_token_of
from cvq_migrations import runner
from tests.core_examples import LONG_AGO, NOW, create_counter, create_family, create_services, create_wallet
from tests.factories import PASSWORD, make_staff, make_town_hall
from tests.integration.power_cut.dying_server import HEADER

ROOT = Path(__file__).resolve().parents[3]
API = "/api/v1"
RIVALS = 3
BETWEEN_LIVES_S = 60
"""By so much the clock goes on between two lives, so that a dead process's lease of a job is over."""
PATIENCE_S = 300.0
COUNTED = {"drawers": Drawer, "receipts": Receipt, "slips": Remittance, "decisions": Integration}


class Died(Exception):
    """The server was gone before it answered."""


class Forking:
    """The program, loaded once and forked for each life; its words go to `log`."""

    def __init__(self, log: Path) -> None:
        self.log = log
        command = [sys.executable, "-m", "tests.integration.power_cut.dying_server"]
        with log.open("wb") as words:
            # It ends with the tests, and its lives with it.
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", "--", *command], cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=words
            )

    async def live(self, environment: dict[str, str]) -> int:
        """Begin a life and return its process."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(environment).encode() + b"\n")
        self._process.stdin.flush()
        return await self._said("lives")

    async def ended(self) -> int:
        """Return how the life ended, once it has."""
        return await self._said("ended")

    async def _said(self, wanted: str) -> int:
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            word, _, number = (await asyncio.to_thread(self._process.stdout.readline)).decode().partition(" ")
        # A number that was meant otherwise would be taken for a process to kill.
        assert word == wanted, f"{word} {number}: {self.log.read_text()[-2000:]}"
        return int(number)

    def stop(self) -> None:
        """End it all."""
        self._process.kill()
        self._process.communicate()


class Server:
    """`cvq serve`, life after life, under one address."""

    def __init__(self, forking: Forking, environment: dict[str, str]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._forking = forking
        self._environment = {**environment, "CVQ_LISTEN_PORT": str(self.port), "CVQ_PUBLIC_URL": self.url}
        self._pid = 0
        self._lives = 0

    async def live(self) -> None:
        """Begin a life and wait until it answers."""
        self._lives += 1
        environment = {**self._environment, "CVQ_CLOCK_OFFSET_S": str(self._lives * BETWEEN_LIVES_S)}
        self._pid = await self._forking.live(environment)
        assert self._pid > 1
        async with ClientSession() as session, asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    async with session.get(f"{self.url}/readyz") as answer:
                        if answer.status == 200:
                            return
                except ClientError:
                    await asyncio.sleep(0.02)

    async def died(self) -> None:
        """Wait until the process is gone, killed and not ended."""
        self._pid, ended = 0, await self._forking.ended()
        assert ended == -signal.SIGKILL, self._forking.log.read_text()[-2000:]

    async def kill(self) -> None:
        """Cut the power from outside, wherever the program is."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            await self.died()


@dataclass(slots=True)
class Person:
    """Somebody signed in; their session outlives the server."""

    server: Server
    session: ClientSession
    csrf_token: str

    @classmethod
    async def sign_in(cls, server: Server, login: str) -> Person:
        session = ClientSession(cookie_jar=CookieJar(unsafe=True))
        form = {"username": login, "password": PASSWORD}
        async with session.post(f"{server.url}/connexion", data=form, allow_redirects=False) as answer:
            assert answer.status == 303, await answer.text()
        (cookie,) = [cookie for cookie in session.cookie_jar if cookie.key == SESSION_COOKIE]
        return cls(server, session, csrf_token_of(cookie.value))

    async def post(self, path: str, body: Mapping[str, Any], *, die_at: str | None = None) -> Any:
        """Act and return what is answered.

        Raises:
            Died: nobody answered.
        """
        headers = {"X-CSRF-Token": self.csrf_token, **({HEADER: die_at} if die_at else {})}
        try:
            async with self.session.post(self.server.url + API + path, json=body, headers=headers) as answer:
                found = await answer.json()
                assert answer.status in (200, 201), found
                return found
        except (ClientError, ConnectionError) as error:
            raise Died from error


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that counts, with what it adds to the books when it was done once: rows, and cents."""

    who: Person
    path: str
    body: Mapping[str, Any]
    rows: Mapping[str, int]
    wallet_cents: int = 0
    cash_cents: int = 0


@dataclass(slots=True)
class Books:
    """What the books must say: rows of each kind, what the wallet holds, and the cash of drawer and safe, in cents."""

    rows: dict[str, int]
    wallet_cents: int = 0
    cash_cents: int = 0
    online_cents: int = 0

    def add(self, asked: Asked) -> None:
        for name, number in asked.rows.items():
            self.rows[name] += number
        self.wallet_cents += asked.wallet_cents
        self.cash_cents += asked.cash_cents


@dataclass
class Town:
    """A server that dies, its database looked at from outside, a PayFiP, a mailbox, and what arithmetic says."""

    server: Server
    database: Database
    virtual: VirtualPayFip
    mailbox: Mailbox
    odile: Person
    benoit: Person
    place: UUID
    safe: UUID
    wallet: UUID
    family: UUID
    staff: UUID
    rivals: dict[UUID, Person] = field(default_factory=dict)
    """Who collects in which other drawer."""
    drawer: UUID | None = None
    books: Books = field(default_factory=lambda: Books({}))

    async def count(self) -> Books:
        """Read the books as they are."""
        async with self.database.read() as db:
            found = Books(
                {
                    name: int(await db.scalar(select(func.count()).select_from(kind)) or 0)
                    for name, kind in COUNTED.items()
                }
            )
            found.rows["transactions"] = int(await db.scalar(select(func.count()).select_from(LedgerTransaction)) or 0)
            found.wallet_cents = await balance_of(db, self.wallet)
            drawers = list(await db.scalars(select(Drawer.id)))
            for account in (self.safe, *drawers):
                found.cash_cents += await balance_of(db, account)
            online = await db.scalar(select(LedgerAccount.id).where(LedgerAccount.kind == AccountKind.ONLINE_PAYMENTS))
            found.online_cents = await balance_of(db, online) if online else 0
        return found

    async def assert_sound(self) -> None:
        """Assert that the books are those of plain arithmetic, and that everything in them proves itself."""
        assert await self.count() == self.books
        took = (Result.PAID_BY_CARD, Result.PAID_BY_DEBIT)
        there = sum(each.amount_cents for each in self.virtual.operations.values() if each.result in took)
        assert there == self.books.online_cents, "what PayFiP took is what came"
        async with self.database.read() as db:
            proofs = (verify, verify_offices, verify_payments, verify_treasury, verify_chain)
            assert [trouble for proof in proofs for trouble in await proof(db)] == []

    async def done_once(self, asked: Asked, *, answers: int = 2) -> Any:
        """Ask, and ask again: it is done once, and every answer is the first one."""
        first, *others = [await asked.who.post(asked.path, asked.body) for _ in range(answers)]
        assert all(other == first for other in others)
        self.books.add(asked)
        return first

    async def invoice(self, cents: int) -> UUID:
        """Issue an invoice to the family; it is a transaction of the ledger too."""
        async with self.database.write() as db:
            invoice = await issue_invoice(
                db,
                new_id(),
                family_account_id=self.family,
                label="Cantine",
                lines=[Line(ServiceCode.CANTEEN, "Repas", 1, cents)],
                due_on=local_day(utc_now()) + timedelta(days=30),
                now=utc_now(),
            )
        self.books.rows["transactions"] += 1
        return invoice.id

    async def cart(self, cents: int) -> str:
        """Put the wallet into a cart and return the path of its short address."""
        async with self.database.write() as db:
            cart = await make_cart(
                db,
                new_id(),
                [Payable(PayableKind.WALLET, self.wallet, cents)],
                place_code="POM-MAIRIE",
                email="jeanne@aulnay.fr",
                acknowledged=True,
                actor_kind="staff",
                actor_id=self.staff,
                now=utc_now(),
            )
        return f"/p/{cart.token}"

    async def is_settled(self, path: str) -> bool:
        """Whether a cart is paid."""
        async with self.database.read() as db:
            token = path.rpartition("/")[2]
            return await db.scalar(select(Cart.settled_by).where(Cart.token == token)) is not None

    async def public(self, method: str, path: str, *, die_at: str | None = None, **options: Any) -> ClientResponse:
        """Ask as anybody's telephone does.

        Raises:
            Died: nobody answered.
        """
        headers = {HEADER: die_at} if die_at else {}
        try:
            async with (
                ClientSession() as session,
                session.request(
                    method, self.server.url + path, headers=headers, allow_redirects=False, **options
                ) as answer,
            ):
                await answer.read()
                return answer
        except (ClientError, ConnectionError) as error:
            raise Died from error


@asynccontextmanager
async def town_on(database_url: str, folder: Path, forking: Forking) -> AsyncIterator[Town]:
    """A family with a wallet, a school whose mandataries are Odile and some rivals, and the office's own counter."""
    async with AsyncExitStack() as stack:
        database = Database(database_url)
        stack.push_async_callback(database.close)
        virtual = VirtualPayFip()
        await virtual.start()
        stack.push_async_callback(virtual.stop)
        mailbox = Mailbox(folder / "mail", free_port())
        mailbox.start()
        stack.callback(mailbox.stop)
        made = await _people(database)
        server = Server(
            forking,
            {
                "CVQ_DATABASE_URL": database_url,
                "CVQ_DATA_DIR": str(folder / "data"),
                "CVQ_SESSION_IDLE_MINUTES": "720",
                "CVQ_PAYFIP_CLIENT": "012345",
                "CVQ_PAYFIP_OFFICE": "POM-MAIRIE",
                "CVQ_PAYFIP_URL": virtual.url,
                "CVQ_SMTP_URL": mailbox.url,
                "CVQ_LOGIN_ATTEMPTS": "50",
            },
        )
        await server.live()
        stack.push_async_callback(server.kill)
        odile, benoit = await Person.sign_in(server, "odile"), await Person.sign_in(server, "benoit")
        for person in (odile, benoit):
            stack.push_async_callback(person.session.close)
        town = Town(server, database, virtual, mailbox, odile, benoit, **made)
        town.books = await town.count()
        yield town


async def _people(database: Database) -> dict[str, UUID]:
    async with database.engine.begin() as connection:
        # The tables are those of the newest revision: the server wants to be told.
        await connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        await connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": runner.head()})
    async with database.write() as db:
        await create_services(db)
        town_hall = await make_town_hall(db)
        names = ["benoit", "odile", *(f"rival-{number}" for number in range(RIVALS))]
        benoit, odile, *rivals = [await make_staff(db, Role.SECRETARY, town_hall.id, name) for name in names]
        main = await create_counter(
            db,
            Officer(benoit.id, benoit.display_name),
            means=(Means.CASH, Means.CHEQUE, Means.PAYFIP),
            title=MandateTitle.OFFICER,
            is_main=True,
        )
        place = await create_sub_office(
            db,
            sub_office_id=new_id(),
            office_id=main.office_id,
            code="POM-ECOLE",
            label="École de Pompaire",
            float_cents=5000,
            services=[ServiceCode.POOL, ServiceCode.CANTEEN],
            means=[Means.CASH, Means.CHEQUE],
            now=NOW,
        )
        for somebody in (odile, *rivals):
            await appoint(
                db,
                mandate_id=new_id(),
                staff_id=somebody.id,
                sub_office_id=place.id,
                title=MandateTitle.MANDATARY,
                valid_from=LONG_AGO,
            )
        family = await create_family(db)
        wallet = await create_wallet(db, family.id)
        return {
            "place": place.id,
            "safe": place.safe_account_id,
            "wallet": wallet.id,
            "family": family.id,
            "staff": odile.id,
        }
