"""What a MIFARE DESFire EV2 or EV3 card says and understands: commands, keys, secure messaging. Pure, no I/O.

Sources: NXP AN10922 (keys diversified per card), AN12196 and AN12343 (EV2 authentication and secure messaging, with the
examples that the tests hold), the DESFire EV2 data sheet (MF2DLHX0) for applications and files. Commands are wrapped
as ISO 7816-4 APDUs of class 90; an answer is data and two bytes of status, `91 xx`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB
from cryptography.hazmat.primitives.cmac import CMAC

OK, MORE, NO_APPLICATION = 0x00, 0xAF, 0xA0
BLOCK = 16
MAC_BYTES = 8
FACTORY_KEY = bytes(BLOCK)
PICC = bytes(3)
"""The card itself, as an application."""


class BadAnswer(Exception):
    """An answer that a sound card with the right key never gives; the message is for the log."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a card answered: its data, and the second byte of its status."""

    data: bytes
    status: int

    @classmethod
    def of(cls, raw: bytes) -> Answer:
        """Read an answer as the reader passed it on.

        Raises:
            BadAnswer: it is none of a DESFire card.
        """
        if len(raw) < 2 or raw[-2] != 0x91:
            raise BadAnswer("no answer of a DESFire card")
        return cls(raw[:-2], raw[-1])

    def required(self, status: int = OK) -> bytes:
        """Return the data of an answer that must have a status.

        Raises:
            BadAnswer: it has another one.
        """
        if self.status != status:
            raise BadAnswer(f"the card answered 91 {self.status:02X}")
        return self.data


def command(instruction: int, data: bytes = b"") -> bytes:
    """Return a command as an APDU."""
    body = bytes([len(data)]) + data if data else b""
    return bytes([0x90, instruction, 0, 0]) + body + b"\0"


def select_application(aid: bytes) -> bytes:
    """Return the command that opens an application, by its 3 bytes as they travel; it ends any authentication."""
    return command(0x5A, aid)


def create_application(aid: bytes, *, keys: int) -> bytes:
    """Return the command that makes an application with so many AES keys.

    Key 0 is needed to change a key, to make a file and to delete one; whoever likes may list the files (0x0B).
    """
    return command(0xCA, aid + bytes([0x0B, 0x80 | keys]))


def get_version() -> list[bytes]:
    """Return the three commands that together ask what the card is; the third answer begins with its identifier."""
    return [command(0x60), command(MORE), command(MORE)]


def get_key_version(key_number: int) -> bytes:
    """Return the command that asks for a key's version, one byte."""
    return command(0x64, bytes([key_number]))


def get_file_ids() -> bytes:
    """Return the command that lists the files of the application, one byte each."""
    return command(0x6F)


def read_data(file: int, length: int) -> bytes:
    """Return the command that reads a file that is free to read, without any authentication."""
    return command(0xAD, data_header(file, length))


def data_header(file: int, length: int, offset: int = 0) -> bytes:
    """Return the header of reading and writing: file, offset, length."""
    return bytes([file]) + offset.to_bytes(3, "little") + length.to_bytes(3, "little")


def file_settings(file: int, length: int, *, read: int) -> bytes:
    """Return the settings of a file: enciphered, read with a key or freely (14), written and changed with key 0."""
    rights = read << 12
    return bytes([file, 0x03]) + rights.to_bytes(2, "little") + length.to_bytes(3, "little")


def encrypt(key: bytes, data: bytes, iv: bytes = bytes(BLOCK)) -> bytes:
    """Encipher whole blocks with AES in CBC."""
    encryptor = Cipher(AES(key), CBC(iv)).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def decrypt(key: bytes, data: bytes, iv: bytes = bytes(BLOCK)) -> bytes:
    """Decipher whole blocks with AES in CBC."""
    decryptor = Cipher(AES(key), CBC(iv)).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def cmac(key: bytes, data: bytes) -> bytes:
    """Return the AES-CMAC of `data`, 16 bytes."""
    mac = CMAC(AES(key))
    mac.update(data)
    return mac.finalize()


def short_mac(key: bytes, data: bytes) -> bytes:
    """Return every second byte of a CMAC, as it travels."""
    return cmac(key, data)[1::2]


def diversification(uid: bytes, aid: bytes, system: bytes) -> bytes:
    """Return what is put through the master key's CMAC to make a card's own key (AN10922, AES-128).

    Between 17 and 32 bytes a plain CMAC is what the note describes; a shorter input would be padded otherwise.

    Raises:
        ValueError: it is shorter or longer.
    """
    message = b"\x01" + uid + aid + system
    if not BLOCK < len(message) <= 2 * BLOCK:
        raise ValueError("between 17 and 32 bytes are diversified")
    return message


def padded(data: bytes) -> bytes:
    """Fill up to whole blocks (ISO/IEC 9797-1, method 2)."""
    return (data + b"\x80").ljust((len(data) // BLOCK + 1) * BLOCK, b"\0")


def unpadded(data: bytes) -> bytes:
    """Take `padded`'s filling away.

    Raises:
        BadAnswer: there is none.
    """
    plain = data.rstrip(b"\0")
    if not plain.endswith(b"\x80"):
        raise BadAnswer("the deciphered answer is not filled up as it should")
    return plain[:-1]


def rotated(value: bytes) -> bytes:
    """Return bytes turned to the left by one."""
    return value[1:] + value[:1]


def session_keys(key: bytes, rnd_a: bytes, rnd_b: bytes) -> tuple[bytes, bytes]:
    """Return the keys of a session, for enciphering and for MACs, from the card's key and both random numbers."""
    mixed = bytes(a ^ b for a, b in zip(rnd_a[2:8], rnd_b[:6], strict=True))
    tail = rnd_a[:2] + mixed + rnd_b[6:] + rnd_a[8:]
    return cmac(key, bytes.fromhex("A55A00010080") + tail), cmac(key, bytes.fromhex("5AA500010080") + tail)


@dataclass(slots=True)
class Session:
    """A session that both sides proved to be in: its keys, its number (4 bytes), and how many commands it has seen."""

    enc_key: bytes
    mac_key: bytes
    number: bytes
    counter: int = 0

    def maced(self, instruction: int, header: bytes) -> bytes:
        """Return a command whose data travel in clear, with its MAC."""
        return command(instruction, header + self._mac(bytes([instruction]), header))

    def enciphered(self, instruction: int, header: bytes, data: bytes = b"") -> bytes:
        """Return a command whose header travels in clear and whose data are enciphered, with its MAC."""
        hidden = encrypt(self.enc_key, padded(data), self._iv(b"\xa5\x5a")) if data else b""
        return command(instruction, header + hidden + self._mac(bytes([instruction]), header + hidden))

    def checked(self, answer: Answer, *, enciphered: bool = False) -> bytes:
        """Return the data of an answer in this session.

        Raises:
            BadAnswer: the card refused, or somebody else answered.
        """
        body = answer.required()
        self.counter += 1
        data, mac = body[:-MAC_BYTES], body[-MAC_BYTES:]
        if len(body) < MAC_BYTES or not compare_digest(mac, self._mac(b"\0", data)):
            raise BadAnswer("the answer's MAC is wrong")
        if not enciphered or not data:
            return data
        if len(data) % BLOCK:
            raise BadAnswer("the enciphered answer is not whole blocks")
        return unpadded(decrypt(self.enc_key, data, self._iv(b"\x5a\xa5")))

    def _mac(self, first: bytes, data: bytes) -> bytes:
        return short_mac(self.mac_key, first + self.counter.to_bytes(2, "little") + self.number + data)

    def _iv(self, label: bytes) -> bytes:
        block = label + self.number + self.counter.to_bytes(2, "little") + bytes(8)
        encryptor = Cipher(AES(self.enc_key), ECB()).encryptor()  # noqa: S305 - one block, as the card does it
        return encryptor.update(block) + encryptor.finalize()


def changed_key(key_number: int, *, session_key: int, old: bytes, new: bytes, version: int) -> bytes:
    """Return the data of ChangeKey: a key other than the session's is sent as a difference, with a checksum."""
    if key_number == session_key:
        return new + bytes([version])
    difference = bytes(a ^ b for a, b in zip(old, new, strict=True))
    checksum = (zlib.crc32(new) ^ 0xFFFFFFFF).to_bytes(4, "little")
    return difference + bytes([version]) + checksum


CHANGE_KEY, CREATE_FILE, WRITE, READ = 0xC4, 0xCD, 0x8D, 0xAD
AUTHENTICATE = 0x71
Random = Callable[[], bytes]
"""Gives 16 random bytes."""


def begin_authentication(key_number: int) -> bytes:
    """Return the first half of AuthenticateEV2First: the card answers with its random number, enciphered."""
    return command(AUTHENTICATE, bytes([key_number, 0]))


def go_on(key: bytes, challenge: Answer, rnd_a: bytes) -> tuple[bytes, bytes]:
    """Return the second half of the authentication, and the card's random number.

    Raises:
        BadAnswer: the card gave no challenge.
    """
    hidden = challenge.required(MORE)
    if len(hidden) != BLOCK:
        raise BadAnswer("the card's challenge is not one block")
    rnd_b = decrypt(key, hidden)
    return command(MORE, encrypt(key, rnd_a + rotated(rnd_b))), rnd_b


def finished(key: bytes, answer: Answer, rnd_a: bytes, rnd_b: bytes) -> Session:
    """Return the session that an authentication ends in, once the card proved that it has the key, too.

    Raises:
        BadAnswer: the card refused, or does not know the key: one that says yes to everything ends here.
    """
    hidden = answer.required()
    if len(hidden) != 2 * BLOCK:
        raise BadAnswer("the card's proof is not two blocks")
    plain = decrypt(key, hidden)
    if not compare_digest(plain[4:20], rotated(rnd_a)):
        raise BadAnswer("the card does not know its key")
    return Session(*session_keys(key, rnd_a, rnd_b), number=plain[:4])
