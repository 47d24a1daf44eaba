"""What a resident takes home: the summary, by e-mail or on paper, once each."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from aiosmtpd.smtp import SMTP
from sqlalchemy import select

from cvq_core.ids import new_id
from cvq_core.jobs.tables import Job
from cvq_core.journal.tables import AuditRecord
from cvq_core.mail import SEND_MAIL
from cvq_desk.dossiers.tables import Document
from cvq_desk.visits.tables import BoothCommand
from tests.integration.desk_visits.ground import API, Answer, Caller, Ground, ground_on

DEADLINE_S = 30


class Post:
    """An SMTP server that gives each message as it comes."""

    def __init__(self) -> None:
        self._came: asyncio.Queue[EmailMessage] = asyncio.Queue()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the library's own name
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self._came.put_nowait(message)
        return "250 kept"

    async def next(self) -> EmailMessage:
        async with asyncio.timeout(DEADLINE_S):
            return await self._came.get()


@pytest.fixture
async def post() -> AsyncIterator[tuple[Post, str]]:
    """The post, and its address."""
    post = Post()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(post), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    yield post, f"smtp://{host}:{port}"
    server.close()
    await server.wait_closed()


@pytest.fixture
async def posted(database_url: str, tmp_path: Path, post: tuple[Post, str]) -> AsyncIterator[Ground]:
    """The ground, with a way to send e-mail."""
    async with ground_on(database_url, tmp_path, smtp_url=post[1]) as ground:
        yield ground


async def mail(caller: Caller, visit: str, email: str) -> Answer:
    return await caller.post(f"{API}/visits/{visit}/summary/mail", {"email": email})


async def test_the_summary_goes_to_the_address_once_however_often_it_is_asked_for(
    posted: Ground, post: tuple[Post, str]
) -> None:
    nadia = await posted.as_staff("nadia")
    visit = await posted.visit_in_call(nadia)
    first = ["jeanne@example.org"] * 3
    assert {answer.status for answer in await asyncio.gather(*(mail(nadia, visit, each) for each in first))} == {204}
    message = await post[0].next()
    assert message["To"] == "jeanne@example.org"
    assert (await posted.visit(visit)).reference in message["Subject"]
    text = message.get_content()
    assert "Avec Nadia Roche, Mutualité sociale agricole" in text
    assert "Retraite agricole" not in text
    for email in (" Jeanne@Example.org ", "fils@example.org"):
        assert (await mail(nadia, visit, email)).status == 204
    assert (await post[0].next())["To"] == "fils@example.org"
    assert await posted.count(Job, Job.kind == SEND_MAIL) == 2


async def test_the_summary_goes_also_at_the_goodbye_and_names_what_was_done(
    posted: Ground, post: tuple[Post, str]
) -> None:
    nadia = await posted.as_staff("nadia")
    visit = await posted.visit_in_call(nadia)
    await nadia.post(f"{API}/visits/{visit}/forms", {"form": "cv"})
    await nadia.post(f"{API}/visits/{visit}/end")
    assert (await mail(nadia, visit, "jeanne@example.org")).status == 204
    assert "Formulaire « Curriculum vitæ » commencé, à finir." in (await post[0].next()).get_content()


@pytest.mark.parametrize(
    "email",
    [
        "   ",
        "jeanne",
        "jeanne@",
        "@example.org",
        "jeanne@example",
        "jeanne@example..org",
        "jérôme@example.org",
        "a(b@example.org",
        "a\x7f@example.org",
        "a@b.fr,c@d.fr",
        "a@b.fr\nBcc: c@d.fr",
    ],
)
async def test_what_is_no_address_is_refused_with_its_field_and_nothing_is_sent(
    ground: Ground, nadia: Caller, email: str
) -> None:
    visit = await ground.visit_in_call(nadia)
    before = await ground.state_of_business()
    answer = await mail(nadia, visit, email)
    assert (answer.status, answer.slug, list(answer.body["fields"])) == (422, "bad-email", ["email"])
    assert await ground.state_of_business() == before
    assert await ground.refusals("bad-email") == 1


async def test_without_a_mail_server_the_advisor_is_told_to_print_instead(tmp_path: Path, database_url: str) -> None:
    async with ground_on(database_url, tmp_path) as ground:
        nadia = await ground.as_staff("nadia")
        answer = await mail(nadia, await ground.visit_in_call(nadia), "jeanne@example.org")
    assert (answer.status, answer.slug) == (503, "no-mail")
    assert answer.body["detail"] == "Imprimez le document à la place."


async def test_the_summary_prints_once_with_its_reference(ground_on_both: Ground) -> None:
    ground = ground_on_both
    nadia = await ground.as_staff("nadia")
    visit = await ground.visit_in_call(nadia)
    body = {"command_id": str(new_id())}
    path = f"{API}/visits/{visit}/summary/print"
    answers = await asyncio.gather(*(nadia.post(path, body) for _ in range(3)))
    assert {(answer.status, answer.body["id"]) for answer in answers} == {(200, body["command_id"])}
    assert await ground.count(Document, Document.kind == "summary") == 1
    async with ground.database.read() as db:
        command = (await db.scalars(select(BoothCommand))).one()
    paper = await (await ground.as_booth()).get(command.params["url"])
    with pikepdf.open(io.BytesIO(paper.body)) as printed:
        assert printed.docinfo["/Title"] == "Votre entretien au guichet"


async def test_nothing_goes_home_before_the_call_or_after_the_wipe(ground: Ground, nadia: Caller) -> None:
    visit = await ground.visit_in_call(nadia)
    await nadia.post(f"{API}/visits/{visit}/end")
    await nadia.post(f"{API}/visits/{visit}/wipe")
    assert (await mail(nadia, visit, "jeanne@example.org")).slug == "visit-state"
    assert (await nadia.post(f"{API}/visits/{visit}/summary/print", {})).slug == "visit-state"
    assert await ground.count(Job) == 0
    assert await ground.count(AuditRecord, AuditRecord.action == "summary-mailed") == 0
