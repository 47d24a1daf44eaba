"""Settings of one site's controller: a TOML file, and the environment above it (`CVQ_READER_` before the name)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, field_validator
from pydantic_settings import SettingsConfigDict

from cvq_core.access.facts import Assurance
from cvq_core.settings_file import FileSettings, is_loopback

READERS_MAX = 64


class _Reader(BaseModel):
    """What stands at one access point; `point` is the point's code."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    point: str = Field(min_length=1, max_length=60)


class CommandRelay(BaseModel):
    """A program that opens, run without a shell and given the seconds as its last word."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: tuple[str, ...] = Field(min_length=1, max_length=20)
    seconds: int = Field(default=3, ge=1, le=60)


class OutputRelay(BaseModel):
    """An output of the OSDP reader itself, or of the interface beside it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    output: int = Field(default=0, ge=0, le=15)
    seconds: int = Field(default=3, ge=1, le=60)


class Contact(BaseModel):
    """Inputs of an OSDP reader: `input` tells whether the door is open, `exit_input` the button inside."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: int = Field(ge=0, le=31)
    open_is: Literal[0, 1] = Field(default=1, description="what the input shows while the door is open")
    exit_input: int | None = Field(default=None, ge=0, le=31)
    held_seconds: int = Field(default=30, ge=1, le=3600, description="how long it may stay open")


class HttpReader(_Reader):
    """A reader or tablet on the local network that asks over HTTP with a key of its own, and opens by the answer."""

    kind: Literal["http"]
    key_file: Path = Field(description="the key that the reader sends as its bearer token: 20 characters or more")


class PcscReader(_Reader):
    """A card reader at this machine, through PC/SC; `name` is a part of its name."""

    kind: Literal["pcsc"]
    name: str = Field(default="", max_length=200)
    relay: CommandRelay | None = None


class OsdpReader(_Reader):
    """A reader on an RS-485 line, through OSDP's secure channel and never without it."""

    kind: Literal["osdp"]
    device: Path
    speed: int = Field(default=9600, ge=9600, le=230400)
    address: int = Field(ge=0, le=126)
    key_file: Path = Field(description="the reader's own secure channel base key: 32 hexadecimal digits")
    relay: OutputRelay | CommandRelay = OutputRelay()
    contact: Contact | None = None
    assurance: Assurance = Field(
        default=Assurance.UID, description="what the reader itself proves of each card before it tells its number"
    )


Reader = Annotated[HttpReader | PcscReader | OsdpReader, Field(discriminator="kind")]


class ReaderSettings(FileSettings):
    """Everything that may be set on a controller's machine. `docs/reader.md` explains it."""

    model_config = SettingsConfigDict(env_prefix="CVQ_READER_", extra="forbid", frozen=True)
    default_file = "/etc/cvq/reader.toml"

    server_url: AnyHttpUrl = Field(
        default=AnyHttpUrl("http://127.0.0.1:8080"), description="the core's address; without TLS on this machine only"
    )
    data_dir: Path = Field(default=Path("/var/lib/cvq-reader"), description="key, list and queue: its user's alone")
    readers: tuple[Reader, ...] = Field(default=(), max_length=READERS_MAX)
    online_ms: int = Field(
        default=700, ge=50, le=10_000, description="how long the core may take before this machine decides itself"
    )
    list_refresh_hours: int = Field(default=12, ge=1, le=168, description="how often the whole list is fetched anew")
    listen_host: str = Field(default="127.0.0.1", description="where HTTP readers of the site's network ask")
    listen_port: int = Field(default=8720, ge=0, le=65535)
    silent_seconds: int = Field(
        default=15,
        ge=1,
        le=3600,
        description="how long a reader may be away before it is told of",
    )
    memory_taps_max: int = Field(default=10_000, ge=100, le=1_000_000, description="kept while the disk is full")
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("server_url")
    @classmethod
    def _plain_only_on_this_machine(cls, value: AnyHttpUrl) -> AnyHttpUrl:
        if value.scheme == "http" and not is_loopback(value.host or ""):
            raise ValueError("a core on another machine is reached through https only")
        return value

    @field_validator("readers")
    @classmethod
    def _one_address_each(cls, value: tuple[Reader, ...]) -> tuple[Reader, ...]:
        places = [(each.device, each.address) for each in value if isinstance(each, OsdpReader)]
        if len(set(places)) != len(places):
            raise ValueError("two OSDP readers have the same line and address")
        return value

    @property
    def server(self) -> str:
        """The core's address without a slash at its end."""
        return str(self.server_url).rstrip("/")

    @property
    def key_file(self) -> Path:
        """The controller's own key."""
        return self.data_dir / "key.json"

    @property
    def welcome_file(self) -> Path:
        """What the core said when the controller enrolled: whose lists it believes, above all."""
        return self.data_dir / "core.json"
