"""What the settings of a point change: modes, directions, who passed before, holidays, bookings, a list too old."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.access.areas import AreaCount, last_closing
from cvq_core.access.facts import (
    Assurance,
    Decision,
    Direction,
    Effect,
    Facts,
    Fallback,
    FirstAnswer,
    Passage,
    Point,
    PointMode,
    Reason,
    RightKind,
)
from cvq_core.access.rules import decide, would_cost
from cvq_core.access.words import say
from cvq_core.cards.rules import CardStatus
from tests.unit.core.access.test_rules import CANTEEN, CARD, LIBRARY, NOON, OFFICE, POOL, WASTE, at, right, wallet

MINUTE = timedelta(minutes=1)
BLOCKED = replace(CARD, status=CardStatus.BLOCKED)
IN = replace(POOL, direction=Direction.IN, area_id=UUID(int=77))
EASTER_MONDAY = datetime(2026, 4, 6, 10, 0, tzinfo=UTC)


def reason(facts: Facts) -> Reason:
    return decide(facts).reason


class TestModes:
    @pytest.mark.parametrize(
        ("mode", "said"), [(PointMode.HELD_OPEN, Reason.HELD_OPEN), (PointMode.EMERGENCY, Reason.EMERGENCY)]
    )
    def test_a_point_that_is_open_to_all_lets_in_whoever_comes_and_moves_nothing(
        self, mode: PointMode, said: Reason
    ) -> None:
        point = replace(POOL, mode=mode)
        for facts in (at(point, wallets=(wallet(5000),)), at(point, card=BLOCKED), at(point, card=None)):
            assert decide(facts) == Decision(said)

    @pytest.mark.parametrize("mode", PointMode)
    @pytest.mark.parametrize("card", [CARD, BLOCKED, None])
    def test_nobody_is_kept_inside(self, mode: PointMode, card: object) -> None:
        point = replace(POOL, mode=mode, direction=Direction.OUT)
        decision = decide(at(point, card=card, wallets=(wallet(5000),)))
        assert (decision.allowed, decision.effect) == (True, Effect.NONE)


class TestWhoPassedBefore:
    def test_a_second_presentation_gets_the_first_answer_and_counts_once(self) -> None:
        first = FirstAnswer(Reason.PAID, "Entrez. Reste 1,00\u00a0€", "Vous pouvez entrer.", balance_cents=100)
        facts = at(replace(POOL, double_tap_s=1), wallets=(wallet(5000),), first_answer=first)
        decision = decide(facts)
        assert (decision.reason, decision.effect, decision.amount_cents) == (Reason.PAID, Effect.NONE, 0)
        assert say(decision, facts).short == first.display_short

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"card": BLOCKED}, Reason.CARD_BLOCKED),
            ({"deceased": True}, Reason.PERSON_DECEASED),
            ({"point": replace(POOL, double_tap_s=4, mode=PointMode.LOCKED)}, Reason.POINT_CLOSED),
            ({"point": replace(POOL, double_tap_s=4, assurance=Assurance.AUTHENTICATED)}, Reason.ASSURANCE_TOO_LOW),
        ],
    )
    def test_a_second_presentation_opens_nothing_that_has_been_closed_meanwhile(
        self, changed: dict[str, Any], said: Reason
    ) -> None:
        let_in, refused = (FirstAnswer(each, "", "") for each in (Reason.SUBSCRIBED, Reason.WALLET_EMPTY))
        facts = replace(at(replace(POOL, double_tap_s=4), first_answer=let_in), **changed)
        assert decide(facts) == Decision(said)
        assert reason(replace(facts, first_answer=refused)) is Reason.WALLET_EMPTY

    @pytest.mark.parametrize(
        ("direction", "minutes", "said"),
        [
            (Direction.IN, 9, Reason.PASSED_BACK),
            (Direction.BOTH, 9, Reason.PASSED_BACK),
            (Direction.OUT, 9, Reason.SUBSCRIBED),
            (Direction.IN, 10, Reason.SUBSCRIBED),
        ],
    )
    def test_a_card_that_came_in_comes_in_again_after_it_went_out_or_after_its_minutes(
        self, direction: Direction, minutes: int, said: Reason
    ) -> None:
        point = replace(IN, passback_minutes=10)
        assert reason(at(point, rights=(right(),), last_passage=Passage(NOON - minutes * MINUTE, direction))) is said

    def test_a_passage_back_of_which_nobody_knows_is_let_in(self) -> None:
        assert decide(at(replace(IN, passback_minutes=10), rights=(right(),))).allowed

    @pytest.mark.parametrize(
        ("inside", "said"), [(9, Reason.SUBSCRIBED), (10, Reason.AREA_FULL), (None, Reason.SUBSCRIBED)]
    )
    def test_a_full_area_lets_nobody_in(self, inside: int | None, said: Reason) -> None:
        assert reason(at(replace(IN, capacity=10), rights=(right(),), inside=inside)) is said

    def test_who_may_not_enter_is_not_told_that_it_is_full(self) -> None:
        assert reason(at(replace(IN, capacity=10), inside=10, wallets=(wallet(0),))) is Reason.WALLET_EMPTY

    @pytest.mark.parametrize(
        ("seen", "said"),
        [
            (None, Reason.GUARDIAN_MISSING),
            (NOON - 2 * MINUTE, Reason.SUBSCRIBED),
            (NOON - 3 * MINUTE, Reason.GUARDIAN_MISSING),
        ],
    )
    def test_a_child_follows_its_guardian_within_some_minutes(self, seen: datetime | None, said: Reason) -> None:
        point = replace(POOL, guardian_age=8, guardian_minutes=2)
        assert reason(at(point, rights=(right(),), needs_guardian=True, guardian_at=seen)) is said

    @given(
        point=st.builds(
            replace,
            st.just(IN),
            capacity=st.none() | st.integers(1, 20),
            passback_minutes=st.integers(0, 60),
            guardian_age=st.none() | st.just(8),
        ),
        inside=st.none() | st.integers(0, 20),
        ago=st.none() | st.integers(0, 90),
        needs=st.booleans(),
        cents=st.integers(0, 600),
    )
    def test_what_stands_against_somebody_never_moves_anything(
        self, *, point: Point, inside: int | None, ago: int | None, needs: bool, cents: int
    ) -> None:
        last = Passage(NOON - ago * MINUTE, Direction.IN) if ago is not None else None
        decision = decide(at(point, wallets=(wallet(cents),), inside=inside, last_passage=last, needs_guardian=needs))
        assert decision.allowed is (decision.effect is Effect.DEBIT)


class TestRights:
    def test_an_agent_s_hours_do_not_hold_on_a_public_holiday_unless_they_say_so(self) -> None:
        holidays = frozenset({date(2026, 4, 6)})
        office_hours = right(RightKind.AGENT_SCHEDULE, valid_from=EASTER_MONDAY - timedelta(days=30), on_holidays=False)
        facts = at(OFFICE, at=EASTER_MONDAY, holidays=holidays)
        assert reason(replace(facts, rights=(office_hours,))) is Reason.OUTSIDE_HOURS
        assert reason(replace(facts, rights=(replace(office_hours, on_holidays=True),))) is Reason.ENTITLED

    def test_a_night_belongs_to_the_evening_on_which_it_began(self) -> None:
        night = right(
            RightKind.AGENT_SCHEDULE,
            valid_from=EASTER_MONDAY - timedelta(days=30),
            opens_at=time(20),
            closes_at=time(6),
            on_holidays=False,
        )
        after_midnight = datetime(2026, 4, 7, 1, 0, tzinfo=UTC)
        facts = at(OFFICE, at=after_midnight, rights=(night,), holidays=frozenset({date(2026, 4, 6)}))
        assert reason(facts) is Reason.OUTSIDE_HOURS

    def test_a_right_for_a_building_opens_its_doors_and_no_other(self) -> None:
        here = right(RightKind.AGENT_SCHEDULE, site="Hôtel de ville")
        assert decide(at(replace(OFFICE, site="Hôtel de ville"), rights=(here,))).allowed
        assert not decide(at(replace(OFFICE, site="Mairie annexe"), rights=(here,))).allowed

    def test_a_court_opens_to_who_reserved_it_and_not_to_who_subscribes(self) -> None:
        court = replace(OFFICE, reserved_only=True)
        assert reason(at(court, rights=(right(),))) is Reason.NOT_RESERVED
        assert reason(at(court, rights=(right(), right(RightKind.RESERVATION)))) is Reason.RESERVED
        over = right(RightKind.RESERVATION, valid_until=NOON - MINUTE)
        assert reason(at(court)) is reason(at(court, rights=(over,))) is Reason.NOT_RESERVED

    def test_nobody_buys_themselves_in_where_one_reserves(self) -> None:
        court = replace(POOL, reserved_only=True)
        assert reason(at(court, wallets=(wallet(5000),))) is Reason.NOT_RESERVED
        assert reason(at(court, wallets=(wallet(5000),), rights=(right(),))) is Reason.NOT_RESERVED
        assert would_cost(at(court, wallets=(wallet(0),))) is None

    def test_a_subscriber_whom_the_door_should_not_have_let_in_would_have_cost_nothing(self) -> None:
        assert would_cost(at(POOL, rights=(right(),), wallets=(wallet(0),), card=BLOCKED)) is None
        cost = would_cost(at(POOL, wallets=(wallet(0),), payers=(UUID(int=101),)))
        assert cost is not None
        assert (cost[0], cost[1].amount_cents) == (UUID(int=101), 310)


class TestAListThatIsTooOld:
    @pytest.mark.parametrize(
        ("fallback", "card", "said"),
        [
            (Fallback.FAIL_OPEN, CARD, Reason.LET_IN_UNCHECKED),
            (Fallback.FAIL_OPEN, None, Reason.LET_IN_UNCHECKED),
            (Fallback.FAIL_OPEN, BLOCKED, Reason.CARD_BLOCKED),
            (Fallback.FAIL_CLOSED, CARD, Reason.LIST_EXPIRED),
            (Fallback.AGENTS_ONLY, CARD, Reason.LIST_EXPIRED),
        ],
    )
    def test_the_point_says_what_becomes_of_who_comes(self, fallback: Fallback, card: object, said: Reason) -> None:
        point = replace(POOL, offline_fallback=fallback)
        facts = at(point, list_expired=True, card=card, rights=(right(),), wallets=(wallet(5000),))
        assert (reason(facts), decide(facts).effect) == (said, Effect.NONE)

    def test_agents_come_in_where_agents_still_may(self) -> None:
        point = replace(OFFICE, offline_fallback=Fallback.AGENTS_ONLY)
        agent = right(RightKind.AGENT_SCHEDULE, opens_at=time(8), closes_at=time(18))
        assert reason(at(point, list_expired=True, rights=(agent,))) is Reason.ENTITLED
        assert reason(at(point, list_expired=True, rights=(replace(agent, closes_at=time(9)),))) is Reason.LIST_EXPIRED

    def test_a_locked_point_stays_locked(self) -> None:
        point = replace(POOL, mode=PointMode.LOCKED, offline_fallback=Fallback.FAIL_OPEN)
        assert reason(at(point, list_expired=True)) is Reason.POINT_CLOSED


@st.composite
def any_facts(draw: st.DrawFn) -> Facts:
    """A card at any point with any settings."""
    point = replace(
        draw(st.sampled_from([POOL, OFFICE, CANTEEN, WASTE, LIBRARY])),
        mode=draw(st.sampled_from(PointMode)),
        direction=draw(st.sampled_from(Direction)),
        offline_fallback=draw(st.sampled_from(Fallback)),
        reserved_only=draw(st.booleans()),
        capacity=draw(st.none() | st.integers(1, 5)),
        passback_minutes=draw(st.integers(0, 30)),
        shows_balance=draw(st.booleans()),
    )
    kinds = draw(st.lists(st.sampled_from(RightKind), max_size=3))
    purse = wallet(draw(st.integers(-500, 900)), floor_cents=draw(st.sampled_from([0, None, -500])))
    return at(
        point,
        card=draw(st.sampled_from([CARD, BLOCKED, None])),
        rights=tuple(right(kind, entries_left=draw(st.none() | st.integers(0, 2))) for kind in kinds),
        wallets=draw(st.sampled_from([(), (purse,)])),
        deceased=draw(st.booleans()),
        inside=draw(st.none() | st.integers(0, 6)),
        last_passage=draw(st.none() | st.just(Passage(NOON - MINUTE, Direction.IN))),
        needs_guardian=draw(st.booleans()),
        unclaimed=draw(st.booleans()),
        list_expired=draw(st.booleans()),
    )


@given(any_facts())
def test_every_decision_can_be_said_and_a_refusal_moves_nothing(facts: Facts) -> None:
    decision = decide(facts)
    display = say(decision, facts)
    assert 0 < len(display.short) <= 24
    assert display.long.endswith(".")
    assert decision.allowed or decision.effect is Effect.NONE
    assert decide(facts) == decision, "the same facts, the same answer"
    assert decision.effect is not Effect.ENTRY or decision.entries_left is not None


class TestTheGauge:
    def test_who_comes_in_and_goes_out_is_counted_and_never_less_than_nobody(self) -> None:
        count = AreaCount(closes_at=time(20))
        for direction in (Direction.OUT, Direction.IN, Direction.IN, Direction.OUT):
            count = count.passed(direction, NOON, NOON)
        assert count.now(NOON) == 1

    def test_nobody_is_inside_any_more_once_it_has_closed(self) -> None:
        count = AreaCount(closes_at=time(20)).passed(Direction.IN, NOON, NOON)
        closing = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
        assert (count.now(closing - MINUTE), count.now(closing)) == (1, 0)
        assert count.passed(Direction.IN, NOON, closing).now(closing) == 0, "it came late, and went home since"

    @given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)), st.none() | st.times())  # noqa: DTZ001 - hypothesis adds the zone
    def test_an_area_closed_within_the_last_day(self, instant: datetime, closes_at: time | None) -> None:
        closed = last_closing(closes_at, instant)
        assert timedelta(0) <= instant - closed <= timedelta(hours=25)
