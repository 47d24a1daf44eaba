"""What stays unpaid: who owes what at a day, the list for the comptable, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field

from cvq_advisor_console.cash.amounts import BAD_AMOUNT, BAD_DAY, BAD_NUMBER, cents_of, written
from cvq_advisor_console.treasury.desk import URL, TreasuryDesk, as_list, desk_of
from cvq_advisor_console.views.cash import SlipRow
from cvq_advisor_console.views.treasury import (
    AgeRow,
    DebtRow,
    FamilyRow,
    HandedRow,
    RuleView,
    UnpaidStateView,
    UnpaidView,
)
from cvq_core.clock import local_day
from cvq_core.errors import N_, BadInput
from cvq_core.ids import new_id
from cvq_core.spreadsheets import Money, Sheet, to_csv, to_xlsx
from cvq_core.staff import Permission
from cvq_core.text import long_date, money
from cvq_core.treasury.unpaid import (
    StateLine,
    hand_over,
    items_of,
    number_of,
    rule_of,
    set_rule,
    state_line,
    states_of,
    unpaid_of,
    withdraw,
)
from cvq_core.treasury.unpaid_pdf import unpaid_pdf, unpaid_sheet
from cvq_core.treasury.unpaid_rules import (
    AGES,
    GATHERED_WORDS,
    BadClaimRule,
    ClaimRule,
    FamilyDebts,
    Gathered,
    UnknownState,
    by_age,
)
from cvq_core.web import Context, Routes
from cvq_core.web.problems import describe
from cvq_core.web.views import Act

routes = Routes(f"{URL}/restes", tag="pages")

PAGE = f"{URL}/restes"
SHOWN_MAX = 400
KEPT_MAX = 400
FIRST_DAY = date(2000, 1, 1)
FILE_TYPES = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
STATE = N_("État des restes à recouvrer")
WITHDRAWAL = N_("Retrait d’un état")
HANDED = N_("chez le comptable")
WITHDRAWN = N_("retiré")
WITHDRAWS = N_("retrait")
NO_RULE = N_("cumulé : le seuil n’est pas réglé")
TONES = {Gathered.CLAIMABLE: "sun", Gathered.BELOW: "", Gathered.GRACE: "", Gathered.HANDED: "ok"}
LEGAL_THRESHOLD_CENTS = 15_00
"""What the form proposes first; what counts is the setting."""
LEGAL_SOURCE = "CGCT, articles L1611-5 et D1611-1"


class HandOverForm(BaseModel):
    """What was shown in all, in cents, and the families that are left out this time."""

    key: UUID
    total: int = Field(ge=1, le=10**12)
    keep: str | list[Annotated[str, Field(max_length=40)]] | None = None


class WithdrawForm(BaseModel):
    """Why a list is withdrawn."""

    key: UUID
    reason: str = Field(min_length=3, max_length=200)


class RuleForm(BaseModel):
    """From which sum on debts are claimed."""

    key: UUID
    threshold: str = Field(default="", max_length=12)
    grace_days: str = Field(default="", max_length=4)
    source: str = Field(default="", max_length=160)
    valid_from: str = Field(default="", max_length=10)


@routes.get("", access=Permission.COLLECT)
async def unpaid_page(context: Context) -> web.Response:
    """Show who owes what at a day."""
    desk = await desk_of(context)
    return desk.page(unpaid=await _view(desk))


@routes.get("/liste.{format}", access=Permission.COLLECT)
async def list_file(context: Context) -> web.Response:
    """Give who owes what at a day as a file."""
    desk, kind = await desk_of(context), _kind(context)
    day = _day(desk)
    body = await _file(kind, _sheet(desk, await unpaid_of(context.db, desk.office.id, day), day))
    return _sent(body, kind, f"{desk.office.code}-restes-{day}")


@routes.post("/transmettre", access=Permission.COLLECT, body=HandOverForm, form=True)
async def hand_it_over(context: Context, form: HandOverForm) -> web.Response:
    """Hand what may be claimed over to the comptable; the same key twice is one list."""
    desk = await desk_of(context)
    made = await hand_over(
        context.db,
        key=form.key,
        office_id=desk.office.id,
        kept=[_id(value) for value in as_list(form.keep, KEPT_MAX)],
        total_cents=form.total,
        officer=desk.officer,
        now=context.now,
    )
    await context.journal_once("unpaid-handed-over", made.id, subject=("unpaid_state", made.id))
    return context.redirect(f"{PAGE}/etats/{made.id}")


@routes.post("/seuil", access=Permission.COLLECT, body=RuleForm, form=True)
async def set_it(context: Context, form: RuleForm) -> web.Response:
    """Say from which sum on debts are claimed, from a day on."""
    desk = await desk_of(context)
    errors: dict[str, str] = {}
    threshold, days = cents_of(form.threshold), form.grace_days.strip()
    if threshold is None:
        errors["threshold"] = context._(BAD_AMOUNT)
    if not (days.isascii() and days.isdigit()):
        errors["grace_days"] = context._(BAD_NUMBER)
    try:
        day = date.fromisoformat(form.valid_from)
    except ValueError:
        day, errors["valid_from"] = local_day(context.now), context._(BAD_DAY)
    if not errors and threshold is not None:
        try:
            made = await set_rule(
                context.db,
                form.key,
                office_id=desk.office.id,
                rule=ClaimRule(threshold, int(days), form.source.strip()),
                valid_from=day,
                officer=desk.officer,
                now=context.now,
            )
        except BadClaimRule as refusal:
            problem = describe(refusal, context.words)
            errors["source"] = " ".join((problem["title"], problem["detail"]))
        else:
            await context.journal_once("claim-rule-set", made.id, subject=("claim_setting", made.id))
            return context.redirect(PAGE)
    return desk.page(unpaid=await _view(desk, form, errors), status=422)


@routes.get("/etats/{id}", access=Permission.COLLECT)
async def state_page(context: Context) -> web.Response:
    """Show a list, with what became of each debt."""
    desk = await desk_of(context)
    return desk.page(unpaid_state=await _state(desk, await _state_here(desk)))


@routes.get("/etats/{id}/etat.{format}", access=Permission.COLLECT)
async def state_file(context: Context) -> web.Response:
    """Give a list as PDF, CSV or XLSX."""
    desk = await desk_of(context)
    line = await _state_here(desk)
    kind = context.request.match_info["format"]
    name = number_of(line.state)
    if kind == "pdf":
        body = await asyncio.to_thread(unpaid_pdf, line.state, withdrawn=line.withdrawn_by_id is not None)
        return web.Response(
            body=body,
            content_type="application/pdf",
            headers={"Content-Disposition": f'inline; filename="{name}.pdf"', "Cache-Control": "no-store"},
        )
    kind = _kind(context)
    return _sent(await _file(kind, unpaid_sheet(line.state, desk.say)), kind, name)


@routes.post("/etats/{id}/retirer", access=Permission.COLLECT, body=WithdrawForm, form=True)
async def withdraw_it(context: Context, form: WithdrawForm) -> web.Response:
    """Withdraw a list by one of its own."""
    desk = await desk_of(context)
    await _state_here(desk)
    made = await withdraw(
        context.db,
        key=form.key,
        state_id=context.path_id(),
        reason=form.reason,
        officer=desk.officer,
        now=context.now,
    )
    await context.journal_once("unpaid-withdrawn", made.id, subject=("unpaid_state", context.path_id()))
    return context.redirect(f"{PAGE}/etats/{made.id}")


async def _view(desk: TreasuryDesk, form: RuleForm | None = None, errors: dict[str, str] | None = None) -> UnpaidView:
    db, today, day = desk.context.db, local_day(desk.context.now), _day(desk)
    rule = await rule_of(db, desk.office.id, day)
    families = await unpaid_of(db, desk.office.id, day)
    debts = [debt for each in families for debt in each.debts]
    claimable = [each for each in families if each.claimable_cents]
    total = sum(each.claimable_cents for each in claimable)
    # Those that may be claimed first: they are what is decided about.
    shown = sorted(families, key=lambda each: not each.claimable_cents)[:SHOWN_MAX]
    return UnpaidView(
        url=PAGE,
        day=day,
        families=tuple(_family(desk, each, rule, day) for each in shown),
        owed_cents=sum(debt.owed_cents for debt in debts),
        handed_cents=sum(debt.handed_cents for debt in debts),
        claimable_cents=total,
        claimable=len(claimable),
        ages=tuple(AgeRow(word, cents) for word, cents in zip(_spans(desk), by_age(debts, day), strict=True)),
        states=tuple(_slip(desk, line) for line in await states_of(db, desk.office.id, limit=8)),
        rule=_rule(desk, rule, today, form, errors),
        key=str(new_id()),
        csv_url=f"{PAGE}/liste.csv?day={day}",
        xlsx_url=f"{PAGE}/liste.xlsx?day={day}",
        hand_over=Act(f"{PAGE}/transmettre") if day == today and claimable else None,
        hidden=len(families) - len(shown),
    )


def _family(desk: TreasuryDesk, each: FamilyDebts, rule: ClaimRule | None, day: date) -> FamilyRow:
    return FamilyRow(
        value=str(each.family.id),
        number=each.family.number,
        label=each.family.label,
        debts=tuple(
            DebtRow(debt.label, debt.since, debt.age_days(day), debt.owed_cents, debt.handed_cents)
            for debt in each.debts
        ),
        open_cents=each.open_cents,
        handed_cents=each.handed_cents,
        claimable_cents=each.claimable_cents,
        state=_why(desk, each, rule),
        tone=TONES[each.state],
    )


def _why(desk: TreasuryDesk, each: FamilyDebts, rule: ClaimRule | None) -> str:
    language = desk.context.language
    if each.state is Gathered.BELOW:
        if rule is None:
            return desk.say(NO_RULE)
        return desk.say(
            GATHERED_WORDS[Gathered.BELOW],
            sum=money(each.ripe_cents, language),
            threshold=money(rule.threshold_cents, language),
        )
    if each.state is Gathered.GRACE:
        return desk.say(GATHERED_WORDS[Gathered.GRACE], day=long_date(each.ripe_on, language))
    return desk.say(GATHERED_WORDS[each.state])


def _rule(
    desk: TreasuryDesk,
    rule: ClaimRule | None,
    today: date,
    form: RuleForm | None,
    errors: dict[str, str] | None,
) -> RuleView:
    words = ""
    if rule is not None:
        words = desk.say(
            N_("À partir de {threshold} par famille, {days} jours après l’échéance ({source})."),
            threshold=money(rule.threshold_cents, desk.context.language),
            days=rule.grace_days,
            source=rule.source,
        )
    return RuleView(
        url=f"{PAGE}/seuil",
        key=str(form.key if form else new_id()),
        words=words,
        threshold=form.threshold if form else written(rule.threshold_cents if rule else LEGAL_THRESHOLD_CENTS),
        grace_days=form.grace_days if form else str(rule.grace_days if rule else 30),
        source=form.source if form else (rule.source if rule else LEGAL_SOURCE),
        valid_from=today,
        errors=errors or {},
    )


def _spans(desk: TreasuryDesk) -> list[str]:
    first, *others = AGES
    words = [desk.say(N_("{last} jours au plus"), last=first)]
    words += [
        desk.say(N_("{first} à {last} jours"), first=before + 1, last=last)
        for before, last in zip(AGES, others, strict=False)
    ]
    return [*words, desk.say(N_("plus de {last} jours"), last=AGES[-1])]


def _slip(desk: TreasuryDesk, line: StateLine) -> SlipRow:
    state, tone = _words(line)
    made = line.state
    return SlipRow(number_of(made), made.made_at, made.total_cents, f"{PAGE}/etats/{made.id}", desk.say(state), tone)


def _words(line: StateLine) -> tuple[str, str]:
    if line.state.withdraws_id is not None:
        return WITHDRAWS, "off"
    return (HANDED, "ok") if line.stands else (WITHDRAWN, "off")


async def _state(desk: TreasuryDesk, line: StateLine) -> UnpaidStateView:
    made, printed = line.state, line.state.printed
    items = await items_of(desk.context.db, line)
    state, tone = _words(line)
    address = f"{PAGE}/etats/{made.id}"
    return UnpaidStateView(
        id=str(made.id),
        title=desk.say(WITHDRAWAL if made.withdraws_id else STATE),
        number=number_of(made),
        made_at=made.made_at,
        rows=tuple(
            HandedRow(
                account=each.printed["account"],
                who=each.printed["payers"] or each.printed["family"],
                label=each.printed["label"],
                since=date.fromisoformat(each.printed["since"]),
                amount_cents=each.amount_cents,
                paid_cents=each.paid_cents,
                cancelled_cents=each.cancelled_cents,
                left_cents=each.left_cents,
            )
            for each in items[:SHOWN_MAX]
        ),
        families=made.families,
        total_cents=made.total_cents,
        paid_cents=sum(each.paid_cents for each in items),
        cancelled_cents=sum(each.cancelled_cents for each in items),
        left_cents=sum(each.left_cents for each in items) if line.stands else 0,
        pdf_url=f"{address}/etat.pdf",
        csv_url=f"{address}/etat.csv",
        xlsx_url=f"{address}/etat.xlsx",
        next_url=PAGE,
        state=desk.say(state),
        tone=tone,
        reason=printed.get("reason", ""),
        hidden=max(0, len(items) - SHOWN_MAX),
        withdraw=Act(f"{address}/retirer?key={new_id()}") if line.stands else None,
    )


def _sheet(desk: TreasuryDesk, families: Sequence[FamilyDebts], day: date) -> Sheet:
    say = desk.say
    columns = (
        N_("Compte"),
        N_("Famille"),
        N_("Dette"),
        N_("Depuis le"),
        N_("Âge (jours)"),
        N_("Dû (€)"),
        N_("Chez le comptable (€)"),
        N_("Où on en est"),
    )
    return Sheet(
        say(N_("Restes à recouvrer")),
        [say(column) for column in columns],
        [
            (
                each.family.number,
                each.family.label,
                debt.label,
                debt.since.isoformat(),
                debt.age_days(day),
                Money(debt.owed_cents),
                Money(debt.handed_cents),
                say(STATE_WORDS[each.state]),
            )
            for each in families
            for debt in each.debts
        ],
    )


STATE_WORDS = {
    Gathered.CLAIMABLE: N_("à transmettre"),
    Gathered.BELOW: N_("cumulé sous le seuil"),
    Gathered.GRACE: N_("relance en cours"),
    Gathered.HANDED: N_("transmis au comptable"),
}


async def _file(kind: str, part: Sheet) -> bytes:
    return await asyncio.to_thread(to_csv if kind == "csv" else to_xlsx, [part])


def _sent(body: bytes, kind: str, name: str) -> web.Response:
    return web.Response(
        body=body,
        content_type=FILE_TYPES[kind],
        headers={"Content-Disposition": f'attachment; filename="{name}.{kind}"', "Cache-Control": "no-store"},
    )


def _kind(context: Context) -> str:
    kind = context.request.match_info["format"]
    if kind not in FILE_TYPES:
        raise web.HTTPNotFound
    return kind


def _day(desk: TreasuryDesk) -> date:
    today = local_day(desk.context.now)
    try:
        day = date.fromisoformat(desk.context.request.query.get("day", ""))
    except ValueError:
        return today
    return day if FIRST_DAY <= day <= today else today


async def _state_here(desk: TreasuryDesk) -> StateLine:
    """Return the list in the path, of this office.

    Raises:
        UnknownState
    """
    line = await state_line(desk.context.db, desk.context.path_id())
    if line.state.office_id != desk.office.id:
        raise UnknownState
    return line


def _id(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise BadInput from None
