"""A family's file: who belongs to it, what it shares, what it has and owes, what happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select

from cvq_advisor_console.cash.counter import household
from cvq_advisor_console.families.sides import child_of
from cvq_advisor_console.families.steps import day_words, file_url
from cvq_advisor_console.invoices.pages import paper_row
from cvq_advisor_console.quotients.words import quotient_sentence
from cvq_advisor_console.views.families import (
    AttendedRow,
    BilledRow,
    EventRow,
    FamilyPage,
    HeldCardRow,
    LinkRow,
    MemberRow,
    MoneyRow,
    SharedRow,
)
from cvq_advisor_console.views.invoices import InvoiceRow
from cvq_core.cards.rules import printed_number, standing
from cvq_core.cards.store import card_facts
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.families.history import history_of
from cvq_core.families.merges import merges_of
from cvq_core.families.other_side import OtherSide, other_sides
from cvq_core.invoice_papers.store import cancelled_of
from cvq_core.invoices.store import invoices_of
from cvq_core.ledger.wallets import wallets_of
from cvq_core.legal_entities.rules import ENTITY_KIND_WORDS, ENTITY_ROLE_WORDS
from cvq_core.legal_entities.service import holders_of
from cvq_core.legal_entities.tables import LegalEntity
from cvq_core.offices.store import sub_offices_of
from cvq_core.people.custody import whose_day
from cvq_core.people.names import listed_name
from cvq_core.people.rules import FAMILY_ROLE_WORDS, FamilyRole
from cvq_core.people.tables import FamilyAccount, Membership, Person
from cvq_core.services.rules import SERVICE_LABELS
from cvq_core.tariffs.quotients import last_quotient
from cvq_core.web import Context

MEMBERS_MAX = 200
INVOICES_SHOWN = 12


async def family_page(context: Context, account: FamilyAccount) -> FamilyPage:
    """Return a family's file."""
    today = local_day(context.now)
    entity = await context.db.get(LegalEntity, account.id)
    rows = await _members(context, account, today, entity=entity is not None)
    money = await money_rows(context, account.id)
    state, link = await _state(context, account)
    shared = [] if account.closed_on else await _shared(context, account.id, today)
    return FamilyPage(
        label=account.label,
        number=account.number,
        opened_on=account.opened_on,
        back_url="/familles",
        today=today,
        members=tuple(row for row in rows if row.valid_until is None or row.valid_until > today),
        gone=tuple(row for row in rows if row.valid_until is not None and row.valid_until <= today),
        shared=tuple(shared),
        money=tuple(money),
        total_cents=sum(row.amount_cents for row in money if not row.is_due),
        due_cents=sum(row.amount_cents for row in money if row.is_due),
        history=tuple(
            EventRow(event.day, event.what.in_words(context.language))
            for event in await history_of(context.db, account.id)
        ),
        state=state,
        state_link=link,
        actions=_actions(context, account),
        papers=(
            LinkRow(context._(N_("Relevé de compte")), file_url(account.id, "/releve"), "file-text"),
            *await _counter_link(context, account.id),
        ),
        invoices=await _invoices(context, account.id),
        merges=await _merges(context, account),
        warnings=_warnings(context, rows, today) if not account.closed_on else (),
        quotient=quotient_sentence(
            await last_quotient(context.db, account.id, today), today, context._, context.language
        ),
        quotient_url="" if entity else file_url(account.id, "/quotient"),
        entity=_entity_sentence(context, entity) if entity else "",
        cards=await _cards(context, account.id, today) if entity else (),
        card_url=file_url(account.id, "/cartes/nouvelle") if entity and account.closed_on is None else "",
    )


def _entity_sentence(context: Context, entity: LegalEntity) -> str:
    numbers = [f"SIRET {entity.siret}" if entity.siret else "", f"RNA {entity.rna}" if entity.rna else ""]
    return ", ".join(filter(None, [context._(ENTITY_KIND_WORDS[entity.kind]).capitalize(), *numbers]))


async def _cards(context: Context, account_id: UUID, today: date) -> tuple[HeldCardRow, ...]:
    """Return the cards that a company or an association gave and has not taken back, each once."""
    rows: dict[UUID, HeldCardRow] = {}
    for holder in await holders_of(context.db, account_id, today):
        for card in holder.cards:
            state = "" if standing(card_facts(card), today).usable else context._(N_("ne marche pas"))
            number = printed_number(card.number)
            rows[card.id] = HeldCardRow(person_name(holder.person), number, state, card.valid_until)
    return tuple(rows.values())


async def _invoices(context: Context, account_id: UUID) -> tuple[InvoiceRow, ...]:
    """Return an account's latest invoices, each with its paper."""
    latest = (await invoices_of(context.db, account_id))[:INVOICES_SHOWN]
    cancelled = await cancelled_of(context.db, [each.invoice.id for each in latest])
    base = file_url(account_id, "/factures")
    return tuple(paper_row(each, base, is_cancelled=each.invoice.id in cancelled) for each in latest)


async def money_rows(context: Context, account_id: UUID) -> list[MoneyRow]:
    """Return an account's wallets, and its invoices on which something is due."""
    rows = [
        MoneyRow(context._(SERVICE_LABELS[wallet.service_code]), wallet.balance_cents)
        for wallet in await wallets_of(context.db, account_id)
    ]
    rows += [
        MoneyRow(context._(N_("Facture {number}"), number=each.number), each.due_cents, is_due=True)
        for each in await invoices_of(context.db, account_id, due_only=True)
    ]
    return rows


def role_words(context: Context, role: FamilyRole, *, entity: bool = False) -> str:
    """Return a role as it stands in a list; `entity`: of a company or an association."""
    return context._((ENTITY_ROLE_WORDS if entity else {}).get(role, FAMILY_ROLE_WORDS[role]))


def person_name(person: Person) -> str:
    """Return a name as lists have it."""
    return listed_name(person.family_name, person.usual_name, person.given_names)


async def _members(context: Context, account: FamilyAccount, today: date, *, entity: bool) -> list[MemberRow]:
    found = await context.db.execute(
        select(Membership, Person)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.account_id == account.id)
        .order_by(Membership.role, Person.birth_date, Person.search_key, Membership.valid_from)
        .limit(MEMBERS_MAX)
    )
    rows = []
    for held, person in found:
        standing = account.closed_on is None and (held.valid_until is None or held.valid_until > today)
        rows.append(
            MemberRow(
                name=person_name(person),
                role=role_words(context, held.role, entity=entity),
                valid_from=held.valid_from,
                valid_until=held.valid_until,
                birth_date=person.birth_date,
                deceased_on=person.deceased_on,
                end_url=file_url(account.id, f"/roles/{held.id}/fin") if standing else "",
                death_url=file_url(account.id, f"/personnes/{person.id}/deces")
                if standing and person.deceased_on is None
                else "",
                calendar_url=file_url(account.id, f"/enfants/{person.id}")
                if standing and held.role is FamilyRole.CHILD
                else "",
            )
        )
    # Guardians first, then children, payers, and those who may come for a child.
    order = [role_words(context, role, entity=entity) for role in FamilyRole]
    return sorted(rows, key=lambda row: order.index(row.role))


async def _shared(context: Context, account_id: UUID, today: date) -> list[SharedRow]:
    return [
        await _shared_row(context, account_id, each, today)
        for each in await other_sides(context.db, account_id, on=today)
    ]


async def _shared_row(context: Context, account_id: UUID, other: OtherSide, today: date) -> SharedRow:
    child = await child_of(context, account_id, other.child_id)
    of = whose_day(child.memberships, child.arrangements, today)
    return SharedRow(
        name=other.child,
        others=", ".join(other.guardians) or context._(N_("personne n’est noté")),
        today=of.in_words(child.names, context.language),
        masked=context._(other.masked),
        url=file_url(account_id, f"/enfants/{other.child_id}"),
        attended=tuple(
            AttendedRow(each.day, context._(each.service), each.present, each.amount_cents) for each in other.attended
        ),
        billed=tuple(BilledRow(each.issued_on, each.label, each.number, each.amount_cents) for each in other.billed),
    )


async def _state(context: Context, account: FamilyAccount) -> tuple[str, LinkRow | None]:
    if account.closed_on is None:
        return "", None
    day = day_words(context, account.closed_on)
    if account.merged_into_id is None:
        return context._(
            N_("Ce compte est fermé depuis le {day}. Il se lit toujours, et ne change plus."), day=day
        ), None
    kept = await context.db.get_one(FamilyAccount, account.merged_into_id)
    state = context._(
        N_("Ce compte a été réuni le {day} au compte {number}, qui continue."), day=day, number=kept.number
    )
    return state, LinkRow(
        context._(N_("Ouvrir le compte {number}"), number=kept.number), file_url(kept.id), "arrow-right"
    )


def _actions(context: Context, account: FamilyAccount) -> tuple[LinkRow, ...]:
    if account.merged_into_id is not None:
        return ()
    account_id = account.id
    if account.closed_on is not None:
        return (LinkRow(context._(N_("Rouvrir le compte")), file_url(account_id, "/rouvrir"), "lock-open"),)
    return (
        LinkRow(context._(N_("Coordonnées")), file_url(account_id, "/coordonnees"), "pencil"),
        LinkRow(context._(N_("Ajouter une personne")), file_url(account_id, "/personnes"), "plus"),
        LinkRow(context._(N_("Réunir avec un autre compte")), file_url(account_id, "/reunir"), "files"),
        LinkRow(context._(N_("Fermer le compte")), file_url(account_id, "/fermer"), "lock"),
    )


async def _counter_link(context: Context, account_id: UUID) -> tuple[LinkRow, ...]:
    """Return where money is moved and settings are made, for whoever has a place to collect at."""
    assert context.principal.id is not None, "only staff see families"
    if not await sub_offices_of(context.db, context.principal.id, local_day(context.now)):
        return ()
    return (LinkRow(context._(N_("Comptes de service")), f"/comptes-de-service/{account_id}", "wallet"),)


async def _merges(context: Context, account: FamilyAccount) -> tuple[LinkRow, ...]:
    merges = await merges_of(context.db, account.id)
    others = {each.kept_id if each.merged_id == account.id else each.merged_id for each, _ in merges}
    rows = await context.db.execute(select(FamilyAccount.id, FamilyAccount.number).where(FamilyAccount.id.in_(others)))
    numbers: dict[UUID, str] = dict(rows.all())
    found = []
    for merge, undo in merges:
        number = numbers[merge.kept_id if merge.merged_id == account.id else merge.merged_id]
        sentence = N_("Réunion avec {number}, défaite") if undo else N_("Réunion avec {number}")
        found.append(LinkRow(context._(sentence, number=number), f"/familles/reunions/{merge.id}", "files"))
    return tuple(found)


def _warnings(context: Context, rows: Sequence[MemberRow], today: date) -> tuple[str, ...]:
    """Return what somebody should see to: children without a living guardian."""
    here = [row for row in rows if (row.valid_until is None or row.valid_until >= today) and row.deceased_on is None]
    roles = {row.role for row in here}
    child, guardian = role_words(context, FamilyRole.CHILD), role_words(context, FamilyRole.GUARDIAN)
    if child in roles and guardian not in roles:
        return (
            context._(N_("Des enfants sont dans ce compte et personne n’en est responsable : ajoutez qui en répond.")),
        )
    return ()


def household_title(context: Context, account: FamilyAccount) -> str:
    """Return a family's name and number, as the pages about it say them."""
    return context._(N_("Famille {name}, compte {number}"), name=household(account.label), number=account.number)
