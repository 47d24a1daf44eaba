"""Rules of double entry as pure functions over values.

The sign convention, once for all: **plus is credit, minus is debit**. A wallet, a revenue, a debt of the office grow
with a plus; a drawer, cheques to bank, a card payment under way grow with a minus. A family that brings 10 euros makes
the postings wallet +1000, drawer −1000; a pool entry at 3 euros makes wallet −300, revenue +300. So a wallet's
postings add up to what the family has left, and every transaction adds up to zero.
"""

from __future__ import annotations

from enum import StrEnum


class AccountKind(StrEnum):
    """What a ledger account stands for. `wallet` to `opening` are credit accounts, the others debit accounts."""

    WALLET = "wallet"
    REVENUE = "revenue"
    FLOAT = "float"
    OPENING = "opening"
    DRAWER = "drawer"
    SAFE = "safe"
    CHEQUES = "cheques"
    CARD_PAYMENTS = "card_payments"
    DIFFERENCE = "difference"


class TransactionKind(StrEnum):
    """What a transaction records."""

    OPENING = "opening"
    TOP_UP = "top_up"
    USE = "use"
    REVERSAL = "reversal"
    FLOAT_ISSUED = "float_issued"
    DRAWER_OPENED = "drawer_opened"
    DRAWER_CLOSED = "drawer_closed"
    DIFFERENCE = "difference"
