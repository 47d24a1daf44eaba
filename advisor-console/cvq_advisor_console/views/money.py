"""What can be done with a family's wallets and its direct debit: in a visit under consent, or at a counter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cvq_core.web.views import Act, Region


@dataclass(frozen=True, slots=True)
class WalletOption:
    """A wallet to choose; `held` says what is on it."""

    id: str
    label: str
    held: str


@dataclass(frozen=True, slots=True)
class SettingLine:
    """A setting in force, as a sentence; `end` takes it away, for `wallet_id`."""

    sentence: str
    wallet_id: str
    end_id: str
    end: Act


@dataclass(frozen=True, slots=True)
class MoveView:
    """Money to move: POST `id`, `source`, `target`, `amount`. `id` makes two clicks one move."""

    act: Act
    id: str


@dataclass(frozen=True, slots=True)
class SettingsView:
    """Automatic top-ups and notices: what is in force, and a form for each. `email` is where notices go, masked."""

    top_ups: tuple[SettingLine, ...]
    notices: tuple[SettingLine, ...]
    choose_top_up: Act
    choose_notice: Act
    top_up_id: str
    notice_id: str
    email: bool


@dataclass(frozen=True, slots=True)
class ScanChoice:
    """A scanned paper that can be filed as the signed mandate."""

    title: str
    document_id: str


@dataclass(frozen=True, slots=True)
class MandateCard:
    """A mandate: `account` is masked. `step` is the next thing to do with it, in words."""

    reference: str
    word: str
    tone: str
    holder: str
    account: str
    office: str
    one_off: bool
    signed_on: date | None = None
    last_used_on: date | None = None
    step: str = ""
    paper_url: str = ""
    note_yes: Act | None = None
    note_no: Act | None = None
    show: Act | None = None
    print_it: Act | None = None
    file_signed: Act | None = None
    scans: tuple[ScanChoice, ...] = ()
    upload: Act | None = None
    revoke: Act | None = None


@dataclass(frozen=True, slots=True)
class OfficeOption:
    """A cash office that debits."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class DebitView:
    """Direct debit: the mandates that stand, and the form of a new one where there is room for it."""

    mandates: tuple[MandateCard, ...]
    prepare: Act | None
    id: str
    offices: tuple[OfficeOption, ...]
    holder: str = ""
    today: date | None = None


@dataclass(frozen=True, slots=True)
class QuotientView:
    """The family quotient in a visit: what is `known`, what came of the last question (`told`), and the next one.

    POST `id`, and with `needs_status` `sex`, `birth_country`, `birth_commune`; `why_not` says why none can be asked.
    """

    known: str
    told: str = ""
    tone: str = ""
    ask: Act | None = None
    id: str = ""
    needs_status: bool = True
    country: str = ""
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """Something that another consent would allow: POST `scopes` to `ask`."""

    label: str
    scopes: tuple[str, ...]
    ask: Act


@dataclass(frozen=True, slots=True)
class ReservedLine:
    """A reservation to come, as a sentence; `take` takes what is offered."""

    sentence: str
    state: str
    tone: str
    cancel: Act
    take: Act | None = None


@dataclass(frozen=True, slots=True)
class SlotButton:
    """A free slot: POST `fields` reserves it."""

    words: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class SlotsView:
    """The next free slots of a place."""

    label: str
    slots: tuple[SlotButton, ...]


@dataclass(frozen=True, slots=True)
class PlaceOption:
    """A place that is reserved by free hours."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class ReservingView:
    """Reservations in a visit: those to come, the next free slots, and a form for halls (POST to `hours`)."""

    lines: tuple[ReservedLine, ...]
    reserve: Act
    places: tuple[SlotsView, ...]
    halls: tuple[PlaceOption, ...]
    hours: Act
    id: str
    today: date


@dataclass(frozen=True, slots=True)
class MoneyView:
    """`fragments/money.html`. What is None is not open here; `allowed` and `wishes` say so in words in a visit."""

    region: Region
    wallets: tuple[WalletOption, ...] = ()
    move: MoveView | None = None
    settings: SettingsView | None = None
    debit: DebitView | None = None
    quotient: QuotientView | None = None
    reserving: ReservingView | None = None
    allowed: tuple[str, ...] = ()
    wishes: tuple[Wish, ...] = ()
    shown: bool = True


@dataclass(frozen=True, slots=True)
class MoneyPage:
    """`money.html`: a family's wallets at a counter, or the search for one (`search`)."""

    place: str
    search: object | None = None
    family: str = ""
    number: str = ""
    back_url: str = ""
    money: MoneyView | None = None
