"""Made-up old bases of the 38 communes, as messy as real ones, with what is true kept beside them.

The same people stand in several families and communes, mistyped in the ways that are usual: so that one may practise
an import, and measure how well duplicates are found.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import xlsxwriter

from cvq_core.cards.rules import check_digit
from cvq_core.people.names import folded
from cvq_core.people.rules import FamilyRole
from cvq_core.seed.draw import Draw
from cvq_core.seed.population import CommuneFacts, Household, Population, Someone, communes
from cvq_core.seed.presets import PRESETS

ELSEWHERE_SHARE = 0.06
TWICE_SHARE = 0.02
MISTYPED_SHARE = 0.25
MAPPING_NAME = "correspondance.yaml"
TRUTH_NAME = "verite.csv"
_ROLE_LETTERS = {
    FamilyRole.GUARDIAN: "R",
    FamilyRole.CHILD: "E",
    FamilyRole.PAYER: "P",
    FamilyRole.COLLECTOR: "A",
}


@dataclass(slots=True)
class Written:
    """A person as an old base wrote them: one of the people who are true, mistyped or not."""

    true_id: UUID
    role: FamilyRole
    number: str
    birth_name: str
    usual_name: str
    given: str
    born: date | None
    phone: str
    email: str
    card: str
    uid: str


@dataclass(slots=True)
class WrittenFamily:
    """A family as an old base wrote it; balances in cents."""

    number: str
    address: str
    postcode: str
    city: str
    persons: list[Written] = field(default_factory=list)
    canteen: int = 0
    pool: int = 0
    quotient: int | None = None


@dataclass(frozen=True, slots=True)
class OldBases:
    """What was written: how many bases, families and people, and how many of these are there more than once."""

    folders: tuple[Path, ...]
    families: int
    people: int
    true_people: int


def write_old_bases(folder: Path, preset_name: str, *, seed: int = 1, school_year: int = 2026) -> OldBases:
    """Write a folder for each commune (files, mapping, totals) and `verite.csv`, which tells who is who."""
    draw = Draw.of(seed, school_year)
    people = Population(draw, PRESETS[preset_name])
    households = list(people.households(PRESETS[preset_name].people))
    rng = random.Random(f"cvq-old-bases-{seed}")  # noqa: S311 - made-up data
    places = [place for place in communes() if any(each.home.insee == place.insee for each in households)]
    clerks = {place.insee: _Clerk(rng, place) for place in places}
    for household in households:
        here = clerks[household.home.insee]
        here.write(household)
        chance = rng.random()
        if household.children and chance < ELSEWHERE_SHARE:
            clerks[rng.choice(places).insee].write(household)
        elif chance > 1 - TWICE_SHARE:
            here.write(household)
    folder.mkdir(parents=True, exist_ok=True)
    folders = []
    with (folder / TRUTH_NAME).open("w", encoding="utf-8", newline="") as file:
        truth = csv.writer(file, delimiter=";")
        truth.writerow(["base", "famille", "rang", "personne"])
        for number, (place, clerk) in enumerate(zip(places, clerks.values(), strict=True)):
            base = base_name(place)
            target = folder / base
            target.mkdir(exist_ok=True)
            _MANNERS[number % len(_MANNERS)](target, base, place, clerk.families)
            (target / "totaux.md").write_text(_totals(clerk.families), encoding="utf-8")
            folders.append(target)
            for family in clerk.families:
                for rank, person in enumerate(family.persons):
                    truth.writerow([base, family.number, rank, person.true_id])
    written = [person for clerk in clerks.values() for family in clerk.families for person in family.persons]
    families = sum(len(clerk.families) for clerk in clerks.values())
    return OldBases(tuple(folders), families, len(written), len({person.true_id for person in written}))


def base_name(place: CommuneFacts) -> str:
    """Return the name of a commune's old base: "79202-parthenay"."""
    words = "".join(letter if letter.isalnum() else "-" for letter in folded(place.name))
    return f"{place.insee}-{words}".lower()[:48]


class _Clerk:
    """Writes families into the base of one commune, with the slips of somebody who is interrupted all day."""

    def __init__(self, rng: random.Random, place: CommuneFacts) -> None:
        self._rng = rng
        self._place = place
        self.families: list[WrittenFamily] = []
        self._people = 0
        self._cards: dict[UUID, tuple[str, str]] = {}

    def write(self, household: Household) -> None:
        rng = self._rng
        family = WrittenFamily(
            number=str(1000 + len(self.families)),
            address=self._address(household.home.address),
            postcode=household.home.postcode,
            city=household.home.commune.upper() if rng.random() < 0.5 else household.home.commune,
        )
        roles: dict[UUID, FamilyRole] = {}
        for member in household.members:
            roles.setdefault(member.person.id, member.role)
        people = {member.person.id: member.person for member in household.members}
        family.persons = [self._person(people[person_id], role) for person_id, role in roles.items()]
        if household.children:
            family.canteen = rng.randrange(-6000, 12000)
            family.quotient = rng.randrange(150, 1800)
        if rng.random() < 0.2:
            family.pool = rng.randrange(0, 6000)
        self.families.append(family)

    def _person(self, person: Someone, role: FamilyRole) -> Written:
        rng = self._rng
        self._people += 1
        card, uid = self._card(person) if rng.random() < 0.6 else ("", "")
        written = Written(
            true_id=person.id,
            role=role,
            number=str(self._people),
            birth_name=person.family_name,
            usual_name=person.usual_name or "",
            given=person.given_names,
            born=person.birth_date,
            phone=person.phone or "" if rng.random() < 0.8 else "",
            email=person.email or "" if rng.random() < 0.6 else "",
            card=card,
            uid=uid,
        )
        if rng.random() < MISTYPED_SHARE:
            rng.choice(_SLIPS)(written, rng)
        return written

    def _card(self, person: Someone) -> tuple[str, str]:
        if person.id not in self._cards:
            digits = f"{self._rng.randrange(10**8, 10**9)}"
            self._cards[person.id] = digits + check_digit(digits), f"04{self._rng.getrandbits(48):012X}"
        return self._cards[person.id]

    def _address(self, address: str) -> str:
        chance = self._rng.random()
        if chance < 0.2:
            return address.upper()
        if chance < 0.35:
            return address.replace(" rue ", " r. ").replace(" avenue ", " av ").replace(" place ", " pl ")
        return self._slipped(address) if chance < 0.4 else address

    def _slipped(self, text: str) -> str:
        return slipped(text, self._rng)


def slipped(text: str, rng: random.Random) -> str:
    """Return a text with one slip of the keys: a letter lost, doubled, wrong or swapped with its neighbour."""
    if len(text) < 4:
        return text
    place = rng.randrange(1, len(text) - 1)
    before, here, after = text[:place], text[place], text[place + 1 :]
    match rng.randrange(4):
        case 0:
            return before + after
        case 1:
            return before + here + here + after
        case 2:
            return before + rng.choice("aeiourstln") + after
        case _:
            return before + after[0] + here + after[1:]


def _slip_name(person: Written, rng: random.Random) -> None:
    person.birth_name = slipped(person.birth_name, rng)


def _slip_given(person: Written, rng: random.Random) -> None:
    person.given = slipped(person.given, rng)


def _plain(person: Written, _: random.Random) -> None:
    person.given = folded(person.given).upper().replace("-", " ")
    person.birth_name = folded(person.birth_name).upper()


def _swap_day(person: Written, _: random.Random) -> None:
    if person.born is not None and person.born.day <= 12:
        person.born = date(person.born.year, person.born.day, person.born.month)


def _slip_day(person: Written, rng: random.Random) -> None:
    if person.born is not None:
        person.born += timedelta(days=rng.choice((-10, -1, 1, 10)))


def _no_day(person: Written, _: random.Random) -> None:
    person.born = None


def _married_only(person: Written, _: random.Random) -> None:
    if person.usual_name:
        person.birth_name, person.usual_name = person.usual_name, ""


def _first_only(person: Written, _: random.Random) -> None:
    person.given = person.given.split()[0]


_SLIPS: tuple[Callable[[Written, random.Random], None], ...] = (
    _slip_name,
    _slip_given,
    _plain,
    _plain,
    _swap_day,
    _slip_day,
    _no_day,
    _married_only,
    _first_only,
    _first_only,
)


def _line_each(folder: Path, base: str, place: CommuneFacts, families: Sequence[WrittenFamily]) -> None:
    """Semicolons, Windows-1252, capitals, a line for each person."""
    titles = (
        *("N° famille", "N° pers", "Type", "Nom", "Nom de jeune fille", "Prénom", "Né(e) le"),
        *("Adresse", "CP", "Ville", "Tél", "Mail", "N° carte", "Puce", "Solde cantine", "Piscine", "QF", "QF du"),
    )
    rows = [
        [
            *(family.number, person.number, _ROLE_LETTERS[person.role]),
            (person.usual_name or person.birth_name).upper(),
            person.birth_name.upper() if person.usual_name else "",
            person.given,
            _day(person.born, "%d/%m/%Y"),
            *(family.address, family.postcode, family.city, person.phone, person.email, person.card, person.uid),
            *((_euros(family.canteen), _euros(family.pool)) if first else ("", "")),
            *((family.quotient, "01/01/2026") if first and family.quotient is not None else ("", "")),
        ]
        for family in families
        for first, person in _firsts(family.persons)
    ]
    _csv(folder / "personnes.csv", titles, rows, ";", "cp1252")
    _mapping(folder, base, place, _LINE_EACH)


def _family_each(folder: Path, base: str, place: CommuneFacts, families: Sequence[WrittenFamily]) -> None:
    """Commas, UTF-8 with its mark, a line for each family, "MOREAU née DUPONT"."""
    most = max((len(family.persons) for family in families), default=0)
    persons = [f"{word} {rank}" for rank in range(1, most + 1) for word in ("Rôle", "Nom", "Prénom", "Naissance")]
    titles = ("Dossier", "Adresse", "Code postal", "Commune", "Téléphone", "Courriel", "Solde", *persons)
    rows = []
    for family in families:
        cells = []
        for person in family.persons:
            name = f"{person.usual_name} née {person.birth_name}" if person.usual_name else person.birth_name
            cells += [_ROLE_LETTERS[person.role], name, person.given, _day(person.born, "%Y-%m-%d")]
        phone = next((person.phone for person in family.persons if person.phone), "")
        mail = next((person.email for person in family.persons if person.email), "")
        home = [family.number, family.address, family.postcode, family.city, phone, mail]
        rows.append([*home, _euros(family.canteen), *cells, *[""] * (4 * most - len(cells))])
    _csv(folder / "dossiers.csv", titles, rows, ",", "utf-8-sig")
    blocks = "".join(_FAMILY_BLOCK.format(rank=rank) for rank in range(1, most + 1))
    _mapping(folder, base, place, _FAMILY_EACH + blocks)


def _workbook(folder: Path, base: str, place: CommuneFacts, families: Sequence[WrittenFamily]) -> None:
    """A workbook: dates that are dates, numbers that lost their noughts, two lines above the titles."""
    titles = ("Foyer", "Qualité", "Nom", "Nom usage", "Prénoms", "Naissance", "Adresse", "CP", "Ville", "Portable")
    with xlsxwriter.Workbook(str(folder / "export.xlsx")) as book:
        sheet, as_day = book.add_worksheet("Personnes"), book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_string(0, 0, "Export du logiciel")
        sheet.write_row(2, 0, [*titles, "Carte", "Cantine"])
        line = 3
        for family in families:
            for first, person in _firsts(family.persons):
                sheet.write_number(line, 0, int(family.number))
                words = (_ROLE_WORDS[person.role], person.birth_name, person.usual_name, person.given)
                sheet.write_row(line, 1, words)
                if person.born is not None:
                    sheet.write_datetime(line, 5, person.born, as_day)
                sheet.write_row(line, 6, [family.address, int(family.postcode), family.city])
                if person.phone.replace(" ", ""):
                    sheet.write_number(line, 9, int(person.phone.replace(" ", "")))
                sheet.write_string(line, 10, person.card)
                if first:
                    sheet.write_number(line, 11, family.canteen / 100)
                line += 1
    _mapping(folder, base, place, _WORKBOOK)


def _two_files(folder: Path, base: str, place: CommuneFacts, families: Sequence[WrittenFamily]) -> None:
    """Tabs, two files, dates without separators."""
    homes = [
        [
            *(family.number, family.address, family.postcode, family.city),
            *(_euros(max(0, family.canteen)), _euros(max(0, -family.canteen)), _euros(family.pool)),
        ]
        for family in families
    ]
    people = [
        [
            *(family.number, _ROLE_LETTERS[person.role], person.birth_name, person.usual_name, person.given),
            *(_day(person.born, "%d%m%Y"), person.phone, person.email),
        ]
        for family in families
        for person in family.persons
    ]
    _csv(folder / "foyers.txt", ("FOYER", "ADR", "CP", "VILLE", "AVOIR", "IMPAYE", "PISCINE"), homes, "\t", "utf-8")
    titles = ("FOYER", "TYPE", "NOM", "NOMUSAGE", "PRENOM", "NAIS", "TEL", "MEL")
    _csv(folder / "individus.txt", titles, people, "\t", "utf-8")
    _mapping(folder, base, place, _TWO_FILES)


_MANNERS = (_line_each, _two_files, _workbook, _family_each)
_ROLE_WORDS = {
    FamilyRole.GUARDIAN: "Responsable",
    FamilyRole.CHILD: "Enfant",
    FamilyRole.PAYER: "Payeur",
    FamilyRole.COLLECTOR: "Autorisé",
}
_LETTERS = "valeurs: {R: responsable, E: enfant, P: payeur, A: personne autorisée}"
_HEAD = """# Correspondance entre la base de {name} et la carte de vie quotidienne.
# À gauche, ce que nous attendons ; à droite, le titre de la colonne dans le fichier.
base: {base}
commune: "{insee}"
logiciel: Base inventée
soldes au: 31/08/2026
fichiers:
"""
_LINE_EACH = f"""  - nom: personnes.csv
    dates: JJ/MM/AAAA
    famille:
      numéro: N° famille
      adresse: Adresse
      code postal: CP
      ville: Ville
    personnes:
      - numéro: N° pers
        rôle: {{colonne: Type, {_LETTERS}}}
        nom: Nom de jeune fille
        nom d’usage: Nom
        prénoms: Prénom
        naissance: Né(e) le
        téléphone: Tél
        courriel: Mail
        carte: N° carte
        puce: Puce
    quotient:
      valeur: QF
      date: QF du
      source: {{constante: caf}}
    soldes:
      cantine: Solde cantine
      piscine: Piscine
"""
_FAMILY_EACH = """  - nom: dossiers.csv
    dates: AAAA-MM-JJ
    famille:
      numéro: Dossier
      adresse: Adresse
      code postal: Code postal
      ville: Commune
      courriel: Courriel
    soldes:
      cantine: Solde
    personnes:
"""
_FAMILY_BLOCK = f"""      - rôle: {{{{colonne: Rôle {{rank}}, {_LETTERS.replace("{", "{{").replace("}", "}}")}}}}}
        nom: Nom {{rank}}
        prénoms: Prénom {{rank}}
        naissance: Naissance {{rank}}
        téléphone: Téléphone
"""
_WORKBOOK = """  - nom: "*.xlsx"
    feuille: Personnes
    titres: 3
    dates: JJ/MM/AAAA
    famille:
      numéro: Foyer
      adresse: Adresse
      code postal: CP
      ville: Ville
    personnes:
      - rôle:
          colonne: Qualité
          valeurs: {Responsable: responsable, Enfant: enfant, Payeur: payeur, Autorisé: personne autorisée}
        nom: Nom
        nom d’usage: Nom usage
        prénoms: Prénoms
        naissance: Naissance
        téléphone: Portable
        carte: Carte
    soldes:
      cantine: Cantine
"""
_TWO_FILES = f"""  - nom: foyers.txt
    famille:
      numéro: FOYER
    soldes:
      cantine: AVOIR
      piscine: PISCINE
    dettes:
      cantine: IMPAYE
  - nom: individus.txt
    dates: JJMMAAAA
    famille:
      numéro: FOYER
    personnes:
      - rôle: {{colonne: TYPE, {_LETTERS}}}
        nom: NOM
        nom d’usage: NOMUSAGE
        prénoms: PRENOM
        naissance: NAIS
        téléphone: TEL
        courriel: MEL
"""


def _mapping(folder: Path, base: str, place: CommuneFacts, files: str) -> None:
    head = _HEAD.format(name=place.name, base=base, insee=place.insee)
    (folder / MAPPING_NAME).write_text(head + files, encoding="utf-8")


def _csv(file: Path, titles: Sequence[str], rows: Sequence[Sequence[object]], separator: str, encoding: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator)
    writer.writerow(titles)
    writer.writerows(rows)
    file.write_bytes(out.getvalue().encode(encoding, "replace"))


def _totals(families: Sequence[WrittenFamily]) -> str:
    """Return what the old software would print of its balances, for whoever signs them off."""
    return f"Cantine : {_euros(sum(family.canteen for family in families))}\n"


def _firsts(persons: Sequence[Written]) -> Iterator[tuple[bool, Written]]:
    for place, person in enumerate(persons):
        yield place == 0, person


def _day(day: date | None, pattern: str) -> str:
    return day.strftime(pattern) if day is not None else ""


def _euros(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100},{abs(cents) % 100:02d}"
