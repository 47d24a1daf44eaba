"""What several steps of the counter take: a count, a reason, an identifier in an address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from cvq_advisor_console.cash.amounts import BAD_NUMBER
from cvq_advisor_console.cash.counter import Counter, counter_of
from cvq_core.errors import BadInput, NotFound
from cvq_core.offices.rules import DENOMINATIONS_CENTS, DrawerClosed
from cvq_core.web import Context


class CountForm(BaseModel):
    """A count: a field `d<cents>` for each note and coin."""

    model_config = ConfigDict(extra="allow")


class VoidForm(BaseModel):
    """A receipt or a slip to take back, and why."""

    key: UUID
    reason: str = Field(min_length=3, max_length=200)


def counted_pieces(form: CountForm) -> dict[int, int]:
    """Return a count as denomination in cents to how many.

    Raises:
        BadInput: a field holds no number; it is named.
    """
    fields: Mapping[str, Any] = form.model_extra or {}
    counted, errors = {}, {}
    for cents in DENOMINATIONS_CENTS:
        text = str(fields.get(f"d{cents}", "") or "0").strip()
        if not text.isascii() or not text.isdigit() or len(text) > 5:
            errors[f"d{cents}"] = BAD_NUMBER
        else:
            counted[cents] = int(text)
    if errors:
        raise BadInput(fields=errors)
    return counted


async def open_counter(context: Context) -> Counter:
    """Return where somebody stands with an open drawer.

    Raises:
        NotMandatary
        DrawerClosed: they have none open here.
    """
    counter = await counter_of(context)
    if counter.drawer is None:
        raise DrawerClosed
    return counter


def optional_id(text: Any) -> UUID | None:
    """Return an identifier that an address may hold.

    Raises:
        NotFound: what is there is none.
    """
    try:
        return UUID(str(text)) if text else None
    except ValueError:
        raise NotFound from None
