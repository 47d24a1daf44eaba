"""The work at the counter over HTTP: what a mandatary may collect here, drawers, receipts and their paper."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, StrictInt

from cvq_core.clock import local_day
from cvq_core.offices.ceilings import standings_of
from cvq_core.offices.drawers import close_drawer, open_drawer
from cvq_core.offices.receipt_pdf import Paper, receipt_pdf
from cvq_core.offices.rules import (
    DENOMINATIONS_CENTS,
    VOUCHER_KINDS_MAX,
    Cheque,
    Means,
    MeansDetails,
    NotYourDrawer,
    Officer,
    VoucherCount,
    receipt_number,
)
from cvq_core.offices.service import collect, print_receipt, printing_of, void
from cvq_core.offices.store import (
    act_of,
    appointment_of,
    drawer_by_id,
    drawer_totals,
    find_receipts,
    open_drawer_of,
    receipt_by_id,
    receipts_of,
    sub_office_by_id,
    sub_offices_of,
    voided_by,
)
from cvq_core.offices.tables import CashOffice, Drawer, Receipt, SubOffice
from cvq_core.payables.rules import PAYABLES_MAX, Payable, PayableKind
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.rules import Permission
from cvq_core.web import Context, Routes

routes = Routes("/api/v1", tag="cash offices")


class Body(BaseModel):
    """What is sent here: nothing unknown."""

    model_config = ConfigDict(extra="forbid")


class OpenDrawerBody(Body):
    """A drawer to open with its float; `id` is made by who asks, and makes a repetition harmless."""

    id: UUID
    float_cents: StrictInt


class TopUpBody(Body):
    """So many cents for one wallet."""

    wallet_id: UUID
    amount_cents: StrictInt


class InvoiceBody(Body):
    """So many cents of what is due on one invoice."""

    invoice_id: UUID
    amount_cents: StrictInt


class ChequeBody(Body):
    """What the deposit slip needs of a cheque."""

    number: str = Field(min_length=1, max_length=20)
    bank: str = Field(min_length=1, max_length=60)
    drawer_name: str = Field(min_length=1, max_length=80)


class VoucherBody(Body):
    """So many vouchers of one face value."""

    face_cents: StrictInt
    number: StrictInt


class CollectBody(Body):
    """Money for wallets and invoices. `id` is made by who asks and becomes the receipt's: asked again, the same one."""

    id: UUID
    top_ups: list[TopUpBody] = Field(default_factory=list, max_length=PAYABLES_MAX)
    invoices: list[InvoiceBody] = Field(default_factory=list, max_length=PAYABLES_MAX)
    means: Means
    tendered_cents: StrictInt = Field(description="what was given; the exact total unless it is cash")
    cheque: ChequeBody | None = None
    card_reference: str = Field(default="", max_length=40, description="as the card terminal prints it")
    vouchers: list[VoucherBody] = Field(default_factory=list, max_length=VOUCHER_KINDS_MAX)
    visit_id: UUID | None = None

    def payables(self) -> list[Payable]:
        """Return what is paid for."""
        wallets = [Payable(PayableKind.WALLET, each.wallet_id, each.amount_cents) for each in self.top_ups]
        return wallets + [Payable(PayableKind.INVOICE, each.invoice_id, each.amount_cents) for each in self.invoices]

    def details(self) -> MeansDetails:
        """Return what is noted of the means."""
        return MeansDetails(
            cheque=Cheque(**self.cheque.model_dump()) if self.cheque else None,
            card_reference=self.card_reference,
            vouchers=tuple(VoucherCount(each.face_cents, each.number) for each in self.vouchers),
        )


class SearchBody(Body):
    """Receipts to look up, by any of these; with none of them, none is found."""

    number: int | None = Field(default=None, ge=1, le=2**31 - 1)
    day: date | None = None
    family: str = Field(default="", max_length=80)


class VoidBody(Body):
    """A receipt to void; `id` becomes the voiding receipt's."""

    id: UUID
    reason: str = Field(min_length=3, max_length=200)


class CountBody(Body):
    """The count that closes a drawer: a coin's or note's cents to how many there are."""

    counted: dict[int, StrictInt] = Field(max_length=len(DENOMINATIONS_CENTS))


class PrintBody(Body):
    """A printing of a receipt; the same `id` again is the same printing, not a duplicate."""

    id: UUID
    paper: Paper = "a5"


class SubOfficeOut(BaseModel):
    """A place where one may collect today, and what its act allows."""

    id: UUID
    code: str
    label: str
    office: str
    services: list[ServiceCode]
    means: list[Means]
    float_max_cents: int
    top_up_max_cents: int
    cash_payment_max_cents: int
    open_drawer_id: UUID | None


class SubOfficesOut(BaseModel):
    """Every place where one may collect today."""

    sub_offices: list[SubOfficeOut]


class ReceiptLineOut(BaseModel):
    """One wallet or one invoice on a receipt; an invoice's balance is below zero by what is still due."""

    wallet_id: UUID | None = None
    invoice_id: UUID | None = None
    service: str
    account: str
    family: str
    amount_cents: int
    balance_cents: int


class CeilingOut(BaseModel):
    """What a place or its office holds without its float, against its ceiling; `warned` from 80 % on."""

    model_config = ConfigDict(from_attributes=True)

    place: str
    held_cents: int
    ceiling_cents: int
    percent: int
    warned: bool
    refuses: bool


class ReceiptOut(BaseModel):
    """A numbered receipt; a void has the opposite amounts and names what it voids."""

    id: UUID
    number: str
    drawer_id: UUID
    issued_at: datetime
    means: Means
    total_cents: int
    tendered_cents: int
    change_cents: int
    voids_id: UUID | None
    voided_by_id: UUID | None
    lines: list[ReceiptLineOut]


class ReceiptsOut(BaseModel):
    """Receipts, the newest first."""

    receipts: list[ReceiptOut]


class CollectedOut(ReceiptOut):
    """The receipt, with what the place and its office hold now."""

    ceilings: list[CeilingOut]


class MeansTotalOut(BaseModel):
    """What a drawer took by one means."""

    model_config = ConfigDict(from_attributes=True)

    means: Means
    receipts: int
    total_cents: int


class DrawerOut(BaseModel):
    """A drawer: while it is open, what must be in it; once closed, what was counted and the difference."""

    id: UUID
    sub_office_id: UUID
    opened_at: datetime
    closed_at: datetime | None
    float_cents: int
    expected_cents: int
    collected_cents: int
    counted_cents: int | None
    difference_cents: int | None
    by_means: list[MeansTotalOut]
    ceilings: list[CeilingOut]
    receipts: list[ReceiptOut]


class PrintingOut(BaseModel):
    """A printing: 0 is the original, duplicates count from 1."""

    copy_number: int
    pdf_url: str


@routes.get("/sub-offices", access=Permission.COLLECT, answer=SubOfficesOut)
async def sub_offices(context: Context) -> SubOfficesOut:
    """List where whoever asks may collect today, what, and how."""
    officer, today = officer_of(context), local_day(context.now)
    found = []
    for place in await sub_offices_of(context.db, officer.staff_id, today):
        _, office = await sub_office_by_id(context.db, place.id, today)
        act = await act_of(context.db, place, office, today)
        drawer = await open_drawer_of(context.db, officer.staff_id, place.id)
        found.append(
            SubOfficeOut(
                id=place.id,
                code=place.code,
                label=place.label,
                office=office.label,
                services=[service for service in ServiceCode if service in act.services],
                means=[means for means in Means if means in act.means],
                float_max_cents=place.float_cents,
                top_up_max_cents=act.top_up_max_cents,
                cash_payment_max_cents=act.cash_payment_max_cents,
                open_drawer_id=drawer.id if drawer else None,
            )
        )
    return SubOfficesOut(sub_offices=found)


@routes.post("/sub-offices/{id}/drawers", access=Permission.COLLECT, body=OpenDrawerBody, answer=DrawerOut, status=201)
async def open_it(context: Context, body: OpenDrawerBody) -> DrawerOut:
    """Open a drawer at a place with its float."""
    drawer = await open_drawer(
        context.db,
        body.id,
        sub_office_id=context.path_id(),
        officer=officer_of(context),
        float_cents=body.float_cents,
        now=context.now,
    )
    await context.journal_once("drawer-opened", drawer.id, subject=("drawer", drawer.id))
    return await _drawer_out(context, drawer)


@routes.get("/drawers/{id}", access=Permission.COLLECT, answer=DrawerOut)
async def one_drawer(context: Context) -> DrawerOut:
    """Show one's own drawer with its totals and its latest receipts."""
    drawer = await drawer_by_id(context.db, context.path_id())
    if drawer.staff_id != officer_of(context).staff_id:
        raise NotYourDrawer
    return await _drawer_out(context, drawer)


@routes.post("/drawers/{id}/receipts", access=Permission.COLLECT, body=CollectBody, answer=CollectedOut, status=201)
async def collect_it(context: Context, body: CollectBody) -> CollectedOut:
    """Collect money for wallets and invoices, and give the numbered receipt."""
    receipt = await collect(
        context.db,
        key=body.id,
        drawer_id=context.path_id(),
        payables=body.payables(),
        means=body.means,
        tendered_cents=body.tendered_cents,
        details=body.details(),
        officer=officer_of(context),
        now=context.now,
        visit_id=body.visit_id,
    )
    await context.journal_once("collected", receipt.id, subject=("receipt", receipt.id), visit_id=body.visit_id)
    shown = await _receipt_out(context, receipt)
    return CollectedOut(**shown.model_dump(), ceilings=await _ceilings(context, receipt.sub_office_id))


@routes.post("/receipts/search", access=Permission.COLLECT, body=SearchBody, answer=ReceiptsOut)
async def search_receipts(context: Context, body: SearchBody) -> ReceiptsOut:
    """Look receipts up where one may collect today, by number, day or family; a name stands in no address."""
    places = await sub_offices_of(context.db, officer_of(context).staff_id, local_day(context.now))
    found = await find_receipts(
        context.db, [place.id for place in places], number=body.number, day=body.day, family=body.family
    )
    return ReceiptsOut(receipts=[_out(line.receipt, line.voided_by_id) for line in found])


@routes.get("/receipts/{id}", access=Permission.COLLECT, answer=ReceiptOut)
async def one_receipt(context: Context) -> ReceiptOut:
    """Show a receipt of a place where one may collect today."""
    return await _receipt_out(context, await _receipt_here(context))


@routes.post("/receipts/{id}/void", access=Permission.COLLECT, body=VoidBody, answer=ReceiptOut, status=201)
async def void_it(context: Context, body: VoidBody) -> ReceiptOut:
    """Void a receipt of one's open drawer by its counter-entry."""
    receipt = await void(
        context.db,
        key=body.id,
        receipt_id=context.path_id(),
        reason=body.reason,
        officer=officer_of(context),
        now=context.now,
    )
    await context.journal_once(
        "receipt-voided", receipt.id, subject=("receipt", receipt.id), personal={"reason": body.reason}
    )
    return await _receipt_out(context, receipt)


@routes.post("/receipts/{id}/prints", access=Permission.COLLECT, body=PrintBody, answer=PrintingOut, status=201)
async def print_it(context: Context, body: PrintBody) -> PrintingOut:
    """Note a printing, and say where its PDF is: the first is the original, every later one a marked duplicate."""
    receipt = await _receipt_here(context)
    printing = await print_receipt(
        context.db, receipt.id, print_id=body.id, officer=officer_of(context), now=context.now
    )
    url = f"/api/v1/receipts/{receipt.id}/prints/{body.id}.pdf?paper={body.paper}"
    return PrintingOut(copy_number=printing.copy, pdf_url=url)


@routes.get("/receipts/{id}/prints/{print_id}.pdf", access=Permission.COLLECT)
async def print_file(context: Context) -> web.Response:
    """Give the PDF of a printing that was noted."""
    receipt = await _receipt_here(context)
    printing = await printing_of(context.db, receipt, context.path_id("print_id"))
    paper: Paper = "strip" if context.request.query.get("paper") == "strip" else "a5"
    pdf = receipt_pdf(printing.receipt, copy=printing.copy, voided=printing.voided, paper=paper)
    name = receipt_number(receipt.printed["series"], receipt.number)
    return web.Response(
        body=pdf,
        content_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{name}.pdf"', "Cache-Control": "no-store"},
    )


@routes.post("/drawers/{id}/close", access=Permission.COLLECT, body=CountBody, answer=DrawerOut)
async def close_it(context: Context, body: CountBody) -> DrawerOut:
    """Close one's drawer on its count; a difference is recorded."""
    drawer = await close_drawer(
        context.db, context.path_id(), counted=body.counted, officer=officer_of(context), now=context.now
    )
    await context.journal_once(
        "drawer-closed", drawer.id, subject=("drawer", drawer.id), personal={"difference": drawer.difference_cents}
    )
    return await _drawer_out(context, drawer)


def officer_of(context: Context) -> Officer:
    """Return whoever asks, as somebody at a counter."""
    principal = context.principal
    assert principal.kind == "staff" and principal.id is not None, "only staff may collect"  # noqa: PT018 - no test
    return Officer(principal.id, principal.name)


async def _receipt_here(context: Context) -> Receipt:
    """Return the receipt in the path; it is nobody's business who is not a mandatary of its place today."""
    receipt = await receipt_by_id(context.db, context.path_id())
    await appointment_of(context.db, officer_of(context).staff_id, receipt.sub_office_id, local_day(context.now))
    return receipt


async def _receipt_out(context: Context, receipt: Receipt) -> ReceiptOut:
    return _out(receipt, await voided_by(context.db, receipt.id))


def _out(receipt: Receipt, voided_by_id: UUID | None) -> ReceiptOut:
    return ReceiptOut(
        id=receipt.id,
        number=receipt_number(receipt.printed["series"], receipt.number),
        drawer_id=receipt.drawer_id,
        issued_at=receipt.issued_at,
        means=receipt.means,
        total_cents=receipt.total_cents,
        tendered_cents=receipt.tendered_cents,
        change_cents=receipt.change_cents,
        voids_id=receipt.voids_id,
        voided_by_id=voided_by_id,
        lines=[ReceiptLineOut.model_validate(line) for line in receipt.printed["lines"]],
    )


async def _drawer_out(context: Context, drawer: Drawer) -> DrawerOut:
    totals = await drawer_totals(context.db, drawer)
    closed = drawer.closed_at is not None
    return DrawerOut(
        id=drawer.id,
        sub_office_id=drawer.sub_office_id,
        opened_at=drawer.opened_at,
        closed_at=drawer.closed_at,
        float_cents=drawer.float_cents,
        expected_cents=drawer.expected_cents if closed and drawer.expected_cents is not None else totals.expected_cents,
        collected_cents=totals.collected_cents,
        counted_cents=drawer.counted_cents,
        difference_cents=drawer.difference_cents,
        by_means=[MeansTotalOut.model_validate(each) for each in totals.by_means],
        ceilings=await _ceilings(context, drawer.sub_office_id),
        receipts=[_out(line.receipt, line.voided_by_id) for line in await receipts_of(context.db, drawer.id)],
    )


async def _ceilings(context: Context, sub_office_id: UUID) -> list[CeilingOut]:
    place = await context.db.get_one(SubOffice, sub_office_id)
    office = await context.db.get_one(CashOffice, place.office_id)
    standings = await standings_of(context.db, place, office)
    return [CeilingOut.model_validate(each) for each in standings.all]
