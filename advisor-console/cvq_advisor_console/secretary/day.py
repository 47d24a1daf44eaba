"""The regions beside the form: today's list, and the booth's health."""

from __future__ import annotations

from datetime import datetime

from cvq_advisor_console.console.around import MACHINE_WORDS, MACHINES
from cvq_advisor_console.secretary.place import Place
from cvq_advisor_console.secretary.words import ALERT_WORDS, CLOSING_AT
from cvq_advisor_console.views.secretary import (
    BoothAlert,
    BoothHealthView,
    BoothState,
    ComingRow,
    MachineState,
    RowState,
    TodayRow,
    TodayView,
)
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.text import hour
from cvq_core.web.views import Act
from cvq_desk.booking.alerts import AlertKind
from cvq_desk.booking.rules import HOLDS_TIME, AppointmentEvent, AppointmentStatus, may
from cvq_desk.booking.store import DayEntry, appointments_after, appointments_of_day, calendar_of, open_alerts
from cvq_desk.booking.tables import Alert, Organisation
from cvq_desk.booths.tables import BoothStatus
from cvq_desk.booths.words import TROUBLES
from cvq_desk.visits.rules import VisitState
from cvq_desk.visits.store import visit_at_booth

E = AppointmentEvent
PATHS = {
    E.EXPECT: "attendu",
    E.ARRIVE: "arrive",
    E.SEAT: "assis",
    E.MARK_ABSENT: "absent",
    E.CANCEL: "annuler",
}
VISIT_STATES = {VisitState.RINGING: BoothState.RINGING, VisitState.WIPING: BoothState.WIPING}
URGENT = (AlertKind.FAINTNESS, AlertKind.HELP)
SEAT_TAKEN = N_("Quelqu’un est déjà assis au guichet.")


def act_on(entry_id: object, path: str, why_not: str = "") -> Act:
    """Return what the page can ask for an appointment."""
    return Act(f"/mairie/rendez-vous/{entry_id}/{path}", why_not)


async def today_view(place: Place) -> TodayView:
    """Return today's list."""
    now = place.context.now
    entries = await appointments_of_day(place.context.db, place.town_hall.id, local_day(now))
    seated = next((e.appointment.id for e in entries if e.appointment.status == AppointmentStatus.SEATED), None)
    span = (await calendar_of(place.context.db, place.town_hall.id, now)).open_at(now)
    return TodayView(
        region=place.region("jour"),
        place=place.town_hall.name,
        rows=tuple(
            _row(entry, "" if seated in (None, entry.appointment.id) else place.say(SEAT_TAKEN)) for entry in entries
        ),
        closes_at=span.ends_at if span else None,
        coming=tuple(
            ComingRow(
                id=str(appointment.id),
                starts_at=appointment.starts_at,
                name=appointment.resident_name,
                initials=initials(appointment.resident_name),
                organisation=organisation.short_name,
                slip_url=slip_url(appointment.id),
                move_url=f"/mairie/rendez-vous/{appointment.id}/deplacer",
                cancel=act_on(appointment.id, PATHS[E.CANCEL]),
            )
            for appointment, organisation in await appointments_after(
                place.context.db, place.town_hall.id, local_day(now)
            )
        ),
    )


def slip_url(appointment_id: object) -> str:
    """Return where the slip of an appointment is."""
    return f"/mairie/rendez-vous/{appointment_id}/bulletin.pdf"


def _row(entry: DayEntry, seat_taken: str) -> TodayRow:
    appointment = entry.appointment
    status = AppointmentStatus(appointment.status)

    def key(event: AppointmentEvent, here: AppointmentStatus, why_not: str = "") -> Act | None:
        """The key of the state that is says so and does nothing; another is there where it leads somewhere."""
        offered = status is here or may(status, event)
        return act_on(appointment.id, PATHS[event], why_not) if offered and not entry.visit_is_on else None

    over = status in (AppointmentStatus.SERVED, AppointmentStatus.CANCELLED)
    return TodayRow(
        id=str(appointment.id),
        starts_at=appointment.starts_at,
        name=appointment.resident_name,
        initials=initials(appointment.resident_name),
        organisation=entry.organisation.short_name,
        state=RowState.IN_VISIT if entry.visit_is_on else RowState(status.value),
        state_since=_since(entry),
        expect=None if over else key(E.EXPECT, AppointmentStatus.EXPECTED),
        arrive=None if over else key(E.ARRIVE, AppointmentStatus.ARRIVED),
        seat=None if over else key(E.SEAT, AppointmentStatus.SEATED, seat_taken),
        mark_absent=None if over else key(E.MARK_ABSENT, AppointmentStatus.ABSENT),
        vouch=act_on(appointment.id, "atteste") if status in HOLDS_TIME and appointment.vouched_by is None else None,
        vouched=appointment.vouched_by is not None,
        slip_url="" if over else slip_url(appointment.id),
    )


def _since(entry: DayEntry) -> datetime | None:
    if entry.visit is not None and entry.visit_is_on:
        return entry.visit.answered_at or entry.visit.taken_at
    return entry.appointment.seated_at or entry.appointment.arrived_at


def initials(name: str) -> str:
    """Return what stands for a name that must not face the queue: "J. M."."""
    return " ".join(f"{part[0].upper()}." for part in name.replace("-", " ").split()[:3])


async def health_view(place: Place) -> BoothHealthView:
    """Return how the booth is, what its machines say, and what wants the secretary."""
    db, now = place.context.db, place.context.now
    status = await db.get(BoothStatus, place.booth.id)
    online = status is not None and status.connected_at is not None
    visit = await visit_at_booth(db, place.booth.id)
    is_open = (await calendar_of(db, place.town_hall.id, now)).open_at(now) is not None
    since: datetime | None = None
    organisation = ""
    if not online:
        # A booth that sleeps with its town hall is no trouble.
        state = BoothState.OFFLINE if is_open or visit is not None else BoothState.CLOSED
        since = status.last_seen_at if status else None
    elif visit is not None:
        state = VISIT_STATES.get(VisitState(visit.state), BoothState.BUSY)
        since = visit.answered_at or visit.taken_at
        organisation = (await db.get_one(Organisation, visit.organisation_id)).short_name
    else:
        state = BoothState.READY if is_open else BoothState.CLOSED
    alerts = sorted(await open_alerts(db, place.town_hall.id), key=lambda alert: alert.kind not in URGENT)
    return BoothHealthView(
        region=place.region("guichet"),
        state=state,
        since=since,
        advisor_organisation=organisation,
        checked_at=status.last_seen_at if status and online else None,
        machines=_machines(place, status) if status and online else (),
        alerts=tuple(_alert(place, alert) for alert in alerts),
    )


def _machines(place: Place, status: BoothStatus) -> tuple[MachineState, ...]:
    rows: list[MachineState] = []
    for name, label, _icon in MACHINES:
        device = status.devices.get(name)
        if device is None:
            continue
        word, tone = MACHINE_WORDS.get(str(device.get("state")), MACHINE_WORDS["missing"])
        trouble = TROUBLES.get(str(device.get("trouble") or ""))
        rows.append(MachineState(place.say(label), place.say(trouble.what if trouble else word), tone))
    return tuple(rows)


def _alert(place: Place, alert: Alert) -> BoothAlert:
    words = ALERT_WORDS[AlertKind(alert.kind)]
    title = place.say(words.title)
    if closes_at := alert.detail.get("closes_at"):
        at = hour(datetime.fromisoformat(closes_at), place.context.language)
        title = place.say(CLOSING_AT, hour=at)
    return BoothAlert(
        id=str(alert.id),
        kind=words.sound,
        title=title,
        todo=place.say(words.todo),
        since=alert.raised_at,
        acknowledge=Act(f"/mairie/alertes/{alert.id}/vu"),
    )
