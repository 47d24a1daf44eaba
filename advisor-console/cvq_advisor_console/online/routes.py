"""What was paid online, beside the bank's file of a day: a page, a file, and what is decided."""

from __future__ import annotations

import csv
import io
from datetime import date
from urllib.parse import unquote
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from cvq_advisor_console.views.online import BankLineRow, OnlineList, OnlinePage, ToReconcile
from cvq_core.clock import local, local_day
from cvq_core.errors import N_
from cvq_core.ids import new_id
from cvq_core.offices.tables import SubOffice
from cvq_core.payments.bank import MATCH_WORDS, BadBankFile, Match
from cvq_core.payments.reconciliation import Listed, bank_day, decide, import_bank_file, listed, reconciling_place
from cvq_core.payments.routes import online_payments
from cvq_core.payments.rules import TROUBLE_WORDS, Decision
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_core.web.upload import Upload
from cvq_core.web.views import Act, Region

routes = Routes("/en-ligne", tag="pages")

URL = "/en-ligne"
COLUMNS = (
    N_("Demandé le"),
    N_("Référence"),
    N_("Montant demandé"),
    N_("Montant reçu"),
    N_("En attente"),
    N_("Pourquoi"),
    N_("Montant selon la banque"),
    N_("Jour de banque"),
)
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)


class DecisionBody(BaseModel):
    """What is decided about one payment of the list; `id` makes a repetition harmless."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    decision: Decision
    reason: str = Field(default="", max_length=200)


@routes.get("", access=Permission.COLLECT)
async def online_page(context: Context) -> web.Response:
    """Show what is to be reconciled, and the bank's lines of a day."""
    place = await _place(context)
    day = _day(context)
    view = OnlinePage(url=URL, place=place.label, list=await _list(context, place, day), export_url=f"{URL}/liste.csv")
    return context.page("online.html", view=view)


@routes.get("/fragments/liste", access=Permission.COLLECT)
async def list_fragment(context: Context) -> web.Response:
    """Draw the list and the day anew."""
    view = await _list(context, await _place(context), _day(context))
    return context.page("fragments/online_list.html", view=view)


@routes.get("/liste.csv", access=Permission.COLLECT)
async def list_file(context: Context) -> web.Response:
    """Give the list as a file that a spreadsheet opens: semicolons, UTF-8 with its mark."""
    place = await _place(context)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow([context._(word) for word in COLUMNS])
    for each in await listed(context.db, place):
        attempt, bank = each.attempt, each.bank
        writer.writerow(
            [
                local(attempt.asked_at).strftime("%Y-%m-%d %H:%M:%S"),
                attempt.refdet,
                _euros(attempt.amount_cents),
                _euros(attempt.received_cents),
                _euros(attempt.waiting_cents),
                _why(context, each),
                _euros(bank.amount_cents if bank else None),
                bank.day.isoformat() if bank else "",
            ]
        )
    return web.Response(
        body=out.getvalue().encode("utf-8-sig"),
        content_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="paiements-en-ligne-{local_day(context.now)}.csv"'},
    )


@routes.post("/banque", access=Permission.COLLECT, upload=True)
async def import_file(context: Context, upload: Upload) -> web.Response:
    """Take in the bank's file of a day."""
    place = await _place(context)
    if len(upload.files) != 1:
        raise BadBankFile(line=1)
    assert context.principal.id is not None
    name = unquote(context.request.headers.get("X-File-Name", "")).replace("\0", "")[:120]
    file = await import_bank_file(
        context.db, name=name, content=upload.files[0], staff_id=context.principal.id, now=context.now
    )
    await context.journal_once(
        "bank-file-imported", file.id, subject=("bank_file", file.id), personal={"place": place.code}
    )
    return web.Response(status=204)


@routes.post("/{id}/decision", access=Permission.COLLECT, body=DecisionBody, form=True)
async def decide_it(context: Context, body: DecisionBody) -> web.Response:
    """Take a payment off the list: credited on the bank's word, or filed with a reason."""
    place = await _place(context)
    assert context.principal.id is not None
    attempt = await decide(
        context.db,
        body.id,
        context.path_id(),
        body.decision,
        place=place,
        reason=body.reason,
        staff_id=context.principal.id,
        now=context.now,
    )
    if body.decision is Decision.CREDITED:
        await online_payments(context).acknowledge(context.db, attempt.id)
    await context.journal_once(
        "payment-reconciled", body.id, subject=("payment_attempt", attempt.id), personal={"reason": body.reason}
    )
    return context.redirect(URL)


async def _place(context: Context) -> SubOffice:
    assert context.principal.id is not None
    place_code = online_payments(context).place_code
    return await reconciling_place(context.db, place_code, context.principal.id, context.now)


def _day(context: Context) -> date:
    try:
        day = date.fromisoformat(context.request.query.get("day", ""))
    except ValueError:
        day = LAST_DAY
    return day if FIRST_DAY <= day < LAST_DAY else local_day(context.now)


async def _list(context: Context, place: SubOffice, day: date) -> OnlineList:
    found = await bank_day(context.db, place, day)
    return OnlineList(
        region=Region(url=f"{URL}/fragments/liste?day={day.isoformat()}", topics=()),
        rows=tuple(_row(context, each) for each in await listed(context.db, place)),
        day=day,
        bank=tuple(
            BankLineRow(
                row.refdet,
                row.amount_cents,
                context._(MATCH_WORDS[match]),
                "ok" if match is Match.AGREED else "alert",
            )
            for row, match in found.rows
        ),
        bank_cents=sum(row.amount_cents for row, _ in found.rows),
        missing=tuple(
            BankLineRow(each.refdet, each.credited_cents or 0, context._(N_("pas encore à la banque")), "sun")
            for each in found.missing
        ),
        import_url=f"{URL}/banque",
    )


def _row(context: Context, each: Listed) -> ToReconcile:
    attempt, bank = each.attempt, each.bank
    act = Act(url=f"{URL}/{attempt.id}/decision")
    return ToReconcile(
        reference=attempt.refdet,
        asked_at=attempt.asked_at,
        asked_cents=attempt.amount_cents,
        why=_why(context, each),
        waiting_cents=attempt.waiting_cents,
        decision_id=str(new_id()),
        file=act,
        credit=act if bank is not None and attempt.transaction_id is None else None,
        bank_cents=bank.amount_cents if bank else None,
        bank_day=bank.day if bank else None,
    )


def _why(context: Context, each: Listed) -> str:
    return context._(TROUBLE_WORDS[each.attempt.trouble]) if each.attempt.trouble else ""


def _euros(cents: int | None) -> str:
    return "" if cents is None else f"{cents // 100},{cents % 100:02d}"
