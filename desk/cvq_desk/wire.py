"""What the desk and a booth say to each other over the booth's one connection.

The booth dials `GET /api/v1/booth/live` and both sides send one JSON object a frame, told apart by `type`. The desk
sends a `BoothView` whenever anything that the booth may know has changed: the whole of it, so that a booth that lost
its line needs no history, only the newest view. Commands stay in the view until the booth has reported their end, so
a command lost with the line is sent again and its `id` keeps it from being done twice.

This module depends on pydantic alone: a booth installs without the server.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

VERSION = 1
"""Raised when a message changes its meaning; adding an optional field is no change."""

PING_INTERVAL_S = 1.0
DEAD_AFTER_S = 3.0
"""A line that was silent this long is taken for dead: after an address change a socket hangs without an error."""

MESSAGE_BYTES_MAX = 256 * 1024


class Message(BaseModel):
    """Base of all messages: unknown fields are ignored, so that an older booth understands a newer desk."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Phase(StrEnum):
    """Where the resident is, in the order in which screen 2 names the steps."""

    CLOSED = "closed"
    IDLE = "idle"
    RINGING = "ringing"
    WELCOME = "welcome"
    CARD = "card"
    FORM = "form"
    PAPERS = "papers"
    GOODBYE = "goodbye"


class CallState(StrEnum):
    """How the face-to-face call stands."""

    NONE = "none"
    RINGING = "ringing"
    LIVE = "live"
    HUNG_UP = "hung_up"


class ConsentState(StrEnum):
    """What became of a question put to the resident."""

    ASKED = "asked"
    GIVEN = "given"
    REFUSED = "refused"
    ENDED = "ended"


class ConsentManner(StrEnum):
    """How the resident answered."""

    TOUCH = "touch"
    KEY = "key"
    SPOKEN = "spoken"


class CardState(StrEnum):
    """The card on the booth's reader, as the desk understands it within a visit."""

    ABSENT = "absent"
    PRESENT = "present"
    REMOVED = "removed"
    UNKNOWN = "unknown"
    REFUSED = "refused"


class ConsentQuestion(Message):
    """What screen 2 asks, in plain words that the desk has already written out in the booth's language."""

    id: UUID
    state: ConsentState
    what: list[str] = Field(description="what would be opened, a short line each")
    for_whom: str
    until: datetime


class FieldView(Message):
    """One answer of the form that grows on screen 2."""

    name: str
    label: str
    value: str
    current: bool = False


class FormView(Message):
    """The form being written, in the order of the paper."""

    title: str
    fields: list[FieldView]
    complete: bool = False


class CardView(Message):
    """What screen 2 says of the card."""

    state: CardState
    removed_until: datetime | None = Field(default=None, description="end of the pause after the card was taken away")
    message: str = ""


class GoodbyeView(Message):
    """The last page: what to take home, and the reference under which all can be found again."""

    reference: str
    take_along: list[str]


class PaymentState(StrEnum):
    """What screen 2 says of a payment online."""

    TO_PAY = "to_pay"
    CHECKED = "checked"
    PAID = "paid"


class PaymentView(Message):
    """Where the resident pays with their own telephone: a short address, and the same as a QR code."""

    state: PaymentState
    amount: str = Field(description="what is to be paid, or was, written out in the booth's language")
    address: str = Field(description="without https://, to be typed")
    url: str = Field(default="", description="the whole address, for a booth whose screen 2 is a touch screen")
    code: list[str] = Field(max_length=177, description="the QR code's rows, 1 for a dark square and 0 for a light one")


class MandateView(Message):
    """The bank account that the resident is asked to read and to confirm, before the paper is printed to be signed.

    The only message with a whole account number; it stands in the view no longer than the question does.
    """

    id: UUID
    state: Literal["asked", "confirmed"]
    holder: str = ""
    account: str = Field(default="", description="the IBAN in groups of four, only while it is asked")
    creditor: str = ""


class BookingState(StrEnum):
    """What became of the time that was asked for."""

    BOOKED = "booked"
    WAITING = "waiting"
    GIVEN_UP = "given_up"


class BookingView(Message):
    """A court or a hall that was reserved in the visit, its day, hours and price written out; no name."""

    state: BookingState
    place: str
    site: str
    day: str
    begins: str
    ends: str
    price: str = Field(default="", description="what it costs, or what came back; empty is nothing")


class VisitView(Message):
    """What the booth may know of the visit that is going on. No name of the resident is in it."""

    id: UUID
    advisor: str
    organisation: str
    call: CallState
    ringing_until: datetime | None = None
    card: CardView
    consent: ConsentQuestion | None = None
    form: FormView | None = None
    goodbye: GoodbyeView | None = None
    payment: PaymentView | None = Field(default=None, description="while screen 2 is to show where to pay")
    mandate: MandateView | None = Field(default=None, description="while screen 2 is to show a bank account")
    booking: BookingView | None = Field(default=None, description="while screen 2 is to show what was reserved")
    window_shared: bool = False
    curtain: bool = False
    ice_servers: list[dict[str, Any]] = Field(default_factory=list)


class CommandKind(StrEnum):
    """What the desk can have a booth's machine do."""

    SCAN = "scan"
    CANCEL_SCAN = "cancel_scan"
    PRINT = "print"
    CANCEL_PRINT = "cancel_print"
    STILL = "still"
    WIPE = "wipe"


class Command(Message):
    """An order to the booth. Doing it twice under one `id` is doing it once."""

    id: UUID
    visit_id: UUID
    kind: CommandKind
    deadline: datetime
    params: dict[str, Any] = Field(default_factory=dict)


class BoothView(Message):
    """All that a booth may know now. It replaces the view before it."""

    type: Literal["view"] = "view"
    version: int = VERSION
    sequence: int
    now: datetime | None = Field(default=None, description="the desk's hour, in which its deadlines are told")
    booth_name: str
    town_hall: str
    phase: Phase
    next_hour: str | None = Field(default=None, description="local hour of the next appointment, HH:MM, never a name")
    closes_at: str | None = Field(default=None, description="local hour at which the town hall closes, HH:MM")
    opens_at: str | None = Field(default=None, description="when closed: day and hour of the next opening, in words")
    help_phone: str = ""
    organisations: list[str] = Field(default_factory=list, description="who can be reached here, for the idle page")
    visit: VisitView | None = None
    commands: list[Command] = Field(default_factory=list)


class PeerName(StrEnum):
    """Which of a visit's peer connections a signal belongs to."""

    FACE = "face"
    WINDOW = "window"
    DEVICES = "devices"


class Signal(Message):
    """A session description or an ICE candidate on its way between the console and the booth."""

    type: Literal["signal"] = "signal"
    visit_id: UUID
    peer: PeerName
    data: dict[str, Any]


class Pong(Message):
    """Answer to a ping, the desk's hour with it."""

    type: Literal["pong"] = "pong"
    now: datetime


class Hello(Message):
    """The first message of a booth on a new line."""

    type: Literal["hello"] = "hello"
    version: int = VERSION
    software: str
    started_at: datetime


class Ping(Message):
    """Sent every second by the booth."""

    type: Literal["ping"] = "ping"


class DeviceName(StrEnum):
    """The machines of a booth."""

    SCANNER = "scanner"
    PRINTER = "printer"
    CARD_READER = "card_reader"
    CAMERA = "camera"
    SCREENS = "screens"


class DeviceStatus(Message):
    """One machine's state.

    `state` is `ready`, `busy`, `missing` or `trouble`; `trouble` is a stable slug (`paper_out`, `paper_jam`,
    `cover_open`, `feeder_empty`, `off`, `no_camera`, `no_microphone`, …) that the console has words for.
    """

    device: DeviceName
    state: Literal["ready", "busy", "missing", "trouble"]
    trouble: str | None = None
    detail: str = ""


class Devices(Message):
    """All machines of the booth, sent at the start and whenever one changes."""

    type: Literal["devices"] = "devices"
    devices: list[DeviceStatus]


class CardSeen(Message):
    """A card was laid on the reader."""

    type: Literal["card_seen"] = "card_seen"
    uid: str = Field(pattern=r"^[0-9A-F]{8,20}$", description="hexadecimal, upper case")
    at: datetime


class CardGone(Message):
    """The card was taken from the reader."""

    type: Literal["card_gone"] = "card_gone"
    at: datetime


class ConsentAnswer(Message):
    """The resident touched or pressed an answer at the booth."""

    type: Literal["consent_answer"] = "consent_answer"
    consent_id: UUID
    agreed: bool
    manner: ConsentManner


class MandateAnswer(Message):
    """The resident touched or pressed whether the bank account is theirs. Sent only to a desk that asked."""

    type: Literal["mandate_answer"] = "mandate_answer"
    mandate_id: UUID
    agreed: bool


class CallReport(Message):
    """What screen 1 reports of the call: it has begun, it has no camera, its line is bad."""

    type: Literal["call_report"] = "call_report"
    visit_id: UUID
    state: Literal["answered", "connected", "no_camera", "no_microphone", "no_devices", "lost"]


class CommandReport(Message):
    """How a command goes on.

    `done`, `failed` and `cancelled` end it. `detail` carries `pages` of a scan, the printer's `job` and `reason`, or
    the `trouble` slug of a failure.
    """

    type: Literal["command_report"] = "command_report"
    command_id: UUID
    state: Literal["accepted", "running", "waiting", "done", "failed", "cancelled"]
    detail: dict[str, Any] = Field(default_factory=dict)


class HelpAsked(Message):
    """The resident, or the machine itself, asks for the secretary."""

    type: Literal["help_asked"] = "help_asked"
    reason: Literal["resident", "card_forgotten", "machine"]


ToBooth = Annotated[BoothView | Signal | Pong, Field(discriminator="type")]
ToDesk = Annotated[
    Hello
    | Ping
    | Devices
    | CardSeen
    | CardGone
    | ConsentAnswer
    | MandateAnswer
    | CallReport
    | CommandReport
    | HelpAsked
    | Signal,
    Field(discriminator="type"),
]

to_booth: TypeAdapter[ToBooth] = TypeAdapter(ToBooth)
to_desk: TypeAdapter[ToDesk] = TypeAdapter(ToDesk)


# The data channel between the booth's agent and the advisor's page (peer `devices`, label `papers`) carries JSON text
# frames and, after each of them that announces bytes, exactly that many bytes in binary frames of at most 16 KiB. What
# is more urgent may come between the binary frames of what is less so (note, then band, then still, then page): its
# own bytes follow it at once, and then those go on that it interrupted.

CHUNK_BYTES = 16 * 1024


class BandHead(Message):
    """A strip of a page that is being scanned, as a JPEG of `bytes` bytes: rows `top` to `top + height`."""

    type: Literal["band"] = "band"
    command_id: UUID
    page: int
    top: int
    height: int
    page_width: int
    page_height: int
    bytes: int


class PageHead(Message):
    """A finished page, as an image file of `bytes` bytes."""

    type: Literal["page"] = "page"
    command_id: UUID
    page_id: UUID
    page: int
    width: int
    height: int
    resolution_dpi: int
    media_type: str
    sha256: str
    blank: bool = False
    bytes: int


class StillHead(Message):
    """A still of the document camera."""

    type: Literal["still"] = "still"
    command_id: UUID
    media_type: str
    width: int
    height: int
    bytes: int


class DeviceNote(Message):
    """Progress or trouble of a machine, said to the advisor without the detour by the desk."""

    type: Literal["device_note"] = "device_note"
    command_id: UUID | None
    state: str
    detail: dict[str, Any] = Field(default_factory=dict)


class PagesHeld(Message):
    """Which pages the booth's spool holds for this visit; sent when a channel opens."""

    type: Literal["pages_held"] = "pages_held"
    page_ids: list[UUID]


class PageWanted(Message):
    """The console asks for a page again, after a reload."""

    type: Literal["page_wanted"] = "page_wanted"
    page_id: UUID


class BytesReceived(Message):
    """How many bytes of frames the console has had from this channel in all; the booth paces itself by it."""

    type: Literal["bytes_received"] = "bytes_received"
    bytes: int = Field(ge=0)
