"""Outside the drawer: what the place holds and pays over, what the office integrates, receipts looked up."""

from __future__ import annotations

from datetime import date, datetime

from cvq_advisor_console.cash.counter import Counter, count_lines, means_totals_of, receipt_row
from cvq_advisor_console.views.cash import (
    BankRow,
    DrawerRow,
    HeldView,
    LookupView,
    MeansTotal,
    PendingView,
    RemitView,
    SlipRow,
    SlipView,
)
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.ids import new_id
from cvq_core.offices.ceiling_rules import REMIT_REASON_WORDS
from cvq_core.offices.ceilings import standings_of
from cvq_core.offices.remittance_rules import REMITTED_TO_WORDS, TAKING_WORDS, Contents, RemittedTo, TakingKind
from cvq_core.offices.remittance_store import (
    RemittanceLine,
    contents_of,
    destination_of,
    number_of,
    reason_to_remit,
    remittances_of,
    to_integrate,
)
from cvq_core.offices.remittances import is_officer
from cvq_core.offices.rules import Means
from cvq_core.offices.store import ReceiptLine
from cvq_core.web.views import Act

ALONGSIDE = {
    RemittedTo.OFFICE: N_("Les chèques, titres et cartes des caisses fermées partent tous avec."),
    RemittedTo.TREASURY: N_(
        "Les titres et ce que la banque a apporté partent avec ; les chèques se remettent au « Compte au Trésor »."
    ),
}
CANCELLED = N_("annulé")
CANCELS = N_("annulation")
SENT_BACK = N_("renvoyé par le régisseur")
INTEGRATED = N_("intégré")
WAITING = N_("à intégrer par le régisseur")
PAID_OVER = N_("versé au comptable")


async def held_view(counter: Counter) -> HeldView:
    """Return what the place could pay over now, and why it is to."""
    db, place, office = counter.context.db, counter.sub_office, counter.office
    today = local_day(counter.context.now)
    contents = await contents_of(db, place, today)
    standings = await standings_of(db, place, office)
    reason = await reason_to_remit(db, place, office, contents=contents, standing=standings.fullest, today=today)
    return HeldView(
        cash_cents=contents.cash_max_cents,
        others=_others(counter, contents),
        total_cents=contents.total_max_cents,
        to_classify_cents=contents.to_classify_cents,
        ceilings=await counter.ceilings(),
        reason=counter.say(REMIT_REASON_WORDS[reason]) if reason else "",
    )


async def remit_view(counter: Counter, error: str = "") -> RemitView:
    """Return the step that pays over."""
    notes, coins = count_lines()
    lines = await remittances_of(counter.context.db, counter.sub_office.id, limit=8)
    return RemitView(
        url=counter.here("/caisse/verser"),
        key=str(new_id()),
        to_words=counter.say(REMITTED_TO_WORDS[destination_of(counter.sub_office)]),
        alongside=counter.say(ALONGSIDE[destination_of(counter.sub_office)]),
        held=await held_view(counter),
        notes=notes,
        coins=coins,
        slips=tuple(slip_row(counter, line) for line in lines),
        error=error,
    )


def slip_row(counter: Counter, line: RemittanceLine) -> SlipRow:
    """Return a remittance as a line of a list."""
    state, tone = _state(line)
    remittance = line.remittance
    return SlipRow(
        number=number_of(remittance),
        made_at=remittance.made_at,
        total_cents=remittance.total_cents,
        url=f"/caisse/versements/{remittance.id}",
        state=counter.say(state),
        tone=tone,
    )


async def slip_view(counter: Counter, line: RemittanceLine, error: str = "") -> SlipView:
    """Return one remittance, with what this person may do about it."""
    remittance, printed = line.remittance, line.remittance.printed
    state, tone = _state(line)
    address = f"/caisse/versements/{remittance.id}"
    here = remittance.sub_office_id == counter.sub_office.id
    decides = line.is_pending and await may_integrate(counter)
    takes_back = here and remittance.cancels_id is None and line.cancelled_by_id is None and line.integration is None
    return SlipView(
        id=str(remittance.id),
        title=counter.say(CANCELLATION if remittance.cancels_id else REMITTANCE),
        number=number_of(remittance),
        place=printed["place"],
        made_at=remittance.made_at,
        by_means=means_totals_of(counter, printed["means"]),
        total_cents=remittance.total_cents,
        cash_cents=remittance.cash_cents,
        drawers=tuple(
            DrawerRow(
                opened_at=datetime.fromisoformat(drawer["opened_at"]),
                receipts=f"{drawer['first']} – {drawer['last']}" if drawer["receipts"] else "",
                by_means=means_totals_of(counter, drawer["means"]),
                difference_cents=drawer["difference_cents"],
            )
            for drawer in printed["drawers"]
        ),
        bank=tuple(
            BankRow(
                counter.means_word(Means(line["means"])),
                counter.say(TAKING_WORDS[TakingKind(line["kind"])]),
                date.fromisoformat(line["day"]),
                line["reference"],
                line["payments"],
                line["cents"],
            )
            for line in printed.get("bank", ())
        ),
        to_classify_cents=printed.get("to_classify_cents", 0),
        pdf_url=f"{address}.pdf",
        next_url="/caisse/versement" if here else "/caisse/a-integrer",
        state=counter.say(state),
        tone=tone,
        reason=printed.get("reason") or (line.integration.reason if line.integration else ""),
        prints_at_once=here and remittance.cancels_id is None,
        cancel=Act(f"{address}/annuler?key={new_id()}") if takes_back else None,
        accept=Act(f"{address}/integrer") if decides else None,
        send_back=Act(f"{address}/renvoyer?key={new_id()}") if decides else None,
        error=error,
    )


REMITTANCE = N_("Versement")
CANCELLATION = N_("Annulation de versement")


async def may_integrate(counter: Counter) -> bool:
    """Whether this person is the officer of the office whose counter this is."""
    context = counter.context
    return counter.sub_office.is_main and await is_officer(
        context.db, counter.office.id, counter.officer.staff_id, local_day(context.now)
    )


async def pending_view(counter: Counter) -> PendingView:
    """Return what the officer has still to decide."""
    lines = await to_integrate(counter.context.db, counter.office.id)
    return PendingView(tuple(slip_row(counter, line) for line in lines))


def lookup_view(
    counter: Counter,
    typed: dict[str, str],
    found: list[ReceiptLine] | None = None,
    errors: dict[str, str] | None = None,
) -> LookupView:
    """Return the search for receipts, with what was found where there was one."""
    rows = tuple(receipt_row(counter, line.receipt, voided=line.voided_by_id is not None) for line in found or [])
    return LookupView(
        url="/caisse/quittances/chercher",
        **typed,
        receipts=rows,
        total_cents=sum(row.total_cents for row in rows),
        searched=found is not None,
        errors=errors or {},
    )


def _others(counter: Counter, contents: Contents) -> tuple[MeansTotal, ...]:
    return means_totals_of(counter, {means.value: cents for means, cents in contents.others.items()})


def _state(line: RemittanceLine) -> tuple[str, str]:
    if line.remittance.cancels_id is not None:
        return CANCELS, "off"
    if line.integration is not None:
        return (INTEGRATED, "ok") if line.integration.accepted else (SENT_BACK, "alert")
    if line.cancelled_by_id is not None:
        return CANCELLED, "off"
    return (WAITING, "sun") if line.remittance.to is RemittedTo.OFFICE else (PAID_OVER, "ok")
