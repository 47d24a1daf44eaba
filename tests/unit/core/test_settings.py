"""The server's settings: a wrong one stops the start, and says its name."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cvq_core.invoice_papers.paper import Issuer
from cvq_core.invoice_papers.proximity import Codes
from cvq_core.settings import Settings
from cvq_core.settings_file import SettingsError


@pytest.fixture(autouse=True)
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The only file of settings; the machine's own file and variables are kept out."""
    for name in [name for name in os.environ if name.startswith("CVQ_")]:
        monkeypatch.delenv(name)
    settings = tmp_path / "cvq.toml"
    settings.write_text("")
    monkeypatch.setenv("CVQ_CONFIG", str(settings))
    return settings


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CVQ_DATABASE_URL", "mysql://here/cvq", "mysql"),
        ("CVQ_DATABASE_POOL_SIZE", "0", "greater than or equal to 1"),
        ("CVQ_LISTEN_PORT", "99999", "65535"),
        ("CVQ_PUBLIC_URL", "guichet", "URL"),
        ("CVQ_SCAN_PAGES_MAX", "many", "integer"),
        ("CVQ_LANGUAGE", "de", "'fr' or 'en'"),
        ("CVQ_ICE_SERVERS", "stun:somewhere", "JSON"),
        ("CVQ_PAYFIP_CLIENT", "12345", "pattern"),
        ("CVQ_PAYFIP_ENTRY", "P", "'T', 'X' or 'W'"),
        ("CVQ_DATBASE_URL", "sqlite:///var/cvq.sqlite", "no setting has this name"),
    ],
)
def test_a_wrong_setting_is_told_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        Settings.load()
    assert name in str(error.value)
    assert words in str(error.value)


def test_all_wrong_settings_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CVQ_LISTEN_PORT", "-1")
    monkeypatch.setenv("CVQ_LOG_LEVEL", "loud")
    with pytest.raises(SettingsError) as error:
        Settings.load()
    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == ["CVQ_LISTEN_PORT", "CVQ_LOG_LEVEL"]


def test_an_unknown_name_in_the_file_is_told(file: Path) -> None:
    file.write_text('datbase_url = "sqlite:///var/cvq.sqlite"\n')
    with pytest.raises(SettingsError, match="DATBASE_URL"):
        Settings.load()


def test_a_file_that_is_no_toml_is_told_by_its_name(file: Path) -> None:
    file.write_text("listen_port: 8080\n")
    with pytest.raises(SettingsError, match=r"cvq\.toml"):
        Settings.load()


def test_a_file_that_was_named_and_is_not_there_stops_the_start(file: Path) -> None:
    file.unlink()
    with pytest.raises(SettingsError, match="does not exist"):
        Settings.load()


def test_the_environment_stands_above_the_file_and_a_booths_variables_are_its_own(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text('listen_port = 8081\nterritory = "Thiérache"\n')
    monkeypatch.setenv("CVQ_LISTEN_PORT", "8082")
    monkeypatch.setenv("CVQ_BOOTH_RING_S", "5")
    settings = Settings.load()
    assert (settings.listen_port, settings.territory) == (8082, "Thiérache")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "guichet.example"])
def test_pages_leave_the_machine_only_behind_a_proxy_that_ends_tls(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("CVQ_LISTEN_HOST", host)
    with pytest.raises(SettingsError, match="trusted_proxy"):
        Settings.load()
    monkeypatch.setenv("CVQ_TRUSTED_PROXY", "192.0.2.1")
    assert Settings.load().listen_host == host


@pytest.mark.parametrize(("url", "secure"), [("https://guichet.example", True), ("http://127.0.0.1:8080", False)])
def test_cookies_are_for_tls_alone_where_pages_come_through_it(
    monkeypatch: pytest.MonkeyPatch, url: str, secure: bool
) -> None:
    monkeypatch.setenv("CVQ_PUBLIC_URL", url)
    monkeypatch.setenv("CVQ_ALLOWED_ORIGINS", "https://a.example, https://b.example")
    settings = Settings.load()
    assert settings.secure_cookies is secure
    assert settings.origins == {url, "https://a.example", "https://b.example"}


def test_payment_online_goes_to_a_place_and_over_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CVQ_PAYFIP_CLIENT", "012345")
    with pytest.raises(SettingsError, match="payfip_office"):
        Settings.load()
    monkeypatch.setenv("CVQ_PAYFIP_OFFICE", "CVQ-SIEGE")
    assert Settings.load().payfip_url is None
    for url in ("http://payfip.example/tpa", "http://192.0.2.1/tpa"):
        monkeypatch.setenv("CVQ_PAYFIP_URL", url)
        with pytest.raises(SettingsError, match="payfip_url"):
            Settings.load()
    for url in ("https://payfip.example/tpa", "http://127.0.0.1:8001/tpa"):
        monkeypatch.setenv("CVQ_PAYFIP_URL", url)
        assert str(Settings.load().payfip_url) == url


CODES = {"emitter": "940033", "collectivity": "RS", "product": "087", "post": "079033"}


def test_who_sends_invoices_and_the_tobacconists_codes_are_tables_of_the_file_or_json_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    file.write_text(
        '[invoice_issuer]\nname = "Parthenay"\naddress = ["7, rue Béranger"]\n\n[proximity]\n'
        + "\n".join(f'{name} = "{code}"' for name, code in CODES.items())
    )
    settings = Settings.load()
    assert settings.invoice_issuer == Issuer("Parthenay", ("7, rue Béranger",))
    assert settings.proximity == Codes(**CODES)
    monkeypatch.setenv("CVQ_PROXIMITY", json.dumps({**CODES, "period": "3"}))
    changed = Settings.load().proximity
    assert changed is not None
    assert changed.period == "3"
    monkeypatch.setenv("CVQ_PROXIMITY", json.dumps({**CODES, "emmiter": "1"}))
    with pytest.raises(SettingsError, match="CVQ_PROXIMITY"):
        Settings.load()
