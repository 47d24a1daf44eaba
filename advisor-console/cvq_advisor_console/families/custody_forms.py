"""What a secretary records of a shared child: the calendar, days that leave it, and what a court decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, Field

from cvq_advisor_console.families.calendar import first_of_next, month_view
from cvq_advisor_console.families.child import WEEKDAYS, child_url, rhythm_words
from cvq_advisor_console.families.file import household_title
from cvq_advisor_console.families.sides import Child, Side, child_of
from cvq_advisor_console.families.steps import INCOMPLETE, LASTING, StepForm, again, day_words, step
from cvq_advisor_console.views.families import FieldView, FormPage, Option, RhythmPage, SurePage, WeekdayField
from cvq_core.clock import local_day
from cvq_core.errors import N_, NotFound, Refusal
from cvq_core.ids import new_id
from cvq_core.people.arrangements import (
    NewArrangement,
    UnknownArrangement,
    add_exception,
    arrange,
    note_authority,
    orders_of,
    record_order,
)
from cvq_core.people.custody import LETTERS, NOBODY, PARTS_MAX, Arrangement, Part, PastIsSettled, in_force
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes

routes = Routes("/familles", tag="pages")

DAYS = "days"
RHYTHMS: dict[str, tuple[str, str, str]] = {
    "even": (N_("Une semaine sur deux : ici les semaines paires"), "aaaaaaa", "bbbbbbb"),
    "odd": (N_("Une semaine sur deux : ici les semaines impaires"), "bbbbbbb", "aaaaaaa"),
    "mostly": (N_("Ici, sauf le mercredi et un week-end sur deux"), "aabaabb", "aabaaaa"),
    "rarely": (N_("Ici le mercredi et un week-end sur deux"), "bbabbaa", "bbabbbb"),
    "here": (N_("Toujours ici"), "aaaaaaa", "aaaaaaa"),
    "other": (N_("Toujours chez l’autre"), "bbbbbbb", "bbbbbbb"),
}
"""Usual rhythms of two accounts, "a" being the one from which it is recorded."""
NOBODYS, BY_RHYTHM = "nobody", "rhythm"
NO_AUTHORITY_CHANGE = "none"


Letter = Annotated[str, Field(min_length=1, max_length=1)]
Percent = Annotated[int, Field(ge=0, le=100)]


def _several(sent: object) -> object:
    """A field that stands on a form several times is a list; one of them alone is none yet."""
    return sent if isinstance(sent, list) else [sent]


class RhythmForm(StepForm):
    """A calendar: its first day, the shares in the order of the sides, and a usual rhythm or two weeks of letters."""

    valid_from: date | None = None
    rhythm: str = Field("even", max_length=10)
    share: Annotated[list[Percent], BeforeValidator(_several)] = Field(default_factory=list, max_length=PARTS_MAX)
    reference_monday: date | None = None
    order_id: UUID | None = None
    first: Annotated[list[Letter], BeforeValidator(_several)] = Field(list("aaaaaaa"), max_length=7)
    second: Annotated[list[Letter], BeforeValidator(_several)] = Field(list("bbbbbbb"), max_length=7)

    @property
    def weeks(self) -> tuple[str, str]:
        """The two weeks as letters: those of the usual rhythm, or those that were chosen day by day."""
        if self.rhythm in RHYTHMS:
            _, first, second = RHYTHMS[self.rhythm]
            return first, second
        return "".join(self.first), "".join(self.second)


class ExceptionForm(BaseModel):
    """Days that leave the rhythm; `whose` is the place of a side, nobody, or the rhythm again."""

    key: UUID
    first: date | None = None
    last: date | None = None
    whose: str = Field("", max_length=10)
    reason: str = Field("", max_length=120)


class OrderForm(StepForm):
    """A court order as it stands on the paper, and whether it changes a guardian's authority."""

    court: str = Field("", max_length=120)
    reference: str = Field("", max_length=60)
    decided_on: date | None = None
    effective_on: date | None = None
    note: str = Field("", max_length=300)
    authority: str = Field(NO_AUTHORITY_CHANGE, max_length=60)
    note_key: UUID | None = None


@routes.get("/{id}/enfants/{child}/calendrier", access=Permission.FAMILIES)
async def rhythm_page(context: Context) -> web.Response:
    """Show where a calendar is written down."""
    child = await _shared_child(context)
    form = RhythmForm(key=new_id(), valid_from=local_day(context.now))
    return context.page("family_rhythm.html", view=await _rhythm(context, child, form))


@routes.post("/{id}/enfants/{child}/calendrier", access=Permission.FAMILIES, body=RhythmForm, form=True)
async def rhythm(context: Context, form: RhythmForm) -> web.Response:
    """Let a calendar begin, once its first months were looked at."""
    child = await _shared_child(context)
    page = await _rhythm(context, child, form)
    sides = child.shared_on(form.valid_from or local_day(context.now))[:PARTS_MAX]
    if form.valid_from is None or len(form.share) != len(sides):
        return again(context, "family_rhythm.html", page, INCOMPLETE)
    asked = _asked(child, sides, form, form.valid_from)
    child_id, account_id = child.person.id, child.account.id

    async def act() -> None:
        await arrange(context.db, asked, recorded_by=context.principal.id, now=context.now)

    preview = None if form.sure else _preview(context, child, asked, page)
    outcome = await step(context, form, act)
    if isinstance(outcome, Refusal):
        return again(context, "family_rhythm.html", page, outcome)
    if preview is not None:
        return context.page("family_sure.html", view=replace(preview, hidden=form.hidden))
    await context.journal_once("custody-arranged", form.key, subject=("person", child_id), account_id=account_id)
    return context.redirect(f"/familles/{account_id}/enfants/{child_id}?mois={asked.valid_from:%Y-%m}")


@routes.get("/{id}/enfants/{child}/exception", access=Permission.FAMILIES)
async def exception_page(context: Context) -> web.Response:
    """Ask for days that leave the rhythm."""
    child = await _shared_child(context)
    return context.page("family_form.html", view=_exception(context, child, ExceptionForm(key=new_id())))


@routes.post("/{id}/enfants/{child}/exception", access=Permission.FAMILIES, body=ExceptionForm, form=True)
async def exception(context: Context, form: ExceptionForm) -> web.Response:
    """Record days that leave the rhythm; a later record takes them back."""
    child = await _shared_child(context)
    page = _exception(context, child, form)
    reason = " ".join(form.reason.split())
    if form.first is None or form.last is None or len(reason) < 2 or not form.whose:
        return again(context, "family_form.html", page, INCOMPLETE)
    standing = in_force(child.arrangements, form.first)
    if standing is None:
        # A day that is settled is said first: it has no calendar because none may begin there.
        past = form.first < local_day(context.now)
        return again(context, "family_form.html", page, PastIsSettled() if past else UnknownArrangement())
    first, last, account_id, child_id = form.first, form.last, child.account.id, child.person.id

    try:
        await add_exception(
            context.db,
            form.key,
            arrangement_id=standing.id,
            first=first,
            last=last,
            account_id=_bearer(child, form.whose),
            reason=reason,
            by_rhythm=form.whose == BY_RHYTHM,
            recorded_by=context.principal.id,
            now=context.now,
        )
    except Refusal as refusal:
        return again(context, "family_form.html", page, refusal)
    await context.journal_once("custody-exception", form.key, subject=("person", child_id), account_id=account_id)
    return context.redirect(f"/familles/{account_id}/enfants/{child_id}?mois={first:%Y-%m}")


@routes.get("/{id}/enfants/{child}/decision", access=Permission.FAMILIES)
async def order_page(context: Context) -> web.Response:
    """Ask for a court order as it stands on the paper."""
    child = await child_of(context, context.path_id(), context.path_id("child"))
    form = OrderForm(key=new_id(), note_key=new_id(), decided_on=None)
    return context.page("family_form.html", view=_order(context, child, form))


@routes.post("/{id}/enfants/{child}/decision", access=Permission.FAMILIES, body=OrderForm, form=True)
async def order(context: Context, form: OrderForm) -> web.Response:
    """Record a court order, and what it says of a guardian's authority, once that is sure."""
    child = await child_of(context, context.path_id(), context.path_id("child"))
    page = _order(context, child, form)
    if not (form.court.strip() and form.reference.strip() and form.decided_on):
        return again(context, "family_form.html", page, INCOMPLETE)
    if form.authority != NO_AUTHORITY_CHANGE and _guardian(form.authority) not in _guardians(child):
        raise NotFound
    account_id, child_id = child.account.id, child.person.id
    said = _order_words(context, child, form)

    async def act() -> None:
        await _record_order(context, child_id, form)

    outcome = await step(context, form, act)
    if isinstance(outcome, Refusal):
        return again(context, "family_form.html", page, outcome)
    if not form.sure:
        sure = SurePage(
            title=context._(N_("Enregistrer cette décision ?")),
            about=page.about,
            url=page.url,
            back_url=page.back_url,
            button=context._(N_("Oui, enregistrer")),
            said=said,
            hidden=form.hidden,
            lasting=context._(LASTING),
        )
        return context.page("family_sure.html", view=sure)
    await context.journal_once("court-order-recorded", form.key, subject=("person", child_id), account_id=account_id)
    if form.authority != NO_AUTHORITY_CHANGE:
        await context.journal_once("authority-noted", form.key, subject=("person", child_id), account_id=account_id)
    return context.redirect(f"/familles/{account_id}/enfants/{child_id}")


async def _shared_child(context: Context) -> Child:
    """Return the child in the path, which is in several accounts today.

    Raises:
        NotFound: in one account every day is that account's, and there is nothing to arrange.
    """
    child = await child_of(context, context.path_id(), context.path_id("child"))
    if len(child.shared_on(local_day(context.now))) < 2:
        raise NotFound
    return child


def _asked(child: Child, sides: tuple[Side, ...], form: RhythmForm, begins: date) -> NewArrangement:
    first, second = form.weeks
    return NewArrangement(
        id=form.key,
        child_id=child.person.id,
        valid_from=begins,
        parts=tuple(Part(side.account_id, share) for side, share in zip(sides, form.share, strict=True)),
        first_week=first,
        second_week=second,
        reference_monday=form.reference_monday,
        order_id=form.order_id,
    )


def _preview(context: Context, child: Child, asked: NewArrangement, page: RhythmPage) -> SurePage | None:
    """Return the last question with the calendar's first two months; nothing where the weeks cannot be drawn."""
    letters = {*LETTERS[: len(asked.parts)], NOBODY}
    if any(len(week) != 7 or not set(week) <= letters for week in (asked.first_week, asked.second_week)):
        return None
    hypothetical = Arrangement(
        id=asked.id,
        valid_from=asked.valid_from,
        recorded_at=context.now,
        parts=asked.parts,
        first_week=asked.first_week,
        second_week=asked.second_week,
        reference_monday=asked.reference_monday,
    )
    month = asked.valid_from.replace(day=1)
    today = local_day(context.now)
    return SurePage(
        title=context._(N_("Ce calendrier est-il le bon ?")),
        about=page.about,
        url=page.url,
        back_url=page.back_url,
        button=context._(N_("Oui, enregistrer ce calendrier")),
        said=rhythm_words(context, child, hypothetical),
        lasting=context._(
            N_("Il vaut jusqu’au prochain. Le passé ne change pas : une erreur se corrige par un autre calendrier.")
        ),
        months=tuple(
            month_view(context, child, each, today=today, more=[hypothetical]) for each in (month, first_of_next(month))
        ),
    )


async def _rhythm(context: Context, child: Child, form: RhythmForm) -> RhythmPage:
    sides = child.shared_on(form.valid_from or local_day(context.now))[:PARTS_MAX]
    given = form.share if len(form.share) == len(sides) else [100 // max(1, len(sides))] * len(sides)
    shares = [
        FieldView("share", context._(N_("Part du compte {who}"), who=side.long), "number", str(share))
        for side, share in zip(sides, given, strict=True)
    ]
    letters = [Option(LETTERS[place], side.word) for place, side in enumerate(sides)]
    letters.append(Option(NOBODY, context._(N_("Personne"))))
    rhythms = [Option(name, context._(words)) for name, (words, *_) in RHYTHMS.items() if len(sides) == 2]
    rhythms.append(Option(DAYS, context._(N_("Jour par jour, dans les deux semaines ci-dessous"))))
    return RhythmPage(
        child=child.name,
        about=household_title(context, child.account),
        url=child_url(child, "/calendrier"),
        back_url=child_url(child),
        key=str(form.key),
        valid_from=form.valid_from.isoformat() if form.valid_from else "",
        rhythms=tuple(rhythms),
        rhythm=form.rhythm if form.rhythm in {option.value for option in rhythms} else DAYS,
        shares=tuple(shares),
        letters=tuple(letters),
        first_week=_weekdays(context, form.first),
        second_week=_weekdays(context, form.second),
        orders=tuple(
            Option(str(each.id), f"{each.court}, {each.reference}, {day_words(context, each.decided_on)}")
            for each in await orders_of(context.db, child.person.id)
        ),
        order=str(form.order_id or ""),
    )


def _weekdays(context: Context, letters: list[str]) -> tuple[WeekdayField, ...]:
    padded = [*letters, *"a" * len(WEEKDAYS)]
    return tuple(WeekdayField(context._(word), letter) for word, letter in zip(WEEKDAYS, padded, strict=False))


def _exception(context: Context, child: Child, form: ExceptionForm) -> FormPage:
    whose = [
        Option(str(child.sides.index(side)), context._(N_("Jours du compte {who}"), who=side.long))
        for side in child.shared_on(form.first or local_day(context.now))
    ]
    whose.append(Option(NOBODYS, context._(N_("Jours de personne"))))
    whose.append(Option(BY_RHYTHM, context._(N_("De nouveau selon le rythme : une exception est retirée"))))
    return FormPage(
        title=context._(N_("Des jours qui sortent du rythme")),
        about=f"{child.name} · {household_title(context, child.account)}",
        url=child_url(child, "/exception"),
        back_url=child_url(child),
        button=context._(N_("Enregistrer ces jours")),
        fields=(
            FieldView("first", context._(N_("Premier jour")), "date", form.first.isoformat() if form.first else ""),
            FieldView("last", context._(N_("Dernier jour")), "date", form.last.isoformat() if form.last else ""),
            FieldView("whose", context._(N_("À qui sont ces jours ?")), "radio", form.whose, options=tuple(whose)),
            FieldView(
                "reason",
                context._(N_("Pourquoi ?")),
                value=form.reason,
                hint=context._(N_("Par exemple « vacances de Noël, première moitié ». Les deux familles le lisent.")),
                max_length=120,
            ),
        ),
        hidden=(("key", str(form.key)),),
        said=(context._(N_("D’aujourd’hui au plus tôt. De deux exceptions, la dernière enregistrée vaut.")),),
    )


def _bearer(child: Child, whose: str) -> UUID | None:
    if whose in (NOBODYS, BY_RHYTHM):
        return None
    places = {str(place): side.account_id for place, side in enumerate(child.sides)}
    if whose not in places:
        raise NotFound
    return places[whose]


def _order(context: Context, child: Child, form: OrderForm) -> FormPage:
    changes = [Option(NO_AUTHORITY_CHANGE, context._(N_("Non")))]
    for guardian_id, name in _guardians(child).items():
        changes.append(Option(f"-{guardian_id}", context._(N_("Oui : elle est retirée à {name}"), name=name)))
        changes.append(Option(f"+{guardian_id}", context._(N_("Oui : elle est rendue à {name}"), name=name)))
    return FormPage(
        title=context._(N_("Décision de justice")),
        about=f"{child.name} · {household_title(context, child.account)}",
        url=child_url(child, "/decision"),
        back_url=child_url(child),
        button=context._(N_("Continuer")),
        fields=(
            FieldView("court", context._(N_("Tribunal")), value=form.court, max_length=120),
            FieldView("reference", context._(N_("Référence")), value=form.reference, max_length=60),
            FieldView(
                "decided_on",
                context._(N_("Décidée le")),
                "date",
                form.decided_on.isoformat() if form.decided_on else "",
            ),
            FieldView(
                "effective_on",
                context._(N_("Vaut depuis le")),
                "date",
                form.effective_on.isoformat() if form.effective_on else "",
                context._(N_("Laissez vide si c’est le même jour.")),
                required=False,
            ),
            FieldView(
                "authority",
                context._(N_("Change-t-elle l’autorité parentale ?")),
                "select",
                form.authority,
                options=tuple(changes),
            ),
            FieldView("note", context._(N_("À savoir")), value=form.note, required=False, max_length=300),
        ),
        hidden=(("key", str(form.key)), ("note_key", str(form.note_key or new_id()))),
        said=(
            context._(
                N_("Recopiez ce qui est sur le papier montré. Le calendrier des jours s’enregistre ensuite, à part.")
            ),
        ),
    )


def _order_words(context: Context, child: Child, form: OrderForm) -> tuple[str, ...]:
    assert form.decided_on is not None, "it was asked for"
    facts = {
        "court": form.court.strip(),
        "reference": form.reference.strip(),
        "decided": day_words(context, form.decided_on),
        "effective": day_words(context, form.effective_on or form.decided_on),
    }
    said = [context._(N_("{court}, {reference}, du {decided}, valable depuis le {effective}."), **facts)]
    guardian_id = _guardian(form.authority)
    name = _guardians(child).get(guardian_id) if guardian_id else None
    if form.authority.startswith("-") and name:
        said.append(
            context._(
                N_("L’autorité parentale est retirée à {name} : présences et factures de l’enfant lui seront fermées."),
                name=name,
            )
        )
    elif form.authority.startswith("+") and name:
        said.append(context._(N_("L’autorité parentale est rendue à {name}."), name=name))
    else:
        said.append(context._(N_("L’autorité parentale ne change pas.")))
    return tuple(said)


def _guardians(child: Child) -> dict[UUID, str]:
    return dict(guardian for side in child.sides for guardian in side.guardians)


def _guardian(authority: str) -> UUID | None:
    """Return whose authority changes: "-" and their id where it is taken, "+" where it is given back."""
    if authority[:1] not in ("-", "+"):
        return None
    try:
        return UUID(authority[1:])
    except ValueError:
        return None


async def _record_order(context: Context, child_id: UUID, form: OrderForm) -> None:
    """Record the order, and what it says of somebody's authority, in one transaction."""
    assert form.decided_on is not None, "it was asked for"
    recorded = await record_order(
        context.db,
        form.key,
        child_id=child_id,
        court=form.court.strip(),
        reference=form.reference.strip(),
        decided_on=form.decided_on,
        effective_on=form.effective_on or form.decided_on,
        note=form.note.strip(),
        recorded_by=context.principal.id,
        now=context.now,
    )
    guardian_id = _guardian(form.authority)
    if guardian_id is not None and form.note_key is not None:
        await note_authority(
            context.db,
            form.note_key,
            child_id=child_id,
            guardian_id=guardian_id,
            held=form.authority.startswith("+"),
            valid_from=recorded.effective_on,
            order_id=recorded.id,
            recorded_by=context.principal.id,
            now=context.now,
        )
