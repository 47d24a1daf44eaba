"""The hour at a site: the core's, whatever somebody does to the machine's own clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cvq_reader.steady import SteadyClock

NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Machine:
    """A machine's clocks: `wall` can be set by anybody, `steady` by nobody."""

    def __init__(self, wall: datetime = NOON) -> None:
        self.wall, self.steady = wall, 1000.0

    def passes(self, time: timedelta) -> None:
        self.wall += time
        self.steady += time.total_seconds()

    def clock(self, floor: datetime | None = None) -> SteadyClock:
        return SteadyClock(floor, wall=lambda: self.wall, steady=lambda: self.steady)


def test_the_hour_goes_on_while_the_machines_clock_jumps_both_ways() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.heard(NOON, 0.0)
    for jump in (HOUR * 5, -HOUR * 9, timedelta(days=400)):
        machine.wall += jump
        machine.passes(timedelta(minutes=10))
        assert clock.jumped
    assert clock.now() == NOON + timedelta(minutes=30)


def test_the_cores_hour_counts_with_half_of_what_its_answer_took() -> None:
    machine = Machine(NOON - HOUR)
    clock = machine.clock()
    assert not clock.sure
    clock.heard(NOON, 0.4)
    assert (clock.now(), clock.sure) == (NOON + timedelta(seconds=0.2), True)
    assert clock.ahead_ms == -3_600_200
    assert not clock.jumped


def test_a_machine_with_an_empty_battery_believes_no_hour_that_is_over() -> None:
    machine = Machine(datetime(1970, 1, 1, tzinfo=UTC))
    clock = machine.clock(NOON)
    assert clock.was_behind
    machine.passes(HOUR)
    assert clock.now() == NOON + HOUR
    clock.not_before(NOON + 3 * HOUR)
    assert clock.now() == NOON + 3 * HOUR
    clock.heard(NOON + 4 * HOUR, 0.0)
    clock.not_before(NOON + 9 * HOUR)
    assert clock.now() == NOON + 4 * HOUR, "the core is believed above all"


def test_a_clock_that_is_right_is_not_told_to_be_behind() -> None:
    clock = Machine(NOON + HOUR).clock(NOON)
    assert not clock.was_behind
    assert clock.now() == NOON + HOUR
