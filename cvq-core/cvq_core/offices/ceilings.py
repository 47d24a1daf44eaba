"""What offices hold against their ceilings, and the locks under which a payment may come near to one.

Locks are taken in this order, everywhere: places by id, drawers by id, then what `service` and the ledger lock. A
place's row is locked with FOR NO KEY UPDATE, for which a receipt that refers to it does not wait.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID, uuid5

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.ledger.rules import AccountKind
from cvq_core.ledger.tables import LedgerAccount, Posting
from cvq_core.offices.ceiling_rules import CeilingPart, Standing, check_ceiling, is_counted, is_far
from cvq_core.offices.rules import VOUCHERS, Means
from cvq_core.offices.store import drawer_by_id, locked_drawer, treasury_id, under_way_id
from cvq_core.offices.tables import CashOffice, Drawer, SubOffice


@dataclass(frozen=True, slots=True)
class Standings:
    """A place and its office against their ceilings; None where there is none. `open_drawers` are the office's."""

    place: Standing | None
    office: Standing | None
    open_drawers: int

    @property
    def all(self) -> tuple[Standing, ...]:
        """Those that there are."""
        return tuple(each for each in (self.place, self.office) if each is not None)

    @property
    def fullest(self) -> Standing | None:
        """The one that is nearest to its ceiling."""
        return max(self.all, key=lambda each: each.held_cents / each.ceiling_cents, default=None)


async def standings_of(db: AsyncSession, place: SubOffice, office: CashOffice) -> Standings:
    """Return what a place and its office hold now against their ceilings."""
    if not _has_ceiling(place) and not _has_ceiling(office):
        return Standings(None, None, 0)
    places = await _places(db, office.id) if _has_ceiling(office) else [place]
    drawers = await _open_drawers(db, [each.id for each in places])
    parts = counted_parts(office)
    in_place = in_office = None
    if place.ceiling_cents is not None:
        held = await _held(db, [place], drawers, parts)
        in_place = Standing(place.label, held, place.ceiling_cents, place.ceiling_refuses)
    if office.ceiling_cents is not None:
        held = await _held(db, places, drawers, parts, office=office)
        in_office = Standing(office.label, held, office.ceiling_cents, office.ceiling_refuses)
    return Standings(in_place, in_office, len(drawers))


async def drawer_for_payment(db: AsyncSession, drawer_id: UUID, means: Means, amount_cents: int) -> tuple[Drawer, bool]:
    """Return a drawer, locked, and whether the ceilings are still to be checked: near to one, after these locks.

    `ceiling_rules` says why two payments at once cannot both pass. The caller checks that it still may collect.

    Raises:
        UnknownDrawer: there is none.
    """
    drawer = await drawer_by_id(db, drawer_id)
    place = await db.get_one(SubOffice, drawer.sub_office_id)
    office = await db.get_one(CashOffice, place.office_id)
    if not limits(place, office, means):
        return await locked_drawer(db, drawer_id), False
    alone = await db.begin_nested()
    drawer = await locked_drawer(db, drawer_id)
    if await _far(db, place, office, amount_cents):
        await alone.commit()
        return drawer, False
    # Going back gives the drawer's lock back: whoever needs all of them takes them in their order, and none deadlocks.
    await alone.rollback()
    await _lock_all(db, place, office)
    return await locked_drawer(db, drawer_id), True


async def check_ceilings(
    db: AsyncSession, place: SubOffice, office: CashOffice, means: Means, amount_cents: int
) -> None:
    """Refuse a payment that would pass a ceiling; `drawer_for_payment` was called before.

    Raises:
        CeilingReached: the place's or the office's setting refuses it.
    """
    if limits(place, office, means):
        for standing in (await standings_of(db, place, office)).all:
            check_ceiling(standing, amount_cents)


def counted_parts(office: CashOffice) -> frozenset[CeilingPart]:
    """Return what the office's act counts besides cash."""
    return frozenset(CeilingPart(part) for part in office.ceiling_counts)


def limits(place: SubOffice, office: CashOffice, means: Means) -> bool:
    """Whether a payment by some means can be refused at a ceiling here."""
    refusing = any(_has_ceiling(each) and each.ceiling_refuses for each in (place, office))
    return refusing and is_counted(means, counted_parts(office))


def _has_ceiling(holder: SubOffice | CashOffice) -> bool:
    return holder.ceiling_cents is not None


async def _far(db: AsyncSession, place: SubOffice, office: CashOffice, amount_cents: int) -> bool:
    standings = await standings_of(db, place, office)
    return all(
        is_far(
            each,
            amount_cents,
            open_drawers=standings.open_drawers,
            payment_max_cents=office.cash_payment_max_cents,
        )
        for each in standings.all
        if each.refuses
    )


async def _lock_all(db: AsyncSession, place: SubOffice, office: CashOffice) -> None:
    """Hold the places, so that no drawer opens, then every open drawer: no payment is under way in them."""
    everywhere = SubOffice.office_id == office.id if _has_ceiling(office) else SubOffice.id == place.id
    rows = await db.scalars(
        select(SubOffice.id).where(everywhere).order_by(SubOffice.id).with_for_update(key_share=True)
    )
    await db.execute(
        select(Drawer.id)
        .where(Drawer.sub_office_id.in_(rows.all()), Drawer.closed_at.is_(None))
        .order_by(Drawer.id)
        .with_for_update()
    )


async def _places(db: AsyncSession, office_id: UUID) -> list[SubOffice]:
    rows = await db.scalars(select(SubOffice).where(SubOffice.office_id == office_id))
    return list(rows)


async def _open_drawers(db: AsyncSession, place_ids: Collection[UUID]) -> dict[UUID, UUID]:
    rows = await db.execute(
        select(Drawer.id, Drawer.sub_office_id).where(Drawer.sub_office_id.in_(place_ids), Drawer.closed_at.is_(None))
    )
    return dict(rows.all())


async def _held(
    db: AsyncSession,
    places: Collection[SubOffice],
    drawers: dict[UUID, UUID],
    parts: frozenset[CeilingPart],
    office: CashOffice | None = None,
) -> int:
    """Return what some places hold without their floats; with their `office`, also what is on its way to it."""
    place_ids = {place.id for place in places}
    wanted = {place.safe_account_id for place in places}
    wanted |= {drawer_id for drawer_id, place_id in drawers.items() if place_id in place_ids}
    # The float that was issued is in the safe or in a drawer: its own account takes it off again.
    floats = [f"{AccountKind.FLOAT}:{place.code}" for place in places]
    wanted |= set(await db.scalars(select(LedgerAccount.id).where(LedgerAccount.code.in_(floats))))
    counted = [means for means in Means if is_counted(means, parts)]
    if CeilingPart.CHEQUES in parts:
        wanted |= {place.cheques_account_id for place in places}
    if CeilingPart.VOUCHERS in parts:
        wanted |= {uuid5(place.id, f"{AccountKind.VOUCHERS}:{means}") for place in places for means in VOUCHERS}
    if office is not None:
        wanted |= {under_way_id(office.id, means) for means in counted}
        if CeilingPart.TREASURY in parts:
            wanted.add(treasury_id(office.id))
    total = await db.scalar(select(func.sum(Posting.amount_cents)).where(Posting.account_id.in_(wanted)))
    return -int(total or 0)
