"""Whose account is opened, for whom, how the resident said yes, and when it is over."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from cvq_core.journal.tables import AuditRecord
from cvq_core.people.rules import FamilyRole
from cvq_desk.booking.tables import Appointment
from cvq_desk.visits import consents
from cvq_desk.visits.rules import ConsentPaused, ConsentScope, NoConsent
from cvq_desk.visits.tables import Consent, Visit
from cvq_desk.visits.watch import VisitWatch
from cvq_desk.wire import CardGone, CardSeen, ConsentAnswer, ConsentManner
from tests.core_examples import create_member
from tests.factories import make_card, make_person
from tests.integration.desk_visits.ground import API, CARD_UID, Answer, Caller, Ground

ALL = ["family", "cards", "wallets"]


async def ask(ground: Ground, caller: Caller, visit: str, **more: Any) -> Answer:
    body = {"account_id": str(ground.family.id), "scopes": ALL, **more}
    return await caller.post(f"{API}/visits/{visit}/consents", body)


async def say_yes(ground: Ground, consent: Answer, manner: ConsentManner = ConsentManner.TOUCH) -> None:
    answer = ConsentAnswer(consent_id=UUID(consent.body["id"]), agreed=True, manner=manner)
    await ground.tell_desk("consent_answer", answer)


async def look(ground: Ground, caller: Caller, visit: str, scope: ConsentScope = ConsentScope.WALLETS) -> None:
    """Look at the account as the console does."""
    async with ground.desk() as desk:
        await consents.check_look(desk.act, await desk.db.get_one(Visit, UUID(visit)), ground.family.id, scope)


async def consent_state(ground: Ground, consent: Answer) -> tuple[str, str]:
    async with ground.database.read() as db:
        row = await db.get_one(Consent, UUID(consent.body["id"]))
    return row.state, row.ended_why


REFUSED: list[tuple[str, int, dict[str, Any], bool]] = [
    ("consent-for-another-organisation", 403, {"organisation_id": "{mission}"}, True),
    ("identity-first", 409, {}, False),
    ("no-account", 422, {"account_id": "{strangers}"}, True),
    ("bad-input", 422, {"scopes": []}, True),
    ("bad-input", 422, {"scopes": ["everything"]}, True),
]


@pytest.mark.parametrize("case", REFUSED, ids=[f"{slug}-{more}" for slug, _, more, _ in REFUSED])
async def test_a_question_that_may_not_be_put_is_refused_recorded_and_writes_nothing(
    ground: Ground, nadia: Caller, case: tuple[str, int, dict[str, Any], bool]
) -> None:
    slug, status, more, identified = case
    visit = await ground.visit_in_call(nadia, identified=identified)
    ids = {"mission": ground.mission, "strangers": ground.strangers_family.id}
    filled = {name: value.format(**ids) if isinstance(value, str) else value for name, value in more.items()}
    before = await ground.state_of_business()
    answer = await ask(ground, nadia, visit, **filled)
    assert (answer.status, answer.slug) == (status, slug)
    assert await ground.state_of_business() == before
    assert await ground.refusals(slug) == 1


async def test_the_secretarys_word_is_needed_before_it_is_noted(ground: Ground, nadia: Caller) -> None:
    visit = await ground.visit_in_call(nadia, identified=False)
    path, body = f"{API}/visits/{visit}/identity", {"identity": "vouched"}
    assert (await nadia.post(path, body)).slug == "not-vouched"
    sylvie = await ground.as_staff("sylvie")
    assert (await sylvie.post(f"{API}/appointments/{ground.appointment}/vouch")).status == 200
    assert (await nadia.post(path, body)).body["identity"] == "vouched"


@pytest.mark.parametrize("manner", [ConsentManner.TOUCH, ConsentManner.KEY])
async def test_the_resident_says_yes_at_the_booth(ground: Ground, nadia: Caller, manner: ConsentManner) -> None:
    visit = await ground.visit_in_call(nadia)
    consent = await ask(ground, nadia, visit)
    with pytest.raises(NoConsent):
        await look(ground, nadia, visit)
    await say_yes(ground, consent, manner)
    await look(ground, nadia, visit)
    async with ground.database.read() as db:
        assert (await db.get_one(Consent, UUID(consent.body["id"]))).manner == manner.value
    assert await ground.count(AuditRecord, AuditRecord.action == "consent-given") == 1


async def test_an_answer_given_aloud_is_noted_once(ground: Ground, nadia: Caller) -> None:
    visit = await ground.visit_in_call(nadia)
    consent = await ask(ground, nadia, visit)
    path = f"{API}/visits/{visit}/consents/{consent.body['id']}/spoken"
    assert (await nadia.post(path, {"agreed": False})).body["state"] == "refused"
    assert (await nadia.post(path, {"agreed": True})).slug == "consent-settled"
    with pytest.raises(NoConsent):
        await look(ground, nadia, visit)


async def test_a_consent_covers_what_was_asked_for_and_nothing_more(ground: Ground, nadia: Caller) -> None:
    visit = await ground.visit_in_call(nadia)
    await say_yes(ground, await ask(ground, nadia, visit, scopes=["cards"]))
    await look(ground, nadia, visit, ConsentScope.CARDS)
    with pytest.raises(NoConsent):
        await look(ground, nadia, visit, ConsentScope.WALLETS)


async def test_a_consent_ends_with_the_visit(ground: Ground, nadia: Caller) -> None:
    visit = await ground.visit_in_call(nadia)
    consent = await ask(ground, nadia, visit)
    await say_yes(ground, consent)
    await nadia.post(f"{API}/visits/{visit}/end")
    await nadia.post(f"{API}/visits/{visit}/wipe")
    assert await consent_state(ground, consent) == ("ended", "visit-ended")
    with pytest.raises(NoConsent):
        await look(ground, nadia, visit)


async def test_a_consent_is_over_at_its_hour_and_the_watch_writes_it_down(ground: Ground, nadia: Caller) -> None:
    visit = await ground.visit_in_call(nadia)
    consent = await ask(ground, nadia, visit)
    await say_yes(ground, consent)
    ground.hour.forward(minutes=45)
    with pytest.raises(NoConsent):
        await look(ground, nadia, visit)
    await VisitWatch(ground.database, ground.hour, ground.services.settings).look()
    assert await consent_state(ground, consent) == ("ended", "over")


async def test_a_consent_given_with_the_card_pauses_when_the_card_is_away(ground: Ground, nadia: Caller) -> None:
    visit = await ground.visit_in_call(nadia)
    await ground.tell_desk("card_seen", CardSeen(uid=CARD_UID, at=ground.hour()))
    await say_yes(ground, await ask(ground, nadia, visit))
    await ground.tell_desk("card_gone", CardGone(at=ground.hour()))
    ground.hour.forward(seconds=29)
    await look(ground, nadia, visit)
    ground.hour.forward(seconds=1)
    with pytest.raises(ConsentPaused):
        await look(ground, nadia, visit)
    assert (await nadia.post(f"{API}/visits/{visit}/without-card")).status == 200
    await look(ground, nadia, visit)


async def test_an_account_that_paused_can_be_closed(ground: Ground, nadia: Caller) -> None:
    visit = await ground.visit_in_call(nadia)
    await ground.tell_desk("card_seen", CardSeen(uid=CARD_UID, at=ground.hour()))
    consent = await ask(ground, nadia, visit)
    await say_yes(ground, consent)
    await ground.tell_desk("card_gone", CardGone(at=ground.hour()))
    ground.hour.forward(seconds=31)
    await nadia.post(f"{API}/visits/{visit}/close-account")
    assert await consent_state(ground, consent) == ("ended", "closed")


async def test_a_card_laid_back_within_the_pause_goes_on(ground: Ground, nadia: Caller) -> None:
    visit = await ground.visit_in_call(nadia)
    await ground.tell_desk("card_seen", CardSeen(uid=CARD_UID, at=ground.hour()))
    await say_yes(ground, await ask(ground, nadia, visit))
    await ground.tell_desk("card_gone", CardGone(at=ground.hour()))
    ground.hour.forward(seconds=10)
    await ground.tell_desk("card_seen", CardSeen(uid=CARD_UID, at=ground.hour()))
    ground.hour.forward(seconds=60)
    await look(ground, nadia, visit)


async def test_a_strangers_card_opens_nothing(ground: Ground, nadia: Caller) -> None:
    async with ground.database.write() as db:
        stranger = await make_person(db, "Roy", "Paul")
        await make_card(db, stranger, "482130578", "04B2241AC35E81")
    visit = await ground.visit_in_call(nadia)
    await ground.tell_desk("card_seen", CardSeen(uid="04B2241AC35E81", at=ground.hour()))
    seen = await ground.visit(visit)
    assert (seen.card_state, seen.card_refusal, seen.card_id) == ("refused", "strangers-card", None)
    assert seen.person_id == ground.jeanne.id


async def test_a_good_card_of_another_family_opens_nothing_and_its_refusal_is_recorded(
    ground_on_both: Ground,
) -> None:
    ground = ground_on_both
    nadia = await ground.as_staff("nadia")
    async with ground.database.write() as db:
        paul = await create_member(db, ground.strangers_family.id, "Paul", FamilyRole.GUARDIAN)
        await make_card(db, paul, "482130578", "04B2241AC35E81")
    visit = await ground.visit_in_call(nadia)
    await ground.tell_desk("card_seen", CardSeen(uid="04B2241AC35E81", at=ground.hour()))
    assert (await ask(ground, nadia, visit, account_id=str(ground.strangers_family.id))).slug == "no-account"
    async with ground.desk() as desk:
        row = await desk.db.get_one(Visit, UUID(visit))
        for family in (ground.family, ground.strangers_family):
            with pytest.raises(NoConsent):
                await consents.check_look(desk.act, row, family.id, ConsentScope.WALLETS)
    assert await ground.count(Consent) == 0
    async with ground.database.read() as db:
        (refused,) = await db.scalars(select(AuditRecord).where(AuditRecord.action == "card-refused"))
    assert (refused.outcome, refused.visit_id, refused.personal) == ("refused", row.id, {"slug": "strangers-card"})
    assert refused.subject_kind == "card"
    assert refused.subject_id is not None


@pytest.mark.parametrize("other", ["04B2241AC35E81", "04FFFFFFFFFFFF"], ids=["a stranger's", "unknown"])
async def test_another_card_does_not_stand_for_the_one_that_opened_the_account(
    ground: Ground, nadia: Caller, other: str
) -> None:
    async with ground.database.write() as db:
        await make_card(db, await make_person(db, "Roy", "Paul"), "482130578", "04B2241AC35E81")
    visit = await ground.visit_in_call(nadia)
    await ground.tell_desk("card_seen", CardSeen(uid=CARD_UID, at=ground.hour()))
    await say_yes(ground, await ask(ground, nadia, visit))
    await ground.tell_desk("card_gone", CardGone(at=ground.hour()))
    ground.hour.forward(seconds=20)
    await ground.tell_desk("card_seen", CardSeen(uid=other, at=ground.hour()))
    ground.hour.forward(seconds=10)
    with pytest.raises(ConsentPaused):
        await look(ground, nadia, visit)
    await ground.tell_desk("card_gone", CardGone(at=ground.hour()))
    assert (await ground.visit(visit)).card_state == "removed"
    with pytest.raises(ConsentPaused):
        await look(ground, nadia, visit)
    await ground.tell_desk("card_seen", CardSeen(uid=CARD_UID, at=ground.hour()))
    await look(ground, nadia, visit)


async def test_a_card_pushed_off_the_reader_by_another_is_away(ground: Ground, nadia: Caller) -> None:
    visit = await ground.visit_in_call(nadia)
    await ground.tell_desk("card_seen", CardSeen(uid=CARD_UID, at=ground.hour()))
    await say_yes(ground, await ask(ground, nadia, visit))
    await ground.tell_desk("card_seen", CardSeen(uid="04FFFFFFFFFFFF", at=ground.hour()))
    ground.hour.forward(seconds=29)
    await look(ground, nadia, visit)
    ground.hour.forward(seconds=1)
    with pytest.raises(ConsentPaused):
        await look(ground, nadia, visit)


async def test_the_card_of_a_namesake_opens_nothing_once_somebody_was_known_by_theirs(
    ground: Ground, nadia: Caller
) -> None:
    async with ground.database.write() as db:
        walk_in = await db.get_one(Appointment, ground.appointment)
        walk_in.person_id = None
        namesake = await create_member(db, ground.strangers_family.id, "Jeanne", FamilyRole.GUARDIAN)
        await make_card(db, namesake, "482130578", "04B2241AC35E81")
    visit = await ground.visit_in_call(nadia)
    await ground.tell_desk("card_seen", CardSeen(uid=CARD_UID, at=ground.hour()))
    assert (await ground.visit(visit)).person_id == ground.jeanne.id
    await ground.tell_desk("card_seen", CardSeen(uid="04B2241AC35E81", at=ground.hour()))
    seen = await ground.visit(visit)
    assert (seen.card_state, seen.card_refusal, seen.card_id) == ("refused", "strangers-card", None)


async def test_an_unknown_card_is_named_so(ground: Ground, nadia: Caller) -> None:
    visit = await ground.visit_in_call(nadia)
    await ground.tell_desk("card_seen", CardSeen(uid="04FFFFFFFFFFFF", at=ground.hour()))
    seen = await ground.visit(visit)
    assert (seen.card_state, seen.card_refusal) == ("unknown", "unknown-card")
