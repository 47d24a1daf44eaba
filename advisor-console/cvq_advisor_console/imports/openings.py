"""Opening balances: those that one may take over, compared with the old base's own totals, signed, on paper."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field

from cvq_advisor_console.cash.amounts import BAD_AMOUNT, cents_of, written
from cvq_advisor_console.imports.pages import OPENINGS_URL
from cvq_advisor_console.views.imports import (
    BalanceRow,
    ComparedTotal,
    ComparingView,
    OpeningPage,
    OpeningRow,
    OpeningsPage,
    SignedView,
    StatingView,
    TotalsView,
)
from cvq_core.clock import local_day
from cvq_core.errors import N_, NotFound
from cvq_core.ids import new_id
from cvq_core.imports.opening_list import OpeningList, opening_list, opening_sheet
from cvq_core.imports.opening_pdf import opening_pdf
from cvq_core.imports.openings import (
    ServiceOpening,
    Totals,
    check_may_sign,
    families_waiting,
    openings_of,
    sign_off,
    signing_office,
)
from cvq_core.imports.report import all_batches
from cvq_core.imports.rules import DifferenceUnexplained, FamiliesWait, NotSigned, UnknownImport
from cvq_core.imports.tables import BatchState, ImportBatch
from cvq_core.offices.rules import Officer
from cvq_core.services.rules import SERVICE_LABELS, ServiceCode
from cvq_core.spreadsheets import to_csv, to_xlsx
from cvq_core.staff import Permission
from cvq_core.text import short_date
from cvq_core.web import Context, Routes
from cvq_core.web.problems import describe

routes = Routes(OPENINGS_URL, tag="pages")

ROWS_SHOWN = 500
WAITS = N_("attend encore {count} familles")
TO_SIGN = N_("à prendre en compte")
SIGNED = N_("pris en compte le {day}")
UNDONE = N_("import défait")
CREDITS, DEBTS, NET = N_("Avoirs des familles"), N_("Dettes des familles"), N_("Avoirs moins dettes")
FORMATS = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class StatedForm(BaseModel):
    """The totals that the old software printed, as they are written."""

    credit: str = Field(default="", max_length=20)
    debt: str = Field(default="", max_length=20)


class SignForm(StatedForm):
    """The totals that were compared, ours (`families`, `our_*` in cents) and the old software's; `key` once."""

    key: UUID
    families: int = Field(ge=0)
    our_credit: int = Field(ge=0)
    our_debt: int = Field(ge=0)
    explanation: str = Field(default="", max_length=500)


@routes.get("", access=Permission.COLLECT)
async def list_page(context: Context) -> web.Response:
    """Show the balances of all imports that one may take over, or has."""
    services = await _services(context)
    rows = []
    for batch in await all_batches(context.db, undone=True) if services else ():
        waiting = await families_waiting(context.db, batch)
        for opening in await openings_of(context.db, batch):
            is_there = opening.brought.families and (opening.signed or batch.state is not BatchState.UNDONE)
            if opening.service in services and is_there:
                rows.append(_row(context, batch, opening, waiting))
    return context.page("openings.html", view=OpeningsPage(tuple(rows)))


@routes.get("/{id}/{service}", access=Permission.COLLECT)
async def opening_page(context: Context) -> web.Response:
    """Show one service's balances, family by family; what is signed, or where the old totals are stated."""
    listed = await _listed(context)
    return context.page("opening.html", view=await _page(context, listed))


@routes.post("/{id}/{service}/comparer", access=Permission.COLLECT, body=StatedForm, form=True)
async def compare_it(context: Context, form: StatedForm) -> web.Response:
    """Show our totals beside the old base's own; nothing is written yet."""
    listed = await _listed(context)
    errors = _errors(context, form)
    if errors:
        view = await _page(context, listed, stating=_stating(listed, form, errors))
        return context.page("opening.html", status=422, view=view)
    await _check_ready(context, listed)
    comparing = _comparing(context, listed, form, new_id())
    return context.page("opening.html", view=await _page(context, listed, comparing=comparing))


@routes.post("/{id}/{service}/signer", access=Permission.COLLECT, body=SignForm, form=True)
async def sign_it(context: Context, form: SignForm) -> web.Response:
    """Take one service's balances over, all or none; the same key twice is once."""
    listed = await _listed(context)
    errors = _errors(context, form)
    if errors:
        view = await _page(context, listed, stating=_stating(listed, form, errors))
        return context.page("opening.html", status=422, view=view)
    try:
        made = await sign_off(
            context.db,
            form.key,
            batch_id=listed.batch.id,
            service=listed.opening.service,
            stated_credit_cents=cents_of(form.credit) or 0,
            stated_debt_cents=cents_of(form.debt) or 0,
            explanation=form.explanation,
            officer=_officer(context),
            now=context.now,
            seen=Totals(form.families, form.our_credit, form.our_debt),
        )
    except DifferenceUnexplained as refusal:
        problem = describe(refusal, context.words)
        said = f"{problem['title']} {problem['detail']}"
        comparing = _comparing(context, listed, form, form.key, explanation=form.explanation, error=said)
        view = await _page(context, listed, comparing=comparing)
        return context.page("opening.html", status=refusal.status, view=view)
    await context.journal_once(
        "opening-signed-off",
        made.id,
        subject=("opening_sign_off", made.id),
        personal={
            "base": listed.batch.base,
            "service": made.service_code.value,
            "credit_cents": made.credit_cents,
            "debt_cents": made.debt_cents,
        },
    )
    return context.redirect(_url(listed.batch, listed.opening.service))


@routes.get("/{id}/{service}/soldes.{format}", access=Permission.COLLECT)
async def file(context: Context) -> web.Response:
    """Give one service's balances as a file, or on paper once they are signed; that it was taken is recorded."""
    listed = await _listed(context)
    service, kind = listed.opening.service, context.request.match_info["format"]
    if kind not in FORMATS:
        raise NotFound
    if kind == "pdf":
        if listed.signed is None:
            raise NotSigned
        content = await asyncio.to_thread(opening_pdf, listed)
    else:
        sheet = opening_sheet(listed, context._)
        content = await asyncio.to_thread(to_csv if kind == "csv" else to_xlsx, [sheet])
    async with context.acting() as writing:
        writing.journal(
            "opening-balances-exported",
            subject=("import", listed.batch.id),
            personal={"base": listed.batch.base, "service": service.value, "format": kind},
        )
    shown = "inline" if kind == "pdf" else "attachment"
    name = f"soldes-{listed.batch.base}-{service.value}.{kind}"
    return web.Response(
        body=content,
        content_type=FORMATS[kind],
        headers={"Content-Disposition": f'{shown}; filename="{name}"', "Cache-Control": "no-store"},
    )


async def _services(context: Context) -> set[ServiceCode]:
    """Return the services whose balances one may take over today."""
    officer, today = _officer(context), local_day(context.now)
    return {
        service
        for service in ServiceCode
        if await signing_office(context.db, service, officer.staff_id, today) is not None
    }


async def _listed(context: Context) -> OpeningList:
    """Return the balances that the address names.

    Raises:
        NotFound: it names no service.
        NotThisOffice, UnknownImport, NothingToSign
    """
    try:
        service = ServiceCode(context.request.match_info["service"])
    except ValueError:
        raise NotFound from None
    await check_may_sign(context.db, service, _officer(context).staff_id, local_day(context.now))
    batch = await context.db.get(ImportBatch, context.path_id())
    if batch is None:
        raise UnknownImport
    return await opening_list(context.db, batch, service)


async def _check_ready(context: Context, listed: OpeningList) -> None:
    """Refuse while families of the import wait, or after it was taken back.

    Raises:
        FamiliesWait
    """
    if listed.batch.state is not BatchState.APPLIED:
        raise FamiliesWait(count=await families_waiting(context.db, listed.batch))


async def _page(
    context: Context,
    listed: OpeningList,
    *,
    stating: StatingView | None = None,
    comparing: ComparingView | None = None,
) -> OpeningPage:
    batch, opening = listed.batch, listed.opening
    url, why_not = _url(batch, opening.service), ""
    try:
        await _check_ready(context, listed)
    except FamiliesWait as refusal:
        why_not = describe(refusal, context.words)["title"] if batch.state is not BatchState.UNDONE else ""
    is_open = listed.signed is None and batch.state is BatchState.APPLIED and bool(opening.totals.families)
    if is_open and comparing is None:
        stating = stating or _stating(listed, StatedForm())
    return OpeningPage(
        title=batch.title,
        service=context._(SERVICE_LABELS[opening.service]),
        on=batch.balances_on,
        totals=_totals(listed.totals),
        waiting=_totals(opening.waiting),
        left_out=_totals(opening.left_out),
        rows=tuple(
            BalanceRow(row.account, row.label, row.old_number, max(0, row.cents), max(0, -row.cents))
            for row in listed.rows[:ROWS_SHOWN]
        ),
        more_rows=max(0, len(listed.rows) - ROWS_SHOWN),
        back_url=OPENINGS_URL,
        csv_url=f"{url}/soldes.csv",
        xlsx_url=f"{url}/soldes.xlsx",
        why_not=why_not if listed.signed is None else "",
        stating=stating if is_open else None,
        comparing=comparing if is_open else None,
        signed=_signed(context, listed),
    )


def _totals(totals: Totals) -> TotalsView:
    return TotalsView(totals.families, totals.credit_cents, totals.debt_cents)


def _signed(context: Context, listed: OpeningList) -> SignedView | None:
    made = listed.signed
    if made is None:
        return None
    stated = Totals(made.families, made.stated_credit_cents, made.stated_debt_cents)
    return SignedView(
        at=made.signed_at,
        name=made.signed_name,
        rows=_compared(context, listed.totals, stated),
        explanation=made.explanation,
        pdf_url=f"{_url(listed.batch, made.service_code)}/soldes.pdf",
    )


def _stating(listed: OpeningList, form: StatedForm, errors: Mapping[str, str] = MappingProxyType({})) -> StatingView:
    url = _url(listed.batch, listed.opening.service)
    return StatingView(f"{url}/comparer", form.credit, form.debt, errors)


def _comparing(
    context: Context, listed: OpeningList, form: StatedForm, key: UUID, *, explanation: str = "", error: str = ""
) -> ComparingView:
    totals = listed.opening.totals
    credit, debt = cents_of(form.credit) or 0, cents_of(form.debt) or 0
    url = _url(listed.batch, listed.opening.service)
    return ComparingView(
        url=f"{url}/signer",
        fields={
            "key": str(key),
            "credit": written(credit),
            "debt": written(debt),
            "families": str(totals.families),
            "our_credit": str(totals.credit_cents),
            "our_debt": str(totals.debt_cents),
        },
        rows=_compared(context, totals, Totals(0, credit, debt)),
        back_url=url,
        explanation=explanation,
        error=error,
    )


def _compared(context: Context, ours: Totals, theirs: Totals) -> tuple[ComparedTotal, ...]:
    return (
        ComparedTotal(context._(CREDITS), ours.credit_cents, theirs.credit_cents),
        ComparedTotal(context._(DEBTS), ours.debt_cents, theirs.debt_cents),
        ComparedTotal(context._(NET), ours.net_cents, theirs.net_cents),
    )


def _errors(context: Context, form: StatedForm) -> dict[str, str]:
    return {name: context._(BAD_AMOUNT) for name in ("credit", "debt") if cents_of(getattr(form, name)) is None}


def _row(context: Context, batch: ImportBatch, opening: ServiceOpening, waiting: int) -> OpeningRow:
    if opening.signed is not None:
        day = short_date(local_day(opening.signed.signed_at), context.language)
        word, tone = context._(SIGNED, day=day), "ok"
    elif batch.state is BatchState.APPLIED:
        word, tone = context._(TO_SIGN), "sun"
    else:
        word, tone = context._(WAITS, count=waiting), "off"
    if batch.state is BatchState.UNDONE:
        word, tone = context._(UNDONE), "off"
    totals = opening.brought
    return OpeningRow(
        title=batch.title,
        service=context._(SERVICE_LABELS[opening.service]),
        families=totals.families,
        credit_cents=totals.credit_cents,
        debt_cents=totals.debt_cents,
        word=word,
        tone=tone,
        url=_url(batch, opening.service),
    )


def _url(batch: ImportBatch, service: ServiceCode) -> str:
    return f"{OPENINGS_URL}/{batch.id}/{service.value}"


def _officer(context: Context) -> Officer:
    assert context.principal.id is not None
    return Officer(context.principal.id, context.principal.name)
