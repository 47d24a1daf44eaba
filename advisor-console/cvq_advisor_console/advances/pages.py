"""The parts of the advance's pages."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from cvq_advisor_console.cash.amounts import written
from cvq_advisor_console.cash.counter import Counter
from cvq_advisor_console.views.advances import (
    AdvancePage,
    Choice,
    ClosedRow,
    ExpenseRow,
    ExpenseView,
    FundView,
    MovementRow,
    PayingView,
    ReplenishView,
    StatementRow,
)
from cvq_advisor_console.views.cash import StepLink
from cvq_core.advances.rules import (
    HELD_IN_WORDS,
    MOVED_WORDS,
    PAID_BY_WORDS,
    PURPOSE_WORDS,
    Fund,
    Moved,
    PaidBy,
    Purpose,
    Terms,
)
from cvq_core.advances.store import (
    ExpenseLine,
    Refundable,
    expense_lines,
    fund_of,
    movements_of,
    refundable,
    statement_lines,
    terms_on,
    unstated,
)
from cvq_core.clock import local_day
from cvq_core.debits.rules import masked_iban
from cvq_core.errors import N_
from cvq_core.ids import new_id
from cvq_core.services.rules import SERVICE_LABELS
from cvq_core.text import money
from cvq_core.web.views import Act

PAY = N_("Payer")
REPLENISH = N_("Reconstituer")
AWAITING = N_("à reconstituer")
STATED = N_("sur un état")
CANCELLED = N_("annulée")
CANCELS = N_("annulation")
EXPENSE = N_("Dépense")
CANCELLATION = N_("Annulation de dépense")
FACTS = {
    "payee": N_("À qui"),
    "purpose": N_("Pour quoi"),
    "document": N_("Pièce justificative"),
    "paid_by": N_("Comment"),
    "refunded": N_("Compte remboursé"),
    "iban": N_("IBAN"),
    "officer": N_("Payé par"),
}
GIVEN_BACK = N_("reconstitution de l’état {number}, reste {due}")


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the officer stands: the counter, what the act grants, and where the advance is."""

    counter: Counter
    terms: Terms
    fund: Fund

    def page(self, **step: Any) -> AdvancePage:
        """Return the page with one step on it, the fund beside."""
        counter, path = self.counter, self.counter.context.request.path
        steps = ((PAY, "/caisse/avance", "1", "cash"), (REPLENISH, "/caisse/avance/reconstituer", "2", "refresh"))
        return AdvancePage(
            place=counter.sub_office.label,
            office=counter.office.label,
            links=counter.links(),
            steps=tuple(StepLink(counter.say(label), url, key, icon, path == url) for label, url, key, icon in steps),
            fund=FundView(
                received_cents=self.fund.granted_cents,
                cash_cents=self.fund.cash_cents,
                account_cents=self.fund.account_cents,
                awaiting_cents=self.fund.awaiting_cents,
                granted_cents=self.terms.granted_cents,
                payment_max_cents=self.terms.payment_max_cents,
                act=self.terms.act,
            ),
            **step,
        )


async def desk_of(counter: Counter) -> Desk:
    """Return the advance at this counter.

    Raises:
        NoAdvance: the act grants none.
    """
    db, office = counter.context.db, counter.office
    terms = await terms_on(db, office.id, local_day(counter.context.now))
    return Desk(counter, terms, await fund_of(db, office.id))


async def paying_view(desk: Desk, *, number: str = "", wallet_id: str = "") -> PayingView:
    """Return what is to be paid; with an account's number, its wallets can be refunded."""
    counter = desk.counter
    db, office, today = counter.context.db, counter.office, local_day(counter.context.now)
    found = await refundable(db, office.id, today, number=number) if number else []
    chosen = next((each for each in found if str(each.wallet.id) == wallet_id), None)
    wanted = Purpose.CLOSED_ACCOUNT if chosen and chosen.account.closed_on else None
    return PayingView(
        url=counter.here("/caisse/avance/payer"),
        key=str(new_id()),
        purposes=_choices(counter, [each for each in Purpose if each in desk.terms.purposes], PURPOSE_WORDS, wanted),
        paid_by=_choices(counter, [each for each in PaidBy if each in desk.terms.paid_by], PAID_BY_WORDS, None),
        lookup_url="/caisse/avance",
        number=number,
        wallets=tuple(_wallet(counter, each, is_chosen=each is chosen) for each in found),
        amount=written(chosen.wallet.balance_cents) if chosen else "",
        closed=tuple(_closed(counter, each) for each in await refundable(db, office.id, today)),
        expenses=tuple(_row(counter, line) for line in await expense_lines(db, office.id, limit=12)),
    )


async def replenish_view(desk: Desk) -> ReplenishView:
    """Return what waits to be given back, and money that comes or goes."""
    counter = desk.counter
    db, office = counter.context.db, counter.office
    waiting = await unstated(db, office.id)
    cents = sum(line.expense.amount_cents for line in waiting)
    statements = await statement_lines(db, office.id)
    due = [
        Choice(
            f"{Moved.REPLENISHED}:{line.statement.id}",
            counter.say(GIVEN_BACK, number=line.number, due=money(line.due_cents, counter.context.language)),
        )
        for line in statements
        if line.due_cents
    ]
    plain = [Choice(each.value, counter.say(MOVED_WORDS[each])) for each in Moved if each is not Moved.REPLENISHED]
    return ReplenishView(
        waiting_cents=cents,
        waiting=tuple(_row(counter, line) for line in waiting),
        state=Act(counter.here("/caisse/avance/etats")) if cents > 0 else None,
        key=str(new_id()),
        statements=tuple(
            StatementRow(
                str(line.statement.id),
                line.number,
                line.statement.made_at,
                line.statement.total_cents,
                line.due_cents,
                f"/caisse/avance/etats/{line.statement.id}.pdf",
            )
            for line in statements[:12]
        ),
        move_url=counter.here("/caisse/avance/mouvements"),
        move_key=str(new_id()),
        kinds=(*due, *plain),
        places=_choices(counter, list(PaidBy), HELD_IN_WORDS, PaidBy.TRANSFER),
        movements=tuple(
            MovementRow(
                each.made_at,
                counter.say(MOVED_WORDS[each.kind]),
                counter.say(HELD_IN_WORDS[each.place]),
                each.amount_cents,
                each.reference,
            )
            for each in await movements_of(db, office.id, limit=12)
        ),
    )


def expense_view(counter: Counter, line: ExpenseLine) -> ExpenseView:
    """Return one expense, with what may be done about it."""
    row, printed = line.expense, line.expense.printed
    refunded = printed.get("refunded")
    facts = {
        "payee": row.payee,
        "purpose": counter.say(PURPOSE_WORDS[row.purpose]),
        "document": row.document,
        "paid_by": counter.say(PAID_BY_WORDS[row.paid_by]),
        "refunded": f"{refunded['service']}, {refunded['account']}" if refunded else "",
        "iban": masked_iban(row.iban) if row.iban else "",
        "officer": printed["officer"],
    }
    state, tone = _state(line)
    address = f"/caisse/avance/depenses/{row.id}"
    return ExpenseView(
        id=str(row.id),
        title=counter.say(CANCELLATION if row.cancels_id else EXPENSE),
        number=line.number,
        paid_at=row.paid_at,
        facts=tuple((counter.say(FACTS[name]), value) for name, value in facts.items() if value),
        amount_cents=row.amount_cents,
        state=counter.say(state),
        tone=tone,
        pdf_url=f"{address}.pdf",
        back_url="/caisse/avance",
        reason=printed.get("reason", ""),
        cancel=Act(f"{address}/annuler?key={new_id()}") if line.may_be_cancelled else None,
    )


def _row(counter: Counter, line: ExpenseLine) -> ExpenseRow:
    state, tone = _state(line)
    return ExpenseRow(
        line.number,
        line.expense.paid_at,
        line.expense.payee,
        counter.say(PURPOSE_WORDS[line.expense.purpose]),
        line.expense.amount_cents,
        f"/caisse/avance/depenses/{line.expense.id}",
        counter.say(state),
        tone,
    )


def _state(line: ExpenseLine) -> tuple[str, str]:
    if line.expense.cancels_id is not None:
        return CANCELS, "off"
    if line.cancelled_by_id is not None:
        return CANCELLED, "off"
    return (STATED, "ok") if line.statement_id is not None else (AWAITING, "sun")


def _wallet(counter: Counter, found: Refundable, *, is_chosen: bool) -> Choice:
    held = money(found.wallet.balance_cents, counter.context.language)
    return Choice(str(found.wallet.id), f"{SERVICE_LABELS[found.wallet.service_code]} ({held})", is_chosen)


def _closed(counter: Counter, found: Refundable) -> ClosedRow:
    return ClosedRow(
        found.account.number,
        SERVICE_LABELS[found.wallet.service_code],
        found.account.closed_on,
        found.wallet.balance_cents,
        f"/caisse/avance?compte={found.account.number}&service={found.wallet.id}",
    )


def _choices(counter: Counter, those: Collection[Any], words: Any, chosen: Any) -> tuple[Choice, ...]:
    """Return choices, the wanted one or the first one chosen."""
    first = chosen or next(iter(those), None)
    return tuple(Choice(each.value, counter.say(words[each]), each is first) for each in those)
