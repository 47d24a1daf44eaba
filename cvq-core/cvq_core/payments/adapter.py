"""PayFiP behind one door: `eopayment` speaks its SOAP, in threads of our own, and nothing waits without a bound.

`eopayment.PayFiP` blocks, and its client is no thread's but its own: each thread makes one. What it raises becomes a
`Notice` (the faults P1 and P5 are answers) or `PayFipSilent`.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import structlog
from eopayment.payfip_ws import WSDL_URL, PayFiP, PayFiPError
from zeep.transports import Transport

from cvq_core.payments.rules import Notice, PayFipSilent, Said, is_idop

log = structlog.get_logger(__name__)

PRODUCTION_URL = "https://www.payfip.gouv.fr/tpa"
THREADS = 4
CALL_TIMEOUT_S = 10.0
"""For connecting, and for each wait for bytes."""
WHOLE_TIMEOUT_S = 15.0
"""For an answer in all, the wait for a thread included."""

_RESULTS = {
    "P": Said.PAID,
    "V": Said.PAID,
    "R": Said.REFUSED,
    "Z": Said.REFUSED,
    "A": Said.CANCELLED,
}
_FAULTS = {"P1": Said.FORGOTTEN, "P5": Said.NOT_YET}
_CENTS = re.compile(r"[1-9][0-9]{0,9}")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of PayFiP: `exercise` is the year of the budget, `email` the payer's."""

    refdet: str
    amount_cents: int
    email: str
    exercise: int
    subject: str
    notification_url: str
    return_url: str


class PayFip:
    """The one way to PayFiP. `url` is where its services and its page are; `entry` is T (test), X or W (production)."""

    def __init__(
        self, client_number: str, entry: str, url: str = PRODUCTION_URL, *, call_s: float = CALL_TIMEOUT_S
    ) -> None:
        self._client_number = client_number
        self._entry = entry
        self._url = url.rstrip("/")
        self._call_s = call_s
        self._whole_s = call_s + WHOLE_TIMEOUT_S - CALL_TIMEOUT_S
        # Threads of its own: a PayFiP that hangs must not hold up what else runs in threads.
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="payfip")
        self._own = threading.local()

    def close(self) -> None:
        """Let no more be asked; what is under way ends by its own time-out."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @property
    def origin(self) -> str:
        """Where a browser goes to pay."""
        there = urlsplit(self._url)
        return f"{there.scheme}://{there.netloc}"

    def page_url(self, idop: str) -> str:
        """Return the address of PayFiP's page where an operation is paid."""
        return f"{self._url}/paiementws.web?{urlencode({'idop': idop})}"

    async def create(self, order: Order) -> str:
        """Ask for an operation and return its identifier.

        Raises:
            PayFipSilent: no answer in time, a fault, or no identifier in the answer.
        """
        answer = await self._ask(
            "create",
            lambda client: client.get_idop(
                numcli=self._client_number,
                saisie=self._entry,
                exer=str(order.exercise),
                refdet=order.refdet,
                montant=str(order.amount_cents),
                mel=order.email,
                objet=order.subject,
                url_notification=order.notification_url,
                url_redirect=order.return_url,
                timeout=self._call_s,
            ),
        )
        if not is_idop(str(answer)):
            raise PayFipSilent
        return str(answer)

    async def result(self, idop: str) -> Notice:
        """Ask what became of an operation.

        Raises:
            PayFipSilent: no answer in time, a technical fault, or an answer that makes no sense.
        """

        def asked(client: Any) -> Notice:
            try:
                answer = client.get_info_paiement(idop, timeout=self._call_s)
            except PayFiPError as fault:
                if fault.code in _FAULTS:
                    return Notice(_FAULTS[fault.code])
                raise
            return _notice(answer)

        return await self._ask("result", asked)

    async def _ask(self, what: str, call: Callable[[Any], _T]) -> _T:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._whole_s):
                return await loop.run_in_executor(self._threads, lambda: call(self._client()))
        except PayFipSilent:
            raise
        except Exception as error:
            # Whatever a library, a proxy or a far server may raise: it is no answer.
            log.warning("payfip_silent", what=what, error=f"{type(error).__name__}: {error}"[:300])
            raise PayFipSilent from error

    def _client(self) -> Any:
        client = getattr(self._own, "client", None)
        if client is None:
            bounds = {"timeout": self._call_s, "operation_timeout": self._call_s}
            transport = Transport(**bounds)  # type: ignore[no-untyped-call]  # zeep has types, but not here
            wsdl_url = WSDL_URL if self._url == PRODUCTION_URL else f"{self._url}/services/securite?wsdl"
            client = self._own.client = PayFiP(wsdl_url=wsdl_url, zeep_client_kwargs={"transport": transport})
        return client


def _notice(answer: Any) -> Notice:
    """Return what a detail says.

    Raises:
        PayFipSilent: its result is none that we know, or it is paid and has no amount.
    """
    said = _RESULTS.get(answer.resultrans)
    amount = str(answer.montant or "")
    if said is None or (said is Said.PAID and not _CENTS.fullmatch(amount)):
        raise PayFipSilent
    cents = int(amount) if said is Said.PAID else None
    return Notice(said, str(answer.refdet or ""), cents, str(answer.numauto or "")[:40])
