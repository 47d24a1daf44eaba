"""Pictures of a PDF's pages come from one process at a time, which may die without harm."""

import asyncio
import contextlib
import io

import pikepdf
import pytest
from PIL import Image

from cvq_scanning.pdf import CannotRender, PageRenderer, render_page


def _pdf(colors, size=(400, 600)) -> bytes:
    buffer = io.BytesIO()
    images = [Image.new("RGB", size, color) for color in colors]
    images[0].save(buffer, "PDF", save_all=True, append_images=images[1:], resolution=100)
    return buffer.getvalue()


def _picture(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    return image


@pytest.fixture
async def renderer():
    async with PageRenderer() as renderer:
        yield renderer


async def test_a_page_is_shown_as_wide_as_asked():
    picture = _picture(await render_page(_pdf(["red", "blue"]), 1, 500))
    assert picture.size == (500, 750)
    red, _, blue = picture.convert("RGB").getpixel((250, 400))
    assert blue > 200
    assert red < 60


async def test_many_requests_at_once_are_answered_each_with_its_own_page(started, renderer):
    pages = _pdf([(shade, 0, 0) for shade in range(0, 250, 25)])
    pngs = await asyncio.gather(*(renderer.render(pages, index, 100) for index in range(10)))
    shades = [_picture(png).convert("RGB").getpixel((50, 50))[0] for png in pngs]
    assert shades == pytest.approx(list(range(0, 250, 25)), abs=6)
    assert len(started()) == 1


async def test_the_number_of_pages_is_told(renderer):
    assert await renderer.page_count(_pdf(["red", "blue", "white"])) == 3


async def test_a_filled_form_shows_what_was_written_in_it(renderer):
    document = pikepdf.Pdf.new()
    document.add_blank_page(page_size=(200, 200))
    look = pikepdf.Stream(document, b"0 0 1 rg 0 0 100 100 re f", {"/BBox": pikepdf.Array([0, 0, 100, 100])})
    look.Type, look.Subtype = pikepdf.Name.XObject, pikepdf.Name.Form
    field = pikepdf.Dictionary(
        Type=pikepdf.Name.Annot,
        Subtype=pikepdf.Name.Widget,
        FT=pikepdf.Name.Tx,
        T=pikepdf.String("nom"),
        Rect=pikepdf.Array([50, 50, 150, 150]),
        F=4,
        AP=pikepdf.Dictionary(N=document.make_indirect(look)),
    )
    field = document.make_indirect(field)
    document.pages[0].Annots = pikepdf.Array([field])
    document.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array([field]))
    buffer = io.BytesIO()
    document.save(buffer)
    picture = _picture(await renderer.render(buffer.getvalue(), 0, 200)).convert("RGB")
    assert picture.getpixel((100, 100))[2] > 200 > picture.getpixel((100, 100))[0]
    assert picture.getpixel((10, 10)) == (255, 255, 255)


def _encrypted() -> bytes:
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(_pdf(["red"]))) as document:
        document.save(buffer, encryption=pikepdf.Encryption(owner="o", user="u"))
    return buffer.getvalue()


def _endless() -> bytes:
    buffer = io.BytesIO()
    document = pikepdf.Pdf.new()
    document.add_blank_page(page_size=(10, 14_000))
    document.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("make", "index", "slug"),
    [
        (lambda: b"", 0, "not_a_pdf"),
        (lambda: b"Bonjour", 0, "not_a_pdf"),
        (_encrypted, 0, "encrypted"),
        (lambda: _pdf(["red"]), 1, "no_such_page"),
        (lambda: _pdf(["red"]), -1, "no_such_page"),
        (_endless, 0, "page_too_long"),
        (lambda: bytes(100 * 1024 * 1024 + 1), 0, "too_many_bytes"),
    ],
    ids=["empty", "text", "encrypted", "after the last page", "before the first", "too long", "too large"],
)
async def test_what_cannot_be_shown_is_refused_and_the_next_page_is_shown(renderer, make, index, slug):
    with pytest.raises(CannotRender) as refused:
        await renderer.render(make(), index, 400)
    assert refused.value.slug == slug
    assert _picture(await renderer.render(_pdf(["red"]), 0, 100)).width == 100


async def test_a_worker_that_died_is_replaced(started, renderer):
    await renderer.render(_pdf(["red"]), 0, 100)
    (worker,) = started()
    worker.kill()
    # The next request may meet the dying one.
    with contextlib.suppress(CannotRender):
        await renderer.render(_pdf(["red"]), 0, 100)
    assert _picture(await renderer.render(_pdf(["red"]), 0, 100)).width == 100


async def test_a_page_that_takes_too_long_is_given_up_and_its_worker_with_it(started):
    async with PageRenderer(timeout_s=0.001) as renderer:
        with pytest.raises(CannotRender) as refused:
            await renderer.render(_pdf(["red"]), 0, 100)
        assert refused.value.slug == "timeout"
        assert started() == []


@pytest.mark.parametrize("turns", [1, 3, 10, 30])
async def test_a_request_that_was_cancelled_does_not_answer_the_next_one(renderer, turns):
    await renderer.page_count(_pdf(["red"]))
    task = asyncio.create_task(renderer.render(_pdf(["red"]), 0, 2000))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _picture(await renderer.render(_pdf(["blue"]), 0, 100)).width == 100


@pytest.mark.parametrize("width_px", [0, -5, 100_000])
async def test_an_absurd_width_is_a_programmers_error(renderer, width_px):
    with pytest.raises(ValueError, match="width_px"):
        await renderer.render(b"", 0, width_px)
