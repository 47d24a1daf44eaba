"""In a visit the family quotient is asked for once, under a consent of its own, and nothing else is kept."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.particulier.store import agreeing_accounts
from cvq_core.particulier.tables import CivilIdentity, QuotientAccord, QuotientInquiry
from cvq_core.particulier.virtual import RECIPIENT, TOKEN, Fault, VirtualParticulier
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import FamilyQuotient, Membership
from cvq_desk.booking.tables import Organisation
from cvq_desk.booths.view import booth_view
from cvq_desk.wire import CardGone, CardSeen, ConsentAnswer, ConsentManner
from tests.core_examples import TODAY, create_member
from tests.integration.desk_visits.ground import API, CARD_UID, Answer, Caller, Ground, ground_on

STATUS = {"sex": "F", "birth_commune": "79202"}


@pytest.fixture
async def api() -> AsyncIterator[VirtualParticulier]:
    api = VirtualParticulier({("MOREAU", "JEANNE"): 742})
    await api.start()
    yield api
    await api.stop()


@pytest.fixture
async def ground(database_url: str, tmp_path: Path, api: VirtualParticulier) -> AsyncIterator[Ground]:
    """The ground with access to the stand-in; Nadia is an advisor of the community."""
    settings = {"particulier_token": TOKEN, "particulier_recipient": RECIPIENT, "particulier_url": api.url}
    async with ground_on(database_url, tmp_path, **settings) as ground:
        async with ground.database.write() as db:
            (await db.get_one(Organisation, ground.msa)).is_community = True
        yield ground


@pytest.fixture
async def nadia(ground: Ground) -> Caller:
    return await ground.as_staff("nadia")


async def agreed(ground: Ground, nadia: Caller, *scopes: str, with_card: bool = False) -> str:
    """Return a visit in which Jeanne agreed to some scopes."""
    visit = await ground.visit_in_call(nadia)
    if with_card:
        await ground.tell_desk("card_seen", CardSeen(uid=CARD_UID, at=ground.hour()))
    asked = await nadia.post(
        f"{API}/visits/{visit}/consents", {"account_id": str(ground.family.id), "scopes": list(scopes)}
    )
    answer = ConsentAnswer(consent_id=UUID(asked.body["id"]), agreed=True, manner=ConsentManner.TOUCH)
    await ground.tell_desk("consent_answer", answer)
    return visit


async def ask(nadia: Caller, visit: str, **more: Any) -> Answer:
    body = {"id": str(new_id()), **STATUS, **more}
    return await nadia.post(f"{API}/visits/{visit}/quotient-inquiries", body)


async def page(nadia: Caller, visit: str, region: str) -> str:
    found: bytes = (await nadia.get(f"/console/{visit}/fragments/{region}")).body
    return found.decode().replace("\u00a0", " ").replace("\u202f", " ")


async def test_the_value_the_month_and_the_fund_are_kept_and_nothing_of_the_civil_status(
    ground: Ground, nadia: Caller, api: VirtualParticulier
) -> None:
    visit = await agreed(ground, nadia, "family", "wallets", "quotient")
    inquiry_id = str(new_id())
    for _ in range(2):
        answer = await ask(nadia, visit, id=inquiry_id)
        assert (answer.status, answer.body["outcome"], answer.body["value_euros"]) == (200, "found", 742)
    assert len(api.calls) == 1
    async with ground.database.read() as db:
        [quotient] = await db.scalars(select(FamilyQuotient))
        assert (quotient.account_id, quotient.value_euros) == (ground.family.id, 742)
        assert await db.scalar(select(func.count()).select_from(CivilIdentity)) == 0
        assert await agreeing_accounts(db, TODAY) == [], "it was agreed to once"
        [accord] = await db.scalars(select(QuotientAccord))
        assert (accord.once, str(accord.visit_id)) == (True, visit)
        records = list(await db.scalars(select(AuditRecord).where(AuditRecord.action.startswith("quotient-"))))
    assert {row.action for row in records} == {"quotient-asked", "quotient-found"}
    assert all(str(row.visit_id) == visit and row.consent_id is not None for row in records)
    account = await page(nadia, visit, "account")
    assert "742 € (CAF), depuis mars 2026" in account
    assert "Quotient reçu." in await page(nadia, visit, "money")


async def test_screen_2_says_what_is_asked_of_whom_and_for_what(ground: Ground, nadia: Caller) -> None:
    visit = await ground.visit_in_call(nadia)
    await nadia.post(f"{API}/visits/{visit}/consents", {"account_id": str(ground.family.id), "scopes": ["quotient"]})
    async with ground.database.read() as db:
        view = await booth_view(db, ground.booth, now=ground.hour(), settings=ground.services.settings)
    assert view.visit is not None
    assert view.visit.consent is not None
    [line] = view.visit.consent.what
    for told in ("une fois", "à la CAF ou à la MSA", "votre quotient familial", "pour calculer vos prix"):
        assert told in line


async def test_without_that_consent_nobody_is_asked_and_no_quotient_is_shown(
    ground: Ground, nadia: Caller, api: VirtualParticulier
) -> None:
    visit = await agreed(ground, nadia, "family", "cards", "wallets")
    before = await ground.state_of_business()
    assert (await ask(nadia, visit)).slug == "no-consent"
    assert (await ground.state_of_business(), api.calls) == (before, [])
    assert await ground.refusals("no-consent") == 1
    assert "Quotient familial" not in await page(nadia, visit, "account")
    money = await page(nadia, visit, "money")
    assert "Demander une fois à la CAF ou à la MSA" in await page(nadia, visit, "consent") + money
    assert "quotient-inquiries" not in money


async def test_nobody_is_asked_once_the_card_is_away_or_the_account_closed(
    ground: Ground, nadia: Caller, api: VirtualParticulier
) -> None:
    visit = await agreed(ground, nadia, "quotient", with_card=True)
    await ground.tell_desk("card_gone", CardGone(at=ground.hour()))
    ground.hour.forward(seconds=31)
    assert (await ask(nadia, visit)).slug == "card-removed"
    assert (await nadia.post(f"{API}/visits/{visit}/close-account")).status == 200
    assert (await ask(nadia, visit)).slug == "no-consent"
    assert api.calls == []


async def test_whoever_s_quotient_is_not_the_account_s_is_not_asked_about(
    ground: Ground, nadia: Caller, api: VirtualParticulier
) -> None:
    async with ground.database.write() as db:
        held = await db.scalar(select(Membership).where(Membership.person_id == ground.jeanne.id))
        assert held is not None
        held.role = FamilyRole.PAYER
        await create_member(db, ground.family.id, "Claire", FamilyRole.GUARDIAN)
    visit = await agreed(ground, nadia, "quotient")
    assert (await ask(nadia, visit)).slug == "not-their-account"
    assert api.calls == []
    assert "Le quotient d’un compte est celui de ses responsables" in await page(nadia, visit, "money")


@pytest.mark.parametrize(
    ("status", "slug"),
    [
        ({"sex": None}, "bad-civil-identity"),
        ({"birth_commune": None}, "bad-civil-identity"),
        ({"birth_commune": "Trifouillis-les-Oies"}, "bad-civil-identity"),
        ({"birth_country": "FR"}, "bad-civil-identity"),
    ],
)
async def test_an_incomplete_civil_status_is_refused_before_anybody_is_asked(
    ground: Ground, nadia: Caller, api: VirtualParticulier, status: dict[str, Any], slug: str
) -> None:
    visit = await agreed(ground, nadia, "quotient")
    before = await ground.state_of_business()
    assert (await ask(nadia, visit, **status)).slug == slug
    assert (await ground.state_of_business(), api.calls) == (before, [])


async def test_silent_funds_are_said_and_asked_again(ground: Ground, nadia: Caller, api: VirtualParticulier) -> None:
    visit = await agreed(ground, nadia, "quotient")
    api.faults.extend([Fault.PROVIDER] * 2)
    assert (await ask(nadia, visit)).body["outcome"] == "silent"
    assert "La CAF et la MSA ne répondent pas." in await page(nadia, visit, "money")
    assert (await ask(nadia, visit)).body["outcome"] == "found"
    assert await ground.count(QuotientInquiry) == 2


async def test_a_colleague_cannot_ask(ground: Ground, nadia: Caller, api: VirtualParticulier) -> None:
    visit = await agreed(ground, nadia, "quotient")
    hugo = await ground.as_staff("hugo")
    assert (await ask(hugo, visit)).slug == "not-your-visit"
    assert api.calls == []


async def test_an_advisor_of_another_organisation_cannot_even_ask_for_the_consent(
    sqlite_template: Path, tmp_path: Path, api: VirtualParticulier
) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    settings = {"particulier_token": TOKEN, "particulier_recipient": RECIPIENT, "particulier_url": api.url}
    async with ground_on(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path, **settings) as ground:
        nadia = await ground.as_staff("nadia")
        visit = await ground.visit_in_call(nadia)
        body = {"account_id": str(ground.family.id), "scopes": ["family", "quotient"]}
        assert (await nadia.post(f"{API}/visits/{visit}/consents", body)).slug == "quotient-for-the-community"
        assert "quotient" not in await page(nadia, visit, "consent")


async def test_without_access_to_the_funds_nothing_is_offered(sqlite_template: Path, tmp_path: Path) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    async with ground_on(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path) as ground:
        async with ground.database.write() as db:
            (await db.get_one(Organisation, ground.msa)).is_community = True
        nadia = await ground.as_staff("nadia")
        visit = await ground.visit_in_call(nadia)
        assert "quotient familial" not in await page(nadia, visit, "consent")
        assert (await ask(nadia, visit)).slug == "no-api-particulier"
