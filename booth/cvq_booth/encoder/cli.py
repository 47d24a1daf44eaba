"""`cvq cards`: enrol the maker's PC, and encode printed cards."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from cvq_core.settings_file import is_loopback

_Found = TypeVar("_Found")
cards = typer.Typer(no_args_is_help=True, help="Le poste qui fait les cartes : l’installer, et encoder les puces.")
ENROL = "cvq cards enrol CODE"

Url = Annotated[str, typer.Option(envvar="CVQ_ENCODER_URL", help="adresse du serveur ; https, sauf sur cette machine")]
KeyFile = Annotated[
    Path | None, typer.Option(envvar="CVQ_ENCODER_KEY_FILE", help="clé de ce poste ; ~/.config/cvq/encoder-key.json")
]
Reader = Annotated[
    str | None, typer.Option(envvar="CVQ_ENCODER_READER", help="nom PC/SC du lecteur ; sinon le premier sans contact")
]


@cards.command()
def enrol(
    code: Annotated[str, typer.Argument(help="code donné par « cvq enrol encoder LIEU »")],
    *,
    url: Url = "http://127.0.0.1:8080",
    key_file: KeyFile = None,
    again: Annotated[bool, typer.Option("--again", help="refaire la clé d’un poste qui en a une")] = False,
) -> None:
    """Faire la clé de ce poste et la faire connaître au serveur. Elle reste ici."""
    file = _file(key_file)
    name = _run(_enrol(_checked(url), file, code, again=again))
    typer.echo(f"Cet encodeur est enregistré : {name}. Sa clé est dans {file}.")


@cards.command()
def encode(
    *,
    number: Annotated[str | None, typer.Option(help="une seule carte : le numéro imprimé dessus")] = None,
    url: Url = "http://127.0.0.1:8080",
    key_file: KeyFile = None,
    reader: Reader = None,
) -> None:
    """Encoder les cartes imprimées, l’une après l’autre. Interrompu, on le relance : ce qui est fait est fait."""
    digits = "".join(number.split()) if number is not None else None
    _, left = _run(_encode(_checked(url), _file(key_file), reader, digits))
    if left:
        raise typer.Exit(1)


async def _enrol(url: str, file: Path, code: str, *, again: bool) -> str:
    from aiohttp import ClientSession

    from cvq_core.devices.identity import Identity, IdentityError
    from cvq_core.devices.line import enrol_as

    # A key that was made and then refused, or whose answer got lost, is used again: nobody else has ever had it.
    there = await asyncio.to_thread(file.exists)
    known = Identity.load(file, enrol=ENROL) if there else Identity.new()
    if known.device_id is not None:
        if not again:
            raise IdentityError(f"{file} : ce poste est déjà enregistré ; --again refait sa clé")
        known = Identity.new()
    known.save(file)
    async with ClientSession() as session:
        identity = await enrol_as(session, url, "encoder", code, known)
    identity.save(file)
    return identity.name


async def _encode(url: str, file: Path, reader: str | None, number: str | None) -> tuple[int, int]:
    from aiohttp import ClientSession

    from cvq_booth.encoder.line import EncoderLine
    from cvq_booth.encoder.work import Work
    from cvq_core.devices.identity import Identity, IdentityError
    from cvq_core.devices.line import DeviceLine

    identity = Identity.load(file, enrol=ENROL)
    if identity.device_id is None:
        raise IdentityError(f"{file} : ce poste n’est pas encore enregistré ; {ENROL}")
    async with ClientSession() as session:
        line = EncoderLine(DeviceLine(session, url, identity))
        return await Work(line, reader, _say, lambda question: input(f"{question}\n")).run(number)


def _say(text: str) -> None:
    typer.echo(text)


def _run(work: Coroutine[Any, Any, _Found]) -> _Found:
    from cvq_booth.encoder.work import NoReader
    from cvq_core.devices.identity import IdentityError
    from cvq_core.devices.line import ServerRefused, ServerUnreachable
    from cvq_core.devices.pcsc import ServiceGone

    try:
        return asyncio.run(work)
    except NoReader as error:
        raise _end(f"Aucun lecteur de cartes{f' « {error} »' if str(error) else ''} n’est branché.") from None
    except ServiceGone as error:
        raise _end(f"Le service des lecteurs (pcscd) ne répond pas : {error}") from None
    except (IdentityError, ServerRefused, ServerUnreachable, OSError) as error:
        raise _end(str(error)) from None
    except KeyboardInterrupt:
        raise typer.Exit(1) from None


def _checked(url: str) -> str:
    """Refuse an address that would carry keys in clear over a network."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise _end(f"{url} : il faut https, sauf sur cette machine")
    return url.rstrip("/")


def _file(given: Path | None) -> Path:
    from cvq_booth.settings import default_key_file

    return given or default_key_file().with_name("encoder-key.json")


def _end(message: str) -> typer.Exit:
    typer.secho(message, err=True, fg="red")
    return typer.Exit(2)
