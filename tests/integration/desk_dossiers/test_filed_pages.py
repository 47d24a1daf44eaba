"""Filing scanned pages: each document once, within its bounds, and the advisor sees what becomes of it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pikepdf
import pypdfium2
import pytest
from sqlalchemy import select

from cvq_core.ids import new_id
from cvq_core.jobs.tables import Job
from cvq_core.journal.tables import AuditRecord
from cvq_desk.dossiers.service import MAKE_PDF
from cvq_desk.dossiers.tables import Document
from cvq_desk.visits.tables import BoothCommand, Visit
from tests.integration.desk_dossiers.papers import (
    file_pages,
    kept_files,
    papers_region,
    scanned_page,
    settled,
    small_page,
)
from tests.integration.desk_visits.ground import API, Caller, Ground

FAILED = "n’a pas pu être préparé"


async def test_filed_pages_become_a_pdf_that_can_be_searched_read_and_printed(
    ground: Ground, nadia: Caller, visit: str
) -> None:
    edits = [{}, {"turn_degrees": 180, "crop": [0, 0, 1, 0.9]}]
    filed = await file_pages(nadia, visit, [scanned_page(), scanned_page(180)], edits=edits)
    assert (filed.status, filed.body["title"], filed.body["page_count"]) == (202, "Justificatif de domicile", 2)
    document = await settled(ground, filed.body["id"])
    assert (document.state, document.trouble, document.page_count) == ("ready", "", 2)
    content = await nadia.get(f"{API}/documents/{document.id}/content")
    # What was recognised is in the sealed file, and nowhere else.
    read = pypdfium2.PdfDocument(content.body)
    texts = [" ".join(page.get_textpage().get_text_range().split()).lower() for page in read]
    assert [text.count("justificatif de domicile") for text in texts] == [1, 1]
    with pikepdf.open(io.BytesIO(content.body)) as made:
        assert len(made.pages) == 2
    assert "Justificatif de domicile" in await papers_region(nadia, visit)
    printed = await nadia.post(f"{API}/visits/{visit}/print", {"document_id": str(document.id)})
    assert printed.status == 202
    assert await ground.count(AuditRecord, AuditRecord.action == "pages-filed") == 1


async def test_the_same_pages_sent_twice_are_one_document(ground: Ground, nadia: Caller, visit: str) -> None:
    document_id = str(new_id())
    sent = [file_pages(nadia, visit, [small_page()], document_id=document_id) for _ in range(3)]
    answers = await asyncio.gather(*sent)
    answers.append(await file_pages(nadia, visit, [small_page()], document_id=document_id))
    assert {(answer.status, answer.body["id"]) for answer in answers} == {(202, document_id)}
    assert await ground.count(Document) == 1
    assert await ground.count(Job, Job.kind == MAKE_PDF) == 1
    assert await ground.count(AuditRecord, AuditRecord.action == "pages-filed") == 1


IDENTIFIER = str(new_id())
REFUSED: dict[str, tuple[int, str, dict[str, Any]]] = {
    "no page": (422, "bad-input", {"pages": []}),
    "a page too many": (413, "too-many-pages", {"pages": [small_page()] * 21}),
    "a page without its edit": (422, "bad-input", {"pages": [small_page()], "edits": []}),
    "an edit that is none": (422, "bad-input", {"pages": [small_page()], "edits": [{"turn_degrees": 45}]}),
    "a crop outside the page": (422, "bad-input", {"pages": [small_page()], "edits": [{"crop": [0, 0, 1, 2]}]}),
    "no identifier": (422, "bad-input", {"pages": [small_page()], "document_id": "1"}),
    "a title that cannot be kept": (422, "bad-input", {"pages": [small_page()], "title": "a\0b"}),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_cannot_be_filed_is_refused_and_nothing_of_it_is_kept(
    ground: Ground, nadia: Caller, visit: str, tmp_path: Path, case: str
) -> None:
    status, slug, sent = REFUSED[case]
    before = await ground.state_of_business()
    answer = await file_pages(nadia, visit, **sent)
    assert (answer.status, answer.slug) == (status, slug)
    assert await ground.state_of_business() == before
    assert kept_files(tmp_path) == []
    assert await ground.refusals(slug) == 1


@pytest.mark.parametrize(
    "edits", ["{not json", "5", '"x"', "[" * 50_000], ids=["no JSON", "a number", "a text", "deep"]
)
async def test_edits_that_make_no_sense_are_refused(ground: Ground, nadia: Caller, visit: str, edits: str) -> None:
    path = f"{API}/visits/{visit}/documents"
    answer = await nadia.upload(path, [small_page()], document_id=IDENTIFIER, title="x", edits=edits)
    assert (answer.status, answer.slug) == (422, "bad-input")
    assert await ground.count(Document) == 0


@pytest.mark.parametrize(
    ("pages", "trouble"),
    [([b"%PDF-1.4 and no image"], "not_an_image"), ([small_page(), scanned_page()[:4000]], "truncated")],
    ids=["no image", "cut short"],
)
async def test_a_page_that_cannot_be_read_is_seen_as_failed_by_the_advisor(
    ground: Ground, nadia: Caller, visit: str, pages: Sequence[bytes], trouble: str
) -> None:
    filed = await file_pages(nadia, visit, pages)
    document = await settled(ground, filed.body["id"])
    assert (document.state, document.trouble) == ("failed", trouble)
    assert FAILED in await papers_region(nadia, visit)
    content = await nadia.get(f"{API}/documents/{document.id}/content")
    printed = await nadia.post(f"{API}/visits/{visit}/print", {"document_id": str(document.id)})
    assert [(answer.status, answer.slug) for answer in (content, printed)] == [(409, "document-failed")] * 2
    assert await ground.count(BoothCommand) == 0


async def test_pages_whose_job_fails_for_good_are_seen_as_failed_by_the_advisor(
    ground: Ground, nadia: Caller, visit: str, tmp_path: Path
) -> None:
    jobs = ground.services.jobs
    await jobs.stop()
    filed = await file_pages(nadia, visit, [small_page()])
    assert FAILED not in await papers_region(nadia, visit)
    for file in kept_files(tmp_path):
        file.write_bytes(b"damaged")
    while await jobs.run_one():
        ground.hour.forward(hours=1)
    document = await settled(ground, filed.body["id"])
    assert (document.state, document.trouble) == ("failed", "given_up")
    assert FAILED in await papers_region(await ground.as_staff("nadia"), visit)
    async with ground.database.read() as db:
        job = (await db.scalars(select(Job).where(Job.kind == MAKE_PDF))).one()
    assert job.failed_at is not None


async def test_pages_are_filed_in_ones_own_visit_alone(
    ground: Ground, nadia: Caller, visit: str, tmp_path: Path
) -> None:
    hugo = await ground.as_staff("hugo")
    refused = await file_pages(hugo, visit, [small_page()])
    assert (refused.status, refused.slug) == (403, "not-your-visit")
    assert kept_files(tmp_path) == []
    filed = await file_pages(nadia, visit, [small_page()])
    elsewhere = await ground.new_appointment(booth=ground.other_booth)
    theirs = (await hugo.post(f"{API}/appointments/{elsewhere}/take")).body["id"]
    async with ground.database.write() as db:
        (await db.get_one(Visit, UUID(theirs))).state = "in_call"
    again = await file_pages(hugo, theirs, [small_page()], document_id=filed.body["id"])
    assert (again.status, again.slug) == (404, "not-found")
    assert await ground.count(Document) == 1


async def test_no_page_is_filed_before_the_call_or_after_the_end(
    ground: Ground, nadia: Caller, visit: str, tmp_path: Path
) -> None:
    await nadia.post(f"{API}/visits/{visit}/end")
    await nadia.post(f"{API}/visits/{visit}/wipe")
    waiting = await ground.new_appointment(booth=ground.other_booth)
    taken = (await nadia.post(f"{API}/appointments/{waiting}/take")).body["id"]
    for each in (visit, taken):
        assert (await file_pages(nadia, each, [small_page()])).slug == "visit-state"
    assert kept_files(tmp_path) == []
