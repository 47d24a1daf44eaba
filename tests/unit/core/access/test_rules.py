"""Who passes, and what it costs, told by example."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from uuid import UUID

import pytest

from cvq_core.access.facts import (
    Assurance,
    Decision,
    Effect,
    Facts,
    Manner,
    Point,
    PointKind,
    PointMode,
    Reason,
    Right,
    RightKind,
    WalletFacts,
)
from cvq_core.access.rules import decide
from cvq_core.cards.rules import BlockedReason, CardFacts, CardStatus
from cvq_core.services.rules import FundingPolicy, PriceUnit, ServiceCode
from cvq_core.tariffs.census import Census, Pricing
from cvq_core.tariffs.rules import (
    Bracket,
    Case,
    Conditions,
    Item,
    Quotient,
    Range,
    Residence,
    SiblingRule,
    Tariff,
    UserKind,
)

NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # a Tuesday, twelve o'clock in Paris
MOTHER, FATHER = UUID(int=101), UUID(int=102)

POOL = Point(UUID(int=1), PointKind.TURNSTILE, ServiceCode.POOL, FundingPolicy.REFUSE)
CANTEEN = Point(UUID(int=2), PointKind.TABLET, ServiceCode.CANTEEN, FundingPolicy.SERVE_AND_OWE)
OFFICE = Point(UUID(int=3), PointKind.DOOR, ServiceCode.BUILDING, FundingPolicy.SUBSCRIPTION)
WASTE = Point(UUID(int=4), PointKind.GATE, ServiceCode.WASTE_CENTRE, FundingPolicy.BILLED)
LIBRARY = Point(UUID(int=5), PointKind.DOOR, ServiceCode.LIBRARY, FundingPolicy.FREE)

CARD = CardFacts(CardStatus.ACTIVE, date(2026, 1, 1), date(2026, 1, 1), date(2030, 12, 31))


CHILD = UUID(int=9)


def pricing(*cases: Case, census: Census | None = None, siblings: tuple[SiblingRule, ...] = ()) -> Pricing:
    """What a passage costs under these cases of a tariff."""
    item = Item("one", "Une fois", PriceUnit.ENTRY, cases, siblings)
    tariff = Tariff(ServiceCode.POOL, "Tarif", "Délibération", (item,))
    return Pricing(tariff, "one", census or Census(NOON.date()), CHILD)


def costs(cents: int) -> Pricing:
    return pricing(Case(cents=Fraction(cents)))


PRICES = {POOL.id: costs(310), CANTEEN.id: costs(235), WASTE.id: costs(1500)}


def at(point: Point, **changes: object) -> Facts:
    return replace(Facts(point, NOON, card=CARD, person_known=True, pricing=PRICES.get(point.id)), **changes)


def right(kind: RightKind = RightKind.SUBSCRIPTION, **changes: object) -> Right:
    return replace(Right(UUID(int=50), kind, NOON - timedelta(days=30)), **changes)


def wallet(balance_cents: int, *, floor_cents: int | None = 0, account: UUID = MOTHER) -> WalletFacts:
    return WalletFacts(UUID(int=account.int + 1000), account, balance_cents, floor_cents)


class TestCards:
    @pytest.mark.parametrize(
        ("card", "reason"),
        [
            (None, Reason.UNKNOWN_CARD),
            (replace(CARD, status=CardStatus.REPLACED), Reason.CARD_REPLACED),
            (replace(CARD, status=CardStatus.BLOCKED, blocked_reason=BlockedReason.LOST), Reason.CARD_BLOCKED),
            (replace(CARD, status=CardStatus.BLOCKED, blocked_reason=BlockedReason.STOLEN), Reason.CARD_BLOCKED),
            (replace(CARD, status=CardStatus.BLOCKED), Reason.CARD_BLOCKED),
            (replace(CARD, status=CardStatus.EXPIRED), Reason.CARD_EXPIRED),
            (replace(CARD, valid_until=date(2026, 11, 23)), Reason.CARD_EXPIRED),
            (replace(CARD, valid_from=date(2026, 11, 25)), Reason.CARD_NOT_YET_VALID),
        ],
    )
    def test_a_card_that_is_not_good_opens_nothing_whatever_its_holder_may_do(
        self, card: CardFacts | None, reason: Reason
    ) -> None:
        assert decide(at(POOL, card=card, rights=(right(),), wallets=(wallet(5000),))).reason is reason

    def test_a_card_is_good_on_its_last_day_until_midnight_in_paris(self) -> None:
        card = replace(CARD, valid_until=date(2026, 11, 24))
        before_midnight = datetime(2026, 11, 24, 22, 59, tzinfo=UTC)
        assert decide(at(POOL, card=card, rights=(right(),), at=before_midnight)).allowed
        after = before_midnight + timedelta(minutes=1)
        assert decide(at(POOL, card=card, rights=(right(),), at=after)).reason is Reason.CARD_EXPIRED

    def test_the_card_of_somebody_who_died_opens_nothing(self) -> None:
        assert decide(at(POOL, deceased=True, rights=(right(),))).reason is Reason.PERSON_DECEASED

    @pytest.mark.parametrize(
        ("read_as", "least", "passes"),
        [
            (Assurance.UID, Assurance.UID, True),
            (Assurance.UID, Assurance.SIGNED_ID, False),
            (Assurance.SIGNED_ID, Assurance.AUTHENTICATED, False),
            (Assurance.AUTHENTICATED, Assurance.SIGNED_ID, True),
        ],
    )
    def test_a_point_takes_no_weaker_reading_than_it_asks_for(
        self, read_as: Assurance, least: Assurance, passes: bool
    ) -> None:
        point = replace(OFFICE, assurance=least)
        decision = decide(at(point, assurance=read_as, rights=(right(RightKind.AGENT_SCHEDULE),)))
        assert decision.reason is (Reason.ENTITLED if passes else Reason.ASSURANCE_TOO_LOW)

    def test_a_locked_point_lets_nobody_in(self) -> None:
        point = replace(POOL, mode=PointMode.LOCKED)
        assert decide(at(point, rights=(right(),))).reason is Reason.POINT_CLOSED


class TestThePool:
    def test_an_empty_wallet_does_not_get_in(self) -> None:
        decision = decide(at(POOL, wallets=(wallet(309),)))
        assert (decision.allowed, decision.reason) == (False, Reason.WALLET_EMPTY)
        assert (decision.effect, decision.amount_cents) == (Effect.NONE, 0)

    def test_one_entry_leaves_the_wallet(self) -> None:
        decision = decide(at(POOL, wallets=(wallet(310),)))
        assert (decision.reason, decision.effect) == (Reason.PAID, Effect.DEBIT)
        assert (decision.amount_cents, decision.owed_cents, decision.balance_cents) == (310, 0, 0)

    def test_a_subscription_is_used_before_the_wallet(self) -> None:
        decision = decide(at(POOL, rights=(right(),), wallets=(wallet(5000),)))
        assert (decision.reason, decision.effect, decision.amount_cents) == (Reason.SUBSCRIBED, Effect.NONE, 0)

    def test_a_subscription_without_a_count_is_used_before_counted_entries(self) -> None:
        counted = right(id=UUID(int=40), entries_left=10)
        unlimited = right(id=UUID(int=60))
        assert decide(at(POOL, rights=(counted, unlimited))).right_id == unlimited.id

    def test_of_two_entry_books_the_one_that_ends_first_is_used(self) -> None:
        late = right(id=UUID(int=40), entries_left=10, valid_until=NOON + timedelta(days=90))
        early = right(id=UUID(int=60), entries_left=2, valid_until=NOON + timedelta(days=9))
        decision = decide(at(POOL, rights=(late, early)))
        assert (decision.right_id, decision.effect, decision.entries_left) == (
            early.id,
            Effect.ENTRY,
            1,
        )

    def test_a_used_up_book_falls_back_on_the_wallet(self) -> None:
        decision = decide(at(POOL, rights=(right(entries_left=0),), wallets=(wallet(1000),)))
        assert decision.reason is Reason.PAID

    def test_a_used_up_book_without_a_wallet_says_that_it_ended(self) -> None:
        assert decide(at(POOL, rights=(right(entries_left=0),))).reason is Reason.RIGHT_ENDED

    def test_somebody_without_any_pool_account_is_told_so(self) -> None:
        assert decide(at(POOL)).reason is Reason.WRONG_SERVICE

    def test_the_wallet_that_can_pay_is_used_where_a_person_has_two(self) -> None:
        wallets = (wallet(100, account=MOTHER), wallet(900, account=FATHER))
        assert decide(at(POOL, wallets=wallets)).wallet_id == wallets[1].id

    def test_a_deposit_that_must_stay_is_not_spent(self) -> None:
        assert decide(at(POOL, wallets=(wallet(500, floor_cents=200),))).reason is Reason.WALLET_EMPTY

    def test_nobody_is_charged_a_price_that_is_not_recorded(self) -> None:
        decision = decide(at(POOL, pricing=None, wallets=(wallet(5000),)))
        assert (decision.reason, decision.effect) == (Reason.PRICE_MISSING, Effect.NONE)

    def test_whoever_the_tariff_lets_in_for_nothing_needs_no_wallet(self) -> None:
        census = Census(NOON.date(), born={CHILD: date(2023, 12, 1)})
        entry = pricing(Case(Conditions(ages=Range(0, 3)), cents=Fraction(0)), Case(cents=Fraction(310)), census=census)
        decision = decide(at(POOL, pricing=entry))
        assert (decision.allowed, decision.reason, decision.effect) == (True, Reason.ENTITLED, Effect.NONE)
        assert decide(at(POOL, pricing=entry, at=NOON)).priced is not None

    def test_an_empty_wallet_is_told_what_it_lacks(self) -> None:
        assert decide(at(POOL, wallets=(wallet(100),))).missing_cents == 210


class TestTheCanteen:
    enrolled = right(RightKind.ENROLMENT, payer_account_id=FATHER)

    def test_a_child_is_served_and_the_meal_leaves_the_wallet(self) -> None:
        decision = decide(at(CANTEEN, rights=(self.enrolled,), wallets=(wallet(1000, account=FATHER),)))
        assert (decision.reason, decision.owed_cents) == (Reason.SERVED, 0)

    def test_a_child_is_fed_all_the_same_when_the_wallet_is_empty(self) -> None:
        decision = decide(at(CANTEEN, rights=(self.enrolled,), wallets=(wallet(-470, floor_cents=None),)))
        assert (decision.allowed, decision.reason) == (True, Reason.SERVED_AND_OWED)
        assert (decision.effect, decision.amount_cents, decision.owed_cents) == (Effect.DEBIT, 235, 235)
        assert decision.balance_cents == -705

    def test_what_the_wallet_still_held_is_not_owed(self) -> None:
        assert decide(at(CANTEEN, wallets=(wallet(100, floor_cents=None),))).owed_cents == 135

    def test_a_child_without_any_wallet_is_fed_and_the_meal_is_billed(self) -> None:
        decision = decide(at(CANTEEN, rights=(self.enrolled,)))
        assert (decision.reason, decision.effect, decision.owed_cents) == (Reason.SERVED_AND_OWED, Effect.BILL, 235)

    def test_a_wallet_that_may_not_go_below_its_floor_is_left_alone_and_the_meal_billed(self) -> None:
        decision = decide(at(CANTEEN, rights=(self.enrolled,), wallets=(wallet(0, floor_cents=0),)))
        assert (decision.reason, decision.effect, decision.wallet_id) == (Reason.SERVED_AND_OWED, Effect.BILL, None)

    def test_the_parent_who_enrolled_the_child_pays(self) -> None:
        wallets = (wallet(5000, account=MOTHER), wallet(0, floor_cents=None, account=FATHER))
        assert decide(at(CANTEEN, rights=(self.enrolled,), wallets=wallets)).wallet_id == wallets[1].id

    def test_a_second_tick_on_the_same_day_counts_nothing(self) -> None:
        decision = decide(at(CANTEEN, rights=(self.enrolled,), wallets=(wallet(1000),), counted_today=True))
        assert (decision.allowed, decision.reason, decision.effect) == (True, Reason.ALREADY_COUNTED, Effect.NONE)

    def test_a_turnstile_counts_every_passage(self) -> None:
        assert decide(at(POOL, wallets=(wallet(1000),), counted_today=True)).reason is Reason.PAID

    def test_a_tick_needs_no_card(self) -> None:
        facts = at(CANTEEN, card=None, manner=Manner.TICK, rights=(self.enrolled,))
        assert decide(facts).reason is Reason.SERVED_AND_OWED

    def test_a_tick_for_somebody_unknown_is_refused(self) -> None:
        assert decide(at(CANTEEN, card=None, manner=Manner.TICK, person_known=False)).reason is Reason.NOT_ENTITLED

    def test_somebody_who_has_nothing_to_do_with_the_canteen_is_not_served(self) -> None:
        assert decide(at(CANTEEN)).reason is Reason.WRONG_SERVICE

    def test_a_missing_price_keeps_no_child_from_eating(self) -> None:
        decision = decide(at(CANTEEN, pricing=None, rights=(self.enrolled,)))
        assert (decision.reason, decision.amount_cents) == (Reason.SERVED, 0)
        foreign = pricing(Case(Conditions(residence=Residence.INSIDE), cents=Fraction(235)))
        decision = decide(at(CANTEEN, pricing=foreign, rights=(self.enrolled,)))
        assert (decision.reason, decision.amount_cents) == (Reason.SERVED, 0), "no case is for somebody from elsewhere"

    def test_each_parent_pays_their_own_price(self) -> None:
        """The mother's quotient gives her the first bracket; of the father nothing is known."""
        census = Census(NOON.date(), quotients={MOTHER: Quotient(300, date(2026, 1, 1))})
        brackets = (Bracket(Range(0, 400), Fraction(100)), Bracket(Range(401), Fraction(395)))
        meal = pricing(Case(brackets=brackets), census=census)
        mother, father = wallet(5000, account=MOTHER), wallet(5000, account=FATHER)
        for payer, cents, bracket in ((mother, 100, 1), (father, 395, 2)):
            right_of = right(RightKind.ENROLMENT, payer_account_id=payer.account_id)
            decision = decide(at(CANTEEN, pricing=meal, rights=(right_of,), wallets=(mother, father)))
            assert (decision.wallet_id, decision.amount_cents) == (payer.id, cents)
            assert decision.priced is not None
            assert decision.priced.bracket == bracket

    def test_a_second_child_pays_less(self) -> None:
        census = Census(NOON.date(), children={FATHER: {UUID(int=8): date(2015, 1, 1), CHILD: date(2018, 1, 1)}})
        meal = pricing(
            Case(cents=Fraction(250)), census=census, siblings=(SiblingRule(Range(2), share_off=Fraction(1, 10)),)
        )
        decision = decide(at(CANTEEN, pricing=meal, rights=(self.enrolled,), wallets=(wallet(1000, account=FATHER),)))
        assert decision.amount_cents == 225

    def test_a_meal_that_costs_nothing_is_served_whatever_is_owed(self) -> None:
        decision = decide(at(CANTEEN, pricing=costs(0), wallets=(wallet(-470, floor_cents=None),)))
        assert (decision.reason, decision.effect, decision.owed_cents) == (Reason.SERVED, Effect.NONE, 0)


class TestDoors:
    def test_a_door_opens_by_right_alone_and_never_by_money(self) -> None:
        assert decide(at(OFFICE, wallets=(wallet(100_000),))).reason is Reason.NOT_ENTITLED

    def test_a_right_for_another_door_does_not_open_this_one(self) -> None:
        assert decide(at(OFFICE, rights=(right(point_id=POOL.id),))).reason is Reason.NOT_ENTITLED

    def test_a_right_for_the_service_opens_all_its_doors(self) -> None:
        assert decide(at(OFFICE, rights=(right(RightKind.AGENT_SCHEDULE),))).reason is Reason.ENTITLED

    @pytest.mark.parametrize(
        ("local_hour", "reason"),
        [
            (time(6, 59), Reason.OUTSIDE_HOURS),
            (time(7, 0), Reason.ENTITLED),
            (time(19, 29), Reason.ENTITLED),
            (time(19, 30), Reason.OUTSIDE_HOURS),
        ],
    )
    def test_an_agent_comes_in_within_the_hours_of_the_schedule(self, local_hour: time, reason: Reason) -> None:
        schedule = right(RightKind.AGENT_SCHEDULE, opens_at=time(7), closes_at=time(19, 30))
        then = NOON.replace(hour=local_hour.hour - 1, minute=local_hour.minute)
        assert decide(at(OFFICE, rights=(schedule,), at=then)).reason is reason

    def test_a_schedule_names_its_days(self) -> None:
        weekdays = right(RightKind.AGENT_SCHEDULE, weekdays=0b0011111)
        assert decide(at(OFFICE, rights=(weekdays,))).reason is Reason.ENTITLED
        saturday = NOON + timedelta(days=4)
        assert decide(at(OFFICE, rights=(weekdays,), at=saturday)).reason is Reason.OUTSIDE_HOURS

    def test_a_night_belongs_to_the_evening_on_which_it_began(self) -> None:
        tuesday_night = right(RightKind.AGENT_SCHEDULE, weekdays=0b10, opens_at=time(22), closes_at=time(5))
        wednesday_at_four = NOON + timedelta(hours=16)
        assert decide(at(OFFICE, rights=(tuesday_night,), at=wednesday_at_four)).reason is Reason.ENTITLED
        tuesday_at_four = NOON - timedelta(hours=8)
        assert decide(at(OFFICE, rights=(tuesday_night,), at=tuesday_at_four)).reason is Reason.OUTSIDE_HOURS

    def test_the_hours_are_those_of_the_clock_on_the_wall_in_summer_too(self) -> None:
        schedule = right(
            RightKind.AGENT_SCHEDULE, valid_from=datetime(2026, 1, 1, tzinfo=UTC), opens_at=time(8), closes_at=time(9)
        )
        summer = datetime(2026, 7, 7, 6, 30, tzinfo=UTC)
        winter = datetime(2026, 12, 8, 7, 30, tzinfo=UTC)
        assert decide(at(OFFICE, rights=(schedule,), at=summer)).allowed
        assert decide(at(OFFICE, rights=(schedule,), at=winter)).allowed

    def test_a_reservation_opens_for_its_slot_alone(self) -> None:
        slot = right(RightKind.RESERVATION, valid_from=NOON, valid_until=NOON + timedelta(hours=1))
        assert decide(at(OFFICE, rights=(slot,))).allowed
        assert not decide(at(OFFICE, rights=(slot,), at=NOON - timedelta(seconds=1))).allowed
        assert decide(at(OFFICE, rights=(slot,), at=NOON + timedelta(hours=1))).reason is Reason.RIGHT_ENDED

    def test_a_free_service_still_asks_for_a_right(self) -> None:
        assert decide(at(LIBRARY)).reason is Reason.NOT_ENTITLED
        assert decide(at(LIBRARY, rights=(right(),))).reason is Reason.SUBSCRIBED


class TestTheWasteCentre:
    def test_households_pass_for_nothing(self) -> None:
        decision = decide(at(WASTE, rights=(right(RightKind.HOUSEHOLD),)))
        assert (decision.reason, decision.amount_cents) == (Reason.ENTITLED, 0)

    def test_professionals_pass_the_same_gate_and_are_billed(self) -> None:
        decision = decide(at(WASTE, rights=(right(RightKind.PROFESSIONAL),)))
        assert (decision.reason, decision.effect, decision.amount_cents) == (Reason.BILLED, Effect.BILL, 1500)

    def test_a_professional_pays_the_price_of_professionals(self) -> None:
        visit = pricing(
            Case(Conditions(user=UserKind.HOUSEHOLD), cents=Fraction(0)),
            Case(Conditions(user=UserKind.PROFESSIONAL), cents=Fraction(1500)),
        )
        assert decide(at(WASTE, pricing=visit, rights=(right(RightKind.PROFESSIONAL),))).amount_cents == 1500
        assert decide(at(WASTE, pricing=visit, rights=(right(RightKind.ENROLMENT),))).amount_cents == 0

    def test_somebody_from_elsewhere_does_not_pass(self) -> None:
        assert decide(at(WASTE)).reason is Reason.NOT_ENTITLED


def test_the_order_in_which_the_database_gives_rights_and_wallets_decides_nothing() -> None:
    rights = tuple(
        right(id=UUID(int=number), entries_left=entries)
        for number, entries in ((43, 5), (41, None), (42, None), (44, 0))
    )
    decisions: set[Decision] = {decide(at(POOL, rights=order)) for order in (rights, rights[::-1])}
    assert len(decisions) == 1
