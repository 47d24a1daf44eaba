"""Whose day it is: rhythms, exceptions, shares, and a past that does not change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.people.custody import (
    Arrangement,
    BadExceptionDays,
    BadRhythm,
    BadShares,
    ChildMembership,
    DayOf,
    Exceptional,
    Part,
    PastIsSettled,
    check_arrangement,
    check_exception,
    payers,
    split_by_shares,
    whose_day,
)

MOTHER, FATHER, AUNT = (UUID(int=number) for number in (1, 2, 3))
NAMES = {MOTHER: "Bonnin", FATHER: "Texier"}
START = date(2026, 1, 1)
AT = datetime(2026, 1, 1, 8, tzinfo=UTC)
HALVES = (Part(MOTHER, 50), Part(FATHER, 50))
BOTH = (ChildMembership(MOTHER, START), ChildMembership(FATHER, START))
WEEKS = Arrangement(UUID(int=10), START, AT, HALVES, "aaaaaaa", "bbbbbbb")


def owner(day: date, *arrangements: Arrangement) -> UUID | None:
    return whose_day(BOTH, arrangements or (WEEKS,), day).account_id


class TestRhythm:
    def test_even_weeks_are_one_parents_and_odd_weeks_the_others(self) -> None:
        assert owner(date(2026, 3, 3)) == MOTHER  # week 10
        assert owner(date(2026, 3, 10)) == FATHER

    def test_a_year_of_53_weeks_gives_two_odd_weeks_in_a_row(self) -> None:
        assert date(2026, 12, 28).isocalendar().week == 53
        assert owner(date(2026, 12, 28)) == owner(date(2027, 1, 4)) == FATHER

    def test_a_reference_week_alternates_through_the_new_year(self) -> None:
        arrangement = replace(WEEKS, reference_monday=date(2026, 12, 28))
        assert owner(date(2026, 12, 31), arrangement) == MOTHER
        assert owner(date(2027, 1, 4), arrangement) == FATHER
        assert owner(date(2026, 12, 21), arrangement) == FATHER

    def test_wednesdays_can_be_the_fathers_in_both_weeks(self) -> None:
        arrangement = replace(WEEKS, first_week="aabaabb", second_week="aabaaaa")
        assert owner(date(2026, 3, 4), arrangement) == FATHER
        assert owner(date(2026, 3, 11), arrangement) == FATHER
        assert owner(date(2026, 3, 14), arrangement) == MOTHER

    def test_a_day_can_be_nobodys(self) -> None:
        found = whose_day(BOTH, [replace(WEEKS, first_week="aaaaa--")], date(2026, 3, 7))
        assert found.account_id is None
        assert "n’est à personne" in found.in_words(NAMES)

    def test_the_explanation_names_the_week_and_the_account(self) -> None:
        words = whose_day(BOTH, [WEEKS], date(2026, 3, 3)).in_words(NAMES)
        assert words == "mardi 3 mars 2026, semaine paire (10)\u00a0: compte Bonnin."


class TestExceptions:
    HOLIDAY = Exceptional(date(2026, 2, 16), date(2026, 2, 22), FATHER, "Vacances d’hiver, 1re moitié", AT)

    def test_half_a_holiday_leaves_the_rhythm(self) -> None:
        arrangement = replace(WEEKS, exceptions=(self.HOLIDAY,))
        assert owner(date(2026, 2, 18)) == MOTHER
        assert owner(date(2026, 2, 18), arrangement) == FATHER
        assert owner(date(2026, 2, 23), arrangement) == owner(date(2026, 2, 23))
        words = whose_day(BOTH, [arrangement], date(2026, 2, 18)).in_words(NAMES)
        assert words == "Vacances d’hiver, 1re moitié, du 16 février 2026 au 22 février 2026\u00a0: compte Texier."

    def test_the_exception_that_was_recorded_last_holds(self) -> None:
        back = replace(self.HOLIDAY, account_id=None, by_rhythm=True, recorded_at=AT + timedelta(days=1))
        assert owner(date(2026, 2, 18), replace(WEEKS, exceptions=(back, self.HOLIDAY))) == MOTHER

    def test_an_exception_ends_with_its_arrangement(self) -> None:
        before = replace(WEEKS, exceptions=(self.HOLIDAY,))
        after = replace(WEEKS, id=UUID(int=11), valid_from=date(2026, 2, 18))
        assert owner(date(2026, 2, 17), before, after) == FATHER
        assert owner(date(2026, 2, 18), before, after) == MOTHER


class TestMembership:
    def test_a_child_in_one_account_needs_no_calendar(self) -> None:
        assert whose_day(BOTH[:1], [WEEKS], date(2026, 3, 10)).account_id == MOTHER

    def test_a_child_in_two_accounts_without_a_calendar_has_days_of_nobody(self) -> None:
        found = whose_day(BOTH, [], date(2026, 3, 10))
        assert found.account_id is None
        assert "aucun calendrier" in found.in_words(NAMES)

    def test_a_day_for_an_account_that_the_child_left_is_nobodys(self) -> None:
        left = (BOTH[0], replace(BOTH[1], valid_until=date(2026, 3, 1)), ChildMembership(AUNT, START))
        assert whose_day(left, [WEEKS], date(2026, 3, 10)).account_id is None


class TestChecks:
    @pytest.mark.parametrize(
        "parts",
        [
            (),
            (Part(MOTHER, 60), Part(FATHER, 50)),
            (Part(MOTHER, 50), Part(MOTHER, 50)),
            (Part(MOTHER, 110), Part(FATHER, -10)),
        ],
    )
    def test_shares_add_up_to_a_hundred(self, parts: tuple[Part, ...]) -> None:
        with pytest.raises(BadShares):
            check_arrangement(parts, "aaaaaaa", "aaaaaaa", None, valid_from=START, today=START)

    @pytest.mark.parametrize(("first", "monday"), [("aaaa", None), ("aaaaaac", None), ("aaaaaaa", date(2026, 1, 6))])
    def test_a_rhythm_is_two_whole_weeks_from_a_monday(self, first: str, monday: date | None) -> None:
        with pytest.raises(BadRhythm):
            check_arrangement(HALVES, first, "bbbbbbb", monday, valid_from=START, today=START)

    def test_nothing_begins_in_the_past(self) -> None:
        with pytest.raises(PastIsSettled):
            check_arrangement(HALVES, "aaaaaaa", "bbbbbbb", None, valid_from=START, today=START + timedelta(days=1))
        with pytest.raises(PastIsSettled):
            check_exception(START, START, today=START + timedelta(days=1))

    def test_an_exception_is_a_period(self) -> None:
        with pytest.raises(BadExceptionDays):
            check_exception(START, START - timedelta(days=1), today=START)


class TestPayers:
    def test_a_parent_pays_their_own_days_though_the_other_enrolled_the_child(self) -> None:
        assert payers(DayOf(FATHER, "", parts=HALVES), [MOTHER]) == (FATHER,)

    def test_a_third_party_that_an_enrolment_names_may_pay_any_day(self) -> None:
        assert payers(DayOf(FATHER, "", parts=HALVES), [AUNT]) == (FATHER, AUNT)
        assert payers(DayOf(None, "", parts=HALVES), [AUNT, MOTHER]) == (AUNT,)

    def test_without_an_arrangement_who_enrolled_pays(self) -> None:
        assert payers(DayOf(None, ""), [MOTHER]) == (MOTHER,)


days = st.dates(date(2020, 1, 1), date(2035, 12, 31))
weeks = st.text(alphabet="ab-", min_size=7, max_size=7)
shares = st.integers(0, 100).map(lambda percent: (Part(MOTHER, percent), Part(FATHER, 100 - percent)))
exceptions = st.builds(
    lambda first, length, account, at, back: Exceptional(
        first, first + timedelta(days=length), None if back else account, "Vacances", AT + timedelta(hours=at), back
    ),
    days,
    st.integers(0, 40),
    st.sampled_from([MOTHER, FATHER, None]),
    st.integers(0, 1000),
    st.booleans(),
)
arrangements = st.builds(
    lambda number, begins, at, parts, first, second, monday, others: Arrangement(
        UUID(int=number),
        begins,
        AT + timedelta(hours=at),
        parts,
        first,
        second,
        monday and monday - timedelta(days=monday.weekday()),
        tuple(others),
    ),
    st.integers(10, 10**9),
    days,
    st.integers(0, 1000),
    shares,
    weeks,
    weeks,
    st.none() | days,
    st.lists(exceptions, max_size=4),
)


class TestProperties:
    @given(st.lists(arrangements, max_size=4), days)
    def test_every_day_is_at_most_one_accounts_and_says_why(self, found: list[Arrangement], day: date) -> None:
        of = whose_day(BOTH, found, day)
        assert of.account_id in (MOTHER, FATHER, None)
        assert of.in_words(NAMES).endswith(".")
        assert "{" not in of.in_words(NAMES)

    @given(st.lists(arrangements, max_size=4), arrangements, days)
    def test_the_past_does_not_change_when_a_new_arrangement_begins(
        self, before: list[Arrangement], new: Arrangement, day: date
    ) -> None:
        if day < new.valid_from:
            assert whose_day(BOTH, [*before, new], day) == whose_day(BOTH, before, day)

    @given(st.lists(arrangements, max_size=4), days)
    def test_the_order_in_which_they_are_read_does_not_matter(self, found: list[Arrangement], day: date) -> None:
        if len({each.id for each in found}) == len(found):
            assert whose_day(BOTH, found, day) == whose_day(BOTH[::-1], found[::-1], day)

    @given(st.integers(0, 10_000_000), shares)
    def test_what_is_shared_adds_up_and_is_fair_to_the_cent(self, cents: int, parts: tuple[Part, ...]) -> None:
        borne = split_by_shares(cents, parts)
        assert sum(borne.values()) == cents
        for part in parts:
            assert abs(borne[part.account_id] - cents * part.share_percent / 100) < 1
