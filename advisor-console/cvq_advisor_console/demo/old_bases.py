"""Two old bases for the demonstration: one with people to tell apart, one whose balances wait for the cash officer."""

from __future__ import annotations

from datetime import datetime

from cvq_core.clock import local_day
from cvq_core.database import Database
from cvq_core.imports.applying import apply
from cvq_core.imports.comparing import compare
from cvq_core.imports.mapping import read_mapping
from cvq_core.imports.reading import OldFile, read_base
from cvq_core.imports.staging import stage

WHO = "démonstration"
TO_DECIDE, TO_SIGN = "tallud-garderie", "tallud-cantine"
_MAPPING = """
base: {base}
commune: "79322"
logiciel: {program}
soldes au: 31/08/2025
fichiers:
  - nom: "*.csv"
    dates: JJ/MM/AAAA
    famille:
      numéro: famille
      adresse: adresse
      code postal: cp
      ville: ville
    personnes:
      - rôle: {{colonne: type, valeurs: {{R: responsable, E: enfant}}}}
        numéro: personne
        nom: nom
        prénoms: prénom
        naissance: né
        téléphone: tél
    soldes:
      cantine: solde
"""
_TITLES = "famille;personne;type;nom;prénom;né;adresse;cp;ville;tél;solde"
# Jeanne with her day and month swapped, Simone misspelt, Sylvie as she is; brothers who may be one; somebody new.
_GARDERIE = (
    "101;1;R;MOREAU;Jeanne;05/12/1941;4 rue de l’Eglise;79200;Le Tallud;;12,50",
    "102;2;R;LARGEAUX;Simone;30/01/1933;Les Forges;79200;Le Tallud;;",
    "103;3;R;GUERIN;Sylvie;02/06/1974;;79200;Le Tallud;;-4,70",
    "104;4;R;BRISSET;Damien;11/09/1988;La Gaconnière;79200;Le Tallud;0536490001;",
    "104;5;E;BRISSET;Hugo;04/03/2018;La Gaconnière;79200;Le Tallud;;",
    "105;6;R;BRISSET;Damien Paul;11/09/1988;La Gaconniere;79200;Le Tallud;0536490001;7,05",
    "105;7;E;BRISSET;Ugo;04/03/2018;La Gaconniere;79200;Le Tallud;;",
    "106;8;R;VINCENDEAU;Maëlle;23/10/1991;2 chemin du Gué;79200;Le Tallud;;",
)
_CANTINE = (
    "7;1;R;JAULIN;Corentin;17/02/1986;8 rue du Stade;79200;Le Tallud;;18,80",
    "7;2;E;JAULIN;Nolwenn;28/06/2017;8 rue du Stade;79200;Le Tallud;;",
    "9;3;R;PASQUIET;Blandine;03/11/1983;Le Bas Chêne;79200;Le Tallud;;-9,40",
)


async def bring_old_bases(database: Database, now: datetime) -> None:
    """Put both bases aside, and take the families of the second over; its balances wait to be signed."""
    for base, program, rows in (
        (TO_SIGN, "Cantine 2000", _CANTINE),
        (TO_DECIDE, "Garderie Facile", _GARDERIE),
    ):
        text = _MAPPING.format(base=base, program=program)
        mapping = read_mapping(text)
        files = [OldFile(f"{base}.csv", "\n".join([_TITLES, *rows]).encode())]
        read = read_base(mapping, files, today=local_day(now))
        async with database.write() as db:
            await compare(db, await stage(db, mapping, text, read, files, by=WHO, now=now))
        if base == TO_SIGN:
            await apply(database, base, by=WHO, clock=lambda: now)
