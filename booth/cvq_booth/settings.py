"""Settings of one booth: a TOML file, and the environment above it (`CVQ_BOOTH_` before the name)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AnyHttpUrl, Field, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from cvq_core.settings_file import FileSettings, is_loopback

Place = tuple[int, int]
HOST_NAME = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?")


def default_spool() -> Path:
    """Return a folder on tmpfs: in what the user's session has for such things, or in the machine's shared memory."""
    session = os.environ.get("XDG_RUNTIME_DIR")
    return Path(session, "cvq-booth") if session else Path(f"/dev/shm/cvq-booth-{os.getuid()}")  # noqa: S108 - memory


def default_key_file() -> Path:
    """Return where the booth's key lies when no setting says so."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "cvq" / "booth-key.json"


class BoothSettings(FileSettings):
    """Everything that may be set on a booth's machine."""

    model_config = SettingsConfigDict(env_prefix="CVQ_BOOTH_", extra="forbid", frozen=True)
    default_file = "/etc/cvq/booth.toml"

    desk_url: AnyHttpUrl = Field(
        default=AnyHttpUrl("http://127.0.0.1:8080"), description="the desk's address; without TLS on this machine only"
    )
    key_file: Path = Field(default_factory=default_key_file, description="the booth's own key, for its eyes only")
    spool_dir: Path = Field(default_factory=default_spool, description="what a visit leaves, on tmpfs")
    allow_disk_spool: bool = Field(
        default=False, description="let the spool lie on a disk, where erasing is no promise"
    )
    language: Literal["fr", "en"] = "fr"
    time_zone: str = "Europe/Paris"

    screens_port: int = Field(default=8700, ge=0, le=65535, description="on loopback; 0 takes a free one")
    ring_s: float = Field(default=5.0, ge=3.0, le=30.0, description="how long a call is announced before the camera")

    scanner: str | None = Field(default=None, description="SANE's name of the scanner")
    scanner_overrides: Path | None = Field(default=None, description="JSON: options for one device, read before a scan")
    printer_uri: str | None = Field(default=None, description="ipp:// or ipps:// address of the printer")
    card_reader: str | None = Field(default=None, description="PC/SC name of the card reader; any when it is empty")
    without_card_reader: bool = False
    document_camera: str | None = Field(default=None, description="a video device, or a file that stands for one")
    papers_kbit_s: int = Field(default=400, ge=32, le=20_000, description="what papers may take of the line in a call")

    display: Literal["auto", "none", "x11", "wayland"] = "auto"
    chromium: Path = Path("/usr/bin/chromium")
    chromium_flags: Annotated[list[str], NoDecode] = Field(default_factory=list)
    screen_1_position: Annotated[Place, NoDecode] = (0, 0)
    screen_1_size: Annotated[Place, NoDecode] = (1920, 1080)
    screen_2_position: Annotated[Place, NoDecode] = (1920, 0)
    screen_2_size: Annotated[Place, NoDecode] = (1920, 1080)

    touch_screen: bool = Field(default=False, description="screen 2 can be touched: one may pay on it")
    payment_hosts: Annotated[list[str], NoDecode] = Field(
        default_factory=lambda: ["www.payfip.gouv.fr"],
        description="what the payment's window may reach besides the desk: names, or *.name for all below one",
    )

    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("desk_url")
    @classmethod
    def _plain_only_on_this_machine(cls, value: AnyHttpUrl) -> AnyHttpUrl:
        if value.scheme == "http" and not is_loopback(value.host or ""):
            raise ValueError("a desk on another machine is reached through https only")
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"no such time zone: {value}") from None
        return value

    @field_validator("printer_uri")
    @classmethod
    def _printer_speaks_ipp(cls, value: str | None) -> str | None:
        if value and not value.startswith(("ipp://", "ipps://", "http://", "https://")):
            raise ValueError("a printer's address begins with ipp:// or ipps://")
        return value or None

    @field_validator("screen_1_position", "screen_1_size", "screen_2_position", "screen_2_size", mode="before")
    @classmethod
    def _pair(cls, value: Any) -> Any:
        """Read "1920,0" as two whole numbers."""
        if not isinstance(value, str):
            return value
        parts = value.replace("x", ",").split(",")
        if len(parts) != 2:
            raise ValueError("two whole numbers are wanted, as in 1920,0")
        return tuple(int(part) for part in parts)

    @field_validator("payment_hosts", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        return value.replace(",", " ").split() if isinstance(value, str) else value

    @field_validator("payment_hosts")
    @classmethod
    def _plain_names(cls, value: list[str]) -> list[str]:
        for name in value:
            if not HOST_NAME.fullmatch(name):
                raise ValueError(f"{name} is no name of a machine, nor *. before one")
        return value

    @field_validator("chromium_flags", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return value.split() if isinstance(value, str) else value

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the hours shown on the screens."""
        return ZoneInfo(self.time_zone)

    @property
    def desk(self) -> str:
        """The desk's address without a slash at its end."""
        return str(self.desk_url).rstrip("/")
