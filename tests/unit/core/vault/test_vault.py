"""Encrypted files: what is read is what was written, or nothing is."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest

from cvq_core.ids import new_id
from cvq_core.vault import Stored, Vault, VaultError, load_master_key

CONTENT = b"%PDF-1.7 the retirement papers of Jeanne"


def file_of(folder: Path, file_id: UUID) -> Path:
    return folder / str(file_id)[-2:] / str(file_id)


def test_a_file_comes_back_and_is_not_readable_on_the_disk(tmp_path: Path) -> None:
    vault, file_id = Vault(tmp_path, bytes(32)), new_id()
    stored = vault.put(file_id, CONTENT)
    assert vault.get(file_id, stored) == CONTENT
    assert b"Jeanne" not in file_of(tmp_path, file_id).read_bytes()
    assert [file.name for file in tmp_path.rglob("*.part")] == []


def test_another_master_key_opens_nothing(tmp_path: Path) -> None:
    file_id = new_id()
    stored = Vault(tmp_path, bytes(32)).put(file_id, CONTENT)
    with pytest.raises(VaultError):
        Vault(tmp_path, b"k" * 32).get(file_id, stored)


def test_two_files_cannot_be_exchanged_for_each_other(tmp_path: Path) -> None:
    vault, one, two = Vault(tmp_path, bytes(32)), new_id(), new_id()
    kept = {one: vault.put(one, CONTENT), two: vault.put(two, b"another")}
    file_of(tmp_path, two).replace(file_of(tmp_path, one))
    for stored in kept.values():
        with pytest.raises(VaultError):
            vault.get(one, stored)


@pytest.mark.parametrize("place", [0, 12, -1])
def test_a_damaged_file_is_not_given(tmp_path: Path, place: int) -> None:
    vault, file_id = Vault(tmp_path, bytes(32)), new_id()
    stored = vault.put(file_id, CONTENT)
    sealed = bytearray(file_of(tmp_path, file_id).read_bytes())
    sealed[place] ^= 1
    file_of(tmp_path, file_id).write_bytes(sealed)
    with pytest.raises(VaultError):
        vault.get(file_id, stored)


@pytest.mark.parametrize("wrapped", [b"", b"short", bytes(60)])
def test_a_wrapped_key_that_is_none_is_a_file_that_cannot_be_read(tmp_path: Path, wrapped: bytes) -> None:
    vault, file_id = Vault(tmp_path, bytes(32)), new_id()
    vault.put(file_id, CONTENT)
    with pytest.raises(VaultError):
        vault.get(file_id, Stored("k1", wrapped))


def test_a_removed_file_is_gone_and_removing_it_again_is_no_fault(tmp_path: Path) -> None:
    vault, file_id = Vault(tmp_path, bytes(32)), new_id()
    stored = vault.put(file_id, CONTENT)
    vault.remove(file_id)
    vault.remove(file_id)
    with pytest.raises(VaultError):
        vault.get(file_id, stored)


def test_processes_that_start_at_once_share_one_master_key(tmp_path: Path) -> None:
    file = tmp_path / "new" / "master.key"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: load_master_key(file), range(16)))
    assert len(keys) == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_a_master_key_of_another_length_is_refused(tmp_path: Path) -> None:
    (tmp_path / "master.key").write_bytes(b"")
    with pytest.raises(VaultError, match="does not hold 32 bytes"):
        load_master_key(tmp_path / "master.key")
