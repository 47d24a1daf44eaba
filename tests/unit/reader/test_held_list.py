"""A list is taken over whole, page after page as it was signed, or not at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cvq_core.access.facts import WalletFacts
from cvq_core.cards.rules import CardFacts, CardStatus
from cvq_core.controllers.wire import (
    AtPoints,
    KnownCard,
    KnownPerson,
    NotSigned,
    Page,
    SignedPage,
    Welcome,
    card_digest,
    sign,
    verified,
)
from cvq_core.devices.identity import to_base64url
from cvq_core.ids import new_id
from cvq_reader.held import BadList, HeldList, believed

NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.generate()
PUBLIC_KEY = KEY.public_key().public_bytes_raw()
SALT = bytes(32)
OURS, RUN = new_id(), new_id()
FIRST, SECOND, THIRD, WALLET = (new_id() for _ in range(4))
CARD = CardFacts(CardStatus.ACTIVE, date(2026, 1, 1), date(2026, 1, 1), date(2027, 1, 1))


def page(**changed: Any) -> Page:
    values: dict[str, Any] = {"kind": "list", "controller_id": OURS, "run": RUN, "sequence": 5, "made_at": NOON}
    return Page(**(values | {"expires_at": NOON + timedelta(hours=72)} | changed))


def person(person_id: UUID, *uids: str) -> KnownPerson:
    cards = tuple(KnownCard(digest=card_digest(SALT, uid), facts=CARD) for uid in uids)
    return KnownPerson(id=person_id, cards=cards)


def whole() -> HeldList:
    held = HeldList.begin(page())
    held.add(page(before=FIRST, people=(person(FIRST, "04AA"),)))
    held.add(page(after=FIRST, people=(person(SECOND, "04BB", "04CC"),)))
    return held


def test_a_list_is_whole_with_its_last_page() -> None:
    held = HeldList.begin(page())
    held.add(page(before=FIRST, people=(person(FIRST, "04AA"),)))
    assert not held.whole
    held.add(page(after=FIRST, people=(person(SECOND, "04BB"),)))
    assert (held.whole, held.size) == (True, 2)
    found = held.bearer(card_digest(SALT, "04BB"))
    assert found is not None
    assert found[0].id == SECOND
    assert held.bearer(card_digest(bytes([1]) * 32, "04BB")) is None, "another site's digest says nothing here"


@pytest.mark.parametrize(
    "wrong",
    [
        {"after": SECOND},
        {"after": None},
        {"after": FIRST, "run": new_id()},
        {"after": FIRST, "kind": "changes"},
    ],
    ids=["one-left-out", "the-first-again", "of-another-list", "no-list"],
)
def test_a_page_that_is_not_the_next_one_is_refused(wrong: dict[str, Any]) -> None:
    held = HeldList.begin(page())
    held.add(page(before=FIRST, people=(person(FIRST, "04AA"),)))
    with pytest.raises(BadList):
        held.add(page(**wrong))


def test_a_list_lasts_as_long_as_its_oldest_page_and_changes_make_it_last_no_longer() -> None:
    held = HeldList.begin(page())
    held.add(page(before=FIRST))
    held.add(page(after=FIRST, expires_at=NOON + timedelta(hours=73), sequence=9))
    held.change(page(kind="changes", sequence=12, expires_at=NOON + timedelta(hours=99)))
    assert (held.expires_at, held.sequence) == (NOON + timedelta(hours=72), 12)


def test_changes_replace_people_with_all_their_cards_and_forget_whom_no_point_needs() -> None:
    held = whole()
    held.change(page(kind="changes", sequence=6, people=(person(SECOND, "04DD"), person(THIRD, "04EE")), gone=(FIRST,)))
    assert {each for each in ("04AA", "04BB", "04CC", "04DD", "04EE") if held.bearer(card_digest(SALT, each))} == {
        "04DD",
        "04EE",
    }
    assert set(held.people) == {SECOND, THIRD}


def test_a_card_that_moved_to_somebody_else_stays_theirs_when_the_former_holder_changes() -> None:
    held = whole()
    held.change(page(kind="changes", sequence=6, people=(person(FIRST, "04BB"), person(SECOND))))
    found = held.bearer(card_digest(SALT, "04BB"))
    assert found is not None
    assert found[0].id == FIRST


def test_changes_that_are_older_than_what_is_known_are_refused() -> None:
    held = whole()
    held.change(page(kind="changes", sequence=8))
    with pytest.raises(BadList):
        held.change(page(kind="changes", sequence=7))
    with pytest.raises(BadList):
        held.refresh(page(kind="people", made_at=NOON - timedelta(hours=1)))


def test_people_who_were_asked_for_do_not_skip_the_changes_before_them() -> None:
    held = whole()
    held.refresh(page(kind="people", sequence=20, people=(person(FIRST, "04FF"),)))
    assert held.sequence == 5


def test_what_was_changed_or_signed_by_another_is_not_believed() -> None:
    signed = sign(page(people=(person(FIRST, "04AA"),)), KEY)
    assert verified(signed, PUBLIC_KEY).people[0].id == FIRST
    forged = sign(page(), Ed25519PrivateKey.generate())
    changed = SignedPage(page=signed.page.replace('"sequence":5', '"sequence":6'), signature=signed.signature)
    broken = SignedPage(page=signed.page, signature="é")
    for each in (forged, changed, broken):
        with pytest.raises(NotSigned):
            verified(each, PUBLIC_KEY)


def test_another_controllers_page_is_not_ours() -> None:
    welcome = Welcome(controller_id=OURS, name="", site="", public_key=to_base64url(PUBLIC_KEY), salt="", list_hours=72)
    with pytest.raises(BadList):
        believed(sign(page(controller_id=new_id()), KEY), welcome)


def test_a_households_wallet_is_as_it_was_last_told_with_whomever_it_came() -> None:
    def with_wallet(person_id: UUID, cents: int) -> KnownPerson:
        wallet = WalletFacts(WALLET, FIRST, cents, 0)
        return KnownPerson(id=person_id, at=(AtPoints(group=0, wallets=(wallet,)),))

    held = HeldList.begin(page())
    held.add(page(people=(with_wallet(FIRST, 1000), with_wallet(SECOND, 1000))))
    held.refresh(page(kind="people", people=(with_wallet(FIRST, 650),)))
    other = held.person(SECOND)
    assert other is not None
    assert held.wallet(other.at[0].wallets[0]).balance_cents == 650


def test_people_who_were_asked_for_leave_the_points_as_they_are() -> None:
    held = whole()
    known = held.points
    held.refresh(page(kind="people"))
    assert held.points is known
