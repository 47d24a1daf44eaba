"""Periods, the order of closing, and totals that know their lines."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.books.periods import (
    SETTLED_AFTER,
    BadBookPeriod,
    EarlierMonthOpen,
    MonthClosed,
    MonthNotOver,
    Period,
    check_closing,
    month,
    month_after,
    read_period,
)
from cvq_core.books.rules import BookLine, Heading, LineKind, Movement, movement_of, totals_of
from cvq_core.ledger.rules import TransactionKind
from cvq_core.offices.rules import Means

TODAY = date(2026, 4, 2)
JANUARY, FEBRUARY, MARCH, APRIL = (month(2026, number) for number in range(1, 5))


def test_an_address_names_a_month_or_a_year_that_has_begun() -> None:
    assert read_period("2026-02", TODAY) == FEBRUARY == Period(date(2026, 2, 1), date(2026, 2, 28))
    assert read_period("2026", TODAY) == Period(date(2026, 1, 1), date(2026, 12, 31))
    assert (FEBRUARY.is_month, read_period("2026", TODAY).is_month) == (True, False)
    for word in ("2026-05", "2027", "1999", "2026-13", "2026-2", "26-02", "", "-", "2026-02-01", "٢٠٢٦"):
        with pytest.raises(BadBookPeriod):
            read_period(word, TODAY)


def test_a_month_is_as_long_as_its_civil_days_are() -> None:
    assert (MARCH.end - MARCH.begin) == timedelta(days=31, hours=-1), "the hour of summer time is lost"
    assert month_after(month(2026, 12)) == month(2027, 1)
    assert MARCH.end == APRIL.begin


def test_months_are_closed_in_their_order_once_they_are_over() -> None:
    over = MARCH.end + SETTLED_AFTER
    check_closing(MARCH, FEBRUARY, JANUARY, over)
    check_closing(JANUARY, None, JANUARY, over)
    with pytest.raises(MonthNotOver):
        check_closing(MARCH, FEBRUARY, JANUARY, over - timedelta(seconds=1))
    with pytest.raises(MonthClosed):
        check_closing(FEBRUARY, FEBRUARY, JANUARY, over)
    for period, last in ((MARCH, JANUARY), (FEBRUARY, None)):
        with pytest.raises(EarlierMonthOpen):
            check_closing(period, last, JANUARY, over)
    for period in (month(2025, 12), Period(date(2026, 1, 1), date(2026, 12, 31))):
        with pytest.raises(BadBookPeriod):
            check_closing(period, None, JANUARY, over)


def test_what_stands_in_the_journal_was_received_or_taken_back_and_the_rest_is_told_by_its_kind() -> None:
    payment, back = TransactionKind.PAYMENT, TransactionKind.REVERSAL
    assert movement_of(payment, None, in_journal=True) is Movement.RECEIVED
    assert movement_of(back, payment, in_journal=True) is Movement.TAKEN_BACK
    assert movement_of(back, TransactionKind.REMITTED, in_journal=False) is Movement.REMITTED
    assert movement_of(back, payment, in_journal=False) is Movement.OTHER
    assert movement_of(TransactionKind.BOUNCED, payment, in_journal=False) is Movement.BOUNCED


def test_an_edition_says_what_kind_of_copy_it_is() -> None:
    def heading(number: int | None, copy: int) -> Heading:
        return Heading("Régie", "CVQ", "", "Régie", "CVQ", True, MARCH, number, copy, datetime(2026, 4, 2, tzinfo=UTC))

    assert (heading(7, 0).mark, heading(7, 0).number_word) == ("", "CVQ-L-000007")
    assert heading(8, 2).mark == "DUPLICATA N° 2"
    assert (heading(None, 0).mark, heading(None, 0).number_word) == ("ÉDITION PROVISOIRE", "")


amounts = st.integers(min_value=-100_000, max_value=100_000).filter(bool)
entries = st.lists(st.tuples(st.sampled_from(["pool", "canteen", "several"]), st.sampled_from(Means), amounts))


@given(entries)
def test_totals_agree_whichever_way_they_are_added_up_and_know_their_lines(
    entries: list[tuple[str, Means, int]],
) -> None:
    lines = [
        BookLine(
            row=row,
            kind=LineKind.VOID if cents < 0 else LineKind.RECEIPT,
            number=f"POM-{row:06d}",
            at=datetime(2026, 3, 3, tzinfo=UTC),
            place="",
            by="",
            account="F00001",
            service=service,
            means=means,
            amount_cents=cents,
        )
        for row, (service, means, cents) in enumerate(entries, start=1)
    ]
    totals = totals_of(lines)
    whole = sum(cents for _, _, cents in entries)
    for part in (totals.by_both, totals.by_service, totals.by_means):
        assert sum(total.cents for total in part.values()) == whole == totals.all.cents
        assert sum(total.lines for total in part.values()) == len(lines)
    for (service, means), total in totals.by_both.items():
        mine = [line for line in lines if (line.service, line.means) == (service, means)]
        assert (total.first, total.last) == (mine[0].number, mine[-1].number)
        assert (total.first_row, total.last_row, total.lines) == (mine[0].row, mine[-1].row, len(mine))
        assert total.received_cents >= 0 >= total.taken_back_cents
