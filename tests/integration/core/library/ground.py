"""A reader with a card, a library software that may ask, and its end of the line as another's codec speaks it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pysip2
from pysip2 import SIPMessage, decode_message, encode_message

from cvq_core.access.facts import RightKind
from cvq_core.access.tables import Entitlement
from cvq_core.cards.rules import check_digit
from cvq_core.cards.store import add_card
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.library.server import LibraryServer
from cvq_core.library.store import add_access
from cvq_core.people.rules import FamilyRole
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import add_service
from tests.core_examples import LONG_AGO, NOW, create_family, create_member

DATE = "20260303    103000"
LOGIN = "decalog"


def number(nine: str) -> str:
    """A card number that begins so."""
    return nine + check_digit(nine)


@dataclass(slots=True)
class Terminal:
    """The library software's end of the line."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    encoding: str = "utf-8"
    checked: bool = True
    sequence: int = 0
    raw: bytes = b""

    async def send(self, raw: bytes) -> bytes:
        """Send bytes as they are, and return the line that comes back; b"" when the other side hangs up."""
        self.writer.write(raw)
        await self.writer.drain()
        try:
            async with asyncio.timeout(10):
                self.raw = await self.reader.readuntil(b"\r")
        except (asyncio.IncompleteReadError, ConnectionError):
            self.raw = b""
        return self.raw

    async def ask(self, message: SIPMessage) -> Any:
        """Send a message and return what comes back, its checksum and sequence checked."""
        self.sequence = (self.sequence + 1) % 10
        line = encode_message(
            message,
            sequence_number=self.sequence if self.checked else None,
            checksum=self.checked,
            encoding=self.encoding,
        )
        decoded = decode_message(await self.send(line), encoding=self.encoding)
        assert decoded.sequence_number == (self.sequence if self.checked else None)
        return decoded.message

    async def log_in(self, secret: str, login: str = LOGIN) -> str:
        answer = await self.ask(
            pysip2.LoginRequest(uid_algorithm="0", pwd_algorithm="0", login_user_id=login, login_password=secret)
        )
        return str(answer.ok)

    async def status(self, identifier: str, language: str = "002") -> pysip2.PatronStatusResponse:
        answer = await self.ask(
            pysip2.PatronStatusRequest(
                language=language,
                transaction_date=DATE,
                institution_id="MEDIA",
                patron_identifier=identifier,
                terminal_password="",
                patron_password="",
            )
        )
        assert isinstance(answer, pysip2.PatronStatusResponse)
        return answer

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


@dataclass(slots=True)
class Ground:
    """Moreau, who reads; the server with a clock that tests set; and the secret of its one library software."""

    database: Database
    server: LibraryServer
    port: int
    secret: str
    person_id: UUID
    account_id: UUID
    card_id: UUID
    card: str
    clock: list[datetime] = field(default_factory=lambda: [NOW])
    terminals: list[Terminal] = field(default_factory=list)

    async def connect(self, **options: Any) -> Terminal:
        """A line that is open, and not logged in."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        terminal = Terminal(reader, writer, **options)
        self.terminals.append(terminal)
        return terminal

    async def terminal(self, **options: Any) -> Terminal:
        """A line that is logged in."""
        terminal = await self.connect(**options)
        assert await terminal.log_in(self.secret) == "1"
        return terminal

    async def subscribe(self, until: date | None = date(2027, 1, 1), **values: Any) -> None:
        ends = None if until is None else datetime(until.year, until.month, until.day, tzinfo=UTC) - timedelta(hours=1)
        row = {
            "id": new_id(),
            "kind": RightKind.SUBSCRIPTION,
            "service_code": ServiceCode.LIBRARY,
            "person_id": self.person_id,
            "valid_from": NOW - timedelta(days=300),
            "valid_until": ends,
        }
        async with self.database.write() as db:
            db.add(Entitlement(**(row | values)))


@asynccontextmanager
async def ground_on(database: Database, *, encoding: str = "utf-8", **access: Any) -> AsyncIterator[Ground]:
    async with database.write() as db:
        await add_service(
            db,
            ServiceCode.LIBRARY,
            service_id=new_id(),
            policy=FundingPolicy.SERVE_AND_OWE,
            valid_from=LONG_AGO,
        )
        await add_service(
            db, ServiceCode.POOL, service_id=new_id(), policy=FundingPolicy.SERVE_AND_OWE, valid_from=LONG_AGO
        )
        account = await create_family(db)
        person = await create_member(db, account.id, "Élise", FamilyRole.GUARDIAN)
        card = await add_card(
            db,
            card_id=new_id(),
            person_id=person.id,
            number=number("482130577"),
            uid="04A1B2C3D4E5F6",
            valid_from=LONG_AGO,
            valid_until=date(2030, 1, 1),
            now=NOW,
        )
        secret = await add_access(
            db, LOGIN, label="Médiathèque", institution="MEDIA", encoding=encoding, now=NOW, **access
        )
    clock = [NOW]
    server = LibraryServer(database, lambda: clock[0])
    port = await server.start("127.0.0.1", 0)
    ground = Ground(database, server, port, secret, person.id, account.id, card.id, card.number, clock)
    try:
        yield ground
    finally:
        for terminal in ground.terminals:
            terminal.writer.close()
        await server.stop()
