"""What the pages of direct debit show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

from cvq_advisor_console.cash.counter import Counter
from cvq_advisor_console.views.debits import (
    DebitRow,
    DebitsPage,
    ItemRow,
    MandateRow,
    MandatesPage,
    ReasonOption,
    ReturnRow,
    ReturnsView,
    RunPage,
    RunRow,
)
from cvq_advisor_console.wallets.family import TONES
from cvq_core.clock import local_day
from cvq_core.debits.collection import is_bank_day, next_collection
from cvq_core.debits.mandates import mandates_of, state_of
from cvq_core.debits.notices import latest_letters
from cvq_core.debits.reasons import FROM_THE_BANK, RETURN_WORDS
from cvq_core.debits.returns import TAKEN_WORDS, Taken, TakenLine, items_of, runs_of
from cvq_core.debits.rules import (
    MANDATE_WORDS,
    OBSTACLE_WORDS,
    TELLABLE,
    Debtable,
    Obstacle,
    first_collection_day,
    masked_iban,
)
from cvq_core.debits.tables import DebitMandate, DebitRun, DebitRunEnd, RunEnd
from cvq_core.errors import N_
from cvq_core.ids import new_id
from cvq_core.people.tables import FamilyAccount
from cvq_core.staff.tables import Staff
from cvq_core.text import long_date, short_date
from cvq_core.web import Context
from cvq_core.web.views import Act

URL = "/prelevements"
ROWS_SHOWN = 500
END_WORDS: dict[RunEnd | None, tuple[str, str]] = {
    None: (N_("à envoyer à la banque"), "sun"),
    RunEnd.SENT: (N_("envoyé à la banque"), "ok"),
    RunEnd.GIVEN_UP: (N_("abandonné"), "off"),
}
TAKEN_TONES = {Taken.RETURNED: "ok", Taken.KNOWN: "off"}
ANNOUNCED = N_("annoncé pour le {day}")


async def collection_page(counter: Counter, day: date) -> DebitsPage:
    """Return the page of a collection on a day."""
    context, office = counter.context, counter.office
    planned = await next_collection(context.db, office.id, day)
    rows = [*planned.items, *(item for item, _ in planned.refused)]
    known = await _mandates(counter, rows)
    to_tell = {item.mandate_id for item, why in planned.refused if why in TELLABLE}
    letters = await latest_letters(context.db, office.id)
    return DebitsPage(
        url=URL,
        place=counter.sub_office.label,
        office=office.label,
        day=day,
        first_day=first_collection_day(local_day(context.now), is_bank_day),
        items=tuple(_row(context, item, known) for item in planned.items[:ROWS_SHOWN]),
        total_cents=planned.total_cents,
        kept_back=tuple(_row(context, item, known, why) for item, why in planned.refused[:ROWS_SHOWN]),
        kept_back_cents=sum(item.due_cents for item, _ in planned.refused),
        to_tell=len(to_tell),
        make=Act(f"{URL}/fichier") if planned.items else None,
        make_id=str(new_id()),
        tell=Act(f"{URL}/prevenir") if to_tell else None,
        tell_id=str(new_id()),
        letters_url=f"{URL}/lettres/{letters}.pdf" if letters else "",
        runs=await _runs(counter),
        returns=returns_view(context),
        mandates_url=f"{URL}/mandats",
    )


async def run_page(counter: Counter, run: DebitRun) -> RunPage:
    """Return the page of a file."""
    context = counter.context
    end = await context.db.get(DebitRunEnd, run.id)
    word, tone = END_WORDS[end.end if end else None]
    items = await items_of(context.db, run.id)
    base = f"{URL}/fichiers/{run.id}"
    back = [each for each in items if each.returned is not None]
    may_return = end is not None and end.end is RunEnd.SENT
    return RunPage(
        name=_name(counter, run),
        place=counter.sub_office.label,
        day=run.collection_day,
        made_at=run.made_at,
        made_by=await context.db.scalar(select(Staff.display_name).where(Staff.id == run.made_by)) or "",
        word=context._(word),
        tone=tone,
        rows=tuple(
            ItemRow(
                family=each.family.number,
                holder=each.mandate.holder,
                invoice=each.number,
                mandate=each.mandate.reference,
                amount_cents=each.item.amount_cents,
                returned=context._(RETURN_WORDS[each.returned.reason]) if each.returned else "",
                fee_cents=each.returned.fee_cents if each.returned else 0,
                take_back=Act(f"{base}/retours/{each.item.id}") if may_return and each.returned is None else None,
            )
            for each in items
        ),
        total_cents=run.total_cents,
        returned_cents=sum(each.item.amount_cents for each in back),
        fees_cents=sum(each.returned.fee_cents for each in back if each.returned is not None),
        file_url=f"{base}/sepa.xml",
        back_url=URL,
        end=Act(f"{base}/fin") if end is None else None,
        reasons=tuple(
            ReasonOption(reason.value, f"{context._(RETURN_WORDS[reason])} ({reason.value})")
            for reason in FROM_THE_BANK
        ),
    )


def returns_view(context: Context, taken: Sequence[TakenLine] | None = None) -> ReturnsView:
    """Return where the bank's file is taken in, and what became of the lines of one that just was."""
    return ReturnsView(
        url=f"{URL}/retours",
        rows=tuple(
            ReturnRow(
                reference=each.line.reference,
                reason=f"{context._(RETURN_WORDS[each.line.reason])} ({each.line.code})",
                amount_cents=each.line.amount_cents,
                word=context._(TAKEN_WORDS[each.taken]),
                tone=TAKEN_TONES.get(each.taken, "alert"),
            )
            for each in taken or ()
        ),
        taken=taken is not None,
        taken_cents=sum(each.line.amount_cents or 0 for each in taken or () if each.taken is Taken.RETURNED),
    )


async def mandates_page(counter: Counter, query: str) -> MandatesPage:
    """Return the mandates of the office, or those that a word finds."""
    context = counter.context
    today = local_day(context.now)
    rows = []
    for mandate, family in await mandates_of(context.db, counter.office.id, search=query):
        state = state_of(mandate, today)
        rows.append(
            MandateRow(
                url=f"/comptes-de-service/{family.id}",
                reference=mandate.reference,
                family=family.number,
                holder=mandate.holder,
                account=masked_iban(mandate.iban),
                word=context._(MANDATE_WORDS[state]),
                tone=TONES[state],
                signed_on=mandate.signed_on,
                last_used_on=mandate.last_used_on,
                revoked_why=context._(mandate.revoked_why) if mandate.revoked_why else "",
            )
        )
    return MandatesPage(f"{URL}/mandats", counter.sub_office.label, URL, query, tuple(rows))


async def _runs(counter: Counter) -> tuple[RunRow, ...]:
    context = counter.context
    rows = []
    for each in await runs_of(context.db, counter.office.id):
        word, tone = END_WORDS[each.end.end if each.end else None]
        rows.append(
            RunRow(
                url=f"{URL}/fichiers/{each.run.id}",
                name=_name(counter, each.run),
                day=each.run.collection_day,
                items=each.run.items,
                total_cents=each.run.total_cents,
                word=context._(word),
                tone=tone,
                returned=each.returned,
                returned_cents=each.returned_cents,
            )
        )
    return tuple(rows)


async def _mandates(counter: Counter, items: Sequence[Debtable]) -> dict[str, tuple[DebitMandate, FamilyAccount]]:
    wanted = {item.mandate_id for item in items}
    rows = await counter.context.db.execute(
        select(DebitMandate, FamilyAccount)
        .join(FamilyAccount, FamilyAccount.id == DebitMandate.family_account_id)
        .where(DebitMandate.id.in_(wanted))
    )
    return {str(mandate.id): (mandate, family) for mandate, family in rows}


def _row(
    context: Context,
    item: Debtable,
    known: dict[str, tuple[DebitMandate, FamilyAccount]],
    why: Obstacle | None = None,
) -> DebitRow:
    mandate, family = known[str(item.mandate_id)]
    told = item.told
    words = context._(OBSTACLE_WORDS[why]) if why else ""
    if why is Obstacle.NOT_DUE:
        words = f"{words} ({long_date(item.due_on, context.language)})"
    return DebitRow(
        family=family.number,
        holder=mandate.holder,
        invoice=item.number,
        mandate=mandate.reference,
        account=masked_iban(mandate.iban),
        amount_cents=item.due_cents,
        told=context._(ANNOUNCED, day=short_date(told.day, context.language)) if told else "",
        why=words,
    )


def _name(counter: Counter, run: DebitRun) -> str:
    return f"{counter.office.code}-{run.number:04d}"
