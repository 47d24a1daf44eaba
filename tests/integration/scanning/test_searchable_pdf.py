"""Pages become one searchable PDF/A in French, and hostile ones are refused."""

import asyncio
import io
import os
import time

import pikepdf
import psutil
import pypdfium2
import pytest
from PIL import Image

from cvq_scanning.pdf import (
    BadPage,
    PageEdit,
    PageInput,
    RecognitionFailed,
    check_pdfa,
    make_searchable_pdf,
    remove_leftovers,
    searchable,
)
from cvq_scanning.virtual import sheets

DEADLINE_S = 60


def _jpeg(page: Image.Image, **options) -> bytes:
    buffer = io.BytesIO()
    page.save(buffer, "JPEG", quality=85, dpi=(300, 300), **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def paper() -> bytes:
    """The upper part of a bill, as a scanner would give it."""
    return _jpeg(sheets.residence_proof(300).crop((0, 700, 2480, 2000)))


@pytest.fixture
def work_dir(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def _recognising() -> list[psutil.Process]:
    children = psutil.Process().children(recursive=True)
    return [child for child in children if any("cvq_scanning.pdf" in part for part in child.cmdline())]


async def test_two_edited_pages_become_a_pdfa_that_can_be_searched_in_french(paper, work_dir):
    upside_down = _jpeg(sheets.school_certificate(300).convert("L").transpose(Image.Transpose.ROTATE_180))
    pages = [PageInput(paper), PageInput(upside_down, PageEdit(180, (0, 0, 1, 0.55)))]
    document = await make_searchable_pdf(pages, title="Dossier d’été\n– pièces", work_dir=work_dir)
    assert document.page_count == 2

    first, second = document.text.split("\f")
    assert "justificatif de domicile" in first
    for word in ("Référence", "Échéance", "février", "août", "Désignation", "Préservation", "réseau"):
        assert word in first
    for word in ("Hélène", "élève", "scolarité", "régulièrement"):
        assert word in second

    # The text is in the PDF itself, and the page keeps its true size.
    opened = pypdfium2.PdfDocument(document.pdf)
    assert "Échéance" in opened[0].get_textpage().get_text_bounded()
    assert "scolarité" in opened[1].get_textpage().get_text_bounded()
    assert opened[0].get_size() == pytest.approx((2480 * 72 / 300, 1300 * 72 / 300), abs=0.5)
    assert opened[1].get_size() == pytest.approx((2480 * 72 / 300, round(3508 * 0.55) * 72 / 300), abs=0.5)
    opened.close()

    assert check_pdfa(document.pdf) == []
    with pikepdf.open(io.BytesIO(document.pdf)) as archived:
        assert archived.open_metadata().pdfa_status == "2B"
        assert str(archived.docinfo["/Title"]) == "Dossier d’été – pièces"
        assert str(archived.Root.Lang) == "fr"
        (image,) = archived.pages[0].get_images().values()
        kept = pikepdf.PdfImage(image).as_pil_image()
    with Image.open(io.BytesIO(paper)) as scanned:
        assert kept.convert("RGB").tobytes() == scanned.convert("RGB").tobytes(), "the scanner's pixels, unchanged"
    assert list(work_dir.iterdir()) == []


async def test_a_hostile_page_is_refused_with_its_number_before_anything_is_read(paper, work_dir):
    with pytest.raises(BadPage) as refused:
        await make_searchable_pdf([PageInput(paper), PageInput(b"%!PS")], title="x", work_dir=work_dir)
    assert (refused.value.slug, refused.value.page) == ("not_an_image", 2)
    assert list(work_dir.iterdir()) == []


async def test_a_resolution_of_no_real_paper_is_refused_with_its_page(paper, work_dir):
    with pytest.raises(BadPage) as refused:
        await make_searchable_pdf([PageInput(paper, resolution_dpi=7)], title="x", work_dir=work_dir)
    assert (refused.value.slug, refused.value.page) == ("bad_resolution", 1)


@pytest.mark.parametrize(("count", "slug"), [(0, "no_pages"), (101, "too_many_pages")])
async def test_a_document_beyond_the_bounds_is_refused(paper, work_dir, count, slug):
    with pytest.raises(BadPage) as refused:
        await make_searchable_pdf([PageInput(paper)] * count, title="x", work_dir=work_dir)
    assert refused.value.slug == slug


async def test_a_language_that_is_not_installed_is_said_to_be_missing(paper, work_dir):
    with pytest.raises(RecognitionFailed) as failed:
        await make_searchable_pdf([PageInput(paper)], title="x", language="xho", work_dir=work_dir)
    assert failed.value.slug == "not_installed"
    assert "xho" in failed.value.detail


@pytest.mark.parametrize("language", ["", "fra;rm", "../fra", "fra+" * 9])
async def test_a_language_that_is_none_is_a_programmers_error(paper, work_dir, language):
    with pytest.raises(ValueError, match="language"):
        await make_searchable_pdf([PageInput(paper)], title="x", language=language, work_dir=work_dir)


async def test_a_document_that_takes_too_long_is_given_up(paper, work_dir, monkeypatch):
    monkeypatch.setattr(searchable, "START_TIMEOUT_S", 0.05)
    with pytest.raises(RecognitionFailed) as failed:
        await make_searchable_pdf([PageInput(paper)], title="x", work_dir=work_dir, page_timeout_s=0.05)
    assert failed.value.slug == "timeout"
    assert _recognising() == []
    assert list(work_dir.iterdir()) == []


def _wait_for_images(work_dir) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not list(work_dir.glob("*/images.pdf")):
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def test_a_cancelled_document_leaves_neither_process_nor_file(paper, work_dir):
    task = asyncio.create_task(make_searchable_pdf([PageInput(paper)], title="x", work_dir=work_dir))
    await asyncio.to_thread(_wait_for_images, work_dir)
    processes = _recognising()
    assert processes
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not any(process.is_running() for process in processes)
    assert list(work_dir.iterdir()) == []


async def test_a_killed_recognition_is_a_failed_one(paper, work_dir):
    task = asyncio.create_task(make_searchable_pdf([PageInput(paper)], title="x", work_dir=work_dir))
    await asyncio.to_thread(_wait_for_images, work_dir)
    for process in _recognising():
        process.kill()
    with pytest.raises(RecognitionFailed) as failed:
        await task
    assert failed.value.slug == "failed"


def test_what_a_power_cut_left_behind_is_removed_by_its_age(work_dir):
    old, new, other = work_dir / "recognise-old", work_dir / "recognise-new", work_dir / "something"
    for folder in (old, new, other):
        folder.mkdir()
        (folder / "page-0001").write_bytes(b"paper")
    os.utime(old, (time.time() - 90_000,) * 2)
    assert remove_leftovers(work_dir) == 1
    assert set(work_dir.iterdir()) == {new, other}
