"""Pages are turned and cropped, and only honest pictures are ever decoded."""

import io
import struct
import zlib

import pytest
from PIL import Image

from cvq_scanning.pdf import BadPage, PageEdit, apply_edit
from cvq_scanning.pdf.pages import IMAGE_BYTES_MAX, check_resolution, check_total

RED, GREEN, BLUE, WHITE = (220, 20, 20), (20, 160, 20), (20, 20, 220), (255, 255, 255)


def _quarters() -> Image.Image:
    """A page whose four quarters, read as a book, are red, green, blue and white."""
    page = Image.new("RGB", (400, 200), WHITE)
    page.paste(RED, (0, 0, 200, 100))
    page.paste(GREEN, (200, 0, 400, 100))
    page.paste(BLUE, (0, 100, 200, 200))
    return page


def _file(image: Image.Image, kind: str = "JPEG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _opened(image_bytes: bytes) -> Image.Image:
    return Image.open(io.BytesIO(image_bytes))


def _corners(image: Image.Image) -> list[str]:
    names = {RED: "red", GREEN: "green", BLUE: "blue", WHITE: "white"}
    width, height = image.size
    places = [(x, y) for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)]
    pixels = [image.convert("RGB").getpixel(place) for place in places]
    return [min(names.items(), key=lambda c: sum(abs(a - b) for a, b in zip(c[0], p, strict=True)))[1] for p in pixels]


def test_an_unedited_scan_comes_back_to_the_byte():
    scan = _file(_quarters(), quality=85, dpi=(300, 300))
    assert apply_edit(scan, PageEdit()) == scan


@pytest.mark.parametrize(
    ("degrees", "corners"),
    [
        (90, ["blue", "red", "white", "green"]),
        (180, ["white", "blue", "green", "red"]),
        (270, ["green", "white", "red", "blue"]),
    ],
)
def test_a_page_is_turned_clockwise(degrees, corners):
    turned = _opened(apply_edit(_file(_quarters()), PageEdit(degrees)))
    assert _corners(turned) == corners
    assert turned.size == ((400, 200) if degrees == 180 else (200, 400))


def test_a_crop_speaks_of_the_turned_page():
    upper_half_after_turning = apply_edit(_file(_quarters()), PageEdit(90, (0, 0, 1, 0.5)))
    image = _opened(upper_half_after_turning)
    assert image.size == (200, 200)
    assert _corners(image) == ["blue", "red", "blue", "red"]


def test_a_page_keeps_its_resolution_when_it_is_edited():
    edited = _opened(apply_edit(_file(_quarters(), dpi=(200, 200)), PageEdit(90)))
    assert edited.info["dpi"] == (200, 200)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "I;16", "CMYK", "RGB"])
def test_every_kind_of_picture_becomes_a_plain_jpeg(mode):
    kind = "JPEG" if mode == "CMYK" else "PNG"
    plain = Image.new("L", (64, 64), 200).point(lambda value: value * 256, "I").convert("I;16")
    image = plain if mode == "I;16" else Image.new("RGB", (64, 64), (200, 200, 200)).convert(mode)
    made = _opened(apply_edit(_file(image, kind), PageEdit()))
    assert made.format == "JPEG"
    assert made.mode in ("L", "RGB")
    expected = 255 if mode == "1" else 200
    assert made.convert("L").getpixel((32, 32)) == pytest.approx(expected, abs=60 if mode == "1" else 6)


def test_what_is_transparent_is_shown_on_white_paper():
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    assert _opened(apply_edit(_file(image, "PNG"), PageEdit())).convert("L").getpixel((5, 5)) == 255


def test_a_camera_picture_stands_upright_and_loses_place_and_device():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    exif[0x010F] = "Make of the phone"
    exif.get_ifd(0x8825)[1] = "N"
    made = apply_edit(_file(_quarters(), exif=exif), PageEdit())
    assert _corners(_opened(made)) == ["blue", "red", "white", "green"]
    assert b"Make of the phone" not in made
    assert not _opened(made).getexif()


@pytest.mark.parametrize(
    ("turn", "crop"),
    [
        (45, None),
        (0, (0.5, 0, 0.5, 1)),
        (0, (0.6, 0, 0.5, 1)),
        (0, (-0.1, 0, 1, 1)),
        (0, (0, 0, 1, 1.01)),
        (0, (float("nan"), 0, 1, 1)),
    ],
    ids=str,
)
def test_an_edit_that_is_none_is_refused(turn, crop):
    with pytest.raises(BadPage) as refused:
        PageEdit(turn, crop)
    assert refused.value.slug == "bad_edit"


def test_a_crop_that_leaves_nothing_to_read_is_refused():
    with pytest.raises(BadPage) as refused:
        apply_edit(_file(_quarters()), PageEdit(0, (0, 0, 0.01, 0.01)))
    assert refused.value.slug == "too_small"


def _png_begun(width: int, height: int) -> bytes:
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    begun = struct.pack(">I", 1000) + b"IDAT" + zlib.compress(b"\0" * 100)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head)) + begun


def _png_with_text_bomb() -> bytes:
    text = b"zTXtbomb\0\0" + zlib.compress(b" " * 80_000_000)
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    png = _file(Image.new("L", (64, 64)), "PNG")
    return png[:33] + chunk + png[33:]


HOSTILE = {
    "nothing": (b"", "not_an_image"),
    "a text": (b"Bonjour", "not_an_image"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n", "not_an_image"),
    "a PDF": (b"%PDF-1.7\n1 0 obj\n", "not_an_image"),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>', "not_an_image"),
    "a GIF": (_file(Image.new("L", (64, 64)), "GIF"), "not_an_image"),
    "a TIFF": (_file(Image.new("L", (64, 64)), "TIFF"), "not_an_image"),
    "a PPM": (_file(Image.new("L", (64, 64)), "PPM"), "not_an_image"),
    "half a JPEG": (_file(_quarters())[:-400], "truncated"),
    "half a PNG": (_file(_quarters().effect_spread(50), "PNG")[:-4000], "truncated"),
    "the beginning of a PNG": (_png_begun(100, 100), "truncated"),
    "no more than a PNG's head": (_png_begun(100, 100)[:33], "not_an_image"),
    "a PNG of 64 megapixels": (_png_begun(8_000, 8_000), "too_many_pixels"),
    "a PNG of 100 megapixels": (_png_begun(10_000, 10_000), "too_many_pixels"),
    "a PNG of 4 gigapixels": (_png_begun(65_000, 65_000), "too_many_pixels"),
    "a PNG whose text swells": (_png_with_text_bomb(), "not_an_image"),
    "a speck": (_file(Image.new("L", (8, 8))), "too_small"),
    "more bytes than any page": (b"\xff\xd8\xff" + bytes(IMAGE_BYTES_MAX), "too_many_bytes"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_its_slug(name):
    content, slug = HOSTILE[name]
    with pytest.raises(BadPage) as refused:
        apply_edit(content, PageEdit())
    assert refused.value.slug == slug


@pytest.mark.parametrize(
    ("pages", "total_bytes", "slug"),
    [(0, 0, "no_pages"), (101, 101, "too_many_pages"), (10, 400 * 1024**2, "too_many_bytes")],
)
def test_a_document_beyond_the_bounds_is_refused_as_a_whole(pages, total_bytes, slug):
    with pytest.raises(BadPage) as refused:
        check_total(pages, total_bytes)
    assert refused.value.slug == slug


@pytest.mark.parametrize(("dpi", "size"), [(20, (500, 500)), (5000, (500, 500)), (50, (9000, 500))])
def test_a_resolution_of_no_real_paper_is_refused(dpi, size):
    check_resolution(300, (2480, 3508))
    with pytest.raises(BadPage) as refused:
        check_resolution(dpi, size)
    assert refused.value.slug == "bad_resolution"
