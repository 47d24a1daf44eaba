"""Advice on a page: blank, askew, a small paper on a large glass."""

import pytest
from PIL import Image, ImageDraw

from cvq_scanning.clean import advise, estimate_skew, is_blank, straighten, suggest_crop
from cvq_scanning.virtual import sheets

DPI = 150
SKEW_TOLERANCE_DEGREES = 0.3


def _turned(page: Image.Image, degrees: float) -> Image.Image:
    return page.rotate(degrees, resample=Image.Resampling.BICUBIC, fillcolor=sheets.PAPER)


def test_the_empty_back_of_a_sheet_is_blank_in_spite_of_dust_and_shadow():
    assert is_blank(sheets.blank_sheet(DPI))
    assert is_blank(sheets.blank_sheet(DPI).convert("L"))


def test_a_sheet_with_one_short_line_is_not_blank():
    page = sheets.blank_sheet(DPI)
    sheets.Pen(page, DPI).text(30, 200, "Vu, la directrice", 10)
    assert not is_blank(page)


def test_a_black_page_is_no_blank_one():
    assert not is_blank(Image.new("L", (1240, 1754), 10))


def test_a_grey_but_empty_paper_is_blank():
    assert is_blank(Image.new("RGB", (1240, 1754), (190, 188, 180)))


@pytest.mark.parametrize("degrees", [-6.0, -2.5, -0.8, 0.0, 0.5, 1.7, 4.2])
@pytest.mark.parametrize("draw", [sheets.residence_proof, sheets.school_certificate])
def test_the_skew_of_a_page_of_text_is_found(draw, degrees):
    assert estimate_skew(_turned(draw(DPI), degrees)) == pytest.approx(degrees, abs=SKEW_TOLERANCE_DEGREES)


def test_a_page_that_lies_straight_is_left_alone():
    assert estimate_skew(sheets.residence_proof(300)) == 0.0


def test_a_straightened_page_lies_straight_and_keeps_its_size():
    askew = _turned(sheets.residence_proof(DPI), 3.0)
    straight = straighten(askew, estimate_skew(askew))
    assert straight.size == askew.size
    assert estimate_skew(straight) == pytest.approx(0.0, abs=SKEW_TOLERANCE_DEGREES)


def test_a_picture_without_lines_has_no_skew():
    noise = Image.effect_noise((1240, 1754), 80)
    assert estimate_skew(noise) == 0.0


def test_an_identity_card_on_the_glass_is_surrounded():
    glass = sheets.identity_card(DPI, skew_degrees=0)
    crop = suggest_crop(glass)
    assert crop is not None
    left, top, right, bottom = crop[0] * 210, crop[1] * 297, crop[2] * 210, crop[3] * 297
    # The card lies at 18 and 14 mm; a little air around it, never a piece cut off.
    assert 18 - 4 < left <= 18
    assert 14 - 4 < top <= 14
    assert 18 + 85.6 <= right < 18 + 85.6 + 4
    assert 14 + 54 <= bottom < 14 + 54 + 4


@pytest.mark.parametrize("draw", [sheets.residence_proof, sheets.school_certificate, sheets.income_notice])
def test_a_whole_sheet_of_text_is_not_cropped(draw):
    assert suggest_crop(draw(DPI)) is None


def test_a_short_letter_is_not_taken_for_a_small_paper():
    page = sheets.blank_sheet(DPI)
    sheets.Pen(page, DPI).lines(20, 20, ("Madame, Monsieur,", "je vous prie de trouver ci-joint", "mon dossier."), 12)
    assert suggest_crop(page) is None


def test_a_full_page_picture_is_not_cropped():
    page = Image.new("RGB", (1240, 1754), (255, 255, 255))
    ImageDraw.Draw(page).rectangle([60, 60, 1180, 1690], fill=(30, 90, 140))
    assert suggest_crop(page) is None


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (40, 2000)])
def test_even_the_oddest_size_gets_an_advice(size):
    assert advise(Image.new("RGB", size, (255, 255, 255))).blank


def test_all_advice_comes_together():
    advice = advise(sheets.identity_card(DPI, skew_degrees=3))
    assert not advice.blank
    assert advice.skew_degrees == pytest.approx(3, abs=SKEW_TOLERANCE_DEGREES)
    assert advice.crop is not None
    assert advise(sheets.blank_sheet(DPI)).crop is None
