"""A family's quotient: its history, a certificate copied by hand, the accord to ask the funds, and the question."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field

from cvq_advisor_console.families.file import household_title, person_name
from cvq_advisor_console.families.quotient_page import accord_page, certificate_page, quotient_page
from cvq_advisor_console.families.steps import INCOMPLETE, LASTING, StepForm, again, day_words, file_url, step
from cvq_advisor_console.quotients.words import SOURCE_WORDS, euros, quotient_sentence
from cvq_advisor_console.views.families import SurePage
from cvq_core.clock import local_day
from cvq_core.errors import N_, Refusal
from cvq_core.ids import new_id
from cvq_core.particulier.rules import FRANCE, AccordManner, AccordMissing, Sex
from cvq_core.particulier.service import QUOTIENT_INQUIRIES, Asked
from cvq_core.particulier.store import NewAccord, commune_code, end_accord, latest_word, note_accord, speakers
from cvq_core.people.rules import QuotientSource
from cvq_core.people.store import AccountClosed, family_account_by_id, open_family_account, person_by_id
from cvq_core.people.tables import FamilyAccount
from cvq_core.staff import Permission
from cvq_core.tariffs.quotients import REFERENCE_LENGTH_MAX, BadQuotient, last_quotient, record_quotient
from cvq_core.web import Context, Routes

routes = Routes("/familles", tag="pages")


class CertificateForm(StepForm):
    """A quotient as it stands on a paper; what is typed wrong is said on the form."""

    value: str = Field("", max_length=12)
    source: QuotientSource = QuotientSource.CAF
    valid_from: date | None = None
    valid_until: date | None = None
    reference: str = Field("", max_length=REFERENCE_LENGTH_MAX)

    @property
    def euros(self) -> int:
        """The value, whole euros.

        Raises:
            BadQuotient: something else was typed.
        """
        typed = "".join(self.value.removesuffix("€").split())
        if not (typed.isascii() and typed.isdigit()):
            raise BadQuotient
        return int(typed)


class AccordForm(BaseModel):
    """Who agreed, and what of their civil status a question needs."""

    key: UUID
    person_id: UUID | None = None
    sex: Sex | None = None
    birth_place: str = Field("", max_length=80)
    birth_country: str = Field(FRANCE, max_length=5)
    manner: AccordManner | None = None


class KeyForm(BaseModel):
    """The id that was made with the page: two clicks are one question."""

    key: UUID


@routes.get("/{id}/quotient", access=Permission.RECORD_QUOTIENT)
async def quotient(context: Context) -> web.Response:
    """Show what is known of a family's quotient and whence; the look is recorded."""
    account = await family_account_by_id(context.db, context.path_id())
    view = await quotient_page(context, account)
    async with context.acting() as writing:
        writing.journal("account-looked-at", subject=("account", account.id), account_id=account.id)
    return context.page("family_quotient.html", view=view)


@routes.get("/{id}/quotient/attestation", access=Permission.RECORD_QUOTIENT)
async def certificate(context: Context) -> web.Response:
    """Show where a certificate is copied."""
    account = await _to_change(context)
    form = CertificateForm(key=new_id(), valid_from=local_day(context.now).replace(day=1))
    return context.page("family_form.html", view=certificate_page(context, account, form.model_dump()))


@routes.post("/{id}/quotient/attestation", access=Permission.RECORD_QUOTIENT, body=CertificateForm, form=True)
async def record_certificate(context: Context, form: CertificateForm) -> web.Response:
    """Add the value of a certificate beside those that are known, once that is sure."""
    account = await open_family_account(context.db, context.path_id())
    page = certificate_page(context, account, form.model_dump())
    first, reference = form.valid_from, " ".join(form.reference.split())
    if first is None or not reference or not form.value.strip():
        return again(context, "family_form.html", page, INCOMPLETE)
    account_id = account.id

    async def act() -> tuple[str, date | None]:
        row = await record_quotient(
            context.db,
            form.key,
            account_id=account_id,
            value_euros=form.euros,
            source=form.source,
            valid_from=first,
            valid_until=form.valid_until,
            reference=reference,
            recorded_by=context.principal.id,
            now=context.now,
        )
        return euros(row.value_euros), row.valid_until

    before = await _known(context, account_id)
    outcome = await step(context, form, act)
    if isinstance(outcome, Refusal):
        return again(context, "family_form.html", page, outcome)
    value, until = outcome
    if form.sure:
        await context.journal_once("quotient-recorded", form.key, account_id=account_id, subject=("quotient", form.key))
        return context.redirect(file_url(account_id, "/quotient"))
    said = [
        context._(
            N_("Quotient de {value}, {source}, du {first} au {last}."),
            value=value,
            source=context._(SOURCE_WORDS[form.source]),
            first=day_words(context, first),
            last=day_words(context, until) if until else "…",
        ),
        context._(N_("Prouvé par : {reference}."), reference=reference),
        context._(N_("Connu jusqu’ici : {known}"), known=before),
    ]
    if first > local_day(context.now):
        said.append(context._(N_("Il ne compte qu’à partir de ce jour-là.")))
    sure = SurePage(
        title=context._(N_("Noter ce quotient ?")),
        about=page.about,
        url=page.url,
        back_url=page.back_url,
        button=context._(N_("Oui, le noter")),
        said=tuple(said),
        hidden=form.hidden,
        lasting=context._(LASTING),
    )
    return context.page("family_sure.html", view=sure)


@routes.get("/{id}/quotient/accord", access=Permission.RECORD_QUOTIENT)
async def accord(context: Context) -> web.Response:
    """Show what a family is told before it agrees, and where its accord is noted."""
    account = await _to_change(context)
    people = await speakers(context.db, account.id, local_day(context.now))
    form = AccordForm(key=new_id(), person_id=people[0].id if len(people) == 1 else None)
    return context.page("family_form.html", view=accord_page(context, account, people, form.model_dump()))


@routes.post("/{id}/quotient/accord", access=Permission.RECORD_QUOTIENT, body=AccordForm, form=True)
async def agree(context: Context, form: AccordForm) -> web.Response:
    """Note that a guardian or a payer was informed and agreed."""
    account = await open_family_account(context.db, context.path_id())
    people = await speakers(context.db, account.id, local_day(context.now))
    page = accord_page(context, account, people, form.model_dump())
    if form.person_id is None or form.sex is None or form.manner is None:
        return again(context, "family_form.html", page, INCOMPLETE)
    place = form.birth_place.strip()
    told = NewAccord(
        form.key,
        account.id,
        form.person_id,
        form.sex,
        form.birth_country,
        await commune_code(context.db, place) if place else None,
        form.manner,
        context.principal.id,
    )
    account_id = account.id
    try:
        async with context.db.begin_nested():
            await note_accord(context.db, told, now=context.now)
    except Refusal as refusal:
        return again(context, "family_form.html", page, refusal)
    await context.journal_once("quotient-agreed", form.key, account_id=account_id, subject=("person", form.person_id))
    return context.redirect(file_url(account_id, "/quotient"))


@routes.get("/{id}/quotient/retrait", access=Permission.RECORD_QUOTIENT)
async def ending(context: Context) -> web.Response:
    """Ask once more before an accord ends."""
    account = await family_account_by_id(context.db, context.path_id())
    last = await latest_word(context.db, account.id)
    if last is None or not last.agreed:
        raise AccordMissing
    name = person_name(await person_by_id(context.db, last.person_id))
    view = SurePage(
        title=context._(N_("La famille retire son accord ?")),
        about=household_title(context, account),
        url=file_url(account.id, "/quotient/retrait"),
        back_url=file_url(account.id, "/quotient"),
        button=context._(N_("Oui, elle le retire")),
        said=(
            context._(N_("Ni la CAF ni la MSA ne seront plus interrogées pour {name}."), name=name),
            context._(N_("Son sexe et son lieu de naissance, notés pour cela seul, sont effacés.")),
            context._(N_("Les quotients déjà reçus restent, jusqu’à la fin de leur validité.")),
        ),
        hidden=(("key", str(new_id())),),
    )
    return context.page("family_sure.html", view=view)


@routes.post("/{id}/quotient/retrait", access=Permission.RECORD_QUOTIENT, body=KeyForm, form=True)
async def end(context: Context, form: KeyForm) -> web.Response:
    """Note that a family no longer agrees."""
    row = await end_accord(context.db, form.key, context.path_id(), recorded_by=context.principal.id, now=context.now)
    await context.journal_once(
        "quotient-agreement-ended", row.id, account_id=row.account_id, subject=("person", row.person_id)
    )
    return context.redirect(file_url(context.path_id(), "/quotient"))


@routes.post(
    "/{id}/quotient/demande", access=Permission.RECORD_QUOTIENT, body=KeyForm, form=True, own_transactions=True
)
async def ask(context: Context, form: KeyForm) -> web.Response:
    """Ask the CAF and the MSA; the page then says what came of it."""
    asked = Asked(form.key, context.path_id(), context.principal.actor, by=context.principal.id)
    await context.request.app[QUOTIENT_INQUIRIES].inquire(asked)
    return context.redirect(file_url(context.path_id(), "/quotient"))


async def _to_change(context: Context) -> FamilyAccount:
    """Return the account of a form that is only looked at: nothing is locked for it."""
    account = await family_account_by_id(context.db, context.path_id())
    if account.closed_on is not None:
        raise AccountClosed(number=account.number)
    return account


async def _known(context: Context, account_id: UUID) -> str:
    today = local_day(context.now)
    return quotient_sentence(await last_quotient(context.db, account_id, today), today, context._, context.language)
