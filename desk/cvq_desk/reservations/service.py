"""What an advisor does with a resident's reservations: under a consent of its own, for whoever sits there."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from cvq_core.facilities.refusals import UnknownReservation
from cvq_core.facilities.rules import Span
from cvq_core.facilities.service import Doing, Wish, accept, cancel, reserve, wait
from cvq_core.facilities.store import Held, reservation_by_id, reservations_of
from cvq_core.facilities.tables import Reservation
from cvq_desk.reservations.view import BOOKING_PAGE
from cvq_desk.visits.acts import Act, own_visit, require_session, tell
from cvq_desk.visits.consents import check_look
from cvq_desk.visits.rules import ConsentScope, NoConsent
from cvq_desk.visits.store import latest_consent
from cvq_desk.visits.tables import Consent, Visit


@dataclass(frozen=True, slots=True)
class Opened:
    """A visit in which the resident agreed that the advisor reserves for them."""

    act: Act
    visit: Visit
    consent: Consent
    person_id: UUID = field(kw_only=True)

    @property
    def doing(self) -> Doing:
        """Who reserves, in this visit and under this consent."""
        act = self.act
        return Doing(act.db, act.settings, act.principal.actor, act.now, self.visit.id, self.consent.id)


async def opened_for_reserving(act: Act, visit_id: UUID) -> Opened:
    """Return the visit, where the resident agreed to it and the card is there.

    Raises:
        NoConsent, ConsentPaused: they have not, or it is away.
        NotNow, NotYourVisit, OutOfScope
    """
    visit = await own_visit(act, visit_id)
    require_session(visit)
    consent = await latest_consent(act.db, visit.id)
    if consent is None or visit.person_id is None:
        raise NoConsent(visit_id=visit.id)
    await check_look(act, visit, consent.account_id, ConsentScope.RESERVATIONS)
    return Opened(act, visit, consent, person_id=visit.person_id)


async def theirs(opened: Opened) -> list[Held]:
    """Return the reservations to come of the account that is open, and of the resident alone."""
    db, now = opened.act.db, opened.act.now
    of_account = await reservations_of(db, account_id=opened.consent.account_id, since=now)
    of_person = await reservations_of(db, person_id=opened.person_id, since=now)
    found = {held.reservation.id: held for held in of_account}
    # What they reserve from another account of theirs is not what they opened.
    found |= {held.reservation.id: held for held in of_person if held.reservation.account_id is None}
    standing = [held for held in found.values() if not held.reservation.state.is_over]
    return sorted(standing, key=lambda held: (held.reservation.starts_at, held.reservation.id))


async def reserve_in_visit(
    opened: Opened, *, key: UUID, facility_id: UUID, span: Span, queue: bool = False
) -> Reservation:
    """Reserve a time for the resident, paid by the open account, or (`queue`) put them on its waiting list.

    Raises:
        Everything of `cvq_core.facilities.service.reserve` and `wait`.
    """
    wish = Wish(key, facility_id, span, opened.person_id, opened.consent.account_id)
    made = await (wait if queue else reserve)(opened.doing, wish)
    opened.visit.shown = BOOKING_PAGE
    tell(opened.act.db, opened.visit)
    return made


async def cancel_in_visit(opened: Opened, reservation_id: UUID) -> Reservation:
    """Cancel a reservation of the open account, because the resident asks for it.

    Raises:
        UnknownReservation: it is not theirs, as far as is open.
        ReservationOver
    """
    made = await cancel(opened.doing, (await _own(opened, reservation_id)).reservation.id)
    tell(opened.act.db, opened.visit)
    return made


async def accept_in_visit(opened: Opened, reservation_id: UUID) -> Reservation:
    """Take a time that the resident was offered.

    Raises:
        UnknownReservation, OfferOver, and everything that money may refuse.
    """
    made = await accept(opened.doing, (await _own(opened, reservation_id)).reservation.id)
    tell(opened.act.db, opened.visit)
    return made


async def _own(opened: Opened, reservation_id: UUID) -> Held:
    held = await reservation_by_id(opened.act.db, reservation_id)
    made = held.reservation
    of_account = made.account_id == opened.consent.account_id
    if not of_account and not (made.account_id is None and made.person_id == opened.person_id):
        raise UnknownReservation
    return held
