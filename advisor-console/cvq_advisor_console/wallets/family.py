"""What both pages draw of a family: its wallets, what it chose for them, and its mandates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from uuid import UUID

from cvq_advisor_console.views.money import MandateCard, SettingLine, SettingsView, WalletOption
from cvq_core.clock import local_day
from cvq_core.debits.mandates import state_of
from cvq_core.debits.rules import MANDATE_WORDS, MandateState, masked_iban
from cvq_core.debits.tables import DebitMandate
from cvq_core.errors import N_
from cvq_core.ids import new_id
from cvq_core.ledger.service import WalletOverview, wallet_overviews
from cvq_core.people.store import family_account_by_id
from cvq_core.text import money
from cvq_core.wallets.settings import notices_in_force, top_ups_in_force
from cvq_core.web import Context
from cvq_core.web.views import Act

TOP_UP = N_("{wallet} : en dessous de {threshold}, ajouter {amount} pris sur {source}, au plus {month_max} par mois.")
NOTICE = N_("{wallet} : un courriel dès qu’il y a moins de {threshold}.")
TONES = {
    MandateState.PREPARED: "sun",
    MandateState.SIGNED: "ok",
    MandateState.LAPSED: "off",
    MandateState.REVOKED: "off",
}

Address = Callable[[str], str]
"""Gives a form's address from the name of what it does."""


async def wallets_here(context: Context, account_id: UUID) -> list[WalletOverview]:
    """Return a family's wallets as they stand today."""
    found = await wallet_overviews(
        context.db, account_id, on=local_day(context.now), movements=0, language=context.language
    )
    return list(found)


def options(context: Context, wallets: list[WalletOverview]) -> tuple[WalletOption, ...]:
    """Return wallets to choose from, with what each holds."""
    return tuple(
        WalletOption(str(each.id), each.label, money(each.balance_cents, context.language)) for each in wallets
    )


async def settings_view(
    context: Context, account_id: UUID, wallets: list[WalletOverview], address: Address
) -> SettingsView:
    """Return what a family chose for its wallets, and the forms to choose."""
    today, labels = local_day(context.now), {each.id: each.label for each in wallets}

    def amount(cents: int) -> str:
        return money(cents, context.language)

    top_ups = [
        SettingLine(
            context._(
                TOP_UP,
                wallet=labels.get(each.wallet_id, ""),
                source=labels.get(each.source_wallet_id, "") if each.source_wallet_id else "",
                threshold=amount(each.threshold_cents),
                amount=amount(each.amount_cents),
                month_max=amount(each.month_max_cents),
            ),
            str(each.wallet_id),
            str(new_id()),
            Act(address("approvisionner")),
        )
        for each in await top_ups_in_force(context.db, today, family_account_id=account_id)
    ]
    notices = [
        SettingLine(
            context._(NOTICE, wallet=labels.get(each.wallet_id, ""), threshold=amount(each.threshold_cents or 0)),
            str(each.wallet_id),
            str(new_id()),
            Act(address("avertir")),
        )
        for each in await notices_in_force(context.db, today, family_account_id=account_id)
    ]
    family = await family_account_by_id(context.db, account_id)
    return SettingsView(
        top_ups=tuple(top_ups),
        notices=tuple(notices),
        choose_top_up=Act(address("approvisionner")),
        choose_notice=Act(address("avertir")),
        top_up_id=str(new_id()),
        notice_id=str(new_id()),
        email=bool(family.email),
    )


def mandate_card(context: Context, mandate: DebitMandate, office: str, on: date, **more: object) -> MandateCard:
    """Return what is shown of a mandate on a day; `more` are its acts."""
    state = state_of(mandate, on)
    return MandateCard(
        reference=mandate.reference,
        word=context._(MANDATE_WORDS[state]),
        tone=TONES[state],
        holder=mandate.holder,
        account=masked_iban(mandate.iban),
        office=office,
        one_off=mandate.one_off,
        signed_on=mandate.signed_on,
        last_used_on=mandate.last_used_on,
        **more,  # type: ignore[arg-type]  # the acts differ between a visit and a counter
    )


def has_room(mandates: list[DebitMandate], on: date) -> bool:
    """Tell whether a new mandate may be prepared: none that is signed stands."""
    return not any(
        state_of(each, on) is MandateState.SIGNED and not (each.one_off and each.last_used_on) for each in mandates
    )
