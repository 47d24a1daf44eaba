"""How the call bench makes figures of what it saw."""

from __future__ import annotations

import pytest

from cvq_advisor_console.bench.call import BenchError, CallRound, delays_ms, figures, run
from cvq_advisor_console.bench.conditions import Watch


def test_a_frame_is_as_late_as_the_time_since_its_own_end_showed_it() -> None:
    assert delays_ms([(1000.0, 1), (1040.0, 2)], [(1030.0, 1), (1075.0, 2)]) == [30.0, 35.0]


def test_a_film_that_begins_again_is_compared_with_its_latest_turn() -> None:
    assert delays_ms([(1000.0, 1), (5000.0, 1), (9000.0, 1)], [(5050.0, 1)]) == [50.0]


def test_frames_that_their_own_end_never_showed_before_count_for_nothing() -> None:
    assert delays_ms([(1000.0, 1)], [(999.0, 1), (1010.0, 7)]) == []


def test_what_ours_adds_is_a_difference_of_medians_which_one_bad_round_does_not_move() -> None:
    bare = [CallRound(200, [50, 60, 70])] * 4 + [CallRound(5000, [50, 60, 70])]
    ours = [CallRound(230, [55, 65, 75])] * 4 + [CallRound(9000, [55, 65, 75])]
    result = figures(bare, ours)
    assert result["call_setup_added_ms"] == 30
    assert result["call_glass_added_ms"] == 5
    assert result["call_setup_ours_rounds_ms"] == [230, 230, 230, 230, 9000]


async def test_fewer_than_five_rounds_are_refused() -> None:
    with pytest.raises(BenchError, match="5"):
        await run(4)


def test_conditions_name_the_machine_and_what_others_took_of_it() -> None:
    watch = Watch()
    conditions = watch.conditions()
    share = conditions["others_cpu_share"]
    assert isinstance(share, float)
    assert 0 <= share <= 1
    assert {"cores", "python", "kernel"} <= conditions.keys()
