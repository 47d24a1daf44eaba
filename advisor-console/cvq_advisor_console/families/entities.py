"""Companies and associations among the accounts: one that arrives, and the cards that its people carry for it."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from aiohttp import web
from pydantic import Field

from cvq_advisor_console.families.file import household_title, person_name
from cvq_advisor_console.families.steps import INCOMPLETE, StepForm, again, file_url
from cvq_advisor_console.views.families import FieldView, FormPage, Option
from cvq_core.clock import local_day
from cvq_core.errors import N_, Refusal
from cvq_core.ids import new_id
from cvq_core.legal_entities.rules import ENTITY_KIND_WORDS, EntityKind
from cvq_core.legal_entities.service import Entity, entity_of, give_card, holders_of, open_entity
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_desk.forms.rules import looks_like_email
from cvq_desk.visits.farewell import BadEmail

routes = Routes("/familles", tag="pages")

CARD_DAYS = 3 * 365


class EntityForm(StepForm):
    """A company or an association that arrives."""

    kind: EntityKind | None = None
    name: str = Field("", max_length=120)
    siret: str = Field("", max_length=20)
    rna: str = Field("", max_length=12)
    email: str = Field("", max_length=254)


class EntityCardForm(StepForm):
    """A card that somebody is to carry for it."""

    person_id: UUID | None = None
    number: str = Field("", max_length=20)
    uid: str = Field("", max_length=60)
    valid_until: date | None = None


@routes.get("/organisme", access=Permission.FAMILIES)
async def arrival_page(context: Context) -> web.Response:
    """Show where a company or an association that arrives is written down."""
    return context.page("family_form.html", view=_arrival(context, EntityForm(key=new_id())))


@routes.post("/organisme", access=Permission.FAMILIES, body=EntityForm, form=True)
async def arrival(context: Context, form: EntityForm) -> web.Response:
    """Open an account for a company or an association; its people come next."""
    page, email = _arrival(context, form), form.email.strip() or None
    if form.kind is None or len(form.name.strip()) < 2:
        return again(context, "family_form.html", page, INCOMPLETE)
    if email is not None and not looks_like_email(email):
        return again(context, "family_form.html", page, BadEmail())
    try:
        async with context.db.begin_nested():
            found = await open_entity(
                context.db,
                form.key,
                kind=form.kind,
                name=form.name,
                siret=form.siret,
                rna=form.rna,
                email=email,
                by=context.principal.id,
                now=context.now,
            )
    except Refusal as refusal:
        return again(context, "family_form.html", page, refusal)
    account_id = found.account.id
    await context.journal_once("entity-opened", account_id, subject=("account", account_id), account_id=account_id)
    return context.redirect(file_url(account_id))


@routes.get("/{id}/cartes/nouvelle", access=Permission.FAMILIES)
async def card_page(context: Context) -> web.Response:
    """Ask for a card and who carries it."""
    found = await entity_of(context.db, context.path_id())
    form = EntityCardForm(key=new_id(), valid_until=local_day(context.now) + timedelta(days=CARD_DAYS))
    return context.page("family_form.html", view=await _card(context, found, form))


@routes.post("/{id}/cartes/nouvelle", access=Permission.FAMILIES, body=EntityCardForm, form=True)
async def card(context: Context, form: EntityCardForm) -> web.Response:
    """Give somebody a card of it."""
    found = await entity_of(context.db, context.path_id())
    account_id, page = found.account.id, await _card(context, found, form)
    if form.person_id is None or form.valid_until is None or not form.number or not form.uid:
        return again(context, "family_form.html", page, INCOMPLETE)
    if form.valid_until <= local_day(context.now):
        return again(context, "family_form.html", page, N_("Une carte vaut au moins jusqu’à demain."))
    try:
        async with context.db.begin_nested():
            await give_card(
                context.db,
                form.key,
                account_id=account_id,
                person_id=form.person_id,
                number=form.number,
                uid=form.uid,
                valid_until=form.valid_until,
                by=context.principal.id,
                now=context.now,
            )
    except Refusal as refusal:
        return again(context, "family_form.html", page, refusal)
    await context.journal_once("entity-card-given", form.key, subject=("person", form.person_id), account_id=account_id)
    return context.redirect(file_url(account_id))


def _arrival(context: Context, form: EntityForm) -> FormPage:
    text = context._
    return FormPage(
        title=text(N_("Une entreprise ou une association arrive")),
        about="",
        url="/familles/organisme",
        back_url="/familles",
        button=text(N_("Ouvrir le compte")),
        fields=(
            FieldView(
                "kind",
                text(N_("C’est une")),
                kind="radio",
                value=form.kind.value if form.kind else "",
                options=tuple(Option(kind.value, text(word)) for kind, word in ENTITY_KIND_WORDS.items()),
            ),
            FieldView("name", text(N_("Nom")), value=form.name, max_length=120),
            FieldView("siret", text(N_("SIRET")), value=form.siret, required=False, max_length=20),
            FieldView(
                "rna",
                text(N_("Numéro RNA")),
                value=form.rna,
                hint=text(N_("D’une association sans SIRET : W et neuf chiffres.")),
                required=False,
                max_length=12,
            ),
            FieldView(
                "email",
                text(N_("Adresse électronique")),
                kind="email",
                value=form.email,
                required=False,
                max_length=254,
            ),
        ),
        hidden=(("key", str(form.key)),),
        said=(text(N_("Les personnes qui portent sa carte s’ajoutent ensuite, comme dans une famille.")),),
    )


async def _card(context: Context, found: Entity, form: EntityCardForm) -> FormPage:
    text = context._
    holders = await holders_of(context.db, found.account.id, local_day(context.now))
    people = {str(each.person.id): person_name(each.person) for each in holders}
    return FormPage(
        title=text(N_("Donner une carte de l’organisme")),
        about=household_title(context, found.account),
        url=file_url(found.account.id, "/cartes/nouvelle"),
        back_url=file_url(found.account.id),
        button=text(N_("Donner la carte")) if people else "",
        fields=(
            FieldView(
                "person_id",
                text(N_("À qui ?")),
                kind="radio",
                value=str(form.person_id or ""),
                options=tuple(Option(person_id, name) for person_id, name in people.items()),
            ),
            FieldView(
                "number",
                text(N_("Numéro imprimé sur la carte")),
                value=form.number,
                hint=text(N_("Dix chiffres.")),
                max_length=20,
            ),
            FieldView(
                "uid",
                text(N_("Identifiant lu par le lecteur")),
                value=form.uid,
                hint=text(N_("Présentez la carte au lecteur du poste.")),
                max_length=60,
            ),
            FieldView(
                "valid_until",
                text(N_("Valable jusqu’au")),
                kind="date",
                value=form.valid_until.isoformat() if form.valid_until else "",
            ),
        )
        if people
        else (),
        hidden=(("key", str(form.key)),),
        said=(
            text(N_("Elle ouvre aussi ce que la personne peut ouvrir elle-même, et s’arrête avec son rôle ici."))
            if people
            else text(N_("Ajoutez d’abord les personnes qui portent sa carte.")),
        ),
    )
