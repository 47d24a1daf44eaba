"""French sentences as they are read: no line of them begins with a sign."""

from __future__ import annotations

import pytest

from cvq_core.text import translator


@pytest.mark.parametrize(
    ("sentence", "read"),
    [
        ("Répondez à voix haute : on écrit.", "Répondez à voix haute\u00a0: on écrit."),
        ("C’est juste ?", "C’est juste\u202f?"),
        ("Attention ! Il pleut ; restez.", "Attention\u202f! Il pleut\u202f; restez."),
        ("Dites : « Il manque du papier. »", "Dites\u00a0: «\u00a0Il manque du papier.\u00a0»"),
        ("De 9:30 à 10:00, c’est tout.", "De 9:30 à 10:00, c’est tout."),
    ],
)
def test_a_sign_stays_with_the_word_before_it(sentence: str, read: str) -> None:
    assert translator("fr").gettext(sentence) == read
    assert translator("fr").ngettext("une", sentence, 2) == read


def test_other_languages_keep_their_own_spaces() -> None:
    assert "\u00a0" not in translator("en").gettext("Êtes-vous d’accord ?")
