"""Asking the CAF or the MSA for a family's quotient while the resident sits there and agrees to it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid5

from sqlalchemy import select

from cvq_core.clock import local_day
from cvq_core.particulier.rules import FRANCE, AccordManner, BadIdentity, NotTheirAccount, Sex
from cvq_core.particulier.service import Asked
from cvq_core.particulier.store import NewAccord, commune_code, speakers
from cvq_core.particulier.tables import CivilIdentity, QuotientInquiry
from cvq_desk.visits.acts import Act, own_visit, require_session, tell
from cvq_desk.visits.consents import check_look
from cvq_desk.visits.rules import ConsentScope, NoConsent
from cvq_desk.visits.store import latest_consent
from cvq_desk.visits.tables import Visit


@dataclass(frozen=True, slots=True)
class CivilStatus:
    """What the resident says of their civil status.

    `commune` is the birth place's INSEE code, or the name of a commune that is known; None abroad.
    """

    sex: Sex
    country: str = FRANCE
    commune: str | None = None


async def question_in_visit(
    act: Act, visit_id: UUID, inquiry_id: UUID, told: CivilStatus | None
) -> tuple[Asked, NewAccord]:
    """Return what is asked, and what the resident agrees to this once: the consent of the visit covers it.

    Whose quotient it is: that of whoever sits there. Where nothing is `told`, their lasting accord has it.

    Raises:
        NoConsent, ConsentPaused: the resident has not agreed to be asked about, or the card is away.
        NotTheirAccount: they cannot speak for the account that is open.
        BadIdentity: nothing is told and nothing is known, or no commune has that name.
    """
    visit = await own_visit(act, visit_id)
    require_session(visit)
    consent = await latest_consent(act.db, visit.id)
    if consent is None:
        raise NoConsent(visit_id=visit.id)
    await check_look(act, visit, consent.account_id, ConsentScope.QUOTIENT)
    person_id = visit.person_id
    if person_id is None or not await speaks_here(act, visit, consent.account_id):
        raise NotTheirAccount(visit_id=visit.id)
    civil = told or await known_status(act, person_id)
    if civil is None:
        raise BadIdentity(visit_id=visit.id)
    asked = Asked(
        inquiry_id,
        consent.account_id,
        act.principal.actor,
        by=act.principal.id,
        visit_id=visit.id,
        consent_id=consent.id,
    )
    agreed = NewAccord(
        uuid5(inquiry_id, "accord"),
        consent.account_id,
        person_id,
        civil.sex,
        civil.country,
        await commune_code(act.db, civil.commune) if civil.commune else None,
        AccordManner.VISIT,
        act.principal.id,
        visit.id,
    )
    return asked, agreed


async def tell_asked(act: Act, visit_id: UUID) -> None:
    """Let the advisor's page show what came of it, with the prices by it."""
    tell(act.db, await own_visit(act, visit_id))


async def speaks_here(act: Act, visit: Visit, account_id: UUID) -> bool:
    """Whether whoever sits there is a guardian or a payer of an account."""
    return visit.person_id in {each.id for each in await speakers(act.db, account_id, local_day(act.now))}


async def known_status(act: Act, person_id: UUID) -> CivilStatus | None:
    """Return the civil status that was kept with a lasting accord, if there is one."""
    civil = await act.db.get(CivilIdentity, person_id)
    return CivilStatus(civil.sex, civil.birth_country, civil.birth_commune) if civil is not None else None


async def latest_of_visit(act: Act, visit_id: UUID, account_id: UUID) -> QuotientInquiry | None:
    """Return what was asked last in a visit for an account."""
    found: QuotientInquiry | None = await act.db.scalar(
        select(QuotientInquiry)
        .where(QuotientInquiry.visit_id == visit_id, QuotientInquiry.account_id == account_id)
        .order_by(QuotientInquiry.asked_at.desc(), QuotientInquiry.id.desc())
        .limit(1)
    )
    return found
