"""The stand-in for PayFiP keeps to the WSDL that `eopayment` carries, and `eopayment` understands all that it says."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession
from lxml import etree

from cvq_core.payments.adapter import Order, PayFip
from cvq_core.payments.rules import Notice, PayFipSilent, Said
from cvq_core.payments.virtual import RESOURCES, SCHEMAS, SERVICE, SOAP, WSDL, Fault, Result, VirtualPayFip

ORDER = Order("CVQA1", 1235, "jeanne@aulnay.fr", 2026, "Carte", "http://127.0.0.1:9/n", "http://127.0.0.1:9/r")


@pytest.fixture
async def virtual() -> AsyncIterator[VirtualPayFip]:
    virtual = VirtualPayFip()
    await virtual.start()
    yield virtual
    await virtual.stop()


@pytest.fixture
async def payfip(virtual: VirtualPayFip) -> AsyncIterator[PayFip]:
    payfip = PayFip("012345", "T", virtual.url, call_s=1)
    yield payfip
    payfip.close()


async def fetch(url: str, body: bytes | None = None) -> tuple[int, bytes]:
    async with ClientSession() as session, session.request("POST" if body else "GET", url, data=body) as answer:
        return answer.status, await answer.read()


async def test_it_serves_the_very_wsdl_and_schemas_with_its_own_address(virtual: VirtualPayFip) -> None:
    _, wsdl = await fetch(f"{virtual.url}/services/securite?wsdl")
    address = b"https://www.payfip.gouv.fr/tpa/services/securite"
    assert wsdl.replace(f"{virtual.url}/services/securite".encode(), address) == (RESOURCES / WSDL).read_bytes()
    for name in SCHEMAS:
        assert (await fetch(f"{virtual.url}/services/{name}"))[1] == (RESOURCES / name).read_bytes()
    assert (await fetch(f"{virtual.url}/services/PaiementSecuriseService.wsdl"))[0] == 404


async def test_every_answer_and_fault_validates_against_the_schema(virtual: VirtualPayFip, payfip: PayFip) -> None:
    idop = await payfip.create(ORDER)
    schema = etree.XMLSchema(etree.parse(RESOURCES / SCHEMAS[0]))
    ask = (
        f'<e:Envelope xmlns:e="{SOAP}"><e:Body><p:recupererDetailPaiementSecurise xmlns:p="{SERVICE}">'
        f"<arg0><idOp>{idop}</idOp></arg0></p:recupererDetailPaiementSecurise></e:Body></e:Envelope>"
    ).encode()
    url = f"{virtual.url}/services/securite"
    told = []
    for fault in (None, Fault.FORGOTTEN, Fault.TECHNICAL):
        virtual.faults.extend([fault] if fault else [])
        told.append(etree.fromstring((await fetch(url, ask))[1]))
    virtual.end(idop, Result.PAID_BY_CARD)
    told.append(etree.fromstring((await fetch(url, ask))[1]))
    for envelope in told:
        body = envelope.find(f"{{{SOAP}}}Body/*")
        content = body.find("detail/*") if etree.QName(body).localname == "Fault" else body
        assert schema.validate(content), schema.error_log
    assert [envelope.findtext(".//code") for envelope in told] == ["P5", "P1", "T1", None]
    assert told[-1].findtext(".//montant") == "1235"


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (Result.PAID_BY_CARD, Said.PAID),
        (Result.PAID_BY_DEBIT, Said.PAID),
        (Result.CARD_REFUSED, Said.REFUSED),
        (Result.DEBIT_REFUSED, Said.REFUSED),
        (Result.CANCELLED, Said.CANCELLED),
    ],
)
async def test_each_result_is_understood(virtual: VirtualPayFip, payfip: PayFip, result: Result, said: Said) -> None:
    idop = await payfip.create(ORDER)
    assert await payfip.result(idop) == Notice(Said.NOT_YET)
    virtual.end(idop, result)
    notice = await payfip.result(idop)
    assert (notice.said, notice.refdet) == (said, "CVQA1")
    assert notice.amount_cents == (1235 if said is Said.PAID else None)
    assert await payfip.result("00000000-unknown") == Notice(Said.FORGOTTEN)


@pytest.mark.parametrize(
    "wrong",
    [
        {"refdet": "CVQ A1"},
        {"refdet": "A" * 31},
        {"amount_cents": 99},
        {"amount_cents": 10_000_001},
        {"email": "jeanne"},
        {"subject": "é"},
        {"subject": "x" * 101},
        {"exercise": 26},
    ],
)
async def test_it_refuses_what_payfip_refuses(virtual: VirtualPayFip, payfip: PayFip, wrong: dict[str, object]) -> None:
    order = Order(**({name: getattr(ORDER, name) for name in Order.__slots__} | wrong))
    with pytest.raises(PayFipSilent):
        await payfip.create(order)
    assert not virtual.operations


async def test_what_does_not_keep_to_the_schema_is_no_call(virtual: VirtualPayFip) -> None:
    url = f"{virtual.url}/services/securite"
    entity = b'<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>'
    for body in (b"no xml", b"<x/>", entity, f'<e:Envelope xmlns:e="{SOAP}"><e:Body/></e:Envelope>'.encode()):
        status, answer = await fetch(url, body)
        assert (status, etree.fromstring(answer).findtext(".//code")) == (500, "N1")


async def test_nobody_pays_twice_and_a_dead_page_takes_nothing(virtual: VirtualPayFip, payfip: PayFip) -> None:
    idop = await payfip.create(ORDER)
    virtual.end(idop, Result.PAID_BY_CARD)
    virtual.end(idop, Result.CANCELLED)
    assert (await payfip.result(idop)).said is Said.PAID
    page = (await fetch(f"{virtual.url}/paiementws.web?idop={idop}"))[1].decode()
    assert "12,35" in page
    assert "n’existe plus" in (await fetch(f"{virtual.url}/paiementws.web?idop=x"))[1].decode()
