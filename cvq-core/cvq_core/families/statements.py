"""A family's statement for any period: each wallet and invoice, from its opening balance to its closing one."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.errors import N_, BadInput
from cvq_core.invoices.rules import invoice_number
from cvq_core.invoices.tables import Invoice
from cvq_core.ledger.statements import Movement, statement
from cvq_core.ledger.tables import Receivable
from cvq_core.ledger.wallets import UnknownWallet, wallets_of
from cvq_core.people.store import family_account_by_id
from cvq_core.people.tables import FamilyAccount
from cvq_core.services.store import services_in_force
from cvq_core.spreadsheets import euros, harmless
from cvq_core.tariffs.words import kept_reasons
from cvq_core.text import translator

PERIOD_DAYS_MAX = 366 * 11
LINES_MAX = 20_000
INVOICES_MAX = 200
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)
COLUMNS = (
    N_("Compte"),
    N_("Numéro"),
    N_("Jour"),
    N_("Libellé"),
    N_("Montant"),
    N_("Solde"),
    N_("Explication du prix"),
)
OPENING = N_("Solde au début de la période")
CLOSING = N_("Solde à la fin de la période")


class BadPeriod(BadInput):
    """A period that ends before it begins, is longer than accounts are kept, or has more lines than one paper holds."""

    slug = "bad-period"
    message = N_("Cette période n’est pas possible : elle finit avant de commencer, ou elle est trop longue.")
    what_to_do = N_("Choisissez une période plus courte.")


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement, in cents: plus is what came in. `balance_cents` is what there was after it.

    `why` says why the price is what it is, "" where nothing was priced.
    """

    day: date
    label: str
    amount_cents: int
    balance_cents: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class StatementSection:
    """One wallet, or one invoice (below zero by what is due), over the period."""

    id: UUID
    title: str
    is_invoice: bool
    opening_cents: int
    lines: tuple[StatementLine, ...]
    closing_cents: int


@dataclass(frozen=True, slots=True)
class FamilyStatement:
    """A family's statement from a civil day to another, both included."""

    account: FamilyAccount
    first: date
    last: date
    sections: tuple[StatementSection, ...]

    @property
    def lines(self) -> int:
        """How many movements it has."""
        return sum(len(section.lines) for section in self.sections)


def check_period(first: date, last: date) -> None:
    """Refuse what is no period.

    Raises:
        BadPeriod
    """
    if first < FIRST_DAY or last > LAST_DAY or not 0 <= (last - first).days < PERIOD_DAYS_MAX:
        raise BadPeriod


async def family_statement(
    db: AsyncSession,
    account_id: UUID,
    first: date,
    last: date,
    *,
    wallet_id: UUID | None = None,
    language: str = "fr",
    with_quotient: bool = False,
) -> FamilyStatement:
    """Return the statement of an account or of one of its wallets, in the order in which people list the services.

    Prices are explained; the family's quotient is named `with_quotient` alone.

    An invoice is there when something moved on it in the period, or when something was due at its end.

    Raises:
        UnknownFamilyAccount
        UnknownWallet: `wallet_id` is none of this account's.
        BadPeriod: see `check_period`; or it has more than `LINES_MAX` lines.
    """
    check_period(first, last)
    account = await family_account_by_id(db, account_id)
    _ = translator(language).gettext
    titles = {code: service.label for code, service in (await services_in_force(db, last)).items()}
    order = {code: position for position, code in enumerate(titles)}
    wallets = [each for each in await wallets_of(db, account_id) if wallet_id in (None, each.id)]
    if wallet_id is not None and not wallets:
        raise UnknownWallet
    wallets.sort(key=lambda wallet: (order.get(wallet.service_code, len(order)), wallet.service_code))
    wanted = [(wallet.id, _(titles.get(wallet.service_code, wallet.service_code.value)), False) for wallet in wallets]
    if wallet_id is None:
        wanted += [
            (invoice_id, _(N_("Facture {number}")).format(number=number), True)
            for invoice_id, number in await _invoices(db, account_id, last)
        ]
    sections: list[StatementSection] = []
    left = LINES_MAX
    for ledger_account_id, title, is_invoice in wanted:
        found = await statement(db, ledger_account_id, first, last, lines_max=left)
        if found.more:
            raise BadPeriod
        left -= len(found.movements)
        if is_invoice and not found.movements and not found.closing_cents:
            continue
        sections.append(
            StatementSection(
                id=ledger_account_id,
                title=title,
                is_invoice=is_invoice,
                opening_cents=found.opening_cents,
                lines=tuple(_line(movement, language, with_quotient=with_quotient) for movement in found.movements),
                closing_cents=found.closing_cents,
            )
        )
    return FamilyStatement(account, first, last, tuple(sections))


def statement_csv(found: FamilyStatement, language: str = "fr") -> bytes:
    """Return a statement as a file that a spreadsheet opens: semicolons, UTF-8 with its mark, amounts as "-2,35"."""
    _ = translator(language).gettext
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow([_(word) for word in COLUMNS])
    number = found.account.number
    for section in found.sections:
        title = harmless(section.title)
        writer.writerow([title, number, found.first.isoformat(), _(OPENING), "", euros(section.opening_cents), ""])
        for line in section.lines:
            writer.writerow(
                [
                    title,
                    number,
                    line.day.isoformat(),
                    harmless(line.label),
                    euros(line.amount_cents),
                    euros(line.balance_cents),
                    harmless(line.why),
                ]
            )
        writer.writerow([title, number, found.last.isoformat(), _(CLOSING), "", euros(section.closing_cents), ""])
    return out.getvalue().encode("utf-8-sig")


def file_name(found: FamilyStatement, suffix: str) -> str:
    """Return what the file is called: no name of a person, since it lies about on disks."""
    return f"releve-{found.account.number}-{found.first}-{found.last}.{suffix}"


async def _invoices(db: AsyncSession, account_id: UUID, last: date) -> list[tuple[UUID, str]]:
    rows = await db.execute(
        select(Invoice.id, Invoice.year, Invoice.number)
        .join(Receivable, Receivable.id == Invoice.id)
        .where(
            Receivable.family_account_id == account_id,
            Invoice.issued_on <= last,
        )
        .order_by(Invoice.year.desc(), Invoice.number.desc())
        .limit(INVOICES_MAX)
    )
    return [(invoice_id, invoice_number(year, number)) for invoice_id, year, number in reversed(rows.all())]


def _line(movement: Movement, language: str, *, with_quotient: bool) -> StatementLine:
    def say(sentence: str, **places: object) -> str:
        return translator(language).gettext(sentence).format_map(places)

    return StatementLine(
        local_day(movement.occurred_at),
        movement.label,
        movement.amount_cents,
        movement.balance_after_cents,
        kept_reasons(movement.why, say, language, with_quotient=with_quotient),
    )


def usual_period(today: date) -> tuple[date, date]:
    """Return the period that is shown when none is asked for: three months up to today."""
    return today - timedelta(days=92), today
