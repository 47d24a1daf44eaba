"""How fast papers leave beside a call, on lines that the test makes up, by a clock that it turns itself."""

from __future__ import annotations

import heapq

import pytest

from cvq_booth.peer.pace import CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, RETREAT_S, Pace, PaceLimits

MEGABYTE = 1_000_000


class Line:
    """A line with one queue, as a router in a village has it, that says what has arrived."""

    def __init__(self, kbit_s: float, round_trip_s: float = 0.06) -> None:
        self.kbit_s = kbit_s
        self.round_trip_s = round_trip_s
        self.free_at_s = 0.0
        self.queues_s: list[float] = []
        self._answers: list[tuple[float, int]] = []
        self._sent = 0

    def send(self, size_bytes: int, now_s: float) -> None:
        """Take a chunk; remember how long a voice packet would have to wait that came behind it."""
        self.free_at_s = max(now_s, self.free_at_s) + size_bytes * 8 / self.kbit_s / 1000
        self.queues_s.append(self.free_at_s - now_s)
        self._sent += size_bytes
        heapq.heappush(self._answers, (self.free_at_s + self.round_trip_s, self._sent))

    def answers(self, until_s: float) -> list[tuple[float, int]]:
        """Return what the other end has said of arrivals, with its time."""
        said = []
        while self._answers and self._answers[0][0] <= until_s:
            said.append(heapq.heappop(self._answers))
        return said


def send(
    pace: Pace, line: Line, size_bytes: int, now_s: float = 0.0, *, answered: bool = True
) -> list[tuple[float, int]]:
    """Send `size_bytes` over a line; return when each chunk went, and its size."""
    sent = []
    while size_bytes > 0:
        now_s += pace.wait_s(now_s)
        for heard_at_s, received in line.answers(now_s) if answered else ():
            pace.heard(received, heard_at_s)
        chunk = min(size_bytes, pace.chunk_bytes)
        line.send(chunk, now_s)
        pace.spend(chunk, now_s)
        sent.append((now_s, chunk))
        size_bytes -= chunk
    return sent


@pytest.mark.parametrize("kbit_s", [200, 400, 600])
def test_no_second_carries_more_than_the_budget_and_one_chunk(kbit_s: int) -> None:
    pace = Pace(PaceLimits(kbit_s, kbit_s))
    sent = send(pace, Line(10_000), 300_000)
    for start_s, _ in sent:
        in_a_second = sum(size for at_s, size in sent if start_s <= at_s < start_s + 1)
        assert in_a_second <= kbit_s * 1000 / 8 + pace.chunk_bytes


def test_without_a_word_from_the_console_the_floor_is_kept() -> None:
    pace = Pace(PaceLimits(400, 20_000))
    sent = send(pace, Line(100_000), 100_000, answered=False)
    assert sent[-1][0] == pytest.approx(100_000 * 8 / 400_000, rel=0.05)


def test_on_a_line_with_room_a_page_takes_a_fraction_of_what_the_floor_would() -> None:
    sent = send(Pace(PaceLimits(400, 20_000)), Line(50_000, round_trip_s=0.02), MEGABYTE)
    assert sent[-1][0] < MEGABYTE * 8 / 400_000 / 5


def test_on_a_rural_line_the_voice_hardly_ever_waits_behind_papers() -> None:
    # 1 Mbit/s up, of which the call takes 600.
    line = Line(400)
    send(Pace(PaceLimits(300, 20_000)), line, MEGABYTE)
    assert max(line.queues_s) < 0.2
    late = sum(queue_s > 0.05 for queue_s in line.queues_s)
    assert late < 0.05 * len(line.queues_s)


def test_on_a_middling_line_half_of_it_is_used_without_a_standing_queue() -> None:
    line = Line(4000)
    sent = send(Pace(PaceLimits(300, 20_000)), line, 4 * MEGABYTE)
    assert 4 * MEGABYTE * 8 / sent[-1][0] > 2_000_000
    late = sum(queue_s > 0.05 for queue_s in line.queues_s)
    assert late < 0.05 * len(line.queues_s)


def test_a_queue_brings_the_pace_down_at_once_and_keeps_it_below_half_of_what_made_it_for_a_minute() -> None:
    pace = Pace(PaceLimits(400, 4000))
    line = Line(50_000, round_trip_s=0.02)
    now_s = send(pace, line, MEGABYTE)[-1][0]
    assert pace.rate_kbit_s == 4000
    line.kbit_s = 1000
    now_s = send(pace, line, MEGABYTE // 5, now_s)[-1][0]
    assert pace.rate_kbit_s < 1000
    line.kbit_s = 50_000
    now_s = send(pace, line, MEGABYTE, now_s)[-1][0]
    assert pace.rate_kbit_s == 2000
    send(pace, line, MEGABYTE, now_s + RETREAT_S)
    assert pace.rate_kbit_s == 4000


def test_two_late_answers_alone_change_nothing() -> None:
    pace = Pace(PaceLimits(400, 20_000))
    now_s = send(pace, Line(50_000, round_trip_s=0.02), MEGABYTE)[-1][0]
    before = pace.rate_kbit_s
    for delay_s in (0.02, 0.5, 0.5, 0.02):
        pace.spend(1000, now_s)
        now_s += delay_s
        pace.heard(10 * MEGABYTE, now_s)
    assert pace.rate_kbit_s >= before


def test_chunks_are_small_on_a_slow_line_and_never_larger_than_the_wire_allows() -> None:
    assert Pace(PaceLimits(64, 64)).chunk_bytes == CHUNK_BYTES_MIN
    assert Pace(PaceLimits(400, 400)).chunk_bytes == 2000
    assert Pace(PaceLimits(50_000, 50_000)).chunk_bytes == CHUNK_BYTES_MAX


@pytest.mark.parametrize(("floor", "ceiling"), [(0, 100), (-1, 100), (500, 400)])
def test_limits_that_make_no_sense_are_refused(floor: int, ceiling: int) -> None:
    with pytest.raises(ValueError, match="kbit/s"):
        PaceLimits(floor, ceiling)


def test_a_floor_above_the_usual_ceiling_is_its_own_ceiling() -> None:
    assert PaceLimits(floor_kbit_s=50_000).most_kbit_s == 50_000
    assert PaceLimits(floor_kbit_s=400).most_kbit_s == 20_000
