"""Files that a page sends: read whole, within bounds, before any transaction is open."""

from __future__ import annotations

from dataclasses import dataclass, field

from aiohttp import BodyPartReader, web

from cvq_core.errors import BadInput, TooLarge

CHUNK_BYTES = 64 * 1024
FIELD_BYTES_MAX = 64 * 1024
FILE_BYTES_MAX = 20 * 1024**2
FILES_MAX = 200
FILE_PART = "page"


@dataclass(frozen=True, slots=True)
class Upload:
    """What came: texts by name, and files in their order. `content_type` is the whole body's."""

    content_type: str
    fields: dict[str, str] = field(default_factory=dict)
    files: list[bytes] = field(default_factory=list)


async def read_upload(request: web.Request, bytes_max: int) -> Upload:
    """Return a multipart body's texts and files (parts named `page`), or another body as one file.

    Raises:
        TooLarge: the whole, or a file of it, is over the bound.
        BadInput: it is cut short, or nested, or a text holds NUL, which PostgreSQL does not store.
    """
    upload = Upload(request.content_type)
    if request.content_type != "multipart/form-data":
        content = bytearray()
        async for chunk in request.content.iter_chunked(CHUNK_BYTES):
            content += chunk
            if len(content) > min(FILE_BYTES_MAX, bytes_max):
                raise TooLarge
        upload.files.append(bytes(content))
        return upload
    total = 0
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                raise BadInput
            content = bytearray()
            while chunk := await part.read_chunk(CHUNK_BYTES):
                content += chunk
                total += len(chunk)
                if len(content) > FILE_BYTES_MAX or total > bytes_max:
                    raise TooLarge
            if part.name == FILE_PART:
                upload.files.append(bytes(content))
                if len(upload.files) > FILES_MAX:
                    raise TooLarge
            elif b"\0" in content:
                raise BadInput
            elif part.name and len(content) <= FIELD_BYTES_MAX:
                upload.fields[part.name] = content.decode("utf-8", "replace")
    except (ValueError, AssertionError, EOFError):
        raise BadInput from None
    return upload
