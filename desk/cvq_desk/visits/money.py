"""What an advisor does with a resident's money: only what the resident agreed to, in this visit."""

from __future__ import annotations

from uuid import UUID

from cvq_core.ledger.store import Posted
from cvq_core.wallets.moves import move_money
from cvq_core.wallets.routes import MoveBody, NoticeBody, TopUpBody, write_notice, write_top_up
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
    await act.journal_once(
        "money-moved",
        asked.id,
        visit,
        subject=("ledger_transaction", asked.id),
        account_id=account_id,
        consent_id=consent.id,
    )
    tell(act.db, visit)
    return posted


async def choose_in_visit(act: Act, visit_id: UUID, account_id: UUID, asked: TopUpBody | NoticeBody) -> None:
    """Write, change or end the automatic top-up or the low-balance notice of a wallet.

    Raises:
        NoConsent, ConsentPaused: the resident has not agreed to it, or the card is away.
        And all of `cvq_core.wallets.settings`.
    """
    visit = await own_visit(act, visit_id)
    require_session(visit)
    consent = await check_look(act, visit, account_id, ConsentScope.CHOICES)
    if isinstance(asked, TopUpBody):
        await write_top_up(act.db, asked, account_id, actor=act.principal.actor, now=act.now)
        action = "top-up-chosen"
    else:
        await write_notice(act.db, asked, account_id, actor=act.principal.actor, now=act.now)
        action = "notice-chosen"
    await act.journal_once(
        action, asked.id, visit, subject=("wallet", asked.wallet_id), account_id=account_id, consent_id=consent.id
    )
    tell(act.db, visit)
