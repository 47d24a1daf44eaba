"""Setting a scanner up for a job: source, mode, resolution, the sheet's area, then what its overrides say."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Final

from cvq_scanning.device import choices
from cvq_scanning.device.libsane import Device, Kind, Option, OptionRefused, SaneError, Status, Unit
from cvq_scanning.device.order import A4_MM, WorkOrder
from cvq_scanning.troubles import ScanTrouble, TroubleSlug

_TROUBLE_OF_STATUS: Final[Mapping[Status, TroubleSlug]] = {
    Status.JAMMED: "paper_jam",
    Status.NO_DOCS: "feeder_empty",
    Status.COVER_OPEN: "cover_open",
    Status.DEVICE_BUSY: "device_busy",
}


def trouble_of(error: SaneError) -> ScanTrouble:
    """The trouble that a SANE status means."""
    return ScanTrouble(_TROUBLE_OF_STATUS.get(error.status, "failed"), str(error))


def configure(device: Device, order: WorkOrder) -> int:
    """Set the device up for the job, its overrides last; gives the resolution it will really scan at, in dpi."""
    try:
        _set_source(device, order.source)
        _set_if_possible(device, "mode", choices.mode_named(_words(device, "mode"), order.mode))
        _set_if_possible(device, "depth", 8)
        resolution_dpi = _set_resolution(device, order.resolution_dpi)
        _set_area(device, resolution_dpi)
        _set_extra_options(device, order.extra_options)
    except OptionRefused as error:
        raise ScanTrouble("failed", str(error)) from error
    except SaneError as error:
        raise trouble_of(error) from error
    return _resolution(device, order.resolution_dpi)


def _set_source(device: Device, source: choices.Source) -> None:
    available = _words(device, "source")
    name = choices.source_named(available, source)
    if name is None and source == "feeder":
        raise ScanTrouble("failed", "the scanner has no feeder")
    _set_if_possible(device, "source", name)


def _set_resolution(device: Device, wanted_dpi: int) -> int:
    option = device.options().get("resolution")
    if option is None:
        return wanted_dpi
    numbers = [choice for choice in option.choices if isinstance(choice, int | float)]
    _set_if_possible(device, "resolution", choices.resolution_near(wanted_dpi, option.low, option.high, numbers))
    return _resolution(device, wanted_dpi)


def _resolution(device: Device, otherwise_dpi: int) -> int:
    option = device.options().get("resolution")
    if option is None or not option.active:
        return otherwise_dpi
    value = device.get(option)
    return round(value) if isinstance(value, int | float) and value >= 1 else otherwise_dpi


def _set_area(device: Device, resolution_dpi: int) -> None:
    """The whole of an A4 sheet, or as much of it as the glass holds."""
    for far, near, length_mm in (("br-x", "tl-x", A4_MM[0]), ("br-y", "tl-y", A4_MM[1])):
        options = device.options()
        if far not in options or near not in options:
            continue
        start, end = options[near], options[far]
        length = length_mm if end.unit is Unit.MM else length_mm / 25.4 * resolution_dpi
        _set_if_possible(device, near, start.low or 0)
        _set_if_possible(device, far, length if end.high is None else min(length, end.high))


def _set_extra_options(device: Device, extra: Mapping[str, str | float]) -> None:
    """Overrides may wake each other up, whatever their order: try again as long as that gets on."""
    waiting = dict(extra)
    while waiting:
        options = device.options()
        ready = [name for name in waiting if name in options and _takes_values(options[name])]
        if not ready:
            raise OptionRefused(f"option {', '.join(sorted(waiting))} is unknown to this scanner, or inactive")
        device.set(options[ready[0]], waiting.pop(ready[0]))


def _set_if_possible(device: Device, name: str, value: str | float | None) -> None:
    """Set what the device has and takes; where it does not, its own value is the best there is."""
    option = device.options().get(name)
    if value is not None and option is not None and _takes_values(option):
        with contextlib.suppress(OptionRefused):
            device.set(option, value)


def _takes_values(option: Option) -> bool:
    return option.active and option.settable and option.kind is not Kind.BUTTON


def _words(device: Device, name: str) -> list[str]:
    option = device.options().get(name)
    return [choice for choice in option.choices if isinstance(choice, str)] if option else []
