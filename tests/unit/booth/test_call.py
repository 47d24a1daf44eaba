"""When the camera may open: nobody is filmed unawares, whatever the desk says or forgets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from cvq_booth.call import NO_CALL, Conduct, follow, hidden, shown, tick
from cvq_desk.wire import CallState, CardState, CardView, VisitView

T0 = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
VISIT = uuid4()
RING_ENDS = T0 + timedelta(seconds=5)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def visit(call: CallState, until: datetime | None = None) -> VisitView:
    return VisitView(
        id=VISIT,
        advisor="Nadia",
        organisation="MSA",
        call=call,
        ringing_until=until,
        card=CardView(state=CardState.ABSENT),
    )


def rung(conduct: Conduct, at: datetime = T0, ring_s: float = 5.0) -> Conduct:
    return shown(conduct, VISIT, now=at, ring_s=ring_s, desk_ahead=timedelta())


def ringing() -> Conduct:
    return follow(NO_CALL, visit(CallState.RINGING, RING_ENDS), open_age_s=None)


def opened() -> Conduct:
    return tick(rung(ringing()), now=T0 + seconds(5), curtain=False)


def test_a_ring_that_nobody_saw_never_opens_the_camera():
    conduct = ringing()
    assert not tick(conduct, now=T0 + timedelta(hours=1), curtain=False).open


def test_the_camera_opens_when_the_ring_was_seen_to_its_end():
    conduct = rung(ringing(), at=T0 + seconds(2))
    assert not tick(conduct, now=T0 + seconds(6.9), curtain=False).open
    assert tick(conduct, now=T0 + seconds(7), curtain=False).open


def test_a_ring_whose_page_went_away_begins_anew():
    conduct = hidden(rung(ringing()))
    assert not tick(conduct, now=T0 + seconds(6), curtain=False).open
    conduct = rung(conduct, at=T0 + seconds(10))
    assert conduct.ends_at == T0 + seconds(15)


def test_being_shown_twice_does_not_make_the_ring_longer():
    conduct = rung(rung(ringing()), at=T0 + seconds(4))
    assert conduct.ends_at == RING_ENDS


def test_a_ring_lasts_as_long_as_the_desks_own_by_the_clock_of_this_machine():
    conduct = follow(NO_CALL, visit(CallState.RINGING, T0 + seconds(60 + 10)), open_age_s=None)
    ahead = shown(conduct, VISIT, now=T0, ring_s=5, desk_ahead=seconds(60))
    assert ahead.ends_at == T0 + seconds(10)


def test_a_desk_with_a_wrong_clock_cannot_make_it_ring_for_ever():
    conduct = follow(NO_CALL, visit(CallState.RINGING, T0 + timedelta(days=1)), open_age_s=None)
    assert rung(conduct).ends_at == T0 + seconds(30)


def test_behind_a_curtain_the_call_waits():
    conduct = rung(ringing())
    assert not tick(conduct, now=T0 + seconds(9), curtain=True).open
    assert tick(conduct, now=T0 + seconds(9), curtain=False).open


def test_the_call_stays_open_when_the_desk_says_that_it_is_live():
    assert follow(opened(), visit(CallState.LIVE), open_age_s=None).open


@pytest.mark.parametrize("state", [CallState.HUNG_UP, CallState.NONE])
def test_hanging_up_closes_the_camera(state):
    assert follow(opened(), visit(state), open_age_s=1.0) == NO_CALL
    assert follow(opened(), None, open_age_s=None) == NO_CALL


def test_calling_again_rings_again():
    again = follow(NO_CALL, visit(CallState.RINGING, T0 + seconds(65)), open_age_s=None)
    assert again.rings
    assert not again.open


def test_calling_again_rings_even_when_the_hanging_up_went_unnoticed():
    again = follow(opened(), visit(CallState.RINGING, T0 + seconds(65)), open_age_s=1.0)
    assert not again.open


def test_the_same_ring_told_twice_is_one_ring():
    conduct = rung(ringing())
    assert follow(conduct, visit(CallState.RINGING, RING_ENDS), open_age_s=None) == conduct
    assert follow(opened(), visit(CallState.RINGING, RING_ENDS), open_age_s=None).open


def test_a_desk_that_skips_the_ring_is_made_to_wait_for_it():
    conduct = follow(NO_CALL, visit(CallState.LIVE), open_age_s=None)
    assert conduct.rings
    assert not conduct.open


def test_an_agent_started_in_the_middle_of_a_call_goes_on_without_ringing():
    assert follow(NO_CALL, visit(CallState.LIVE), open_age_s=8.0).open


def test_an_agent_that_was_away_for_long_rings_before_it_films():
    assert not follow(NO_CALL, visit(CallState.LIVE), open_age_s=90.0).open


def test_another_visits_ring_is_not_this_ones():
    conduct = ringing()
    assert shown(conduct, uuid4(), now=T0, ring_s=5, desk_ahead=timedelta()) == conduct
