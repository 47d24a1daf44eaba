"""Lists the scanners or tries one, in a process of its own: `python -m cvq_scanning.device.inventory list`.

Drivers hang, crash and print; the one that started this process bounds its time. The answer is one JSON line on what
was standard output. python-sane does the listing; opening one device goes through `libsane`, whose statuses are exact.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any, Final

from cvq_scanning.device import choices
from cvq_scanning.device.configure import trouble_of
from cvq_scanning.device.driver import lock_device, redirect_output
from cvq_scanning.device.libsane import Device, SaneError, Status
from cvq_scanning.troubles import TroubleSlug

DEVICES_MAX: Final = 50
_COVER_SENSOR: Final = "cover-open"


def list_devices() -> list[dict[str, Any]]:
    """Every scanner that SANE finds, with what it can do."""
    # python-sane is needed here alone; a worker that scans starts without it.
    import sane

    sane.init()
    return [_described(sane, *found[:3]) for found in sane.get_devices()[:DEVICES_MAX]]


def _described(sane: Any, name: str, vendor: str, model: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": name,
        "vendor": vendor,
        "model": model,
        "sources": [],
        "modes": [],
        "resolutions": [],
    }
    try:
        with sane.open(name) as device:
            described |= _abilities(device.opt)
    except Exception as error:  # python-sane's own error class is no part of its interface
        print(f"{name}: {error}", file=sys.stderr)  # noqa: T201 - a worker's complaint
    return described


def _abilities(options: Any) -> dict[str, Any]:
    sources, modes = _words(options, "source"), _words(options, "mode")
    resolution = options.get("resolution")
    constraint = resolution.constraint if resolution is not None else None
    if isinstance(constraint, tuple):
        offered = choices.resolutions_offered(constraint[0], constraint[1], [])
    else:
        offered = choices.resolutions_offered(None, None, constraint or [])
    return {
        # A device without a choice of source or mode has one, and the worker makes grey of what is coloured.
        "sources": [name for name in ("flatbed", "feeder") if choices.source_named(sources, name)] or ["flatbed"],
        "modes": [name for name in ("color", "gray") if choices.mode_named(modes, name)] or ["color", "gray"],
        "resolutions": offered,
    }


def _words(options: Any, name: str) -> list[str]:
    option = options.get(name)
    return [str(word) for word in option.constraint or []] if option is not None else []


def try_device(name: str) -> dict[str, Any]:
    """How one scanner answers: its state, and its trouble where it has one."""
    held = lock_device(name)
    if held is None:
        return _state("busy", detail="a scan is under way")
    try:
        device = Device(name)
    except SaneError as error:
        return _refused(error)
    try:
        sensor = device.options().get(_COVER_SENSOR)
        if sensor is not None and sensor.active and device.get(sensor):
            return _state("trouble", "cover_open", "the cover's sensor says so")
    finally:
        device.close()
    return _state("ready")


def _refused(error: SaneError) -> dict[str, Any]:
    if error.status is Status.DEVICE_BUSY:
        return _state("busy", detail=str(error))
    if error.status in (Status.COVER_OPEN, Status.ACCESS_DENIED, Status.NO_MEM):
        return _state("trouble", trouble_of(error).slug, str(error))
    return _state("missing", detail=str(error))


def _state(state: str, trouble: TroubleSlug | None = None, detail: str = "") -> dict[str, Any]:
    return {"state": state, "trouble": trouble, "detail": detail}


def main() -> None:
    """Answer the one question of the command line."""
    # A core dump could hold what was scanned before.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with redirect_output() as out:
        answer = try_device(sys.argv[2]) if sys.argv[1] == "probe" else list_devices()
        out.write(json.dumps(answer).encode())


if __name__ == "__main__":
    main()
