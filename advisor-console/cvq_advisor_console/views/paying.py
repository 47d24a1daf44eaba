"""Paying online in a visit: what can be put into a cart, and the cart that the resident is paying."""

from __future__ import annotations

from dataclasses import dataclass

from cvq_core.web.views import Act, Region


@dataclass(frozen=True, slots=True)
class PayChoice:
    """A wallet to top up or an invoice to settle. `name` is the field's; `hint` says what is there or due."""

    name: str
    label: str
    hint: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class PayingLine:
    """One thing in the cart."""

    label: str
    amount_cents: int


@dataclass(frozen=True, slots=True)
class CartView:
    """The cart as it stands: where it is paid (`url`, and as a picture `qr_code`), and whether it is."""

    word: str
    tone: str
    icon: str
    lines: tuple[PayingLine, ...]
    total_cents: int
    url: str
    address: str
    qr_code: str
    payable: bool


@dataclass(frozen=True, slots=True)
class PayingView:
    """`fragments/paying.html`: `choices` are empty while the account is closed; `cart_id` makes two clicks one cart.

    `show` puts the cart on screen 2, `hide` takes it away.
    """

    region: Region
    choices: tuple[PayChoice, ...] = ()
    cart: CartView | None = None
    make: Act | None = None
    show: Act | None = None
    hide: Act | None = None
    cart_id: str = ""
