"""What follows a household from the merged account to the one that goes on, besides its money and people, and back.

Pointers move: invoices, rights, mandates of direct debit, family quotients. What the family chose for its wallets only
grows, so it is ended there and written anew here; its accord for asking the CAF and the MSA is said again. The merger's
record keeps the identifiers of all of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.tables import Entitlement
from cvq_core.clock import PARIS, local_day
from cvq_core.debits.mandates import locked_mandate, revoke_mandate, standing_mandate, why_it_gives_way
from cvq_core.debits.tables import DebitMandate
from cvq_core.errors import N_
from cvq_core.facilities.tables import Reservation
from cvq_core.families.rules import (
    ACCORD_ENDS,
    MANDATE_GIVES_WAY,
    MANDATE_STAYS,
    NOTICE_NO_EMAIL,
    NOTICE_STAYS,
    TopUpKept,
    Why,
    top_ups_carried,
)
from cvq_core.ids import new_id
from cvq_core.journal.store import Actor
from cvq_core.ledger.tables import Receivable, Wallet
from cvq_core.ledger.wallets import open_wallet, wallets_of
from cvq_core.particulier.carried import accord_follows, carry_accord, give_accord_back
from cvq_core.payments.tables import Cart, CartLine
from cvq_core.people.tables import FamilyAccount, FamilyQuotient
from cvq_core.services.rules import ServiceCode
from cvq_core.wallets.rules import TopUpSetting
from cvq_core.wallets.settings import choose_notice, choose_top_up, notices_in_force, top_ups_in_force
from cvq_core.wallets.tables import NoticeChoice, TopUpChoice

MADE_ROOM = N_("remplacé par celui du compte réuni")
FOLLOWERS: dict[str, tuple[Any, str]] = {
    "invoices": (Receivable, "family_account_id"),
    "rights": (Entitlement, "account_id"),
    "paid_rights": (Entitlement, "payer_account_id"),
    "reservations": (Reservation, "account_id"),
    "mandates": (DebitMandate, "family_account_id"),
    "quotients": (FamilyQuotient, "account_id"),
}
"""What moves by a pointer, under the name that the merger's record gives it."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What follows; `staying` says what does not, and why.

    `pointers` are the rows of `FOLLOWERS`; `making_room` are the kept account's own mandates, not in force, that one
    which follows takes the place of; `notices` are thresholds in cents. `carts` are carts to be paid online: they
    stay payable under their address, and what is paid for the merged account is sent on. `email`: the kept account has
    no address of its own and takes the other's. `accord`: the family's accord for asking for its quotient follows
    (True), or the merged account took its own back later than the kept one gave it (False).
    """

    pointers: Mapping[str, tuple[UUID, ...]]
    making_room: tuple[UUID, ...]
    top_ups: tuple[TopUpKept, ...]
    notices: Mapping[ServiceCode, int]
    carts: int
    email: bool
    accord: bool | None
    staying: tuple[Why, ...]


@dataclass(frozen=True, slots=True)
class Choices:
    """What a family has chosen for its wallets, by the services."""

    top_ups: tuple[TopUpKept, ...]
    notices: Mapping[ServiceCode, int]
    rows: Mapping[ServiceCode, UUID]
    """The row of each top-up that is in force."""
    notice_rows: Mapping[ServiceCode, UUID]


async def what_follows(db: AsyncSession, merged: FamilyAccount, kept: FamilyAccount, on: date) -> Carried:
    """Return what would follow from one account to the other, and change nothing."""
    theirs, own = await _choices(db, merged.id, on), await _choices(db, kept.id, on)
    top_ups, ended = top_ups_carried(theirs.top_ups, {each.service: each.source for each in own.top_ups})
    mandates = await _mandates(db, merged.id, kept.id, on)
    staying = [*mandates.said, *ended]
    notices: dict[ServiceCode, int] = {}
    for service, threshold in theirs.notices.items():
        if service in own.notices:
            staying.append(Why(NOTICE_STAYS, {"service": service}))
        elif not (kept.email or merged.email):
            staying.append(Why(NOTICE_NO_EMAIL, {"service": service}))
        else:
            notices[service] = threshold
    accord = await accord_follows(db, merged.id, kept.id)
    if accord is False:
        staying.append(Why(ACCORD_ENDS))
    pointers = {name: await _ids(db, *place, merged.id) for name, place in FOLLOWERS.items() if name != "mandates"}
    return Carried(
        pointers={**pointers, "mandates": mandates.following},
        making_room=mandates.making_room,
        top_ups=tuple(top_ups),
        notices=notices,
        carts=await _open_carts(db, merged.id, on),
        email=bool(merged.email and not kept.email),
        accord=accord,
        staying=tuple(staying),
    )


async def carry(
    db: AsyncSession, carried: Carried, merged: FamilyAccount, kept: FamilyAccount, *, actor: Actor, now: datetime
) -> dict[str, Any]:
    """Let it follow, and return what the merger's record keeps of it: identifiers and cents."""
    moved: dict[str, Any] = {"made_room": [str(each) for each in carried.making_room]}
    for mandate_id in carried.making_room:
        await revoke_mandate(db, mandate_id, why=MADE_ROOM, now=now)
    for name, (table, column) in FOLLOWERS.items():
        ids = carried.pointers[name]
        moved[name] = await _dues(db, ids) if name == "invoices" else [str(each) for each in ids]
        await db.execute(update(table).where(table.id.in_(ids)).values({column: kept.id}))
    moved["email"] = carried.email
    if carried.email:
        kept.email = merged.email
        await db.flush()
    moved["accord"] = await carry_accord(db, merged.id, kept.id, by=actor.id, now=now)
    ended = await _choices(db, merged.id, local_day(now))
    await _end_choices(db, merged.id, ended, actor=actor, now=now)
    moved["top_ups"] = [
        {
            "service": each.service.value,
            "source": each.source.value,
            "threshold_cents": each.threshold_cents,
            "amount_cents": each.amount_cents,
            "month_max_cents": each.month_max_cents,
            "kept": str(await _write_top_up(db, kept.id, each, actor=actor, now=now))
            if each in carried.top_ups
            else None,
        }
        for each in ended.top_ups
    ]
    moved["notices"] = [
        {
            "service": service.value,
            "threshold_cents": threshold,
            "kept": str(await _write_notice(db, kept.id, service, threshold, actor=actor, now=now))
            if service in carried.notices
            else None,
        }
        for service, threshold in ended.notices.items()
    ]
    return moved


async def give_back(
    db: AsyncSession,
    moved: Mapping[str, Any],
    merged: FamilyAccount,
    kept: FamilyAccount,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Put what had followed back, as long as the kept account has not decided otherwise of it since."""
    for name, (table, column) in FOLLOWERS.items():
        # A merger that was recorded before something followed does not name it.
        ids = [UUID(each["id"] if name == "invoices" else each) for each in moved.get(name, ())]
        await db.execute(update(table).where(table.id.in_(ids)).values({column: merged.id}))
    await _bring_back(db, [UUID(each) for each in moved.get("made_room", ())], kept.id)
    await give_accord_back(db, moved, kept.id, by=actor.id, now=now)
    held = await _choices(db, kept.id, local_day(now))
    for each in moved.get("top_ups", ()):
        service, source = ServiceCode(each["service"]), ServiceCode(each["source"])
        chosen = TopUpKept(service, source, each["threshold_cents"], each["amount_cents"], each["month_max_cents"])
        if each["kept"] and held.rows.get(service) == UUID(each["kept"]):
            await _write_top_up(db, kept.id, chosen, actor=actor, now=now, ends=True)
        await _write_top_up(db, merged.id, chosen, actor=actor, now=now)
    for each in moved.get("notices", ()):
        service = ServiceCode(each["service"])
        if each["kept"] and held.notice_rows.get(service) == UUID(each["kept"]):
            await _write_notice(db, kept.id, service, None, actor=actor, now=now)
        if merged.email:
            await _write_notice(db, merged.id, service, each["threshold_cents"], actor=actor, now=now)
    if moved.get("email") and kept.email == merged.email:
        kept.email = None
    await db.flush()


async def signed_since(db: AsyncSession, moved: Mapping[str, Any], merged_id: UUID) -> bool:
    """Whether the merged account has got a mandate since at an office whose mandate would come back to it."""
    ids = [UUID(each) for each in moved.get("mandates", ())]
    offices = select(DebitMandate.office_id).where(DebitMandate.id.in_(ids), DebitMandate.revoked_on.is_(None))
    found = await db.scalar(
        select(DebitMandate.id)
        .where(
            DebitMandate.family_account_id == merged_id,
            DebitMandate.revoked_on.is_(None),
            DebitMandate.office_id.in_(offices),
        )
        .limit(1)
    )
    return found is not None


async def _choices(db: AsyncSession, account_id: UUID, on: date) -> Choices:
    services = {wallet.id: wallet.service_code for wallet in await wallets_of(db, account_id)}
    top_ups: Sequence[TopUpChoice] = await top_ups_in_force(db, on, family_account_id=account_id)
    notices: Sequence[NoticeChoice] = await notices_in_force(db, on, family_account_id=account_id)
    return Choices(
        top_ups=tuple(
            TopUpKept(
                services[each.wallet_id],
                services[each.source_wallet_id],
                each.threshold_cents,
                each.amount_cents,
                each.month_max_cents,
            )
            for each in top_ups
            if each.source_wallet_id in services
        ),
        notices={
            services[each.wallet_id]: each.threshold_cents for each in notices if each.threshold_cents is not None
        },
        rows={services[each.wallet_id]: each.id for each in top_ups},
        notice_rows={services[each.wallet_id]: each.id for each in notices},
    )


async def _end_choices(db: AsyncSession, account_id: UUID, choices: Choices, *, actor: Actor, now: datetime) -> None:
    for each in choices.top_ups:
        await _write_top_up(db, account_id, each, actor=actor, now=now, ends=True)
    for service in choices.notices:
        await _write_notice(db, account_id, service, None, actor=actor, now=now)


async def _write_top_up(
    db: AsyncSession, account_id: UUID, chosen: TopUpKept, *, actor: Actor, now: datetime, ends: bool = False
) -> UUID:
    """Write a top-up of an account's wallet, or (`ends`) that it ends, and return its row."""
    key = new_id()
    await choose_top_up(
        db,
        key,
        family_account_id=account_id,
        wallet_id=await _wallet(db, account_id, chosen.service, now),
        source_wallet_id=None if ends else await _wallet(db, account_id, chosen.source, now),
        setting=None if ends else TopUpSetting(chosen.threshold_cents, chosen.amount_cents, chosen.month_max_cents),
        actor=actor,
        now=now,
    )
    return key


async def _write_notice(
    db: AsyncSession, account_id: UUID, service: ServiceCode, threshold: int | None, *, actor: Actor, now: datetime
) -> UUID:
    key = new_id()
    await choose_notice(
        db,
        key,
        family_account_id=account_id,
        wallet_id=await _wallet(db, account_id, service, now),
        threshold_cents=threshold,
        actor=actor,
        now=now,
    )
    return key


async def _wallet(db: AsyncSession, account_id: UUID, service: ServiceCode, now: datetime) -> UUID:
    return (await open_wallet(db, new_id(), family_account_id=account_id, service=service, now=now)).id


async def _ids(db: AsyncSession, table: Any, column: str, account_id: UUID) -> tuple[UUID, ...]:
    return tuple(await db.scalars(select(table.id).where(getattr(table, column) == account_id).order_by(table.id)))


async def _dues(db: AsyncSession, invoices: Collection[UUID]) -> list[dict[str, object]]:
    rows = await db.execute(
        select(Receivable.id, Receivable.balance_cents).where(Receivable.id.in_(invoices)).order_by(Receivable.id)
    )
    return [{"id": str(receivable_id), "due_cents": -balance} for receivable_id, balance in rows]


@dataclass(frozen=True, slots=True)
class _Mandates:
    """What becomes of mandates: those that follow, those of the kept account that make room, and what is said of it."""

    following: tuple[UUID, ...]
    making_room: tuple[UUID, ...]
    said: tuple[Why, ...]


async def _mandates(db: AsyncSession, merged_id: UUID, kept_id: UUID, on: date) -> _Mandates:
    """Say what becomes of both accounts' mandates: of one office's two the one that is in force wins, else the kept."""
    rows = await db.scalars(
        select(DebitMandate)
        .where(DebitMandate.family_account_id.in_((merged_id, kept_id)), DebitMandate.revoked_on.is_(None))
        .order_by(DebitMandate.id)
    )
    standing = rows.all()
    kept = {each.office_id: each for each in standing if each.family_account_id == kept_id}
    following, making_room, said = [], [], []
    for theirs in (each for each in standing if each.family_account_id == merged_id):
        own = kept.get(theirs.office_id)
        if own is None:
            following.append(theirs.id)
        elif why_it_gives_way(own, on) is not None and why_it_gives_way(theirs, on) is None:
            following.append(theirs.id)
            making_room.append(own.id)
            said.append(Why(MANDATE_GIVES_WAY, {"reference": own.reference}))
        else:
            said.append(Why(MANDATE_STAYS, {"reference": theirs.reference}))
    return _Mandates(tuple(following), tuple(making_room), tuple(said))


async def _bring_back(db: AsyncSession, mandate_ids: Collection[UUID], kept_id: UUID) -> None:
    """Let mandates that had made room stand again, where the kept account has got none since."""
    for mandate_id in mandate_ids:
        mandate = await locked_mandate(db, mandate_id)
        if mandate.revoked_on is not None and await standing_mandate(db, mandate.office_id, kept_id) is None:
            mandate.revoked_on, mandate.revoked_why = None, ""
            await db.flush()


async def _open_carts(db: AsyncSession, account_id: UUID, on: date) -> int:
    """Count the carts that still can be paid for wallets of an account; those of its invoices need nothing."""
    return int(
        await db.scalar(
            select(func.count(func.distinct(Cart.id)))
            .join(CartLine, CartLine.cart_id == Cart.id)
            .join(Wallet, Wallet.id == CartLine.account_id)
            .where(
                Wallet.family_account_id == account_id,
                Cart.settled_by.is_(None),
                Cart.expires_at > datetime.combine(on, time(), PARIS),
            )
        )
        or 0
    )
