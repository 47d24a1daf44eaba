"""The desk's commands."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class PresetName(StrEnum):
    """The territories that can be made up."""

    DEMO = "demo"
    PARTHENAY = "parthenay"


def seed(
    *,
    preset: Annotated[PresetName, typer.Option(help="un village, ou le territoire entier")] = PresetName.DEMO,
    number: Annotated[int, typer.Option("--seed", help="le même nombre donne le même territoire")] = 1,
    school_year: Annotated[
        int | None, typer.Option(help="année où commence son année scolaire ; celle en cours par défaut", min=2006)
    ] = None,
    database_url: Annotated[str | None, typer.Option(help="à la place de celle des réglages")] = None,
    force: Annotated[bool, typer.Option("--force", help="l’ajouter à une base qui n’est pas vide")] = False,
    digest: Annotated[bool, typer.Option("--digest", help="afficher l’empreinte de tout ce qui a été écrit")] = False,
) -> None:
    """Remplir une base vide d’un territoire inventé."""
    from cvq_core.seed.command import SeedOptions, run

    run(SeedOptions(preset.value, number, school_year, database_url, force, digest))
