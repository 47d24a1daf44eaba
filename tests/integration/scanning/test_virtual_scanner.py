"""The virtual scanners set themselves up from the command line, and obey while they run."""

import json
import subprocess
import sys

import pytest

from cvq_scanning.acquire import ScanTrouble, load_overrides
from cvq_scanning.virtual import PAPER_DEVICE, SHEETS, TEST_DEVICE, prepare
from cvq_scanning.virtual.scanner import ScannerNotBuilt


def _command(directory, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "cvq_scanning.virtual", "--dir", str(directory), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_prints_the_environment_that_shows_its_scanners(tmp_path):
    prepared = _command(tmp_path / "a b", "--glass", "school_certificate", "--feeder", "blank_sheet")
    assert prepared.returncode == 0, prepared.stderr
    listed = subprocess.run(
        ["sh", "-c", prepared.stdout + "\nscanimage -L"], capture_output=True, text=True, check=True
    ).stdout
    assert PAPER_DEVICE in listed
    assert TEST_DEVICE in listed
    assert len(list((tmp_path / "a b" / "paper" / "feeder").iterdir())) == 1


def test_preparing_twice_keeps_the_papers_that_were_laid_there(tmp_path):
    scanner = prepare(tmp_path)
    scanner.load_feeder([])
    glass = (tmp_path / "paper" / "glass.pnm").read_bytes()
    prepare(tmp_path)
    assert list((tmp_path / "paper" / "feeder").iterdir()) == []
    assert (tmp_path / "paper" / "glass.pnm").read_bytes() == glass


def test_a_machine_without_a_compiler_is_told_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ScannerNotBuilt, match="install gcc and libsane-dev"):
        prepare(tmp_path / "scanner")


@pytest.mark.parametrize("name", SHEETS)
def test_papers_are_drawn_the_same_every_time(name):
    assert SHEETS[name](75).tobytes() == SHEETS[name](75).tobytes()


@pytest.mark.parametrize("device", [PAPER_DEVICE, TEST_DEVICE])
async def test_an_override_file_puts_either_scanner_in_trouble(scan_all, scanner, device):
    scanner.overrides.write_text(json.dumps({device: {"read-return-value": "SANE_STATUS_JAMMED"}}))
    options = load_overrides(scanner.overrides, device)
    scanned = await scan_all(device=device, resolution_dpi=75, extra_options=options)
    assert scanned.slug == "paper_jam"
    scanner.overrides.unlink()
    assert load_overrides(scanner.overrides, device) == {}


async def test_a_jam_may_come_while_the_sheet_is_moving(start_scan, scanner):
    scanner.set_control("pause", row=600)
    items = start_scan()
    await anext(items)
    scanner.set_control("jammed")
    with pytest.raises(ScanTrouble) as jam:
        async for _ in items:
            pass
    assert jam.value.slug == "paper_jam"
