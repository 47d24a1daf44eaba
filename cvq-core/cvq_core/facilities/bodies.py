"""What is sent and answered around facilities."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool, StrictInt

from cvq_core.facilities.calendar import Day
from cvq_core.facilities.manage import POINTS_MAX, REASON_CHARACTERS_MAX
from cvq_core.facilities.refusals import NotASlot
from cvq_core.facilities.rules import YEAR_MAX, YEAR_MIN, ReservationState, Slot, Span
from cvq_core.facilities.service import Wish
from cvq_core.facilities.store import Held
from cvq_core.facilities.tables import Facility, FacilityClosure
from cvq_core.facilities.terms import BookerKind, Terms
from cvq_core.people.names import listed_name
from cvq_core.services.rules import ServiceCode

Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]


class Body(BaseModel):
    """What is sent here: nothing unknown."""

    model_config = ConfigDict(extra="forbid")


class SpanBody(Body):
    """A time, by its instants."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime

    def span(self) -> Span:
        """Return the time.

        Raises:
            NotASlot: it is not of these centuries, where no calendar overflows.
        """
        if not all(YEAR_MIN <= each.year <= YEAR_MAX for each in (self.starts_at, self.ends_at)):
            raise NotASlot
        return Span(self.starts_at.astimezone(UTC), self.ends_at.astimezone(UTC))


class WishBody(SpanBody):
    """A time that a person asks for, paid by one of their accounts; `id` is made by who asks, and makes it one wish.

    `wait`: put them on the waiting list of a time that is taken, instead.
    """

    id: UUID
    facility_id: UUID
    person_id: UUID
    account_id: UUID | None = None
    wait: StrictBool = False

    def wish(self) -> Wish:
        """Return the wish."""
        return Wish(self.id, self.facility_id, self.span(), self.person_id, self.account_id)


class CancelBody(Body):
    """A cancellation; by the house (its manager), all comes back and `reason` is told."""

    by_house: StrictBool = False
    reason: str = Field(default="", max_length=REASON_CHARACTERS_MAX)


class DepositBody(Body):
    """What is kept of a deposit once the time is over, and why."""

    kept_cents: StrictInt
    reason: str = Field(default="", max_length=REASON_CHARACTERS_MAX)


class TermsBody(Body):
    """How a facility is reserved from a day on."""

    id: UUID
    valid_from: date
    terms: Terms


class DoorsBody(Body):
    """Which doors a reservation opens."""

    point_ids: list[UUID] = Field(max_length=POINTS_MAX)


class FacilityBody(DoorsBody):
    """A facility to be made, with its first terms."""

    id: UUID
    terms_id: UUID
    code: Code
    label: str = Field(min_length=1, max_length=120)
    service: ServiceCode
    site: str = Field(min_length=1, max_length=120)
    address: str = Field(default="", max_length=200)
    terms: Terms


class ClosureBody(SpanBody):
    """A time during which a facility is closed, and why: what is reserved in it is cancelled and given back."""

    id: UUID
    reason: str = Field(min_length=1, max_length=REASON_CHARACTERS_MAX)


class FacilityOut(BaseModel):
    """A facility that can be reserved."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    code: str
    label: str
    service_code: ServiceCode
    site: str
    address: str


class FacilitiesOut(BaseModel):
    """All of them that are within reach."""

    items: list[FacilityOut]


class SettingsOut(FacilityOut):
    """A facility with its terms of today, its doors, closures to come, and its calendar's link."""

    valid_from: date
    terms: Terms
    point_ids: list[UUID]
    closures: list[ClosureOut]
    calendar_url: str


class ClosureOut(BaseModel):
    """A closure that is not over."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    starts_at: datetime
    ends_at: datetime
    reason: str

    @classmethod
    def of(cls, closure: FacilityClosure) -> ClosureOut:
        """Return a closure as it goes out."""
        return cls.model_validate(closure)


class SlotOut(BaseModel):
    """One slot; `shut` says why it is closed, else ""."""

    starts_at: datetime
    ends_at: datetime
    free: bool
    shut: str

    @classmethod
    def of(cls, slot: Slot) -> SlotOut:
        """Return a slot as it goes out."""
        return cls(starts_at=slot.span.starts_at, ends_at=slot.span.ends_at, free=slot.free, shut=slot.shut)


class DayOut(BaseModel):
    """A day: its slots; or, where the hours are free, when it is open and when it is taken."""

    day: date
    slots: list[SlotOut]
    open: list[SpanOut]
    taken: list[SpanOut]


class SpanOut(BaseModel):
    """A time."""

    starts_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, span: Span) -> SpanOut:
        """Return a time as it goes out."""
        return cls(starts_at=span.starts_at, ends_at=span.ends_at)


class DaysOut(BaseModel):
    """The days that were asked for."""

    items: list[DayOut]


class QuoteOut(BaseModel):
    """What a reservation would cost, in cents, and by which rule."""

    booker_kind: BookerKind
    price_cents: int
    deposit_cents: int
    why: str


class ReservationOut(BaseModel):
    """A reservation with who has it."""

    id: UUID
    facility_id: UUID
    facility: str
    starts_at: datetime
    ends_at: datetime
    person_id: UUID
    person: str
    account_id: UUID | None
    state: ReservationState
    booker_kind: BookerKind
    offer_until: datetime | None
    price_cents: int
    refunded_cents: int
    deposit_cents: int
    deposit_kept_cents: int | None

    @classmethod
    def of(cls, held: Held) -> ReservationOut:
        """Return a reservation as it goes out."""
        made, person = held.reservation, held.person
        return cls(
            id=made.id,
            facility_id=made.facility_id,
            facility=held.facility.label,
            starts_at=made.starts_at,
            ends_at=made.ends_at,
            person_id=person.id,
            person=listed_name(person.family_name, person.usual_name, person.given_names),
            account_id=made.account_id,
            state=made.state,
            booker_kind=made.booker_kind,
            offer_until=made.offer_until,
            price_cents=made.price_cents,
            refunded_cents=made.refunded_cents,
            deposit_cents=made.deposit_cents,
            deposit_kept_cents=made.deposit_kept_cents,
        )


class ReservationsOut(BaseModel):
    """Reservations by their beginning."""

    items: list[ReservationOut]


def facility_out(facility: Facility) -> FacilityOut:
    """Return a facility as it goes out."""
    return FacilityOut.model_validate(facility)


def days_out(days: Iterable[Day]) -> DaysOut:
    """Return a facility's days as they go out: times, and nobody's name."""
    return DaysOut(
        items=[
            DayOut(
                day=each.day,
                slots=[SlotOut.of(slot) for slot in each.slots],
                open=[SpanOut.of(span) for span in each.open],
                taken=[SpanOut.of(held.span) for held in each.held],
            )
            for each in days
        ]
    )
