"""A booth's settings: a wrong one stops the start, and says its name."""

from __future__ import annotations

import pytest

from cvq_booth.settings import BoothSettings
from cvq_core.settings_file import SettingsError


@pytest.fixture(autouse=True)
def no_settings_around(monkeypatch, tmp_path):
    """Keep the machine's own file and variables out."""
    import os

    for name in [name for name in os.environ if name.startswith("CVQ_BOOTH_")]:
        monkeypatch.delenv(name)
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    monkeypatch.setenv("CVQ_BOOTH_CONFIG", str(empty))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CVQ_BOOTH_DESK_URL", "http://desk.example", "https"),
        ("CVQ_BOOTH_DESK_URL", "desk", "URL"),
        ("CVQ_BOOTH_SCREENS_PORT", "70000", "65535"),
        ("CVQ_BOOTH_RING_S", "0.5", "3"),
        ("CVQ_BOOTH_TIME_ZONE", "Europe/Parthenay", "time zone"),
        ("CVQ_BOOTH_SCREEN_2_POSITION", "right", "1920,0"),
        ("CVQ_BOOTH_SCREEN_2_SIZE", "10,x", ""),
        ("CVQ_BOOTH_PRINTER_URI", "lpt1:", "ipp://"),
        ("CVQ_BOOTH_DISPLAY", "vga", "wayland"),
        ("CVQ_BOOTH_PAPERS_KBIT_S", "1", "32"),
        ("CVQ_BOOTH_SCANER", "test:0", "no setting has this name"),
    ],
)
def test_a_wrong_setting_is_told_by_its_name(monkeypatch, name, value, words):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        BoothSettings.load()
    assert str(error.value).startswith(name)
    assert words in str(error.value)


def test_the_environment_stands_above_the_file(monkeypatch, tmp_path):
    file = tmp_path / "booth.toml"
    file.write_text('scanner = "test:0"\nscreens_port = 8701\nscreen_2_position = [1280, 0]\n')
    monkeypatch.setenv("CVQ_BOOTH_CONFIG", str(file))
    monkeypatch.setenv("CVQ_BOOTH_SCREENS_PORT", "0")
    monkeypatch.setenv("CVQ_BOOTH_SCREEN_1_SIZE", "1280x1024")
    settings = BoothSettings.load()
    assert (settings.scanner, settings.screens_port) == ("test:0", 0)
    assert (settings.screen_1_size, settings.screen_2_position) == ((1280, 1024), (1280, 0))


def test_a_file_that_is_named_must_exist(monkeypatch, tmp_path):
    monkeypatch.setenv("CVQ_BOOTH_CONFIG", str(tmp_path / "nowhere.toml"))
    with pytest.raises(SettingsError, match="does not exist"):
        BoothSettings.load()


def test_an_unknown_name_in_the_file_stops_the_start(monkeypatch, tmp_path):
    file = tmp_path / "booth.toml"
    file.write_text('scaner = "test:0"\n')
    monkeypatch.setenv("CVQ_BOOTH_CONFIG", str(file))
    with pytest.raises(SettingsError, match="CVQ_BOOTH_SCANER"):
        BoothSettings.load()


def test_a_file_that_is_no_toml_is_told_by_its_name(monkeypatch, tmp_path):
    file = tmp_path / "booth.toml"
    file.write_text("scanner: test\n")
    monkeypatch.setenv("CVQ_BOOTH_CONFIG", str(file))
    with pytest.raises(SettingsError, match=r"booth\.toml is no TOML file"):
        BoothSettings.load()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://localhost:8080/", "http://[::1]:80", "https://desk.example"]
)
def test_a_desk_without_tls_may_only_be_on_this_machine(monkeypatch, url):
    monkeypatch.setenv("CVQ_BOOTH_DESK_URL", url)
    assert not BoothSettings.load().desk.endswith("/")
