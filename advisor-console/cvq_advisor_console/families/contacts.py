"""Where a family lives and is written to, and somebody whom nobody had written down before."""

from __future__ import annotations

from datetime import date

from aiohttp import web
from pydantic import Field
from sqlalchemy import select

from cvq_advisor_console.families.file import household_title, person_name, role_words
from cvq_advisor_console.families.members import role_options
from cvq_advisor_console.families.steps import INCOMPLETE, StepForm, again, day_words, file_url, step
from cvq_advisor_console.views.families import FieldView, FormPage, Option, SurePage
from cvq_core.clock import local_day
from cvq_core.errors import N_, Refusal
from cvq_core.families.contacts import Home, NewPerson, add_new_person, change_contact, home_of
from cvq_core.ids import new_id
from cvq_core.people.names import listed_name
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import family_account_by_id
from cvq_core.people.tables import Commune, FamilyAccount
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_desk.booking.lookup import look_up
from cvq_desk.forms.rules import looks_like_email
from cvq_desk.visits.farewell import BadEmail

routes = Routes("/familles", tag="pages")

COMMUNES_MAX = 500


class ContactForm(StepForm):
    """A family's name, e-mail address and home."""

    label: str = Field("", max_length=120)
    email: str = Field("", max_length=254)
    address: str = Field("", max_length=200)
    postcode: str = Field("", max_length=10)
    commune: str = Field("", max_length=5)

    def home(self) -> Home:
        """Return where they live."""
        return Home(" ".join(self.address.split()) or None, self.postcode.strip() or None, self.commune or None)


class PersonForm(StepForm):
    """Somebody as they stand on a paper, and as what they come."""

    family_name: str = Field("", max_length=80)
    given_names: str = Field("", max_length=120)
    usual_name: str = Field("", max_length=80)
    birth_date: date | None = None
    role: FamilyRole | None = None

    def person(self) -> NewPerson:
        """Return who it is."""
        names = (" ".join(each.split()) for each in (self.family_name, self.given_names, self.usual_name))
        family, given, usual = names
        return NewPerson(family, given, usual or None, self.birth_date)


@routes.get("/{id}/coordonnees", access=Permission.FAMILIES)
async def contact_page(context: Context) -> web.Response:
    """Show a family's name, e-mail address and home, to be changed."""
    account = await family_account_by_id(context.db, context.path_id())
    home, _ = await home_of(context.db, account.id, local_day(context.now))
    form = ContactForm(
        key=new_id(),
        label=account.label,
        email=account.email or "",
        address=home.address or "",
        postcode=home.postcode or "",
        commune=home.commune_insee or "",
    )
    return context.page("family_form.html", view=await _contact(context, account, form))


@routes.post("/{id}/coordonnees", access=Permission.FAMILIES, body=ContactForm, form=True)
async def contact(context: Context, form: ContactForm) -> web.Response:
    """Write a family's name, e-mail address and home anew."""
    account = await family_account_by_id(context.db, context.path_id())
    page = await _contact(context, account, form)
    label, email = " ".join(form.label.split()), form.email.strip() or None
    if len(label) < 2:
        return again(context, "family_form.html", page, INCOMPLETE)
    if email is not None and not looks_like_email(email):
        return again(context, "family_form.html", page, BadEmail())
    account_id = account.id
    changed = await change_contact(context.db, account_id, label=label, email=email, home=form.home(), now=context.now)
    if changed:
        await context.journal_once(
            "account-contact-changed",
            form.key,
            subject=("account", account_id),
            account_id=account_id,
            personal={"changed": list(changed)},
        )
    return context.redirect(file_url(account_id))


@routes.get("/{id}/personnes/nouvelle", access=Permission.FAMILIES)
async def new_person_page(context: Context) -> web.Response:
    """Ask for somebody whom nobody has written down."""
    account = await family_account_by_id(context.db, context.path_id())
    return context.page("family_form.html", view=await _person(context, account, PersonForm(key=new_id())))


@routes.post("/{id}/personnes/nouvelle", access=Permission.FAMILIES, body=PersonForm, form=True)
async def new_person(context: Context, form: PersonForm) -> web.Response:
    """Write somebody down as a member of the family, once it is sure that they are not known."""
    account = await family_account_by_id(context.db, context.path_id())
    page, person, role = await _person(context, account, form), form.person(), form.role
    offered = {option.value for option in await role_options(context, account.id)}
    named = len(person.family_name) >= 2 and person.given_names and person.birth_date is not None
    if not named or role is None or role not in offered:
        return again(context, "family_form.html", page, INCOMPLETE)
    account_id = account.id

    async def act() -> None:
        await add_new_person(context.db, form.key, account_id=account_id, person=person, role=role, now=context.now)

    outcome = await step(context, form, act)
    if isinstance(outcome, Refusal):
        return again(context, "family_form.html", page, outcome)
    if not form.sure:
        return context.page("family_sure.html", view=await _sure(context, page, form, person, role))
    await context.journal_once("person-created", form.key, subject=("person", form.key), account_id=account_id)
    return context.redirect(file_url(account_id))


async def _sure(context: Context, page: FormPage, form: PersonForm, person: NewPerson, role: FamilyRole) -> SurePage:
    """Ask once more, with those who may be the same person."""
    assert person.birth_date is not None, "the form asked for it"
    alike = await _alike(context, person)
    warned = [context._(N_("Quelqu’un de ce nom existe déjà. Est-ce la même personne ?")), *alike] if alike else []
    return SurePage(
        title=context._(N_("Créer cette personne ?")),
        about=page.about,
        url=page.url,
        back_url=page.back_url,
        button=context._(N_("Oui, créer la personne")),
        said=(
            context._(
                N_("{name}, {role}, naissance le {day}."),
                name=listed_name(person.family_name, person.usual_name, person.given_names),
                role=role_words(context, role),
                day=day_words(context, person.birth_date),
            ),
            *warned,
            context._(N_("Qui habite avec la famille reçoit son adresse.")),
        ),
        hidden=form.hidden,
    )


async def _alike(context: Context, person: NewPerson) -> list[str]:
    """Return who is found under this name, with the day of their birth."""
    matches = await look_up(
        context.db,
        f"{person.family_name} {person.given_names}",
        actor=context.principal.actor,
        now=context.now,
        language=context.language,
    )
    found = []
    for each in matches.people[:5]:
        born = f", {day_words(context, each.birth_date)}" if each.birth_date else ""
        found.append(f"{each.name}{born}{f', {each.commune}' if each.commune else ''}")
    return found


async def _contact(context: Context, account: FamilyAccount, form: ContactForm) -> FormPage:
    _, people = await home_of(context.db, account.id, local_day(context.now))
    names = ", ".join(person_name(each) for each in people)
    text = context._
    return FormPage(
        title=text(N_("Coordonnées de la famille")),
        about=household_title(context, account),
        url=file_url(account.id, "/coordonnees"),
        back_url=file_url(account.id),
        button=text(N_("Enregistrer")),
        fields=(
            FieldView("label", text(N_("Nom de la famille")), value=form.label, max_length=120),
            FieldView(
                "email",
                text(N_("Adresse électronique")),
                kind="email",
                value=form.email,
                hint=text(N_("Vide : la famille ne reçoit aucun courriel, ni avis de solde bas.")),
                required=False,
                max_length=254,
            ),
            FieldView("address", text(N_("Adresse")), value=form.address, required=False),
            FieldView("postcode", text(N_("Code postal")), value=form.postcode, required=False, max_length=10),
            FieldView(
                "commune",
                text(N_("Commune")),
                kind="select",
                value=form.commune,
                required=False,
                options=await _communes(context),
            ),
        ),
        hidden=(("key", str(form.key)),),
        said=(
            text(N_("L’adresse est celle de : {names}."), names=names)
            if names
            else text(N_("Personne n’habite là pour l’instant : l’adresse ne sera à personne.")),
            text(N_("Un enfant de deux foyers garde la sienne.")),
        ),
    )


async def _communes(context: Context) -> tuple[Option, ...]:
    rows = await context.db.execute(
        select(Commune.insee, Commune.name, Commune.postcode).order_by(Commune.name).limit(COMMUNES_MAX)
    )
    return (
        Option("", context._(N_("pas connue"))),
        *(Option(insee, f"{name} ({postcode})") for insee, name, postcode in rows),
    )


async def _person(context: Context, account: FamilyAccount, form: PersonForm) -> FormPage:
    text = context._
    return FormPage(
        title=text(N_("Créer une personne")),
        about=household_title(context, account),
        url=file_url(account.id, "/personnes/nouvelle"),
        back_url=file_url(account.id, "/personnes"),
        button=text(N_("Continuer")),
        fields=(
            FieldView("family_name", text(N_("Nom de naissance")), value=form.family_name, max_length=80),
            FieldView("usual_name", text(N_("Nom d’usage")), value=form.usual_name, required=False, max_length=80),
            FieldView("given_names", text(N_("Prénoms")), value=form.given_names, max_length=120),
            FieldView(
                "birth_date",
                text(N_("Date de naissance")),
                kind="date",
                value=form.birth_date.isoformat() if form.birth_date else "",
            ),
            FieldView(
                "role",
                text(N_("Dans quel rôle, à partir d’aujourd’hui ?")),
                kind="radio",
                value=form.role.value if form.role else "",
                options=await role_options(context, account.id),
            ),
        ),
        hidden=(("key", str(form.key)),),
        said=(text(N_("Comme sur la pièce d’identité ou le livret de famille.")),),
    )
