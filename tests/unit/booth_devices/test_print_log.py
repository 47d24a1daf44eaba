"""The print log survives what a power cut or a crash leaves of it."""

from pathlib import Path
from uuid import uuid4

import pytest

from cvq_booth.devices.print_log import LOG_BYTES_MAX, LogEntry, PrintLog, Step


@pytest.fixture
def log(tmp_path: Path) -> PrintLog:
    return PrintLog(tmp_path / "print.log")


def test_a_log_that_does_not_exist_knows_nothing(log: PrintLog) -> None:
    assert log.last(uuid4()) is None


def test_the_last_entry_of_each_key_counts(log: PrintLog) -> None:
    one, other = uuid4(), uuid4()
    for entry in [
        LogEntry(one, Step.BEGUN),
        LogEntry(other, Step.BEGUN),
        LogEntry(one, Step.CREATED, 7),
        LogEntry(one, Step.SENT, 7),
    ]:
        log.write(entry)
    assert log.last(one) == LogEntry(one, Step.SENT, 7)
    assert log.last(other) == LogEntry(other, Step.BEGUN, None)
    assert log.last(uuid4()) is None


def test_another_process_reads_what_was_written(log: PrintLog) -> None:
    entry = LogEntry(uuid4(), Step.CREATED, 3)
    log.write(entry)
    assert PrintLog(log.path).last(entry.key) == entry


@pytest.mark.parametrize("lost_bytes", range(1, 60, 7))
def test_a_torn_line_is_as_if_not_written_and_spoils_no_later_one(log: PrintLog, lost_bytes: int) -> None:
    key = uuid4()
    log.write(LogEntry(key, Step.BEGUN))
    log.write(LogEntry(key, Step.CREATED, 4))
    log.path.write_bytes(log.path.read_bytes()[:-lost_bytes])
    assert log.last(key) == LogEntry(key, Step.BEGUN)
    log.write(LogEntry(key, Step.SENT, 5))
    assert log.last(key) == LogEntry(key, Step.SENT, 5)


@pytest.mark.parametrize("rubbish", [b"\xff\xfe\x00", b"[]\n", b'{"key": 5}\n', b'"text"\n', b"\0" * 4096])
def test_rubbish_in_the_log_is_passed_over(log: PrintLog, rubbish: bytes) -> None:
    entry = LogEntry(uuid4(), Step.SENT, 9)
    log.path.write_bytes(rubbish)
    log.write(entry)
    with log.path.open("ab") as file:
        file.write(b"\n" + rubbish)
    assert log.last(entry.key) == entry


def test_only_the_end_of_an_endless_log_is_read(log: PrintLog) -> None:
    entry = LogEntry(uuid4(), Step.SENT, 9)
    log.path.write_bytes(b"x" * (LOG_BYTES_MAX + 100))
    log.write(entry)
    assert log.last(entry.key) == entry


def test_the_log_is_for_its_owner_only(log: PrintLog) -> None:
    log.write(LogEntry(uuid4(), Step.BEGUN))
    assert log.path.stat().st_mode & 0o777 == 0o600
