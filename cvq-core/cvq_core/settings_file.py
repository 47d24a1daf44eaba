"""How each program of ours reads its settings: a TOML file, and the environment above it.

The server, a booth and a site's controller each have a class of their own; what they share stands here, and needs
nothing of the core's data.
"""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any, ClassVar, Self

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, TomlConfigSettingsSource
from pydantic_settings.exceptions import SettingsError as UnreadableSetting


class SettingsError(Exception):
    """A setting is wrong; the message names it."""


class FileSettings(BaseSettings):
    """Settings of one program; its `model_config` says `env_prefix`, and that nothing else may stand in the file.

    Attributes:
        default_file: where the file lies when `<prefix>CONFIG` names no other.
        others: beginnings of variables that have the prefix and belong to other programs.
    """

    default_file: ClassVar[str]
    others: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def load(cls, **overrides: Any) -> Self:
        """Return the settings of this process.

        Raises:
            SettingsError: one is wrong; the message says which, and why.
        """
        prefix = cls._prefix()
        config = os.environ.get(f"{prefix}CONFIG")
        if config and not Path(config).is_file():
            raise SettingsError(f"{prefix}CONFIG names a file that does not exist: {config}")
        known = {prefix + name.upper() for name in cls.model_fields} | {f"{prefix}CONFIG"}
        own = (name for name in os.environ if name.startswith(prefix) and not name.startswith(cls.others))
        if unknown := sorted(name for name in own if name not in known):
            raise SettingsError(f"{unknown[0]}: no setting has this name")
        try:
            return cls(**overrides)
        except ValidationError as error:
            lines = (f"{cls._place(each['loc'])}: {each['msg']}" for each in error.errors())
            raise SettingsError("\n".join(lines)) from None
        except TOMLDecodeError as error:
            raise SettingsError(f"{config or cls.default_file} is no TOML file: {error}") from None
        except UnreadableSetting as error:
            # A list or a table in the environment is written as JSON.
            field = next((name for name in cls.model_fields if f'"{name}"' in str(error)), "settings")
            raise SettingsError(f"{prefix}{field.upper()}: is no JSON") from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the environment above the file, and nothing below."""
        file = os.environ.get(f"{cls._prefix()}CONFIG") or cls.default_file
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls, Path(file)))

    @classmethod
    def _prefix(cls) -> str:
        return str(cls.model_config["env_prefix"])

    @classmethod
    def _place(cls, loc: tuple[int | str, ...]) -> str:
        return cls._prefix() + ".".join(str(part) for part in loc).upper() if loc else "settings"


def is_loopback(host: str) -> bool:
    """Tell whether `host`, a name or an address, is this very machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
