"""Which scanners there are, and whether one answers."""

import pytest

from cvq_scanning.acquire import ScannerState, ScanTrouble, list_scanners, probe
from cvq_scanning.virtual import PAPER_DEVICE, PNM_DEVICE, TEST_DEVICE


async def test_every_scanner_is_listed_with_what_it_can_do(scanner):
    found = {info.name: info for info in await list_scanners(scanner.env)}
    assert {TEST_DEVICE, PNM_DEVICE, PAPER_DEVICE} <= set(found)
    paper = found[PAPER_DEVICE]
    assert (paper.vendor, paper.model) == ("CVQ", "Virtual paper scanner")
    assert paper.sources == ("flatbed", "feeder")
    assert paper.modes == ("color", "gray")
    assert paper.resolutions == (75, 100, 150, 200, 300)
    assert found[PNM_DEVICE].sources == ("flatbed",)
    assert found[TEST_DEVICE].resolutions == (75, 100, 150, 200, 300, 400, 600)


async def test_no_scanner_at_all_is_an_empty_list(tmp_path, scanner):
    (tmp_path / "dll.conf").write_text("")
    assert await list_scanners({**scanner.env, "SANE_CONFIG_DIR": str(tmp_path)}) == []


async def test_a_listing_that_takes_too_long_is_given_up(scanner):
    with pytest.raises(ScanTrouble) as failed:
        await list_scanners(scanner.env, timeout_s=0.001)
    assert failed.value.slug == "failed"


@pytest.mark.parametrize("device", [TEST_DEVICE, PNM_DEVICE, PAPER_DEVICE])
async def test_a_scanner_that_answers_is_ready(scanner, device):
    assert await probe(device, env=scanner.env) == ScannerState("ready")


@pytest.mark.parametrize("device", ["test:9", "nothing:0"])
async def test_a_scanner_that_does_not_answer_is_missing(scanner, device):
    assert (await probe(device, env=scanner.env)).state == "missing"


async def test_an_open_cover_is_seen_before_anybody_scans(scanner):
    scanner.set_control("cover_open")
    state = await probe(PAPER_DEVICE, env=scanner.env)
    assert (state.state, state.trouble) == ("trouble", "cover_open")
    scanner.set_control()
    assert (await probe(PAPER_DEVICE, env=scanner.env)).state == "ready"


async def test_a_probe_that_takes_too_long_is_a_trouble(scanner):
    state = await probe(PAPER_DEVICE, env=scanner.env, timeout_s=0.001)
    assert (state.state, state.trouble) == ("trouble", "failed")
