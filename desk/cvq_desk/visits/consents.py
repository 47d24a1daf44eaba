"""The resident's consent: asked on screen 2, answered there or aloud, ended with the visit; nothing opens without."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update

from cvq_core.clock import local_day
from cvq_core.errors import NotFound
from cvq_core.ids import new_id
from cvq_core.people.arrangements import kept_accounts
from cvq_core.people.store import accounts_of
from cvq_core.people.tables import FamilyAccount
from cvq_desk.booking.tables import Organisation
from cvq_desk.visits import rules
from cvq_desk.visits.acts import Act, own_visit, require_session, tell
from cvq_desk.visits.rules import ConsentScope, Identity, VisitState
from cvq_desk.visits.store import (
    card_facts,
    consent_facts,
    latest_consent,
    standing_consent,
)
from cvq_desk.visits.tables import Consent, Visit
from cvq_desk.wire import ConsentManner, ConsentState

CONSENT_LIFE = timedelta(minutes=45)


async def ask_consent(
    act: Act, visit_id: UUID, *, account_id: UUID, scopes: frozenset[ConsentScope], organisation_id: UUID | None = None
) -> Consent:
    """Ask the resident, on screen 2, to open an account for this visit.

    Raises:
        ConsentForAnother: `organisation_id` is not the visit's organisation.
        QuotientNotYours: the family quotient is for the community's advisors.
        IdentityFirst: nobody knows who sits there.
        NoAccount: `account_id` is no account of the person who sits there.
    """
    visit = await own_visit(act, visit_id)
    require_session(visit)
    if organisation_id is not None and organisation_id != visit.organisation_id:
        raise rules.ConsentForAnother(visit_id=visit.id)
    if visit.identity == Identity.NONE:
        raise rules.IdentityFirst(visit_id=visit.id)
    if not scopes:
        raise rules.NotNow(visit_id=visit.id)
    if ConsentScope.QUOTIENT in scopes:
        organisation = await act.db.get_one(Organisation, visit.organisation_id)
        if not organisation.is_community:
            raise rules.QuotientNotYours(visit_id=visit.id)
    theirs = await accounts_of(act.db, visit.person_id, local_day(act.now)) if visit.person_id else []
    if account_id not in {account.id for account in theirs}:
        raise rules.NoAccount(visit_id=visit.id)
    former = await standing_consent(act.db, visit.id, account_id)
    # Asked for more, the resident may say no to it and keep what stands.
    widens = former is not None and {scope.value for scope in scopes} >= set(former.scopes)
    await end_consents(act, visit, why="asked-again", states=("asked",) if widens else ("asked", "given"))
    assert act.principal.id is not None
    consent = Consent(
        id=new_id(),
        visit_id=visit.id,
        account_id=account_id,
        organisation_id=visit.organisation_id,
        scopes=sorted(scope.value for scope in scopes),
        state=ConsentState.ASKED.value,
        asked_by=act.principal.id,
        asked_at=act.now,
        until=act.now + CONSENT_LIFE,
        manner="",
        with_card=visit.card_state == "present",
        ended_why="",
    )
    act.db.add(consent)
    act.journal(
        "consent-asked", visit, account_id=account_id, consent_id=consent.id, personal={"scopes": consent.scopes}
    )
    tell(act.db, visit)
    return consent


async def answer_consent(act: Act, visit: Visit, consent_id: UUID, *, agreed: bool, manner: ConsentManner) -> Consent:
    """Take the resident's answer, once; touched or pressed at the booth, or spoken and noted by the advisor.

    Raises:
        ConsentSettled: it was answered, or withdrawn, before.
    """
    consent = await latest_consent(act.db, visit.id)
    if consent is None or consent.id != consent_id:
        raise NotFound
    if consent.state != ConsentState.ASKED:
        raise rules.ConsentSettled(visit_id=visit.id)
    require_session(visit)
    if agreed:
        await end_consents(act, visit, why="asked-again", states=("given",))
    consent.state = (ConsentState.GIVEN if agreed else ConsentState.REFUSED).value
    consent.answered_at, consent.manner = act.now, manner.value
    act.journal(
        "consent-given" if agreed else "consent-refused",
        visit,
        account_id=consent.account_id,
        consent_id=consent.id,
        personal={"manner": manner.value},
    )
    tell(act.db, visit)
    return consent


async def go_on_without_card(act: Act, visit_id: UUID) -> Visit:
    """Keep the account open though the card is away; the resident was asked."""
    visit = await own_visit(act, visit_id)
    require_session(visit)
    await act.db.execute(
        update(Consent).where(Consent.visit_id == visit.id, Consent.state == "given").values(with_card=False)
    )
    act.journal("consent-without-card", visit)
    tell(act.db, visit)
    return visit


async def close_account(act: Act, visit_id: UUID) -> Visit:
    """End the consent before the visit ends."""
    visit = await own_visit(act, visit_id)
    await end_consents(act, visit, why="closed", states=("asked", "given"))
    tell(act.db, visit)
    return visit


async def end_consents(act: Act, visit: Visit, *, why: str, states: tuple[str, ...] = ("asked", "given")) -> None:
    """End what stands or waits for an answer."""
    rows = await act.db.scalars(select(Consent).where(Consent.visit_id == visit.id, Consent.state.in_(states)))
    for consent in rows:
        consent.state, consent.ended_at, consent.ended_why = ConsentState.ENDED.value, act.now, why
        act.journal("consent-ended", visit, account_id=consent.account_id, consent_id=consent.id)


async def check_look(act: Act, visit: Visit, account_id: UUID, scope: ConsentScope) -> Consent:
    """Return the consent that covers a look at an account.

    Raises:
        NoConsent, ConsentPaused: see `rules.check_look`.
        AccountMergedMeanwhile: the account goes on as another one, for which the family was not asked.
    """
    consent = await standing_consent(act.db, visit.id, account_id)
    pause = timedelta(seconds=act.settings.card_pause_s)
    try:
        rules.check_look(
            VisitState(visit.state), consent_facts(consent), card_facts(visit), scope=scope, now=act.now, pause=pause
        )
    except rules.NoConsent as refusal:
        refusal.facts["visit_id"] = visit.id
        raise
    assert consent is not None
    kept_id = (await kept_accounts(act.db, [account_id]))[account_id]
    if kept_id != account_id:
        kept = await act.db.get_one(FamilyAccount, kept_id)
        raise rules.AccountMergedMeanwhile(number=kept.number, visit_id=visit.id)
    return consent
