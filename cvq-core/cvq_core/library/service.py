"""What is answered to each line of the library software."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import Clock, local_day
from cvq_core.database import Database
from cvq_core.errors import N_
from cvq_core.journal.store import Actor, record, record_once
from cvq_core.library.rules import PatronAnswer, judge
from cvq_core.library.sip2 import Ask, Line, Reply, amount, fields, stamp
from cvq_core.library.store import Bearer, access_of, bearer_of, is_open, set_block
from cvq_core.library.tables import LibraryAccess
from cvq_core.text import translator

SUPPORTED = "YNNYYYYYYYNNYNNN"
"""Field BX: patron status, block, SC status, resend, login, patron information, end session, fee paid, enable."""

STATUS_OFFLINE_NO = "YNNNYN"
"""On line; no checkin, checkout nor renewal, which are the library software's; blocks yes; nothing while off line."""

TIMEOUT_TENTHS, RETRIES = "050", "003"
COUNTS = "0000" * 6
"""Loans and holds are the library software's own: none are known here."""

NO_FEES_HERE = N_("La somme se règle au guichet de la régie, qui en donne quittance : rien n’a été encaissé.")
BLOCKED_NOW = N_("Le prêt est suspendu. La carte reste valable partout ailleurs.")
KNOWN_READERS = 10_000

Handler = Callable[[AsyncSession, LibraryAccess, Line, datetime], Awaitable[Reply]]


class AccessEnded(Exception):
    """The access was revoked while its line was open."""


class LibraryService:
    """Answers the lines of those who are logged in; each line is one transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._seen: set[tuple[UUID, UUID, date]] = set()
        self._acts: dict[Ask, Handler] = {Ask.BLOCK_PATRON: _block, Ask.PATRON_ENABLE: _enable, Ask.FEE_PAID: _fee}

    async def log_in(self, login: str, secret: str, address: str) -> LibraryAccess | None:
        """Return the access that a login opens; a wrong one is recorded."""
        async with self._database.read() as db:
            found = await access_of(db, login, secret)
        if found is None:
            async with self._database.write() as db:
                actor = Actor("anonymous", None, "inconnu")
                personal = {"username": login[:80], "address": address}
                record(db, now=self._clock(), actor=actor, action="library-login", outcome="refused", personal=personal)
        return found

    async def answer(self, access: LibraryAccess, line: Line) -> Reply:
        """Return what is answered to a line of a library software that is logged in.

        Raises:
            AccessEnded: it was revoked meanwhile.
        """
        now = self._clock()
        if line.ask in (Ask.STATUS, Ask.END_SESSION):
            async with self._database.read() as db:
                await _check_open(db, access)
            return _status(access, now) if line.ask is Ask.STATUS else _end(access, line, now)
        if line.ask in self._acts:
            async with self._database.write() as db:
                await _check_open(db, access)
                return await self._acts[line.ask](db, access, line, now)
        async with self._database.read() as db:
            await _check_open(db, access)
            bearer = await bearer_of(db, line.get("AA"), access.service_code, now=now)
        if bearer is not None:
            await self._note_look(access, bearer, now)
        answer = _judged(access, line, bearer, now)
        return (
            _patron_status(access, line, answer, now)
            if line.ask is Ask.PATRON_STATUS
            else _patron(access, line, answer, now)
        )

    async def _note_look(self, access: LibraryAccess, bearer: Bearer, now: datetime) -> None:
        """Record that the library looked somebody up: once a day for each, however often the card comes by."""
        seen = (access.id, bearer.person_id, local_day(now))
        if seen in self._seen:
            return
        if len(self._seen) >= KNOWN_READERS:
            self._seen.clear()
        async with self._database.write() as db:
            await record_once(
                db,
                uuid5(bearer.person_id, f"{access.id} {local_day(now)}"),
                now=now,
                actor=_actor(access),
                action="library-looked-up",
                subject=("person", bearer.person_id),
            )
        self._seen.add(seen)


async def _check_open(db: AsyncSession, access: LibraryAccess) -> None:
    if not await is_open(db, access.id):
        raise AccessEnded


def _judged(access: LibraryAccess, line: Line, bearer: Bearer | None, now: datetime) -> PatronAnswer:
    facts = bearer.facts if bearer is not None else None
    return judge(facts, at=now, fee_limit_cents=access.fee_limit_cents, language=_language(line))


def _status(access: LibraryAccess, now: datetime) -> Reply:
    fixed = f"{STATUS_OFFLINE_NO}{TIMEOUT_TENTHS}{RETRIES}{stamp(now)}2.00"
    return Reply("98", fixed, (("AO", access.institution), ("AM", access.label), ("BX", SUPPORTED)))


def _end(access: LibraryAccess, line: Line, now: datetime) -> Reply:
    return Reply("36", f"Y{stamp(now)}", (("AO", access.institution), ("AA", line.get("AA"))))


def _named(access: LibraryAccess, line: Line, answer: PatronAnswer) -> tuple[tuple[str, str], ...]:
    valid = "Y" if answer.valid else "N"
    return (("AO", access.institution), ("AA", line.get("AA")), ("AE", answer.name), ("BL", valid))


def _owed(answer: PatronAnswer) -> tuple[tuple[str, str], ...]:
    return (("BH", "EUR"), ("BV", amount(answer.due_cents))) if answer.due_cents else ()


def _patron_status(access: LibraryAccess, line: Line, answer: PatronAnswer, now: datetime) -> Reply:
    said = (*_named(access, line, answer), *_owed(answer), *fields(("AF", answer.message)))
    return Reply("24", f"{answer.status}{line.fixed[:3]}{stamp(now)}", said)


def _patron(access: LibraryAccess, line: Line, answer: PatronAnswer, now: datetime) -> Reply:
    limit = "" if access.fee_limit_cents is None else amount(access.fee_limit_cents)
    # PA is what SirsiDynix, Koha and Evergreen call the day on which a reader's subscription ends.
    until = f"{answer.until:%Y%m%d}    235959" if answer.until else ""
    more = fields(("CC", limit), ("PA", until), ("AF", answer.message))
    fixed = f"{answer.status}{line.fixed[:3]}{stamp(now)}{COUNTS}"
    return Reply("64", fixed, (*_named(access, line, answer), *_owed(answer), *more))


async def _block(db: AsyncSession, access: LibraryAccess, line: Line, now: datetime) -> Reply:
    """The library lends no more to somebody; a card that it kept is noted, and works elsewhere until it is blocked."""
    bearer = await bearer_of(db, line.get("AA"), access.service_code, now=now)
    if bearer is not None and await set_block(db, access, bearer.person_id, blocked=True, note=line.get("AL"), now=now):
        _journal(db, access, "library-blocked", bearer, now, note=line.get("AL"), card_kept=line.fixed[:1] == "Y")
    bearer = await bearer_of(db, line.get("AA"), access.service_code, now=now)
    answer = _judged(access, Line(line.ask, "002", {}), bearer, now)
    said = (*_named(access, line, answer), *fields(("AF", answer.message)))
    if bearer is not None:
        said = (*said, ("AF", translator("fr").gettext(BLOCKED_NOW)))
    return Reply("24", f"{answer.status}000{stamp(now)}", said)


async def _enable(db: AsyncSession, access: LibraryAccess, line: Line, now: datetime) -> Reply:
    """The library lends again; what stands against the card itself still stands."""
    bearer = await bearer_of(db, line.get("AA"), access.service_code, now=now)
    if bearer is not None and await set_block(db, access, bearer.person_id, blocked=False, note="", now=now):
        _journal(db, access, "library-unblocked", bearer, now)
        bearer = await bearer_of(db, line.get("AA"), access.service_code, now=now)
    answer = _judged(access, Line(line.ask, "002", {}), bearer, now)
    said = (*_named(access, line, answer), *fields(("AF", answer.message)))
    return Reply("26", f"{answer.status}000{stamp(now)}", said)


async def _fee(db: AsyncSession, access: LibraryAccess, line: Line, now: datetime) -> Reply:
    """Public money is taken by a mandatary at an open drawer, who gives a receipt: no software does it by itself."""
    words = translator("fr").gettext(NO_FEES_HERE)
    named = (("AO", access.institution), ("AA", line.get("AA")), *fields(("BK", line.get("BK"))))
    return Reply("38", f"N{stamp(now)}", (*named, ("AF", words)))


def _journal(
    db: AsyncSession, access: LibraryAccess, action: str, bearer: Bearer, now: datetime, **personal: object
) -> None:
    record(
        db,
        now=now,
        actor=_actor(access),
        action=action,
        subject=("person", bearer.person_id),
        personal=personal or None,
    )


def _actor(access: LibraryAccess) -> Actor:
    return Actor("reader", access.id, access.label)


def _language(line: Line) -> str:
    """Return the language that a terminal asks for: 001 is English, everything else French."""
    return "en" if line.fixed[:3] == "001" else "fr"
