"""`cvq keys`: make the keys of cards in the HSM, list them, retire one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession

    from cvq_core.card_keys.custody import Custody
    from cvq_core.card_keys.keys import KnownKey

Signing = Annotated[bool, typer.Option("--signature", help="la clé qui signe les identifiants, pas celle des cartes")]

app = typer.Typer(
    no_args_is_help=True,
    help="Les clés des cartes : elles naissent dans le coffre (HSM, PKCS#11) et n’en sortent jamais.",
)


@app.command()
def make(*, signature: Signing = False) -> None:
    """Faire une clé neuve dans le coffre : les cartes encodées dès maintenant l’auront, les autres gardent la leur."""
    from cvq_core.card_keys.keys import make_key
    from cvq_core.card_keys.tables import KeyPurpose

    purpose = KeyPurpose.SIGNATURE if signature else KeyPurpose.CARD

    async def act(db: AsyncSession, custody: Custody, now: datetime) -> str:
        version = await make_key(db, custody, purpose, now=now)
        return f"Clé faite : {purpose.value} {version}. Sauvegardez le coffre selon la notice de son fabricant."

    _act(act)


@app.command("import-transport")
def import_transport(
    check_value: Annotated[str, typer.Option("--check-value", help="six chiffres, donnés par le fabricant")],
    parts: Annotated[int, typer.Option(min=1, max=3, help="nombre de parts, chacune tapée par une autre personne")] = 2,
) -> None:
    """Mettre au coffre la clé des cartes livrées (`cvq-transport`) ; ses parts se tapent sans s’afficher."""
    from cvq_core.card_keys.keys import import_transport_key

    typed = [typer.prompt(f"Part {number} sur {parts}", hide_input=True) for number in range(1, parts + 1)]

    async def act(db: AsyncSession, custody: Custody, now: datetime) -> str:
        await import_transport_key(db, custody, typed, check_value=check_value, now=now)
        return f"Clé de transport au coffre, valeur de contrôle {check_value.strip().upper()}. Détruisez les parts."

    _act(act)


@app.command("list")
def list_keys() -> None:
    """Dire quelles clés il y a, et combien de cartes ont chacune."""
    from cvq_core.card_keys.keys import known_keys

    def line(row: KnownKey) -> str:
        state = f"retirée le {row.retired_on}" if row.retired_on else "en vigueur"
        lost = "" if row.in_hsm else " · ABSENTE DU COFFRE"
        return f"{row.purpose:<10} {row.version:>3}  faite le {row.made_on}  {state}  cartes : {row.cards}{lost}"

    async def act(db: AsyncSession, custody: Custody, _: datetime) -> str:
        return "\n".join([line(row) for row in await known_keys(db, custody)])

    _act(act)


@app.command()
def retire(version: Annotated[int, typer.Argument(min=1, max=255)], *, signature: Signing = False) -> None:
    """Retirer une clé : ce qui a été écrit avec elle ne vaut plus rien, dès maintenant et partout."""
    from cvq_core.card_keys.keys import retire_key
    from cvq_core.card_keys.tables import KeyPurpose

    purpose = KeyPurpose.SIGNATURE if signature else KeyPurpose.CARD

    async def act(db: AsyncSession, _: Custody, now: datetime) -> str:
        await retire_key(db, purpose, version, now=now)
        return f"Clé retirée : {purpose.value} {version}."

    _act(act)


def _act(act: Callable[[AsyncSession, Custody, datetime], Awaitable[str]]) -> None:
    """Say what `act` says once it is committed, and the sites are told."""
    from cvq_core.card_keys.custody import KeyExists, custody_of
    from cvq_core.commands import act_at_once
    from cvq_core.errors import Refusal
    from cvq_core.settings import Settings
    from cvq_core.settings_file import SettingsError

    try:
        custody = custody_of(Settings.load())
    except (SettingsError, Refusal) as error:
        raise SystemExit(str(error)) from None
    if custody is None:
        raise SystemExit("Aucun coffre : CVQ_PKCS11_MODULE et CVQ_PKCS11_PIN_FILE ne sont pas réglés.")
    try:
        typer.echo(act_at_once(lambda db, now: act(db, custody, now)))
    except KeyExists as error:
        raise SystemExit(f"Le coffre a déjà une clé de ce nom : {error}") from None
