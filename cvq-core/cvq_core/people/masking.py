"""What one family may know of the other one of a child they share: pure, and the same on every page and paper.

Each parent sees and pays their own side. Of the other account they may know the guardian's name; its address, contacts,
family quotient, bank account, wallets and who looked at it stay masked. The child's attendance and what is billed for
the child are open to both who hold parental authority; a court order can take that away (Code civil, articles 372 and
373-2-1).
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from uuid import UUID

from cvq_core.errors import N_


class Detail(StrEnum):
    """What is known of a family account."""

    GUARDIAN_NAME = "guardian_name"
    ADDRESS = "address"
    CONTACTS = "contacts"
    QUOTIENT = "quotient"
    BANK_ACCOUNT = "bank_account"
    WALLET = "wallet"
    LOOKS = "looks"
    ATTENDANCE = "attendance"
    BILLING = "billing"


OPEN_TO_ALL = frozenset({Detail.GUARDIAN_NAME})
OF_THE_CHILD = frozenset({Detail.ATTENDANCE, Detail.BILLING})
MASKED = N_("L’autre compte de l’enfant n’est pas montré : seulement le nom de l’autre responsable.")
MASKED_BUT_THE_CHILD = N_(
    "De l’autre compte de l’enfant ne sont montrés que le nom de l’autre responsable, les présences de l’enfant "
    "et ce qui est facturé pour lui."
)


def sight(*, own: bool, authority: bool) -> frozenset[Detail]:
    """Return what of an account may be shown: all of one's own, of the child's other one what is the child's.

    `authority` tells whether the one who looks, or for whom somebody looks, holds parental authority over the child.
    """
    if own:
        return frozenset(Detail)
    return OPEN_TO_ALL | OF_THE_CHILD if authority else OPEN_TO_ALL


def holds_authority(
    child_id: UUID, guardians: Collection[UUID], without: Collection[tuple[UUID, UUID]], viewer_id: UUID | None = None
) -> bool:
    """Whether a guardian of the account that looks holds authority over a child.

    `guardians` are the account's, `without` the (child, guardian) from whom a court took it. Where it is known who of
    the account looks, it is theirs that counts: a payer or an elder brother has none.
    """
    asking = guardians if viewer_id is None else [viewer_id] if viewer_id in guardians else []
    return any((child_id, guardian_id) not in without for guardian_id in asking)


def masked_in_words(shown: frozenset[Detail]) -> str:
    """Return the French sentence that says what is not shown, "" when all is."""
    if shown == frozenset(Detail):
        return ""
    return MASKED_BUT_THE_CHILD if shown >= OF_THE_CHILD else MASKED
