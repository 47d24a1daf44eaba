"""Paying online from the first look at a cart to its credit: what asks PayFiP, outside of any transaction.

Each step is a short transaction; PayFiP is asked between them, so that a slow one holds no lock. A process that stops
anywhere leaves an attempt that another asks about.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import Clock, local, local_day
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.jobs import enqueue
from cvq_core.mail import file_mail
from cvq_core.payments.adapter import Order, PayFip
from cvq_core.payments.carts import CartStanding, cart_by_token, lines_of, office_of, standing_of
from cvq_core.payments.rules import AttemptState, CartState, NoOnlinePayment, Notice, PayFipSilent, is_idop
from cvq_core.payments.store import (
    any_due,
    ask_soon,
    attempt_by_refdet,
    begin,
    hear,
    identified,
    locked_attempt,
    take_due,
)
from cvq_core.payments.tables import Cart, PaymentAttempt
from cvq_core.settings import Settings
from cvq_core.text import hour, long_date, money

log = structlog.get_logger(__name__)

LOOK_UP = "look-up-payment"
POLL_EVERY_S = 2.0
ASKED_AT_ONCE = 20
SUBJECT = "Carte de vie quotidienne"


class OnlinePayments:
    """The work of online payment, for one server process; without `payfip`, there is none here."""

    def __init__(self, database: Database, clock: Clock, settings: Settings, payfip: PayFip | None) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._payfip = payfip

    def close(self) -> None:
        """Ask PayFiP no more."""
        if self._payfip is not None:
            self._payfip.close()

    @property
    def offered(self) -> bool:
        """Whether one can pay online here."""
        return self._payfip is not None

    @property
    def payfip(self) -> PayFip:
        """The way to PayFiP.

        Raises:
            NoOnlinePayment: this installation has none.
        """
        if self._payfip is None:
            raise NoOnlinePayment
        return self._payfip

    @property
    def place_code(self) -> str:
        """Where what is paid online is collected.

        Raises:
            NoOnlinePayment: this installation has none.
        """
        if self._settings.payfip_office is None:
            raise NoOnlinePayment
        return self._settings.payfip_office

    def cart_url(self, cart: Cart) -> str:
        """Return a cart's short address."""
        return cart_url(self._settings, cart)

    async def standing(self, token: str) -> CartStanding:
        """Return where a cart stands.

        Raises:
            UnknownCart: no cart has this address.
        """
        async with self._database.read() as db:
            return await standing_of(db, await cart_by_token(db, token), self._clock())

    async def start(self, token: str) -> str:
        """Begin to pay a cart, or go on, and return the address of PayFiP's page.

        Raises:
            NoOnlinePayment, UnknownCart, PayFipSilent and everything of `store.begin`.
        """
        payfip = self.payfip
        standing = await self.standing(token)
        for attempt in standing.attempts:
            # What was begun before is asked about first: it may be paid, and the notification lost.
            if attempt.idop is not None and attempt.state in (AttemptState.SENT, AttemptState.UNKNOWN):
                await self.ask(attempt.id, attempt.idop)
        async with self._database.write() as db:
            attempt = await begin(db, standing.cart.id, new_id(), now=self._clock())
        if attempt.idop is None:
            idop = await payfip.create(self._order(standing.cart, attempt))
            async with self._database.write() as db:
                attempt = await identified(db, attempt.id, idop)
        assert attempt.idop is not None, "it was just identified"
        return payfip.page_url(attempt.idop)

    async def ask(self, attempt_id: UUID, idop: str | None) -> bool:
        """Ask PayFiP about an attempt and take what it says; return whether that credited it."""
        notice: Notice | None = None
        if idop is not None:
            try:
                notice = await self.payfip.result(idop)
            except PayFipSilent:
                notice = None
        async with self._database.write() as db:
            credited = await hear(db, attempt_id, notice, now=self._clock())
            if credited:
                await self.acknowledge(db, attempt_id)
            return credited

    async def ask_again(self, token: str) -> CartStanding:
        """Ask PayFiP about what is open of a cart, and return where it stands then.

        Raises:
            UnknownCart: no cart has this address.
        """
        standing = await self.standing(token)
        open_ones = [each for each in standing.attempts if each.idop is not None and each.state is AttemptState.SENT]
        if standing.state is CartState.PAID or not open_ones or self._payfip is None:
            return standing
        await self.ask(open_ones[-1].id, open_ones[-1].idop)
        return await self.standing(token)

    async def heard(self, idop: str) -> None:
        """Take a notification: nothing of it is believed, PayFiP is asked soon. What looks like none is dropped."""
        if self._payfip is None or not is_idop(idop):
            return
        now = self._clock()
        async with self._database.write() as db:
            if not await ask_soon(db, idop, now):
                # The answer that brought us this identifier may have been lost: its reference says whose it is.
                await enqueue(db, LOOK_UP, {"idop": idop}, now=now, unique_key=f"{LOOK_UP}:{idop}")

    async def look_up(self, payload: dict[str, Any]) -> None:
        """Do the job of finding out what an unknown identifier is about.

        Raises:
            PayFipSilent: it is tried again later.
        """
        idop = str(payload["idop"])
        notice = await self.payfip.result(idop)
        async with self._database.write() as db:
            attempt = await attempt_by_refdet(db, notice.refdet) if notice.refdet else None
            if attempt is None:
                return
            if attempt.idop is None:
                await identified(db, attempt.id, idop)
            if await hear(db, attempt.id, notice, now=self._clock()):
                await self.acknowledge(db, attempt.id)

    async def poll(self) -> int:
        """Ask about every attempt whose turn it is; return how many there were."""
        if self._payfip is None:
            return 0
        async with self._database.read() as db:
            # Looking takes no write lock; mostly there is nothing.
            if not await any_due(db, self._clock()):
                return 0
        async with self._database.write() as db:
            due = await take_due(db, self._clock(), ASKED_AT_ONCE)
        for attempt_id, idop in due:
            await self.ask(attempt_id, idop)
        return len(due)

    async def acknowledge(self, db: AsyncSession, attempt_id: UUID) -> None:
        """File the acknowledgement of a payment that was just credited, where there is an address to send it to."""
        cart, attempt = await locked_attempt(db, attempt_id)
        if not cart.acknowledged or self._settings.smtp_url is None:
            return
        text = await acknowledgement(db, cart, attempt, self._settings)
        subject = "Votre paiement en ligne a été reçu"
        await file_mail(
            db,
            self._settings,
            to=cart.email,
            subject=subject,
            text=text,
            now=self._clock(),
            key=f"payment:{attempt_id}",
        )

    def _order(self, cart: Cart, attempt: PaymentAttempt) -> Order:
        public = str(self._settings.public_url).rstrip("/")
        return Order(
            refdet=attempt.refdet,
            amount_cents=attempt.amount_cents,
            email=cart.email,
            exercise=local_day(attempt.asked_at).year,
            subject=SUBJECT,
            notification_url=f"{public}/api/v1/payfip/notification",
            return_url=f"{public}/p/{cart.token}/retour",
        )


def cart_url(settings: Settings, cart: Cart) -> str:
    """Return a cart's short address."""
    return f"{str(settings.public_url).rstrip('/')}/p/{cart.token}"


async def acknowledgement(db: AsyncSession, cart: Cart, attempt: PaymentAttempt, settings: Settings) -> str:
    """Return the text that acknowledges a payment (CRPA L112-11): when it came, for what, and whom to ask."""
    assert attempt.credited_at is not None
    assert attempt.received_cents is not None
    office = await office_of(db, cart)
    lines = [f"- {line.label} : {money(line.amount_cents)}" for line in await lines_of(db, cart.id)]
    trouble = ["", "Ce paiement demande une vérification : la régie vous écrira."] if attempt.trouble else []
    contact = [office.label, office.address, f"Téléphone : {office.phone}" if office.phone else "", settings.mail_from]
    return "\n".join(
        [
            f"Nous avons reçu votre paiement en ligne de {money(attempt.received_cents)}.",
            "",
            f"Reçu le {_when(attempt.credited_at)}",
            f"Référence : {attempt.refdet}",
            "",
            "Pour :",
            *lines,
            *trouble,
            "",
            "Une question ? Donnez la référence.",
            *(line for line in contact if line),
            "",
        ]
    )


def _when(instant: datetime) -> str:
    return f"{long_date(local(instant).date())}, {hour(instant)}"
