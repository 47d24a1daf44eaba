"""What is printed of invoices: read for some at once, their short addresses, and their copies."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.debits.mandates import state_of
from cvq_core.debits.rules import MandateState
from cvq_core.debits.tables import DebitCreditor, DebitMandate
from cvq_core.invoice_papers.paper import Counter, InvoicePaper, Issuer, PaperLine, Resident, addressee
from cvq_core.invoice_papers.proximity import code_of
from cvq_core.invoice_papers.rules import TOKEN_LENGTH
from cvq_core.invoice_papers.tables import InvoiceLink, InvoicePrint
from cvq_core.invoices.rules import UnknownInvoice
from cvq_core.invoices.store import InvoiceStanding, invoices_by_id
from cvq_core.invoices.tables import Invoice, InvoiceLine
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.ledger.tables import LedgerTransaction
from cvq_core.offices.rules import COUNTER_MEANS, MEANS_WORDS, VOUCHERS, Act, Means
from cvq_core.offices.store import act_of
from cvq_core.offices.tables import CashOffice, SubOffice
from cvq_core.once import insert_once
from cvq_core.payments.rules import AMOUNT_CENTS_MIN, TOKEN_ALPHABET
from cvq_core.people.names import spoken_name
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import in_force
from cvq_core.people.tables import Commune, FamilyAccount, Membership, Person
from cvq_core.services.rules import SERVICE_LABELS, ServiceCode
from cvq_core.settings import Settings
from cvq_core.treasury.debts import handed_of

COUNTERS_MAX = 3
HANDED_OVER = "Cette facture a été transmise au comptable public, qui peut en demander le paiement."


@dataclass(frozen=True, slots=True)
class Place:
    """A place of an office today, and what its act lets it collect."""

    place: SubOffice
    office: CashOffice
    act: Act

    def takes(self, services: frozenset[ServiceCode]) -> bool:
        """Whether an invoice of these services may be paid there."""
        return services <= self.act.services

    def by_hand(self, services: frozenset[ServiceCode]) -> tuple[Means, ...]:
        """Return what one may hand over there for an invoice of these services; vouchers pay for some alone."""
        pays_for = self.act.voucher_services
        return tuple(
            means
            for means in Means
            if means in self.act.means & COUNTER_MEANS
            and (means not in VOUCHERS or services <= pays_for.get(means, frozenset()))
        )


class Papers:
    """Reads what is printed of invoices on a day; what does not hang on an invoice is read once."""

    def __init__(self, settings: Settings, places: Sequence[Place], debiting: Collection[UUID], now: datetime) -> None:
        self._settings, self._places, self._debiting, self._now = settings, places, debiting, now
        self._issuer = settings.invoice_issuer or Issuer(settings.territory)

    @classmethod
    async def begin(cls, db: AsyncSession, settings: Settings, now: datetime) -> Papers:
        """Read where invoices are paid today."""
        today = local_day(now)
        rows = await db.execute(
            select(SubOffice, CashOffice)
            .join(CashOffice, CashOffice.id == SubOffice.office_id)
            .where(SubOffice.opened_on <= today, or_(SubOffice.closed_on.is_(None), SubOffice.closed_on > today))
            .order_by(SubOffice.is_main.desc(), SubOffice.label)
        )
        places = [Place(place, office, await act_of(db, place, office, today)) for place, office in rows.all()]
        debiting = set(await db.scalars(select(DebitCreditor.office_id)))
        return cls(settings, places, debiting, now)

    async def of(
        self, db: AsyncSession, invoice_ids: Sequence[UUID], copies: Mapping[UUID, int], *, with_reasons: bool = True
    ) -> list[InvoicePaper]:
        """Return some invoices as they are printed now, in the order given; `db` writes their short addresses.

        Without `with_reasons` nothing says why a price is what it is, since that names a family's quotient.

        Raises:
            UnknownInvoice: one of them does not exist.
        """
        standings = await invoices_by_id(db, invoice_ids)
        lines = await _lines(db, invoice_ids)
        accounts = {each.family_account_id for each in standings.values()}
        families = {each.id: each for each in await _families(db, accounts)}
        residents = await _residents(db, accounts, local_day(self._now))
        mandates = await _debited(db, accounts, local_day(self._now))
        handed, cancelled = await handed_of(db, invoice_ids), await cancelled_of(db, invoice_ids)
        papers = []
        for invoice_id in invoice_ids:
            standing = standings[invoice_id]
            people, guardians = residents.get(standing.family_account_id, ([], True))
            paper = self._paper(standing, lines[invoice_id], families[standing.family_account_id])
            paper = replace(
                paper,
                addressee=addressee(people, paper.addressee[0]),
                copy=copies.get(invoice_id, 0),
                is_cancelled=invoice_id in cancelled,
                notes=(HANDED_OVER,) if any(cents for _, cents in handed.get(invoice_id, ())) else (),
                lines=paper.lines
                if with_reasons and guardians
                else tuple(replace(line, why="") for line in paper.lines),
            )
            papers.append(await self._with_ways_to_pay(db, paper, standing, lines[invoice_id], mandates))
        return papers

    def _paper(self, standing: InvoiceStanding, lines: Sequence[InvoiceLine], family: FamilyAccount) -> InvoicePaper:
        invoice = standing.invoice
        return InvoicePaper(
            issuer=self._issuer,
            addressee=(family.label,),
            number=standing.number,
            account=family.number,
            label=invoice.label,
            issued_on=invoice.issued_on,
            due_on=invoice.due_on,
            as_of=local_day(self._now),
            lines=tuple(
                PaperLine(
                    SERVICE_LABELS[line.service_code],
                    line.label,
                    line.quantity,
                    line.unit_cents,
                    line.amount_cents,
                    line.explanation,
                )
                for line in lines
            ),
            total_cents=invoice.total_cents,
            due_cents=standing.due_cents,
        )

    async def _with_ways_to_pay(
        self,
        db: AsyncSession,
        paper: InvoicePaper,
        standing: InvoiceStanding,
        lines: Sequence[InvoiceLine],
        mandates: Mapping[UUID, set[UUID]],
    ) -> InvoicePaper:
        """Return a paper with every way that is open today to pay what is due on it."""
        if standing.due_cents == 0:
            return paper
        services = frozenset(line.service_code for line in lines)
        places = [each for each in self._places if each.takes(services)]
        by_hand = [_counter(each, means) for each in places if (means := each.by_hand(services))]
        debiting = {each.office.id for each in places if Means.DIRECT_DEBIT in each.act.means} & set(self._debiting)
        invoice, codes = standing.invoice, self._settings.proximity
        code = codes and code_of(codes, year=invoice.year, number=invoice.number, due_cents=standing.due_cents)
        return replace(
            paper,
            online_url=await self._online(db, invoice, standing.due_cents, places),
            counters=tuple(by_hand[:COUNTERS_MAX]),
            more_counters=max(0, len(by_hand) - COUNTERS_MAX),
            is_debited=bool(debiting & mandates.get(standing.family_account_id, set())),
            may_be_debited=bool(debiting),
            proximity_code=code or "",
        )

    async def _online(self, db: AsyncSession, invoice: Invoice, due_cents: int, places: Sequence[Place]) -> str:
        """Return where an invoice is paid online; "" where the act of the place that does it says no."""
        offered = self._settings.payfip_client is not None and due_cents >= AMOUNT_CENTS_MIN
        if not offered or not any(
            each.place.code == self._settings.payfip_office and Means.PAYFIP in each.act.means for each in places
        ):
            return ""
        return f"{str(self._settings.public_url).rstrip('/')}/f/{await link_of(db, invoice.id, self._now)}"


async def link_of(db: AsyncSession, invoice_id: UUID, now: datetime) -> str:
    """Return the token of an invoice's short address, made where there was none."""
    known: str | None = await db.scalar(select(InvoiceLink.token).where(InvoiceLink.invoice_id == invoice_id))
    if known is None:
        token = "".join(secrets.choice(TOKEN_ALPHABET) for _ in range(TOKEN_LENGTH))
        row = {"invoice_id": invoice_id, "token": token, "made_at": now}
        await insert_once(db, InvoiceLink.__table__, row)
        known = await db.scalar(select(InvoiceLink.token).where(InvoiceLink.invoice_id == invoice_id))
    assert known is not None, "it was just made, or a rival made it"
    return known


async def invoice_by_token(db: AsyncSession, token: str) -> InvoiceStanding:
    """Return the invoice of a short address.

    Raises:
        UnknownInvoice: no paper bears it.
    """
    found = await db.scalar(select(InvoiceLink.invoice_id).where(InvoiceLink.token == token[: TOKEN_LENGTH + 1]))
    if found is None:
        raise UnknownInvoice
    return (await invoices_by_id(db, [found]))[found]


async def note_print(db: AsyncSession, invoice_id: UUID, print_id: UUID, *, staff_id: UUID, now: datetime) -> int:
    """Note a printing and return which copy it is, 0 the original; the same `print_id` is the same printing.

    Raises:
        UnknownInvoice
        IdempotencyMismatch: `print_id` is another invoice's printing.
    """
    # Held, so that two printings at once are two copies.
    if await db.scalar(select(Invoice.id).where(Invoice.id == invoice_id).with_for_update()) is None:
        raise UnknownInvoice
    known = await db.get(InvoicePrint, print_id)
    if known is None:
        known = InvoicePrint(
            id=print_id,
            invoice_id=invoice_id,
            copy_number=(await copies_of(db, [invoice_id])).get(invoice_id, 0),
            staff_id=staff_id,
            run_id=None,
            printed_at=now,
        )
        db.add(known)
        await db.flush()
    elif known.invoice_id != invoice_id:
        raise IdempotencyMismatch
    return known.copy_number


async def copies_of(db: AsyncSession, invoice_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return how often each invoice was printed; one that never was is left out."""
    rows = await db.execute(
        select(InvoicePrint.invoice_id, func.count())
        .where(InvoicePrint.invoice_id.in_(invoice_ids))
        .group_by(InvoicePrint.invoice_id)
    )
    found: dict[UUID, int] = dict(rows.all())
    return found


async def cancelled_of(db: AsyncSession, invoice_ids: Collection[UUID]) -> set[UUID]:
    """Return which invoices were cancelled by a counter-entry: nothing is due on them, and nobody paid."""
    rows = await db.scalars(select(LedgerTransaction.reverses_id).where(LedgerTransaction.reverses_id.in_(invoice_ids)))
    return {each for each in rows if each is not None}


def _counter(each: Place, means: Sequence[Means]) -> Counter:
    place, office = each.place, each.office
    where = ", ".join(part for part in (place.address or office.address, place.phone or office.phone) if part)
    return Counter(place.label, where, tuple(MEANS_WORDS[each] for each in means))


async def _lines(db: AsyncSession, invoice_ids: Collection[UUID]) -> dict[UUID, list[InvoiceLine]]:
    rows = await db.scalars(
        select(InvoiceLine)
        .where(InvoiceLine.invoice_id.in_(invoice_ids))
        .order_by(InvoiceLine.invoice_id, InvoiceLine.position)
    )
    found: dict[UUID, list[InvoiceLine]] = {}
    for line in rows:
        found.setdefault(line.invoice_id, []).append(line)
    return found


async def _families(db: AsyncSession, account_ids: Collection[UUID]) -> Sequence[FamilyAccount]:
    return (await db.scalars(select(FamilyAccount).where(FamilyAccount.id.in_(account_ids)))).all()


async def _residents(
    db: AsyncSession, account_ids: Collection[UUID], on: date
) -> dict[UUID, tuple[list[Resident], bool]]:
    """Return to whom each family's invoices are sent: its payers, or else its guardians; and whether one is a guardian.

    A child's address is never used: it may be the other parent's.
    """
    rows = await db.execute(
        select(Membership.account_id, Membership.role, Person, Commune.name)
        .join(Person, Person.id == Membership.person_id)
        .outerjoin(Commune, Commune.insee == Person.commune_insee)
        .where(
            Membership.account_id.in_(account_ids),
            Membership.role.in_((FamilyRole.PAYER, FamilyRole.GUARDIAN)),
            Person.deceased_on.is_(None),
            in_force(on),
        )
        .order_by(Person.search_key, Person.id)
    )
    roles: dict[UUID, dict[FamilyRole, dict[UUID, Resident]]] = {}
    for account_id, role, person, commune in rows:
        name = spoken_name(person.family_name, person.usual_name, person.given_names)
        resident = Resident(name, person.address or "", person.postcode or "", commune or "")
        roles.setdefault(account_id, {}).setdefault(role, {})[person.id] = resident
    found = {}
    for account_id, held in roles.items():
        payers, guardians = held.get(FamilyRole.PAYER, {}), held.get(FamilyRole.GUARDIAN, {})
        found[account_id] = (list((payers or guardians).values()), not payers or bool(payers.keys() & guardians.keys()))
    return found


async def _debited(db: AsyncSession, account_ids: Collection[UUID], on: date) -> dict[UUID, set[UUID]]:
    """Return at which offices each family's invoices are debited: where its mandate is signed and stands."""
    rows = await db.scalars(
        select(DebitMandate).where(DebitMandate.family_account_id.in_(account_ids), DebitMandate.revoked_on.is_(None))
    )
    found: dict[UUID, set[UUID]] = {}
    for mandate in rows:
        if state_of(mandate, on) is MandateState.SIGNED:
            found.setdefault(mandate.family_account_id, set()).add(mandate.office_id)
    return found
