"""A PayFiP on this machine, for the tests and the demonstration: the same SOAP, a page to pay on, and its faults.

What it takes and gives is checked against the very schemas that `eopayment` carries. It listens on the loopback alone,
notifies nobody beyond it, and moves no money.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import uuid4

import eopayment
from aiohttp import ClientError, ClientSession, ClientTimeout, web
from lxml import etree

from cvq_core.clock import Clock, local, utc_now
from cvq_core.payments.rules import AMOUNT_CENTS_MAX, AMOUNT_CENTS_MIN, PAGE_LIFE, is_refdet
from cvq_core.settings_file import is_loopback
from cvq_core.text import money

RESOURCES = Path(eopayment.__file__).parent / "resource"
WSDL = "PaiementSecuriseService.wsdl"
SCHEMAS = tuple(f"PaiementSecuriseService_schema{n}.xsd" for n in (1, 2, 3))
SERVICE = "http://securite.service.tpa.cp.finances.gouv.fr/services/mas_securite/contrat_paiement_securise/" + (
    "PaiementSecuriseService"
)
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
REAL_ADDRESS = "https://www.payfip.gouv.fr/tpa/services/securite"
FAULT_WORDS = {
    "P1": "IdOp incorrect.",
    "P5": "Résultat de la transaction non connu.",
    "A2": "Adresse mél incorrecte.",
    "N1": "Demande incorrecte.",
}
BODY_BYTES_MAX = 64 * 1024
SILENCE_S = 60.0


class Fault(StrEnum):
    """What goes wrong with the next call, one fault a call."""

    SILENT = "silent"
    TECHNICAL = "technical"
    ANSWER_LOST = "answer_lost"
    CREATION_LOST = "creation_lost"
    """As `ANSWER_LOST`, for the next payment that is begun: whoever asks for results meanwhile gets them."""
    NOT_YET = "not_yet"
    FORGOTTEN = "forgotten"


class Result(StrEnum):
    """How an operation ended, by PayFiP's letter."""

    PAID_BY_CARD = "P"
    PAID_BY_DEBIT = "V"
    CARD_REFUSED = "R"
    DEBIT_REFUSED = "Z"
    CANCELLED = "A"


@dataclass(slots=True)
class Operation:
    """One operation: what was asked, and what became of it."""

    idop: str
    asked: dict[str, str]
    made_at: datetime
    result: Result | None = None
    ended_at: datetime | None = None
    amount_cents: int = 0
    number: str = ""


@dataclass
class VirtualPayFip:
    """The stand-in. `faults` are used up by the next calls; `operations` are all that was ever asked, by identifier."""

    clock: Clock = utc_now
    port: int = 0
    faults: deque[Fault] = field(default_factory=deque)
    operations: dict[str, Operation] = field(default_factory=dict)
    notified: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._schema = etree.XMLSchema(etree.parse(RESOURCES / SCHEMAS[0]))
        self._runner: web.AppRunner | None = None
        self._telling: set[asyncio.Task[None]] = set()
        self._gone = asyncio.Event()

    @property
    def url(self) -> str:
        """What `payfip_url` is set to."""
        return f"http://127.0.0.1:{self.port}/tpa"

    async def start(self) -> None:
        """Listen, on the loopback."""
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_get("/tpa/services/securite", self._wsdl)
        app.router.add_get("/tpa/services/{schema}", self._xsd)
        app.router.add_post("/tpa/services/securite", self._soap)
        app.router.add_get("/tpa/paiementws.web", self._page)
        app.router.add_post("/tpa/paiementws.web", self._chosen)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Answer no more."""
        self._gone.set()
        for task in list(self._telling):
            task.cancel()
        if self._runner is not None:
            await self._runner.cleanup()

    def end(self, idop: str, result: Result, *, amount_cents: int | None = None) -> None:
        """Let somebody end an operation; whoever was refused or cancelled may still pay, and nobody pays twice."""
        operation = self.operations[idop]
        if operation.result in (Result.PAID_BY_CARD, Result.PAID_BY_DEBIT):
            return
        operation.result, operation.ended_at = result, self.clock()
        operation.amount_cents = int(operation.asked["montant"]) if amount_cents is None else amount_cents
        operation.number = f"{len(self.operations):06d}"

    def by_refdet(self, refdet: str) -> Operation:
        """Return the operation of a reference."""
        return next(each for each in self.operations.values() if each.asked["refdet"] == refdet)

    async def notify(self, idop: str) -> int:
        """Tell whoever asked that something happened; return the HTTP status, 0 when nobody answers."""
        status = 0
        address = self.operations[idop].asked["urlnotif"]
        if is_loopback(urlsplit(address).hostname or ""):
            try:
                async with (
                    ClientSession(timeout=ClientTimeout(5)) as session,
                    session.post(address, data={"idop": idop}) as answer,
                ):
                    status = answer.status
            except (ClientError, TimeoutError):
                status = 0
        self.notified.append((idop, status))
        return status

    async def _wsdl(self, request: web.Request) -> web.Response:
        wsdl = (RESOURCES / WSDL).read_text().replace(REAL_ADDRESS, f"{self.url}/services/securite")
        return web.Response(text=wsdl, content_type="text/xml")

    async def _xsd(self, request: web.Request) -> web.Response:
        name = request.match_info["schema"]
        if name not in SCHEMAS:
            raise web.HTTPNotFound
        return web.Response(text=(RESOURCES / name).read_text(), content_type="text/xml")

    async def _soap(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        fault = self._next_fault(body)
        if fault is Fault.SILENT:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._gone.wait(), SILENCE_S)
            raise web.HTTPServiceUnavailable
        if fault is Fault.TECHNICAL:
            return self._technical()
        try:
            call = self._read(body)
        except (etree.XMLSyntaxError, ValueError):
            return self._functional("N1")
        fields = {each.tag: each.text or "" for each in call.iter() if each is not call and not len(each)}
        operation = etree.QName(call).localname
        if operation == "creerPaiementSecurise":
            answer = self._create(fields)
        elif operation == "recupererDetailPaiementSecurise":
            answer = self._detail(fields, fault)
        else:
            answer = self._answer(operation, {"libelleN1": "COMMUNE FICTIVE", "numcli": fields.get("numCli", "")})
        if fault in (Fault.ANSWER_LOST, Fault.CREATION_LOST):
            # It is done, and whoever asked never learns it.
            assert request.transport is not None
            request.transport.close()
        return answer

    def _next_fault(self, body: bytes) -> Fault | None:
        is_waiting = (
            bool(self.faults) and self.faults[0] is Fault.CREATION_LOST and b"creerPaiementSecurise" not in body
        )
        return None if is_waiting or not self.faults else self.faults.popleft()

    def _read(self, body: bytes) -> etree._Element:
        envelope = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
        call = envelope.find(f"{{{SOAP}}}Body/*")
        if call is None or not self._schema.validate(call):
            raise ValueError("not what the schema asks for")
        return call

    def _create(self, asked: dict[str, str]) -> web.Response:
        wrong = (
            not (asked.get("numcli", "").isdigit() and len(asked["numcli"]) == 6)
            or asked.get("saisie") not in ("T", "X", "W")
            or not is_refdet(asked.get("refdet", ""))
            or not (asked.get("montant", "").isdigit())
            or not AMOUNT_CENTS_MIN <= int(asked["montant"]) <= AMOUNT_CENTS_MAX
            or not (asked.get("exer", "").isdigit() and len(asked["exer"]) == 4)
            or len(asked.get("objet", "")) > 100
            or not asked.get("objet", "").isascii()
        )
        if wrong:
            return self._functional("N1")
        if "@" not in asked.get("mel", "") or not 6 <= len(asked["mel"]) <= 80:
            return self._functional("A2")
        idop = str(uuid4())
        self.operations[idop] = Operation(idop, asked, self.clock())
        return self._answer("creerPaiementSecurise", {"idOp": idop})

    def _detail(self, fields: dict[str, str], fault: Fault | None) -> web.Response:
        operation = self.operations.get(fields.get("idOp", ""))
        if operation is None or fault is Fault.FORGOTTEN:
            return self._functional("P1")
        if operation.result is None or operation.ended_at is None or fault is Fault.NOT_YET:
            return self._functional("P5")
        asked, ended = operation.asked, local(operation.ended_at)
        return self._answer(
            "recupererDetailPaiementSecurise",
            {
                "dattrans": f"{ended:%d%m%Y}",
                "exer": asked["exer"],
                "heurtrans": f"{ended:%H%M}",
                "idOp": operation.idop,
                "mel": asked["mel"],
                "montant": str(operation.amount_cents),
                "numauto": operation.number,
                "numcli": asked["numcli"],
                "objet": asked.get("objet", ""),
                "refdet": asked["refdet"],
                "resultrans": operation.result.value,
                "saisie": asked["saisie"],
            },
        )

    def _answer(self, operation: str, fields: dict[str, str]) -> web.Response:
        answer = etree.Element(f"{{{SERVICE}}}{operation}Response", nsmap={"ns": SERVICE})
        inner = etree.SubElement(answer, "return")
        for name, text in fields.items():
            etree.SubElement(inner, name).text = text
        self._schema.assertValid(answer)
        return _envelope(answer)

    def _functional(self, code: str) -> web.Response:
        return self._fault("FonctionnelleErreur", code, FAULT_WORDS[code])

    def _technical(self) -> web.Response:
        return self._fault("TechIndisponibiliteErreur", "T1", "Service indisponible.")

    def _fault(self, kind: str, code: str, words: str) -> web.Response:
        told = etree.Element(f"{{{SERVICE}}}{kind}", nsmap={"ns": SERVICE})
        for name, text in (("code", code), ("descriptif", words), ("libelle", words), ("severite", "2")):
            etree.SubElement(told, name).text = text
        self._schema.assertValid(told)
        fault = etree.Element(f"{{{SOAP}}}Fault", nsmap={"soap": SOAP})
        etree.SubElement(fault, "faultcode").text = "soap:Server"
        etree.SubElement(fault, "faultstring").text = f"fr.gouv.finances.cp.tpa.webservice.exceptions.{kind}"
        etree.SubElement(fault, "detail").append(told)
        return _envelope(fault, status=500)

    async def _page(self, request: web.Request) -> web.Response:
        operation = self.operations.get(request.query.get("idop", ""))
        if operation is None or self.clock() - operation.made_at >= PAGE_LIFE:
            return web.Response(
                text=_PAGE.format(body="<p>Cet identifiant n’existe plus.</p>"), content_type="text/html"
            )
        body = _CHOICES.format(
            idop=html.escape(operation.idop, quote=True),
            amount=money(int(operation.asked["montant"])),
            refdet=html.escape(operation.asked["refdet"]),
        )
        return web.Response(text=_PAGE.format(body=body), content_type="text/html")

    async def _chosen(self, request: web.Request) -> web.Response:
        fields = dict(parse_qsl((await request.read()).decode()))
        operation = self.operations.get(fields.get("idop", ""))
        if operation is None:
            raise web.HTTPNotFound
        choice = fields.get("choice", "")
        if choice in set(Result):
            asked = int(operation.asked["montant"])
            self.end(operation.idop, Result(choice), amount_cents=asked - 1 if fields.get("amount") else None)
            delays = {"lost": (), "doubled": (0.0, 1.0), "late": (30.0,)}.get(fields.get("notice", ""), (0.0,))
            for delay_s in delays:
                task = asyncio.create_task(self._tell_later(operation.idop, delay_s))
                self._telling.add(task)
                task.add_done_callback(self._telling.discard)
        back = urlsplit(operation.asked["urlredirect"])
        query = urlencode([*parse_qsl(back.query), ("idop", operation.idop)])
        return web.Response(status=303, headers={"Location": urlunsplit(back._replace(query=query))})

    async def _tell_later(self, idop: str, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        await self.notify(idop)


def _envelope(content: etree._Element, *, status: int = 200) -> web.Response:
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soap": SOAP})
    etree.SubElement(envelope, f"{{{SOAP}}}Body").append(content)
    return web.Response(body=etree.tostring(envelope), content_type="text/xml", status=status)


_PAGE = """<!DOCTYPE html>
<html lang="fr"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>PayFiP fictif</title>
<style>body {{ font: 1.2rem/1.5 sans-serif; max-width: 34rem; margin: 2rem auto; padding: 0 1rem }}
button {{ display: block; width: 100%; font: inherit; padding: .8rem; margin: .6rem 0 }}</style></head>
<body><h1>PayFiP fictif</h1><p>Aucun argent ne bouge ici.</p>{body}</body></html>
"""
_CHOICES = """<p>À payer : <strong>{amount}</strong><br>Référence {refdet}</p>
<form method="post" action="/tpa/paiementws.web"><input type="hidden" name="idop" value="{idop}">
<button name="choice" value="P">Payer par carte</button>
<button name="choice" value="V">Payer par prélèvement</button>
<button name="choice" value="R">Carte refusée</button>
<button name="choice" value="A">Annuler</button>
<button name="choice" value="nothing">Revenir sans rien faire</button>
<p><label>La notification <select name="notice"><option value="">arrive</option><option value="lost">se perd</option>
<option value="doubled">arrive deux fois</option><option value="late">arrive en retard</option></select></label></p>
<p><label><input type="checkbox" name="amount" value="changed"> Le montant payé est autre</label></p></form>
"""
