"""What an audit file holds, and how it is written and read: a ZIP of CSV and JSON that people can open too.

Nothing here needs the database: `cvq verify` reads a file on a machine that has nothing but this.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from typing import Any

FORMAT = "cvq-audit-1"
SUMMARY, SEAL, READ_ME = "sommaire.json", "sceau.json", "LISEZMOI.txt"
ACCOUNTS, POSTINGS, RECEIPTS, PRINTED = "comptes.csv", "ecritures.csv", "quittances.csv", "quittances.jsonl"
MEMBERS = (READ_ME, ACCOUNTS, POSTINGS, RECEIPTS, PRINTED)
MEMBER_BYTES_MAX = 512 * 1024**2
UNREADABLE = (zipfile.BadZipFile, NotImplementedError, ValueError, LookupError, TypeError, RecursionError, EOFError)
FIRST_DAY_OF_ZIP = (1980, 1, 1, 0, 0, 0)


class NotAnAuditFile(Exception):
    """It cannot be read as an audit file; the message says why, in French."""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account that the period touches. `held` are the office's own, which have a balance before and after.

    Plus is credit, minus is debit, as in the ledger: cash in hand is a minus.
    """

    account_id: str
    code: str
    kind: str
    label: str
    held: bool
    opening_cents: int
    movements_cents: int
    closing_cents: int


@dataclass(frozen=True, slots=True)
class PostingRow:
    """One leg of one transaction, with the transaction's own facts."""

    transaction_id: str
    recorded_at: str
    kind: str
    label: str
    reverses_id: str
    position: int
    account_id: str
    amount_cents: int


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """One numbered receipt; `printed_sha256` is the digest of its line in the file of what was printed."""

    receipt_id: str
    series: str
    number: int
    issued_at: str
    place: str
    drawer_id: str
    collected_by: str
    means: str
    total_cents: int
    voids_id: str
    transaction_id: str
    printed_sha256: str


@dataclass(frozen=True, slots=True)
class Contents:
    """A period of an office. `printed` holds a JSON text for each receipt, in the receipts' order."""

    summary: dict[str, Any]
    accounts: tuple[AccountRow, ...]
    postings: tuple[PostingRow, ...]
    receipts: tuple[ReceiptRow, ...]
    printed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seal:
    """The signature of the summary, which holds the digest of everything else."""

    summary_sha256: str
    public_key: str
    signature: str


@dataclass(frozen=True, slots=True)
class AuditFile:
    """A file as it was read: its contents, its seal, and the members' bytes that the summary's digests are of."""

    contents: Contents
    seal: Seal
    summary: bytes
    members: dict[str, bytes]


def printed_text(printed: dict[str, Any]) -> str:
    """Return what was printed on a receipt as one line of JSON, always the same for the same words."""
    return json.dumps(printed, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(content: bytes) -> str:
    """Return the SHA-256 of some bytes in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def members_of(
    accounts: Iterable[AccountRow],
    postings: Iterable[PostingRow],
    receipts: Iterable[ReceiptRow],
    printed: Iterable[str],
    read_me: str,
) -> dict[str, bytes]:
    """Return the bytes of every member but the summary and the seal."""
    return {
        READ_ME: read_me.encode(),
        ACCOUNTS: _csv(AccountRow, accounts),
        POSTINGS: _csv(PostingRow, postings),
        RECEIPTS: _csv(ReceiptRow, receipts),
        PRINTED: "".join(f"{line}\n" for line in printed).encode(),
    }


def summary_bytes(summary: dict[str, Any]) -> bytes:
    """Return the summary as it is written and signed."""
    return (json.dumps(summary, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def pack(members: dict[str, bytes], summary: bytes, seal: Seal) -> bytes:
    """Return the file: the same contents are the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {
            **members,
            SUMMARY: summary,
            SEAL: (json.dumps(asdict(seal), indent=2) + "\n").encode(),
        }.items():
            archive.writestr(zipfile.ZipInfo(name, FIRST_DAY_OF_ZIP), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def unpack(content: bytes) -> AuditFile:
    """Read a file that may come from anybody.

    Raises:
        NotAnAuditFile: it is no such file, is of another format, or is too large.
    """
    try:
        members = _members(content)
        summary = json.loads(members[SUMMARY])
        if not isinstance(summary, dict) or summary.get("format") != FORMAT:
            raise NotAnAuditFile("ce fichier n’est pas de ce format, ou d’une version plus récente du logiciel")
        seal = Seal(**json.loads(members[SEAL]))
        contents = Contents(
            summary,
            tuple(_rows(AccountRow, members[ACCOUNTS])),
            tuple(_rows(PostingRow, members[POSTINGS])),
            tuple(_rows(ReceiptRow, members[RECEIPTS])),
            tuple(members[PRINTED].decode().splitlines()),
        )
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        ValueError,
        KeyError,
        TypeError,
        RecursionError,
        EOFError,
    ) as error:
        raise NotAnAuditFile(f"ce fichier ne se lit pas : {type(error).__name__}") from None
    written = {name: members[name] for name in MEMBERS}
    return AuditFile(contents, seal, members[SUMMARY], written)


def _members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        infos = archive.infolist()
        names = [info.filename for info in infos]
        if sorted(names) != sorted((*MEMBERS, SUMMARY, SEAL)):
            raise NotAnAuditFile("il n’a pas les parties d’un fichier scellé, ou il en a d’autres")
        members = {}
        for info in infos:
            with archive.open(info) as member:
                # The size that a ZIP announces may be a lie.
                members[info.filename] = member.read(MEMBER_BYTES_MAX + 1)
            if len(members[info.filename]) > MEMBER_BYTES_MAX:
                raise NotAnAuditFile("une de ses parties est trop grande")
        return members


def _csv(kind: type[Any], rows: Iterable[Any]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow([field.name for field in fields(kind)])
    writer.writerows([_cell(value) for value in astuple(row)] for row in rows)
    # A byte order mark: the spreadsheets of town halls take a file without one for another alphabet.
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _cell(value: object) -> str:
    """Return a value as text. A spreadsheet would run a text that begins like a formula."""
    if isinstance(value, bool):
        return "1" if value else "0"
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(("=", "+", "-", "@", "'", "\t")) else text


def _rows(kind: type[Any], content: bytes) -> list[Any]:
    reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";")
    columns = fields(kind)
    if next(reader) != [column.name for column in columns]:
        raise NotAnAuditFile("une de ses tables n’a pas les colonnes attendues")
    rows = []
    for cells in filter(None, reader):
        if len(cells) != len(columns):
            raise NotAnAuditFile("une de ses lignes n’a pas le bon nombre de colonnes")
        rows.append(kind(*(_value(column.type, cell) for column, cell in zip(columns, cells, strict=True))))
    return rows


def _value(kind: object, cell: str) -> object:
    match kind:
        case "int":
            return int(cell)
        case "bool":
            return cell == "1"
    return cell.removeprefix("'")


def series_numbers(receipts: Sequence[ReceiptRow]) -> dict[str, list[int]]:
    """Return the numbers of each series in the order in which they stand."""
    numbers: dict[str, list[int]] = {}
    for receipt in receipts:
        numbers.setdefault(receipt.series, []).append(receipt.number)
    return numbers
