"""From page images to the filed document, on the server: edits, text recognition, PDF/A, and pictures of pages."""

from cvq_scanning.pdf.pages import (
    IMAGE_BYTES_MAX,
    PAGES_MAX,
    PIXELS_MAX,
    BadPage,
    BadPageSlug,
    PageEdit,
    PageInput,
    apply_edit,
)
from cvq_scanning.pdf.pdfa import check_pdfa
from cvq_scanning.pdf.render import CannotRender, PageRenderer, render_page
from cvq_scanning.pdf.searchable import (
    RecognitionFailed,
    SearchablePdf,
    make_searchable_pdf,
    remove_leftovers,
)

__all__ = [
    "IMAGE_BYTES_MAX",
    "PAGES_MAX",
    "PIXELS_MAX",
    "BadPage",
    "BadPageSlug",
    "CannotRender",
    "PageEdit",
    "PageInput",
    "PageRenderer",
    "RecognitionFailed",
    "SearchablePdf",
    "apply_edit",
    "check_pdfa",
    "make_searchable_pdf",
    "remove_leftovers",
    "render_page",
]
