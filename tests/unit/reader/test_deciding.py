"""What a controller decides by its list, where what passed here before counts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from cvq_core.access.facts import Point, PointKind, Right, RightKind
from cvq_core.cards.rules import CardFacts, CardStatus
from cvq_core.controllers.wire import AtPoints, KnownCard, KnownPerson, KnownPoint, Page, card_digest
from cvq_core.ids import new_id
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_reader.deciding import Decided, Presented, Since, decide_here
from cvq_reader.held import HeldList

NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
SALT, UID = bytes(32), "04AA"
POOL, JEANNE, RUN = (UUID(int=number) for number in (1, 2, 3))


def page(kind: str, status: CardStatus) -> Page:
    """A list of one turnstile with a double tap of two seconds, and of one subscriber."""
    point = Point(POOL, PointKind.TURNSTILE, ServiceCode.POOL, FundingPolicy.SUBSCRIPTION, double_tap_s=2)
    known = KnownPoint(id=POOL, code="p", label="P", group=0, charges=False, days=((date(2026, 11, 1), point),))
    facts = CardFacts(status, date(2026, 1, 1), date(2026, 1, 1), date(2027, 1, 1))
    right = Right(UUID(int=9), RightKind.SUBSCRIPTION, NOON - timedelta(days=9))
    jeanne = KnownPerson(
        id=JEANNE,
        cards=(KnownCard(digest=card_digest(SALT, UID), facts=facts),),
        at=(AtPoints(group=0, rights=(right,)),),
    )
    return Page.model_validate(
        {"kind": kind, "controller_id": RUN, "run": RUN, "sequence": 5, "made_at": NOON}
        | {"expires_at": NOON + timedelta(hours=72), "points": (known,), "people": (jeanne,)}
    )


def test_a_double_tap_is_counted_from_the_first_and_a_card_blocked_within_it_does_not_open() -> None:
    held, since = HeldList.begin(page("list", CardStatus.ACTIVE)), Since()
    held.add(page("list", CardStatus.ACTIVE))

    def after(seconds: float) -> Decided:
        found = decide_here(held, SALT, since, Presented(new_id(), POOL, NOON + timedelta(seconds=seconds), UID))
        assert found is not None
        return found

    assert [after(seconds).decision.repeats is not None for seconds in (0, 1.5, 3, 4.5)] == [False, True, False, True]
    held.change(page("changes", CardStatus.BLOCKED))
    assert after(4.8).decision.reason == "card-blocked"
