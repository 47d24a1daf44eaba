"""What pages are made of: style sheets, modules, fonts and icons, served under `/static/`."""

from pathlib import Path

STATIC = Path(__file__).parent / "static"
"""Folder of the shared assets; `vendor/` in it is filled by `make assets` and is inside the wheel."""
