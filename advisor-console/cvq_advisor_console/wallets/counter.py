"""A family's wallets and mandate at a counter: for whoever is a mandatary of the place."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field

from cvq_advisor_console.cash.counter import Counter, counter_of, search_view
from cvq_advisor_console.views.cash import PayerFound, PayerSearch
from cvq_advisor_console.views.money import (
    DebitView,
    MandateCard,
    MoneyPage,
    MoneyView,
    MoveView,
    OfficeOption,
)
from cvq_advisor_console.wallets.family import has_room, mandate_card, options, settings_view, wallets_here
from cvq_advisor_console.wallets.forms import MandateForm, MoveForm, NoticeForm, RevokeForm, TopUpForm
from cvq_core.clock import local_day
from cvq_core.debits.mandates import (
    MandateDetails,
    mandate_by_id,
    mandates_of,
    prepare_mandate,
    revoke_mandate,
    state_of,
)
from cvq_core.debits.routes import mandate_response, sign_uploaded
from cvq_core.debits.rules import MandateState
from cvq_core.debits.tables import DebitCreditor, DebitMandate
from cvq_core.errors import N_
from cvq_core.ids import new_id
from cvq_core.people.store import family_account_by_id
from cvq_core.staff import Permission
from cvq_core.wallets.moves import move_money
from cvq_core.wallets.routes import CounterMoveBody, check_place, write_notice, write_top_up
from cvq_core.web import Context, Routes
from cvq_core.web.upload import Upload
from cvq_core.web.views import Act, Region

routes = Routes("/comptes-de-service", tag="pages")

URL = "/comptes-de-service"
TO_SIGN = N_("Imprimez-le, faites-le signer, puis joignez la page signée (PDF).")


class FamilySearch(BaseModel):
    """Whose wallets."""

    q: str = Field(default="", max_length=120)


@routes.get("", access=Permission.COLLECT)
async def search_page(context: Context) -> web.Response:
    """Ask whose wallets."""
    counter = await counter_of(context)
    return context.page("money.html", view=MoneyPage(counter.sub_office.label, search=_search()))


@routes.post("/chercher", access=Permission.COLLECT, body=FamilySearch, form=True)
async def search(context: Context, form: FamilySearch) -> web.Response:
    """Look for a family."""
    counter = await counter_of(context)
    found = await _found(counter, form.q)
    return context.page("money.html", view=MoneyPage(counter.sub_office.label, search=found))


@routes.post("/fragments/familles", access=Permission.COLLECT, body=FamilySearch, form=True)
async def families(context: Context, form: FamilySearch) -> web.Response:
    """Look for a family, while it is typed."""
    counter = await counter_of(context)
    return context.page("fragments/cash_payers.html", view=await _found(counter, form.q))


@routes.get("/{id}", access=Permission.COLLECT)
async def family_page(context: Context) -> web.Response:
    """Show a family's wallets, what it chose for them, and its mandate."""
    counter = await counter_of(context)
    family = await family_account_by_id(context.db, context.path_id())
    view = MoneyPage(
        counter.sub_office.label,
        family=family.label,
        number=family.number,
        back_url=URL,
        money=await _money(counter, family.id),
    )
    return context.page("money.html", view=view)


@routes.get("/{id}/fragments/argent", access=Permission.COLLECT)
async def money_fragment(context: Context) -> web.Response:
    """Draw a family's wallets anew."""
    counter = await counter_of(context)
    family = await family_account_by_id(context.db, context.path_id())
    return context.page("fragments/money.html", view=await _money(counter, family.id))


@routes.post("/{id}/deplacer", access=Permission.COLLECT, body=MoveForm, form=True)
async def move(context: Context, form: MoveForm) -> web.Response:
    """Move money between two wallets, at a place whose act covers both services."""
    counter = await counter_of(context)
    asked = form.body()
    await check_place(context, CounterMoveBody(sub_office_id=counter.sub_office.id, **asked.model_dump()))
    account_id = context.path_id()
    await move_money(
        context.db,
        key=asked.id,
        family_account_id=account_id,
        from_wallet_id=asked.from_wallet_id,
        to_wallet_id=asked.to_wallet_id,
        amount_cents=asked.amount_cents,
        actor=context.principal.actor,
        now=context.now,
    )
    await context.journal_once("money-moved", asked.id, subject=("ledger_transaction", asked.id), account_id=account_id)
    return _back(context)


@routes.post("/{id}/approvisionner", access=Permission.COLLECT, body=TopUpForm, form=True)
async def top_up(context: Context, form: TopUpForm) -> web.Response:
    """Choose, change or end an automatic top-up."""
    await counter_of(context)
    asked, account_id = form.body(), context.path_id()
    await write_top_up(context.db, asked, account_id, actor=context.principal.actor, now=context.now)
    await context.journal_once("top-up-chosen", asked.id, subject=("wallet", asked.wallet_id), account_id=account_id)
    return _back(context)


@routes.post("/{id}/avertir", access=Permission.COLLECT, body=NoticeForm, form=True)
async def notice(context: Context, form: NoticeForm) -> web.Response:
    """Choose, change or end a low-balance notice."""
    await counter_of(context)
    asked, account_id = form.body(), context.path_id()
    await write_notice(context.db, asked, account_id, actor=context.principal.actor, now=context.now)
    await context.journal_once("notice-chosen", asked.id, subject=("wallet", asked.wallet_id), account_id=account_id)
    return _back(context)


@routes.post("/{id}/mandats", access=Permission.COLLECT, body=MandateForm, form=True)
async def prepare(context: Context, form: MandateForm) -> web.Response:
    """Prepare a mandate, to be printed and signed at the counter."""
    counter = await counter_of(context)
    account_id = context.path_id()
    mandate = await prepare_mandate(
        context.db,
        form.id,
        office_id=counter.office.id,
        family_account_id=account_id,
        details=MandateDetails(form.holder, form.address, form.iban, form.one_off),
        actor=context.principal.actor,
        now=context.now,
    )
    await context.journal_once(
        "debit-mandate-prepared", mandate.id, account_id=account_id, subject=("debit_mandate", mandate.id)
    )
    return _back(context)


@routes.get("/{id}/mandats/{mandate_id}.pdf", access=Permission.COLLECT)
async def mandate_file(context: Context) -> web.Response:
    """Give the mandate to sign, or as it was signed."""
    counter, mandate = await _mandate(context)
    return await mandate_response(context, mandate, counter.office, counter.sub_office.label)


@routes.post("/{id}/mandats/{mandate_id}/signe", access=Permission.COLLECT, upload=True)
async def signed(context: Context, upload: Upload) -> web.Response:
    """Keep the signed page of a mandate."""
    _, mandate = await _mandate(context)
    await sign_uploaded(context, mandate, upload)
    return _back(context)


@routes.post("/{id}/mandats/{mandate_id}/revoquer", access=Permission.COLLECT, body=RevokeForm, form=True)
async def revoke(context: Context, form: RevokeForm) -> web.Response:
    """End a mandate, because the family asks for it."""
    _, mandate = await _mandate(context)
    await revoke_mandate(context.db, mandate.id, why=form.why, now=context.now)
    await context.journal_once(
        "debit-mandate-revoked", mandate.id, account_id=mandate.family_account_id, subject=("debit_mandate", mandate.id)
    )
    return _back(context)


def _back(context: Context) -> web.Response:
    return context.redirect(f"{URL}/{context.path_id()}")


async def _mandate(context: Context) -> tuple[Counter, DebitMandate]:
    counter = await counter_of(context)
    mandate = await mandate_by_id(context.db, context.path_id("mandate_id"), counter.office.id)
    return counter, mandate


async def _money(counter: Counter, account_id: UUID) -> MoneyView:
    context = counter.context
    wallets = await wallets_here(context, account_id)

    def address(what: str) -> str:
        return f"{URL}/{account_id}/{what}"

    return MoneyView(
        Region(address("fragments/argent"), ()),
        wallets=options(context, wallets),
        move=MoveView(Act(address("deplacer")), str(new_id())) if len(wallets) > 1 else None,
        settings=await settings_view(context, account_id, wallets, address) if wallets else None,
        debit=await _debit(counter, account_id),
    )


async def _debit(counter: Counter, account_id: UUID) -> DebitView | None:
    """Return the mandates of a family at this office; nothing where the office does not debit."""
    context, office = counter.context, counter.office
    if await context.db.get(DebitCreditor, office.id) is None:
        return None
    today = local_day(context.now)
    mandates = [
        mandate
        for mandate, _ in await mandates_of(context.db, office.id, family_account_id=account_id)
        if mandate.revoked_on is None
    ]
    return DebitView(
        mandates=tuple(_card(context, mandate, office.label, today) for mandate in mandates),
        prepare=Act(f"{URL}/{account_id}/mandats") if has_room(mandates, today) else None,
        id=str(new_id()),
        offices=(OfficeOption(str(office.id), office.label),),
        today=today,
    )


def _card(context: Context, mandate: DebitMandate, office: str, today: date) -> MandateCard:
    base = f"{URL}/{mandate.family_account_id}/mandats/{mandate.id}"
    prepared = state_of(mandate, today) is MandateState.PREPARED
    return mandate_card(
        context,
        mandate,
        office,
        today,
        step=context._(TO_SIGN) if prepared else "",
        paper_url=f"{base}.pdf",
        upload=Act(f"{base}/signe") if prepared else None,
        revoke=Act(f"{base}/revoquer"),
    )


def _search(typed: str = "", found: tuple[PayerFound, ...] = (), **more: bool) -> PayerSearch:
    return PayerSearch(
        url=f"{URL}/chercher", fragment_url=f"{URL}/fragments/familles", query=typed, found=found, **more
    )


async def _found(counter: Counter, typed: str) -> PayerSearch:
    """Return the families of those whom a name or a card finds, with the way to their wallets."""
    seen = await search_view(counter, typed, base=URL)
    return _search(typed, seen.found, searched=seen.searched, more=seen.more)
