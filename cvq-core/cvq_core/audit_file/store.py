"""Reading a cash office's period from the database, and the register of the files that were sealed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.acts.rules import UnknownOffice
from cvq_core.audit_file.contents import (
    FORMAT,
    AccountRow,
    PostingRow,
    ReceiptRow,
    digest,
    members_of,
    pack,
    printed_text,
    summary_bytes,
)
from cvq_core.audit_file.seals import fingerprint, seal
from cvq_core.audit_file.tables import SealedFile
from cvq_core.clock import PARIS, local_day
from cvq_core.errors import N_, BadInput
from cvq_core.ids import new_id
from cvq_core.ledger.tables import LedgerAccount, LedgerTransaction, Posting
from cvq_core.offices.accounts import own_codes
from cvq_core.offices.tables import CashOffice, Drawer, Receipt, ReceiptSeries, SubOffice


class PeriodNotOver(BadInput):
    """It ends before it begins, or is not over."""

    slug = "period-not-over"
    message = N_("Cette période n’est pas possible : elle doit être finie, et son premier jour avant son dernier.")
    what_to_do = N_("On scelle une période quand son dernier jour est passé.")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed period: the file, its digest, and the key's fingerprint to compare it with."""

    content: bytes
    sha256: str
    fingerprint: str
    file_name: str


async def seal_period(
    db: AsyncSession, office_code: str, first: date, last: date, *, key: Ed25519PrivateKey, now: datetime
) -> Sealed:
    """Write a period of an office, both days included, into one sealed file, and note it in the register.

    Raises:
        UnknownOffice: no office has this code.
        PeriodNotOver: it ends before it begins, or today or later.
    """
    office = await db.scalar(select(CashOffice).where(CashOffice.code == office_code))
    if office is None:
        raise UnknownOffice
    if first > last or last >= local_day(now):
        raise PeriodNotOver
    begin, end = _midnight(first), _midnight(last + timedelta(days=1))
    places = {place.id: place for place in await db.scalars(select(SubOffice).where(SubOffice.office_id == office.id))}
    held = await _held_accounts(db, office, list(places.values()))
    postings = await _postings(db, held, begin, end)
    accounts = await _accounts(db, held, postings, begin)
    receipts, printed = await _receipts(db, places, begin, end)
    # One after the other: each file names the one before it, so that none can be exchanged for another.
    previous = await db.scalar(
        select(SealedFile)
        .where(SealedFile.office_id == office.id)
        .order_by(SealedFile.number.desc())
        .limit(1)
        .with_for_update()
    )
    number = previous.number + 1 if previous else 1
    members = members_of(accounts, postings, receipts, printed, _read_me(office, first, last))
    summary: dict[str, Any] = {
        "format": FORMAT,
        "regie": {"code": office.code, "nom": office.label, "acte": office.founding_act},
        "periode": {
            "du": first.isoformat(),
            "au": last.isoformat(),
            "du_instant": begin.isoformat(),
            "au_instant": end.isoformat(),
        },
        "fait_le": now.isoformat(),
        "fichier": number,
        "fichier_precedent": previous.sha256 if previous else None,
        "nombres": {
            "quittances": len(receipts),
            "ecritures": len({posting.transaction_id for posting in postings}),
        },
        "totaux": _totals(receipts),
        "series": await _series(db, office.id, begin, end),
        "parties": {name: digest(content) for name, content in members.items()},
    }
    written = summary_bytes(summary)
    made = seal(written, key)
    content = pack(members, written, made)
    sealed = Sealed(
        content, digest(content), fingerprint(made.public_key), f"{office.code}-{first:%Y%m%d}-{last:%Y%m%d}.cvq.zip"
    )
    db.add(
        SealedFile(
            id=new_id(),
            office_id=office.id,
            number=number,
            first_day=first,
            last_day=last,
            sealed_at=now,
            sha256=sealed.sha256,
        )
    )
    await db.flush()
    return sealed


async def _held_accounts(db: AsyncSession, office: CashOffice, places: list[SubOffice]) -> dict[UUID, LedgerAccount]:
    """Return the accounts that are the office's own: each place's by its code, and every drawer's."""
    codes = own_codes([office.code, *(place.code for place in places)])
    drawers = select(Drawer.id).where(Drawer.sub_office_id.in_([place.id for place in places]))
    columns = (place.safe_account_id for place in places)
    rows = await db.scalars(
        select(LedgerAccount).where(
            or_(LedgerAccount.code.in_(codes), LedgerAccount.id.in_(drawers), LedgerAccount.id.in_(columns))
        )
    )
    return {account.id: account for account in rows}


async def _postings(
    db: AsyncSession, held: dict[UUID, LedgerAccount], begin: datetime, end: datetime
) -> list[PostingRow]:
    """Return every leg of every transaction of the period that touches an account of the office."""
    touching = select(Posting.transaction_id).where(Posting.account_id.in_(held))
    rows = await db.execute(
        select(
            LedgerTransaction.id,
            LedgerTransaction.recorded_at,
            LedgerTransaction.kind,
            LedgerTransaction.label,
            LedgerTransaction.reverses_id,
            Posting.position,
            Posting.account_id,
            Posting.amount_cents,
        )
        .join(Posting, Posting.transaction_id == LedgerTransaction.id)
        .where(
            LedgerTransaction.id.in_(touching),
            LedgerTransaction.recorded_at >= begin,
            LedgerTransaction.recorded_at < end,
        )
        .order_by(LedgerTransaction.recorded_at, LedgerTransaction.id, Posting.position)
    )
    return [
        PostingRow(
            transaction_id=str(row.id),
            recorded_at=row.recorded_at.isoformat(),
            kind=row.kind.value,
            label=row.label,
            reverses_id=str(row.reverses_id or ""),
            position=row.position,
            account_id=str(row.account_id),
            amount_cents=row.amount_cents,
        )
        for row in rows
    ]


async def _accounts(
    db: AsyncSession, held: dict[UUID, LedgerAccount], postings: list[PostingRow], begin: datetime
) -> list[AccountRow]:
    moved: dict[UUID, int] = defaultdict(int)
    for posting in postings:
        moved[UUID(posting.account_id)] += posting.amount_cents
    opening = await _balances_before(db, held, begin)
    others: dict[UUID, LedgerAccount] = {}
    wanted = sorted(moved.keys() - held.keys())
    for at in range(0, len(wanted), 500):
        rows = await db.scalars(select(LedgerAccount).where(LedgerAccount.id.in_(wanted[at : at + 500])))
        others |= {account.id: account for account in rows}
    listed = [account for account in held.values() if account.id in moved or opening.get(account.id)]
    return [
        AccountRow(
            account_id=str(account.id),
            code=account.code,
            kind=account.kind.value,
            label=account.label,
            held=account.id in held,
            opening_cents=opening.get(account.id, 0),
            movements_cents=moved.get(account.id, 0),
            closing_cents=opening.get(account.id, 0) + moved.get(account.id, 0) if account.id in held else 0,
        )
        for account in sorted([*listed, *others.values()], key=lambda each: each.code)
    ]


async def _balances_before(db: AsyncSession, held: dict[UUID, LedgerAccount], begin: datetime) -> dict[UUID, int]:
    rows = await db.execute(
        select(Posting.account_id, func.sum(Posting.amount_cents))
        .join(LedgerTransaction, LedgerTransaction.id == Posting.transaction_id)
        .where(Posting.account_id.in_(held), LedgerTransaction.recorded_at < begin)
        .group_by(Posting.account_id)
    )
    return {row[0]: int(row[1]) for row in rows}


async def _receipts(
    db: AsyncSession, places: dict[UUID, SubOffice], begin: datetime, end: datetime
) -> tuple[list[ReceiptRow], list[str]]:
    rows = await db.execute(
        select(Receipt, ReceiptSeries.code)
        .join(ReceiptSeries, ReceiptSeries.id == Receipt.series_id)
        .where(Receipt.sub_office_id.in_(places), Receipt.issued_at >= begin, Receipt.issued_at < end)
        .order_by(ReceiptSeries.code, Receipt.number)
    )
    receipts, printed = [], []
    for receipt, series in rows:
        text = printed_text(receipt.printed)
        printed.append(text)
        receipts.append(
            ReceiptRow(
                receipt_id=str(receipt.id),
                series=series,
                number=receipt.number,
                issued_at=receipt.issued_at.isoformat(),
                place=places[receipt.sub_office_id].label,
                drawer_id=str(receipt.drawer_id),
                collected_by=str(receipt.printed.get("collected_by", "")),
                means=receipt.means.value,
                total_cents=receipt.total_cents,
                voids_id=str(receipt.voids_id or ""),
                transaction_id=str(receipt.transaction_id),
                printed_sha256=digest(text.encode()),
            )
        )
    return receipts, printed


async def _series(db: AsyncSession, office_id: UUID, begin: datetime, end: datetime) -> dict[str, dict[str, int]]:
    """Return for each series the last number before the period and the last one in it."""

    async def last_before(series_id: UUID, instant: datetime) -> int:
        number = await db.scalar(
            select(func.max(Receipt.number)).where(Receipt.series_id == series_id, Receipt.issued_at < instant)
        )
        return int(number or 0)

    rows = await db.scalars(select(ReceiptSeries).where(ReceiptSeries.office_id == office_id))
    return {
        series.code: {"avant": await last_before(series.id, begin), "dernier": await last_before(series.id, end)}
        for series in rows
    }


def _totals(receipts: list[ReceiptRow]) -> dict[str, int]:
    totals: dict[str, int] = defaultdict(int)
    for receipt in receipts:
        totals[receipt.means] += receipt.total_cents
    return dict(totals)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), PARIS).astimezone(UTC)


def _read_me(office: CashOffice, first: date, last: date) -> str:
    return f"""Journal scellé de la régie « {office.label} » ({office.code}),
du {first:%d/%m/%Y} au {last:%d/%m/%Y}, ces deux jours compris.

comptes.csv        chaque compte, son solde initial, ses mouvements, son solde final (en centimes)
ecritures.csv      chaque ligne de chaque écriture de la période
quittances.csv     chaque quittance, son total, son écriture, l’empreinte de ce qui était imprimé
quittances.jsonl   ce qui était imprimé sur chaque quittance, une ligne par quittance, dans le même ordre
sommaire.json      la période, les totaux, l’empreinte SHA-256 de chaque partie
sceau.json         la signature Ed25519 du sommaire

Un crédit est un plus, un débit un moins : l’argent en caisse est un moins, l’avoir d’une famille un plus.
Un texte qui commence par = + - @ est précédé d’une apostrophe, pour qu’un tableur ne le prenne pas pour une formule.

Pour vérifier : cvq verify FICHIER --key EMPREINTE
L’empreinte de la clé est celle que l’installation a remise par écrit au comptable.
"""
