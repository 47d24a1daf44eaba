"""The one way to API Particulier: bounded in time and size, retried where the interface says that it helps."""

from __future__ import annotations

import asyncio
from datetime import date

import structlog
from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout

from cvq_core.particulier.rules import PATH, Answer, Identity, Outcome, Unreadable, question, read_answer

log = structlog.get_logger(__name__)

PRODUCTION_URL = "https://particulier.api.gouv.fr"
ANSWER_BYTES_MAX = 64 * 1024
CALL_TIMEOUT_S = 8.0
TRIES = 2
PAUSE_S = 1.0
RETRY_AFTER_MAX_S = 5.0
AT_ONCE = 4
"""Of twenty calls a second that a token may make, this is far from the limit."""


class Particulier:
    """Asks for quotients under a token and the SIRET of who receives them."""

    def __init__(
        self,
        token: str,
        recipient: str,
        url: str = PRODUCTION_URL,
        *,
        call_s: float = CALL_TIMEOUT_S,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._token = token
        self._recipient = recipient
        self._url = url.rstrip("/") + PATH
        self._call_s = call_s
        self._pause_s = pause_s
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def ask(self, identity: Identity, month: date) -> Answer | Outcome:
        """Return somebody's quotient of a month (its first day), or why there is none; it never raises for the others'.

        A conflict, too many calls and a fund that does not answer are tried once more, after a pause.
        """
        asked = question(identity, self._recipient, month)
        async with self._turn:
            said: Answer | Outcome = Outcome.SILENT
            for attempt in range(TRIES):
                said, pause_s = await self._try(asked, month)
                if said not in (Outcome.BUSY, Outcome.SILENT) or attempt + 1 == TRIES:
                    break
                await asyncio.sleep(pause_s)
            return said

    async def _try(self, asked: list[tuple[str, str]], month: date) -> tuple[Answer | Outcome, float]:
        try:
            async with (
                ClientSession(timeout=ClientTimeout(total=self._call_s)) as session,
                # A redirection would carry the token and somebody's identity to who knows whom.
                session.get(
                    self._url,
                    params=asked,
                    headers={"Authorization": f"Bearer {self._token}", "Accept": "application/json"},
                    allow_redirects=False,
                ) as response,
            ):
                return await self._said(response, month), self._pause(response)
        except (ClientError, TimeoutError, OSError) as error:
            # Never the address, which names somebody.
            log.warning("particulier_silent", error=type(error).__name__)
            return Outcome.SILENT, self._pause_s

    async def _said(self, response: ClientResponse, month: date) -> Answer | Outcome:
        status = response.status
        if status == 200:
            try:
                return read_answer(await _bounded(response), month)
            except Unreadable:
                log.warning("particulier_unreadable")
                return Outcome.SILENT
        if status == 404:
            return Outcome.NOT_FOUND
        if status in (400, 422):
            return Outcome.BAD_IDENTITY
        if status in (409, 429):
            return Outcome.BUSY
        log.warning("particulier_refused" if status in (401, 403) else "particulier_down", status=status)
        return Outcome.REFUSED if status in (401, 403) else Outcome.SILENT

    def _pause(self, response: ClientResponse) -> float:
        told = response.headers.get("Retry-After", "")
        wanted = float(told) if told.isascii() and told.isdigit() and len(told) < 4 else self._pause_s
        return min(wanted, RETRY_AFTER_MAX_S)


async def _bounded(response: ClientResponse) -> bytes:
    body = await response.content.read(ANSWER_BYTES_MAX + 1)
    while len(body) <= ANSWER_BYTES_MAX and (more := await response.content.read(ANSWER_BYTES_MAX + 1 - len(body))):
        body += more
    if len(body) > ANSWER_BYTES_MAX:
        raise Unreadable
    return body
