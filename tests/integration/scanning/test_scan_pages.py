"""A scanned page is the scanner's page, and it grows while it is being scanned."""

import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from cvq_scanning.acquire import Band, Page, ReadyWorker, ScanJob, scan
from cvq_scanning.virtual import PAPER_DEVICE, PNM_DEVICE, sheets

MEAN_DIFFERENCE_MAX = 2.0  # of 255, what JPEG at quality 85 costs a page of text


def _mean_difference(left: Image.Image, right: Image.Image) -> float:
    assert left.size == right.size
    assert left.mode == right.mode
    return float(np.abs(np.asarray(left, dtype=float) - np.asarray(right, dtype=float)).mean())


def _assembled(bands: list[Band]) -> Image.Image:
    canvas = Image.new("RGB", (bands[0].page_width, bands[0].page_height))
    for band in bands:
        strip = Image.open(io.BytesIO(band.jpeg))
        assert strip.size == (band.page_width, band.height)
        canvas.paste(strip, (0, band.top))
    return canvas


@pytest.mark.parametrize("mode", ["color", "gray"])
async def test_the_page_is_the_one_that_lay_in_the_scanner(scan_all, scanner, mode):
    source = sheets.residence_proof(300).convert("RGB" if mode == "color" else "L")
    scanned = await scan_all(
        device=PNM_DEVICE, mode=mode, resolution_dpi=300, extra_options={"filename": str(scanner.pnm_file)}
    )
    (page,) = scanned.pages
    assert scanned.trouble is None
    with Image.open(page.path) as image:
        assert image.format == "JPEG"
        assert image.info["dpi"] == (300, 300)
        assert (page.width, page.height, page.resolution_dpi) == (*image.size, 300) == (2480, 3508, 300)
        assert _mean_difference(image, source) < MEAN_DIFFERENCE_MAX
    assert page.sha256 == hashlib.sha256(page.path.read_bytes()).hexdigest()
    assert not page.blank


async def test_the_bands_put_together_are_the_page_reduced(scan_all):
    scanned = await scan_all(mode="color", resolution_dpi=300)
    bands = scanned.bands
    assert {(band.page_width, band.page_height, band.scale) for band in bands} == {(827, 1170, 3)}
    assert all(band.height * band.scale <= 128 for band in bands)
    tops = [band.top for band in bands]
    assert tops == [0, *[band.top + band.height for band in bands][:-1]], "bands follow each other without a gap"
    assert bands[-1].top + bands[-1].height == 1170
    assert _mean_difference(_assembled(bands), sheets.identity_card(300).reduce(3)) < MEAN_DIFFERENCE_MAX


async def test_the_page_grows_while_the_scanner_still_works(start_scan, scanner, spool):
    scanner.set_control("pause", row=1700)
    items = start_scan()
    shown = 0
    async for item in items:
        assert isinstance(item, Band)
        shown = item.top + item.height
        # The scanner stands still in the middle of the page, and what it has read is shown but for the last rows.
        if shown > item.page_height / 3:
            break
    assert not list(spool.glob("*.jpg"))
    scanner.set_control()
    rest = [item async for item in items]
    assert isinstance(rest[0], Band)
    assert rest[0].top == shown
    assert isinstance(rest[-1], Page)


async def test_a_slow_scanner_is_shown_in_more_and_smaller_bands(scan_all, test_job):
    options = {"read-delay-duration": 20_000, "read-delay": 1, "test-picture": "Color pattern"}
    slow = await scan_all(**test_job, extra_options=options)
    assert slow.trouble is None
    # A fast scanner's 877 rows come in 7 bands of 128 rows at most; this one takes a quarter of a second for each.
    assert len(slow.bands) >= 10
    assert isinstance(slow.items[-1], Page)


async def test_a_feeder_gives_all_its_sheets_in_order_and_marks_the_blank_one(scan_all, scanner):
    drawn = [sheets.school_certificate(300), sheets.blank_sheet(300), sheets.income_notice(300)]
    scanner.load_feeder(drawn)
    scanned = await scan_all(source="feeder")
    assert scanned.trouble is None
    assert [page.page for page in scanned.pages] == [1, 2, 3]
    assert [page.blank for page in scanned.pages] == [False, True, False]
    for page, sheet in zip(scanned.pages, drawn, strict=True):
        with Image.open(page.path) as image:
            assert _mean_difference(image, sheet.reduce(2).convert("L")) < MEAN_DIFFERENCE_MAX


async def test_sanes_own_feeder_of_ten_sheets_ends_without_trouble(scan_all, test_job):
    scanned = await scan_all(**test_job, source="feeder")
    assert scanned.trouble is None
    assert len(scanned.pages) == 10


async def test_a_page_carries_the_advice_for_a_small_paper_laid_askew(scan_all):
    (page,) = (await scan_all()).pages
    assert page.skew_degrees == pytest.approx(3, abs=0.3)
    assert page.crop is not None


async def test_a_scanner_that_does_not_know_the_pages_length_is_read_to_its_end(scan_all, test_job):
    scanned = await scan_all(**test_job, extra_options={"hand-scanner": 1, "test-picture": "Grid"})
    (page,) = scanned.pages
    assert scanned.trouble is None
    assert (page.width, page.height) == (324, 501)  # 11 cm wide, and what the backend then sends
    assert scanned.bands[-1].top + scanned.bands[-1].height == page.height


@pytest.mark.parametrize("options", [{"depth": 16}, {"depth": 8}], ids=str)
async def test_other_depths_give_the_same_picture(scan_all, test_job, options):
    (page,) = (await scan_all(**test_job, extra_options={"test-picture": "Grid", **options})).pages
    with Image.open(page.path) as image:
        histogram = image.convert("L").histogram()
    black, white = sum(histogram[:40]), sum(histogram[216:])
    assert black + white > 0.9 * sum(histogram)
    assert 0.4 < black / (black + white) < 0.6


async def test_two_scans_into_one_spool_keep_all_their_pages(scan_all, spool, test_job):
    first, second = await scan_all(**test_job), await scan_all(**test_job)
    kept = {page.path for scanned in (first, second) for page in scanned.pages}
    assert len(kept) == 2
    assert set(spool.iterdir()) == kept


async def test_pages_are_for_the_booths_user_alone(scan_all, test_job):
    (page,) = (await scan_all(**test_job)).pages
    assert page.path.stat().st_mode & 0o777 == 0o600


async def test_a_worker_that_waits_is_used_and_replaced(started, scanner, spool):
    ready = ReadyWorker(scanner.env)
    await ready.prepare()
    (waiting,) = started()
    for _ in range(2):
        job = ScanJob(PAPER_DEVICE, "flatbed", "gray", 75, 1, spool)
        items = scan(job, ready=ready)
        await anext(items)
        assert [child.pid for child in started()] == [waiting.pid], "no other one was started"
        assert isinstance([item async for item in items][-1], Page)
        await ready.prepare()
        (successor,) = started()
        assert successor.pid != waiting.pid
        waiting = successor
    await ready.close()
    assert started() == []


async def test_a_waiting_worker_that_died_is_not_waited_for(scanner, spool):
    ready = ReadyWorker(scanner.env)
    await ready.prepare()
    waiting = ready._waiting.process
    waiting.kill()
    await waiting.wait()
    items = [item async for item in scan(ScanJob(PAPER_DEVICE, "flatbed", "gray", 75, 1, spool), ready=ready)]
    assert isinstance(items[-1], Page)
    await ready.close()
