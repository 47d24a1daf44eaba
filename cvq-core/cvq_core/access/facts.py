"""The words and values of a decision at a reader: what is looked at, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from cvq_core.cards.rules import CardFacts
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.tariffs.rules import Priced, UserKind

EVERY_DAY = 0b1111111
"""All seven weekdays of `Right.weekdays`; Monday is the lowest bit."""


class PointKind(StrEnum):
    """What stands at an access point."""

    DOOR = "door"
    TURNSTILE = "turnstile"
    GATE = "gate"
    TABLET = "tablet"


class PointEventKind(StrEnum):
    """What a door or its reader says of itself."""

    FORCED = "forced"
    HELD_TOO_LONG = "held_too_long"
    TAMPER = "tamper"
    READER_OFFLINE = "reader_offline"
    READER_ONLINE = "reader_online"
    WRONG_KEY = "wrong_key"
    """It answers and does not prove that it holds its key: nobody listens to it."""
    CLOCK_WRONG = "clock_wrong"
    """Noted by the core once an hour when a reader's hours are not believed, and by a controller whose clock was set.

    A trouble of a controller's is told of one of its points for each service, since it stands at none."""
    DISK_FULL = "disk_full"
    """A controller can write nothing down: a power cut would lose what it decided since."""


class PointMode(StrEnum):
    """Whom a point lets through: by their rights, everybody, or nobody. Every tap is recorded all the same."""

    NORMAL = "normal"
    HELD_OPEN = "held_open"
    LOCKED = "locked"
    EMERGENCY = "emergency"


class Direction(StrEnum):
    """Which way people pass at a point. Only points that are told apart count who is inside."""

    IN = "in"
    OUT = "out"
    BOTH = "both"


class Fallback(StrEnum):
    """What a point does once the list that its controller decides on is too old."""

    FAIL_OPEN = "fail_open"
    FAIL_CLOSED = "fail_closed"
    AGENTS_ONLY = "agents_only"


class Assurance(StrEnum):
    """What a card's identity rests on, weakest first: a bare number, a signed one, a mutual authentication."""

    UID = "uid"
    SIGNED_ID = "signed_id"
    AUTHENTICATED = "authenticated"

    def reaches(self, least: Assurance) -> bool:
        """Whether this is as good as `least`, or better."""
        order = list(Assurance)
        return order.index(self) >= order.index(least)


class Manner(StrEnum):
    """How a person was presented to a point."""

    CARD = "card"
    TICK = "tick"
    """An adult ticked the person in a list: the small ones have no card with them."""


class AttendanceStatus(StrEnum):
    """What became of somebody who was expected, or simply came."""

    PRESENT = "present"
    ABSENT = "absent"


class RightKind(StrEnum):
    """Why somebody may pass."""

    SUBSCRIPTION = "subscription"
    RESERVATION = "reservation"
    AGENT_SCHEDULE = "agent_schedule"
    HOUSEHOLD = "household"
    PROFESSIONAL = "professional"
    ENROLMENT = "enrolment"
    LESSON = "lesson"

    @property
    def is_charged(self) -> bool:
        """Whether the holder is known to the service but pays, or owes, each time."""
        return self in {RightKind.PROFESSIONAL, RightKind.ENROLMENT}


class Reason(StrEnum):
    """Why a tap ended as it did. Slugs never change; refusals stand in the order in which they are looked for."""

    UNKNOWN_CARD = "unknown-card"
    CARD_REPLACED = "card-replaced"
    CARD_BLOCKED = "card-blocked"
    CARD_EXPIRED = "card-expired"
    CARD_NOT_YET_VALID = "card-not-yet-valid"
    PERSON_DECEASED = "person-deceased"
    ASSURANCE_TOO_LOW = "assurance-too-low"
    POINT_CLOSED = "point-closed"
    PRICE_MISSING = "price-missing"
    WALLET_EMPTY = "wallet-empty"
    OUTSIDE_HOURS = "outside-hours"
    RIGHT_ENDED = "right-ended"
    UNCLAIMED_DAY = "unclaimed-day"
    WRONG_SERVICE = "wrong-service"
    NOT_RESERVED = "not-reserved"
    NOT_ENTITLED = "not-entitled"
    LIST_EXPIRED = "list-expired"
    GUARDIAN_MISSING = "guardian-missing"
    PASSED_BACK = "passed-back"
    AREA_FULL = "area-full"

    EMERGENCY = "emergency"
    HELD_OPEN = "held-open"
    LEFT = "left"
    LET_IN_UNCHECKED = "let-in-unchecked"

    ALREADY_COUNTED = "already-counted"
    ENTITLED = "entitled"
    RESERVED = "reserved"
    SUBSCRIBED = "subscribed"
    ENTRY_COUNTED = "entry-counted"
    PAID = "paid"
    SERVED = "served"
    SERVED_AND_OWED = "served-and-owed"
    SERVED_UNCLAIMED = "served-unclaimed"
    BILLED = "billed"

    @property
    def allows(self) -> bool:
        """Whether the person passes, or is served."""
        return self in _ALLOWING


_ALLOWING = frozenset(
    {
        Reason.EMERGENCY,
        Reason.HELD_OPEN,
        Reason.LEFT,
        Reason.LET_IN_UNCHECKED,
        Reason.ALREADY_COUNTED,
        Reason.ENTITLED,
        Reason.RESERVED,
        Reason.SUBSCRIBED,
        Reason.ENTRY_COUNTED,
        Reason.PAID,
        Reason.SERVED,
        Reason.SERVED_AND_OWED,
        Reason.SERVED_UNCLAIMED,
        Reason.BILLED,
    }
)


class Effect(StrEnum):
    """What has to be written beside the tap itself."""

    NONE = "none"
    DEBIT = "debit"
    """`amount_cents` leaves the wallet."""
    ENTRY = "entry"
    """One entry leaves the right."""
    BILL = "bill"
    """`amount_cents` is owed and no wallet moves: the bill is made from the attendance."""


@dataclass(frozen=True, slots=True)
class Point:
    """An access point as a decision sees it: `policy` is that of the tap's day.

    What is 0 or None is not looked at. `passback_minutes` is how long a card that came in does not come in again,
    unless it went out, at the points of one area (without an area: at this one). `capacity` is how many the area
    holds. Whoever is younger than `guardian_age` comes in within `guardian_minutes` behind a guardian of theirs.
    `reserved_only` opens to reservations and to agents: whoever subscribes may reserve there, and no more.
    `clock_tolerance_s` is how far a reader's clock may be ahead before its hours are not believed.
    """

    id: UUID
    kind: PointKind
    service: ServiceCode
    policy: FundingPolicy
    assurance: Assurance = Assurance.UID
    mode: PointMode = PointMode.NORMAL
    shows_balance: bool = False
    site: str = ""
    direction: Direction = Direction.BOTH
    area_id: UUID | None = None
    capacity: int | None = None
    passback_minutes: int = 0
    double_tap_s: int = 0
    guardian_age: int | None = None
    guardian_minutes: int = 0
    clock_tolerance_s: int = 300
    offline_fallback: Fallback = Fallback.FAIL_CLOSED
    reserved_only: bool = False

    @property
    def looks_back(self) -> bool:
        """Whether a decision here hangs on who passed shortly before."""
        return bool(self.double_tap_s or self.passback_minutes or self.guardian_age)

    @property
    def counts_inside(self) -> bool:
        """Whether a passage here changes how many are inside the area."""
        return self.area_id is not None and self.direction is not Direction.BOTH

    @property
    def counts_once_a_day(self) -> bool:
        """Whether a second presentation on the same day counts for nothing: a roll call, not a passage."""
        return self.kind is PointKind.TABLET


@dataclass(frozen=True, slots=True)
class Right:
    """One entitlement of the person, or of a household of theirs, for the point's service.

    `point_id` narrows it to one point, `site` to the points of one building. `on_holidays` false ends it on public
    holidays. `entries_left` None is without limit. `opens_at` and `closes_at` are local
    hours, the closing one excluded; a right whose closing hour is not after its opening hour runs past midnight.
    """

    id: UUID
    kind: RightKind
    valid_from: datetime
    valid_until: datetime | None = None
    point_id: UUID | None = None
    entries_left: int | None = None
    weekdays: int = EVERY_DAY
    opens_at: time | None = None
    closes_at: time | None = None
    payer_account_id: UUID | None = None
    site: str | None = None
    on_holidays: bool = True


class Prices(Protocol):
    """What one passage costs, whichever account pays: from a tariff in the core, from a list of cents at a site."""

    def price(self, account_id: UUID | None, user: UserKind = UserKind.HOUSEHOLD) -> Priced | None:
        """Return the price where `account_id` pays; None where nobody knows it."""
        ...


@dataclass(frozen=True, slots=True)
class Passage:
    """That somebody passed at a point of an area, or (without an area) at this one."""

    at: datetime
    direction: Direction


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """What the same card got here an instant ago: it gets it again, and counts once."""

    reason: Reason
    display_short: str
    display_long: str
    balance_cents: int | None = None
    entries_left: int | None = None


@dataclass(frozen=True, slots=True)
class WalletFacts:
    """A wallet of the point's service in one of the person's family accounts; `floor_cents` None may go below zero."""

    id: UUID
    account_id: UUID
    balance_cents: int
    floor_cents: int | None

    def can_pay(self, amount_cents: int) -> bool:
        """Whether the balance covers `amount_cents`, whatever the floor would allow beyond it."""
        return self.balance_cents - amount_cents >= max(self.floor_cents or 0, 0)

    def can_owe(self, amount_cents: int) -> bool:
        """Whether the floor allows the balance to go down by `amount_cents`."""
        return self.floor_cents is None or self.balance_cents - amount_cents >= self.floor_cents


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that one decision rests on.

    `at` is aware; `wallets` come with the household that the person joined first in front. `card` is None for an
    unknown card and for a tick; `person_known` tells the two apart. `unclaimed` is a child of several accounts on a
    day that is no account's: whoever pays, it is none of these wallets. `payers` are the accounts that may pay, with a
    wallet or without one; `pricing` None is a passage that nothing is charged for, or whose service has no tariff.
    `holidays` are the public ones among yesterday and today.

    What is None is not known, and the rule that stands in is to let pass (docs/access.md): `inside` counts the people
    in the area, `last_passage` is the person's last one within `passback_minutes`, `first_answer` what their card got
    here within `double_tap_s`. `guardian_at` is when a guardian of theirs last passed here, None for never.
    `list_expired` is a controller's list that is too old to be believed.
    """

    point: Point
    at: datetime
    manner: Manner = Manner.CARD
    assurance: Assurance = Assurance.UID
    card: CardFacts | None = None
    person_known: bool = False
    deceased: bool = False
    rights: tuple[Right, ...] = ()
    wallets: tuple[WalletFacts, ...] = ()
    payers: tuple[UUID, ...] = ()
    pricing: Prices | None = None
    counted_today: bool = False
    unclaimed: bool = False
    holidays: frozenset[date] = frozenset()
    needs_guardian: bool = False
    guardian_at: datetime | None = None
    last_passage: Passage | None = None
    inside: int | None = None
    first_answer: FirstAnswer | None = None
    list_expired: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a tap: `amount_cents` is the price that was charged, `owed_cents` the part not covered.

    `priced` says why it is this price; `missing_cents` is what an empty wallet lacks. `repeats` is the first answer to
    a card that was presented twice.
    """

    reason: Reason
    effect: Effect = Effect.NONE
    amount_cents: int = 0
    owed_cents: int = 0
    wallet_id: UUID | None = None
    balance_cents: int | None = None
    right_id: UUID | None = None
    entries_left: int | None = None
    valid_until: datetime | None = None
    priced: Priced | None = None
    missing_cents: int = 0
    repeats: FirstAnswer | None = None

    @property
    def allowed(self) -> bool:
        """Whether the person passes, or is served."""
        return self.reason.allows
