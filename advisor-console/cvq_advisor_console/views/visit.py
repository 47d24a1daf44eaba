"""The console's regions around the person: queue, call, machines, card, consent and the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cvq_core.web.views import Act, Explanation, Region
from cvq_desk.wire import CallState, CardState, ConsentState


@dataclass(frozen=True, slots=True)
class QueueRow:
    """Somebody who waits. `seated` at the booth can be called; `taken_by` is a colleague, `mine` oneself."""

    id: str
    name: str
    place: str
    reason: str
    since: datetime
    seated: bool = False
    take: Act | None = None
    taken_by: str = ""
    mine: bool = False


@dataclass(frozen=True, slots=True)
class LaterRow:
    """An appointment still to come today."""

    starts_at: datetime
    name: str
    place: str


@dataclass(frozen=True, slots=True)
class QueueView:
    """`fragments/queue.html`. `refused` says why a take was not had: a colleague was first, and who."""

    region: Region
    organisation: str
    rows: tuple[QueueRow, ...] = ()
    later: tuple[LaterRow, ...] = ()
    refused: Explanation | None = None
    stale_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class VisitBarView:
    """`fragments/visit_bar.html`: always in sight. Empty (no `name`) while nobody is being served.

    `consent_until` is set while an account is open; `close_account` ends that at once.
    """

    region: Region
    name: str = ""
    place: str = ""
    reason: str = ""
    started_at: datetime | None = None
    consent: ConsentState | None = None
    consent_until: datetime | None = None
    close_account: Act | None = None
    end: Act | None = None
    town_hall_closes_at: datetime | None = None


class CallTrouble(StrEnum):
    """What the call does without."""

    BOOTH_NO_CAMERA = "booth_no_camera"
    BOOTH_NO_MICROPHONE = "booth_no_microphone"
    BOOTH_NO_DEVICES = "booth_no_devices"
    BOOTH_OFFLINE = "booth_offline"


@dataclass(frozen=True, slots=True)
class CallView:
    """`fragments/call.html`: the call's state and keys; the pictures themselves stand outside the region.

    The module that calls reads `visit_id`, `state` and `ice_servers` (JSON) from the region's `data-` attributes.
    """

    region: Region
    visit_id: str = ""
    state: CallState = CallState.NONE
    ringing_until: datetime | None = None
    ice_servers: str = "[]"
    troubles: tuple[CallTrouble, ...] = ()
    call: Act | None = None
    hang_up: Act | None = None
    curtain: Act | None = None
    curtain_drawn: bool = False


@dataclass(frozen=True, slots=True)
class MachineRow:
    """One machine of the booth: its state in a word, what to tell the resident, what to do oneself."""

    name: str
    word: str
    tone: str = "ok"
    icon: str = "device-desktop"
    tell: str = ""
    todo: str = ""


@dataclass(frozen=True, slots=True)
class MachinesView:
    """`fragments/machines.html`."""

    region: Region
    rows: tuple[MachineRow, ...] = ()
    offline_since: datetime | None = None
    call_secretary: Act | None = None
    say_faint: Act | None = None
    secretary_called_at: datetime | None = None
    secretary_comes: bool = False


class IdentityLevel(StrEnum):
    """What the identity rests on; it is written with the visit."""

    NONE = "none"
    PAPER_SHOWN = "paper_shown"
    VOUCHED = "vouched"


@dataclass(frozen=True, slots=True)
class PersonView:
    """`fragments/person.html`: who it is, how one knows, and the card on the reader.

    `removed_until` ends the pause after the card was taken away; then `go_on_without_card` and the bar's
    `close_account` are asked. `card_message` is why a card was refused and what to do.
    """

    region: Region
    name: str
    identity: IdentityLevel = IdentityLevel.NONE
    identity_by: str = ""
    paper_shown: Act | None = None
    vouched: Act | None = None
    not_checked: Act | None = None
    card: CardState = CardState.ABSENT
    card_holder: str = ""
    card_message: str = ""
    removed_until: datetime | None = None
    go_on_without_card: Act | None = None
    close_account: Act | None = None


@dataclass(frozen=True, slots=True)
class ScopeChoice:
    """Something that could be opened, in the words that screen 2 shows."""

    name: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class ConsentView:
    """`fragments/consent.html`: POST `scope` (one or several) to `ask.url`; then the answer, and its end.

    `state` is none before it was asked. `note_yes` and `note_no` write down an answer given aloud.
    """

    region: Region
    state: ConsentState | None = None
    scopes: tuple[ScopeChoice, ...] = ()
    what: tuple[str, ...] = ()
    until: datetime | None = None
    manner: str = ""
    ask: Act | None = None
    note_yes: Act | None = None
    note_no: Act | None = None
    withdraw: Act | None = None
    why_not: str = ""


class EndingState(StrEnum):
    """How far the end of a visit is."""

    NOT_YET = "not_yet"
    OPEN = "open"
    WIPING = "wiping"
    ENDED = "ended"
    WIPE_FAILED = "wipe_failed"


@dataclass(frozen=True, slots=True)
class WipedPart:
    """One thing that the booth forgets."""

    name: str
    done: bool


@dataclass(frozen=True, slots=True)
class EndingView:
    """`fragments/ending.html`: the summary, how the resident takes it along, and the wiping of the booth.

    POST `email` to `send_summary.url`.
    """

    region: Region
    state: EndingState = EndingState.NOT_YET
    reference: str = ""
    lines: tuple[str, ...] = ()
    summary_url: str = ""
    email: str = ""
    email_error: str = ""
    handed_over: str = ""
    print_summary: Act | None = None
    send_summary: Act | None = None
    finish: Act | None = None
    back: Act | None = None
    wiped: tuple[WipedPart, ...] = ()
    next_url: str = ""
