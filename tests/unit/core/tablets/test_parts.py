"""What a tablet keeps of its pages is all that they are made of."""

from __future__ import annotations

import re

from cvq_core.assets import STATIC
from cvq_core.tablets.pages import PAGES, PARTS, TEMPLATES

SHELL = STATIC.parents[1] / "web/templates/base.html"


def test_every_file_that_the_pages_name_is_kept() -> None:
    sources = [TEMPLATES / page for page in PAGES.values()] + [SHELL]
    named = {name for source in sources for name in re.findall(r"static\('([^']+)'\)", source.read_text("utf-8"))}
    assert len(named) > 5
    assert named <= set(PARTS)


def test_every_module_that_is_imported_is_kept() -> None:
    modules = [part for part in PARTS if part.endswith(".js")]
    imported = {
        f"js/{name}"
        for part in modules
        for name in re.findall(r'from "\./([\w-]+\.js)"', (STATIC / part).read_text("utf-8"))
    }
    assert imported
    assert imported <= set(PARTS)
