"""What templates and modules are made of: icons that exist, no sentence in a module, no style or script in a page."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cvq_core.assets import STATIC

ROOT = Path(__file__).parents[3]
CONSOLE = ROOT / "advisor-console/cvq_advisor_console"
TEMPLATES = sorted(
    [*(ROOT / "cvq-core/cvq_core/web/templates").glob("**/*.html"), *(CONSOLE / "templates").glob("**/*.html")]
)
MODULES = sorted([*(STATIC / "js").glob("*.js"), *(CONSOLE / "static/js").glob("*.js")])

JINJA = re.compile(r"\{#.*?#\}|\{% block (?:main|page)_class %\}.*?\{% endblock %\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
FRENCH = re.compile(r"[À-ÿ’«»]|\b(?:le|la|les|du|des|une|vous|est|pas|pour) ")
ICON_NAMED = re.compile(r"""(?:icon\(|icon_name=|icon: str = )["']([a-z0-9-]+)["']""")


def sprite_names() -> set[str]:
    document = ElementTree.parse(STATIC / "vendor/icons.svg")
    return {symbol.get("id", "") for symbol in document.iter("{http://www.w3.org/2000/svg}symbol")}


def test_every_icon_that_a_template_or_a_view_names_is_in_the_sprite() -> None:
    sources = [*TEMPLATES, *(CONSOLE / "views").glob("*.py")]
    named = {name for path in sources for name in ICON_NAMED.findall(path.read_text(encoding="utf-8"))}
    assert "phone-call" in named
    assert named <= sprite_names()


def test_the_sprite_carries_no_icon_that_nothing_shows() -> None:
    sources = [
        path.read_text(encoding="utf-8")
        for package in ("advisor-console", "booth", "cvq-core", "desk")
        for pattern in ("**/*.html", "**/*.py", "**/*.js")
        for path in (ROOT / package).glob(pattern)
    ]
    shown = {name for text in sources for name in re.findall(r"""["'#]([a-z][a-z0-9-]*)["']""", text)}
    assert sprite_names() <= shown


def test_pico_lies_in_a_layer_of_its_own_and_carries_no_image_inline() -> None:
    pico = (STATIC / "vendor/pico.css").read_text(encoding="utf-8")
    assert pico.startswith("@layer pico {")
    assert "data:" not in pico
    images = set(re.findall(r'url\("?([^")]+)"?\)', pico))
    assert images
    assert all((STATIC / "vendor" / name).is_file() for name in images)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_page_carries_no_style_and_no_script_of_its_own(path: Path) -> None:
    text = JINJA.sub("", path.read_text(encoding="utf-8"))
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)", text)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_says_nothing_to_people_in_words_of_its_own(path: Path) -> None:
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    literals = re.findall(r"\"[^\"\n]*\"|'[^'\n]*'|`[^`]*`", text)
    assert literals
    assert not [literal for literal in literals if FRENCH.search(literal)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_sentence_of_a_template_goes_through_the_catalogue(path: Path) -> None:
    text = re.sub(r"<[^>]*>|&\w+;|[a-z-]+=\"[^\"]*\"", " ", JINJA.sub(" ", path.read_text(encoding="utf-8")))
    assert not re.search(r"[A-Za-zÀ-ÿ]{3,}", text)
