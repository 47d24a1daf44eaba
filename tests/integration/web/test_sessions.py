"""Signing in, staying signed in, and what another site cannot make a signed-in browser do."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, CookieJar
from sqlalchemy import select

from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.staff.tables import LoginSession
from cvq_core.web.context import SESSION_COOKIE, csrf_token_of
from tests.factories import PASSWORD
from tests.integration.desk_visits.ground import API, Ground, ground_on


async def sign_in(ground: Ground, password: str = PASSWORD, **more: str) -> tuple[int, dict[str, str]]:
    form = {"username": "nadia", "password": password, **more}
    async with ground.session.post(f"{ground.url}/connexion", data=form, allow_redirects=False) as answer:
        return answer.status, dict(answer.headers)


async def test_the_right_password_opens_a_session_in_a_cookie_that_no_script_reads(ground: Ground) -> None:
    status, headers = await sign_in(ground)
    assert (status, headers["Location"]) == (303, "/")
    cookie = headers["Set-Cookie"]
    assert all(word in cookie for word in (SESSION_COOKIE, "HttpOnly", "SameSite=Strict", "Path=/"))
    token = cookie.split("=", 1)[1].split(";")[0]
    async with ground.database.read() as db:
        session = (await db.scalars(select(LoginSession))).one()
    assert token not in (session.token_digest, str(session.id))


async def test_a_wrong_password_is_refused_and_recorded(ground: Ground) -> None:
    assert (await sign_in(ground, "pas le bon"))[0] == 401
    where = (AuditRecord.action == "sign-in", AuditRecord.outcome == "refused")
    assert await ground.count(AuditRecord, *where) == 1
    assert await ground.count(LoginSession) == 0


async def test_an_unknown_login_is_told_the_same_as_a_wrong_password(ground: Ground) -> None:
    pages = []
    for login in ("nadia", "nobody"):
        form = {"username": login, "password": "pas le bon"}
        async with ground.session.post(f"{ground.url}/connexion", data=form) as answer:
            pages.append((answer.status, (await answer.text()).replace(login, "…")))
    assert pages[0] == pages[1]


async def test_after_five_wrong_passwords_even_the_right_one_must_wait(ground: Ground) -> None:
    assert [(await sign_in(ground, "pas le bon"))[0] for _ in range(5)] == [401] * 5
    assert (await sign_in(ground))[0] == 429
    assert await ground.count(LoginSession) == 0


async def wrong_from(ground: Ground, forwarded_for: str, times: int = 1) -> list[int]:
    """The answers to wrong passwords of so many people, as they come through a proxy."""
    told = []
    for _ in range(times):
        form = {"username": str(new_id()), "password": "pas le bon"}
        headers = {"X-Forwarded-For": forwarded_for}
        async with ground.session.post(f"{ground.url}/connexion", data=form, headers=headers) as answer:
            told.append(answer.status)
    return told


async def test_behind_the_proxy_each_address_has_tries_of_its_own(tmp_path: Path, sqlite_template: Path) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    url = f"sqlite:///{tmp_path}/cvq.sqlite"
    async with ground_on(url, tmp_path, trusted_proxy="127.0.0.1", login_attempts=1) as ground:
        assert await wrong_from(ground, "192.0.2.1", 10) == [401] * 10
        assert await wrong_from(ground, "192.0.2.1") == [429]
        # What the client itself claims does not count.
        assert await wrong_from(ground, "192.0.2.9, 192.0.2.1") == [429]
        assert await wrong_from(ground, "192.0.2.2") == [401]
        async with ground.database.read() as db:
            addresses = {(row.personal or {}).get("address") for row in await db.scalars(select(AuditRecord))}
    assert addresses == {"192.0.2.1", "192.0.2.2"}


async def test_without_a_proxy_nobody_chooses_their_address(tmp_path: Path, sqlite_template: Path) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    async with ground_on(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path, login_attempts=1) as ground:
        told = [await wrong_from(ground, f"192.0.2.{number}") for number in range(11)]
    assert told[-1] == [429]


async def test_a_few_wrong_passwords_are_forgotten_with_the_right_one(ground: Ground) -> None:
    for _ in range(3):
        assert [(await sign_in(ground, "pas le bon"))[0] for _ in range(4)] == [401] * 4
        assert (await sign_in(ground))[0] == 303


@pytest.mark.parametrize(
    "elsewhere",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "/\t/evil.example", "\\\\evil.example", "console"],
)
async def test_signing_in_leads_to_our_own_pages_only(ground: Ground, elsewhere: str) -> None:
    status, headers = await sign_in(ground, next=elsewhere)
    assert (status, headers["Location"]) == (303, "/")


async def test_signing_in_leads_on_to_the_page_that_was_asked_for(ground: Ground) -> None:
    assert (await sign_in(ground, next="/console"))[1]["Location"] == "/console"


async def test_a_session_that_nobody_uses_ends_and_one_in_use_goes_on(ground: Ground) -> None:
    idle = ground.services.settings.session_idle_minutes
    nadia = await ground.as_staff("nadia")
    for _ in range(3):
        ground.hour.forward(minutes=idle - 1)
        assert (await nadia.post(f"{API}/appointments/{ground.appointment}/take")).status == 200
    ground.hour.forward(minutes=idle)
    assert (await nadia.get(f"{API}/queue")).slug == "not-signed-in"


async def test_a_session_ends_after_its_hours_however_busy_it_is(ground: Ground) -> None:
    nadia = await ground.as_staff("nadia")
    for _ in range(12 * 2 - 1):
        ground.hour.forward(minutes=30)
        assert (await nadia.post(f"{API}/appointments/{ground.appointment}/take")).status == 200
    ground.hour.forward(minutes=30)
    assert (await nadia.post(f"{API}/appointments/{ground.appointment}/take")).slug == "not-signed-in"


async def test_signing_out_ends_the_session_at_the_server(ground: Ground) -> None:
    nadia = await ground.as_staff("nadia")
    assert (await nadia.get(f"{API}/queue")).status == 200
    async with ground.session.post(f"{ground.url}/deconnexion", headers=nadia.headers, allow_redirects=False) as answer:
        assert answer.status == 303
    assert (await nadia.get(f"{API}/queue")).slug == "not-signed-in"


async def test_a_new_password_ends_all_other_sessions(ground: Ground) -> None:
    here, elsewhere = await ground.as_staff("nadia"), await ground.as_staff("nadia")
    form = {"current_password": PASSWORD, "new_password": "quatre mots sans lien"}
    form["new_password_again"] = form["new_password"]
    async with ground.session.post(
        f"{ground.url}/compte/mot-de-passe", data=form, headers=here.headers, allow_redirects=False
    ) as answer:
        assert answer.status == 303
    assert (await elsewhere.get(f"{API}/queue")).slug == "not-signed-in"
    assert (await sign_in(ground, PASSWORD))[0] == 401
    assert (await sign_in(ground, "quatre mots sans lien"))[0] == 303


HOSTILE: list[tuple[str, dict[str, str]]] = [
    ("without the session's token", {"X-CSRF-Token": ""}),
    ("with a token of somebody else", {"X-CSRF-Token": csrf_token_of("another session")}),
    ("with a token that is no ASCII", {"X-CSRF-Token": "clé"}),
    ("from another origin", {"Origin": "https://evil.example"}),
    ("from a page without an origin", {"Origin": "null"}),
    ("from another site, as the browser says", {"Sec-Fetch-Site": "cross-site"}),
    ("from a neighbour's subdomain", {"Sec-Fetch-Site": "same-site"}),
    ("with a proxy's password and no token", {"X-CSRF-Token": "", "Authorization": "Basic dXNlcjpwYXNz"}),
]


@pytest.mark.parametrize(("how", "headers"), HOSTILE, ids=[how for how, _ in HOSTILE])
async def test_another_site_cannot_make_a_signed_in_browser_act(
    ground: Ground, how: str, headers: dict[str, str]
) -> None:
    nadia = await ground.as_staff("nadia")
    before = await ground.state_of_business()
    async with ground.session.post(
        f"{ground.url}{API}/appointments/{ground.appointment}/take", headers={**nadia.headers, **headers}
    ) as answer:
        assert (answer.status, (await answer.json())["slug"]) == (403, "cross-site")
    assert await ground.state_of_business() == before


async def test_a_form_that_sends_its_token_twice_is_refused_and_no_fault(ground: Ground) -> None:
    nadia = await ground.as_staff("nadia")
    token = nadia.headers["X-CSRF-Token"]
    async with ground.session.post(
        f"{ground.url}/deconnexion",
        data=[("csrf_token", token), ("csrf_token", token)],
        headers={"Cookie": nadia.headers["Cookie"]},
    ) as answer:
        assert (answer.status, (await answer.json())["slug"]) == (403, "cross-site")


async def test_a_form_with_its_token_in_a_field_is_taken(ground: Ground) -> None:
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
        form: dict[str, Any] = {"username": "nadia", "password": PASSWORD}
        await browser.post(f"{ground.url}/connexion", data=form, allow_redirects=False)
        (cookie,) = [each for each in browser.cookie_jar if each.key == SESSION_COOKIE]
        async with browser.post(
            f"{ground.url}/deconnexion",
            data={"csrf_token": csrf_token_of(cookie.value)},
            headers={"Origin": ground.url},
            allow_redirects=False,
        ) as answer:
            assert answer.status == 303


async def test_every_answer_binds_the_browser_to_our_own_pages(ground: Ground) -> None:
    for path in ("/connexion", f"{API}/queue", "/nowhere", "/livez"):
        async with ground.session.get(ground.url + path) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'self'" in policy, path
            assert "frame-ancestors 'none'" in policy, path
            assert "unsafe" not in policy, path
            assert answer.headers["X-Content-Type-Options"] == "nosniff", path
            assert answer.headers["Cache-Control"] == "no-store", path
            assert answer.headers["Referrer-Policy"] == "same-origin", path
