"""Rows of every layout that SANE delivers become the image they stand for."""

import pytest
from PIL import Image

from cvq_scanning.device.libsane import FrameFormat, Parameters
from cvq_scanning.device.pixels import FormatRefused, preview_jpeg, preview_scale, row_format


def _parameters(**changes) -> Parameters:
    plain = {
        "format": FrameFormat.GRAY,
        "last_frame": True,
        "bytes_per_line": 4,
        "pixels_per_line": 4,
        "lines": 2,
        "depth": 8,
    }
    return Parameters(**(plain | changes))


def test_grey_rows_with_padding_lose_it():
    image = row_format(_parameters(bytes_per_line=6), "gray").image(b"\x00\x40\x80\xff..\x01\x02\x03\x04..")
    assert (image.mode, image.size) == ("L", (4, 2))
    assert image.tobytes() == b"\x00\x40\x80\xff\x01\x02\x03\x04"


def test_coloured_rows_become_grey_where_grey_was_asked_for():
    layout = _parameters(format=FrameFormat.RGB, bytes_per_line=12)
    rows = bytes([255, 0, 0] * 4 + [255, 255, 255] * 4)
    assert row_format(layout, "color").image(rows).getpixel((0, 0)) == (255, 0, 0)
    gray = row_format(layout, "gray").image(rows)
    assert (gray.mode, gray.getpixel((0, 1))) == ("L", 255)


def test_a_set_bit_of_a_one_bit_scan_is_black():
    layout = _parameters(depth=1, bytes_per_line=2, pixels_per_line=10)
    image = row_format(layout, "gray").image(b"\x80\x00\x00\x40")
    assert [image.getpixel((x, 0)) for x in range(10)] == [0] + [255] * 9
    assert [image.getpixel((x, 1)) for x in range(10)] == [255] * 9 + [0]


def test_sixteen_bits_keep_their_high_byte():
    image = row_format(_parameters(depth=16, bytes_per_line=8, lines=1), "gray").image(
        b"\x99\x10\x99\x20\x99\x30\x99\x40"
    )
    assert image.tobytes() == b"\x10\x20\x30\x40"


@pytest.mark.parametrize(
    "changes",
    [
        {"format": FrameFormat.RED},
        {"last_frame": False},
        {"depth": 12},
        {"format": FrameFormat.RGB, "depth": 1, "bytes_per_line": 12},
        {"pixels_per_line": 0},
        {"bytes_per_line": 3},
        {"format": FrameFormat.RGB},
        {"pixels_per_line": 30_000, "bytes_per_line": 30_000, "lines": 30_000},
    ],
    ids=str,
)
def test_an_impossible_or_unbounded_frame_is_refused(changes):
    with pytest.raises(FormatRefused):
        row_format(_parameters(**changes), "color")


def test_the_preview_has_one_hundred_dots_an_inch_or_less():
    assert [preview_scale(dpi) for dpi in (75, 100, 150, 300, 600)] == [1, 1, 2, 3, 6]
    import io

    strip = Image.new("L", (2480, 126))
    assert Image.open(io.BytesIO(preview_jpeg(strip, 3))).size == (827, 42)
