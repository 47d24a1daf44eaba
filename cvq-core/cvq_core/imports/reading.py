"""An old base read by its mapping: families and people as values, and what is wrong, by file, line and column. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fnmatch import fnmatch
from typing import TypeVar

from cvq_core.errors import N_
from cvq_core.imports import values
from cvq_core.imports.mapping import ROLES, SOURCES, FileMapping, ImportMapping, PersonBlock, Source
from cvq_core.imports.records import Home, OldFamily, OldPerson, OldQuotient, Place, RowFault, joined
from cvq_core.imports.sources import Cell, Row, rows_of
from cvq_core.nir import looks_like_nir
from cvq_core.people.names import folded
from cvq_core.people.rules import FamilyRole
from cvq_core.services.rules import ServiceCode
from cvq_core.tariffs.quotients import DAYS_VALID

KEY_LENGTH_MAX = 60
PERSONS_MAX = 40
FAULTS_MAX = 20_000
_LENGTHS = {"nom": 80, "nom d’usage": 80, "prénoms": 120, "adresse": 200, "ville": 80, "lieu de naissance": 80}
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class OldFile:
    """A file of an old base, as it came."""

    name: str
    content: bytes


@dataclass(slots=True)
class OldBase:
    """What an old base says. A family with a fault that refuses it is in `refused` alone, with its balances."""

    families: dict[str, OldFamily] = field(default_factory=dict)
    refused: dict[str, OldFamily] = field(default_factory=dict)
    faults: list[RowFault] = field(default_factory=list)
    rows: int = 0

    @property
    def persons(self) -> int:
        """How many people there are in the families that can be taken over."""
        return sum(len(family.persons) for family in self.families.values())

    def totals(self) -> dict[ServiceCode, int]:
        """Return what the families that can be taken over hold for each service, in cents."""
        found: dict[ServiceCode, int] = {}
        for family in self.families.values():
            for service, amount in family.balances.items():
                found[service] = found.get(service, 0) + amount
        return found


def read_base(mapping: ImportMapping, files: Iterable[OldFile], *, today: date) -> OldBase:
    """Return an old base; rows of one number make one family, whatever files they stand in.

    A file that no pattern of the mapping fits is a fault; the first pattern that fits is taken.

    Raises:
        UnreadableFile: a file is no table, or lacks a column.
    """
    reader = _Reader(mapping, today)
    for file in files:
        fitting = next((each for each in mapping.files if fnmatch(file.name.lower(), each.pattern.lower())), None)
        if fitting is None:
            reader.note(RowFault(file.name, 1, "", _NO_PATTERN))
            continue
        for row in rows_of(file.name, file.content, fitting):
            reader.take(file.name, row, fitting)
    return reader.finish()


class _Row:
    """One row with its file's mapping, and what is wrong in it."""

    def __init__(self, file: str, row: Row, mapping: FileMapping) -> None:
        self.place = Place(file, row.line)
        self.mapping = mapping
        self.faults: list[RowFault] = []
        self._cells = row.cells

    def fault(self, column: str, sentence: str, *, refuses: bool = False, **facts: object) -> None:
        self.faults.append(RowFault(self.place.file, self.place.line, column, sentence, facts, refuses))

    def cell(self, source: Source | None) -> Cell:
        """Return what a source says: a constant, a cell, or several joined; "" where there is nothing."""
        if source is None:
            return ""
        if source.constant:
            return source.constant
        cells = [cell for column in source.columns if (cell := self._cells.get(column, "")) != ""]
        if len(source.columns) == 1 and cells and isinstance(cells[0], date):
            return cells[0]
        text = " ".join(str(cell) for cell in cells)
        if looks_like_nir(text):
            self.fault(", ".join(source.columns), _NIR)
            return ""
        if source.values is not None and text:
            return source.values.get(text.lower(), text)
        return text

    def text(self, source: Source | None, most: int = 200) -> str:
        found = str(self.cell(source))
        if len(found) > most and source is not None:
            self.fault(", ".join(source.columns), _CUT, most=most)
        return found[:most].strip()

    def value(self, source: Source | None, read: Callable[[Cell], _Found], *, refuses: bool = False) -> _Found | None:
        """Return a cell understood; nothing, and a fault, where it is not."""
        cell = self.cell(source)
        if cell == "" or source is None:
            return None
        try:
            return read(cell)
        except values.Unclear as unclear:
            self.fault(", ".join(source.columns), unclear.sentence, refuses=refuses, text=str(cell)[:80])
            return None


class _Reader:
    """Gathers the rows of all files into families."""

    def __init__(self, mapping: ImportMapping, today: date) -> None:
        self._mapping = mapping
        self._today = today
        self._base = OldBase()
        self._bad: set[str] = set()

    def note(self, fault: RowFault) -> None:
        if len(self._base.faults) < FAULTS_MAX:
            self._base.faults.append(fault)

    def take(self, file: str, found: Row, mapping: FileMapping) -> None:
        """Take one row in."""
        self._base.rows += 1
        row = _Row(file, found, mapping)
        number = row.text(mapping.family["numéro"])[: KEY_LENGTH_MAX + 1]
        if not number or len(number) > KEY_LENGTH_MAX:
            row.fault(", ".join(mapping.family["numéro"].columns), _NO_NUMBER, refuses=True)
        else:
            known = self._base.families.get(number)
            family = self._family(number, row, known)
            self._base.families[number] = joined(known, family) if known else family
        for fault in row.faults:
            self.note(replace(fault, family=number))
            if fault.refuses:
                self._bad.add(number)

    def finish(self) -> OldBase:
        """Return the base, its refused families apart."""
        base = self._base
        for number, family in list(base.families.items()):
            if not family.persons and number not in self._bad:
                self.note(RowFault(family.place.file, family.place.line, "", _NOBODY, refuses=True, family=number))
                self._bad.add(number)
            elif family.persons and not any(person.role is FamilyRole.GUARDIAN for person in family.persons):
                self.note(RowFault(family.place.file, family.place.line, "", _NO_GUARDIAN, family=number))
            if number in self._bad:
                base.refused[number] = base.families.pop(number)
            else:
                base.families[number] = _settled(family)
        base.faults.sort()
        return base

    def _family(self, number: str, row: _Row, known: OldFamily | None) -> OldFamily:
        fields, home = row.mapping.family, _home(row, row.mapping.family)
        persons = list(known.persons) if known else []
        mine: list[OldPerson] = []
        for block in row.mapping.persons:
            person = self._person(number, row, block, {each.key for each in [*persons, *mine]})
            if person is not None:
                mine.append(person)
        if len(persons) + len(mine) > PERSONS_MAX:
            row.fault("", _TOO_MANY, refuses=True, most=PERSONS_MAX)
            mine = []
        family_email = row.value(fields.get("courriel"), values.email)
        return OldFamily(
            number=number,
            persons=tuple(mine),
            label=values.tidy_name(row.text(fields.get("nom"), 110)),
            email=family_email,
            home=home,
            quotient=self._quotient(row),
            balances=self._balances(row, known.balances if known else {}),
            place=row.place,
        )

    def _person(self, number: str, row: _Row, block: PersonBlock, taken: set[str]) -> OldPerson | None:
        fields = block.fields
        in_use = row.text(fields.get("nom d’usage"), 80)
        # Old bases write the name at birth only where it is another one.
        name, given = row.text(fields["nom"], 80) or in_use, row.text(fields["prénoms"], 120)
        if not name and not given:
            return None
        if not name or not given:
            row.fault(", ".join((*fields["nom"].columns, *fields["prénoms"].columns)), _HALF_A_NAME)
            return None
        role = ROLES.get(str(row.cell(fields["rôle"])).lower())
        if role is None:
            text = str(row.cell(fields["rôle"]))[:60]
            row.fault(", ".join(fields["rôle"].columns), _BAD_ROLE, refuses=True, text=text)
            return None
        family_name, usual = values.family_names(name)
        home = _home(row, fields)
        born = row.value(fields.get("naissance"), lambda cell: values.birth(cell, row.mapping.dates, self._today))
        given = values.given_names(given)
        usual = values.tidy_name(in_use) or usual
        key = self._key(number, row.text(fields.get("numéro"), KEY_LENGTH_MAX), given, born, taken)
        if key is None:
            return None
        return OldPerson(
            key=key,
            role=role,
            family_name=family_name,
            given_names=given,
            usual_name=usual if usual and folded(usual) != folded(family_name) else None,
            birth_date=born,
            birth_place=values.tidy_name(row.text(fields.get("lieu de naissance"), 80)) or None,
            phone=row.value(fields.get("téléphone"), values.phone),
            email=row.value(fields.get("courriel"), values.email),
            card_number=row.value(fields.get("carte"), values.number_of_card),
            card_uid=row.value(fields.get("puce"), values.uid_of_card),
            enrolled=tuple(
                service for service, source in block.enrolments.items() if row.value(source, values.yes) is True
            ),
            address=home.address,
            postcode=home.postcode,
            city=home.city,
            place=row.place,
        )

    @staticmethod
    def _key(number: str, own: str, given: str, born: date | None, taken: set[str]) -> str | None:
        """Return a person's key in the base; none where their own number says that this family has them already.

        Where the base numbers nobody, a person is known by family, given names and birth date.
        """
        if own:
            key = f"{number}/{own}"
            return None if key in taken else key
        plain = f"{number}/{folded(given)[:60]}/{born.isoformat() if born else ''}"
        key, count = plain, 1
        while key in taken:
            count += 1
            key = f"{plain}#{count}"
        return key

    def _quotient(self, row: _Row) -> OldQuotient | None:
        fields = row.mapping.quotient
        if not fields:
            return None
        value = row.value(fields["valeur"], values.quotient)
        if value is None:
            return None

        def as_day(cell: Cell) -> date | None:
            return values.day(cell, row.mapping.dates, self._today)

        since = row.value(fields["date"], as_day)
        source = SOURCES.get(str(row.cell(fields["source"])).lower())
        if since is None or source is None or not 2000 <= since.year <= self._today.year + 1:
            row.fault(", ".join(fields["date"].columns), _BAD_QUOTIENT_DATE)
            return None
        until = row.value(fields.get("jusqu’au"), as_day) or since + timedelta(days=DAYS_VALID)
        return OldQuotient(value, source, since, max(until, since))

    def _balances(self, row: _Row, known: Mapping[ServiceCode, int]) -> dict[ServiceCode, int]:
        """Return what the row says of money; a second row that says something else refuses the family."""
        found: dict[ServiceCode, int] = {}
        for sources, sign in ((row.mapping.balances, 1), (row.mapping.debts, -1)):
            for service, source in sources.items():
                amount = row.value(source, values.cents, refuses=True)
                if amount is not None:
                    # A debt is written with a minus or without one: it is a debt either way.
                    found[service] = found.get(service, 0) + (amount if sign > 0 else -abs(amount))
        for service, amount in found.items():
            if service in known and known[service] != amount:
                source = row.mapping.balances.get(service) or row.mapping.debts[service]
                row.fault(", ".join(source.columns), _TWO_BALANCES, refuses=True)
        return found


def _home(row: _Row, fields: Mapping[str, Source]) -> Home:
    return Home(
        address=row.text(fields.get("adresse"), 200) or None,
        postcode=row.text(fields.get("code postal"), 10).replace(" ", "") or None,
        city=values.tidy_name(row.text(fields.get("ville"), 80)) or None,
    )


def _settled(family: OldFamily) -> OldFamily:
    """Return a family with its name, whose members live where the household does unless they live elsewhere."""
    home = family.home
    persons = tuple(
        person
        if person.address or person.postcode or person.city
        else replace(person, address=home.address, postcode=home.postcode, city=home.city)
        for person in family.persons
    )
    return replace(family, persons=persons, label=family.label or _label(family))


def _label(family: OldFamily) -> str:
    adults = [person for person in family.persons if person.role is not FamilyRole.CHILD] or list(family.persons)
    names = dict.fromkeys(person.usual_name or person.family_name for person in adults[:2])
    has_children = any(person.role is FamilyRole.CHILD for person in family.persons)
    return (("Famille " if has_children else "Foyer ") + " et ".join(names))[:120]


_NO_PATTERN = N_("Aucune partie « fichiers » de la correspondance ne va avec ce nom de fichier : il n’est pas lu.")
_NO_NUMBER = N_("Il manque le numéro de famille, ou il a plus de 60 caractères : la ligne n’est pas reprise.")
_NIR = N_("Cela ressemble à un numéro de sécurité sociale : ce n’est pas repris. Retirez cette colonne du fichier.")
_CUT = N_("Le texte a plus de {most} caractères : il est coupé.")
_NOBODY = N_("Cette famille n’a personne : elle n’est pas reprise.")
_NO_GUARDIAN = N_("Cette famille n’a pas de responsable.")
_TOO_MANY = N_("Plus de {most} personnes portent ce numéro de famille : le numéro est sans doute mal lu.")
_HALF_A_NAME = N_("Il manque le nom ou le prénom : cette personne n’est pas reprise.")
_BAD_ROLE = N_(
    "« {text} » n’est ni un responsable, ni un enfant, ni un payeur, ni une personne autorisée : "
    "ajoutez-le aux « valeurs » de la colonne."
)
_BAD_QUOTIENT_DATE = N_("Le quotient n’a pas de date lisible, ou pas de source connue : il n’est pas repris.")
_TWO_BALANCES = N_("Une autre ligne de la même famille donne un autre solde : lequel est juste ?")
