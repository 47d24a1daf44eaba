"""What we ask of an IPP printer through pyipp, with bounds that pyipp does not have and its errors sorted.

Operations and attributes: RFC 8011 and PWG 5100.14 (IPP Everywhere).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from pyipp import IPP, IPPConnectionError, IPPConnectionUpgradeRequired, IPPError, IPPParseError
from pyipp.enums import IppOperation, IppTag
from pyipp.exceptions import IPPResponseError
from pyipp.tags import ATTRIBUTE_TAG_MAP
from yarl import URL

ANSWER_TIMEOUT_S = 8.0
SEND_TIMEOUT_S = 120.0
"""A document goes to a printer that warms up while it listens."""

ANSWER_BYTES_MAX = 1 << 20

OPERATION_NOT_SUPPORTED = 0x0501
NOT_FOUND = 0x0406
GONE = 0x0407
NOT_POSSIBLE = 0x0404
BUSY = frozenset({0x0505, 0x0506, 0x0507})
"""Temporary error, not accepting jobs, busy: ask again later."""

PENDING, HELD, PROCESSING, STOPPED, CANCELED, ABORTED, COMPLETED = range(3, 10)
"""Values of `job-state`."""

PRINTER_PROCESSING, PRINTER_STOPPED = 4, 5
"""Values of `printer-state` that matter."""

_TROUBLES = {
    "cover_open": ("cover-open", "door-open", "interlock-open", "input-tray-missing"),
    "paper_jam": ("media-jam",),
    "paper_out": ("media-empty", "media-needed"),
    "toner_empty": ("toner-empty", "marker-supply-empty", "developer-empty"),
    "off": ("shutdown", "connecting-to-device", "timed-out"),
}
"""Our slugs in order of precedence: a jam is told before the paper that lacks because of it."""


# pyipp sends a medium as a name, which only a printer's own media have: the standard ones are keywords.
ATTRIBUTE_TAG_MAP["media"] = IppTag.KEYWORD


class Unreachable(Exception):
    """Nothing answers at the printer's address: it is off, or its cable is out."""


class NotAPrinter(Exception):
    """Something answers, but does not speak IPP there; or the address is no address."""


class Refused(Exception):
    """The printer refused an operation with a `status` of RFC 8011, appendix B."""

    def __init__(self, status: int) -> None:
        super().__init__(f"IPP status 0x{status:04X}")
        self.status = status


@dataclass(frozen=True, slots=True)
class PrinterState:
    """How a printer is: `trouble` is our slug for what is wrong, `reasons` its own words."""

    busy: bool
    stopped: bool
    trouble: str | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a printer takes."""

    formats: frozenset[str]
    media: frozenset[str]
    raster_kinds: tuple[str, ...]
    raster_resolutions_dpi: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class JobState:
    """How a job is on the printer."""

    number: int
    name: str
    state: int
    reasons: tuple[str, ...]
    pages_done: int | None

    @property
    def without_document(self) -> bool:
        """Whether the printer still waits for the document, so that nothing of it can have been printed."""
        return self.state in (PENDING, HELD) and bool({"job-data-insufficient", "job-incoming"} & set(self.reasons))


def trouble_of(reasons: Sequence[str], state: int) -> str | None:
    """Return our slug for a printer's `printer-state-reasons`.

    The severity after a keyword (-report, -warning, -error) is left aside: printers disagree on it, and an open cover
    is worth telling before somebody needs the printer.
    """
    keywords = {reason.removesuffix("-error").removesuffix("-warning").removesuffix("-report") for reason in reasons}
    for slug, words in _TROUBLES.items():
        if keywords.intersection(words):
            return slug
    return "other" if state == PRINTER_STOPPED else None


class _BoundedResponse(aiohttp.ClientResponse):
    """A printer's answer, of which only so much is read as a printer has reason to say."""

    async def read(self) -> bytes:
        if self._body is None:
            body = bytearray()
            async for piece in self.content.iter_chunked(16 * 1024):
                body += piece
                if len(body) > ANSWER_BYTES_MAX:
                    self.close()
                    raise aiohttp.ClientPayloadError("the printer's answer has no end")
            self._body = bytes(body)
        return self._body


class _Connection(IPP):
    """pyipp's client, with the operation's target where RFC 8011, 4.1.5 wants it: after charset and language."""

    def _message(self, operation: IppOperation, msg: dict[str, Any]) -> dict[str, Any]:
        message = super()._message(operation, msg)
        attributes = message["operation-attributes-tag"]
        first = ("attributes-charset", "attributes-natural-language", "printer-uri", "job-id")
        message["operation-attributes-tag"] = {
            name: attributes[name] for name in first if name in attributes
        } | attributes
        return message


class IppPrinter:
    """A printer's operations. Each call opens a connection of its own, since hours lie between two documents.

    Raises:
        Unreachable, NotAPrinter, Refused: from every call.
    """

    def __init__(self, uri: str, user: str) -> None:
        self._uri = uri
        self._user = user

    async def state(self) -> PrinterState:
        """Return how the printer is now."""
        attributes = await self._printer_attributes("printer-state", "printer-state-reasons")
        state = int(attributes.get("printer-state", 0))
        reasons = tuple(word for word in _texts(attributes.get("printer-state-reasons")) if word != "none")
        return PrinterState(state == PRINTER_PROCESSING, state == PRINTER_STOPPED, trouble_of(reasons, state), reasons)

    async def capabilities(self) -> Capabilities:
        """Return what the printer takes."""
        attributes = await self._printer_attributes(
            "document-format-supported",
            "media-supported",
            "pwg-raster-document-type-supported",
            "pwg-raster-document-resolution-supported",
        )
        resolutions = attributes.get("pwg-raster-document-resolution-supported", [])
        return Capabilities(
            formats=frozenset(_texts(attributes.get("document-format-supported"))),
            media=frozenset(_texts(attributes.get("media-supported"))),
            raster_kinds=tuple(_texts(attributes.get("pwg-raster-document-type-supported"))),
            raster_resolutions_dpi=tuple(
                int(across)
                for across, along, unit in (resolutions if isinstance(resolutions, list) else [resolutions])
                if across == along and unit == 3
            ),
        )

    async def _printer_attributes(self, *names: str) -> dict[str, Any]:
        answer = await self._ask(IppOperation.GET_PRINTER_ATTRIBUTES, {"requested-attributes": list(names)})
        if not answer["printers"]:
            raise NotAPrinter("the answer describes no printer")
        return dict(answer["printers"][0])

    async def create_job(self, name: str, attributes: dict[str, Any]) -> int:
        """Open a job and return its number; nothing prints before its document is sent."""
        return _number(await self._ask(IppOperation.CREATE_JOB, {"job-name": name}, attributes))

    async def send_document(self, job: int, document: bytes, media_type: str) -> None:
        """Give a job its one document, which starts it."""
        operation = {"job-id": job, "document-format": media_type, "last-document": True}
        await self._ask(IppOperation.SEND_DOCUMENT, operation, data=document, timeout_s=SEND_TIMEOUT_S)

    async def print_job(self, name: str, attributes: dict[str, Any], document: bytes, media_type: str) -> int:
        """Print in one step, for printers that know no `create_job`, and return the job's number."""
        operation = {"job-name": name, "document-format": media_type}
        return _number(
            await self._ask(IppOperation.PRINT_JOB, operation, attributes, document, timeout_s=SEND_TIMEOUT_S)
        )

    async def job(self, number: int) -> JobState | None:
        """Return how a job is; None when the printer knows it no more."""
        wanted = ["job-id", "job-name", "job-state", "job-state-reasons", "job-impressions-completed"]
        try:
            answer = await self._ask(
                IppOperation.GET_JOB_ATTRIBUTES, {"job-id": number, "requested-attributes": wanted}
            )
        except Refused as refused:
            if refused.status in (NOT_FOUND, GONE):
                return None
            raise
        return _job(answer["jobs"][0]) if answer["jobs"] else None

    async def jobs(self) -> list[JobState]:
        """Return the jobs that the printer remembers, finished ones included."""
        wanted = ["job-id", "job-name", "job-state", "job-state-reasons"]
        found: list[JobState] = []
        for which in ("not-completed", "completed"):
            answer = await self._ask(IppOperation.GET_JOBS, {"which-jobs": which, "requested-attributes": wanted})
            found += [_job(job) for job in answer["jobs"] if "job-id" in job]
        return found

    async def cancel(self, job: int) -> None:
        """Cancel a job; one that is over stays as it is."""
        try:
            await self._ask(IppOperation.CANCEL_JOB, {"job-id": job})
        except Refused as refused:
            if refused.status not in (NOT_POSSIBLE, NOT_FOUND, GONE):
                raise

    async def _ask(
        self,
        operation: IppOperation,
        attributes: dict[str, Any],
        job_attributes: dict[str, Any] | None = None,
        data: bytes = b"",
        *,
        timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> dict[str, Any]:
        message = {"operation-attributes-tag": {"requesting-user-name": self._user, **attributes}, "data": data}
        if job_attributes:
            message["job-attributes-tag"] = job_attributes
        try:
            async with asyncio.timeout(timeout_s), self._connection(timeout_s) as printer:
                return dict(await printer.execute(operation, message))
        except (IPPConnectionError, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(str(error.__cause__ or error)) from error
        except (IPPParseError, IPPResponseError, IPPConnectionUpgradeRequired, UnicodeError) as error:
            raise NotAPrinter(str(error)) from error
        except IPPError as error:
            raise Refused(_status(error)) from error

    @asynccontextmanager
    async def _connection(self, timeout_s: float) -> AsyncIterator[_Connection]:
        url = URL(self._uri)
        if url.scheme not in ("ipp", "ipps") or not url.host:
            raise NotAPrinter(f"{self._uri} is no address of a printer: ipp://… or ipps://…")
        async with aiohttp.ClientSession(response_class=_BoundedResponse) as session:
            yield _Connection(self._uri, session=session, request_timeout=int(timeout_s), user_agent="cvq-booth")


def _status(error: IPPError) -> int:
    return next((int(part["status-code"]) for part in error.args if isinstance(part, dict)), 0x0500)


def _number(answer: dict[str, Any]) -> int:
    if not answer["jobs"] or "job-id" not in answer["jobs"][0]:
        raise NotAPrinter("the printer gave the job no number")
    return int(answer["jobs"][0]["job-id"])


def _job(attributes: dict[str, Any]) -> JobState:
    pages = attributes.get("job-impressions-completed")
    return JobState(
        number=int(attributes["job-id"]),
        name=str(attributes.get("job-name", "")),
        state=int(attributes.get("job-state", 0)),
        reasons=tuple(_texts(attributes.get("job-state-reasons"))),
        pages_done=pages if isinstance(pages, int) else None,
    )


def _texts(value: Any) -> list[str]:
    """Return an attribute's values as a list, whether it has none, one or several."""
    if value is None:
        return []
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]
