"""The families that somebody looks for, a family's file, its arrival and its departure."""

from __future__ import annotations

from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import or_, select

from cvq_advisor_console.cash.counter import household
from cvq_advisor_console.families.file import family_page
from cvq_advisor_console.families.steps import INCOMPLETE, StepForm, again, file_url
from cvq_advisor_console.statements.routes import statement_view
from cvq_advisor_console.views.families import (
    FamiliesPage,
    FamilyRow,
    FieldView,
    FormPage,
    LeftPage,
    LeftRow,
)
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.families.departures import left_to_settle, open_account
from cvq_core.families.routes.statements import read_statement
from cvq_core.families.rules import WHAT_WORDS
from cvq_core.ids import new_id
from cvq_core.legal_entities.service import find_entities
from cvq_core.people.names import spoken_name
from cvq_core.people.store import family_account_by_id, members_of
from cvq_core.people.tables import FamilyAccount, Membership
from cvq_core.services.rules import SERVICE_LABELS
from cvq_core.staff import Permission
from cvq_core.text import short_date
from cvq_core.web import Context, Routes
from cvq_desk.booking.lookup import look_up

routes = Routes("/familles", tag="pages")

FOUND_MAX = 30
QUERY_MAX = 120


class ArrivalForm(StepForm):
    """A family that arrives."""

    label: str = Field("", max_length=120)
    email: str = Field("", max_length=254)


@routes.get("", access=Permission.FAMILIES)
async def families(context: Context) -> web.Response:
    """Find families by a person's name, a card or an account's number; companies by their name or SIRET."""
    query = context.request.query.get("q", "")[:QUERY_MAX].strip()
    rows, more = await find_families(context, query)
    view = FamiliesPage(
        url="/familles",
        new_url="/familles/nouvelle",
        entity_url="/familles/organisme",
        left_url="/familles/restes",
        certificates_url="/familles/attestations" if context.principal.may(Permission.RECORD_QUOTIENT) else "",
        query=query,
        searched=bool(query),
        rows=tuple(rows),
        more=more,
    )
    return context.page("families.html", view=view)


@routes.get("/restes", access=Permission.COLLECT)
async def left(context: Context) -> web.Response:
    """Show what closed accounts still hold or owe, and what becomes of it."""
    rows = []
    for each in await left_to_settle(context.db):
        kept = await context.db.get(FamilyAccount, each.account.merged_into_id) if each.account.merged_into_id else None
        rows.append(
            LeftRow(
                number=each.account.number,
                url=file_url(each.account.id),
                what=context._(WHAT_WORDS[each.what]),
                amount_cents=each.amount_cents,
                service=context._(SERVICE_LABELS[each.service]) if each.service else context._(N_("Facture")),
                goes_on=kept.number if kept else "",
            )
        )
    return context.page("families_left.html", view=LeftPage("/familles", tuple(rows)))


@routes.get("/nouvelle", access=Permission.FAMILIES)
async def arrival_page(context: Context) -> web.Response:
    """Show where a family that arrives is written down."""
    return context.page("family_form.html", view=_arrival(context, ArrivalForm(key=new_id())))


@routes.post("/nouvelle", access=Permission.FAMILIES, body=ArrivalForm, form=True)
async def arrival(context: Context, form: ArrivalForm) -> web.Response:
    """Open an account for a family that arrives; the people come next."""
    label, email = " ".join(form.label.split()), form.email.strip() or None
    if len(label) < 2:
        return again(context, "family_form.html", _arrival(context, form), INCOMPLETE)
    account = await open_account(context.db, form.key, label=label, email=email, now=context.now)
    await context.journal_once("account-opened", account.id, subject=("account", account.id), account_id=account.id)
    return context.redirect(file_url(account.id))


@routes.get("/{id}", access=Permission.FAMILIES)
async def family(context: Context) -> web.Response:
    """Show a family's file; the look is recorded."""
    account = await family_account_by_id(context.db, context.path_id())
    view = await family_page(context, account)
    async with context.acting() as writing:
        writing.journal("account-looked-at", subject=("account", account.id), account_id=account.id)
    return context.page("family.html", view=view)


@routes.get("/{id}/releve", access=Permission.FAMILIES)
async def statement_page(context: Context) -> web.Response:
    """Show a family's statement for a period, or that of one of its wallets; the look is recorded."""
    found = await read_statement(context)
    view = await statement_view(
        context,
        found,
        url=file_url(found.account.id, "/releve"),
        files=f"/api/v1/family-accounts/{found.account.id}/statement",
        back_url=file_url(found.account.id),
    )
    return context.page("statement.html", view=view)


async def find_families(
    context: Context, query: str, *, without: UUID | None = None, open_only: bool = False
) -> tuple[list[FamilyRow], bool]:
    """Return the accounts of whom a query finds, or that of this number; and whether there are more."""
    if not query:
        return [], False
    wanted = select(FamilyAccount)
    by_number = await context.db.scalar(select(FamilyAccount.id).where(FamilyAccount.number == query))
    if by_number is not None:
        wanted = wanted.where(FamilyAccount.id == by_number)
    else:
        async with context.acting() as writing:
            matches = await look_up(
                writing.db, query, actor=context.principal.actor, now=context.now, language=context.language
            )
        people = [match.person_id for match in matches.people]
        held = select(Membership.account_id).where(Membership.person_id.in_(people))
        bodies = [each.account.id for each in await find_entities(context.db, query)]
        wanted = wanted.where(or_(FamilyAccount.id.in_(held), FamilyAccount.id.in_(bodies)))
    if open_only:
        wanted = wanted.where(FamilyAccount.closed_on.is_(None))
    if without is not None:
        wanted = wanted.where(FamilyAccount.id != without)
    rows = (
        await context.db.scalars(
            wanted.order_by(FamilyAccount.closed_on.is_not(None), FamilyAccount.label, FamilyAccount.number).limit(
                FOUND_MAX + 1
            )
        )
    ).all()
    return [await _row(context, account) for account in rows[:FOUND_MAX]], len(rows) > FOUND_MAX


async def _row(context: Context, account: FamilyAccount) -> FamilyRow:
    on = local_day(context.now)
    members = await members_of(context.db, account.id, min(on, account.closed_on) if account.closed_on else on)
    names = dict.fromkeys(spoken_name(each.family_name, each.usual_name, each.given_names) for each, _ in members)
    state = ""
    if account.merged_into_id is not None:
        state = context._(N_("réuni à un autre"))
    elif account.closed_on is not None:
        state = context._(N_("fermé le {day}"), day=short_date(account.closed_on, context.language))
    return FamilyRow(household(account.label), account.number, ", ".join(names), file_url(account.id), state)


def _arrival(context: Context, form: ArrivalForm) -> FormPage:
    return FormPage(
        title=context._(N_("Une famille arrive")),
        about="",
        url="/familles/nouvelle",
        back_url="/familles",
        button=context._(N_("Ouvrir le compte")),
        fields=(
            FieldView(
                "label",
                context._(N_("Nom de la famille")),
                value=form.label,
                hint=context._(N_("Par exemple « Famille Moreau ». Les personnes s’ajoutent ensuite.")),
                max_length=120,
            ),
            FieldView(
                "email",
                context._(N_("Adresse électronique")),
                kind="email",
                value=form.email,
                required=False,
                max_length=254,
            ),
        ),
        hidden=(("key", str(form.key)),),
        said=(
            context._(N_("Cherchez d’abord si cette famille a déjà un compte : deux comptes pour un foyer se gênent.")),
        ),
    )
