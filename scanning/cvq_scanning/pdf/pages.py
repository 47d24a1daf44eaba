"""Page images as they come from a browser or a booth: bounded, decoded with care, turned and cropped.

Only JPEG and PNG are ever decoded, whatever a file calls itself: Pillow's other readers (PostScript among them, which
runs a program) are never asked.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final, Literal

from PIL import Image, ImageOps, UnidentifiedImageError

IMAGE_BYTES_MAX: Final = 40 * 1024 * 1024
PIXELS_MAX: Final = 40_000_000
"""An A4 page at 600 dpi has 35 million."""
SIDE_MIN_PX: Final = 32
SIDE_MAX_INCHES: Final = 60
RESOLUTION_DPI: Final = (50, 1200)
PAGES_MAX: Final = 100
TOTAL_BYTES_MAX: Final = 300 * 1024 * 1024

EDITED_QUALITY: Final = 92
"""Above the scan's own 85, so that turning a page costs nothing that the eye could see."""

_FORMATS: Final = ("JPEG", "PNG")

BadPageSlug = Literal[
    "no_pages",
    "too_many_pages",
    "too_many_bytes",
    "not_an_image",
    "truncated",
    "too_many_pixels",
    "too_small",
    "bad_resolution",
    "bad_edit",
]


class BadPage(Exception):
    """Pages that are refused; `page` counts from 1, None where it is not one page's fault."""

    def __init__(self, slug: BadPageSlug, page: int | None = None) -> None:
        super().__init__(slug if page is None else f"{slug} (page {page})")
        self.slug: Final = slug
        self.page: Final = page


@dataclass(frozen=True, slots=True)
class PageEdit:
    """What the advisor did to a page: first turned clockwise, then cropped.

    `crop` is left, top, right, bottom as shares (0 to 1) of the turned page's width and height.

    Raises:
        BadPage: `bad_edit`.
    """

    turn_degrees: Literal[0, 90, 180, 270] = 0
    crop: tuple[float, float, float, float] | None = None

    def __post_init__(self) -> None:
        if self.turn_degrees not in (0, 90, 180, 270):
            raise BadPage("bad_edit")
        if self.crop is not None:
            left, top, right, bottom = self.crop
            # Comparisons with a NaN are false, so that one is refused as well.
            if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
                raise BadPage("bad_edit")


@dataclass(frozen=True, slots=True)
class PageInput:
    """A page to file: a JPEG or PNG, how to change it, and its resolution in dots an inch."""

    image: bytes
    edit: PageEdit = PageEdit()
    resolution_dpi: int = 300


def apply_edit(image_bytes: bytes, edit: PageEdit) -> bytes:
    """The page turned and cropped, as a JPEG; an unedited scan comes back as it is, to the byte.

    Camera pictures lose their metadata (place, device) and are turned as they say they should be.

    Raises:
        BadPage: `too_many_bytes`, `not_an_image`, `truncated`, `too_many_pixels`, `too_small`, `bad_edit`.
    """
    image = decode(image_bytes)
    if edit == PageEdit() and image.format == "JPEG" and not image.getexif() and image.mode in ("L", "RGB"):
        return image_bytes
    dpi = image.info.get("dpi")
    upright = ImageOps.exif_transpose(_on_white(image))
    if edit.turn_degrees:
        upright = upright.transpose(_TURNS[edit.turn_degrees])
    if edit.crop is not None:
        upright = upright.crop(_pixel_box(edit.crop, upright.size))
    _check_size(upright.size)
    buffer = io.BytesIO()
    clean = Image.frombytes(upright.mode, upright.size, upright.tobytes())
    clean.save(buffer, "JPEG", quality=EDITED_QUALITY, **({"dpi": dpi} if dpi else {}))
    return buffer.getvalue()


def decode(image_bytes: bytes) -> Image.Image:
    """A JPEG or PNG, wholly decoded; everything else is refused, and a size is judged before it is unpacked."""
    if len(image_bytes) > IMAGE_BYTES_MAX:
        raise BadPage("too_many_bytes")
    try:
        image = Image.open(io.BytesIO(image_bytes), formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadPage("too_many_pixels") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise BadPage("not_an_image") from error
    _check_size(image.size)
    try:
        image.load()
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise BadPage("truncated") from error
    return image


def check_total(pages: int, total_bytes: int) -> None:
    """Refuse a document beyond the bounds before any page is looked at."""
    if pages == 0:
        raise BadPage("no_pages")
    if pages > PAGES_MAX:
        raise BadPage("too_many_pages")
    if total_bytes > TOTAL_BYTES_MAX:
        raise BadPage("too_many_bytes")


def check_resolution(resolution_dpi: int, size: tuple[int, int]) -> None:
    """Refuse a resolution with which the page would be no paper that anybody holds in hands."""
    if not RESOLUTION_DPI[0] <= resolution_dpi <= RESOLUTION_DPI[1]:
        raise BadPage("bad_resolution")
    if max(size) / resolution_dpi > SIDE_MAX_INCHES:
        raise BadPage("bad_resolution")


_TURNS: Final = {
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}


def _check_size(size: tuple[int, int]) -> None:
    if size[0] * size[1] > PIXELS_MAX:
        raise BadPage("too_many_pixels")
    if min(size) < SIDE_MIN_PX:
        raise BadPage("too_small")


def _pixel_box(crop: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[int, int, int, int]:
    width, height = size
    left, top, right, bottom = crop
    return round(left * width), round(top * height), round(right * width), round(bottom * height)


def _on_white(image: Image.Image) -> Image.Image:
    """The image in mode L or RGB, what is transparent shown on white paper; EXIF data is kept."""
    if image.mode in ("L", "RGB"):
        return image
    exif = image.info.get("exif")
    if image.mode in ("1", "I", "I;16"):
        plain = image.convert("L") if image.mode == "1" else image.point(lambda value: value / 256).convert("L")
    elif image.has_transparency_data:
        layered = image.convert("RGBA")
        plain = Image.new("RGB", image.size, (255, 255, 255))
        plain.paste(layered, mask=layered.getchannel("A"))
    else:
        plain = image.convert("RGB")
    if exif is not None:
        plain.info["exif"] = exif
    return plain
