"""Virtual camera: a file that Chromium films, with somebody in a room and a mark that proves which frame one sees.

Chromium takes the file by `--use-fake-device-for-media-stream --use-file-for-fake-video-capture=FILE` and plays it in a
loop. The books on the shelf at the top of the picture are the mark: light and dark cells that tell the end which films
and the number of the frame, with a checksum. They are read back at the other side of a call by `read_mark` in Python or
`cvqMarks.readMark(video)` in a page (`PAGE_SCRIPT`), also from a picture that was scaled or compressed.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cvq_booth.virtual.figure import SHELF_HEIGHT, End, Pose, draw_room, photograph
from cvq_booth.virtual.voice import write_voice

Plane = NDArray[np.uint8]

CELLS = 20
"""Cells of a mark: a light and a dark one to measure by, the end, twelve bits of the frame's number, five of a sum."""

COUNTER_BITS = 12
CHECK_BITS = 5
FRAMES_MAX = 1 << COUNTER_BITS

CONTRAST_MIN = 60
"""Least difference of brightness between the light and the dark cell of a mark that is believed."""

MJPEG_FPS = 30
"""Chromium plays every MJPEG file at this rate."""

PAGE_SCRIPT = Path(__file__).parent / "static" / "marks.js"
"""A classic script for pages under test; it adds `cvqMarks` with `readMark(video)` and `readVoice(analyser)`.

`page.add_init_script(path=PAGE_SCRIPT)` brings it into pages whose policy refuses added scripts, too.
"""

_LIGHT = (226, 214, 178)
_DARK = (58, 40, 34)


@dataclass(frozen=True, slots=True)
class Mark:
    """What a picture's mark says: who films, and which frame of the file it is."""

    end: End
    frame: int


def mark_bits(mark: Mark) -> list[bool]:
    """Return a mark's cells from left to right, True for light; a Gray code, so that few cells change a frame."""
    counter = (mark.frame ^ (mark.frame >> 1)) & (FRAMES_MAX - 1)
    payload = (int(mark.end is End.ADVISOR) << COUNTER_BITS) | counter
    word = (payload << CHECK_BITS) | _check(payload)
    width = 1 + COUNTER_BITS + CHECK_BITS
    return [True, False, *(bool(word >> (width - 1 - i) & 1) for i in range(width))]


def _check(payload: int) -> int:
    """Sum the payload's five-bit groups, each turned by its place so that swapped groups are noticed."""
    total = 7
    for place in range(3):
        group = payload >> (place * CHECK_BITS) & 31
        total += (group << place | group >> (CHECK_BITS - place)) & 31
    return total & 31


def read_mark(luma: Plane) -> Mark | None:
    """Read the mark of a picture.

    Args:
        luma: brightness, rows x columns, of the whole picture at any scale.

    Returns:
        The mark, or None where there is none that can be believed.
    """
    rows, columns = luma.shape
    top, bottom = int(rows * SHELF_HEIGHT * 0.35), max(1, math.ceil(rows * SHELF_HEIGHT * 0.7))
    values = [
        float(luma[top:bottom, int((i + 0.3) * columns / CELLS) : math.ceil((i + 0.7) * columns / CELLS)].mean())
        for i in range(CELLS)
    ]
    light, dark = values[0], values[1]
    if light - dark < CONTRAST_MIN:
        return None
    middle, margin = (light + dark) / 2, (light - dark) / 8
    if any(abs(value - middle) < margin for value in values):
        return None
    word = 0
    for value in values[2:]:
        word = word << 1 | int(value > middle)
    payload, check = word >> CHECK_BITS, word & 31
    if check != _check(payload):
        return None
    return Mark(End.ADVISOR if payload >> COUNTER_BITS else End.RESIDENT, _from_gray(payload & (FRAMES_MAX - 1)))


def _from_gray(code: int) -> int:
    shift = 1
    while shift < COUNTER_BITS:
        code ^= code >> shift
        shift *= 2
    return code


def draw_mark(picture: Image.Image, mark: Mark) -> None:
    """Put the books that spell a mark on the shelf of a picture."""
    height = round(picture.height * SHELF_HEIGHT)
    for index, light in enumerate(mark_bits(mark)):
        left, right = (round((index + side) * picture.width / CELLS) for side in (0, 1))
        picture.paste(_LIGHT if light else _DARK, (left, 0, right, height))
        picture.paste(_DARK if light else _LIGHT, (right - 1, height // 6, right, height))


def pose_at(end: End, turn: float) -> Pose:
    """Return how somebody sits at `turn` of the loop, from 0 to 1; the movements close so that the loop has no jump."""
    phase = 0.0 if end is End.RESIDENT else 1.7
    angle = 2 * math.pi * turn
    speech = math.sin(angle * 11 + phase) * math.sin(angle * 2 + phase)
    return Pose(
        sway=0.7 * math.sin(angle + phase) + 0.3 * math.sin(angle * 3 + phase),
        nod=math.sin(angle * 5 + phase),
        mouth=max(0.0, speech),
        eyes_closed=(turn * 3 + phase) % 1 > 0.955,
    )


def pictures(end: End, size: tuple[int, int], count: int) -> Iterator[Image.Image]:
    """Yield the `count` frames of one loop as RGB pictures of `size` (width, height), each with its mark."""
    room = draw_room(end, *size)
    for frame in range(count):
        picture = photograph(room, end, pose_at(end, frame / count))
        draw_mark(picture, Mark(end, frame))
        yield picture


def write_camera(path: Path, end: End, *, size: tuple[int, int] = (320, 240), fps: int = 15, seconds: int = 8) -> Path:
    """Write a file for Chromium's `--use-file-for-fake-video-capture`, whole or not at all.

    Args:
        path: `.y4m` costs the browser nothing to play (115 kB a frame at 320x240); `.mjpeg` is some thirty times
            smaller, and Chromium plays it at 30 frames a second whatever was asked.
        size: width and height in pixels, both even.

    Raises:
        ValueError: the size, the length or the suffix is none that can be written.
    """
    width, height = size
    count = fps * seconds
    if width % 2 or height % 2 or not 32 <= width <= 3840 or not 32 <= height <= 2160:
        raise ValueError(f"a picture of {width}x{height} cannot be written: even sides from 32 to 3840x2160")
    if not 1 <= count <= FRAMES_MAX or not 1 <= fps <= 60:
        raise ValueError(f"{count} frames at {fps} a second: 1 to {FRAMES_MAX} frames, 1 to 60 a second")
    writers = {".y4m": _y4m, ".mjpeg": _mjpeg}
    if path.suffix not in writers:
        raise ValueError(f"{path.name}: a camera file ends in .y4m or .mjpeg")
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        for piece in writers[path.suffix](pictures(end, size, count), size, fps):
            file.write(piece)
    return partial.replace(path)


def _y4m(frames: Iterator[Image.Image], size: tuple[int, int], fps: int) -> Iterator[bytes]:
    yield f"YUV4MPEG2 W{size[0]} H{size[1]} F{fps}:1 Ip A1:1 C420jpeg\n".encode()
    # The file holds video levels (16 to 235), the picture full ones (0 to 255).
    luma_levels = [round(16 + value * 219 / 255) for value in range(256)]
    chroma_levels = [round(128 + (value - 128) * 224 / 255) for value in range(256)]
    for frame in frames:
        luma, blue, red = frame.convert("YCbCr").split()
        yield b"FRAME\n" + luma.point(luma_levels).tobytes()
        for chroma in (blue, red):
            yield chroma.reduce(2).point(chroma_levels).tobytes()


def _mjpeg(frames: Iterator[Image.Image], _size: tuple[int, int], fps: int) -> Iterator[bytes]:
    for frame in frames:
        jpeg = BytesIO()
        frame.save(jpeg, "JPEG", quality=85)
        yield jpeg.getvalue() * max(1, round(MJPEG_FPS / fps))


def main(arguments: list[str] | None = None) -> None:
    """Write a camera file, and a voice beside it where asked, from the command line."""
    parser = argparse.ArgumentParser(prog="python -m cvq_booth.virtual.camera", description=main.__doc__)
    parser.add_argument("camera", type=Path, help="file to write, .y4m or .mjpeg")
    parser.add_argument("--end", type=End, choices=list(End), required=True)
    parser.add_argument("--size", default="320x240", help="width x height, 320x240 by default")
    parser.add_argument("--fps", type=int, default=15)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--voice", type=Path, help="WAV file to write beside it")
    options = parser.parse_args(arguments)
    try:
        width, height = (int(side) for side in options.size.split("x"))
        write_camera(options.camera, options.end, size=(width, height), fps=options.fps, seconds=options.seconds)
    except ValueError as error:
        parser.error(str(error))
    if options.voice:
        write_voice(options.voice, options.end, seconds=options.seconds)
    sys.stdout.write(f"{options.camera}\n")


if __name__ == "__main__":
    main()
