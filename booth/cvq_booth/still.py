"""One picture of the document camera, taken by a process of its own: a camera's driver may hang for ever.

`python -m cvq_booth.still INPUT` writes a JPEG to its standard output.
"""

from __future__ import annotations

import asyncio
import io
import sys
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 15.0
JPEG_BYTES_MAX = 8 * 1024**2
JPEG_QUALITY = 90
WARM_UP_FRAMES = 5
"""A camera that was just opened is too dark or too bright for its first frames."""


class CameraTrouble(Exception):
    """No picture came; `slug` is `missing` where there is no camera, `failed` otherwise."""

    def __init__(self, slug: str, detail: str) -> None:
        super().__init__(detail)
        self.slug = slug


@dataclass(frozen=True, slots=True)
class Still:
    """A picture as a JPEG, its size in pixels."""

    jpeg: bytes
    width: int
    height: int


async def take_still(camera: str | None, *, timeout_s: float = TIMEOUT_S) -> Still:
    """Take one picture with the camera at a device's path, or out of a video file that stands for one.

    Raises:
        CameraTrouble: there is no camera, or it gave no picture in time.
    """
    if not is_there(camera):
        raise CameraTrouble("missing", "no document camera")
    assert camera is not None
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "cvq_booth.still",
        camera,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(timeout_s):
            answer = b""
            while chunk := await process.stdout.read(256 * 1024):
                answer += chunk
                if len(answer) > JPEG_BYTES_MAX:
                    raise CameraTrouble("failed", "the picture is too large")
            await process.wait()
    except TimeoutError:
        raise CameraTrouble("failed", f"no picture within {timeout_s:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    size, _, jpeg = answer.partition(b"\n")
    try:
        width, height = (int(number) for number in size.split())
    except ValueError:
        raise CameraTrouble("failed", "the camera gave no picture") from None
    return Still(jpeg, width, height)


def is_there(camera: str | None) -> bool:
    """Tell whether the configured camera can be seen."""
    return camera is not None and Path(camera).exists()


def grab(camera: str) -> tuple[bytes, int, int]:
    """Open the camera and return a JPEG, its width and its height in pixels.

    Raises:
        OSError: the camera cannot be opened, or gives nothing.
    """
    # PyAV loads codecs for half a second; nothing but this process needs them.
    import av  # noqa: PLC0415 - as said above

    kind = "v4l2" if Path(camera).is_char_device() else None
    with av.open(camera, format=kind) as container:
        picture = None
        for number, frame in enumerate(container.decode(video=0)):
            picture = frame
            if number + 1 >= WARM_UP_FRAMES:
                break
        if picture is None:
            raise OSError("no frame")
        image = picture.to_image()  # type: ignore[no-untyped-call]  # PyAV's own stub leaves it so
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue(), image.width, image.height


def main() -> None:
    """Write "width height", a line's end and the JPEG to standard output."""
    jpeg, width, height = grab(sys.argv[1])
    sys.stdout.buffer.write(f"{width} {height}\n".encode() + jpeg)


if __name__ == "__main__":
    main()
