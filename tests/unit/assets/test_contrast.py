"""Text has a contrast of 7 to 1, in light and in dark, on every ground that the style sheets put it on."""

import re
from itertools import product
from pathlib import Path

import pytest

from cvq_core.assets import STATIC

CONSOLE_STATIC = Path(__file__).parents[3] / "advisor-console/cvq_advisor_console/static"
TOKENS = (STATIC / "css/tokens.css").read_text(encoding="utf-8")
STYLE_SHEETS = sorted([*(STATIC / "css").glob("*.css"), *CONSOLE_STATIC.glob("css/*.css")])

TEXT_RATIO = 7.0
CONTROL_RATIO = 3.0

# What inherits its colour stands on any of these grounds; what names colour and ground together is read from the rules.
GROUNDS = ("--paper", "--card", "--civic-wash", "--sun-wash", "--alert-wash", "--ok-wash")
INHERITED = [
    *product(("--ink",), GROUNDS),
    *product(("--soft", "--civic"), ("--paper", "--card", "--civic-wash", "--sun-wash")),
    *product(("--civic-deep",), ("--paper", "--card", "--civic-wash")),
    *product(("--alert",), ("--paper", "--card")),
]


def tokens(scheme: str) -> dict[str, str]:
    """Return the colours of a scheme: dark overrides light."""
    light, dark = re.split(r"@media \(prefers-color-scheme: dark\)", TOKENS.split("@media print")[0])
    found = dict(re.findall(r"(--[\w-]+):\s*(#[0-9a-f]{6})", light))
    if scheme == "dark":
        found |= dict(re.findall(r"(--[\w-]+):\s*(#[0-9a-f]{6})", dark))
    return found


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb`, 0 to 1 (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def rules() -> list[tuple[str, str]]:
    """Return every selector of the product's style sheets with its declarations."""
    text = "\n".join(sheet.read_text(encoding="utf-8") for sheet in STYLE_SHEETS)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return [(selector.strip(), body) for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", text)]


def pairs_in_rules() -> list[tuple[str, str]]:
    """Return each (text, ground) that one rule sets together."""
    found = set()
    for _, body in rules():
        text = re.search(r"(?<![\w-])color:\s*var\((--[\w-]+)\)", body)
        ground = re.search(r"(?<![\w-])background(?:-color)?:\s*var\((--[\w-]+)\)", body)
        if text and ground:
            found.add((text[1], ground[1]))
    return sorted(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), sorted({*INHERITED, *pairs_in_rules()}))
def test_text_stands_out_seven_to_one_on_its_ground(scheme: str, text: str, ground: str) -> None:
    colours = tokens(scheme)
    assert contrast(colours[text], colours[ground]) >= TEXT_RATIO


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["--paper", "--card"])
def test_the_border_of_a_control_stands_out_three_to_one(scheme: str, ground: str) -> None:
    colours = tokens(scheme)
    assert contrast(colours["--edge"], colours[ground]) >= CONTROL_RATIO


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_ring_around_the_focus_is_seen_on_light_and_on_dark(scheme: str) -> None:
    colours = tokens(scheme)
    for ground in ("--paper", "--card", "--civic-wash", "--sun-wash"):
        seen = max(contrast(colours["--sun-edge"], colours[ground]), contrast(colours["--sun"], colours[ground]))
        assert seen >= CONTROL_RATIO
    assert contrast(colours["--sun-edge"], colours["--sun"]) >= CONTROL_RATIO


def test_the_rules_do_pair_text_with_grounds() -> None:
    assert ("--sun-ink", "--sun-wash") in pairs_in_rules()


@pytest.mark.parametrize("sheet", [sheet for sheet in STYLE_SHEETS if sheet.name != "tokens.css"], ids=lambda s: s.name)
def test_a_colour_is_written_as_a_number_in_the_tokens_only(sheet: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
    values = re.findall(r"[\w-]+:\s*([^;{}]+);", text)
    assert not [value for value in values if re.search(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", value)]


def test_every_token_in_use_exists() -> None:
    known = set(re.findall(r"(--[\w-]+):", "\n".join(body for _, body in rules())))
    used = {name for _, body in rules() for name in re.findall(r"var\((--[\w-]+)", body)}
    assert used <= known
