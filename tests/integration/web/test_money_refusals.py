"""Each refusal of public money over HTTP: its words in French and in English, its record, and no cent moved.

The counter is set up once; each case is then sent once in either language. What it leaves behind is compared with what
was there before: every account's sum, every balance, and how many papers and entries there are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from cvq_core.errors import Refusal, all_refusals
from cvq_core.ids import new_id
from cvq_core.ledger.verify import verify
from cvq_core.offices.verify import verify_offices
from cvq_core.text import translator
from tests.core_examples import TODAY
from tests.integration.web.money_town import API, Town, town_on
from tests.served import Client


@dataclass(frozen=True, slots=True)
class Case:
    """One request that is refused: who sends it, where, what, and under which slug it is refused."""

    who: Client
    path: str
    body: Mapping[str, Any]
    slug: str
    headers: Mapping[str, str] = field(default_factory=dict)
    is_form: bool = False


def cases(town: Town) -> dict[str, Case]:
    """Everything that is refused, by its name."""
    made, odile, sylvie, benoit = town.made, town.odile, town.sylvie, town.benoit
    collect, place = f"{made['drawer']}/receipts", f"/sub-offices/{town.place}"
    moves = f"/accounts/{town.family}/wallet-moves"
    slip, back = f"/remittances/{made['slip']['id']}", f"/remittances/{made['back']['id']}"
    reason = {"id": str(new_id()), "reason": "parce que"}
    cheque = {"cheque": {"number": "1", "bank": "Banque", "drawer_name": "Moreau"}}
    library = {"from_wallet_id": str(town.library)}
    yesterday = {"valid_from": str(TODAY - timedelta(days=1))}
    return {
        # Not in the act.
        "a service that the act does not name": Case(
            odile, collect, town.body(500, wallet=town.library), "service-not-in-act"
        ),
        "a means that the act does not name": Case(odile, collect, town.body(means="card"), "means-not-in-act"),
        "a means that nobody hands over": Case(odile, collect, town.body(means="payfip"), "means-not-at-counter"),
        "vouchers for a service that they do not pay": Case(
            odile,
            collect,
            town.body(1000, wallet=town.canteen, means="ancv", vouchers=[{"face_cents": 1000, "number": 1}]),
            "voucher-not-for-service",
        ),
        "a move of what the act does not name": Case(odile, moves, town.move_body(1, **library), "service-not-in-act"),
        # Over a ceiling or a bound.
        "above the ceiling": Case(odile, collect, town.body(95_00, wallet=town.canteen), "ceiling-reached"),
        "more than one payment in cash": Case(
            odile, collect, town.body(300_01, wallet=town.canteen), "cash-payment-too-large"
        ),
        "more than one top-up": Case(odile, collect, town.body(1000_01), "amount-above-limit"),
        "more than is due": Case(odile, collect, town.invoice_body(2001), "more-than-due"),
        "more float than the place was given": Case(
            benoit, f"{place}/drawers", {"id": str(new_id()), "float_cents": 5001}, "float-out-of-bounds"
        ),
        "more than the safe holds": Case(
            odile, f"{place}/remittances", {"id": str(new_id()), "counted": {"50000": 9}}, "remitted-too-much"
        ),
        "nothing to remit": Case(
            odile, f"{place}/remittances", {"id": str(new_id()), "counted": {}}, "nothing-to-remit"
        ),
        "more than a wallet holds": Case(odile, moves, town.move_body(10_000), "not-enough-to-move"),
        # Closed.
        "a payment into a closed drawer": Case(odile, f"{made['closed']}/receipts", town.body(), "drawer-closed"),
        "another count of a closed drawer": Case(
            odile, f"{made['closed']}/close", {"counted": {"1000": 2}}, "drawer-closed"
        ),
        "a void in a closed drawer": Case(
            odile, f"/receipts/{made['old']['id']}/void", reason, "receipt-drawer-closed"
        ),
        "a second drawer": Case(
            odile, f"{place}/drawers", {"id": str(new_id()), "float_cents": 0}, "drawer-already-open"
        ),
        # The wrong person.
        "somebody else's drawer": Case(sylvie, collect, town.body(), "not-your-drawer"),
        "the count of somebody else's drawer": Case(
            sylvie, f"{made['drawer']}/close", {"counted": {}}, "not-your-drawer"
        ),
        "a drawer where one is no mandatary": Case(
            sylvie, f"{place}/drawers", {"id": str(new_id()), "float_cents": 0}, "not-mandatary"
        ),
        "a drawer where one's mandate is over": Case(
            odile, f"/sub-offices/{town.ended}/drawers", {"id": str(new_id()), "float_cents": 0}, "not-mandatary"
        ),
        "a void by whoever is no mandatary": Case(
            sylvie, f"/receipts/{made['spent']['id']}/void", reason, "not-your-drawer"
        ),
        "a remittance by whoever is no mandatary": Case(
            sylvie, f"{place}/remittances", {"id": str(new_id()), "counted": {}}, "not-mandatary"
        ),
        "a move by whoever is no mandatary": Case(sylvie, moves, town.move_body(1), "not-mandatary"),
        "an integration by a mandatary": Case(odile, f"{back}/integrate", {"counted_cents": 100}, "not-cash-officer"),
        "a manager at the counter": Case(town.manager, collect, town.body(), "forbidden"),
        # The same request with another content.
        "another amount under one id": Case(
            odile, collect, town.body(1100, id=made["paid"]["id"]), "idempotency-mismatch"
        ),
        "another means under one id": Case(
            odile, collect, made["paid"] | {"means": "cheque", **cheque}, "idempotency-mismatch"
        ),
        "another float under one id": Case(
            odile, f"{place}/drawers", made["open"] | {"float_cents": 900}, "idempotency-mismatch"
        ),
        "another void under one id": Case(
            odile,
            f"/receipts/{made['spent']['id']}/void",
            {"id": made["void"]["id"], "reason": "Erreur"},
            "idempotency-mismatch",
        ),
        "another count under one id": Case(
            odile, f"{place}/remittances", made["slip_body"] | {"counted": {"100": 9}}, "idempotency-mismatch"
        ),
        "another move under one id": Case(odile, moves, made["move"] | {"amount_cents": 301}, "idempotency-mismatch"),
        "another body under one key": Case(
            odile, collect, town.body(200), "idempotency-mismatch", {"Idempotency-Key": "une-cle"}
        ),
        # Negative, foreign, impossible.
        "a negative amount": Case(odile, collect, town.body(-500, tendered_cents=0), "amount-out-of-bounds"),
        "no amount": Case(odile, collect, town.body(0), "amount-out-of-bounds"),
        "a negative amount tendered": Case(odile, collect, town.body(tendered_cents=-1), "amount-out-of-bounds"),
        "half a cent": Case(odile, collect, town.body(12.5), "bad-input"),
        "an amount in words": Case(odile, collect, town.body("10 £"), "bad-input"),
        "true as an amount": Case(odile, collect, town.body(True, tendered_cents=1), "bad-input"),
        "another currency": Case(odile, collect, town.body(currency="CHF"), "bad-input"),
        "a foreign coin in the count": Case(odile, f"{made['drawer']}/close", {"counted": {"25": 4}}, "bad-count"),
        "a negative count": Case(odile, f"{made['drawer']}/close", {"counted": {"100": -1}}, "bad-count"),
        "a foreign coin in a remittance": Case(
            odile, f"{place}/remittances", {"id": str(new_id()), "counted": {"250": 1}}, "bad-count"
        ),
        "a negative move": Case(odile, moves, town.move_body(-1), "amount-out-of-bounds"),
        "a negative float": Case(
            benoit, f"{place}/drawers", {"id": str(new_id()), "float_cents": -1}, "float-out-of-bounds"
        ),
        "less given than is asked": Case(odile, collect, town.body(1000, tendered_cents=999), "tendered-too-little"),
        "a cheque of another amount": Case(
            odile, collect, town.body(1000, means="cheque", tendered_cents=1001, **cheque), "tendered-differs"
        ),
        "vouchers of another sum": Case(
            odile,
            collect,
            town.body(1000, means="ancv", vouchers=[{"face_cents": 1000, "number": 2}]),
            "vouchers-give-no-change",
        ),
        "a wallet of another family": Case(
            odile, moves, town.move_body(1, to_wallet_id=str(town.neighbours)), "wallets-of-two-families"
        ),
        "an invoice that does not exist": Case(
            odile,
            collect,
            town.body(top_ups=[], invoices=[{"invoice_id": str(new_id()), "amount_cents": 1}]),
            "unknown-invoice",
        ),
        # What is over and done.
        "what was spent": Case(odile, f"/receipts/{made['spent']['id']}/void", reason, "insufficient-funds"),
        "what was voided": Case(odile, f"/receipts/{made['receipt']['id']}/void", reason, "receipt-not-voidable"),
        "what was integrated": Case(odile, f"{slip}/cancel", reason, "remittance-decided"),
        "another count than the slip's": Case(benoit, f"{back}/integrate", {"counted_cents": 99}, "count-differs"),
        "a past tariff": Case(town.manager, f"{made['tariff']}/adopter", yesterday, "past-tariff", is_form=True),
        "a tariff from today": Case(
            town.manager, f"{made['tariff']}/adopter", {"valid_from": str(TODAY)}, "past-tariff", is_form=True
        ),
    }


async def ask(case: Case, language: str) -> tuple[int, Any]:
    headers = {"X-CSRF-Token": case.who.csrf_token, "Accept-Language": language, **case.headers}
    if case.is_form:
        answer = await case.who.session.post(
            case.who.url + case.path, data=case.body, headers={**headers, "Accept": "application/json"}
        )
    else:
        answer = await case.who.session.post(case.who.url + API + case.path, json=case.body, headers=headers)
    return answer.status, await answer.json()


def wrong_words(problem: Any, kind: type[Refusal], french: Any) -> list[str]:
    """Return what is wrong with the words of a refusal; `french` is what was said in French, for the other language."""
    wrong = []
    as_printed = translator("fr").gettext
    for sentence, key in ((as_printed(kind.message), "title"), (as_printed(kind.what_to_do), "detail")):
        said = problem.get(key, "")
        if (not said and sentence) or "…" in said or "{" in said:
            wrong.append(f"{key}: {said!r}")
        elif french is None and not re.fullmatch(re.sub(r"\\{\w+\\}", ".+", re.escape(sentence)), said):
            wrong.append(f"{key} is {said!r}, not {sentence!r}")
        elif french is not None and sentence and said == french[key]:
            wrong.append(f"{key} has no English: {said!r}")
    return wrong


async def test_whatever_is_refused_has_its_words_and_its_record_and_moves_nothing(
    database_url: str, tmp_path: Path
) -> None:
    kinds: dict[str, list[type[Refusal]]] = {}
    for each in all_refusals():
        kinds.setdefault(each.slug, []).append(each)
    wrong: dict[str, list[str]] = {}
    async with town_on(database_url, tmp_path) as town:
        before, recorded = await town.remains(), len(await town.refused())
        for name, case in cases(town).items():
            status, french = await ask(case, "fr")
            # One slug may be said in two ways: an id that came before, and a key that came before.
            alike = kinds[case.slug]
            kind = next((each for each in alike if not wrong_words(french, each, None)), alike[0])
            found = [] if french.get("slug") == case.slug else [f"refused as {french.get('slug')}: {french}"]
            found += [] if status == kind.status or found else [f"answered with {status}"]
            if not found:
                _, english = await ask(case, "en")
                found = wrong_words(french, kind, None) + wrong_words(english, kind, french)
                told = await town.refused()
                if [slug for slug, _ in told[recorded:]] != [case.slug] * 2 or None in {who for _, who in told}:
                    found.append(f"the journal has {told[recorded:]}")
            recorded = len(await town.refused())
            if await town.remains() != before:
                found.append("something moved")
                before = await town.remains()
            if found:
                wrong[name] = found
        async with town.site.database.read() as db:
            assert [*await verify(db), *await verify_offices(db)] == []
    assert wrong == {}
