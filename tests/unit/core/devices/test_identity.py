"""A machine's key: on this machine only, for this user's eyes only, good for tokens only."""

from __future__ import annotations

import stat
from uuid import uuid4

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cvq_core.devices.identity import Identity, IdentityError, from_base64url, to_base64url

ENROL = "cvq booth enrol CODE"


def test_a_key_comes_back_from_its_file_with_the_name_the_desk_gave(tmp_path):
    path = tmp_path / "new" / "key.json"
    device_id = uuid4()
    identity = Identity.new().enrolled(device_id, "Guichet du Tallud")
    identity.save(path)
    again = Identity.load(path, enrol=ENROL)
    assert (again.device_id, again.name, again.public_key) == (device_id, "Guichet du Tallud", identity.public_key)


def test_nobody_else_may_read_the_key(tmp_path):
    path = tmp_path / "key.json"
    Identity.new().save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    with pytest.raises(IdentityError, match="chmod 600"):
        Identity.load(path, enrol=ENROL)


def test_the_signature_is_over_the_challenge_in_the_tokens_own_context():
    identity = Identity.new()
    public = Ed25519PublicKey.from_public_bytes(from_base64url(identity.public_key))
    signature = from_base64url(identity.sign(b"challenge"))
    public.verify(signature, b"cvq-device-token:challenge")
    with pytest.raises(InvalidSignature):
        public.verify(signature, b"challenge")


def test_a_machine_without_a_key_says_how_to_get_one(tmp_path):
    with pytest.raises(IdentityError, match="cvq booth enrol"):
        Identity.load(tmp_path / "nowhere.json", enrol=ENROL)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"private_key": "AAAA", "device_id": null, "name": ""}', '{"private_key": "ä"']
)
def test_a_file_that_is_no_key_is_refused(tmp_path, text):
    path = tmp_path / "key.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(IdentityError, match="not a machine's key"):
        Identity.load(path, enrol=ENROL)


def test_a_write_that_is_cut_short_leaves_the_former_key(tmp_path):
    path = tmp_path / "key.json"
    first = Identity.new()
    first.save(path)
    path.with_name("key.json.part").write_text("half")
    assert Identity.load(path, enrol=ENROL).public_key == first.public_key
    Identity.new().save(path)
    assert Identity.load(path, enrol=ENROL).public_key != first.public_key


@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"abc", bytes(range(256))])
def test_base64url_without_padding_goes_both_ways(data):
    assert from_base64url(to_base64url(data)) == data
    assert "=" not in to_base64url(data)
