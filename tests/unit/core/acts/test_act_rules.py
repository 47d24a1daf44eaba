"""What a change of an act leaves of the periods before it, whatever was planned."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.acts.rules import (
    AppointmentNotPossible,
    AppointmentOver,
    AppointmentOverlaps,
    ChangeInPast,
    Collects,
    LimitOutOfBounds,
    OfficeLimits,
    OfficerNotAtMain,
    Order,
    OrderMissing,
    Period,
    PlaceLimits,
    RemitDaysOutOfBounds,
    VouchersWithoutService,
    amended,
    check_appointment,
    check_collects,
    check_from,
    check_office_limits,
    check_order,
    check_place_limits,
    ended,
)
from cvq_core.offices.rules import Appointment, MandateTitle, Means
from cvq_core.services.rules import ServiceCode

TODAY = date(2026, 9, 1)
LIMITS = OfficeLimits(300_00, 1_000_00, 3_000_00, ceiling_refuses=True, ceiling_counts=(), remit_every_days=30)


def days(number: int) -> timedelta:
    return timedelta(days=number)


def holding(periods: dict[str, list[Period]], on: date) -> set[str]:
    return {
        key
        for key, its in periods.items()
        if any(each.valid_from <= on and (each.valid_until is None or on <= each.valid_until) for each in its)
    }


def carried_out(periods: dict[str, list[Period]], wanted: set[str], day: date) -> dict[str, list[Period]]:
    """Do what `amended` says, as the store does with rows."""
    todo = amended(periods, wanted, day)
    eve = day - days(1)
    after: dict[str, list[Period]] = {}
    for key, its in periods.items():
        for each in its:
            if (key, each.valid_from) in todo.unplanned:
                continue
            holds = each.valid_until is None or each.valid_until >= eve
            until = each.valid_until if not holds else None if key in todo.goes_on else eve
            after.setdefault(key, []).append(Period(each.valid_from, until))
    for key in todo.begins:
        after.setdefault(key, []).append(Period(day, None))
    return after


@given(
    st.lists(st.tuples(st.integers(0, 30), st.sets(st.sampled_from("abcd"))), min_size=1, max_size=6),
    st.integers(-5, 60),
)
def test_acts_that_follow_each_other_each_hold_from_their_own_day(
    acts: list[tuple[int, set[str]]], looked_at: int
) -> None:
    periods: dict[str, list[Period]] = {}
    said: dict[date, set[str]] = {}
    for offset, wanted in acts:
        day = TODAY + days(offset)
        before = {on: holding(periods, TODAY + days(on)) for on in range(offset)}
        periods = carried_out(periods, wanted, day)
        said = {each: what for each, what in said.items() if each < day} | {day: wanted}
        assert all(holding(periods, TODAY + days(on)) == what for on, what in before.items()), "the days before it stay"
    on = TODAY + days(looked_at)
    newest = max((day for day in said if day <= on), default=None)
    assert holding(periods, on) == (said[newest] if newest else set())


def test_vouchers_pay_for_what_is_collected_and_for_something() -> None:
    creche, pool = ServiceCode.CRECHE, ServiceCode.POOL
    cesu = frozenset({Means.CASH, Means.CESU})
    check_collects(Collects(frozenset({creche}), cesu, {Means.CESU: frozenset({creche})}))
    for wrong in (
        {},
        {Means.CESU: frozenset({pool})},
        {Means.CESU: frozenset({creche}), Means.ANCV: frozenset({creche})},
    ):
        with pytest.raises(VouchersWithoutService):
            check_collects(Collects(frozenset({creche}), cesu, wrong))


def test_nothing_changes_backwards_nor_in_a_far_future() -> None:
    check_from(TODAY, TODAY)
    for day in (TODAY - days(1), TODAY + days(1000)):
        with pytest.raises(ChangeInPast):
            check_from(day, TODAY)


def test_a_change_names_a_signed_order() -> None:
    assert check_order(Order("  Arrêté  2026-41 ", TODAY), TODAY) == Order("Arrêté 2026-41", TODAY)
    for order in (Order(" ", TODAY), Order("x", TODAY), Order("Arrêté 2026-41", TODAY + days(1))):
        with pytest.raises(OrderMissing):
            check_order(order, TODAY)


@pytest.mark.parametrize(
    "change",
    [
        {"cash_payment_max_cents": 300_01},
        {"cash_payment_max_cents": 0},
        {"top_up_max_cents": -1},
        {"ceiling_cents": 0},
        {"top_up_max_cents": 1.5},
    ],
)
def test_limits_are_amounts_that_the_law_allows(change: dict[str, int]) -> None:
    given_limits = {name: getattr(LIMITS, name) for name in LIMITS.__slots__}
    with pytest.raises(LimitOutOfBounds):
        check_office_limits(OfficeLimits(**{**given_limits, **change}))


def test_one_remits_at_least_monthly_and_a_float_is_bounded() -> None:
    given_limits = {name: getattr(LIMITS, name) for name in LIMITS.__slots__}
    check_office_limits(OfficeLimits(**{**given_limits, "ceiling_cents": None}))
    with pytest.raises(RemitDaysOutOfBounds):
        check_office_limits(OfficeLimits(**{**given_limits, "remit_every_days": 32}))
    check_place_limits(PlaceLimits(0, None, ceiling_refuses=False))
    with pytest.raises(LimitOutOfBounds):
        check_place_limits(PlaceLimits(5_000_01, None, ceiling_refuses=False))


def test_an_appointment_begins_today_at_the_earliest_and_overlaps_none_of_the_same_person() -> None:
    mandatary = MandateTitle.MANDATARY
    check_appointment(
        Period(TODAY, None), mandatary, TODAY, at_main=False, theirs=[Period(TODAY - days(9), TODAY - days(1))]
    )
    with pytest.raises(AppointmentOverlaps):
        check_appointment(Period(TODAY, None), mandatary, TODAY, at_main=False, theirs=[Period(TODAY + days(9), None)])
    for wrong in (Period(TODAY - days(1), None), Period(TODAY, TODAY - days(1)), Period(TODAY + days(1000), None)):
        with pytest.raises(AppointmentNotPossible):
            check_appointment(wrong, mandatary, TODAY, at_main=False, theirs=[])
    with pytest.raises(OfficerNotAtMain):
        check_appointment(Period(TODAY, None), MandateTitle.OFFICER, TODAY, at_main=False, theirs=[])


def test_an_appointment_ends_today_at_the_earliest_and_one_that_has_not_begun_never_begins() -> None:
    running = Appointment(MandateTitle.MANDATARY, TODAY - days(30), None)
    assert ended(running, TODAY, TODAY) == TODAY
    assert ended(Appointment(MandateTitle.MANDATARY, TODAY + days(3), None), TODAY, TODAY) is None
    with pytest.raises(AppointmentNotPossible):
        ended(running, TODAY - days(1), TODAY)
    with pytest.raises(AppointmentOver):
        ended(Appointment(MandateTitle.MANDATARY, TODAY - days(30), TODAY - days(1)), TODAY, TODAY)
