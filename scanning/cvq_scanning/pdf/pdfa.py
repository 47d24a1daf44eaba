"""Structural checks of PDF/A files, our own: they find what would hurt an archive, and prove no conformity.

ISO 19005-1, -2 and -3 ask that a file carries all it needs to be shown (fonts, colours), depends on nothing outside,
does nothing by itself and says what it is. Where pikepdf's validator knows the declared flavour, its findings are
added; it too is no substitute for veraPDF.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pikepdf

PDF_BYTES_MAX: Final = 100 * 1024 * 1024
FINDINGS_MAX: Final = 50
_DEPTH_MAX: Final = 50

_HEADER: Final = re.compile(rb"%PDF-1\.[0-7][\r\n]{1,2}%[\x80-\xff]{4}")

_FLAVOURS: Final = ("1A", "1B", "2A", "2B", "2U", "3A", "3B", "3U")
_VALIDATED_FLAVOURS: Final = ("1B", "2B", "3B")
_COMPONENTS_OF_SPACE: Final = {b"GRAY": 1, b"RGB ": 3, b"Lab ": 3, b"CMYK": 4}
_SIMPLE_FONTS: Final = ("/Type1", "/MMType1", "/TrueType", "/CIDFontType0", "/CIDFontType2")
_FORBIDDEN_ACTIONS: Final = (
    "/Launch",
    "/Sound",
    "/Movie",
    "/ResetForm",
    "/ImportData",
    "/JavaScript",
    "/Hide",
    "/SetOCGState",
    "/Rendition",
    "/GoTo3DView",
)
_FORBIDDEN_ANNOTATIONS: Final = ("/Movie", "/Sound", "/Screen", "/3D", "/RichMedia")
_FORBIDDEN_FILTERS: Final = ("/LZWDecode", "/LZW", "/Crypt")
_PRINTED: Final = 4
_NOT_SHOWN: Final = 1 | 2 | 32


def check_pdfa(pdf: bytes) -> list[str]:
    """What keeps a file from being a PDF/A that can be archived, a sentence each; empty where nothing was found."""
    # A booth's machine and a server that only renders do without these libraries.
    import pikepdf

    if len(pdf) > PDF_BYTES_MAX:
        return ["The file is too large to be checked."]
    try:
        with pikepdf.open(io.BytesIO(pdf)) as document:
            findings = [*_of_file(pdf, document), *_of_declaration(document), *_of_objects(document)]
            flavour = _declared(document)
    except pikepdf.PasswordError:
        return ["The file is encrypted."]
    except pikepdf.PdfError as error:
        return [f"The file is no readable PDF: {error}."]
    if flavour in _VALIDATED_FLAVOURS:
        findings += _of_validator(pdf, flavour)
    return list(dict.fromkeys(findings))[:FINDINGS_MAX]


def _of_file(pdf: bytes, document: pikepdf.Pdf) -> Iterator[str]:
    if not _HEADER.match(pdf):
        yield "The file does not begin with a PDF 1.x header and a comment of four bytes above 127."
    if "/ID" not in document.trailer:
        yield "The trailer has no ID."
    if document.is_encrypted:
        yield "The file is encrypted."


def _of_declaration(document: pikepdf.Pdf) -> Iterator[str]:
    root: Any = document.Root
    declared = _declared(document)
    if "/Metadata" not in root:
        yield "There is no XMP metadata."
    elif declared not in _FLAVOURS:
        yield f"The XMP metadata declares no known PDF/A part and conformance ({declared or 'none'})."
    elif _titles_differ(document):
        yield "The title of the XMP metadata is not that of the document information."
    yield from _of_output_intents(root)
    if "/JavaScript" in root.get("/Names", {}):
        yield "The document carries JavaScript."
    if "/AA" in root:
        yield "The document has actions of its own."
    form = root.get("/AcroForm", {})
    if "/XFA" in form:
        yield "The form is an XFA form."
    if form.get("/NeedAppearances", False) == True:  # noqa: E712 - a PDF boolean
        yield "The form leaves its appearance to the viewer."
    if "/EmbeddedFiles" in root.get("/Names", {}) and not declared.startswith("3"):
        yield "The document carries embedded files."


def _declared(document: pikepdf.Pdf) -> str:
    try:
        return _metadata(document).pdfa_status.upper()
    except Exception:  # XMP comes from outside: whatever its parser says, it declares nothing
        return ""


def _titles_differ(document: pikepdf.Pdf) -> bool:
    return str(document.docinfo.get("/Title", "")) != str(_metadata(document).get("dc:title", ""))


def _metadata(document: pikepdf.Pdf) -> pikepdf.models.PdfMetadata:
    # Not as a context, which would write the metadata back.
    return document.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False)


def _of_output_intents(root: Any) -> Iterator[str]:
    intents = [intent for intent in root.get("/OutputIntents", []) if intent.get("/S") == "/GTS_PDFA1"]
    if not intents:
        yield "There is no PDF/A output intent."
    for intent in intents:
        profile = intent.get("/DestOutputProfile")
        if profile is None:
            yield "The output intent has no ICC profile."
            continue
        icc = profile.read_bytes()
        if icc[36:40] != b"acsp":
            yield "The profile of the output intent is no ICC profile."
        elif _COMPONENTS_OF_SPACE.get(icc[16:20]) != int(profile.get("/N", 0)):
            yield "The profile of the output intent is not of the number of colours that it says."


def _of_objects(document: pikepdf.Pdf) -> Iterator[str]:
    import pikepdf

    for indirect in document.objects:
        for item in _with_direct_children(indirect, pikepdf.Object, 0):
            if isinstance(item, pikepdf.Stream):
                yield from _of_stream(item)
            yield from _of_dictionary(item)


def _with_direct_children(item: Any, object_class: type, depth: int) -> Iterator[Any]:
    """The dictionaries and streams of one indirect object, not following references: each is met once."""
    import pikepdf

    if depth > _DEPTH_MAX or not isinstance(item, object_class):
        return
    if isinstance(item, pikepdf.Dictionary | pikepdf.Stream):
        yield item
        children = [child for _, child in item.items()]
    elif isinstance(item, pikepdf.Array):
        children = list(item)
    else:
        return
    for child in children:
        if isinstance(child, object_class) and not child.is_indirect:
            yield from _with_direct_children(child, object_class, depth + 1)


def _of_stream(stream: Any) -> Iterator[str]:
    if "/F" in stream or "/FFilter" in stream:
        yield "A stream's data lies in another file."
    for name in _filters(stream):
        if name in _FORBIDDEN_FILTERS:
            yield f"A stream uses the filter {name}."
    kind = str(stream.get("/Subtype", ""))
    if kind == "/PS" or str(stream.get("/Subtype2", "")) == "/PS":
        yield "There is a PostScript object."
    if kind == "/Form" and "/Ref" in stream:
        yield "A page refers to a page of another file."
    if kind == "/Image":
        if "/Alternates" in stream or "/OPI" in stream:
            yield "An image has alternates."
        if stream.get("/Interpolate", False) == True:  # noqa: E712 - a PDF boolean
            yield "An image asks to be interpolated."


def _filters(stream: Any) -> list[str]:
    """The names of a stream's filters, which may be one name or an array of them."""
    import pikepdf

    filters = stream.get("/Filter", [])
    return [str(name) for name in (filters if isinstance(filters, pikepdf.Array | list) else [filters])]


def _of_dictionary(item: Any) -> Iterator[str]:
    kind, subtype = str(item.get("/Type", "")), str(item.get("/Subtype", ""))
    if str(item.get("/S", "")) in _FORBIDDEN_ACTIONS or "/JS" in item:
        yield f"There is an action {item.get('/S', '/JavaScript')}."
    if kind == "/Font" and subtype in _SIMPLE_FONTS:
        descriptor = item.get("/FontDescriptor", {})
        if not any(name in descriptor for name in ("/FontFile", "/FontFile2", "/FontFile3")):
            yield f"The font {item.get('/BaseFont', '?')} is not embedded."
    if "/AA" in item and (kind == "/Page" or subtype == "/Widget"):
        yield "A page or a field has actions of its own."
    if "/Rect" in item and subtype and kind in ("", "/Annot"):
        yield from _of_annotation(item, subtype)


def _of_annotation(item: Any, subtype: str) -> Iterator[str]:
    if subtype in _FORBIDDEN_ANNOTATIONS:
        yield f"There is an annotation {subtype}."
    if subtype == "/Popup":
        return
    flags = int(item.get("/F", 0))
    if not flags & _PRINTED or flags & _NOT_SHOWN:
        yield f"An annotation {subtype} would not be printed."
    if subtype != "/Link" and "/AP" not in item:
        yield f"An annotation {subtype} has no appearance."


def _of_validator(pdf: bytes, flavour: str) -> list[str]:
    from pikepdf import pdfa

    report = pdfa.validate_written(io.BytesIO(pdf), flavour.lower())
    return [f"{finding.rule}: {finding.message}" for finding in report.violations]
