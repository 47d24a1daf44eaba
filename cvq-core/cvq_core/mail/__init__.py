"""E-mail: filed as a job in the transaction of the act, sent afterwards."""

from __future__ import annotations

import hashlib
from datetime import datetime
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit

import aiosmtplib
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.errors import N_, Unavailable
from cvq_core.jobs import enqueue
from cvq_core.settings import Settings

SEND_MAIL = "send-mail"
TIMEOUT_S = 30


class NoMail(Unavailable):
    """This installation sends no e-mail."""

    slug = "no-mail"
    message = N_("Cette installation n’envoie pas de courriels.")
    what_to_do = N_("Imprimez le document à la place.")


async def file_mail(
    db: AsyncSession, settings: Settings, *, to: str, subject: str, text: str, now: datetime, key: str
) -> None:
    """File an e-mail to be sent; the same `key` twice is one e-mail.

    Raises:
        NoMail: no SMTP server is set.
    """
    if settings.smtp_url is None:
        raise NoMail
    # A digest: of any length of address, fit for a Message-ID, and not the address itself.
    mail_id = hashlib.sha256(key.encode()).hexdigest()
    payload = {"to": to, "subject": subject, "text": text, "id": mail_id}
    await enqueue(db, SEND_MAIL, payload, now=now, unique_key=f"mail:{mail_id}")


async def send_mail(settings: Settings, payload: dict[str, Any]) -> None:
    """Send a filed e-mail. Cut short and sent again, it keeps its Message-ID, so that a mailbox shows it once."""
    assert settings.smtp_url is not None
    server = urlsplit(settings.smtp_url)
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = payload["to"]
    message["Subject"] = payload["subject"]
    message["Message-ID"] = f"<{payload['id']}@{settings.public_url.host}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(payload["text"])
    await aiosmtplib.send(
        message,
        hostname=server.hostname,
        port=server.port or 25,
        username=unquote(server.username) if server.username else None,
        password=unquote(server.password) if server.password else None,
        use_tls=server.scheme == "smtps",
        start_tls=None if server.scheme == "smtp" else False,
        timeout=TIMEOUT_S,
    )
