"""Keys and secure messaging against the examples of NXP's own documents."""

from __future__ import annotations

import pytest

from cvq_core.card_keys.desfire import (
    CHANGE_KEY,
    FACTORY_KEY,
    WRITE,
    Answer,
    BadAnswer,
    Session,
    changed_key,
    cmac,
    data_header,
    diversification,
    finished,
    go_on,
    session_keys,
    unpadded,
)

H = bytes.fromhex


def test_a_card_s_key_is_made_as_in_an10922() -> None:
    message = diversification(H("04782E21801D80"), H("3042F5"), H("4E585020416275"))
    assert cmac(H("00112233445566778899AABBCCDDEEFF"), message) == H("A8DD63A3B89D54B37CA802473FDA9175")


@pytest.mark.parametrize("system", [b"short", b"much too long for thirty-two bytes"])
def test_nothing_is_diversified_that_the_note_would_pad_otherwise(system: bytes) -> None:
    with pytest.raises(ValueError, match="between 17 and 32"):
        diversification(H("04782E21801D80"), H("3042F5"), system)


def test_an_authentication_goes_as_in_an12196() -> None:
    rnd_a = H("13C5DB8A5930439FC3DEF9A4C675360F")
    challenge = Answer.of(H("A04C124213C186F22399D33AC2A3021591AF"))
    message, rnd_b = go_on(FACTORY_KEY, challenge, rnd_a)
    assert message == H("90AF00002035C3E05A752E0144BAC0DE51C1F22C56B34408A23D8AEA266CAB947EA8E0118D00")
    answer = Answer.of(H("3FA64DB5446D1F34CD6EA311167F5E4985B89690C04A05F17FA7AB2F081206639100"))
    session = finished(FACTORY_KEY, answer, rnd_a, rnd_b)
    assert session.number == H("9D00C4DF")
    assert session.enc_key == H("1309C877509E5A215007FF0ED19CA564")
    assert session.mac_key == H("4C6626F5E72EA694202139295C7A7FC7")


def test_a_second_authentication_of_an12196_has_its_session_keys() -> None:
    rnd_a = H("B98F4C50CF1C2E084FD150E33992B048")
    message, rnd_b = go_on(FACTORY_KEY, Answer.of(H("B875CEB0E66A6C5CD00898DC371F92D191AF")), rnd_a)
    assert message == H("90AF000020FF0306E47DFBC50087C4D8A78E88E62DE1E8BE457AA477C707E2F0874916A8B100")
    enc_key, mac_key = session_keys(FACTORY_KEY, rnd_a, rnd_b)
    assert enc_key == H("7A93D6571E4B180FCA6AC90C9A7488D4")
    assert mac_key == H("FC4AF159B62E549B5812394CAB1918CC")


def test_a_command_and_its_answer_bear_the_macs_of_an12196() -> None:
    session = Session(bytes(16), H("8248134A386E86EB7FAF54A52E536CB6"), H("7A21085E"))
    assert session.maced(0xF5, b"\x02") == H("90F5000009026597A457C8CD442C00")
    answer = Answer.of(H("0040EEEE000100D1FE001F00004400004400002000006A00002A474282E7A479869100"))
    assert session.checked(answer) == H("0040EEEE000100D1FE001F00004400004400002000006A0000")


def test_data_are_enciphered_as_in_an12196() -> None:
    session = Session(H("7A93D6571E4B180FCA6AC90C9A7488D4"), H("FC4AF159B62E549B5812394CAB1918CC"), H("7614281A"))
    sent = session.enciphered(WRITE, data_header(3, 10), H("0102030405060708090A"))
    assert sent == H("908D00001F030000000A00006B5E6804909962FC4E3FF5522CF0F8436C0C53315B9C73AA00")
    assert session.checked(Answer.of(H("C26D236E4A7C046D9100"))) == b""


def test_an_enciphered_answer_is_read_as_in_an12196() -> None:
    session = Session(H("2B4D963C014DC36F24F69A50A394F875"), H("379D32130CE61705DD5FD8C36B95D764"), H("DF055522"))
    assert session.enciphered(0x51, b"") == H("90510000088E2C155ADDA99BE300")
    answer = Answer.of(H("70756055688505B52A5E26E59E329CD6595F672298EA41B79100"))
    assert session.checked(answer, enciphered=True) == H("04958CAA5C5E80")


def test_another_key_and_the_session_s_own_are_changed_as_in_an12196() -> None:
    session = Session(
        H("4CF3CB41A22583A61E89B158D252FC53"), H("5529860B2FC5FB6154B7F28361D30BF9"), H("7614281A"), counter=2
    )
    data = changed_key(2, session_key=0, old=bytes(16), new=H("F3847D627727ED3BC9C4CC050489B966"), version=1)
    assert session.enciphered(CHANGE_KEY, b"\x02", data) == H(
        "90C4000029022CF362B7BF4311FF3BE1DAA295E8C68DE09050560D19B9E16C2393AE9CD1FAC75D0CE20BCD1D06E600"
    )
    session.checked(Answer.of(H("203BB55D1089D5879100")))
    data = changed_key(0, session_key=0, old=bytes(16), new=H("5004BF991F408672B1EF00F08F9E8647"), version=1)
    assert session.enciphered(CHANGE_KEY, b"\x00", data) == H(
        "90C400002900C0EB4DEEFEDDF0B513A03A95A75491818580503190D4D05053FF75668A01D6FDA6610234BDED643200"
    )


@pytest.mark.parametrize("raw", ["", "91", "9000", "6A82"])
def test_what_is_no_answer_of_a_desfire_card_is_refused(raw: str) -> None:
    with pytest.raises(BadAnswer):
        Answer.of(H(raw))


@pytest.mark.parametrize("tampered", [0, 5, 24, 31])
def test_an_answer_that_was_tampered_with_is_refused(tampered: int) -> None:
    session = Session(bytes(16), H("8248134A386E86EB7FAF54A52E536CB6"), H("7A21085E"))
    session.maced(0xF5, b"\x02")
    body = bytearray(H("0040EEEE000100D1FE001F00004400004400002000006A00002A474282E7A47986"))
    body[tampered] ^= 1
    with pytest.raises(BadAnswer, match="MAC"):
        session.checked(Answer(bytes(body), 0))


def test_a_proof_that_echoes_the_challenge_is_refused() -> None:
    rnd_a = H("13C5DB8A5930439FC3DEF9A4C675360F")
    message, rnd_b = go_on(FACTORY_KEY, Answer.of(H("A04C124213C186F22399D33AC2A3021591AF")), rnd_a)
    with pytest.raises(BadAnswer, match="does not know its key"):
        finished(FACTORY_KEY, Answer(message[5:37], 0), rnd_a, rnd_b)


def test_an_answer_without_its_filling_is_refused() -> None:
    with pytest.raises(BadAnswer):
        unpadded(bytes(16))
