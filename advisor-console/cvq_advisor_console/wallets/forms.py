"""The forms of both pages, with amounts as people write them, as the core takes them."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, Field

from cvq_advisor_console.cash.amounts import BAD_AMOUNT, cents_of, required_cents
from cvq_core.errors import BadInput
from cvq_core.wallets.routes import MoveBody, NoticeBody, TopUpAmounts, TopUpBody

AMOUNT = 20
"""No amount is written with more signs."""


class MoveForm(BaseModel):
    """Money to move from a wallet to another."""

    id: UUID
    source: UUID
    target: UUID
    amount: str = Field(max_length=AMOUNT)

    def body(self) -> MoveBody:
        """Return the form as the core takes it.

        Raises:
            BadInput: the amount is none.
        """
        return MoveBody(
            id=self.id,
            from_wallet_id=self.source,
            to_wallet_id=self.target,
            amount_cents=required_cents("amount", self.amount),
        )


class TopUpForm(BaseModel):
    """An automatic top-up; without a source, its end."""

    id: UUID
    wallet: UUID
    source: UUID | None = None
    threshold: str = Field(default="", max_length=AMOUNT)
    top_up: str = Field(default="", max_length=AMOUNT)
    month_max: str = Field(default="", max_length=AMOUNT)

    def body(self) -> TopUpBody:
        """Return the form as the core takes it.

        Raises:
            BadInput: an amount is none.
        """
        if self.source is None:
            return TopUpBody(id=self.id, wallet_id=self.wallet)
        return TopUpBody(
            id=self.id,
            wallet_id=self.wallet,
            source_wallet_id=self.source,
            setting=TopUpAmounts(
                threshold_cents=required_cents("threshold", self.threshold),
                amount_cents=required_cents("top_up", self.top_up),
                month_max_cents=required_cents("month_max", self.month_max),
            ),
        )


class NoticeForm(BaseModel):
    """A low-balance notice; without a threshold, its end."""

    id: UUID
    wallet: UUID
    below: str = Field(default="", max_length=AMOUNT)

    def body(self) -> NoticeBody:
        """Return the form as the core takes it.

        Raises:
            BadInput: the amount is none; zero and less are amounts here, as in "−5".
        """
        text = self.below.strip()
        if not text:
            return NoticeBody(id=self.id, wallet_id=self.wallet)
        negative = text[0] in "-−"
        cents = cents_of(text[1:] if negative else text)
        if cents is None:
            raise BadInput(fields={"below": BAD_AMOUNT})
        return NoticeBody(id=self.id, wallet_id=self.wallet, threshold_cents=-cents if negative else cents)


class MandateForm(BaseModel):
    """A mandate to prepare."""

    id: UUID
    office_id: UUID
    holder: str = Field(min_length=1, max_length=70)
    address: str = Field(min_length=1, max_length=200)
    iban: str = Field(min_length=1, max_length=50)
    one_off: bool = False


class RevokeForm(BaseModel):
    """Why a mandate ends."""

    why: str = Field(min_length=3, max_length=120)
