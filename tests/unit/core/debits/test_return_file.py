"""What the bank sends back is read as it is written, and nothing else is."""

from __future__ import annotations

from uuid import UUID

import pytest

from cvq_core.debits.reasons import ReturnReason, reason_of
from cvq_core.debits.return_file import BadReturnFile, read_returns
from tests.core_examples import camt_054, pain_002

ITEM = UUID("0193a4b2-0000-7000-8000-000000000009")


def test_a_refusal_before_the_day_is_read_from_a_pain_002() -> None:
    (line,) = read_returns(pain_002(ITEM.hex, "AC04", "32.90"))
    assert (line.item_id, line.reason, line.amount_cents, line.fee_cents) == (ITEM, ReturnReason.CLOSED, 3290, 0)


def test_a_return_after_the_day_is_read_from_a_camt_054_with_the_fee_of_the_bank() -> None:
    (line,) = read_returns(camt_054(ITEM.hex, "AM04", "32.90", fee="0.76"))
    assert (line.item_id, line.reason, line.amount_cents, line.fee_cents) == (ITEM, ReturnReason.INSUFFICIENT, 3290, 76)


def test_a_line_that_the_bank_accepts_is_no_return() -> None:
    assert read_returns(pain_002(ITEM.hex, "", "32.90", status="ACCP")) == []
    assert read_returns(camt_054(ITEM.hex, "", "32.90")) == []


def test_a_reason_without_a_word_of_its_own_is_another_one_and_a_foreign_reference_none_of_ours() -> None:
    (line,) = read_returns(pain_002("NOTPROVIDED", "ZZ99", "1.00"))
    assert (line.item_id, line.reason, line.code) == (None, ReturnReason.OTHER, "ZZ99")
    assert reason_of("NOTSENT") is ReturnReason.OTHER, "no bank says that we gave a file up"


BOMB = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<Document><CstmrPmtStsRpt><x>&b;</x></CstmrPmtStsRpt></Document>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<Document><CstmrPmtStsRpt><x>&a;</x></CstmrPmtStsRpt></Document>"""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html></html>",
        b"<Document/>",
        b"<Document><CstmrCdtTrfInitn/></Document>",
        b"\x00" * 40,
        BOMB,
        OUTSIDE,
        pain_002(ITEM.hex, "AC04", "32,90"),
        pain_002(ITEM.hex, "AC04", "1e99999999"),
        pain_002(ITEM.hex, "AC04", "0.001"),
        camt_054(ITEM.hex, "AC04", "32.90", currency="USD"),
        b"<Document>" + b" " * (8 * 1024**2) + b"</Document>",
    ],
    ids=[
        "empty",
        "html",
        "nothing",
        "transfer",
        "zeros",
        "bomb",
        "outside",
        "comma",
        "huge",
        "half",
        "dollars",
        "long",
    ],
)
def test_what_is_no_such_file_is_refused(content: bytes) -> None:
    with pytest.raises(BadReturnFile):
        read_returns(content)
