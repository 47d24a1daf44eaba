"""A door's contact: who was let in opens it, and nobody else."""

from __future__ import annotations

from cvq_core.access.facts import PointEventKind
from cvq_reader.contact import GRACE_S, DoorContact

FORCED, HELD = PointEventKind.FORCED, PointEventKind.HELD_TOO_LONG


def opened(contact: DoorContact, now: float, *, free: bool = False) -> PointEventKind | None:
    return contact.seen(is_open=True, now=now, free=free)


def test_a_door_that_opens_with_nobody_let_in_was_forced_and_says_so_once() -> None:
    contact = DoorContact(held_s=30)
    assert opened(contact, 10) is FORCED
    assert opened(contact, 11) is None
    assert contact.look(now=100, free=False) is None
    assert contact.seen(is_open=False, now=101, free=False) is None
    assert opened(contact, 102) is FORCED


def test_whoever_was_let_in_opens_it_while_the_lock_does_and_a_little_longer() -> None:
    contact = DoorContact(held_s=30)
    contact.let_in(10, 3)
    assert opened(contact, 13 + GRACE_S) is None
    contact.seen(is_open=False, now=20, free=False)
    assert opened(contact, 21) is FORCED


def test_a_door_that_stays_open_is_told_of_once() -> None:
    contact = DoorContact(held_s=30)
    contact.let_in(10, 3)
    opened(contact, 11)
    assert contact.look(now=40, free=False) is None
    assert contact.look(now=41, free=False) is HELD
    assert contact.look(now=99, free=False) is None


def test_a_door_that_is_open_to_all_is_neither_and_its_time_begins_afterwards() -> None:
    contact = DoorContact(held_s=30)
    assert opened(contact, 10, free=True) is None
    assert contact.look(now=100, free=True) is None
    assert contact.look(now=129, free=False) is None
    assert contact.look(now=130, free=False) is HELD
