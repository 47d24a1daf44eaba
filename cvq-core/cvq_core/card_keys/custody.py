"""Where the master keys of cards are: behind PKCS#11, in an HSM that makes them and never gives them out.

A card's own key is the master key's CMAC of the chip's identifier (AN10922), made inside the HSM; what comes out of it
is good for one card and lives as long as one message. Two kinds of objects, by label: `cvq-card-3` (AES-128, signs
only) and `cvq-signature-1` (P-256). `cvq-transport` is there where cards are delivered with keys of ours, and is
what they are diversified from.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import pkcs11
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import NoSuchKey, PinIncorrect, PinLocked, PKCS11Error, UserAlreadyLoggedIn
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters

from cvq_core.card_keys.desfire import FACTORY_KEY, diversification
from cvq_core.card_keys.dialogues import AID, TRANSPORT
from cvq_core.card_keys.signed import SignedId, signed_part, to_be_signed
from cvq_core.errors import N_, Unavailable
from cvq_core.settings import Settings

T = TypeVar("T")
CARD, SIGNATURE, TRANSPORT_LABEL = "cvq-card-{}", "cvq-signature-{}", "cvq-transport"
PATIENCE_S, MAKING_S = 3.0, 30.0
"""How long a call of the HSM is waited for, and the making of a key: a hanging one must not hold up the database."""
SYSTEM = b"carte-cvq"
"""Stands in what is diversified, with the key's number behind it (AN10922's system identifier)."""

_SIGNS_ONLY = {
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.SIGN: True,
    Attribute.VERIFY: False,
    Attribute.ENCRYPT: False,
    Attribute.DECRYPT: False,
    Attribute.WRAP: False,
    Attribute.UNWRAP: False,
    Attribute.DERIVE: False,
}


class CardKeysUnavailable(Unavailable):
    """There is no HSM, or it does not answer, or lacks a key."""

    slug = "card-keys-unavailable"
    message = N_("Le coffre des clés de cartes ne répond pas : les cartes ne peuvent pas prouver qui elles sont.")
    what_to_do = N_("Prévenez l’administrateur. Une carte non prouvée ouvre encore là où son seul numéro suffit.")


class KeyExists(Exception):
    """The HSM has a key of this version already."""


async def in_thread(ask: Callable[[], T], *, patience: float = PATIENCE_S) -> T:
    """Return what a call of the HSM, or several, give, made in a thread; whoever waits has a transaction open.

    Raises:
        CardKeysUnavailable: it takes too long; the thread is left to itself.
    """
    try:
        async with asyncio.timeout(patience):
            return await asyncio.to_thread(ask)
    except TimeoutError:
        raise CardKeysUnavailable from None


class Custody:
    """The HSM. Calls block for as long as it takes, and wait for each other: make them by `in_thread`."""

    def __init__(self, module: Path, token: str, pin: str) -> None:
        self._module, self._token, self._pin = module, token, pin
        self._lock = threading.Lock()
        self._session: Any = None
        self._pin_refused = False
        self._found: dict[str, Any] = {}

    def diversified(self, label: str, message: bytes) -> bytes:
        """Return 16 bytes: the CMAC of a message under a master key.

        Raises:
            CardKeysUnavailable: the HSM does not answer, or has no such key.
        """
        return bytes(self._asked(lambda: self._key(label).sign(message, mechanism=Mechanism.AES_CMAC)))

    def has(self, label: str) -> bool:
        """Whether the HSM has a secret key of this name.

        Raises:
            CardKeysUnavailable: it does not answer.
        """
        return self._there(label, ObjectClass.SECRET_KEY)

    def has_private(self, label: str) -> bool:
        """Whether the HSM has a private key of this name.

        Raises:
            CardKeysUnavailable: it does not answer.
        """
        return self._there(label, ObjectClass.PRIVATE_KEY)

    def _there(self, label: str, kind: ObjectClass) -> bool:
        try:
            self._asked(lambda: self._key(label, kind), missing_ok=True)
        except NoSuchKey:
            return False
        return True

    def sign(self, said: SignedId) -> bytes:
        """Return the record that is written on a card: what it says, and the signature.

        Raises:
            CardKeysUnavailable: the HSM does not answer, or has no such key.
        """
        label = SIGNATURE.format(said.key_version)
        signature = self._asked(
            lambda: self._key(label, ObjectClass.PRIVATE_KEY).sign(
                sha256(to_be_signed(said)).digest(), mechanism=Mechanism.ECDSA
            )
        )
        return signed_part(said) + bytes(signature)

    def make_card_key(self, version: int) -> None:
        """Make a master key in the HSM, that never leaves it.

        Raises:
            KeyExists: there is one of this version.
            CardKeysUnavailable: the HSM does not answer.
        """
        label = CARD.format(version)
        if self.has(label):
            raise KeyExists(label)
        self._asked(lambda: self._open().generate_key(KeyType.AES, 128, label=label, store=True, template=_SIGNS_ONLY))

    def make_signing_key(self, version: int) -> bytes:
        """Make a key pair in the HSM; return the public one, an uncompressed point.

        Raises:
            KeyExists: there is one of this version.
            CardKeysUnavailable: the HSM does not answer.
        """
        label = SIGNATURE.format(version)
        if self.has_private(label):
            raise KeyExists(label)

        def make() -> bytes:
            parameters = self._open().create_domain_parameters(
                KeyType.EC, {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}, local=True
            )
            template = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False, Attribute.DERIVE: False}
            public, _ = parameters.generate_keypair(label=label, store=True, private_template=template)
            return _point(public)

        return self._asked(make)

    def import_transport_key(self, value: bytes) -> None:
        """Put the key that cards are delivered with into the HSM: from now on it never leaves it.

        Raises:
            KeyExists: there is one.
            CardKeysUnavailable: the HSM does not answer, or does not let keys in.
        """
        assert len(value) == 16, "AES-128"
        if self.has(TRANSPORT_LABEL):
            raise KeyExists(TRANSPORT_LABEL)
        template = {
            Attribute.CLASS: ObjectClass.SECRET_KEY,
            Attribute.KEY_TYPE: KeyType.AES,
            Attribute.LABEL: TRANSPORT_LABEL,
            Attribute.TOKEN: True,
            Attribute.VALUE: value,
            **_SIGNS_ONLY,
        }
        self._asked(lambda: self._open().create_object(template))

    def check_value(self, label: str) -> str:
        """Return six hexadecimal digits by which people tell whether two have the same key: its CMAC of zeros.

        Raises:
            CardKeysUnavailable: the HSM does not answer, or has no such key.
        """
        return self.diversified(label, bytes(16))[:3].hex().upper()

    def _asked(self, ask: Callable[[], T], *, missing_ok: bool = False) -> T:
        """Ask the HSM; one that was restarted gets a new session, once. A wrong PIN is never tried again: it locks."""
        # A call that hangs keeps the lock, and one thread: those who come after it do not hang as well.
        if not self._lock.acquire(timeout=PATIENCE_S):
            raise CardKeysUnavailable
        try:
            return self._asked_alone(ask, missing_ok=missing_ok)
        finally:
            self._lock.release()

    def _asked_alone(self, ask: Callable[[], T], *, missing_ok: bool) -> T:
        if self._pin_refused:
            raise CardKeysUnavailable
        for attempt in (1, 2):
            try:
                return ask()
            except NoSuchKey:
                if missing_ok:
                    raise
                raise CardKeysUnavailable from None
            except (PinIncorrect, PinLocked) as error:
                self._pin_refused = True
                raise CardKeysUnavailable from error
            except (PKCS11Error, RuntimeError, OSError) as error:
                self._session, self._found = None, {}
                if attempt == 2:
                    raise CardKeysUnavailable from error
        raise AssertionError("unreachable")

    def _open(self) -> Any:
        if self._session is None:
            token = pkcs11.lib(str(self._module)).get_token(token_label=self._token)
            try:
                self._session = token.open(rw=True, user_pin=self._pin)
            except UserAlreadyLoggedIn:
                # A process is signed in to a token as a whole, and did it before.
                self._session = token.open(rw=True)
        return self._session

    def _key(self, label: str, kind: ObjectClass = ObjectClass.SECRET_KEY) -> Any:
        session = self._open()
        if label not in self._found:
            self._found[label] = session.get_key(object_class=kind, label=label)
        return self._found[label]


def custody_of(settings: Settings) -> Custody | None:
    """Return the HSM that the settings name, None where there is none.

    Raises:
        CardKeysUnavailable: the file of its PIN cannot be read.
    """
    if settings.pkcs11_module is None or settings.pkcs11_pin_file is None:
        return None
    try:
        pin = settings.pkcs11_pin_file.read_text(encoding="utf-8").strip()
    except OSError:
        raise CardKeysUnavailable from None
    return Custody(settings.pkcs11_module, settings.pkcs11_label, pin)


class ChipKeys:
    """The keys of one chip, made by the HSM when they are asked for."""

    def __init__(self, custody: Custody, uid: bytes) -> None:
        self._custody, self._uid = custody, uid

    def key(self, key_number: int, version: int) -> bytes:
        """Return a key; one that was delivered with the card comes from the transport key, or is the factory's.

        Raises:
            CardKeysUnavailable: the HSM does not answer, or lacks this version.
        """
        if version == TRANSPORT and not self._custody.has(TRANSPORT_LABEL):
            return FACTORY_KEY
        label = TRANSPORT_LABEL if version == TRANSPORT else CARD.format(version)
        return self._custody.diversified(label, diversification(self._uid, AID, SYSTEM + bytes([key_number])))


def _point(public: Any) -> bytes:
    """Return a public key as an uncompressed point of 65 bytes."""
    key = load_der_public_key(encode_ec_public_key(public))
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
