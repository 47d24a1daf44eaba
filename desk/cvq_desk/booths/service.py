"""What a booth's messages do."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.cards.rules import BadCardUid, standing
from cvq_core.cards.store import UnknownCard, card_facts, find_card, standing_in_words
from cvq_core.cards.tables import Card
from cvq_core.clock import local_day
from cvq_core.errors import Refusal
from cvq_core.live import publish
from cvq_core.people.names import words_of
from cvq_core.people.store import accounts_of
from cvq_core.people.tables import Person
from cvq_core.settings import Settings
from cvq_core.staff import Principal
from cvq_core.text import translator
from cvq_desk.booking.alerts import raise_alert
from cvq_desk.booking.tables import Appointment, Booth
from cvq_desk.booths.tables import BoothStatus
from cvq_desk.booths.words import STRANGERS_CARD, UNKNOWN_CARD
from cvq_desk.mandates.service import answer_mandate
from cvq_desk.visits import consents
from cvq_desk.visits import service as visits
from cvq_desk.visits.acts import Act, tell
from cvq_desk.visits.rules import judge_card
from cvq_desk.visits.store import visit_at_booth
from cvq_desk.visits.tables import BoothCommand, Visit
from cvq_desk.wire import (
    CallReport,
    CardGone,
    CardSeen,
    CardState,
    CommandReport,
    ConsentAnswer,
    Devices,
    Hello,
    HelpAsked,
    MandateAnswer,
    Signal,
)

ENDING_STATES = ("done", "failed", "cancelled")
ALERTED_TROUBLES = {"paper_out": "paper_out", "paper_jam": "paper_jam"}


class BoothDesk:
    """Takes one booth's messages, each in a transaction that the socket opened."""

    def __init__(self, db: AsyncSession, principal: Principal, now: datetime, settings: Settings) -> None:
        assert principal.subject_id is not None
        self.db = db
        self.booth_id: UUID = principal.subject_id
        self.now = now
        self.act = Act(db=db, principal=principal, now=now, settings=settings)

    async def status(self) -> BoothStatus:
        """Return the booth's row of status, made on its first line."""
        status = await self.db.get(BoothStatus, self.booth_id)
        if status is None:
            status = BoothStatus(booth_id=self.booth_id, devices={}, software="", card_uid="")
            self.db.add(status)
        return status

    async def town_hall_id(self) -> UUID:
        """Return where the booth stands."""
        return (await self.db.get_one(Booth, self.booth_id)).town_hall_id

    async def tell_town_hall(self) -> None:
        """Tell the secretary's page that the booth's health changed."""
        publish(self.db, f"town_hall:{await self.town_hall_id()}", "booth")

    async def connected(self, connection: UUID) -> None:
        """A line is open; it replaces the one before."""
        status = await self.status()
        status.connection, status.connected_at, status.last_seen_at = connection, self.now, self.now
        await self._tell_all()

    async def disconnected(self, connection: UUID) -> None:
        """The line is gone, unless a newer one is there already."""
        status = await self.status()
        if status.connection == connection:
            status.connection, status.connected_at = None, None
            await self._tell_all()

    async def _tell_all(self) -> None:
        await self.tell_town_hall()
        visit = await visit_at_booth(self.db, self.booth_id)
        if visit is not None:
            publish(self.db, f"visit:{visit.id}", "machines")

    async def hello(self, message: Hello) -> None:
        """The booth says what it runs."""
        status = await self.status()
        status.software = message.software[:60]

    async def devices(self, message: Devices) -> None:
        """The machines' states; what a secretary can mend reaches her with a sound."""
        status = await self.status()
        status.devices = {device.device.value: device.model_dump(mode="json") for device in message.devices}
        visit = await visit_at_booth(self.db, self.booth_id)
        for device in message.devices:
            kind = ALERTED_TROUBLES.get(device.trouble or "")
            if kind:
                await self._alert(kind, visit)
        await self._tell_all()

    async def card_seen(self, message: CardSeen) -> None:
        """A card lies on the reader: whose, and does it fit."""
        status = await self.status()
        status.card_uid = message.uid
        visit = await visit_at_booth(self.db, self.booth_id)
        if visit is None:
            return
        card, state, refusal, words = await self._judge(message.uid, visit)
        if state is CardState.PRESENT:
            visit.card_removed_at = None
        elif visit.card_state == CardState.PRESENT:
            visit.card_removed_at = self.now
        visit.card_state, visit.card_refusal, visit.card_message = state.value, refusal, words
        visit.card_id = card.id if card and state is CardState.PRESENT else None
        if visit.card_id and visit.person_id is None and card is not None:
            visit.person_id = card.person_id
        self.act.journal(
            "card-laid" if not refusal else "card-refused",
            visit,
            outcome="refused" if refusal else "done",
            subject=("card", card.id if card else None),
            personal={"slug": refusal} if refusal else None,
        )
        tell(self.db, visit)

    async def _judge(self, uid: str, visit: Visit) -> tuple[Card | None, CardState, str, str]:
        """Return the card, what becomes of it, the slug of a refusal and what is said of it."""
        say = translator(self.act.settings.language).gettext
        try:
            card = await find_card(self.db, uid=uid)
        except (UnknownCard, BadCardUid):
            return None, CardState.UNKNOWN, "unknown-card", say(UNKNOWN_CARD)
        today = local_day(self.now)
        facts = card_facts(card)
        appointment = await self.db.get_one(Appointment, visit.appointment_id)
        holder = await self.db.get_one(Person, card.person_id)
        expected = visit.person_id
        usable = standing(facts, today)
        state, refusal = judge_card(
            problem="" if usable.usable else usable.slug,
            holder=holder.id,
            expected=expected,
            same_family=expected is not None and await self._same_family(holder.id, expected, today),
            names_agree=_names_agree(holder, appointment),
        )
        words = standing_in_words(facts, today, language=self.act.settings.language)
        if refusal == "strangers-card":
            words = say(STRANGERS_CARD)
        return card, state, refusal, words

    async def _same_family(self, holder: UUID, expected: UUID, today: date) -> bool:
        theirs = {account.id for account in await accounts_of(self.db, holder, today)}
        return any(account.id in theirs for account in await accounts_of(self.db, expected, today))

    async def card_gone(self, message: CardGone) -> None:
        """The card was taken away: the pause begins."""
        status = await self.status()
        status.card_uid = ""
        visit = await visit_at_booth(self.db, self.booth_id)
        if visit is None:
            return
        if visit.card_state == CardState.PRESENT:
            visit.card_removed_at = self.now
        # A card that was refused is away again; the pause goes on since the good one was taken.
        visit.card_state = (CardState.REMOVED if visit.card_removed_at else CardState.ABSENT).value
        visit.card_refusal, visit.card_message = "", ""
        self.act.journal("card-removed", visit)
        tell(self.db, visit)

    async def consent_answer(self, message: ConsentAnswer) -> None:
        """The resident touched or pressed an answer; a late or doubled one changes nothing."""
        visit = await visit_at_booth(self.db, self.booth_id)
        if visit is None:
            return
        try:
            await consents.answer_consent(
                self.act, visit, message.consent_id, agreed=message.agreed, manner=message.manner
            )
        except Refusal:
            return

    async def mandate_answer(self, message: MandateAnswer) -> None:
        """The resident said whether the account is theirs; a late or doubled answer changes nothing."""
        visit = await visit_at_booth(self.db, self.booth_id)
        if visit is None:
            return
        try:
            await answer_mandate(self.act, visit, message.mandate_id, agreed=message.agreed)
        except Refusal:
            return

    async def call_report(self, message: CallReport) -> None:
        """Screen 1 has answered, or tells what it lacks."""
        visit = await self._own(message.visit_id)
        if visit is None:
            return
        if message.state in ("answered", "connected", "no_camera", "no_microphone", "no_devices"):
            await visits.answered(self.act, visit)
        visit.media = {**visit.media, "booth": message.state}
        tell(self.db, visit)

    async def command_report(self, message: CommandReport) -> None:
        """A command goes on, or has ended; an ended one stays so."""
        command = await self.db.get(BoothCommand, message.command_id)
        if command is None or command.booth_id != self.booth_id or command.ended_at is not None:
            return
        command.state = message.state
        command.detail = bounded(message.detail)
        visit = await self.db.get_one(Visit, command.visit_id)
        if message.state in ENDING_STATES:
            command.ended_at = self.now
            self.act.journal(
                f"booth-{command.kind}-{message.state}",
                visit,
                outcome="done" if message.state == "done" else "failed",
                subject=("command", command.id),
                personal={"trouble": message.detail.get("trouble")} if message.detail.get("trouble") else None,
            )
        reason = str(message.detail.get("reason") or message.detail.get("trouble") or "")
        if reason in ALERTED_TROUBLES:
            await self._alert(ALERTED_TROUBLES[reason], visit)
        if command.kind == "wipe" and message.state == "done":
            if (await self.status()).card_uid:
                await self._alert("card_forgotten", visit)
            await visits.wiped(self.act, visit, command.detail)
        tell(self.db, visit, "command", {"command_id": str(command.id), "kind": command.kind})

    async def help_asked(self, message: HelpAsked) -> None:
        """The resident or the machine calls the secretary."""
        kind = "card_forgotten" if message.reason == "card_forgotten" else "help"
        await self._alert(kind, await visit_at_booth(self.db, self.booth_id))

    async def signal(self, message: Signal) -> None:
        """A session description or candidate for the console."""
        visit = await self._own(message.visit_id)
        if visit is not None:
            payload = {"peer": message.peer.value, "data": message.data}
            publish(self.db, f"signals:{visit.id}", "signal", payload)

    async def _own(self, visit_id: UUID) -> Visit | None:
        visit = await visit_at_booth(self.db, self.booth_id)
        return visit if visit is not None and visit.id == visit_id else None

    async def _alert(self, kind: str, visit: Visit | None) -> None:
        await raise_alert(
            self.db,
            town_hall_id=await self.town_hall_id(),
            booth_id=self.booth_id,
            visit_id=visit.id if visit else None,
            kind=kind,
            now=self.now,
        )


def bounded(detail: dict[str, Any]) -> dict[str, Any]:
    """Keep of a booth's detail what is small: numbers, and texts of a line."""
    kept = {str(key)[:40]: value for key, value in list(detail.items())[:20]}
    return {
        key: value[:200] if isinstance(value, str) else value
        for key, value in kept.items()
        if isinstance(value, str | int | float | bool)
    }


def _names_agree(holder: Person, appointment: Appointment) -> bool:
    """Whether the name that the secretary wrote can be the card holder's: one family name and one given name."""
    written = set(words_of(appointment.resident_name))
    family = set(words_of(f"{holder.family_name} {holder.usual_name or ''}"))
    given = set(words_of(holder.given_names))
    same_day = appointment.resident_birth_date in (None, holder.birth_date)
    return bool(written & family) and bool(written & given) and same_day


async def connected_booths(db: AsyncSession, booth_ids: list[UUID]) -> dict[UUID, BoothStatus]:
    """Return the status rows of some booths."""
    rows = await db.scalars(select(BoothStatus).where(BoothStatus.booth_id.in_(booth_ids)))
    return {row.booth_id: row for row in rows}
