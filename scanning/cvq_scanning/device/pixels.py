"""From the rows that SANE delivers to images: strips for the eye while the page grows, and the page itself."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

from PIL import Image

from cvq_scanning.device.choices import Mode
from cvq_scanning.device.libsane import FrameFormat, Parameters
from cvq_scanning.device.order import PAGE_BYTES_MAX

PREVIEW_DPI_MAX: Final = 100
PREVIEW_QUALITY: Final = 70


class FormatRefused(Exception):
    """A frame that this program does not read, or one beyond its bounds."""


@dataclass(frozen=True, slots=True)
class RowFormat:
    """How one row of a frame is laid out, and what it shall become."""

    width: int
    bytes_per_line: int
    color: bool
    depth: int
    mode: Mode

    def image(self, rows: bytes | bytearray | memoryview) -> Image.Image:
        """An image of mode L or RGB from whole rows, one byte a sample."""
        height = len(rows) // self.bytes_per_line
        image = self._decoded(bytes(rows), height)
        return image.convert("L") if self.mode == "gray" and image.mode != "L" else image

    def _decoded(self, rows: bytes, height: int) -> Image.Image:
        size = (self.width, height)
        if self.depth == 1:
            # In SANE a set bit of a one-bit frame is black.
            bits = Image.frombuffer("1", size, rows, "raw", "1;I", self.bytes_per_line, 1)
            return bits.convert("L")
        if self.depth == 16:
            # Samples come in the machine's byte order: of the little-endian ones we run on, keep the high byte.
            rows = rows[1::2]
        stride = self.bytes_per_line // (2 if self.depth == 16 else 1)
        mode = "RGB" if self.color else "L"
        return Image.frombuffer(mode, size, rows, "raw", mode, stride, 1)


def row_format(parameters: Parameters, mode: Mode) -> RowFormat:
    """The rows' layout; `FormatRefused` for three-pass scanners, odd depths and pages beyond the bounds."""
    if parameters.format not in (FrameFormat.GRAY, FrameFormat.RGB) or not parameters.last_frame:
        raise FormatRefused("three-pass scanners are not supported")
    color = parameters.format is FrameFormat.RGB
    if parameters.depth not in (1, 8, 16) or (color and parameters.depth == 1):
        raise FormatRefused(f"depth {parameters.depth} is not supported")
    samples = parameters.pixels_per_line * (3 if color else 1)
    if parameters.pixels_per_line < 1 or parameters.bytes_per_line < -(-samples * parameters.depth // 8):
        raise FormatRefused("the scanner announced impossible rows")
    if parameters.depth == 16 and parameters.bytes_per_line % 2:
        raise FormatRefused("the scanner announced impossible rows")
    if parameters.bytes_per_line * max(parameters.lines, 1) > PAGE_BYTES_MAX:
        raise FormatRefused("the page is too large")
    return RowFormat(
        width=parameters.pixels_per_line,
        bytes_per_line=parameters.bytes_per_line,
        color=color,
        depth=parameters.depth,
        mode=mode,
    )


def preview_scale(resolution_dpi: int) -> int:
    """By how much bands are reduced: the least whole number that brings them to 100 dpi or below."""
    return max(1, -(-resolution_dpi // PREVIEW_DPI_MAX))


def preview_jpeg(strip: Image.Image, scale: int) -> bytes:
    """A strip reduced by `scale` in both directions, as a small JPEG."""
    buffer = io.BytesIO()
    (strip.reduce(scale) if scale > 1 else strip).save(buffer, "JPEG", quality=PREVIEW_QUALITY)
    return buffer.getvalue()
