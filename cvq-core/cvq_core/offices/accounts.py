"""Which accounts of the ledger are an office's own: each bears the code of its office or of one of its places."""

from __future__ import annotations

from collections.abc import Collection

from cvq_core.ledger.rules import AccountKind
from cvq_core.offices.rules import Means

COUNTERPARTS = frozenset({AccountKind.WALLET, AccountKind.RECEIVABLE, AccountKind.REVENUE, AccountKind.OPENING})
"""Kinds of accounts that are no office's own."""

BY_MEANS = frozenset({AccountKind.VOUCHERS, AccountKind.REMITTED})
"""Kinds of which there is an account for each means: "vouchers:cesu:POM"."""


def own_codes(holders: Collection[str]) -> list[str]:
    """Return the codes that the accounts of offices and places may have, given theirs; drawers are named otherwise."""
    kinds = [kind for kind in AccountKind if kind not in COUNTERPARTS and kind is not AccountKind.DRAWER]
    firsts = [f"{kind}:{means}" for kind in kinds if kind in BY_MEANS for means in Means]
    firsts += [kind.value for kind in kinds if kind not in BY_MEANS]
    return [f"{first}:{holder}" for first in firsts for holder in holders]
