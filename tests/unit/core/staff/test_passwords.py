"""How passwords are kept: the tests sign in with a cheap hash of their own, so the real one is looked at here."""

from __future__ import annotations

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type

from cvq_core.ids import new_id
from cvq_core.staff.store import KnownPassword, WeakPassword, hash_password, is_password


def test_a_password_is_hashed_as_slowly_as_owasp_asks() -> None:
    made = extract_parameters(hash_password("trois mots sans lien"))
    assert made.type is Type.ID
    # OWASP's password storage cheat sheet: 19 MiB and two passes at the least.
    assert made.memory_cost >= 19 * 1024
    assert made.time_cost >= 2


def test_the_right_password_alone_is_the_password() -> None:
    known = KnownPassword(new_id(), "Nadia", hash_password("trois mots sans lien"))
    assert is_password(known, "trois mots sans lien")
    assert not is_password(known, "trois mots sans liens")
    assert not is_password(None, "trois mots sans lien")


def test_a_short_password_is_refused() -> None:
    with pytest.raises(WeakPassword):
        hash_password("neuf lett")
