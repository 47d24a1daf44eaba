"""The booth's requests to the desk over HTTP: enrolment, tokens, and files to print."""

from __future__ import annotations

import re

from aiohttp import ClientError, ClientSession, ClientTimeout

from cvq_core.devices.identity import Identity
from cvq_core.devices.line import DeviceLine, enrol_as, read_bounded
from cvq_core.devices.line import ServerRefused as DeskRefused
from cvq_core.devices.line import ServerUnreachable as DeskUnreachable

__all__ = ["Desk", "DeskRefused", "DeskUnreachable", "enrol"]

ENROL = "cvq booth enrol CODE"
FILE_BYTES_MAX = 64 * 1024**2
_FILE = ClientTimeout(total=120, sock_read=20)
_FILE_PATH = re.compile(r"/api/v1/booth/files/[0-9a-f-]{36}")


async def enrol(session: ClientSession, url: str, code: str, identity: Identity) -> Identity:
    """Exchange a one-time code for a place at the desk, and return the identity with its id and name.

    Raises:
        DeskRefused: the code is wrong, used or too old.
        DeskUnreachable: nothing answered.
    """
    return await enrol_as(session, url, "booth", code, identity)


class Desk(DeviceLine):
    """The desk, as an enrolled booth may ask it over HTTP. `url` has no slash at its end."""

    async def file(self, path: str) -> bytes:
        """Return a file that a command names.

        Raises:
            DeskRefused: there is no such file, or not for this booth.
            DeskUnreachable: nothing answered, or more than FILE_BYTES_MAX.
        """
        if not _FILE_PATH.fullmatch(path):
            raise DeskRefused(400, f"not the address of a booth's file: {path[:100]}")
        try:
            headers = await self.headers()
            async with self.session.get(
                self.url + path, headers=headers, timeout=_FILE, allow_redirects=False
            ) as response:
                if response.status == 401:
                    self.forget_token()
                if response.status != 200:
                    raise DeskRefused(response.status, f"HTTP {response.status}")
                return await read_bounded(response, FILE_BYTES_MAX)
        except (ClientError, TimeoutError, OSError) as error:
            raise DeskUnreachable(f"{path}: {error or type(error).__name__}") from error
