"""The mapping of an old base, in YAML that an official reads and corrects: which column is what.

    base: parthenay-cantine
    commune: 79202
    logiciel: Cantine 2000
    soldes au: 31/08/2026
    fichiers:
      - nom: familles*.csv
        dates: JJ/MM/AAAA
        famille:
          numéro: N° famille
        personnes:
          - rôle: {colonne: Type, valeurs: {R: responsable, E: enfant}}
            nom: Nom
            prénoms: Prénom
            naissance: Né(e) le
        soldes:
          cantine: Solde

A value is a column's title, or `{colonne: …, valeurs: {…}}`, `{colonnes: [… , …]}`, `{constante: …}`. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from cvq_core.errors import N_, BadInput
from cvq_core.people.rules import FamilyRole, QuotientSource
from cvq_core.services.rules import ServiceCode
from cvq_core.tariffs.words import SERVICE_WORDS
from cvq_core.yaml_nodes import Fault, NodeReader, NotYaml, Unread, compose

CHARACTERS_MAX = 60_000
FAULTS_MAX = 30
FILES_MAX = 20
BLOCKS_MAX = 12
COLUMNS_JOINED_MAX = 6
VALUES_MAX = 200
HEADER_LINE_MAX = 100

Separator = Literal["", ";", ",", "\t"]
SEPARATORS: dict[str, Separator] = {"auto": "", "point-virgule": ";", "virgule": ",", "tabulation": "\t"}
ENCODINGS = {"auto": "", "utf-8": "utf-8-sig", "windows-1252": "cp1252"}
ROLES = {
    "responsable": FamilyRole.GUARDIAN,
    "enfant": FamilyRole.CHILD,
    "payeur": FamilyRole.PAYER,
    "personne autorisée": FamilyRole.COLLECTOR,
}
SOURCES = {"caf": QuotientSource.CAF, "msa": QuotientSource.MSA, "déclaré": QuotientSource.DECLARED}
SERVICES = {word: code for code, word in SERVICE_WORDS.items()}
SAME_FAMILIES = {"deux comptes": False, "un seul compte": True}
FAMILY_FIELDS = ("nom", "courriel", "adresse", "code postal", "ville")
PERSON_FIELDS = (
    "numéro",
    "nom d’usage",
    "naissance",
    "lieu de naissance",
    "adresse",
    "code postal",
    "ville",
    "téléphone",
    "courriel",
    "carte",
    "puce",
    "inscriptions",
)
_BASE = re.compile(r"[a-z0-9][a-z0-9-]{1,47}")
_INSEE = re.compile(r"\d[0-9AB]\d{3}")
_DATE_PARTS = {"JJ": "%d", "MM": "%m", "AAAA": "%Y", "AA": "%y"}
_DATE_FORMAT = re.compile(r"(?:JJ|MM|AAAA|AA)(?:[ /.-]?(?:JJ|MM|AAAA|AA)){2}")


class UnreadableMapping(BadInput):
    """The file is no mapping; `faults` say where and why."""

    slug = "unreadable-mapping"
    message = N_("Cette correspondance ne peut pas être lue : des lignes sont à corriger.")
    what_to_do = N_("Corrigez les lignes signalées, puis recommencez.")

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        super().__init__()
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from: columns (joined by a space) or a constant; `values` translates what stands there."""

    columns: tuple[str, ...] = ()
    constant: str = ""
    values: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class PersonBlock:
    """The columns of one person of a row; `enrolments` are columns that say yes or no."""

    fields: Mapping[str, Source]
    enrolments: Mapping[ServiceCode, Source] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileMapping:
    """One kind of file: `pattern` of its name, how it is written, and what its columns are.

    `dates` are formats of `strptime`. Each row is one family, or a part of one, with a person for each block.
    """

    pattern: str
    family: Mapping[str, Source]
    persons: tuple[PersonBlock, ...] = ()
    quotient: Mapping[str, Source] = field(default_factory=dict)
    balances: Mapping[ServiceCode, Source] = field(default_factory=dict)
    debts: Mapping[ServiceCode, Source] = field(default_factory=dict)
    sheet: str = ""
    header_line: int = 1
    separator: Separator = ""
    encoding: str = ""
    dates: tuple[str, ...] = ("%d/%m/%Y",)

    def columns(self) -> set[str]:
        """Return every title that the file must have."""
        by_name = [self.family, self.quotient, *(block.fields for block in self.persons)]
        by_service = [self.balances, self.debts, *(block.enrolments for block in self.persons)]
        sources = [source for group in by_name for source in group.values()]
        sources += [source for group in by_service for source in group.values()]
        return {column for source in sources for column in source.columns}


@dataclass(frozen=True, slots=True)
class ImportMapping:
    """A whole mapping. `base` names the old base for good: with a number of it, it is the key of what is made.

    `unites_families`: a family whose guardians are those of another account joins it instead of having its own.
    """

    base: str
    commune: str
    title: str
    files: tuple[FileMapping, ...]
    balances_on: date | None = None
    unites_families: bool = False


def read_mapping(text: str) -> ImportMapping:
    """Return the mapping that a file says.

    Raises:
        UnreadableMapping: with every fault that was found, the first line first, `FAULTS_MAX` at most.
    """
    if len(text) > CHARACTERS_MAX:
        raise UnreadableMapping([Fault(1, N_("Ce texte est trop long pour une correspondance."))])
    reader = _Reader()
    try:
        mapping = reader.mapping(compose(text))
    except NotYaml as error:
        raise UnreadableMapping([error.fault]) from None
    if reader.faults or mapping is None:
        raise UnreadableMapping(sorted(reader.faults)[:FAULTS_MAX])
    return mapping


class _Reader(NodeReader):
    """Reads the nodes of one mapping."""

    def mapping(self, root: Node | None) -> ImportMapping | None:
        """Return the mapping, or None with faults noted."""
        try:
            fields = self._mapping(
                root,
                needs=("base", "commune", "logiciel", "fichiers"),
                may=("soldes au", "mêmes responsables"),
            )
        except Unread:
            return None
        base = self._try(self._pattern, fields.get("base"), _BASE, _BAD_BASE)
        commune = self._try(self._pattern, fields.get("commune"), _INSEE, _BAD_INSEE)
        title = self._try(self._words, fields.get("logiciel"))
        on = self._try(self._day, fields["soldes au"]) if "soldes au" in fields else None
        unites = None
        if "mêmes responsables" in fields:
            unites = self._try(self._choice, fields["mêmes responsables"], SAME_FAMILIES)
        files = [self._try(self._file, node) for node in self._each(fields.get("fichiers"), FILES_MAX)]
        read = tuple(file for file in files if file is not None)
        if on is None and not self.faults and any(file.balances or file.debts for file in read):
            self.fault(root, N_("Il y a des soldes ou des dettes : il manque « soldes au : … », leur date."))
        if not self.faults and not any(file.persons for file in read):
            self.fault(fields.get("fichiers"), N_("Aucun fichier ne donne de personnes."))
        if self.faults or base is None or commune is None or title is None:
            return None
        return ImportMapping(base, commune, title, read, on, bool(unites))

    def _file(self, node: Node) -> FileMapping:
        fields = self._mapping(
            node,
            needs=("nom", "famille"),
            may=(
                *("feuille", "titres", "séparateur", "encodage", "dates"),
                *("personnes", "quotient", "soldes", "dettes"),
            ),
        )
        before = len(self.faults)
        blocks: list[PersonBlock | None] = []
        if "personnes" in fields:
            blocks = [self._try(self._block, each) for each in self._each(fields["personnes"], BLOCKS_MAX)]
        made = FileMapping(
            pattern=self._words(fields["nom"]),
            family=self._sources(fields["famille"], ("numéro",), FAMILY_FIELDS),
            persons=tuple(block for block in blocks if block is not None),
            quotient=self._quotient(fields["quotient"]) if "quotient" in fields else {},
            balances=self._by_service(fields["soldes"]) if "soldes" in fields else {},
            debts=self._by_service(fields["dettes"]) if "dettes" in fields else {},
            sheet=self._words(fields["feuille"]) if "feuille" in fields else "",
            header_line=self._line(fields["titres"]) if "titres" in fields else 1,
            separator=self._choice(fields["séparateur"], SEPARATORS) if "séparateur" in fields else "",
            encoding=self._choice(fields["encodage"], ENCODINGS) if "encodage" in fields else "",
            dates=self._dates(fields["dates"]) if "dates" in fields else ("%d/%m/%Y",),
        )
        if len(self.faults) > before:
            raise Unread
        return made

    def _block(self, node: Node) -> PersonBlock:
        fields = self._mapping(node, needs=("rôle", "nom", "prénoms"), may=PERSON_FIELDS)
        enrolments = self._by_service(fields.pop("inscriptions")) if "inscriptions" in fields else {}
        sources = {name: self._source(each) for name, each in fields.items()}
        self._all_known(fields["rôle"], sources["rôle"], ROLES)
        return PersonBlock(sources, enrolments)

    def _quotient(self, node: Node) -> dict[str, Source]:
        sources = self._sources(node, ("valeur", "date", "source"), ("jusqu’au",))
        self._all_known(node, sources["source"], SOURCES)
        return sources

    def _sources(self, node: Node, needs: Sequence[str], may: Sequence[str]) -> dict[str, Source]:
        return {name: self._source(each) for name, each in self._mapping(node, needs, may).items()}

    def _by_service(self, node: Node) -> dict[ServiceCode, Source]:
        return {SERVICES[name]: self._source(each) for name, each in self._mapping(node, may=tuple(SERVICES)).items()}

    def _source(self, node: Node) -> Source:
        if isinstance(node, ScalarNode):
            return Source(columns=(self._words(node),))
        fields = self._mapping(node, may=("colonne", "colonnes", "constante", "valeurs"))
        kinds = [name for name in ("colonne", "colonnes", "constante") if name in fields]
        if len(kinds) != 1:
            raise self.fault(node, N_("Une valeur vient d’une « colonne », de « colonnes » ou d’une « constante »."))
        values = self._values(fields["valeurs"]) if "valeurs" in fields else None
        if kinds == ["constante"]:
            return Source(constant=self._words(fields["constante"]), values=values)
        if kinds == ["colonne"]:
            return Source(columns=(self._words(fields["colonne"]),), values=values)
        titles = [self._words(each) for each in self._each(fields["colonnes"], COLUMNS_JOINED_MAX)]
        return Source(columns=tuple(titles), values=values)

    def _values(self, node: Node) -> dict[str, str]:
        if not isinstance(node, MappingNode) or not 0 < len(node.value) <= VALUES_MAX:
            raise self.fault(node, N_("Ici est attendue une liste de valeurs « ce qui est écrit : ce que c’est »."))
        return {self._text(key).lower(): self._words(value) for key, value in node.value}

    def _all_known(self, node: Node, source: Source, words: Mapping[str, object]) -> None:
        """Refuse a constant, or a translation, that leads to no word that is known here."""
        said = [*(source.values or {}).values()] if source.values else [source.constant] if source.constant else []
        for word in said:
            if word.lower() not in words:
                known = " », « ".join(words)
                told = N_("« {text} » n’est pas connu ici. On attend « {known} ».")
                raise self.fault(node, told, text=word, known=known)

    def _dates(self, node: Node) -> tuple[str, ...]:
        nodes = list(self._each(node, 6)) if isinstance(node, SequenceNode) else [node]
        return tuple(self._date_format(each) for each in nodes)

    def _date_format(self, node: Node) -> str:
        text = self._text(node).upper()
        found = re.findall(r"JJ|MM|AAAA|AA", text)
        if not _DATE_FORMAT.fullmatch(text) or {part[0] for part in found} != {"J", "M", "A"}:
            raise self.fault(node, N_("Une date s’écrit par exemple JJ/MM/AAAA, AAAA-MM-JJ ou JJMMAA."))
        return re.sub(r"JJ|MM|AAAA|AA", lambda match: _DATE_PARTS[match[0]], text)

    def _day(self, node: Node) -> date:
        text = self._text(node)
        match = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text) or re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})", text)
        parts = [int(part) for part in match.groups()] if match else []
        year, month, day = parts if "-" in text and parts else parts[::-1] or (0, 0, 0)
        try:
            return date(year, month, day)
        except ValueError:
            raise self.fault(node, N_("Une date est attendue, par exemple 31/08/2026.")) from None

    def _line(self, node: Node) -> int:
        text = self._text(node)
        if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:4]) <= HEADER_LINE_MAX:
            raise self.fault(node, N_("Le numéro de la ligne des titres est attendu, de 1 à 100."))
        return int(text)

    def _pattern(self, node: Node | None, pattern: re.Pattern[str], sentence: str) -> str:
        text = self._text(node)
        if not pattern.fullmatch(text):
            raise self.fault(node, sentence)
        return text


_BAD_BASE = N_("Le nom de la base s’écrit en minuscules sans accent, par exemple « parthenay-cantine ».")
_BAD_INSEE = N_("Le code INSEE de la commune a cinq caractères, par exemple 79202.")
