"""What advisors' pages ask about a family quotient in a visit."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from cvq_core.particulier.routes import InquiryOut
from cvq_core.particulier.rules import FRANCE, NoParticulier, Sex
from cvq_core.particulier.service import QUOTIENT_INQUIRIES
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_desk.quotients.service import CivilStatus, question_in_visit, tell_asked
from cvq_desk.visits.routes import act_of

routes = Routes("/api/v1", tag="tariffs")


class VisitQuotientBody(BaseModel):
    """A question to the CAF and the MSA; `id` is made by who asks, and makes a repetition harmless.

    Without `sex`, what is known of the resident's civil status by their lasting accord is asked with.
    """

    model_config = ConfigDict(extra="ignore")

    id: UUID
    sex: Sex | None = None
    birth_country: str = Field(default=FRANCE, max_length=5, description="INSEE code; 99100 is France")
    birth_commune: str | None = Field(
        default=None, max_length=80, description="INSEE code or the name of a commune of the territory, born in France"
    )


@routes.post(
    "/visits/{id}/quotient-inquiries",
    access=Permission.SERVE,
    body=VisitQuotientBody,
    answer=InquiryOut,
    form=True,
    own_transactions=True,
)
async def inquire_in_visit(context: Context, body: VisitQuotientBody) -> InquiryOut:
    """Ask the CAF and the MSA for the quotient of the account that the resident opened; nothing else is kept."""
    inquiries = context.request.app[QUOTIENT_INQUIRIES]
    if not inquiries.offered:
        raise NoParticulier
    told = CivilStatus(body.sex, body.birth_country, body.birth_commune) if body.sex else None
    async with context.acting() as acting:
        asked, agreed = await question_in_visit(act_of(acting), context.path_id(), body.id, told)
    found = await inquiries.inquire(asked, once=agreed)
    async with context.acting() as acting:
        await tell_asked(act_of(acting), context.path_id())
    return InquiryOut.of(context, found)
