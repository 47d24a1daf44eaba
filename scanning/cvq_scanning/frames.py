"""Messages between a process and its worker: a JSON head and a payload, both preceded by their lengths.

A frame is two big-endian 32-bit lengths, the head as UTF-8 JSON, and the payload. Both lengths are bounded, so that a
worker gone mad cannot fill the memory of the process that listens to it.
"""

from __future__ import annotations

import asyncio
import json
import struct
import threading
from collections.abc import Mapping
from typing import Any, BinaryIO, Final

HEAD_BYTES_MAX: Final = 64 * 1024
PAYLOAD_BYTES_MAX: Final = 128 * 1024 * 1024

_LENGTHS: Final = struct.Struct(">II")


class BadFrame(Exception):
    """Bytes that are no frame, or a frame over the bounds."""


def pack(head: Mapping[str, Any], payload: bytes = b"") -> bytes:
    """One frame as bytes."""
    encoded = json.dumps(head, separators=(",", ":")).encode()
    if len(encoded) > HEAD_BYTES_MAX or len(payload) > PAYLOAD_BYTES_MAX:
        raise BadFrame("frame over the bounds")
    return _LENGTHS.pack(len(encoded), len(payload)) + encoded + payload


class FrameWriter:
    """Writes frames to a binary stream, one at a time whichever thread sends them."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, head: Mapping[str, Any], payload: bytes = b"") -> None:
        """Write one frame and flush it; `BrokenPipeError` when nobody listens any more."""
        frame = pack(head, payload)
        with self._lock:
            self._stream.write(frame)
            self._stream.flush()


def read_frame(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """The next frame of a blocking stream, or None at its end."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    head_bytes, payload_bytes = _checked(lengths)
    head, payload = stream.read(head_bytes), stream.read(payload_bytes)
    if len(head) < head_bytes or len(payload) < payload_bytes:
        return None
    return _decoded(head), payload


async def receive_frame(stream: asyncio.StreamReader) -> tuple[dict[str, Any], bytes] | None:
    """The next frame of an asyncio stream, or None at its end, be it in the middle of a frame."""
    try:
        head_bytes, payload_bytes = _checked(await stream.readexactly(_LENGTHS.size))
        head = await stream.readexactly(head_bytes)
        payload = await stream.readexactly(payload_bytes)
    except asyncio.IncompleteReadError:
        return None
    return _decoded(head), payload


def _checked(lengths: bytes) -> tuple[int, int]:
    head_bytes, payload_bytes = _LENGTHS.unpack(lengths)
    if head_bytes > HEAD_BYTES_MAX or payload_bytes > PAYLOAD_BYTES_MAX:
        raise BadFrame("frame over the bounds")
    return head_bytes, payload_bytes


def _decoded(head: bytes) -> dict[str, Any]:
    try:
        decoded = json.loads(head)
    except ValueError as error:
        raise BadFrame("the head is not JSON") from error
    if not isinstance(decoded, dict):
        raise BadFrame("the head is not an object")
    return decoded
