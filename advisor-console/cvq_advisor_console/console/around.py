"""The regions around the person: queue, bar, call, machines, card, consent, end."""

from __future__ import annotations

import json
from datetime import timedelta

from sqlalchemy import select

from cvq_advisor_console.console.desk import Desk
from cvq_advisor_console.views.visit import (
    CallTrouble,
    CallView,
    ConsentView,
    EndingState,
    EndingView,
    IdentityLevel,
    LaterRow,
    MachineRow,
    MachinesView,
    PersonView,
    QueueRow,
    QueueView,
    ScopeChoice,
    VisitBarView,
    WipedPart,
)
from cvq_core.cards.tables import Card
from cvq_core.errors import N_
from cvq_core.people.names import spoken_name
from cvq_core.people.tables import Person
from cvq_core.staff import Permission
from cvq_core.web import Context
from cvq_core.web.views import Act, Region
from cvq_desk.booking.alerts import AlertKind
from cvq_desk.booking.store import calendar_of
from cvq_desk.booking.tables import Alert, Organisation
from cvq_desk.booths.words import TROUBLES
from cvq_desk.visits.rules import LOOKS, SCOPE_WORDS, ConsentScope, Identity, VisitState, call_of, pause_ends
from cvq_desk.visits.store import QueueEntry, card_facts, queue
from cvq_desk.visits.summary import summary_of
from cvq_desk.wire import CardState, ConsentState

TELL_HIMSELF = N_("à dire au conseiller")
CLOSING_WARNING = timedelta(minutes=20)

MACHINES = (
    ("scanner", N_("Scanner"), "scan"),
    ("printer", N_("Imprimante"), "printer"),
    ("card_reader", N_("Lecteur de carte"), "credit-card"),
    ("camera", N_("Caméra des papiers"), "camera"),
    ("screens", N_("Écrans"), "device-desktop"),
)
MACHINE_WORDS = {
    "ready": (N_("prêt"), "ok"),
    "busy": (N_("au travail"), "sun"),
    "missing": (N_("absent"), "off"),
    "trouble": (N_("arrêté"), "alert"),
}
MANNER_WORDS = {
    "touch": N_("donné en touchant l’écran"),
    "key": N_("donné avec une touche"),
    "spoken": N_("donné de vive voix"),
}
WIPED_WORDS = (
    ("spool", N_("Les pages et les documents")),
    ("screens", N_("Les deux écrans")),
    ("clipboard", N_("Le presse-papiers")),
    ("browser", N_("La mémoire du navigateur")),
)
BOOTH_TROUBLES = {
    "no_camera": CallTrouble.BOOTH_NO_CAMERA,
    "no_microphone": CallTrouble.BOOTH_NO_MICROPHONE,
    "no_devices": CallTrouble.BOOTH_NO_DEVICES,
}


async def queue_view(context: Context, page: str = "console") -> QueueView:
    """Return who waits for one's organisations."""
    organisations = context.principal.scope_ids(Permission.SERVE)
    names = await context.db.scalars(
        select(Organisation.short_name).where(Organisation.id.in_(organisations)).order_by(Organisation.position)
    )
    entries = await queue(context.db, organisations, context.now)
    return QueueView(
        region=Region(
            url=f"/console/fragments/queue?page={page}",
            topics=tuple(f"queue:{organisation}" for organisation in sorted(organisations, key=str)),
        ),
        organisation=", ".join(names),
        rows=tuple(_queue_row(context, entry, page) for entry in entries if _is_here(entry)),
        later=tuple(
            LaterRow(entry.appointment.starts_at, entry.appointment.resident_name, entry.place)
            for entry in entries
            if not _is_here(entry)
        ),
    )


def _is_here(entry: QueueEntry) -> bool:
    return entry.waiting_since is not None or entry.visit is not None


def _queue_row(context: Context, entry: QueueEntry, page: str) -> QueueRow:
    mine = entry.visit is not None and entry.visit.advisor_id == context.principal.id
    take = Act(f"/console/take/{entry.appointment.id}?page={page}") if entry.visit is None else None
    return QueueRow(
        id=str(entry.appointment.id),
        name=entry.appointment.resident_name,
        place=entry.place,
        reason=entry.reason or context._(TELL_HIMSELF),
        since=entry.waiting_since or entry.appointment.starts_at,
        seated=entry.appointment.status == "seated",
        take=take,
        taken_by="" if mine or entry.visit is None else entry.advisor,
        mine=mine,
    )


async def bar_view(desk: Desk) -> VisitBarView:
    """Return the line that is always in sight: who, since when, and what stands open until when."""
    visit, consent = desk.visit, desk.consent
    given = consent is not None and consent.state == ConsentState.GIVEN
    span = (await calendar_of(desk.db, desk.town_hall.id, desk.context.now)).open_at(desk.context.now)
    closes_soon = span is not None and span.ends_at - desk.context.now < CLOSING_WARNING
    ends = desk.in_session or desk.state is VisitState.RINGING
    return VisitBarView(
        region=desk.region("visit_bar"),
        name=desk.appointment.resident_name,
        place=desk.town_hall.name,
        reason=desk.reason.label if desk.reason else desk.say(TELL_HIMSELF),
        started_at=visit.answered_at,
        consent=ConsentState(consent.state) if consent else None,
        consent_until=consent.until if consent and given else None,
        close_account=desk.act("close-account") if given else None,
        end=desk.act("end") if ends and desk.state is not VisitState.ENDING else None,
        town_hall_closes_at=span.ends_at if span and closes_soon else None,
    )


def call_view(desk: Desk) -> CallView:
    """Return the call's state and keys."""
    visit, state = desk.visit, desk.state
    troubles = []
    if not desk.online:
        troubles.append(CallTrouble.BOOTH_OFFLINE)
    trouble = BOOTH_TROUBLES.get(str(visit.media.get("booth", "")))
    if trouble and state in (VisitState.IN_CALL, VisitState.ENDING):
        troubles.append(trouble)
    can_call = state in (VisitState.TAKEN, VisitState.HUNG_UP)
    seated = desk.appointment.status == "seated"
    why_not = "" if seated else desk.say(N_("Vous pourrez appeler dès que la personne sera assise au guichet."))
    at_booth = state in (VisitState.IN_CALL, VisitState.HUNG_UP, VisitState.ENDING)
    drawn = "false" if visit.curtain else "true"
    return CallView(
        region=desk.region("call"),
        visit_id=str(visit.id),
        state=call_of(state, connected=visit.ringing_until is not None),
        ringing_until=visit.ringing_until if state is VisitState.RINGING else None,
        ice_servers=json.dumps(desk.context.services.settings.ice_servers),
        troubles=tuple(troubles),
        call=desk.act("call", why_not) if can_call else None,
        hang_up=desk.act("hang-up") if state in (VisitState.RINGING, VisitState.IN_CALL) else None,
        curtain=desk.act(f"curtain?drawn={drawn}") if at_booth else None,
        curtain_drawn=visit.curtain,
    )


async def machines_view(desk: Desk) -> MachinesView:
    """Return the booth's machines, each in a word, and what to tell the resident of a trouble."""
    devices = desk.status.devices if desk.status else {}
    called = await desk.db.scalar(
        select(Alert.raised_at).where(
            Alert.visit_id == desk.visit.id,
            Alert.kind.in_((AlertKind.HELP.value, AlertKind.FAINTNESS.value)),
            Alert.settled_at.is_(None),
        )
    )
    comes = called is None and await desk.db.scalar(
        select(Alert.id).where(
            Alert.visit_id == desk.visit.id,
            Alert.kind.in_((AlertKind.HELP.value, AlertKind.FAINTNESS.value)),
            Alert.settled_at.is_not(None),
            Alert.settled_at > desk.context.now - timedelta(minutes=5),
        )
    )
    return MachinesView(
        region=desk.region("machines"),
        rows=tuple(_machine_row(desk, devices[name], label, icon) for name, label, icon in MACHINES if name in devices),
        offline_since=None if desk.online or desk.status is None else desk.status.last_seen_at,
        call_secretary=desk.act("alerts?kind=help"),
        say_faint=desk.act("alerts?kind=faintness"),
        secretary_called_at=called or (desk.context.now if comes else None),
        secretary_comes=bool(comes),
    )


def _machine_row(desk: Desk, device: dict[str, object], label: str, icon: str) -> MachineRow:
    word, tone = MACHINE_WORDS.get(str(device.get("state")), MACHINE_WORDS["missing"])
    trouble = TROUBLES.get(str(device.get("trouble") or ""))
    return MachineRow(
        name=desk.say(label),
        word=desk.say(trouble.what if trouble else word),
        tone=tone,
        icon=icon,
        tell=desk.say(trouble.say) if trouble else "",
    )


async def person_view(desk: Desk) -> PersonView:
    """Return who sits there, how one knows, and the card on the reader."""
    visit = desk.visit
    holder = ""
    if visit.card_id is not None:
        card = await desk.db.get_one(Card, visit.card_id)
        person = await desk.db.get_one(Person, card.person_id)
        holder = desk.say(
            N_("Carte de {name}"), name=spoken_name(person.family_name, person.usual_name, person.given_names)
        )
    removed_until = pause_ends(card_facts(visit), timedelta(seconds=desk.context.services.settings.card_pause_s))
    asks = (
        desk.consent is not None and desk.consent.state == ConsentState.GIVEN and desk.consent.with_card
    ) and visit.card_state == CardState.REMOVED
    session = desk.in_session
    identity = Identity(visit.identity)
    return PersonView(
        region=desk.region("person"),
        name=desk.appointment.resident_name,
        identity=IdentityLevel(identity.value),
        identity_by=desk.say(N_("par {name}"), name=visit.identity_by) if visit.identity_by else "",
        paper_shown=desk.act("identity?identity=paper_shown") if session and identity is Identity.NONE else None,
        vouched=desk.act("identity?identity=vouched")
        if session and identity is Identity.NONE and desk.appointment.vouched_by
        else None,
        not_checked=desk.act("identity?identity=none") if session and identity is not Identity.NONE else None,
        card=CardState(visit.card_state) if asks or visit.card_state != CardState.REMOVED else CardState.ABSENT,
        card_holder=holder,
        card_message=visit.card_message,
        removed_until=removed_until if asks else None,
        go_on_without_card=desk.act("without-card") if asks else None,
        close_account=desk.act("close-account") if asks else None,
    )


async def consent_view(desk: Desk) -> ConsentView:
    """Return the question to the resident, its answer, and its end."""
    consent = desk.consent
    state = ConsentState(consent.state) if consent else None
    accounts = await desk.accounts()
    ask = None
    if desk.in_session and state not in (ConsentState.ASKED, ConsentState.GIVEN):
        why_not = ""
        if desk.visit.identity == Identity.NONE:
            why_not = desk.say(N_("Vérifiez d’abord l’identité."))
        elif not accounts:
            why_not = desk.say(N_("Cette personne n’a pas de compte : l’entretien se fait aussi bien sans."))
        account_id = accounts[0].id if accounts else ""
        ask = desk.act(f"consents?account_id={account_id}", why_not)
    note = desk.act(f"consents/{consent.id}/spoken") if consent and state is ConsentState.ASKED else None
    return ConsentView(
        region=desk.region("consent"),
        state=state,
        scopes=tuple(
            ScopeChoice(scope.value, desk.say(words), chosen=scope in LOOKS)
            for scope, words in SCOPE_WORDS.items()
            if scope is not ConsentScope.QUOTIENT or desk.asks_for_quotients
        ),
        what=tuple(desk.say(SCOPE_WORDS[ConsentScope(scope)]) for scope in consent.scopes) if consent else (),
        until=consent.until if consent else None,
        manner=desk.say(MANNER_WORDS[consent.manner]) if consent and consent.manner in MANNER_WORDS else "",
        ask=ask,
        note_yes=Act(f"{note.url}?agreed=true") if note else None,
        note_no=Act(f"{note.url}?agreed=false") if note else None,
        withdraw=desk.act("close-account") if state is ConsentState.GIVEN else None,
        why_not="" if desk.in_session else desk.say(N_("Possible pendant l’entretien.")),
    )


async def ending_view(desk: Desk, page: str = "console") -> EndingView:
    """Return the end of the visit: the summary, how it goes home, and the booth's forgetting."""
    state = {
        VisitState.ENDING: EndingState.OPEN,
        VisitState.WIPING: EndingState.WIPING,
        VisitState.ENDED: EndingState.ENDED,
    }.get(desk.state, EndingState.NOT_YET)
    region = desk.region("ending")
    if state is EndingState.NOT_YET:
        return EndingView(region=region)
    wiped = desk.visit.wiped or {}
    parts = tuple(WipedPart(desk.say(words), bool(wiped.get(name))) for name, words in WIPED_WORDS)
    if state is not EndingState.OPEN:
        return EndingView(region=region, state=state, reference=desk.visit.reference, wiped=parts, next_url=f"/{page}")
    summary = await summary_of(desk.db, desk.visit, advisor=desk.context.principal.name)
    mail = desk.context.services.settings.smtp_url is not None
    person = await desk.db.get(Person, desk.visit.person_id) if desk.visit.person_id else None
    return EndingView(
        region=region,
        state=state,
        reference=desk.visit.reference,
        lines=summary.lines,
        summary_url=f"/console/{desk.visit.id}/resume.pdf",
        # Somebody's address is on their account: it is not shown unless they opened it.
        email=(person.email or "") if person and desk.consent and desk.consent.state == ConsentState.GIVEN else "",
        print_summary=desk.act("summary/print"),
        send_summary=desk.act("summary/mail") if mail else None,
        finish=desk.act("wipe"),
        back=desk.act("go-back"),
    )
