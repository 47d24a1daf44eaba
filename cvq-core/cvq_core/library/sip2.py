"""Lines of the Standard Interchange Protocol 2.00, read leniently and written strictly. Pure.

    23 001 20261122    093000 AOmediatheque|AA4821305779|AC|AD|AY3AZF1A0 CR
    │  └ fixed fields, by place           └ variable fields: two letters, a value, "|"      └ sequence and checksum
    └ two digits: what is asked

Library software leaves out fields that the standard requires and adds others that it does not know: what is missing
reads as "", what is unknown is passed over. The codec of `pysip2` ends the connection there, which is why this one is
ours; the tests speak to it with that one (ADR 0037).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cvq_core.clock import local

LINE_BYTES_MAX = 4096
VALUE_LENGTH_MAX = 255
_TRAILER = re.compile(rb"(?:AY(?P<sequence>[0-9]))?AZ(?P<checksum>[0-9A-Fa-f]{4})$")
_LIGATURES = str.maketrans(
    {"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "’": "'", "\u202f": " ", "\u00a0": " ", "€": "EUR"}
)


class Ask(StrEnum):
    """What the library software may send."""

    BLOCK_PATRON = "01"
    PATRON_STATUS = "23"
    PATRON_ENABLE = "25"
    END_SESSION = "35"
    FEE_PAID = "37"
    PATRON_INFORMATION = "63"
    LOGIN = "93"
    RESEND = "97"
    STATUS = "99"


FIXED_LENGTHS = {
    Ask.BLOCK_PATRON: 19,
    Ask.PATRON_STATUS: 21,
    Ask.PATRON_ENABLE: 18,
    Ask.END_SESSION: 18,
    Ask.FEE_PAID: 25,
    Ask.PATRON_INFORMATION: 31,
    Ask.LOGIN: 2,
    Ask.RESEND: 0,
    Ask.STATUS: 8,
}
RESEND_PLEASE = "96"


class BadLine(Exception):
    """Not a line of SIP2, or one whose checksum is wrong: it is asked for again."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line that came: `fixed` as it stands, the first value of each variable field."""

    ask: Ask
    fixed: str
    fields: dict[str, str]
    sequence: str = ""
    """One digit when the line bore a checksum, "" otherwise."""

    checked: bool = False
    """Whether the line bore a checksum: its answer then bears one too."""

    def get(self, field: str) -> str:
        """Return a field's value, "" when it did not come."""
        return self.fields.get(field, "")


@dataclass(frozen=True, slots=True)
class Reply:
    """One line to send: an empty value of a field that is not `required` is left out by whoever builds it."""

    code: str
    fixed: str = ""
    fields: tuple[tuple[str, str], ...] = ()


def checksum(line: bytes) -> bytes:
    """Return the four hexadecimal digits that, with all bytes up to "AZ", sum up to nothing in sixteen bits."""
    return b"%04X" % (-sum(line) & 0xFFFF)


def read_line(raw: bytes, encoding: str) -> Line:
    """Return a line without its end.

    Raises:
        BadLine: too short for what it asks, unknown, or damaged on its way.
    """
    sequence, checked = "", False
    trailer = _TRAILER.search(raw)
    if trailer is not None:
        if checksum(raw[: trailer.start("checksum")]) != trailer["checksum"].upper():
            raise BadLine("checksum")
        sequence, checked = (trailer["sequence"] or b"").decode(), True
        raw = raw[: trailer.start()]
    text = raw.decode(encoding, errors="replace")
    try:
        ask = Ask(text[:2])
    except ValueError:
        raise BadLine("unknown") from None
    fixed, rest = text[2 : 2 + FIXED_LENGTHS[ask]], text[2 + FIXED_LENGTHS[ask] :]
    if len(fixed) < FIXED_LENGTHS[ask]:
        raise BadLine("too short")
    fields: dict[str, str] = {}
    for part in rest.split("|"):
        if len(part) >= 2:
            fields.setdefault(part[:2], part[2:].strip()[:VALUE_LENGTH_MAX])
    return Line(ask, fixed, fields, sequence, checked)


def write_line(reply: Reply, encoding: str, *, sequence: str = "", checked: bool = False) -> bytes:
    """Return a line with its end; what the encoding does not have is written in the nearest letters."""
    fields = "".join(f"{name}{_plain(value)}|" for name, value in reply.fields)
    raw = _encoded(f"{reply.code}{reply.fixed}{fields}", encoding)
    if checked:
        raw += (b"AY" + sequence.encode() if sequence else b"") + b"AZ"
        raw += checksum(raw)
    return raw + b"\r"


def stamp(now: datetime) -> str:
    """Return an instant as eighteen characters of local time: "20261122    103000"."""
    return f"{local(now):%Y%m%d    %H%M%S}"


def fields(*pairs: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """Return those fields that have a value."""
    return tuple((name, value) for name, value in pairs if value)


def amount(cents: int) -> str:
    """Return an amount as SIP2 writes it: "12.50"."""
    return f"{cents // 100}.{cents % 100:02d}"


def _plain(value: str) -> str:
    """Return a value that cannot end its field or its line."""
    return re.sub(r"[|\x00-\x1f\x7f]+", " ", value)[:VALUE_LENGTH_MAX]


def _encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return b"".join(_nearest(text, encoding))


def _nearest(text: str, encoding: str) -> Iterable[bytes]:
    for letter in text:
        try:
            yield letter.encode(encoding)
        except UnicodeEncodeError:
            parts = unicodedata.normalize("NFKD", letter.translate(_LIGATURES))
            yield "".join(each for each in parts if not unicodedata.combining(each)).encode(encoding, errors="replace")
