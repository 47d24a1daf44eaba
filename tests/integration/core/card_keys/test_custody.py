"""Master keys in an HSM: made there, never given out, and what happens when it is not there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from pkcs11 import Attribute
from pkcs11.exceptions import AttributeSensitive
from sqlalchemy import select
from typer.testing import CliRunner

from cvq_core.card_keys.cli import app
from cvq_core.card_keys.custody import (
    CARD,
    SYSTEM,
    TRANSPORT_LABEL,
    CardKeysUnavailable,
    ChipKeys,
    Custody,
    KeyExists,
    custody_of,
)
from cvq_core.card_keys.desfire import FACTORY_KEY, diversification
from cvq_core.card_keys.dialogues import AID
from cvq_core.card_keys.keys import (
    BadTransportKey,
    UnknownKey,
    import_transport_key,
    known_keys,
    make_key,
    retire_key,
    troubles,
)
from cvq_core.card_keys.signed import SignedId, read_signed_id
from cvq_core.card_keys.store import NoCardKey, current_key, public_keys
from cvq_core.card_keys.tables import KeyPurpose
from cvq_core.controllers.changes import changes_since, list_page
from cvq_core.controllers.wire import verified
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.live.tables import LiveEvent
from cvq_core.settings import Settings
from tests.apart import run_apart
from tests.core_examples import NOW
from tests.hsm import LABEL, MODULE, PIN, hsm, hsm_settings
from tests.integration.core.controllers.conftest import KEY, PUBLIC_KEY, controller_for

TRY_A_WRONG_PIN = f"""
from pathlib import Path
from cvq_core.card_keys.custody import CardKeysUnavailable, Custody
custody = Custody(Path("{MODULE}"), "{LABEL}", "0000")
for _ in range(20):
    try:
        custody.has("cvq-card-1")
    except CardKeysUnavailable:
        print("refused")
"""
UID = bytes.fromhex("04782E21801D80")


async def test_a_master_key_is_made_in_the_hsm_and_never_comes_out(database: Database) -> None:
    async with database.write() as db:
        version = await make_key(db, hsm(), KeyPurpose.CARD, now=NOW)
        assert (await current_key(db, KeyPurpose.CARD)).version == version
    key = hsm()._key(CARD.format(version))
    with pytest.raises(AttributeSensitive):
        key[Attribute.VALUE]
    assert key[Attribute.NEVER_EXTRACTABLE]
    assert key[Attribute.ALWAYS_SENSITIVE]


async def test_a_delivered_card_s_key_comes_in_by_two_parts_and_never_goes_out(database: Database) -> None:
    parts = ["00112233445566778899AABBCCDDEEFF", "0f0f0f0f 0f0f0f0f 0f0f0f0f 0f0f0f0f"]
    key = bytes(first ^ second for first, second in zip(*map(bytes.fromhex, parts), strict=True))
    cmac = CMAC(AES(key))
    cmac.update(bytes(16))
    check_value = cmac.finalize()[:3].hex()
    async with database.write() as db:
        for wrong in (parts[:1], [parts[0], "00"], [parts[0], parts[0]], []):
            with pytest.raises(BadTransportKey):
                await import_transport_key(db, hsm(), wrong, check_value=check_value, now=NOW)
        assert ChipKeys(hsm(), UID).key(0, 0) == FACTORY_KEY, "nothing came in"
        try:
            for _ in range(2):
                await import_transport_key(db, hsm(), parts, check_value=check_value, now=NOW)
            diversified = CMAC(AES(key))
            diversified.update(diversification(UID, AID, SYSTEM + bytes([1])))
            assert ChipKeys(hsm(), UID).key(1, 0) == diversified.finalize()
            with pytest.raises(AttributeSensitive):
                hsm()._key(TRANSPORT_LABEL)[Attribute.VALUE]
            with pytest.raises(KeyExists):
                await import_transport_key(db, hsm(), [parts[0]], check_value=_check_value_of(parts[0]), now=NOW)
        finally:
            hsm()._key(TRANSPORT_LABEL).destroy()
            hsm()._found.pop(TRANSPORT_LABEL)
    async with database.read() as db:
        [told] = await db.scalars(select(AuditRecord).where(AuditRecord.action == "card-transport-key-imported"))
        assert told.personal == {"check_value": check_value.upper(), "parts": 2}


def _check_value_of(key: str) -> str:
    cmac = CMAC(AES(bytes.fromhex(key)))
    cmac.update(bytes(16))
    return cmac.finalize()[:3].hex()


async def test_each_chip_and_each_of_its_keys_has_a_key_of_its_own(database: Database) -> None:
    async with database.write() as db:
        first = await make_key(db, hsm(), KeyPurpose.CARD, now=NOW)
        second = await make_key(db, hsm(), KeyPurpose.CARD, now=NOW)
    mine, other = ChipKeys(hsm(), UID), ChipKeys(hsm(), UID[::-1])
    made = {mine.key(0, first), mine.key(1, first), mine.key(0, second), other.key(0, first)}
    assert len(made) == 4
    assert mine.key(0, first) in made  # the same again
    assert mine.key(0, 0) == FACTORY_KEY


async def test_a_signed_identifier_is_checked_with_the_public_key_alone(database: Database) -> None:
    async with database.write() as db:
        version = await make_key(db, hsm(), KeyPurpose.SIGNATURE, now=NOW)
    async with database.read() as db:
        keys = await public_keys(db)
    said = SignedId(version, "4821305779", UID.hex().upper(), new_id())
    record = hsm().sign(said)
    assert read_signed_id(record, keys) == said
    for position in (0, 5, 10, 20, 30, 60, 106):
        tampered = bytearray(record)
        tampered[position] ^= 1
        assert read_signed_id(bytes(tampered), keys) is None
    assert read_signed_id(record, {version + 1: keys[version]}) is None


async def test_a_retired_key_is_good_for_nothing_and_the_journal_has_it_all(database: Database) -> None:
    async with database.write() as db:
        version = await make_key(db, hsm(), KeyPurpose.SIGNATURE, now=NOW)
        await retire_key(db, KeyPurpose.SIGNATURE, version, now=NOW)
        assert await public_keys(db) == {}
        with pytest.raises(NoCardKey):
            await current_key(db, KeyPurpose.SIGNATURE)
        with pytest.raises(UnknownKey):
            await retire_key(db, KeyPurpose.SIGNATURE, version, now=NOW)
        [row] = await known_keys(db, hsm())
        assert (row.version, row.in_hsm, row.retired_on is not None, row.cards) == (version, True, True, 0)
    async with database.read() as db:
        actions = list(await db.scalars(select(AuditRecord.action).order_by(AuditRecord.action)))
    assert actions == ["card-key-made", "card-key-retired"]


async def test_a_key_that_the_hsm_has_and_nobody_noted_is_passed_over(database: Database) -> None:
    async with database.write() as db:
        noted = await make_key(db, hsm(), KeyPurpose.CARD, now=NOW)
        hsm().make_card_key(noted + 1)
        assert await make_key(db, hsm(), KeyPurpose.CARD, now=NOW) == noted + 2


async def test_what_is_wrong_with_the_keys_is_said(database: Database) -> None:
    async with database.write() as db:
        assert await troubles(db, None) == []
        assert await troubles(db, hsm()) == []
        await make_key(db, hsm(), KeyPurpose.CARD, now=NOW)
        assert await troubles(db, hsm()) == []
        assert "aucun coffre" in (await troubles(db, None))[0]
        assert await troubles(db, Custody(MODULE, "another token", PIN)) == ["le coffre ne répond pas"]


def test_an_hsm_that_is_not_there_is_unavailable_and_not_an_error(tmp_path: Path) -> None:
    hsm()
    for custody in (Custody(Path("/nowhere/lib.so"), "x", "1"), Custody(MODULE, "no such token", "1")):
        with pytest.raises(CardKeysUnavailable):
            custody.diversified("cvq-card-1", UID)
    with pytest.raises(CardKeysUnavailable):
        custody_of(Settings(pkcs11_module=MODULE, pkcs11_pin_file=tmp_path / "absent"))
    assert custody_of(Settings()) is None
    assert custody_of(Settings(**hsm_settings())) is not None


def test_keys_are_made_listed_and_retired_by_command_and_every_site_is_told(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    url = f"sqlite:///{tmp_path}/cvq.sqlite"
    monkeypatch.setenv("CVQ_DATABASE_URL", url)

    def run(*words: str, fails: bool = False) -> str:
        done = CliRunner().invoke(app, list(words))
        assert (done.exit_code != 0) is fails, done.output
        return f"{done.output}{done.exception or ''}"

    async def told() -> tuple[int, dict[int, str]]:
        """How many times all was to be fetched anew, and the public keys that a site gets then."""
        database = Database(url)
        async with database.write() as db:
            site = await controller_for(db, [], now=NOW, name=str(new_id()))
            changes = await changes_since(db, site, KEY, 0, now=NOW)
            page = verified(await list_page(db, site, KEY, run=None, after=None, now=NOW), PUBLIC_KEY)
            everybody = [each for each in await db.scalars(select(LiveEvent)) if each.payload.get("everybody")]
        await database.close()
        assert (changes is not None and changes.afresh) is bool(everybody)
        return len(everybody), page.signing_keys

    assert "Aucun coffre" in run("list", fails=True)
    for name, value in hsm_settings().items():
        monkeypatch.setenv(f"CVQ_{name.upper()}", str(value))
    assert "Clé faite : card" in run("make")
    assert run_apart(told()) == (0, {})
    made = run("make", "--signature")
    version = int(made.split("signature ")[1].split(".")[0])
    times, keys = run_apart(told())
    assert (times, list(keys)) == (1, [version])
    assert "en vigueur" in run("list")
    assert "Clé retirée" in run("retire", str(version), "--signature")
    assert "unknown-card-key" in run("retire", str(version), "--signature", fails=True)
    assert run_apart(told()) == (2, {})
    assert "retirée le" in run("list")


def test_a_wrong_pin_is_tried_once_so_that_the_token_is_not_locked() -> None:
    hsm()
    # A process is signed in as a whole: the wrong PIN is tried by another one.
    ended = subprocess.run([sys.executable, "-c", TRY_A_WRONG_PIN], capture_output=True, text=True, check=False)
    assert ended.stdout.split() == ["refused"] * 20, ended.stderr
    assert Custody(MODULE, LABEL, PIN).has("cvq-card-0") is False
