"""Renders pages, one request after the other: `python -m cvq_scanning.pdf.render_worker`, see `render`."""

from __future__ import annotations

import io
import os
import sys
from typing import Any, Final

import pypdfium2

from cvq_scanning.frames import FrameWriter, read_frame
from cvq_scanning.pdf.bounds import bound_this_process

HEIGHT_PX_MAX: Final = 12_000
_MEMORY_BYTES: Final = 2 * 1024**3
_NICE: Final = 5


class Refused(Exception):
    """A request that gets no picture, by its slug."""


def page_count(pdf: bytes) -> int:
    """How many pages a document has."""
    with _opened(pdf) as document:
        return len(document)


def png_of_page(pdf: bytes, index: int, width_px: int) -> bytes:
    """One page as a PNG."""
    with _opened(pdf) as document:
        if not 0 <= index < len(document):
            raise Refused("no_such_page")
        page = document[index]
        width, height = page.get_size()
        if width <= 0 or height * width_px / width > HEIGHT_PX_MAX:
            raise Refused("page_too_long")
        picture = page.render(scale=width_px / width, may_draw_forms=True).to_pil()
        buffer = io.BytesIO()
        # Level 1: a third of the time for a tenth more bytes.
        picture.save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()


def _opened(pdf: bytes) -> Any:
    try:
        document = pypdfium2.PdfDocument(pdf)
    except pypdfium2.PdfiumError as error:
        raise Refused("encrypted" if "password" in str(error).lower() else "not_a_pdf") from error
    document.init_forms()
    return document


def main() -> None:
    """Answer requests until standard input ends."""
    bound_this_process(memory_bytes=_MEMORY_BYTES, nice=_NICE)
    out = FrameWriter(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)
    while (frame := read_frame(sys.stdin.buffer)) is not None:
        question, pdf = frame
        try:
            if question["do"] == "count":
                out.send({"type": "count", "pages": page_count(pdf)})
            else:
                out.send({"type": "png"}, png_of_page(pdf, question["index"], question["width_px"]))
        except Refused as refused:
            out.send({"type": "refused", "slug": str(refused)})


if __name__ == "__main__":
    main()
