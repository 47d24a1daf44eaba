"""Pictures of a PDF's pages, through one process: PDFium crashes when several threads of a process use it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Literal, Self

from cvq_scanning.children import kill_group
from cvq_scanning.frames import BadFrame, pack, receive_frame

PDF_BYTES_MAX: Final = 100 * 1024 * 1024
WIDTH_PX: Final = (16, 4000)
RENDER_TIMEOUT_S: Final = 20.0

_WORKER: Final[Sequence[str]] = ("-P", "-m", "cvq_scanning.pdf.render_worker")

RenderSlug = Literal["too_many_bytes", "not_a_pdf", "encrypted", "no_such_page", "page_too_long", "timeout", "crashed"]


class CannotRender(Exception):
    """A page that cannot be shown, by its stable slug."""

    def __init__(self, slug: RenderSlug) -> None:
        super().__init__(slug)
        self.slug: Final = slug


class PageRenderer:
    """Renders one page at a time in a worker process, started when it is first needed.

    A hostile document that crashes the worker or keeps it busy costs itself only: the next one gets a new worker.
    """

    def __init__(self, *, timeout_s: float = RENDER_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def render(self, pdf: bytes, index: int, width_px: int) -> bytes:
        """Page number `index`, counted from 0, as a PNG `width_px` pixels wide.

        Raises:
            CannotRender: `too_many_bytes`, `not_a_pdf`, `encrypted`, `no_such_page`, `page_too_long`, `timeout`,
                `crashed`.
        """
        if not WIDTH_PX[0] <= width_px <= WIDTH_PX[1]:
            raise ValueError(f"width_px must be within {WIDTH_PX[0]} and {WIDTH_PX[1]}")
        head, png = await self._ask({"do": "render", "index": index, "width_px": width_px}, pdf)
        assert head["type"] == "png"
        return png

    async def page_count(self, pdf: bytes) -> int:
        """How many pages a document has; raises as `render` does."""
        head, _ = await self._ask({"do": "count"}, pdf)
        return int(head["pages"])

    async def close(self) -> None:
        """End the worker; the next call would start another one."""
        process, self._process = self._process, None
        if process is not None:
            await kill_group(process)

    async def _ask(self, question: dict[str, Any], pdf: bytes) -> tuple[dict[str, Any], bytes]:
        if len(pdf) > PDF_BYTES_MAX:
            raise CannotRender("too_many_bytes")
        async with self._turn:
            answered = False
            try:
                async with asyncio.timeout(self._timeout_s):
                    answer = await self._exchange(question, pdf)
                answered = answer is not None
            except TimeoutError:
                raise CannotRender("timeout") from None
            except (BadFrame, ConnectionError) as error:
                raise CannotRender("crashed") from error
            finally:
                # A worker whose answer was not taken would answer the next question with it.
                if not answered:
                    await self.close()
        if answer is None:
            raise CannotRender("crashed")
        if answer[0]["type"] == "refused":
            raise CannotRender(answer[0]["slug"])
        return answer

    async def _exchange(self, question: dict[str, Any], pdf: bytes) -> tuple[dict[str, Any], bytes] | None:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *_WORKER,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
                env={name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ},
            )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(pack(question, pdf))
        await process.stdin.drain()
        return await receive_frame(process.stdout)


async def render_page(pdf: bytes, index: int, width_px: int) -> bytes:
    """One page as a PNG, with a worker for this call alone; a server keeps a `PageRenderer`. Raises as `render`."""
    async with PageRenderer() as renderer:
        return await renderer.render(pdf, index, width_px)
