"""The table of a visit's states: what leads where, and nothing else does."""

from __future__ import annotations

from itertools import product

import pytest

from cvq_desk.visits.rules import (
    AT_THE_BOOTH,
    IN_SESSION,
    OVER,
    TRANSITIONS,
    NotNow,
    VisitEvent,
    VisitState,
    call_of,
    next_state,
    phase_of,
)
from cvq_desk.wire import CallState, Phase


@pytest.mark.parametrize(("state", "event"), list(product(VisitState, VisitEvent)))
def test_an_event_leads_where_the_table_says_or_is_refused(state: VisitState, event: VisitEvent) -> None:
    if (state, event) in TRANSITIONS:
        assert next_state(state, event) is TRANSITIONS[state, event]
    else:
        with pytest.raises(NotNow):
            next_state(state, event)


def test_every_state_can_be_reached_and_left_towards_an_end() -> None:
    reached = {VisitState.TAKEN}
    while more := {after for (before, _), after in TRANSITIONS.items() if before in reached} - reached:
        reached |= more
    assert reached == set(VisitState)
    assert {before for before, _ in TRANSITIONS} == set(VisitState) - OVER


def test_a_call_comes_alive_only_through_a_ring_that_was_answered() -> None:
    into_call = {(before, event) for (before, event), after in TRANSITIONS.items() if after is VisitState.IN_CALL}
    assert into_call == {(VisitState.RINGING, VisitEvent.ANSWERED), (VisitState.ENDING, VisitEvent.GO_BACK)}
    assert call_of(VisitState.ENDING, connected=False) is CallState.HUNG_UP
    live = {state for state in VisitState if call_of(state, connected=True) is CallState.LIVE}
    assert live == {VisitState.IN_CALL, VisitState.ENDING}


def test_the_advisor_acts_only_where_the_booth_is_the_visits() -> None:
    assert IN_SESSION < AT_THE_BOOTH
    assert not AT_THE_BOOTH & OVER


def test_screen_2_shows_the_question_first_and_a_known_page_always() -> None:
    assert phase_of(VisitState.IN_CALL, "form", consent_asked=True) is Phase.CARD
    assert phase_of(VisitState.IN_CALL, "form", consent_asked=False) is Phase.FORM
    assert phase_of(VisitState.IN_CALL, "nonsense", consent_asked=False) is Phase.WELCOME
    assert phase_of(VisitState.WIPING, "form", consent_asked=True) is Phase.GOODBYE
