"""A virtual DESFire card for tests and the demonstration: what a chip does, as far as we ask it. No real card is this.

It keeps its applications, keys and files as long as the object lives, however often it is laid on a reader and pulled
away. What it was taught comes from the same documents as the core's side (`cvq_core.card_keys.desfire`), and shares
its arithmetic, which the documents' own examples pin down.
"""

from __future__ import annotations

import secrets
import zlib
from dataclasses import dataclass, field

from cvq_core.card_keys.desfire import (
    BLOCK,
    FACTORY_KEY,
    MAC_BYTES,
    PICC,
    Session,
    decrypt,
    encrypt,
    padded,
    rotated,
    session_keys,
    short_mac,
    unpadded,
)

OK, MORE = b"\x91\x00", b"\x91\xaf"
NO_SUCH_KEY, INTEGRITY, LENGTH, DENIED, PARAMETER, AUTHENTICATION, NO_APPLICATION, BOUNDARY, DUPLICATE, NO_FILE = (
    bytes([0x91, status]) for status in (0x40, 0x1E, 0x7E, 0x9D, 0x9E, 0xAE, 0xA0, 0xBE, 0xDE, 0xF0)
)
UNKNOWN = b"\x91\x1c"
FREE, NEVER = 14, 15


@dataclass(slots=True)
class _File:
    rights: int
    content: bytearray

    @property
    def read(self) -> int:
        return self.rights >> 12

    @property
    def write(self) -> int:
        return self.rights >> 8 & 15


@dataclass(slots=True)
class _Application:
    keys: list[bytes]
    versions: list[int]
    files: dict[int, _File] = field(default_factory=dict)


class PulledAway(Exception):
    """The card left the reader before it could answer."""


class Refused(Exception):
    """What the chip answers instead: two bytes of status."""

    def __init__(self, status: bytes) -> None:
        super().__init__(status.hex())
        self.status = status


class VirtualDesfire:
    """A DESFire EV2 chip with 7 bytes of identifier; blank, with the factory's keys, until somebody writes on it."""

    def __init__(self, uid: str, delivered_key: bytes = FACTORY_KEY) -> None:
        self.uid = bytes.fromhex(uid)
        self._delivered_key = delivered_key
        self.applications: dict[bytes, _Application] = {}
        self.seen: list[bytes] = []
        """Every command since it was made, for tests that look at what was on the air."""
        self.pulled_after: int | None = None
        """After how many commands in all it leaves the reader, once."""
        self.reset()

    def reset(self) -> None:
        """Forget what was selected and proved, as a chip does without power."""
        self._selected = PICC
        self._leave()

    def _leave(self) -> None:
        self._session: Session | None = None
        self._session_key = -1
        self._waiting: tuple[str, object] | None = None

    def answer(self, apdu: bytes) -> bytes:
        """Return the answer to a command.

        Raises:
            PulledAway: this was one too many.
        """
        self.seen.append(apdu)
        if self.pulled_after is not None and len(self.seen) > self.pulled_after:
            self.pulled_after = None
            raise PulledAway
        if len(apdu) < 5 or apdu[0] != 0x90:
            return b"\x6e\x00"
        body = apdu[5 : 5 + apdu[4]] if len(apdu) > 5 else b""
        waiting, self._waiting = self._waiting, None
        try:
            if apdu[1] == 0xAF:
                return self._continue(waiting, body)
            return self._commands.get(apdu[1], _unknown)(self, body)
        except Refused as refused:
            self._leave()
            return refused.status

    def _continue(self, waiting: tuple[str, object] | None, body: bytes) -> bytes:
        match waiting:
            case ("version", 1):
                self._waiting = ("version", 2)
                return bytes.fromhex("04010112001A05") + MORE
            case ("version", 2):
                return self.uid.ljust(7, b"\0")[:7] + bytes.fromhex("00000000003026") + OK
            case ("challenge", (int(number), bytes(rnd_b))):
                return self._prove(number, rnd_b, body)
        raise Refused(UNKNOWN)

    def _get_version(self, _: bytes) -> bytes:
        self._waiting = ("version", 1)
        return bytes.fromhex("04010112001A05") + MORE

    def _select(self, body: bytes) -> bytes:
        self._leave()
        if body != PICC and body not in self.applications:
            self._selected = PICC
            raise Refused(NO_APPLICATION)
        self._selected = body
        return OK

    def _create_application(self, body: bytes) -> bytes:
        if self._selected != PICC or len(body) != 5:
            raise Refused(PARAMETER)
        if body[:3] in self.applications:
            raise Refused(DUPLICATE)
        count = body[4] & 15
        self.applications[body[:3]] = _Application([self._key(number) for number in range(count)], [0] * count)
        return OK

    def _key(self, number: int) -> bytes:
        """Return the key that an application is made with: the same for all, as a factory sets it."""
        del number
        return self._delivered_key

    @property
    def _here(self) -> _Application:
        if self._selected == PICC:
            raise Refused(DENIED)
        return self.applications[self._selected]

    def _key_version(self, body: bytes) -> bytes:
        if len(body) != 1 or body[0] >= len(self._here.versions):
            raise Refused(NO_SUCH_KEY)
        return bytes([self._here.versions[body[0]]]) + OK

    def _file_ids(self, _: bytes) -> bytes:
        return bytes(sorted(self._here.files)) + OK

    def _challenge(self, body: bytes) -> bytes:
        self._leave()
        if len(body) != 2 or body[0] >= len(self._here.keys):
            raise Refused(NO_SUCH_KEY)
        rnd_b = secrets.token_bytes(BLOCK)
        self._waiting = ("challenge", (body[0], rnd_b))
        return encrypt(self._here.keys[body[0]], rnd_b) + MORE

    def _prove(self, number: int, rnd_b: bytes, body: bytes) -> bytes:
        key = self._here.keys[number]
        if len(body) != 2 * BLOCK:
            raise Refused(LENGTH)
        plain = decrypt(key, body)
        rnd_a = plain[:BLOCK]
        if plain[BLOCK:] != rotated(rnd_b):
            raise Refused(AUTHENTICATION)
        name = secrets.token_bytes(4)
        self._session, self._session_key = Session(*session_keys(key, rnd_a, rnd_b), number=name), number
        return encrypt(key, name + rotated(rnd_a) + bytes(12)) + OK

    def _change_key(self, body: bytes) -> bytes:
        session, number = self._in_session(0), body[0]
        data = self._received(0xC4, body, header=1)
        if number >= len(self._here.keys):
            raise Refused(NO_SUCH_KEY)
        if number == self._session_key:
            self._here.keys[number], self._here.versions[number] = data[:BLOCK], data[BLOCK]
            self._leave()
            return OK
        new = bytes(a ^ b for a, b in zip(data[:BLOCK], self._here.keys[number], strict=True))
        if data[17:21] != (zlib.crc32(new) ^ 0xFFFFFFFF).to_bytes(4, "little"):
            raise Refused(INTEGRITY)
        self._here.keys[number], self._here.versions[number] = new, data[BLOCK]
        return self._confirmed(session)

    def _create_file(self, body: bytes) -> bytes:
        session = self._in_session(0)
        settings = self._maced(0xCD, body)
        if len(settings) != 7:
            raise Refused(LENGTH)
        if settings[0] in self._here.files:
            raise Refused(DUPLICATE)
        rights = int.from_bytes(settings[2:4], "little")
        self._here.files[settings[0]] = _File(rights, bytearray(int.from_bytes(settings[4:7], "little")))
        return self._confirmed(session)

    def _write(self, body: bytes) -> bytes:
        if len(body) < 7 or body[0] not in self._here.files:
            raise Refused(NO_FILE)
        file = self._here.files[body[0]]
        session = self._in_session(file.write)
        data = self._received(0x8D, body, header=7)
        offset, length = int.from_bytes(body[1:4], "little"), int.from_bytes(body[4:7], "little")
        if len(data) != length or offset + length > len(file.content):
            raise Refused(BOUNDARY)
        file.content[offset : offset + length] = data
        return self._confirmed(session)

    def _read(self, body: bytes) -> bytes:
        if len(body) < 7 or body[0] not in self._here.files:
            raise Refused(NO_FILE)
        file = self._here.files[body[0]]
        offset, length = int.from_bytes(body[1:4], "little"), int.from_bytes(body[4:7], "little")
        if offset + length > len(file.content):
            raise Refused(BOUNDARY)
        data = bytes(file.content[offset : offset + length])
        if self._session is None and file.read == FREE:
            return data + OK
        session = self._in_session(file.read)
        self._maced(0xAD, body)
        session.counter += 1
        block = b"\x5a\xa5" + session.number + session.counter.to_bytes(2, "little") + bytes(8)
        hidden = encrypt(session.enc_key, padded(data), encrypt(session.enc_key, block))
        return hidden + self._mac_of(session, b"\0", hidden) + OK

    def _in_session(self, key_number: int) -> Session:
        if self._session is None or self._session_key != key_number:
            raise Refused(AUTHENTICATION)
        return self._session

    def _maced(self, instruction: int, body: bytes) -> bytes:
        """Return what was sent, its MAC being right."""
        session = self._session
        assert session is not None
        data, mac = body[:-MAC_BYTES], body[-MAC_BYTES:]
        if mac != self._mac_of(session, bytes([instruction]), data):
            raise Refused(INTEGRITY)
        return data

    def _received(self, instruction: int, body: bytes, *, header: int) -> bytes:
        """Return enciphered data behind a header that is not."""
        session = self._session
        assert session is not None
        hidden = self._maced(instruction, body)[header:]
        if not hidden or len(hidden) % BLOCK:
            raise Refused(LENGTH)
        block = b"\xa5\x5a" + session.number + session.counter.to_bytes(2, "little") + bytes(8)
        return unpadded(decrypt(session.enc_key, hidden, encrypt(session.enc_key, block)))

    def _confirmed(self, session: Session) -> bytes:
        session.counter += 1
        return self._mac_of(session, b"\0", b"") + OK

    @staticmethod
    def _mac_of(session: Session, first: bytes, data: bytes) -> bytes:
        return short_mac(session.mac_key, first + session.counter.to_bytes(2, "little") + session.number + data)

    _commands = {  # noqa: RUF012 - a table that nobody changes
        0x60: _get_version,
        0x5A: _select,
        0xCA: _create_application,
        0x64: _key_version,
        0x6F: _file_ids,
        0x71: _challenge,
        0xC4: _change_key,
        0xCD: _create_file,
        0x8D: _write,
        0xAD: _read,
    }


def _unknown(_: VirtualDesfire, __: bytes) -> bytes:
    raise Refused(UNKNOWN)


class YesSayer(VirtualDesfire):
    """A forged card that takes every command and answers with noise of the right length."""

    def answer(self, apdu: bytes) -> bytes:
        """Answer yes."""
        self.seen.append(apdu)
        if apdu[1] == 0x71:
            return secrets.token_bytes(BLOCK) + MORE
        if apdu[1] == 0xAF:
            return secrets.token_bytes(2 * BLOCK) + OK
        return OK


def copied(card: VirtualDesfire) -> VirtualDesfire:
    """Return a copy as somebody makes it who read all that a card gives away: its identifier and what is free to read.

    The keys are not to be had, so it has others.
    """
    copy = VirtualDesfire(card.uid.hex())
    for aid, held in card.applications.items():
        files = {
            number: _File(file.rights, bytearray(file.content) if file.read == FREE else bytearray(len(file.content)))
            for number, file in held.files.items()
        }
        keys = [secrets.token_bytes(BLOCK) for _ in held.keys]
        copy.applications[aid] = _Application(keys, list(held.versions), files)
    return copy
