"""Files that nobody else reads: each is encrypted with a key of its own, wrapped by the master key.

Destroying a file's wrapped key destroys every copy of the file, the one in last night's backup too. AES-256-GCM for
both layers; the identifier is bound in, so that two files cannot be exchanged for each other.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


class VaultError(Exception):
    """A file cannot be read: gone, damaged, or wrapped by another master key."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database keeps of a file: its wrapped key, and which master key wrapped it."""

    key_id: str
    wrapped_key: bytes


class Vault:
    """Encrypted files in a folder."""

    def __init__(self, folder: Path, master_key: bytes, key_id: str = "k1") -> None:
        assert len(master_key) == 32
        self._folder = folder
        self._master = AESGCM(master_key)
        self._key_id = key_id
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def put(self, file_id: UUID, content: bytes) -> Stored:
        """Encrypt and write a file durably; return what to keep in the database."""
        key = AESGCM.generate_key(256)
        sealed = _seal(AESGCM(key), content, file_id.bytes)
        path = self._path(file_id)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        partial = path.with_suffix(".part")
        with partial.open("wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
        _sync_folder(path.parent)
        return Stored(self._key_id, _seal(self._master, key, file_id.bytes))

    def get(self, file_id: UUID, stored: Stored) -> bytes:
        """Return a file's content.

        Raises:
            VaultError: it is gone or damaged, or the master key is another one.
        """
        try:
            key = _open(self._master, stored.wrapped_key, file_id.bytes)
            return _open(AESGCM(key), self._path(file_id).read_bytes(), file_id.bytes)
        except (InvalidTag, FileNotFoundError, ValueError) as error:
            raise VaultError(f"file {file_id} cannot be read") from error

    def remove(self, file_id: UUID) -> None:
        """Delete a file; it may be gone already."""
        self._path(file_id).unlink(missing_ok=True)

    def _path(self, file_id: UUID) -> Path:
        name = str(file_id)
        return self._folder / name[-2:] / name


def load_master_key(file: Path) -> bytes:
    """Return the master key, made on first use, readable by its owner alone.

    In production the file is a systemd credential. Losing it loses every document: `docs/operator.md`.
    """
    if not file.exists():
        _make_master_key(file)
    key = file.read_bytes()
    if len(key) != 32:
        raise VaultError(f"{file} does not hold 32 bytes")
    return key


def _make_master_key(file: Path) -> None:
    """Write a new key whole and durably; of two processes that start at once, both then use the first one's."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(secrets.token_bytes(32))
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(partial, file)
    finally:
        partial.unlink()
    _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    """A file's name is durable once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _seal(cipher: AESGCM, content: bytes, bound: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, content, bound)


def _open(cipher: AESGCM, sealed: bytes, bound: bytes) -> bytes:
    return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
