"""A child's calendar: whose each day is, what the court decided, what waits on days that are nobody's."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from aiohttp import web
from sqlalchemy import select

from cvq_advisor_console.families.calendar import first_of_next, month_view
from cvq_advisor_console.families.file import household_title
from cvq_advisor_console.families.sides import Child, child_of
from cvq_advisor_console.families.steps import day_words, file_url
from cvq_advisor_console.views.families import ChildPage, LinkRow, OrderRow, WaitingRow
from cvq_core.access.tables import UnclaimedCharge
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.ledger.tables import LedgerTransaction
from cvq_core.people.arrangements import orders_of, without_authority
from cvq_core.people.custody import LETTERS, Arrangement, in_force
from cvq_core.people.masking import holds_authority
from cvq_core.services.rules import SERVICE_LABELS
from cvq_core.staff import Permission
from cvq_core.text import percent
from cvq_core.web import Context, Routes

routes = Routes("/familles", tag="pages")

YEARS = (2000, 2199)
WAITING_MAX = 60
WEEKDAYS = (
    N_("lundi"),
    N_("mardi"),
    N_("mercredi"),
    N_("jeudi"),
    N_("vendredi"),
    N_("samedi"),
    N_("dimanche"),
)
EVERY_DAY = N_("tous les jours")


@routes.get("/{id}/enfants/{child}", access=Permission.FAMILIES)
async def child_page(context: Context) -> web.Response:
    """Show a month of a child's days from the account's side; the look is recorded."""
    child = await child_of(context, context.path_id(), context.path_id("child"))
    if child.account.merged_into_id is not None:
        return context.redirect(file_url(child.account.id))
    view = await _page(context, child)
    async with context.acting() as writing:
        writing.journal("account-looked-at", subject=("person", child.person.id), account_id=child.account.id)
    return context.page("family_child.html", view=view)


def child_url(child: Child, more: str = "") -> str:
    """Return the address of a child's calendar, or of something about it."""
    return file_url(child.account.id, f"/enfants/{child.person.id}{more}")


def rhythm_words(context: Context, child: Child, arrangement: Arrangement) -> tuple[str, ...]:
    """Return an arrangement as sentences: since when, the shares, and the days of its two weeks."""
    day = day_words(context, arrangement.valid_from)
    said = [context._(N_("Calendrier depuis le {day}."), day=day)]
    for part in arrangement.parts:
        side = child.side_of(part.account_id)
        who = (side.long if side else "") or context._(N_("de l’autre foyer"))
        share = percent(part.share_percent, context.language)
        said.append(context._(N_("Compte {who} : {share} de ce qui se partage."), who=who, share=share))
    if arrangement.reference_monday is None:
        first, second = N_("Semaines paires : {days}."), N_("Semaines impaires : {days}.")
    else:
        first, second = N_("Première semaine : {days}."), N_("Deuxième semaine : {days}.")
    said.append(context._(first, days=_week_words(context, child, arrangement, arrangement.first_week)))
    said.append(context._(second, days=_week_words(context, child, arrangement, arrangement.second_week)))
    if arrangement.reference_monday is not None:
        monday = day_words(context, arrangement.reference_monday)
        said.append(context._(N_("La première semaine est celle du {day}, puis une sur deux."), day=monday))
    return tuple(said)


def _week_words(context: Context, child: Child, arrangement: Arrangement, week: str) -> str:
    """Return whose a week's days are: "Ici tous les jours", "Julien mercredi, samedi, dimanche ; Ici les autres"."""
    if len(set(week)) == 1:
        return f"{_word(context, child, arrangement, week[0])} {context._(EVERY_DAY)}"
    by_letter: dict[str, list[str]] = {}
    for weekday, letter in zip(WEEKDAYS, week, strict=True):
        by_letter.setdefault(letter, []).append(context._(weekday))
    return " ; ".join(
        f"{_word(context, child, arrangement, letter)} {', '.join(days)}" for letter, days in by_letter.items()
    )


def _word(context: Context, child: Child, arrangement: Arrangement, letter: str) -> str:
    if letter not in LETTERS:
        return context._(N_("Personne"))
    side = child.side_of(arrangement.parts[LETTERS.index(letter)].account_id)
    return side.word if side else context._(N_("Autre"))


async def _page(context: Context, child: Child) -> ChildPage:
    today = local_day(context.now)
    month = _month(context, today)
    others = [side for side in child.shared_on(today) if not side.is_own]
    standing = in_force(child.arrangements, today)
    coming = [each for each in child.arrangements if each.valid_from > today]
    is_shared = bool(others)
    withdrawn = await without_authority(context.db, [child.person.id], today)
    guardians = [guardian_id for guardian_id, _ in child.sides[0].guardians]
    sees_the_child = not is_shared or holds_authority(child.person.id, guardians, withdrawn)
    return ChildPage(
        name=child.name,
        about=household_title(context, child.account),
        back_url=file_url(child.account.id),
        month=month_view(context, child, month, today=today),
        before_url=_month_url(child, (month - timedelta(days=1)).replace(day=1)),
        after_url=_month_url(child, first_of_next(month)),
        today_url=child_url(child),
        rhythm=tuple(
            sentence
            for each in [*([standing] if standing else []), *coming]
            for sentence in rhythm_words(context, child, each)
            if is_shared
        ),
        orders=tuple(
            OrderRow(
                each.court,
                each.reference,
                each.decided_on,
                each.effective_on,
                each.note,
                local_day(each.recorded_at),
            )
            for each in await orders_of(context.db, child.person.id)
        ),
        authority=_authority(context, child, withdrawn),
        waiting=await _waiting(context, child) if sees_the_child else (),
        is_shared=is_shared,
        actions=_actions(context, child, is_shared=is_shared, has_calendar=standing is not None or bool(coming)),
        others=", ".join(side.long for side in others),
    )


def _month(context: Context, today: date) -> date:
    try:
        asked = date.fromisoformat(context.request.query.get("mois", "") + "-01")
    except ValueError:
        return today.replace(day=1)
    return asked if YEARS[0] <= asked.year <= YEARS[1] else today.replace(day=1)


def _month_url(child: Child, month: date) -> str:
    return child_url(child, f"?mois={month:%Y-%m}")


def _authority(context: Context, child: Child, withdrawn: set[tuple[UUID, UUID]]) -> tuple[str, ...]:
    """Return from whom a court has taken the authority over the child."""
    sentence = N_("{name} n’a plus l’autorité parentale : présences et factures de l’enfant lui sont fermées.")
    guardians = dict(guardian for side in child.sides for guardian in side.guardians)
    return tuple(
        context._(sentence, name=name)
        for guardian_id, name in guardians.items()
        if (child.person.id, guardian_id) in withdrawn
    )


async def _waiting(context: Context, child: Child) -> tuple[WaitingRow, ...]:
    """Return what was served to the child on days that are nobody's and is not settled yet."""
    rows = await context.db.scalars(
        select(UnclaimedCharge)
        .outerjoin(LedgerTransaction, LedgerTransaction.id == UnclaimedCharge.id)
        .where(UnclaimedCharge.person_id == child.person.id, LedgerTransaction.id.is_(None))
        .order_by(UnclaimedCharge.day)
        .limit(WAITING_MAX)
    )
    return tuple(WaitingRow(each.day, context._(SERVICE_LABELS[each.service_code]), each.amount_cents) for each in rows)


def _actions(context: Context, child: Child, *, is_shared: bool, has_calendar: bool) -> tuple[LinkRow, ...]:
    found = []
    if is_shared:
        found.append(LinkRow(context._(N_("Nouveau calendrier")), child_url(child, "/calendrier"), "calendar"))
        if has_calendar:
            found.append(LinkRow(context._(N_("Vacances ou exception")), child_url(child, "/exception"), "pencil"))
    found.append(LinkRow(context._(N_("Décision de justice")), child_url(child, "/decision"), "file-text"))
    return tuple(found)
