"""Checking an audit file, from the total down to the last receipt: what `cvq verify` does."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cvq_core.audit_file.contents import AuditFile, Contents, PostingRow, ReceiptRow, digest, series_numbers
from cvq_core.audit_file.seals import fingerprint, is_signed

SAID_MAX = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked, in French; `troubles` is empty when it holds."""

    what: str
    troubles: tuple[str, ...]


def check(file: AuditFile, *, key: str | None = None) -> list[Finding]:
    """Return everything that was checked. `key`: the fingerprint of the key that must have sealed it."""
    contents = file.contents
    return [
        _finding("le sceau est celui de l’installation attendue", _seal(file, key)),
        _finding("aucune partie n’a changé depuis le scellement", _digests(file)),
        _finding("chaque écriture est équilibrée, et dans la période", _transactions(contents)),
        _finding("chaque compte va de son solde initial à son solde final", _accounts(contents)),
        _finding("les quittances se suivent sans trou", _numbers(contents)),
        _finding("chaque quittance dit ce que disent son écriture et son papier", _receipts(contents)),
        _finding("les totaux sont la somme des quittances", _totals(contents)),
    ]


def trail(contents: Contents, number: str) -> list[str] | None:
    """Return the lines that lead from the total to one receipt ("CVQ-000042"); None when it is not in the file."""
    wanted = number.strip().upper()
    receipt = next((each for each in contents.receipts if receipt_name(each) == wanted), None)
    if receipt is None:
        return None
    same_means = [each for each in contents.receipts if each.means == receipt.means]
    same_place = [each for each in same_means if each.place == receipt.place]
    same_drawer = [each for each in same_place if each.drawer_id == receipt.drawer_id]
    codes = {account.account_id: account.label for account in contents.accounts}
    return [
        f"Total de la période : {_euros(sum(each.total_cents for each in contents.receipts))}",
        f"  dont {receipt.means} : {_euros(sum(each.total_cents for each in same_means))}",
        f"    dont {receipt.place} : {_euros(sum(each.total_cents for each in same_place))}",
        f"      dont la caisse {receipt.drawer_id} : {_euros(sum(each.total_cents for each in same_drawer))}",
        f"        quittance {wanted}, {receipt.issued_at}, {receipt.collected_by} : {_euros(receipt.total_cents)}",
        *(
            f"          {codes.get(posting.account_id, posting.account_id)} : {_euros(posting.amount_cents)}"
            for posting in contents.postings
            if posting.transaction_id == receipt.transaction_id
        ),
    ]


def receipt_name(receipt: ReceiptRow) -> str:
    """Return a receipt's number as it is printed."""
    return f"{receipt.series}-{receipt.number:06d}"


def _finding(what: str, troubles: Iterator[str]) -> Finding:
    found: list[str] = []
    for trouble in troubles:
        if len(found) == SAID_MAX:
            found.append("… et d’autres")
            break
        found.append(trouble)
    return Finding(what, tuple(found))


def _seal(file: AuditFile, key: str | None) -> Iterator[str]:
    if file.seal.summary_sha256 != digest(file.summary) or not is_signed(file.seal, file.summary):
        yield "la signature du sommaire est fausse"
    if key is not None and fingerprint(file.seal.public_key) != key.replace(" ", "").lower():
        yield f"scellé par une autre clé : {fingerprint(file.seal.public_key)}"


def _digests(file: AuditFile) -> Iterator[str]:
    told: dict[str, Any] = file.contents.summary.get("parties", {})
    for name, content in file.members.items():
        if told.get(name) != digest(content):
            yield f"{name} n’est plus ce qui a été scellé"


def _transactions(contents: Contents) -> Iterator[str]:
    period = contents.summary.get("periode", {})
    begin, end = str(period.get("du_instant")), str(period.get("au_instant"))
    for transaction_id, postings in _by_transaction(contents).items():
        if len(postings) < 2 or sum(each.amount_cents for each in postings) != 0:
            yield f"écriture {transaction_id} : {len(postings)} lignes, somme {_euros(_sum(postings))}"
        if not all(begin <= each.recorded_at < end for each in postings):
            yield f"écriture {transaction_id} : hors de la période"
        if len({(each.recorded_at, each.kind, each.label, each.reverses_id) for each in postings}) != 1:
            yield f"écriture {transaction_id} : ses lignes ne sont pas d’accord entre elles"


def _accounts(contents: Contents) -> Iterator[str]:
    moved: dict[str, int] = defaultdict(int)
    for posting in contents.postings:
        moved[posting.account_id] += posting.amount_cents
    known = {account.account_id for account in contents.accounts}
    for account_id in moved.keys() - known:
        yield f"le compte {account_id} est mouvementé et n’est pas dans la liste"
    for account in contents.accounts:
        if account.movements_cents != moved[account.account_id]:
            found, told = _euros(moved[account.account_id]), _euros(account.movements_cents)
            yield f"{account.code} : mouvements {found}, annoncés {told}"
        if account.held and account.opening_cents + account.movements_cents != account.closing_cents:
            yield f"{account.code} : le solde final n’est pas le solde initial et les mouvements"


def _numbers(contents: Contents) -> Iterator[str]:
    told: dict[str, Any] = contents.summary.get("series", {})
    numbers = series_numbers(contents.receipts)
    for series in sorted(told.keys() | numbers.keys()):
        before, last = (int(told.get(series, {}).get(name, 0)) for name in ("avant", "dernier"))
        if numbers.get(series, []) != list(range(before + 1, last + 1)):
            yield f"série {series} : elle doit aller de {before + 1} à {last}"


def _receipts(contents: Contents) -> Iterator[str]:
    postings = _by_transaction(contents)
    held = {account.account_id for account in contents.accounts if account.held}
    by_id = {receipt.receipt_id: receipt for receipt in contents.receipts}
    if len(contents.printed) != len(contents.receipts) or len(by_id) != len(contents.receipts):
        yield "il n’y a pas un papier pour chaque quittance"
        return
    for receipt, printed in zip(contents.receipts, contents.printed, strict=True):
        name = receipt_name(receipt)
        into = -sum(each.amount_cents for each in postings.get(receipt.transaction_id, ()) if each.account_id in held)
        if into != receipt.total_cents:
            yield f"{name} : {_euros(receipt.total_cents)}, son écriture {_euros(into)}"
        if digest(printed.encode()) != receipt.printed_sha256:
            yield f"{name} : le papier n’est pas celui qui a été remis"
        elif _printed_total(printed) != receipt.total_cents:
            yield f"{name} : les lignes du papier ne font pas le total"
        voided = by_id.get(receipt.voids_id)
        if voided is not None and (voided.total_cents != -receipt.total_cents or voided.voids_id):
            yield f"{name} : n’est pas l’opposé de la quittance qu’elle annule"


def _totals(contents: Contents) -> Iterator[str]:
    found: dict[str, int] = defaultdict(int)
    for receipt in contents.receipts:
        found[receipt.means] += receipt.total_cents
    told: dict[str, Any] = contents.summary.get("totaux", {})
    for means in sorted(told.keys() | found.keys()):
        if told.get(means, 0) != found[means]:
            yield f"{means} : {_euros(found[means])}, annoncé {told.get(means, 0)} centimes"
    counts = contents.summary.get("nombres", {})
    here = {"quittances": len(contents.receipts), "ecritures": len(_by_transaction(contents))}
    if counts != here:
        yield f"nombres : {here}, annoncés {counts}"


def _by_transaction(contents: Contents) -> dict[str, list[PostingRow]]:
    found: dict[str, list[PostingRow]] = defaultdict(list)
    for posting in contents.postings:
        found[posting.transaction_id].append(posting)
    return found


def _sum(postings: list[PostingRow]) -> int:
    return sum(each.amount_cents for each in postings)


def _printed_total(printed: str) -> int | None:
    try:
        return sum(int(line["amount_cents"]) for line in json.loads(printed)["lines"])
    except (ValueError, KeyError, TypeError):
        return None


def _euros(cents: int) -> str:
    sign = "−" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100},{abs(cents) % 100:02d} €"
