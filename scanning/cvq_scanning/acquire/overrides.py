"""Corrections that one scanner needs: SANE options by device, in a JSON file beside the booth's settings.

    {"airscan:e0:Accueil": {"resolution": 200, "page-height": 300.0}, "test:0": {"read-delay": 1}}

Scanners announce wrong geometries and odd defaults; the people on the spot put that right without a new release. The
booth reads the file before every job.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

OVERRIDES_BYTES_MAX: Final = 64 * 1024
OPTIONS_MAX: Final = 100


class BadOverrides(Exception):
    """The file of overrides cannot be understood; the message says where."""


def load_overrides(path: Path, device: str) -> dict[str, str | int | float]:
    """The options of `device` in the file at `path`; none where there is no file, or nothing on the device."""
    try:
        with path.open("rb") as file:
            content = file.read(OVERRIDES_BYTES_MAX + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BadOverrides(f"{path}: {error.strerror}") from error
    if len(content) > OVERRIDES_BYTES_MAX:
        raise BadOverrides(f"{path}: larger than {OVERRIDES_BYTES_MAX} bytes")
    try:
        devices = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadOverrides(f"{path}: not JSON ({error})") from error
    if not isinstance(devices, dict):
        raise BadOverrides(f"{path}: an object of devices is expected")
    options = devices.get(device, {})
    if not isinstance(options, dict) or len(options) > OPTIONS_MAX:
        raise BadOverrides(f"{path}: {device}: an object of options is expected")
    for name, value in options.items():
        if not isinstance(value, str | int | float):
            raise BadOverrides(f"{path}: {device}: {name}: a text or a number is expected")
    return options
