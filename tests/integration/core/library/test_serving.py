"""The library's port on a real server, TLS on it, and the commands that open and close accesses."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import ssl
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError
from typer.testing import CliRunner

from cvq_core.clock import utc_now
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.library.cli import app
from cvq_core.library.server import LibraryServer, tls_context
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import add_service
from cvq_core.settings import Settings
from tests.apart import run_apart
from tests.core_examples import LONG_AGO, NOW
from tests.integration.core.library.ground import LOGIN, Terminal, ground_on
from tests.served import served


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for the loopback and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = utc_now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "sip2.pem", folder / "sip2.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private


async def test_tls_carries_the_login_and_who_speaks_clear_text_gets_nothing(
    sqlite_template: Path, tmp_path: Path
) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    database = Database(f"sqlite:///{tmp_path}/cvq.sqlite")
    certificate, key = self_signed(tmp_path)
    async with ground_on(database) as ground:
        server = LibraryServer(database, lambda: NOW)
        port = await server.start("127.0.0.1", 0, tls_context(certificate, key))
        trusting = ssl.create_default_context(cafile=str(certificate))
        terminal = Terminal(*await asyncio.open_connection("127.0.0.1", port, ssl=trusting))
        assert await terminal.log_in(ground.secret) == "1"
        terminal.writer.close()
        clear = Terminal(*await asyncio.open_connection("127.0.0.1", port))
        assert await clear.send(b"9300CNdecalog|COx|\r") == b""
        clear.writer.close()
        await server.stop()
    await database.close()


async def test_a_server_with_a_library_port_answers_there_and_lets_go_when_it_stops(
    sqlite_template: Path, tmp_path: Path
) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with served(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path, library_port=port):
        terminal = Terminal(*await asyncio.open_connection("127.0.0.1", port))
        assert await terminal.log_in("nobody's") == "0"
        terminal.writer.close()
    with pytest.raises(OSError, match=r"."):
        await asyncio.open_connection("127.0.0.1", port)


@pytest.mark.parametrize(
    "wrong",
    [
        {"library_host": "0.0.0.0"},
        {"library_certificate": Path("a.pem")},
        {"library_key": Path("a.key")},
        {"library_port": 70_000},
    ],
)
def test_sip2_leaves_the_machine_only_encrypted(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)


def test_the_commands_open_show_and_close_an_access(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    url = f"sqlite:///{tmp_path}/cvq.sqlite"
    monkeypatch.setenv("CVQ_DATABASE_URL", url)

    async def prepare() -> None:
        database = Database(url)
        async with database.write() as db:
            await add_service(
                db, ServiceCode.LIBRARY, service_id=new_id(), policy=FundingPolicy.SUBSCRIPTION, valid_from=LONG_AGO
            )
        await database.close()

    run_apart(prepare())
    run = CliRunner()
    asked = ["add", LOGIN, "--label", "Médiathèque", "--institution", "MEDIA", "--fee-limit", "1500"]
    made = run.invoke(app, asked)
    assert made.exit_code == 0, made.output
    assert re.search(r"mot de passe : [\w-]{32}\n", made.output)
    again = run.invoke(app, asked)
    assert again.exit_code != 0
    assert "library-access-taken" in str(again.exception)
    assert "ouvert" in run.invoke(app, ["list"]).output
    assert run.invoke(app, ["revoke", LOGIN]).exit_code == 0
    assert "fermé" in run.invoke(app, ["list"]).output
    assert run.invoke(app, ["revoke", LOGIN]).exit_code != 0
