"""People who come to an account and leave it, and those who die."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import select

from cvq_advisor_console.families.file import household_title, person_name, role_words
from cvq_advisor_console.families.steps import LASTING, StepForm, again, day_words, file_url, step
from cvq_advisor_console.views.families import FieldView, FormPage, MemberPage, Option, PersonOption, SurePage
from cvq_core.clock import local_day
from cvq_core.errors import N_, NotFound, Refusal
from cvq_core.facilities.routes import doing_of
from cvq_core.families.departures import Death, add_member, end_member, note_death
from cvq_core.ids import new_id
from cvq_core.legal_entities.service import add_holder, is_entity
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import family_account_by_id, person_by_id
from cvq_core.people.tables import FamilyAccount, Membership, Person
from cvq_core.staff import Permission
from cvq_core.text import money
from cvq_core.web import Context, Routes
from cvq_desk.booking.lookup import look_up

routes = Routes("/familles", tag="pages")

QUERY_MAX = 120
ROLE_HINTS = {
    FamilyRole.GUARDIAN: N_("Parent ou tuteur : répond des enfants, voit le compte et le paie."),
    FamilyRole.CHILD: N_("Vit dans ce foyer, tout le temps ou certains jours."),
    FamilyRole.PAYER: N_("Paie sans répondre des enfants : une grand-mère, un service social."),
    FamilyRole.COLLECTOR: N_("A seulement le droit de venir chercher un enfant."),
}

ENTITY_ROLE_HINTS = {
    FamilyRole.PAYER: N_("Répond de l’organisme : reçoit ses factures et les paie."),
    FamilyRole.HOLDER: N_("Entre et dépose en son nom, avec sa carte."),
}


class NewMemberForm(BaseModel):
    """Who comes, and as what."""

    key: UUID
    person_id: UUID | None = None
    role: FamilyRole | None = None


class LastDayForm(StepForm):
    """The last day of a role."""

    last_day: date | None = None


class DeathForm(StepForm):
    """The day of a death, as it stands on the paper."""

    on: date | None = None


@routes.get("/{id}/personnes", access=Permission.FAMILIES)
async def new_member_page(context: Context) -> web.Response:
    """Find who is to belong to the account."""
    account = await family_account_by_id(context.db, context.path_id())
    query = context.request.query.get("q", "")[:QUERY_MAX].strip()
    return context.page("family_member.html", view=await _finding(context, account, query))


@routes.post("/{id}/personnes", access=Permission.FAMILIES, body=NewMemberForm, form=True)
async def new_member(context: Context, form: NewMemberForm) -> web.Response:
    """Let somebody belong to the account from today on."""
    account = await family_account_by_id(context.db, context.path_id())
    offered = {option.value for option in await role_options(context, account.id)}
    if form.person_id is None or form.role is None or form.role not in offered:
        view = await _finding(context, account, "", error=context._(N_("Choisissez une personne et son rôle.")))
        return context.page("family_member.html", status=422, view=view)
    adding = add_holder if await is_entity(context.db, account.id) else add_member
    row = await adding(
        context.db, form.key, account_id=account.id, person_id=form.person_id, role=form.role, now=context.now
    )
    await context.journal_once("member-added", row.id, subject=("person", row.person_id), account_id=row.account_id)
    return context.redirect(file_url(account.id))


@routes.get("/{id}/roles/{membership}/fin", access=Permission.FAMILIES)
async def leaving_page(context: Context) -> web.Response:
    """Ask for a role's last day."""
    account, held, person = await _held(context)
    form = LastDayForm(key=new_id(), last_day=local_day(context.now))
    return context.page("family_form.html", view=_leaving(context, account, held, person, form))


@routes.post("/{id}/roles/{membership}/fin", access=Permission.FAMILIES, body=LastDayForm, form=True)
async def leaving(context: Context, form: LastDayForm) -> web.Response:
    """Let a role end, once that is sure."""
    account, held, person = await _held(context)
    page = _leaving(context, account, held, person, form)
    last_day = form.last_day
    if last_day is None:
        return again(context, "family_form.html", page, N_("Choisissez le dernier jour."))
    account_id, person_id, role = account.id, person.id, held.role
    facts = {"name": person_name(person), "role": role_words(context, role), "day": day_words(context, last_day)}

    async def act() -> None:
        await end_member(
            context.db, account_id=account_id, person_id=person_id, role=role, last_day=last_day, now=context.now
        )

    outcome = await step(context, form, act)
    if isinstance(outcome, Refusal):
        return again(context, "family_form.html", page, outcome)
    if not form.sure:
        said = [context._(N_("{name} n’aura plus le rôle « {role} » après le {day}."), **facts)]
        if role is FamilyRole.CHILD:
            said.append(context._(N_("Ce compte ne paiera plus pour cet enfant, et ne verra plus ses présences.")))
        said.append(context._(N_("Ce qui est passé reste dans l’historique.")))
        sure = SurePage(
            title=context._(N_("Mettre fin à ce rôle ?")),
            about=page.about,
            url=page.url,
            back_url=page.back_url,
            button=context._(N_("Oui, y mettre fin")),
            said=tuple(said),
            hidden=form.hidden,
        )
        return context.page("family_sure.html", view=sure)
    context.journal("member-left", subject=("person", person_id), account_id=account_id)
    return context.redirect(file_url(account_id))


@routes.get("/{id}/personnes/{person}/deces", access=Permission.FAMILIES)
async def death_page(context: Context) -> web.Response:
    """Ask for the day of a death."""
    account, person = await _person(context)
    return context.page("family_form.html", view=_dying(context, account, person, DeathForm(key=new_id())))


@routes.post("/{id}/personnes/{person}/deces", access=Permission.FAMILIES, body=DeathForm, form=True)
async def death(context: Context, form: DeathForm) -> web.Response:
    """Note a death, once that is sure."""
    account, person = await _person(context)
    page = _dying(context, account, person, form)
    day = form.on
    if day is None:
        return again(context, "family_form.html", page, N_("Choisissez le jour du décès."))
    account_id, person_id, name = account.id, person.id, person_name(person)

    async def act() -> Death:
        return await note_death(doing_of(context), person_id, on=day)

    outcome = await step(context, form, act)
    if isinstance(outcome, Refusal):
        return again(context, "family_form.html", page, outcome)
    if not form.sure:
        said = [
            context._(N_("{name} : décès le {day}."), name=name, day=day_words(context, day)),
            context._(N_("Ses rôles prennent fin dans toutes ses familles ; le compte et l’argent restent.")),
        ]
        if outcome.cards:
            sentence = (
                N_("Une carte est bloquée, partout.") if len(outcome.cards) == 1 else N_("{num} cartes sont bloquées.")
            )
            said.append(context._(sentence, num=len(outcome.cards)))
        said += _reservations_said(context, outcome)
        if account_id in outcome.without_guardian:
            said.append(context._(N_("Ce compte n’aura plus de responsable pour ses enfants : il faudra en ajouter.")))
        elif outcome.without_guardian:
            said.append(context._(N_("Un autre compte n’aura plus de responsable pour ses enfants.")))
        sure = SurePage(
            title=context._(N_("Noter ce décès ?")),
            about=page.about,
            url=page.url,
            back_url=page.back_url,
            button=context._(N_("Oui, noter le décès")),
            said=tuple(said),
            hidden=form.hidden,
            lasting=context._(LASTING),
        )
        return context.page("family_sure.html", view=sure)
    await context.journal_once("death-noted", person_id, subject=("person", person_id), account_id=account_id)
    return context.redirect(file_url(account_id))


def _reservations_said(context: Context, outcome: Death) -> list[str]:
    """Say what becomes of the reservations of somebody who died."""
    said = []
    if outcome.cancelled:
        num, back = len(outcome.cancelled), money(outcome.refunded_cents, context.language)
        one = N_("Une réservation est annulée, ou sa place dans une file d’attente ; rendu : {back}.")
        many = N_("{num} réservations ou places dans une file d’attente sont annulées ; rendu : {back}.")
        said.append(context._(one if num == 1 else many, num=num, back=back))
    if outcome.for_bodies:
        sentence = N_(
            "Une réservation faite pour une association ou une entreprise lui reste : "
            "annulez-la et refaites-la pour qui aura la carte."
        )
        said.append(context._(sentence))
    return said


async def _held(context: Context) -> tuple[FamilyAccount, Membership, Person]:
    """Return the role in the path, which is the account's own."""
    account = await family_account_by_id(context.db, context.path_id())
    held = await context.db.get(Membership, context.path_id("membership"))
    if held is None or held.account_id != account.id:
        raise NotFound
    return account, held, await person_by_id(context.db, held.person_id)


async def _person(context: Context) -> tuple[FamilyAccount, Person]:
    """Return the person in the path, who has or had a role in the account."""
    account = await family_account_by_id(context.db, context.path_id())
    person = await person_by_id(context.db, context.path_id("person"))
    if not await _is_known(context, account.id, person.id):
        raise NotFound
    return account, person


async def _is_known(context: Context, account_id: UUID, person_id: UUID) -> bool:
    found = await context.db.scalar(
        select(Membership.id).where(Membership.account_id == account_id, Membership.person_id == person_id).limit(1)
    )
    return found is not None


async def _finding(context: Context, account: FamilyAccount, query: str, *, error: str = "") -> MemberPage:
    people: tuple[PersonOption, ...] = ()
    more = False
    if query:
        async with context.acting() as writing:
            matches = await look_up(
                writing.db, query, actor=context.principal.actor, now=context.now, language=context.language
            )
        people = tuple(
            PersonOption(str(each.person_id), each.name, each.birth_date, each.commune) for each in matches.people
        )
        more = matches.more
    return MemberPage(
        about=household_title(context, account),
        url=file_url(account.id, "/personnes"),
        back_url=file_url(account.id),
        key=str(new_id()),
        query=query,
        searched=bool(query),
        people=people,
        more=more,
        roles=await role_options(context, account.id),
        error=error,
        new_url=file_url(account.id, "/personnes/nouvelle") if query else "",
    )


async def role_options(context: Context, account_id: UUID) -> tuple[Option, ...]:
    """Return as what somebody may come to an account: a family's, or a company's or an association's."""
    entity = await is_entity(context.db, account_id)
    hints = ENTITY_ROLE_HINTS if entity else ROLE_HINTS
    return tuple(
        Option(role.value, role_words(context, role, entity=entity).capitalize(), context._(hint))
        for role, hint in hints.items()
    )


def _leaving(context: Context, account: FamilyAccount, held: Membership, person: Person, form: LastDayForm) -> FormPage:
    facts = {
        "name": person_name(person),
        "role": role_words(context, held.role),
        "day": day_words(context, held.valid_from),
    }
    return FormPage(
        title=context._(N_("Fin d’un rôle")),
        about=household_title(context, account),
        url=file_url(account.id, f"/roles/{held.id}/fin"),
        back_url=file_url(account.id),
        button=context._(N_("Continuer")),
        fields=(
            FieldView(
                "last_day",
                context._(N_("Dernier jour")),
                kind="date",
                value=form.last_day.isoformat() if form.last_day else "",
                hint=context._(N_("Ce jour compris.")),
            ),
        ),
        hidden=(("key", str(form.key)),),
        said=(context._(N_("{name}, {role} depuis le {day}."), **facts),),
    )


def _dying(context: Context, account: FamilyAccount, person: Person, form: DeathForm) -> FormPage:
    return FormPage(
        title=context._(N_("Décès")),
        about=household_title(context, account),
        url=file_url(account.id, f"/personnes/{person.id}/deces"),
        back_url=file_url(account.id),
        button=context._(N_("Continuer")),
        fields=(
            FieldView(
                "on",
                context._(N_("Jour du décès")),
                kind="date",
                value=form.on.isoformat() if form.on else "",
                hint=context._(N_("Tel qu’il est sur l’acte.")),
            ),
        ),
        hidden=(("key", str(form.key)),),
        said=(person_name(person),),
    )
