"""Reading what the bank sends back: pain.002 (refused before the day) and camt.054 (returned after it).

Both are read without their namespaces' versions, which banks mix. Entities, external files and huge trees are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from uuid import UUID

from lxml import etree

from cvq_core.debits.reasons import ReturnReason, reason_of
from cvq_core.debits.rules import ITEMS_MAX
from cvq_core.errors import N_, BadInput

FILE_BYTES_MAX = 8 * 1024**2
EUROS_MAX = 10**9
STATUS, NOTICE = "CstmrPmtStsRpt", "BkToCstmrDbtCdtNtfctn"


class BadReturnFile(BadInput):
    """No pain.002 and no camt.054, cut short, or too long."""

    slug = "bad-return-file"
    message = N_("Ce fichier n’est pas un relevé de rejets (pain.002) ni un avis d’opérations (camt.054).")
    what_to_do = N_("Rien n’a été changé. Demandez à la banque l’un de ces deux fichiers.")


@dataclass(frozen=True, slots=True)
class BankReturn:
    """One debit that comes back. `item_id` is None where the bank's reference is none of ours."""

    reference: str
    item_id: UUID | None
    reason: ReturnReason
    code: str
    amount_cents: int | None
    fee_cents: int


def read_returns(content: bytes) -> list[BankReturn]:
    """Return the debits that a file of the bank sends back, in its order.

    Raises:
        BadReturnFile
    """
    if len(content) > FILE_BYTES_MAX:
        raise BadReturnFile
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise BadReturnFile from None
    if root.getroottree().docinfo.doctype:
        raise BadReturnFile
    found: list[BankReturn] = []
    for report in root:
        name = _name(report)
        if name not in (STATUS, NOTICE):
            raise BadReturnFile
        for each in _refused(report) if name == STATUS else _returned(report):
            found.append(each)
            if len(found) > ITEMS_MAX:
                raise BadReturnFile
    if not len(root):
        raise BadReturnFile
    return found


def _refused(report: etree._Element) -> Iterator[BankReturn]:
    """Yield what a pain.002 refuses; lines that it accepts are no returns."""
    for line in _all(report, "TxInfAndSts"):
        if _text(line, "TxSts") not in ("", "RJCT"):
            continue
        amount = _first(line, "OrgnlTxRef", "Amt", "InstdAmt")
        yield _return(_text(line, "OrgnlEndToEndId"), _text(line, "StsRsnInf", "Rsn", "Cd"), amount, 0)


def _returned(report: etree._Element) -> Iterator[BankReturn]:
    """Yield what a camt.054 returns; entries without a reason for a return are other movements."""
    for line in _all(report, "TxDtls"):
        if _first(line, "RtrInf") is None:
            continue
        amount = _first(line, "AmtDtls", "InstdAmt", "Amt")
        if amount is None:
            amount = _first(line, "Amt")
        fee = sum(_cents(each) or 0 for each in (_first(charge, "Amt") for charge in _charges(line)))
        yield _return(_text(line, "Refs", "EndToEndId"), _text(line, "RtrInf", "Rsn", "Cd"), amount, fee)


def _charges(line: etree._Element) -> list[etree._Element]:
    """Return the fees of a transaction: they stand in `Chrgs` itself, or in its records since version 08."""
    found = [each for each in line if _name(each) == "Chrgs"]
    records = [record for each in found for record in each if _name(record) == "Rcrd"]
    return records or found


def _return(reference: str, code: str, amount: etree._Element | None, fee_cents: int) -> BankReturn:
    try:
        item_id = UUID(hex=reference) if len(reference) == 32 else None
    except ValueError:
        item_id = None
    cents = _cents(amount)
    return BankReturn(reference[:35], item_id, reason_of(code), code[:4], cents, max(0, fee_cents))


def _cents(element: etree._Element | None) -> int | None:
    """Return an amount in cents; None where there is none.

    Raises:
        BadReturnFile: it is no amount in euros.
    """
    if element is None:
        return None
    try:
        euros = Decimal((element.text or "").strip())
    except InvalidOperation:
        raise BadReturnFile from None
    # First the bounds: whatever is beyond them is not even multiplied.
    if element.get("Ccy", "EUR") != "EUR" or not euros.is_finite() or not 0 <= euros < EUROS_MAX:
        raise BadReturnFile
    if euros.as_tuple().exponent < -2:  # type: ignore[operator]  # of a finite number it is one
        raise BadReturnFile
    return int(euros * 100)


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _all(element: etree._Element, name: str) -> Iterator[etree._Element]:
    return (each for each in element.iter() if _name(each) == name)


def _first(element: etree._Element, *path: str) -> etree._Element | None:
    """Return the first descendant by a path of names, one level each."""
    here: etree._Element | None = element
    for name in path:
        here = next((each for each in here if _name(each) == name), None) if here is not None else None
    return here


def _text(element: etree._Element, *path: str) -> str:
    found = _first(element, *path)
    return (found.text or "").strip() if found is not None else ""
