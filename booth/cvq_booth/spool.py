"""Everything that a visit leaves on the booth's machine, in one folder on tmpfs, and nothing anywhere else.

    spool_dir/                  0700, this user's, on tmpfs
      boot                      which start of the machine wrote this
      wiping                    present while a wipe goes on: found at start, the wipe is done again
      visits/<visit id>/
        pages/<page id>.json    what a page is; its image lies beside it or in `jobs`
        jobs/<command id>/      where a scan writes its pages, and the printer its log
        commands/<command id>   how far a command went
        call                    touched while the camera is open
      kiosk/                    Chromium's profiles

A power cut loses the spool with the memory it lies in. An agent that is killed and started again finds it and goes on
with the visit; it is wiped as soon as a view comes without that visit, and when none comes for some minutes.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from pydantic import BaseModel, ValidationError

log = structlog.get_logger(__name__)

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
MEMORY_FILE_SYSTEMS = frozenset({"tmpfs", "ramfs"})
COMMANDS_MAX = 1000
PAGES_MAX = 500


class SpoolError(Exception):
    """The spool's folder may not be used; the message says why and what to do."""


class HeldPage(BaseModel):
    """A scanned page that the spool holds until the visit ends. `path` is its image file."""

    page_id: UUID
    command_id: UUID
    page: int
    path: Path
    width: int
    height: int
    resolution_dpi: int
    sha256: str
    blank: bool = False
    media_type: str = "image/jpeg"


@dataclass(frozen=True, slots=True)
class Wiped:
    """What a wipe of the spool took away."""

    files: int = 0
    bytes: int = 0

    def __add__(self, other: Wiped) -> Wiped:
        return Wiped(self.files + other.files, self.bytes + other.bytes)


def file_system(path: Path) -> str:
    """Return the type of the file system that holds `path`, as the kernel names it."""
    best, kind = "", ""
    real = str(path.resolve())
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, mount, fs_type, *_ = line.split(" ")
        mount = mount.replace("\\040", " ")
        inside = real == mount or real.startswith(mount.rstrip("/") + "/")
        # A later line at the same place lies over the earlier one.
        if inside and len(mount) >= len(best):
            best, kind = mount, fs_type
    return kind


class Spool:
    """The folder, opened for one agent.

    Raises:
        SpoolError: the folder is not this user's alone, lies on a disk, or another agent works in it.
    """

    def __init__(self, folder: Path, *, allow_disk: bool = False) -> None:
        self.folder = folder
        self._visits = folder / "visits"
        self._marker = folder / "wiping"
        kind = file_system(folder)
        if kind not in MEMORY_FILE_SYSTEMS:
            if not allow_disk:
                raise SpoolError(
                    f"{folder} lies on {kind or 'an unknown file system'}: what is erased there can be found again. "
                    "Set CVQ_BOOTH_SPOOL_DIR to a folder on tmpfs, or CVQ_BOOTH_ALLOW_DISK_SPOOL=true for a trial."
                )
            log.warning("THE SPOOL IS NOT ON TMPFS: residents' papers touch a disk", folder=str(folder), type=kind)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _check_owner(folder)
        self._lock = _lock(folder)
        self._begin()

    def close(self) -> None:
        """Let another agent have the folder."""
        if self._lock >= 0:
            os.close(self._lock)
        self._lock = -1

    def _begin(self) -> None:
        """Wipe what another start of the machine or a broken wipe left; keep at most the newest visit otherwise."""
        boot = BOOT_ID.read_text(encoding="ascii").strip()
        note = self.folder / "boot"
        same_boot = note.is_file() and note.read_text(encoding="ascii", errors="replace").strip() == boot
        if not same_boot or self.wipe_is_unfinished:
            self.wipe()
        self._visits.mkdir(mode=0o700, exist_ok=True)
        for old in self.visits()[:-1]:
            self.wipe(old)
        _write(note, boot.encode("ascii"))

    def write(self, name: str, data: bytes) -> None:
        """Write a file of this start beside the visits."""
        _write(self.folder / name, data)

    # Visits

    def visits(self) -> list[UUID]:
        """Return the visits of which something lies here, the newest last."""
        found = []
        for path in sorted(self._visits.glob("*"), key=lambda path: path.stat().st_mtime_ns):
            with suppress(ValueError):
                found.append(UUID(path.name))
        return found

    def open_visit(self, visit_id: UUID) -> None:
        """Make the folders of a visit, and wipe what any other left."""
        for other in self.visits():
            if other != visit_id:
                self.wipe(other)
        # Each by itself: `mkdir` with parents gives the parents other modes.
        for folder in ("", "pages", "jobs", "commands"):
            (self._visit(visit_id) / folder).mkdir(mode=0o700, exist_ok=True)

    def job_folder(self, visit_id: UUID, command_id: UUID) -> Path:
        """Return the folder in which one command may write."""
        folder = self._visit(visit_id) / "jobs" / str(command_id)
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    # Pages

    def keep_page(self, visit_id: UUID, page: HeldPage) -> None:
        """Note a finished page, so that a reloaded console can have it again."""
        folder = self._visit(visit_id) / "pages"
        if sum(1 for _ in folder.iterdir()) >= PAGES_MAX:
            raise SpoolError(f"more than {PAGES_MAX} pages in one visit")
        _write(folder / f"{page.page_id}.json", page.model_dump_json().encode())

    def pages(self, visit_id: UUID) -> list[HeldPage]:
        """Return the pages of a visit in the order in which they were scanned."""
        return sorted(self._read_pages(visit_id), key=lambda page: page.page_id)

    def page(self, visit_id: UUID, page_id: UUID) -> HeldPage | None:
        """Return one page of this visit, or None."""
        return next((page for page in self._read_pages(visit_id) if page.page_id == page_id), None)

    def _read_pages(self, visit_id: UUID) -> Iterator[HeldPage]:
        for path in (self._visit(visit_id) / "pages").glob("*.json"):
            with suppress(ValidationError, OSError):
                page = HeldPage.model_validate_json(path.read_bytes())
                if page.path.is_file():
                    yield page

    # Commands

    def note_command(self, visit_id: UUID, command_id: UUID, facts: dict[str, Any]) -> None:
        """Write how far a command went, whole or not at all."""
        folder = self._visit(visit_id) / "commands"
        if folder.is_dir() and sum(1 for _ in folder.iterdir()) < COMMANDS_MAX:
            _write(folder / str(command_id), json.dumps(facts).encode())

    def command(self, visit_id: UUID, command_id: UUID) -> dict[str, Any] | None:
        """Return what `note_command` wrote last, or None."""
        try:
            facts = json.loads((self._visit(visit_id) / "commands" / str(command_id)).read_bytes())
        except (OSError, ValueError):
            return None
        return facts if isinstance(facts, dict) else None

    # The call

    def touch_call(self, visit_id: UUID) -> None:
        """Note that the resident's camera is open, now."""
        with suppress(OSError):
            (self._visit(visit_id) / "call").touch(mode=0o600)

    def forget_call(self, visit_id: UUID) -> None:
        """Note that the camera is closed."""
        (self._visit(visit_id) / "call").unlink(missing_ok=True)

    def call_age_s(self, visit_id: UUID) -> float | None:
        """Return how long ago the camera was last known to be open, or None."""
        try:
            return max(0.0, time.time() - (self._visit(visit_id) / "call").stat().st_mtime)
        except OSError:
            return None

    # The end

    @property
    def wipe_is_unfinished(self) -> bool:
        """Whether a wipe began and did not come to its end."""
        return self._marker.exists()

    def begin_wipe(self) -> None:
        """Note that a wipe goes on, so that a power cut or a kill in its middle does not end it half done."""
        _write(self._marker, b"")

    def end_wipe(self) -> None:
        """Note that the wipe is complete."""
        self._marker.unlink(missing_ok=True)

    def wipe(self, visit_id: UUID | None = None) -> Wiped:
        """Remove one visit, or everything but the marks of this start. Doing it again does no harm."""
        if visit_id is not None:
            return _remove(self._visit(visit_id))
        total = Wiped()
        for path in self.folder.iterdir():
            if path != self._marker:
                total += _remove(path)
        self._visits.mkdir(mode=0o700, exist_ok=True)
        self.end_wipe()
        return total

    def _visit(self, visit_id: UUID) -> Path:
        return self._visits / str(visit_id)


def _check_owner(folder: Path) -> None:
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise SpoolError(f"{folder} is not a folder")
    if status.st_uid != os.getuid():
        raise SpoolError(
            f"{folder} belongs to another user of this machine; set CVQ_BOOTH_SPOOL_DIR to a folder of ours"
        )
    folder.chmod(0o700)


def _lock(folder: Path) -> int:
    """Hold the folder for this process: two agents would wipe each other's visits."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise SpoolError(f"another booth agent works in {folder}; end it first") from None
    return handle


def _write(path: Path, data: bytes) -> None:
    """Write a file by renaming it into place, for this user's eyes only."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    part.replace(path)


def _remove(path: Path) -> Wiped:
    """Remove a file or a tree, whatever its modes, and count what was in it."""
    files = size = 0
    inside = path.rglob("*") if path.is_dir() and not path.is_symlink() else iter([path])
    for entry in inside:
        with suppress(OSError):
            status = entry.lstat()
            if not stat.S_ISDIR(status.st_mode):
                files += 1
                size += status.st_size
    if path.is_dir() and not path.is_symlink():
        # Chromium and scanners may write while they are being ended; what appears in the middle goes in the next round.
        for _ in range(20):
            shutil.rmtree(path, ignore_errors=True)
            if not path.exists():
                break
            time.sleep(0.05)
        else:
            raise SpoolError(f"{path} cannot be removed")
    else:
        path.unlink(missing_ok=True)
    return Wiped(files, size)
