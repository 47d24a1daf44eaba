"""What the shared pages show: one frozen value a template, filled by the routes.

Instants are aware; templates put them into words. Text that a person reads is already in their language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Act:
    """Something a page can ask the server to do: a POST to `url`.

    `why_not` is filled where the refusal is known beforehand; the page then says it in place of the button.
    """

    url: str
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Region:
    """Where a live region's HTML is fetched anew (GET `url`), and the live topics that make it old.

    `kinds` narrows the topics to some kinds of events.
    """

    url: str
    topics: tuple[str, ...]
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NavItem:
    """One page in the header."""

    label: str
    url: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Shell:
    """What surrounds every page for somebody who is signed in.

    `live_url` is the page's WebSocket, empty on a page that does not live. `message` is what the last act did, said
    once.
    """

    person: str
    place: str = ""
    nav: tuple[NavItem, ...] = ()
    sign_out_url: str = ""
    account_url: str = ""
    live_url: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happened, what it means, what to do; never a number of an error."""

    title: str
    meaning: str = ""
    todo: str = ""


@dataclass(frozen=True, slots=True)
class LoginView:
    """`login.html`: POST `username`, `password`, `next` to `url`."""

    url: str
    next_url: str = ""
    username: str = ""
    help_phone: str = ""
    error: Explanation | None = None


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One place where the person is signed in."""

    since: datetime
    browser: str
    here: bool = False
    address: str = ""
    close: Act | None = None


@dataclass(frozen=True, slots=True)
class AccountView:
    """`account.html`: POST `current_password`, `new_password`, `new_password_again` to `password_url`.

    `errors` has the name of a field and what is wrong with it; `grants` are sentences.
    """

    username: str
    password_url: str
    password_length_min: int
    sessions: tuple[OpenSession, ...]
    grants: tuple[str, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    done: str = ""
