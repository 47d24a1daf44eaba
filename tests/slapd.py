"""An employer's directory of the tests' own: Debian's slapd on a free port, with TLS, and gone with the test."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType

import bonsai
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BASE = "dc=pompaire,dc=fr"
PEOPLE = f"ou=personnel,{BASE}"
ROOT, PASSWORD = f"cn=admin,{BASE}", "tout-ouvert"
READER = f"cn=cvq,{BASE}"
CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/pid
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
TLSCACertificateFile {folder}/ca.pem
sizelimit unlimited
disallow bind_anon
database mdb
suffix "{base}"
rootdn "{root}"
rootpw {password}
directory {folder}/data
dbnosync
limits dn.exact="cn=court,{base}" size.pr=unlimited size.prtotal=2
access to attrs=userPassword by anonymous auth by * none
access to * by users read
"""


class Slapd:
    """A running directory with whom the test puts into it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cvq-slapd-"))
        self.port, self.tls_port = _free_port(), _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, through TLS."""
        return f"ldaps://127.0.0.1:{self.tls_port}"

    def __enter__(self) -> Slapd:
        """Make it and wait until it answers."""
        (self.folder / "data").mkdir()
        make_certificates(self.folder)
        config = self.folder / "slapd.conf"
        config.write_text(CONFIG.format(folder=self.folder, base=BASE, root=ROOT, password=PASSWORD))
        entries = [f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: pompaire\no: Pompaire\n"]
        entries += [f"dn: {PEOPLE}\nobjectClass: organizationalUnit\nou: personnel\n"]
        for name in ("cvq", "court"):
            secret = f"objectClass: organizationalRole\nobjectClass: simpleSecurityObject\nuserPassword: {PASSWORD}"
            entries.append(f"dn: cn={name},{BASE}\ncn: {name}\n{secret}\n")
        ldif = self.folder / "base.ldif"
        ldif.write_text("\n".join(entries))
        subprocess.run(["/usr/sbin/slapadd", "-q", "-f", config, "-l", ldif], check=True, capture_output=True)
        hosts = f"ldap://127.0.0.1:{self.port} ldaps://127.0.0.1:{self.tls_port}"
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig=INT", "--", "/usr/sbin/slapd", "-d", "0", "-h", hosts, "-f", config],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.tls_port)) == 0:
                    return self
            assert self._process.poll() is None, "slapd did not start"
            assert time.monotonic() < deadline, "slapd does not answer"
            time.sleep(0.02)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it and remove its files."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=30)
            self._process = None

    def add(self, number: str, family: str, given: str, group: str) -> None:
        """Let somebody work there."""
        with self._line() as line:
            line.add(_entry(number, family, given, group))

    def add_many(self, number: int) -> None:
        """Let so many people more work there."""
        with self._line() as line:
            for each in range(number):
                line.add(_entry(f"x{each}", "X", "X", "Autres"))

    def set_birth(self, number: str, born: str) -> None:
        """Write a birth date where this directory has it: as LDAP writes days."""
        with self._line() as line:
            [entry] = line.search(f"uid={number},{PEOPLE}", 0)
            entry["description"] = born
            entry.modify()

    def remove(self, number: str) -> None:
        """Let somebody work there no more."""
        with self._line() as line:
            line.delete(f"uid={number},{PEOPLE}")

    @contextmanager
    def _line(self) -> Iterator[bonsai.LDAPConnection]:
        client = bonsai.LDAPClient(f"ldap://127.0.0.1:{self.port}")
        client.set_credentials("SIMPLE", user=ROOT, password=PASSWORD)
        with client.connect(timeout=10) as line:
            yield line


def _entry(number: str, family: str, given: str, group: str) -> bonsai.LDAPEntry:
    entry = bonsai.LDAPEntry(f"uid={number},{PEOPLE}")
    entry["objectClass"] = ["inetOrgPerson"]
    entry["uid"] = entry["employeeNumber"] = number
    entry["cn"], entry["sn"], entry["givenName"] = f"{given} {family}", family, given
    entry["departmentNumber"] = group
    return entry


def make_certificates(folder: Path) -> None:
    """Write an authority (`ca.pem`), another one (`other.pem`), and the server's certificate and key."""
    now = datetime.now(UTC)
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("ca", "other", "server")}
    for name, key in keys.items():
        issuer = "ca" if name == "server" else name
        builder = (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=name != "server", path_length=None), critical=True)
        )
        if name == "server":
            address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
            builder = builder.add_extension(address, critical=False)
        made = builder.sign(keys[issuer], hashes.SHA256())
        (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        keys["server"].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
