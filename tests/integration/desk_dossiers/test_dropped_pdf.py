"""A PDF dropped on the console: it prints at the booth once, or is refused with a reason."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from sqlalchemy import select

from cvq_core.journal.tables import AuditRecord
from cvq_desk.dossiers.tables import Document
from cvq_desk.visits.tables import BoothCommand
from tests.integration.desk_dossiers.papers import kept_files, pdf
from tests.integration.desk_visits.ground import API, Answer, Caller, Ground

PDF_TYPE = "application/pdf"
PROTECTED = pikepdf.Encryption(owner="propriétaire", user="mot de passe")


async def drop(caller: Caller, visit: str, content: bytes, *, key: str = "k1", **headers: str) -> Answer:
    """Drop a file on the page, as its module sends it."""
    sent = {**caller.headers, "Content-Type": PDF_TYPE, "X-File-Name": "Avis%20d%E2%80%99imposition.pdf", **headers}
    if key:
        sent["Idempotency-Key"] = key
    path = f"{caller.site_url}/console/{visit}/drop"
    async with caller.session.post(path, data=content, headers=sent) as answer:
        body: Any = await answer.json() if "json" in answer.content_type else await answer.read()
        return Answer(answer.status, body)


async def test_a_dropped_pdf_prints_at_the_booth_as_it_is(ground: Ground, nadia: Caller, visit: str) -> None:
    content = pdf(2)
    assert (await drop(nadia, visit, content)).status == 204
    async with ground.database.read() as db:
        command = (await db.scalars(select(BoothCommand))).one()
    assert (command.kind, command.state) == ("print", "asked")
    assert command.params["label"] == "Avis d’imposition"
    assert "imposition" not in command.params["title"]
    assert (await (await ground.as_booth()).get(command.params["url"])).body == content
    assert await ground.count(AuditRecord, AuditRecord.action == "pdf-dropped") == 1


async def test_the_same_file_dropped_twice_prints_once(ground: Ground, nadia: Caller, visit: str) -> None:
    content = pdf()
    answers = await asyncio.gather(*(drop(nadia, visit, content) for _ in range(3)))
    answers.append(await drop(nadia, visit, content))
    assert {answer.status for answer in answers} == {204}
    assert await ground.count(Document) == 1
    assert await ground.count(BoothCommand) == 1
    assert await ground.count(AuditRecord, AuditRecord.action == "pdf-dropped") == 1


async def test_the_same_file_dropped_again_later_prints_again(ground: Ground, nadia: Caller, visit: str) -> None:
    for key in ("k1", "k2", "", ""):
        assert (await drop(nadia, visit, pdf(), key=key)).status == 204
    assert await ground.count(BoothCommand) == 4


REFUSED: dict[str, tuple[int, str, bytes, str]] = {
    "protected": (422, "bad-pdf", pdf(encryption=PROTECTED), PDF_TYPE),
    "no PDF": (422, "bad-pdf", b"\x89PNG and so on", PDF_TYPE),
    "cut short": (422, "bad-pdf", b"%PDF-1.7\n1 0 obj <<", PDF_TYPE),
    "nothing": (422, "bad-pdf", b"", PDF_TYPE),
    "without a page": (422, "bad-pdf", pdf(0), PDF_TYPE),
    "a page too many": (422, "bad-pdf", pdf(41), PDF_TYPE),
    "too large": (413, "too-large", pdf() + b" " * 20 * 1024**2, PDF_TYPE),
    "sent as something else": (415, "wrong-content-type", pdf(), "image/jpeg"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_cannot_be_printed_is_refused_and_not_kept(
    ground: Ground, nadia: Caller, visit: str, tmp_path: Path, case: str
) -> None:
    status, slug, content, kind = REFUSED[case]
    before = await ground.state_of_business()
    answer = await drop(nadia, visit, content, **{"Content-Type": kind})
    assert (answer.status, answer.slug) == (status, slug)
    assert await ground.state_of_business() == before
    assert kept_files(tmp_path) == []
    assert await ground.refusals(slug) == 1


@pytest.mark.parametrize("name", ["", "%00", "%FF%FE.pdf", "x" * 500, "../../etc/passwd"])
async def test_a_file_prints_whatever_its_name_is(ground: Ground, nadia: Caller, visit: str, name: str) -> None:
    assert (await drop(nadia, visit, pdf(), **{"X-File-Name": name})).status == 204
    async with ground.database.read() as db:
        document = (await db.scalars(select(Document))).one()
    assert 1 <= len(document.title) <= 120
    assert (await nadia.get(f"{API}/documents/{document.id}/content")).status == 200


async def test_a_program_drops_a_pdf_and_prints_it_afterwards(ground: Ground, nadia: Caller, visit: str) -> None:
    kept = await nadia.upload(f"{API}/visits/{visit}/dropped", [pdf()], title="Relevé")
    assert (kept.status, kept.body["state"], kept.body["page_count"]) == (201, "ready", 1)
    assert await ground.count(BoothCommand) == 0
    printed = await nadia.post(f"{API}/visits/{visit}/print", {"document_id": kept.body["id"]})
    assert (printed.status, printed.body["kind"]) == (202, "print")
    for files in ([], [pdf(), pdf()]):
        assert (await nadia.upload(f"{API}/visits/{visit}/dropped", files, title="x")).slug == "bad-pdf"


async def test_a_pdf_is_dropped_on_ones_own_visit_alone_and_while_it_lasts(
    ground: Ground, nadia: Caller, visit: str, tmp_path: Path
) -> None:
    assert (await drop(await ground.as_staff("hugo"), visit, pdf())).slug == "not-your-visit"
    await nadia.post(f"{API}/visits/{visit}/end")
    await nadia.post(f"{API}/visits/{visit}/wipe")
    assert (await drop(nadia, visit, pdf())).slug == "visit-state"
    assert kept_files(tmp_path) == []
