"""Whatever a booth may report, the advisor reads a word for it and what to say."""

from __future__ import annotations

from typing import get_args

import pytest

from cvq_booth.screens.words import PRINT_TROUBLES, SCAN_TROUBLES
from cvq_desk.booths.words import TROUBLES
from cvq_scanning.troubles import TroubleSlug

# The resident's own screens tell them apart; somebody's own cancelling needs no words.
SCREENS = (set(SCAN_TROUBLES) | set(PRINT_TROUBLES)) - {"cancelled"}


@pytest.mark.parametrize("slug", sorted(SCREENS | set(get_args(TroubleSlug))))
def test_what_the_resident_reads_on_the_screen_has_words_for_the_advisor_too(slug: str) -> None:
    words = TROUBLES[slug]
    assert words.what
    assert words.what[0].islower(), "the console capitalises it where it begins a line"
    assert words.say.endswith((".", "»"))
