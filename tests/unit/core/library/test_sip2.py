"""Lines of SIP2: what one side writes the other reads, whatever stands in it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvq_core.library.sip2 import Ask, BadLine, Reply, checksum, read_line, write_line

# From the standard's own examples (3M Standard Interchange Protocol 2.00, "Examples of messages").
STANDARD = (
    b"01N19960213    162352AO|ALCARD BLOCK TEST|AA104000000705|AC|AY2AZF02F",
    b"2519980723    094240AOCertification Institute ID|AAPatronID|AY4AZEBF1",
    b"3519980723    094014AOCertification Institute ID|AAPatronID|AY3AZEBF2",
    b"6300119980723    091905Y         AOInstitutionID|AAPatronID|BP00001|BQ00005|AY1AZEA83",
    b"9900302.00AY1AZFCA5",
    b"97AZFEF5",
)


@pytest.mark.parametrize("raw", STANDARD)
def test_the_standards_own_examples_are_read_and_their_checksums_agree(raw: bytes) -> None:
    line = read_line(raw, "ascii")
    assert line.checked
    assert raw[-4:] == checksum(raw[:-4])
    assert line.sequence == (raw[-7:-6].decode() if b"AY" in raw else "")


def test_a_line_is_taken_apart() -> None:
    line = read_line(STANDARD[0], "ascii")
    assert (line.ask, line.fixed[0], line.get("AL"), line.get("AC")) == (Ask.BLOCK_PATRON, "N", "CARD BLOCK TEST", "")


@pytest.mark.parametrize("raw", [b"", b"2", b"23001", b"11YN", b"zz", b"9900302.00AY1AZFCA6", b"\xff\xff"])
def test_what_is_no_line_is_refused(raw: bytes) -> None:
    with pytest.raises(BadLine):
        read_line(raw, "utf-8")


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_line_or_refused(raw: bytes) -> None:
    with suppress(BadLine):
        read_line(raw, "utf-8")


@given(
    st.text(max_size=300), st.sampled_from(["utf-8", "iso-8859-1", "cp1252", "cp850"]), st.sampled_from("0123456789")
)
def test_no_value_breaks_out_of_its_field(value: str, encoding: str, sequence: str) -> None:
    reply = Reply("23", "001" + "0" * 18, (("AF", value), ("BL", "N")))
    raw = write_line(reply, encoding, sequence=sequence, checked=True)
    assert raw.count(b"\r") == 1
    line = read_line(raw[:-1], encoding)
    assert line.get("BL") == "N"
    assert set(line.fields) == {"AF", "BL"}
    assert line.sequence == sequence


def test_letters_that_an_encoding_lacks_are_written_in_the_nearest_ones() -> None:
    assert write_line(Reply("98", "", (("AE", "Œuvré Šimon"),)), "iso-8859-1") == b"98AEOEuvr\xe9 Simon|\r"
