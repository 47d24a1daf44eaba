"""What a look at a page tells: is it blank, does it lie askew, is it a small paper on a large glass.

Pure functions over images. They give advice and never change the page that is kept: a wrong guess must not cost a
line of somebody's document. `straighten` makes a straightened copy for those who ask for one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

SKEW_DEGREES_MAX: Final = 8.0
BLANK_INK_SHARE_MAX: Final = 0.0004
"""A single short line of 10-point text covers about 0.0010 of an A4 page; dust and show-through stay below."""

_ANALYSED_SIDE_PX: Final = 1200
_INK_DEPTH: Final = 36
_DARK: Final = 80
_EDGE_POINTS_MAX: Final = 40_000
_EDGE_POINTS_MIN: Final = 400
_SKEW_NOTICED_DEGREES: Final = 0.1
_MARGIN_SHARE: Final = 0.03
_PAPER_DIFFERENCE: Final = 14
_PAPER_SHARE: Final = (0.01, 0.6)
_PAPER_FILL_MIN: Final = 0.6
_CROP_AIR_SHARE: Final = 0.006

Fractions = tuple[float, float, float, float]
"""Left, top, right, bottom of a rectangle as shares (0 to 1) of the page's width and height."""


@dataclass(frozen=True, slots=True)
class PageAdvice:
    """What a page looks like.

    `skew_degrees` is how far its lines are turned counter-clockwise, 0 where that cannot be told; `crop` surrounds a
    small paper such as an identity card, None where the page is a whole sheet.
    """

    blank: bool
    skew_degrees: float
    crop: Fractions | None


def advise(page: Image.Image) -> PageAdvice:
    """Look at a page of any mode and size."""
    small = _reduced(page)
    gray = np.asarray(small.convert("L"))
    ink = _ink(gray)
    if _nothing_to_read(gray, ink):
        return PageAdvice(blank=True, skew_degrees=0.0, crop=None)
    return PageAdvice(blank=False, skew_degrees=_skew(ink), crop=_small_paper(small))


def is_blank(page: Image.Image) -> bool:
    """Whether the page is light and bears nothing that can be read; its outer margins are not looked at."""
    gray = np.asarray(_reduced(page).convert("L"))
    return _nothing_to_read(gray, _ink(gray))


def estimate_skew(page: Image.Image) -> float:
    """By how many degrees the page's lines are turned counter-clockwise, at most `SKEW_DEGREES_MAX` either way."""
    return _skew(_ink(np.asarray(_reduced(page).convert("L"))))


def suggest_crop(page: Image.Image) -> Fractions | None:
    """The rectangle around a small paper that differs from the scanner's white lid, or None."""
    return _small_paper(_reduced(page))


def straighten(page: Image.Image, skew_degrees: float) -> Image.Image:
    """A copy turned back by `skew_degrees`, of the same size; what comes in at the corners is white."""
    white: int | tuple[int, ...] = 255 if page.mode in ("L", "1") else (255,) * len(page.getbands())
    return page.rotate(-skew_degrees, resample=Image.Resampling.BICUBIC, fillcolor=white)


def _reduced(page: Image.Image) -> Image.Image:
    factor = max(1, math.ceil(max(page.size) / _ANALYSED_SIDE_PX))
    plain = page if page.mode in ("L", "RGB") else page.convert("RGB")
    return plain.reduce(factor) if factor > 1 else plain


def _ink(gray: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the page is darker than the paper around it, so that grey paper and shadows are no ink."""
    page = Image.fromarray(gray)
    coarse = page.reduce(8).filter(ImageFilter.RankFilter(7, 36)).filter(ImageFilter.BoxBlur(2))
    paper = np.asarray(coarse.resize(page.size, Image.Resampling.BILINEAR), dtype=np.int16)
    return np.asarray(paper - gray.astype(np.int16) > _INK_DEPTH, dtype=np.bool_)


def _nothing_to_read(gray: NDArray[np.uint8], ink: NDArray[np.bool_]) -> bool:
    """Dark areas count as well as strokes: a black page is a fault of the scanner, and no blank one."""
    height, width = ink.shape
    top, left = round(height * _MARGIN_SHARE), round(width * _MARGIN_SHARE)
    inner = (slice(top, height - top), slice(left, width - left))
    return float((ink[inner] | (gray[inner] < _DARK)).mean()) <= BLANK_INK_SHARE_MAX


def _skew(ink: NDArray[np.bool_]) -> float:
    """Maximise the sharpness of the rows' profile over angles, first coarsely, then around the best.

    Only the upper and lower edges of ink count: they lie along the lines of writing, and black areas weigh little.
    """
    edges = ink[1:] != ink[:-1]
    rows, columns = np.nonzero(edges)
    if len(rows) < _EDGE_POINTS_MIN:
        return 0.0
    step = -(-len(rows) // _EDGE_POINTS_MAX)
    rows, columns = rows[::step].astype(np.float64), columns[::step].astype(np.float64)

    def sharpness(degrees: float) -> float:
        angle = np.deg2rad(degrees)
        along = rows * np.cos(angle) + columns * np.sin(angle)
        bins = np.bincount((along - along.min() + 0.5).astype(np.int64)).astype(np.float64)
        return float((bins * bins).sum() / max(len(bins), 1))

    coarse = np.arange(-SKEW_DEGREES_MAX, SKEW_DEGREES_MAX + 0.01, 0.5)
    scores = [sharpness(float(angle)) for angle in coarse]
    if max(scores) < 1.15 * float(np.median(scores)):
        return 0.0
    best = float(coarse[int(np.argmax(scores))])
    for fineness in (0.1, 0.02):
        around = best + np.arange(-5, 6) * fineness
        best = float(around[int(np.argmax([sharpness(float(angle)) for angle in around]))])
    return round(best, 2) if abs(best) >= _SKEW_NOTICED_DEGREES else 0.0


def _small_paper(small: Image.Image) -> Fractions | None:
    pixels = np.asarray(small.convert("RGB").reduce(2), dtype=np.int16)
    height, width, _ = pixels.shape
    rim = max(2, round(min(height, width) * 0.012))
    if min(height, width) < 8 * rim:
        return None
    border = np.concatenate(
        [part.reshape(-1, 3) for part in (pixels[:rim], pixels[-rim:], pixels[:, :rim], pixels[:, -rim:])]
    )
    differs = np.abs(pixels - np.median(border, axis=0)).max(axis=2) > _PAPER_DIFFERENCE
    differs[:rim] = differs[-rim:] = False
    differs[:, :rim] = differs[:, -rim:] = False
    mask = Image.fromarray(differs.astype(np.uint8) * 255)
    mask = mask.filter(ImageFilter.MinFilter(3)).filter(ImageFilter.MaxFilter(3))
    box = mask.getbbox()
    if box is None:
        return None
    left, top, right, bottom = box
    share = (right - left) * (bottom - top) / (width * height)
    fill = float((np.asarray(mask)[top:bottom, left:right] > 0).mean())
    if not _PAPER_SHARE[0] <= share <= _PAPER_SHARE[1] or fill < _PAPER_FILL_MIN:
        return None
    air = _CROP_AIR_SHARE * max(width, height)
    return (
        round(max(0.0, left - air) / width, 4),
        round(max(0.0, top - air) / height, 4),
        round(min(float(width), right + air) / width, 4),
        round(min(float(height), bottom + air) / height, 4),
    )
