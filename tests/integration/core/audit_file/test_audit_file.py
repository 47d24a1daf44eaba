"""A sealed period proves itself without the database, and whatever is changed in it shows."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import zipfile
from asyncio.subprocess import PIPE
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cvq_core.acts.rules import UnknownOffice
from cvq_core.audit_file.check import Finding, check, trail
from cvq_core.audit_file.contents import (
    MEMBERS,
    SUMMARY,
    AuditFile,
    Contents,
    NotAnAuditFile,
    digest,
    members_of,
    pack,
    summary_bytes,
    unpack,
)
from cvq_core.audit_file.seals import fingerprint, load_seal_key, seal
from cvq_core.audit_file.store import PeriodNotOver, Sealed, seal_period
from cvq_core.clock import local_day
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.offices.drawers import close_drawer, open_drawer
from cvq_core.offices.rules import Means
from cvq_core.offices.service import collect, void
from cvq_core.offices.tables import Receipt
from tests.core_examples import (
    NOW,
    TODAY,
    create_counter,
    create_family,
    create_officer,
    create_services,
    create_wallet,
    top_up,
)

KEY = Ed25519PrivateKey.generate()


@dataclass
class Ground:
    """A counter of the office POM, with a day of payments: 30 euros in cash, a cheque of 12, and 5 voided."""

    database: Database
    receipts: list[Receipt]

    async def seal(self, first: date = TODAY, last: date = TODAY, *, at: datetime | None = None) -> Sealed:
        async with self.database.write() as db:
            return await seal_period(db, "POM", first, last, key=KEY, now=at or NOW + timedelta(days=1))


@pytest.fixture
async def ground(database: Database) -> Ground:
    receipts = []
    async with database.write() as db:
        await create_services(db)
        family = await create_family(db)
        wallet = await create_wallet(db, family.id)
        officer = await create_officer(db)
        place = await create_counter(db, officer)
        drawer_id = new_id()
        await open_drawer(db, drawer_id, sub_office_id=place.id, officer=officer, float_cents=2000, now=NOW)
        for minutes, (cents, means) in enumerate([(3000, Means.CASH), (1200, Means.CHEQUE), (500, Means.CASH)]):
            receipts.append(
                await collect(
                    db,
                    key=new_id(),
                    drawer_id=drawer_id,
                    payables=[top_up(wallet.id, cents)],
                    means=means,
                    tendered_cents=cents,
                    officer=officer,
                    now=NOW + timedelta(minutes=minutes),
                )
            )
        later = NOW + timedelta(minutes=9)
        receipts.append(
            await void(db, key=new_id(), receipt_id=receipts[-1].id, reason="erreur", officer=officer, now=later)
        )
        await close_drawer(db, drawer_id, counted={2000: 2, 1000: 1}, officer=officer, now=later)
    return Ground(database, receipts)


def troubles(findings: list[Finding]) -> list[str]:
    return [finding.what for finding in findings if finding.troubles]


def again(file: AuditFile, *, key: Ed25519PrivateKey = KEY, **changes: Any) -> AuditFile:
    """Return the file as somebody would make it who changes its contents, its digests and its seal."""
    contents: Contents = replace(file.contents, **changes)
    members = members_of(contents.accounts, contents.postings, contents.receipts, contents.printed, "")
    summary = {**contents.summary, "parties": {name: digest(content) for name, content in members.items()}}
    written = summary_bytes(summary)
    return unpack(pack(members, written, seal(written, key)))


async def test_a_day_at_a_counter_is_sealed_and_every_total_holds(ground: Ground) -> None:
    sealed = await ground.seal()
    file = unpack(sealed.content)
    assert troubles(check(file, key=sealed.fingerprint)) == []
    summary = file.contents.summary
    assert summary["totaux"] == {"cash": 3000, "cheque": 1200}
    assert summary["nombres"] == {"quittances": 4, "ecritures": 7}
    assert summary["series"] == {"POM": {"avant": 0, "dernier": 4}}
    drawer = next(account for account in file.contents.accounts if account.kind == "drawer")
    assert (drawer.opening_cents, drawer.closing_cents) == (0, 0)


async def test_the_same_period_gives_the_same_parts_and_another_file_names_the_one_before_it(ground: Ground) -> None:
    first, second = await ground.seal(), await ground.seal()
    one, two = unpack(first.content), unpack(second.content)
    assert one.members == two.members
    assert two.contents.summary["fichier_precedent"] == first.sha256
    assert [each.contents.summary["fichier"] for each in (one, two)] == [1, 2]


async def test_from_the_total_one_comes_to_a_receipt_and_its_postings(ground: Ground) -> None:
    contents = unpack((await ground.seal()).content).contents
    lines = trail(contents, "pom-000002")
    assert lines is not None
    assert lines[0].endswith(": 42,00 €")
    assert any("POM-000002" in line and line.endswith("12,00 €") for line in lines)
    assert sum("12,00 €" in line for line in lines[5:]) == 2
    assert trail(contents, "POM-000099") is None


async def test_days_without_a_payment_carry_what_was_there_before(ground: Ground) -> None:
    tomorrow = TODAY + timedelta(days=1)
    sealed = await ground.seal(tomorrow, tomorrow, at=NOW + timedelta(days=2))
    file = unpack(sealed.content)
    assert troubles(check(file)) == []
    cheques = next(account for account in file.contents.accounts if account.kind == "cheques")
    assert (cheques.opening_cents, cheques.movements_cents, cheques.closing_cents) == (-1200, 0, -1200)
    assert file.contents.summary["series"] == {"POM": {"avant": 4, "dernier": 4}}


@pytest.mark.parametrize(("first", "last"), [(1, 0), (0, 1), (0, 365)])
async def test_a_period_that_is_not_over_or_ends_before_it_begins_is_refused(
    ground: Ground, first: int, last: int
) -> None:
    with pytest.raises(PeriodNotOver):
        await ground.seal(TODAY + timedelta(days=first), TODAY + timedelta(days=last))


async def test_an_unknown_office_is_refused(database: Database) -> None:
    with pytest.raises(UnknownOffice):
        await Ground(database, []).seal()


def _postings(change: Callable[[Any], Any]) -> Callable[[Contents], dict[str, Any]]:
    return lambda contents: {"postings": (change(contents.postings[0]), *contents.postings[1:])}


def _receipts(change: Callable[[Any], Any]) -> Callable[[Contents], dict[str, Any]]:
    return lambda contents: {"receipts": (change(contents.receipts[0]), *contents.receipts[1:])}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (_postings(lambda leg: replace(leg, amount_cents=leg.amount_cents + 1)), "équilibrée"),
        (_postings(lambda leg: replace(leg, recorded_at="2020-01-01T00:00:00+00:00")), "équilibrée"),
        (lambda contents: {"postings": contents.postings[2:]}, "solde"),
        (lambda contents: {"accounts": contents.accounts[1:]}, "solde"),
        (lambda contents: {"receipts": contents.receipts[1:], "printed": contents.printed[1:]}, "sans trou"),
        (lambda contents: {"receipts": contents.receipts[:-1], "printed": contents.printed[:-1]}, "sans trou"),
        (_receipts(lambda receipt: replace(receipt, total_cents=1)), "son écriture"),
        (_receipts(lambda receipt: replace(receipt, printed_sha256="0" * 64)), "son écriture"),
        (_receipts(lambda receipt: replace(receipt, means="card")), "totaux"),
        (lambda contents: {"printed": ("{}", *contents.printed[1:])}, "son écriture"),
        (lambda contents: {"summary": {**contents.summary, "totaux": {"cash": 1}}}, "totaux"),
    ],
)
async def test_a_file_made_anew_with_something_changed_no_longer_adds_up(
    ground: Ground, change: Callable[[Contents], dict[str, Any]], word: str
) -> None:
    file = unpack((await ground.seal()).content)
    changed = again(file, **change(file.contents))
    assert any(word in what for what in troubles(check(changed)))


async def test_who_makes_a_file_anew_has_another_key(ground: Ground) -> None:
    sealed = await ground.seal()
    forged = again(unpack(sealed.content), key=Ed25519PrivateKey.generate())
    assert troubles(check(forged)) == []
    assert "sceau" in troubles(check(forged, key=sealed.fingerprint))[0]


@pytest.mark.parametrize("name", [*MEMBERS, SUMMARY])
async def test_a_part_that_is_changed_shows(ground: Ground, name: str) -> None:
    sealed = await ground.seal()
    changed = BytesIO()
    with zipfile.ZipFile(BytesIO(sealed.content)) as before, zipfile.ZipFile(changed, "w") as after:
        for info in before.infolist():
            content = before.read(info)
            after.writestr(info, content + (b"\n" if info.filename == name else b""))
    assert troubles(check(unpack(changed.getvalue()))) != []


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", b"not a zip at all", json.dumps({}).encode()],
    ids=["empty", "begins like one", "text", "json"],
)
def test_what_is_no_audit_file_is_told_in_words(content: bytes) -> None:
    with pytest.raises(NotAnAuditFile):
        unpack(content)


def test_a_zip_of_other_things_is_none() -> None:
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("../../etc/passwd", "root")
    with pytest.raises(NotAnAuditFile, match="parties"):
        unpack(content.getvalue())


async def test_a_text_that_a_spreadsheet_would_run_is_kept_as_text(ground: Ground) -> None:
    file = unpack((await ground.seal()).content)
    formula = '=HYPERLINK("http://evil.example")'
    changed = again(file, postings=(replace(file.contents.postings[0], label=formula), *file.contents.postings[1:]))
    assert changed.contents.postings[0].label == formula
    assert f";'{formula[:5]}".encode() in changed.members["ecritures.csv"].replace(b'"', b"")


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "seal.key"
    first, second = load_seal_key(file), load_seal_key(file)
    assert first.private_bytes_raw() == second.private_bytes_raw()
    assert file.stat().st_mode & 0o777 == 0o600


async def test_both_commands_seal_and_verify_a_period(ground: Ground, database_url: str, tmp_path: Path) -> None:
    day = local_day(NOW).isoformat()
    sealed = await cvq(database_url, tmp_path, "seal", "POM", "--from", day, "--to", day, "--folder", str(tmp_path))
    assert sealed[0] == 0, sealed
    file = Path(sealed[1].splitlines()[0])
    key = fingerprint((await asyncio.to_thread(read, file)).seal.public_key)
    assert key in sealed[1]
    code, said, _ = await cvq("", tmp_path, "verify", str(file), "--key", key, "--receipt", "POM-000001")
    assert code == 0
    assert "FAUX" not in said
    assert "quittance POM-000001" in said
    code, said, _ = await cvq("", tmp_path, "verify", str(file), "--key", "0" * 32)
    assert code == 1
    assert "FAUX" in said


def read(file: Path) -> AuditFile:
    return unpack(file.read_bytes())


async def cvq(database_url: str, tmp_path: Path, *arguments: str) -> tuple[int | None, str, str]:
    environment = {**os.environ, "CVQ_DATA_DIR": str(tmp_path)} | (
        {"CVQ_DATABASE_URL": database_url} if database_url else {}
    )
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("cvq"), *arguments, env=environment, stdout=PIPE, stderr=PIPE
    )
    said, erred = await process.communicate()
    return process.returncode, said.decode(), erred.decode()
