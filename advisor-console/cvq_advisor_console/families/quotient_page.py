"""What the pages of a family's quotient show: its history in words, the forms, who can be asked and why not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select

from cvq_advisor_console.families.file import household_title, person_name
from cvq_advisor_console.families.steps import file_url
from cvq_advisor_console.quotients.words import SOURCE_WORDS, euros, quotient_sentence
from cvq_advisor_console.views.families import FieldView, FormPage, LinkRow, Option
from cvq_advisor_console.views.quotients import InquiryRow, QuotientPage, QuotientRow, WordRow
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.ids import new_id
from cvq_core.particulier.rules import OUTCOME_WORDS, AccordManner, NoParticulier, Outcome, Sex
from cvq_core.particulier.service import QUOTIENT_INQUIRIES
from cvq_core.particulier.store import inquiries_of, latest_word, standing_accord, words_of
from cvq_core.particulier.tables import QuotientAccord, QuotientInquiry
from cvq_core.people.tables import FamilyAccount, FamilyQuotient, Person
from cvq_core.staff.tables import Staff
from cvq_core.tariffs.quotients import REFERENCE_LENGTH_MAX, last_quotient, quotients_of
from cvq_core.web import Context
from cvq_core.web.views import Act

TONES = {Outcome.FOUND: "ok", Outcome.UNCHANGED: "ok"}
PENDING = N_("La demande est partie, la réponse n’est pas arrivée. Recommencez.")
BY_ITSELF = N_("mise à jour de toutes les familles")
SEX_WORDS = {Sex.FEMALE: N_("Féminin"), Sex.MALE: N_("Masculin")}
MANNER_WORDS = {
    AccordManner.COUNTER: N_("Au guichet, de vive voix"),
    AccordManner.PAPER: N_("Sur un papier signé"),
}
WORD_SENTENCES = {
    AccordManner.COUNTER: N_("{name} a donné son accord au guichet."),
    AccordManner.PAPER: N_("{name} a donné son accord sur un papier signé."),
    AccordManner.VISIT: N_("{name} a donné son accord pendant un entretien."),
}
ONCE = N_("{name} a donné son accord pendant un entretien, pour cette fois seulement.")
TAKEN_BACK = N_("L’accord de {name} a pris fin.")
TELL_FIRST = (
    N_("Dites-le à la famille avant de noter son accord :"),
    N_(
        "La collectivité demande à la CAF ou à la MSA le quotient familial du mois, pour calculer le prix des "
        "services. Elle n’en garde que le chiffre, le mois et la caisse."
    ),
    N_("La demande est refaite à chaque mise à jour. L’accord se retire quand on veut, ici même."),
    N_("Sans accord, rien n’est fermé : la famille apporte son attestation."),
)


async def quotient_page(context: Context, account: FamilyAccount) -> QuotientPage:
    """Return what is known of a family's quotient, and what can be done about it."""
    today, is_open = local_day(context.now), account.closed_on is None
    counting = await last_quotient(context.db, account.id, today)
    values, asked = await quotients_of(context.db, account.id), await inquiries_of(context.db, account.id)
    words = await words_of(context.db, account.id)
    staff = await _staff_names(context, [*(row.recorded_by for row in values), *(row.asked_by for row in asked)])
    people = await _people_names(context, {row.person_id for row in words})
    last = await latest_word(context.db, account.id)
    accord = await standing_accord(context.db, account.id, today)
    url = file_url(account.id, "/quotient")
    why_not = _why_not(context, is_open=is_open, agreed=accord is not None)
    return QuotientPage(
        about=household_title(context, account),
        back_url=file_url(account.id),
        known=quotient_sentence(counting, today, context._, context.language),
        accord=_accord_sentence(context, last, stands=accord is not None, people=people),
        rows=tuple(_row(context, row, counting, staff, today) for row in values),
        inquiries=tuple(_inquiry(context, row, staff) for row in asked),
        words=tuple(_word(context, row, people) for row in words),
        ask=None if why_not else Act(f"{url}/demande"),
        key=str(new_id()),
        why_not=why_not,
        paper=LinkRow(context._(N_("Noter une attestation")), f"{url}/attestation", "file-text") if is_open else None,
        agree=LinkRow(context._(N_("Noter l’accord de la famille")), f"{url}/accord", "check") if is_open else None,
        end=LinkRow(context._(N_("La famille retire son accord")), f"{url}/retrait", "x")
        if last is not None and last.agreed
        else None,
    )


def certificate_page(context: Context, account: FamilyAccount, typed: Mapping[str, Any]) -> FormPage:
    """Return the form that a certificate is copied into; `typed` are its fields by their names."""
    fields = (
        FieldView(
            "value",
            context._(N_("Quotient familial, en euros")),
            value=str(typed["value"]),
            hint=context._(N_("Un nombre entier, par exemple 742.")),
            max_length=12,
        ),
        FieldView(
            "source",
            context._(N_("D’où il vient")),
            kind="radio",
            value=typed["source"],
            options=tuple(Option(source.value, context._(word)) for source, word in SOURCE_WORDS.items()),
        ),
        FieldView(
            "reference",
            context._(N_("Le papier qui le prouve")),
            value=str(typed["reference"]),
            hint=context._(
                N_("Par exemple « attestation CAF du 5 janvier 2026 » ; pas de numéro de sécurité sociale.")
            ),
            max_length=REFERENCE_LENGTH_MAX,
        ),
        FieldView(
            "valid_from",
            context._(N_("Compte à partir du")),
            kind="date",
            value=_day(typed["valid_from"]),
            hint=context._(N_("Le premier jour du mois qui est sur l’attestation.")),
        ),
        FieldView(
            "valid_until",
            context._(N_("Jusqu’au, ce jour compris")),
            kind="date",
            value=_day(typed["valid_until"]),
            hint=context._(N_("Vide : un an.")),
            required=False,
        ),
    )
    return FormPage(
        title=context._(N_("Noter une attestation de quotient")),
        about=household_title(context, account),
        url=file_url(account.id, "/quotient/attestation"),
        back_url=file_url(account.id, "/quotient"),
        button=context._(N_("Continuer")),
        fields=fields,
        hidden=(("key", str(typed["key"])),),
    )


def accord_page(
    context: Context, account: FamilyAccount, people: Sequence[Person], typed: Mapping[str, Any]
) -> FormPage:
    """Return what the family is told, and the form of its accord; without anybody who can agree, how there is one."""
    return FormPage(
        title=context._(N_("Accord pour demander le quotient")),
        about=household_title(context, account),
        url=file_url(account.id, "/quotient/accord"),
        back_url=file_url(account.id, "/quotient"),
        button=context._(N_("Noter l’accord")) if people else "",
        fields=_accord_fields(context, people, typed) if people else (),
        hidden=(("key", str(typed["key"])),),
        said=tuple(context._(sentence) for sentence in TELL_FIRST)
        if people
        else (context._(N_("Ce compte n’a ni responsable ni payeur : ajoutez-en un d’abord.")),),
    )


def _accord_fields(context: Context, people: Sequence[Person], typed: Mapping[str, Any]) -> tuple[FieldView, ...]:
    return (
        FieldView(
            "person_id",
            context._(N_("Qui a donné son accord ?")),
            kind="radio",
            value=str(typed["person_id"] or ""),
            options=tuple(Option(str(person.id), person_name(person)) for person in people),
        ),
        FieldView(
            "sex",
            context._(N_("Sexe à l’état civil")),
            kind="radio",
            value=typed["sex"] or "",
            options=tuple(Option(sex.value, context._(word)) for sex, word in SEX_WORDS.items()),
        ),
        FieldView(
            "birth_place",
            context._(N_("Commune de naissance")),
            value=str(typed["birth_place"]),
            hint=context._(
                N_("Son code INSEE, par exemple 79202, ou le nom d’une commune d’ici. Vide : né à l’étranger.")
            ),
            required=False,
            max_length=80,
        ),
        FieldView(
            "birth_country",
            context._(N_("Pays de naissance (code INSEE)")),
            value=str(typed["birth_country"]),
            hint=context._(N_("99100 pour la France.")),
            max_length=5,
        ),
        FieldView(
            "manner",
            context._(N_("Comment ?")),
            kind="radio",
            value=typed["manner"] or "",
            options=tuple(Option(manner.value, context._(word)) for manner, word in MANNER_WORDS.items()),
        ),
    )


def _row(
    context: Context, row: FamilyQuotient, counting: FamilyQuotient | None, staff: Mapping[UUID, str], today: date
) -> QuotientRow:
    state, tone = "", ""
    if row.valid_from > today:
        state, tone = N_("à venir"), ""
    elif row.valid_until is not None and row.valid_until < today:
        state, tone = N_("plus valable"), "off"
    elif counting is not None and row.id == counting.id:
        state, tone = N_("compte aujourd’hui"), "ok"
    else:
        state, tone = N_("remplacé"), "off"
    return QuotientRow(
        value=euros(row.value_euros),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        source=context._(SOURCE_WORDS[row.source]),
        reference=row.reference,
        recorded_at=row.recorded_at,
        recorded_by=staff.get(row.recorded_by, "") if row.recorded_by else "",
        state=context._(state),
        tone=tone,
    )


def _inquiry(context: Context, row: QuotientInquiry, staff: Mapping[UUID, str]) -> InquiryRow:
    by = staff.get(row.asked_by, "") if row.asked_by else context._(BY_ITSELF)
    if row.outcome is None:
        return InquiryRow(row.asked_at, by, context._(PENDING), "sun")
    return InquiryRow(row.asked_at, by, context._(OUTCOME_WORDS[row.outcome]), TONES.get(row.outcome, "sun"))


def _word(context: Context, row: QuotientAccord, people: Mapping[UUID, str]) -> WordRow:
    sentence = TAKEN_BACK if not row.agreed else ONCE if row.once else WORD_SENTENCES[row.manner]
    return WordRow(row.recorded_at, context._(sentence, name=people.get(row.person_id, "")))


def _accord_sentence(context: Context, last: QuotientAccord | None, *, stands: bool, people: Mapping[UUID, str]) -> str:
    if last is None or not last.agreed:
        return context._(N_("La famille n’a pas donné son accord : ni la CAF ni la MSA ne sont interrogées."))
    name = people.get(last.person_id, "")
    if not stands:
        return context._(N_("L’accord de {name} ne compte plus : cette personne ne répond plus du compte."), name=name)
    return context._(N_("{name} est d’accord pour que la CAF ou la MSA soit interrogée."), name=name)


def _why_not(context: Context, *, is_open: bool, agreed: bool) -> str:
    if not is_open:
        return context._(N_("Ce compte est fermé : on n’y demande plus rien."))
    if not context.request.app[QUOTIENT_INQUIRIES].offered:
        return " ".join((context._(NoParticulier.message), context._(NoParticulier.what_to_do)))
    if not agreed:
        return context._(N_("Pour interroger la CAF ou la MSA, notez d’abord l’accord de la famille."))
    return ""


async def _staff_names(context: Context, ids: Collection[UUID | None]) -> dict[UUID, str]:
    wanted = {each for each in ids if each is not None}
    rows = await context.db.execute(select(Staff.id, Staff.display_name).where(Staff.id.in_(wanted)))
    return {row.id: row.display_name for row in rows}


async def _people_names(context: Context, ids: Collection[UUID]) -> dict[UUID, str]:
    rows = await context.db.scalars(select(Person).where(Person.id.in_(ids)))
    return {person.id: person_name(person) for person in rows}


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""
