"""What a body may be: nonsense is refused with a sentence, changes no business state, and is written down."""

from __future__ import annotations

import asyncio

import pytest

from tests.integration.desk_visits.ground import Ground

API = "/api/v1"

# What is sent, as what, and what it is told.
NONSENSE = {
    "no JSON": (b"{not json", "application/json", 400, "not-json"),
    "no text": (b"\xff\xfe", "application/json", 400, "not-json"),
    "nested without end": (b"[" * 100_000, "application/json", 400, "not-json"),
    "NUL": (b'{"reason": "\\u0000"}', "application/json", 400, "not-json"),
    "half a character": (b'{"reason": "\\ud800"}', "application/json", 400, "not-json"),
    "a list": (b"[1, 2]", "application/json", 422, "bad-input"),
    "another kind": (b"<a/>", "text/xml", 415, "wrong-content-type"),
    "beyond the bound": (b'"' + b"a" * (2 * 1024**2) + b'"', "application/json", 413, "too-large"),
}


@pytest.mark.parametrize("name", NONSENSE)
async def test_a_body_that_makes_no_sense_is_refused_recorded_and_changes_nothing(ground: Ground, name: str) -> None:
    body, kind, status, slug = NONSENSE[name]
    nadia = await ground.as_staff("nadia")
    visit = await ground.visit_in_call(nadia)
    before = await ground.state_of_business()
    async with ground.session.post(
        f"{ground.url}{API}/visits/{visit}/consents", data=body, headers=nadia.headers | {"Content-Type": kind}
    ) as answer:
        problem = await answer.json()
    assert (answer.status, problem["slug"]) == (status, slug)
    assert problem["title"]
    assert await ground.state_of_business() == before
    assert await ground.refusals(slug) == 1


async def test_the_same_key_gives_the_same_answer_and_acts_once_also_at_once(ground: Ground) -> None:
    nadia = await ground.as_staff("nadia")
    visit = await ground.visit_in_call(nadia)
    body = {"account_id": str(ground.family.id), "scopes": ["wallets"]}
    path = f"{API}/visits/{visit}/consents"
    answers = await asyncio.gather(*(nadia.post(path, body, Idempotency_Key="k1") for _ in range(5)))
    assert {answer.status for answer in answers} == {answers[0].status}
    assert len({answer.body["id"] for answer in answers}) == 1
    other = await nadia.post(path, {**body, "scopes": ["cards"]}, Idempotency_Key="k1")
    assert (other.status, other.slug) == (409, "idempotency-mismatch")


async def test_a_key_that_cannot_be_kept_is_refused(ground: Ground) -> None:
    nadia = await ground.as_staff("nadia")
    visit = await ground.visit_in_call(nadia)
    body = {"account_id": str(ground.family.id), "scopes": ["wallets"]}
    answer = await nadia.post(f"{API}/visits/{visit}/consents", body, Idempotency_Key="k" * 101)
    assert (answer.status, answer.slug) == (422, "bad-idempotency-key")
