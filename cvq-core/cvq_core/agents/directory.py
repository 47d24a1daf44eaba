"""Asking an employer's LDAP directory who works there. It blocks: call it from a thread, and in no transaction."""

from __future__ import annotations

from itertools import islice
from typing import Any

import bonsai
from bonsai.errors import AuthenticationError, LDAPError, SizeLimitError

from cvq_core.agents.directory_rules import DirectoryTrouble, StaffDirectory, as_staff_list
from cvq_core.agents.rules import ROWS_MAX

CONNECT_S, ANSWER_S, PAGE = 10.0, 30.0, 500


def read_directory(directory: StaffDirectory) -> bytes:
    """Return a directory's people as a staff list (CSV), whole or not at all.

    Raises:
        DirectoryTrouble: `no-password` (its file), `wrong-password`, `cut` (the directory gives no more than a part),
            `no-answer` (line, TLS, base or filter).
    """
    try:
        password = directory.bind_password_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise DirectoryTrouble("no-password") from None
    if not password:
        # With an empty one, a directory lets anybody in as nobody.
        raise DirectoryTrouble("no-password")
    try:
        entries = _entries(directory, password)
    except AuthenticationError:
        raise DirectoryTrouble("wrong-password") from None
    except SizeLimitError:
        raise DirectoryTrouble("cut") from None
    except (LDAPError, OSError) as error:
        raise DirectoryTrouble("no-answer") from error
    return as_staff_list(directory, entries)


def _entries(directory: StaffDirectory, password: str) -> list[Any]:
    client = bonsai.LDAPClient(directory.url, tls=directory.start_tls)
    client.set_cert_policy("demand")
    if directory.ca_file is not None:
        client.set_ca_cert(str(directory.ca_file))
    client.set_credentials("SIMPLE", user=directory.bind_dn, password=password)
    # Another machine that a directory points to would be given the password.
    client.set_server_chase_referrals(False)
    client.set_ignore_referrals(True)
    client.set_auto_page_acquire(True)
    with client.connect(timeout=CONNECT_S) as line:
        wanted = [name for name in directory.columns if name]
        found = line.paged_search(
            directory.base,
            bonsai.LDAPSearchScope.SUBTREE,
            directory.search,
            wanted,
            timeout=ANSWER_S,
            page_size=PAGE,
        )
        # One more than a list may hold: it is refused then, and told.
        return list(islice(found, ROWS_MAX + 1))
