"""What was built on what an import made, so that it cannot be taken back without losing something."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, Uuid, column, func, inspect, or_, select, table
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.tables import Entitlement, Tap
from cvq_core.cards.rules import CardStatus
from cvq_core.cards.tables import Card
from cvq_core.errors import N_
from cvq_core.imports import rules
from cvq_core.imports.tables import FamilyState, ImportFamily, ImportPerson, OpeningBalance
from cvq_core.ledger.tables import LedgerTransaction, Posting, Wallet
from cvq_core.payments.tables import CartLine
from cvq_core.people.tables import FamilyQuotient, Membership
from cvq_core.services.rules import SERVICE_LABELS, ServiceCode

References = Mapping[str, Sequence[ColumnElement[UUID]]]
"""By table, "person" or "family_account", the columns of others that refer to it."""

# Why something cannot be taken back, by the table that refers to it; any other is told by its name.
_USES: dict[str, str] = {
    "attendance": N_("une présence a été notée"),
    "tap": N_("une carte a été présentée"),
    "card": N_("une autre carte a été remise, ou la carte a changé d’état"),
    "entitlement": N_("un droit ou une inscription a été ajouté"),
    "family_quotient": N_("un quotient a été noté depuis"),
    "invoice": N_("une facture a été émise"),
    "invoice_line": N_("une facture a été émise"),
    "receivable": N_("une facture a été émise"),
    "account_merge": N_("le compte a été réuni à un autre"),
    "account_closure": N_("le compte a été fermé"),
    "debit_mandate": N_("un mandat de prélèvement a été signé"),
    "appointment": N_("un rendez-vous a été pris"),
    "court_order": N_("une décision de justice a été enregistrée"),
    "custody_arrangement": N_("un calendrier de garde a été enregistré"),
    "custody_part": N_("un calendrier de garde a été enregistré"),
    "parental_authority": N_("l’autorité parentale a été notée"),
    "unclaimed_charge": N_("un jour sans compte est à régler"),
}
_OTHER_USE = N_("une autre fiche s’y rapporte ({table})")
OTHER_IMPORT = N_("un autre import s’y rapporte : défaites-le d’abord")
PERSON_ADDED = N_("une personne a été ajoutée au compte")
MONEY_MOVED = N_("de l’argent a bougé sur le compte {service}")
# What hangs on people and accounts and is taken away with them.
_OWN = frozenset({"person_word", "membership", "card", "entitlement", "family_quotient", "wallet"})


async def references_of(db: AsyncSession) -> References:
    """Return what refers to people and accounts in this database, whichever component made the table.

    Asked of the database itself, so that the tables of a component that is not loaded here count as well; those of
    what is taken away with people and accounts are left out.
    """
    connection = await db.connection()
    return await connection.run_sync(_foreign_keys)


def _foreign_keys(connection: Connection) -> dict[str, list[ColumnElement[UUID]]]:
    found: dict[str, list[ColumnElement[UUID]]] = {}
    looked = inspect(connection)
    for name in looked.get_table_names():
        if name in _OWN or name.startswith(("import_", "opening_")):
            continue
        for key in looked.get_foreign_keys(name):
            target, columns = key["referred_table"], key["constrained_columns"]
            if target in ("person", "family_account") and target != name and len(columns) == 1:
                refers = table(name, column(columns[0], Uuid())).c[columns[0]]
                found.setdefault(target, []).append(refers)
    return found


class Uses:
    """Looks for what was built on the families of an import, in one transaction."""

    def __init__(self, db: AsyncSession, references: References) -> None:
        self._db = db
        self._references = references

    async def of(self, target: str, ids: Collection[UUID]) -> set[tuple[str, UUID]]:
        """Return which rows of a table are referred to, each with the name of the table that does."""
        found: set[tuple[str, UUID]] = set()
        for each in self._references.get(target, ()) if ids else ():
            rows = await self._db.execute(select(each).where(each.in_(ids)).distinct())
            found |= {(str(each.table.name), row[0]) for row in rows}
        return found

    async def why_not(self, family: ImportFamily, persons: Sequence[ImportPerson]) -> set[str]:
        """Return what was built on a family since it was taken over, in French; nothing when it can go."""
        account_id = family.account_id
        assert account_id is not None, "it was taken over"
        made = [row.identity for row in persons if row.person_made]
        why = await self._money_moved(family)
        why |= {_said(name) for name, _ in await self.of("person", made)}
        why |= await self._elsewhere(family, made)
        rows = await self._rows_of(made)
        why |= await self._cards(rows, made)
        rights = [rules.enrolment_id(row, service) for row in rows for service in ServiceCode]
        if await self._any(
            select(Entitlement.id).where(Entitlement.person_id.in_(made), Entitlement.id.not_in(rights))
        ):
            why.add(_USES["entitlement"])
        if family.account_made:
            why |= await self._account(family, account_id, persons)
        return why

    async def _rows_of(self, made: Collection[UUID]) -> list[UUID]:
        """Return the staged rows that are these people: a card or a right may have come with any of them."""
        return list(await self._db.scalars(select(ImportPerson.id).where(ImportPerson.person_id.in_(made))))

    async def _account(self, family: ImportFamily, account_id: UUID, persons: Sequence[ImportPerson]) -> set[str]:
        why = {_said(name) for name, _ in await self.of("family_account", [account_id])}
        imported = select(ImportFamily.id).where(ImportFamily.account_id == account_id)
        quotients = [rules.quotient_id(each) for each in await self._db.scalars(imported)]
        why |= await self._wallets(account_id)
        if await self._any(
            select(FamilyQuotient.id).where(
                FamilyQuotient.account_id == account_id, FamilyQuotient.id.not_in(quotients)
            )
        ):
            why.add(_USES["family_quotient"])
        # Another base's family may have joined the account: its people came with an import too.
        members = (
            select(ImportPerson.person_id)
            .join(ImportFamily, ImportFamily.id == ImportPerson.family_id)
            .where(ImportFamily.account_id == account_id, ImportPerson.person_id.is_not(None))
        )
        ours = [rules.membership_id(row.id) for row in persons]
        if await self._any(
            select(Membership.id).where(
                Membership.account_id == account_id,
                Membership.id.not_in(ours),
                Membership.person_id.not_in(members),
            )
        ):
            why.add(PERSON_ADDED)
        return why

    async def _wallets(self, account_id: UUID) -> set[str]:
        """Return what happened to the wallets of an account besides opening balances and their reversals.

        Receipts and carts name a wallet and no account: the foreign keys to accounts do not tell of them.
        """
        wallets = await self._db.execute(
            select(Wallet.id, Wallet.service_code)
            .where(Wallet.family_account_id == account_id)
            .order_by(Wallet.id)
            .with_for_update()
        )
        found = set()
        for wallet_id, service in wallets.all():
            if await self._any(_other_postings(wallet_id)):
                found.add(MONEY_MOVED.format(service=SERVICE_LABELS[service].lower()))
            if await self._any(select(CartLine.account_id).where(CartLine.account_id == wallet_id)):
                found.add(_said("cart_line"))
        return found

    async def _elsewhere(self, family: ImportFamily, made: Collection[UUID]) -> set[str]:
        """Return that another import builds on these people, or on this account."""
        on_them: ColumnElement[bool] = ImportPerson.person_id.in_(made)
        if family.account_made:
            on_them |= ImportFamily.account_id == family.account_id
        linked = (
            select(ImportPerson.id)
            .join(ImportFamily, ImportFamily.id == ImportPerson.family_id)
            .where(ImportFamily.batch_id != family.batch_id, ImportFamily.state == FamilyState.APPLIED, on_them)
        )
        return {OTHER_IMPORT} if await self._any(linked) else set()

    async def _money_moved(self, family: ImportFamily) -> set[str]:
        """Return the services whose wallet moved after the opening balance of this family."""
        rows = await self._db.execute(
            select(OpeningBalance.service_code, Wallet.id, Posting.id)
            .join(Posting, Posting.transaction_id == OpeningBalance.id)
            .join(Wallet, Wallet.id == Posting.account_id)
            .where(OpeningBalance.family_id == family.id)
            .order_by(Wallet.id)
        )
        found = set()
        for service, wallet_id, posting_id in rows.all():
            # The wallet is locked, so that nobody spends while we look.
            await self._db.execute(select(Wallet.id).where(Wallet.id == wallet_id).with_for_update())
            if await self._any(_other_postings(wallet_id).where(Posting.id > posting_id)):
                found.add(MONEY_MOVED.format(service=SERVICE_LABELS[service].lower()))
        return found

    async def _cards(self, rows: Collection[UUID], made: Collection[UUID]) -> set[str]:
        ours = [rules.card_id(row) for row in rows]
        found = set()
        others = Card.person_id.in_(made) & Card.id.not_in(ours)
        if await self._any(select(Card.id).where(or_(others, Card.id.in_(ours) & (Card.status != CardStatus.ACTIVE)))):
            found.add(_USES["card"])
        if await self._any(select(Tap.id).where(or_(Tap.card_id.in_(ours), Tap.person_id.in_(made)))):
            found.add(_USES["tap"])
        return found

    async def _any(self, wanted: Select[UUID] | Select[int]) -> bool:
        return await self._db.scalar(wanted.limit(1)) is not None


def _other_postings(wallet_id: UUID) -> Select[int]:
    """Return the query for what was posted on a wallet besides opening balances and their reversals."""
    original = func.coalesce(LedgerTransaction.reverses_id, LedgerTransaction.id)
    return (
        select(Posting.id)
        .join(LedgerTransaction, LedgerTransaction.id == Posting.transaction_id)
        .outerjoin(OpeningBalance, OpeningBalance.id == original)
        .where(Posting.account_id == wallet_id, OpeningBalance.id.is_(None))
    )


def _said(name: str) -> str:
    return _USES.get(name) or _OTHER_USE.format(table=name)
