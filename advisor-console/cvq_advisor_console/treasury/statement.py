"""The treasury account's statement: a file is taken in, its lines are matched, the officer decides about the rest."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Annotated
from urllib.parse import unquote
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy import select

from cvq_advisor_console.treasury.desk import URL, TreasuryDesk, as_list, desk_of
from cvq_advisor_console.views.treasury import ExpectedRow, FileRow, LineRow, MatchRow, ReadingRow, StatementView
from cvq_core.clock import local_day
from cvq_core.errors import N_, BadInput
from cvq_core.ids import new_id
from cvq_core.spreadsheets import Money, Sheet, to_csv, to_xlsx
from cvq_core.staff import Permission
from cvq_core.staff.tables import Staff
from cvq_core.text import short_date
from cvq_core.treasury.matching import (
    ITEM_WORDS,
    REASON_WORDS,
    TOGETHER_MAX,
    Item,
    ItemKey,
    ItemKind,
    Line,
    Reading,
    Reason,
)
from cvq_core.treasury.statement_file import BadStatement
from cvq_core.treasury.statements import (
    Decided,
    Standing,
    decide,
    import_statement,
    latest_matches,
    match_certain,
    standing_of,
    statements_of,
    undo,
)
from cvq_core.web import Context, Routes
from cvq_core.web.upload import Upload
from cvq_core.web.views import Act, Region

routes = Routes(f"{URL}/releve", tag="pages")

PAGE = f"{URL}/releve"
SHOWN_MAX = 200
MATCHED = N_("rapproché")
ALONE = N_("rapproché sans demander")
FILED = N_("classé")
UNDONE = N_("défait")
FILE_TYPES = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


class DecideForm(BaseModel):
    """Lines of the statement and expected movements (`<kind>:<id>`) that are the same, or one side with its reason."""

    key: UUID
    line: str | list[Annotated[str, Field(max_length=40)]] | None = None
    item: str | list[Annotated[str, Field(max_length=80)]] | None = None
    note: str = Field(default="", max_length=200)


class UndoForm(BaseModel):
    """Why a match is undone."""

    key: UUID
    note: str = Field(default="", max_length=200)


@routes.get("", access=Permission.COLLECT)
async def statement_page(context: Context) -> web.Response:
    """Show what is not matched on both sides, and the latest decisions."""
    desk = await desk_of(context)
    return desk.page(statement=await _view(desk))


@routes.get("/fragments/page", access=Permission.COLLECT)
async def statement_fragment(context: Context) -> web.Response:
    """Draw it anew."""
    return context.page("fragments/treasury_statement.html", view=await _view(await desk_of(context)))


@routes.get("/ecarts.{format}", access=Permission.COLLECT)
async def unmatched_file(context: Context) -> web.Response:
    """Give what is not matched on both sides as a file."""
    kind = context.request.match_info["format"]
    if kind not in FILE_TYPES:
        raise web.HTTPNotFound
    desk = await desk_of(context)
    today = local_day(context.now)
    parts = _sheets(desk, await standing_of(context.db, desk.office, today), today)
    body = await asyncio.to_thread(to_csv if kind == "csv" else to_xlsx, parts)
    name = f"{desk.office.code}-rapprochement-{today}.{kind}"
    return web.Response(
        body=body,
        content_type=FILE_TYPES[kind],
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


@routes.post("/fichier", access=Permission.COLLECT, upload=True)
async def import_file(context: Context, upload: Upload) -> web.Response:
    """Take in a statement of the account."""
    desk = await desk_of(context)
    if len(upload.files) != 1:
        raise BadStatement(line=1)
    name = unquote(context.request.headers.get("X-File-Name", "")).replace("\0", "")[:120]
    made = await import_statement(
        context.db,
        office_id=desk.office.id,
        name=name,
        content=upload.files[0],
        officer=desk.officer,
        now=context.now,
    )
    await context.journal_once("treasury-statement-imported", made.id, subject=("treasury_statement", made.id))
    return web.Response(status=204)


@routes.post("/rapprocher", access=Permission.COLLECT)
async def match_now(context: Context) -> web.Response:
    """Match what is certain by now."""
    desk = await desk_of(context)
    count = await match_certain(context.db, office_id=desk.office.id, officer=desk.officer, now=context.now)
    if count:
        context.journal("treasury-matched", subject=("cash_office", desk.office.id), personal={"lines": count})
    return context.redirect(PAGE)


@routes.post("/decider", access=Permission.COLLECT, body=DecideForm, form=True)
async def decide_it(context: Context, form: DecideForm) -> web.Response:
    """Put lines and expected movements together, or file one side with its reason."""
    desk = await desk_of(context)
    made = await decide(
        context.db,
        key=form.key,
        office_id=desk.office.id,
        line_ids=[_id(value) for value in as_list(form.line, TOGETHER_MAX)],
        item_keys=[_key(value) for value in as_list(form.item, TOGETHER_MAX)],
        note=form.note,
        officer=desk.officer,
        now=context.now,
    )
    await context.journal_once(
        "treasury-decided", made.id, subject=("treasury_match", made.id), personal={"note": made.note}
    )
    return context.redirect(PAGE)


@routes.post("/{id}/defaire", access=Permission.COLLECT, body=UndoForm, form=True)
async def undo_it(context: Context, form: UndoForm) -> web.Response:
    """Undo a match by a counter-decision."""
    desk = await desk_of(context)
    made = await undo(
        context.db,
        key=form.key,
        match_id=context.path_id(),
        note=form.note,
        officer=desk.officer,
        now=context.now,
    )
    await context.journal_once(
        "treasury-match-undone", made.id, subject=("treasury_match", made.undoes_id), personal={"note": made.note}
    )
    return context.redirect(PAGE)


async def _view(desk: TreasuryDesk) -> StatementView:
    db, today = desk.context.db, local_day(desk.context.now)
    standing = await standing_of(db, desk.office, today)
    matches = await latest_matches(db, desk.office.id)
    names = await _names(desk, matches)
    hidden = max(0, len(standing.lines) - SHOWN_MAX) + max(0, len(standing.items) - SHOWN_MAX)
    return StatementView(
        region=Region(url=f"{PAGE}/fragments/page", topics=()),
        lines=tuple(_line(desk, line, standing, today) for line in standing.lines[:SHOWN_MAX]),
        lines_cents=standing.lines_cents,
        items=tuple(_item(desk, item, today) for item in standing.items[:SHOWN_MAX]),
        items_cents=standing.items_cents,
        matches=tuple(_match(desk, each, names) for each in matches),
        files=tuple(
            FileRow(file.name, file.first_day, file.last_day, file.imported_at, file.lines, file.known)
            for file in await statements_of(db, desk.office.id, limit=4)
        ),
        import_url=f"{PAGE}/fichier",
        decide_url=f"{PAGE}/decider",
        key=str(new_id()),
        match=Act(f"{PAGE}/rapprocher"),
        csv_url=f"{PAGE}/ecarts.csv",
        xlsx_url=f"{PAGE}/ecarts.xlsx",
        hidden=hidden,
    )


def _line(desk: TreasuryDesk, line: Line, standing: Standing, today: date) -> LineRow:
    return LineRow(
        value=str(line.id),
        key=str(new_id()),
        day=line.day,
        label=_written(line),
        amount_cents=line.amount_cents,
        age_days=(today - line.day).days,
        readings=tuple(_reading(desk, way) for way in standing.readings.get(line.id, ())),
    )


def _reading(desk: TreasuryDesk, way: Reading) -> ReadingRow:
    return ReadingRow(
        values=() if way.differs_cents else tuple(f"{item.kind}:{item.id}" for item in way.items),
        labels=tuple(f"{item.label}, {short_date(item.day, desk.context.language)}" for item in way.items),
        why=", ".join(desk.say(REASON_WORDS[reason]) for reason in way.reasons),
        amount_cents=way.amount_cents,
        differs_cents=way.differs_cents,
    )


def _item(desk: TreasuryDesk, item: Item, today: date) -> ExpectedRow:
    return ExpectedRow(
        value=f"{item.kind}:{item.id}",
        day=item.day,
        word=desk.say(ITEM_WORDS[item.kind]),
        label=item.label,
        amount_cents=item.amount_cents,
        age_days=(today - item.day).days,
    )


def _match(desk: TreasuryDesk, each: Decided, names: dict[UUID, str]) -> MatchRow:
    match = each.match
    cents = sum(line.amount_cents for line in each.lines) or sum(item.amount_cents for item in each.items)
    state, tone = (ALONE if match.staff_id is None else MATCHED, "ok")
    if not (each.lines and each.items):
        state, tone = FILED, ""
    if each.undone_by_id is not None:
        state, tone = UNDONE, "off"
    why = ", ".join(desk.say(REASON_WORDS[Reason(word)]) for word in match.reasons)
    return MatchRow(
        lines=tuple(
            f"{short_date(line.day, desk.context.language)}, {line.label} {line.reference}".strip()
            for line in each.lines
        ),
        items=tuple(item.label for item in each.items),
        amount_cents=cents,
        why=match.note or why,
        who=names.get(match.staff_id, "") if match.staff_id else "",
        decided_at=match.decided_at,
        state=desk.say(state),
        tone=tone,
        undo=None if each.undone_by_id else Act(f"{PAGE}/{match.id}/defaire?key={new_id()}"),
    )


async def _names(desk: TreasuryDesk, matches: list[Decided]) -> dict[UUID, str]:
    wanted = {each.match.staff_id for each in matches if each.match.staff_id is not None}
    rows = await desk.context.db.execute(select(Staff.id, Staff.display_name).where(Staff.id.in_(wanted)))
    return dict(rows.all())


def _sheets(desk: TreasuryDesk, standing: Standing, today: date) -> list[Sheet]:
    """Return both sides for a spreadsheet, each with its age in days and, at its end, its total."""
    say = desk.say
    day, label, cents, age = say(N_("Jour")), say(N_("Libellé")), say(N_("Montant (€)")), say(N_("Âge (jours)"))
    total = say(N_("Total"))
    lines = [
        (line.day.isoformat(), line.label, line.reference, Money(line.amount_cents), (today - line.day).days)
        for line in standing.lines
    ]
    items = [
        (
            item.day.isoformat(),
            say(ITEM_WORDS[item.kind]),
            item.label,
            Money(item.amount_cents),
            (today - item.day).days,
        )
        for item in standing.items
    ]
    return [
        Sheet(
            say(N_("Relevé non rapproché")),
            (day, label, say(N_("Référence")), cents, age),
            [*lines, (total, "", "", Money(standing.lines_cents), len(lines))],
        ),
        Sheet(
            say(N_("Attendu et non vu")),
            (day, say(N_("Quoi")), label, cents, age),
            [*items, (total, "", "", Money(standing.items_cents), len(items))],
        ),
    ]


def _written(line: Line) -> str:
    return f"{line.label} {line.reference}".strip()


def _id(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise BadInput from None


def _key(value: str) -> ItemKey:
    kind, _, item_id = value.partition(":")
    if kind not in {each.value for each in ItemKind}:
        raise BadInput
    return ItemKind(kind), _id(item_id)
