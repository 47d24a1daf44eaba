"""What an advisor does with a resident's money: only what the resident agreed to, in this visit."""

from __future__ import annotations

from uuid import UUID

from cvq_core.ledger.store import Posted
from cvq_core.wallets.moves import move_money
from cvq_core.wallets.routes import MoveBody
from cvq_desk.visits.acts import Act, own_visit, require_session, tell
from cvq_desk.visits.consents import check_look
from cvq_desk.visits.rules import ConsentScope


async def move_wallet_money(act: Act, visit_id: UUID, account_id: UUID, asked: MoveBody) -> Posted:
    """Move money between two wallets of the account that the resident agreed to.

    Raises:
        NoConsent, ConsentPaused: the resident has not agreed to a move, or the card is away.
        And all of `cvq_core.wallets.moves.move_money`.
    """
    visit = await own_visit(act, visit_id)
    require_session(visit)
    consent = await check_look(act, visit, account_id, ConsentScope.MOVES)
    posted = await move_money(
        act.db,
        key=asked.id,
        family_account_id=account_id,
        from_wallet_id=asked.from_wallet_id,
        to_wallet_id=asked.to_wallet_id,
        amount_cents=asked.amount_cents,
        actor=act.principal.actor,
        now=act.now,
        visit_id=visit.id,
    )
    act.journal(
        "money-moved", visit, subject=("ledger_transaction", asked.id), account_id=account_id, consent_id=consent.id
    )
    tell(act.db, visit)
    return posted
