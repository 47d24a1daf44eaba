"""The region of the console for a family's wallets and mandate, as far as the consent that stands goes."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from cvq_advisor_console.console.desk import Desk
from cvq_advisor_console.facilities.visit import reserving_view
from cvq_advisor_console.quotients.visit import quotient_view
from cvq_advisor_console.views.money import (
    DebitView,
    MandateCard,
    MoneyView,
    MoveView,
    OfficeOption,
    ScanChoice,
    Wish,
)
from cvq_advisor_console.wallets.family import (
    has_room,
    mandate_card,
    options,
    settings_view,
    wallets_here,
)
from cvq_advisor_console.wallets.forms import MoveForm, NoticeForm, TopUpForm
from cvq_core.clock import local_day
from cvq_core.debits.mandates import mandates_of, state_of
from cvq_core.debits.rules import MandateState
from cvq_core.debits.tables import DebitMandate
from cvq_core.errors import N_
from cvq_core.ids import new_id
from cvq_core.offices.tables import CashOffice
from cvq_core.staff import Permission
from cvq_core.wallets.routes import NoticeBody, TopUpBody
from cvq_core.web import Context, Routes
from cvq_core.web.views import Act
from cvq_desk.dossiers.store import documents_of
from cvq_desk.mandates.service import debiting_offices
from cvq_desk.mandates.view import MANDATE_PAGE
from cvq_desk.visits.consents import check_look
from cvq_desk.visits.money import choose_in_visit, move_wallet_money
from cvq_desk.visits.routes import act_of
from cvq_desk.visits.rules import SCOPE_WORDS, ConsentScope, NoConsent
from cvq_desk.visits.store import latest_consent
from cvq_desk.visits.tables import Consent
from cvq_desk.wire import ConsentState

routes = Routes("/console", tag="pages")

WISHES = {
    ConsentScope.MOVES: (ConsentScope.WALLETS, ConsentScope.MOVES),
    ConsentScope.CHOICES: (ConsentScope.WALLETS, ConsentScope.CHOICES),
    ConsentScope.MANDATE: (ConsentScope.MANDATE,),
    ConsentScope.QUOTIENT: (ConsentScope.QUOTIENT,),
    ConsentScope.RESERVATIONS: (ConsentScope.RESERVATIONS,),
    ConsentScope.BLOCK: (ConsentScope.CARDS, ConsentScope.BLOCK),
}
"""What changes something, and all that has to be agreed to for it: nobody moves money from a wallet they cannot see."""

TO_CONFIRM = N_("La personne lit son numéro de compte à l’écran 2.")
TO_PRINT = N_("Imprimez-le : la personne le signe à la main.")
TO_SCAN = N_("Une fois signé, numérisez-le (onglet Papiers), puis classez-le ici.")
SCANS_SHOWN = 3


async def money_view(desk: Desk) -> MoneyView | None:
    """Return what can be done now, and what another consent would allow; nothing while the account is closed."""
    consent = desk.consent
    region = desk.region("money")
    if consent is None or consent.state != ConsentState.GIVEN:
        return MoneyView(region, shown=False)
    open_now = await _open_now(desk, consent)
    wallets = await wallets_here(desk.context, consent.account_id) if open_now & set(WISHES) else []

    def address(what: str) -> str:
        return f"/console/{desk.visit.id}/{what}"

    return MoneyView(
        region,
        wallets=options(desk.context, wallets),
        move=MoveView(Act(address("deplacer")), str(new_id()))
        if ConsentScope.MOVES in open_now and len(wallets) > 1
        else None,
        settings=await settings_view(desk.context, consent.account_id, wallets, address)
        if ConsentScope.CHOICES in open_now and wallets
        else None,
        debit=await _debit(desk, consent) if ConsentScope.MANDATE in open_now else None,
        quotient=await quotient_view(desk, consent.account_id) if ConsentScope.QUOTIENT in open_now else None,
        reserving=await reserving_view(desk) if ConsentScope.RESERVATIONS in open_now else None,
        allowed=tuple(desk.say(SCOPE_WORDS[scope]) for scope in ConsentScope if scope in open_now),
        wishes=tuple(_wish(desk, consent, scope) for scope in _to_wish_for(desk) if scope not in open_now)
        if open_now
        else (),
        shown=bool(open_now),
    )


@routes.post("/{id}/deplacer", access=Permission.SERVE, body=MoveForm, form=True)
async def move(context: Context, form: MoveForm) -> web.Response:
    """Move money between two wallets of the open account."""
    act, consent = act_of(context), await _consent(context)
    await move_wallet_money(act, context.path_id(), consent.account_id, form.body())
    return _back(context)


@routes.post("/{id}/approvisionner", access=Permission.SERVE, body=TopUpForm, form=True)
async def top_up(context: Context, form: TopUpForm) -> web.Response:
    """Choose, change or end an automatic top-up of the open account."""
    return await _choose(context, form.body())


@routes.post("/{id}/avertir", access=Permission.SERVE, body=NoticeForm, form=True)
async def notice(context: Context, form: NoticeForm) -> web.Response:
    """Choose, change or end a low-balance notice of the open account."""
    return await _choose(context, form.body())


async def _choose(context: Context, asked: TopUpBody | NoticeBody) -> web.Response:
    consent = await _consent(context)
    await choose_in_visit(act_of(context), context.path_id(), consent.account_id, asked)
    return _back(context)


async def _consent(context: Context) -> Consent:
    """Return the visit's consent; whether it covers what is asked is for the act itself to check."""
    consent = await latest_consent(context.db, context.path_id())
    if consent is None:
        raise NoConsent(visit_id=context.path_id())
    return consent


def _back(context: Context) -> web.Response:
    return context.redirect(f"/console/{context.path_id()}")


async def _open_now(desk: Desk, consent: Consent) -> set[ConsentScope]:
    """Return the scopes under which something may be done at this moment: none while the card is away."""
    open_now: set[ConsentScope] = set()
    for scope in ConsentScope:
        if scope.value in consent.scopes:
            try:
                await check_look(act_of(desk.context), desk.visit, consent.account_id, scope)
            except NoConsent:
                return set()
            open_now.add(scope)
    return open_now


def _to_wish_for(desk: Desk) -> list[ConsentScope]:
    return [scope for scope in WISHES if scope is not ConsentScope.QUOTIENT or desk.asks_for_quotients]


def _wish(desk: Desk, consent: Consent, scope: ConsentScope) -> Wish:
    wanted = {*consent.scopes, *(each.value for each in WISHES[scope])}
    return Wish(
        desk.say(SCOPE_WORDS[scope]),
        tuple(each.value for each in ConsentScope if each.value in wanted),
        desk.act(f"consents?account_id={consent.account_id}"),
    )


async def _debit(desk: Desk, consent: Consent) -> DebitView:
    today = local_day(desk.context.now)
    offices = await debiting_offices(act_of(desk.context))
    cards: list[MandateCard] = []
    free: list[CashOffice] = []
    for office in offices:
        mandates = [
            mandate
            for mandate, _ in await mandates_of(desk.db, office.id, family_account_id=consent.account_id)
            if mandate.revoked_on is None
        ]
        cards += [await _card(desk, mandate, office.label) for mandate in mandates]
        if has_room(mandates, today):
            free.append(office)
    return DebitView(
        mandates=tuple(cards),
        prepare=desk.act("mandates") if free else None,
        id=str(new_id()),
        offices=tuple(OfficeOption(str(office.id), office.label) for office in free),
        holder=desk.appointment.resident_name,
        today=today,
    )


async def _card(desk: Desk, mandate: DebitMandate, office: str) -> MandateCard:
    """Return a mandate with the next thing to do: confirmed, printed, signed, scanned, filed."""
    today, base = local_day(desk.context.now), f"mandates/{mandate.id}"
    revoke = desk.act(f"{base}/revoke")
    here = mandate.visit_id == desk.visit.id
    if state_of(mandate, today) is not MandateState.PREPARED or not here:
        return mandate_card(desk.context, mandate, office, today, revoke=revoke)
    if mandate.confirmed_at is None:
        spoken = desk.act(f"{base}/spoken").url
        return mandate_card(
            desk.context,
            mandate,
            office,
            today,
            step=desk.say(TO_CONFIRM),
            note_yes=Act(f"{spoken}?agreed=true"),
            note_no=Act(f"{spoken}?agreed=false"),
            show=desk.act(f"show?page={MANDATE_PAGE}") if desk.visit.shown != MANDATE_PAGE else None,
        )
    scans = await _scans(desk)
    return mandate_card(
        desk.context,
        mandate,
        office,
        today,
        step=desk.say(TO_SCAN if scans else TO_PRINT),
        print_it=desk.act(f"{base}/print"),
        file_signed=desk.act(f"{base}/signed"),
        scans=scans,
        revoke=revoke,
    )


async def _scans(desk: Desk) -> tuple[ScanChoice, ...]:
    found: Sequence[ScanChoice] = [
        ScanChoice(document.title, str(document.id))
        for document in await documents_of(desk.db, desk.visit.id)
        if document.kind == "scan" and document.state == "ready"
    ]
    return tuple(found[:SCANS_SHOWN])
