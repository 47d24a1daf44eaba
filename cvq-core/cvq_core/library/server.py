"""The SIP2 server: who is connected, line after line, within bounds of size, time and number."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from cvq_core.clock import Clock
from cvq_core.database import Database
from cvq_core.library.service import AccessEnded, LibraryService
from cvq_core.library.sip2 import LINE_BYTES_MAX, RESEND_PLEASE, Ask, BadLine, Line, Reply, read_line, write_line
from cvq_core.library.tables import LibraryAccess

log = structlog.get_logger(__name__)

LOGIN_S = 30.0
IDLE_S = 900.0
SEND_S = 10.0
CONNECTIONS_MAX = 32
STRANGERS_MAX = 8
BAD_LINES_MAX = 10
LINES_A_MINUTE = RateLimitItemPerMinute(600)
UNNAMED_A_MINUTE = RateLimitItemPerMinute(30)
LOGINS_A_MINUTE = RateLimitItemPerMinute(10)


class HungUp(Exception):
    """This connection ends; the words are for the log."""


class LibraryServer:
    """Listens for library software; `start` returns the port."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._service = LibraryService(database, clock)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()
        self._strangers: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen; port 0 takes a free one."""
        # Each process of a server listens on the one port, and the kernel shares the callers out.
        self._server = await asyncio.start_server(
            self._meet, host, port, limit=LINE_BYTES_MAX, ssl=tls, reuse_port=True
        )
        found: int = self._server.sockets[0].getsockname()[1]
        log.info("library_listening", host=host, port=found, tls=tls is not None)
        return found

    async def stop(self) -> None:
        """Listen no more, and hang up."""
        if self._server is None:
            return
        self._server.close()
        talks = list(self._talks)
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await self._server.wait_closed()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "a connection is a task"
        address = str((writer.get_extra_info("peername") or ("",))[0])
        try:
            # Whoever is logged in is never kept out by strangers who only hold a line.
            if len(self._talks) >= CONNECTIONS_MAX or len(self._strangers) >= STRANGERS_MAX:
                raise HungUp("too many connections")
            self._talks.add(task)
            self._strangers.add(task)
            talk = _Talk(self._service, self._limiter, reader, writer, address)
            access = await talk.log_in()
            self._strangers.discard(task)
            await talk.serve(access)
        except HungUp as reason:
            log.warning("library_hung_up", address=address, reason=str(reason))
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            log.info("library_gone", address=address)
        except asyncio.CancelledError:
            # Only `stop` cancels, and awaits nothing more; passed on, Python 3.11's streams report it as a failure.
            log.info("library_stopped", address=address)
        except Exception:
            log.exception("library_talk", address=address)
        finally:
            self._talks.discard(task)
            self._strangers.discard(task)
            writer.close()


class _Talk:
    """One connection: its login, then one line after the other, each answered before the next is read."""

    def __init__(
        self,
        service: LibraryService,
        limiter: MovingWindowRateLimiter,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        address: str,
    ) -> None:
        self._service, self._limiter = service, limiter
        self._reader, self._writer = reader, writer
        self._address = address
        self._encoding = "utf-8"
        self._asked, self._answered = b"", b""
        self._bad = 0

    async def log_in(self) -> LibraryAccess:
        """Return who this is, within `LOGIN_S` in all: what is no login holds the place no longer.

        Raises:
            HungUp: not a login, or a wrong one.
            TimeoutError, IncompleteReadError: none came.
        """
        async with asyncio.timeout(LOGIN_S):
            return await self._log_in()

    async def _log_in(self) -> LibraryAccess:
        if not await self._limiter.hit(LOGINS_A_MINUTE, "login", self._address):
            raise HungUp("too many logins")
        line = await self._next()
        if line.ask is not Ask.LOGIN:
            raise HungUp("no login")
        plain = line.fixed == "00"  # a password is enciphered by TLS or not at all
        access = await self._service.log_in(line.get("CN"), line.get("CO"), self._address) if plain else None
        if access is not None:
            self._encoding = access.encoding
        await self._send(Reply("94", "1" if access else "0"), line)
        if access is None:
            raise HungUp("wrong login")
        return access

    async def serve(self, access: LibraryAccess) -> None:
        """Answer until the other side goes, or may ask no more.

        Raises:
            HungUp
        """
        while True:
            async with asyncio.timeout(IDLE_S):
                line = await self._next()
            if line.ask is Ask.LOGIN:
                raise HungUp("logged in already")
            if not await self._limiter.hit(LINES_A_MINUTE, "lines", str(access.id)):
                raise HungUp("too many lines")
            try:
                reply = await self._service.answer(access, line)
            except AccessEnded:
                raise HungUp("access revoked") from None
            await self._send(reply, line)
            names_nobody = ("AE", "") in reply.fields
            if names_nobody and not await self._limiter.hit(UNNAMED_A_MINUTE, "unnamed", str(access.id)):
                raise HungUp("numbers are being tried")

    async def _next(self) -> Line:
        """Return the next line that is a new one; a damaged one is asked for again, a repeated one answered again.

        Raises:
            HungUp: too long, or too many one after the other that are empty or cannot be read.
            IncompleteReadError: nothing more came.
        """
        while True:
            try:
                raw = (await self._reader.readuntil(b"\r"))[:-1].lstrip(b"\n")
            except asyncio.LimitOverrunError:
                raise HungUp("line too long") from None
            if not raw:
                self._note_bad("empty")
                continue
            try:
                line = read_line(raw, self._encoding)
            except BadLine as why:
                self._note_bad(str(why))
                await self._write(write_line(Reply(RESEND_PLEASE), self._encoding, checked=True))
                continue
            repeated = line.ask is Ask.RESEND or (line.sequence != "" and raw == self._asked)
            if repeated and self._answered:
                await self._write(self._answered)
                continue
            if line.ask is not Ask.RESEND:
                self._asked, self._bad = raw, 0
                return line

    def _note_bad(self, why: str) -> None:
        self._bad += 1
        if self._bad > BAD_LINES_MAX:
            raise HungUp(f"too many bad lines: {why}")

    async def _send(self, reply: Reply, line: Line) -> None:
        self._answered = write_line(reply, self._encoding, sequence=line.sequence, checked=line.checked)
        await self._write(self._answered)

    async def _write(self, raw: bytes) -> None:
        self._writer.write(raw)
        async with asyncio.timeout(SEND_S):
            await self._writer.drain()


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return what a server needs to speak TLS 1.2 or later.

    Raises:
        OSError, ssl.SSLError: the files cannot be read, or do not belong together.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context
