"""What one family may know of the other one of a child they share."""

from __future__ import annotations

from uuid import UUID

import pytest

from cvq_core.people.masking import Detail, holds_authority, masked_in_words, sight

EMMA, TOM, MOTHER, FATHER, BROTHER = (UUID(int=number) for number in range(1, 6))


def test_one_s_own_account_is_shown_whole() -> None:
    assert sight(own=True, authority=False) == frozenset(Detail)
    assert masked_in_words(sight(own=True, authority=True)) == ""


@pytest.mark.parametrize(
    "detail",
    [Detail.ADDRESS, Detail.CONTACTS, Detail.QUOTIENT, Detail.BANK_ACCOUNT, Detail.WALLET, Detail.LOOKS],
)
@pytest.mark.parametrize("authority", [True, False])
def test_the_other_family_s_own_affairs_are_masked_whoever_looks(detail: Detail, authority: bool) -> None:
    assert detail not in sight(own=False, authority=authority)


def test_the_name_is_known_and_what_is_the_child_s_is_open_to_authority_alone() -> None:
    assert sight(own=False, authority=True) == {Detail.GUARDIAN_NAME, Detail.ATTENDANCE, Detail.BILLING}
    assert sight(own=False, authority=False) == {Detail.GUARDIAN_NAME}
    assert "présences" in masked_in_words(sight(own=False, authority=True))
    assert "présences" not in masked_in_words(sight(own=False, authority=False))


def test_a_guardian_holds_authority_until_an_order_takes_it_away_for_that_child() -> None:
    assert holds_authority(EMMA, [MOTHER], set())
    assert not holds_authority(EMMA, [MOTHER], {(EMMA, MOTHER)})
    assert holds_authority(TOM, [MOTHER], {(EMMA, MOTHER)})


def test_where_it_is_known_who_looks_it_is_their_authority_that_counts() -> None:
    assert not holds_authority(EMMA, [MOTHER, FATHER], {(EMMA, MOTHER)}, viewer_id=MOTHER)
    assert holds_authority(EMMA, [MOTHER, FATHER], {(EMMA, MOTHER)}, viewer_id=FATHER)
    assert not holds_authority(EMMA, [MOTHER], set(), viewer_id=BROTHER)
    assert not holds_authority(EMMA, [], set())
