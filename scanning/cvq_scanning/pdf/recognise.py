"""Makes one searchable PDF/A in a process of its own: `python -m cvq_scanning.pdf.recognise`.

One frame on standard input says what to do; the pages lie as files in the working folder, where the result goes. One
frame on standard output says how it ended. Pictures from outside are decoded here and nowhere else in the server.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cvq_scanning.frames import FrameWriter, read_frame
from cvq_scanning.pdf.bounds import bound_this_process, end_with_parent

PDF_NAME: Final = "document.pdf"
TEXT_NAME: Final = "document.txt"
_IMAGES_NAME: Final = "images.pdf"

_MEMORY_BYTES: Final = 3 * 1024**3
_FILE_BYTES: Final = 1024**3
_NICE: Final = 10


@dataclass(frozen=True, slots=True)
class PageOrder:
    """One page: the name of its file in the working folder, its edit, its resolution in dpi."""

    file: str
    turn_degrees: Any
    crop: tuple[float, float, float, float] | None
    resolution_dpi: int


@dataclass(frozen=True, slots=True)
class RecogniseOrder:
    """What to make of which pages; `language` is tesseract's name, `page_timeout_s` bounds one page's recognition."""

    folder: str
    pages: Sequence[PageOrder]
    title: str
    language: str
    page_timeout_s: float


def bind_images(folder: Path, pages: Sequence[PageOrder]) -> Path:
    """A PDF of the edited pages, each a JPEG as it is, on a sheet of its true size."""
    import img2pdf
    import pikepdf
    from PIL import Image

    from cvq_scanning.pdf.pages import BadPage, PageEdit, apply_edit, check_resolution

    bound = pikepdf.Pdf.new()
    for number, page in enumerate(pages, start=1):
        try:
            edit = PageEdit(page.turn_degrees, page.crop)
            jpeg = apply_edit((folder / page.file).read_bytes(), edit)
            with Image.open(io.BytesIO(jpeg)) as image:
                check_resolution(page.resolution_dpi, image.size)
        except BadPage as bad:
            raise BadPage(bad.slug, number) from bad
        layout = img2pdf.get_fixed_dpi_layout_fun((page.resolution_dpi, page.resolution_dpi))
        with pikepdf.Pdf.open(io.BytesIO(img2pdf.convert(jpeg, layout_fun=layout, nodate=True))) as single:
            bound.pages.extend(single.pages)
    path = folder / _IMAGES_NAME
    bound.save(path)
    return path


def recognise(order: RecogniseOrder) -> None:
    """Read the pages' text and write the PDF/A-2b and the text beside it."""
    import ocrmypdf

    folder = Path(order.folder)
    images = bind_images(folder, order.pages)
    ocrmypdf.ocr(
        images,
        folder / PDF_NAME,
        language=[order.language],
        title=order.title,
        sidecar=folder / TEXT_NAME,
        output_type="pdfa-2",
        # PDF/A without Ghostscript: the JPEG of the scanner goes in untouched, and pikepdf validates the result.
        pdfa_backend="internal",
        # Lossless: it packs the scanner's JPEG better, by a third, and changes no pixel.
        optimize=1,
        jobs=1,
        use_threads=True,
        progress_bar=False,
        tesseract_timeout=order.page_timeout_s,
        # The page is kept as the scanner saw it: no turning, no straightening behind the advisor's back.
        deskew=False,
        rotate_pages=False,
    )


def main() -> None:
    """Do the one order that standard input brings."""
    os.umask(0o077)
    frames = FrameWriter(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)
    frame = read_frame(sys.stdin.buffer)
    if frame is None:
        return
    end_with_parent()
    bound_this_process(memory_bytes=_MEMORY_BYTES, nice=_NICE, file_bytes=_FILE_BYTES)
    head = frame[0]
    pages = [PageOrder(**{**page, "crop": page["crop"] and tuple(page["crop"])}) for page in head.pop("pages")]
    frames.send(_answer(RecogniseOrder(pages=pages, **head)))
    sys.stderr.flush()
    os._exit(0)


def _answer(order: RecogniseOrder) -> dict[str, Any]:
    from ocrmypdf.exceptions import ExitCodeException, MissingDependencyError

    from cvq_scanning.pdf.pages import BadPage

    try:
        recognise(order)
    except BadPage as bad:
        return {"bad_page": bad.slug, "page": bad.page}
    except MemoryError:
        return {"failed": "out_of_memory", "detail": ""}
    except MissingDependencyError as error:
        return {"failed": "not_installed", "detail": str(error)}
    except ExitCodeException as error:
        return {"failed": "failed", "detail": f"{type(error).__name__}: {error}"}
    except Exception as error:
        traceback.print_exc()
        return {"failed": "failed", "detail": f"{type(error).__name__}: {error}"}
    return {"made": True}


if __name__ == "__main__":
    main()
