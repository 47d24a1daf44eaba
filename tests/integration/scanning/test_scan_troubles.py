"""Each trouble has its own name, and costs no page that was already scanned."""

import asyncio
import hashlib

import pytest

from cvq_scanning.acquire import TROUBLE_SLUGS, probe
from cvq_scanning.virtual import PAPER_DEVICE, PNM_DEVICE


@pytest.mark.parametrize(
    ("status", "slug"),
    [
        ("SANE_STATUS_JAMMED", "paper_jam"),
        ("SANE_STATUS_NO_DOCS", "feeder_empty"),
        ("SANE_STATUS_COVER_OPEN", "cover_open"),
        ("SANE_STATUS_DEVICE_BUSY", "device_busy"),
        ("SANE_STATUS_EOF", "truncated"),
        ("SANE_STATUS_IO_ERROR", "failed"),
        ("SANE_STATUS_CANCELLED", "failed"),
        ("SANE_STATUS_NO_MEM", "failed"),
        ("SANE_STATUS_ACCESS_DENIED", "failed"),
    ],
)
async def test_every_status_of_the_scanner_has_its_trouble(scan_all, spool, test_job, status, slug):
    assert slug in TROUBLE_SLUGS
    scanned = await scan_all(**test_job, extra_options={"read-return-value": status})
    assert scanned.slug == slug
    assert scanned.pages == []
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize("device", ["test:7", "nothing:0", "é" * 300])
async def test_a_scanner_that_is_not_there_is_missing(scan_all, device):
    assert (await scan_all(device=device)).slug == "device_missing"


async def test_an_empty_feeder_says_so_although_sane_reports_no_error(scan_all, scanner):
    scanner.load_feeder([])
    assert (await scan_all(source="feeder")).slug == "feeder_empty"


TROUBLES_ON_THE_WAY = {
    "jammed": "paper_jam",
    "cover_open": "cover_open",
    "io_error": "failed",
    "eof": "truncated",
    "crash": "failed",
}


@pytest.mark.parametrize("trouble", TROUBLES_ON_THE_WAY)
async def test_sheets_scanned_before_the_trouble_are_kept(scan_all, full_feeder, spool, trouble):
    full_feeder.set_control(trouble, page=3, row=300)
    scanned = await scan_all(source="feeder")
    assert scanned.slug == TROUBLES_ON_THE_WAY[trouble]
    assert [page.page for page in scanned.pages] == [1, 2]
    assert set(spool.iterdir()) == {page.path for page in scanned.pages}
    for page in scanned.pages:
        assert hashlib.sha256(page.path.read_bytes()).hexdigest() == page.sha256
    # What the advisor saw of the third sheet is no page.
    assert max(band.page for band in scanned.bands) == 3


async def test_a_trouble_that_ends_lets_the_next_scan_succeed(scan_all, scanner, small_sheets):
    scanner.load_feeder(small_sheets[:1])
    scanner.set_control("jammed")
    assert (await scan_all(source="feeder")).slug == "paper_jam"
    scanner.set_control()
    assert (await scan_all(source="feeder")).trouble is None


async def test_a_stack_over_the_limit_stops_there_and_keeps_its_pages(scan_all, test_job):
    scanned = await scan_all(**test_job, source="feeder", pages_max=3)
    assert scanned.slug == "too_many_pages"
    assert [page.page for page in scanned.pages] == [1, 2, 3]


@pytest.mark.usefixtures("full_feeder")
async def test_a_stack_that_just_meets_the_limit_is_no_trouble(scan_all):
    scanned = await scan_all(source="feeder", pages_max=4)
    assert scanned.trouble is None
    assert len(scanned.pages) == 4


async def test_a_scanner_without_a_feeder_says_so(scan_all, scanner):
    scanned = await scan_all(device=PNM_DEVICE, source="feeder", extra_options={"filename": str(scanner.pnm_file)})
    assert scanned.slug == "failed"
    assert "no feeder" in scanned.trouble.detail


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"page-heigth": 300}, "page-heigth"),
        ({"mode": "Sepia"}, "mode"),
        ({"resolution": "fine"}, "resolution"),
        ({"red-gamma-table": 3}, "red-gamma-table"),
        ({"depth": 1e300}, "depth"),
        ({"mode": "G" * 5000}, "mode"),
    ],
)
async def test_an_override_that_the_scanner_does_not_take_is_named(scan_all, test_job, options, said):
    scanned = await scan_all(**test_job, extra_options=options)
    assert scanned.slug == "failed"
    assert said in scanned.trouble.detail


async def test_overrides_that_wake_each_other_up_need_no_order(scan_all, test_job):
    options = {"read-limit-size": 40_000, "read-limit": "yes"}
    assert (await scan_all(**test_job, extra_options=options)).trouble is None


async def test_a_three_pass_scanner_is_refused_and_not_misread(scan_all, test_job):
    scanned = await scan_all(**test_job, extra_options={"three-pass": 1})
    assert scanned.slug == "failed"
    assert "three-pass" in scanned.trouble.detail


async def test_a_spool_that_is_gone_ends_the_scan_with_its_reason(scan_all, tmp_path, test_job):
    scanned = await scan_all(**test_job, spool=tmp_path / "none")
    assert scanned.slug == "failed"
    assert "could not be kept" in scanned.trouble.detail


async def test_a_second_scan_on_the_same_scanner_finds_it_busy(start_scan, scan_all, scanner):
    scanner.set_control("pause", row=600)
    first = start_scan()
    await anext(first)
    assert (await scan_all()).slug == "device_busy"
    assert (await probe(PAPER_DEVICE, env=scanner.env)).state == "busy"
    scanner.set_control()
    assert [item async for item in first]


async def test_a_driver_that_falls_silent_is_given_up(scan_all, full_feeder):
    full_feeder.set_control("hang", page=2, row=300)
    scanned = await scan_all(source="feeder", stall_timeout_s=2)
    assert scanned.slug == "failed"
    assert "silent" in scanned.trouble.detail
    assert [page.page for page in scanned.pages] == [1]
    full_feeder.set_control()
    assert len((await scan_all(source="feeder")).pages) == 4


async def test_a_scanner_whose_driver_hangs_when_opened_holds_up_nobody_else(scan_all, scanner, test_job):
    scanner.set_control("hang")
    hung, good = await asyncio.gather(scan_all(stall_timeout_s=2), scan_all(**test_job))
    assert hung.slug == "failed"
    assert good.trouble is None
