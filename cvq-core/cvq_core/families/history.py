"""What happened to a family account, in plain words: who came and went, what was decided, what was merged or closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.debits.tables import DebitMandate
from cvq_core.errors import N_
from cvq_core.families.departures import closures_of
from cvq_core.families.merges import merges_of
from cvq_core.families.rules import What, Why
from cvq_core.families.tables import AccountClosure
from cvq_core.people.arrangements import accounts_within, arrangements_of
from cvq_core.people.names import spoken_name
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import family_account_by_id
from cvq_core.people.tables import CourtOrder, FamilyAccount, FamilyQuotient, Membership, ParentalAuthority, Person
from cvq_core.services.rules import ServiceCode

EVENTS_MAX = 300

OPENED = N_("Le compte est ouvert.")
CAME = N_("{name} entre dans le compte : {role}.")
LEFT = N_("{name} : fin du rôle « {role} ».")
DIED = N_("Décès : {name}.")
CLOSED = N_("Le compte est fermé : {reason}.")
REOPENED = N_("Le compte rouvre : {reason}.")
REFUND_LEFT = N_("Il restait {amount} ({service}), à rembourser à la famille.")
DEBT_LEFT = N_("Il restait {amount} à payer ({service}).")
INVOICE_LEFT = N_("Il restait {amount} à payer sur une facture.")
MERGED_AWAY = N_("Ce compte est réuni au compte {number}, qui continue : {reason}.")
MERGED_HERE = N_("Le compte {number} est réuni à celui-ci : {reason}.")
UNDONE = N_("La réunion avec le compte {number} est défaite : {reason}.")
ORDER = N_("Décision de justice pour {name} : {court}, {reference}, du {decided}.")
ARRANGED = N_("Calendrier de garde pour {name} ; part de ce compte : {share} %.")
ARRANGED_WITHOUT = N_("Calendrier de garde pour {name} ; ce compte n’y a pas de part.")
EXCEPTION_HERE = N_("{name}, {why}, du {first} au {last} : jours de ce compte.")
EXCEPTION_OTHER = N_("{name}, {why}, du {first} au {last} : jours de l’autre compte.")
EXCEPTION_NOBODY = N_("{name}, {why}, du {first} au {last} : jours de personne.")
EXCEPTION_RHYTHM = N_("{name}, {why}, du {first} au {last} : de nouveau selon le rythme.")
WITHDRAWN = N_("Autorité parentale sur {name} retirée : {guardian}.")
GIVEN_BACK = N_("Autorité parentale sur {name} rendue : {guardian}.")
QUOTIENT = N_("Quotient familial noté.")
SIGNED = N_("Mandat de prélèvement {reference} signé.")
REVOKED = N_("Mandat de prélèvement {reference} révoqué.")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened on a day, or from that day on."""

    day: date
    what: Why


async def history_of(db: AsyncSession, account_id: UUID) -> list[Event]:
    """Return what happened to an account, the latest first; at most `EVENTS_MAX`.

    Of a shared child's other account it tells what the calendar and the court say, and nothing else: no label, no
    number, no amount.

    Raises:
        UnknownFamilyAccount
    """
    account = await family_account_by_id(db, account_id)
    held = await _memberships(db, account_id)
    events = [Event(account.opened_on, Why(OPENED))]
    for membership, person in held:
        events += _stay(membership, person)
    events += [
        Event(person.deceased_on, Why(DIED, {"name": _name(person)}))
        for person in {person.id: person for _, person in held}.values()
        if person.deceased_on is not None
    ]
    events += await _closures(db, account_id)
    events += await _merges(db, account)
    events += await _children(db, account_id, held)
    events += await _papers(db, account_id)
    # Of one day, what was added last to the list stands first: an account opens before somebody comes.
    events.reverse()
    return sorted(events, key=lambda event: event.day, reverse=True)[:EVENTS_MAX]


async def _memberships(db: AsyncSession, account_id: UUID) -> list[tuple[Membership, Person]]:
    rows = await db.execute(
        select(Membership, Person)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.account_id == account_id)
        .order_by(Membership.valid_from, Person.search_key, Membership.role)
        .limit(EVENTS_MAX)
    )
    return [(membership, person) for membership, person in rows]


def _stay(membership: Membership, person: Person) -> list[Event]:
    facts: dict[str, object] = {"name": _name(person), "role": membership.role}
    found = [Event(membership.valid_from, Why(CAME, facts))]
    if membership.valid_until is not None:
        found.append(Event(membership.valid_until, Why(LEFT, facts)))
    return found


async def _closures(db: AsyncSession, account_id: UUID) -> list[Event]:
    found = []
    for closure, reopening in await closures_of(db, account_id):
        found.append(Event(closure.closed_on, Why(CLOSED, {"reason": closure.reason})))
        found += _left(closure)
        if reopening is not None:
            found.append(Event(reopening.reopened_on, Why(REOPENED, {"reason": reopening.reason})))
    return found


def _left(closure: AccountClosure) -> list[Event]:
    found = []
    for line in closure.left["lines"]:
        facts: dict[str, object] = {"amount": line["amount_cents"]}
        if line["service"]:
            facts["service"] = ServiceCode(line["service"])
            sentence = REFUND_LEFT if line["what"] == What.REFUND else DEBT_LEFT
        else:
            sentence = INVOICE_LEFT
        found.append(Event(closure.closed_on, Why(sentence, facts)))
    return found


async def _merges(db: AsyncSession, account: FamilyAccount) -> list[Event]:
    merges = await merges_of(db, account.id)
    others = {each.kept_id if each.merged_id == account.id else each.merged_id for each, _ in merges}
    rows = await db.execute(select(FamilyAccount.id, FamilyAccount.number).where(FamilyAccount.id.in_(others)))
    numbers: dict[UUID, str] = dict(rows.all())
    found = []
    for merge, undo in merges:
        away = merge.merged_id == account.id
        number = numbers[merge.kept_id if away else merge.merged_id]
        facts = {"number": number, "reason": merge.reason}
        found.append(Event(local_day(merge.merged_at), Why(MERGED_AWAY if away else MERGED_HERE, facts)))
        if undo is not None:
            found.append(Event(local_day(undo.undone_at), Why(UNDONE, {"number": number, "reason": undo.reason})))
    return found


async def _children(db: AsyncSession, account_id: UUID, held: Sequence[tuple[Membership, Person]]) -> list[Event]:
    """Return what was decided of the account's children while they belonged to it."""
    names = {person.id: _name(person) for membership, person in held if membership.role is FamilyRole.CHILD}
    if not names:
        return []
    stays = [membership for membership, _ in held if membership.role is FamilyRole.CHILD]

    def was_here(child_id: UUID, day: date) -> bool:
        return any(
            stay.person_id == child_id
            and stay.valid_from <= day
            and (stay.valid_until is None or day <= stay.valid_until)
            for stay in stays
        )

    events = [*await _orders(db, names), *await _calendars(db, account_id, names)]
    return [event for child_id, event in events if was_here(child_id, event.day)]


async def _orders(db: AsyncSession, names: dict[UUID, str]) -> list[tuple[UUID, Event]]:
    found = []
    for order in await db.scalars(select(CourtOrder).where(CourtOrder.child_id.in_(names)).limit(EVENTS_MAX)):
        facts: dict[str, object] = {
            "name": names[order.child_id],
            "court": order.court,
            "reference": order.reference,
            "decided": order.decided_on,
        }
        found.append((order.child_id, Event(local_day(order.recorded_at), Why(ORDER, facts))))
    notes = await db.execute(
        select(ParentalAuthority, Person)
        .join(Person, Person.id == ParentalAuthority.guardian_id)
        .where(ParentalAuthority.child_id.in_(names))
        .limit(EVENTS_MAX)
    )
    for note, guardian in notes:
        facts = {"name": names[note.child_id], "guardian": _name(guardian)}
        found.append((note.child_id, Event(note.valid_from, Why(GIVEN_BACK if note.held else WITHDRAWN, facts))))
    return found


async def _calendars(db: AsyncSession, account_id: UUID, names: dict[UUID, str]) -> list[tuple[UUID, Event]]:
    own = await accounts_within(db, account_id)
    found = []
    for child_id, arrangements in (await arrangements_of(db, names)).items():
        for arrangement in arrangements:
            facts: dict[str, object] = {"name": names[child_id]}
            share = sum(part.share_percent for part in arrangement.parts if part.account_id in own)
            is_part = any(part.account_id in own for part in arrangement.parts)
            what = Why(ARRANGED, {**facts, "share": share}) if is_part else Why(ARRANGED_WITHOUT, facts)
            found.append((child_id, Event(arrangement.valid_from, what)))
            for each in arrangement.exceptions:
                if each.by_rhythm:
                    sentence = EXCEPTION_RHYTHM
                elif each.account_id is None:
                    sentence = EXCEPTION_NOBODY
                else:
                    sentence = EXCEPTION_HERE if each.account_id in own else EXCEPTION_OTHER
                told = {**facts, "why": each.reason, "first": each.first, "last": each.last}
                found.append((child_id, Event(local_day(each.recorded_at), Why(sentence, told))))
    return found


async def _papers(db: AsyncSession, account_id: UUID) -> list[Event]:
    rows = await db.scalars(
        select(FamilyQuotient.valid_from).where(FamilyQuotient.account_id == account_id).limit(EVENTS_MAX)
    )
    found = [Event(day, Why(QUOTIENT)) for day in rows]
    mandates = await db.scalars(
        select(DebitMandate)
        .where(DebitMandate.family_account_id == account_id)
        .order_by(DebitMandate.signed_on)
        .limit(EVENTS_MAX)
    )
    for mandate in mandates:
        if mandate.signed_on is not None:
            found.append(Event(mandate.signed_on, Why(SIGNED, {"reference": mandate.reference})))
        if mandate.revoked_on is not None:
            found.append(Event(mandate.revoked_on, Why(REVOKED, {"reference": mandate.reference})))
    return found


def _name(person: Person) -> str:
    return spoken_name(person.family_name, person.usual_name, person.given_names)
