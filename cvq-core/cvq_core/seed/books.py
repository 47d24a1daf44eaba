"""The made-up territory's ledger: every balance is the sum of transactions that are really there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from cvq_core.debits.rules import NOTICE_DAYS
from cvq_core.ledger.revenue import revenue_code
from cvq_core.ledger.rules import LABEL_LENGTH_MAX, AccountKind, NewPosting, NewTransaction, TransactionKind, floor_for
from cvq_core.ledger.store import ledger_rows
from cvq_core.offices.rules import VOUCHER_SERVICES, Means
from cvq_core.seed.draw import Draw
from cvq_core.seed.population import Household
from cvq_core.seed.territory import SINCE, Row, Territory, definition, office_places
from cvq_core.services.rules import SERVICE_LABELS, ServiceCode, may_owe

OPENING_CODE = "opening"


@dataclass(frozen=True, slots=True)
class Movement:
    """Money into a wallet (plus) or out of it (minus), with what a family reads of it."""

    at: datetime
    kind: TransactionKind
    label: str
    amount_cents: int


@dataclass(slots=True)
class Books:
    """Rows of accounts, wallets, transactions, postings, and of the cash office."""

    draw: Draw
    territory: Territory
    accounts: list[Row] = field(default_factory=list)
    wallets: list[Row] = field(default_factory=list)
    transactions: list[Row] = field(default_factory=list)
    postings: list[Row] = field(default_factory=list)
    offices: list[Row] = field(default_factory=list)
    series: list[Row] = field(default_factory=list)
    creditors: list[Row] = field(default_factory=list)
    sub_offices: list[Row] = field(default_factory=list)
    collectable: list[Row] = field(default_factory=list)
    means: list[Row] = field(default_factory=list)
    vouchers: list[Row] = field(default_factory=list)
    _opening: UUID = field(init=False)
    _revenue: dict[ServiceCode, UUID] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._opening = self._account(OPENING_CODE, AccountKind.OPENING, "Reprise des soldes")
        for service in self.territory.services:
            code = service["code"]
            self._revenue[code] = self._account(revenue_code(code), AccountKind.REVENUE, SERVICE_LABELS[code])

    def open_wallet(self, household: Household, service: ServiceCode, movements: Iterable[Movement]) -> None:
        """Open a wallet with its history; the balance is what the history adds up to."""
        label = f"{SERVICE_LABELS[service]}, compte {household.number}"
        account_id = self._account(
            f"wallet:{household.number}:{service}", AccountKind.WALLET, label, household.opened_on
        )
        opened_at = self.accounts[-1]["opened_at"]
        balance = 0
        for movement in sorted(movements, key=lambda each: each.at):
            if movement.amount_cents == 0:
                continue
            other = self._revenue[service] if movement.kind is TransactionKind.USE else self._opening
            self._write(movement, account_id, other, balance)
            balance += movement.amount_cents
        self.wallets.append(
            {
                "id": account_id,
                "family_account_id": household.id,
                "service_code": service,
                "balance_cents": balance,
                "floor_cents": floor_for(may_owe(self.territory.policy(service)), balance),
                "opened_at": opened_at,
            }
        )

    def open_offices(self) -> None:
        """Set up the cash office of the territory with its sub-offices, as its founding act has them."""
        office = definition()["office"]
        office_id, series_id = self.draw.id(), self.draw.id()
        self.offices.append(
            {
                "id": office_id,
                **{key: office[key] for key in ("code", "label", "address", "phone", "founding_act", "ceiling_cents")},
            }
        )
        self.series.append(
            {"id": series_id, "office_id": office_id, "code": office["code"], "last_number": 0, "agreed_on": SINCE}
        )
        numbers = {"notice_days": NOTICE_DAYS, "last_mandate": 0, "last_run": 0}
        self.creditors.append({"office_id": office_id, **office["debit"], **numbers})
        for place in office_places():
            place_id = self.draw.id()
            kinds = {
                "safe_account_id": (AccountKind.SAFE, "Coffre"),
                "cheques_account_id": (AccountKind.CHEQUES, "Chèques à encaisser"),
                "card_account_id": (AccountKind.CARD_PAYMENTS, "Cartes bancaires en cours"),
                "difference_account_id": (AccountKind.DIFFERENCE, "Écarts de caisse"),
            }
            main = {"is_main": place.get("is_main", False)}
            held = {
                column: self._account(f"{kind}:{place['code']}", kind, f"{label}, {place['label']}")
                for column, (kind, label) in kinds.items()
            }
            plain = {key: place[key] for key in ("code", "label", "address", "phone", "float_cents", "ceiling_cents")}
            self.sub_offices.append(
                {
                    "id": place_id,
                    "office_id": office_id,
                    "series_id": series_id,
                    "opened_on": SINCE,
                    "closed_on": None,
                    **plain,
                    **held,
                    **main,
                }
            )
            float_account = self._account(
                f"{AccountKind.FLOAT}:{place['code']}", AccountKind.FLOAT, f"Fonds de caisse remis, {place['label']}"
            )
            issued = Movement(
                self.draw.instant_on(SINCE),
                TransactionKind.FLOAT_ISSUED,
                f"Remise du fonds de caisse, {place['label']}",
                place["float_cents"],
            )
            self._write(issued, float_account, held["safe_account_id"], None)
            period = {"sub_office_id": place_id, "valid_from": SINCE, "valid_until": None}
            self.collectable += [{"service_code": ServiceCode(code), **period} for code in place["collects"]]
            self.means += [{"means": Means(word), **period} for word in place["means"]]
            self.vouchers += [
                {"means": means, "service_code": service, **period}
                for means, services in VOUCHER_SERVICES.items()
                if means in place["means"]
                for service in sorted(services)
                if service in place["collects"]
            ]

    def _account(self, code: str, kind: AccountKind, label: str, opened_on: date = SINCE) -> UUID:
        account_id = self.draw.id()
        self.accounts.append(
            {
                "id": account_id,
                "code": code,
                "kind": kind,
                "label": label[:LABEL_LENGTH_MAX],
                "opened_at": self.draw.instant_on(opened_on),
            }
        )
        return account_id

    def _write(self, movement: Movement, account: UUID, other: UUID, balance_before: int | None) -> None:
        """Write a movement of an account against another; `balance_before` is a wallet's."""
        transaction = NewTransaction(
            id=self.draw.timeless_id(),
            kind=movement.kind,
            label=movement.label,
            occurred_at=movement.at,
            postings=(NewPosting(account, movement.amount_cents), NewPosting(other, -movement.amount_cents)),
            actor_kind="system",
            actor_id=None,
            day_only=movement.kind is TransactionKind.USE,
        )
        row, postings = ledger_rows(
            transaction, {} if balance_before is None else {account: balance_before}, movement.at
        )
        self.transactions.append(row)
        self.postings += postings
