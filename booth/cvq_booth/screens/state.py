"""All that the two screens are drawn from, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from cvq_desk.wire import BoothView, CallState, CardState, ConsentState, PaymentState, VisitView

Line = Literal["starting", "up", "lost"]
Work = Literal["scan", "print", "still"]
WorkState = Literal["starting", "running", "waiting", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Activity:
    """What a machine does for the visit, as far as the resident is concerned.

    `page` counts from 1; `trouble` is a slug of a scanner or a printer; `page_id` is the newest page that is whole;
    `fresh` an end that the resident has hardly had the time to read.
    """

    work: Work
    command_id: UUID
    state: WorkState
    title: str = ""
    source: Literal["flatbed", "feeder"] = "flatbed"
    page: int = 0
    trouble: str | None = None
    page_id: UUID | None = None
    fresh: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether there is still something to stop."""
        return self.state in {"starting", "running", "waiting"}


@dataclass(frozen=True, slots=True)
class CallAtBooth:
    """The call as the booth itself conducts it, whatever the desk believes.

    The camera opens when `open` is true, and that is never before the ring was seen for its whole time.
    """

    ring_ends_at: datetime | None = None
    open: bool = False
    connected: bool = False
    interrupted: bool = False
    no_camera: bool = False
    no_microphone: bool = False


@dataclass(frozen=True, slots=True)
class BoothState:
    """The newest view, and what only the booth knows.

    `now` is the hour that the clocks show: the desk's, which is `clock_ahead_s` ahead of this machine's. `touch` is
    whether screen 2 can show a payment's own page; until `paying_until`, by the shown clock, it does.
    """

    now: datetime
    clock_ahead_s: int = 0
    line: Line = "starting"
    view: BoothView | None = None
    wiped_visit: UUID | None = None
    call: CallAtBooth = field(default_factory=CallAtBooth)
    activity: Activity | None = None
    answered_consent: UUID | None = None
    answered_mandate: UUID | None = None
    answered_yes: bool = False
    curtain_here: bool = False
    help_asked: bool = False
    touch: bool = False
    paying_until: datetime | None = None
    card_forgotten: bool = False
    card_unreadable: bool = False

    @property
    def visit(self) -> VisitView | None:
        """The visit that is going on; one that was wiped is over here, whatever the desk still says."""
        visit = self.view.visit if self.view else None
        return None if visit is None or visit.id == self.wiped_visit else visit

    @property
    def curtain(self) -> bool:
        """Whether both screens are blank, because of the advisor or of somebody here."""
        return self.visit is not None and (self.curtain_here or self.visit.curtain)

    @property
    def question(self) -> bool:
        """Whether the resident is being asked for an agreement."""
        consent = self.visit.consent if self.visit else None
        return consent is not None and consent.state is ConsentState.ASKED

    @property
    def pay_page(self) -> str:
        """The address of the payment that may be made on screen 2, "" where none can be."""
        payment = self.visit.payment if self.visit else None
        here = self.touch and payment is not None and payment.state is PaymentState.TO_PAY
        return payment.url if payment is not None and here else ""

    @property
    def bank_account(self) -> bool:
        """Whether the resident is being asked if a bank account is theirs."""
        mandate = self.visit.mandate if self.visit else None
        return mandate is not None and mandate.state == "asked"

    @property
    def call_wanted(self) -> bool:
        """Whether the desk wants resident and advisor to be in a call."""
        return self.visit is not None and self.visit.call in {CallState.RINGING, CallState.LIVE}

    @property
    def card(self) -> CardState:
        """The card on the reader, as the desk understands it."""
        return self.visit.card.state if self.visit else CardState.ABSENT
