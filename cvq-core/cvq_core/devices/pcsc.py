"""What we ask of PC/SC, as blocking calls for a thread of their own.

pyscard's own monitors poll and share one context; these few calls are all that booths and controllers need, with
named errors.
Numbers and structures: PC/SC Workgroup specification 2.01, parts 3 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Self

from smartcard import scard

PLUG_AND_PLAY = "\\\\?PnP?\\Notification"
"""A reader that does not exist: its state changes when readers come or go."""

GET_UID = (0xFF, 0xCA, 0x00, 0x00, 0x00)
"""Get Data: the identifier that a contactless card showed to the reader (PC/SC 2.01 part 3, 3.2.2.1.3)."""

UID_BYTES = range(4, 11)
SUCCESS = (0x90, 0x00)


class ServiceGone(Exception):
    """pcscd is not there, or went away."""


class Unreadable(Exception):
    """A card that lies there but gives no identifier: mute, of another kind, or pulled away too early."""


@dataclass(frozen=True, slots=True)
class ReaderState:
    """A reader as pcscd last told it; `raw` is fed back so that the next wait sees every change since."""

    raw: int = scard.SCARD_STATE_UNAWARE

    @property
    def known(self) -> bool:
        """Whether there is such a reader."""
        return not self.raw & (scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_UNAVAILABLE)

    @property
    def card_present(self) -> bool:
        """Whether a card lies on it."""
        return bool(self.raw & scard.SCARD_STATE_PRESENT)

    @property
    def event_count(self) -> int:
        """How often a card came or went; two steps at once are a card that was swapped."""
        return self.raw >> 16 & 0xFFFF

    @property
    def feedback(self) -> int:
        """The state as the next wait wants to hear it."""
        return self.raw & ~int(scard.SCARD_STATE_CHANGED)


class Context:
    """One connection to pcscd; every thread has its own, since a waiting context serves nobody else.

    Raises:
        ServiceGone: from every call, when pcscd is not there.
    """

    def __init__(self) -> None:
        outcome, self._handle = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        if outcome != scard.SCARD_S_SUCCESS:
            raise ServiceGone(_reason(outcome))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        scard.SCardReleaseContext(self._handle)

    def readers(self) -> list[str]:
        """Return the names of the readers, none where there is none."""
        outcome, names = scard.SCardListReaders(self._handle, [])
        if outcome == scard.SCARD_E_NO_READERS_AVAILABLE:
            return []
        if outcome != scard.SCARD_S_SUCCESS:
            raise ServiceGone(_reason(outcome))
        return list(names)

    def wait(self, reader: str | None, state: ReaderState, timeout_ms: int) -> ReaderState | None:
        """Block until something happens on `reader` or a reader comes or goes.

        Returns:
            The reader's new state; None when the time ran out, `cancel` was called, or the readers changed.
        """
        watched = [(PLUG_AND_PLAY, scard.SCARD_STATE_UNAWARE)]
        if reader is not None:
            watched.insert(0, (reader, state.feedback))
        outcome, states = scard.SCardGetStatusChange(self._handle, timeout_ms, watched)
        if outcome in (scard.SCARD_E_TIMEOUT, scard.SCARD_E_CANCELLED, scard.SCARD_E_UNKNOWN_READER):
            return None
        if outcome != scard.SCARD_S_SUCCESS:
            raise ServiceGone(_reason(outcome))
        return ReaderState(states[0][1]) if reader is not None else None

    def cancel(self) -> None:
        """Wake a thread that waits; a no-op where none does."""
        scard.SCardCancel(self._handle)

    def read_uid(self, reader: str) -> str:
        """Return the identifier of the card on `reader`, hexadecimal and upper case.

        Raises:
            Unreadable: the card gave none.
        """
        with self.card(reader) as card:
            return uid_of(card.transmit(bytes(GET_UID)))

    def card(self, reader: str) -> Card:
        """Return the card on `reader`, to exchange commands with while the block lasts.

        Raises:
            Unreadable: none lies there, or it is mute.
        """
        return Card(self._handle, reader)


class Card:
    """A connection to a card; it stays powered, with what it had selected, for the next one."""

    def __init__(self, context: int, reader: str) -> None:
        protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        outcome, self._handle, protocol = scard.SCardConnect(context, reader, scard.SCARD_SHARE_SHARED, protocols)
        if outcome in (scard.SCARD_E_NO_SERVICE, scard.SCARD_E_INVALID_HANDLE, scard.SCARD_F_COMM_ERROR):
            raise ServiceGone(_reason(outcome))
        if outcome != scard.SCARD_S_SUCCESS:
            raise Unreadable(_reason(outcome))
        self._header = scard.SCARD_PCI_T1 if protocol == scard.SCARD_PROTOCOL_T1 else scard.SCARD_PCI_T0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        scard.SCardDisconnect(self._handle, scard.SCARD_LEAVE_CARD)

    def transmit(self, command: bytes) -> bytes:
        """Return the card's answer to a command, with its two bytes of status.

        Raises:
            Unreadable: the card went away, or is mute.
        """
        outcome, answer = scard.SCardTransmit(self._handle, self._header, list(command))
        if outcome != scard.SCARD_S_SUCCESS:
            raise Unreadable(_reason(outcome))
        if len(answer) < len(SUCCESS):
            # Some drivers call it a success when the card is pulled away in the middle.
            raise Unreadable("the card answered nothing")
        # pyscard gives bytes above 127 as negative numbers on some machines.
        return bytes(byte & 0xFF for byte in answer)


def uid_of(answer: bytes) -> str:
    """Return the identifier in a card's answer to `GET_UID`.

    Raises:
        Unreadable: the answer holds none: an error's status, or a length that no identifier has.
    """
    uid, status = answer[:-2], tuple(answer[-2:])
    if status != SUCCESS:
        raise Unreadable(f"the card answered {answer[-2:].hex().upper() or 'nothing'}")
    if len(uid) not in UID_BYTES:
        raise Unreadable(f"the card gave an identifier of {len(uid)} bytes")
    return uid.hex().upper()


def _reason(outcome: int) -> str:
    return str(scard.SCardGetErrorMessage(outcome))
