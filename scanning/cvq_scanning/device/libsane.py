"""A thin ctypes binding of libsane, for what python-sane does not give: rows as they come, and exact statuses.

Structures and codes are those of the SANE API 1.x (sane.h, in the public domain).
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar, Final

OPTIONS_MAX: Final = 1000
_FIXED_ONE: Final = 65536
_WORD_MAX: Final = 2**31 - 1
_CAP_SOFT_SELECT: Final = 1
_CAP_INACTIVE: Final = 32
_ACTION_GET: Final = 0
_ACTION_SET: Final = 1


class Status(IntEnum):
    """SANE_Status."""

    GOOD = 0
    UNSUPPORTED = 1
    CANCELLED = 2
    DEVICE_BUSY = 3
    INVAL = 4
    EOF = 5
    JAMMED = 6
    NO_DOCS = 7
    COVER_OPEN = 8
    IO_ERROR = 9
    NO_MEM = 10
    ACCESS_DENIED = 11
    OTHER = 99
    """A status of a later SANE, such as a lamp that warms up."""


class Kind(IntEnum):
    """SANE_Value_Type."""

    BOOL = 0
    INT = 1
    FIXED = 2
    STRING = 3
    BUTTON = 4
    GROUP = 5


class Unit(IntEnum):
    """SANE_Unit."""

    NONE = 0
    PIXEL = 1
    BIT = 2
    MM = 3
    DPI = 4
    PERCENT = 5
    MICROSECOND = 6


class FrameFormat(IntEnum):
    """SANE_Frame."""

    GRAY = 0
    RGB = 1
    RED = 2
    GREEN = 3
    BLUE = 4


class SaneError(Exception):
    """A call of libsane that did not succeed."""

    def __init__(self, status: Status, call: str) -> None:
        super().__init__(f"{call}: {status.name}")
        self.status: Final = status


class OptionRefused(Exception):
    """An option that the device does not have, or a value that it does not take."""


@dataclass(frozen=True, slots=True)
class Option:
    """A device's option: `low`, `high` bound a range, `choices` lists what is allowed; else anything goes."""

    index: int
    name: str
    kind: Kind
    unit: Unit
    size: int
    active: bool
    settable: bool
    low: float | None
    high: float | None
    choices: tuple[str, ...] | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Parameters:
    """Geometry of the frame being read; `lines` is -1 where the device cannot know it beforehand."""

    format: FrameFormat
    last_frame: bool
    bytes_per_line: int
    pixels_per_line: int
    lines: int
    depth: int


class _Parameters(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("format", ctypes.c_int),
        ("last_frame", ctypes.c_int),
        ("bytes_per_line", ctypes.c_int),
        ("pixels_per_line", ctypes.c_int),
        ("lines", ctypes.c_int),
        ("depth", ctypes.c_int),
    ]


class _Range(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("min", ctypes.c_int),
        ("max", ctypes.c_int),
        ("quant", ctypes.c_int),
    ]


class _Constraint(ctypes.Union):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("strings", ctypes.POINTER(ctypes.c_char_p)),
        ("words", ctypes.POINTER(ctypes.c_int)),
        ("range", ctypes.POINTER(_Range)),
    ]


class _Descriptor(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("name", ctypes.c_char_p),
        ("title", ctypes.c_char_p),
        ("desc", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("unit", ctypes.c_int),
        ("size", ctypes.c_int),
        ("cap", ctypes.c_int),
        ("constraint_type", ctypes.c_int),
        ("constraint", _Constraint),
    ]


def _load() -> ctypes.CDLL:
    library = ctypes.CDLL("libsane.so.1")
    handle, pointer = ctypes.c_void_p, ctypes.POINTER
    library.sane_open.argtypes = [ctypes.c_char_p, pointer(handle)]
    library.sane_close.argtypes = [handle]
    library.sane_close.restype = None
    library.sane_cancel.argtypes = [handle]
    library.sane_cancel.restype = None
    library.sane_start.argtypes = [handle]
    library.sane_get_parameters.argtypes = [handle, pointer(_Parameters)]
    library.sane_read.argtypes = [handle, ctypes.c_void_p, ctypes.c_int, pointer(ctypes.c_int)]
    library.sane_get_option_descriptor.argtypes = [handle, ctypes.c_int]
    library.sane_get_option_descriptor.restype = pointer(_Descriptor)
    library.sane_control_option.argtypes = [
        handle,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_void_p,
        pointer(ctypes.c_int),
    ]
    return library


def _check(code: int, call: str) -> None:
    if code != Status.GOOD:
        raise SaneError(_status(code), call)


def _status(code: int) -> Status:
    try:
        return Status(code)
    except ValueError:
        return Status.OTHER


class Device:
    """An opened scanner. One thread drives it; `cancel` alone may be called from another one."""

    def __init__(self, name: str) -> None:
        self._library = _load()
        _check(self._library.sane_init(None, None), "sane_init")
        self._handle = ctypes.c_void_p()
        _check(self._library.sane_open(name.encode(), ctypes.byref(self._handle)), "sane_open")

    def options(self) -> dict[str, Option]:
        """The device's options by name, as they stand now: setting one may change the others."""
        return {option.name: option for option in self._options()}

    def get(self, option: Option) -> str | float:
        """An option's value; strings as text, all else as a number in the option's unit."""
        buffer = ctypes.create_string_buffer(max(option.size, 4))
        code = self._library.sane_control_option(self._handle, option.index, _ACTION_GET, buffer, None)
        _check(code, f"reading option {option.name}")
        if option.kind is Kind.STRING:
            return buffer.value.decode(errors="replace")
        return _number(option.kind, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_int))[0])

    def set(self, option: Option, value: str | float) -> None:
        """Set an option; `OptionRefused` where the device does not take the value."""
        buffer = _encoded(option, value)
        info = ctypes.c_int()
        code = self._library.sane_control_option(self._handle, option.index, _ACTION_SET, buffer, ctypes.byref(info))
        if code in (Status.INVAL, Status.UNSUPPORTED):
            raise OptionRefused(f"option {option.name} does not take {value!r}")
        _check(code, f"setting option {option.name}")

    def start(self) -> Parameters:
        """Begin the next frame and say its geometry."""
        _check(self._library.sane_start(self._handle), "sane_start")
        raw = _Parameters()
        _check(self._library.sane_get_parameters(self._handle, ctypes.byref(raw)), "sane_get_parameters")
        return Parameters(
            format=FrameFormat(raw.format),
            last_frame=bool(raw.last_frame),
            bytes_per_line=raw.bytes_per_line,
            pixels_per_line=raw.pixels_per_line,
            lines=raw.lines,
            depth=raw.depth,
        )

    def read(self, buffer: ctypes.Array[ctypes.c_char], length_max: int) -> int | None:
        """Read what has come, at most `length_max` bytes; None at the frame's end."""
        length = ctypes.c_int()
        code = self._library.sane_read(self._handle, buffer, length_max, ctypes.byref(length))
        if code == Status.EOF:
            return None
        _check(code, "sane_read")
        return length.value

    def cancel(self) -> None:
        """End the scan. The SANE standard allows this while another thread reads."""
        self._library.sane_cancel(self._handle)

    def close(self) -> None:
        """Give the device back."""
        self._library.sane_close(self._handle)

    def _options(self) -> Iterator[Option]:
        for index in range(1, OPTIONS_MAX):
            pointer = self._library.sane_get_option_descriptor(self._handle, index)
            if not pointer:
                return
            raw = pointer[0]
            if raw.type == Kind.GROUP or not raw.name:
                continue
            yield _option(index, raw)


def _option(index: int, raw: Any) -> Option:
    kind = Kind(raw.type)
    low = high = None
    choices: tuple[str, ...] | tuple[float, ...] = ()
    if raw.constraint_type == 1 and raw.constraint.range:
        low, high = (_number(kind, word) for word in (raw.constraint.range[0].min, raw.constraint.range[0].max))
    elif raw.constraint_type == 2 and raw.constraint.words:
        words = raw.constraint.words
        choices = tuple(_number(kind, words[i]) for i in range(1, words[0] + 1))
    elif raw.constraint_type == 3 and raw.constraint.strings:
        choices = tuple(_strings(raw.constraint.strings))
    return Option(
        index=index,
        name=raw.name.decode(errors="replace"),
        kind=kind,
        unit=Unit(raw.unit),
        size=raw.size,
        active=not raw.cap & _CAP_INACTIVE,
        settable=bool(raw.cap & _CAP_SOFT_SELECT),
        low=low,
        high=high,
        choices=choices,
    )


def _strings(pointer: Any) -> Iterator[str]:
    for index in range(OPTIONS_MAX):
        if pointer[index] is None:
            return
        yield pointer[index].decode(errors="replace")


def _number(kind: Kind, word: int) -> float:
    return word / _FIXED_ONE if kind is Kind.FIXED else word


def _encoded(option: Option, value: str | float) -> Any:
    try:
        if option.kind is Kind.STRING:
            encoded = str(value).encode()
            if len(encoded) >= max(option.size, 1):
                raise OptionRefused(f"option {option.name}: text too long")
            return ctypes.create_string_buffer(encoded, option.size)
        if option.size != ctypes.sizeof(ctypes.c_int):
            raise OptionRefused(f"option {option.name} holds a list, which is not supported")
        if option.kind is Kind.BOOL:
            return ctypes.byref(ctypes.c_int(_truth(value)))
        word = round(float(value) * (_FIXED_ONE if option.kind is Kind.FIXED else 1))
        if abs(word) > _WORD_MAX:
            raise OptionRefused(f"option {option.name}: {value!r} is out of range")
        return ctypes.byref(ctypes.c_int(word))
    except (ValueError, OverflowError) as error:
        raise OptionRefused(f"option {option.name} does not take {value!r}") from error


def _truth(value: str | float) -> int:
    if isinstance(value, str):
        truth = {"yes": 1, "true": 1, "1": 1, "no": 0, "false": 0, "0": 0}.get(value.lower())
        if truth is None:
            raise ValueError(value)
        return truth
    return int(bool(value))
