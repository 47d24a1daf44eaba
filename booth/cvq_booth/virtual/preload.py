"""Small libraries that are preloaded into a real program so that it runs here without its usual surroundings."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

COMPILE_TIMEOUT_S = 60


class NotCompiled(Exception):
    """A preloaded library could not be made: no gcc, or nowhere to put it."""


def preload(name: str) -> Path:
    """Return the library made of `name`.c beside this file, compiled at its first use and after each change.

    It lies in the user's own cache (XDG_CACHE_HOME), because whoever can write it runs code in the program.

    Raises:
        NotCompiled: the compiler is missing or refused the source.
    """
    source = Path(__file__).parent / f"{name}.c"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    library = _cache() / f"{name}-{digest}.so"
    if not library.exists():
        with tempfile.TemporaryDirectory(dir=library.parent) as scratch:
            made = Path(scratch) / library.name
            _compile(source, made)
            made.replace(library)
    return library


def _cache() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = base / "cvq" / "virtual"
    try:
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise NotCompiled(f"nowhere to keep compiled libraries: {error}; set XDG_CACHE_HOME") from error
    if cache.stat().st_uid != os.getuid():
        raise NotCompiled(f"{cache} belongs to somebody else; set XDG_CACHE_HOME")
    return cache


def _compile(source: Path, library: Path) -> None:
    command: list[str | Path] = ["gcc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]
    try:
        done = subprocess.run(  # noqa: S603 - our own words and paths
            command, capture_output=True, text=True, timeout=COMPILE_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotCompiled(f"gcc did not run on {source.name}: {error}") from error
    if done.returncode:
        raise NotCompiled(f"gcc refused {source.name}: {done.stderr.strip()}")
