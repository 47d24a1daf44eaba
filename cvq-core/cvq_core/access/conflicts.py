"""What late taps showed and nobody has settled yet: billed to the family, given up with a reason, or paid back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.charges import label_of
from cvq_core.access.late_rules import ConflictKind, ConflictOutcome
from cvq_core.access.tables import AccessPoint, ConflictedTap, Tap, TapConflict, TapConflictSettling
from cvq_core.clock import local_day
from cvq_core.errors import N_, BadInput, NotFound
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import issue_invoice
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.ledger.store import reverse
from cvq_core.once import insert_once
from cvq_core.people.names import listed_name
from cvq_core.people.store import family_account_by_id
from cvq_core.people.tables import FamilyAccount, Person
from cvq_core.services.rules import ServiceCode

CONFLICTS_MAX = 500
DUE_IN = timedelta(days=30)
_KEYS = UUID("0c1a4f39-8f5d-5d0b-b9b5-31f3c5e0a4d2")

CONFLICT_WORDS = {
    ConflictKind.CARD_BLOCKED: N_("Entré avec une carte bloquée entre-temps"),
    ConflictKind.CARD_REPLACED: N_("Entré avec une carte remplacée"),
    ConflictKind.WALLET_EMPTIED: N_("Entré, et le compte s’est vidé entre-temps"),
    ConflictKind.RIGHT_ENDED: N_("Entré par un droit terminé ou annulé"),
    ConflictKind.ENTRIES_OVERDRAWN: N_("Entré, et il ne restait plus d’entrée"),
    ConflictKind.QUOTA_OVERRUN: N_("Passages de l’année dépassés"),
    ConflictKind.CAPACITY_OVERRUN: N_("Entré alors que c’était complet"),
    ConflictKind.PASSED_BACK: N_("Carte entrée deux fois sans sortir"),
    ConflictKind.CLOCK_WRONG: N_("L’horloge du lecteur n’était pas juste"),
    ConflictKind.LET_IN_THOUGH_REFUSED: N_("Entré alors que la règle refuse"),
    ConflictKind.REFUSED_THOUGH_ALLOWED: N_("Refusé alors que la règle laisse entrer"),
}


class UnknownConflict(NotFound):
    """No conflict has this id."""

    slug = "unknown-tap-conflict"
    message = N_("Cet écart n’est pas dans la liste.")
    what_to_do = N_("Rechargez la liste.")


class NothingToBill(BadInput):
    """Nobody owes anything for it, or nobody knows who."""

    slug = "nothing-to-bill"
    message = N_("Il n’y a rien à facturer pour ce passage, ou l’on ne sait pas à qui.")
    what_to_do = N_("Classez-le avec un motif.")


class NothingWasTaken(BadInput):
    """No money moved for it."""

    slug = "nothing-was-taken"
    message = N_("Aucune somme n’a été débitée pour ce passage.")
    what_to_do = N_("Classez-le avec un motif.")


@dataclass(frozen=True, slots=True)
class Listed:
    """A conflict that waits, with the names of its point, person and account; empty where there is none.

    Hour and point are known as long as the tap is kept.
    """

    conflict: TapConflict
    at: datetime | None
    point: str
    person: str
    account: str


async def open_conflicts(db: AsyncSession, service: ServiceCode) -> list[Listed]:
    """Return what waits to be settled at a service, the oldest first; at most `CONFLICTS_MAX`."""
    rows = await db.execute(
        select(TapConflict, ConflictedTap.tapped_at, AccessPoint.label, Person, FamilyAccount.label)
        .outerjoin(ConflictedTap, ConflictedTap.conflict_id == TapConflict.id)
        .outerjoin(AccessPoint, AccessPoint.id == ConflictedTap.point_id)
        .outerjoin(Tap, Tap.id == ConflictedTap.tap_id)
        .outerjoin(Person, Person.id == func.coalesce(TapConflict.person_id, Tap.person_id))
        .outerjoin(FamilyAccount, FamilyAccount.id == TapConflict.account_id)
        .outerjoin(TapConflictSettling, TapConflictSettling.conflict_id == TapConflict.id)
        .where(TapConflict.service_code == service, TapConflictSettling.conflict_id.is_(None))
        .order_by(TapConflict.day, ConflictedTap.tapped_at, TapConflict.id)
        .limit(CONFLICTS_MAX)
    )
    return [
        Listed(
            conflict,
            at,
            point or "",
            listed_name(person.family_name, person.usual_name, person.given_names) if person else "",
            account or "",
        )
        for conflict, at, point, person, account in rows
    ]


async def conflict_by_id(db: AsyncSession, conflict_id: UUID) -> TapConflict:
    """Return one conflict, settled or not.

    Raises:
        UnknownConflict
    """
    conflict = await db.get(TapConflict, conflict_id)
    if conflict is None:
        raise UnknownConflict
    return conflict


async def settle_conflict(
    db: AsyncSession, conflict_id: UUID, outcome: ConflictOutcome, *, reason: str, staff_id: UUID, now: datetime
) -> TapConflictSettling:
    """Decide what becomes of a conflict, once: billed to the account, given up, or paid back; the same again is once.

    Raises:
        UnknownConflict, NothingToBill, NothingWasTaken
        IdempotencyMismatch: it was settled otherwise.
        AlreadyReversed: what was debited was paid back before.
    """
    conflict = await conflict_by_id(db, conflict_id)
    if outcome is ConflictOutcome.BILLED and (conflict.account_id is None or not _unpaid_cents(conflict)):
        raise NothingToBill
    if outcome is ConflictOutcome.REFUNDED and conflict.transaction_id is None:
        raise NothingWasTaken
    row = {
        "conflict_id": conflict_id,
        "outcome": outcome,
        "reason": reason,
        "settled_at": now,
        "settled_by": staff_id,
        # The day a ledger's entry was made is kept and not its hour: its id holds none either.
        "transaction_id": None if outcome is ConflictOutcome.GIVEN_UP else uuid5(_KEYS, str(conflict_id)),
    }
    if not await insert_once(db, TapConflictSettling.__table__, row):
        settled = await db.get_one(TapConflictSettling, conflict_id)
        if settled.outcome is not outcome:
            raise IdempotencyMismatch
        return settled
    settled = await db.get_one(TapConflictSettling, conflict_id)
    assert settled.transaction_id is not None or outcome is ConflictOutcome.GIVEN_UP
    if outcome is ConflictOutcome.BILLED:
        await _bill(db, conflict, settled, staff_id, now)
    elif outcome is ConflictOutcome.REFUNDED:
        assert conflict.transaction_id is not None
        assert settled.transaction_id is not None
        await reverse(
            db,
            conflict.transaction_id,
            reversal_id=settled.transaction_id,
            label=f"{label_of(conflict.service_code)}, annulé",
            actor_kind="staff",
            actor_id=staff_id,
            now=now,
        )
    return settled


def _unpaid_cents(conflict: TapConflict) -> int:
    return conflict.amount_cents if conflict.transaction_id is None else 0


async def _bill(
    db: AsyncSession, conflict: TapConflict, settled: TapConflictSettling, staff_id: UUID, now: datetime
) -> None:
    assert conflict.account_id is not None
    assert settled.transaction_id is not None
    label = label_of(conflict.service_code)
    account = await family_account_by_id(db, conflict.account_id)
    while account.merged_into_id is not None:
        # The household goes on under another account since.
        account = await family_account_by_id(db, account.merged_into_id)
    await issue_invoice(
        db,
        settled.transaction_id,
        family_account_id=account.id,
        label=label,
        lines=[
            Line(
                conflict.service_code, label, quantity=1, unit_cents=conflict.amount_cents, person_id=conflict.person_id
            )
        ],
        due_on=local_day(now) + DUE_IN,
        now=now,
        actor_kind="staff",
        actor_id=staff_id,
    )
