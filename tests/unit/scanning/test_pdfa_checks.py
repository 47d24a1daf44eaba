"""Our structural checks find in a PDF what an archive must not hold."""

import io

import img2pdf
import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Stream, String
from pikepdf.pdfa import save as save_pdfa
from PIL import Image

from cvq_scanning.pdf import check_pdfa


@pytest.fixture(scope="module")
def plain_pdf() -> bytes:
    picture = io.BytesIO()
    Image.new("RGB", (400, 600), (250, 240, 230)).save(picture, "JPEG", dpi=(100, 100))
    return img2pdf.convert(picture.getvalue())


@pytest.fixture(scope="module")
def archived_pdf(plain_pdf, tmp_path_factory) -> bytes:
    file = tmp_path_factory.mktemp("pdfa") / "archived.pdf"
    with pikepdf.open(io.BytesIO(plain_pdf), conversion_mode="explicit") as document:
        save_pdfa(document, file, "2b", output_intent="sRGB")
    return file.read_bytes()


def test_a_pdfa_passes(archived_pdf):
    assert check_pdfa(archived_pdf) == []


def test_a_plain_pdf_fails(plain_pdf):
    findings = " ".join(check_pdfa(plain_pdf))
    assert "output intent" in findings
    assert "no XMP metadata" in findings


def _without_metadata(document):
    del document.Root.Metadata


def _of_another_title(document):
    document.docinfo["/Title"] = "Autre titre"


def _without_output_intent(document):
    del document.Root.OutputIntents


def _with_a_false_profile(document):
    document.Root.OutputIntents[0].DestOutputProfile = Stream(document, b"no profile", {"/N": 3})


def _with_script(document):
    script = Dictionary(Type=Name.Action, S=Name.JavaScript, JS=String("app.alert(1)"))
    document.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("x"), script])))


def _opening_with_a_program(document):
    document.Root.OpenAction = Dictionary(Type=Name.Action, S=Name.Launch, F=String("calc.exe"))


def _with_a_page_that_acts(document):
    document.pages[0].AA = Dictionary(O=Dictionary(S=Name.Named, N=Name.NextPage))


def _with_a_font_left_out(document):
    font = document.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
    document.pages[0].Resources.Font = Dictionary(F1=font)


def _with_data_elsewhere(document):
    far = Stream(document, b"", {"/F": String("http://example.org/x")})
    document.Root.PieceInfo = Dictionary(X=document.make_indirect(far))


def _with_a_file_inside(document):
    document.attachments["a.exe"] = b"MZ"


def _with_a_film(document):
    film = Dictionary(Type=Name.Annot, Subtype=Name.Movie, Rect=Array([0, 0, 9, 9]), F=4, AP=Dictionary())
    document.pages[0].Annots = Array([document.make_indirect(film)])


def _with_a_note_that_is_not_printed(document):
    note = Dictionary(Type=Name.Annot, Subtype=Name.Text, Rect=Array([0, 0, 9, 9]), F=2, AP=Dictionary())
    document.pages[0].Annots = Array([document.make_indirect(note)])


def _with_a_form_of_adobes(document):
    document.Root.AcroForm = Dictionary(Fields=Array([]), XFA=Stream(document, b"<xdp/>"))


def _with_a_blurred_image(document):
    next(iter(document.pages[0].Resources.XObject.values())).Interpolate = True


def _with_a_foreign_page(document):
    form = Stream(document, b"", {"/Type": Name.XObject, "/Subtype": Name.Form, "/Ref": Dictionary()})
    document.pages[0].Resources.XObject["/X9"] = document.make_indirect(form)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_without_metadata, "no XMP metadata"),
        (_of_another_title, "title"),
        (_without_output_intent, "no PDF/A output intent"),
        (_with_a_false_profile, "no ICC profile"),
        (_with_script, "JavaScript"),
        (_opening_with_a_program, "action /Launch"),
        (_with_a_page_that_acts, "actions of its own"),
        (_with_a_font_left_out, "/Helvetica is not embedded"),
        (_with_data_elsewhere, "data lies in another file"),
        (_with_a_file_inside, "embedded files"),
        (_with_a_film, "annotation /Movie"),
        (_with_a_note_that_is_not_printed, "would not be printed"),
        (_with_a_form_of_adobes, "XFA"),
        (_with_a_blurred_image, "interpolated"),
        (_with_a_foreign_page, "page of another file"),
    ],
)
def test_what_spoils_an_archive_is_named(archived_pdf, spoil, said):
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(archived_pdf)) as document:
        spoil(document)
        document.save(buffer, static_id=True, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    assert any(said in finding for finding in check_pdfa(buffer.getvalue()))


def test_an_encrypted_file_is_refused_with_and_without_a_password_to_open_it(archived_pdf):
    for user in ("", "secret"):
        buffer = io.BytesIO()
        with pikepdf.open(io.BytesIO(archived_pdf)) as document:
            document.save(buffer, encryption=pikepdf.Encryption(owner="owner", user=user))
        assert "The file is encrypted." in check_pdfa(buffer.getvalue())


def test_what_is_no_pdf_is_said_to_be_none():
    assert check_pdfa(b"Bonjour")[0].startswith("The file is no readable PDF")
