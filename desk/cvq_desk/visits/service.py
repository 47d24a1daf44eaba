"""What advisors do with a visit: take it, call, identify, ask, command, end, wipe."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.errors import NotFound
from cvq_core.ids import new_id
from cvq_core.live import publish
from cvq_core.live.tables import LiveEvent
from cvq_core.staff import Permission, Scope
from cvq_desk.booking.tables import Appointment, Booth, TownHall
from cvq_desk.visits import rules
from cvq_desk.visits.acts import Act, own_visit, require_session, tell, tell_everybody
from cvq_desk.visits.consents import end_consents
from cvq_desk.visits.rules import Identity, VisitEvent, VisitState
from cvq_desk.visits.store import (
    staff_name,
    visit_at_booth,
)
from cvq_desk.visits.tables import BoothCommand, Visit
from cvq_desk.wire import CommandKind, PeerName

REFERENCE_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
COMMAND_LIFE = {
    CommandKind.SCAN: timedelta(minutes=10),
    CommandKind.PRINT: timedelta(minutes=10),
    CommandKind.STILL: timedelta(seconds=30),
    CommandKind.WIPE: timedelta(days=1),
}


async def take(act: Act, appointment_id: UUID) -> Visit:
    """Take somebody from the queue; of two advisors at the same moment one has them, the other is told who.

    Raises:
        AlreadyTaken: a colleague was faster.
        NotNow: the appointment is over.
    """
    wanted = select(Appointment).where(Appointment.id == appointment_id).with_for_update()
    appointment = (await act.db.scalars(wanted)).first()
    if appointment is None:
        raise NotFound
    act.principal.require(Permission.SERVE, Scope("organisation", appointment.organisation_id))
    assert act.principal.id is not None
    taken = await _visit_of(act.db, appointment_id)
    if taken is not None:
        if taken.advisor_id == act.principal.id:
            return taken
        raise rules.AlreadyTaken(advisor=await staff_name(act.db, taken.advisor_id))
    if appointment.status not in ("expected", "arrived", "seated"):
        raise rules.NotNow
    visit = Visit(
        id=new_id(),
        appointment_id=appointment.id,
        advisor_id=act.principal.id,
        booth_id=appointment.booth_id,
        organisation_id=appointment.organisation_id,
        state=VisitState.TAKEN.value,
        reference=_reference(act.now),
        taken_at=act.now,
        person_id=appointment.person_id,
        media={},
    )
    act.db.add(visit)
    await act.db.flush()
    act.journal("visit-taken", visit, subject=("appointment", appointment.id))
    await tell_everybody(act.db, visit)
    return visit


async def release(act: Act, visit_id: UUID) -> Visit:
    """Give somebody back to the queue, before the first call."""
    return await _advance(act, await own_visit(act, visit_id), VisitEvent.RELEASE)


async def call(act: Act, visit_id: UUID) -> Visit:
    """Call the booth: it rings, seen and heard, and answers by itself when the ring is over.

    Raises:
        NotSeated: the secretary has not said that the resident is there.
        BoothBusy: another visit has the booth.
    """
    visit = await own_visit(act, visit_id)
    appointment = await act.db.get_one(Appointment, visit.appointment_id)
    if appointment.status != "seated":
        raise rules.NotSeated(phone=await _phone(act.db, visit.booth_id), visit_id=visit.id)
    other = await visit_at_booth(act.db, visit.booth_id)
    if other is not None and other.id != visit.id:
        raise rules.BoothBusy(visit_id=visit.id)
    visit.ringing_until = act.now + timedelta(seconds=act.settings.ring_s)
    try:
        return await _advance(act, visit, VisitEvent.CALL)
    except IntegrityError:
        raise rules.BoothBusy from None


async def answered(act: Act, visit: Visit) -> None:
    """Note that the booth has answered; before the ring is over it cannot have, and is not believed."""
    if visit.state != VisitState.RINGING or visit.ringing_until is None or act.now < visit.ringing_until:
        return
    visit.answered_at = visit.answered_at or act.now
    await _advance(act, visit, VisitEvent.ANSWERED)


async def hang_up(act: Act, visit_id: UUID) -> Visit:
    """Hang up; the visit goes on and one can call again."""
    visit = await _advance(act, await own_visit(act, visit_id), VisitEvent.HANG_UP)
    visit.ringing_until = None
    return visit


async def end(act: Act, visit_id: UUID) -> Visit:
    """Say goodbye: screen 2 names what to take home; nothing is wiped yet."""
    return await _end(act, await own_visit(act, visit_id))


async def go_back(act: Act, visit_id: UUID) -> Visit:
    """Go on after all: in the call that still stands, or else one rings again first."""
    visit = await own_visit(act, visit_id)
    return await _advance(act, visit, VisitEvent.GO_BACK if visit.ringing_until else VisitEvent.GO_BACK_UNCONNECTED)


async def wipe(act: Act, visit_id: UUID) -> Visit:
    """End the visit: consent is over, the booth forgets everything."""
    return await _wipe(act, await own_visit(act, visit_id))


async def abandon(act: Act, visit: Visit) -> None:
    """End a visit that was left standing for too long: given back before its first call, wiped afterwards."""
    if VisitState(visit.state) in rules.OVER or visit.state == VisitState.WIPING:
        return  # somebody was faster
    if visit.state == VisitState.TAKEN:
        await _advance(act, visit, VisitEvent.RELEASE)
        return
    if visit.state != VisitState.ENDING:
        await _end(act, visit)
    await _wipe(act, visit)


async def _end(act: Act, visit: Visit) -> Visit:
    """A call that has not been answered, or was hung up, must not come alive at the goodbye."""
    connected = visit.state == VisitState.IN_CALL
    await _advance(act, visit, VisitEvent.END)
    if not connected:
        visit.ringing_until = None
    return visit


async def _wipe(act: Act, visit: Visit) -> Visit:
    await _advance(act, visit, VisitEvent.WIPE)
    await end_consents(act, visit, why="visit-ended")
    await _cancel_commands(act, visit)
    await command(act, visit, CommandKind.WIPE, {})
    return visit


async def wiped(act: Act, visit: Visit, what: dict[str, Any]) -> None:
    """Note that the booth has forgotten; the visit is over and its signals are deleted."""
    if visit.state != VisitState.WIPING:
        return
    visit.wiped = what
    visit.ended_at = act.now
    visit.card_state, visit.card_id, visit.card_removed_at, visit.shown = "absent", None, None, "welcome"
    visit.card_refusal, visit.card_message = "", ""
    visit.current_field, visit.curtain, visit.window_shared = "", False, False
    await _advance(act, visit, VisitEvent.WIPED)
    await act.db.execute(
        update(Appointment).where(Appointment.id == visit.appointment_id).values(status="served", ended_at=act.now)
    )
    topics = [f"signals:{visit.id}", f"booth:{visit.booth_id}"]
    await act.db.execute(delete(LiveEvent).where(LiveEvent.topic.in_(topics), LiveEvent.kind == "signal"))


async def note_identity(act: Act, visit_id: UUID, identity: Identity) -> Visit:
    """Record how the resident is known: a paper shown to the camera, or the secretary's word.

    Raises:
        NotVouched: the secretary gave no word.
    """
    visit = await own_visit(act, visit_id)
    require_session(visit)
    by = act.principal.name
    if identity is Identity.VOUCHED:
        appointment = await act.db.get_one(Appointment, visit.appointment_id)
        if appointment.vouched_by is None:
            raise rules.NotVouched(visit_id=visit.id)
        by = await staff_name(act.db, appointment.vouched_by)
    visit.identity, visit.identity_by = identity.value, by if identity is not Identity.NONE else ""
    act.journal("identity-noted", visit, personal={"identity": identity.value})
    tell(act.db, visit)
    return visit


async def show(act: Act, visit_id: UUID, page: str) -> Visit:
    """Choose what screen 2 shows."""
    visit = await own_visit(act, visit_id)
    require_session(visit)
    visit.shown = page
    tell(act.db, visit)
    return visit


async def set_curtain(act: Act, visit: Visit, drawn: bool) -> None:
    """Blank both screens of the booth, or show them again."""
    visit.curtain = drawn
    act.journal("curtain", visit, personal={"drawn": drawn})
    tell(act.db, visit)


async def share_window(act: Act, visit_id: UUID, shared: bool) -> Visit:
    """Say that screen 2 shows a window of the advisor's, or no longer."""
    visit = await own_visit(act, visit_id)
    require_session(visit)
    visit.window_shared = shared
    act.journal("window-shared" if shared else "window-hidden", visit)
    tell(act.db, visit)
    return visit


def signal_booth(db: AsyncSession, visit: Visit, peer: PeerName, data: dict[str, Any]) -> None:
    """Pass a session description or a candidate on to the booth."""
    if VisitState(visit.state) not in rules.AT_THE_BOOTH:
        raise rules.NotNow(visit_id=visit.id)
    payload = {"visit_id": str(visit.id), "peer": peer.value, "data": data}
    publish(db, f"booth:{visit.booth_id}", "signal", payload)


async def cancel_command(act: Act, visit: Visit, command_id: UUID) -> BoothCommand:
    """Have the booth stop a scan or a print; one that has ended stays as it ended."""
    row = await act.db.get(BoothCommand, command_id)
    if row is None or row.visit_id != visit.id:
        raise NotFound
    cancels = {CommandKind.SCAN: CommandKind.CANCEL_SCAN, CommandKind.PRINT: CommandKind.CANCEL_PRINT}
    if row.ended_at is None and CommandKind(row.kind) in cancels:
        await command(act, visit, cancels[CommandKind(row.kind)], {"command_id": str(row.id)})
    return row


async def command(
    act: Act, visit: Visit, kind: CommandKind, params: dict[str, Any], *, command_id: UUID | None = None
) -> BoothCommand:
    """Have the booth's machine do something; the same `command_id` twice is one command."""
    command_id = command_id or new_id()
    known = await act.db.get(BoothCommand, command_id)
    if known is not None:
        if known.visit_id != visit.id:
            raise NotFound
        return known
    row = BoothCommand(
        id=command_id,
        visit_id=visit.id,
        booth_id=visit.booth_id,
        kind=kind.value,
        params=params,
        state="asked",
        detail={},
        asked_by=act.principal.id or visit.advisor_id,
        asked_at=act.now,
        deadline=act.now + COMMAND_LIFE.get(kind, timedelta(minutes=1)),
    )
    act.db.add(row)
    act.journal(f"booth-{kind.value}", visit, subject=("command", row.id))
    tell(act.db, visit)
    return row


async def _cancel_commands(act: Act, visit: Visit) -> None:
    await act.db.execute(
        update(BoothCommand)
        .where(BoothCommand.visit_id == visit.id, BoothCommand.ended_at.is_(None), BoothCommand.kind != "wipe")
        .values(state="cancelled", ended_at=act.now)
    )


async def _advance(act: Act, visit: Visit, event: VisitEvent) -> Visit:
    try:
        visit.state = rules.next_state(VisitState(visit.state), event).value
    except rules.NotNow as refusal:
        refusal.facts["visit_id"] = visit.id
        raise
    await act.db.flush()
    act.journal(f"visit-{event.value}", visit)
    await tell_everybody(act.db, visit)
    return visit


async def _visit_of(db: AsyncSession, appointment_id: UUID) -> Visit | None:
    rows = await db.scalars(select(Visit).where(Visit.appointment_id == appointment_id, Visit.state != "released"))
    return rows.first()


async def _phone(db: AsyncSession, booth_id: UUID) -> str:
    wanted = select(TownHall.phone).join(Booth, Booth.town_hall_id == TownHall.id).where(Booth.id == booth_id)
    return await db.scalar(wanted) or ""


def _reference(now: datetime) -> str:
    """Return a reference that can be read aloud: the day and six letters and digits, none that look alike."""
    return f"{now:%y%m%d}-" + "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(6))
