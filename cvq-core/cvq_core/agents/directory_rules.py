"""Where an employer's directory is, how its entries become a staff list, and what goes wrong with it. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from cvq_core.bank_table import one_line

HEAD = ("matricule", "nom", "prénom", "date de naissance", "groupe", "date d’entrée", "date de sortie")
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,79}")
_WRITTEN_DAY = re.compile(r"([0-9]{4})([01][0-9])([0-3][0-9])(?:[0-9]{2,6}(?:[.,][0-9]+)?(?:Z|[+-][0-9]{2,4})?)?")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
CELL_MAX = 200


class DirectoryTrouble(Exception):
    """A directory gave no list; `slug` says why. Nothing changes then, and the page and `cvq check` tell."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.slug = slug


@dataclass(frozen=True)
class StaffDirectory:
    """An employer's LDAP directory, as the operator sets it; what follows `filter` are names of attributes.

    An entry without a number is nobody. Of an attribute with several values the first in alphabetical order counts.
    """

    url: str
    base: str
    bind_dn: str
    bind_password_file: Path
    filter: str = "(objectClass=inetOrgPerson)"
    number: str = "employeeNumber"
    family: str = "sn"
    given: str = "givenName"
    group: str = "departmentNumber"
    born: str = ""
    first: str = ""
    last: str = ""
    start_tls: bool = False
    ca_file: Path | None = None

    # Settings are read by pydantic, which otherwise leaves a key that it does not know alone.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        """Refuse what no directory is found under, and names and passwords in clear on the network.

        Raises:
            ValueError
        """
        address = urlsplit(self.url)
        if address.scheme not in ("ldap", "ldaps") or not address.hostname or address.path.strip("/"):
            raise ValueError("url is ldaps://host[:port] or ldap://host[:port]")
        if address.scheme == "ldap" and not self.start_tls and address.hostname not in _LOOPBACK:
            raise ValueError("url is neither ldaps nor on this machine, and start_tls is not set")
        if not (self.base and self.bind_dn and self.filter.startswith("(") and self.filter.endswith(")")):
            raise ValueError("base and bind_dn are needed, and the filter stands in parentheses")
        needed = (self.number, self.family, self.given, self.group)
        for name in (*needed, *filter(None, (self.born, self.first, self.last))):
            if not _ATTRIBUTE.fullmatch(name):
                raise ValueError(f"{name!r} is no name of an attribute")

    @property
    def host(self) -> str:
        """The machine's name, as lists and pages say where a list came from."""
        return urlsplit(self.url).hostname or ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The attributes in the order of `HEAD`; "" is one that this directory does not have."""
        return (self.number, self.family, self.given, self.born, self.group, self.first, self.last)

    @property
    def search(self) -> str:
        """The filter, for entries that have a number."""
        return f"(&{self.filter}({self.number}=*))"


def as_staff_list(directory: StaffDirectory, entries: Iterable[Mapping[str, Sequence[object]]]) -> bytes:
    """Return a directory's entries as the CSV that employers drop, by number: the same content, the same bytes."""
    rows = sorted([_cell(entry, name) for name in directory.columns] for entry in entries)
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";")
    writer.writerow(HEAD)
    writer.writerows(rows)
    return out.getvalue().encode()


def _cell(entry: Mapping[str, Sequence[object]], name: str) -> str:
    values = sorted(_text(value) for value in entry.get(name, ())) if name else []
    value = one_line(values[0], CELL_MAX) if values else ""
    day = _WRITTEN_DAY.fullmatch(value)
    return f"{day[3]}/{day[2]}/{day[1]}" if day else value


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
