"""Frames between a process and its worker stay within their bounds."""

import asyncio
import io
import struct

import pytest

from cvq_scanning.frames import HEAD_BYTES_MAX, PAYLOAD_BYTES_MAX, BadFrame, pack, read_frame, receive_frame


def _stream(content: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(content)
    reader.feed_eof()
    return reader


async def test_what_was_packed_is_read_back_by_both_readers():
    frames = pack({"type": "band", "page": 1}, b"\x00\xffjpeg") + pack({"type": "end"})
    blocking, streaming = io.BytesIO(frames), _stream(frames)
    for _ in range(2):
        assert read_frame(blocking) == await receive_frame(streaming)
    assert read_frame(io.BytesIO(frames)) == ({"type": "band", "page": 1}, b"\x00\xffjpeg")


async def test_a_stream_that_ends_within_a_frame_has_no_frame():
    half = pack({"type": "band"}, b"0123456789")[:-3]
    assert read_frame(io.BytesIO(half)) is None
    assert await receive_frame(_stream(half)) is None
    assert await receive_frame(_stream(b"")) is None


@pytest.mark.parametrize(
    "lengths", [(HEAD_BYTES_MAX + 1, 0), (2, PAYLOAD_BYTES_MAX + 1)], ids=["head too long", "payload too long"]
)
async def test_a_length_beyond_the_bounds_is_refused_before_anything_is_read(lengths):
    with pytest.raises(BadFrame):
        await receive_frame(_stream(struct.pack(">II", *lengths)))


@pytest.mark.parametrize("head", [b"{", b"[1]", b"\xff\xfe"])
async def test_a_head_that_is_no_json_object_is_refused(head):
    with pytest.raises(BadFrame):
        await receive_frame(_stream(struct.pack(">II", len(head), 0) + head))
