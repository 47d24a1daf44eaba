"""Reading cash offices, drawers and receipts, and setting an office up."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid5

from sqlalchemy import ColumnElement, Select, func, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from cvq_core.clock import PARIS, local_day
from cvq_core.ledger.rules import LABEL_LENGTH_MAX, AccountKind, NewPosting, NewTransaction, TransactionKind
from cvq_core.ledger.store import add_ledger_account, balance_of, post
from cvq_core.ledger.tables import LedgerAccount, Posting, Receivable, Wallet
from cvq_core.offices.rules import (
    MEANS_WORDS,
    VOUCHER_SERVICES,
    VOUCHERS,
    Act,
    Appointment,
    MandateTitle,
    Means,
    UnknownDrawer,
    UnknownReceipt,
    UnknownSubOffice,
    appointed,
)
from cvq_core.offices.tables import (
    AcceptedMeans,
    CashOffice,
    CollectableService,
    Drawer,
    Mandatary,
    Receipt,
    ReceiptSeries,
    SubOffice,
    VoucherService,
)
from cvq_core.once import insert_once
from cvq_core.people.tables import FamilyAccount
from cvq_core.services.rules import ServiceCode

RECEIPTS_MAX = 200

_ACCOUNTS = {
    AccountKind.SAFE: "Coffre",
    AccountKind.CHEQUES: "Chèques à encaisser",
    AccountKind.CARD_PAYMENTS: "Cartes bancaires en cours",
    AccountKind.DIFFERENCE: "Écarts de caisse",
    AccountKind.FLOAT: "Fonds de caisse remis",
}


@dataclass(frozen=True, slots=True)
class MeansTotal:
    """What a drawer took by one means: how many receipts, voids counted against, and their cents."""

    means: Means
    receipts: int
    total_cents: int


@dataclass(frozen=True, slots=True)
class DrawerTotals:
    """A drawer at a glance: `expected_cents` is the cash that must be in it now, its float included."""

    float_cents: int
    expected_cents: int
    by_means: tuple[MeansTotal, ...]

    @property
    def collected_cents(self) -> int:
        """Everything collected, by whatever means."""
        return sum(each.total_cents for each in self.by_means)


async def create_office(
    db: AsyncSession, *, office_id: UUID, code: str, label: str, series_code: str, agreed_on: date | None = None
) -> CashOffice:
    """Set up a cash office with its series of receipts."""
    office = CashOffice(id=office_id, code=code, label=label)
    db.add(office)
    await db.flush()
    series_id = uuid5(office_id, "series")
    db.add(ReceiptSeries(id=series_id, office_id=office_id, code=series_code, last_number=0, agreed_on=agreed_on))
    await db.flush()
    return office


async def create_sub_office(
    db: AsyncSession,
    *,
    sub_office_id: UUID,
    office_id: UUID,
    code: str,
    label: str,
    float_cents: int,
    services: Collection[ServiceCode],
    means: Collection[Means],
    now: datetime,
    address: str = "",
    phone: str = "",
    is_main: bool = False,
    voucher_services: Mapping[Means, Collection[ServiceCode]] = VOUCHER_SERVICES,
) -> SubOffice:
    """Set up a place that collects for an office, with its accounts, what the act lets it collect, and its float.

    `is_main` is the office's own counter: other places remit to it, and it remits to the comptable.
    """
    today = local_day(now)
    accounts = {kind: uuid5(sub_office_id, kind) for kind in _ACCOUNTS}
    for kind, words in _ACCOUNTS.items():
        await add_ledger_account(
            db, account_id=accounts[kind], code=f"{kind}:{code}", kind=kind, label=f"{words}, {label}", now=now
        )
    sub_office = SubOffice(
        id=sub_office_id,
        office_id=office_id,
        series_id=uuid5(office_id, "series"),
        code=code,
        label=label,
        address=address,
        phone=phone,
        is_main=is_main,
        float_cents=float_cents,
        safe_account_id=accounts[AccountKind.SAFE],
        cheques_account_id=accounts[AccountKind.CHEQUES],
        card_account_id=accounts[AccountKind.CARD_PAYMENTS],
        difference_account_id=accounts[AccountKind.DIFFERENCE],
        opened_on=today,
    )
    db.add(sub_office)
    await db.flush()
    period = {"sub_office_id": sub_office_id, "valid_from": today, "valid_until": None}
    db.add_all([CollectableService(service_code=service, **period) for service in services])
    db.add_all([AcceptedMeans(means=each, **period) for each in means])
    db.add_all(
        VoucherService(means=each, service_code=service, **period)
        for each in VOUCHERS.intersection(means)
        for service in set(voucher_services.get(each, ())).intersection(services)
    )
    await db.flush()
    if float_cents:
        await post(
            db,
            NewTransaction(
                id=uuid5(sub_office_id, "float"),
                kind=TransactionKind.FLOAT_ISSUED,
                label=f"Remise du fonds de caisse, {label}",
                occurred_at=now,
                postings=(
                    NewPosting(accounts[AccountKind.SAFE], -float_cents),
                    NewPosting(accounts[AccountKind.FLOAT], float_cents),
                ),
                actor_kind="system",
                actor_id=None,
            ),
            now=now,
        )
    return sub_office


async def appoint(
    db: AsyncSession,
    *,
    mandate_id: UUID,
    staff_id: UUID,
    sub_office_id: UUID,
    title: MandateTitle,
    valid_from: date,
    valid_until: date | None = None,
) -> None:
    """Appoint somebody of the staff to a place."""
    db.add(
        Mandatary(
            id=mandate_id,
            staff_id=staff_id,
            sub_office_id=sub_office_id,
            title=title,
            valid_from=valid_from,
            valid_until=valid_until,
        )
    )
    await db.flush()


async def sub_office_by_id(db: AsyncSession, sub_office_id: UUID, on: date) -> tuple[SubOffice, CashOffice]:
    """Return a place that is open on a day, and its office.

    Raises:
        UnknownSubOffice: there is none, or it is closed.
    """
    row = (
        await db.execute(
            select(SubOffice, CashOffice)
            .join(CashOffice, CashOffice.id == SubOffice.office_id)
            .where(SubOffice.id == sub_office_id)
        )
    ).first()
    if row is None or row[0].opened_on > on or (row[0].closed_on is not None and row[0].closed_on <= on):
        raise UnknownSubOffice
    return row[0], row[1]


async def sub_offices_of(db: AsyncSession, staff_id: UUID, on: date) -> list[SubOffice]:
    """Return the open places where somebody is a mandatary on a day, by label."""
    rows = await db.scalars(
        select(SubOffice)
        .where(
            SubOffice.id.in_(
                select(Mandatary.sub_office_id).where(
                    Mandatary.staff_id == staff_id, _in_force(Mandatary.valid_from, Mandatary.valid_until, on)
                )
            ),
            SubOffice.opened_on <= on,
            or_(SubOffice.closed_on.is_(None), SubOffice.closed_on > on),
        )
        .order_by(SubOffice.label)
    )
    return list(rows)


async def appointment_of(db: AsyncSession, staff_id: UUID, sub_office_id: UUID, on: date) -> Appointment:
    """Return somebody's appointment to a place on a day.

    Raises:
        NotMandatary: there is none.
    """
    rows = await db.execute(
        select(Mandatary.title, Mandatary.valid_from, Mandatary.valid_until).where(
            Mandatary.staff_id == staff_id, Mandatary.sub_office_id == sub_office_id
        )
    )
    return appointed([Appointment(*row) for row in rows], on)


async def act_of(db: AsyncSession, sub_office: SubOffice, office: CashOffice, on: date) -> Act:
    """Return what the founding act lets a place collect on a day, and how."""
    services = await db.scalars(
        select(CollectableService.service_code).where(
            CollectableService.sub_office_id == sub_office.id,
            _in_force(CollectableService.valid_from, CollectableService.valid_until, on),
        )
    )
    means = await db.scalars(
        select(AcceptedMeans.means).where(
            AcceptedMeans.sub_office_id == sub_office.id,
            _in_force(AcceptedMeans.valid_from, AcceptedMeans.valid_until, on),
        )
    )
    pays_for: dict[Means, set[ServiceCode]] = {}
    for row in await db.execute(
        select(VoucherService.means, VoucherService.service_code).where(
            VoucherService.sub_office_id == sub_office.id,
            _in_force(VoucherService.valid_from, VoucherService.valid_until, on),
        )
    ):
        pays_for.setdefault(row.means, set()).add(row.service_code)
    return Act(
        services=frozenset(services),
        means=frozenset(means),
        cash_payment_max_cents=office.cash_payment_max_cents,
        top_up_max_cents=office.top_up_max_cents,
        voucher_services={each: frozenset(codes) for each, codes in pays_for.items()},
    )


def under_way_id(office_id: UUID, means: Means) -> UUID:
    """Return the account of what places have remitted by some means, and the office has not yet integrated."""
    return uuid5(office_id, f"{AccountKind.REMITTED}:{means}")


def treasury_id(office_id: UUID) -> UUID:
    """Return the account of what an office paid over to the comptable."""
    return uuid5(office_id, AccountKind.TREASURY)


async def voucher_account(db: AsyncSession, place: SubOffice, means: Means, now: datetime) -> UUID:
    """Return the account of a place's vouchers of one kind, opened when there was none."""
    code = f"{AccountKind.VOUCHERS}:{means}"
    label = f"{MEANS_WORDS[means]}, {place.label}"
    return await _opened(db, uuid5(place.id, code), f"{code}:{place.code}", label, now)


async def under_way_account(db: AsyncSession, office: CashOffice, means: Means, now: datetime) -> UUID:
    """Return `under_way_id`, its account opened when there was none."""
    code = f"{AccountKind.REMITTED}:{means}:{office.code}"
    label = f"Versements à intégrer ({MEANS_WORDS[means]}), {office.label}"
    return await _opened(db, under_way_id(office.id, means), code, label, now)


async def treasury_account(db: AsyncSession, office: CashOffice, now: datetime) -> UUID:
    """Return `treasury_id`, its account opened when there was none."""
    code, label = f"{AccountKind.TREASURY}:{office.code}", f"Versé au comptable, {office.label}"
    return await _opened(db, treasury_id(office.id), code, label, now)


async def account_for(db: AsyncSession, means: Means, place: SubOffice, now: datetime) -> UUID:
    """Return where a place keeps what it took by some means, once its drawers are closed."""
    match means:
        case Means.CASH:
            return place.safe_account_id
        case Means.CHEQUE:
            return place.cheques_account_id
        case Means.CARD:
            return place.card_account_id
    return await voucher_account(db, place, means, now)


async def _opened(db: AsyncSession, account_id: UUID, code: str, label: str, now: datetime) -> UUID:
    """Open an account unless somebody has; its kind is the first word of its code."""
    kind = AccountKind(code.partition(":")[0])
    row = {"id": account_id, "code": code, "kind": kind, "label": label[:LABEL_LENGTH_MAX], "opened_at": now}
    await insert_once(db, LedgerAccount.__table__, row)
    return account_id


async def open_drawer_of(db: AsyncSession, staff_id: UUID, sub_office_id: UUID) -> Drawer | None:
    """Return somebody's open drawer at a place."""
    drawer: Drawer | None = await db.scalar(
        select(Drawer).where(
            Drawer.staff_id == staff_id, Drawer.sub_office_id == sub_office_id, Drawer.closed_at.is_(None)
        )
    )
    return drawer


async def drawer_by_id(db: AsyncSession, drawer_id: UUID) -> Drawer:
    """Return a drawer.

    Raises:
        UnknownDrawer: there is none.
    """
    drawer = await db.get(Drawer, drawer_id)
    if drawer is None:
        raise UnknownDrawer
    return drawer


async def locked_drawer(db: AsyncSession, drawer_id: UUID) -> Drawer:
    """Return a drawer as it stands now, so that nothing else happens in it until the transaction ends.

    Raises:
        UnknownDrawer: there is none.
    """
    drawer: Drawer | None = await db.scalar(
        select(Drawer).where(Drawer.id == drawer_id).with_for_update().execution_options(populate_existing=True)
    )
    if drawer is None:
        raise UnknownDrawer
    return drawer


async def drawer_totals(db: AsyncSession, drawer: Drawer) -> DrawerTotals:
    """Return what a drawer took, by means, and the cash that must be in it."""
    rows = await db.execute(
        select(
            Receipt.means,
            func.count(Receipt.id) - 2 * func.count(Receipt.voids_id),
            func.sum(Receipt.total_cents),
        )
        .where(Receipt.drawer_id == drawer.id)
        .group_by(Receipt.means)
    )
    taken = {means: MeansTotal(means, int(receipts), int(cents)) for means, receipts, cents in rows}
    return DrawerTotals(
        float_cents=drawer.float_cents,
        expected_cents=await balance_of(db, drawer.id),
        by_means=tuple(taken[means] for means in Means if means in taken),
    )


async def receipt_by_id(db: AsyncSession, receipt_id: UUID) -> Receipt:
    """Return a receipt.

    Raises:
        UnknownReceipt: there is none.
    """
    receipt = await db.get(Receipt, receipt_id)
    if receipt is None:
        raise UnknownReceipt
    return receipt


async def receipt_by_number(db: AsyncSession, series_code: str, number: int) -> Receipt:
    """Return a receipt by what is printed on it.

    Raises:
        UnknownReceipt: there is none.
    """
    receipt: Receipt | None = await db.scalar(
        select(Receipt)
        .join(ReceiptSeries, ReceiptSeries.id == Receipt.series_id)
        .where(ReceiptSeries.code == series_code, Receipt.number == number)
    )
    if receipt is None:
        raise UnknownReceipt
    return receipt


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """A receipt in a drawer's list, with the id of the one that voids it, if any."""

    receipt: Receipt
    voided_by_id: UUID | None


async def receipts_of(db: AsyncSession, drawer_id: UUID, *, limit: int = 50) -> list[ReceiptLine]:
    """Return a drawer's latest receipts, the newest first."""
    void = aliased(Receipt)
    rows = await db.execute(
        select(Receipt, void.id)
        .outerjoin(void, void.voids_id == Receipt.id)
        .where(Receipt.drawer_id == drawer_id)
        .order_by(Receipt.number.desc())
        .limit(max(1, min(limit, RECEIPTS_MAX)))
    )
    return [ReceiptLine(*row) for row in rows]


async def find_receipts(
    db: AsyncSession,
    sub_office_ids: Collection[UUID],
    *,
    number: int | None = None,
    day: date | None = None,
    family: str = "",
    limit: int = 50,
) -> list[ReceiptLine]:
    """Return the receipts of some places by number, by civil day, by a family's name or account number; newest first.

    What is not given does not narrow the search; with nothing given, nothing is found.
    """
    wanted: list[ColumnElement[bool]] = [Receipt.sub_office_id.in_(sub_office_ids)]
    if number is not None:
        wanted.append(Receipt.number == number)
    if day is not None:
        begins = datetime.combine(day, time(), PARIS).astimezone(UTC)
        ends = datetime.combine(day + timedelta(days=1), time(), PARIS).astimezone(UTC)
        wanted += [Receipt.issued_at >= begins, Receipt.issued_at < ends]
    if family.strip():
        wanted.append(Receipt.transaction_id.in_(_transactions_of_families(family.strip())))
    if len(wanted) == 1:
        return []
    void = aliased(Receipt)
    rows = await db.execute(
        select(Receipt, void.id)
        .outerjoin(void, void.voids_id == Receipt.id)
        .where(*wanted)
        .order_by(Receipt.issued_at.desc(), Receipt.number.desc())
        .limit(max(1, min(limit, RECEIPTS_MAX)))
    )
    return [ReceiptLine(*row) for row in rows]


def _transactions_of_families(family: str) -> Select[UUID]:
    accounts = select(FamilyAccount.id).where(
        or_(FamilyAccount.number == family.upper(), FamilyAccount.label.icontains(family, autoescape=True))
    )
    held = union_all(
        select(Wallet.id).where(Wallet.family_account_id.in_(accounts)),
        select(Receivable.id).where(Receivable.family_account_id.in_(accounts)),
    )
    return select(Posting.transaction_id).where(Posting.account_id.in_(held))


async def voided_by(db: AsyncSession, receipt_id: UUID) -> UUID | None:
    """Return the receipt that voids this one."""
    found: UUID | None = await db.scalar(select(Receipt.id).where(Receipt.voids_id == receipt_id))
    return found


def _in_force(
    valid_from: InstrumentedAttribute[date], valid_until: InstrumentedAttribute[date | None], on: date
) -> ColumnElement[bool]:
    return (valid_from <= on) & or_(valid_until.is_(None), valid_until >= on)
