"""The line to the library software: logins, checksums, repeats, encodings, bounds, and hostile callers."""

from __future__ import annotations

import asyncio
from typing import Any

import pysip2
import pytest
from pysip2 import RequestACSResend, encode_message
from sqlalchemy import select

from cvq_core.database import Database
from cvq_core.journal.tables import AuditRecord
from cvq_core.library import server
from cvq_core.library.server import BAD_LINES_MAX, STRANGERS_MAX
from cvq_core.library.store import BadLibraryAccess, LibraryAccessTaken, UnknownLibraryAccess, add_access, revoke_access
from cvq_core.services.rules import ServiceCode
from tests.core_examples import NOW
from tests.integration.core.library.ground import LOGIN, Ground, ground_on, number

LOGIN_LINE = b"9300CN%s|CO%s|\r"
ASK = b"2300220260303    103000AOMEDIA|AA%s|AC|AD|\r"


async def test_a_line_says_what_it_can_do(ground: Ground) -> None:
    terminal = await ground.terminal()
    said = await terminal.ask(pysip2.SCStatusRequest(status_code="0", max_print_width="080", protocol_version="2.00"))
    assert (said.online_status, said.checkout_ok, said.offline_ok) == ("Y", "N", "N")
    assert (said.institution_id, said.library_name, said.protocol_version) == ("MEDIA", "Médiathèque", "2.00")
    assert said.date_time_sync == "20260303    103000", "local time"
    ended = await terminal.ask(
        pysip2.EndPatronSessionRequest(
            transaction_date="20260303    103000", institution_id="MEDIA", patron_identifier=ground.card
        )
    )
    assert ended.end_session == "Y"


async def test_nothing_is_said_before_a_right_login(ground: Ground) -> None:
    stranger = await ground.connect()
    assert await stranger.send(ASK % ground.card.encode()) == b""
    guesser = await ground.connect()
    assert await guesser.log_in("wrong") == "0"
    assert await guesser.send(ASK % ground.card.encode()) == b""
    async with ground.database.read() as db:
        refused = await db.scalar(select(AuditRecord).where(AuditRecord.action == "library-login"))
    assert refused is not None
    assert refused.outcome == "refused"
    assert "wrong" not in str(refused.personal)


async def test_guessing_a_password_is_slowed_down(ground: Ground) -> None:
    for _ in range(10):
        terminal = await ground.connect()
        assert await terminal.log_in("guess") == "0"
    late = await ground.connect()
    assert await late.send(LOGIN_LINE % (LOGIN.encode(), ground.secret.encode())) == b""


async def test_a_revoked_access_ends_with_its_next_line(ground: Ground) -> None:
    terminal = await ground.terminal()
    async with ground.database.write() as db:
        await revoke_access(db, LOGIN, now=NOW)
    assert await terminal.send(ASK % ground.card.encode()) == b""
    again = await ground.connect()
    assert await again.log_in(ground.secret) == "0"
    async with ground.database.write() as db:
        with pytest.raises(UnknownLibraryAccess):
            await revoke_access(db, LOGIN, now=NOW)
        with pytest.raises(LibraryAccessTaken):
            await add_access(db, LOGIN, label="Autre", institution="X", now=NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"login": "ab"},
        {"login": "Majuscules"},
        {"institution": "A|B"},
        {"institution": "A\rB"},
        {"encoding": "utf-7"},
        {"service": ServiceCode.POOL},
        {"fee_limit_cents": -1},
        {"label": " "},
    ],
)
async def test_an_access_that_cannot_be_right_is_refused(ground: Ground, wrong: dict[str, Any]) -> None:
    asked: dict[str, Any] = {"login": "autre", "label": "Autre", "institution": "X"} | wrong
    async with ground.database.write() as db:
        with pytest.raises(BadLibraryAccess):
            await add_access(db, asked.pop("login"), now=NOW, **asked)


async def test_a_damaged_line_is_asked_for_again(ground: Ground) -> None:
    terminal = await ground.terminal()
    good = encode_message(
        pysip2.SCStatusRequest(status_code="0", max_print_width="080", protocol_version="2.00"),
        sequence_number=4,
        checksum=True,
        encoding="utf-8",
    )
    assert await terminal.send(good.replace(b"080", b"081")) == b"96AZFEF6\r"
    assert (await terminal.send(good)).startswith(b"98")


async def test_a_line_that_comes_twice_is_answered_twice_and_done_once(ground: Ground) -> None:
    await ground.subscribe()
    terminal = await ground.terminal()
    block = encode_message(
        pysip2.BlockPatronRequest(
            card_retained="N",
            transaction_date="20260303    103000",
            institution_id="MEDIA",
            blocked_card_message="",
            patron_identifier=ground.card,
            terminal_password="",
        ),
        sequence_number=5,
        checksum=True,
        encoding="utf-8",
    )
    first = await terminal.send(block)
    ground.clock[0] = NOW.replace(minute=45)
    assert await terminal.send(block) == first
    assert await terminal.send(encode_message(RequestACSResend(), checksum=True)) == first


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "cp1252", "cp850"])
async def test_names_come_in_the_encoding_of_the_access(database: Database, encoding: str) -> None:
    async with ground_on(database, encoding=encoding) as ground:
        await ground.subscribe()
        terminal = await ground.terminal(encoding=encoding)
        assert (await terminal.status(ground.card)).personal_name == "MOREAU Élise"


async def test_a_line_without_checksum_or_with_line_feeds_or_missing_fields_is_read(ground: Ground) -> None:
    await ground.subscribe()
    terminal = await ground.connect(checked=False)
    assert await terminal.send(b"\n9300CN%s|CO%s\r" % (LOGIN.encode(), ground.secret.encode())) == b"941\r"
    said = await terminal.send(b"\n2300020260303    103000AA%s\r" % ground.card.encode())
    assert b"|BLY|" in said
    assert b"AY" not in said


async def test_hostile_lines_end_their_own_connection_and_no_other(ground: Ground) -> None:
    await ground.subscribe()
    honest = await ground.terminal()
    for raw in (b"A" * 20_000, *(line * (BAD_LINES_MAX + 2) for line in (b"93\r", b"\x00\xff\xfe\r", b"\r"))):
        hostile = await ground.connect()
        hostile.writer.write(raw)
        async with asyncio.timeout(10):
            try:
                while await hostile.reader.read(100):
                    pass
            except ConnectionError:
                pass
    assert (await honest.status(ground.card)).valid_patron == "Y"
    for identifier in ("'; DROP TABLE card; --", "AA|AAx", "\u202e", "%00"):
        assert await honest.send(ASK % identifier.encode()) != b""


async def test_callers_who_never_log_in_are_bounded_and_keep_nobody_out_who_is_in(ground: Ground) -> None:
    honest = await ground.terminal()
    for _ in range(STRANGERS_MAX):
        await ground.connect()
    await honest.status(ground.card)
    one_too_many = await ground.connect()
    assert await one_too_many.send(LOGIN_LINE % (LOGIN.encode(), ground.secret.encode())) == b""
    assert (await honest.status(ground.card)).valid_patron == "N"


async def test_callers_who_send_anything_but_a_login_are_gone_in_time(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "LOGIN_S", 0.2)
    stranger = await ground.connect()
    async with asyncio.timeout(10):
        # A plea to say it again is no login, however regularly it comes.
        while not (stranger.reader.at_eof() or stranger.reader.exception()):
            stranger.writer.write(encode_message(RequestACSResend(), checksum=True))
            await asyncio.sleep(0.05)
    monkeypatch.undo()
    assert await (await ground.connect()).log_in(ground.secret) == "1"


async def test_whoever_tries_number_after_number_is_cut_off(ground: Ground) -> None:
    terminal = await ground.terminal(checked=False)
    answers = [await terminal.send(ASK % number(f"{each:09d}").encode()) for each in range(32)]
    assert answers[29] != b""
    assert answers[31] == b""


async def test_five_terminals_ask_at_once(ground: Ground) -> None:
    await ground.subscribe()
    terminals = [await ground.terminal() for _ in range(5)]
    answers = await asyncio.gather(*(each.status(ground.card) for each in terminals))
    assert {each.valid_patron for each in answers} == {"Y"}
