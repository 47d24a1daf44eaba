"""Counting passages: what is kept of them, and how they add up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from cvq_advisor_console.footfall.words import REFUSAL_WORDS
from cvq_core.access.facts import PointKind, Reason
from cvq_core.footfall.rules import NO_PASSAGE, WHOLE_DAY, Cell, Passage, count, summary

POOL, DOOR = UUID(int=1), UUID(int=2)
KINDS = {POOL: PointKind.TURNSTILE, DOOR: PointKind.DOOR}
BEFORE = datetime(2026, 2, 27, tzinfo=UTC)
MARCH = (date(2026, 3, 1), date(2026, 3, 31))


def passage(point: UUID, at: datetime, reason: Reason = Reason.PAID, *, allowed: bool | None = None) -> Passage:
    return Passage(point, KINDS[point], at, reason, reason.allows if allowed is None else allowed)


def test_the_hour_is_the_territorys_and_no_hour_is_kept_at_an_offices_door() -> None:
    late = datetime(2026, 3, 3, 23, 30, tzinfo=UTC)
    assert count([passage(POOL, late), passage(DOOR, late, Reason.ENTITLED)]) == [
        Cell(date(2026, 3, 4), WHOLE_DAY, DOOR, Reason.ENTITLED, True, 1),
        Cell(date(2026, 3, 4), 0, POOL, Reason.PAID, True, 1),
    ]


def test_who_goes_out_or_shows_a_card_again_is_no_passage() -> None:
    noon = datetime(2026, 3, 3, 11, tzinfo=UTC)
    assert count(passage(POOL, noon, reason) for reason in NO_PASSAGE) == []


def test_whoever_was_let_in_while_the_line_was_cut_has_passed_though_the_account_was_empty() -> None:
    found = summary(
        count([passage(POOL, datetime(2026, 3, 3, 11, tzinfo=UTC), Reason.WALLET_EMPTY, allowed=True)]), *MARCH
    )
    assert (found.allowed, found.refused, found.refusals) == (1, 0, [])


def test_days_without_anybody_stand_in_the_chart_and_hours_only_between_the_first_and_the_last() -> None:
    cells = count(passage(POOL, datetime(2026, 3, day, hour, tzinfo=UTC)) for day, hour in ((3, 9), (5, 12)))
    found = summary(cells, *MARCH)
    assert [bar.allowed for bar in found.bars][:6] == [0, 0, 1, 0, 1, 0]
    assert len(found.bars) == 31
    assert [(bar.hour, bar.allowed) for bar in found.hours] == [(10, 1), (11, 0), (12, 0), (13, 1)]


def test_a_year_is_shown_by_months() -> None:
    cells = count(passage(POOL, datetime(2026, month, 15, 12, tzinfo=UTC)) for month in (1, 3, 3))
    found = summary(cells, date(2026, 1, 1), date(2026, 12, 31), by_months=True)
    assert [bar.allowed for bar in found.bars] == [1, 0, 2] + [0] * 9


@given(
    st.lists(
        st.builds(
            passage,
            st.sampled_from([POOL, DOOR]),
            st.integers(0, 35 * 24 * 60).map(lambda minutes: BEFORE + timedelta(minutes=minutes)),
            st.sampled_from(Reason),
        ),
        max_size=60,
    ),
    st.integers(0, 90),
    st.booleans(),
)
def test_every_part_of_a_summary_adds_up_to_its_whole(passages: list[Passage], days: int, by_months: bool) -> None:
    first = MARCH[0]
    found = summary(count(passages), first, first + timedelta(days=days), by_months=by_months)
    assert sum(bar.allowed for bar in found.bars) == found.allowed
    assert sum(bar.refused for bar in found.bars) == found.refused
    assert sum(allowed for _, allowed, _ in found.points) == found.allowed
    assert sum(refused for _, _, refused in found.points) == found.refused
    assert sum(number for _, number in found.refusals) == found.refused


def test_every_refusal_has_its_words() -> None:
    assert REFUSAL_WORDS.keys() == {reason for reason in Reason if not reason.allows}
